CREATE FILE FORMAT raw.json_lines
    TYPE = JSON
    STRIP_OUTER_ARRAY = TRUE;

CREATE STAGE raw.inbox
    FILE_FORMAT = (FORMAT_NAME = 'raw.json_lines')
    COMMENT = 'Files from the shop, one folder a source';
