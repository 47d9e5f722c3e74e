use std::sync::Arc;

use camino::Utf8PathBuf;

use super::*;
use crate::{
    model::target::{Purpose, SecondaryRoles, SessionSpec},
    session::{
        Connector as _, Control, Fut, Phase, SessionInfo,
        embedded::{EmbeddedConnector, testing},
        simulated::{TestClock, simulated},
    },
    sql::facts::{facts, probe},
};

/// An embedded target whose time passes by a second with every statement.
struct Place {
    _folder: tempfile::TempDir,
    connector: EmbeddedConnector,
    context: Context,
    clock: Arc<TestClock>,
}

fn spec(context: Context4) -> SessionSpec {
    SessionSpec {
        purpose: Purpose::Work,
        context,
        secondary_roles: SecondaryRoles::None,
        parameters: std::collections::BTreeMap::new(),
        statement_timeout: None,
    }
}

/// Where sessions start, with a role.
fn home() -> Context4 {
    Context4 { role: Some(Ident::stored("ADMIN")), ..testing::context() }
}

fn probe_of(text: &str) -> Probe {
    probe(&facts(text)).unwrap_or_else(|| panic!("no probe: {text}"))
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (context, clock) = simulated();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("local.db")).unwrap();
        Self { connector: testing::connector(path, context.clone()), _folder: folder, context, clock }
    }

    async fn open(&self) -> Box<dyn Session> {
        self.connector.open(spec(home())).await.unwrap()
    }

    async fn run(&self, session: &mut dyn Session, text: &str) {
        self.clock.advance(std::time::Duration::from_secs(1));
        let request = Request {
            id: self.context.ids.request(),
            text: text.to_owned(),
            binds: Vec::new(),
            tag: QueryTag::default(),
            timeout: None,
            repeatable: false,
            ledger: false,
            local_opaque: false,
            rows: RowUse::Read,
        };
        let ran = session.execute(&request).await;
        ran.unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// A server time between two statements.
    fn now(&self) -> String {
        self.clock.advance(std::time::Duration::from_secs(1));
        let wall = crate::session::context::Clock::now(self.clock.as_ref()).wall;
        Timestamp::from_second(i64::try_from(wall.as_secs()).unwrap()).unwrap().to_string()
    }

    /// What a fresh session is told of `text`'s probe, before `text` was run and after.
    async fn before_and_after(&self, setup: &str, text: &str) -> (Answer, Answer) {
        let mut work = self.open().await;
        for statement in setup.split(';').filter(|statement| !statement.trim().is_empty()) {
            self.run(work.as_mut(), statement.trim()).await;
        }
        let since = self.now();
        let before = self.ask(text, &since).await;
        self.run(work.as_mut(), text).await;
        (before, self.ask(text, &since).await)
    }

    async fn ask(&self, text: &str, since: &str) -> Answer {
        let mut session = self.open().await;
        let at = home();
        let question = Question {
            probe: &probe_of(text),
            at: &at,
            since: &[since],
            made_before: true,
            context: &self.context,
        };
        ask(session.as_mut(), &question).await
    }
}

#[tokio::test]
async fn probes_tell_before_from_after() {
    for (setup, text) in [
        ("", "CREATE TABLE t (a NUMBER)"),
        ("", "CREATE TRANSIENT TABLE t (a NUMBER)"),
        ("", "CREATE TABLE local.public.t (a NUMBER)"),
        ("CREATE SCHEMA s; USE SCHEMA public", "CREATE TABLE s.t (a NUMBER)"),
        ("CREATE TABLE t (a NUMBER)", "CREATE OR REPLACE TABLE t (a NUMBER)"),
        ("CREATE TABLE t (a NUMBER)", "CREATE VIEW v AS SELECT a FROM t"),
        ("CREATE TABLE t (a NUMBER)", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t"),
        ("", "CREATE SCHEMA s"),
        ("", "CREATE DATABASE d"),
        ("", "CREATE SEQUENCE s"),
        ("", "CREATE STAGE s"),
        ("", "CREATE FILE FORMAT f TYPE = CSV"),
        ("", "CREATE TAG t"),
        ("", "CREATE MASKING POLICY p AS (v STRING) RETURNS STRING -> v"),
        ("", "CREATE ROLE r"),
        ("", "CREATE DATABASE ROLE r"),
        ("", "CREATE WAREHOUSE w"),
        ("", "CREATE NETWORK POLICY n ALLOWED_IP_LIST = ('10.0.0.0/8')"),
        (
            "",
            "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
             STORAGE_AWS_ROLE_ARN = 'x' STORAGE_ALLOWED_LOCATIONS = ('s3://b/')",
        ),
        ("", "CREATE PROCEDURE p() RETURNS STRING LANGUAGE SQL AS 'BEGIN RETURN 1; END'"),
        ("", "CREATE FUNCTION f(a NUMBER) RETURNS NUMBER AS 'a'"),
        ("CREATE TABLE t (a NUMBER)", "CREATE STREAM st ON TABLE t"),
        ("CREATE TABLE t (a NUMBER)", "DROP TABLE t"),
        ("CREATE VIEW v AS SELECT 1 AS a", "DROP VIEW v"),
        ("CREATE SCHEMA s; CREATE TABLE s.t (a NUMBER)", "DROP SCHEMA s"),
        ("CREATE DATABASE d", "DROP DATABASE d"),
        ("CREATE ROLE r", "DROP ROLE r"),
        ("CREATE FUNCTION f(a NUMBER) RETURNS NUMBER AS 'a'", "DROP FUNCTION f(NUMBER)"),
        ("CREATE TABLE t (a NUMBER); DROP TABLE t", "UNDROP TABLE t"),
        ("CREATE TABLE t (a NUMBER)", "ALTER TABLE t RENAME TO u"),
        ("CREATE SCHEMA s; CREATE TABLE s.t (a NUMBER); USE SCHEMA public", "ALTER TABLE s.t RENAME TO s.u"),
        ("CREATE VIEW v AS SELECT 1 AS a", "ALTER VIEW v RENAME TO w"),
        ("CREATE SCHEMA s", "ALTER SCHEMA s RENAME TO r"),
        ("CREATE TABLE t (a NUMBER)", "ALTER TABLE t ADD COLUMN b NUMBER"),
        ("CREATE TABLE t (a NUMBER, b NUMBER)", "ALTER TABLE t DROP COLUMN b"),
        ("CREATE TABLE t (a NUMBER)", "ALTER TABLE t RENAME COLUMN a TO b"),
        ("CREATE TABLE t (\"a\" NUMBER)", "ALTER TABLE t RENAME COLUMN \"a\" TO \"A\""),
        ("CREATE ROLE r; CREATE TABLE t (a NUMBER)", "GRANT OWNERSHIP ON TABLE t TO ROLE r"),
        ("CREATE ROLE r; CREATE ROLE s", "GRANT OWNERSHIP ON ROLE s TO ROLE r"),
    ] {
        let told = Place::new().before_and_after(setup, text).await;
        assert_eq!(told, (Answer::No, Answer::Yes), "{setup}; {text}");
    }
}

/// What looks like the object and is not it.
#[tokio::test]
async fn names_are_exact() {
    for (setup, text) in [
        // SHOW's pattern fits all of these.
        ("CREATE TABLE axb (a NUMBER); CREATE TABLE \"a_b\" (a NUMBER)", "CREATE TABLE a_b (a NUMBER)"),
        (
            "CREATE TABLE \"a%b\" (a NUMBER); CREATE TABLE \"axxB\" (a NUMBER)",
            "CREATE TABLE \"A%B\" (a NUMBER)",
        ),
        ("CREATE TABLE T (a NUMBER)", "CREATE TABLE \"t\" (a NUMBER)"),
        ("CREATE TABLE \"o\" (a NUMBER)", "CREATE TABLE \"o'b\"\"x\" (a NUMBER)"),
        ("CREATE TABLE \"a-b\" (a NUMBER)", "CREATE TABLE \"a\\b\" (a NUMBER)"),
        ("CREATE TABLE \"a\\n\" (a NUMBER)", "CREATE TABLE \"a\\\\n\" (a NUMBER)"),
        // The same name elsewhere, or of another kind.
        ("CREATE SCHEMA s; CREATE TABLE s.t (a NUMBER); USE SCHEMA public", "CREATE TABLE t (a NUMBER)"),
        (
            "CREATE SCHEMA \"p\"; CREATE TABLE \"p\".t (a NUMBER); CREATE SCHEMA p; USE SCHEMA public",
            "CREATE TABLE p.t (a NUMBER)",
        ),
        (
            "CREATE DATABASE d; CREATE TABLE d.public.t (a NUMBER); USE DATABASE local",
            "CREATE TABLE t (a NUMBER)",
        ),
        ("CREATE SEQUENCE t; CREATE STAGE t", "CREATE TABLE t (a NUMBER)"),
        ("CREATE DATABASE d; CREATE SCHEMA d.s; USE DATABASE local", "CREATE SCHEMA local.s"),
        ("CREATE DATABASE d; CREATE DATABASE ROLE d.r; USE DATABASE local", "CREATE DATABASE ROLE local.r"),
        ("CREATE SCHEMA s; CREATE DATABASE d; USE DATABASE local", "CREATE SCHEMA d.s"),
        ("CREATE ROLE r", "CREATE DATABASE ROLE r"),
    ] {
        // Older than the intent would be a reason of its own.
        let place = Place::new();
        let since = place.now();
        let mut work = place.open().await;
        for statement in setup.split(';') {
            place.run(work.as_mut(), statement.trim()).await;
        }
        assert_eq!(place.ask(text, &since).await, Answer::No, "{setup}; {text}");
        place.run(work.as_mut(), text).await;
        assert_eq!(place.ask(text, &since).await, Answer::Yes, "{setup}; {text}");
    }
}

#[tokio::test]
async fn what_a_view_and_a_table_share_is_told_apart() {
    let place = Place::new();
    let mut work = place.open().await;
    let since = place.now();
    place.run(work.as_mut(), "CREATE VIEW x AS SELECT 1 AS a").await;
    assert_eq!(place.ask("CREATE TABLE x (a NUMBER)", &since).await, Answer::No);
    assert_eq!(place.ask("CREATE VIEW x AS SELECT 1 AS a", &since).await, Answer::Yes);
}

#[tokio::test]
async fn overloads_and_what_was_made_anew_are_not_guessed_at() {
    let place = Place::new();
    let mut work = place.open().await;
    let since = place.now();
    for text in [
        "CREATE FUNCTION f(a NUMBER) RETURNS NUMBER AS 'a'",
        "CREATE FUNCTION f(a VARCHAR) RETURNS NUMBER AS '1'",
        "CREATE TABLE t (a NUMBER)",
        "CREATE TABLE u (b NUMBER)",
        "CREATE TABLE v (a NUMBER, b NUMBER)",
    ] {
        place.run(work.as_mut(), text).await;
    }
    for (text, why) in [
        ("CREATE FUNCTION f(a NUMBER) RETURNS NUMBER AS 'a'", "there are 2 of FUNCTION F"),
        ("DROP FUNCTION f(DATE)", "there are 2 of FUNCTION F"),
        ("DROP TABLE t", "TABLE T was made anew since"),
        ("ALTER TABLE t RENAME TO u", "both T and U are there"),
        ("ALTER TABLE gone RENAME TO lost", "neither of GONE and LOST is there"),
        ("ALTER TABLE v RENAME COLUMN a TO b", "both the columns A and B of V are there"),
        ("ALTER TABLE v RENAME COLUMN x TO y", "neither of the columns X and Y of V is there"),
    ] {
        assert_eq!(place.ask(text, &since).await, Answer::CannotTell(why.to_owned()), "{text}");
    }
    let Answer::CannotTell(why) = place.ask("ALTER TABLE gone ADD COLUMN b NUMBER", &since).await else {
        panic!("a table that is gone has no columns to tell of")
    };
    assert!(why.starts_with("TABLE LOCAL.PUBLIC.GONE cannot be described: 002003"), "{why}");
    let Answer::CannotTell(why) = place.ask("CREATE TABLE t (a NUMBER)", "yesterday").await else {
        panic!("no time, no answer")
    };
    assert_eq!(why, "the time of the intent is not known");
}

/// A session of Snowflake that says what it is told to.
struct Told {
    info: SessionInfo,
    answer: Result<session::Answer, DbError>,
    made_before: bool,
}

impl Told {
    fn new(role: &str, columns: &[&str], rows: Vec<Vec<&str>>) -> Self {
        let info = SessionInfo {
            id: "1".to_owned(),
            account: "ACME".to_owned(),
            user: "ANN".to_owned(),
            context: Context4 { role: Some(Ident::stored(role)), ..home() },
            server: "10".to_owned(),
            engine: Engine::Snowflake,
        };
        let text = |cell: &str| Some(cell.to_owned());
        let answer = session::Answer {
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            rows: rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect(),
            ..session::Answer::default()
        };
        Self { info, answer: Ok(answer), made_before: false }
    }

    async fn ask(mut self, text: &str) -> Answer {
        let (context, _) = simulated();
        let since = ["2026-01-01 10:00:00.123456", "2026-01-01 09:00:00"];
        let question = Question {
            probe: &probe_of(text),
            at: &home(),
            since: &since,
            made_before: self.made_before,
            context: &context,
        };
        ask(&mut self, &question).await
    }
}

impl Session for Told {
    fn info(&self) -> &SessionInfo {
        &self.info
    }

    fn control(&self) -> Arc<dyn Control> {
        unreachable!("a probe is not cancelled")
    }

    fn execute<'a>(&'a mut self, request: &'a Request) -> Fut<'a, Result<session::Answer, DbError>> {
        assert!(request.repeatable && !request.ledger, "{request:?}");
        Box::pin(async { self.answer.clone() })
    }

    fn close(self: Box<Self>) -> Fut<'static, Result<(), DbError>> {
        Box::pin(async { Ok(()) })
    }
}

const TABLES: &[&str] = &["created_on", "name", "database_name", "schema_name", "owner", "owner_role_type"];

fn table<'a>(created_on: &'a str, name: &'a str) -> Vec<&'a str> {
    vec![created_on, name, "LOCAL", "PUBLIC", "ADMIN", "ROLE"]
}

const CREATE: &str = "CREATE TABLE t (a NUMBER)";
const LATER: &str = "2026-01-01 10:00:01.000000+00:00";

#[tokio::test]
async fn a_listing_that_was_cut_off_proves_no_absence() {
    let full = |last: &'static str| {
        let mut rows = vec![table(LATER, "OTHER"); MOST_ROWS - 1];
        rows.push(table(LATER, last));
        rows
    };
    let cut =
        Answer::CannotTell("TABLE LOCAL.PUBLIC.T is not among the first 10000 that the server lists".into());
    assert_eq!(Told::new("ADMIN", TABLES, full("OTHER")).ask(CREATE).await, cut);
    assert_eq!(Told::new("ADMIN", TABLES, full("OTHER")).ask("DROP TABLE t").await, cut);
    // What is found is found.
    assert_eq!(Told::new("ADMIN", TABLES, full("T")).ask(CREATE).await, Answer::Yes);
    let short = full("OTHER").split_off(1);
    assert_eq!(Told::new("ADMIN", TABLES, short).ask(CREATE).await, Answer::No);
}

#[tokio::test]
async fn only_the_role_that_ran_it_can_say_not_there() {
    for text in [CREATE, "DROP TABLE t", "ALTER TABLE t RENAME TO u", "UNDROP TABLE t"] {
        let told = Told::new("READER", TABLES, Vec::new()).ask(text).await;
        let Answer::CannotTell(why) = told else { panic!("{text}: {told:?}") };
        assert!(why.contains("not to be seen by role READER") && why.ends_with("absent or hidden"), "{why}");
    }
    assert_eq!(Told::new("ADMIN", TABLES, Vec::new()).ask("DROP TABLE t").await, Answer::Yes);
    assert_eq!(Told::new("ADMIN", TABLES, Vec::new()).ask(CREATE).await, Answer::No);
    // What any role sees is there.
    assert_eq!(Told::new("READER", TABLES, vec![table(LATER, "T")]).ask(CREATE).await, Answer::Yes);
    let fault = DbError {
        class: ErrorClass::NotFound,
        code: Some("002043".into()),
        sqlstate: Some("02000".into()),
        message: "Object does not exist, or operation cannot be performed.".into(),
        line: None,
        position: None,
        query_id: None,
        phase: Phase::Answer,
        outcome: session::Effect::Failed,
    };
    let gone = Told { answer: Err(fault), ..Told::new("ADMIN", TABLES, Vec::new()) };
    let told = gone.ask("DROP TABLE t").await;
    let Answer::CannotTell(why) = told else { panic!("{told:?}") };
    assert!(why.starts_with("TABLE LOCAL.PUBLIC.T cannot be looked up: 002043"), "{why}");
}

#[tokio::test]
async fn a_time_of_creation_near_the_intent_is_a_proof_only_where_nothing_before_made_the_object() {
    let near = || {
        Answer::CannotTell(
            "it was made when this statement was sent, or by one before it: clocks tell no more".into(),
        )
    };
    for (created_on, alone, after_another) in [
        ("2026-01-01 09:59:58.123000+00:00", Answer::No, Answer::No),
        ("2026-01-01 11:00:00.000000+02:00", Answer::No, Answer::No),
        // By a clock that is behind.
        ("2026-01-01 09:59:58.123456+00:00", Answer::Yes, near()),
        ("2026-01-01 10:00:00.123000+00:00", Answer::Yes, near()),
        ("2026-01-01 12:00:02.123456+02:00", Answer::Yes, near()),
        ("2026-01-01 10:00:02.124000+00:00", Answer::Yes, Answer::Yes),
    ] {
        for (made_before, answer) in [(false, alone), (true, after_another)] {
            let mut told = Told::new("ADMIN", TABLES, vec![table(created_on, "T")]);
            told.made_before = made_before;
            assert_eq!(told.ask(CREATE).await, answer, "{created_on} {made_before}");
        }
    }
    let told = Told::new("ADMIN", TABLES, vec![table("", "T")]).ask(CREATE).await;
    assert_eq!(told, Answer::CannotTell("the server tells no time of creation".into()));
}

#[tokio::test]
async fn columns_of_listings_differ() {
    let routine = ["created_on", "name", "schema_name", "is_builtin", "arguments", "catalog_name"];
    let row = |builtin, catalog| vec![LATER, "P", "PUBLIC", builtin, "P() RETURN VARCHAR", catalog];
    let create = "CREATE PROCEDURE p() RETURNS STRING LANGUAGE SQL AS 'x'";
    for (rows, answer) in [
        (vec![row("N", "LOCAL")], Answer::Yes),
        (vec![row("Y", "LOCAL")], Answer::No),
        (vec![row("N", "OTHER")], Answer::No),
        (vec![row("N", "LOCAL"), row("N", "LOCAL")], Answer::CannotTell("there are 2 of PROCEDURE P".into())),
    ] {
        assert_eq!(Told::new("ADMIN", &routine, rows).ask(create).await, answer);
    }
    let owned = |owner, kind| vec![LATER, "T", "LOCAL", "PUBLIC", owner, kind];
    let grant = "GRANT OWNERSHIP ON TABLE t TO ROLE r";
    for (row, answer) in [
        (owned("R", "ROLE"), Answer::Yes),
        (owned("R", "DATABASE_ROLE"), Answer::No),
        (owned("r", "ROLE"), Answer::No),
        (owned("", "ROLE"), Answer::CannotTell("the server tells no owner".into())),
    ] {
        assert_eq!(Told::new("ADMIN", TABLES, vec![row.clone()]).ask(grant).await, answer, "{row:?}");
    }
    // Without the column that matters nothing is told.
    let none = Told::new("ADMIN", &["status"], vec![vec!["done"]]).ask(CREATE).await;
    assert!(matches!(none, Answer::CannotTell(_)), "{none:?}");
}
