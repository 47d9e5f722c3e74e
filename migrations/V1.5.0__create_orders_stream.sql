CREATE STREAM staged.new_orders ON TABLE staged.orders
    APPEND_ONLY = TRUE
    COMMENT = 'What the task has not yet added to mart.fact_sales';
