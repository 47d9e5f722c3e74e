//! The main job and what follows it: migrate, migrate again, change, validate.

use crate::harness::Project;

fn state(project: &Project, script: &str) -> String {
    let found = project.states().into_iter().find(|(name, _)| name == script);
    found.unwrap_or_else(|| panic!("{script} is not listed")).1
}

#[test]
fn the_sample_project_is_applied_by_one_command() {
    let project = Project::sample();
    let (code, result) = project.json(&["migrate", "--env", "local"]);
    assert_eq!(code, 0, "{result:#}");
    let scripts: Vec<&str> =
        result["applied"].as_array().unwrap().iter().map(|s| s["script"].as_str().unwrap()).collect();
    assert_eq!(scripts.len(), 25, "{scripts:?}");
    assert_eq!(scripts.last(), Some(&"A__grants.sql"));
    assert_eq!(result["not_run"].as_array().unwrap().len(), 0);
    let statements = &result["statements"];
    assert!(statements["applied"].as_u64().unwrap() > 20, "{statements}");
    assert!(statements["checked"].as_u64().unwrap() >= 3, "{statements}");
    let pending = project.states().into_iter().filter(|(_, state)| state == "pending").count();
    assert_eq!(pending, 0);
}

/// What the embedded engine did not carry out is counted and named in the last line.
#[test]
fn the_last_line_names_what_was_only_recorded_or_not_looked_into() {
    let project = Project::with(&[(
        "V1__a.sql",
        "CREATE RESOURCE MONITOR a;\nCREATE RESOURCE MONITOR b;\nEXECUTE IMMEDIATE 'SELECT ' || CURRENT_USER();\n",
    )]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let last = run.out.lines().last().unwrap();
    assert!(
        last.contains("2 recorded (2 CREATE RESOURCE MONITOR), 1 opaque (1 EXECUTE IMMEDIATE)"),
        "{last}"
    );
    assert!(last.contains("No data was executed"), "{last}");
}

/// A statement that cannot be read passes with a word before it, and is counted and named like any other opaque one.
#[test]
fn a_statement_let_through_unread_is_counted_and_named_in_the_last_line() {
    let script = "CREATE TABLE t (a NUMBER);\n-- snowops: local=opaque reason=\"new in Snowflake\"\nCREATE GADGET g SIZE = 1;\n";
    let project = Project::with(&[("V1__a.sql", script)]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let last = run.out.lines().last().unwrap();
    assert!(last.contains("1 applied, 0 checked, 0 recorded, 1 opaque (1 "), "{last}");
    let project = Project::with(&[("V1__a.sql", &script.replace("local=opaque ", ""))]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(run.err.contains("unexpected 'GADGET'"), "{}", run.err);
}

/// What such a statement may have made is not refused later, in this run or in the next one.
#[test]
fn what_a_statement_let_through_unread_made_is_there() {
    let through = |text: &str| format!("-- snowops: local=opaque\n{text};\n");
    let script = [
        "CREATE DATABASE far;\nCREATE SCHEMA far.away;\nUSE SCHEMA local.public;\nCREATE TABLE known (a INT);\n".to_owned(),
        through("CREATE TABLE t (a INT) NEW WORD"),
        through("CREATE TABLE far.away.t (a INT) NEW WORD"),
        through("ALTER TABLE known ADD COLUMN b INT NEW WORD"),
        "INSERT INTO t VALUES (1);\n".to_owned(),
    ];
    let project = Project::with(&[("V1__a.sql", &script.concat())]);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let next = "CREATE VIEW v AS SELECT t.a, b FROM t JOIN known;\nSELECT * FROM far.away.t;\nCREATE TABLE t2 LIKE t;\n";
    project.write("migrations/V2__b.sql", next);
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    project.write(
        "migrations/V3__c.sql",
        &format!("{}CREATE TABLE s.t (a INT);\n", through("CREATE SCHEMA s NEW WORD")),
    );
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 0, "{}", run.all());
    project.write("migrations/V4__d.sql", "SELECT * FROM far.public.t;\n");
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 5, "{}", run.all());
}

/// The whole run is applied first; then each statement that the engine did not carry out is named with its place.
#[test]
fn fail_on_names_the_statements_that_were_not_carried_out() {
    let script = "CREATE TABLE t (a NUMBER);\nCREATE RESOURCE MONITOR m;\nEXECUTE IMMEDIATE 'SELECT ' || CURRENT_USER();\n";
    let monitor = "V1__a.sql:2:1: recorded CREATE RESOURCE MONITOR";
    let block = "V1__a.sql:3:1: opaque EXECUTE IMMEDIATE";
    for (arguments, code, named, silent) in [
        (&["migrate"][..], 0, &[][..], &[monitor, block][..]),
        (&["migrate", "--fail-on", "recorded,opaque"], 5, &[monitor, block], &[]),
        (&["migrate", "--fail-on", "opaque"], 5, &[block], &[monitor]),
        (&["migrate", "--fail-on", "recorded"], 5, &[monitor], &[block]),
    ] {
        let project = Project::with(&[("V1__a.sql", script)]);
        let run = project.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.all());
        for part in named {
            assert!(run.err.contains(part), "{arguments:?}: {}", run.err);
        }
        for part in silent {
            assert!(!run.err.contains(part), "{arguments:?}: {}", run.err);
        }
        assert_eq!(state(&project, "V1__a.sql"), "success", "{arguments:?}");
    }
    let project = Project::with(&[("V1__a.sql", "CREATE TABLE t (a NUMBER);\n")]);
    assert_eq!(project.run(&["migrate", "--fail-on", "recorded,opaque"]).code, 0);
    assert_eq!(project.run(&["migrate", "--fail-on", "everything"]).code, 2);
}

#[test]
fn every_environment_of_the_sample_project_renders() {
    let project = Project::sample();
    for environment in ["local", "dev", "qa", "prod"] {
        let run = project.run(&["render", "--statements", "--env", environment]);
        assert_eq!(run.code, 0, "{environment}: {}", run.all());
        assert!(run.out.lines().count() > 40, "{environment}: {}", run.out);
        assert!(!run.out.contains("\"certainty\":\"unparsed\""), "{environment}: {}", run.out);
    }
}

#[test]
fn a_second_migrate_applies_only_the_always_script() {
    let project = Project::sample();
    assert_eq!(project.run(&["migrate", "--env", "local"]).code, 0);
    assert_eq!(project.run(&["plan", "--env", "local", "--exit-code"]).code, 0);
    let (code, result) = project.json(&["migrate", "--env", "local"]);
    let applied: Vec<&str> =
        result["applied"].as_array().unwrap().iter().map(|s| s["script"].as_str().unwrap()).collect();
    assert_eq!((code, applied), (0, vec!["A__grants.sql"]));
}

#[test]
fn a_changed_always_script_is_pending() {
    let project = Project::sample();
    assert_eq!(project.run(&["migrate", "--env", "local"]).code, 0);
    let changed = project.read("migrations/A__grants.sql") + "\nGRANT USAGE ON SCHEMA mart TO ROLE PUBLIC;\n";
    project.write("migrations/A__grants.sql", &changed);
    let (code, plan) = project.json(&["plan", "--env", "local", "--exit-code"]);
    assert_eq!((code, &plan["pending"], &plan["ok"]), (10, &1.into(), &true.into()), "{plan:#}");
}

const TABLE: &str = "-- note\nCREATE TABLE t (a NUMBER);\n";

#[test]
fn an_edited_version_is_named_with_both_checksums_and_the_way_out() {
    let project = Project::with(&[("V1__t.sql", TABLE)]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    project.write("migrations/V1__t.sql", "-- note\nCREATE TABLE t (b NUMBER);\n");
    let run = project.run(&["validate"]);
    assert_eq!(run.code, 4, "{}", run.all());
    for part in ["migrations/V1__t.sql", "sha256:", "repair", "checksum_mismatch"] {
        assert!(run.err.contains(part), "no `{part}` in {}", run.err);
    }
    for word in ["applied sha256:", "found   sha256:"] {
        assert_eq!(
            run.err.matches(word).count(),
            1 + usize::from(word.starts_with("applied")),
            "{}",
            run.err
        );
    }
    assert_eq!(project.run(&["migrate"]).code, 4);
    assert_eq!(state(&project, "V1__t.sql"), "changed");
}

#[test]
fn a_moved_line_break_is_seen_although_flyways_checksum_is_equal() {
    let project = Project::with(&[("V1__t.sql", TABLE)]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let swallowed = "-- noteCREATE TABLE t (a NUMBER);\n\n";
    assert_eq!(
        snowops::model::checksum::flyway_crc(swallowed),
        snowops::model::checksum::flyway_crc(TABLE),
        "the case needs two texts with one CRC"
    );
    project.write("migrations/V1__t.sql", swallowed);
    let run = project.run(&["validate"]);
    assert_eq!(run.code, 4, "{}", run.all());
}

#[test]
fn final_line_ends_and_line_end_styles_do_not_count() {
    let project = Project::with(&[("V1__t.sql", TABLE)]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    for text in [
        format!("{TABLE}\n"),
        TABLE.replace('\n', "\r\n"),
        format!("\u{FEFF}{TABLE}"),
        TABLE.trim_end().to_owned(),
    ] {
        project.write("migrations/V1__t.sql", &text);
        let run = project.run(&["validate"]);
        assert_eq!(run.code, 0, "{text:?}: {}", run.all());
    }
}

#[test]
fn a_changed_repeatable_runs_again_and_only_that() {
    let project = Project::with(&[
        ("V1__t.sql", "CREATE TABLE t (a NUMBER, b NUMBER);"),
        ("R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT a FROM t;"),
        ("R__w.sql", "CREATE OR REPLACE VIEW w AS SELECT b FROM t;"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    project.write("migrations/R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT a, b FROM t;");
    let (_, plan) = project.json(&["plan"]);
    let steps: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["script"].as_str().unwrap(), s["action"].as_str().unwrap()))
        .collect();
    assert_eq!(steps, [("R__v.sql", "reapply")]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let (_, info) = project.json(&["info"]);
    assert_eq!(info["counts"]["superseded"], 1, "{info:#}");
}

#[test]
fn target_and_out_of_order_are_flyways() {
    let project = Project::with(&[
        ("V1__a.sql", "CREATE TABLE a (x NUMBER);"),
        ("V3__c.sql", "CREATE TABLE c (x NUMBER);"),
        ("V4__d.sql", "CREATE TABLE d (x NUMBER);"),
    ]);
    assert_eq!(project.run(&["migrate", "--target", "3"]).code, 0);
    assert_eq!(state(&project, "V4__d.sql"), "pending");
    project.write("migrations/V2__b.sql", "CREATE TABLE b (x NUMBER);");
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.err.contains("V2__b.sql") && run.err.contains("--out-of-order"), "{}", run.err);
    assert_eq!(project.run(&["migrate", "--out-of-order"]).code, 0);
    assert_eq!(state(&project, "V2__b.sql"), "out_of_order");
    assert_eq!(project.run(&["migrate", "--target", "9"]).code, 4);
    assert_eq!(project.run(&["migrate", "--target", "9?"]).code, 0);
}

#[test]
fn a_dry_run_and_every_reading_command_create_nothing() {
    let project = Project::with(&[("V1__t.sql", TABLE)]);
    for command in
        [&["migrate", "--dry-run"][..], &["plan"], &["info"], &["validate"], &["doctor"], &["config", "show"]]
    {
        let run = project.run(command);
        assert_eq!(run.code, 0, "{command:?}: {}", run.all());
        assert!(!project.path(".snowops").exists(), "{command:?} created files");
    }
}

#[test]
fn init_and_new_make_a_project_that_works_at_once() {
    let project = Project::empty();
    assert_eq!(project.run(&["init"]).code, 0);
    assert_eq!(project.run(&["migrate", "--env", "local"]).code, 0);
    let run = project.run(&["new", "add the orders"]);
    assert_eq!(run.out.trim(), "migrations/V2__add_the_orders.sql", "{}", run.all());
    let run = project.run(&["new", "order view", "--kind", "R"]);
    assert_eq!(run.out.trim(), "migrations/R__order_view.sql", "{}", run.all());
    assert!(project.read(".gitignore").lines().any(|line| line == ".snowops/"));
    assert_eq!(project.run(&["init"]).code, 2);
    assert_eq!(project.run(&["validate"]).code, 0);
}

#[test]
fn new_counts_on_in_the_width_that_is_there() {
    for (last, next) in [("V1.2.9__x.sql", "V1.2.10__y.sql"), ("V009__x.sql", "V010__y.sql")] {
        let project = Project::with(&[(last, "CREATE TABLE t (a NUMBER);")]);
        let run = project.run(&["new", "y"]);
        assert_eq!(run.out.trim(), format!("migrations/{next}"), "{}", run.all());
    }
    let project = Project::with(&[("V20240131120000__x.sql", "CREATE TABLE t (a NUMBER);")]);
    let name = project.run(&["new", "y"]).out;
    let digits = name.trim().trim_start_matches("migrations/V").trim_end_matches("__y.sql");
    assert!(digits.len() == 14 && digits > "20260101000000", "{name}");
}

#[test]
fn callbacks_run_in_flyways_order() {
    let script = |table: &str| format!("CREATE TABLE {table} (a NUMBER);");
    let comment = |word: &str| format!("COMMENT ON SCHEMA public IS '{word}';");
    let project = Project::with(&[("V1__a.sql", &script("a")), ("V2__b.sql", &script("b"))]);
    project.write("migrations/R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT a FROM a;");
    for event in [
        "beforeMigrate",
        "beforeEachMigrate",
        "afterEachMigrate",
        "afterVersioned",
        "beforeRepeatables",
        "afterMigrateApplied",
        "afterMigrate",
        "afterMigrateError",
    ] {
        project.write(&format!("migrations/{event}.sql"), &comment(event));
    }
    let (code, plan) = project.json(&["plan"]);
    let order: Vec<&str> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["script"].as_str().unwrap().trim_end_matches(".sql"))
        .collect();
    assert_eq!(code, 0);
    assert_eq!(
        order.join(" "),
        "beforeMigrate beforeEachMigrate V1__a afterEachMigrate beforeEachMigrate V2__b afterEachMigrate \
         afterVersioned beforeRepeatables beforeEachMigrate R__v afterEachMigrate afterMigrateApplied afterMigrate"
    );
    assert_eq!(project.run(&["migrate"]).code, 0);
}
