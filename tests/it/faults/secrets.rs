//! Canaries: a distinct value in every place where a secret can be, and a look at everything that comes out.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use testkit::{Credential, Proxy, User};

use super::*;

/// A secret with all that is written differently somewhere: quotes, a backslash, what addresses and templates read.
fn canary(name: &str) -> String {
    format!(r#"cnry-{name}-it's"a\b/c+d%e&f?-{{g}}-end"#)
}

/// Every writing of a secret that a server might answer with.
fn writings(secret: &str) -> Vec<String> {
    let quoted = secret.replace('\\', "\\\\").replace('\'', "''");
    let json = |text: &str| serde_json::Value::from(text).to_string();
    vec![
        secret.to_owned(),
        secret.replace('\'', "''"),
        json(secret),
        json(&quoted),
        quoted,
        percent(secret),
        BASE64_STANDARD_NO_PAD.encode(secret),
        BASE64_STANDARD_NO_PAD.encode(format!("me:{secret}")),
    ]
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// All secrets of a run, by name.
struct Canaries(BTreeMap<&'static str, String>);

impl Canaries {
    fn new(names: &[&'static str]) -> Self {
        Self(names.iter().map(|name| (*name, canary(name))).collect())
    }

    fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// What a server says that gives everything back that it ever heard.
    fn echo(&self) -> String {
        let all: Vec<_> = self.0.values().flat_map(|secret| writings(secret)).collect();
        format!("syntax error line 1 at position 3 unexpected '{}'.", all.join(" | "))
    }

    /// No secret stands in a text, whole or in part, in any writing.
    #[track_caller]
    fn absent(&self, what: &str, text: &str) {
        assert!(!text.contains("cnry"), "{what}: {text}");
        for secret in self.0.values() {
            for bare in [secret.clone(), format!("me:{secret}")] {
                // Of base64 the last characters depend on what follows.
                let coded = BASE64_STANDARD_NO_PAD.encode(&bare);
                assert!(!text.contains(&coded[..coded.len() - 2]), "{what}: {text}");
            }
        }
    }
}

/// A stand whose every output is looked at.
struct Watched {
    stand: Stand,
    canaries: Canaries,
    variables: Vec<(String, String)>,
    /// Files that hold secrets because the user wrote them there.
    files: Vec<&'static str>,
}

const SECRET_SCRIPT: (&str, &str) = (
    "V1__user.sql",
    "CREATE TABLE a (x NUMBER);\n\
     CREATE USER loader PASSWORD = '{{ LOADER_PASSWORD }}' COMMENT = '{{ env_var(\"API_TOKEN\") }}';\n\
     SELECT '{{ secret(\"LOADER_PASSWORD\") }}' AS shown, $$ {{ env_var('API_TOKEN') }} $$ AS too;\n",
);

impl Watched {
    fn new(user: Credential, inline: &str, canaries: Canaries, variables: &[(&str, &str)]) -> Self {
        let settings = Settings { users: vec![User::new("SNOWOPS", vec![user])], ..Settings::default() };
        let stand = Stand::with(settings, &[SECRET_SCRIPT]);
        stand.configure("secrets: [LOADER_PASSWORD]\nenv: [API_TOKEN]\n", inline);
        let own = [("LOADER_PASSWORD", canaries.get("loader")), ("API_TOKEN", canaries.get("api"))];
        let variables =
            own.iter().chain(variables).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { stand, canaries, variables, files: vec![] }
    }

    /// Runs with everything on that makes programs talkative, and looks at what came out.
    fn run(&self, code: i32, arguments: &[&str]) -> Run {
        let mut command = self.stand.project.command(arguments);
        let talkative = [
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "full"),
            ("DEBUG", "1"),
            ("SYSTEM_DEBUG", "true"),
            ("TF_BUILD", "True"),
        ];
        let own = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        command.args(["--env", "dev", "--events", "events.jsonl"]).envs(talkative.into_iter().chain(own));
        let run = Run::of(&command.output().unwrap());
        let what = arguments.join(" ");
        self.canaries.absent(&what, &run.all());
        self.canaries.absent(&what, &self.stand.project.read("events.jsonl"));
        assert_eq!(run.code, code, "{what}: {}", run.all());
        run
    }

    /// Looks at what is left: the ledger, the tags, addresses and headers of the requests, the project's files.
    fn look(&self) {
        let world = self.stand.server.world();
        for (name, rows) in &world.tables {
            self.canaries.absent(&name.table, &format!("{rows:?}"));
        }
        for ran in &world.statements {
            self.canaries.absent("query tag", &ran.tag);
        }
        for entry in self.stand.server.log() {
            self.canaries.absent("address", &format!("{} {:?}", entry.path, entry.query));
            // A proxy reads its own login there and hands it on, as this one does.
            let headers: Vec<_> =
                entry.headers.iter().filter(|(name, _)| name != "proxy-authorization").collect();
            self.canaries.absent("headers", &format!("{headers:?}"));
        }
        let mut folders = vec![self.stand.project.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !self.files.iter().any(|file| path.ends_with(file)) {
                    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    self.canaries.absent(&path.display().to_string(), &text);
                }
            }
        }
    }

    fn echo(&self, fault: fn(What) -> Fault) {
        self.stand.server.add_fault(fault(refused("001003", &self.canaries.echo())));
    }
}

fn at_user(what: What) -> Fault {
    at("CREATE USER", what)
}

fn at_ledger(what: What) -> Fault {
    at("snowops_schema_history", what)
}

fn at_login(what: What) -> Fault {
    on(Endpoint::Login, what)
}

/// A migrate that fails, fails as JSON, and is done; the server gives everything back that it heard, each time.
fn migrate(watched: &Watched) {
    for format in ["human", "json"] {
        watched.echo(at_user);
        let run = watched.run(5, &["migrate", "--create-history", "-v", "--format", format]);
        assert!(run.all().contains("unexpected '\u{27E6}secret:"), "the echo is told: {}", run.all());
    }
    let failed = watched.stand.journal("failed").pop().unwrap();
    assert!(
        failed["message"].as_str().unwrap().contains("\u{27E6}secret:LOADER_PASSWORD\u{27E7}"),
        "{failed}"
    );
    let run = watched.run(0, &["migrate", "-v"]);
    assert!(run.err.contains("\u{27E6}secret:LOADER_PASSWORD\u{27E7}"), "the row is shown: {}", run.all());
    let world = watched.stand.server.world();
    let user = world.statements.iter().rfind(|ran| ran.text.starts_with("CREATE USER")).unwrap();
    assert!(user.text.contains(r#"cnry-loader-it''s"a\\b"#), "the server does get it: {}", user.text);
    watched.look();
}

fn password(canaries: &Canaries) -> Credential {
    Credential::Password {
        password: canaries.get("password").to_owned(),
        passcode: Some(canaries.get("passcode").to_owned()),
        cached_token: true,
    }
}

#[test]
fn f29_f30_no_command_shows_a_secret_in_any_format_whatever_the_server_says() {
    let names = ["loader", "api", "password", "passcode", "proxy"];
    let canaries = Canaries::new(&names);
    let proxy = Proxy::start(Some(&format!("me:{}", canaries.get("proxy")))).unwrap();
    let address =
        format!("http://me:{}@{}", percent(canaries.get("proxy")), proxy.url().replace("http://", ""));
    let (user, pass, code) =
        (password(&canaries), canaries.get("password").to_owned(), canaries.get("passcode").to_owned());
    let variables = [
        ("SNOWFLAKE_PASSWORD", pass.as_str()),
        ("SNOWFLAKE_PASSCODE", code.as_str()),
        ("HTTP_PROXY", address.as_str()),
    ];
    let inline = ", authenticator: USERNAME_PASSWORD_MFA";
    let mut watched = Watched::new(user, inline, canaries, &variables);
    // A passcode is good once where tokens are cached; the runs of this test log in again and again.
    watched.stand.server = Server::start(Settings {
        users: vec![User::new(
            "SNOWOPS",
            vec![Credential::Password { password: pass.clone(), passcode: None, cached_token: false }],
        )],
        ..Settings::default()
    })
    .unwrap();
    watched.stand.configure("secrets: [LOADER_PASSWORD]\nenv: [API_TOKEN]\n", inline);
    migrate(&watched);
    assert!(!proxy.log().is_empty());
    let commands: [&[&str]; 12] = [
        &["plan"],
        &["plan", "--exit-code"],
        &["info"],
        &["validate"],
        &["migrate", "--dry-run"],
        &["migrate"],
        &["repair"],
        &["doctor"],
        &["config", "show"],
        &["config", "schema"],
        &["render"],
        &["render", "--statements"],
    ];
    for command in commands {
        for format in [&["-v", "--format", "human"], &["-v", "--format", "json"]] {
            watched.run(0, &[command, format.as_slice()].concat());
        }
    }
    for command in ["plan", "info", "validate", "migrate", "repair", "doctor"] {
        watched.echo(at_ledger);
        let wrong = watched.stand.run_with(&[command], &[]);
        watched.canaries.absent(command, &wrong.all());
        watched.stand.server.add_fault(at_login(refused("390100", &watched.canaries.echo())));
        watched.run(6, &[command, "-v", "--format", "json"]);
    }
    watched.look();
}

#[test]
fn f29_f30_each_kind_of_credential_stays_inside() {
    let keys = crate::harness::repository().join("tests/golden/session/keys");
    let read = |name: &str| fs::read_to_string(keys.join(name)).unwrap();
    for kind in ["passcode", "token", "oauth", "key"] {
        let canaries = Canaries::new(match kind {
            "passcode" => &["loader", "api", "password", "passcode"],
            "token" => &["loader", "api", "token"],
            "oauth" => &["loader", "api", "oauth"],
            _ => &["loader", "api"],
        });
        let (user, inline, variables): (_, _, Vec<(&str, String)>) = match kind {
            "passcode" => (
                password(&canaries),
                ", authenticator: USERNAME_PASSWORD_MFA",
                vec![
                    ("SNOWFLAKE_PASSWORD", canaries.get("password").to_owned()),
                    ("SNOWFLAKE_PASSCODE", canaries.get("passcode").to_owned()),
                ],
            ),
            "token" => (
                Credential::AccessToken { token: canaries.get("token").to_owned(), expires: None },
                ", authenticator: PROGRAMMATIC_ACCESS_TOKEN",
                vec![("SNOWFLAKE_TOKEN", canaries.get("token").to_owned())],
            ),
            "oauth" => (
                Credential::OAuth { token: canaries.get("oauth").to_owned(), expires: None },
                ", authenticator: OAUTH",
                vec![("SNOWFLAKE_TOKEN", canaries.get("oauth").to_owned())],
            ),
            _ => (
                Credential::PublicKey(read("public.pem")),
                ", authenticator: SNOWFLAKE_JWT",
                vec![
                    ("SNOWFLAKE_PRIVATE_KEY_RAW", read("aes256.p8")),
                    ("PRIVATE_KEY_PASSPHRASE", "tuna-salad".to_owned()),
                ],
            ),
        };
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let watched = Watched::new(user, inline, canaries, &variables);
        watched.echo(at_login);
        let refused = watched.run(6, &["migrate", "--create-history", "-v"]);
        assert!(refused.err.contains("unexpected '\u{27E6}secret:"), "{kind}: {}", refused.all());
        if kind == "passcode" {
            // The passcode is spent with the first login; what it gave is reused within a run.
            let run = watched.run(0, &["migrate", "--create-history", "-v"]);
            assert!(!run.all().contains("tuna"), "{}", run.all());
        } else {
            for command in
                [&["migrate", "--create-history", "-v"][..], &["doctor", "-v"], &["config", "show", "-v"]]
            {
                let run = watched.run(0, command);
                let all = run.all();
                assert!(!all.contains("tuna-salad") && !all.contains("BEGIN ENCRYPTED"), "{kind}: {all}");
            }
        }
        watched.look();
    }
}

#[test]
fn f29_a_wrong_passphrase_is_not_told() {
    let keys = crate::harness::repository().join("tests/golden/session/keys");
    let read = |name: &str| fs::read_to_string(keys.join(name)).unwrap();
    let canaries = Canaries::new(&["loader", "api", "passphrase"]);
    let (key, phrase) = (read("aes256.p8"), canaries.get("passphrase").to_owned());
    let variables =
        [("SNOWFLAKE_PRIVATE_KEY_RAW", key.as_str()), ("PRIVATE_KEY_PASSPHRASE", phrase.as_str())];
    let user = Credential::PublicKey(read("public.pem"));
    let watched = Watched::new(user, ", authenticator: SNOWFLAKE_JWT", canaries, &variables);
    let run = watched.run(6, &["migrate", "--create-history", "-v"]);
    assert!(run.err.contains("passphrase"), "{}", run.all());
    watched.look();
}
