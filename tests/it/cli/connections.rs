//! Connections of the Snowflake CLI, as far as no server is needed: what is shown, what is refused, and that no secret
//! comes out.

use insta::assert_snapshot;

use super::output::pinned;
use crate::harness::Project;

/// Stands in every secret. If one comes out, this does.
const CANARY: &str = "canary-7f3a";

fn project(toml: &str, mode: u32) -> Project {
    let project = Project::with(&[("V1__a.sql", "CREATE TABLE a (x NUMBER);\n")]);
    project.write(
        "snowops.yml",
        "project: shop\nenvironments:\n  dev:\n    connection: dev\n    database: SHOP\n    schema: PUBLIC\n",
    );
    project.write(".snowflake/connections.toml", toml);
    permit(&project, ".snowflake/connections.toml", mode);
    project
}

#[cfg(unix)]
fn permit(project: &Project, path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(project.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn permit(_: &Project, _: &str, _: u32) {}

/// Both outputs of a command with some variables set.
fn output(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = project.command(arguments).envs(variables.iter().copied()).output().unwrap();
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    )
}

#[test]
fn config_show_tells_where_each_key_comes_from() {
    let toml =
        format!("[dev]\naccount = \"myorg-dev\"\nwarehouse = \"deploy_xs\"\npassword = \"{CANARY}\"\n");
    let variables = [
        ("SNOWFLAKE_CONNECTIONS_DEV_USER", "deployer"),
        ("SNOWFLAKE_USER", "somebody"),
        ("SNOWFLAKE_ROLE", "deployer"),
        ("HTTPS_PROXY", "http://user:canary-7f3a@proxy.corp:3128"),
    ];
    let text = output(&project(&toml, 0o600), &["config", "show", "--env", "dev"], &variables);
    pinned().bind(|| assert_snapshot!("connections_show", text));
}

#[test]
fn what_is_in_the_way_of_a_connection_is_told_at_once() {
    let toml = format!(
        "[dev]\naccount = \"https://myorg-dev.snowflakecomputing.com\"\nauthenticator = \"externalbrowser\"\nprotocol = \"ftp\"\npasword = \"{CANARY}\"\n"
    );
    let project = project(&toml, 0o600);
    pinned().bind(|| {
        assert_snapshot!("connections_doctor_refused", output(&project, &["doctor", "--env", "dev"], &[]));
        assert_snapshot!("connections_migrate_refused", output(&project, &["migrate", "--env", "dev"], &[]));
    });
    // What needs no server goes on.
    assert_eq!(project.run(&["render", "--env", "dev"]).code, 0);
    assert_eq!(project.run(&["config", "show", "--env", "dev"]).code, 0);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused() {
    let toml = format!("[dev]\naccount = \"a\"\nuser = \"u\"\npassword = \"{CANARY}\"\n");
    let project = project(&toml, 0o644);
    pinned().bind(|| {
        assert_snapshot!("connections_permissions", output(&project, &["migrate", "--env", "dev"], &[]));
    });
}

#[test]
fn no_secret_comes_out() {
    let broken = format!("[dev]\naccount = \"a\"\nuser = \"u\"\npassword = {CANARY}\n");
    let pasted = format!(
        "[dev]\naccount = \"a\"\nuser = \"u\"\npasswort = \"{CANARY}\"\npassword = \"{CANARY}\"\nauthenticator = \"oauth\"\n"
    );
    let variables = [
        ("SNOWFLAKE_PRIVATE_KEY_RAW", CANARY),
        ("PRIVATE_KEY_PASSPHRASE", CANARY),
        ("SNOWFLAKE_PASSCODE", CANARY),
        ("HTTPS_PROXY", "socks5://user:canary-7f3a@proxy.corp:3128"),
        ("TF_BUILD", "True"),
    ];
    for toml in [broken, pasted] {
        let project = project(&toml, 0o600);
        for command in [&["config", "show"][..], &["doctor"], &["plan"], &["migrate"], &["info"]] {
            for format in ["human", "json"] {
                let arguments = [command, &["--env", "dev", "-v", "--format", format]].concat();
                let text = output(&project, &arguments, &variables);
                assert!(!text.contains(CANARY), "{arguments:?}: {text}");
            }
        }
    }
}

/// A project whose connection leads to a server on this machine.
fn with_server(server: &testkit::Server, more: &str) -> Project {
    let toml = format!(
        "[dev]\naccount = \"testkit\"\nuser = \"snowops\"\npassword = \"correct horse\"\nprotocol = \"http\"\nhost = \"{}\"\nport = {}\n{more}",
        server.host(),
        server.port()
    );
    let project = project(&toml, 0o600);
    let yml = project.read("snowops.yml").replace("SHOP", "RETAIL");
    project.write("snowops.yml", &yml);
    project
}

#[test]
fn a_connection_leads_to_its_server() {
    let server = testkit::Server::start(testkit::Settings::default()).unwrap();
    let project = with_server(&server, "role = \"DEPLOYER\"\nwarehouse = \"DEPLOY_XS\"\n");
    let mut settings = pinned();
    settings.add_filter(r"snowops \d+\.\d+\.\d+", "snowops [version]");
    settings.add_filter(r"port \d+", "port [port]");
    settings.bind(|| {
        assert_snapshot!("connections_doctor", output(&project, &["doctor", "--env", "dev"], &[]));
    });
    let migrated = project.run(&["migrate", "--env", "dev"]);
    assert_eq!(migrated.code, 0, "{}", migrated.all());
    let (code, info) = project.json(&["info", "--env", "dev"]);
    assert_eq!((code, &info["migrations"][0]["state"]), (0, &"success".into()), "{info:#}");
    assert_eq!(server.world().rows("snowops_schema_history").len(), 1);
    // Clock and lease have a line once there is a history.
    let after = project.run(&["doctor", "--env", "dev"]);
    assert!(after.code == 0 && after.out.contains("clock") && after.out.contains("lease"), "{}", after.all());
}

#[test]
fn a_wrong_password_is_a_failed_login() {
    let server = testkit::Server::start(testkit::Settings::default()).unwrap();
    let project = with_server(&server, "");
    let variables = [("SNOWFLAKE_CONNECTIONS_DEV_PASSWORD", CANARY)];
    let text = output(&project, &["doctor", "--env", "dev"], &variables);
    assert!(text.starts_with("exit 6") && text.contains("wrong  login"), "{text}");
    assert!(!text.contains(CANARY), "{text}");
}
