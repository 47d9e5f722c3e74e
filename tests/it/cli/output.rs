//! What people and machines read: snapshots of whole outputs, with everything variable pinned.

use insta::{Settings, assert_json_snapshot, assert_snapshot};
use serde_json::Value;

use crate::harness::{Project, repository};

pub(crate) fn pinned() -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(repository().join("tests/it/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00| \+0000)?", "[time]");
    settings.add_filter(r"\b\d+ ms\b", "[n] ms");
    settings.add_filter(r"\b\d+\.\d s\b", "[n] s");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(r#""(duration_ms|elapsed_ms|execution_ms)": \d+"#, "\"$1\": 0");
    settings.add_filter(r"/tmp/\.tmp\w+", "[folder]");
    settings.set_sort_maps(false);
    settings
}

const SCRIPTS: &[(&str, &str)] = &[
    (
        "V1__customers.sql",
        "CREATE TABLE customers (id NUMBER NOT NULL, name VARCHAR);\nINSERT INTO customers VALUES (1, 'a');\n",
    ),
    ("V2__orders.sql", "CREATE TABLE orders (id NUMBER, customer_id NUMBER);\n"),
    ("R__names.sql", "CREATE OR REPLACE VIEW names AS SELECT name FROM customers;\n"),
    ("A__grants.sql", "GRANT SELECT ON VIEW names TO ROLE PUBLIC;\n"),
];

const BROKEN: &[(&str, &str)] = &[
    ("V1__customers.sql", "CREATE TABLE customers (id NUMBER NOT NULL, name VARCHAR);\n"),
    (
        "V2__view.sql",
        "CREATE TABLE extra (id NUMBER);\n\nCREATE VIEW names AS\nSELECT nam\nFROM customers;\n\nCREATE TABLE never (id NUMBER);\n",
    ),
    ("V3__never.sql", "CREATE TABLE later (id NUMBER);\n"),
];

fn both(project: &Project, arguments: &[&str]) -> String {
    project.run(arguments).all()
}

/// Values that differ from run to run, replaced by their kind.
pub(crate) fn steady(mut value: Value) -> Value {
    fn walk(key: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| walk(key, value)),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(key, item)),
            Value::Number(_) if key.ends_with("_ms") => *value = 0.into(),
            Value::String(_)
                if matches!(key, "run" | "installed_on" | "query_id" | "at" | "snowops_version") =>
            {
                *value = format!("[{key}]").into();
            }
            _ => {}
        }
    }
    walk("", &mut value);
    value
}

#[test]
fn human_output_of_a_whole_life() {
    let project = Project::with(SCRIPTS);
    pinned().bind(|| {
        assert_snapshot!("human_plan", both(&project, &["plan"]));
        assert_snapshot!("human_migrate", both(&project, &["migrate"]));
        assert_snapshot!("human_info", both(&project, &["info"]));
        assert_snapshot!("human_migrate_again", both(&project, &["migrate"]));
        assert_snapshot!("human_validate", both(&project, &["validate"]));
        assert_snapshot!("human_doctor", both(&project, &["doctor"]));
        assert_snapshot!("human_render", both(&project, &["render", "migrations/R__names.sql"]));
    });
}

#[test]
fn human_output_of_a_failure() {
    let project = Project::with(BROKEN);
    pinned().bind(|| {
        assert_snapshot!("human_failed", both(&project, &["migrate"]));
        assert_snapshot!("human_failed_info", both(&project, &["info"]));
        assert_snapshot!("human_failed_validate", both(&project, &["validate"]));
    });
}

#[test]
fn json_results_have_their_frozen_shapes() {
    let project = Project::with(SCRIPTS);
    pinned().bind(|| {
        assert_json_snapshot!("json_plan", steady(project.json(&["plan"]).1));
        assert_json_snapshot!("json_migrate", steady(project.json(&["migrate"]).1));
        assert_json_snapshot!("json_info", steady(project.json(&["info"]).1));
        assert_json_snapshot!("json_validate", steady(project.json(&["validate"]).1));
        assert_json_snapshot!("json_repair", steady(project.json(&["repair"]).1));
        assert_json_snapshot!("json_unlock", steady(project.json(&["unlock"]).1));
        assert_json_snapshot!(
            "json_render",
            steady(project.json(&["render", "--statements", "migrations/R__names.sql"]).1)
        );
    });
    pinned().bind(|| {
        assert_json_snapshot!("json_doctor", steady(project.json(&["doctor"]).1));
        let mut shown = steady(project.json(&["config", "show"]).1);
        let values = shown["values"].as_array_mut().unwrap();
        // The temporary folder is in it.
        values.retain(|value| value["key"] != "path");
        assert_json_snapshot!("json_config_show", shown);
        assert_json_snapshot!(
            "json_render_files",
            steady(project.json(&["render", "migrations/R__names.sql"]).1)
        );
        assert_json_snapshot!("json_new", steady(project.json(&["new", "x"]).1));
        let empty = Project::empty();
        assert_json_snapshot!("json_init", steady(empty.json(&["init"]).1));
    });
    let project = Project::with(BROKEN);
    pinned().bind(|| {
        assert_json_snapshot!("json_failed", steady(project.json(&["migrate"]).1));
    });
}

#[test]
fn events_are_one_object_a_line_and_numbered() {
    let project = Project::with(SCRIPTS);
    let run = project.run(&["migrate", "--format", "json", "--events", "events.jsonl"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(run.err, project.read("events.jsonl"), "the file and stderr hold the same");
    let events: Vec<Value> = run.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], index as u64 + 1);
    }
    let steady: Vec<Value> = events.into_iter().map(steady).collect();
    pinned().bind(|| assert_json_snapshot!("json_events", steady));
}

/// A failing command still prints one result object, with `error`.
#[test]
fn json_is_one_object_on_failure_too() {
    let project = Project::with(&[("oops.sql", "SELECT 1;")]);
    for (arguments, code) in
        [(&["migrate"][..], 4), (&["info", "--env", "x"], 2), (&["migrate", "--var", "a=b"], 2)]
    {
        let (exit, value) = project.json(arguments);
        assert_eq!(
            (exit, value["ok"].as_bool(), value["error"]["exit_code"].as_i64()),
            (code, Some(false), Some(code.into())),
            "{value:#}"
        );
    }
}

/// Control characters and pipeline commands in names never reach a terminal or an agent, in any format.
#[test]
fn text_from_sql_is_defused_everywhere() {
    let project = Project::with(&[(
        "V1__evil.sql",
        "CREATE TABLE \"##vso[task.setvariable variable=x]y\u{1b}[31m\" (a NUMBER);\nSELECT '##[error]' FROM \"\u{1b}]0;title\u{7}\";\n",
    )]);
    for arguments in [
        &["plan", "-v"][..],
        &["migrate", "-v", "--color", "never"],
        &["info"],
        &["plan", "--format", "json"],
        &["migrate", "--format", "json"],
        &["render", "--statements"],
    ] {
        let run = project.run(arguments);
        for stream in [&run.out, &run.err] {
            assert!(!stream.contains("##vso[") && !stream.contains("##["), "{arguments:?}: {stream}");
            assert!(!stream.contains('\u{7}') && !stream.contains("\u{1b}]"), "{arguments:?}: {stream:?}");
            assert!(!stream.contains("\u{1b}[31m"), "{arguments:?}: {stream:?}");
        }
    }
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let project = Project::with(SCRIPTS);
    let run = project.run(&["migrate", "-q"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
}

#[test]
fn rows_of_a_select_are_shown() {
    let project = Project::with(&[("V1__show.sql", "SHOW SCHEMAS;\n")]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.err.contains("INFORMATION_SCHEMA"), "{}", run.all());
}

/// Rendered SQL leaves byte for byte for a pipe, and harmless where an agent reads along.
#[test]
fn rendered_sql_keeps_its_bytes_but_for_an_agent() {
    let text = "SELECT '\u{1b}[31m ##vso[x]\u{7}';\n";
    let project = Project::with(&[("V1__a.sql", text)]);
    assert_eq!(project.run(&["render"]).out, text);
    let output = project.command(&["render"]).env("TF_BUILD", "True").output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!shown.contains("##vso[") && !shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn events_never_overwrite_what_is_no_events_file() {
    let project = Project::with(SCRIPTS);
    let before = project.read("migrations/V1__customers.sql");
    let (code, result) = project.json(&["migrate", "--events", "migrations/V1__customers.sql"]);
    assert_eq!((code, &result["error"]["code"]), (2, &"invalid_usage".into()), "{result:#}");
    assert_eq!(project.read("migrations/V1__customers.sql"), before);
    for _ in 0..2 {
        assert_eq!(project.run(&["migrate", "--events", "events.jsonl"]).code, 0);
    }
}

#[test]
fn a_command_line_that_cannot_be_read_is_an_object_too() {
    let project = Project::empty();
    for arguments in [&["migrate", "--bogus"][..], &["frobnicate"], &["migrate", "--var", "novalue"]] {
        let (code, result) = project.json(arguments);
        assert_eq!((code, &result["error"]["code"]), (2, &"invalid_usage".into()), "{result:#}");
    }
    let mut command = project.command(&["info"]);
    let output = command.env("SNOWOPS_FORMAT", "xml").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
