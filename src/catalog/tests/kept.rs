//! What must stay, and what must pass.

use super::*;

/// Runs a script; every statement must end as the line says.
#[track_caller]
fn ends(script: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new();
    for (sql, expected) in script {
        let effect = bench.run(sql);
        assert_eq!(grade(&effect), *expected, "{sql}: {effect:?}");
    }
    bench
}

#[test]
fn a_slot_of_a_secret_is_not_judged_as_if_it_were_the_value() {
    ends(&[
        ("CREATE TABLE t (a VARCHAR(8), n NUMBER)", "applied"),
        ("INSERT INTO t VALUES ('\u{27E6}secret:MYKEY\u{27E7}', '\u{27E6}secret:MYKEY\u{27E7}')", "checked"),
        ("INSERT INTO t (a) VALUES ('much too long')", "refused"),
    ]);
}

#[test]
fn names_in_a_block_that_is_not_carried_out_may_have_been_made() {
    ends(&[
        ("CREATE SCHEMA s2", "applied"),
        ("USE SCHEMA local.public", "applied"),
        ("SELECT * FROM s2.t", "refused"),
        ("BEGIN IF (1 = 1) THEN CREATE TABLE s2.t (a INT); END IF; END", "opaque"),
        ("SELECT * FROM s2.t", "checked"),
    ]);
}

#[test]
fn a_block_about_rows_alone_is_checked_and_leaves_the_catalogue() {
    let mut bench = ends(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("BEGIN FOR i IN 1 TO 3 DO INSERT INTO t VALUES (1); DELETE FROM t; END FOR; END", "checked"),
        ("BEGIN INSERT INTO t VALUES (1); SELECT b FROM t; END", "opaque"),
    ]);
    let before = bench.catalog.clone();
    bench.run("BEGIN UPDATE t SET a = 2; END");
    assert_eq!(bench.catalog, before);
}

#[test]
fn one_default_has_many_spellings_for_create_or_alter() {
    ends(&[
        ("CREATE TABLE t (at TIMESTAMP_NTZ DEFAULT CURRENT_TIMESTAMP, s VARCHAR DEFAULT 'a b')", "applied"),
        (
            "CREATE OR ALTER TABLE t (at TIMESTAMP_NTZ DEFAULT current_timestamp(), s VARCHAR DEFAULT 'a b')",
            "applied",
        ),
        (
            "CREATE OR ALTER TABLE t (at TIMESTAMP_NTZ DEFAULT CURRENT_TIMESTAMP, s VARCHAR DEFAULT 'AB')",
            "refused",
        ),
        ("CREATE TABLE b (x BINARY)", "applied"),
        ("ALTER TABLE b ADD COLUMN s VARCHAR DEFAULT $$it's$$", "applied"),
    ]);
}

#[test]
fn a_name_of_the_account_is_there_again_after_a_rename_and_gone_after_a_drop() {
    ends(&[
        ("CREATE WAREHOUSE x", "applied"),
        ("CREATE WAREHOUSE y", "applied"),
        ("DROP WAREHOUSE y", "applied"),
        ("ALTER WAREHOUSE x RENAME TO y", "applied"),
        ("USE WAREHOUSE y", "applied"),
        ("CREATE STAGE a URL = 's3://b/' STORAGE_INTEGRATION = s3_int", "applied"),
        ("DROP INTEGRATION s3_int", "applied"),
        ("CREATE STAGE b URL = 's3://b/' STORAGE_INTEGRATION = s3_int", "refused"),
    ]);
}

#[test]
fn a_temporary_function_is_told_from_a_permanent_one_by_its_types() {
    ends(&[
        ("CREATE TEMPORARY FUNCTION f(a INT) RETURNS INT AS 'a'", "applied"),
        ("CREATE FUNCTION f(a INT) RETURNS INT AS 'a'", "applied"),
        ("CREATE FUNCTION f(a INT) RETURNS INT AS 'a'", "refused"),
    ]);
}

#[test]
fn or_alter_keeps_owner_grants_and_what_is_tied_to_the_columns() {
    let mut bench = ends(&[
        ("CREATE DATABASE ROLE r", "applied"),
        ("CREATE ROLE other", "applied"),
        ("USE ROLE other", "applied"),
        ("CREATE OR ALTER DATABASE ROLE r COMMENT = 'x'", "applied"),
        ("CREATE TABLE t (a VARCHAR)", "applied"),
        ("CREATE MASKING POLICY m AS (v VARCHAR) RETURNS VARCHAR -> '*'", "applied"),
        ("CREATE VIEW v (a) AS SELECT a FROM t", "applied"),
        ("ALTER VIEW v MODIFY COLUMN a SET MASKING POLICY m", "applied"),
        ("CREATE OR ALTER VIEW v (a) AS SELECT a || '' AS a FROM t", "applied"),
        ("DROP MASKING POLICY m", "refused"),
    ]);
    let roles = &bench.catalog.databases[&Ident::stored("LOCAL")].objects["database role"];
    assert_eq!(roles["R"].owner, Some(Ident::stored("DEPLOYER")));
    bench.run("CREATE OR REPLACE DATABASE ROLE r");
    let roles = &bench.catalog.databases[&Ident::stored("LOCAL")].objects["database role"];
    assert_eq!(roles["R"].owner, Some(Ident::stored("OTHER")));
}

#[test]
fn explain_ends_as_what_it_explains_can_be_told() {
    ends(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("EXPLAIN SELECT a FROM t", "checked"),
        ("EXPLAIN SELECT b FROM t", "refused"),
        ("EXPLAIN CREATE TABLE u (a INT)", "checked"),
        ("SELECT * FROM u", "refused"),
    ]);
}

#[test]
fn valid_forms_that_were_refused_once_pass() {
    ends(&[
        ("CREATE DATABASE ROLE dx", "applied"),
        ("ALTER DATABASE ROLE dx RENAME TO dy", "applied"),
        ("ALTER DATABASE ROLE dx SET COMMENT = 'x'", "refused"),
        ("DROP DATABASE ROLE local.dy", "applied"),
        ("CREATE TABLE t (a INT, b INT DEFAULT a + 5)", "applied"),
        ("CREATE TABLE u (a INT DEFAULT zz + 5)", "refused"),
        ("ALTER TABLE t MODIFY DATA METRIC FUNCTION SNOWFLAKE.CORE.NULL_COUNT ON (a) SUSPEND", "recorded"),
        (
            "ALTER TABLE t ADD DATA METRIC FUNCTION SNOWFLAKE.CORE.NULL_COUNT ON (a), SNOWFLAKE.CORE.BLANK_COUNT ON (b)",
            "recorded",
        ),
        ("CREATE FUNCTION f(x TABLE (a INT)) RETURNS INT AS 'SELECT COUNT(*) FROM x'", "applied"),
        ("SELECT {* EXCLUDE a}, {t.* ILIKE 'a%'}, {'exclude': a} FROM t", "checked"),
        ("GRANT SERVICE ROLE sv!all_endpoints_usage TO ROLE reader", "recorded"),
        ("GRANT ALL INHERITED CALLER PRIVILEGES ON ALL VIEWS IN ACCOUNT TO ROLE reader", "recorded"),
        ("CREATE TASK t0 WAREHOUSE = load_xl SCHEDULE = '1 MINUTE' AS SELECT 1", "applied"),
        ("CREATE TASK t1 WAREHOUSE = load_xl AFTER t0 AS SELECT 1", "applied"),
        ("CREATE TASK t2 WAREHOUSE = load_xl AFTER t1 AS SELECT 1", "applied"),
        ("ALTER TASK t1 RESUME", "applied"),
        ("ALTER TASK t1 REMOVE AFTER t0", "applied"),
        ("ALTER TASK t1 ADD AFTER t0", "applied"),
        ("ALTER TASK t2 RESUME", "applied"),
    ]);
}
