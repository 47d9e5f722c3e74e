CREATE OR REPLACE VIEW staged.order_totals
COMMENT = 'One row an order'
AS
SELECT
    o.order_id,
    o.customer_id,
    o.ordered_at,
    o.payload:channel::VARCHAR AS channel,
    SUM(l.quantity) AS items,
    SUM(l.quantity * l.unit_price) AS total
FROM staged.orders o
JOIN staged.order_lines l ON l.order_id = o.order_id
GROUP BY o.order_id, o.customer_id, o.ordered_at, o.payload:channel::VARCHAR;
