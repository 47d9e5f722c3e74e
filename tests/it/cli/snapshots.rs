//! Committed snapshots of what the project uses and does not create, over several runs of the embedded engine.

use crate::harness::Project;

const CONFIG: &str =
    "project: test\nenvironments:\n  local: { engine: embedded }\nexternals:\n  snapshots: [raw.json]\n";

/// A project that uses the tables of `RAW.S`.
fn project(tables: &[&str], scripts: &[(&str, &str)]) -> Project {
    let project = Project::with(scripts);
    project.write("snowops.yml", CONFIG);
    file(&project, tables);
    project
}

fn file(project: &Project, tables: &[&str]) {
    let table = |name: &&str| {
        format!(
            r#""{name}": {{"name": "{name}", "kind": "TABLE", "columns": [{{"name": "ID", "type": "NUMBER(38,0)"}}]}}"#
        )
    };
    let tables: Vec<String> = tables.iter().map(table).collect();
    let objects = format!(r#"{{"relation": {{{}}}}}"#, tables.join(", "));
    let text = format!(
        r#"{{"snowops_catalog": 1, "databases": {{"RAW": {{"schemas": {{"S": {{"objects": {objects}}}}}}}}}}}"#
    );
    project.write("raw.json", &text);
}

#[track_caller]
fn migrate(project: &Project, code: i32, part: &str) {
    let run = project.run(&["migrate"]);
    assert_eq!(run.code, code, "{}", run.all());
    assert!(run.all().contains(part), "no `{part}` in {}", run.all());
}

#[test]
fn a_table_that_the_file_no_longer_holds_stays() {
    let project =
        project(&["ORDERS"], &[("V1__view.sql", "CREATE VIEW v AS SELECT id FROM raw.s.orders;\n")]);
    migrate(&project, 0, "");
    file(&project, &["OTHER"]);
    project.write("migrations/V2__more.sql", "SELECT id FROM raw.s.orders;\nSELECT id FROM raw.s.other;\n");
    migrate(&project, 0, "");
    project.write("migrations/V3__none.sql", "SELECT id FROM raw.s.never;\n");
    migrate(&project, 5, "RAW.S.NEVER");
}

#[test]
fn a_table_that_a_script_made_is_left_alone_when_the_file_gets_it() {
    let project = project(&["ORDERS"], &[("V1__made.sql", "CREATE TABLE raw.s.made (id INT, own INT);\n")]);
    migrate(&project, 0, "");
    file(&project, &["ORDERS", "MADE"]);
    project.write("migrations/V2__more.sql", "SELECT own FROM raw.s.made;\n");
    migrate(&project, 0, "");
    let info = project.run(&["info"]);
    assert_eq!(info.code, 0, "{}", info.all());
}

/// What a new file adds is there for the statements after it, also when it is gone again.
#[test]
fn what_a_later_file_adds_is_kept() {
    let project = project(&["ORDERS"], &[("V1__a.sql", "CREATE TABLE a (id INT);\n")]);
    project.write("snowops.yml", &CONFIG.replace("raw.json", ""));
    migrate(&project, 0, "");
    project.write("snowops.yml", CONFIG);
    project
        .write("migrations/V2__drop.sql", "DROP TABLE raw.s.orders;\nCREATE TABLE raw.s.orders (x INT);\n");
    migrate(&project, 0, "");
    project.write("snowops.yml", &CONFIG.replace("raw.json", ""));
    project.write("migrations/V3__read.sql", "SELECT x FROM raw.s.orders;\n");
    migrate(&project, 0, "");
}

/// What a script took away does not come back with the next run.
#[test]
fn what_the_environment_starts_with_does_not_come_back() {
    let project = project(&["ORDERS"], &[("V1__gone.sql", "ALTER SCHEMA public RENAME TO other;\n")]);
    migrate(&project, 0, "");
    project.write("migrations/V2__again.sql", "CREATE SCHEMA public;\nDROP SCHEMA public;\n");
    migrate(&project, 0, "");
    project.write("migrations/V3__undrop.sql", "UNDROP SCHEMA public;\n");
    migrate(&project, 0, "");
}
