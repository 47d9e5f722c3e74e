mod secrets;

use proptest::prelude::*;

use super::*;
use crate::{
    catalog::{Effect, Seed, SessionState, Stamp, apply},
    model::target::Context4,
    sql::command::command,
};

fn home() -> Context4 {
    Context4 {
        role: Some(Ident::stored("ADMIN")),
        warehouse: Some(Ident::stored("WH")),
        database: Some(Ident::stored("D")),
        schema: Some(Ident::stored("S")),
    }
}

struct Side {
    catalog: Catalog,
    session: SessionState,
}

impl Side {
    fn new() -> Self {
        let seed = Seed { context: home(), ..Seed::default() };
        Self { catalog: Catalog::new(&seed), session: SessionState::new(home()) }
    }

    fn of(script: &[&str]) -> Self {
        let mut side = Self::new();
        for statement in script {
            side.run(statement).unwrap();
        }
        side
    }

    fn run(&mut self, statement: &str) -> Result<(), String> {
        let parsed = command(statement).map_err(|error| format!("{statement}: {}", error.message))?;
        let stamp = Stamp { now: "2026-01-01T00:00:00Z".to_owned(), query_id: String::new() };
        match apply(&mut self.catalog, &mut self.session, &parsed, &stamp) {
            Effect::Refused(error) => Err(format!("{statement}: {}", error.message)),
            _ => Ok(()),
        }
    }

    fn outline(&self) -> Catalog {
        self.catalog.outline(&[Ident::stored("D")], None)
    }
}

fn differences(expected: &[&str], found: &[&str]) -> Vec<Difference> {
    let whole = Side::of(expected);
    compare(&whole.outline(), &Side::of(found).outline(), Some(&whole.catalog))
}

/// `what statement`, one a line; `!` marks what destroys data, `by hand` stands for no statement.
fn told(expected: &[&str], found: &[&str]) -> Vec<String> {
    let each = differences(expected, found).into_iter().map(|difference| {
        let mend = match &difference.mend {
            Mend::Statements { texts, destroys, .. } => {
                format!("{}{}", if *destroys { "! " } else { "" }, texts.join("; "))
            }
            Mend::ByHand(_) => "by hand".to_owned(),
        };
        format!("{}: {mend}", difference.what.as_str())
    });
    each.collect()
}

const T: &str = "CREATE TABLE t (a NUMBER(10,2) NOT NULL, b VARCHAR(10))";

#[test]
fn each_difference_is_told_with_what_mends_it() {
    for (expected, found, differences) in [
        (&[T][..], &[T][..], &[][..]),
        // Objects.
        (&[T], &[], &["missing: CREATE TABLE D.S.T (A NUMBER(10,2) NOT NULL, B VARCHAR(10))"]),
        (&[], &[T], &["unexpected: ! DROP TABLE D.S.T"]),
        (&["CREATE SCHEMA x COMMENT = 'it''s'"], &[], &["missing: CREATE SCHEMA D.X COMMENT = 'it''s'"]),
        (&[], &["CREATE SCHEMA x", "CREATE TABLE x.y (a INT)"], &["unexpected: ! DROP SCHEMA D.X"]),
        (&[], &["CREATE VIEW v AS SELECT 1 AS a"], &["unexpected: DROP VIEW D.S.V"]),
        (&[], &["CREATE STAGE st"], &["unexpected: ! DROP STAGE D.S.ST"]),
        (&[], &["CREATE FUNCTION f(x INT) RETURNS INT AS 'x'"], &["unexpected: DROP FUNCTION D.S.F(NUMBER)"]),
        (&["CREATE SEQUENCE q INCREMENT = 5"], &[], &["missing: CREATE SEQUENCE D.S.Q INCREMENT 5"]),
        (
            &["CREATE TABLE x (a INT)"],
            &["CREATE VIEW x AS SELECT 1 AS a"],
            &["unexpected: DROP VIEW D.S.X", "missing: CREATE TABLE D.S.X (A NUMBER(38,0))"],
        ),
        // Columns.
        (
            &[T, "ALTER TABLE t ADD COLUMN c NUMBER(9,2) DEFAULT 1.5"],
            &[T],
            &["column_missing: ALTER TABLE D.S.T ADD COLUMN C NUMBER(9,2) DEFAULT 1.5"],
        ),
        (
            &["CREATE TABLE t (a INT, c DATE DEFAULT current_date())"],
            &["CREATE TABLE t (a INT)"],
            &["column_missing: by hand"],
        ),
        (
            &["CREATE TABLE t (a INT)"],
            &["CREATE TABLE t (a INT, \"Order\" INT, \"ORDER\" INT)"],
            &[
                "column_unexpected: ! ALTER TABLE D.S.T DROP COLUMN \"Order\"",
                "column_unexpected: ! ALTER TABLE D.S.T DROP COLUMN \"ORDER\"",
            ],
        ),
        (
            &["CREATE TABLE t (a VARCHAR(20))"],
            &["CREATE TABLE t (a VARCHAR(10))"],
            &["column_type: ALTER TABLE D.S.T ALTER COLUMN A SET DATA TYPE VARCHAR(20)"],
        ),
        (&["CREATE TABLE t (a VARCHAR(10))"], &["CREATE TABLE t (a VARCHAR(20))"], &["column_type: by hand"]),
        (&["CREATE TABLE t (a NUMBER(9,2))"], &["CREATE TABLE t (a NUMBER(9,3))"], &["column_type: by hand"]),
        (
            &["CREATE TABLE t (a NUMBER(9,2))"],
            &["CREATE TABLE t (a NUMBER(12,2))"],
            &["column_type: ALTER TABLE D.S.T ALTER COLUMN A SET DATA TYPE NUMBER(9,2)"],
        ),
        (&["CREATE TABLE t (a DATE)"], &["CREATE TABLE t (a VARCHAR)"], &["column_type: by hand"]),
        (&["CREATE TABLE t (a ARRAY(INT))"], &["CREATE TABLE t (a ARRAY)"], &[]),
        (
            &["CREATE TABLE t (a INT NOT NULL, b INT)"],
            &["CREATE TABLE t (a INT, b INT NOT NULL)"],
            &[
                "column_nullability: ALTER TABLE D.S.T ALTER COLUMN A SET NOT NULL",
                "column_nullability: ALTER TABLE D.S.T ALTER COLUMN B DROP NOT NULL",
            ],
        ),
        (
            &["CREATE TABLE t (a INT, b INT DEFAULT 1)"],
            &["CREATE TABLE t (a INT DEFAULT 2, b INT)"],
            &["column_default: ALTER TABLE D.S.T ALTER COLUMN A DROP DEFAULT", "column_default: by hand"],
        ),
        (
            &["CREATE TABLE t (a INT COMMENT 'x')"],
            &["CREATE TABLE t (a INT)"],
            &["column_comment: COMMENT ON COLUMN D.S.T.A IS 'x'"],
        ),
        // Keys.
        (
            &["CREATE TABLE t (a INT NOT NULL, b INT, CONSTRAINT k PRIMARY KEY (a))"],
            &["CREATE TABLE t (a INT NOT NULL, b INT, CONSTRAINT u UNIQUE (b))"],
            &[
                "key_missing: ALTER TABLE D.S.T ADD CONSTRAINT K PRIMARY KEY (A)",
                "key_unexpected: ALTER TABLE D.S.T DROP CONSTRAINT U",
            ],
        ),
        (
            &["CREATE TABLE p (a INT PRIMARY KEY)", "CREATE TABLE t (a INT REFERENCES p (a))"],
            &["CREATE TABLE p (a INT PRIMARY KEY)", "CREATE TABLE t (a INT)"],
            &["key_missing: ALTER TABLE D.S.T ADD FOREIGN KEY (A) REFERENCES D.S.P"],
        ),
        // The primary key is meant without columns and with them; another key with its columns only.
        (
            &["CREATE TABLE p (a INT PRIMARY KEY)", "CREATE TABLE t (a INT REFERENCES p)"],
            &["CREATE TABLE p (a INT PRIMARY KEY)", "CREATE TABLE t (a INT REFERENCES p (a))"],
            &[],
        ),
        (
            &["CREATE TABLE p (a INT PRIMARY KEY, b INT UNIQUE)", "CREATE TABLE t (a INT REFERENCES p (b))"],
            &["CREATE TABLE p (a INT PRIMARY KEY, b INT UNIQUE)", "CREATE TABLE t (a INT REFERENCES p (a))"],
            &[
                "key_unexpected: ALTER TABLE D.S.T DROP FOREIGN KEY (A)",
                "key_missing: ALTER TABLE D.S.T ADD FOREIGN KEY (A) REFERENCES D.S.P (B)",
            ],
        ),
        // The rest of an object.
        (
            &[T, "CREATE VIEW v AS SELECT a FROM t"],
            &[T, "CREATE VIEW v AS SELECT b AS a FROM t"],
            &["definition: CREATE OR REPLACE VIEW D.S.V (A) COPY GRANTS AS\nSELECT a FROM t"],
        ),
        (
            &["CREATE SECURE VIEW v AS SELECT 1 AS a"],
            &["CREATE VIEW v AS SELECT 1 AS a"],
            &["property: ALTER VIEW D.S.V SET SECURE"],
        ),
        (
            &["CREATE TABLE t (a INT) DATA_RETENTION_TIME_IN_DAYS = 7"],
            &["CREATE TABLE t (a INT) DATA_RETENTION_TIME_IN_DAYS = 1"],
            &["property: ALTER TABLE D.S.T SET DATA_RETENTION_TIME_IN_DAYS = 7"],
        ),
        (
            &["CREATE TABLE t (a INT)"],
            &["CREATE TABLE t (a INT) CLUSTER BY (a) COMMENT = 'x'"],
            &["clustering: ALTER TABLE D.S.T DROP CLUSTERING KEY", "comment: COMMENT ON TABLE D.S.T IS ''"],
        ),
        (&["CREATE TRANSIENT TABLE t (a INT)"], &["CREATE TABLE t (a INT)"], &["property: by hand"]),
        (
            &["CREATE SCHEMA x WITH MANAGED ACCESS"],
            &["CREATE SCHEMA x"],
            &["property: ALTER SCHEMA D.X ENABLE MANAGED ACCESS"],
        ),
        (
            &["CREATE TASK k SCHEDULE = '5 MINUTE' AS SELECT 1"],
            &["CREATE TASK k SCHEDULE = '9 MINUTE' USER_TASK_TIMEOUT_MS = 5 AS SELECT 1"],
            &["definition: ALTER TASK D.S.K SET SCHEDULE = '5 MINUTE'"],
        ),
        (
            &["CREATE TASK k SCHEDULE = '5 MINUTE' AS SELECT 1"],
            &["CREATE TASK k SCHEDULE = '9 MINUTE' AS SELECT 2"],
            &["definition: CREATE OR REPLACE TASK D.S.K SCHEDULE = '5 MINUTE' AS SELECT 1"],
        ),
        (
            &["CREATE TASK k SCHEDULE = '5 MINUTE' AS SELECT 1"],
            &["CREATE TASK k SCHEDULE = '5 MINUTE' USER_TASK_TIMEOUT_MS = 5 AS SELECT 1"],
            &[],
        ),
        (
            &["CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS 'RETURN 1'"],
            &["CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS $$RETURN 2$$"],
            &["definition: CREATE OR REPLACE PROCEDURE D.S.P() RETURNS INT LANGUAGE SQL AS 'RETURN 1'"],
        ),
        // Blanks, comments and the case of names count in no query, all of it in code.
        (
            &["CREATE VIEW v AS SELECT 1 AS a, 'X' AS b"],
            &["CREATE VIEW v AS\nselect 1 as a, -- one\n 'X' as b"],
            &[],
        ),
        (
            &["CREATE FUNCTION f() RETURNS INT LANGUAGE PYTHON HANDLER = 'h' AS 'def h(): return 1'"],
            &["CREATE FUNCTION f() RETURNS INT LANGUAGE PYTHON HANDLER = 'h' AS 'def H(): return 1'"],
            &[
                "definition: CREATE OR REPLACE FUNCTION D.S.F() RETURNS INT LANGUAGE PYTHON HANDLER = 'h' AS 'def h(): return 1'",
            ],
        ),
        // As its script wrote it, with what no listing tells.
        (
            &["CREATE FUNCTION f(a NUMBER(9,2) DEFAULT 1) RETURNS TABLE (x INT) AS 'SELECT 1'"],
            &[],
            &["missing: CREATE FUNCTION D.S.F(a NUMBER(9,2) DEFAULT 1) RETURNS TABLE (x INT) AS 'SELECT 1'"],
        ),
        (
            &["CREATE FUNCTION f() RETURNS TABLE (x INT) AS 'SELECT 1'"],
            &["CREATE FUNCTION f() RETURNS TABLE (x NUMBER(38,0)) AS 'SELECT 1'"],
            &[],
        ),
        // No default and NULL are one, and so is a function of the session with and without parentheses.
        (
            &["CREATE TABLE t (a INT DEFAULT NULL, b TIMESTAMP_NTZ DEFAULT CURRENT_TIMESTAMP)"],
            &["CREATE TABLE t (a INT, b TIMESTAMP_NTZ DEFAULT current_timestamp()::timestamp_ntz)"],
            &[],
        ),
        // Owners and grants.
        (
            &[T, "CREATE ROLE r", "GRANT SELECT ON TABLE t TO ROLE r"],
            &[T, "CREATE ROLE r", "GRANT INSERT ON TABLE t TO ROLE r"],
            &[
                "grant_missing: GRANT SELECT ON TABLE D.S.T TO ROLE R",
                "grant_unexpected: REVOKE INSERT ON TABLE D.S.T FROM ROLE R",
            ],
        ),
        (
            &[T, "CREATE ROLE r", "GRANT ALL ON TABLE t TO ROLE r"],
            &[T, "CREATE ROLE r", "GRANT INSERT ON TABLE t TO ROLE r"],
            &[],
        ),
        (
            &[T, "CREATE ROLE r", "GRANT OWNERSHIP ON TABLE t TO ROLE r"],
            &[T],
            &["owner: GRANT OWNERSHIP ON TABLE D.S.T TO ROLE R COPY CURRENT GRANTS"],
        ),
    ] {
        let mut told = told(expected, found);
        told.sort();
        let mut wanted: Vec<String> = differences.iter().map(|text| (*text).to_owned()).collect();
        wanted.sort();
        assert_eq!(told, wanted, "{expected:?} {found:?}");
    }
}

#[test]
fn what_was_not_seen_is_no_difference() {
    let full = Side::of(&[
        "CREATE TABLE t (a INT PRIMARY KEY)",
        "CREATE ROLE r",
        "GRANT SELECT ON TABLE t TO ROLE r",
        "CREATE TASK k AS SELECT 1",
    ])
    .outline();
    let bare = Side::of(&["CREATE TABLE t (b INT)"]).outline();
    let unseen = |what: &[&str]| {
        let unseen = what.iter().map(|what| ((*what).to_owned(), "no".to_owned())).collect();
        Catalog::of(bare.databases().clone(), unseen)
    };
    let count = |found: &Catalog| compare(&full, found, None).len();
    assert_eq!(count(&bare), 5, "{:#?}", compare(&full, &bare, None));
    assert_eq!(count(&unseen(&["TASK"])), 4);
    assert_eq!(count(&unseen(&["TASK", "COLUMNS"])), 2);
    assert_eq!(count(&unseen(&["TASK", "COLUMNS", "PRIMARY KEYS", "GRANTS"])), 0);
    // The other way round: what a snapshot could not see is not unexpected.
    assert_eq!(
        compare(&unseen(&["TASK"]), &full, None).iter().filter(|one| one.kind == ObjectKind::Task).count(),
        0
    );
    assert_eq!(compare(&bare, &full, None).iter().filter(|one| one.kind == ObjectKind::Task).count(), 1);
}

/// Statements that a project, or somebody behind its back, may run. Those that cannot run where they stand are left out.
const POOL: &[&str] = &[
    "CREATE TABLE t (a INT NOT NULL, b VARCHAR(10) COMMENT 'b')",
    "CREATE OR REPLACE TABLE t (a NUMBER(9,2), b VARCHAR(30) NOT NULL, c DATE)",
    "CREATE TABLE p (id INT PRIMARY KEY, name VARCHAR UNIQUE, n INT DEFAULT 1)",
    "CREATE TABLE child (id INT, p_id INT REFERENCES p (id), CONSTRAINT k UNIQUE (id, p_id))",
    "CREATE TABLE kid (name VARCHAR REFERENCES p (name), n INT)",
    "ALTER TABLE t ADD COLUMN d VARCHAR DEFAULT 'none'",
    "ALTER TABLE t DROP COLUMN b",
    "ALTER TABLE t ALTER COLUMN b SET DATA TYPE VARCHAR(40)",
    "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE t SET DATA_RETENTION_TIME_IN_DAYS = 3",
    "ALTER TABLE t CLUSTER BY (a)",
    "COMMENT ON TABLE t IS 'it''s one'",
    "COMMENT ON COLUMN t.a IS 'first'",
    "CREATE SEQUENCE q INCREMENT = 2",
    "CREATE TABLE \"Mixed Case\" (\"select\" INT, \"ORDER\" INT DEFAULT q.NEXTVAL, x INT AUTOINCREMENT)",
    // Over a table that keeps its columns: a view that its tables left behind cannot be made anew.
    "CREATE VIEW v AS SELECT id FROM p",
    "CREATE OR REPLACE VIEW v COMMENT = 'v' AS SELECT 1 AS a, 'x' AS b",
    "CREATE OR REPLACE SECURE VIEW v (z) AS SELECT 1",
    "CREATE VIEW w AS SELECT * FROM d.s.p",
    "CREATE SCHEMA x COMMENT = 'x'",
    "CREATE SCHEMA y WITH MANAGED ACCESS DATA_RETENTION_TIME_IN_DAYS = 5",
    "CREATE TABLE d.x.inner (a INT)",
    "CREATE VIEW d.x.v AS SELECT id FROM d.s.p",
    "DROP SCHEMA x",
    "DROP VIEW v",
    "CREATE FILE FORMAT f TYPE = CSV FIELD_DELIMITER = '|'",
    "CREATE OR REPLACE FILE FORMAT f TYPE = JSON",
    "CREATE STAGE st URL = 's3://bucket/'",
    "CREATE STREAM str ON TABLE d.s.p APPEND_ONLY = TRUE",
    "CREATE TASK k SCHEDULE = '5 MINUTE' AS INSERT INTO p (id) SELECT 1",
    "CREATE OR REPLACE TASK k WAREHOUSE = WH SCHEDULE = '7 MINUTE' COMMENT = 'k' AS SELECT 1",
    "CREATE TASK k2 AFTER k AS SELECT 2",
    "CREATE PROCEDURE proc(n INT) RETURNS VARCHAR LANGUAGE SQL AS 'BEGIN RETURN ''x''; END'",
    "CREATE OR REPLACE PROCEDURE proc(n INT) RETURNS VARCHAR LANGUAGE SQL EXECUTE AS CALLER AS $$BEGIN RETURN 'y'; END$$",
    "CREATE FUNCTION fun(a VARCHAR, b DATE) RETURNS INT AS '1'",
    "CREATE MASKING POLICY mask AS (v STRING) RETURNS STRING -> 'x'",
    "CREATE TAG tag COMMENT = 'tag'",
    "CREATE DATABASE ROLE d.dr COMMENT = 'dr'",
    "CREATE ROLE r",
    "GRANT SELECT ON TABLE t TO ROLE r",
    "GRANT SELECT, INSERT ON TABLE p TO ROLE r",
    "GRANT USAGE ON SCHEMA d.s TO ROLE r",
    "GRANT USAGE ON DATABASE d TO ROLE r",
    "REVOKE INSERT ON TABLE p FROM ROLE r",
    "GRANT OWNERSHIP ON TABLE p TO ROLE r",
];

fn script() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..POOL.len(), 0..40)
}

fn side(picked: &[usize]) -> Side {
    let mut side = Side::new();
    side.run("CREATE ROLE IF NOT EXISTS r").unwrap();
    for at in picked {
        drop(side.run(POOL[*at]));
    }
    side
}

/// Runs what mends, what does not run yet again after the rest: some of it waits for something else.
fn mend(found: &mut Side, differences: &[Difference]) -> Vec<String> {
    let mut left: Vec<String> = differences.iter().flat_map(|one| one.mend.texts().iter().cloned()).collect();
    loop {
        let before = left.len();
        let mut errors = Vec::new();
        left.retain(|text| match found.run(text) {
            Ok(()) => false,
            Err(error) => {
                errors.push(error);
                true
            }
        });
        if left.is_empty() || left.len() == before {
            return errors;
        }
    }
}

fn by_hand(differences: &[Difference]) -> Vec<(String, &'static str, Option<String>)> {
    let key = |one: &Difference| (one.object.clone(), one.what.as_str(), one.what.part().map(str::to_owned));
    differences.iter().filter(|one| one.mend.texts().is_empty()).map(key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_mends_leaves_no_difference_but_those_to_mend_by_hand(a in script(), b in script()) {
        let expected = side(&a).outline();
        let mut found = side(&b);
        let first = compare(&expected, &found.outline(), None);
        let errors = mend(&mut found, &first);
        prop_assert!(errors.is_empty(), "{errors:#?}\n{first:#?}");
        let second = compare(&expected, &found.outline(), None);
        // Whoever creates an object owns it.
        let made = |one: &Difference| {
            first.iter().any(|before| before.object == one.object && before.what == What::Missing)
        };
        let second: Vec<_> =
            second.into_iter().filter(|one| !(one.what == What::Owner && made(one))).collect();
        let known = by_hand(&first);
        let more: Vec<_> = second
            .iter()
            .filter(|one| !known.contains(&(one.object.clone(), one.what.as_str(), one.what.part().map(str::to_owned))))
            .collect();
        prop_assert!(more.is_empty(), "{more:#?}\nafter {first:#?}");
    }

    #[test]
    fn a_catalogue_and_its_text_are_the_same(a in script()) {
        let side = side(&a);
        // The stored form, with times and what was dropped, and the form of a snapshot.
        for catalog in [side.catalog.clone(), side.outline()] {
            let text = catalog.to_text();
            let read = Catalog::from_text(&text).unwrap();
            prop_assert_eq!(&read, &catalog);
            prop_assert_eq!(read.to_text(), text.clone());
            prop_assert_eq!(text.trim_end_matches('\n').len() + 1, text.len());
        }
        let outline = side.outline();
        prop_assert_eq!(outline.outline(&[Ident::stored("D")], None), outline.clone());
        prop_assert!(!outline.to_text().contains("2026-01-01"), "a time");
        prop_assert_eq!(compare(&outline, &outline, None), Vec::new());
    }
}
