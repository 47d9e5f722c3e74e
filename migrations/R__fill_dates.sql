-- A procedure with an unquoted block: its semicolons do not end the statement.
CREATE OR REPLACE PROCEDURE mart.fill_dates(first_day DATE, days NUMBER)
RETURNS NUMBER
LANGUAGE SQL
AS
DECLARE
    day DATE;
BEGIN
    FOR i IN 0 TO days DO
        day := DATEADD('day', i, first_day);
        IF (day IS NOT NULL) THEN
            INSERT INTO mart.dim_date (date_day, year, month, day_of_week)
            SELECT :day, YEAR(:day), MONTH(:day), DAYOFWEEK(:day);
        END IF;
    END FOR;
    RETURN days;
END;
