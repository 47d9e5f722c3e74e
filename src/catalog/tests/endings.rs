//! How statements end, in the order of a script.

use super::*;

/// Runs a script; every statement must end as the line says.
#[track_caller]
fn ends(script: &[(&str, &str)]) {
    let mut bench = Bench::new();
    for (sql, expected) in script {
        let effect = bench.run(sql);
        assert_eq!(grade(&effect), *expected, "{sql}: {effect:?}");
    }
}

#[test]
fn names_come_from_variables_whose_value_can_be_told() {
    ends(&[
        ("SET env = 'DEV'", "applied"),
        ("SET db = $env || '_SALES'", "applied"),
        ("SET (wh, who) = (CONCAT('WH_', $env), LOWER('R_') || UPPER('reader'))", "applied"),
        ("SET here = CURRENT_DATABASE() || '.PUBLIC.T'", "applied"),
        ("CREATE TABLE IDENTIFIER($here) (a INT)", "applied"),
        ("SELECT a FROM local.public.t", "checked"),
        ("SELECT b FROM TABLE($here)", "refused"),
        ("CREATE DATABASE IDENTIFIER($db)", "applied"),
        ("USE DATABASE dev_sales", "applied"),
        ("CREATE WAREHOUSE IDENTIFIER($wh) WAREHOUSE_SIZE = XSMALL", "applied"),
        ("CREATE ROLE IDENTIFIER($who)", "applied"),
        ("GRANT USAGE ON WAREHOUSE wh_dev TO ROLE r_reader", "applied"),
        ("GRANT ROLE IDENTIFIER($who) TO ROLE sysadmin", "applied"),
        ("SET unknown = CURRENT_USER()", "applied"),
        ("SET both = $db || $unknown", "applied"),
        ("USE DATABASE IDENTIFIER($both)", "opaque"),
        ("USE SCHEMA IDENTIFIER($nowhere)", "refused"),
    ]);
}

#[test]
fn a_grant_is_applied_where_target_and_grantee_are_known() {
    ends(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE ROLE r", "applied"),
        ("GRANT SELECT, INSERT ON TABLE t TO ROLE r WITH GRANT OPTION", "applied"),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE r", "applied"),
        ("GRANT SELECT ON FUTURE VIEWS IN DATABASE local TO ROLE r", "applied"),
        ("GRANT USAGE ON DATABASE local TO r", "applied"),
        ("GRANT EXECUTE TASK ON ACCOUNT TO ROLE r", "applied"),
        ("GRANT OWNERSHIP ON TABLE t TO ROLE r COPY CURRENT GRANTS", "applied"),
        ("REVOKE SELECT ON TABLE t FROM ROLE r", "applied"),
        ("GRANT SELECT ON TABLE raw.any.t TO ROLE r", "recorded"),
        ("GRANT SELECT ON TABLE t TO ROLE stranger", "recorded"),
        ("GRANT SELECT ON TABLE nope TO ROLE r", "refused"),
    ]);
}

#[test]
fn a_text_that_is_known_runs_as_if_it_stood_there() {
    ends(&[
        ("EXECUTE IMMEDIATE 'CREATE TABLE t (a INT)'", "applied"),
        ("EXECUTE IMMEDIATE $$SELECT a FROM t$$", "checked"),
        ("SET ddl = 'ALTER TABLE t ADD COLUMN b ' || 'INT'", "applied"),
        ("EXECUTE IMMEDIATE $ddl", "applied"),
        ("SELECT b FROM t", "checked"),
        ("EXECUTE IMMEDIATE 'DROP TABLE nope'", "refused"),
        ("EXECUTE IMMEDIATE 'SELECT ' || CURRENT_USER()", "opaque"),
        ("EXECUTE IMMEDIATE FROM @st/script.sql", "opaque"),
        ("EXECUTE IMMEDIATE 'DELETE FROM t WHERE a = ?' USING (a)", "opaque"),
        ("SET loop = 'EXECUTE IMMEDIATE $loop'", "applied"),
        ("EXECUTE IMMEDIATE $loop", "opaque"),
    ]);
}

#[test]
fn a_straight_block_does_what_its_statements_do() {
    ends(&[
        ("BEGIN CREATE TABLE t (a INT); INSERT INTO t VALUES (1); RETURN 'done'; END", "applied"),
        (
            "EXECUTE IMMEDIATE $$ DECLARE n INT DEFAULT 1; BEGIN LET m := n + 1; SELECT COUNT(*) INTO :n FROM t; END $$",
            "checked",
        ),
        ("BEGIN INSERT INTO t SELECT a FROM t; CREATE VIEW v AS SELECT a FROM t; END;", "applied"),
        ("SELECT a FROM v", "checked"),
        ("BEGIN BEGIN TRANSACTION; DELETE FROM t WHERE a = 1; COMMIT; END", "applied"),
        // Nothing of a block that is not understood is kept.
        ("BEGIN CREATE TABLE half (a INT); DROP TABLE nope; END", "opaque"),
        ("BEGIN LET q := 'DROP TABLE t'; EXECUTE IMMEDIATE q; END", "opaque"),
        ("BEGIN LET n := 't2'; CREATE TABLE IDENTIFIER(:n) (a INT); END", "opaque"),
        ("BEGIN LET r RESULTSET := (EXECUTE IMMEDIATE 'SELECT 1'); RETURN TABLE(r); END", "opaque"),
        ("BEGIN RETURN 1; CREATE TABLE never (a INT); END", "opaque"),
        ("SHOW TABLES ->> SELECT \"name\" FROM $1", "checked"),
        ("CREATE TABLE c (a INT) ->> INSERT INTO c VALUES (1) ->> SELECT a FROM c", "applied"),
    ]);
}

#[test]
fn nothing_is_kept_of_a_block_that_is_not_understood() {
    let mut bench = Bench::new();
    assert_eq!(grade(&bench.run("BEGIN CREATE TABLE half (a INT); DROP TABLE nope; END")), "opaque");
    assert_eq!(grade(&bench.run("BEGIN IF (TRUE) THEN CREATE TABLE half (a INT); END IF; END")), "opaque");
    assert!(bench.rows("SHOW TABLES").is_empty());
}

#[test]
fn a_block_with_branches_is_checked_if_it_can_change_no_object() {
    ends(&[
        ("CREATE TABLE t (a INT)", "applied"),
        (
            "BEGIN IF (1 > 0) THEN DELETE FROM t; ELSEIF (2 > 1) THEN UPDATE t SET a = 1; ELSE INSERT INTO t VALUES (1); END IF; END",
            "checked",
        ),
        (
            "DECLARE c CURSOR FOR SELECT a FROM t; BEGIN FOR r IN c DO INSERT INTO t VALUES (2); END FOR; RETURN 1; END",
            "checked",
        ),
        (
            "BEGIN FOR i IN 1 TO 3 DO LET x := CASE WHEN i = 1 THEN 1 ELSE 2 END; END FOR; WHILE (FALSE) DO NULL; END WHILE; REPEAT NULL; UNTIL (TRUE) END REPEAT; LOOP BREAK; END LOOP; END",
            "checked",
        ),
        ("BEGIN DELETE FROM t; EXCEPTION WHEN OTHER THEN ROLLBACK; RAISE; END", "checked"),
        ("BEGIN CASE (1) WHEN 1 THEN SELECT a FROM t; ELSE RETURN 2; END CASE; END", "checked"),
        ("BEGIN IF (TRUE) THEN SELECT * FROM nope; END IF; END", "opaque"),
        ("BEGIN IF (TRUE) THEN CREATE TABLE maybe (a INT); END IF; END", "opaque"),
        ("BEGIN DROP TABLE t; EXCEPTION WHEN OTHER THEN RETURN 1; END", "opaque"),
        ("SELECT a FROM t", "checked"),
    ]);
}

#[test]
fn a_call_follows_a_body_in_sql() {
    ends(&[
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TABLE s.t (a INT)", "applied"),
        (
            "CREATE PROCEDURE s.fill(n INT) RETURNS INT LANGUAGE SQL AS $$ BEGIN INSERT INTO t VALUES (:n); RETURN n; END $$",
            "applied",
        ),
        (
            "CREATE PROCEDURE s.make() RETURNS INT AS BEGIN CREATE TABLE made (a INT); RETURN 1; END",
            "applied",
        ),
        (
            "CREATE PROCEDURE s.any(q STRING) RETURNS INT AS BEGIN EXECUTE IMMEDIATE q; RETURN 1; END",
            "applied",
        ),
        (
            "CREATE PROCEDURE s.js() RETURNS STRING LANGUAGE JAVASCRIPT EXECUTE AS CALLER AS 'return 1'",
            "applied",
        ),
        (
            "CREATE PROCEDURE s.here() RETURNS INT EXECUTE AS CALLER AS BEGIN CREATE TABLE there (a INT); RETURN 1; END",
            "applied",
        ),
        ("USE SCHEMA public", "applied"),
        ("CALL s.fill(1)", "checked"),
        ("CALL s.make()", "applied"),
        ("SELECT a FROM s.made", "checked"),
        ("CALL s.here()", "applied"),
        ("SELECT a FROM public.there", "checked"),
        ("CALL s.nope()", "refused"),
        ("CALL s.any('SELECT 1')", "opaque"),
        ("CALL s.js()", "opaque"),
        ("CALL raw.any.thing()", "opaque"),
        ("CALL SYSTEM$SEND_EMAIL('a', 'b', 'c', 'd')", "recorded"),
    ]);
}

#[test]
fn files_and_runs_are_checked_by_name() {
    ends(&[
        ("CREATE STAGE st", "applied"),
        ("CREATE TABLE t (a INT)", "applied"),
        ("LIST @st/path", "checked"),
        ("LS '@local.public.st'", "checked"),
        ("LIST @~", "checked"),
        ("LIST @%t", "checked"),
        ("PUT file:///tmp/a.csv @st AUTO_COMPRESS = FALSE", "checked"),
        ("REMOVE @st/path", "checked"),
        ("LIST @nope", "refused"),
        ("CREATE TASK k WAREHOUSE = DEPLOY_XS SCHEDULE = '5 MINUTE' AS SELECT 1", "applied"),
        ("EXECUTE TASK k", "checked"),
        ("ALTER STAGE st REFRESH SUBPATH = 'in'", "checked"),
        ("CREATE PIPE p AS COPY INTO t FROM @st", "applied"),
        ("ALTER PIPE p REFRESH", "checked"),
        ("ALTER PIPE nope REFRESH", "refused"),
        ("COPY INTO t FROM @raw.any.st FILE_FORMAT = (FORMAT_NAME = raw.any.ff)", "checked"),
        ("COPY INTO t FROM 's3://bucket/in' STORAGE_INTEGRATION = stranger", "recorded"),
        ("EXECUTE TASK nope", "refused"),
    ]);
}

#[test]
fn what_an_opaque_statement_may_have_made_is_not_refused() {
    ends(&[
        ("SELECT * FROM made", "refused"),
        // Rows make no object.
        ("SET u = CURRENT_USER()", "applied"),
        ("DELETE FROM IDENTIFIER($u)", "opaque"),
        ("SELECT * FROM made", "refused"),
        (
            "CREATE PROCEDURE run_it(q STRING) RETURNS INT AS BEGIN EXECUTE IMMEDIATE q; RETURN 1; END",
            "applied",
        ),
        ("CREATE SCHEMA other", "applied"),
        ("CREATE TABLE public.t (a INT)", "applied"),
        ("CALL public.run_it('CREATE TABLE made (a INT)')", "opaque"),
        ("SELECT * FROM public.made", "checked"),
        ("INSERT INTO made VALUES (1)", "checked"),
        ("SELECT b FROM public.t", "refused"),
        ("DROP TABLE public.t", "applied"),
        ("SELECT a FROM public.t", "refused"),
        ("SELECT * FROM another.made", "refused"),
        ("CREATE STAGE st", "applied"),
        ("EXECUTE IMMEDIATE FROM @nowhere.st/setup.sql", "refused"),
        ("EXECUTE IMMEDIATE FROM @st/setup.sql", "opaque"),
        ("SELECT * FROM another.made", "checked"),
    ]);
}

#[test]
fn columns_that_an_opaque_statement_may_have_changed_are_not_known() {
    ends(&[
        ("CREATE SCHEMA adm", "applied"),
        (
            "CREATE PROCEDURE adm.add_column(t STRING, c STRING) RETURNS INT AS \
             BEGIN EXECUTE IMMEDIATE 'ALTER TABLE ' || t || ' ADD COLUMN ' || c; RETURN 1; END",
            "applied",
        ),
        ("CREATE SCHEMA src", "applied"),
        ("CREATE TABLE bills (a INT)", "applied"),
        ("CREATE TABLE other (a INT)", "applied"),
        ("USE SCHEMA public", "applied"),
        ("SELECT b FROM src.bills", "refused"),
        ("CALL adm.add_column('src.Bills', 'b INT')", "opaque"),
        ("SELECT b FROM src.bills", "checked"),
        ("SELECT b FROM src.other", "refused"),
        ("SELECT * FROM src.made", "checked"),
    ]);
}

#[test]
fn a_session_that_stands_at_an_unknown_place_refuses_no_short_names() {
    ends(&[
        ("SET u = CURRENT_USER()", "applied"),
        ("USE SCHEMA IDENTIFIER($u)", "opaque"),
        ("CREATE TABLE t (a INT)", "opaque"),
        ("SELECT * FROM t", "opaque"),
        ("SELECT * FROM local.public.nope", "refused"),
        ("USE SCHEMA local.public", "applied"),
        ("SELECT * FROM t", "refused"),
    ]);
}

#[test]
fn rare_forms_are_read() {
    ends(&[
        ("CREATE TABLE t (a INT, b INT)", "applied"),
        ("SELECT COUNT(a) / NULLIF((SELECT COUNT(*) FROM t WHERE b > 1), 0) FROM t", "checked"),
        (
            "SELECT COALESCE((SELECT MAX(a) FROM t), (SELECT MIN(b) FROM t)), ARRAY((SELECT a FROM t) UNION (SELECT b FROM t))",
            "checked",
        ),
        (
            "CREATE PROCEDURE p() RETURNS TABLE(VARCHAR, NUMBER(10,2)) LANGUAGE JAVASCRIPT AS 'return 1'",
            "applied",
        ),
        ("CALL p() INTO :x", "opaque"),
        ("CALL p() GRANT", "refused"),
        ("CALL model!FORECAST(FORECASTING_PERIODS => 3)", "recorded"),
        ("CREATE APPLICATION PACKAGE pkg", "recorded"),
        ("USE APPLICATION PACKAGE pkg", "applied"),
        ("USE DATABASE local", "applied"),
        ("CREATE INTERACTIVE MATERIALIZED VIEW mv AS SELECT a FROM t", "applied"),
        ("ALTER WAREHOUSE deploy_xs SET FALLBACK_WAREHOUSE = load_xl", "applied"),
        ("DROP SNOWFLAKE.ML.FORECAST model", "recorded"),
        ("ALTER SNOWFLAKE.ML.FORECAST model SET COMMENT = 'x'", "recorded"),
        ("CREATE SESSION POLICY sp SESSION_IDLE_TIMEOUT_MINS = 30", "recorded"),
        ("ALTER SESSION POLICY sp SET SESSION_IDLE_TIMEOUT_MINS = 60", "applied"),
        ("CREATE TABLE old (a FLOAT(24), b DOUBLE PRECISION, c REAL)", "applied"),
        ("ALTER TABLE t ADD SEARCH OPTIMIZATION ON EQUALITY(a), SUBSTRING(b)", "recorded"),
        ("CREATE PROCEDURE same(a INT) RETURNS INT LANGUAGE JAVASCRIPT AS 'return 1'", "applied"),
        ("CREATE OR REPLACE FUNCTION same(a INT) RETURNS INT AS 'a + 1'", "applied"),
        ("BEGIN SYSTEM$LOG_INFO('start'); DELETE FROM t; END", "checked"),
    ]);
}
