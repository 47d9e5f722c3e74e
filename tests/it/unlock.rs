//! `unlock` while a run holds the lease, and after it was killed.

use std::{process::Child, time::Duration};

use serde_json::Value;

use crate::{
    harness::{Project, Run},
    interrupts::{attempts, command, end, finishes, slow, start, until, until_slow_runs},
};

fn unlock(project: &Project, arguments: &[&str]) -> (i32, Value) {
    let all = [&["unlock", "--format", "json"], arguments].concat();
    let run = Run::of(&command(project, &all).output().unwrap());
    let result = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.all()));
    (run.code, result)
}

/// Takes the lease of a living run by force, and waits for the run's end.
fn taken_by_force(project: &Project, child: Child) -> Run {
    let (_, shown) = unlock(project, &[]);
    let id = shown["lease"]["run"].as_str().unwrap().to_owned();
    let (code, freed) = unlock(project, &["--lease", &id, "--force"]);
    assert_eq!((code, &freed["freed"]), (0, &Value::Bool(true)), "{freed:#}");
    let run = end(child);
    assert_eq!(run.code, 5, "{}", run.all());
    run
}

#[test]
fn the_holder_is_shown_and_only_its_own_lease_is_freed() {
    let (server, project) = slow(Duration::from_secs(4), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    let (code, shown) = unlock(&project, &[]);
    assert_eq!((code, &shown["freed"]), (7, &Value::Bool(false)), "{shown:#}");
    let lease = &shown["lease"];
    assert!(lease["holder"].as_str().unwrap().starts_with("SNOWOPS on "), "{shown:#}");
    // Four seconds and their grace, less what has passed.
    assert!((1..=5_000).contains(&lease["free_in_ms"].as_u64().unwrap()), "{shown:#}");
    let human = Run::of(&command(&project, &["unlock"]).output().unwrap());
    assert!(human.out.contains("at the earliest; a run that lives renews it"), "{}", human.all());
    let id = lease["run"].as_str().unwrap().to_owned();

    let (code, other) = unlock(&project, &["--lease", "another"]);
    assert_eq!((code, &other["error"]["code"]), (7, &"locked".into()), "{other:#}");
    // It lives and renews.
    let (code, busy) = unlock(&project, &["--lease", &id, "--lock-timeout", "1s"]);
    assert_eq!((code, &busy["error"]["code"]), (7, &"locked".into()), "{busy:#}");
    let run = end(child);
    assert_eq!(run.code, 0, "{}", run.all());
    let (code, free) = unlock(&project, &["--lease", &id]);
    assert_eq!((code, &free["lease"]), (0, &Value::Null), "{free:#}");
}

#[test]
fn the_lease_of_a_killed_run_is_freed_once_it_is_over() {
    let (server, project) = slow(Duration::from_millis(800), Duration::from_secs(45));
    let mut child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, shown) = unlock(&project, &[]);
    let id = shown["lease"]["run"].as_str().unwrap().to_owned();
    let freed = Run::of(&command(&project, &["unlock", "--lease", &id]).output().unwrap());
    assert_eq!(freed.code, 0, "{}", freed.all());
    // Who is shown first, and waited for.
    assert!(
        freed.err.trim_start().starts_with("waiting for the lease, held by SNOWOPS on"),
        "{}",
        freed.all()
    );
    assert!(freed.out.starts_with("Freed the lease of SNOWOPS on"), "{}", freed.all());
    let (code, _) = unlock(&project, &[]);
    assert_eq!(code, 0);
    finishes(&project, &server);
}

#[test]
fn a_run_whose_lease_was_taken_by_force_stops_at_its_next_beat() {
    let (server, project) = slow(Duration::from_secs(3), Duration::from_secs(45));
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    let run = taken_by_force(&project, child);
    assert!(run.err.contains("the lease was lost"), "{}", run.all());
    assert!(attempts(&server, " last ").is_empty());
    until("the slow statement's end", || attempts(&server, " slow ") == ["SUCCESS"]);
    finishes(&project, &server);
}

/// Between statements that may be repeated nothing is written that would tell: the beat alone does.
#[test]
fn nothing_more_is_sent_even_where_no_row_is_written_in_between() {
    let (server, project) = slow(Duration::from_secs(3), Duration::from_secs(45));
    let views =
        "CREATE OR REPLACE VIEW slow AS SELECT 1 AS x;\nCREATE OR REPLACE VIEW after AS SELECT 1 AS x;\n";
    project.write("migrations/V1__first.sql", views);
    let child = start(&project, &["migrate", "--create-history"]);
    until_slow_runs(&server);
    let run = taken_by_force(&project, child);
    assert!(!server.world().statements.iter().any(|ran| ran.text.contains("VIEW after")), "{}", run.all());
}

#[test]
fn a_protected_environment_is_not_forced_without_a_word() {
    let (server, project) = slow(Duration::from_secs(2), Duration::from_secs(45));
    let file = project.read("snowops.yml");
    project.write("snowops.yml", &file.replace("schema: PUBLIC", "protected: true, schema: PUBLIC"));
    let child = start(&project, &["migrate", "--create-history", "--yes"]);
    until_slow_runs(&server);
    let (_, shown) = unlock(&project, &[]);
    let id = shown["lease"]["run"].as_str().unwrap().to_owned();
    let (code, refused) = unlock(&project, &["--lease", &id, "--force"]);
    assert_eq!((code, &refused["error"]["code"]), (2, &"confirmation_needed".into()), "{refused:#}");
    let run = end(child);
    assert_eq!(run.code, 0, "{}", run.all());
}
