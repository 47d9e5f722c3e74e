CREATE STREAM staged.new_order_lines ON TABLE staged.order_lines
    APPEND_ONLY = TRUE
    COMMENT = 'What the task has not yet added to mart.fact_sales';
