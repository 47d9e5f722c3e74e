//! Several processes on one target, and processes that die.

#[cfg(unix)]
mod rounds;

use std::{
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use crate::harness::Project;

fn start(project: &Project) -> Child {
    let mut command = project.command(&["migrate", "--format", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn many(scripts: usize) -> Project {
    let project = Project::with(&[]);
    for n in 1..=scripts {
        project.write(&format!("migrations/V{n}__t{n}.sql"), &format!("CREATE TABLE t{n} (a NUMBER);\n"));
    }
    project
}

/// Each script has one row, in order, and the next migrate has nothing to do.
fn applied_once(project: &Project, scripts: usize) {
    let states = project.states();
    assert_eq!(states.len(), scripts, "{states:?}");
    for (n, (script, state)) in states.iter().enumerate() {
        assert_eq!((script.as_str(), state.as_str()), (format!("V{0}__t{0}.sql", n + 1).as_str(), "success"));
    }
    let (code, result) = project.json(&["migrate"]);
    assert_eq!((code, result["applied"].as_array().unwrap().len()), (0, 0), "{result:#}");
}

#[test]
fn two_at_once_both_end_well_and_apply_each_script_once() {
    for _ in 0..3 {
        let project = many(12);
        let running: Vec<Child> = (0..2).map(|_| start(&project)).collect();
        let mut applied = 0;
        for child in running {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
            let result: serde_json::Value = serde_json::from_str(&text).unwrap();
            applied += result["applied"].as_array().unwrap().len();
        }
        assert_eq!(applied, 12, "each script was applied by exactly one of the two");
        applied_once(&project, 12);
    }
}

#[test]
fn a_killed_run_is_finished_at_once_by_the_next() {
    let mut killed = 0;
    for round in 0..6u64 {
        let project = many(60);
        let mut child = start(&project);
        thread::sleep(Duration::from_millis(30 + 25 * round));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += u32::from(!status.success());
        let before = std::time::Instant::now();
        let run = project.run(&["migrate"]);
        assert_eq!(run.code, 0, "round {round}: {}", run.all());
        assert!(before.elapsed() < Duration::from_secs(20), "the next run had to wait");
        applied_once(&project, 60);
    }
    assert!(killed > 0, "no run was killed in time: the test proves nothing");
}

/// A script that was cut off with a done INSERT must not start anew under another name, another query tag or after a
/// move; and `repair` is a way out that works.
#[test]
fn what_changes_between_kill_and_resume_repeats_nothing() {
    let slow = || {
        let project = Project::with(&[("V0__t.sql", "CREATE TABLE t (a NUMBER);")]);
        let inserts: Vec<String> = (1..=400).map(|n| format!("INSERT INTO t VALUES ({n});")).collect();
        project.write("migrations/V1__rows.sql", &inserts.join("\n"));
        let mut child = start(&project);
        let half = |project: &Project| {
            let path = project.path(".snowops/local.db");
            let file = rusqlite::Connection::open(path).ok()?;
            let done = "SELECT COUNT(*) FROM \"snowops_query_history\" WHERE \"status\" = 'SUCCESS'";
            file.query_row(done, [], |row| row.get::<_, i64>(0)).ok()
        };
        while half(&project).is_none_or(|done| done < 50) {
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        project
    };
    let twice = |project: &Project| {
        let file = project.engine_file();
        let repeated = "SELECT COUNT(*) FROM (SELECT \"text_sha\" FROM \"snowops_query_history\"
                        WHERE \"status\" = 'SUCCESS' GROUP BY \"text_sha\" HAVING COUNT(*) > 1)";
        file.query_row(repeated, [], |row| row.get::<_, i64>(0)).unwrap()
    };

    let tagged = slow();
    tagged.write(
        "snowops.yml",
        "project: test\nquery_tag: other\nenvironments:\n  local: { engine: embedded }\n",
    );
    let run = tagged.run(&["migrate"]);
    assert_eq!((run.code, twice(&tagged)), (0, 0), "{}", run.all());

    let renamed = slow();
    std::fs::rename(renamed.path("migrations/V1__rows.sql"), renamed.path("migrations/V1__lines.sql"))
        .unwrap();
    let run = renamed.run(&["migrate"]);
    assert_eq!((run.code, twice(&renamed)), (4, 0), "{}", run.all());
    assert!(run.err.contains("V1__rows.sql") && run.err.contains("snowops repair"), "{}", run.err);
    let run = renamed.run(&["repair"]);
    assert!(run.out.contains("V1__rows.sql"), "{}", run.all());
    renamed.write("migrations/V1__lines.sql", "INSERT INTO t VALUES (-1);\n");
    assert_eq!(renamed.run(&["migrate"]).code, 0);

    let never = slow();
    assert_eq!(never.run(&["migrate", "--resume=never"]).code, 4);
    assert_eq!(never.run(&["repair"]).code, 0);
    never.write("migrations/V1__rows.sql", "INSERT INTO t VALUES (-1);\n");
    let run = never.run(&["migrate", "--resume=never"]);
    assert_eq!(run.code, 0, "{}", run.all());
}

/// A repeatable that was applied before: its older success row must not hide what a later, cut-off attempt did.
#[test]
fn an_older_success_does_not_hide_a_cut_off_attempt() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("R__r.sql", "CREATE OR REPLACE VIEW r AS SELECT a FROM t;"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let broken = "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\nSELECT nothing FROM t;\nINSERT INTO t VALUES (3);\n";
    project.write("migrations/R__r.sql", broken);
    assert_eq!(project.run(&["migrate"]).code, 5);
    // A look with another policy, and an edit that is taken back, change nothing of what is known.
    assert_eq!(project.run(&["migrate", "--resume=never"]).code, 4);
    project.write("migrations/R__r.sql", &broken.replace("(1)", "(9)"));
    assert_eq!(project.run(&["migrate"]).code, 4);
    project.write("migrations/R__r.sql", &broken.replace("nothing", "a"));
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let file = project.engine_file();
    let inserts =
        "SELECT COUNT(*) FROM \"snowops_query_history\" h WHERE \"status\" = 'SUCCESS' AND \"query_tag\" LIKE
                   '%snowops:%' AND \"text_sha\" IN (SELECT \"text_sha\" FROM \"snowops_query_history\"
                   WHERE \"status\" = 'SUCCESS' GROUP BY \"text_sha\" HAVING COUNT(*) > 1)";
    assert_eq!(file.query_row(inserts, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
