//! `snapshot` and `drift`, on the embedded engine, the protocol server and fakesnow.

use std::fs;

use serde_json::Value;
use testkit::{Endpoint, Fakesnow, Server, Settings};

use crate::{
    cli::output::{pinned, steady},
    harness::{Project, Run},
    servers::{DEPLOYER, on_server},
};

/// A project with the same target twice: embedded as `local`, and on a server as `dev`.
fn twice(scripts: &[(&str, &str)]) -> (Project, Server) {
    let server = Server::start(Settings::default()).unwrap();
    let project = Project::with(scripts);
    let connection = format!(
        "{{ account: testkit, user: snowops, host: 127.0.0.1, port: {}, protocol: http }}",
        server.port()
    );
    let place = "database: RETAIL, schema: PUBLIC, role: DEPLOYER, warehouse: DEPLOY_XS";
    project.write(
        "snowops.yml",
        &format!(
            "project: test\nenvironments:\n  local: {{ engine: embedded, {place} }}\n  dev: {{ connection: {connection}, {place} }}\n"
        ),
    );
    (project, server)
}

fn run(project: &Project, arguments: &[&str]) -> Run {
    Run::of(&project.command(arguments).env("SNOWFLAKE_PASSWORD", "correct horse").output().unwrap())
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    let run = run(project, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.all()))
}

/// Runs statements in the target behind snowops' back: on the server, by a run of another history, whose schema it is.
fn behind(server: &Server, schema: &str, statements: &[&str]) {
    let project = Project::with(&[]);
    project.write("migrations/V1__behind.sql", &format!("{};\n", statements.join(";\n")));
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    let text = project.read("snowops.yml");
    project.write("snowops.yml", &format!("history: {{ schema: {schema} }}\n{text}"));
    let done = run(&project, &["migrate", "--env", "dev", "--create-history"]);
    assert_eq!(done.code, 0, "{}", done.all());
}

/// What a server tells of each kind.
const BREADTH: &[(&str, &str)] = &[
    (
        "V1__tables.sql",
        "CREATE SCHEMA s WITH MANAGED ACCESS COMMENT = 'one' DATA_RETENTION_TIME_IN_DAYS = 3;
USE SCHEMA s;
CREATE SEQUENCE ids INCREMENT = 5;
CREATE TABLE parent (id NUMBER(38,0) NOT NULL DEFAULT ids.NEXTVAL, name VARCHAR(40) COMMENT 'short', PRIMARY KEY (id));
CREATE TRANSIENT TABLE child (
    id INT AUTOINCREMENT, parent INT NOT NULL, at TIMESTAMP_TZ(3) DEFAULT CURRENT_TIMESTAMP(), price NUMBER(12,2),
    day DATE, flag BOOLEAN DEFAULT TRUE, raw VARIANT, bits BINARY(16), t TIME, f FLOAT, \"Mixed\" ARRAY,
    CONSTRAINT child_u UNIQUE (parent, day),
    CONSTRAINT child_fk FOREIGN KEY (parent) REFERENCES parent (id)
) CLUSTER BY (day) COMMENT = 'it''s a child' DATA_RETENTION_TIME_IN_DAYS = 0;
CREATE TABLE sibling (day DATE, whose INT, FOREIGN KEY (whose, day) REFERENCES child (parent, day));
CREATE VIEW names AS
SELECT id, name
FROM parent;
CREATE SECURE VIEW safe COMMENT = 'safe' AS SELECT name AS n FROM parent;
CREATE MATERIALIZED VIEW counted AS SELECT id FROM parent;
CREATE DYNAMIC TABLE fresh TARGET_LAG = '1 minute' WAREHOUSE = DEPLOY_XS AS SELECT id FROM parent;
",
    ),
    (
        "V2__rest.sql",
        "USE SCHEMA s;
CREATE FILE FORMAT f TYPE = JSON COMMENT = 'lines';
CREATE STAGE inbox URL = 's3://bucket/path/';
CREATE STREAM news ON TABLE s.parent APPEND_ONLY = TRUE COMMENT = 'new ones';
CREATE TASK root WAREHOUSE = DEPLOY_XS SCHEDULE = '60 MINUTE' WHEN SYSTEM$STREAM_HAS_DATA('news') AS INSERT INTO parent (name) SELECT 'x';
CREATE TASK leaf WAREHOUSE = DEPLOY_XS AFTER root AS CALL p(1);
CREATE PIPE feed AS COPY INTO parent FROM @inbox FILE_FORMAT = (FORMAT_NAME = 'f');
CREATE PROCEDURE p(n INT) RETURNS VARCHAR LANGUAGE SQL AS
$$
BEGIN
    RETURN 'done';
END;
$$;
CREATE FUNCTION twice(a NUMBER(10,2), b VARCHAR) RETURNS NUMBER(12,2) COMMENT = 'doubles' AS 'a * 2';
CREATE TAG level;
CREATE DATABASE ROLE reader COMMENT = 'reads';
CREATE ROLE analyst;
GRANT USAGE ON DATABASE RETAIL TO ROLE analyst;
GRANT USAGE ON SCHEMA s TO ROLE analyst;
GRANT SELECT, INSERT ON TABLE parent TO ROLE analyst;
GRANT SELECT ON VIEW names TO ROLE analyst;
",
    ),
];

/// The same scripts on the embedded engine and through HTTP: one text.
#[test]
fn snapshots_of_one_target_are_equal_on_both_engines() {
    let (project, _server) = twice(BREADTH);
    for environment in ["local", "dev"] {
        let done = run(&project, &["migrate", "--env", environment, "--create-history"]);
        assert_eq!(done.code, 0, "{}", done.all());
        let file = format!("{environment}.json");
        let taken = run(&project, &["snapshot", "--env", environment, "--out", &file]);
        assert_eq!(taken.code, 0, "{}", taken.all());
        assert!(!taken.out.contains("Not seen"), "{}", taken.all());
    }
    let (local, dev) = (project.read("local.json"), project.read("dev.json"));
    let differing = local.lines().zip(dev.lines()).find(|(a, b)| a != b);
    assert!(local == dev, "{differing:?}");
    for word in ["snowops_schema_history", "created_on", "SNOWOPS"] {
        assert!(!local.contains(word), "{word}");
    }
    // One with the other, and both with their scripts.
    for arguments in [
        &["drift", "--env", "local", "--against", "dev.json"][..],
        &["drift", "--env", "dev", "--against", "local.json"],
        &["drift", "--env", "local"],
        &["drift", "--env", "dev"],
    ] {
        let drift = run(&project, arguments);
        assert_eq!(drift.code, 0, "{arguments:?}: {}", drift.all());
        assert!(drift.out.starts_with("No drift: "), "{}", drift.all());
    }
    // Taken twice, it is the same file.
    let again = run(&project, &["snapshot", "--env", "dev"]);
    assert_eq!(again.out, dev, "{}", again.all());
}

/// A fixed number of requests a database, whatever it holds.
#[test]
fn a_snapshot_sends_the_same_few_requests_however_many_tables_there_are() {
    let tables: Vec<String> = (0..60).map(|n| format!("CREATE TABLE t{n} (a INT, b INT);\n")).collect();
    let many = tables.concat();
    let mut counts = Vec::new();
    for script in ["CREATE TABLE t (a INT);\n", many.as_str()] {
        let (project, server) = twice(&[("V1__tables.sql", script)]);
        let done = run(&project, &["migrate", "--env", "dev", "--create-history"]);
        assert_eq!(done.code, 0, "{}", done.all());
        let before = server.log().len();
        assert_eq!(run(&project, &["snapshot", "--env", "dev"]).code, 0);
        let log = server.log();
        let asked: Vec<_> = log[before..].iter().filter_map(|entry| entry.text()).collect();
        assert!(
            asked.iter().all(|text| text.starts_with("SHOW ") || text.starts_with("SELECT ")),
            "{asked:#?}"
        );
        counts.push((asked.len(), log[before..].iter().filter(|e| e.endpoint == Endpoint::Query).count()));
    }
    assert_eq!(counts, [(25, 25), (25, 25)]);
}

#[test]
fn what_changed_outside_is_named_with_what_mends_it_and_then_gone() {
    let (project, server) = twice(BREADTH);
    let done = run(&project, &["migrate", "--env", "dev", "--create-history"]);
    assert_eq!(done.code, 0, "{}", done.all());
    behind(
        &server,
        "BEHIND",
        &[
            "USE SCHEMA s",
            "ALTER TABLE child ADD COLUMN note VARCHAR",
            "ALTER TABLE child ALTER COLUMN parent DROP NOT NULL",
            "CREATE TABLE stray (a INT)",
            "DROP VIEW safe",
            "CREATE OR REPLACE VIEW names AS SELECT id, name || 'x' AS name FROM parent",
            "REVOKE INSERT ON TABLE parent FROM ROLE analyst",
            "COMMENT ON TABLE parent IS 'changed'",
            "ALTER TASK root SET SCHEDULE = '5 MINUTE'",
        ],
    );
    let drift = run(&project, &["drift", "--env", "dev"]);
    assert_eq!(drift.code, 8, "{}", drift.all());
    pinned().bind(|| insta::assert_snapshot!("drift_found", drift.all()));
    let told = json(&project, &["drift", "--env", "dev"]);
    assert_eq!((told["ok"].as_bool(), told["exit_code"].as_i64()), (Some(true), Some(8)), "{told:#}");
    let differences = told["differences"].as_array().unwrap();
    let destroys = |one: &&Value| one["destroys_data"] == true;
    let dropped: Vec<_> =
        differences.iter().filter(destroys).map(|one| one["statements"][0].as_str().unwrap()).collect();
    assert_eq!(
        dropped,
        [
            "DROP SCHEMA RETAIL.BEHIND",
            "ALTER TABLE RETAIL.S.CHILD DROP COLUMN NOTE",
            "DROP TABLE RETAIL.S.STRAY"
        ]
    );
    let statements: Vec<&str> = differences
        .iter()
        .flat_map(|one| one["statements"].as_array().unwrap())
        .map(|text| text.as_str().unwrap())
        .filter(|text| *text != "DROP SCHEMA RETAIL.BEHIND")
        .collect();
    behind(&server, "AGAIN", &statements);
    let left = json(&project, &["drift", "--env", "dev"]);
    let left: Vec<_> = left["differences"].as_array().unwrap().iter().map(|one| &one["object"]).collect();
    assert_eq!(left, ["RETAIL.AGAIN", "RETAIL.BEHIND"]);
}

#[test]
fn what_scripts_of_unknown_effect_may_have_made_is_not_drift() {
    let (project, server) = twice(&[
        ("V1__a.sql", "CREATE TABLE a (x INT);\n"),
        ("V2__b.sql", "CREATE TABLE b (x INT);\n"),
        ("V3__block.sql", "EXECUTE IMMEDIATE 'CREATE TABLE c (x INT) -- ' || CURRENT_USER();\n"),
    ]);
    let done = run(&project, &["migrate", "--env", "dev", "--create-history"]);
    assert_eq!(done.code, 0, "{}", done.all());
    behind(&server, "BEHIND", &["CREATE TABLE c (x INT)"]);
    fs::remove_file(project.path("migrations/V1__a.sql")).unwrap();
    project.write("migrations/V2__b.sql", "CREATE TABLE b (x INT, y INT);\n");
    let drift = json(&project, &["drift", "--env", "dev"]);
    assert_eq!(drift["exit_code"], 0, "{drift:#}");
    let names = |key: &str, field: &str| -> Vec<String> {
        let rows = drift[key].as_array().unwrap();
        rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("unusable", "script"), ["V1__a.sql", "V2__b.sql", "V3__block.sql"]);
    assert_eq!(
        names("unusable", "why"),
        ["its file is gone", "its file changed after it was applied", "what it runs is not looked into"]
    );
    let unknown = names("not_known", "object");
    for object in ["RETAIL.PUBLIC.A", "RETAIL.PUBLIC.B", "RETAIL.PUBLIC.C"] {
        assert!(unknown.iter().any(|name| name == object), "{object}: {drift:#}");
    }
    let shown = run(&project, &["drift", "--env", "dev"]);
    assert!(
        shown.out.contains("No drift: ") && shown.out.contains("as far as it is known"),
        "{}",
        shown.all()
    );
}

/// fakesnow answers a part; the rest is named as not seen and is no drift.
#[test]
fn on_fakesnow_what_it_does_not_tell_is_not_seen() {
    let Some(server) = Fakesnow::shared() else { return };
    let project = Project::with(&[
        ("V1__a.sql", "CREATE TABLE a (x NUMBER(10,2) NOT NULL, y VARCHAR(20));\n"),
        ("V2__b.sql", "CREATE VIEW b AS SELECT x FROM a;\n"),
    ]);
    on_server(&project, server.port(), "DRIFTING", "");
    let first = json(&project, &["migrate", "--env", "dev", "--create-history"]);
    assert_eq!(first["ok"], true, "{first:#}");
    let taken = json(&project, &["snapshot", "--env", "dev"]);
    assert_eq!((&taken["counts"]["TABLE"], &taken["counts"]["VIEW"]), (&1.into(), &1.into()), "{taken:#}");
    assert!(!taken["unseen"].as_array().unwrap().is_empty(), "{taken:#}");
    let drift = run(&project, &["drift", "--env", "dev"]);
    assert_eq!(drift.code, 0, "{}", drift.all());
}

/// A small embedded project that was migrated, with its snapshot in `all.json`.
fn small() -> Project {
    let project = Project::with(&[
        ("V1__orders.sql", "CREATE TABLE orders (id INT NOT NULL, note VARCHAR(20));\n"),
        ("R__ids.sql", "CREATE OR REPLACE VIEW ids AS\nSELECT id FROM orders;\n"),
    ]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    assert_eq!(project.run(&["snapshot", "--out", "all.json"]).code, 0);
    project
}

#[test]
fn snapshot_and_drift_speak_to_people_and_machines() {
    let project = small();
    pinned().bind(|| {
        insta::assert_snapshot!("human_snapshot", project.run(&["snapshot"]).all());
        insta::assert_snapshot!("human_snapshot_out", project.run(&["snapshot", "--out", "all.json"]).all());
        insta::assert_snapshot!("human_drift_none", project.run(&["drift"]).all());
        insta::assert_json_snapshot!("json_snapshot", steady(project.json(&["snapshot"]).1));
    });
    let changed = project
        .read("all.json")
        .replace("VARCHAR(20)", "VARCHAR(10)")
        .replace("SELECT id ", "SELECT 1 AS id ");
    project.write("changed.json", &changed);
    pinned().bind(|| {
        let arguments = ["drift", "--against", "changed.json"];
        insta::assert_snapshot!("human_drift", project.run(&arguments).all());
        insta::assert_json_snapshot!("json_drift", steady(project.json(&arguments).1));
    });
    let quiet = project.run(&["drift", "-q"]);
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (0, "", ""));
    // A snapshot is written over; taken again it is the same.
    let before = project.read("all.json");
    assert_eq!(project.run(&["snapshot", "--out", "all.json"]).code, 0);
    assert_eq!(project.read("all.json"), before);
}

#[test]
fn mistakes_are_told_and_nothing_is_written() {
    let project = Project::with(&[("V1__a.sql", "CREATE TABLE a (x INT);\n")]);
    project.write("other.json", "{\"mine\": true}\n");
    project.write("newer.json", "{\n  \"snowops_catalog\": 2\n}\n");
    let before: Vec<_> =
        fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for (arguments, code, parts) in [
        (
            &["drift"][..],
            4,
            &["history_not_visible", "environment 'local' has no history yet", "--against FILE"][..],
        ),
        (&["drift", "--against", "gone.json"], 2, &["gone.json cannot be read: there is no such file"]),
        (&["drift", "--against", "newer.json"], 2, &["has layout 2, this program reads 1"]),
        (&["drift", "--against", "other.json"], 2, &["it is no catalogue of snowops"]),
        (&["snapshot", "--out", "other.json"], 2, &["other.json holds something else than a snapshot"]),
        (&["snapshot", "--out", "no/folder.json"], 2, &["no/folder.json", "--out"]),
        (&["snapshot", "--database", "nope"], 3, &["missing_database", "database 'NOPE' does not exist"]),
        (&["snapshot", "--database", "snowflake"], 3, &["what database SNOWFLAKE holds is not known"]),
    ] {
        let run = project.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.all());
        for part in parts {
            assert!(run.err.contains(part), "{arguments:?}: no `{part}` in {}", run.err);
        }
    }
    let after: Vec<_> =
        fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before.len(), after.len(), "{after:?}");
    assert_eq!(project.read("other.json"), "{\"mine\": true}\n");
}

/// What a committed snapshot holds is there for scripts, with its columns; without it the script is refused.
#[test]
fn scripts_may_use_what_a_committed_snapshot_holds() {
    let project = Project::with(&[(
        "V1__orders.sql",
        "CREATE VIEW totals AS SELECT id, total FROM raw.shop.orders;\n",
    )]);
    let config = |snapshots: &str| {
        project.write(
            "snowops.yml",
            &format!("project: test\n{snapshots}environments:\n  local: {{ engine: embedded }}\n"),
        );
    };
    let missing = project.run(&["migrate"]);
    assert_eq!(missing.code, 5, "{}", missing.all());
    fs::remove_dir_all(project.path(".snowops")).unwrap();

    config("externals: { snapshots: [snapshots/raw.json] }\n");
    let unreadable = project.run(&["migrate"]);
    assert_eq!(unreadable.code, 3, "{}", unreadable.all());
    assert!(
        unreadable.err.contains("snapshots/raw.json cannot be read: there is no such file"),
        "{}",
        unreadable.all()
    );
    project.write("snapshots/raw.json", "{\n  \"snowops_catalog\": 1,\n  \"databases\": 3\n}\n");
    let unreadable = project.run(&["migrate"]);
    assert_eq!(unreadable.code, 3, "{}", unreadable.all());
    assert!(unreadable.err.contains("line 3"), "{}", unreadable.all());

    project.write(
        "snapshots/raw.json",
        r#"{
  "snowops_catalog": 1,
  "databases": {
    "RAW": {
      "schemas": {
        "SHOP": {
          "objects": {
            "relation": {
              "ORDERS": {
                "name": "ORDERS",
                "kind": "TABLE",
                "columns": [
                  {"name": "ID", "type": "NUMBER(38,0)"}
                ]
              }
            }
          }
        }
      }
    }
  }
}
"#,
    );
    let column = project.run(&["migrate"]);
    assert!(column.code == 5 && column.err.contains("invalid identifier 'TOTAL'"), "{}", column.all());
    fs::remove_dir_all(project.path(".snowops")).unwrap();
    project.write("migrations/V1__orders.sql", "CREATE VIEW totals AS SELECT id FROM raw.shop.orders;\n");
    assert_eq!(project.run(&["migrate"]).code, 0);
    // It is as good a start for what the scripts make.
    let drift = project.run(&["drift"]);
    assert_eq!(drift.code, 0, "{}", drift.all());
    assert!(drift.out.contains("is what 1 applied script makes"), "{}", drift.all());
}

/// Names of objects reach no terminal and no agent as commands.
#[test]
fn names_are_defused() {
    let project = Project::with(&[(
        "V1__evil.sql",
        "CREATE TABLE \"##vso[x]\u{1b}[31m\" (\"##[y]\" NUMBER COMMENT '##vso[z]');\n",
    )]);
    assert_eq!(project.run(&["migrate"]).code, 0);
    let text =
        project.run(&["snapshot"]).out.replace("NUMBER(38,0)", "NUMBER(9,0)").replace("##vso[z]", "##vso[q]");
    project.write("other.json", &text);
    project.write(
        "empty.json",
        "{\n  \"snowops_catalog\": 1,\n  \"databases\": {\"LOCAL\": {\"schemas\": {\"PUBLIC\": {}}}}\n}\n",
    );
    for file in ["other.json", "empty.json"] {
        for format in [&["--color", "never"][..], &["--format", "json"]] {
            let run = project.run(&[&["drift", "--against", file][..], format].concat());
            assert_eq!(run.code, 8, "{}", run.all());
            for stream in [&run.out, &run.err] {
                assert!(!stream.contains("##vso[") && !stream.contains("##["), "{stream}");
                assert!(!stream.contains('\u{1b}'), "{stream:?}");
            }
        }
    }
}

/// A secret that a script wrote stands in no snapshot and is told by no drift, of either engine.
#[test]
fn secrets_are_told_by_neither() {
    const CANARY: &str = "canary9";
    let (project, server) = twice(&[(
        "V1__secrets.sql",
        "CREATE SCHEMA s;
USE SCHEMA s;
CREATE SECRET token TYPE = GENERIC_STRING SECRET_STRING = 'a';
ALTER SECRET token SET SECRET_STRING = 'canary9';
CREATE SECRET login TYPE = PASSWORD USERNAME = 'canary9' PASSWORD = 'canary9';
CREATE STAGE inbox URL = 's3://b/' CREDENTIALS = (AWS_KEY_ID = 'canary9' AWS_SECRET_KEY = 'canary9');
CREATE STAGE sealed URL = 's3://b/' ENCRYPTION = (TYPE = 'AWS_CSE' MASTER_KEY = 'canary9');
ALTER STAGE sealed SET CREDENTIALS = (AWS_TOKEN = 'canary9');
",
    )]);
    let quiet = |run: &Run, code: i32| {
        assert_eq!(run.code, code, "{}", run.all());
        assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY), "{}", run.all());
    };
    for environment in ["local", "dev"] {
        let done = run(&project, &["migrate", "--env", environment, "--create-history"]);
        assert_eq!(done.code, 0, "{}", done.all());
        let file = format!("{environment}.json");
        quiet(&run(&project, &["snapshot", "--env", environment, "--out", &file]), 0);
        quiet(&run(&project, &["snapshot", "--env", environment, "--format", "json"]), 0);
        assert!(!project.read(&file).contains(CANARY));
        quiet(&run(&project, &["drift", "--env", environment]), 0);
    }
    behind(
        &server,
        "BEHIND",
        &[
            "USE SCHEMA s",
            "DROP SECRET token",
            "DROP STAGE inbox",
            "ALTER STAGE sealed SET URL = 's3://other/'",
        ],
    );
    for against in [&[][..], &["--against", "local.json"]] {
        let arguments = [&["drift", "--env", "dev"], against].concat();
        quiet(&run(&project, &arguments), 8);
        let told = json(&project, &arguments);
        assert!(!told.to_string().contains(CANARY), "{told:#}");
        let differences = told["differences"].as_array().unwrap();
        let by_hand: Vec<_> = differences
            .iter()
            .filter(|one| one["statements"].as_array().unwrap().is_empty())
            .map(|one| one["object"].as_str().unwrap())
            .collect();
        assert_eq!(by_hand, ["RETAIL.S.TOKEN", "RETAIL.S.INBOX", "RETAIL.S.SEALED"], "{told:#}");
    }
}
