//! A statement whose outcome the query history cannot tell: the catalogue is asked where it ran.

use std::{collections::BTreeMap, time::Duration};

use snowops::{
    execute::settle::{Look, Verdict, settle_by_state},
    model::{
        connection::{Connection, Endpoint, Login, Network, Protocol},
        ident::Ident,
        journal::{SettledBy, SettledOutcome},
        secret::SecretText,
        target::{Context4, Purpose, SecondaryRoles, SessionSpec},
    },
    session::{
        Answer, Connector as _, QueryTag, Request, RowUse, Session,
        context::Context,
        snowflake::{Notices, SnowflakeConnector, SnowflakeSettings},
    },
    sql::facts::{facts, probe},
};
use testkit::{Server, Settings, Time};

use crate::harness::Project;

const HISTORY: &str = "\"LOCAL.SNOWOPS.snowops_schema_history\"";
const JOURNAL: &str = "\"LOCAL.SNOWOPS.snowops_schema_history_journal\"";

/// A project whose last script was cut off behind its last statement, while the query history still says of it that
/// it runs. `done`: whether the statement reached the catalogue.
fn cut_off(scripts: &[(&str, &str)], done: bool) -> Project {
    let project = Project::with(scripts);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let last = scripts.last().unwrap().0;
    let file = project.engine_file();
    let one = |text: &str, count: usize| assert_eq!(file.execute(text, []).unwrap(), count, "{text}");
    one(&format!("DELETE FROM {HISTORY} WHERE \"script\" = '{last}'"), 1);
    one(&format!("DELETE FROM {JOURNAL} WHERE \"kind\" = 'end'"), 1);
    one(
        "UPDATE \"snowops_query_history\" SET \"status\" = 'RUNNING' WHERE ROWID = (SELECT MAX(ROWID) FROM \
         \"snowops_query_history\" WHERE \"query_tag\" LIKE 'snowops:%:%:%')",
        1,
    );
    if !done {
        // What was made current is put back after the script.
        one(
            "DELETE FROM \"snowops$tail\" WHERE \"seq\" = (SELECT MAX(\"seq\") FROM \"snowops$tail\" \
             WHERE \"text\" NOT LIKE 'USE %')",
            1,
        );
    }
    project
}

/// The journal's rows that settle something.
fn settled(project: &Project) -> Vec<String> {
    let file = project.engine_file();
    let text = format!("SELECT \"body\" FROM {JOURNAL} WHERE \"kind\" = 'settled'");
    let mut rows = file.prepare(&text).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// How often the last statement reached the catalogue.
fn sent(project: &Project, text: &str) -> i64 {
    let count = "SELECT COUNT(*) FROM \"snowops$tail\" WHERE \"text\" = ?1";
    project.engine_file().query_row(count, [text], |row| row.get(0)).unwrap()
}

#[test]
fn the_state_settles_what_the_query_history_cannot_tell() {
    let base = ("V1__base.sql", "CREATE SCHEMA s; USE SCHEMA public; CREATE TABLE t (a NUMBER, b NUMBER);");
    for (before, text) in [
        ("", "CREATE TABLE c (a NUMBER)"),
        // Made by the script before, in the same run: its creation says nothing of this statement.
        ("", "CREATE OR REPLACE TABLE t (a NUMBER, b NUMBER)"),
        ("", "ALTER TABLE t ADD COLUMN c NUMBER"),
        ("", "ALTER TABLE t RENAME TO u"),
        ("", "DROP TABLE t"),
        // The name is of the schema that the statements before made current.
        ("USE SCHEMA s;", "CREATE TABLE t (a NUMBER)"),
        ("CREATE SCHEMA n;", "CREATE TABLE t (a NUMBER)"),
        ("CREATE TABLE x (a NUMBER);", "ALTER TABLE t DROP COLUMN b"),
    ] {
        for done in [true, false] {
            let script = format!("{before} {text};");
            let project = cut_off(&[base, ("V2__last.sql", &script)], done);
            let run = project.run(&["migrate"]);
            assert_eq!(run.code, 0, "{script} {done}: {}", run.all());
            let settled = settled(&project);
            assert_eq!(settled.len(), 1, "{script} {done}: {settled:?}");
            let outcome = if done { "\"outcome\":\"done\"" } else { "\"outcome\":\"not_done\"" };
            assert!(
                settled[0].contains("\"by\":\"state\"") && settled[0].contains(outcome),
                "{script} {done}: {settled:?}"
            );
            assert_eq!(sent(&project, text), 1, "{script} {done}: repeated or lost");
            let states: Vec<String> = project.states().into_iter().map(|(_, state)| state).collect();
            assert_eq!(states, ["success", "success"], "{script} {done}");
        }
    }
}

#[test]
fn what_the_state_cannot_tell_stops_and_says_why() {
    let base = ("V1__base.sql", "CREATE TABLE t (a NUMBER);");
    for (script, why) in [
        ("INSERT INTO t VALUES (1);", "it leaves no trace in the catalogue that could be looked up"),
        (
            "CREATE SCHEMA s; DROP SCHEMA s; CREATE TABLE public.c (a NUMBER);",
            "where its session stood cannot be read from the statements before it",
        ),
    ] {
        let project = cut_off(&[base, ("V2__last.sql", script)], true);
        let run = project.run(&["migrate"]);
        assert_eq!(run.code, 5, "{}", run.all());
        assert!(run.err.contains(why), "{}", run.all());
        assert!(run.err.contains("the query history says that it runs"), "{}", run.all());
        assert_eq!(settled(&project), Vec::<String>::new());
    }
}

/// The same over HTTP: what the server's listings hold, how it prints times, and whose word counts.
#[tokio::test]
async fn probes_over_the_wire() {
    let server = Server::start(Settings { time: Time::Standing, ..Settings::default() }).unwrap();
    let connector = connector(&server);
    let mut work = connector.open(spec()).await.unwrap();
    let context = Context::system();
    for text in [
        "CREATE TABLE \"a_b\" (a NUMBER, b NUMBER)",
        "CREATE TABLE a_b (a NUMBER)",
        "CREATE OR REPLACE TABLE a_b (a NUMBER, b NUMBER)",
        "ALTER TABLE a_b ADD COLUMN c NUMBER",
        "ALTER TABLE a_b RENAME COLUMN c TO d",
        "ALTER TABLE a_b RENAME TO axb",
        "DROP TABLE axb",
        "UNDROP TABLE axb",
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE PROCEDURE p() RETURNS STRING LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
        "CREATE SCHEMA retail.s",
        "CREATE DATABASE ROLE r",
        "CREATE ROLE r",
    ] {
        let probe = probe(&facts(text)).unwrap();
        let at = at();
        let ask = async |over: bool, since: &str| {
            let made_before = true;
            let look = Look { probe: &probe, at: &at, since: &[since], made_before, over, context: &context };
            settle_by_state(&connector, spec(), &look).await
        };
        // Further apart than clocks may be.
        server.clock().advance(Duration::from_secs(3));
        let now = run(work.as_mut(), &context, "SELECT SYSDATE()").await;
        let since = now.rows[0][0].clone().unwrap();
        server.clock().advance(Duration::from_secs(3));
        let by = SettledBy::State;
        assert_eq!(
            ask(true, &since).await,
            Verdict::Found { by, outcome: SettledOutcome::NotDone },
            "{text}"
        );
        // As long as it may still run, that it is not there says nothing.
        let running = ask(false, &since).await;
        assert!(
            matches!(&running, Verdict::Unknown(why) if why.contains("may still be running")),
            "{text}: {running:?}"
        );
        run(work.as_mut(), &context, text).await;
        if text.starts_with("CREATE SCHEMA") {
            run(work.as_mut(), &context, "USE SCHEMA retail.public").await;
        }
        let done = Verdict::Found { by, outcome: SettledOutcome::Done };
        assert_eq!(ask(false, &since).await, done, "{text}");
    }
}

pub(crate) fn connector(server: &Server) -> SnowflakeConnector {
    let login = Login::Password {
        password: SecretText::new("correct horse"),
        passcode: None,
        passcode_in_password: false,
        cache_second_factor: false,
    };
    SnowflakeConnector::new(SnowflakeSettings {
        connection: Connection {
            label: "test".to_owned(),
            account: "testkit".to_owned(),
            user: Some("snowops".to_owned()),
            endpoint: Endpoint { protocol: Protocol::Http, host: server.host(), port: server.port() },
            network: Network::default(),
            login,
        },
        secrets: BTreeMap::new(),
        lease: Duration::from_mins(2),
        context: Context::system(),
        notices: Notices::default(),
    })
}

fn at() -> Context4 {
    Context4 {
        role: Some(Ident::stored("DEPLOYER")),
        warehouse: Some(Ident::stored("DEPLOY_XS")),
        database: Some(Ident::stored("RETAIL")),
        schema: Some(Ident::stored("PUBLIC")),
    }
}

pub(crate) fn spec() -> SessionSpec {
    SessionSpec {
        purpose: Purpose::Work,
        context: at(),
        secondary_roles: SecondaryRoles::None,
        parameters: BTreeMap::new(),
        statement_timeout: None,
    }
}

pub(crate) async fn run(session: &mut dyn Session, context: &Context, text: &str) -> Answer {
    let request = Request {
        id: context.ids.request(),
        text: text.to_owned(),
        binds: Vec::new(),
        tag: QueryTag::default(),
        timeout: None,
        repeatable: false,
        ledger: false,
        local_opaque: false,
        rows: RowUse::Read,
    };
    session.execute(&request).await.unwrap_or_else(|error| panic!("{text}: {error}"))
}
