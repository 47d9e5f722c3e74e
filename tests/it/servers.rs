//! The real binary against servers of Snowflake's protocol, over HTTP: our own, and one that others wrote.

use std::fs;

use serde_json::Value;
use testkit::{Fakesnow, Python, Server, Settings};

use crate::harness::{Project, Run};

/// Scripts of the sample project that fakesnow 0.12.1 cannot run, and why. Where a script needs what another would have
/// made, that one is named.
const NOT_ON_FAKESNOW: &[(&str, &str)] = &[
    ("V1.0.1__create_roles.sql", "no CREATE ROLE"),
    ("V1.2.0__create_customers.sql", "no COMMENT ON COLUMN"),
    ("V1.2.2__create_orders.sql", "a foreign key to CUSTOMERS of V1.2.0"),
    ("V1.4.0__fill_countries.sql", "COUNTRIES of V1.2.0"),
    ("V1.5.0__create_orders_stream.sql", "no CREATE STREAM"),
    ("V1.6.0__add_loyalty.sql", "CUSTOMERS of V1.2.0"),
    ("V1.7.0__create_sales_task.sql", "no CREATE TASK"),
    ("V1.8.0__create_governance.sql", "no CREATE TAG"),
    ("V1.8.1__protect_customers.sql", "CUSTOMERS of V1.2.0"),
    ("V1.9.0__load_clicks.sql", "no CREATE PIPE"),
    ("V1.10.0__create_dynamic_tables.sql", "CLICKS of V1.9.0"),
    ("V1.11.0__create_nightly_tasks.sql", "no CREATE TASK"),
    ("V1.12.0__add_returns.sql", "ORDERS of V1.2.2"),
    ("R__01_order_totals.sql", "ORDERS of V1.2.2"),
    ("R__02_customer_value.sql", "CUSTOMERS of V1.2.0"),
    ("R__04_customer_contacts.sql", "CUSTOMERS of V1.2.0"),
    ("R__fill_dates.sql", "no Snowflake Scripting"),
    ("R__load_customers.sql", "no CREATE PROCEDURE"),
    ("A__grants.sql", "no GRANT"),
];

/// A project's environment `dev`, on a server of this machine.
pub(crate) fn on_server(project: &Project, port: u16, database: &str, role: &str) {
    let head = project.read("snowops.yml");
    let head = head.split("environments:").next().unwrap();
    let connection =
        format!("{{ account: testkit, user: snowops, host: 127.0.0.1, port: {port}, protocol: http }}");
    let place = format!("database: {database}, schema: PUBLIC{role}");
    project.write(
        "snowops.yml",
        &format!("{head}environments:\n  dev: {{ connection: {connection}, {place} }}\n"),
    );
}

fn run(project: &Project, arguments: &[&str]) -> Run {
    let mut command = project.command(arguments);
    let output = command.args(["--env", "dev"]).env("SNOWFLAKE_PASSWORD", "correct horse").output().unwrap();
    Run::of(&output)
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    let run = run(project, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.all()))
}

fn scripts(result: &Value, key: &str) -> Vec<String> {
    let rows = result[key].as_array().unwrap();
    rows.iter().map(|row| row["script"].as_str().unwrap().to_owned()).collect()
}

pub(crate) const DEPLOYER: &str = ", role: DEPLOYER, warehouse: DEPLOY_XS";

#[test]
fn the_sample_project_migrates_on_the_protocol_server_and_a_second_run_has_nothing_to_do() {
    let server = Server::start(Settings::default()).unwrap();
    let project = Project::sample();
    on_server(&project, server.port(), "RETAIL", DEPLOYER);
    let first = json(&project, &["migrate", "--create-history"]);
    assert_eq!(first["ok"], true, "{first:#}");
    let info = json(&project, &["info"]);
    let states: Vec<&str> =
        info["migrations"].as_array().unwrap().iter().filter_map(|m| m["state"].as_str()).collect();
    assert!(!states.contains(&"pending") && states.contains(&"success"), "{states:?}");
    // A__ runs are no rows of the history.
    assert_eq!(server.world().rows("snowops_schema_history").len(), scripts(&first, "applied").len() - 1);
    let world = server.world();
    // A tag names run, script and statement; those of the bookkeeping name less.
    let tags = world.executions_by_tag();
    let of_scripts = || tags.iter().filter(|(tag, _)| tag.split(':').count() == 4);
    assert!(of_scripts().count() > 50 && of_scripts().all(|(_, times)| *times == 1), "{tags:#?}");
    let second = run(&project, &["plan", "--exit-code"]);
    assert_eq!(second.code, 0, "{}", second.all());
}

#[test]
fn what_fakesnow_can_of_the_sample_project_migrates_there() {
    let (Some(server), Some(python)) = (Fakesnow::shared(), Python::shared()) else { return };
    let project = Project::sample();
    for (script, _) in NOT_ON_FAKESNOW {
        fs::remove_file(project.path(&format!("migrations/{script}"))).unwrap();
    }
    on_server(&project, server.port(), "SAMPLE", "");
    let first = json(&project, &["migrate", "--create-history"]);
    assert_eq!(first["ok"], true, "{first:#}");
    let second = json(&project, &["migrate"]);
    assert_eq!((&second["ok"], scripts(&second, "applied").len()), (&Value::Bool(true), 0), "{second:#}");

    let info = json(&project, &["info"]);
    let mut ours: Vec<_> = info["migrations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["installed_rank"].is_i64())
        .map(|m| {
            (m["installed_rank"].as_i64(), m["script"].as_str(), m["checksum"].as_i64(), m["state"].as_str())
        })
        .collect();
    assert_eq!(ours.len(), 6, "{info:#}");
    let output = python
        .script("read_history.py")
        .args([&server.port().to_string(), "SAMPLE", "snowops_schema_history"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let theirs: Vec<_> = theirs
        .iter()
        .map(|row| {
            assert_eq!(row["success"], true, "{row}");
            (
                row["installed_rank"].as_i64(),
                row["script"].as_str(),
                row["checksum"].as_i64(),
                Some("success"),
            )
        })
        .collect();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn doctor_says_what_fakesnow_does_not_tell_and_goes_on() {
    let Some(server) = Fakesnow::shared() else { return };
    let project = Project::with(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\n")]);
    on_server(&project, server.port(), "LOOKED_AT", "");
    let first = json(&project, &["migrate", "--create-history"]);
    assert_eq!(first["ok"], true, "{first:#}");
    let report = run(&project, &["doctor"]);
    for part in ["ok     login", "ok     clock", "present: LOOKED_AT.SNOWOPS", "cannot be told in full"] {
        assert!(report.out.contains(part), "{part}: {}", report.all());
    }
}

#[test]
fn what_is_listed_as_beyond_fakesnow_still_fails_there() {
    let Some(server) = Fakesnow::shared() else { return };
    for (n, (script, reason)) in NOT_ON_FAKESNOW.iter().enumerate() {
        // With the schemas alone before it: what it needs of other scripts cannot be there, by the same list.
        let project = Project::sample();
        for entry in fs::read_dir(project.path("migrations")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if name != **script && name != "V1.0.0__create_schemas.sql" {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        on_server(&project, server.port(), &format!("BEYOND_{n}"), "");
        let result = json(&project, &["migrate", "--create-history"]);
        assert_eq!(result["failed"]["script"], *script, "works now, but is listed: {reason}: {result:#}");
    }
}
