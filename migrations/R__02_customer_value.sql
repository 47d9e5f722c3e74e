-- Reads staged.order_totals: repeatables run in the order of their descriptions.
CREATE OR REPLACE VIEW mart.customer_value AS
WITH totals AS (
    SELECT customer_id, COUNT(*) AS orders, SUM(total) AS revenue, MAX(ordered_at) AS last_order
    FROM staged.order_totals
    GROUP BY customer_id
)
SELECT c.customer_id, c.full_name, c.loyalty_tier, k.name AS country, t.orders, t.revenue, t.last_order
FROM staged.customers c
LEFT JOIN staged.countries k USING (country_code)
LEFT JOIN totals t ON t.customer_id = c.customer_id;
