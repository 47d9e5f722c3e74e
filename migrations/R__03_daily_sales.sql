CREATE OR REPLACE SECURE VIEW mart.daily_sales AS
SELECT f.date_day, d.year, d.month, p.category, SUM(f.quantity) AS quantity, SUM(f.revenue) AS revenue
FROM mart.fact_sales f
JOIN mart.dim_date d ON d.date_day = f.date_day
JOIN staged.products p ON p.product_id = f.product_id
GROUP BY f.date_day, d.year, d.month, p.category;
