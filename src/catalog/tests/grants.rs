//! GRANT and REVOKE, owners, and grants that are lost.

use super::{play::play, *};

const TABLE: ObjectKind = ObjectKind::Table;

#[test]
fn grants_are_kept_once_and_taken_back() {
    let bench = play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("GRANT SELECT, INSERT ON TABLE t TO ROLE reader", "applied"),
        ("GRANT SELECT ON TABLE t TO reader", "applied"),
        ("GRANT SELECT ON t TO ROLE reader WITH GRANT OPTION", "applied"),
        ("REVOKE INSERT ON TABLE t FROM ROLE reader", "applied"),
        ("REVOKE DELETE ON TABLE t FROM ROLE reader CASCADE", "applied"),
        ("GRANT SELECT ON TABLE nope TO ROLE reader", "002003 Table 'LOCAL.PUBLIC.NOPE'"),
        ("GRANT SELECT ON TABLE t TO ROLE stranger", "recorded"),
        ("GRANT SELECT ON TABLE raw.x.y TO ROLE reader", "recorded"),
        ("GRANT USAGE ON SCHEMA nope TO ROLE reader", "002003 Schema 'LOCAL.NOPE'"),
        ("GRANT USAGE ON DATABASE nope TO ROLE reader", "002003 Database 'NOPE'"),
        ("GRANT CREATE DATABASE ON ACCOUNT TO ROLE reader", "applied"),
        ("GRANT IMPORTED PRIVILEGES ON DATABASE snowflake TO ROLE reader", "applied"),
        ("CREATE ROLE r", "applied"),
        ("GRANT ROLE r TO ROLE reader", "applied"),
        ("GRANT USAGE ON WAREHOUSE deploy_xs TO ROLE r", "applied"),
    ]);
    assert_eq!(bench.grants(TABLE, "T"), ["SELECT TO ROLE READER", "SELECT TO ROLE STRANGER"]);
    let bench = play::go_on(
        bench,
        &[
            ("GRANT ALL PRIVILEGES ON TABLE t TO ROLE reader", "applied"),
            ("REVOKE ALL ON TABLE t FROM ROLE reader", "applied"),
        ],
    );
    assert_eq!(bench.grants(TABLE, "T"), ["SELECT TO ROLE STRANGER"]);
}

#[test]
fn privileges_that_a_kind_lacks_are_refused() {
    play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE VIEW v AS SELECT a FROM t", "applied"),
        (
            "GRANT USAGE ON TABLE t TO ROLE reader",
            "003008 Invalid object type 'TABLE' for privilege 'USAGE'.",
        ),
        (
            "GRANT SELECT, USAGE ON ALL VIEWS IN SCHEMA public TO ROLE reader",
            "003008 'VIEW' for privilege 'USAGE'.",
        ),
        ("GRANT SELECT ON SCHEMA public TO ROLE reader", "003008 'SCHEMA' for privilege 'SELECT'."),
        (
            "GRANT INSERT ON FUTURE STAGES IN SCHEMA public TO ROLE reader",
            "003008 'STAGE' for privilege 'INSERT'.",
        ),
        ("GRANT SELECT, REFERENCES ON VIEW v TO ROLE reader", "applied"),
        ("GRANT USAGE, MONITOR, CREATE TABLE ON SCHEMA public TO ROLE reader", "applied"),
        ("GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA public TO ROLE reader", "applied"),
        ("GRANT EVOLVE SCHEMA, APPLYBUDGET ON TABLE t TO ROLE reader", "applied"),
        ("REVOKE USAGE ON TABLE t FROM ROLE reader", "applied"),
    ]);
}

#[test]
fn on_all_means_what_is_there_and_on_future_what_will_be() {
    let bench = play(&[
        ("CREATE TABLE a (x INT)", "applied"),
        ("CREATE VIEW v AS SELECT x FROM a", "applied"),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE reader", "applied"),
        ("CREATE TABLE b (x INT)", "applied"),
        ("GRANT SELECT ON ALL VIEWS IN DATABASE local TO ROLE reader", "applied"),
        ("GRANT INSERT ON FUTURE TABLES IN DATABASE local TO ROLE reader", "applied"),
        ("CREATE TABLE c (x INT)", "applied"),
        ("GRANT DELETE ON FUTURE TABLES IN SCHEMA public TO ROLE reader", "applied"),
        ("CREATE TABLE d (x INT)", "applied"),
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TABLE e (x INT)", "applied"),
        ("REVOKE INSERT ON FUTURE TABLES IN DATABASE local FROM ROLE reader", "applied"),
        ("CREATE TABLE f (x INT)", "applied"),
        ("GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA s TO ROLE reader", "applied"),
        ("CREATE TABLE g (x INT)", "applied"),
        ("CREATE TEMPORARY TABLE h (x INT)", "applied"),
        ("CREATE TABLE i CLONE public.d", "applied"),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA nope TO ROLE reader", "002003 Schema 'LOCAL.NOPE'"),
        ("GRANT SELECT ON FUTURE TABLES IN DATABASE nope TO ROLE reader", "002003 Database 'NOPE'"),
    ]);
    for (name, expected) in [
        ("A", &["SELECT TO ROLE READER"][..]),
        ("V", &["SELECT TO ROLE READER"]),
        ("B", &[]),
        ("C", &["INSERT TO ROLE READER"]),
        // Those of the schema hide those of the database.
        ("D", &["DELETE TO ROLE READER"]),
        ("LOCAL.S.E", &["INSERT TO ROLE READER"]),
        ("LOCAL.S.F", &[]),
        ("LOCAL.S.G", &[]),
    ] {
        assert_eq!(bench.grants(TABLE, name), expected, "{name}");
    }
    let owner = |name: &str| bench.relation(name).owner.as_ref().map(ToString::to_string);
    assert_eq!(owner("LOCAL.S.G").as_deref(), Some("READER"));
    assert_eq!(owner("LOCAL.S.F").as_deref(), Some("DEPLOYER"));
}

#[test]
fn ownership_has_one_holder_and_other_grants_must_be_spoken_for() {
    let held = "003036 Dependent grant of privilege 'SELECT' on securable 'LOCAL.PUBLIC.T' to role 'READER' exists.  It must";
    let bench = play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE ROLE o1", "applied"),
        ("CREATE ROLE o2", "applied"),
        ("GRANT OWNERSHIP ON TABLE t TO ROLE o1", "applied"),
        ("GRANT SELECT ON TABLE t TO ROLE reader", "applied"),
        ("GRANT OWNERSHIP ON TABLE t TO ROLE o2", held),
        ("GRANT OWNERSHIP ON ALL TABLES IN SCHEMA public TO ROLE o2", held),
        ("GRANT OWNERSHIP ON TABLE t TO ROLE o1", "applied"),
        ("GRANT OWNERSHIP ON TABLE t TO ROLE o2 COPY CURRENT GRANTS", "applied"),
    ]);
    let owner = |bench: &Bench| bench.relation("T").owner.as_ref().map(ToString::to_string);
    assert_eq!((owner(&bench).as_deref(), bench.grants(TABLE, "T").len()), (Some("O2"), 1));
    let bench =
        play::go_on(bench, &[("GRANT OWNERSHIP ON TABLE t TO ROLE o1 REVOKE CURRENT GRANTS", "applied")]);
    assert_eq!((owner(&bench).as_deref(), bench.grants(TABLE, "T").len()), (Some("O1"), 0));
    // What a dropped role owned belongs to the role that drops it.
    let bench = play::go_on(bench, &[("DROP ROLE o1", "applied")]);
    assert_eq!(owner(&bench).as_deref(), Some("DEPLOYER"));
    play(&[
        ("CREATE SCHEMA s", "applied"),
        ("GRANT USAGE ON SCHEMA s TO ROLE reader", "applied"),
        ("GRANT OWNERSHIP ON SCHEMA s TO ROLE sysadmin", "003036 'USAGE' on securable 'LOCAL.S'"),
        ("GRANT OWNERSHIP ON SCHEMA s TO ROLE sysadmin REVOKE CURRENT GRANTS", "applied"),
        // It has its owner already.
        ("GRANT USAGE ON SCHEMA s TO ROLE reader", "applied"),
        ("GRANT OWNERSHIP ON SCHEMA s TO ROLE sysadmin", "applied"),
        // Who owns what was there at the start is not known.
        ("GRANT USAGE ON DATABASE local TO ROLE reader", "applied"),
        ("GRANT OWNERSHIP ON DATABASE local TO ROLE sysadmin", "applied"),
    ]);
}

#[test]
fn grants_go_with_their_role() {
    let bench = play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE ROLE r", "applied"),
        ("CREATE DATABASE ROLE dr", "applied"),
        ("GRANT SELECT ON TABLE t TO ROLE r", "applied"),
        ("GRANT INSERT ON TABLE t TO DATABASE ROLE dr", "applied"),
        ("GRANT DELETE ON TABLE t TO DATABASE ROLE local.dr", "applied"),
        ("GRANT DATABASE ROLE dr TO ROLE r", "applied"),
        ("GRANT SELECT ON FUTURE TABLES IN SCHEMA public TO ROLE r", "applied"),
        ("ALTER ROLE r RENAME TO r2", "applied"),
    ]);
    assert_eq!(
        bench.grants(TABLE, "T"),
        ["DELETE TO DATABASE ROLE LOCAL.DR", "INSERT TO DATABASE ROLE LOCAL.DR", "SELECT TO ROLE R2"]
    );
    assert!(bench.catalog.grants.contains("DATABASE ROLE LOCAL.DR: TO ROLE R2"));
    let bench = play::go_on(bench, &[("DROP ROLE r2", "applied"), ("DROP DATABASE ROLE dr", "applied")]);
    assert_eq!(bench.grants(TABLE, "T"), [""; 0]);
    assert!(bench.catalog.grants.is_empty());
    let schema = &bench.catalog.databases[&Ident::stored("LOCAL")].schemas[&Ident::stored("PUBLIC")];
    assert!(schema.future_grants.is_empty());
}

#[test]
fn lost_grants_are_named() {
    let lost = "its former grants are lost: INSERT to role READER, SELECT to role READER";
    let setup: &[(&str, &str)] = &[
        ("CREATE TABLE t (a INT)", "applied"),
        ("GRANT SELECT, INSERT ON TABLE t TO ROLE reader", "applied"),
    ];
    let copy = format!("table LOCAL.PUBLIC.T is new, {lost}; add COPY GRANTS or grant again");
    for sql in [
        "CREATE OR REPLACE TABLE t (a INT, b INT)",
        "CREATE OR REPLACE TRANSIENT TABLE t (a INT)",
        "CREATE OR REPLACE TABLE t AS SELECT 1 AS a",
    ] {
        assert_eq!(play(setup).warning(sql), copy, "{sql}");
    }
    let mut bench = play::go_on(play(setup), &[("DROP TABLE t", "applied")]);
    assert_eq!(bench.warning("CREATE TABLE t (a INT)"), copy);
    for script in [
        &["CREATE OR REPLACE TABLE t COPY GRANTS AS SELECT 1 AS a"][..],
        &["CREATE OR ALTER TABLE t (a INT, b INT)"],
        &["CREATE TABLE IF NOT EXISTS t (a INT)"],
        &["DROP TABLE t", "UNDROP TABLE t", "CREATE TABLE u (a INT)"],
        &["DROP TABLE t", "CREATE TABLE u (a INT)"],
        &["CREATE TEMPORARY TABLE t (a INT)"],
        // Future grants give the same again.
        &[
            "GRANT SELECT, INSERT ON FUTURE TABLES IN SCHEMA public TO ROLE reader",
            "CREATE OR REPLACE TABLE t (a INT)",
        ],
        &["REVOKE ALL ON TABLE t FROM ROLE reader", "CREATE OR REPLACE TABLE t (a INT)"],
    ] {
        let mut bench = play(setup);
        for sql in script {
            let effect = bench.run(sql);
            assert_eq!(effect.reply().unwrap().warnings, [""; 0], "{sql}");
        }
    }
    // Kinds without COPY GRANTS.
    let mut bench = play(&[
        ("CREATE STAGE g", "applied"),
        ("GRANT READ ON STAGE g TO ROLE reader", "applied"),
        ("CREATE FUNCTION f(a INT) RETURNS INT AS 'a'", "applied"),
        ("GRANT USAGE ON FUNCTION f(INT) TO ROLE reader", "applied"),
        ("CREATE ROLE r", "applied"),
        ("GRANT USAGE ON WAREHOUSE deploy_xs TO ROLE r", "applied"),
    ]);
    assert!(bench.warning("CREATE OR REPLACE STAGE g").ends_with("READ to role READER; grant again"));
    assert!(
        bench.warning("CREATE OR REPLACE FUNCTION f(a INT) RETURNS INT AS 'a'").contains("add COPY GRANTS")
    );
    assert!(bench.warning("CREATE OR REPLACE WAREHOUSE deploy_xs").contains("USAGE to role R"));
}
