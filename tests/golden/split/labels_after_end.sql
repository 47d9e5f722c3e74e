BEGIN
  LOOP
    FOR i IN 1 TO 3 DO
      WHILE (TRUE) DO
        REPEAT
          BEGIN
            BREAK outer_loop;
          END inner_block;
        UNTIL (i > 2)
        END REPEAT rep;
        CONTINUE while_loop;
      END WHILE while_loop;
      ITERATE for_loop;
    END FOR for_loop;
    EXIT "Quoted Label";
  END LOOP "Quoted Label";
END main_block;
SELECT 1;
