//! CREATE OR ALTER: what it does, what it cannot do, and that it can be sent again.

use super::*;
use crate::{model::statement::Class, sql::facts};

const TABLE: &str = "CREATE TABLE bill (id INT, name VARCHAR(20), paid NUMBER(10,2) DEFAULT 0, old DATE) COMMENT = 'bills' \
                     DATA_RETENTION_TIME_IN_DAYS = 1 CLUSTER BY (old)";
const SHAPE: &str = "CREATE OR ALTER TABLE bill (id NUMBER(38,0) NOT NULL, name VARCHAR(50) COMMENT 'full', \
                     paid NUMBER(10,2) DEFAULT 0, due DATE, note STRING DEFAULT 'x') CHANGE_TRACKING = TRUE";

fn columns(bench: &mut Bench, table: &str) -> Vec<String> {
    bench.rows(&format!("DESCRIBE TABLE {table}")).into_iter().map(|row| row.join(" ")).collect()
}

fn table(bench: &Bench) -> super::super::store::Object {
    let schema = &bench.catalog.databases[&Ident::stored("LOCAL")].schemas[&Ident::stored("PUBLIC")];
    schema.objects["relation"]["BILL"].clone()
}

#[test]
fn the_written_shape_is_what_the_table_becomes() {
    let mut bench = Bench::all(&[
        TABLE,
        "GRANT SELECT ON TABLE bill TO ROLE reader",
        "CREATE OR ALTER TABLE bill (id INT, name VARCHAR(20), paid NUMBER(10,2) DEFAULT 0, old DATE) COMMENT = 'all'",
    ]);
    let found = table(&bench);
    assert_eq!(found.comment.as_deref(), Some("all"));
    assert!(
        found.properties.is_empty() && found.cluster_by.is_empty(),
        "what is not named is unset: {found:?}"
    );
    bench.run(SHAPE);
    let found = table(&bench);
    assert_eq!(found.comment, None);
    assert_eq!(found.created_on, "2026-01-01T00:00:01Z");
    assert!(found.grants.contains("SELECT TO ROLE READER"), "grants stay");
    assert_eq!(found.properties["CHANGE_TRACKING"], "TRUE");
    let names: Vec<String> =
        found.columns.unwrap().iter().map(|column| format!("{} {}", column.name, column.not_null)).collect();
    assert_eq!(names, ["ID true", "NAME false", "PAID false", "DUE false", "NOTE false"]);
    assert!(bench.run("CREATE OR ALTER SCHEMA other COMMENT = 'made'").reply().is_some());
    bench.run("CREATE OR ALTER SCHEMA other WITH MANAGED ACCESS");
    let schema = &bench.catalog.databases[&Ident::stored("LOCAL")].schemas[&Ident::stored("OTHER")];
    assert!(schema.comment.is_none() && schema.managed_access);
}

/// On the server the statement is not atomic: it may stop with some of its changes done.
#[test]
fn f38_create_or_alter_finishes_from_any_half_way_state() {
    let mut whole = Bench::all(&[TABLE, SHAPE]);
    let expected = columns(&mut whole, "bill");
    let steps = [
        "ALTER TABLE bill DROP CLUSTERING KEY",
        "ALTER TABLE bill DROP COLUMN old",
        "ALTER TABLE bill ALTER COLUMN id SET NOT NULL",
        "ALTER TABLE bill ALTER COLUMN name SET DATA TYPE VARCHAR(50)",
        "ALTER TABLE bill ALTER COLUMN name COMMENT 'full'",
        "ALTER TABLE bill SET CHANGE_TRACKING = TRUE",
        "ALTER TABLE bill ADD COLUMN due DATE",
        "ALTER TABLE bill ADD COLUMN note STRING DEFAULT 'x'",
    ];
    for done in 0..1_u32 << steps.len() {
        // A column of the clustering key stays; a later new column does not come before an earlier one.
        let is_done = |step: usize| done >> step & 1 == 1;
        if is_done(1) && !is_done(0) || is_done(7) && !is_done(6) {
            continue;
        }
        let mut bench = Bench::all(&[TABLE]);
        for (n, step) in steps.iter().enumerate().filter(|(n, _)| done >> n & 1 == 1) {
            assert!(bench.run(step).reply().is_some(), "{n}: {step}");
        }
        let effect = bench.run(SHAPE);
        assert!(effect.reply().is_some(), "{done:b}: {effect:?}");
        assert_eq!(columns(&mut bench, "bill"), expected, "{done:b}");
        assert_eq!(table(&bench).properties, table(&whole).properties, "{done:b}");
        assert!(bench.run(SHAPE).reply().is_some(), "{done:b} once more");
    }
    assert_eq!(facts::class(&facts::facts(SHAPE)), Class::Idempotent);
}

#[test]
fn f38_what_create_or_alter_cannot_do_is_refused_and_changes_nothing() {
    for sql in [
        "CREATE OR ALTER TABLE bill (id INT, due DATE, name VARCHAR(20))",
        "CREATE OR ALTER TABLE bill (name VARCHAR(20), id INT)",
        "CREATE OR ALTER TABLE bill (id INT, name INT, due DATE) COMMENT = 'x'",
        "CREATE OR ALTER TABLE bill (id INT DEFAULT 1, due DATE)",
        "CREATE OR ALTER TABLE bill (id INT, name VARCHAR(5))",
        "CREATE OR ALTER TABLE bill (id INT, name VARCHAR(20) CHECK (name > 'a'))",
        "CREATE OR ALTER TABLE bill AS SELECT 1 AS id",
        "CREATE OR ALTER TABLE bill CLONE other",
    ] {
        let mut bench = Bench::all(&[TABLE]);
        let before = bench.catalog.clone();
        bench.refusal(sql);
        assert_eq!(bench.catalog, before, "{sql}");
    }
}

#[test]
fn a_sequence_takes_the_place_of_another() {
    let mut bench = Bench::all(&[
        "CREATE SEQUENCE one",
        "CREATE SEQUENCE two",
        "CREATE TABLE t (id INT DEFAULT one.NEXTVAL)",
        "CREATE OR ALTER TABLE t (id INT DEFAULT two.NEXTVAL)",
    ]);
    assert_eq!(bench.refusal("CREATE OR ALTER TABLE t (id INT DEFAULT 1)").code, "000002");
    assert!(
        bench.run("CREATE OR ALTER TABLE t (id INT)").reply().is_some(),
        "the default came with the table"
    );
}
