use super::*;

fn context() -> Context4 {
    Context4 { database: Some(Ident::stored("D")), schema: Some(Ident::stored("S")), ..Context4::default() }
}

/// `script needs kind name of script`, for scripts whose statements stand between semicolons.
fn found(scripts: &[&str], context: &Context4) -> Vec<String> {
    let scripts: Vec<Vec<Facts>> =
        scripts.iter().map(|script| script.split(';').map(|sql| facts(sql.trim())).collect()).collect();
    let scripts: Vec<&[Facts]> = scripts.iter().map(Vec::as_slice).collect();
    depends(&scripts, context)
        .into_iter()
        .map(|d| format!("{} needs {} {} of {}", d.script, d.kind, d.name, d.on))
        .collect()
}

#[test]
fn a_script_needs_what_another_one_makes() {
    let rows: &[(&[&str], &[&str])] = &[
        (&["CREATE VIEW v AS SELECT * FROM t", "CREATE TABLE s.t (a INT)"], &["0 needs TABLE D.S.T of 1"]),
        // Read as a table, made as a view; and the other way round nothing.
        (&["CREATE VIEW d.s.v AS SELECT 1 a", "SELECT * FROM v"], &["1 needs TABLE D.S.V of 0"]),
        // What a script made itself it needs of nobody.
        (&["CREATE TABLE t (a INT); INSERT INTO t VALUES (1)", "CREATE OR REPLACE TABLE t (b INT)"], &[]),
        (
            &["INSERT INTO t VALUES (1)", "CREATE TABLE t (a INT)", "CREATE OR REPLACE TABLE t (b INT)"],
            &["0 needs TABLE D.S.T of 1", "0 needs TABLE D.S.T of 2"],
        ),
        // Containers are needed too.
        (
            &["CREATE TABLE x.t (a INT)", "CREATE SCHEMA IF NOT EXISTS x", "CREATE DATABASE d"],
            &["0 needs SCHEMA D.X of 1", "0 needs DATABASE D of 2", "1 needs DATABASE D of 2"],
        ),
        // USE and CREATE SCHEMA move what names mean.
        (
            &[
                "USE SCHEMA x; SELECT * FROM t",
                "CREATE SCHEMA y; CREATE TABLE t (a INT)",
                "CREATE TABLE x.t (a INT)",
            ],
            &["0 needs TABLE D.X.T of 2"],
        ),
        // A view reads its own schema.
        (
            &["CREATE VIEW x.v AS SELECT * FROM t", "CREATE TABLE t (a INT)", "CREATE TABLE x.t (a INT)"],
            &["0 needs TABLE D.X.T of 2"],
        ),
        (&["CREATE TABLE x.v AS SELECT * FROM t", "CREATE TABLE t (a INT)"], &["0 needs TABLE D.S.T of 1"]),
        (
            &["ALTER TABLE b ADD COLUMN c INT", "ALTER TABLE a RENAME TO b", "CREATE TABLE a (a INT)"],
            &["0 needs TABLE D.S.B of 1", "1 needs TABLE D.S.A of 2"],
        ),
        (
            &["GRANT SELECT ON TABLE t TO ROLE r", "CREATE ROLE r; CREATE TABLE t (a INT)"],
            &["0 needs TABLE D.S.T of 1", "0 needs ROLE R of 1"],
        ),
        (&["INSERT ALL INTO a INTO b SELECT 1", "CREATE TABLE b (a INT)"], &["0 needs TABLE D.S.B of 1"]),
        (
            &["COPY INTO t FROM @g/p/", "CREATE STAGE g", "CREATE TABLE g (a INT)"],
            &["0 needs STAGE D.S.G of 1"],
        ),
        (&["DROP VIEW IF EXISTS v", "CREATE VIEW v AS SELECT 1 a"], &[]),
        (&["SELECT * FROM t", "CREATE TEMPORARY TABLE t (a INT)"], &[]),
        (&["SELECT * FROM \"t\"", "CREATE TABLE t (a INT)"], &[]),
        // Two that need each other are both said.
        (
            &["CREATE TABLE a AS SELECT * FROM b", "CREATE TABLE b AS SELECT * FROM a"],
            &["0 needs TABLE D.S.B of 1", "1 needs TABLE D.S.A of 0"],
        ),
    ];
    for (scripts, expected) in rows {
        assert_eq!(found(scripts, &context()), *expected, "{scripts:?}");
    }
}

#[test]
fn a_part_that_nobody_says_is_no_other_part() {
    let scripts = ["SELECT * FROM t", "CREATE TABLE t (a INT)", "CREATE TABLE s.t (a INT)"];
    assert_eq!(found(&scripts, &Context4::default()), ["0 needs TABLE T of 1"]);
}
