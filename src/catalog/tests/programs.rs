//! Programs made at random over many kinds of statements, and what must not change what comes out of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use proptest::{prelude::*, strategy::ValueTree};
use serde_json::Value;

use super::*;

/// Statements. `{t}` and `{t'}` are two names of one pool, `{:id}` is a name that stands for itself.
const TEMPLATES: &[&str] = &[
    "CREATE TABLE {t} ({:id} INT, {:name} STRING, {:amount} NUMBER(10,2) DEFAULT 0)",
    "CREATE TABLE {t} ({:id} INT PRIMARY KEY, {:name} STRING NOT NULL, {:amount} NUMBER(10,2)) CLUSTER BY ({:name})",
    "CREATE OR REPLACE TABLE {t} ({:id} INT, {:name} STRING, {:twice} INT AS ({:id} * 2))",
    "CREATE OR REPLACE TABLE {t} COPY GRANTS AS SELECT {:id}, {:name} FROM {t'}",
    "CREATE TABLE IF NOT EXISTS {t} ({:id} INT)",
    "CREATE TABLE {t} CLONE {t'}",
    "CREATE TABLE {t} LIKE {t'}",
    "CREATE TABLE {t} ({:id} INT, {:up} INT REFERENCES {t'} ({:id}))",
    "CREATE TEMPORARY TABLE {t} ({:tmp} INT)",
    "ALTER TABLE {t} ADD COLUMN {:extra} DATE",
    "ALTER TABLE {t} ADD COLUMN IF NOT EXISTS {:amount} INT",
    "ALTER TABLE {t} DROP COLUMN {:amount}",
    "ALTER TABLE {t} RENAME COLUMN {:name} TO {:title}",
    "ALTER TABLE {t} ALTER COLUMN {:amount} TYPE NUMBER(12,2)",
    "ALTER TABLE {t} RENAME TO {t'}",
    "ALTER TABLE {t} SWAP WITH {t'}",
    "ALTER TABLE {t} SET COMMENT = 'set'",
    "ALTER TABLE {t} SET TAG {g} = 'x'",
    "ALTER TABLE {t} UNSET TAG {g}",
    "ALTER TABLE {t} MODIFY COLUMN {:name} SET MASKING POLICY {m}",
    "ALTER TABLE {t} MODIFY COLUMN {:name} SET MASKING POLICY {m} FORCE",
    "ALTER TABLE {t} MODIFY COLUMN {:name} UNSET MASKING POLICY",
    "ALTER TABLE {t} ADD ROW ACCESS POLICY {p} ON ({:name})",
    "ALTER TABLE {t} DROP ALL ROW ACCESS POLICIES",
    "COMMENT ON TABLE {t} IS 'about'",
    "DROP TABLE {t}",
    "DROP TABLE IF EXISTS {t}",
    "UNDROP TABLE {t}",
    "INSERT INTO {t} ({:id}, {:name}) VALUES (1, 'x')",
    "INSERT INTO {t} SELECT * FROM {t'}",
    "UPDATE {t} SET {:name} = {:id} WHERE {:amount} > 1",
    "MERGE INTO {t} USING {t'} {:src} ON {t}.{:id} = {:src}.{:id} WHEN MATCHED THEN DELETE",
    "SELECT {:id}, {:name} FROM {t}",
    "CREATE VIEW {v} AS SELECT {:id}, {:name} FROM {t}",
    "CREATE OR REPLACE VIEW {v} ({:x}) AS SELECT {:name} FROM {t}",
    "CREATE VIEW {v} AS SELECT * FROM {t}",
    "CREATE MATERIALIZED VIEW {v} AS SELECT {:id} FROM {t}",
    "CREATE VIEW {t} AS SELECT 1 AS {:one}",
    "ALTER VIEW {v} SET SECURE",
    "DROP VIEW {v}",
    "SELECT * FROM {v}",
    "CREATE DYNAMIC TABLE {d} TARGET_LAG = '1 minute' WAREHOUSE = {w} AS SELECT {:id} FROM {t}",
    "ALTER DYNAMIC TABLE {d} SUSPEND",
    "DROP DYNAMIC TABLE {d}",
    "CREATE STREAM {s} ON TABLE {t}",
    "CREATE OR REPLACE STREAM {s} ON TABLE {t}",
    "SELECT {:id} FROM {s}",
    "DROP STREAM {s}",
    "CREATE TASK {k} WAREHOUSE = {w} SCHEDULE = '1 MINUTE' AS SELECT 1",
    "CREATE TASK {k} AFTER {k'} AS SELECT 1",
    "CREATE OR REPLACE TASK {k} SCHEDULE = '2 MINUTES' AS SELECT 1",
    "ALTER TASK {k} RESUME",
    "ALTER TASK {k} SUSPEND",
    "ALTER TASK {k} ADD AFTER {k'}",
    "ALTER TASK {k} SET SCHEDULE = '3 MINUTES'",
    "DROP TASK {k}",
    "CREATE MASKING POLICY {m} AS ({:val} STRING) RETURNS STRING -> '*'",
    "CREATE OR REPLACE MASKING POLICY {m} AS ({:val} STRING) RETURNS STRING -> '?'",
    "ALTER MASKING POLICY {m} RENAME TO {m'}",
    "DROP MASKING POLICY {m}",
    "CREATE ROW ACCESS POLICY {p} AS ({:val} STRING) RETURNS BOOLEAN -> TRUE",
    "DROP ROW ACCESS POLICY {p}",
    "CREATE TAG {g}",
    "CREATE TAG {g} ALLOWED_VALUES 'x', 'y'",
    "DROP TAG {g}",
    "UNDROP TAG {g}",
    "CREATE SEQUENCE {q}",
    "CREATE OR REPLACE SEQUENCE {q} START = 5",
    "DROP SEQUENCE {q}",
    "SELECT {q}.NEXTVAL",
    "CREATE STAGE {a}",
    "DROP STAGE {a}",
    "CREATE FILE FORMAT {f} TYPE = CSV SKIP_HEADER = 1",
    "DROP FILE FORMAT IF EXISTS {f}",
    "CREATE PIPE {i} AS COPY INTO {t} FROM @{a}",
    "COPY INTO {t} FROM @{a} FILE_FORMAT = (FORMAT_NAME = {f})",
    "DROP PIPE {i}",
    "CREATE FUNCTION {u}({:x} INT) RETURNS INT AS '1'",
    "CREATE OR REPLACE FUNCTION {u}({:x} STRING) RETURNS INT AS '1'",
    "DROP FUNCTION {u}(NUMBER)",
    "CREATE PROCEDURE {o}() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
    "DROP PROCEDURE {o}()",
    "CREATE ROLE {r}",
    "DROP ROLE {r}",
    "GRANT ROLE {r} TO ROLE {r'}",
    "CREATE DATABASE ROLE {b}",
    "GRANT DATABASE ROLE {b} TO ROLE {r}",
    "GRANT SELECT, INSERT ON TABLE {t} TO ROLE {r}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {h} TO ROLE {r}",
    "GRANT SELECT ON FUTURE TABLES IN SCHEMA {h} TO ROLE {r}",
    "GRANT OWNERSHIP ON TABLE {t} TO ROLE {r}",
    "GRANT OWNERSHIP ON TABLE {t} TO ROLE {r} COPY CURRENT GRANTS",
    "REVOKE SELECT ON TABLE {t} FROM ROLE {r}",
    "GRANT USAGE ON SEQUENCE {q} TO ROLE {r}",
    "CREATE WAREHOUSE {w}",
    "CREATE SCHEMA {h}",
    "CREATE SCHEMA {h} CLONE {h'}",
    "ALTER SCHEMA {h} RENAME TO {h'}",
    "USE SCHEMA {h}",
    "DROP SCHEMA {h}",
    "UNDROP SCHEMA {h}",
    "USE SCHEMA PUBLIC",
];

/// One statement: a template and the two numbers that make its names.
type Step = (usize, u8, u8);

fn name(pool: &str, step: Step) -> String {
    match pool.strip_prefix(':') {
        Some(own) => own.to_owned(),
        None => match pool.strip_suffix('\'') {
            Some(pool) => format!("{pool}{}", step.2),
            None => format!("{pool}{}", step.1),
        },
    }
}

/// The text of a statement with its names changed by `change`.
fn render(step: Step, change: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = TEMPLATES[step.0];
    while let Some((before, after)) = rest.split_once('{') {
        let (pool, after) = after.split_once('}').unwrap();
        out.push_str(before);
        out.push_str(&change(&name(pool, step)));
        rest = after;
    }
    out + rest
}

fn plain(step: Step) -> String {
    render(step, &str::to_owned)
}

fn program(most: usize) -> impl Strategy<Value = Vec<Step>> {
    // The first statements make things, so that the later ones find some.
    let step = (0..TEMPLATES.len(), 1_u8..=2, 1_u8..=2);
    let creates: Vec<usize> = (0..TEMPLATES.len())
        .filter(|at| TEMPLATES[*at].starts_with("CREATE") && !TEMPLATES[*at].contains("SCHEMA"))
        .collect();
    let first = (prop::sample::select(creates), 1_u8..=2, 1_u8..=2);
    (prop::collection::vec(first, most / 2), prop::collection::vec(step, 1..most / 2)).prop_map(
        |(mut all, more)| {
            all.extend(more);
            all
        },
    )
}

/// What comes out of a statement: grade, words and warnings.
fn outcome(effect: &Effect) -> String {
    match effect {
        Effect::Refused(error) => format!("refused {} {}", error.code, error.message),
        other => format!("{} {:?}", grade(other), other.reply()),
    }
}

fn run(bench: &mut Bench, texts: &[String]) -> Vec<String> {
    texts.iter().map(|sql| outcome(&bench.run(sql))).collect()
}

/// The catalogue as facts: without texts as written and times, its texts changed by `change`, sets in order.
fn facts(catalog: &Catalog, change: &dyn Fn(&str) -> String) -> Value {
    fn clean(value: Value, change: &dyn Fn(&str) -> String) -> Value {
        match value {
            Value::Object(map) => {
                let kept = map.into_iter().filter(|(key, _)| {
                    !matches!(key.as_str(), "definition" | "created_on" | "default" | "properties")
                });
                Value::Object(kept.map(|(key, value)| (change(&key), clean(value, change))).collect())
            }
            Value::Array(all) => {
                let mut all: Vec<Value> = all.into_iter().map(|one| clean(one, change)).collect();
                all.sort_by_key(ToString::to_string);
                Value::Array(all)
            }
            Value::String(text) => Value::String(change(&text)),
            other => other,
        }
    }
    clean(serde_json::from_str(&catalog.to_text()).unwrap(), change)
}

/// Folds a text and takes away what renaming put into it.
fn folded(text: &str) -> String {
    text.to_uppercase().replace("ZZ_", "")
}

/// As [`folded`], without places.
fn placeless(text: &str) -> String {
    static PLACES: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"(?i)line \d+ at position -?\d+").unwrap());
    PLACES.replace_all(&folded(text), "").into_owned()
}

/// Puts comments between the words of a statement.
fn commented(sql: &str) -> String {
    use crate::sql::lex::tokens;
    let mut out = String::from("/* first */ ");
    let mut at = 0;
    for (n, token) in tokens(sql).enumerate() {
        let gap = &sql[at..token.start];
        out.push_str(gap);
        if !gap.is_empty() && n % 2 == 1 {
            out.push_str("/* a */ -- b\n");
        }
        out.push_str(&sql[token.start..token.end]);
        at = token.end;
    }
    out
}

/// Names that a statement touches, with all that they may lead to.
fn touched(step: Step) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = TEMPLATES[step.0];
    while let Some((_, after)) = rest.split_once('{') {
        let (pool, after) = after.split_once('}').unwrap();
        rest = after;
        if pool.starts_with(':') {
            continue;
        }
        found.insert(name(pool, step));
        let all: &[&str] = match pool.trim_end_matches('\'') {
            // What stands on tables, is tied to them or owns them.
            "v" | "d" | "s" | "m" | "p" | "g" | "r" | "b" | "h" => {
                &["t1", "t2", "v1", "v2", "q1", "q2", "s1", "s2"]
            }
            "t" => &["t1", "t2"],
            "k" => &["k1", "k2"],
            "w" => &["w1", "w2"],
            _ => &[],
        };
        found.extend(all.iter().map(|name| (*name).to_owned()));
    }
    found
}

fn moves_the_session(step: Step) -> bool {
    let text = TEMPLATES[step.0];
    text.contains("SCHEMA") || text.contains("WAREHOUSE {w}") || text.contains("TEMPORARY")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn names_case_and_comments_change_nothing(steps in program(40)) {
        let texts: Vec<String> = steps.iter().map(|step| plain(*step)).collect();
        let mut base = Bench::new();
        let expected: Vec<String> = run(&mut base, &texts).iter().map(|text| placeless(text)).collect();
        let upper = |text: &str| super::metamorphic::each_word(text, str::to_uppercase);
        let variants: [(&str, Vec<String>); 3] = [
            ("renamed", steps.iter().map(|step| render(*step, &|name| format!("zz_{name}"))).collect()),
            ("recased", texts.iter().map(|text| upper(text)).collect()),
            ("commented", texts.iter().map(|text| commented(text)).collect()),
        ];
        for (what, changed) in variants {
            let mut bench = Bench::new();
            for ((sql, text), expected) in changed.iter().zip(run(&mut bench, &changed)).zip(&expected) {
                prop_assert_eq!(&placeless(&text), expected, "{}: {}", what, sql);
            }
            prop_assert_eq!(facts(&base.catalog, &folded), facts(&bench.catalog, &folded), "{}", what);
        }
    }

    #[test]
    fn every_step_is_deterministic_is_stored_whole_and_changes_nothing_when_refused(steps in program(60)) {
        let (mut bench, mut stored) = (Bench::new(), Bench::new());
        for step in steps {
            let sql = plain(step);
            let (catalog, session) = (bench.catalog.clone(), bench.session.clone());
            let effect = bench.run(&sql);
            if matches!(effect, Effect::Refused(_)) {
                prop_assert_eq!(&catalog, &bench.catalog, "{}", sql);
                prop_assert_eq!(&session, &bench.session, "{}", sql);
            }
            prop_assert_eq!(&stored.run(&sql), &effect, "{}", sql);
            let text = stored.catalog.to_text();
            stored.catalog = Catalog::from_text(&text).unwrap();
            prop_assert_eq!(&stored.catalog, &bench.catalog, "{}", sql);
            prop_assert_eq!(stored.catalog.to_text(), text);
        }
    }

    #[test]
    fn independent_statements_may_change_places(
        steps in program(30),
        a in (0..TEMPLATES.len(), 1_u8..=2, 1_u8..=2),
        b in (0..TEMPLATES.len(), 1_u8..=2, 1_u8..=2),
    ) {
        prop_assume!(!moves_the_session(a) && !moves_the_session(b) && touched(a).is_disjoint(&touched(b)));
        let texts: Vec<String> = steps.iter().map(|step| plain(*step)).collect();
        let mut one = Bench::new();
        run(&mut one, &texts);
        let mut other = Bench { catalog: one.catalog.clone(), session: one.session.clone(), run: one.run };
        let (a, b) = (plain(a), plain(b));
        let first = run(&mut one, &[a.clone(), b.clone()]);
        let mut second = run(&mut other, &[b.clone(), a.clone()]);
        second.reverse();
        prop_assert_eq!(first, second, "{} / {}", a, b);
        prop_assert_eq!(facts(&one.catalog, &str::to_owned), facts(&other.catalog, &str::to_owned), "{} / {}", a, b);
    }
}

/// The properties above say nothing of statements that are never accepted.
#[test]
fn programs_reach_every_statement() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut never: BTreeSet<usize> = (0..TEMPLATES.len()).collect();
    for _ in 0..300 {
        let steps = program(200).new_tree(&mut runner).unwrap().current();
        let mut bench = Bench::new();
        for step in steps {
            if bench.run(&plain(step)).reply().is_some() {
                never.remove(&step.0);
            }
        }
        if never.is_empty() {
            return;
        }
    }
    panic!("{:?}", never.into_iter().map(|at| TEMPLATES[at]).collect::<Vec<_>>());
}

/// What makes an object, and what needs it.
const USES: &[(&str, &str, &[&str])] = &[
    (
        "CREATE TABLE x (id INT PRIMARY KEY, name STRING)",
        "DROP TABLE x",
        &[
            "SELECT id FROM x",
            "SELECT 1 FROM y WHERE EXISTS (SELECT 1 FROM x)",
            "WITH c AS (SELECT id FROM x) SELECT * FROM c",
            "INSERT INTO x VALUES (1, 'a')",
            "INSERT INTO y SELECT id FROM x",
            "UPDATE x SET id = 1",
            "DELETE FROM y USING x WHERE x.id = y.id",
            "MERGE INTO y USING x ON x.id = y.id WHEN MATCHED THEN DELETE",
            "TRUNCATE TABLE x",
            "COPY INTO x FROM @~",
            "CREATE VIEW v AS SELECT id FROM x",
            "CREATE TABLE c CLONE x",
            "CREATE TABLE c LIKE x",
            "CREATE TABLE c AS SELECT id FROM x",
            "CREATE TABLE c (a INT REFERENCES x)",
            "CREATE STREAM s ON TABLE x",
            "CREATE DYNAMIC TABLE d TARGET_LAG = '1 minute' WAREHOUSE = deploy_xs AS SELECT id FROM x",
            "CREATE PIPE p AS COPY INTO x FROM @~",
            "ALTER TABLE x ADD COLUMN b INT",
            "ALTER TABLE x RENAME TO z",
            "ALTER TABLE y SWAP WITH x",
            "COMMENT ON TABLE x IS 'a'",
            "COMMENT ON COLUMN x.id IS 'a'",
            "GRANT SELECT ON TABLE x TO ROLE reader",
            "GRANT OWNERSHIP ON TABLE x TO ROLE reader",
            "DESCRIBE TABLE x",
            "DROP TABLE x",
        ],
    ),
    (
        "CREATE VIEW x AS SELECT 1 AS id",
        "DROP VIEW x",
        &["SELECT id FROM x", "CREATE STREAM s ON VIEW x", "ALTER VIEW x SET SECURE"],
    ),
    (
        "CREATE STREAM x ON TABLE y",
        "DROP STREAM x",
        &["SELECT id FROM x", "DESCRIBE STREAM x", "CREATE STREAM s CLONE x"],
    ),
    (
        "CREATE SEQUENCE x",
        "DROP SEQUENCE x",
        &["SELECT x.NEXTVAL", "CREATE TABLE c (a INT DEFAULT x.NEXTVAL)", "CREATE SEQUENCE s CLONE x"],
    ),
    (
        "CREATE STAGE x",
        "DROP STAGE x",
        &[
            "SELECT $1 FROM @x",
            "COPY INTO y FROM @x",
            "COPY INTO @x FROM y",
            "CREATE PIPE p AS COPY INTO y FROM @x",
            "CREATE STREAM s ON STAGE x",
        ],
    ),
    (
        "CREATE FILE FORMAT x TYPE = CSV",
        "DROP FILE FORMAT x",
        &[
            "COPY INTO y FROM @~ FILE_FORMAT = (FORMAT_NAME = x)",
            "CREATE STAGE g FILE_FORMAT = (FORMAT_NAME = 'x')",
        ],
    ),
    (
        "CREATE TASK x AS SELECT 1",
        "DROP TASK x",
        &[
            "CREATE TASK k AFTER x AS SELECT 1",
            "CREATE TASK k FINALIZE = x AS SELECT 1",
            "ALTER TASK x RESUME",
            "EXECUTE TASK x",
            "ALTER TASK z ADD AFTER x",
        ],
    ),
    (
        "CREATE MASKING POLICY x AS (v INT) RETURNS INT -> 0",
        "DROP MASKING POLICY x",
        &[
            "ALTER TABLE y MODIFY COLUMN id SET MASKING POLICY x",
            "CREATE TABLE c (a INT MASKING POLICY x)",
            "ALTER MASKING POLICY x SET BODY -> 1",
            "ALTER TAG w SET MASKING POLICY x",
        ],
    ),
    (
        "CREATE ROW ACCESS POLICY x AS (v INT) RETURNS BOOLEAN -> TRUE",
        "DROP ROW ACCESS POLICY x",
        &[
            "ALTER TABLE y ADD ROW ACCESS POLICY x ON (id)",
            "CREATE TABLE c (a INT) WITH ROW ACCESS POLICY x ON (a)",
        ],
    ),
    (
        "CREATE TAG x",
        "DROP TAG x",
        &[
            "ALTER TABLE y SET TAG x = 'a'",
            "CREATE TABLE c (a INT) WITH TAG (x = 'a')",
            "CREATE SCHEMA h WITH TAG (x = 'a')",
            "ALTER TABLE y UNSET TAG x",
            "ALTER TABLE y MODIFY COLUMN id SET TAG x = 'a'",
        ],
    ),
    (
        "CREATE FUNCTION x(a INT) RETURNS INT AS 'a'",
        "DROP FUNCTION x(INT)",
        &[
            "SELECT public.x(1)",
            "GRANT USAGE ON FUNCTION x(INT) TO ROLE reader",
            "ALTER FUNCTION x(INT) RENAME TO z",
        ],
    ),
    (
        "CREATE PROCEDURE x() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
        "DROP PROCEDURE x()",
        &["CALL x()", "DESCRIBE PROCEDURE x()"],
    ),
    (
        "CREATE ROLE x",
        "DROP ROLE x",
        &[
            "USE ROLE x",
            "GRANT ROLE x TO ROLE reader",
            "GRANT SELECT ON TABLE y TO ROLE x",
            "GRANT OWNERSHIP ON TABLE y TO ROLE x",
        ],
    ),
    (
        "CREATE DATABASE ROLE x",
        "DROP DATABASE ROLE x",
        &["GRANT SELECT ON TABLE y TO DATABASE ROLE x", "GRANT DATABASE ROLE x TO ROLE reader"],
    ),
    (
        "CREATE WAREHOUSE x",
        "DROP WAREHOUSE x",
        &[
            "USE WAREHOUSE x",
            "ALTER WAREHOUSE x SUSPEND",
            "CREATE TASK k WAREHOUSE = x SCHEDULE = '1 MINUTE' AS SELECT 1",
            "GRANT USAGE ON WAREHOUSE x TO ROLE reader",
        ],
    ),
    (
        "CREATE SCHEMA x",
        "DROP SCHEMA x",
        &[
            "USE SCHEMA x",
            "CREATE TABLE x.c (a INT)",
            "CREATE SCHEMA h CLONE x",
            "GRANT USAGE ON SCHEMA x TO ROLE reader",
            "GRANT SELECT ON FUTURE TABLES IN SCHEMA x TO ROLE reader",
            "SHOW TABLES IN SCHEMA x",
        ],
    ),
    (
        "CREATE DATABASE x",
        "DROP DATABASE x",
        &[
            "USE DATABASE x",
            "CREATE SCHEMA x.h",
            "CREATE DATABASE h CLONE x",
            "GRANT USAGE ON DATABASE x TO ROLE reader",
            "SELECT * FROM x.information_schema.tables",
        ],
    ),
];

#[test]
fn what_was_dropped_is_missed_by_every_statement_that_needs_it() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (create, drop, uses) in USES {
        for used in *uses {
            let mut bench = Bench::all(&[
                "CREATE TABLE y (id INT)",
                "CREATE TASK z AS SELECT 1",
                "CREATE TAG w",
                create,
                "USE SCHEMA local.public",
            ]);
            let mut without =
                Bench { catalog: bench.catalog.clone(), session: bench.session.clone(), run: bench.run };
            let effect = bench.run(used);
            assert!(effect.reply().is_some(), "{used}: {effect:?}");
            without.run(drop);
            without.run("USE SCHEMA local.public");
            without.refusal(used);
            *seen.entry(create).or_default() += 1;
        }
    }
    assert!(seen.len() == USES.len() && seen.values().sum::<usize>() > 80);
}
