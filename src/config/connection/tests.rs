#![expect(clippy::disallowed_methods, reason = "tests write the files of connections")]

mod oracle;
mod refusals;

use std::fmt::Write as _;

use crate::{
    config::{Engine, Environment, Inputs, Loaded, ProcessEnv, ResolvedConnection, environment},
    diagnostic::Diagnostic,
    model::{
        connection::{Connection, Login, Material},
        ident::Ident,
    },
};
use camino::{Utf8Path, Utf8PathBuf};

/// A home folder with a project in it, both thrown away.
struct Home {
    _folder: tempfile::TempDir,
    path: Utf8PathBuf,
    variables: Vec<(String, String)>,
}

const NAMED: &str = "environments: { e: { connection: dev, database: D } }\n";
const AMBIENT: &str = "environments: { e: { engine: snowflake, database: D } }\n";
const DEV: &str = "[dev]\naccount = \"myorg-dev\"\nuser = \"ann\"\npassword = \"from-the-file\"\n";

impl Home {
    /// With `snowops.yml` and files of connections in `~/.snowflake`, for nobody else to read.
    fn new(yml: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
        let variables =
            vec![("HOME".to_owned(), path.to_string()), ("USERPROFILE".to_owned(), path.to_string())];
        let home = Self { _folder: folder, path, variables };
        home.write("project/snowops.yml", yml, 0o644);
        for (name, text) in files {
            home.write(&format!(".snowflake/{name}"), text, 0o600);
        }
        home
    }

    fn with(mut self, variables: &[(&str, &str)]) -> Self {
        self.variables.extend(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.replace("HOME", self.path.as_str()))),
        );
        self
    }

    fn write(&self, path: &str, text: &str, mode: u32) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    fn load(&self) -> Result<Loaded<Environment>, Vec<Diagnostic>> {
        environment(&Inputs {
            directory: self.path.join("project"),
            process: ProcessEnv::of(self.variables.clone()),
            ..Inputs::default()
        })
    }

    fn resolved(&self) -> (Environment, ResolvedConnection, Vec<Diagnostic>) {
        let Loaded { value, warnings } = self.load().unwrap_or_else(|findings| panic!("{findings:#?}"));
        let Engine::Snowflake { connection } = value.engine.clone() else { unreachable!("an account") };
        (value, *connection, warnings)
    }

    fn connection(&self) -> Connection {
        let (_, found, _) = self.resolved();
        found.outcome.unwrap_or_else(|findings| panic!("{findings:#?}"))
    }

    /// All findings in one line each, as people see them.
    fn findings(&self) -> Vec<String> {
        let (_, found, warnings) = self.resolved();
        let errors = found.outcome.err().unwrap_or_default();
        errors.iter().chain(&warnings).map(|finding| self.line(finding)).collect()
    }

    fn line(&self, finding: &Diagnostic) -> String {
        let mut text = format!("{} {finding}", if finding.is_error() { "error" } else { "warning" });
        for more in finding.hint.iter().chain(&finding.notes) {
            write!(text, " | {more}").unwrap();
        }
        text.replace(self.path.as_str(), "HOME")
    }

    /// `key value <origin>` of each key in effect.
    fn keys(&self) -> Vec<String> {
        let (_, found, _) = self.resolved();
        let rows = found.keys.iter().map(|row| {
            let value = row.value.as_str().map_or_else(|| row.value.to_string(), str::to_owned);
            format!("{} {value} <{}>", row.key, row.origin()).replace(self.path.as_str(), "HOME")
        });
        rows.collect()
    }
}

/// The way to log in, secrets in the open.
fn login(connection: &Connection) -> String {
    let material = |material: &Material| match material {
        Material::File(path) => format!("file {}", path.file_name().unwrap()),
        Material::Text(text) => format!("text {}", text.expose()),
    };
    match &connection.login {
        Login::Password { password, passcode, passcode_in_password, cache_second_factor } => format!(
            "password {} passcode {:?} in_password {passcode_in_password} cache {cache_second_factor}",
            password.expose(),
            passcode.as_ref().map(|p| p.expose().to_owned())
        ),
        Login::KeyPair { key, passphrase } => {
            format!(
                "key {} passphrase {:?}",
                material(key),
                passphrase.as_ref().map(|p| p.expose().to_owned())
            )
        }
        Login::Token { kind, token } => format!("{kind:?} {}", material(token)),
    }
}

#[test]
fn a_named_connection_is_read_from_its_file() {
    let home = Home::new(NAMED, &[("connections.toml", DEV)]);
    let connection = home.connection();
    assert_eq!(connection.label, "`dev`");
    assert_eq!((connection.account.as_str(), connection.user.as_deref()), ("myorg-dev", Some("ann")));
    assert_eq!(connection.endpoint.host, "myorg-dev.snowflakecomputing.com");
    assert_eq!(login(&connection), "password from-the-file passcode None in_password false cache false");
    assert_eq!(
        home.keys(),
        [
            "connection dev <snowops.yml:1>",
            "connection.account myorg-dev <HOME/.snowflake/connections.toml:2>",
            "connection.user ann <HOME/.snowflake/connections.toml:3>",
            "connection.password *** <HOME/.snowflake/connections.toml:4>",
            "connection.authenticator snowflake <default>",
            "connection.host myorg-dev.snowflakecomputing.com <default>",
            "connection.port 443 <default>",
            "connection.protocol https <default>",
        ]
    );
    assert_eq!(home.findings(), Vec::<String>::new());
}

#[test]
fn layers_lie_in_the_documented_order() {
    let account = |yml: &str, variables: &[(&str, &str)]| {
        let home = Home::new(yml, &[("connections.toml", DEV)]).with(variables);
        home.connection().account
    };
    let specific = ("SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT", "specific");
    let generic = ("SNOWFLAKE_ACCOUNT", "generic");
    let own = "environments: { e: { connection: dev, database: D, account: own } }\n";
    assert_eq!(account(own, &[specific, generic]), "own");
    assert_eq!(account(NAMED, &[specific, generic]), "specific");
    assert_eq!(account(NAMED, &[generic]), "myorg-dev");
    let bare = "[dev]\nuser = \"ann\"\npassword = \"from-the-file\"\naccount = \"\"\n";
    let home = Home::new(NAMED, &[("connections.toml", bare)]).with(&[generic]);
    assert_eq!(home.connection().account, "generic");
    // An empty variable says nothing, as an empty key does not.
    let home = Home::new(NAMED, &[("connections.toml", bare)])
        .with(&[("SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT", ""), generic]);
    assert_eq!(home.connection().account, "generic");
}

#[test]
fn the_connection_is_chosen_as_the_snowflake_cli_chooses() {
    let two = "[dev]\naccount = \"dev\"\nuser = \"u\"\npassword = \"secret-1\"\n[default]\naccount = \"def\"\nuser = \"u\"\npassword = \"secret-2\"\n";
    let config = "default_connection_name = \"dev\"\n[connections.old]\naccount = \"old\"\nuser = \"u\"\npassword = \"secret-3\"\n";
    let login =
        [("SNOWFLAKE_ACCOUNT", "generic"), ("SNOWFLAKE_USER", "u"), ("SNOWFLAKE_PASSWORD", "secret-4")];
    for (yml, files, variables, expected) in [
        (AMBIENT, vec![("connections.toml", two)], vec![], "`default`: def"),
        (AMBIENT, vec![("connections.toml", two), ("config.toml", config)], vec![], "`dev`: dev"),
        (
            AMBIENT,
            vec![("connections.toml", two), ("config.toml", config)],
            vec![("SNOWFLAKE_DEFAULT_CONNECTION_NAME", "default")],
            "`default`: def",
        ),
        (AMBIENT, vec![], login.to_vec(), "in SNOWFLAKE_* variables: generic"),
        // Named variables alone make a connection.
        (
            NAMED,
            vec![],
            vec![
                ("SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT", "specific"),
                ("SNOWFLAKE_USER", "u"),
                ("SNOWFLAKE_PASSWORD", "secret-5"),
            ],
            "`dev`: specific",
        ),
        // An account without a connection takes no named connection's credentials.
        (
            "environments: { e: { account: mine, user: u, database: D } }\n",
            vec![("connections.toml", two)],
            vec![("SNOWFLAKE_PASSWORD", "secret-6")],
            "in snowops.yml: mine",
        ),
        (
            "environments: { e: { connection: { account: mine, user: u }, database: D } }\n",
            vec![("connections.toml", two)],
            login.to_vec(),
            "in snowops.yml: mine",
        ),
    ] {
        let home = Home::new(yml, &files).with(&variables);
        let connection = home.connection();
        assert_eq!(format!("{}: {}", connection.label, connection.account), expected, "{yml} {variables:?}");
    }
    // connections.toml takes the place of all connections in config.toml.
    let old = "environments: { e: { connection: old, database: D } }\n";
    assert_eq!(Home::new(old, &[("config.toml", config)]).connection().account, "old");
    let hidden = Home::new(old, &[("config.toml", config), ("connections.toml", two)]);
    assert_eq!(
        hidden.findings(),
        [
            "error snowops.yml:1:34: there is no connection `old` | add [old] to HOME/.snowflake/connections.toml, or set variables such as SNOWFLAKE_CONNECTIONS_OLD_ACCOUNT | connections there: dev, default"
        ]
    );
}

#[test]
fn files_are_looked_for_where_the_drivers_look() {
    let toml =
        |account: &str| format!("[dev]\naccount = \"{account}\"\nuser = \"u\"\npassword = \"secret-1\"\n");
    let home = Home::new(NAMED, &[]);
    home.write("elsewhere/connections.toml", &toml("elsewhere"), 0o600);
    home.write("xdg/snowflake/connections.toml", &toml("xdg"), 0o600);
    let home = home.with(&[("XDG_CONFIG_HOME", "HOME/xdg")]);
    if cfg!(target_os = "linux") {
        assert_eq!(home.connection().account, "xdg");
        home.write(".config/snowflake/connections.toml", &toml("config"), 0o600);
        let variables = vec![("HOME".to_owned(), home.path.to_string())];
        let found = environment(&Inputs {
            directory: home.path.join("project"),
            process: ProcessEnv::of(variables),
            ..Inputs::default()
        });
        let Engine::Snowflake { connection } = found.unwrap().value.engine else {
            unreachable!("an account")
        };
        assert_eq!(connection.outcome.unwrap().account, "config");
    }
    home.write(".snowflake/connections.toml", &toml("usual"), 0o600);
    assert_eq!(home.connection().account, "usual");
    let home = home.with(&[("SNOWFLAKE_HOME", "~/elsewhere")]);
    assert_eq!(home.connection().account, "elsewhere");

    let gone = Home::new(NAMED, &[("connections.toml", DEV)]).with(&[("SNOWFLAKE_HOME", "HOME/gone")]);
    assert_eq!(
        gone.findings()[1],
        "warning SNOWFLAKE_HOME is set, and there is no folder HOME/gone | correct it; like other Snowflake tools, snowops looks elsewhere then"
    );
    assert!(gone.findings()[0].contains("there is no connection `dev`"), "{:#?}", gone.findings());
}

#[test]
fn context_of_the_connection_fills_what_the_environment_leaves_open() {
    let toml = "[dev]\naccount = \"a\"\nuser = \"u\"\npassword = \"secret-1\"\nrole = \"deployer\"\nwarehouse = \"wh\"\ndatabase = \"shop\"\nschema = \"public\"\n";
    let home =
        Home::new("environments: { e: { connection: dev, role: MINE } }\n", &[("connections.toml", toml)]);
    let (environment, _, _) = home.resolved();
    let name = |ident: Option<Ident>| ident.map(|ident| ident.as_str().to_owned()).unwrap_or_default();
    let context = environment.context;
    assert_eq!(
        [name(context.role), name(context.warehouse), name(context.database), name(context.schema)],
        ["MINE", "WH", "SHOP", "PUBLIC"]
    );
    assert_eq!(environment.ledger.database, Ident::stored("SHOP"));

    let none = Home::new("environments: { e: { connection: dev } }\n", &[]);
    let found: Vec<_> = none.load().unwrap_err().iter().map(|finding| none.line(finding)).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("has no `database`") && found[1].contains("no connection `dev`"), "{found:#?}");
}

#[test]
fn an_embedded_environment_touches_no_file_and_no_variable() {
    let home = Home::new(
        "environments: { e: { engine: embedded } }\n",
        &[("connections.toml", "this is = = no TOML"), ("config.toml", "nor [ this")],
    )
    .with(&[
        ("SNOWFLAKE_ACCOUNT", "$(account)"),
        ("HTTPS_PROXY", "socks5://x"),
        ("SSL_CERT_FILE", "/nowhere"),
    ]);
    let loaded = home.load().unwrap();
    assert!(matches!(loaded.value.engine, Engine::Embedded { .. }));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn each_way_to_log_in_is_read() {
    let user = "account = \"a\"\nuser = \"u\"\n";
    let plain = "-----BEGIN PRIVATE KEY-----\n";
    for (toml, variables, expected) in [
        ("password = \"pw\"", vec![], "password pw passcode None in_password false cache false"),
        (
            "password = \"pw\"\nauthenticator = \"SNOWFLAKE\"\npasscode = \"123456\"",
            vec![],
            "password pw passcode Some(\"123456\") in_password false cache false",
        ),
        (
            "password = \"pw123456\"\nauthenticator = \"username_password_mfa\"\npasscode_in_password = true",
            vec![],
            "password pw123456 passcode None in_password true cache true",
        ),
        (
            "password = \"pw\"\nclient_request_mfa_token = true",
            vec![("SNOWFLAKE_PASSCODE_IN_PASSWORD", "False")],
            "password pw passcode None in_password false cache true",
        ),
        (
            "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~/key.p8\"",
            vec![("PRIVATE_KEY_PASSPHRASE", "pp")],
            "key file key.p8 passphrase Some(\"pp\")",
        ),
        (
            "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_path = \"../key.p8\"\nprivate_key_file_pwd = \"in-the-file\"",
            vec![("PRIVATE_KEY_PASSPHRASE", "pp"), ("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "generic")],
            "key file key.p8 passphrase Some(\"in-the-file\")",
        ),
        (
            "authenticator = \"SNOWFLAKE_JWT\"",
            vec![
                ("SNOWFLAKE_PRIVATE_KEY_FILE", "HOME/key.p8"),
                ("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "generic"),
                ("PRIVATE_KEY_PASSPHRASE", "pp"),
            ],
            "key file key.p8 passphrase Some(\"generic\")",
        ),
        // In one layer the file wins, as at the Snowflake CLI; a stronger layer's text wins over a weaker layer's file.
        (
            "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~/key.p8\"\nprivate_key_raw = \"PEM\"",
            vec![],
            "key file key.p8 passphrase None",
        ),
        (
            "authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"~/key.p8\"",
            vec![
                ("SNOWFLAKE_CONNECTIONS_DEV_PRIVATE_KEY_RAW", "PEM"),
                ("SNOWFLAKE_PRIVATE_KEY_RAW", "other"),
            ],
            "key text PEM passphrase None",
        ),
        ("authenticator = \"oauth\"\ntoken = \"tok\"", vec![], "OAuth text tok"),
        (
            "authenticator = \"PROGRAMMATIC_ACCESS_TOKEN\"\ntoken_file_path = \"~/key.p8\"",
            vec![("SNOWFLAKE_TOKEN", "tok")],
            "ProgrammaticAccess file key.p8",
        ),
        (
            "authenticator = \"oauth\"",
            vec![("SNOWFLAKE_TOKEN", "tok"), ("SNOWFLAKE_PASSWORD", "pw")],
            "OAuth text tok",
        ),
        // What the authenticator does not use is left alone.
        (
            "authenticator = \"snowflake\"\npassword = \"pw\"",
            vec![("SNOWFLAKE_PRIVATE_KEY_FILE", "/nowhere")],
            "password pw passcode None in_password false cache false",
        ),
    ] {
        let home =
            Home::new(NAMED, &[("connections.toml", &format!("[dev]\n{user}{toml}\n"))]).with(&variables);
        home.write("key.p8", plain, 0o600);
        assert_eq!(login(&home.connection()), expected, "{toml} {variables:?}");
    }
    // Tokens tell the user by themselves.
    let toml = "[dev]\naccount = \"a\"\nauthenticator = \"oauth\"\ntoken = \"tok\"\n";
    assert_eq!(Home::new(NAMED, &[("connections.toml", toml)]).connection().user, None);
}

#[test]
fn paths_start_where_their_key_stands() {
    let yml = "environments: { e: { connection: { account: a, user: u, authenticator: SNOWFLAKE_JWT, private_key_file: keys/k.p8 }, database: D } }\n";
    let home = Home::new(yml, &[]);
    home.write("project/keys/k.p8", "key", 0o600);
    home.write("project/below/unused", "", 0o600);
    let found = environment(&Inputs {
        directory: home.path.join("project/below"),
        process: ProcessEnv::of(home.variables.clone()),
        ..Inputs::default()
    });
    let Engine::Snowflake { connection } = found.unwrap().value.engine else { unreachable!("an account") };
    let Login::KeyPair { key: Material::File(path), .. } = connection.outcome.unwrap().login else {
        unreachable!("a key")
    };
    assert_eq!(path, home.path.join("project/keys/k.p8"));
}

#[test]
fn the_server_is_where_host_port_and_protocol_say() {
    let endpoint = |toml: &str| {
        let text = format!("[dev]\naccount = \"My_Org-acct\"\nuser = \"u\"\npassword = \"pw\"\n{toml}\n");
        let endpoint = Home::new(NAMED, &[("connections.toml", &text)]).connection().endpoint;
        format!("{}://{}:{}", endpoint.protocol.as_str(), endpoint.host, endpoint.port)
    };
    for (toml, expected) in [
        ("", "https://my-org-acct.snowflakecomputing.com:443"),
        (
            "host = \"acct.privatelink.snowflakecomputing.com\"",
            "https://acct.privatelink.snowflakecomputing.com:443",
        ),
        ("host = \"localhost\"\nport = 8080\nprotocol = \"http\"", "http://localhost:8080"),
        ("host = \"::1\"\nport = \"8080\"\nprotocol = \"HTTP\"", "http://[::1]:8080"),
        ("host = \"127.0.0.1\"\nprotocol = \"http\"", "http://127.0.0.1:80"),
    ] {
        assert_eq!(endpoint(toml), expected, "{toml}");
    }
}

#[test]
fn the_way_there_is_in_the_variables_that_others_read() {
    let network = |toml: &str, variables: &[(&str, &str)]| {
        let home = Home::new(NAMED, &[("connections.toml", &format!("{DEV}{toml}"))]).with(variables);
        home.write("ca.pem", "certificates", 0o644);
        let network = home.connection().network;
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!(
            "{} {} {}",
            text(network.proxy.map(|proxy| proxy.expose().to_owned())),
            text(network.no_proxy),
            text(network.extra_authorities.map(|path| path.file_name().unwrap().to_owned()))
        )
    };
    let http = "host = \"localhost\"\nprotocol = \"http\"\n";
    for (toml, variables, expected) in [
        ("", vec![], "- - -"),
        (
            "",
            vec![("HTTPS_PROXY", "http://u:p@proxy:3128"), ("NO_PROXY", "localhost,.corp")],
            "http://u:p@proxy:3128 localhost,.corp -",
        ),
        ("", vec![("HTTPS_PROXY", "http://upper"), ("https_proxy", "lower:1")], "http://lower:1 - -"),
        ("", vec![("HTTPS_PROXY", ""), ("ALL_PROXY", "http://all")], "http://all - -"),
        ("", vec![("HTTP_PROXY", "http://plain")], "- - -"),
        (http, vec![("HTTP_PROXY", "http://plain"), ("HTTPS_PROXY", "http://tls")], "http://plain - -"),
        ("", vec![("SSL_CERT_FILE", "~/ca.pem")], "- - ca.pem"),
        ("", vec![("SSL_CERT_FILE", "/nowhere"), ("REQUESTS_CA_BUNDLE", "HOME/ca.pem")], "- - ca.pem"),
    ] {
        assert_eq!(network(toml, &variables), expected, "{toml} {variables:?}");
    }
    let home = Home::new(NAMED, &[("connections.toml", DEV)])
        .with(&[("HTTPS_PROXY", "http://user:hunter2-hunter2@proxy:3128"), ("NO_PROXY", "localhost")]);
    assert_eq!(
        home.keys()[8..],
        [
            "network.proxy http://***@proxy:3128 <variable HTTPS_PROXY>",
            "network.no_proxy localhost <variable NO_PROXY>"
        ]
    );
}

#[test]
fn a_short_lease_looks_at_the_resolved_host() {
    let yml = "environments: { e: { connection: dev, database: D, lock: { ttl: 5s } } }\n";
    let near = format!("{DEV}host = \"127.0.0.1\"\n");
    assert!(Home::new(yml, &[("connections.toml", &near)]).load().is_ok());
    for toml in [DEV, &near.replace("127.0.0.1", "db.example.com")] {
        let found = Home::new(yml, &[("connections.toml", toml)]).load().unwrap_err();
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].message, "`lock.ttl` is under 60s, and the target is a server");
    }
}

#[test]
fn the_reference_lists_each_key_that_counts() {
    let page = include_str!("../../../docs/reference/connections.md");
    let table = page.split("## Keys").nth(1).unwrap().split("##").next().unwrap();
    for key in super::keys::read() {
        assert!(table.contains(&format!("`{key}`")), "{key}");
    }
    let variables = super::network::variables();
    for variable in variables {
        assert!(page.contains(&format!("`{variable}`")), "{variable}");
    }
}
