CREATE DYNAMIC TABLE mart.click_sessions
    TARGET_LAG = DOWNSTREAM
    WAREHOUSE = LOAD_XS
    INITIALIZE = ON_SCHEDULE
    COMMENT = 'One row a visit'
AS
SELECT
    session_id,
    ANY_VALUE(customer_id) AS customer_id,
    MIN(clicked_at) AS started_at,
    MAX(clicked_at) AS ended_at,
    COUNT(*) AS clicks
FROM raw.clicks
GROUP BY session_id;

CREATE DYNAMIC TABLE mart.product_interest
    TARGET_LAG = '{{ interest_lag }}'
    WAREHOUSE = LOAD_XS
    INITIALIZE = ON_SCHEDULE
    CLUSTER BY (day)
    COMMENT = 'Who looked at what, and how long the visits were'
AS
SELECT
    c.clicked_at::DATE AS day,
    c.product_id,
    p.category,
    COUNT(DISTINCT c.session_id) AS visits,
    AVG(DATEDIFF('second', s.started_at, s.ended_at)) AS seconds_a_visit
FROM raw.clicks c
JOIN mart.click_sessions s ON s.session_id = c.session_id
LEFT JOIN staged.products p ON p.product_id = c.product_id
WHERE c.product_id IS NOT NULL
GROUP BY ALL;
