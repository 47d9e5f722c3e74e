-- Files of the web shop, loaded as they arrive. The two integrations belong to the account: `externals` of snowops.yml.
CREATE TABLE raw.clicks (
    clicked_at  TIMESTAMP_NTZ NOT NULL,
    session_id  VARCHAR(64)   NOT NULL,
    customer_id NUMBER(38, 0),
    product_id  NUMBER(38, 0),
    page        VARCHAR,
{% include 'audit_columns.sql' %}
)
CLUSTER BY (TO_DATE(clicked_at));

CREATE FILE FORMAT raw.click_files
    TYPE = CSV
    SKIP_HEADER = 1
    FIELD_OPTIONALLY_ENCLOSED_BY = '"'
    NULL_IF = ('', 'null')
    TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF3';

CREATE STAGE raw.click_landing
    URL = 'azure://retailshop.blob.core.windows.net/clicks/{{ snowops.environment }}/'
    STORAGE_INTEGRATION = RETAIL_LANDING
    FILE_FORMAT = (FORMAT_NAME = 'raw.click_files')
    DIRECTORY = (ENABLE = TRUE);

CREATE PIPE raw.load_clicks
    AUTO_INGEST = TRUE
    INTEGRATION = 'RETAIL_LANDING_EVENTS'
    COMMENT = 'One file a minute'
AS
COPY INTO raw.clicks (clicked_at, session_id, customer_id, product_id, page, loaded_from)
FROM (
    SELECT $1::TIMESTAMP_NTZ, $2, $3, $4, $5, METADATA$FILENAME
    FROM @raw.click_landing
);
