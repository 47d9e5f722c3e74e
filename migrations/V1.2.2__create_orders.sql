CREATE SEQUENCE staged.order_line_ids START = 1 INCREMENT = 1;

CREATE TABLE staged.orders (
    order_id    NUMBER(38, 0) NOT NULL PRIMARY KEY,
    customer_id NUMBER(38, 0) NOT NULL REFERENCES staged.customers (customer_id),
    ordered_at  TIMESTAMP_NTZ NOT NULL,
    status      VARCHAR(20)   NOT NULL DEFAULT 'new',
    payload     VARIANT
)
CLUSTER BY (TO_DATE(ordered_at));

CREATE TABLE staged.order_lines (
    order_line_id NUMBER(38, 0) NOT NULL DEFAULT staged.order_line_ids.NEXTVAL,
    order_id      NUMBER(38, 0) NOT NULL,
    product_id    NUMBER(38, 0) NOT NULL,
    quantity      NUMBER(10, 0) NOT NULL,
    unit_price    NUMBER(12, 2) NOT NULL,
    PRIMARY KEY (order_line_id)
);
