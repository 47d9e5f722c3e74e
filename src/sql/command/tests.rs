use proptest::prelude::*;

use super::*;

#[derive(serde::Deserialize)]
struct Line {
    kind: String,
    sql: String,
}

fn typical() -> Vec<Line> {
    let text = include_str!("../../../tests/data/statements.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn typical_statements_are_read() {
    let mut refused = Vec::new();
    for line in typical() {
        if let Err(error) = command(&line.sql) {
            refused.push(format!("{}: {error}", line.kind));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The types of the columns of CREATE TABLE.
fn types_of(list: &str) -> Vec<String> {
    match command(&format!("CREATE TABLE t ({list})")) {
        Ok(Command::CreateTable(def)) => {
            def.columns.into_iter().map(|column| column.data_type.unwrap().0).collect()
        }
        other => panic!("{list}: {other:?}"),
    }
}

#[test]
fn types_get_their_own_spelling() {
    for (written, stored) in [
        ("int", "NUMBER(38,0)"),
        ("BYTEINT", "NUMBER(38,0)"),
        ("decimal(10)", "NUMBER(10,0)"),
        ("NUMERIC(10, 2)", "NUMBER(10,2)"),
        ("double precision", "FLOAT"),
        ("REAL", "FLOAT"),
        ("string", "VARCHAR(16777216)"),
        ("TEXT(10)", "VARCHAR(10)"),
        ("char", "VARCHAR(1)"),
        ("char varying(5)", "VARCHAR(5)"),
        ("NCHAR VARYING", "VARCHAR(16777216)"),
        ("varbinary", "BINARY(8388608)"),
        ("time", "TIME(9)"),
        ("datetime(3)", "TIMESTAMP_NTZ(3)"),
        ("timestamp", "TIMESTAMP_NTZ(9)"),
        ("timestamp with local time zone", "TIMESTAMP_LTZ(9)"),
        ("timestamp_tz(6)", "TIMESTAMP_TZ(6)"),
        ("array(int not null)", "ARRAY(NUMBER(38,0) NOT NULL)"),
        ("object(a string, b int)", "OBJECT(A VARCHAR(16777216), B NUMBER(38,0))"),
        ("map(varchar, int)", "MAP(VARCHAR(16777216), NUMBER(38,0))"),
        ("vector(float, 256)", "VECTOR(FLOAT, 256)"),
        ("interval day to second(3)", "INTERVAL DAY TO SECOND(3)"),
        ("db.s.money", "DB.S.MONEY"),
    ] {
        assert_eq!(types_of(&format!("c {written} NOT NULL")), [stored], "{written}");
    }
    for unknown in ["BIT", "MONEY", "DATETIME2", "SERIAL", "JSON", "BLOB", "CLOB", "LONG", "ENUM"] {
        let error = command(&format!("CREATE TABLE t (c {unknown})")).unwrap_err();
        assert_eq!(error.code, "002040", "{unknown}");
    }
}

#[test]
fn places_count_lines_from_one_and_characters_from_zero() {
    for (sql, line, position) in [
        ("SELECT 1 1", 1, 9),
        ("SELECT 'ü' 1 2", 1, 11),
        ("SELECT 1\r\nFROM t\nWHERE AND", 3, 6),
        ("CREATE VIEW v AS\n  SELEC 1", 2, 2),
        ("", 0, 0),
    ] {
        let error = command(sql).unwrap_err();
        if sql.is_empty() {
            assert_eq!((error.code, error.line), ("000900", None));
        } else {
            assert_eq!((error.line, error.position), (Some(line), Some(position)), "{sql}");
        }
    }
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let deep = 50_000;
    for (open, close) in [
        ("(", ")"),
        ("f(", ")"),
        ("(SELECT ", ")"),
        ("CASE WHEN 1 THEN ", " END"),
        ("[", "]"),
        ("{'a': ", "}"),
        ("a[", "]"),
        ("NOT EXISTS (SELECT ", ")"),
        ("CAST(", " AS INT)"),
    ] {
        let text = format!("SELECT {}1{}", open.repeat(deep), close.repeat(deep));
        assert!(command(&text).is_err(), "{open}");
        let fair = format!("SELECT {}1{}", open.repeat(20), close.repeat(20));
        assert!(command(&fair).is_ok(), "{open}: {:?}", command(&fair));
    }
    for text in [
        format!("SELECT * FROM {}t{}", "(".repeat(deep), ")".repeat(deep)),
        format!("SELECT * FROM {}1{}", "(SELECT * FROM ".repeat(deep), ") t".repeat(deep)),
        format!("CREATE TABLE t (a {}INT{})", "ARRAY(".repeat(deep), ")".repeat(deep)),
        format!("{}SELECT 1", "WITH a AS (".repeat(deep)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(deep)),
    ] {
        assert!(command(&text).is_err(), "{}", &text[..60]);
    }
    // Long is not deep.
    let long = format!("SELECT {} FROM t", vec!["a + b * 2"; 20_000].join(", "));
    assert!(command(&long).is_ok());
    assert!(command(&format!("SELECT a{}", " OR a".repeat(50_000))).is_ok());
    assert!(command(&format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(5_000))).is_ok());
}

proptest! {
    /// Any text gives a command or a refusal, never a panic; damaged real statements reach further.
    #[test]
    fn any_text_is_answered(text in ".{0,80}") {
        let _ = command(&text);
    }

    #[test]
    fn damaged_statements_are_answered(
        which in 0_usize..99,
        cut in 0.0_f64..1.0,
        length in 0_usize..12,
        put in prop::sample::select(vec!["", "(", ")", ",", "'", ";", "SELECT", "FROM", "@", "$$", "::", "[", "é", "\"x\""]),
    ) {
        let sql = typical().swap_remove(which).sql;
        let chars: Vec<char> = sql.chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place")]
        let at = ((chars.len() as f64) * cut) as usize;
        let mut text: String = chars[..at].iter().collect();
        text.push_str(put);
        text.extend(chars.iter().skip(at + length));
        let _ = command(&text);
    }
}

#[test]
fn rare_forms_are_read() {
    for sql in [
        "SELECT {'a': 'b', 'c': [1, 2]}::OBJECT(a VARCHAR) AS o",
        "SELECT FILTER(xs, (i INT, j VARIANT) -> i > 1 AND j:v = 'x') FROM t",
        "SELECT a FROM t GROUP BY a, GROUPING SETS (b, ()), CUBE (c)",
        "SET (a, b) = (SELECT 1, 2)",
        "ALTER TABLE t RENAME CONSTRAINT a TO b",
        "ALTER TABLE t DROP PRIMARY KEY (id)",
        "ALTER TABLE t SET CONTACT steward = c",
        "ALTER TABLE t MODIFY COLUMN c SET MASKING POLICY p USING (c, d > 1) FORCE",
        "ALTER WAREHOUSE SET WAREHOUSE_SIZE = MEDIUM",
        "ALTER FUNCTION f() SET TAG a = 'x', COMMENT = 'y'",
        "CREATE TABLE t (a INT) WITH CONTACT (steward = c) CLUSTER BY a",
        "CREATE DYNAMIC TABLE d TARGET_LAG = DOWNSTREAM WAREHOUSE = w EXECUTE AS USER u AS SELECT 1 AS a",
        "CREATE FUNCTION f(a INT) RETURNS INT RETURNS NULL ON NULL INPUT AS '1'",
        "CREATE PROCEDURE p(a IN INT, OUT b INT) RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
        "COPY INTO @st/x FROM t PARTITION BY ('d=' || d) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE",
        "CREATE SNOWFLAKE.ML.FORECAST m(INPUT_DATA => TABLE(t))",
        "GRANT USAGE ON FUNCTION f(NUMBER, VARCHAR) TO DATABASE ROLE d.r WITH GRANT OPTION",
        "REVOKE GRANT OPTION FOR SELECT ON ALL TABLES IN DATABASE d FROM ROLE r CASCADE",
        "SHOW TERSE TABLES LIKE 'x' IN SCHEMA s STARTS WITH 'X' LIMIT 5 FROM 'Y'",
        "WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END' CALL p()",
        "SELECT 1 ->> SELECT * FROM $1",
        "BEGIN NAME x",
    ] {
        assert!(command(sql).is_ok(), "{sql}: {:?}", command(sql));
    }
}
