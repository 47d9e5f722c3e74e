//! Columns, keys, defaults and rows of tables.

use super::{play::play, *};

#[test]
fn create_table_takes_columns_from_where_it_is_told() {
    let bench = play(&[
        (
            "CREATE TABLE t (id NUMBER(10,0) PRIMARY KEY, n STRING NOT NULL DEFAULT 'x', d DATE COMMENT 'day', \
             k INT AUTOINCREMENT, CONSTRAINT u UNIQUE (n, d))",
            "applied",
        ),
        ("CREATE TABLE c AS SELECT id, n AS name, d::TIMESTAMP_NTZ AS at FROM t", "applied"),
        ("CREATE TABLE r (x, y) AS SELECT id, n FROM t", "applied"),
        ("CREATE TABLE z (x VARCHAR(5), y INT) AS SELECT n, id FROM t", "applied"),
        ("CREATE TABLE w (x) AS SELECT id, n FROM t", "002026 Invalid column definition list"),
        ("CREATE TABLE w AS SELECT id, id FROM t", "002025 duplicate column name 'ID'"),
        ("CREATE TABLE w AS SELECT COUNT(*) FROM t", "002022 Missing column specification"),
        ("CREATE TABLE w AS SELECT nope FROM t", "000904 invalid identifier 'NOPE'"),
        ("CREATE TABLE w (a INT, a INT)", "002025 duplicate column name 'A'"),
        ("CREATE TABLE IF NOT EXISTS t AS SELECT nope FROM gone", "applied"),
        ("CREATE TABLE w LIKE gone", "002003 Object 'GONE'"),
    ]);
    let typed = |name: &str| -> Vec<String> {
        let columns = bench.relation(name).columns.as_ref().unwrap();
        let null = |column: &store::Column| if column.not_null { " NOT NULL" } else { "" };
        columns
            .iter()
            .map(|c| format!("{} {}{}", c.name, c.data_type.as_deref().unwrap_or("?"), null(c)))
            .collect()
    };
    assert_eq!(
        typed("T"),
        ["ID NUMBER(10,0) NOT NULL", "N VARCHAR(16777216) NOT NULL", "D DATE", "K NUMBER(38,0)"]
    );
    // Types go along, NOT NULL and keys do not.
    assert_eq!(typed("C"), ["ID NUMBER(10,0)", "NAME VARCHAR(16777216)", "AT TIMESTAMP_NTZ(9)"]);
    assert!(bench.relation("C").keys.is_empty());
    assert_eq!(typed("R"), ["X NUMBER(10,0)", "Y VARCHAR(16777216)"]);
    assert_eq!(typed("Z"), ["X VARCHAR(5)", "Y NUMBER(38,0)"]);
}

#[test]
fn a_primary_key_makes_not_null_in_create_only() {
    let bench = play(&[
        ("CREATE TABLE a (x INT, y INT, PRIMARY KEY (x, y))", "applied"),
        ("CREATE TABLE b (x INT)", "applied"),
        ("ALTER TABLE b ADD PRIMARY KEY (x)", "applied"),
        ("ALTER TABLE b ADD PRIMARY KEY (x)", "000000 primary key already exists for table 'B'"),
        ("CREATE TABLE c (x INT PRIMARY KEY, y INT PRIMARY KEY)", "000000 primary key already exists"),
        ("INSERT INTO b VALUES (NULL)", "checked"),
        ("INSERT INTO a VALUES (1, NULL)", "100072 failed on column Y"),
        ("ALTER TABLE b DROP PRIMARY KEY", "applied"),
        ("ALTER TABLE b ADD CONSTRAINT uq UNIQUE (x)", "applied"),
        (
            "ALTER TABLE b ADD UNIQUE (x)",
            "000000 constraint with the same signature already exists on table 'B'",
        ),
        ("ALTER TABLE b DROP CONSTRAINT uq", "applied"),
        ("ALTER TABLE b DROP CONSTRAINT uq", "000000 constraint 'UQ' does not exist"),
    ]);
    assert!(!bench.relation("B").columns.as_ref().unwrap()[0].not_null);
}

#[test]
fn foreign_keys_reference_keys() {
    let no_key = "000000 a foreign key must reference a primary key or a unique key of table 'P'";
    play(&[
        ("CREATE TABLE p (id INT PRIMARY KEY, code STRING, a INT, b INT, UNIQUE (a, b))", "applied"),
        ("CREATE TABLE c1 (p INT REFERENCES p)", "applied"),
        ("CREATE TABLE c2 (p INT REFERENCES p (id))", "applied"),
        ("CREATE TABLE c3 (x INT, y INT, FOREIGN KEY (x, y) REFERENCES p (b, a))", "applied"),
        ("CREATE TABLE c4 (p STRING REFERENCES p (code))", no_key),
        ("CREATE TABLE c4 (x INT, y INT, FOREIGN KEY (x, y) REFERENCES p)", no_key),
        ("CREATE TABLE c4 (p INT REFERENCES p (nope))", "000904 invalid identifier 'NOPE'"),
        ("CREATE TABLE c4 (p INT REFERENCES gone (id))", "002003 Table 'GONE'"),
        ("CREATE TABLE self (id INT PRIMARY KEY, up INT REFERENCES self (id))", "applied"),
        ("CREATE TABLE c5 (p INT)", "applied"),
        ("ALTER TABLE c5 ADD FOREIGN KEY (p) REFERENCES p (id)", "applied"),
        ("ALTER TABLE c5 ADD FOREIGN KEY (p) REFERENCES p (code)", no_key),
        // What is in a database of others is believed.
        ("CREATE TABLE c6 (p INT REFERENCES raw.x.t (id))", "applied"),
    ]);
}

#[test]
fn added_columns_have_literal_defaults_of_their_type() {
    let invalid = |text: &str| format!("002263 Invalid column default expression [{text}]");
    let (now, cast) =
        (invalid("CURRENT_TIMESTAMP()"), "002263 Invalid column default expression [CAST(12345 AS VARCHAR");
    let (bare, call) = (invalid("CURRENT_DATE"), invalid("PARSE_JSON('{}')"));
    play(&[
        ("CREATE SEQUENCE s", "applied"),
        (
            "CREATE TABLE fine (a TIMESTAMP DEFAULT CURRENT_TIMESTAMP(), b INT DEFAULT s.NEXTVAL, c INT)",
            "applied",
        ),
        ("CREATE TABLE t (a INT)", "applied"),
        ("ALTER TABLE t ADD COLUMN b TIMESTAMP DEFAULT CURRENT_TIMESTAMP()", &now),
        ("ALTER TABLE t ADD COLUMN b DATE DEFAULT CURRENT_DATE", &bare),
        ("ALTER TABLE t ADD COLUMN b VARCHAR DEFAULT 12345::VARCHAR", cast),
        ("ALTER TABLE t ADD COLUMN b VARIANT DEFAULT PARSE_JSON('{}')", &call),
        (
            "ALTER TABLE t ADD COLUMN b DATE DEFAULT '20230101'",
            "002023 Expression type does not match column data type, expecting DATE but got VARCHAR(8) for column B",
        ),
        (
            "ALTER TABLE t ADD COLUMN b VARCHAR(3) DEFAULT 10",
            "002023 expecting VARCHAR(3) but got NUMBER(2,0)",
        ),
        ("ALTER TABLE t ADD COLUMN b INT DEFAULT 'x'", "002023 expecting NUMBER(38,0) but got VARCHAR(1)"),
        ("ALTER TABLE t ADD COLUMN b BOOLEAN DEFAULT 1", "002023 expecting BOOLEAN but got NUMBER(1,0)"),
        (
            "ALTER TABLE t ADD COLUMN b INT DEFAULT -1, c STRING DEFAULT 'x' NOT NULL, d BOOLEAN DEFAULT TRUE",
            "applied",
        ),
        (
            "ALTER TABLE t ADD COLUMN e NUMBER(4,1) DEFAULT 0.5, f FLOAT DEFAULT 1, g DATE DEFAULT NULL",
            "applied",
        ),
        ("ALTER TABLE t ADD COLUMN h INT NOT NULL", "applied"),
        ("ALTER TABLE t ADD COLUMN i INT AS (a + 1)", "applied"),
        ("ALTER TABLE t ADD COLUMN j INT AS (nope + 1)", "000904 invalid identifier 'NOPE'"),
        ("ALTER TABLE t ADD COLUMN A INT", "000000 column 'A' already exists"),
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT", "applied"),
    ]);
}

#[test]
fn types_change_within_their_family() {
    play(&[
        ("CREATE SEQUENCE s", "applied"),
        ("CREATE TABLE t (v VARCHAR(10), n NUMBER(10,2), d DATE, f FLOAT, x VARIANT)", "applied"),
        ("ALTER TABLE t ALTER COLUMN v SET DATA TYPE VARCHAR(20)", "applied"),
        ("ALTER TABLE t MODIFY COLUMN v STRING", "applied"),
        (
            "ALTER TABLE t ALTER COLUMN v TYPE VARCHAR(5)",
            "040050 because reducing the byte-length of a varchar",
        ),
        ("ALTER TABLE t ALTER COLUMN n SET DATA TYPE NUMBER(20,2)", "applied"),
        ("ALTER TABLE t ALTER COLUMN n SET DATA TYPE NUMBER(8,2)", "applied"),
        ("ALTER TABLE t ALTER COLUMN n SET DATA TYPE NUMBER(20,4)", "040052 changing the scale of a number"),
        ("ALTER TABLE t ALTER COLUMN n SET DATA TYPE DECIMAL(12,2)", "applied"),
        (
            "ALTER TABLE t ALTER COLUMN d TYPE TIMESTAMP_NTZ",
            "002108 cannot change column D from type DATE to TIMESTAMP_NTZ(9)",
        ),
        ("ALTER TABLE t ALTER COLUMN f TYPE NUMBER", "002108 cannot change column F"),
        ("ALTER TABLE t ALTER COLUMN x TYPE STRING", "002108 cannot change column X"),
        ("ALTER TABLE t ALTER COLUMN f TYPE DOUBLE", "applied"),
        ("ALTER TABLE t ALTER COLUMN nope TYPE INT", "000904 invalid identifier 'NOPE'"),
        ("ALTER TABLE t ALTER COLUMN v SET NOT NULL, n DROP NOT NULL, d COMMENT 'day'", "applied"),
        ("INSERT INTO t (n) VALUES (1)", "100072 failed on column V"),
        ("ALTER TABLE t ALTER COLUMN v DROP NOT NULL", "applied"),
        ("INSERT INTO t (n) VALUES (1)", "checked"),
    ]);
}

#[test]
fn columns_that_others_use_are_not_dropped_or_renamed() {
    let bench = play(&[
        (
            "CREATE TABLE t (a INT, b INT, c INT, d INT AS (c * 2), e INT, f INT, g INT PRIMARY KEY, \
             CHECK (e < f)) CLUSTER BY (a)",
            "applied",
        ),
        ("ALTER TABLE t DROP COLUMN a", "000000 Cannot drop column 'A' which belongs to a clustering key"),
        (
            "ALTER TABLE t RENAME COLUMN a TO a2",
            "000000 Cannot rename column 'A' which belongs to a clustering key",
        ),
        ("ALTER TABLE t DROP COLUMN c", "000000 Cannot drop column 'C' which belongs to a virtual column"),
        ("ALTER TABLE t DROP COLUMN c, d", "applied"),
        ("ALTER TABLE t DROP COLUMN e", "000000 Cannot drop column 'E' which belongs to a check constraint"),
        ("ALTER TABLE t DROP COLUMN b, nope", "000000 column 'NOPE' does not exist"),
        ("ALTER TABLE t DROP COLUMN IF EXISTS nope", "applied"),
        ("ALTER TABLE t DROP COLUMN g", "applied"),
        ("ALTER TABLE t RENAME COLUMN e TO e2", "applied"),
        ("ALTER TABLE t DROP CLUSTERING KEY", "applied"),
        ("ALTER TABLE t DROP COLUMN a", "applied"),
        ("ALTER TABLE t DROP COLUMN b, e2, f", "001432 cannot drop all the columns of a table"),
    ]);
    assert_eq!(bench.columns("T"), ["B", "E2", "F"]);
    let keys: Vec<_> = bench.relation("T").keys.iter().map(|key| (key.rule, key.columns.clone())).collect();
    assert_eq!(keys, [(store::KeyRule::Check, vec![Ident::stored("E2"), Ident::stored("F")])]);
}

#[test]
fn rows_fit_their_table() {
    play(&[
        (
            "CREATE TABLE t (id INT NOT NULL, n STRING NOT NULL DEFAULT 'x', k INT IDENTITY, v INT AS (id + 1))",
            "applied",
        ),
        ("INSERT INTO t (id) VALUES (1)", "checked"),
        ("INSERT INTO t VALUES (1, 'a', 2)", "checked"),
        ("INSERT INTO t VALUES (1, DEFAULT, 2)", "checked"),
        ("INSERT INTO t VALUES (1, 'a')", "002020 expecting 3 but got 2"),
        ("INSERT INTO t (id, n) VALUES (1)", "002020 expecting 2 but got 1"),
        (
            "INSERT INTO t (n) VALUES ('a')",
            "100072 failed on column ID with error: NULL result in a non-nullable column",
        ),
        ("INSERT INTO t (id, n) VALUES (1, NULL)", "100072 failed on column N"),
        ("INSERT INTO t (id, nope) VALUES (1, 2)", "000904 invalid identifier 'NOPE'"),
        ("INSERT INTO t (id, id) VALUES (1, 2)", "002025 duplicate column name 'ID'"),
        ("INSERT INTO t (id) SELECT 1 AS a, 2 AS b", "002020 expecting 1 but got 2"),
    ]);
}

#[test]
fn routines_are_told_apart_by_their_types() {
    play(&[
        ("CREATE FUNCTION f(a INT) RETURNS INT AS 'a'", "applied"),
        ("CREATE FUNCTION f(a STRING) RETURNS INT AS '1'", "applied"),
        ("CREATE FUNCTION f(b NUMBER(10,2)) RETURNS INT AS 'b'", "002002 already exists"),
        ("CREATE FUNCTION IF NOT EXISTS f(a INT) RETURNS INT AS 'nope'", "applied"),
        ("CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'", "applied"),
        ("DROP FUNCTION f", "090208 Argument types of function 'F' must be specified."),
        ("ALTER FUNCTION f RENAME TO g", "090208 Argument types"),
        ("GRANT USAGE ON FUNCTION f TO ROLE reader", "090208 Argument types"),
        ("DROP FUNCTION f(DATE)", "002003 Function 'LOCAL.PUBLIC.F"),
        ("DROP FUNCTION IF EXISTS f(DATE)", "applied"),
        ("ALTER FUNCTION f(INT) RENAME TO g", "applied"),
        ("ALTER FUNCTION f(STRING) SET COMMENT = 'x'", "applied"),
        ("DROP FUNCTION g(NUMBER)", "applied"),
        ("CALL p()", "ok"),
        ("DROP PROCEDURE p()", "applied"),
        ("CALL p()", "002141 Unknown user-defined function LOCAL.PUBLIC.P."),
    ]);
}
