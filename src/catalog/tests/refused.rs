//! Statements that Snowflake refuses, as a table: each with its code and words, and beside it the same statement
//! without the mistake, which is accepted.

use std::collections::BTreeSet;

use super::*;

#[derive(serde::Deserialize)]
struct Row {
    kind: String,
    #[serde(default)]
    setup: Vec<String>,
    sql: String,
    code: String,
    message: String,
    ok: Option<String>,
}

fn rows() -> Vec<Row> {
    let text = include_str!("../../../tests/data/refusals.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn mistakes_are_refused_in_the_servers_words_and_right_statements_are_not() {
    let rows = rows();
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert!(rows.len() >= 150 && kinds.len() >= 40, "{} cases over {} kinds", rows.len(), kinds.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let setup: Vec<&str> = row.setup.iter().map(String::as_str).collect();
        let before = Bench::all(&setup);
        let again =
            || Bench { catalog: before.catalog.clone(), session: before.session.clone(), run: before.run };
        let mut bench = again();
        let effect = bench.run(&row.sql);
        if let Some(what) = bench.changed_since(&before) {
            wrong.push(format!("{}: changed {what}", row.sql));
        }
        match effect {
            Effect::Refused(error) if error.code == row.code && error.message.trim_end() == row.message => {}
            other => wrong.push(format!("{}: {other:?}", row.sql)),
        }
        if let Some(ok) = &row.ok {
            let effect = again().run(ok);
            if effect.reply().is_none() {
                wrong.push(format!("{ok}: {effect:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// The first part of each is fine, what follows is refused: none of it happens.
#[test]
fn a_refused_statement_changes_nothing() {
    let before = Bench::all(&[
        "CREATE TAG colour ALLOWED_VALUES 'red'",
        "CREATE DATABASE other",
        "CREATE SCHEMA other.s",
        "USE SCHEMA local.public",
        "CREATE ROLE taken",
        "CREATE ROLE boss",
        "CREATE PROCEDURE p() RETURNS INT LANGUAGE JAVASCRIPT AS 'return 1'",
        "CREATE TABLE t (a INT)",
        "CREATE VIEW v AS SELECT a FROM t",
    ]);
    let mut wrong = Vec::new();
    for sql in [
        "CREATE OR REPLACE DATABASE other WITH TAG (colour = 'blue')",
        "CREATE OR REPLACE SCHEMA other.s WITH TAG (colour = 'blue')",
        "CREATE OR REPLACE WAREHOUSE deploy_xs WITH TAG (colour = 'blue')",
        "CREATE OR REPLACE TABLE t (b INT) WITH TAG (colour = 'blue')",
        "CREATE OR REPLACE VIEW v WITH TAG (colour = 'blue') AS SELECT a FROM t",
        "CREATE OR REPLACE PROCEDURE p() RETURNS INT LANGUAGE JAVASCRIPT EXECUTE AS nobody AS 'return 1'",
        "ALTER DATABASE other SET TAG colour = 'red', missing = 'x'",
        "ALTER SCHEMA other.s SET TAG colour = 'red', missing = 'x'",
        "ALTER ROLE boss SET TAG colour = 'red', missing = 'x'",
        "ALTER PROCEDURE p() SET TAG colour = 'red', missing = 'x'",
        "ALTER TABLE t SET TAG colour = 'red', missing = 'x'",
        "ALTER TABLE t ADD COLUMN b INT, a INT",
        "ALTER ROLE boss RENAME TO taken",
        "ALTER DATABASE other RENAME TO local",
        "ALTER SCHEMA other.s RENAME TO nowhere.s",
        "ALTER PROCEDURE p() RENAME TO nowhere.s.p",
        "ALTER TABLE t RENAME TO nowhere.s.t",
        "GRANT SELECT ON TABLE t, TABLE nope TO ROLE boss",
    ] {
        let mut bench =
            Bench { catalog: before.catalog.clone(), session: before.session.clone(), run: before.run };
        let effect = bench.run(sql);
        if effect.reply().is_some() {
            wrong.push(format!("{sql}: {effect:?}"));
        }
        if let Some(what) = bench.changed_since(&before) {
            wrong.push(format!("{sql}: changed {what}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Several changes in one ALTER, of which the last is refused.
#[test]
fn of_several_changes_all_or_none_happen() {
    let before = Bench::all(&[
        "CREATE DATABASE other",
        "CREATE SCHEMA other.s",
        "CREATE ROLE boss",
        "CREATE PROCEDURE other.s.p() RETURNS INT LANGUAGE JAVASCRIPT AS 'return 1'",
        "USE SCHEMA local.public",
    ]);
    for sql in [
        "ALTER DATABASE other RENAME TO new",
        "ALTER SCHEMA other.s RENAME TO other.new",
        "ALTER ROLE boss RENAME TO new",
        "ALTER PROCEDURE other.s.p() RENAME TO other.s.new",
        "ALTER DATABASE other SET COMMENT = 'x'",
        "ALTER SCHEMA other.s SET COMMENT = 'x'",
        "ALTER ROLE boss SET COMMENT = 'x'",
        "ALTER PROCEDURE other.s.p() SET COMMENT = 'x'",
    ] {
        let Ok(Command::Alter { target, mut actions }) = command(sql) else { panic!("{sql}") };
        let Ok(Command::Alter { actions: refused, .. }) = command("ALTER TABLE t SET TAG missing = 'x'")
        else {
            panic!("no ALTER")
        };
        actions.extend(refused);
        let mut bench =
            Bench { catalog: before.catalog.clone(), session: before.session.clone(), run: before.run };
        let stamp = Stamp::default();
        let both = Command::Alter { target, actions };
        let effect = apply(&mut bench.catalog, &mut bench.session, &both, &stamp);
        assert!(effect.reply().is_none(), "{sql}: {effect:?}");
        assert_eq!(bench.changed_since(&before), None, "{sql}");
    }
}

impl Bench {
    /// What is not as it was; a refused statement may have ended a transaction.
    fn changed_since(&self, before: &Self) -> Option<&'static str> {
        let session = SessionState { transaction: before.session.transaction, ..self.session.clone() };
        let catalog = self.catalog != before.catalog;
        catalog.then_some("the catalogue").or_else(|| (session != before.session).then_some("the session"))
    }
}
