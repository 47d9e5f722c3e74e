//! Databases, schemas, the session's place, transactions and parameters.

use super::{play::play, *};

#[test]
fn create_use_drop_and_rename_move_the_session() {
    let table: &[(&[&str], &str)] = &[
        (&["CREATE DATABASE d"], "D.PUBLIC"),
        (&["CREATE DATABASE d", "USE DATABASE local", "CREATE DATABASE IF NOT EXISTS d"], "D.PUBLIC"),
        (&["CREATE DATABASE d", "USE local.public", "CREATE OR REPLACE DATABASE d"], "D.PUBLIC"),
        (&["CREATE DATABASE d CLONE local"], "D.PUBLIC"),
        (&["CREATE DATABASE d", "DROP SCHEMA d.public", "CREATE DATABASE e CLONE d"], "E.-"),
        (&["CREATE DATABASE d", "DROP SCHEMA public", "USE DATABASE local", "USE DATABASE d"], "D.-"),
        (&["CREATE SCHEMA s"], "LOCAL.S"),
        (&["CREATE SCHEMA s", "USE SCHEMA public", "CREATE SCHEMA IF NOT EXISTS s"], "LOCAL.S"),
        (&["CREATE SCHEMA s CLONE public"], "LOCAL.S"),
        (&["CREATE DATABASE d", "USE DATABASE local", "CREATE SCHEMA d.s"], "D.S"),
        (&["CREATE SCHEMA s", "DROP SCHEMA s"], "LOCAL.-"),
        (&["CREATE SCHEMA s", "DROP SCHEMA public"], "LOCAL.S"),
        (&["CREATE DATABASE d", "DROP DATABASE d"], "-.-"),
        (&["CREATE DATABASE d", "DROP DATABASE local"], "D.PUBLIC"),
        (&["CREATE SCHEMA s", "ALTER SCHEMA s RENAME TO r"], "LOCAL.R"),
        (&["CREATE DATABASE d", "ALTER DATABASE d RENAME TO e"], "E.PUBLIC"),
        (&["CREATE DATABASE d", "CREATE SCHEMA s", "ALTER SCHEMA s RENAME TO local.s"], "LOCAL.S"),
        (&["CREATE SCHEMA s", "UNDROP SCHEMA nope"], "LOCAL.S"),
    ];
    for (script, expected) in table {
        let mut bench = Bench::new();
        for sql in *script {
            bench.run(sql);
        }
        assert_eq!(bench.stands(), *expected, "{script:?}");
    }
}

#[test]
fn create_makes_a_warehouse_current_and_drop_takes_it_away() {
    let at = |bench: &Bench| bench.session.context.warehouse.as_ref().map(ToString::to_string);
    let bench = play(&[("CREATE WAREHOUSE w WAREHOUSE_SIZE = XSMALL", "applied")]);
    assert_eq!(at(&bench).as_deref(), Some("W"));
    let bench = play(&[
        ("CREATE WAREHOUSE w", "applied"),
        ("USE WAREHOUSE deploy_xs", "applied"),
        ("CREATE WAREHOUSE IF NOT EXISTS w", "applied"),
        ("ALTER WAREHOUSE w RENAME TO w2", "applied"),
    ]);
    assert_eq!(at(&bench).as_deref(), Some("W2"));
    let bench = play(&[("DROP WAREHOUSE deploy_xs", "applied")]);
    assert_eq!(at(&bench), None);
}

#[test]
fn every_database_has_information_schema_and_a_public_that_can_be_dropped() {
    play(&[
        ("SELECT * FROM information_schema.tables", "checked"),
        ("DROP SCHEMA information_schema", "003001 Insufficient privileges"),
        ("CREATE TABLE information_schema.t (a INT)", "003001 Insufficient privileges"),
        ("CREATE SCHEMA information_schema", "002002 already exists"),
        ("CREATE OR REPLACE SCHEMA information_schema", "002002 already exists"),
        ("CREATE SCHEMA IF NOT EXISTS information_schema", "applied"),
        ("USE SCHEMA public", "applied"),
        ("DROP SCHEMA public", "applied"),
        ("CREATE TABLE t (a INT)", "090106 does not have a current schema"),
        ("CREATE TABLE local.public.t (a INT)", "002003 Schema 'LOCAL.PUBLIC' does not exist"),
        ("CREATE SCHEMA public", "applied"),
    ]);
}

#[test]
fn names_left_out_mean_the_current_place_and_queries_look_into_public_too() {
    play(&[
        ("CREATE TABLE public.t (a INT)", "applied"),
        ("CREATE SCHEMA s", "applied"),
        ("SELECT a FROM t", "checked"),
        ("SELECT a FROM local..t", "checked"),
        // Targets of DDL and DML do not.
        ("INSERT INTO t VALUES (1)", "002003 Table 'T'"),
        ("DROP TABLE t", "002003 Table 'LOCAL.S.T'"),
        ("ALTER TABLE t ADD COLUMN b INT", "002003 Table 'LOCAL.S.T'"),
        ("CREATE TABLE local..u (a INT)", "applied"),
        ("DROP TABLE public.u", "applied"),
        // The text of a view means the view's own schema.
        ("CREATE TABLE s.inside (x INT)", "applied"),
        ("CREATE VIEW s.v AS SELECT x FROM inside", "applied"),
        ("USE SCHEMA public", "applied"),
        ("SELECT x FROM s.v", "checked"),
        ("CREATE VIEW s.w AS SELECT a FROM t", "002003 Object 'T'"),
        ("CREATE VIEW s.w AS SELECT a FROM public.t", "applied"),
    ]);
}

#[test]
fn or_replace_of_a_container_loses_its_grants_and_keeps_the_old_one_for_undrop() {
    let mut bench = play(&[
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TABLE t (a INT)", "applied"),
        ("GRANT USAGE ON SCHEMA s TO ROLE reader", "applied"),
    ]);
    let warning = bench.warning("CREATE OR REPLACE SCHEMA s");
    assert_eq!(
        warning,
        "schema LOCAL.S is new, its former grants are lost: USAGE to role READER; grant again"
    );
    play::go_on(
        bench,
        &[
            ("SELECT a FROM t", "002003 Object 'T'"),
            ("ALTER SCHEMA s RENAME TO s2", "applied"),
            ("UNDROP SCHEMA s", "applied"),
            ("SELECT a FROM s.t", "checked"),
            ("UNDROP SCHEMA s", "002002 already exists"),
            ("UNDROP SCHEMA never", "090025 Schema LOCAL.NEVER did not exist or was purged."),
        ],
    );
}

#[test]
fn restrict_keeps_what_foreign_keys_of_others_reference() {
    let mut bench = play(&[
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TABLE s.p (id INT PRIMARY KEY)", "applied"),
        ("CREATE TABLE public.c (id INT REFERENCES s.p (id))", "applied"),
    ]);
    for sql in ["DROP TABLE s.p RESTRICT", "DROP SCHEMA s RESTRICT"] {
        assert!(bench.warning(sql).contains("was not dropped: foreign keys"), "{sql}");
        assert!(bench.object(ObjectKind::Table, "LOCAL.S.P").is_some(), "{sql}");
    }
    let bench = play::go_on(bench, &[("DROP SCHEMA s", "applied")]);
    assert!(bench.object(ObjectKind::Table, "LOCAL.S.P").is_none());
    let bench = play(&[
        ("CREATE TABLE p (id INT PRIMARY KEY)", "applied"),
        ("CREATE TABLE c (id INT REFERENCES p)", "applied"),
        ("DROP TABLE p", "applied"),
    ]);
    assert!(bench.relation("C").keys.is_empty(), "CASCADE is the default, and ends foreign keys");
}

#[test]
fn a_clone_of_a_container_is_whole_in_itself() {
    let bench = play(&[
        ("CREATE SCHEMA s COMMENT = 'kept'", "applied"),
        ("CREATE TAG tg", "applied"),
        ("CREATE MASKING POLICY mp AS (v STRING) RETURNS STRING -> '*'", "applied"),
        ("CREATE TABLE p (id INT PRIMARY KEY)", "applied"),
        (
            "CREATE TABLE c (id INT REFERENCES p, e STRING WITH MASKING POLICY mp) WITH TAG (tg = 'x')",
            "applied",
        ),
        ("CREATE STREAM st ON TABLE c", "applied"),
        ("CREATE TASK t1 SCHEDULE = '1 minute' AS SELECT 1", "applied"),
        ("ALTER TASK t1 RESUME", "applied"),
        ("CREATE EXTERNAL TABLE e LOCATION = @public.st FILE_FORMAT = (TYPE = CSV)", "ok"),
        ("GRANT SELECT ON TABLE c TO ROLE reader", "applied"),
        ("GRANT USAGE ON SCHEMA s TO ROLE reader", "applied"),
        ("CREATE SCHEMA copy CLONE s", "applied"),
    ]);
    let database = &bench.catalog.databases[&Ident::stored("LOCAL")];
    let copy = &database.schemas[&Ident::stored("COPY")];
    assert_eq!(copy.comment.as_deref(), Some("kept"));
    assert!(copy.grants.is_empty(), "the container's own grants are not cloned");
    let c = bench.relation("LOCAL.COPY.C");
    assert_eq!(c.grants.iter().collect::<Vec<_>>(), ["SELECT TO ROLE READER"], "those of its objects are");
    assert_eq!(c.keys[0].references.as_deref(), Some("LOCAL.COPY.P"));
    assert_eq!(bench.links("LOCAL.COPY.C"), ["TAG LOCAL.COPY.TG = x", "E: MASKING POLICY LOCAL.COPY.MP"]);
    assert_eq!(bench.relation("LOCAL.COPY.ST").source.as_ref().unwrap().name, "LOCAL.COPY.C");
    let task = bench.object(ObjectKind::Task, "LOCAL.COPY.T1").unwrap();
    assert_eq!(task.state, Some(store::State::Suspended));
    assert!(bench.object(ObjectKind::Table, "LOCAL.COPY.E").is_none(), "external tables are not cloned");
    // What stands outside is not followed.
    assert_eq!(bench.links("LOCAL.S.C"), ["TAG LOCAL.S.TG = x", "E: MASKING POLICY LOCAL.S.MP"]);
}

#[test]
fn a_clone_of_a_container_takes_internal_stages_only_when_it_is_told() {
    play(&[
        ("CREATE SCHEMA s", "applied"),
        ("CREATE STAGE inside", "applied"),
        ("CREATE STAGE outside URL = 's3://b/' STORAGE_INTEGRATION = s3_int", "applied"),
        ("CREATE SCHEMA c CLONE s", "applied"),
        ("SELECT $1 FROM @outside", "checked"),
        ("SELECT $1 FROM @inside", "002003 Stage 'LOCAL.C.INSIDE'"),
        ("CREATE SCHEMA d CLONE s INCLUDE INTERNAL STAGES", "applied"),
        ("SELECT $1 FROM @inside", "checked"),
    ]);
}

#[test]
fn references_follow_a_renamed_container() {
    let bench = play(&[
        ("CREATE DATABASE d", "applied"),
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TAG tg", "applied"),
        ("CREATE TABLE t (a INT) WITH TAG (tg = 'x')", "applied"),
        ("CREATE STREAM st ON TABLE t", "applied"),
        ("CREATE TEMP TABLE tmp (a INT)", "applied"),
        ("ALTER SCHEMA s RENAME TO r", "applied"),
        ("SELECT a FROM tmp", "checked"),
        ("ALTER DATABASE d RENAME TO e", "applied"),
        ("SELECT a FROM tmp", "checked"),
        ("SELECT * FROM st", "checked"),
        ("DROP TAG tg", "applied"),
    ]);
    assert_eq!(bench.links("E.R.T"), [""; 0]);
    assert_eq!(bench.relation("E.R.ST").source.as_ref().unwrap().name, "E.R.T");
}

#[test]
fn ddl_commits_even_when_it_fails_and_dml_opens_with_autocommit_off() {
    let mut bench = Bench::all(BASE);
    for (sql, open) in [
        ("BEGIN", true),
        ("BEGIN", true),
        ("MERGE INTO orders USING customer c ON 1 = 1 WHEN MATCHED THEN DELETE", true),
        ("COPY INTO orders FROM @st", true),
        ("SELECT 1", true),
        ("SHOW TABLES", true),
        ("CREATE TEMPORARY TABLE x (a INT)", false),
        ("BEGIN", true),
        ("COMMENT ON TABLE orders IS 'x'", false),
        ("BEGIN", true),
        ("UNDROP TABLE never", false),
        ("BEGIN", true),
        ("CREATE TABLE y AS SELECT 1 AS a", false),
        ("COMMIT", false),
        ("ROLLBACK", false),
        ("BEGIN", true),
        ("INSERT INTO nope VALUES (1)", true),
        ("ALTER SESSION SET AUTOCOMMIT = TRUE", false),
        ("ALTER SESSION SET AUTOCOMMIT = FALSE", false),
        ("UPDATE orders SET amount = 1", true),
        ("COMMIT", false),
        ("TRUNCATE TABLE orders", true),
        ("ALTER SESSION UNSET AUTOCOMMIT", false),
        ("DELETE FROM orders", false),
    ] {
        bench.run(sql);
        assert_eq!(bench.session.transaction_open(), open, "{sql}");
    }
}

#[test]
fn integrations_share_their_names_and_other_kinds_do_not() {
    let bench = play(&[
        ("CREATE NETWORK POLICY n ALLOWED_IP_LIST = ('1.2.3.4')", "ok"),
        ("CREATE ROLE x", "applied"),
        ("CREATE USER x", "applied"),
        ("CREATE WAREHOUSE x", "applied"),
        (
            "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
             STORAGE_AWS_ROLE_ARN = 'arn' STORAGE_ALLOWED_LOCATIONS = ('s3://b/')",
            "recorded",
        ),
        (
            "CREATE NOTIFICATION INTEGRATION i TYPE = EMAIL ENABLED = TRUE",
            "002002 Object 'I' already exists.",
        ),
        ("DROP INTEGRATION i", "applied"),
    ]);
    assert_eq!(bench.session.context.warehouse, Some(Ident::stored("X")));
}
