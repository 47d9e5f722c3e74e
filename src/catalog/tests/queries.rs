//! Queries that must pass, and queries that must not.

use super::*;

#[test]
fn queries_are_not_refused_where_a_source_is_unknown() {
    Bench::all(BASE).all_of(&[
        "SELECT f.value:sku::STRING, f.index, x FROM customer c, LATERAL FLATTEN(input => c.doc:items) f, TABLE(GENERATOR(ROWCOUNT => 3)) g",
        "SELECT $1, t.$2, metadata$filename FROM @st/path (FILE_FORMAT => 'ff') t",
        "SELECT COLUMN1, column2 FROM VALUES (1, 2), (3, 4)",
        "SELECT a.x FROM (VALUES (1)) AS a (x)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
        "WITH r (n) AS (SELECT id FROM customer), s AS (SELECT n AS m FROM r) SELECT m FROM s",
        "SELECT id AS x, x + 1 AS y FROM customer WHERE y > 1 ORDER BY x",
        "SELECT o.order_id FROM orders o JOIN orders p ON o.order_id = p.order_id ORDER BY order_id",
        "SELECT * FROM customer PIVOT (SUM(balance) FOR name IN ('a', 'b')) AS p (a, b)",
        "SELECT anything FROM customer MATCH_RECOGNIZE (ORDER BY id MEASURES 1 AS anything PATTERN (a) DEFINE a AS TRUE)",
        "SELECT id FROM customer c WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id AND email IS NOT NULL)",
        "SELECT customer.id, o.* EXCLUDE (amount) FROM customer LEFT JOIN orders o ON customer.id = o.customer_id",
        "SELECT order_id FROM orders NATURAL JOIN orders o2",
        "SELECT id FROM customer JOIN (SELECT customer_id AS id FROM orders) o USING (id)",
        "SELECT COUNT(*) OVER (PARTITION BY id ORDER BY email ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM customer",
        "SELECT LISTAGG(DISTINCT email, ',') WITHIN GROUP (ORDER BY email) FROM customer GROUP BY ALL",
        "SELECT DATEADD(day, 1, placed_at), DATEDIFF('day', placed_at, CURRENT_DATE), EXTRACT(year FROM placed_at) FROM orders",
        "SELECT level, id FROM customer START WITH id = 1 CONNECT BY PRIOR id = id",
        "SELECT CASE id WHEN 1 THEN 'a' ELSE 'b' END, IFF(id IN (1, 2), TRUE, FALSE), id BETWEEN 1 AND 2, email LIKE ANY ('a%', 'b%') FROM customer",
        "SELECT FILTER(ARRAY_CONSTRUCT(1, 2), x -> x > 1), {'a': id, 'b': [1, 2]} FROM customer",
        "SELECT seq.NEXTVAL, s.nextval FROM customer, TABLE(GETNEXTVAL(seq)) s",
        "SELECT METADATA$ACTION, order_id FROM strm",
        "SELECT id FROM customer AT (OFFSET => -60) AS c SAMPLE (10) QUALIFY ROW_NUMBER() OVER (ORDER BY id) = 1",
        "SELECT 1 FROM orders o ASOF JOIN customer c MATCH_CONDITION (o.placed_at >= c.id) ON o.customer_id = c.id",
        "(SELECT id FROM customer) UNION ALL (SELECT order_id FROM orders) ORDER BY 1 LIMIT 3",
        "SELECT IDENTIFIER('id') FROM IDENTIFIER('customer')",
        "SELECT DISTINCT TOP 3 id FROM customer",
        "INSERT INTO orders (order_id) SELECT TRY_CAST(name AS NUMBER) FROM customer",
        "INSERT ALL WHEN id > 1 THEN INTO orders (order_id) VALUES (id) ELSE INTO orders (order_id) SELECT id FROM customer",
        "MERGE INTO orders USING customer ON orders.customer_id = customer.id WHEN MATCHED THEN UPDATE SET amount = balance \
         WHEN NOT MATCHED THEN INSERT (order_id) VALUES (customer.id)",
        "DELETE FROM orders o USING customer c WHERE o.customer_id = c.id",
        "UPDATE customer c SET c.name = o.amount FROM orders o WHERE o.customer_id = c.id",
        "SHOW GRANTS TO ROLE reader",
        "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE \"name\" = 'x'",
        "EXPLAIN USING TEXT SELECT id FROM customer",
    ]);
}

#[test]
fn names_are_followed_through_queries() {
    Bench::all(BASE).all_of(&[
        // Common table expressions.
        "WITH a AS (SELECT id FROM customer), b AS (SELECT id AS x FROM a) SELECT b.x, a.id FROM a JOIN b ON a.id = b.x",
        "WITH RECURSIVE up (n, path) AS (SELECT 1, 'a' UNION ALL SELECT n + 1, path || 'b' FROM up WHERE n < 3) SELECT path FROM up",
        "WITH up AS (SELECT id, name FROM customer UNION ALL SELECT up.id, c.name FROM up JOIN customer c ON c.id = up.id) SELECT name FROM up",
        "WITH a AS (WITH b AS (SELECT id FROM customer) SELECT id FROM b) SELECT id FROM a",
        "SELECT * FROM (WITH a AS (SELECT id AS k FROM customer) SELECT k FROM a) WHERE k > 1",
        "WITH customer AS (SELECT 1 AS other) SELECT other FROM customer",
        // Aliases of select items, before and after.
        "SELECT total * 2 AS twice, amount + 1 AS total FROM orders WHERE twice > 3 QUALIFY ROW_NUMBER() OVER (ORDER BY total) = 1",
        "SELECT UPPER(name) AS name, LENGTH(name) AS n FROM customer GROUP BY name HAVING n > 1 ORDER BY n",
        // Joins.
        "SELECT customer_id, a.amount, b.amount FROM orders a JOIN orders b USING (customer_id)",
        "SELECT * EXCLUDE (amount) RENAME (placed_at AS placed) FROM orders",
        "SELECT o.*, c.name FROM orders o, customer c WHERE c.id = o.customer_id",
        "SELECT x.id, y.order_id FROM (customer x CROSS JOIN orders y)",
        "SELECT local.public.customer.id, public.customer.email FROM customer",
        // Correlated.
        "SELECT (SELECT MAX(amount) FROM orders WHERE customer_id = c.id) FROM customer c WHERE c.id IN (SELECT customer_id FROM orders WHERE c.name = 'x')",
        "SELECT c.id, o.amount FROM customer c, LATERAL (SELECT amount FROM orders WHERE customer_id = c.id) o",
        // Semi-structured.
        "SELECT doc:a.b[0]::STRING AS v, doc['k'], f.value:x, f.this, f.index FROM customer, LATERAL FLATTEN(INPUT => doc:items, OUTER => TRUE) f",
        "SELECT g.value FROM customer c, TABLE(FLATTEN(c.doc)) f, TABLE(FLATTEN(f.value)) g",
        "SELECT s.value, s.index FROM customer, TABLE(SPLIT_TO_TABLE(name, ',')) s",
        // Where columns are not known nothing is refused.
        "SELECT anything, t.other FROM raw.any.t",
        "SELECT region, q1 FROM raw.any.t PIVOT (SUM(amount) FOR quarter IN ('q1', 'q2')) p",
        "SELECT month, sales FROM orders UNPIVOT (sales FOR month IN (amount, customer_id))",
        "SELECT \"'a'\" FROM (SELECT name, amount FROM orders, customer) PIVOT (MAX(amount) FOR name IN (ANY ORDER BY name)) AS p",
        "SELECT * FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY()) WHERE name = 'T1'",
        "SELECT table_name FROM INFORMATION_SCHEMA.TABLES WHERE table_schema = 'PUBLIC'",
        "SELECT $1:a::STRING, METADATA$FILE_ROW_NUMBER FROM @st (PATTERN => '.*')",
        // Sides of set operators.
        "SELECT id, email FROM customer UNION SELECT order_id, 'x' FROM orders MINUS SELECT 1, 'y'",
        "SELECT id FROM customer UNION ALL BY NAME SELECT email, name FROM customer",
        "SELECT email FROM (SELECT id FROM customer UNION ALL BY NAME SELECT email FROM customer)",
        "SELECT * FROM raw.any.t UNION ALL SELECT 1, 2, 3",
        "SELECT id FROM customer ORDER BY (SELECT MAX(order_id) FROM orders)",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT column1 AS a FROM VALUES (1, 2) WHERE column2 > 1",
        // Rare forms.
        "TABLE customer",
        "TABLE customer LIMIT 3",
        "TABLE v_customer UNION ALL SELECT order_id, 'x' FROM orders ORDER BY 1",
        "SELECT amount + 1 AS total, e.id FROM customer e LEFT JOIN orders o ON total > 3",
        "SELECT name, \"1\" FROM customer JOIN orders ON id = customer_id PIVOT (SUM(amount) FOR order_id IN (1, 2)) AS p WHERE name = 'x'",
        "SELECT id FROM customer WHERE SEARCH((customer.* EXCLUDE doc), 'x')",
        "SELECT model!PREDICT(INPUT_DATA => OBJECT_CONSTRUCT(*)) AS p, id FROM customer",
        "SELECT TRANSFORM(doc, e -> {'n': e:name, 's': (1.05 * e:pay), 'k': id}) AS r FROM customer",
        "SELECT {'a': f.value:x, 'b': f.value} FROM customer, LATERAL FLATTEN(doc) f",
        "SELECT * FROM SEMANTIC_VIEW(any_view DIMENSIONS a.b AS c METRICS a.d WHERE a.e > 1) WHERE c = 1",
        "SELECT id FROM customer JOIN (SELECT customer_id AS id FROM orders) o USING id",
        "WITH base AS (id * 3) SELECT base FROM customer",
        // Literals that fit or that only rows can tell.
        "INSERT INTO customer (id, email) VALUES ('12', 'a'), (' 1.5e3 ', 'b'), (0, 'c')",
        "INSERT INTO customer (id, email, doc) SELECT 1, 'a', PARSE_JSON('{}')",
        "INSERT INTO customer (id, email, doc) VALUES (1, 'a', NULL)",
        "UPDATE orders SET amount = '12'",
        "UPDATE orders SET amount = 'twelve' WHERE FALSE",
        "MERGE INTO customer c USING (SELECT 1 AS k) s ON c.id = s.k WHEN MATCHED AND s.k > 0 THEN DELETE \
         WHEN NOT MATCHED THEN INSERT (id, email, doc) VALUES (s.k, 'x', TO_VARIANT('y'))",
    ]);
}

#[test]
fn names_that_are_not_there_are_refused() {
    let cases = [
        // Common table expressions.
        ("WITH a AS (SELECT id AS x FROM customer) SELECT id FROM a", "000904"),
        ("WITH a (x) AS (SELECT id FROM customer) SELECT a.id FROM a", "000904"),
        ("WITH b AS (SELECT x FROM a), a AS (SELECT 1 AS x) SELECT x FROM b", "002003"),
        ("WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT m + 1 FROM up) SELECT n FROM up", "000904"),
        ("SELECT * FROM (SELECT id FROM customer) s WHERE s.email = 'x'", "000904"),
        // Aliases.
        ("SELECT nope AS nope FROM customer", "000904"),
        ("SELECT UPPER(nope) AS nope FROM customer", "000904"),
        ("SELECT c.id FROM customer c WHERE customer.id = 1", "000904"),
        ("SELECT id FROM customer QUALIFY ROW_NUMBER() OVER (PARTITION BY nope ORDER BY id) = 1", "000904"),
        ("SELECT COUNT(*) FROM customer GROUP BY nope", "000904"),
        // Joins.
        ("SELECT id FROM customer JOIN orders USING (id)", "000904"),
        ("SELECT a.amount FROM orders a JOIN orders b ON a.order_id = b.nope", "000904"),
        ("SELECT amount FROM orders a JOIN orders b ON a.order_id = b.order_id", "002028"),
        // Correlated.
        (
            "SELECT id FROM customer c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.nope)",
            "000904",
        ),
        ("SELECT f.nope FROM customer, LATERAL FLATTEN(INPUT => doc) f", "000904"),
        ("SELECT nope:a.b FROM customer", "000904"),
        ("SELECT column3 FROM VALUES (1, 2)", "000904"),
        ("TABLE nope", "002003"),
        ("SELECT {'a': nope:x} FROM customer", "000904"),
        ("SELECT amount + 1 AS total FROM customer e LEFT JOIN orders o ON sum_total > 3", "000904"),
        ("SELECT 1 FROM nope PIVOT (SUM(a) FOR b IN (1))", "002003"),
        ("SELECT $1 FROM @nope/path", "002003"),
        ("SELECT nope.NEXTVAL", "002003"),
        // Set operators.
        ("SELECT id, email FROM customer UNION ALL SELECT order_id FROM orders", "000000"),
        ("SELECT 1 UNION SELECT 2 UNION SELECT 3, 4", "000000"),
        ("CREATE VIEW v AS SELECT * FROM customer EXCEPT SELECT id FROM customer", "000000"),
        // Widths and literals.
        ("INSERT INTO orders (order_id, amount) SELECT order_id FROM orders", "002020"),
        ("INSERT INTO orders VALUES (1, 2, 3)", "002020"),
        ("INSERT INTO orders (order_id, nope) VALUES (1, 2)", "000904"),
        ("INSERT INTO orders (order_id) VALUES ('one')", "100038"),
        ("INSERT INTO orders (order_id) VALUES (1), ('')", "100038"),
        ("INSERT INTO customer (id, email, doc) VALUES (1, 'a', '{}')", "002023"),
        ("UPDATE customer SET doc = 'text'", "002023"),
        ("UPDATE customer SET nope = 1", "000904"),
        ("UPDATE customer SET name = nope", "000904"),
        ("DELETE FROM customer USING orders o WHERE o.nope = 1", "000904"),
        ("MERGE INTO customer c USING orders o ON c.id = o.nope WHEN MATCHED THEN DELETE", "000904"),
        (
            "MERGE INTO customer c USING orders o ON c.id = o.customer_id WHEN MATCHED THEN UPDATE SET c.nope = 1",
            "000904",
        ),
        (
            "MERGE INTO customer c USING orders o ON c.id = o.customer_id WHEN NOT MATCHED THEN INSERT (id) VALUES (1, 2)",
            "002020",
        ),
        ("COPY INTO orders (order_id, nope) FROM @st", "000904"),
    ];
    let mut bench = Bench::all(BASE);
    bench.run("CREATE TABLE code (c VARCHAR(3))");
    for (sql, code) in cases {
        assert_eq!(bench.refusal(sql).code, code, "{sql}");
    }
    assert_eq!(
        bench.refusal("INSERT INTO code VALUES ('ab\\tc'), ('abcd')").message,
        "DML operation to table LOCAL.PUBLIC.CODE failed on column C with error: String 'ab\tc' is too long and would be truncated"
    );
    assert_eq!(
        bench.refusal("SELECT 1, 2 UNION ALL SELECT 3").message,
        "SQL compilation error:\ninvalid number of result columns for set operator input branches, expected 2, got 1 in branch 2"
    );
}
