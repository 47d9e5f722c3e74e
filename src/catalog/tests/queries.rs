//! Queries that must pass.

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
