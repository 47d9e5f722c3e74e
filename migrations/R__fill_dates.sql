-- A procedure with an unquoted block: its semicolons do not end the statement.
CREATE OR REPLACE PROCEDURE mart.fill_dates(first_day DATE, days NUMBER)
RETURNS NUMBER
LANGUAGE SQL
AS
DECLARE
    new_day DATE;
    filled NUMBER DEFAULT 0;
BEGIN
    FOR i IN 0 TO days - 1 DO
        new_day := DATEADD('day', i, first_day);
        INSERT INTO mart.dim_date (date_day, year, month, day_of_week)
        SELECT :new_day, YEAR(:new_day), MONTH(:new_day), DAYOFWEEKISO(:new_day)
        WHERE NOT EXISTS (SELECT 1 FROM mart.dim_date WHERE date_day = :new_day);
        IF (SQLROWCOUNT > 0) THEN
            filled := filled + 1;
        END IF;
    END FOR;
    RETURN filled;
END;
