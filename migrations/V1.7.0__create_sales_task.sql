CREATE TASK mart.add_new_sales
    WAREHOUSE = LOAD_XS
    SCHEDULE = '{{ load_schedule }}'
    WHEN SYSTEM$STREAM_HAS_DATA('staged.new_order_lines')
AS
BEGIN
    INSERT INTO mart.fact_sales (date_day, product_id, customer_id, quantity, revenue)
    SELECT o.ordered_at::DATE, l.product_id, o.customer_id, SUM(l.quantity), SUM(l.quantity * l.unit_price)
    FROM staged.new_order_lines l
    JOIN staged.orders o ON o.order_id = l.order_id
    GROUP BY 1, 2, 3;
END;

-- A task is created suspended; its owner needs EXECUTE TASK on the account.
ALTER TASK mart.add_new_sales RESUME;
