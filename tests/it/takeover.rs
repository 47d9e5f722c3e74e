//! A run that was killed while a statement of it runs at the server, and the run that comes after it.

use std::{process::Child, time::Duration};

use serde_json::Value;
use snowops::session::{Connector as _, context::Context};
use testkit::{Cut, Fault, Modes, Server, Settings, User, What, When};

use crate::{
    harness::{Project, Run},
    interrupts::{attempts, command, end, finishes, slow, start, until, until_slow_runs},
    servers::{DEPLOYER, on_server},
    settling::{self, connector, spec},
};

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn migrate(project: &Project, arguments: &[&str]) -> Run {
    let all = [&["migrate", "--format", "json"], arguments].concat();
    Run::of(&command(project, &all).output().unwrap())
}

fn result(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.all()))
}

#[test]
fn the_next_run_waits_for_a_statement_that_outlived_its_client_and_does_not_repeat_it() {
    let (server, project) = slow(Duration::from_secs(9), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    kill(child);
    let run = migrate(&project, &[]);
    assert_eq!(run.code, 0, "{}", run.all());
    let id =
        server.world().statements.iter().find(|ran| ran.text.contains(" slow ")).unwrap().query_id.clone();
    let waited = format!("statement {id} of a run that was cut off to end");
    assert!(run.err.contains(&waited), "{}", run.all());
    for table in ["first", "slow", "last", "second"] {
        assert_eq!(attempts(&server, &format!(" {table} ")), ["SUCCESS"], "{table}");
    }
}

#[test]
fn a_statement_that_does_not_end_in_time_is_named_and_nothing_is_written() {
    let (server, project) = slow(Duration::from_mins(10), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    kill(child);
    // Long enough for the lease to expire.
    let run = migrate(&project, &["--lock-timeout", "7s"]);
    assert_eq!(run.code, 7, "{}", run.all());
    let world = server.world();
    let id = &world.statements.iter().find(|ran| ran.text.contains(" slow ")).unwrap().query_id;
    let result = result(&run);
    assert_eq!(result["error"]["query_id"], id.as_str(), "{result:#}");
    let message = result["error"]["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("statement {id} of run ")), "{message}");
    let ends = world.rows("snowops_schema_history_journal");
    assert!(ends.iter().all(|row| row["kind"].as_deref() != Some("end")), "the run was closed");
    assert!(attempts(&server, " last ").is_empty());
}

#[test]
fn a_row_that_another_tool_writes_meanwhile_stops_the_run_and_is_named() {
    let (server, project) = slow(Duration::from_millis(1500), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    let row = "INSERT INTO \"RETAIL\".\"SNOWOPS\".\"snowops_schema_history\" (\"installed_rank\", \"version\", \"description\", \
               \"type\", \"script\", \"checksum\", \"installed_by\", \"execution_time\", \"success\") \
               VALUES (1, '0.1', 'theirs', 'SQL', 'V0.1__theirs.sql', 1, 'OTHER', 1, TRUE)";
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut session = connector(&server).open(spec()).await.unwrap();
        settling::run(session.as_mut(), &Context::system(), row).await;
    });
    let run = end(child);
    assert_eq!(run.code, 5, "{}", run.all());
    let words = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("another tool wrote to the history during this run: rank 1, V0.1__theirs.sql"),
        "{words}"
    );
    let world = server.world();
    assert_eq!(world.rows("snowops_schema_history").len(), 1);
}

/// A repair that was cut off itself leaves two runs without an end.
#[test]
fn each_run_that_was_cut_off_is_closed_and_not_only_the_last() {
    let (server, project) = slow(Duration::from_millis(1500), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    kill(child);
    // The first insert says what is repaired, the second closes the run.
    let when = When { text: Some("(\"run\", \"seq\"".to_owned()), after: 1, ..When::default() };
    let what = What::Refused {
        code: "000625".to_owned(),
        message: "the table is locked".to_owned(),
        applied: false,
    };
    server.add_fault(Fault { when, what });
    let repair = ["repair", "--script", "V1__first.sql", "--statement", "2", "--mark-done"];
    let repair = Run::of(&command(&project, &repair).output().unwrap());
    assert_ne!(repair.code, 0, "{}", repair.all());
    let without_end = || {
        let world = server.world();
        let runs = |kind: &str| -> Vec<String> {
            let rows = world.rows("snowops_schema_history_journal").iter();
            rows.filter(|row| row["kind"].as_deref() == Some(kind))
                .filter_map(|row| row["run"].clone())
                .collect()
        };
        let ended = runs("end");
        runs("run").into_iter().filter(|run| !ended.contains(run)).count()
    };
    assert_eq!(without_end(), 2);
    finishes(&project, &server);
    assert_eq!(without_end(), 0);
}

/// A project on a server on which the statement with `slow` never arrives, though it was sent.
fn lost(modes: Modes, table: &str) -> (Server, Project, Run) {
    let when = When { text: Some("slow".to_owned()), ..When::default() };
    let faults = vec![Fault { when, what: What::Cut(Cut::BeforeEffect) }];
    let server = Server::start(Settings { modes, faults, ..Settings::default() }).unwrap();
    let script = format!("CREATE TABLE first (x NUMBER);\n{table}\nCREATE TABLE last (x NUMBER);\n");
    let project =
        Project::with(&[("V1__first.sql", &script), ("V2__second.sql", "CREATE TABLE second (x NUMBER);\n")]);
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    let file = project.read("snowops.yml");
    project.write("snowops.yml", &format!("lock: {{ ttl: 4s }}\n{file}"));
    let run = migrate(&project, &["--create-history"]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert_eq!(result(&run)["error"]["code"], "unknown_outcome", "{}", run.all());
    (server, project, run)
}

#[test]
fn a_statement_that_never_came_is_sent_once_the_query_history_has_had_its_time() {
    let (server, project, _) = lost(Modes::default(), "CREATE TABLE slow (x NUMBER);");
    finishes(&project, &server);
}

#[test]
fn where_the_query_history_shows_nothing_the_catalogue_is_not_believed() {
    let modes = Modes { history_delay: None, ..Modes::default() };
    let (server, project, _) = lost(modes, "CREATE TABLE slow (x NUMBER);");
    let run = migrate(&project, &[]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(
        run.err.contains("it may still be running") || run.out.contains("it may still be running"),
        "{}",
        run.all()
    );
    assert!(attempts(&server, " slow ").is_empty());
    let repair = ["repair", "--script", "V1__first.sql", "--statement", "2", "--mark-not-done"];
    let repair = Run::of(&command(&project, &repair).output().unwrap());
    assert_eq!(repair.code, 0, "{}", repair.all());
    finishes(&project, &server);
}

#[test]
fn on_request_the_server_ends_what_still_runs_and_the_run_goes_on() {
    let (server, project) = slow(Duration::from_mins(10), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    kill(child);
    let child = start(&project, &["migrate", "--drain", "cancel"]);
    until("the statement to be sent again", || attempts(&server, " slow ") == ["000604", "RUNNING"]);
    kill(child);
    assert_eq!(attempts(&server, " first "), ["SUCCESS"]);
}

#[test]
fn an_idempotent_statement_is_not_sent_again_while_the_first_may_run_unseen() {
    let modes = Modes { history_delay: None, ..Modes::default() };
    let (server, project, _) = lost(modes, "CREATE OR REPLACE VIEW slow AS SELECT 1 AS x;");
    let run = migrate(&project, &[]);
    assert_eq!(run.code, 5, "{}", run.all());
    let message = result(&run)["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("the query history does not show its session to this role"), "{message}");
    assert_eq!(attempts(&server, " last "), [""; 0]);
    let run = migrate(&project, &["--drain", "cancel"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(attempts(&server, " first "), ["SUCCESS"]);
}

#[test]
fn a_statement_of_another_users_run_is_looked_for_under_that_user() {
    // Listed too late for the run itself, in time for the next.
    let modes = Modes { history_delay: Some(Duration::from_secs(4)), monitor: true, ..Modes::default() };
    let when = When { text: Some("slow".to_owned()), ..When::default() };
    let faults = vec![Fault { when, what: What::Cut(Cut::BeforeAnswer) }];
    let mut settings = Settings { modes, faults, ..Settings::default() };
    let other = User { name: "COLLEAGUE".to_owned(), ..settings.users[0].clone() };
    settings.users.push(other);
    let server = Server::start(settings).unwrap();
    let project =
        Project::with(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\nINSERT INTO slow VALUES (1);\n")]);
    project.write("migrations/V0__slow.sql", "CREATE TABLE SLOW (x NUMBER);\n");
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    let file = project.read("snowops.yml");
    project.write("snowops.yml", &format!("lock: {{ ttl: 4s }}\n{file}"));
    let run = migrate(&project, &["--create-history"]);
    assert_eq!(result(&run)["error"]["code"], "unknown_outcome", "{}", run.all());
    let file = project.read("snowops.yml");
    project.write("snowops.yml", &file.replace("user: snowops", "user: colleague"));
    std::thread::sleep(Duration::from_secs(3));
    let run = migrate(&project, &[]);
    assert_eq!(run.code, 0, "{}", run.all());
    let world = server.world();
    let inserts = world.statements.iter().filter(|ran| ran.text.starts_with("INSERT INTO slow"));
    assert_eq!(inserts.count(), 1, "the statement was sent again");
}
