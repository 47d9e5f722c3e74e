CREATE OR REPLACE VIEW customer_names AS
SELECT customer_id, name
FROM customers;
