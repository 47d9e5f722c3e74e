BEGIN
  LET x NUMBER := 1;
  RETURN x;
END;

DECLARE
  profit NUMBER(38, 2) DEFAULT 0.0;
  cost NUMBER := 100;
BEGIN
  profit := 110 - cost;
  BEGIN
    DECLARE
      inner_name STRING;
    BEGIN
      inner_name := 'END;';
    END;
  END;
  RETURN profit;
END;
EXECUTE IMMEDIATE $$
BEGIN
  RETURN 'not cut; here';
END;
$$;
SELECT 1
