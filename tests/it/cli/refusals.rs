//! What is refused before anything is written, all of it at once.

use crate::harness::Project;

#[track_caller]
fn refused(project: &Project, arguments: &[&str], code: i32, parts: &[&str]) {
    let run = project.run(arguments);
    assert_eq!(run.code, code, "{}", run.all());
    for part in parts {
        assert!(run.err.contains(part), "no `{part}` in {}", run.err);
    }
    assert!(!project.path(".snowops").exists(), "something was written");
}

#[test]
fn files_that_are_no_migrations_are_errors_all_at_once() {
    let project = Project::with(&[
        ("Readme.sql", "SELECT 1;"),
        ("v2__lower.sql", "SELECT 1;"),
        ("grants.sql", "SELECT 1;"),
        ("V1__a.sql", "SELECT 1;"),
        ("V01__b.sql", "SELECT 1;"),
        ("V3__script.py", "print(1)"),
    ]);
    refused(
        &project,
        &["migrate"],
        4,
        &["Readme.sql", "v2__lower.sql", "V2__lower.sql", "grants.sql", "V01__b.sql", "V3__script.py"],
    );
}

#[test]
fn a_missing_folder_is_an_error() {
    let project = Project::empty();
    project.write("snowops.yml", "project: t\nenvironments:\n  local: { engine: embedded }\n");
    refused(&project, &["migrate"], 4, &["missing_folder", "migrations"]);
}

#[test]
fn broken_sql_and_templates_are_shown_with_file_line_and_column() {
    let project = Project::with(&[
        ("V1__quote.sql", "SELECT 1;\nSELECT 'open;\n"),
        ("V2__template.sql", "SELECT 1;\nSELECT {{ missing_name }};\n"),
    ]);
    refused(
        &project,
        &["migrate"],
        4,
        &["migrations/V1__quote.sql:2:8", "unbalanced_sql", "migrations/V2__template.sql:2", "missing_name"],
    );
}

#[test]
fn templates_that_rendering_left_are_refused_outside_of_literals() {
    let project = Project::with(&[
        ("V1__cli.sql", "SELECT 1;\nUSE DATABASE <% db %>;\n"),
        ("V2__raw.sql", "SELECT 1;\n{% raw %}{% if true %}{% endraw %}\nSELECT 2;\n"),
        ("V3__kept.sql", "SELECT '{% raw %}{{ kept }}{% endraw %}'; -- <% kept %>\n"),
    ]);
    refused(
        &project,
        &["migrate"],
        4,
        &[
            "migrations/V1__cli.sql:2:14",
            "Snowflake CLI",
            "migrations/V2__raw.sql:2",
            "still holds a template",
        ],
    );
    let run = project.run(&["migrate"]);
    assert!(!run.err.contains("V3__kept"), "{}", run.err);
}

#[test]
fn undo_and_baseline_files_are_listed_and_refused_by_name() {
    let project =
        Project::with(&[("V1__a.sql", "CREATE TABLE a (x NUMBER);"), ("U1__a.sql", "DROP TABLE a;")]);
    let (_, info) = project.json(&["info"]);
    assert!(info["migrations"].as_array().unwrap().iter().any(|m| m["script"] == "U1__a.sql"), "{info:#}");
    refused(&project, &["migrate"], 4, &["U1__a.sql", "unsupported_kind"]);
    let project = Project::with(&[("B5__all.sql", "CREATE TABLE a (x NUMBER);")]);
    refused(&project, &["migrate"], 4, &["B5__all.sql", "unsupported_kind"]);
}

#[test]
fn client_commands_are_refused_with_their_place() {
    let project = Project::with(&[("V1__put.sql", "CREATE STAGE s;\nPUT file:///tmp/x.csv @s;\n")]);
    refused(&project, &["migrate"], 4, &["client_command", "migrations/V1__put.sql:2:1"]);
    for command in ["GET @s file:///tmp/;", "!set variable_substitution=true"] {
        let project =
            Project::with(&[("V1__client.sql", &format!("CREATE STAGE s;\n{command}\nCREATE STAGE t;\n"))]);
        let word = command.split(' ').next().unwrap();
        refused(&project, &["migrate"], 4, &["client_command", "migrations/V1__client.sql:2:1", word]);
    }
}

#[test]
fn a_statement_larger_than_snowflake_recommends_is_named_before_anything_runs() {
    let large =
        format!("CREATE TABLE t (a VARCHAR);\n  INSERT INTO t VALUES ('{}');\n", "x".repeat(1024 * 1024));
    let project = Project::with(&[("V1__large.sql", &large)]);
    let run = project.run(&["plan"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(
        run.err.contains("large_statement") && run.err.contains("migrations/V1__large.sql:2:3"),
        "{}",
        run.all()
    );
    let largest = format!("INSERT INTO t VALUES ('{}');\n", "x".repeat(1024 * 1024 - 26));
    let project = Project::with(&[("V1__largest.sql", &largest)]);
    let run = project.run(&["plan"]);
    assert!(!run.all().contains("large_statement"), "{}", run.all());
}

#[test]
fn a_statement_against_the_ledgers_own_containers_is_refused() {
    let project = Project::with(&[("V1__drop.sql", "DROP SCHEMA IF EXISTS snowops;\n")]);
    refused(&project, &["migrate"], 4, &["protected_object", "migrations/V1__drop.sql:1:1"]);
}

#[test]
fn an_unknown_key_and_an_unknown_environment_are_told_apart() {
    let project = Project::with(&[]);
    refused(&project, &["info", "--env", "nowhere"], 2, &["nowhere", "local"]);
    project.write("snowops.yml", "projct: t\nenvironments:\n  local: { engin: embedded }\n");
    refused(&project, &["info"], 3, &["projct", "project", "engin", "engine", "snowops.yml:1:1"]);
}

#[test]
fn a_protected_environment_needs_a_yes() {
    let project = Project::with(&[("V1__a.sql", "CREATE TABLE a (x NUMBER);")]);
    project
        .write("snowops.yml", "project: t\nenvironments:\n  live: { engine: embedded, protected: true }\n");
    refused(&project, &["migrate"], 2, &["live"]);
    refused(&project, &["migrate", "--env", "live"], 2, &["protected", "--yes"]);
    let run = project.run(&["migrate", "--env", "live", "--yes", "--create-history"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let run = project.run(&["migrate", "--env", "live"]);
    assert_eq!(run.code, 0, "nothing is pending, so nobody is asked: {}", run.all());
}

#[test]
fn variables_must_be_declared() {
    let project = Project::with(&[("V1__a.sql", "CREATE TABLE {{ name }} (x NUMBER);")]);
    refused(&project, &["plan", "--var", "name=t"], 2, &["name", "vars"]);
    project.write(
        "snowops.yml",
        "project: t\nvars: { name: a }\nenvironments:\n  local: { engine: embedded }\n",
    );
    let run = project.run(&["render", "--var", "name=from_flag"]);
    assert_eq!((run.code, run.out.contains("from_flag")), (0, true), "{}", run.all());
}

#[test]
fn numbers_reach_sql_as_they_were_written_or_not_at_all() {
    let project = Project::with(&[("V1__a.sql", "SELECT {{ n }}, {{ text }};")]);
    let config = |n: &str| {
        format!(
            "project: t\nvars: {{ n: {n}, text: '1.10' }}\nenvironments:\n  local: {{ engine: embedded }}\n"
        )
    };
    for wrong in ["99999999999999999999999999999999999999", "1.10"] {
        project.write("snowops.yml", &config(wrong));
        refused(&project, &["render"], 3, &["`vars.n`", wrong, "quotes", "snowops.yml:2:12"]);
    }
    project.write("snowops.yml", &config("1.5"));
    assert_eq!(project.run(&["render"]).out, "SELECT 1.5, 1.10;");
    refused(&project, &["render", "--var", "n=1.10"], 3, &["vars.n"]);
    project.write("snowops.yml", &config("1").replace("text", "secret"));
    refused(&project, &["render"], 3, &["`vars.secret`", "another name"]);
}

#[test]
fn autocommit_cannot_be_switched_off() {
    let project = Project::with(&[("V1__a.sql", "SELECT 1;")]);
    project.write(
        "snowops.yml",
        "project: t\nenvironments:\n  local: { engine: embedded, parameters: { autocommit: false } }\n",
    );
    refused(&project, &["plan"], 3, &["autocommit", "BEGIN and COMMIT", "snowops.yml:3"]);
}

#[test]
fn functions_are_not_printed() {
    let project = Project::with(&[("V1__a.sql", "SELECT 1;\nSELECT {{ range }};\n")]);
    refused(&project, &["plan"], 4, &["migrations/V1__a.sql:2:11", "parentheses"]);
}
