// it's a comment; with a quote
/* and /* another; */
BEGIN -- opens; here
  FOR r /* ; */ IN c // don't
  DO
    IF (TRUE) -- $$
    THEN /* ' */
      SELECT 1 /* ; */ ; // END IF;
    END /* x; */ -- y
      IF -- z
      /* END; */ ;
  END
  // END IF
  FOR
  /* label follows */ outer_loop /* ; */ ;
END -- the end
/* ; */ ;
-- between; two
SELECT 1 -- one; two
  , 2 // three;
;
-- nothing; more
