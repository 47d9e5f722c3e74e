-- A graph: nightly -> fill_calendar -> clear_clicks, and at the end, whatever happened, note_night.
CREATE TABLE mart.nights (
    night_id   NUMBER AUTOINCREMENT,
    ended_at   TIMESTAMP_NTZ NOT NULL DEFAULT CURRENT_TIMESTAMP(),
    clicks     NUMBER(18, 0)
);

CREATE TASK mart.nightly
    WAREHOUSE = LOAD_XS
    SCHEDULE = 'USING CRON 0 3 * * * Europe/Vienna'
    SUSPEND_TASK_AFTER_NUM_FAILURES = 3
    COMMENT = 'Root of the night'
AS
CALL raw.load_customers();

CREATE TASK mart.fill_calendar
    WAREHOUSE = LOAD_XS
    AFTER mart.nightly
AS
CALL mart.fill_dates(CURRENT_DATE(), 7);

CREATE TASK mart.clear_clicks
    WAREHOUSE = LOAD_XS
    AFTER mart.fill_calendar
AS
DELETE FROM raw.clicks WHERE clicked_at < DATEADD('day', -90, CURRENT_DATE());

CREATE TASK mart.note_night
    WAREHOUSE = LOAD_XS
    FINALIZE = mart.nightly
AS
INSERT INTO mart.nights (clicks) SELECT COUNT(*) FROM raw.clicks;

-- Tasks are created suspended. The root comes last: a graph whose root runs takes no change.
ALTER TASK mart.note_night RESUME;
ALTER TASK mart.clear_clicks RESUME;
ALTER TASK mart.fill_calendar RESUME;
ALTER TASK mart.nightly RESUME;
