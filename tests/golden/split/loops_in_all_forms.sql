BEGIN
  FOR r IN c DO
    NULL;
  END FOR;
  FOR r IN (SELECT 1) DO
    NULL;
  END FOR;
  FOR i IN REVERSE 1 TO 10 DO
    BREAK;
  END FOR;
  FOR i IN 1 TO (SELECT MAX(x) FROM t) LOOP
    CONTINUE;
  END LOOP;
  WHILE (x < 3) DO
    x := x + 1;
  END WHILE;
  WHILE (x < 3) LOOP
    x := x + 1;
  END LOOP;
  LOOP
    LOOP
      EXIT;
    END LOOP;
    BREAK;
  END LOOP;
  REPEAT
    REPEAT
      x := REPEAT('x', 3);
    UNTIL (x > CASE WHEN y THEN 1 ELSE 2 END) END REPEAT;
  UNTIL (x > 3)
  END REPEAT;
END;
SELECT REPEAT('a;', 3);
