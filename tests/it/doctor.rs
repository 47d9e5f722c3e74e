//! `doctor` on a server of Snowflake's protocol: all that it prints when all is well, and in each way in which it is not.

use std::{process::Stdio, time::Duration};

use insta::assert_snapshot;
use serde_json::Value;
use testkit::{Server, Settings, Takes, User, Warehouse};

use crate::{
    cli::output::pinned,
    harness::{Project, Run},
};

/// The most requests of one look.
const MOST_REQUESTS: usize = 20;

/// What role DEPLOYER needs for its first run.
const FIRST_RUN: &str = "GRANT USAGE ON WAREHOUSE DEPLOY_XS TO ROLE DEPLOYER;
GRANT USAGE, CREATE SCHEMA ON DATABASE RETAIL TO ROLE DEPLOYER;
GRANT USAGE, CREATE TABLE ON SCHEMA RETAIL.PUBLIC TO ROLE DEPLOYER;";

/// A server where roles have only what they were granted.
fn strict(lines: &str) -> Settings {
    let grants = lines.lines().map(|line| line.trim_end_matches(';').to_owned());
    Settings { privileges: Some(grants.collect()), ..Settings::default() }
}

/// A project with one script, and its environment `dev` on a server of this machine.
fn project(port: u16, environment: &str) -> Project {
    let project = Project::with(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\n")]);
    project.write(
        "snowops.yml",
        &format!(
            "project: shop\nlock: {{ ttl: 4s }}\nenvironments:\n  dev:\n    connection: {{ account: testkit, user: \
             snowops, host: 127.0.0.1, port: {port}, protocol: http }}\n    database: RETAIL\n    schema: PUBLIC\n\
             {environment}"
        ),
    );
    project
}

const DEPLOYER: &str = "    role: DEPLOYER\n    warehouse: DEPLOY_XS\n";

fn run(project: &Project, arguments: &[&str]) -> Run {
    let mut command = project.command(arguments);
    let output = command.args(["--env", "dev"]).env("SNOWFLAKE_PASSWORD", "correct horse").output().unwrap();
    Run::of(&output)
}

fn migrate(project: &Project) {
    let run = run(project, &["migrate", "--create-history"]);
    assert_eq!(run.code, 0, "{}", run.all());
}

/// What `doctor` prints for a person, after its requests were counted.
fn look(server: &Server, project: &Project) -> String {
    let before = server.counts().total;
    let run = run(project, &["doctor"]);
    let sent = server.counts().total - before;
    assert!(sent <= MOST_REQUESTS, "{sent} requests: {}", run.all());
    let texts = server.world().statements;
    for ran in texts.iter().filter(|ran| ran.tag.starts_with("snowops:inspect")) {
        assert!(ran.text.starts_with("SHOW ") || ran.text.starts_with("SELECT "), "{}", ran.text);
    }
    assert!(server.world().sessions.is_empty(), "a session was left open");
    run.all()
}

fn checks(project: &Project) -> Vec<Value> {
    let run = run(project, &["doctor", "--format", "json"]);
    let result: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}", run.all()));
    result["checks"].as_array().unwrap().clone()
}

/// The hint of a check that is wrong.
fn hint(project: &Project, name: &str) -> Option<String> {
    let all = checks(project);
    let check = all.iter().find(|check| check["name"] == name).unwrap();
    check["hint"].as_str().filter(|_| check["ok"] == false).map(str::to_owned)
}

/// Snapshots without what differs from run to run.
fn shown(name: &str, text: &str) {
    let mut settings = pinned();
    settings.add_filter(r"port \d+", "port [port]");
    settings.add_filter(r"differ by less than a second", "differ by [little]");
    settings.add_filter(r"snowops \d+\.\d+\.\d+", "snowops [version]");
    settings.add_filter(r"on \S+ \(process \d+", "on [host] (process [n]");
    settings.bind(|| assert_snapshot!(name, text));
}

#[test]
fn all_is_well_before_the_first_run_and_after_it() {
    let server = Server::start(strict(FIRST_RUN)).unwrap();
    let project = project(server.port(), DEPLOYER);
    shown("doctor_first", &look(&server, &project));
    migrate(&project);
    shown("doctor_well", &look(&server, &project));
    let mut settings = pinned();
    settings.add_filter(r"port \d+", "port [port]");
    settings.bind(|| {
        let text = serde_json::to_string_pretty(&checks(&project)).unwrap();
        assert_snapshot!("doctor_well_json", text);
    });
}

#[test]
fn a_role_without_grants_is_told_each_and_the_grants_mend_it() {
    let server = Server::start(strict(FIRST_RUN)).unwrap();
    let owner = project(server.port(), DEPLOYER);
    migrate(&owner);
    let reader = project(server.port(), "    role: SYSADMIN\n    warehouse: DEPLOY_XS\n");
    shown("doctor_no_grants", &look(&server, &reader));
    // What it prints for a plan role is enough to plan, and no more than that.
    server.grant(&hint(&reader, "plan").unwrap());
    assert_eq!(hint(&reader, "plan"), None);
    assert_eq!(run(&reader, &["info"]).code, 0);
    assert_eq!(run(&reader, &["plan"]).code, 0);
    shown("doctor_plan_role", &look(&server, &reader));
    let only = run(&reader, &["doctor", "--plan-only"]);
    assert!(only.code == 0 && !only.out.contains("migrate"), "{}", only.all());
    reader.write("migrations/A__a.sql", "SELECT 1;\n");
    assert_ne!(run(&reader, &["migrate"]).code, 0);
    // And the rest of it to migrate.
    server.grant(&hint(&reader, "migrate").unwrap());
    assert_eq!(hint(&reader, "migrate"), None);
    let migrated = run(&reader, &["migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.all());
}

#[test]
fn the_listed_grants_are_enough_each_for_its_role() {
    let server = Server::start(strict(FIRST_RUN)).unwrap();
    let owner = project(server.port(), DEPLOYER);
    migrate(&owner);
    let listed = |name: &str, role: &str| {
        let all = checks(&owner);
        let check = all.iter().find(|check| check["name"] == name).unwrap();
        check["detail"]
            .as_str()
            .unwrap()
            .replace("<plan role>", role)
            .replace("ROLE DEPLOYER", &format!("ROLE {role}"))
    };
    let of_script = "GRANT CREATE TABLE ON SCHEMA RETAIL.PUBLIC TO ROLE DEPLOYER";
    let own = listed("migrate_grants", "DEPLOYER");
    let fresh = Server::start(strict(&format!("{own}\n{of_script}"))).unwrap();
    let first = project(fresh.port(), DEPLOYER);
    assert_eq!(hint(&first, "migrate"), None);
    migrate(&first);
    server.grant(&listed("plan_grants", "USERADMIN"));
    let planner = project(server.port(), "    role: USERADMIN\n    warehouse: DEPLOY_XS\n");
    assert_eq!(run(&planner, &["plan"]).code, 0);
    assert_eq!(hint(&planner, "plan"), None);
    server.grant(&listed("migrate_grants", "SECURITYADMIN"));
    let other = project(server.port(), "    role: SECURITYADMIN\n    warehouse: DEPLOY_XS\n");
    other.write("migrations/A__a.sql", "SELECT 1;\n");
    assert_eq!(hint(&other, "migrate"), None);
    let migrated = run(&other, &["migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.all());
}

#[test]
fn what_a_role_has_through_another_counts() {
    let server =
        Server::start(strict(&format!("{FIRST_RUN}\nGRANT ROLE DEPLOYER TO ROLE SYSADMIN"))).unwrap();
    migrate(&project(server.port(), DEPLOYER));
    let above = project(server.port(), "    role: SYSADMIN\n    warehouse: DEPLOY_XS\n");
    let report = look(&server, &above);
    assert!(report.starts_with("exit 0"), "{report}");
}

#[test]
fn a_warehouse_that_is_not_there_hides_nothing_else() {
    let server = Server::start(strict(FIRST_RUN)).unwrap();
    let owner = project(server.port(), DEPLOYER);
    let missing = project(server.port(), "    role: DEPLOYER\n    warehouse: NOPE\n");
    shown("doctor_warehouse_missing_first", &look(&server, &missing));
    migrate(&owner);
    shown("doctor_warehouse_missing", &look(&server, &missing));
}

#[test]
fn a_warehouse_that_sleeps_for_good_is_told() {
    let asleep = Warehouse { state: "SUSPENDED".into(), auto_resume: false, ..Warehouse::new("DEPLOY_XS") };
    let server = Server::start(Settings { warehouses: vec![asleep.clone()], ..Settings::default() }).unwrap();
    let report = look(&server, &project(server.port(), DEPLOYER));
    assert!(report.contains("wrong  warehouse      DEPLOY_XS, X-Small, is suspended"), "{report}");
    assert!(report.contains("ALTER WAREHOUSE DEPLOY_XS RESUME;\n"), "{report}");
    let dozing = Warehouse { auto_resume: true, ..asleep };
    let server = Server::start(Settings { warehouses: vec![dozing], ..Settings::default() }).unwrap();
    let report = look(&server, &project(server.port(), DEPLOYER));
    assert!(report.starts_with("exit 0") && report.contains("suspended, resumes by itself"), "{report}");
}

#[test]
fn a_database_that_is_not_there_is_told_once_in_each_place() {
    let server = Server::start(strict(FIRST_RUN)).unwrap();
    let lost = project(server.port(), DEPLOYER);
    let yml = lost.read("snowops.yml").replace("RETAIL", "WHOLESALE");
    lost.write("snowops.yml", &yml);
    shown("doctor_database_missing", &look(&server, &lost));
}

#[test]
fn a_history_that_may_be_hidden_is_not_called_absent() {
    let server = Server::start(strict(FIRST_RUN)).unwrap();
    migrate(&project(server.port(), DEPLOYER));
    server.grant(
        "GRANT USAGE ON WAREHOUSE DEPLOY_XS TO ROLE SYSADMIN\nGRANT USAGE ON DATABASE RETAIL TO ROLE SYSADMIN\n\
         GRANT USAGE ON SCHEMA RETAIL.SNOWOPS TO ROLE SYSADMIN\n\
         GRANT SELECT ON TABLE RETAIL.SNOWOPS.\"snowops_schema_history_journal\" TO ROLE SYSADMIN",
    );
    let reader = project(server.port(), "    role: SYSADMIN\n    warehouse: DEPLOY_XS\n");
    shown("doctor_not_visible", &look(&server, &reader));
}

#[test]
fn a_refused_login_and_a_refused_role_are_told_apart() {
    let mut settings = strict(FIRST_RUN);
    let user = User { roles: Some(vec!["PUBLIC".into(), "SYSADMIN".into()]), ..settings.users.remove(0) };
    settings.users.push(user);
    let server = Server::start(settings).unwrap();
    let project = project(server.port(), DEPLOYER);
    shown("doctor_role_refused", &look(&server, &project));
    let mut command = project.command(&["doctor", "--env", "dev"]);
    let output = command.env("SNOWFLAKE_PASSWORD", "wrong").output().unwrap();
    shown("doctor_login_refused", &Run::of(&output).all());
}

#[test]
fn without_a_network_the_rest_is_still_looked_at() {
    // Nobody listens on a port that was just let go.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = run(&project(port, DEPLOYER), &["doctor"]);
    let mut settings = pinned();
    settings.add_filter(r"port \d+", "port [port]");
    // How often and how long it waited is chance.
    settings.add_filter(r" *waiting: .*\n", "");
    settings.bind(|| assert_snapshot!("doctor_no_network", run.all()));
}

#[test]
fn a_lease_is_told_while_it_is_held_and_when_its_holder_is_gone() {
    let slow = Takes { contains: "slow".into(), time: Duration::from_mins(1) };
    let server = Server::start(Settings { durations: vec![slow], ..strict(FIRST_RUN) }).unwrap();
    let project = project(server.port(), DEPLOYER);
    migrate(&project);
    project.write("migrations/V2__slow.sql", "CREATE TABLE slow (x NUMBER);\n");
    let mut command = project.command(&["migrate", "--env", "dev"]);
    command.env("SNOWFLAKE_PASSWORD", "correct horse").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let running = || server.world().statements.iter().any(|ran| ran.text.contains("TABLE slow"));
    for _ in 0..200 {
        if running() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(running());
    let held = run(&project, &["doctor"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(held.code == 0 && held.out.contains("held by SNOWOPS on "), "{}", held.all());
    shown("doctor_lease_held", &line(&held.out, "lease"));
    // Four seconds, and a quarter of it.
    std::thread::sleep(Duration::from_millis(5500));
    let dead = run(&project, &["doctor"]);
    shown("doctor_lease_dead", &line(&dead.out, "lease"));
}

/// A line and its hint.
fn line(out: &str, name: &str) -> String {
    let mut lines = out.lines().skip_while(|line| !line.starts_with(&format!("  ok     {name}")));
    [lines.next(), lines.next()].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[test]
fn however_an_account_is_spelled_it_is_the_same_target() {
    let server = Server::start(Settings::default()).unwrap();
    let project = project(server.port(), DEPLOYER);
    let identity = || -> Value {
        let world = server.world();
        let text = world.rows("snowops_schema_history_lock")[0]["identity"].clone().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let mut number = 1;
    let mut again = |spelling: &str| {
        let yml = project.read("snowops.yml");
        let (before, after) = yml.split_once("account: ").unwrap();
        let (_, after) = after.split_once(',').unwrap();
        project.write("snowops.yml", &format!("{before}account: {spelling},{after}"));
        number += 1;
        project
            .write(&format!("migrations/V{number}__t.sql"), &format!("CREATE TABLE t{number} (x NUMBER);\n"));
        run(&project, &["migrate"])
    };
    migrate(&project);
    for spelling in ["myorg-testkit", "tk12345", "tk12345.west-europe.azure", "MYORG-TESTKIT.privatelink"] {
        let migrated = again(spelling);
        assert_eq!(migrated.code, 0, "{spelling}: {}", migrated.all());
        assert_eq!(identity()["account"], "TK12345.AZURE_WESTEUROPE", "{spelling}");
    }
    // What was written by the connection's spelling alone is known again, and written as the server says it.
    for (old, known) in [
        ("TK12345", true),
        ("MYORG-TESTKIT", true),
        ("TESTKIT", true),
        ("TK12345.AWS_US_WEST_2", false),
        ("X", false),
    ] {
        let mut row = identity();
        row["account"] = old.into();
        server.overwrite("snowops_schema_history_lock", "identity", &row.to_string());
        let migrated = again("myorg-testkit");
        assert_eq!(migrated.code == 0, known, "{old}: {}", migrated.all());
        let now = if known { "TK12345.AZURE_WESTEUROPE" } else { old };
        assert_eq!(identity()["account"], now);
        assert!(known || migrated.err.contains("error[foreign_target]"), "{}", migrated.all());
    }
}

#[test]
fn a_ledger_of_another_target_is_told() {
    let server = Server::start(Settings::default()).unwrap();
    let project = project(server.port(), DEPLOYER);
    migrate(&project);
    let world = server.world();
    let identity = world.rows("snowops_schema_history_lock")[0]["identity"].clone().unwrap();
    server.overwrite("snowops_schema_history_lock", "identity", &identity.replace("RETAIL", "OTHER"));
    let report = look(&server, &project);
    assert!(report.starts_with("exit 4"), "{report}");
    assert!(report.contains("wrong  lease          the ledger was made for OTHER.SNOWOPS"), "{report}");
}
