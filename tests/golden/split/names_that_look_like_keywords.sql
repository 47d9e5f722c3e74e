SELECT begin, end, t.end, loop, task, declare FROM begin.case AS end;
ALTER TABLE t ADD COLUMN begin DATE, end DATE;
GRANT CREATE TASK ON SCHEMA s TO ROLE loop;
DECLARE
  end_date DATE;
  end DATE;
  "BEGIN" INT;
  if INT;
BEGIN
  LET end := 1;
  end := 2;
  if := 3;
  SELECT t.end, t.begin, t."END", :end, end.x, x AS end, v:end.begin::INT FROM case.t JOIN end ON end.id = t.end;
  SELECT CASE WHEN end > begin THEN end ELSE t.end END AS end, CASE WHEN a THEN t.case END FROM t;
  INSERT INTO vendors (END_DATE, APPENDED, END$) SELECT 'THE END', "END;", $$END;$$;
  CALL end(1);
  RETURN t.end;
END;
SELECT 1 AS begin;
SELECT 1 begin