//! The five promises of the README, and the tests that prove each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;
use testkit::{Server, Settings};

use crate::{
    fault_list::test_names,
    harness::{Project, Run, repository},
    servers::{DEPLOYER, on_server},
};

/// Number, the promise's first words as the README says them, tests.
const PROMISES: &[(u8, &str, &[&str])] = &[
    (
        1,
        "What snowops reports as applied was confirmed by the server",
        &[
            "promise_1_what_is_reported_as_applied_stands_in_the_server_with_its_query_id",
            "f3_a_statement_that_failed_unheard_fails_the_run_in_the_servers_words",
            "f4_an_answer_cut_in_its_middle_is_fetched_by_its_id",
        ],
    ),
    (
        2,
        "It never repeats a statement that it cannot prove unapplied or idempotent",
        &[
            "f3_what_nobody_can_find_out_is_asked_of_a_person_with_the_command_to_answer",
            "f8_a_5xx_is_a_lost_answer_and_says_nothing_of_what_was_done",
            "a_statement_that_never_came_is_sent_once_the_query_history_has_had_its_time",
            "where_the_query_history_shows_nothing_the_catalogue_is_not_believed",
            "an_idempotent_statement_is_not_sent_again_while_the_first_may_run_unseen",
            "what_changes_between_kill_and_resume_repeats_nothing",
        ],
    ),
    (
        3,
        "Two snowops runs never both start statements on one target",
        &[
            "racing_processes_on_the_protocol_server",
            "racing_processes_on_the_embedded_engine",
            "a_run_that_sleeps_while_another_takes_over",
            "a_run_whose_lease_was_taken_by_force_stops_at_its_next_beat",
            "the_next_run_waits_for_a_statement_that_outlived_its_client_and_does_not_repeat_it",
            "a_statement_that_does_not_end_in_time_is_named_and_nothing_is_written",
            "on_request_the_server_ends_what_still_runs_and_the_run_goes_on",
        ],
    ),
    (
        4,
        "After any crash, one command says what is true and what to do next",
        &[
            "a_killed_run_is_finished_at_once_by_the_next",
            "takeover",
            "modes",
            "a_second_signal_leaves_at_once_and_names_what_still_runs",
            "the_lease_of_a_killed_run_is_freed_once_it_is_over",
        ],
    ),
    (
        5,
        "The SQL that was approved is the SQL that runs",
        &["promise_5_the_statements_of_the_plan_are_those_that_the_server_gets"],
    ),
];

#[test]
fn every_promise_stands_in_tests_and_in_the_docs() {
    let names = test_names();
    let [readme, page] =
        ["README.md", "docs/reliability.md"].map(|file| fs::read_to_string(repository().join(file)).unwrap());
    for (number, words, tests) in PROMISES {
        assert!(readme.contains(&format!("{number}. {words}")), "the README does not promise: {words}");
        assert!(page.contains(words), "docs/reliability.md does not speak of: {words}");
        for test in *tests {
            assert!(names.contains(*test), "promise {number}: there is no test {test}");
            assert!(page.contains(&format!("`{test}`")), "docs/reliability.md does not name {test}");
        }
    }
}

fn run(project: &Project, arguments: &[&str]) -> (Value, Run) {
    let mut command = project.command(arguments);
    let output = command
        .args(["--env", "dev", "--format", "json"])
        .env("SNOWFLAKE_PASSWORD", "correct horse")
        .output()
        .unwrap();
    let run = Run::of(&output);
    let result = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.all()));
    (result, run)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text '{key}' in {value}"))
}

#[test]
fn promise_1_what_is_reported_as_applied_stands_in_the_server_with_its_query_id() {
    let server = Server::start(Settings::default()).unwrap();
    let project = Project::sample();
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    // What fails is not reported as applied.
    project.write("migrations/V9__bad.sql", "CREATE TABLE good (x NUMBER);\nCREATE TABLE good (x NUMBER);\n");
    let (result, run) = run(&project, &["migrate", "--create-history"]);
    assert_eq!(run.code, 5, "{}", run.all());
    let world = server.world();
    let ran: BTreeMap<&str, _> = world.statements.iter().map(|ran| (ran.query_id.as_str(), ran)).collect();
    let events = run.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut finished = BTreeMap::<String, usize>::new();
    for event in events.filter(|event| event["event"] == "statement_finished") {
        let statement = ran[text(&event, "query_id")];
        assert_eq!(statement.status, "SUCCESS", "{statement:?}");
        let tag = format!("snowops:{}:", text(&event, "run"));
        let ours =
            statement.tag.starts_with(&tag) && statement.tag.ends_with(&format!(":{}", event["ordinal"]));
        assert!(ours, "{statement:?}");
        *finished.entry(text(&event, "script").to_owned()).or_default() += 1;
    }
    let applied = result["applied"].as_array().unwrap();
    assert!(applied.len() > 10 && applied.iter().all(|script| text(script, "script") != "V9__bad.sql"));
    for script in applied {
        assert_eq!(ran[text(script, "query_id")].status, "SUCCESS", "{script}");
        assert_eq!(Some(finished[text(script, "script")] as u64), script["statements"].as_u64(), "{script}");
    }
    // And the history has no row of success beyond them.
    let rows = world.rows("snowops_schema_history");
    let cell = |row: &testkit::Row, column: &str| row[column].clone().unwrap();
    let recorded: BTreeSet<String> =
        rows.iter().filter(|row| cell(row, "success") == "true").map(|row| cell(row, "script")).collect();
    let reported: BTreeSet<String> = applied.iter().map(|script| text(script, "script").to_owned()).collect();
    assert!(recorded.is_subset(&reported), "{recorded:?} {reported:?}");
}

#[test]
fn promise_5_the_statements_of_the_plan_are_those_that_the_server_gets() {
    let server = Server::start(Settings::default()).unwrap();
    let project = Project::sample();
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    let (plan, _) = run(&project, &["plan"]);
    let (result, migrated) = run(&project, &["migrate", "--create-history"]);
    assert_eq!(result["ok"], true, "{}", migrated.all());
    let planned: Vec<(String, String)> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["statements"].as_array().unwrap())
        .map(|statement| (text(statement, "hash").to_owned(), text(statement, "text").to_owned()))
        .collect();
    let world = server.world();
    // A tag names run, script and statement; those of the bookkeeping and of what is put back name less.
    let of_scripts = world.statements.iter().filter(|ran| ran.tag.split(':').count() == 4);
    let sent: Vec<(String, String)> = of_scripts.map(|ran| (ran.hash.clone(), ran.text.clone())).collect();
    assert!(planned.len() > 50, "{}", planned.len());
    assert_eq!(planned, sent);
}
