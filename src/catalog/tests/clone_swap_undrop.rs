//! CLONE, SWAP, RENAME, DROP, UNDROP, and what OR REPLACE leaves behind.

use super::{play::play, *};

#[test]
fn a_cloned_table_is_the_same_but_for_its_grants() {
    let bench = play(&[
        (
            "CREATE TABLE t (id INT PRIMARY KEY COMMENT 'key', n STRING DEFAULT 'x', u INT UNIQUE) CLUSTER BY (id) \
             COMMENT = 'about' DATA_RETENTION_TIME_IN_DAYS = 7",
            "applied",
        ),
        ("GRANT SELECT ON TABLE t TO ROLE reader", "applied"),
        ("CREATE TABLE c CLONE t", "applied"),
        ("CREATE TABLE g CLONE t COPY GRANTS", "applied"),
        ("CREATE TABLE own CLONE t COMMENT = 'own'", "ok"),
        ("CREATE TABLE l LIKE t", "applied"),
        ("CREATE TRANSIENT TABLE tr CLONE t", "applied"),
    ]);
    let t = bench.relation("T").clone();
    let c = bench.relation("C");
    assert_eq!((&c.columns, &c.keys, &c.cluster_by), (&t.columns, &t.keys, &t.cluster_by));
    assert_eq!((&c.comment, &c.properties), (&t.comment, &t.properties));
    assert!(c.grants.is_empty() && c.created_on > t.created_on);
    assert_eq!(bench.grants(ObjectKind::Table, "G"), ["SELECT TO ROLE READER"]);
    let l = bench.relation("L");
    assert_eq!((&l.columns, &l.keys, &l.cluster_by), (&t.columns, &t.keys, &t.cluster_by));
    assert_eq!((&l.comment, l.grants.len(), l.properties.len()), (&None, 0, 0));
    assert!(bench.relation("TR").transient);
}

#[test]
fn kinds_that_are_cloned_alone() {
    play(&[
        ("CREATE SEQUENCE s COMMENT = 'c'", "applied"),
        ("CREATE SEQUENCE s2 CLONE s", "applied"),
        ("CREATE SEQUENCE s3 CLONE nope", "002003 Sequence 'LOCAL.PUBLIC.NOPE'"),
        ("CREATE FILE FORMAT f TYPE = CSV", "applied"),
        ("CREATE FILE FORMAT f2 CLONE f", "applied"),
        ("CREATE TASK k SCHEDULE = '1 MINUTE' AS SELECT 1", "applied"),
        ("ALTER TASK k RESUME", "applied"),
        ("CREATE TASK k2 CLONE k", "applied"),
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE TABLE t2 CLONE nope", "002003 Object 'NOPE'"),
        ("CREATE OR REPLACE TABLE t CLONE t2", "002003 Object 'T2'"),
        ("CREATE VIEW v AS SELECT a FROM t", "applied"),
        ("CREATE VIEW v2 CLONE v", "001003 unexpected 'CLONE'"),
        ("CREATE PIPE p CLONE q", "001003 unexpected 'CLONE'"),
    ]);
    let bench = play(&[
        ("CREATE TASK k SCHEDULE = '1 MINUTE' COMMENT = 'c' AS SELECT 1", "applied"),
        ("ALTER TASK k RESUME", "applied"),
        ("CREATE TASK k2 CLONE k", "applied"),
    ]);
    let copy = bench.object(ObjectKind::Task, "K2").unwrap();
    assert_eq!((copy.state, copy.comment.as_deref()), (Some(store::State::Suspended), Some("c")));
}

#[test]
fn swap_exchanges_names_and_everything_else_goes_with_the_object() {
    let bench = play(&[
        ("CREATE TABLE a (x INT)", "applied"),
        ("CREATE TABLE b (y INT PRIMARY KEY)", "applied"),
        ("CREATE TABLE c (y INT REFERENCES b)", "applied"),
        ("GRANT SELECT ON TABLE a TO ROLE reader", "applied"),
        ("CREATE TEMPORARY TABLE tmp (y INT)", "applied"),
        ("CREATE VIEW v AS SELECT 1 AS x", "applied"),
        ("ALTER TABLE a SWAP WITH nope", "002003 Table 'LOCAL.PUBLIC.NOPE'"),
        ("ALTER TABLE a SWAP WITH v", "000000 Object found is of type 'VIEW', not specified type 'TABLE'."),
        ("ALTER TABLE a SWAP WITH tmp", "000000 cannot be swapped"),
        ("ALTER TABLE a SWAP WITH b", "applied"),
        ("SELECT x FROM b", "checked"),
        ("SELECT y FROM a", "checked"),
    ]);
    assert_eq!(bench.grants(ObjectKind::Table, "B"), ["SELECT TO ROLE READER"]);
    assert_eq!(bench.relation("C").keys[0].references.as_deref(), Some("LOCAL.PUBLIC.A"));
    play(&[
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TABLE t (x INT)", "applied"),
        ("CREATE SCHEMA r", "applied"),
        ("ALTER SCHEMA s SWAP WITH r", "applied"),
        ("SELECT x FROM r.t", "checked"),
        ("SELECT x FROM s.t", "002003 S.T' does not exist"),
    ]);
}

#[test]
fn rename_needs_a_free_name_and_updates_no_text() {
    let bench = play(&[
        ("CREATE TABLE t (x INT)", "applied"),
        ("CREATE TABLE taken (x INT)", "applied"),
        ("CREATE VIEW v AS SELECT x FROM t", "applied"),
        ("CREATE STREAM st ON TABLE t", "applied"),
        ("GRANT SELECT ON TABLE t TO ROLE reader", "applied"),
        ("CREATE SCHEMA s", "applied"),
        ("USE SCHEMA public", "applied"),
        ("GRANT INSERT ON FUTURE TABLES IN SCHEMA s TO ROLE reader", "applied"),
        ("ALTER TABLE t RENAME TO taken", "002002 TAKEN' already exists."),
        ("ALTER TABLE t RENAME TO v", "002002 V' already exists."),
        ("ALTER TABLE t RENAME TO st", "002002 ST' already exists."),
        ("ALTER TABLE t RENAME TO t", "002002 T' already exists."),
        ("ALTER TABLE t RENAME TO nope.t", "002003 Schema 'LOCAL.NOPE'"),
        ("ALTER VIEW v RENAME TO taken", "002002 already exists"),
        ("ALTER VIEW t RENAME TO w", "000000 Object found is of type 'TABLE', not specified type 'VIEW'."),
        ("ALTER TABLE IF EXISTS nope RENAME TO x", "applied"),
        ("ALTER TABLE t RENAME TO s.moved", "applied"),
        ("SELECT x FROM s.moved", "checked"),
        ("SELECT x FROM v", "002037 Failure during expansion of view 'V'"),
        ("SELECT x FROM st", "checked"),
    ]);
    assert_eq!(bench.grants(ObjectKind::Table, "LOCAL.S.MOVED"), ["SELECT TO ROLE READER"]);
}

#[test]
fn drop_knows_the_kind_even_with_if_exists() {
    let other = |found: &str, asked: &str| {
        format!("000000 Object found is of type '{found}', not specified type '{asked}'.")
    };
    let (view, table) = (other("VIEW", "TABLE"), other("TABLE", "VIEW"));
    let (mv, vm) = (other("MATERIALIZED_VIEW", "VIEW"), other("VIEW", "MATERIALIZED_VIEW"));
    play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE VIEW v AS SELECT a FROM t", "applied"),
        ("CREATE MATERIALIZED VIEW m AS SELECT a FROM t", "applied"),
        ("DROP TABLE v", &view),
        ("DROP TABLE IF EXISTS v", &view),
        ("DROP VIEW IF EXISTS t", &table),
        ("DROP VIEW m", &mv),
        ("DROP MATERIALIZED VIEW v", &vm),
        ("DROP TABLE IF EXISTS nope", "applied"),
        ("DROP TABLE nope", "002003 Table 'LOCAL.PUBLIC.NOPE'"),
        ("DROP VIEW nope", "002003 View 'LOCAL.PUBLIC.NOPE'"),
        ("DROP SEQUENCE IF EXISTS t", "applied"),
        // Views stay and fail when they are read.
        ("DROP TABLE t", "applied"),
        ("SELECT a FROM v", "002037 Object 'T' does not exist"),
        ("DROP VIEW v", "applied"),
        ("UNDROP VIEW v", "001003 unexpected 'VIEW'"),
    ]);
}

#[test]
fn undrop_takes_the_last_dropped_first() {
    play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE OR REPLACE TABLE t (b INT)", "applied"),
        ("CREATE OR REPLACE TABLE t (c INT)", "applied"),
        ("UNDROP TABLE t", "002002 Object 'LOCAL.PUBLIC.T' already exists."),
        ("ALTER TABLE t RENAME TO t3", "applied"),
        ("UNDROP TABLE t", "applied"),
        ("SELECT b FROM t", "checked"),
        ("ALTER TABLE t RENAME TO t2", "applied"),
        ("UNDROP TABLE t", "applied"),
        ("SELECT a FROM t", "checked"),
        ("DROP TABLE t", "applied"),
        ("CREATE VIEW t AS SELECT 1 AS x", "applied"),
        ("UNDROP TABLE t", "002002 already exists"),
        ("DROP VIEW t", "applied"),
        ("UNDROP TABLE t", "applied"),
        ("DROP TABLE t", "applied"),
        ("UNDROP TABLE t", "applied"),
        ("UNDROP TABLE never", "090025 Table LOCAL.PUBLIC.NEVER did not exist or was purged."),
        ("CREATE TEMPORARY TABLE tmp (a INT)", "applied"),
        ("DROP TABLE tmp", "applied"),
        ("UNDROP TABLE tmp", "090025 did not exist or was purged"),
    ]);
}

#[test]
fn nothing_comes_back_from_what_keeps_nothing() {
    play(&[
        ("CREATE TRANSIENT TABLE z (a INT) DATA_RETENTION_TIME_IN_DAYS = 0", "applied"),
        ("DROP TABLE z", "applied"),
        ("UNDROP TABLE z", "090025 did not exist or was purged"),
        ("CREATE TABLE y (a INT)", "applied"),
        ("ALTER TABLE y SET DATA_RETENTION_TIME_IN_DAYS = 0", "applied"),
        ("CREATE OR REPLACE TABLE y (a INT)", "applied"),
        ("DROP TABLE y", "applied"),
        ("UNDROP TABLE y", "applied"),
        ("CREATE SCHEMA s DATA_RETENTION_TIME_IN_DAYS = 0", "applied"),
        ("CREATE TABLE x (a INT)", "applied"),
        ("CREATE TABLE w (a INT) DATA_RETENTION_TIME_IN_DAYS = 1", "applied"),
        ("DROP TABLE x", "applied"),
        ("UNDROP TABLE x", "090025 did not exist or was purged"),
        ("DROP TABLE w", "applied"),
        ("UNDROP TABLE w", "applied"),
    ]);
}

#[test]
fn what_goes_with_a_replaced_table() {
    let bench = play(&[
        (
            "CREATE TABLE t (a INT PRIMARY KEY, b INT) CLUSTER BY (b) COMMENT = 'old' CHANGE_TRACKING = TRUE",
            "applied",
        ),
        ("CREATE TABLE child (a INT REFERENCES t)", "applied"),
        ("CREATE VIEW v AS SELECT a FROM t", "applied"),
        ("CREATE OR REPLACE TABLE t (a INT, b INT)", "applied"),
        ("SELECT a FROM v", "checked"),
    ]);
    let t = bench.relation("T");
    assert!(t.keys.is_empty() && t.cluster_by.is_empty() && t.comment.is_none() && t.properties.is_empty());
    assert!(bench.relation("CHILD").keys.is_empty(), "the key that it referenced is gone");
}

#[test]
fn a_temporary_object_shadows_and_leaves_with_its_session() {
    let mut bench = play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE VIEW v AS SELECT a FROM t", "applied"),
        (
            "CREATE DYNAMIC TABLE d TARGET_LAG = DOWNSTREAM WAREHOUSE = deploy_xs AS SELECT a FROM t",
            "applied",
        ),
        ("CREATE TEMPORARY TABLE t (b INT)", "applied"),
        ("CREATE TEMPORARY TABLE t (b INT)", "002002 already exists"),
        ("CREATE TEMPORARY TABLE v (b INT)", "applied"),
        ("CREATE TEMPORARY TABLE d (b INT)", "applied"),
        ("INSERT INTO t (b) VALUES (1)", "checked"),
        ("INSERT INTO t (a) VALUES (1)", "000904 invalid identifier 'A'"),
        ("ALTER TABLE t ADD COLUMN c INT", "applied"),
        ("DROP TABLE t", "applied"),
        ("INSERT INTO t (a) VALUES (1)", "checked"),
        ("CREATE TEMPORARY VIEW t AS SELECT 1 AS b", "applied"),
        ("SELECT b FROM t", "checked"),
    ]);
    assert!(bench.session.has_temporary_objects());
    bench.session = SessionState::new(seed().context);
    play::go_on(
        bench,
        &[("SELECT a FROM t", "checked"), ("SELECT a FROM v", "checked"), ("SELECT a FROM d", "checked")],
    );
}
