//! What breaks in the middle, and how it is finished.

use crate::harness::Project;

const BROKEN: &str = "\
CREATE TABLE a (x NUMBER);
CREATE TABLE b (x NUMBER);
CREATE VIEW v AS SELECT nothing FROM a;
CREATE TABLE c (x NUMBER);
CREATE TABLE d (x NUMBER);
";

fn entry(project: &Project, script: &str) -> serde_json::Value {
    let (_, info) = project.json(&["info"]);
    let migrations = info["migrations"].as_array().unwrap().clone();
    migrations.into_iter().find(|m| m["script"] == script).unwrap()
}

#[test]
fn a_script_that_breaks_is_mended_and_finished_from_there() {
    let project = Project::with(&[("V1__many.sql", BROKEN), ("V2__next.sql", "CREATE TABLE e (x NUMBER);")]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 5, "{}", run.all());
    for part in [
        "migrations/V1__many.sql:3:25",
        "statement 3 of 5",
        "invalid identifier 'NOTHING'",
        "000904",
        "goes on from there",
    ] {
        assert!(run.err.contains(part), "no `{part}` in {}", run.err);
    }
    let failed = entry(&project, "V1__many.sql");
    assert_eq!(
        (&failed["state"], &failed["at"], &failed["of"]),
        (&"failed".into(), &3.into(), &5.into()),
        "{failed:#}"
    );
    assert_eq!(project.run(&["validate"]).code, 4);
    project.write("migrations/V1__many.sql", &BROKEN.replace("nothing", "x"));
    let (code, result) = project.json(&["migrate"]);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(result["applied"][0]["action"], "resume");
    assert_eq!(entry(&project, "V1__many.sql")["state"], "success");
    assert_eq!(project.run(&["validate"]).code, 0);
    let (_, info) = project.json(&["info"]);
    assert_eq!(info["migrations"].as_array().unwrap().len(), 2, "one row a script: {info:#}");
}

#[test]
fn a_finished_statement_must_stay_as_it_was() {
    let project = Project::with(&[("V1__many.sql", BROKEN)]);
    assert_eq!(project.run(&["migrate"]).code, 5);
    project.write("migrations/V1__many.sql", &BROKEN.replace("nothing", "x").replace("b (x", "b (y"));
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.err.contains("changed_after_failure") && run.err.contains("statement 2"), "{}", run.err);
}

#[test]
fn resume_never_stops_as_flyway_does_until_repair() {
    let project = Project::with(&[("V1__many.sql", BROKEN)]);
    assert_eq!(project.run(&["migrate"]).code, 5);
    let run = project.run(&["migrate", "--resume=never"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.err.contains("failed_migration") && run.err.contains("repair"), "{}", run.err);
    let run = project.run(&["repair"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.out.contains("V1__many.sql"), "{}", run.all());
    assert_eq!(entry(&project, "V1__many.sql")["state"], "pending");
    project.write("migrations/V1__many.sql", "CREATE TABLE fresh (x NUMBER);");
    assert_eq!(project.run(&["migrate"]).code, 0);
}

#[test]
fn repair_takes_over_a_changed_file() {
    let project = Project::with(&[("V1__t.sql", "CREATE TABLE t (a NUMBER);")]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    project.write("migrations/V1__t.sql", "CREATE TABLE t (a NUMBER); -- as it is\n");
    assert_eq!(project.run(&["validate"]).code, 4);
    let (code, result) = project.json(&["repair"]);
    assert_eq!((code, &result["aligned"][0]), (0, &"V1__t.sql".into()), "{result:#}");
    assert_eq!(project.run(&["validate"]).code, 0);
    assert_eq!(project.run(&["repair"]).out.trim(), "Nothing to repair.");
}

#[test]
fn a_failed_repeatable_and_always_script_are_tried_again() {
    let project = Project::with(&[("V1__t.sql", "CREATE TABLE t (a NUMBER);")]);
    for (name, state) in [("R__v.sql", "success"), ("A__a.sql", "always")] {
        let path = format!("migrations/{name}");
        project.write(&path, "CREATE OR REPLACE VIEW v AS SELECT a FROM missing;");
        assert_eq!(project.run(&["migrate"]).code, 5, "{name}");
        project.write(&path, "CREATE OR REPLACE VIEW v AS SELECT a FROM t;");
        let run = project.run(&["migrate"]);
        assert_eq!(run.code, 0, "{name}: {}", run.all());
        assert_eq!(entry(&project, name)["state"], state);
    }
}

#[test]
fn an_open_transaction_at_the_end_is_an_error() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("V2__open.sql", "BEGIN;\nINSERT INTO t VALUES (1);\n"),
    ]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(run.err.contains("open_transaction") && run.err.contains("COMMIT"), "{}", run.err);
    project.write("migrations/V2__open.sql", "BEGIN;\nINSERT INTO t VALUES (1);\nCOMMIT;\n");
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
}

#[test]
fn each_script_starts_where_the_environment_says() {
    let project = Project::with(&[
        ("V1__s.sql", "CREATE SCHEMA other;\nCREATE TABLE in_other (a NUMBER);"),
        ("V2__t.sql", "CREATE TABLE in_public (a NUMBER);"),
        ("V3__check.sql", "SELECT a FROM other.in_other;\nSELECT a FROM public.in_public;"),
        ("V4__set.sql", "SET who = 'me';\nCREATE TEMPORARY TABLE temp (a NUMBER);"),
        ("V5__gone.sql", "SELECT * FROM temp;"),
    ]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(run.err.contains("V5__gone.sql") && run.err.contains("'TEMP'"), "{}", run.err);
}

#[test]
fn error_callbacks_run_after_a_failure() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("V2__bad.sql", "CREATE VIEW v AS SELECT a FROM nowhere;"),
        ("afterMigrateError.sql", "CREATE TABLE IF NOT EXISTS error_seen (a NUMBER);"),
        ("afterMigrate.sql", "CREATE TABLE IF NOT EXISTS success_seen (a NUMBER);"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 5);
    project.write("migrations/V2__bad.sql", "SELECT a FROM error_seen;");
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
}

#[test]
fn a_history_that_was_dropped_is_never_started_from_zero() {
    let project = Project::with(&[("V1__t.sql", "CREATE TABLE t (a NUMBER);")]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let file = project.engine_file();
    file.execute_batch("DROP TABLE \"LOCAL.SNOWOPS.snowops_schema_history\"").unwrap();
    drop(file);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.err.contains("corrupt_history") && run.err.contains("UNDROP"), "{}", run.err);
}

/// That somebody changed the history is said, in these words, before anything runs.
fn is_noticed(project: &Project, words: &str) {
    for command in ["plan", "migrate", "validate"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, 4, "{}", run.all());
        assert!(run.err.contains("history_changed") && run.err.contains(words), "{}", run.all());
    }
}

#[test]
fn a_row_that_was_deleted_does_not_make_its_script_run_again() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("V2__u.sql", "CREATE TABLE u (a NUMBER);"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let file = project.engine_file();
    file.execute_batch("DELETE FROM \"LOCAL.SNOWOPS.snowops_schema_history\" WHERE \"version\" = '2'")
        .unwrap();
    is_noticed(&project, "the history has lost the row of V2__u.sql");
    let (code, result) = project.json(&["repair"]);
    assert_eq!((code, &result["forgotten"][0]), (0, &"V2__u.sql".into()), "{result:#}");
    assert_eq!(entry(&project, "V2__u.sql")["state"], "pending");
}

#[test]
fn a_row_whose_success_was_edited_stops_until_repair_makes_history_and_journal_agree() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("V2__u.sql", "CREATE TABLE u (a NUMBER);\nCREATE VIEW v AS SELECT a FROM nowhere;"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 5);
    let edit = |change: &str| {
        let file = project.engine_file();
        let table = "\"LOCAL.SNOWOPS.snowops_schema_history\"";
        assert_eq!(file.execute(&format!("UPDATE {table} SET {change}"), []).unwrap(), 1);
    };
    edit("\"success\" = 0 WHERE \"version\" = '1'");
    is_noticed(&project, "V1__t.sql says that it failed");
    let (code, result) = project.json(&["repair"]);
    assert_eq!((code, &result["restored"][0]), (0, &"V1__t.sql".into()), "{result:#}");
    assert_eq!(entry(&project, "V1__t.sql")["state"], "success");

    assert_eq!(project.run(&["migrate"]).code, 5);
    edit("\"success\" = 1 WHERE \"version\" = '2'");
    is_noticed(&project, "V2__u.sql says that it was applied");
    let (code, result) = project.json(&["repair"]);
    assert_eq!((code, &result["accepted"][0]), (0, &"V2__u.sql".into()), "{result:#}");
    assert_eq!(entry(&project, "V2__u.sql")["state"], "success");
    assert_eq!(project.run(&["migrate"]).code, 0);
}

#[test]
fn a_row_that_was_deleted_is_missed_also_when_its_run_failed_later() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("V2__bad.sql", "CREATE VIEW v AS SELECT a FROM nowhere;"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 5);
    let file = project.engine_file();
    file.execute_batch("DELETE FROM \"LOCAL.SNOWOPS.snowops_schema_history\" WHERE \"version\" = '1'")
        .unwrap();
    is_noticed(&project, "the history has lost the row of V1__t.sql");
}

#[test]
fn a_lock_table_without_its_row_stops_and_says_how_to_mend_it() {
    let project = Project::with(&[("V1__t.sql", "CREATE TABLE t (a NUMBER);")]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let file = project.engine_file();
    let lock = "\"LOCAL.SNOWOPS.snowops_schema_history_lock\"";
    for (change, rows) in [
        (format!("INSERT INTO {lock} SELECT * FROM {lock}"), "2 rows"),
        (format!("DELETE FROM {lock}"), "0 rows"),
    ] {
        file.execute_batch(&change).unwrap();
        project.write("migrations/V2__u.sql", "CREATE TABLE u (a NUMBER);");
        let run = project.run(&["migrate"]);
        assert_eq!(run.code, 4, "{}", run.all());
        assert!(run.err.contains(rows) && run.err.contains("hint"), "{}", run.all());
    }
}

#[test]
fn a_file_that_is_gone_is_an_error_until_repair_marks_it() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER);"),
        ("V2__u.sql", "CREATE TABLE u (a NUMBER);"),
        ("R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT a FROM t;"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    std::fs::remove_file(project.path("migrations/V1__t.sql")).unwrap();
    std::fs::rename(project.path("migrations/R__v.sql"), project.path("migrations/R__w.sql")).unwrap();
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.err.contains("missing_migration") && run.err.contains("snowops repair"), "{}", run.err);
    let (code, result) = project.json(&["repair"]);
    assert_eq!((code, result["deleted"].as_array().unwrap().len()), (0, 2), "{result:#}");
    let (code, result) = project.json(&["migrate"]);
    assert_eq!((code, &result["applied"][0]["script"]), (0, &"R__w.sql".into()), "{result:#}");
    assert_eq!(project.run(&["validate"]).code, 0);
}

#[test]
fn a_file_of_another_database_is_refused_before_anything_runs() {
    let project = Project::with(&[("V1__t.sql", "CREATE TABLE t (a NUMBER);")]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    project
        .write("snowops.yml", "project: t\nenvironments:\n  local: { engine: embedded, database: OTHER }\n");
    for command in ["migrate", "info", "doctor"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, 6, "{command}: {}", run.all());
        assert!(run.all().contains("was made for database LOCAL"), "{}", run.all());
    }
}

#[test]
fn a_reader_that_goes_away_does_not_make_a_failure_a_success() {
    let project = Project::with(&[("V1__bad.sql", "SELECT * FROM nowhere;")]);
    let mut child = project
        .command(&["migrate"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

/// A script that is stopped between two statements is recorded, the lease is given back, and the next run goes on.
#[cfg(unix)]
#[test]
fn signals_end_a_run_between_two_statements() {
    for signal in ["INT", "TERM"] {
        let project = Project::with(&[]);
        for n in 1..=400 {
            project.write(&format!("migrations/V{n}__t{n}.sql"), &format!("CREATE TABLE t{n} (a NUMBER);\n"));
        }
        let child = project
            .command(&["migrate", "--format", "json"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let file = project.path(".snowops/local.db");
        while !file.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let killed =
            std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(130), "{signal}: {text}");
        let result: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(result["error"]["code"], "interrupted");
        assert!(!result["not_run"].as_array().unwrap().is_empty());
        let run = project.run(&["migrate"]);
        assert_eq!(run.code, 0, "{}", run.all());
    }
}

/// The ledger of `project`, as if it had been made for a database that was created at another time.
fn made_elsewhere(project: &Project) {
    let file = project.engine_file();
    let text = "UPDATE \"LOCAL.SNOWOPS.snowops_schema_history_lock\" SET \"identity\" = \
                JSON_SET(\"identity\", '$.created_on', '2020-02-02 02:02:02')";
    assert_eq!(file.execute(text, []).unwrap(), 1);
}

#[test]
fn the_ledger_of_another_target_is_refused_until_repair_takes_it_over() {
    let project = Project::with(&[("V1__t.sql", "CREATE TABLE t (a NUMBER);")]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    made_elsewhere(&project);
    project.write("migrations/V2__u.sql", "CREATE TABLE u (a NUMBER);");
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(
        run.err.contains("foreign_target") && run.err.contains("snowops repair --adopt"),
        "{}",
        run.all()
    );
    let (code, result) = project.json(&["repair", "--adopt"]);
    assert_eq!(code, 0, "{result:#}");
    assert!(result["adopted"].as_str().unwrap().contains("2020-02-02"), "{result:#}");
    assert_eq!(project.run(&["migrate"]).code, 0);
    assert_eq!(project.run(&["repair", "--adopt"]).out.trim(), "Nothing to repair.");
}
