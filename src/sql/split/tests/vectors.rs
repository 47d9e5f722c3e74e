//! Inputs on which known splitters agree or fail, with the statements that are meant.

use super::*;

/// The splitting vectors of Flyway 13 and schemachange 4.4, those that they get wrong included.
const VECTORS: &[(&str, &[&str])] = &[
    ("SELECT 1;\nSELECT 2", &["SELECT 1", "SELECT 2"]),
    ("SELECT 'a;''b\\';c';SELECT 2;", &["SELECT 'a;''b\\';c'", "SELECT 2"]),
    ("SELECT \"a;b\"\"c\" FROM t;SELECT 2;", &["SELECT \"a;b\"\"c\" FROM t", "SELECT 2"]),
    (";;SELECT 1;;;SELECT 2;", &["SELECT 1", "SELECT 2"]),
    ("SELECT 1;\n-- bye\n", &["SELECT 1"]),
    ("SELECT 1 /* ; */ ; -- ;\nSELECT 2;", &["SELECT 1", "SELECT 2"]),
    (
        "CREATE PROCEDURE P() RETURNS INT AS $$ BEGIN RETURN 1; END; $$;\nSELECT 1;",
        &["CREATE PROCEDURE P() RETURNS INT AS $$ BEGIN RETURN 1; END; $$", "SELECT 1"],
    ),
    (
        "EXECUTE IMMEDIATE $$\nDECLARE x INT;\nBEGIN x := 1; END;\n$$;\nSELECT 1;",
        &["EXECUTE IMMEDIATE $$\nDECLARE x INT;\nBEGIN x := 1; END;\n$$", "SELECT 1"],
    ),
    (
        "BEGIN\n LET x INT := 1;\n RETURN x;\nEND;\nSELECT 1;",
        &["BEGIN\n LET x INT := 1;\n RETURN x;\nEND", "SELECT 1"],
    ),
    ("BEGIN TRANSACTION;SELECT 1;COMMIT;", &["BEGIN TRANSACTION", "SELECT 1", "COMMIT"]),
    ("BEGIN;SELECT 1;COMMIT;", &["BEGIN", "SELECT 1", "COMMIT"]),
    ("BEGIN  TRANSACTION;SELECT 1;COMMIT;", &["BEGIN  TRANSACTION", "SELECT 1", "COMMIT"]),
    ("begin\r\ntransaction;SELECT 1;COMMIT;", &["begin\r\ntransaction", "SELECT 1", "COMMIT"]),
    (
        "BEGIN IF (1=1) THEN SELECT 1; END IF; FOR r IN c DO SELECT 2; END FOR; SELECT CASE WHEN 1=1 THEN 2 END; \
         CASE WHEN 1=1 THEN SELECT 1; END CASE; END;SELECT 1;",
        &[
            "BEGIN IF (1=1) THEN SELECT 1; END IF; FOR r IN c DO SELECT 2; END FOR; SELECT CASE WHEN 1=1 THEN 2 END; \
             CASE WHEN 1=1 THEN SELECT 1; END CASE; END",
            "SELECT 1",
        ],
    ),
    (
        "BEGIN WHILE (x < 3) DO x := x + 1; END WHILE; END; SELECT 1;",
        &["BEGIN WHILE (x < 3) DO x := x + 1; END WHILE; END", "SELECT 1"],
    ),
    ("BEGIN LOOP BREAK; END LOOP; END; SELECT 1;", &["BEGIN LOOP BREAK; END LOOP; END", "SELECT 1"]),
    (
        "BEGIN REPEAT x := x + 1; UNTIL (x > 3) END REPEAT; END; SELECT 1;",
        &["BEGIN REPEAT x := x + 1; UNTIL (x > 3) END REPEAT; END", "SELECT 1"],
    ),
    (
        "BEGIN BEGIN SELECT 1; END; IF (a) THEN SELECT 2; END IF; END; SELECT 3;",
        &["BEGIN BEGIN SELECT 1; END; IF (a) THEN SELECT 2; END IF; END", "SELECT 3"],
    ),
    (
        "BEGIN BEGIN SELECT 1; END; FOR r IN c DO SELECT 2; END FOR; END; SELECT 3;",
        &["BEGIN BEGIN SELECT 1; END; FOR r IN c DO SELECT 2; END FOR; END", "SELECT 3"],
    ),
    (
        "BEGIN SELECT CASE a WHEN 1 THEN 2 END, CASE b WHEN 1 THEN 2 END; END; SELECT 3;",
        &["BEGIN SELECT CASE a WHEN 1 THEN 2 END, CASE b WHEN 1 THEN 2 END; END", "SELECT 3"],
    ),
    ("DECLARE\n x INT;\nBEGIN x := 1; END;\nSELECT 2;", &["DECLARE\n x INT;\nBEGIN x := 1; END", "SELECT 2"]),
    ("declare\n x int;\nbegin x := 1; end;\nselect 2;", &["declare\n x int;\nbegin x := 1; end", "select 2"]),
    ("DECLARE\n x INT;\nbegin x := 1; end;\nSELECT 2;", &["DECLARE\n x INT;\nbegin x := 1; end", "SELECT 2"]),
    (
        "DECLARE\r\n\tx INT;\r\nBEGIN x := 1; END;\r\nSELECT 2;",
        &["DECLARE\r\n\tx INT;\r\nBEGIN x := 1; END", "SELECT 2"],
    ),
    (
        "DECLARE x INT; BEGIN SELECT END_DATE, VENDOR, APPENDED FROM t; RETURN x; END; SELECT 2;",
        &["DECLARE x INT; BEGIN SELECT END_DATE, VENDOR, APPENDED FROM t; RETURN x; END", "SELECT 2"],
    ),
    (
        "DECLARE x INT; BEGIN RETURN 'THE END'; END; SELECT 2;",
        &["DECLARE x INT; BEGIN RETURN 'THE END'; END", "SELECT 2"],
    ),
    (
        "DECLARE x INT; BEGIN IF (a) THEN IF (b) THEN RETURN 1; END IF; END IF; END; SELECT 2;",
        &["DECLARE x INT; BEGIN IF (a) THEN IF (b) THEN RETURN 1; END IF; END IF; END", "SELECT 2"],
    ),
    (
        "DECLARE x INT; BEGIN WHILE (x < 1) LOOP x := 1; END LOOP; END; SELECT 2;",
        &["DECLARE x INT; BEGIN WHILE (x < 1) LOOP x := 1; END LOOP; END", "SELECT 2"],
    ),
    (
        "CREATE PROCEDURE p() RETURNS INT AS\nBEGIN RETURN 1; END;\nCREATE PROCEDURE q() RETURNS INT AS\nDECLARE x \
         INT; BEGIN RETURN 1; END;SELECT 1",
        &[
            "CREATE PROCEDURE p() RETURNS INT AS\nBEGIN RETURN 1; END",
            "CREATE PROCEDURE q() RETURNS INT AS\nDECLARE x INT; BEGIN RETURN 1; END",
            "SELECT 1",
        ],
    ),
    (
        "CREATE SECRET IF NOT EXISTS s TYPE = PASSWORD; DROP ALERT IF EXISTS a; DROP NETWORK RULE IF EXISTS r; \
         CREATE DYNAMIC TABLE IF NOT EXISTS d AS SELECT 1;",
        &[
            "CREATE SECRET IF NOT EXISTS s TYPE = PASSWORD",
            "DROP ALERT IF EXISTS a",
            "DROP NETWORK RULE IF EXISTS r",
            "CREATE DYNAMIC TABLE IF NOT EXISTS d AS SELECT 1",
        ],
    ),
    (
        "CREATE ALERT a SCHEDULE = '1 minute' IF (EXISTS (SELECT 1)) THEN INSERT INTO t VALUES (1); SELECT 1;",
        &[
            "CREATE ALERT a SCHEDULE = '1 minute' IF (EXISTS (SELECT 1)) THEN INSERT INTO t VALUES (1)",
            "SELECT 1",
        ],
    ),
    (
        "REVOKE GRANT OPTION FOR SELECT ON t FROM ROLE r; SELECT 1 FOR UPDATE; SELECT 2;",
        &["REVOKE GRANT OPTION FOR SELECT ON t FROM ROLE r", "SELECT 1 FOR UPDATE", "SELECT 2"],
    ),
    ("SELECT begin FROM t; SELECT 2;", &["SELECT begin FROM t", "SELECT 2"]),
    ("PUT file:///tmp/x.csv @stg;\nSELECT 1;", &["PUT file:///tmp/x.csv @stg", "SELECT 1"]),
    ("PUT 'file:///tmp/x.csv' @stg;", &["PUT 'file:///tmp/x.csv' @stg"]),
    ("/* a /* b */ SELECT 1;\nSELECT 2;", &["SELECT 1", "SELECT 2"]),
    ("BEGIN NAME t1; SELECT 1; COMMIT;", &["BEGIN NAME t1", "SELECT 1", "COMMIT"]),
    (
        "BEGIN BEGIN SELECT 1; END; SELECT 2; END; SELECT 3;",
        &["BEGIN BEGIN SELECT 1; END; SELECT 2; END", "SELECT 3"],
    ),
    (
        "BEGIN LET x := CASE WHEN 1=1 THEN 2 ELSE 3 END; RETURN x; END; SELECT 3;",
        &["BEGIN LET x := CASE WHEN 1=1 THEN 2 ELSE 3 END; RETURN x; END", "SELECT 3"],
    ),
    (
        "BEGIN SELECT CASE a WHEN 1 THEN 2 END FROM t; SELECT 2; END; SELECT 3;",
        &["BEGIN SELECT CASE a WHEN 1 THEN 2 END FROM t; SELECT 2; END", "SELECT 3"],
    ),
    (
        "BEGIN SELECT t.end FROM t; SELECT 2; END; SELECT 3;",
        &["BEGIN SELECT t.end FROM t; SELECT 2; END", "SELECT 3"],
    ),
    (
        "BEGIN IF (TRUE) THEN SELECT 1; END /* x */ IF; SELECT 2; END; SELECT 3;",
        &["BEGIN IF (TRUE) THEN SELECT 1; END /* x */ IF; SELECT 2; END", "SELECT 3"],
    ),
    ("SELECT a AS begin FROM t; SELECT 2;", &["SELECT a AS begin FROM t", "SELECT 2"]),
    ("SELECT 1 // a;b\n; SELECT 2;", &["SELECT 1", "SELECT 2"]),
    ("// it's\nSELECT 1; SELECT 2;", &["SELECT 1", "SELECT 2"]),
    ("SELECT 'it\\'s; x'; SELECT 2;", &["SELECT 'it\\'s; x'", "SELECT 2"]),
    ("PUT file:///data/a--b.csv @%t; SELECT 2;", &["PUT file:///data/a--b.csv @%t", "SELECT 2"]),
    ("SELECT 1;\n-- note\n;\nSELECT 2;", &["SELECT 1", "SELECT 2"]),
    ("SELECT 'C:\\\\'; SELECT 2;", &["SELECT 'C:\\\\'", "SELECT 2"]),
    ("SELECT '--;'; SELECT 2;", &["SELECT '--;'", "SELECT 2"]),
];

/// What no peer's list has.
const TRAPS: &[(&str, &[&str])] = &[
    ("", &[]),
    ("\u{feff}", &[]),
    ("-- only\n/* comments */ ; // here", &[]),
    ("\u{feff}SELECT 1;\r\n", &["SELECT 1"]),
    ("SELECT 1;\u{feff}begin;\u{a0}commit;", &["SELECT 1", "begin", "commit"]),
    (
        "SELECT end FROM t; SELECT end, case FROM t; SELECT 3",
        &["SELECT end FROM t", "SELECT end, case FROM t", "SELECT 3"],
    ),
    (
        "LIST @~/a//b; COPY INTO t FROM @s/dir/*.csv; SELECT 1;",
        &["LIST @~/a//b", "COPY INTO t FROM @s/dir/*.csv", "SELECT 1"],
    ),
    (
        "SELECT $1 FROM @s(PATTERN => 'a;b'); GET @s file:///tmp/;",
        &["SELECT $1 FROM @s(PATTERN => 'a;b')", "GET @s file:///tmp/"],
    ),
    (
        "!set variable_substitution=true\n!source a;b.sql;\nSELECT 1;",
        &["!set variable_substitution=true", "!source a;b.sql", "SELECT 1"],
    ),
    ("SELECT a\n!= b;SELECT 2", &["SELECT a\n!= b", "SELECT 2"]),
    (
        "BEGIN ->> INSERT INTO t VALUES (1) ->> COMMIT; SELECT 1;",
        &["BEGIN ->> INSERT INTO t VALUES (1) ->> COMMIT", "SELECT 1"],
    ),
    (
        "SHOW TABLES ->> SELECT * FROM $1; BEGIN TRANSACTION ->> COMMIT; SELECT 1",
        &["SHOW TABLES ->> SELECT * FROM $1", "BEGIN TRANSACTION ->> COMMIT", "SELECT 1"],
    ),
    (
        "BEGIN NAME := 1; END; BEGIN work := 1; END; BEGIN WORK; BEGIN NAME \"x y\"",
        &["BEGIN NAME := 1; END", "BEGIN work := 1; END", "BEGIN WORK", "BEGIN NAME \"x y\""],
    ),
    (
        "CREATE PROCEDURE SCOPED TEMP TABLE t AS SELECT 1; BEGIN; COMMIT;",
        &["CREATE PROCEDURE SCOPED TEMP TABLE t AS SELECT 1", "BEGIN", "COMMIT"],
    ),
    (
        "CREATE OR REPLACE PROCEDURE p() RETURNS INT LANGUAGE SQL EXECUTE AS CALLER AS BEGIN RETURN 1; END; SELECT 1;",
        &[
            "CREATE OR REPLACE PROCEDURE p() RETURNS INT LANGUAGE SQL EXECUTE AS CALLER AS BEGIN RETURN 1; END",
            "SELECT 1",
        ],
    ),
    (
        "CREATE PROCEDURE p() RETURNS INT EXECUTE AS RESTRICTED CALLER AS 'BEGIN RETURN 1; END'; SELECT 1;",
        &[
            "CREATE PROCEDURE p() RETURNS INT EXECUTE AS RESTRICTED CALLER AS 'BEGIN RETURN 1; END'",
            "SELECT 1",
        ],
    ),
    (
        "CREATE SECURE FUNCTION f() RETURNS INT LANGUAGE SQL AS BEGIN RETURN 1; END; SELECT 1;",
        &["CREATE SECURE FUNCTION f() RETURNS INT LANGUAGE SQL AS BEGIN RETURN 1; END", "SELECT 1"],
    ),
    (
        "CREATE OR ALTER TASK t EXECUTE AS USER u AFTER a AS BEGIN SELECT 1; SELECT 2; END; ALTER TASK t RESUME;",
        &[
            "CREATE OR ALTER TASK t EXECUTE AS USER u AFTER a AS BEGIN SELECT 1; SELECT 2; END",
            "ALTER TASK t RESUME",
        ],
    ),
    (
        "ALTER TASK IF EXISTS t MODIFY AS BEGIN SELECT 1; END; ALTER TASK t MODIFY WHEN a = 1; SELECT 1;",
        &[
            "ALTER TASK IF EXISTS t MODIFY AS BEGIN SELECT 1; END",
            "ALTER TASK t MODIFY WHEN a = 1",
            "SELECT 1",
        ],
    ),
    (
        "CREATE ALERT a IF (EXISTS (SHOW TABLES)) THEN BEGIN SELECT 1; END; SELECT 2;",
        &["CREATE ALERT a IF (EXISTS (SHOW TABLES)) THEN BEGIN SELECT 1; END", "SELECT 2"],
    ),
    (
        "BEGIN CREATE ALERT a IF (EXISTS (SELECT 1)) THEN CALL p(); CREATE TASK t AS BEGIN SELECT 1; END; END; SELECT 2",
        &[
            "BEGIN CREATE ALERT a IF (EXISTS (SELECT 1)) THEN CALL p(); CREATE TASK t AS BEGIN SELECT 1; END; END",
            "SELECT 2",
        ],
    ),
    (
        "ALTER ALERT a MODIFY ACTION BEGIN SELECT 1; END; SELECT 2",
        &["ALTER ALERT a MODIFY ACTION BEGIN SELECT 1; END", "SELECT 2"],
    ),
    (
        "BEGIN MERGE INTO t USING s ON a = b WHEN MATCHED THEN UPDATE SET a = CASE WHEN b THEN 1 ELSE 2 END \
         WHEN NOT MATCHED THEN INSERT VALUES (1); INSERT FIRST WHEN a THEN INTO x ELSE INTO y SELECT 1; END; SELECT 1",
        &[
            "BEGIN MERGE INTO t USING s ON a = b WHEN MATCHED THEN UPDATE SET a = CASE WHEN b THEN 1 ELSE 2 END \
             WHEN NOT MATCHED THEN INSERT VALUES (1); INSERT FIRST WHEN a THEN INTO x ELSE INTO y SELECT 1; END",
            "SELECT 1",
        ],
    ),
    (
        "BEGIN SELECT {'a': CASE WHEN x THEN {'b':CASE WHEN y THEN 1 END} END}, v:case, v:end, :end; END; SELECT 1",
        &[
            "BEGIN SELECT {'a': CASE WHEN x THEN {'b':CASE WHEN y THEN 1 END} END}, v:case, v:end, :end; END",
            "SELECT 1",
        ],
    ),
    (
        "BEGIN SELECT 1 AS end, case.x, end.y, end FROM case WHERE CASE WHEN end > 1 THEN end ELSE end END = 1; \
         LET end := 1; end := 2; if := 3; loop := 4; LET begin := 5; begin := 6; END; SELECT 1",
        &[
            "BEGIN SELECT 1 AS end, case.x, end.y, end FROM case WHERE CASE WHEN end > 1 THEN end ELSE end END = 1; \
             LET end := 1; end := 2; if := 3; loop := 4; LET begin := 5; begin := 6; END",
            "SELECT 1",
        ],
    ),
    (
        "BEGIN FOR i IN 1 TO 3 LOOP NULL; END LOOP outer_loop; WHILE (a) DO BEGIN NULL; END b; END WHILE w; END; x",
        &[
            "BEGIN FOR i IN 1 TO 3 LOOP NULL; END LOOP outer_loop; WHILE (a) DO BEGIN NULL; END b; END WHILE w; END",
            "x",
        ],
    ),
    (
        "DECLARE\n  p PROCEDURE (a INT) RETURNS INT AS BEGIN RETURN 1; END;\n  \"q\" PROCEDURE () RETURNS TABLE (x INT) \
         AS DECLARE y INT; BEGIN RETURN 1; END;\n  end INT;\n  e EXCEPTION (-20001, 'x;');\nBEGIN CALL p(1); END;\nx",
        &[
            "DECLARE\n  p PROCEDURE (a INT) RETURNS INT AS BEGIN RETURN 1; END;\n  \"q\" PROCEDURE () RETURNS TABLE (x \
             INT) AS DECLARE y INT; BEGIN RETURN 1; END;\n  end INT;\n  e EXCEPTION (-20001, 'x;');\nBEGIN CALL p(1); \
             END",
            "x",
        ],
    ),
    (
        "BEGIN BEGIN TRANSACTION; INSERT INTO t VALUES (1); COMMIT; BEGIN; ROLLBACK; END; SELECT 1",
        &["BEGIN BEGIN TRANSACTION; INSERT INTO t VALUES (1); COMMIT; BEGIN; ROLLBACK; END", "SELECT 1"],
    ),
    (
        "GRANT SELECT,\nCREATE TABLE ON SCHEMA s TO ROLE r; GRANT\nCREATE VIEW ON SCHEMA s TO ROLE r; CREATE TASK t AS\n\
         CREATE TABLE x (a INT); EXPLAIN USING TEXT\nCREATE TABLE y AS SELECT 1",
        &[
            "GRANT SELECT,\nCREATE TABLE ON SCHEMA s TO ROLE r",
            "GRANT\nCREATE VIEW ON SCHEMA s TO ROLE r",
            "CREATE TASK t AS\nCREATE TABLE x (a INT)",
            "EXPLAIN USING TEXT\nCREATE TABLE y AS SELECT 1",
        ],
    ),
    (
        "BEGIN SELECT 1; EXCEPTION WHEN a OR b CONTINUE THEN NULL; WHEN OTHER THEN IF (x) THEN RAISE; END IF; END;x",
        &[
            "BEGIN SELECT 1; EXCEPTION WHEN a OR b CONTINUE THEN NULL; WHEN OTHER THEN IF (x) THEN RAISE; END IF; END",
            "x",
        ],
    ),
    // Templates that were not rendered.
    (
        "{% if env == 'it''s; %}' %}\nCREATE TABLE {{ db }}.t (a INT);\n{% else %}{# don't; #}\n{% endif %}",
        &["CREATE TABLE {{ db }}.t (a INT)"],
    ),
    (
        "{{ config(meta={'a': {'b': \";\"}}) }}\nSELECT {{ \"a;b\" }}, '<%' FROM <% ctx.env.db; %>.t{% for x in y %}\n\
         UNION ALL SELECT {{ x }}{% endfor %};SELECT 2",
        &[
            "{{ config(meta={'a': {'b': \";\"}}) }}\nSELECT {{ \"a;b\" }}, '<%' FROM <% ctx.env.db; %>.t{% for x in y \
             %}\nUNION ALL SELECT {{ x }}",
            "SELECT 2",
        ],
    ),
    (
        "{{ create_stage('a') }}\nCREATE TABLE t (a INT)\n{% if x %}\nCREATE VIEW v AS SELECT 1\n{% endif %}",
        &["{{ create_stage('a') }}", "CREATE TABLE t (a INT)", "CREATE VIEW v AS SELECT 1"],
    ),
    ("{% macro m(c) %}\nCASE WHEN {{ c }} THEN 1 END\n{% endmacro %}", &["CASE WHEN {{ c }} THEN 1 END"]),
    ("SELECT 1;\u{200d}\nbegin;\u{2060}commit;", &["SELECT 1", "begin", "commit"]),
    (
        "ALTER ALERT a MODIFY ACTION\nCREATE TABLE t (a INT); SELECT 1",
        &["ALTER ALERT a MODIFY ACTION\nCREATE TABLE t (a INT)", "SELECT 1"],
    ),
    (
        "CREATE MASKING POLICY m AS (v STRING) RETURNS STRING -> CASE WHEN TRUE THEN v END; BEGIN; COMMIT",
        &[
            "CREATE MASKING POLICY m AS (v STRING) RETURNS STRING -> CASE WHEN TRUE THEN v END",
            "BEGIN",
            "COMMIT",
        ],
    ),
];

#[test]
fn peers_vectors_split_as_meant() {
    for (text, expected) in VECTORS {
        assert_eq!(pieces(text), *expected, "{text:?}");
    }
}

#[test]
fn traps_split_as_meant() {
    for (text, expected) in TRAPS {
        assert_eq!(pieces(text), *expected, "{text:?}");
    }
}

#[test]
fn line_ends_and_case_change_no_cut() {
    for (text, expected) in VECTORS.iter().chain(TRAPS) {
        for change in [str::to_uppercase, str::to_lowercase, |text: &str| {
            text.replace('\n', "\r\n").replace("\r\r", "\r")
        }] {
            let changed = change(text);
            let expected: Vec<_> = expected.iter().map(|piece| change(piece)).collect();
            assert_eq!(pieces(&changed), expected, "{changed:?}");
        }
    }
}

#[test]
fn a_comment_between_any_two_tokens_changes_no_cut() {
    for (text, expected) in VECTORS.iter().chain(TRAPS) {
        if text.contains(['!', '@']) {
            continue; // Client commands end at the line, and names go on after `@s.`.
        }
        let mut changed = String::new();
        for token in lex::tokens(text) {
            changed.push_str(token.of(text));
            if token.kind == lex::TokenKind::Whitespace {
                changed.push_str("/* ; ' END */-- BEGIN $$\n");
            }
        }
        assert_eq!(pieces(&changed).len(), expected.len(), "{changed:?}");
    }
}

/// What is compared with other splitters in docs/reference/splitters-compared.md.
#[test]
fn tricky_inputs_split_as_meant() {
    let lines = include_str!("../../../../tests/data/tricky-splits.jsonl").lines();
    let mut traps = std::collections::BTreeSet::new();
    for line in lines {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(traps.insert(row["trap"].to_string()), "twice: {line}");
        let sql = row["sql"].as_str().unwrap();
        if let Some(wanted) = row["pieces"].as_array() {
            let wanted: Vec<&str> = wanted.iter().map(|piece| piece.as_str().unwrap()).collect();
            assert_eq!(pieces(sql), wanted);
        } else {
            assert_eq!(refusals(sql).len(), 1, "{sql:?}");
        }
    }
    assert!(traps.len() >= 40);
}
