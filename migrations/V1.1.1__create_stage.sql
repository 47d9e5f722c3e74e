CREATE FILE FORMAT raw.json_lines
    TYPE = JSON
    COMPRESSION = AUTO;

CREATE STAGE raw.inbox
    FILE_FORMAT = (FORMAT_NAME = 'raw.json_lines')
    COMMENT = 'Files from the shop, one folder a source';
