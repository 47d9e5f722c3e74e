-- The IF of CREATE ALERT closes with the statement.
CREATE OR REPLACE ALERT too_hot
  WAREHOUSE = compute_wh
  SCHEDULE = '1 minute'
  IF (EXISTS (
    SELECT CASE WHEN gauge > 200 THEN 1 END FROM gauges
  ))
  THEN
    INSERT INTO gauge_history VALUES (CURRENT_TIMESTAMP());
ALTER ALERT too_hot RESUME;
CREATE ALERT IF NOT EXISTS with_block
  IF (EXISTS (CALL check_all()))
  THEN BEGIN
    IF (:x > 1) THEN
      SELECT 1;
    END IF;
  END;
ALTER ALERT with_block MODIFY ACTION
BEGIN
  CALL send_mail('a;b');
END;
ALTER ALERT with_block MODIFY CONDITION EXISTS (SELECT 1);
DROP ALERT IF EXISTS too_hot;
