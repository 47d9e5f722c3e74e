CREATE TABLE customers (
    customer_id NUMBER(38, 0) NOT NULL,
    name        VARCHAR(200)  NOT NULL,
    created_at  TIMESTAMP_NTZ NOT NULL
)
DATA_RETENTION_TIME_IN_DAYS = {{ retention_days }};
