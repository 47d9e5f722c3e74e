//! What is refused, with the words and places that a person sees.

use std::fmt::Write;

use super::*;

/// `code at 'text there': message | related 'text there': what | hint`, a line each.
fn told(text: &str) -> String {
    let mut told = String::new();
    for error in refusals(text) {
        let shown =
            |range: &Range<usize>| format!("{}..{} {:?}", range.start, range.end, &text[range.clone()]);
        let _ = writeln!(told, "{} at {}: {}", error.code, shown(&error.at), error.message);
        if let Some((at, what)) = &error.related {
            let _ = writeln!(told, "  and at {}: {what}", shown(at));
        }
        if let Some(hint) = &error.hint {
            let _ = writeln!(told, "  do: {hint}");
        }
    }
    told
}

/// Number of errors and the text at the first.
const REFUSED: &[(&str, &[&str])] = &[
    // Unclosed: the place where it opened, whatever else is open.
    ("SELECT 'a; SELECT 2;", &["'"]),
    ("SELECT $$ a; SELECT 2;", &["$$"]),
    ("SELECT \"a; SELECT 2;", &["\""]),
    ("SELECT 1; /* a; SELECT 2;", &["/*"]),
    ("BEGIN SELECT (1 + 'x", &["'"]),
    ("SELECT (1; SELECT 2);", &["(", ")"]),
    ("SELECT f(1, (2); SELECT 3", &["("]),
    ("SELECT (1", &["("]),
    ("SELECT 1);SELECT 2;", &[")"]),
    ("SELECT 1))); SELECT (2; SELECT 3;", &[")", "("]),
    ("BEGIN SELECT 1; END; SELECT (1; BEGIN SELECT 2;", &["(", "BEGIN"]),
    // Blocks.
    ("BEGIN SELECT 1;", &["BEGIN"]),
    ("BEGIN\nCOMMIT;", &["BEGIN"]),
    ("CREATE PROCEDURE p() RETURNS INT AS DECLARE x INT; BEGIN RETURN 1;", &["BEGIN"]),
    ("DECLARE x INT; SELECT 1;", &["DECLARE"]),
    ("DECLARE c CURSOR FOR SELECT 1 FROM t\nBEGIN\nOPEN c;\nEND;", &["BEGIN"]),
    ("BEGIN IF (a) THEN SELECT 1;", &["BEGIN"]),
    ("BEGIN IF (a) THEN SELECT 1; END; SELECT 2;", &["IF"]),
    ("BEGIN FOR r IN c DO SELECT 1; END IF; END;", &["END IF"]),
    ("BEGIN IF (a) THEN FOR r IN c DO SELECT 1; END IF; END; SELECT 1", &["FOR"]),
    ("BEGIN IF (a) THEN FOR r IN c DO LOOP x; END IF; END;", &["FOR", "LOOP"]),
    ("BEGIN FOR r IN c DO SELECT 1; END LOOP; END;", &["END LOOP"]),
    ("BEGIN\n  IF (a) THEN\n    SELECT 1;\n  END;\n  SELECT 2;\nEND;\n", &["END"]),
    ("BEGIN SELECT 1; END IF; END; SELECT 2", &["END IF"]),
    ("BEGIN SELECT 1; END; END;", &["END"]),
    ("BEGIN;\nSELECT 1;\nEND;", &["END"]),
    ("BEGIN; IF (a) THEN SELECT 1; END IF; END;", &["IF"]),
    ("FOR r IN c DO SELECT 1; END FOR;", &["FOR"]),
    ("IF (a) THEN SELECT 1;", &["IF"]),
    ("If you are tired, go home;", &["If"]),
    ("BEGIN SELECT 1 END; SELECT 2", &["END"]),
    ("BEGIN SELECT a end; END;", &["end"]),
    ("BEGIN IF (a) THEN SELECT 1; END IF SELECT 2; END;", &["SELECT"]),
    ("BEGIN SELECT 1; END\nCREATE TABLE t (a INT);", &["CREATE"]),
    ("BEGIN IF (a); SELECT 1; END IF; END;", &["IF"]),
    ("BEGIN FOR r IN c; SELECT 1; END FOR; END;", &["FOR"]),
    // CASE.
    ("BEGIN x := CASE WHEN a THEN b; y := (CASE WHEN a THEN b); SELECT 1; END; SELECT 2", &["CASE", "CASE"]),
    ("BEGIN x := (CASE WHEN a THEN (b END); END;", &["("]),
    ("BEGIN x := CASE WHEN a THEN b) END; END;", &[")"]),
    // A statement without its end.
    ("CREATE TABLE a (b INT)\n\nCREATE OR REPLACE VIEW v AS SELECT 1;", &["CREATE"]),
    (
        "USE ROLE r\nCREATE TABLE t (a INT)\nCREATE PROCEDURE p() AS BEGIN SELECT 1; END;",
        &["CREATE", "CREATE"],
    ),
];

#[test]
fn one_cause_gives_one_error_at_its_place() {
    for (text, expected) in REFUSED {
        for text in [(*text).to_owned(), text.replace('\n', "\r\n")] {
            let errors = refusals(&text);
            let found: Vec<&str> = errors.iter().map(|error| &text[error.at.clone()]).collect();
            assert_eq!(found, *expected, "{text:?}\n{}", told(&text));
        }
    }
}

#[test]
fn messages_say_what_to_do() {
    let texts = [
        "BEGIN\nINSERT INTO t VALUES (1);\nCOMMIT;\n",
        "CREATE PROCEDURE p() RETURNS INT AS\nBEGIN\n  RETURN 1;\n\nCREATE PROCEDURE q() RETURNS INT AS\nBEGIN\n  RETURN \
         2;\nEND;\n",
        "BEGIN\n  FOR r IN c DO\n    SELECT 1;\n  END IF;\nEND;\n",
        "BEGIN\n  IF (a) THEN\n    FOR r IN c DO\n      SELECT 1;\n  END IF;\nEND;\n",
        "BEGIN;\n  SELECT 1;\nEND;\n",
        "INSERT INTO t VALUES ('it's', 'b');\nSELECT 'x';\n",
        "SELECT 'a,\n  b, 'c';\n",
        "SELECT a FROM t\nCREATE VIEW v AS SELECT 1;\n",
        "SELECT COUNT(* FROM t;\n",
        "DECLARE\n  c CURSOR FOR SELECT a FROM t\nBEGIN\n  OPEN c;\nEND;\n",
    ];
    let all: Vec<String> = texts.iter().map(|text| format!("{text}---\n{}", told(text))).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn errors_come_in_order_and_stop_at_a_hundred() {
    let errors = refusals(&"SELECT 1);\nSELECT (2;\n".repeat(1000));
    assert_eq!(errors.len(), 100);
    assert!(errors.is_sorted_by_key(|error| error.at.start));
}
