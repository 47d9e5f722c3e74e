CREATE TABLE staged.countries (
    country_code CHAR(2)      NOT NULL,
    name         VARCHAR(100) NOT NULL,
    CONSTRAINT pk_countries PRIMARY KEY (country_code)
);

CREATE TABLE staged.customers (
    customer_id  NUMBER(38, 0) NOT NULL,
    email        VARCHAR(320),
    full_name    VARCHAR(200)  NOT NULL,
    country_code CHAR(2),
    created_at   TIMESTAMP_NTZ NOT NULL,
    attributes   VARIANT,
    CONSTRAINT pk_customers PRIMARY KEY (customer_id),
    CONSTRAINT fk_customers_country FOREIGN KEY (country_code) REFERENCES staged.countries (country_code)
);

COMMENT ON COLUMN staged.customers.attributes IS 'Whatever else the shop knows; see raw.customers';
