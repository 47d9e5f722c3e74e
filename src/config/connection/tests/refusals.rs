//! What is refused, and what is only warned of.

use std::fmt::Write as _;

use super::{AMBIENT, DEV, Home, NAMED};

const BASE: &str = "[dev]\naccount = \"a\"\nuser = \"u\"\n";

fn findings(toml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let home = Home::new(NAMED, &[("connections.toml", &format!("{BASE}{toml}\n"))]).with(variables);
    home.write("key.p8", "key", 0o600);
    home.findings()
}

#[test]
fn each_refusal_says_where_and_what_to_do() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("token = \"t\"", &[]),
        ("authenticator = \"externalbrowser\"", &[]),
        ("authenticator = \"WORKLOAD_IDENTITY\"", &[]),
        ("authenticator = \"https://corp.okta.com\"", &[]),
        ("authenticator = \"snowflake_jtw\"", &[]),
        ("authenticator = \"SNOWFLAKE_JWT\"", &[]),
        ("authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"/nowhere/k.p8\"", &[]),
        ("authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~\"", &[]),
        ("private_key_file = \"~/key.p8\"", &[]),
        ("password = \"pw\"", &[("SNOWFLAKE_PRIVATE_KEY_RAW", "PEM")]),
        ("authenticator = \"oauth\"", &[]),
        ("password = \"pw\"\nport = 0", &[]),
        ("password = \"pw\"\nport = \"https\"", &[]),
        ("password = \"pw\"\nprotocol = \"ftp\"", &[]),
        ("password = \"pw\"\nprotocol = \"http\"", &[]),
        ("password = \"pw\"\nhost = \"https://a.snowflakecomputing.com\"", &[]),
        ("password = \"pw\"\npasscode_in_password = \"maybe\"", &[]),
        ("password = [\"pw\"]", &[]),
        ("password = \"pw\"", &[("HTTPS_PROXY", "socks5://u:hunter2-hunter2@proxy")]),
        ("password = \"pw\"", &[("SSL_CERT_FILE", "/nowhere/ca.pem")]),
        ("password = \"pw\"\nproxy_host = \"proxy\"", &[]),
        (
            "pasword = \"pw\"\npassword = \"pw\"\ncolour = \"red\"\nclient_store_temporary_credential = true",
            &[],
        ),
        (
            "password = \"pw\"",
            &[("SNOWFLAKE_CONNECTIONS_DEV_PASSWRD", "pw"), ("SNOWFLAKE_CONNECTIONS_DEV_EU_USER", "x")],
        ),
    ];
    let mut text = String::new();
    for (toml, variables) in cases {
        writeln!(text, "{} {variables:?}", toml.replace('\n', ", ")).unwrap();
        for line in findings(toml, variables) {
            writeln!(text, "  {line}").unwrap();
        }
    }
    assert!(!text.replace("u:hunter2-hunter2@proxy\")]", "").contains("hunter2"), "{text}");
    insta::assert_snapshot!("refusals", text);
}

#[test]
fn the_text_of_an_undefined_pipeline_variable_is_no_value() {
    let login = "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~/key.p8\"";
    for (variable, key) in [
        ("SNOWFLAKE_PRIVATE_KEY_FILE", "private_key_file"),
        ("SNOWFLAKE_PRIVATE_KEY_PATH", "private_key_file"),
        ("SNOWFLAKE_PRIVATE_KEY_RAW", "private_key_raw"),
        ("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "private_key_passphrase"),
        ("SNOWFLAKE_PRIVATE_KEY_FILE_PWD", "private_key_passphrase"),
        ("PRIVATE_KEY_PASSPHRASE", "private_key_passphrase"),
        ("SNOWFLAKE_PASSWORD", "password"),
        ("SNOWFLAKE_PASSCODE", "passcode"),
        ("SNOWFLAKE_TOKEN", "token"),
        ("SNOWFLAKE_TOKEN_FILE_PATH", "token_file_path"),
        ("SNOWFLAKE_HOST", "host"),
    ] {
        let toml = if key.starts_with("private_key_") && key != "private_key_passphrase" {
            "authenticator = \"SNOWFLAKE_JWT\""
        } else {
            login
        };
        let found = findings(toml, &[(variable, "$(deployKey.secureFilePath)")]);
        let expected = format!(
            "error {variable}: `{key}` holds `$(deployKey.secureFilePath)`, the text of a pipeline variable that is not defined | define the variable in the pipeline, or correct its name in the step's `env:` map"
        );
        assert!(found.contains(&expected), "{variable}: {found:#?}");
    }
    let home =
        Home::new(AMBIENT, &[]).with(&[("SNOWFLAKE_ACCOUNT", "$(account)"), ("SNOWFLAKE_USER", "$(user)")]);
    let found = home.findings();
    assert!(
        found.iter().any(|line| line.contains("SNOWFLAKE_ACCOUNT: `account` holds `$(account)`")),
        "{found:#?}"
    );
    assert!(found.iter().any(|line| line.contains("SNOWFLAKE_USER: `user` holds `$(user)`")), "{found:#?}");
    let home =
        Home::new(NAMED, &[("connections.toml", DEV)]).with(&[("SNOWOPS_CONNECTION", "$(connection)")]);
    let found = home.load().unwrap_err();
    assert_eq!(
        found[0].to_string(),
        "SNOWOPS_CONNECTION: `$(connection)` is the text of a pipeline variable that is not defined"
    );
}

#[test]
fn a_broken_file_is_named_with_its_place_and_never_quoted() {
    let broken = "[dev]\naccount = \"a\"\npassword = hunter2-hunter2\nuser = \"u\" \"v\"\n";
    let home = Home::new(NAMED, &[("connections.toml", broken)]);
    let found = home.findings();
    assert!(found.iter().all(|line| !line.contains("hunter2")), "{found:#?}");
    assert!(
        found[0].starts_with("error HOME/.snowflake/connections.toml:3:12: this is not valid TOML: "),
        "{found:#?}"
    );
    assert!(found.iter().any(|line| line.contains("connections.toml:4:")), "{found:#?}");
    let (_, connection, _) = home.resolved();
    for finding in connection.outcome.unwrap_err() {
        assert_eq!(finding.place.and_then(|place| place.excerpt), None);
    }
    let twice = format!("{DEV}account = \"b\"\n");
    let found = Home::new(NAMED, &[("connections.toml", &twice)]).findings();
    assert!(
        found[0].starts_with("error HOME/.snowflake/connections.toml:5:1: this is not valid TOML: "),
        "{found:#?}"
    );
}

#[test]
fn a_password_alone_in_a_pipeline_warns() {
    let warned = |toml: &str, variables: &[(&str, &str)]| {
        findings(toml, variables).iter().filter(|line| line.contains("password alone")).count()
    };
    for variable in ["TF_BUILD", "CI"] {
        assert_eq!(warned("password = \"pw\"", &[(variable, "True")]), 1, "{variable}");
        assert_eq!(warned("password = \"pw\"\npasscode = \"123456\"", &[(variable, "True")]), 0);
        assert_eq!(warned("authenticator = \"oauth\"\ntoken = \"t\"", &[(variable, "True")]), 0);
    }
    assert_eq!(warned("password = \"pw\"", &[]), 0);
}

#[cfg(unix)]
mod permissions {
    use super::{BASE, Home, NAMED};

    const JWT: &str = "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~/key.p8\"\n";
    const SKIP: (&str, &str) = ("SF_SKIP_WARNING_FOR_READ_PERMISSIONS_ON_CONFIG_FILE", "true");

    /// Findings about permissions, for a file of connections and a key with these modes. Modes are looked at, not
    /// access: CI runs as root, which may do everything.
    fn found(toml: &str, mode: u32, key: (&str, u32), variables: &[(&str, &str)]) -> Vec<String> {
        let home = Home::new(NAMED, &[]).with(variables);
        home.write(".snowflake/connections.toml", &format!("{BASE}{toml}"), mode);
        home.write("key.p8", key.0, key.1);
        home.findings().into_iter().filter(|line| line.contains("may be")).collect()
    }

    #[test]
    fn of_a_file_of_connections() {
        let key = ("-----BEGIN PRIVATE KEY-----", 0o600);
        assert_eq!(
            found("password = \"pw\"\n", 0o644, key, &[]),
            [
                "error HOME/.snowflake/connections.toml: the file may be read by other users of this machine and holds a secret (mode 0644) | run: chmod 600 \"HOME/.snowflake/connections.toml\""
            ]
        );
        for (toml, mode, variables, expected) in [
            ("password = \"pw\"\n", 0o600, vec![], None),
            ("password = \"pw\"\n", 0o644, vec![SKIP], Some("warning")),
            (JWT, 0o644, vec![], Some("warning")),
            (JWT, 0o644, vec![SKIP], None),
            (JWT, 0o622, vec![SKIP], Some("error")),
            (JWT, 0o660, vec![], Some("error")),
            // Another connection's secret counts: the file holds it.
            (
                "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~/key.p8\"\n[x]\ntoken = \"t\"\n",
                0o640,
                vec![],
                Some("error"),
            ),
        ] {
            let found = found(toml, mode, key, &variables);
            let severity = found.first().and_then(|line| line.split(' ').next());
            assert_eq!(severity, expected, "{toml} {mode:o} {variables:?} {found:?}");
        }
    }

    #[test]
    fn of_a_file_in_the_checkout() {
        let load = |toml: &str| {
            let home = Home::new(NAMED, &[]).with(&[("SNOWFLAKE_HOME", "HOME/project/connections")]);
            home.write("project/connections/connections.toml", &format!("{BASE}{toml}"), 0o644);
            home.write("key.p8", "-----BEGIN PRIVATE KEY-----", 0o600);
            home.findings().len()
        };
        assert_eq!(load(JWT), 0);
        assert_eq!(load("password = \"pw\"\n"), 1);
    }

    #[test]
    fn of_a_repository_above_the_project() {
        let home = Home::new(NAMED, &[]).with(&[("SNOWFLAKE_HOME", "HOME/ci")]);
        home.write(".git/HEAD", "ref: refs/heads/main\n", 0o644);
        home.write("ci/connections.toml", &format!("{BASE}{JWT}"), 0o644);
        home.write("key.p8", "-----BEGIN PRIVATE KEY-----", 0o600);
        assert_eq!(home.findings(), Vec::<String>::new());
    }

    #[test]
    fn of_a_key() {
        let plain = "-----BEGIN PRIVATE KEY-----";
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
        assert_eq!(
            found(JWT, 0o600, (plain, 0o644), &[]),
            [
                "error HOME/.snowflake/connections.toml:5:20: the file of `private_key_file` may be read by other users of this machine and holds a secret (mode 0644) | run: chmod 600 \"HOME/key.p8\""
            ]
        );
        for (key, mode, variables, expected) in [
            (plain, 0o400, vec![], None),
            // Whoever runs a pipeline does not choose the modes that its agent gives to secure files.
            (plain, 0o644, vec![("TF_BUILD", "True")], Some("warning")),
            (plain, 0o644, vec![SKIP], Some("warning")),
            (plain, 0o666, vec![("TF_BUILD", "True")], Some("error")),
            (encrypted, 0o644, vec![], None),
            (encrypted, 0o622, vec![], Some("error")),
        ] {
            let found = found(JWT, 0o600, (key, mode), &variables);
            let severity = found.first().and_then(|line| line.split(' ').next());
            assert_eq!(severity, expected, "{key} {mode:o} {variables:?} {found:?}");
        }
    }
}
