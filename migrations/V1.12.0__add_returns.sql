CREATE TABLE staged.returns (
    return_id   NUMBER(38, 0) AUTOINCREMENT START 1 INCREMENT 1,
    order_id    NUMBER(38, 0) NOT NULL REFERENCES staged.orders (order_id),
    product_id  NUMBER(38, 0) NOT NULL REFERENCES staged.products (product_id),
    quantity    NUMBER(10, 0) NOT NULL DEFAULT 1,
    reason      VARCHAR(500),
    returned_at TIMESTAMP_NTZ NOT NULL,
    CONSTRAINT pk_returns PRIMARY KEY (return_id)
)
WITH TAG (governance.data_owner = 'logistics');

ALTER TABLE staged.orders ADD COLUMN returned BOOLEAN DEFAULT FALSE, last_return_at TIMESTAMP_NTZ;

ALTER TABLE staged.products ALTER COLUMN name SET DATA TYPE VARCHAR(400);

CREATE STREAM staged.new_returns ON TABLE staged.returns;
