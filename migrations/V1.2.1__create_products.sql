CREATE TABLE staged.products (
    product_id NUMBER(38, 0)  NOT NULL PRIMARY KEY,
    sku        VARCHAR(40)    NOT NULL UNIQUE,
    name       VARCHAR(200)   NOT NULL,
    category   VARCHAR(100),
    list_price NUMBER(12, 2),
    active     BOOLEAN        DEFAULT TRUE
);
