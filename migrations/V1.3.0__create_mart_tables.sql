CREATE TABLE mart.dim_date (
    date_day    DATE         NOT NULL PRIMARY KEY,
    year        NUMBER(4, 0) NOT NULL,
    month       NUMBER(2, 0) NOT NULL,
    day_of_week NUMBER(1, 0) NOT NULL
);

CREATE TABLE mart.fact_sales (
    date_day    DATE          NOT NULL,
    product_id  NUMBER(38, 0) NOT NULL,
    customer_id NUMBER(38, 0) NOT NULL,
    quantity    NUMBER(18, 0) NOT NULL,
    revenue     NUMBER(18, 2) NOT NULL
)
CLUSTER BY (date_day)
DATA_RETENTION_TIME_IN_DAYS = {{ retention_days }};
