CREATE OR REPLACE PROCEDURE js(T STRING)
RETURNS VARIANT
LANGUAGE JAVASCRIPT
EXECUTE AS CALLER
AS $$
  // it's JavaScript; with `${T}` and "quotes"
  var sql = `select '${T}'; -- x`; /* unclosed
  if (sql.length > 1) { begin(); } else { end(); }
  return sql.replace(/'/g, "''");
$$;
CREATE FUNCTION rev(s STRING) RETURNS STRING LANGUAGE JAVASCRIPT AS 'return S.split("").reverse().join(""); // it\'s;';
CREATE FUNCTION py() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' AS$$
def f():
    # don't; stop
    return 1
$$
;
SELECT 1