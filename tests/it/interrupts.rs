//! Ctrl-C and SIGTERM while a statement runs at the server.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use testkit::{Server, Settings, Takes};

use crate::{
    harness::{Project, Run},
    servers::{DEPLOYER, on_server},
};

const SCRIPTS: &[(&str, &str)] = &[
    (
        "V1__first.sql",
        "CREATE TABLE first (x NUMBER);\nCREATE TABLE slow (x NUMBER);\nCREATE TABLE last (x NUMBER);\n",
    ),
    ("V2__second.sql", "CREATE TABLE second (x NUMBER);\n"),
];

/// A server on which statements with `slow` in them take their time, and a project for it.
pub(crate) fn slow(time: Duration, hold: Duration) -> (Server, Project) {
    let durations = vec![Takes { contains: "slow".to_owned(), time }];
    let server = Server::start(Settings { durations, hold, ..Settings::default() }).unwrap();
    let project = Project::with(SCRIPTS);
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    let file = project.read("snowops.yml");
    project.write("snowops.yml", &format!("lock: {{ ttl: 4s }}\n{file}"));
    (server, project)
}

pub(crate) fn command(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command.args(["--env", "dev"]).env("SNOWFLAKE_PASSWORD", "correct horse");
    command
}

pub(crate) fn start(project: &Project, arguments: &[&str]) -> Child {
    let mut command = command(project, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn until_slow_runs(server: &Server) {
    let slow = |ran: &testkit::Ran| ran.text.contains("slow") && ran.status == "RUNNING";
    until("the slow statement", || server.world().statements.iter().any(slow));
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

pub(crate) fn end(child: Child) -> Run {
    Run::of(&child.wait_with_output().unwrap())
}

/// What became of each attempt at a statement: its Snowflake code, or that it was done.
pub(crate) fn attempts(server: &Server, text: &str) -> Vec<String> {
    let world = server.world();
    let ran =
        world.statements.iter().filter(|ran| ran.text.contains(text) && ran.text.starts_with("CREATE TABLE"));
    ran.map(|ran| ran.code.clone().unwrap_or_else(|| ran.status.to_owned())).collect()
}

pub(crate) fn finishes(project: &Project, server: &Server) {
    let run = Run::of(&command(project, &["migrate"]).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.all());
    for table in ["first", "slow", "last", "second"] {
        let done = attempts(server, &format!(" {table} ")).iter().filter(|what| *what == "SUCCESS").count();
        assert_eq!(done, 1, "{table} was made {done} times");
    }
}

#[test]
fn the_first_signal_lets_the_running_statement_end_and_records_it() {
    for name in ["INT", "TERM"] {
        let (server, project) = slow(Duration::from_millis(1500), Duration::from_secs(45));
        let child = start(&project, &["migrate", "--create-history"]);
        until_slow_runs(&server);
        signal(&child, name);
        let run = end(child);
        assert_eq!(run.code, 130, "{}", run.all());
        let told =
            "asked to stop: statement 2 of V1__first.sql runs on to its end; asking again leaves at once";
        assert!(run.err.contains(told), "{}", run.all());
        assert_eq!(attempts(&server, " slow "), ["SUCCESS"]);
        assert!(attempts(&server, " last ").is_empty() && attempts(&server, " second ").is_empty());
        assert!(server.world().sessions.is_empty(), "a session was left open");
        finishes(&project, &server);
    }
}

#[test]
fn with_cancel_now_the_server_aborts_the_running_statement_and_its_answer_is_waited_for() {
    let (server, project) = slow(Duration::from_mins(10), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history", "--cancel", "now", "--format", "json"]);
    until_slow_runs(&server);
    signal(&child, "INT");
    let run = end(child);
    assert_eq!(run.code, 130, "{}", run.all());
    let result: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(result["error"]["code"], "interrupted");
    let message = result["error"]["message"].as_str().unwrap();
    assert_eq!(message, "the run was interrupted: statement 2 of 3 of V1__first.sql was aborted");
    let place = (&result["error"]["file"], &result["error"]["line"]);
    assert_eq!(place, (&"migrations/V1__first.sql".into(), &2.into()), "{result:#}");
    assert_eq!(attempts(&server, " slow "), ["000604"]);
    assert!(server.world().sessions.is_empty(), "a session was left open");
    let plan = Run::of(&command(&project, &["plan", "--format", "json"]).output().unwrap());
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let step = (&plan["steps"][0]["action"], &plan["steps"][0]["from"]);
    assert_eq!(step, (&"resume".into(), &2.into()), "{plan:#}");
}

#[test]
fn a_second_signal_leaves_at_once_and_names_what_still_runs() {
    for (hold, known) in [(Duration::from_secs(45), false), (Duration::from_millis(100), true)] {
        let (server, project) = slow(Duration::from_secs(4), hold);
        let child = start(&project, &["migrate", "--create-history", "--format", "json"]);
        until_slow_runs(&server);
        if known {
            until("the first question for the answer", || {
                server.log().iter().any(|entry| entry.path.ends_with("/result"))
            });
        }
        let asked = Instant::now();
        signal(&child, "INT");
        // Two at one time would count as one.
        std::thread::sleep(Duration::from_millis(200));
        signal(&child, "INT");
        let run = end(child);
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        assert_eq!(run.code, 130, "{}", run.all());
        let result: Value = serde_json::from_str(&run.out).unwrap();
        let message = result["error"]["message"].as_str().unwrap();
        assert_eq!(
            message,
            "left at once, as asked: statement 2 of V1__first.sql may still run at the server"
        );
        let world = server.world();
        let slow = world.statements.iter().find(|ran| ran.text.contains(" slow ")).unwrap();
        assert_eq!(slow.status, "RUNNING");
        if known {
            assert_eq!(result["error"]["query_id"], slow.query_id.as_str());
        } else {
            assert!(run.out.contains(&slow.tag), "{}", run.all());
        }
        until("its end", || attempts(&server, " slow ") == ["SUCCESS"]);
        finishes(&project, &server);
    }
}

#[test]
fn of_an_aborted_block_it_is_said_that_a_part_may_be_done() {
    let (server, project) = slow(Duration::from_mins(10), Duration::from_secs(45));
    project.write("migrations/V1__first.sql", "BEGIN\n  CREATE TABLE slow (x NUMBER);\n  RETURN 1;\nEND;\n");
    let child = start(&project, &["migrate", "--create-history", "--cancel", "now"]);
    until_slow_runs(&server);
    signal(&child, "INT");
    let run = end(child);
    assert_eq!(run.code, 130, "{}", run.all());
    assert!(
        run.err.contains("what ran inside this statement before it stopped may be done"),
        "{}",
        run.all()
    );
}
