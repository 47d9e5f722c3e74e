use super::*;

fn found(sql: &str) -> (Vec<String>, bool) {
    let context = Context4 {
        database: Some(Ident::stored("D")),
        schema: Some(Ident::stored("S")),
        ..Context4::default()
    };
    let Privileges { needs, complete } = privileges(&facts(sql), &context);
    let shown = needs.iter().map(ToString::to_string);
    // Told once, below; here they would hide the rest.
    let shown = shown.filter(|need| need != "USAGE ON DATABASE D" && need != "USAGE ON SCHEMA D.S");
    (shown.collect(), complete)
}

#[test]
fn each_statement_needs_what_its_documentation_says() {
    let rows: &[(&str, &[&str])] = &[
        ("CREATE TABLE t (a INT)", &["CREATE TABLE ON SCHEMA D.S"]),
        (
            "CREATE OR REPLACE TABLE x.t AS SELECT * FROM u",
            &[
                "USAGE ON SCHEMA D.X",
                "CREATE TABLE ON SCHEMA D.X",
                "OWNERSHIP ON TABLE D.X.T if it exists",
                "SELECT ON TABLE D.S.U or REFERENCES ON TABLE D.S.U",
            ],
        ),
        ("CREATE TEMP TABLE t (a INT)", &[]),
        ("CREATE DATABASE e", &["CREATE DATABASE ON ACCOUNT"]),
        ("CREATE SCHEMA IF NOT EXISTS x", &["CREATE SCHEMA ON DATABASE D"]),
        ("CREATE WAREHOUSE w", &["CREATE WAREHOUSE ON ACCOUNT"]),
        ("CREATE API INTEGRATION i", &["CREATE INTEGRATION ON ACCOUNT"]),
        (
            "CREATE TASK k WAREHOUSE = w AFTER j AS SELECT 1",
            &["CREATE TASK ON SCHEMA D.S", "USAGE ON WAREHOUSE W", "OWNERSHIP ON TASK D.S.J"],
        ),
        ("CREATE INDEX i ON t (a)", &["OWNERSHIP ON TABLE D.S.T"]),
        ("DROP INDEX t.i", &["OWNERSHIP ON TABLE D.S.T"]),
        ("ALTER TABLE t ADD COLUMN c INT", &["OWNERSHIP ON TABLE D.S.T"]),
        ("ALTER TABLE t SET TAG g = 'x'", &["OWNERSHIP ON TABLE D.S.T", "APPLY ON TAG D.S.G"]),
        ("ALTER SCHEMA x SET COMMENT = 'x'", &["MODIFY ON SCHEMA D.X or OWNERSHIP ON SCHEMA D.X"]),
        ("ALTER TASK k RESUME", &["OPERATE ON TASK D.S.K or OWNERSHIP ON TASK D.S.K"]),
        (
            "ALTER TABLE t RENAME TO x.u",
            &["OWNERSHIP ON TABLE D.S.T", "USAGE ON SCHEMA D.X", "CREATE TABLE ON SCHEMA D.X"],
        ),
        ("ALTER TABLE t SWAP WITH u", &["OWNERSHIP ON TABLE D.S.T", "OWNERSHIP ON TABLE D.S.U"]),
        ("DROP VIEW v", &["OWNERSHIP ON VIEW D.S.V"]),
        ("UNDROP TABLE t", &["OWNERSHIP ON TABLE D.S.T", "CREATE TABLE ON SCHEMA D.S"]),
        ("TRUNCATE t", &["TRUNCATE ON TABLE D.S.T or OWNERSHIP ON TABLE D.S.T"]),
        ("COMMENT ON TABLE t IS 'x'", &["OWNERSHIP ON TABLE D.S.T"]),
        ("GRANT SELECT ON TABLE t TO ROLE r", &["OWNERSHIP ON TABLE D.S.T or MANAGE GRANTS ON ACCOUNT"]),
        ("GRANT EXECUTE TASK ON ACCOUNT TO ROLE r", &["MANAGE GRANTS ON ACCOUNT"]),
        ("REVOKE ROLE q FROM USER u", &["OWNERSHIP ON ROLE Q or MANAGE GRANTS ON ACCOUNT"]),
        ("INSERT INTO t SELECT * FROM u", &["INSERT ON TABLE D.S.T", "SELECT ON TABLE D.S.U"]),
        ("INSERT OVERWRITE INTO t SELECT 1", &["INSERT ON TABLE D.S.T", "DELETE ON TABLE D.S.T"]),
        ("INSERT ALL INTO t INTO u SELECT 1", &["INSERT ON TABLE D.S.T", "INSERT ON TABLE D.S.U"]),
        ("DELETE FROM t USING u WHERE t.a = u.a", &["DELETE ON TABLE D.S.T", "SELECT ON TABLE D.S.U"]),
        (
            "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
            &[
                "SELECT ON TABLE D.S.T",
                "UPDATE ON TABLE D.S.T or INSERT ON TABLE D.S.T or DELETE ON TABLE D.S.T",
                "SELECT ON TABLE D.S.U",
            ],
        ),
        ("COPY INTO t FROM @g", &["INSERT ON TABLE D.S.T", "READ ON STAGE D.S.G or USAGE ON STAGE D.S.G"]),
        ("COPY INTO @g FROM t", &["WRITE ON STAGE D.S.G or USAGE ON STAGE D.S.G", "SELECT ON TABLE D.S.T"]),
        ("USE SCHEMA x", &["USAGE ON SCHEMA D.X"]),
        ("USE ROLE r", &[]),
        ("SELECT * FROM e.x.t", &["USAGE ON DATABASE E", "USAGE ON SCHEMA E.X", "SELECT ON TABLE E.X.T"]),
        ("SET a = 1", &[]),
        ("SHOW TABLES IN SCHEMA x", &[]),
    ];
    for (sql, needs) in rows {
        let (found, complete) = found(sql);
        assert_eq!(found, *needs, "{sql}");
        assert!(complete, "{sql}");
    }
    for sql in [
        "CALL p()",
        "BEGIN DROP TABLE t; END",
        "EXECUTE IMMEDIATE 'x'",
        "DROP TABLE IDENTIFIER($t)",
        "CREATE RESOURCE MONITOR m",
        "ALTER ACCOUNT SET TIMEZONE = 'UTC'",
        "SELECT my_function(1)",
        "DROP TABLE t u",
    ] {
        assert!(!found(sql).1, "{sql}");
    }
}

#[test]
fn names_are_reached_through_their_containers_and_may_stay_unknown() {
    let shown = |sql: &str, context: &Context4| {
        privileges(&facts(sql), context).needs.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let nowhere = Context4::default();
    assert_eq!(
        shown("SELECT * FROM d.s.t", &nowhere),
        ["USAGE ON DATABASE D", "USAGE ON SCHEMA D.S", "SELECT ON TABLE D.S.T"]
    );
    assert_eq!(shown("CREATE VIEW v AS SELECT 1 a", &nowhere), ["CREATE VIEW ON the current SCHEMA"]);
    assert_eq!(shown("CREATE SCHEMA x", &nowhere), ["CREATE SCHEMA ON the current DATABASE"]);
}
