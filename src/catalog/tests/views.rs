//! Views: checked when they are made, bound when they are read.

use super::{play::play, *};

#[test]
fn a_view_is_checked_when_it_is_created() {
    let bench = play(&[
        ("CREATE TABLE t (a INT, b STRING)", "applied"),
        ("CREATE VIEW v AS SELECT nope FROM t", "000904 invalid identifier 'NOPE'"),
        ("CREATE VIEW v AS SELECT a FROM gone", "002003 Object 'GONE'"),
        ("CREATE FORCE VIEW v AS SELECT a FROM gone", "002003 Object 'GONE'"),
        ("CREATE VIEW v (x) AS SELECT a, b FROM t", "002026 Invalid column definition list"),
        ("CREATE VIEW v AS SELECT a, a FROM t", "002025 duplicate column name 'A'"),
        ("CREATE VIEW v (x, y COMMENT 'second') COMMENT = 'about' AS SELECT a, b FROM t", "applied"),
        ("SELECT x, y FROM v", "checked"),
        ("SELECT a FROM v", "000904 invalid identifier 'A'"),
        ("CREATE SECURE VIEW s AS SELECT a FROM t", "applied"),
        ("ALTER VIEW s UNSET SECURE", "applied"),
        ("ALTER VIEW v SET COMMENT = 'other'", "applied"),
        ("ALTER VIEW v ALTER COLUMN x COMMENT 'first'", "applied"),
        ("CREATE VIEW IF NOT EXISTS v AS SELECT 1 AS z FROM gone", "applied"),
        ("CREATE MATERIALIZED VIEW m AS SELECT a FROM t", "applied"),
        ("CREATE VIEW m AS SELECT 1 AS a", "001998 already exists as MATERIALIZED_VIEW"),
        ("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT a FROM t", "001998 already exists as VIEW"),
    ]);
    let v = bench.relation("V");
    assert_eq!(v.comment.as_deref(), Some("other"));
    let comments: Vec<_> = v.columns.iter().flatten().map(|column| column.comment.as_deref()).collect();
    assert_eq!(comments, [Some("first"), Some("second")]);
    assert!(!bench.relation("S").secure);
}

#[test]
fn a_view_is_read_through_to_its_tables() {
    let setup: &[(&str, &str)] = &[
        ("CREATE TABLE t (a INT, b INT)", "applied"),
        ("CREATE VIEW named AS SELECT a FROM t", "applied"),
        ("CREATE VIEW star AS SELECT * FROM t", "applied"),
        ("CREATE VIEW over AS SELECT a FROM named", "applied"),
        ("CREATE MATERIALIZED VIEW m AS SELECT a FROM t", "applied"),
    ];
    let wider = "002057 View definition for 'LOCAL.PUBLIC.STAR' declared 2 column(s), but view query produces 3 column(s).";
    let table: &[&[(&str, &str)]] = &[
        &[
            ("ALTER TABLE t ADD COLUMN c INT", "applied"),
            ("SELECT a FROM named", "checked"),
            ("SELECT a FROM star", wider),
            ("CREATE TABLE x AS SELECT * FROM star", wider),
        ],
        &[
            ("ALTER TABLE t DROP COLUMN a", "applied"),
            ("SELECT a FROM named", "002037 Failure during expansion of view 'NAMED'"),
            ("SELECT a FROM over", "002037 Failure during expansion of view 'OVER'"),
            ("SELECT a FROM m", "002037 Failure during expansion of view 'M'"),
            ("SELECT 1 FROM star", "002057 declared 2 column(s), but view query produces 1 column(s)."),
        ],
        &[
            ("ALTER TABLE t RENAME COLUMN a TO z", "applied"),
            ("SELECT a FROM named", "002037 invalid identifier 'A'"),
        ],
        &[
            ("DROP TABLE t", "applied"),
            ("SELECT a FROM over", "002037 Object 'T' does not exist or not authorized."),
            ("UNDROP TABLE t", "applied"),
            ("SELECT a FROM over", "checked"),
        ],
        &[("CREATE OR REPLACE TABLE t (a STRING, z DATE)", "applied"), ("SELECT a FROM over", "checked")],
        &[("DROP VIEW named", "applied"), ("SELECT a FROM over", "002037 Object 'NAMED'")],
    ];
    for script in table {
        play::go_on(play(setup), script);
    }
}
