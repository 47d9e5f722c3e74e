//! What statements need besides their object: names in clauses, calls and bodies.

use super::{super::*, list};
use crate::model::facts::Why;

/// Names in clauses, bodies and calls, of forms that real scripts have.
#[test]
fn finds_what_a_statement_needs_besides_its_object() {
    let rows = [
        ("CREATE TABLE t (a INT DEFAULT s.q.NEXTVAL, b INT REFERENCES u (id))", "SEQUENCE S.Q, TABLE U"),
        (
            "CREATE TABLE t (a STRING WITH MASKING POLICY p USING (a, b), c DATE WITH TAG (x = 'y'))",
            "MASKING POLICY P, TAG X",
        ),
        (
            "CREATE TABLE t (a INT) WITH ROW ACCESS POLICY s.p ON (a) WITH TAG (c.x = '1', y = '2')",
            "ROW ACCESS POLICY S.P, TAG C.X, TAG Y",
        ),
        (
            "CREATE TABLE t USING TEMPLATE (SELECT ARRAY_AGG(OBJECT_CONSTRUCT(*)) FROM TABLE(INFER_SCHEMA(LOCATION => '@s/p', FILE_FORMAT => 'f')))",
            "STAGE S, FILE FORMAT F",
        ),
        (
            "CREATE VIEW v AS SELECT u.f(a) x, e(b) FROM t, TABLE(g(1)) WHERE t.a (+) = t.b",
            "TABLE T, FUNCTION U.F, FUNCTION E, FUNCTION G",
        ),
        ("CREATE VIEW v AS SELECT SUM(a), a::NUMBER(3) FROM (VALUES (1)) x (a)", ""),
        (
            "CREATE STAGE s URL = 's3://b' STORAGE_INTEGRATION = i FILE_FORMAT = (FORMAT_NAME = 'd.s.f')",
            "STORAGE INTEGRATION I, FILE FORMAT D.S.F",
        ),
        ("CREATE STAGE s FILE_FORMAT = (TYPE = CSV) COMMENT = '@home'", "STAGE HOME"),
        (
            "CREATE TASK t WAREHOUSE = w SCHEDULE = '5 MINUTE' ERROR_INTEGRATION = e AS SELECT 1",
            "WAREHOUSE W, NOTIFICATION INTEGRATION E",
        ),
        ("CREATE TASK t AFTER a, s.b FINALIZE = r AS SELECT 1", "TASK A, TASK S.B, TASK R"),
        ("CREATE TASK t WAREHOUSE = REFERENCE('w') AS SELECT 1", ""),
        (
            "CREATE FUNCTION f() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = 3.11 HANDLER = 'm.f' IMPORTS = ('@s/m.py') EXTERNAL_ACCESS_INTEGRATIONS = (i, j) SECRETS = ('k' = d.s.x)",
            "STAGE S, EXTERNAL ACCESS INTEGRATION I, EXTERNAL ACCESS INTEGRATION J, SECRET D.S.X",
        ),
        ("CREATE FUNCTION f(x INT) RETURNS INT AS 'SELECT MAX(a) + g(x) FROM t'", "TABLE T, FUNCTION G"),
        ("CREATE DATA METRIC FUNCTION m(c TABLE (a INT)) RETURNS NUMBER AS 'SELECT COUNT(*) FROM c'", ""),
        (
            "CREATE SEMANTIC VIEW v TABLES (o AS s.orders PRIMARY KEY (id), c) RELATIONSHIPS (o (id) REFERENCES c)",
            "TABLE S.ORDERS, TABLE C",
        ),
        ("CREATE EXTERNAL LISTING l SHARE s AS $$ title: x $$ PUBLISH = TRUE", "SHARE S"),
        ("CREATE DATABASE d FROM SHARE o.a.s", ""),
        ("CREATE APPLICATION a FROM APPLICATION PACKAGE p USING VERSION v1 PATCH 2", "APPLICATION PACKAGE P"),
        (
            "CREATE FAILOVER GROUP g OBJECT_TYPES = DATABASES, SHARES ALLOWED_DATABASES = a, b ALLOWED_ACCOUNTS = o.x",
            "DATABASE A, DATABASE B",
        ),
        ("CREATE INTERACTIVE WAREHOUSE w TABLES (a, s.b) WAREHOUSE_SIZE = XSMALL", "TABLE A, TABLE S.B"),
        (
            "CREATE SERVICE s IN COMPUTE POOL p FROM @st SPECIFICATION_FILE = 'x.yml'",
            "COMPUTE POOL P, STAGE ST",
        ),
        (
            "CREATE DYNAMIC TABLE t TARGET_LAG = DOWNSTREAM WAREHOUSE = w BACKFILL FROM o AS SELECT * FROM s",
            "WAREHOUSE W, TABLE O, TABLE S",
        ),
        ("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (b)", "TABLE U"),
        ("ALTER TABLE t MODIFY COLUMN a SET MASKING POLICY s.p", "MASKING POLICY S.P"),
        ("ALTER TABLE t MODIFY COLUMN a UNSET MASKING POLICY", ""),
        (
            "ALTER TABLE t DROP ROW ACCESS POLICY p, ADD ROW ACCESS POLICY q ON (a)",
            "ROW ACCESS POLICY P, ROW ACCESS POLICY Q",
        ),
        ("ALTER TAG t SET MASKING POLICY p, MASKING POLICY q", "MASKING POLICY P, MASKING POLICY Q"),
        ("ALTER WAREHOUSE w SET TAG a = 'x', s.b = 'y'", "TAG A, TAG S.B"),
        ("ALTER TASK t ADD AFTER a, b", "TASK A, TASK B"),
        ("ALTER WAREHOUSE w SET RESOURCE_MONITOR = m", "RESOURCE MONITOR M"),
        ("ALTER APPLICATION PACKAGE p ADD VERSION v USING '@d.s.st/app'", "STAGE D.S.ST"),
        (
            "COPY INTO t FROM '@s/p.csv' FILE_FORMAT = (FORMAT_NAME = f) ON_ERROR = 'continue'",
            "STAGE S, FILE FORMAT F",
        ),
        ("COPY INTO 's3://b/p' FROM t STORAGE_INTEGRATION = i", "TABLE T, STORAGE INTEGRATION I"),
        ("INSERT INTO t (a, b) SELECT q.NEXTVAL, f(x) FROM s", "TABLE S, FUNCTION F, SEQUENCE Q"),
        ("INSERT ALL WHEN a > 1 THEN INTO t (a) VALUES (a) ELSE INTO u (a) SELECT a FROM s", "TABLE S"),
        ("MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)", "TABLE S"),
        ("SELECT * FROM SEMANTIC_VIEW(s.v METRICS a)", "SEMANTIC VIEW S.V"),
        ("SELECT x.NEXTVAL FROM TABLE(GETNEXTVAL(s.q)) x", "SEQUENCE S.Q"),
        ("SELECT m!PREDICT(1), SYSTEM$TYPEOF(a) FROM t", "TABLE T"),
        ("GRANT SELECT ON s.t TO SHARE IN APPLICATION PACKAGE p", "APPLICATION PACKAGE P"),
        ("SHOW VERSIONS IN AGENT s.a", "AGENT S.A"),
        ("SHOW TABLES IN ACCOUNT", ""),
    ];
    for (sql, expected) in rows {
        let facts = facts(sql);
        assert_eq!((list(&facts.reads).as_str(), &facts.certainty), (expected, &Certainty::Parsed), "{sql}");
    }
}

/// A body that runs now does what its statements do; one that runs later only names what it will need.
#[test]
fn looks_into_bodies() {
    // SQL, what it defines, needs and destroys, and what its body needs later.
    let rows = [
        (
            "BEGIN CREATE TABLE t (a INT); INSERT INTO t SELECT * FROM s; DROP VIEW v; END",
            "TABLE T",
            "TABLE S",
            "VIEW V",
            "",
        ),
        (
            "DECLARE c CURSOR FOR SELECT a FROM s; BEGIN FOR r IN c DO UPDATE t SET a = 1; END FOR; RETURN (SELECT MAX(a) FROM u); END",
            "",
            "TABLE S, TABLE T, TABLE U",
            "",
            "",
        ),
        (
            "EXECUTE IMMEDIATE $$BEGIN IF (EXISTS (SELECT 1 FROM s)) THEN CALL p(f(1)); END IF; END$$",
            "",
            "TABLE S, PROCEDURE P, FUNCTION F",
            "",
            "",
        ),
        (
            "EXECUTE IMMEDIATE 'CREATE OR REPLACE VIEW v AS SELECT * FROM s'",
            "VIEW V",
            "TABLE S",
            "VIEW V",
            "",
        ),
        ("EXECUTE IMMEDIATE 'DROP TABLE ' || x", "", "", "", ""),
        ("EXECUTE IMMEDIATE $sql", "", "", "", ""),
        ("SHOW TABLES ->> SELECT \"name\" FROM $1 JOIN s ON TRUE", "", "TABLE S", "", ""),
        (
            "CREATE TEMP TABLE t (a INT) ->> INSERT INTO t SELECT 1 ->> SELECT * FROM t",
            "TEMPORARY TABLE T",
            "",
            "",
            "",
        ),
        (
            "CREATE PROCEDURE p(a INT) RETURNS INT EXECUTE AS CALLER AS BEGIN DELETE FROM t WHERE x = :a; CALL SYSTEM$WAIT(1); RETURN 1; END",
            "PROCEDURE P",
            "",
            "",
            "TABLE T",
        ),
        (
            "CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS 'BEGIN CREATE OR REPLACE TEMP TABLE x AS SELECT ''a'' b FROM s; TRUNCATE t; END'",
            "PROCEDURE P",
            "",
            "",
            "TABLE S, TABLE T",
        ),
        (
            "CREATE PROCEDURE p() RETURNS INT LANGUAGE JAVASCRIPT AS $$ return `select * from t`; $$",
            "PROCEDURE P",
            "",
            "",
            "",
        ),
        (
            "CREATE FUNCTION f() RETURNS INT LANGUAGE SQL AS $$ BEGIN RETURN (SELECT 1 FROM t); END $$",
            "FUNCTION F",
            "",
            "",
            "TABLE T",
        ),
        (
            "CREATE TASK t WHEN SYSTEM$STREAM_HAS_DATA('s.st') AS MERGE INTO u USING s.st ON TRUE WHEN MATCHED THEN DELETE",
            "TASK T",
            "",
            "",
            "STREAM S.ST, TABLE U",
        ),
        (
            "CREATE ALERT a IF (EXISTS (SELECT 1 FROM t)) THEN CALL p((SELECT MAX(a) FROM t))",
            "ALERT A",
            "",
            "",
            "TABLE T, PROCEDURE P",
        ),
        ("ALTER TASK t MODIFY AS CALL p()", "", "", "", "PROCEDURE P"),
        (
            "CREATE MASKING POLICY m AS (v STRING) RETURNS STRING -> CASE WHEN EXISTS (SELECT 1 FROM t) THEN f(v) END",
            "MASKING POLICY M",
            "TABLE T, FUNCTION F",
            "",
            "",
        ),
    ];
    for (sql, defines, reads, destroys, body) in rows {
        let facts = facts(sql);
        let found =
            [&facts.defines, &facts.reads, &facts.destroys, &facts.details.body].map(|objects| list(objects));
        assert_eq!(found, [defines, reads, destroys, body], "{sql}");
        assert_eq!(facts.certainty, Certainty::Parsed, "{sql}");
    }
    let sql = "CREATE PROCEDURE p() RETURNS INT AS $$ BEGIN SELECT 1 FROM s.t; END $$";
    let table = &facts(sql).details.body[0];
    assert_eq!(&sql[table.at.start..table.at.end], "s.t");
    let wrong = "BEGIN USE ROLE a b; END";
    let why = Why { reason: "'b' was not expected here".to_owned(), at: 17 };
    assert_eq!(facts(wrong).certainty, Certainty::Partial(why));
    let deep = format!("{}SELECT 1", "CREATE TASK t AS ".repeat(20_000));
    assert_eq!(facts(&deep).verb, Verb::Create);
}

#[test]
fn clauses_that_no_kind_has_leave_a_doubt() {
    for sql in [
        "CREATE TABLE t (a INT) BANANA",
        "CREATE TABLE t (a INT) CLUSTER BY (a) BANANA = 1 SPLIT",
        "CREATE TABLE t IF NOT EXISTS (a INT)",
        "ALTER TABLE t PEEL",
        "ALTER WAREHOUSE w",
        "LIST @<stage>",
        "CREATE ALERT a IF EXISTS (SELECT 1) THEN CALL p()",
    ] {
        assert!(matches!(facts(sql).certainty, Certainty::Partial(_)), "{sql}");
    }
}

#[test]
fn names_in_bodies_know_their_place_behind_escapes() {
    let sql =
        r"CREATE PROCEDURE p() RETURNS INT AS 'BEGIN SELECT ''a\x41\tb'', a FROM d.s.t; DELETE FROM u; END'";
    let places: Vec<&str> =
        facts(sql).details.body.iter().map(|table| &sql[table.at.start..table.at.end]).collect();
    assert_eq!(places, ["d.s.t", "u"]);
}
