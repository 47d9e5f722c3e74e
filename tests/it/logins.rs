//! Each way to log in at a server of the protocol, as a user sets it up, and each way in which it fails: what is said of it.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, time::Duration};

use insta::assert_snapshot;
use testkit::{Credential, Endpoint, Server, Settings, User};

use crate::{
    cli::output::pinned,
    harness::{Project, Run, repository},
};

fn golden(name: &str) -> String {
    fs::read_to_string(repository().join("tests/golden/session/keys").join(name)).unwrap()
}

fn server(credential: Credential) -> Server {
    let users = vec![User::new("SNOWOPS", vec![credential])];
    Server::start(Settings { users, ..Settings::default() }).unwrap()
}

fn public_key() -> Credential {
    Credential::PublicKey(golden("public.pem"))
}

fn access_token(expires: Option<Duration>) -> Credential {
    Credential::AccessToken { token: "canary-token".into(), expires }
}

fn oauth(expires: Option<Duration>) -> Credential {
    Credential::OAuth { token: "canary-token".into(), expires }
}

fn second_factor(cached_token: bool) -> Credential {
    Credential::Password { password: "canary-password".into(), passcode: Some("135790".into()), cached_token }
}

/// A project whose connection `dev` leads to the server. `toml`: its further keys.
fn project(server: &Server, toml: &str) -> Project {
    let project = Project::with(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\n")]);
    project.write(
        "snowops.yml",
        "project: shop\nenvironments:\n  dev: { connection: dev, database: RETAIL, schema: PUBLIC, role: DEPLOYER, warehouse: \
         DEPLOY_XS }\n",
    );
    let (host, port) = (server.host(), server.port());
    put(
        &project,
        ".snowflake/connections.toml",
        &format!(
            "[dev]\naccount = \"testkit\"\nuser = \"snowops\"\nprotocol = \"http\"\nhost = \"{host}\"\nport = {port}\n{toml}"
        ),
        0o600,
    );
    project
}

fn put(project: &Project, path: &str, text: &str, mode: u32) {
    project.write(path, text);
    fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

fn run(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = project.command(arguments);
    let run = Run::of(&command.args(["--env", "dev"]).envs(variables.iter().copied()).output().unwrap());
    assert!(!run.all().contains("canary"), "a secret came out: {}", run.all());
    run
}

/// What `doctor` says of the login, or of what keeps it from being tried.
fn said(project: &Project, variables: &[(&str, &str)]) -> String {
    let run = run(project, &["doctor"], variables);
    let heads = [
        "  ok     config         .snowflake",
        "  ok     config         SNOW",
        "  wrong  config ",
        "  wrong  connection ",
        "  wrong  login ",
        "  ok     login ",
    ];
    let mut lines = Vec::new();
    let mut inside = false;
    for line in run.out.lines() {
        let head = line.starts_with("  ok ") || line.starts_with("  wrong ");
        inside = heads.iter().any(|head| line.starts_with(head)) || (inside && !head);
        if inside {
            lines.push(line);
        }
    }
    assert!(!lines.is_empty(), "{}", run.all());
    format!("exit {}\n{}\n", run.code, lines.join("\n"))
}

/// A way to log in.
struct Case {
    title: &'static str,
    registered: Credential,
    /// Files of the project: path, text, mode.
    files: Vec<(&'static str, String, u32)>,
    toml: &'static str,
    variables: Vec<(&'static str, String)>,
    /// How far the server's clock is ahead.
    ahead: Duration,
}

impl Case {
    fn new(title: &'static str, registered: Credential, toml: &'static str) -> Self {
        Self { title, registered, files: Vec::new(), toml, variables: Vec::new(), ahead: Duration::ZERO }
    }

    fn file(mut self, path: &'static str, text: impl Into<String>, mode: u32) -> Self {
        self.files.push((path, text.into(), mode));
        self
    }

    fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn said(&self) -> String {
        let server = server(self.registered.clone());
        server.clock().advance(self.ahead);
        let project = project(&server, self.toml);
        for (path, text, mode) in &self.files {
            put(&project, path, text, *mode);
        }
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        said(&project, &variables)
    }
}

fn shown(name: &str, cases: &[Case]) {
    let mut report = String::new();
    for case in cases {
        // Writing to a String cannot fail.
        let _ = writeln!(report, "# {}\n{}", case.title, case.said());
    }
    pinned().bind(|| assert_snapshot!(name, report));
}

const KEY: &str = "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"key.p8\"\n";

#[test]
fn key_pairs() {
    let key = |title, toml| Case::new(title, public_key(), toml);
    let aes = || golden("aes256.p8");
    shown(
        "logins_key_pair",
        &[
            key("plain, in a file", KEY).file("key.p8", golden("plain.p8"), 0o600),
            key("encrypted, in a file, its passphrase in a variable", KEY)
                .file("key.p8", aes(), 0o600)
                .variable("PRIVATE_KEY_PASSPHRASE", "tuna-salad"),
            key("in a variable", "authenticator = \"SNOWFLAKE_JWT\"\n")
                .variable("SNOWFLAKE_CONNECTIONS_DEV_PRIVATE_KEY_RAW", golden("plain.p8")),
            key("a secure file of an Azure pipeline", "authenticator = \"SNOWFLAKE_JWT\"\n")
                .file("_temp/key.p8", golden("plain.p8"), 0o644)
                .variable("SNOWFLAKE_PRIVATE_KEY_FILE", "_temp/key.p8")
                .variable("TF_BUILD", "True"),
            key("a variable of the pipeline that is not there", "authenticator = \"SNOWFLAKE_JWT\"\n")
                .variable("SNOWFLAKE_PRIVATE_KEY_FILE", "$(key.secureFilePath)")
                .variable("TF_BUILD", "True"),
            Case::new("another key is registered", Credential::PublicKey("AAAA".into()), KEY).file(
                "key.p8",
                golden("plain.p8"),
                0o600,
            ),
            key("a wrong passphrase", KEY)
                .file("key.p8", aes(), 0o600)
                .variable("PRIVATE_KEY_PASSPHRASE", "canary-phrase"),
            key("no passphrase", KEY).file("key.p8", aes(), 0o600),
            key("the old form", KEY).file("key.p8", golden("traditional.pem"), 0o600),
            key("the public part", KEY).file("key.p8", golden("public.pem"), 0o600),
            key("no key at all", KEY).file("key.p8", "canary, but no key", 0o600),
            key("no file", KEY),
            key("others may read it", KEY).file("key.p8", golden("plain.p8"), 0o644),
            key("others may read it, and it is encrypted", KEY)
                .file("key.p8", aes(), 0o644)
                .variable("PRIVATE_KEY_PASSPHRASE", "tuna-salad"),
            key("others may change it", KEY).file("key.p8", golden("plain.p8"), 0o622),
            Case { ahead: Duration::from_hours(1), ..key("this machine's clock is behind", KEY) }.file(
                "key.p8",
                golden("plain.p8"),
                0o600,
            ),
            key("a key without authenticator", "private_key_file = \"key.p8\"\n").file(
                "key.p8",
                golden("plain.p8"),
                0o600,
            ),
        ],
    );
}

#[test]
fn tokens() {
    const ACCESS: &str = "authenticator = \"PROGRAMMATIC_ACCESS_TOKEN\"\ntoken_file_path = \"token\"\n";
    const OAUTH: &str = "authenticator = \"OAUTH\"\n";
    let long_ago = Some(Duration::from_secs(1));
    shown(
        "logins_token",
        &[
            Case::new("a programmatic access token, in a file", access_token(None), ACCESS).file(
                "token",
                "canary-token\n",
                0o600,
            ),
            Case::new("a programmatic access token as the password", access_token(None), "")
                .variable("SNOWFLAKE_PASSWORD", "canary-token"),
            Case::new("one that has expired", access_token(long_ago), ACCESS).file(
                "token",
                "canary-token\n",
                0o600,
            ),
            Case::new("an empty file", access_token(None), ACCESS).file("token", "\n", 0o600),
            Case::new("no file", access_token(None), ACCESS),
            Case::new("others may read it", access_token(None), ACCESS).file(
                "token",
                "canary-token\n",
                0o644,
            ),
            Case::new("others may change it", access_token(None), ACCESS).file(
                "token",
                "canary-token\n",
                0o622,
            ),
            Case::new("an OAuth access token, in a variable", oauth(None), OAUTH)
                .variable("SNOWFLAKE_TOKEN", "canary-token"),
            Case::new("one that has expired", oauth(long_ago), OAUTH)
                .variable("SNOWFLAKE_TOKEN", "canary-token"),
            Case::new("one that nobody issued", oauth(None), OAUTH)
                .variable("SNOWFLAKE_TOKEN", "canary-other"),
            Case::new("a token and no authenticator", oauth(None), "")
                .variable("SNOWFLAKE_TOKEN", "canary-token"),
            Case::new("a variable of the pipeline that is not there", oauth(None), OAUTH)
                .variable("SNOWFLAKE_TOKEN", "$(SNOWFLAKE_TOKEN)"),
        ],
    );
}

#[test]
fn passwords() {
    let password = |title, toml: &'static str| {
        Case::new(title, second_factor(true), toml).variable("SNOWFLAKE_PASSWORD", "canary-password")
    };
    shown(
        "logins_password",
        &[
            password("with a passcode", "passcode = \"135790\"\n"),
            Case::new("with the passcode at its end", second_factor(true), "passcode_in_password = true\n")
                .variable("SNOWFLAKE_PASSWORD", "canary-password135790"),
            password("a second factor is missing", ""),
            password("a wrong passcode", "passcode = \"000000\"\n"),
            password(
                "a wrong passcode, and its token would be kept",
                "authenticator = \"USERNAME_PASSWORD_MFA\"\npasscode = \"000000\"\n",
            ),
            password("a wrong password", "passcode = \"135790\"\n")
                .variable("SNOWFLAKE_PASSWORD", "canary-other"),
            password("a variable of the pipeline that is not there", "passcode = \"135790\"\n")
                .variable("SNOWFLAKE_PASSWORD", "$(PASSWORD)"),
            Case::new("no password", second_factor(true), ""),
        ],
    );
}

/// The logins that a server saw: passcode and token of each.
fn logins(server: &Server) -> Vec<(bool, bool)> {
    let log = server.log();
    let logins = log.iter().filter(|entry| entry.endpoint == Endpoint::Login);
    let has = |data: &serde_json::Value, key: &str| data.get(key).is_some();
    logins.map(|entry| (has(&entry.body["data"], "PASSCODE"), has(&entry.body["data"], "TOKEN"))).collect()
}

#[test]
fn one_passcode_serves_both_sessions_of_a_migrate_where_its_token_is_kept() {
    let mfa = "authenticator = \"USERNAME_PASSWORD_MFA\"\n";
    for (toml, password, passcodes) in [
        ("passcode = \"135790\"\n", "canary-password", [(true, false), (false, true)]),
        ("passcode_in_password = true\n", "canary-password135790", [(false, false), (false, true)]),
    ] {
        let server = server(second_factor(true));
        let project = project(&server, &format!("{mfa}{toml}"));
        let migrated = run(&project, &["migrate", "--create-history"], &[("SNOWFLAKE_PASSWORD", password)]);
        assert_eq!(migrated.code, 0, "{}", migrated.all());
        assert_eq!(logins(&server), passcodes, "{toml}");
    }
    // Without the token the second login has nothing to show.
    for (toml, account, words) in [
        (String::new(), true, "set authenticator = \"USERNAME_PASSWORD_MFA\""),
        (
            mfa.to_owned(),
            false,
            "the account must allow it: ALTER ACCOUNT SET ALLOW_CLIENT_MFA_CACHING = TRUE",
        ),
    ] {
        let server = server(second_factor(account));
        let project = project(&server, &format!("{toml}passcode = \"135790\"\n"));
        let migrated =
            run(&project, &["migrate", "--create-history"], &[("SNOWFLAKE_PASSWORD", "canary-password")]);
        assert_eq!(migrated.code, 6, "{}", migrated.all());
        assert!(
            migrated.err.contains("a passcode is good once") && migrated.err.contains(words),
            "{}",
            migrated.all()
        );
    }
}
