//! What Snowflake would refuse, with its code and words.

use super::*;

#[test]
fn refusals_have_the_code_and_the_words_of_the_server() {
    let table: &[(&str, &str, &str)] = &[
        // Syntax.
        (
            "SELEC 1",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 0 unexpected 'SELEC'.",
        ),
        (
            "CREATE TABEL x (a INT)",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 7 unexpected 'TABEL'.",
        ),
        (
            "SELECT id,, email FROM customer",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 10 unexpected ','.",
        ),
        (
            "CREATE TABLE x (a INT",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 21 unexpected '<EOF>'.",
        ),
        ("CREATE TABLE x (a INT,\n b)", "002040", "SQL compilation error:\nUnsupported data type 'B'."),
        (
            "CREATE TABLE x (a INT,\n , b INT)",
            "001003",
            "SQL compilation error:\nsyntax error line 2 at position 1 unexpected ','.",
        ),
        (
            "CREATE TABLE x",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 14 unexpected '<EOF>'.",
        ),
        (
            "CREATE TABLE select (a INT)",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 13 unexpected 'select'.",
        ),
        (
            "SELECT * FROM customer WHERE",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 28 unexpected '<EOF>'.",
        ),
        (
            "SELECT * FROM customer WHERE id = = 1",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 34 unexpected '='.",
        ),
        (
            "INSERT customer VALUES (1)",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 7 unexpected 'customer'.",
        ),
        ("UPDATE customer name = 'x'", "001003", "SQL compilation error:\nsyntax error"),
        ("DELETE customer", "001003", "SQL compilation error:\nsyntax error"),
        (
            "DROP TABLE",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 10 unexpected '<EOF>'.",
        ),
        ("UNDROP VIEW v", "001003", "SQL compilation error:\nsyntax error"),
        ("ALTER TABLE customer FROBNICATE", "001003", "SQL compilation error:\nsyntax error"),
        ("GRANT SELECT customer TO ROLE reader", "001003", "SQL compilation error:\nsyntax error"),
        (
            "IF (1 = 1) THEN SELECT 1; END IF",
            "001003",
            "SQL compilation error:\nsyntax error line 1 at position 0 unexpected 'IF'.",
        ),
        ("SELECT 'x", "001003", "SQL compilation error:\nsyntax error"),
        ("-- nothing", "000900", "SQL compilation error:\nEmpty SQL statement."),
        (
            "CREATE OR REPLACE TABLE IF NOT EXISTS x (a INT)",
            "000000",
            "SQL compilation error:\noptions IF NOT EXISTS and OR REPLACE are incompatible.",
        ),
        // Types and options.
        ("CREATE TABLE x (a MONEY)", "002040", "SQL compilation error:\nUnsupported data type 'MONEY'."),
        (
            "ALTER TABLE customer ADD COLUMN a BLOB",
            "002040",
            "SQL compilation error:\nUnsupported data type 'BLOB'.",
        ),
        ("SELECT id::JSON FROM customer", "002040", "SQL compilation error:\nUnsupported data type 'JSON'."),
        ("CREATE TABLE x (a NUMBER(39))", "002040", "SQL compilation error:\nUnsupported data type"),
        (
            "CREATE TABLE x (a INT) FROB = 1",
            "001420",
            "SQL compilation error:\ninvalid property 'FROB' for 'TABLE'",
        ),
        (
            "CREATE SCHEMA x FROB = 1",
            "001420",
            "SQL compilation error:\ninvalid property 'FROB' for 'SCHEMA'",
        ),
        (
            "CREATE FILE FORMAT ff TYPE = CSV SKIP_HEDER = 1",
            "000000",
            "SQL compilation error:\ninvalid parameter 'SKIP_HEDER'",
        ),
        (
            "CREATE FUNCTION f() RETURNS INT LANGUAGE COBOL AS '1'",
            "000000",
            "Unknown function language: COBOL.",
        ),
        (
            "CREATE TABLE x (a INT DEFAULT 1 AUTOINCREMENT)",
            "000000",
            "SQL compilation error: \nMultiple DEFAULT or AUTOINCREMENT expressions declared for column A.",
        ),
        // Objects that are not there.
        (
            "SELECT * FROM nope",
            "002003",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            "SELECT * FROM other.nope",
            "002003",
            "SQL compilation error:\nObject 'LOCAL.OTHER.NOPE' does not exist or not authorized.",
        ),
        (
            "SELECT * FROM \"customer\"",
            "002003",
            "SQL compilation error:\nObject '\"customer\"' does not exist or not authorized.",
        ),
        (
            "INSERT INTO nope VALUES (1)",
            "002003",
            "SQL compilation error:\nTable 'NOPE' does not exist or not authorized.",
        ),
        (
            "UPDATE nope SET a = 1",
            "002003",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            "DELETE FROM nope",
            "002003",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            "MERGE INTO nope USING orders o ON 1 = 1 WHEN MATCHED THEN DELETE",
            "002003",
            "SQL compilation error:\nTable 'NOPE' does not exist or not authorized.",
        ),
        (
            "TRUNCATE TABLE nope",
            "002003",
            "SQL compilation error:\nTable 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "DROP TABLE nope",
            "002003",
            "SQL compilation error:\nTable 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "DROP VIEW nope",
            "002003",
            "SQL compilation error:\nView 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "DROP FILE FORMAT nope",
            "002003",
            "SQL compilation error:\nFile format 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "ALTER TABLE nope ADD COLUMN a INT",
            "002003",
            "SQL compilation error:\nTable 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "ALTER TASK nope RESUME",
            "002003",
            "SQL compilation error:\nTask 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "COMMENT ON TABLE nope IS 'x'",
            "002003",
            "SQL compilation error:\nTable 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "DESCRIBE TABLE nope",
            "002003",
            "SQL compilation error:\nTable 'NOPE' does not exist or not authorized.",
        ),
        (
            "GRANT SELECT ON TABLE nope TO ROLE reader",
            "002003",
            "SQL compilation error:\nTable 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE TABLE nope.x (a INT)",
            "002003",
            "SQL compilation error:\nSchema 'LOCAL.NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE TABLE nope.public.x (a INT)",
            "002003",
            "SQL compilation error:\nDatabase 'NOPE' does not exist or not authorized.",
        ),
        (
            "SELECT * FROM nope.public.x",
            "002003",
            "SQL compilation error:\nDatabase 'NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE VIEW x AS SELECT * FROM nope",
            "002003",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE STREAM x ON TABLE nope",
            "002003",
            "SQL compilation error:\nTable 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE TABLE x CLONE nope",
            "002003",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE TASK x AFTER nope AS SELECT 1",
            "091085",
            "SQL compilation error:\nInvalid predecessor NOPE was specified.",
        ),
        (
            "SELECT nope.NEXTVAL",
            "002003",
            "SQL compilation error:\nSequence 'NOPE' does not exist or not authorized.",
        ),
        (
            "SELECT $1 FROM @nope/path",
            "002003",
            "SQL compilation error:\nStage 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "ALTER TABLE customer MODIFY COLUMN email SET MASKING POLICY nope",
            "002003",
            "SQL compilation error:\nMasking policy 'LOCAL.PUBLIC.NOPE' does not exist or not authorized.",
        ),
        (
            "USE DATABASE nope",
            "002043",
            "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
        ),
        (
            "USE SCHEMA nope",
            "002043",
            "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
        ),
        (
            "SHOW TABLES IN SCHEMA nope",
            "002043",
            "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
        ),
        (
            "CALL nope(1)",
            "002141",
            "SQL compilation error:\nUnknown user-defined function LOCAL.PUBLIC.NOPE.",
        ),
        (
            "DROP PROCEDURE p(VARCHAR)",
            "002003",
            "SQL compilation error:\nProcedure 'LOCAL.PUBLIC.P' does not exist or not authorized.",
        ),
        ("DROP PROCEDURE p", "090208", "Argument types of function 'P' must be specified."),
        (
            "SELECT * FROM a.b.c.d",
            "000906",
            "SQL compilation error:\nTABLE name 'a.b.c.d' has too many qualifiers",
        ),
        ("UNDROP TABLE nope", "090025", "Table LOCAL.PUBLIC.NOPE did not exist or was purged."),
        // Objects that are there.
        (
            "CREATE TABLE customer (a INT)",
            "002002",
            "SQL compilation error:\nObject 'LOCAL.PUBLIC.CUSTOMER' already exists.",
        ),
        ("CREATE SCHEMA other", "002002", "SQL compilation error:\nObject 'LOCAL.OTHER' already exists."),
        ("CREATE DATABASE local", "002002", "SQL compilation error:\nObject 'LOCAL' already exists."),
        ("CREATE ROLE own_role", "002002", "SQL compilation error:\nObject 'OWN_ROLE' already exists."),
        (
            "ALTER TABLE customer RENAME TO orders",
            "002002",
            "SQL compilation error:\nObject 'ORDERS' already exists.",
        ),
        (
            "CREATE OR REPLACE TABLE v_customer (a INT)",
            "001998",
            "SQL compilation error:\nObject 'LOCAL.PUBLIC.V_CUSTOMER' already exists as VIEW",
        ),
        (
            "CREATE VIEW IF NOT EXISTS customer AS SELECT 1 AS a",
            "001998",
            "SQL compilation error:\nObject 'LOCAL.PUBLIC.CUSTOMER' already exists as TABLE",
        ),
        (
            "CREATE TABLE strm (a INT)",
            "001998",
            "SQL compilation error:\nObject 'LOCAL.PUBLIC.STRM' already exists as STREAM",
        ),
        (
            "DROP TABLE IF EXISTS v_customer",
            "000000",
            "SQL compilation error: Object found is of type 'VIEW', not specified type 'TABLE'.",
        ),
        (
            "ALTER VIEW customer SET SECURE",
            "000000",
            "SQL compilation error: Object found is of type 'TABLE', not specified type 'VIEW'.",
        ),
        // Columns.
        (
            "SELECT nope FROM customer",
            "000904",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'NOPE'",
        ),
        (
            "SELECT id\nFROM customer\nWHERE c.id = 1",
            "000904",
            "SQL compilation error: error line 3 at position 6\ninvalid identifier 'C.ID'",
        ),
        (
            "SELECT c.nope FROM customer c JOIN orders o ON c.id = o.customer_id",
            "000904",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'C.NOPE'",
        ),
        (
            "SELECT \"id\" FROM customer",
            "000904",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier '\"id\"'",
        ),
        (
            "WITH a AS (SELECT id FROM customer) SELECT email FROM a",
            "000904",
            "SQL compilation error: error line 1 at position 43\ninvalid identifier 'EMAIL'",
        ),
        (
            "CREATE VIEW x AS SELECT s.nope FROM (SELECT id FROM customer) s",
            "000904",
            "SQL compilation error: error line 1 at position 24\ninvalid identifier 'S.NOPE'",
        ),
        (
            "UPDATE customer SET nope = 1",
            "000904",
            "SQL compilation error: error line 1 at position 20\ninvalid identifier 'NOPE'",
        ),
        (
            "INSERT INTO customer (nope) VALUES (1)",
            "000904",
            "SQL compilation error: error line 1 at position 22\ninvalid identifier 'NOPE'",
        ),
        (
            "CREATE TABLE x (a INT, PRIMARY KEY (b))",
            "000904",
            "SQL compilation error: error line 1 at position 36\ninvalid identifier 'B'",
        ),
        (
            "CREATE TABLE x (a INT) CLUSTER BY (b)",
            "000904",
            "SQL compilation error: error line 1 at position 35\ninvalid identifier 'B'",
        ),
        (
            "ALTER TABLE customer RENAME COLUMN nope TO x",
            "002003",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            "CREATE TABLE x (a INT REFERENCES customer (nope))",
            "000904",
            "SQL compilation error: error line 1 at position 43\ninvalid identifier 'NOPE'",
        ),
        (
            "SELECT amount FROM orders, orders o2",
            "002028",
            "SQL compilation error:\nambiguous column name 'AMOUNT'",
        ),
        ("CREATE TABLE x (a INT, A INT)", "002025", "SQL compilation error:\nduplicate column name 'A'"),
        (
            "CREATE VIEW x AS SELECT id, id FROM customer",
            "002025",
            "SQL compilation error:\nduplicate column name 'ID'",
        ),
        (
            "CREATE TABLE x AS SELECT COUNT(*) FROM customer",
            "002022",
            "SQL compilation error:\nMissing column specification",
        ),
        (
            "CREATE TABLE x (a INT) AS SELECT id, email FROM customer",
            "002026",
            "SQL compilation error:\nInvalid column definition list",
        ),
        (
            "ALTER TABLE customer DROP COLUMN nope",
            "000000",
            "SQL compilation error:\ncolumn 'NOPE' does not exist",
        ),
        (
            "ALTER TABLE customer ADD COLUMN email STRING",
            "000000",
            "SQL compilation error:\ncolumn 'EMAIL' already exists",
        ),
        (
            "ALTER TABLE orders DROP COLUMN order_id, customer_id, amount, placed_at",
            "001432",
            "SQL compilation error:\ncannot drop all the columns of a table",
        ),
        (
            "ALTER TABLE customer ADD PRIMARY KEY (email)",
            "000000",
            "SQL compilation error:\nprimary key already exists for table 'CUSTOMER'",
        ),
        (
            "ALTER TABLE customer ALTER COLUMN email SET DATA TYPE VARCHAR(10)",
            "040050",
            "SQL compilation error: cannot change column EMAIL from type VARCHAR(320) to VARCHAR(10) because reducing the byte-length",
        ),
        (
            "ALTER TABLE customer ALTER COLUMN balance TYPE NUMBER(12,4)",
            "040052",
            "SQL compilation error: cannot change column BALANCE from type NUMBER(12,2) to NUMBER(12,4) because changing the scale",
        ),
        (
            "ALTER TABLE customer ALTER COLUMN balance TYPE BOOLEAN",
            "002108",
            "SQL compilation error: cannot change column BALANCE from type NUMBER(12,2) to BOOLEAN",
        ),
        // Rows and variables.
        (
            "INSERT INTO orders VALUES (1, 2)",
            "002020",
            "SQL compilation error:\nInsert value list does not match column list expecting 4 but got 2",
        ),
        (
            "INSERT INTO orders (order_id, amount) SELECT id FROM customer",
            "002020",
            "SQL compilation error:\nInsert value list does not match column list expecting 2 but got 1",
        ),
        (
            "INSERT INTO customer (id, email) VALUES (1, NULL)",
            "100072",
            "DML operation to table CUSTOMER failed on column EMAIL with error: NULL result in a non-nullable column",
        ),
        (
            "INSERT INTO customer (id) VALUES (1)",
            "100072",
            "DML operation to table CUSTOMER failed on column EMAIL with error: NULL result",
        ),
        (
            "SELECT $nope",
            "000000",
            "SQL compilation error: error line 1 at position 7\nSession variable '$NOPE' does not exist",
        ),
        (
            "DELETE FROM orders WHERE amount < $nope",
            "000000",
            "SQL compilation error: error line 1 at position 34\nSession variable '$NOPE' does not exist",
        ),
    ];
    assert!(table.len() >= 60);
    let bench = Bench::all(BASE);
    let mut wrong = Vec::new();
    for (sql, code, start) in table {
        let mut bench =
            Bench { catalog: bench.catalog.clone(), session: bench.session.clone(), run: bench.run };
        match bench.run(sql) {
            Effect::Refused(error) if error.code == *code && error.message.starts_with(start) => {}
            other => wrong.push(format!("{sql}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
