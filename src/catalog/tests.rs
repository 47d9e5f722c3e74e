mod clone_swap_undrop;
mod containers;
mod endings;
mod grants;
mod kept;
mod live;
mod metamorphic;
mod or_alter;
mod play;
mod policies_tags;
mod programs;
mod queries;
mod refusals;
mod refused;
mod snapshots;
mod tables;
mod tasks_streams;
mod views;

use super::*;
use crate::sql::command::command;

/// A catalogue and a session over it, as a script sees them.
struct Bench {
    catalog: Catalog,
    session: SessionState,
    run: usize,
}

fn seed() -> Seed {
    let ident = |name: &str| Some(Ident::written(name));
    Seed {
        account: "embedded".to_owned(),
        context: Context4 {
            role: ident("DEPLOYER"),
            warehouse: ident("DEPLOY_XS"),
            database: ident("LOCAL"),
            schema: ident("PUBLIC"),
        },
        externals: Externals {
            databases: vec!["RAW.*".to_owned()],
            roles: vec!["READER".to_owned()],
            warehouses: vec!["LOAD_XL".to_owned()],
            others: vec!["S3_INT".to_owned()],
        },
        snapshots: Vec::new(),
        now: "2026-01-01T00:00:00Z".to_owned(),
    }
}

impl Bench {
    fn new() -> Self {
        let seed = seed();
        Self { catalog: Catalog::new(&seed), session: SessionState::new(seed.context), run: 0 }
    }

    fn run(&mut self, sql: &str) -> Effect {
        self.run += 1;
        let stamp = Stamp {
            now: format!("2026-01-01T00:{:02}:{:02}Z", self.run / 60, self.run % 60),
            query_id: format!("q{}", self.run),
        };
        match command(sql) {
            Ok(command) => apply(&mut self.catalog, &mut self.session, &command, &stamp),
            Err(error) => Effect::Refused(error),
        }
    }

    /// Runs statements that must all be accepted.
    fn all(sqls: &[&str]) -> Self {
        let mut bench = Self::new();
        for sql in sqls {
            let effect = bench.run(sql);
            assert!(!matches!(effect, Effect::Refused(_)), "{sql}: {effect:?}");
        }
        bench
    }

    fn all_of(mut self, sqls: &[&str]) {
        for sql in sqls {
            let effect = self.run(sql);
            assert!(effect.reply().is_some(), "{sql}: {effect:?}");
        }
    }

    fn refusal(&mut self, sql: &str) -> SnowflakeError {
        match self.run(sql) {
            Effect::Refused(error) => error,
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn rows(&mut self, sql: &str) -> Vec<Vec<String>> {
        let effect = self.run(sql);
        let reply = effect.reply().unwrap_or_else(|| panic!("{sql}: {effect:?}"));
        reply
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect())
            .collect()
    }
}

fn grade(effect: &Effect) -> &'static str {
    match effect {
        Effect::Applied(_) => "applied",
        Effect::Checked(_) => "checked",
        Effect::Recorded(_) => "recorded",
        Effect::Opaque(_) => "opaque",
        Effect::Refused(_) => "refused",
    }
}

#[derive(serde::Deserialize)]
struct Line {
    kind: String,
    sql: String,
}

fn typical() -> Vec<Line> {
    let text = include_str!("../../tests/data/statements.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_script_of_typical_statements_is_accepted() {
    let mut bench = Bench::new();
    let mut grades = std::collections::BTreeMap::new();
    let mut refused = Vec::new();
    for line in typical() {
        let effect = bench.run(&line.sql);
        *grades.entry(grade(&effect)).or_insert(0) += 1;
        if let Effect::Refused(error) = effect {
            refused.push(format!("{}: {error}", line.kind));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert_eq!(grades.into_iter().collect::<Vec<_>>(), [("applied", 70), ("checked", 23), ("recorded", 6)]);
}

/// What stands before each refusal.
const BASE: &[&str] = &[
    "CREATE TABLE customer (id NUMBER(38,0) NOT NULL, email VARCHAR(320) NOT NULL, name STRING, balance NUMBER(12,2) \
     DEFAULT 0, doc VARIANT, CONSTRAINT pk PRIMARY KEY (id))",
    "CREATE TABLE orders (order_id NUMBER NOT NULL, customer_id NUMBER, amount NUMBER(12,2), placed_at TIMESTAMP_NTZ)",
    "CREATE VIEW v_customer AS SELECT id, email FROM customer",
    "CREATE SEQUENCE seq",
    "CREATE STAGE st",
    "CREATE STREAM strm ON TABLE orders",
    "CREATE TASK t1 WAREHOUSE = deploy_xs SCHEDULE = '1 MINUTE' AS SELECT 1",
    "CREATE PROCEDURE p(a NUMBER) RETURNS STRING LANGUAGE SQL AS $$ BEGIN RETURN 'x'; END $$",
    "CREATE SCHEMA local.other",
    "USE SCHEMA local.public",
    "CREATE ROLE own_role",
];

#[test]
fn names_fold_unless_quoted() {
    let mut bench = Bench::all(&[
        "create table Orders (Id int, \"Id\" int, \"b c\" int)",
        "create table \"orders\" (x int)",
        "select ID, \"Id\", \"b c\" from ORDERS",
        "select x from \"orders\"",
        "select x from local..\"orders\"",
        "select o.id from local.public.orders o",
        "select public.orders.id from public.orders",
        "drop table \"ORDERS\"",
        "select x from IDENTIFIER('\"orders\"')",
    ]);
    assert_eq!(bench.refusal("select 1 from orders").code, "002003");
    assert_eq!(bench.refusal("select X from \"ORDERS\"").code, "002003");
}

#[test]
fn a_refused_statement_changes_nothing() {
    let mut bench = Bench::all(BASE);
    for sql in [
        "CREATE OR REPLACE TABLE customer AS SELECT nope FROM orders",
        "CREATE OR REPLACE VIEW v_customer AS SELECT * FROM nope",
        "ALTER TABLE customer ADD COLUMN a INT, email STRING",
        "ALTER TABLE customer DROP COLUMN email, nope",
        "ALTER TABLE customer ADD COLUMN a INT REFERENCES nope (id)",
        "ALTER TABLE customer SWAP WITH nope",
        "CREATE OR REPLACE SCHEMA other CLONE nope",
        "GRANT SELECT ON TABLE nope TO ROLE reader",
        "CREATE OR REPLACE STREAM strm ON TABLE nope",
        "USE SCHEMA nope",
    ] {
        let (before, session) = (bench.catalog.clone(), bench.session.clone());
        bench.refusal(sql);
        assert_eq!(bench.catalog, before, "{sql}");
        assert_eq!(bench.session, session, "{sql}");
    }
}

#[test]
fn ddl_commits_and_dml_does_not() {
    let mut bench = Bench::all(BASE);
    for (sql, open) in [
        ("BEGIN", true),
        ("INSERT INTO orders VALUES (1, 1, 1, NULL)", true),
        ("TRUNCATE TABLE orders", true),
        ("SELECT 1", true),
        ("CREATE TABLE x (a INT)", false),
        ("BEGIN TRANSACTION", true),
        ("GRANT SELECT ON TABLE x TO ROLE reader", false),
        ("BEGIN", true),
        ("COMMIT", false),
        ("ALTER SESSION SET AUTOCOMMIT = FALSE", false),
        ("SELECT 1", false),
        ("DELETE FROM orders", true),
        ("ROLLBACK", false),
    ] {
        bench.run(sql);
        assert_eq!(bench.session.transaction_open(), open, "{sql}");
    }
    bench.run("BEGIN");
    bench.refusal("DROP TABLE nope");
    assert!(!bench.session.transaction_open(), "a DDL that fails has still committed");
}

#[test]
fn context_follows_what_is_created_and_dropped() {
    let mut bench = Bench::all(&["CREATE DATABASE d"]);
    let at = |bench: &Bench| {
        let context = &bench.session.context;
        let text = |ident: &Option<Ident>| ident.as_ref().map_or("-".to_owned(), ToString::to_string);
        format!("{}.{}", text(&context.database), text(&context.schema))
    };
    for (sql, expected) in [
        ("USE DATABASE local", "LOCAL.PUBLIC"),
        ("CREATE SCHEMA d.s", "D.S"),
        ("CREATE SCHEMA IF NOT EXISTS d.public", "D.PUBLIC"),
        ("USE SCHEMA s", "D.S"),
        ("ALTER SCHEMA s RENAME TO r", "D.R"),
        ("DROP SCHEMA r", "D.-"),
        ("USE d.public", "D.PUBLIC"),
        ("DROP SCHEMA public", "D.-"),
        ("USE d", "D.-"),
        ("DROP DATABASE d", "-.-"),
    ] {
        let effect = bench.run(sql);
        assert!(effect.reply().is_some(), "{sql}: {effect:?}");
        assert_eq!(at(&bench), expected, "{sql}");
    }
    assert_eq!(bench.refusal("CREATE TABLE t (a INT)").code, "090105");
    bench.run("USE local");
    bench.run("DROP SCHEMA public");
    assert_eq!(bench.refusal("CREATE TABLE t (a INT)").code, "090106");
}

#[test]
fn replaced_and_dropped_tables_come_back_in_order() {
    let mut bench = Bench::all(&[
        "CREATE TABLE t (a INT)",
        "GRANT SELECT ON TABLE t TO ROLE reader",
        "CREATE OR REPLACE TABLE t (b INT)",
        "SELECT b FROM t",
        "ALTER TABLE t RENAME TO t2",
        "UNDROP TABLE t",
        "SELECT a FROM t",
        "DROP SCHEMA public",
        "UNDROP SCHEMA public",
        "USE SCHEMA public",
        "SELECT a FROM t",
    ]);
    assert_eq!(bench.refusal("UNDROP TABLE t").code, "002002");
    bench.run("DROP TABLE t");
    bench.run("UNDROP TABLE t");
    assert_eq!(bench.refusal("UNDROP TABLE t2").code, "002002");
}

#[test]
fn temporary_tables_shadow_and_end_with_the_session() {
    let mut bench = Bench::all(&[
        "CREATE TABLE t (a INT)",
        "CREATE TEMPORARY TABLE t (b INT)",
        "SELECT b FROM t",
        "CREATE VIEW v AS SELECT 1 AS x",
        "CREATE TEMP TABLE v (y INT)",
        "SELECT y FROM v",
    ]);
    assert!(bench.session.has_temporary_objects());
    assert_eq!(bench.refusal("SELECT a FROM t").code, "000904");
    bench.run("DROP TABLE t");
    bench.run("SELECT a FROM t");
    bench.session = SessionState::new(seed().context);
    assert!(bench.run("SELECT a FROM t").reply().is_some());
    assert!(bench.run("SELECT x FROM v").reply().is_some());
}

#[test]
fn views_are_late_bound() {
    let mut bench = Bench::all(&[
        "CREATE TABLE t (a INT, b INT)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE VIEW w AS SELECT * FROM v",
        "CREATE VIEW star AS SELECT * FROM t",
        "ALTER TABLE t ADD COLUMN c INT",
        "SELECT a FROM w",
        "USE SCHEMA local.public",
    ]);
    assert_eq!(bench.refusal("SELECT * FROM star").code, "002057");
    bench.run("ALTER TABLE t DROP COLUMN a");
    let error = bench.refusal("SELECT a FROM w");
    assert_eq!(error.code, "002037");
    assert!(
        error.message.starts_with(
            "SQL compilation error:\nFailure during expansion of view 'W': SQL compilation error:"
        )
    );
    bench.run("DROP TABLE t");
    assert_eq!(bench.refusal("SELECT 1 FROM v").code, "002037");
    assert!(bench.run("CREATE TABLE t (a INT)").reply().is_some());
    assert!(bench.run("SELECT a FROM w").reply().is_some());
}

#[test]
fn unknown_account_objects_warn_once_a_name_and_dropped_ones_are_refused() {
    let mut bench = Bench::all(&["CREATE ROLE r", "CREATE WAREHOUSE w WAREHOUSE_SIZE = XSMALL"]);
    for (sql, warnings) in [
        ("USE ROLE stranger", 1),
        ("USE ROLE SYSADMIN", 0),
        ("USE ROLE reader", 0),
        ("GRANT ROLE r TO ROLE stranger", 1),
        ("GRANT USAGE ON WAREHOUSE big TO ROLE stranger", 2),
        ("GRANT USAGE ON WAREHOUSE load_xl TO ROLE r", 0),
        ("CREATE STAGE s URL = 's3://x' STORAGE_INTEGRATION = s3_int", 0),
        ("CREATE STAGE s2 URL = 's3://x' STORAGE_INTEGRATION = gcs_int", 1),
    ] {
        let effect = bench.run(sql);
        let reply = effect.reply().unwrap();
        assert_eq!(reply.warnings.len(), warnings, "{sql}: {reply:?}");
        if warnings > 0 {
            assert_eq!(grade(&effect), "recorded", "{sql}");
        }
    }
    bench.run("DROP ROLE r");
    assert_eq!(bench.refusal("GRANT ROLE r TO ROLE sysadmin").code, "002003");
    assert_eq!(bench.refusal("USE ROLE r").code, "002043");
    bench.run("DROP WAREHOUSE w");
    assert_eq!(bench.refusal("USE WAREHOUSE w").code, "002043");
    bench.run("DROP ROLE IF EXISTS stranger");
    assert_eq!(bench.refusal("USE ROLE stranger").code, "002043");
    // The lists are read again; what was dropped stays so.
    bench.catalog.extend(&Seed {
        externals: Externals { roles: vec!["r".into(), "late".into()], ..Externals::default() },
        ..seed()
    });
    assert_eq!(bench.refusal("USE ROLE r").code, "002043");
    assert!(bench.run("USE ROLE late").reply().unwrap().warnings.is_empty());
}

#[test]
fn what_is_in_an_external_database_is_believed() {
    let mut bench = Bench::all(&[
        "CREATE VIEW v AS SELECT e.anything, a.b FROM raw.events.e e JOIN raw.x.y a ON a.id = e.id",
        "SELECT anything FROM v",
        "CREATE TABLE raw.mine.t (a INT)",
        "SELECT a FROM raw.mine.t",
        "SELECT a FROM raw.mine.other",
        "GRANT SELECT ON TABLE raw.events.e TO ROLE reader",
        "SELECT * FROM snowflake.account_usage.query_history",
        "SELECT * FROM local.information_schema.tables",
    ]);
    assert_eq!(bench.refusal("SELECT b FROM raw.mine.t").code, "000904");
    bench.run("DROP TABLE raw.mine.t");
    assert_eq!(bench.refusal("SELECT a FROM raw.mine.t").code, "002003");
    assert_eq!(bench.refusal("SELECT 1 FROM other_db.public.t").code, "002003");
}

#[test]
fn show_and_describe_tell_what_is_there() {
    let mut bench = Bench::all(BASE);
    let names =
        |rows: Vec<Vec<String>>| -> Vec<String> { rows.into_iter().map(|mut row| row.remove(1)).collect() };
    assert_eq!(names(bench.rows("SHOW TABLES")), ["CUSTOMER", "ORDERS"]);
    assert_eq!(names(bench.rows("SHOW TABLES LIKE 'cust%' IN SCHEMA local.public")), ["CUSTOMER"]);
    assert_eq!(names(bench.rows("SHOW VIEWS IN DATABASE local")), ["V_CUSTOMER"]);
    assert_eq!(
        names(bench.rows("SHOW SCHEMAS IN DATABASE local")),
        ["INFORMATION_SCHEMA", "OTHER", "PUBLIC"]
    );
    assert_eq!(names(bench.rows("SHOW DATABASES LIKE 'loc_l'")), ["LOCAL"]);
    assert_eq!(names(bench.rows("SHOW TABLES IN SCHEMA other")), [""; 0]);
    let created = bench.rows("SHOW TABLES LIKE 'ORDERS'").remove(0).remove(0);
    assert_eq!(created, "2026-01-01T00:00:02Z");
    let email = bench.rows("DESCRIBE TABLE customer").remove(1);
    assert_eq!(email, ["EMAIL", "VARCHAR(320)", "COLUMN", "N", "", "N", "N", ""]);
    bench.run("DROP TABLE orders");
    assert_eq!(names(bench.rows("SHOW TABLES HISTORY LIKE 'orders'")), ["ORDERS"]);
}

#[test]
fn a_name_from_a_variable_is_followed_where_its_value_is_known() {
    let mut bench = Bench::all(BASE);
    bench.run("SET t = 'orders'");
    assert_eq!(grade(&bench.run("SELECT amount FROM IDENTIFIER($t)")), "checked");
    assert_eq!(bench.refusal("SELECT nope FROM IDENTIFIER($t)").code, "000904");
    assert_eq!(grade(&bench.run("DROP TABLE IDENTIFIER($t)")), "applied");
    bench.run("SET u = (SELECT MAX(name) FROM customer)");
    assert_eq!(grade(&bench.run("CREATE TABLE IDENTIFIER($u) (a INT)")), "opaque");
    assert_eq!(bench.refusal("CREATE TABLE IDENTIFIER($nope) (a INT)").sqlstate, "02000");
}

#[test]
fn grants_go_with_the_object() {
    let bench = Bench::all(&[
        "CREATE TABLE t (a INT)",
        "GRANT SELECT, INSERT ON TABLE t TO ROLE reader",
        "REVOKE INSERT ON TABLE t FROM ROLE reader",
        "ALTER TABLE t RENAME TO t2",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA public TO ROLE reader",
        "CREATE TABLE later (a INT)",
        "CREATE TABLE bare (a INT)",
        "REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM ROLE reader",
        "GRANT SELECT ON TABLE later TO ROLE reader",
        "CREATE OR REPLACE TABLE later COPY GRANTS AS SELECT 1 AS a",
        "CREATE VIEW v AS SELECT 1 AS a",
        "GRANT SELECT ON VIEW v TO ROLE reader",
        "CREATE OR REPLACE VIEW v AS SELECT 2 AS a",
    ]);
    let schema = &bench.catalog.databases[&Ident::stored("LOCAL")].schemas[&Ident::stored("PUBLIC")];
    let grants = |name: &str| schema.objects["relation"][name].grants.iter().cloned().collect::<Vec<_>>();
    assert_eq!(grants("LATER"), ["SELECT TO ROLE READER"], "COPY GRANTS keeps them");
    assert_eq!(grants("T2"), [""; 0]);
    assert_eq!(grants("BARE"), [""; 0]);
    assert_eq!(grants("V"), [""; 0], "OR REPLACE loses them");
    assert_eq!(schema.future_grants.len(), 1);
}

#[test]
fn or_alter_keeps_the_object() {
    let mut bench = Bench::all(&[
        "CREATE TABLE t (a INT)",
        "GRANT SELECT ON TABLE t TO ROLE reader",
        "CREATE OR ALTER TABLE t (a INT, b INT)",
        "SELECT b FROM t",
        "CREATE OR ALTER TABLE u (a INT)",
        "SELECT a FROM u",
    ]);
    assert_eq!(bench.rows("SHOW TABLES LIKE 't'")[0][0], "2026-01-01T00:00:01Z");
    assert!(bench.catalog.to_text().contains("SELECT TO ROLE READER"));
    assert_eq!(bench.refusal("CREATE OR ALTER VIEW t AS SELECT 1 AS a").code, "001998");
}

#[test]
fn if_not_exists_ignores_the_definition_of_what_is_there() {
    let mut bench =
        Bench::all(&["CREATE TABLE t (a INT)", "CREATE TABLE IF NOT EXISTS t AS SELECT x FROM gone"]);
    let effect = bench.run("CREATE TABLE IF NOT EXISTS t (b INT)");
    assert_eq!(effect.reply().unwrap().message, "T already exists, statement succeeded.");
    assert_eq!(bench.refusal("SELECT b FROM t").code, "000904");
}

#[test]
fn columns_that_files_bring_are_believed() {
    let bench = Bench::all(&[
        "CREATE STAGE st",
        "CREATE TABLE t (a INT) ENABLE_SCHEMA_EVOLUTION = TRUE",
        "CREATE EXTERNAL TABLE e (d DATE AS (value:c1::DATE)) LOCATION = @st FILE_FORMAT = (TYPE = PARQUET)",
        "CREATE TABLE u USING TEMPLATE (SELECT ARRAY_AGG(OBJECT_CONSTRUCT(*)) FROM TABLE(INFER_SCHEMA(LOCATION => '@st', FILE_FORMAT => 'ff')))",
    ]);
    bench.all_of(&[
        "SELECT brought FROM t",
        "SELECT value:c2, d, metadata$filename FROM e",
        "SELECT anything FROM u",
    ]);
}
