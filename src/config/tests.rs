#![expect(clippy::disallowed_methods, reason = "tests write configuration files")]

use camino::Utf8Path;

use super::{
    environment::Resolved,
    load::Opened,
    node::{Source, Sources},
    *,
};
use crate::{
    diagnostic::Code,
    model::{
        ident::Ident,
        target::{Context4, LedgerName, SecondaryRoles},
    },
};

mod faults;

const SAMPLE: &str = "\
project: retail
migrations: [migrations]
history: { schema: SNOWOPS }
vars: { retention_days: 7, region: eu, trace: false, tags: [a] }
env: [BUILD_BUILDID, {name: SORT_KEY, secret: false}, API_KEY]
secrets: [LOADER_PASSWORD]
default_environment: local
environments:
  local: { engine: embedded }
  dev:
    connection: dev
    database: retail_dev
    schema: public
    warehouse: deploy_xs
    role: '\"Deployer\"'
    lock: { warehouse: lock_xs }
    parameters: { timezone: UTC, LOCK_TIMEOUT: 30, AUTOCOMMIT: true }
    statement_timeout: 2h
    externals: { databases: ['RAW.*'] }
  prod:
    connection: prod
    database: RETAIL
    protected: true
    secondary_roles: all
    vars: { retention_days: 90 }
";

fn opened(main: &str, local: Option<&str>) -> Result<Opened, Vec<Diagnostic>> {
    let source =
        |file: &str, text: &str, layer| Source { file: file.to_owned(), text: text.to_owned(), layer };
    let mut sources = Sources(vec![source("snowops.yml", main, FILE_NAME)]);
    sources.0.extend(local.map(|text| source("snowops.local.yml", text, LOCAL_FILE_NAME)));
    load::from_sources(sources, "/home/ann/shop".into(), "/home/ann/shop/snowops.yml".into())
}

fn resolved(main: &str, local: Option<&str>, inputs: &Inputs) -> Result<(Opened, Resolved), Vec<Diagnostic>> {
    let opened = opened(main, local)?;
    let resolved = environment::resolve(inputs, &opened)?;
    if any_error(&resolved.findings) {
        return Err(resolved.findings);
    }
    Ok((opened, resolved))
}

fn load_with(main: &str, inputs: &Inputs) -> Result<Environment, Vec<Diagnostic>> {
    resolved(main, None, inputs).map(|(_, resolved)| resolved.environment.unwrap())
}

fn inputs(environment: &str) -> Inputs {
    Inputs { environment: Some(environment.to_owned()), ..Inputs::default() }
}

fn with(environment: &str, variables: &[(&str, &str)]) -> Inputs {
    Inputs { process: ProcessEnv::of(variables.iter().copied()), ..inputs(environment) }
}

fn lines(findings: &[Diagnostic]) -> Vec<String> {
    findings
        .iter()
        .map(|f| f.hint.as_ref().map_or_else(|| f.to_string(), |hint| format!("{f} | {hint}")))
        .collect()
}

/// All findings for an environment `e`, warnings too.
fn findings(main: &str, inputs: &Inputs) -> Vec<Diagnostic> {
    match opened(main, None).and_then(|opened| environment::resolve(inputs, &opened)) {
        Ok(resolved) => resolved.findings,
        Err(findings) => findings,
    }
}

const LOCAL: &str = "environments: { e: { engine: embedded } }\n";
const REMOTE: &str = "environments: { e: { connection: c, database: D } }\n";

#[test]
fn an_environment_is_read_in_full() {
    let environment = load_with(SAMPLE, &inputs("dev")).unwrap();
    let ident = |name: &str| Some(Ident::stored(name));
    assert_eq!(
        environment.context,
        Context4 {
            role: ident("Deployer"),
            warehouse: ident("DEPLOY_XS"),
            database: ident("RETAIL_DEV"),
            schema: ident("PUBLIC"),
        }
    );
    assert_eq!(
        environment.ledger,
        LedgerName {
            database: Ident::stored("RETAIL_DEV"),
            schema: Ident::stored("SNOWOPS"),
            table: "snowops_schema_history".to_owned()
        }
    );
    assert_eq!(environment.lock.warehouse, ident("LOCK_XS"));
    assert_eq!(environment.lock.ttl, Duration::from_mins(2));
    assert_eq!(environment.lock.timeout, LOCK_TIMEOUT);
    assert_eq!(environment.statement_timeout, Some(Duration::from_hours(2)));
    let parameters: Vec<_> = environment.parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(parameters, ["AUTOCOMMIT=true", "LOCK_TIMEOUT=30", "TIMEZONE=UTC"]);
    assert_eq!(environment.externals.databases, ["RAW.*"]);
    assert_eq!((environment.project.as_str(), environment.protected), ("retail", false));
    assert_eq!(environment.naming, Naming::default());
}

#[test]
fn the_embedded_engine_has_defaults_of_its_own() {
    let environment = load_with(LOCAL, &inputs("e")).unwrap();
    assert_eq!(environment.engine, Engine::Embedded { path: "/home/ann/shop/.snowops/e.db".into() });
    assert_eq!(environment.context.database, Some(Ident::stored("LOCAL")));
    assert_eq!(environment.context.schema, Some(Ident::stored("PUBLIC")));
    assert_eq!(environment.ledger.database, Ident::stored("LOCAL"));
    assert_eq!(environment.secondary_roles, SecondaryRoles::None);
    assert_eq!(environment.migrations, ["migrations"]);
    assert_eq!(environment.project, "shop");
}

#[test]
fn the_environment_wins_over_the_top_level_maps_by_key_and_lists_as_a_whole() {
    let main = "\
migrations: [a, b]
vars: { x: 1, y: 1 }
env: [A, B]
history: { database: H, schema: S, table: MyTable }
environments:
  e: { engine: embedded, migrations: [c], vars: { y: 2 }, env: [C], history: { database: null, schema: '\"s\"' } }
  f: { engine: embedded, vars: }
";
    let e = load_with(main, &inputs("e")).unwrap();
    assert_eq!(e.migrations, ["c"]);
    assert_eq!(serde_json::to_value(&e.vars).unwrap(), serde_json::json!({ "x": 1, "y": 2 }));
    assert_eq!(e.env.keys().collect::<Vec<_>>(), ["C"]);
    assert_eq!(
        e.ledger,
        LedgerName {
            database: Ident::stored("LOCAL"),
            schema: Ident::stored("s"),
            table: "MyTable".to_owned()
        }
    );
    let f = load_with(main, &inputs("f")).unwrap();
    assert_eq!(serde_json::to_value(&f.vars).unwrap(), serde_json::json!({ "x": 1, "y": 1 }));
    assert_eq!(f.ledger.database, Ident::stored("H"));
}

#[test]
fn layers_are_laid_over_one_another() {
    let local =
        "vars: { region: local }\nenvironments: { dev: { role: MINE }, mine: { engine: embedded } }\n";
    let mut given = with(
        "dev",
        &[
            ("SNOWOPS_WAREHOUSE", "big"),
            ("SNOWOPS_VAR_REGION", "variable"),
            ("SNOWOPS_VAR_Retention_Days", "30"),
        ],
    );
    let values = |given: &Inputs| {
        let (_, found) = resolved(SAMPLE, Some(local), given).unwrap();
        let found = found.environment.unwrap();
        let text = |ident: Option<Ident>| ident.map(|i| i.as_str().to_owned()).unwrap_or_default();
        (
            text(found.context.role),
            text(found.context.warehouse),
            found.vars["region"].clone(),
            found.vars["retention_days"].clone(),
        )
    };
    assert_eq!(values(&given), ("MINE".into(), "BIG".into(), "variable".into(), 30.into()));
    given.vars = vec![("region".to_owned(), "flag".to_owned())];
    assert_eq!(values(&given).2, "flag");
    given.process = ProcessEnv::default();
    given.vars.clear();
    assert_eq!(values(&given), ("MINE".into(), "DEPLOY_XS".into(), "local".into(), 7.into()));
    assert!(resolved(SAMPLE, Some(local), &inputs("mine")).is_ok());
}

#[test]
fn variables_take_the_declared_type() {
    for (declared, given, expected) in [
        ("text", "7", Ok("\"7\"")),
        ("null", "x", Ok("\"x\"")),
        ("1", "2.5", Ok("2.5")),
        ("1", "18446744073709551615", Ok("18446744073709551615")),
        ("false", "True", Ok("true")),
        ("[a]", "[1,2]", Ok("[1,2]")),
        ("{a: 1}", "{\"b\":2}", Ok("{\"b\":2}")),
        (
            "1",
            "many",
            Err(
                "SNOWOPS_VAR_X: `vars.x` is a number, and the given value is not | give a number without superfluous digits; one of more than 15 must be declared as a text",
            ),
        ),
        (
            "true",
            "1",
            Err("SNOWOPS_VAR_X: `vars.x` is a truth value, and the given value is not | give true or false"),
        ),
        ("[a]", "a", Err("SNOWOPS_VAR_X: `vars.x` is a list, and the given value is not | give it as JSON")),
        (
            "a",
            "$(x)",
            Err(
                "SNOWOPS_VAR_X: `vars.x` gets `$(x)`, the text of a pipeline variable that is not defined | define the variable in the pipeline, or correct its name",
            ),
        ),
    ] {
        let main = format!("vars: {{ x: {declared} }}\n{LOCAL}");
        let found = load_with(&main, &with("e", &[("SNOWOPS_VAR_X", given)]));
        let found = found.map(|e| e.vars["x"].to_string()).map_err(|f| lines(&f));
        assert_eq!(found, expected.map(str::to_owned).map_err(|e| vec![e.to_owned()]), "{declared} {given}");
    }
}

#[test]
fn a_declared_name_without_a_value_is_no_value() {
    let environment = load_with(&format!("vars: {{ x: }}\n{LOCAL}"), &inputs("e")).unwrap();
    assert!(environment.vars.is_empty());
}

#[test]
fn flags_for_undeclared_names_are_a_usage_error() {
    let given = Inputs { vars: vec![("retention_day".to_owned(), "1".to_owned())], ..inputs("dev") };
    let found = load_with(SAMPLE, &given).unwrap_err();
    assert_eq!(found[0].code, Code::InvalidUsage);
    assert_eq!(
        lines(&found),
        [
            "--var retention_day: no variable `retention_day` is declared under `vars` | did you mean `retention_days`?"
        ]
    );
}

#[test]
fn unknown_variables_warn_with_the_nearest() {
    let given = with(
        "local",
        &[
            ("SNOWOPS_ENVV", "x"),
            ("SNOWOPS_VAR_REGIN", "x"),
            ("SNOWOPS_NONSENSE_HERE", "x"),
            ("SNOWOPS_FORMAT", "json"),
            ("SNOWOPS_CONNECTION", "dev"),
            ("SNOWOPS_ROLE", ""),
        ],
    );
    let found = findings(SAMPLE, &given);
    assert!(!any_error(&found));
    assert_eq!(
        lines(&found),
        [
            "SNOWOPS_ENVV is set, and snowops reads no such variable | did you mean SNOWOPS_ENV?",
            "SNOWOPS_NONSENSE_HERE is set, and snowops reads no such variable | variables that snowops reads are listed in docs/reference/config.md",
            "SNOWOPS_VAR_REGIN is set, and no variable of that name is declared under `vars` | did you mean SNOWOPS_VAR_REGION?",
            "SNOWOPS_CONNECTION is not used: `connection` means nothing with `engine: embedded`",
        ]
    );
}

#[test]
fn a_variable_that_only_another_environment_declares_is_no_surprise() {
    let main = "environments: { e: { engine: embedded }, f: { engine: embedded, vars: { x: 1 } } }";
    assert_eq!(lines(&findings(main, &with("e", &[("SNOWOPS_VAR_X", "2")]))), Vec::<String>::new());
}

#[test]
fn the_environment_is_chosen_by_the_rule() {
    let one = "environments: { only: { engine: embedded } }";
    let guarded = "environments: { only: { engine: embedded, protected: true } }";
    let two = "environments: { a: { engine: embedded }, b: { engine: embedded } }";
    let default =
        "default_environment: b\nenvironments: { a: { engine: embedded }, b: { engine: embedded } }";
    for (main, flag, variable, expected) in [
        (one, None, None, Ok("only")),
        (two, None, None, Err("no environment was chosen | choose one with --env or SNOWOPS_ENV: a, b")),
        (two, None, Some("b"), Ok("b")),
        (two, Some("a"), Some("b"), Ok("a")),
        (two, None, Some(""), Err("no environment was chosen | choose one with --env or SNOWOPS_ENV: a, b")),
        (default, None, None, Ok("b")),
        (default, Some("a"), None, Ok("a")),
        (guarded, Some("only"), None, Ok("only")),
        (
            guarded,
            None,
            None,
            Err(
                "the only environment, `only`, is protected and never chosen by default | name it: --env only",
            ),
        ),
        (
            one,
            Some("onyl"),
            None,
            Err("there is no environment `onyl` (--env) | did you mean `only`? environments: only"),
        ),
        (two, None, Some("zz"), Err("there is no environment `zz` (SNOWOPS_ENV) | environments: a, b")),
        (
            "project: x",
            None,
            None,
            Err(
                "the configuration has no environment | add one: environments: { local: { engine: embedded } }",
            ),
        ),
    ] {
        let given = Inputs {
            environment: flag.map(str::to_owned),
            process: ProcessEnv::of(variable.map(|v| ("SNOWOPS_ENV", v))),
            ..Inputs::default()
        };
        let found = load_with(main, &given).map(|e| e.name).map_err(|f| {
            assert_eq!(f[0].code, Code::UnknownEnvironment);
            lines(&f)
        });
        assert_eq!(
            found,
            expected.map(str::to_owned).map_err(|e| vec![e.to_owned()]),
            "{main} {flag:?} {variable:?}"
        );
    }
}

#[test]
fn a_short_lease_is_fine_near_by() {
    for text in [
        "{ engine: embedded, lock: { ttl: 5s } }",
        "{ connection: { host: 127.0.0.1 }, database: D, lock: { ttl: 5s } }",
        "{ connection: { host: localhost, port: 80 }, database: D, lock: { ttl: 5s } }",
        "{ connection: { host: '[::1]', database: D }, lock: { ttl: 5s } }",
    ] {
        let environment = load_with(&format!("environments: {{ e: {text} }}"), &inputs("e")).unwrap();
        assert_eq!(environment.lock.ttl, Duration::from_secs(5), "{text}");
    }
    let environment = load_with(
        "environments: { e: { connection: { host: '[::1]', database: D, role: r } } }",
        &inputs("e"),
    );
    let environment = environment.unwrap();
    assert_eq!(environment.context.role, Some(Ident::stored("R")));
    assert_eq!(environment.ledger.database, Ident::stored("D"));
}

#[test]
fn secrets_come_from_the_process() {
    let set = [
        ("LOADER_PASSWORD", "correct-horse"),
        ("BUILD_BUILDID", "17"),
        ("SORT_KEY", "id"),
        ("API_KEY", "123456789"),
    ];
    let environment = load_with(SAMPLE, &with("local", &set)).unwrap();
    assert_eq!(environment.secrets["LOADER_PASSWORD"].as_ref().unwrap().expose(), "correct-horse");
    assert_eq!(environment.env["BUILD_BUILDID"], EnvValue::Text("17".to_owned()));
    assert_eq!(environment.env["SORT_KEY"], EnvValue::Text("id".to_owned()));
    assert_eq!(
        environment.env["API_KEY"],
        EnvValue::Secret(crate::model::secret::SecretText::new("123456789"))
    );
    assert!(!format!("{environment:?}").contains("correct-horse"));

    let environment = load_with(SAMPLE, &inputs("local")).unwrap();
    assert_eq!(environment.secrets["LOADER_PASSWORD"], None);
    assert_eq!(environment.env["API_KEY"], EnvValue::Missing { secret: true });
    assert_eq!(environment.env["BUILD_BUILDID"], EnvValue::Missing { secret: false });

    let found = load_with(SAMPLE, &with("local", &[("LOADER_PASSWORD", "12345"), ("API_KEY", "$(api.key)")]));
    let found = found.unwrap_err();
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "snowops.yml:6:11: the secret `LOADER_PASSWORD` has fewer than 6 characters",
            "snowops.yml:5:55: the secret `API_KEY` holds `$(api.key)`, the text of a pipeline variable that is not defined",
        ]
    );
}

#[test]
fn an_undefined_pipeline_variable_under_env_warns() {
    let main = format!("env: [BUILD_BUILDID]\n{LOCAL}");
    assert_eq!(
        lines(&findings(&main, &with("e", &[("BUILD_BUILDID", "$(Build.Id)")]))),
        [
            "snowops.yml:1:7: `BUILD_BUILDID` holds `$(Build.Id)`, the text of a pipeline variable that is not defined | define the variable in the pipeline, or correct its name"
        ]
    );
}

#[test]
fn variables_for_keys_are_checked() {
    let given =
        with("e", &[("SNOWOPS_ROLE", "$(role)"), ("SNOWOPS_SCHEMA", "a-b"), ("SNOWOPS_LOCK_TIMEOUT", "5")]);
    assert_eq!(
        findings(REMOTE, &given).iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "SNOWOPS_SCHEMA: `schema` is `a-b`, which SQL does not take as a name without quotes",
            "SNOWOPS_ROLE: `$(role)` is the text of a pipeline variable that is not defined",
            "SNOWOPS_LOCK_TIMEOUT: `5` is no duration",
        ]
    );
    let given = with(
        "e",
        &[("SNOWOPS_CONNECTION", "other"), ("SNOWOPS_LOCK_TIMEOUT", "5s"), ("SNOWOPS_DATABASE", "x")],
    );
    let environment = load_with(REMOTE, &given).unwrap();
    assert_eq!(environment.lock.timeout, Duration::from_secs(5));
    assert_eq!(environment.ledger.database, Ident::stored("X"));
    let Engine::Snowflake { connection } = environment.engine else {
        unreachable!("a Snowflake environment")
    };
    assert_eq!(
        lines(&connection.outcome.unwrap_err()),
        [
            "SNOWOPS_CONNECTION: there is no connection `other` | add [other] to connections.toml, or set variables such as SNOWFLAKE_CONNECTIONS_OTHER_ACCOUNT"
        ]
    );
}

#[test]
fn protection_holds() {
    let found = findings(
        "default_environment: e\nenvironments: { e: { engine: embedded, protected: true } }",
        &inputs("e"),
    );
    assert_eq!(
        lines(&found),
        [
            "snowops.yml:1:22: `default_environment` is `e`, which is protected | a protected environment is never chosen by default: name another one"
        ]
    );
    let main = "environments: { e: { engine: embedded, protected: true } }";
    let found = resolved(main, Some("environments: { e: { protected: false } }"), &inputs("e"));
    assert_eq!(
        lines(&found.err().unwrap()),
        [
            "snowops.local.yml:1:33: `environments.e.protected` cannot be taken back here | change it in snowops.yml, where others see it"
        ]
    );
}

fn table(main: &str, local: Option<&str>, inputs: &Inputs) -> String {
    let (_, resolved) = resolved(main, local, inputs).unwrap();
    let rows = show::show_resolved(&resolved).unwrap();
    let rows = rows.iter().map(|row| {
        let file = row.file.as_deref().unwrap_or("-");
        let line = row.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
        format!("{} = {} <{}> {file}:{line}\n", row.key, row.value, row.layer)
    });
    rows.collect()
}

#[test]
fn show_tells_each_value_and_its_layer() {
    let local = "environments: { dev: { role: mine } }\n";
    let mut given = with(
        "dev",
        &[
            ("SNOWOPS_WAREHOUSE", "big"),
            ("LOADER_PASSWORD", "correct-horse"),
            ("API_KEY", "battery-staple"),
            ("BUILD_BUILDID", "17-correct-horse"),
        ],
    );
    given.vars = vec![("region".to_owned(), "us".to_owned())];
    given.lock_timeout = Some(Duration::from_secs(90));
    insta::assert_snapshot!("show", table(SAMPLE, Some(local), &given));
    insta::assert_snapshot!("show_embedded", table(LOCAL, None, &Inputs::default()));
}

#[test]
fn the_schema_holds() {
    let schema = json_schema();
    insta::assert_json_snapshot!("schema", schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let as_json = |text: &str| opened(text, None).unwrap().tree.to_json();
    assert!(validator.is_valid(&as_json(SAMPLE)));
    for text in [
        "colour: 1",
        "environments: { e: { colour: 1 } }",
        "lock: { tll: 1s }",
        "environments: { e: { engine: x } }",
    ] {
        assert!(!validator.is_valid(&as_json(text)), "{text}");
    }
}

/// The keys that the check knows and those of the types are two lists; they must be one.
#[test]
fn keys_and_types_agree() {
    let schema = json_schema();
    let properties = |at: &serde_json::Value| -> std::collections::BTreeSet<String> {
        at["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let known = |level: keys::Level| -> std::collections::BTreeSet<String> {
        let here = |key: &&keys::Key| key.level == level || key.level == keys::Level::Both;
        let built = |key: &&keys::Key| !matches!(key.shape, keys::Shape::Later);
        keys::KEYS.iter().filter(here).filter(built).map(|key| key.name.to_owned()).collect()
    };
    assert_eq!(properties(&schema), known(keys::Level::Top));
    assert_eq!(properties(&schema["$defs"]["EnvironmentKeys"]), known(keys::Level::Environment));
    let groups = [
        ("history", "HistoryKeys"),
        ("lock", "LockKeys"),
        ("externals", "ExternalKeys"),
        ("naming", "NamingKeys"),
    ];
    for (name, definition) in groups {
        let Some(keys::Key { shape: keys::Shape::Group(keys), .. }) =
            keys::KEYS.iter().find(|k| k.name == name)
        else {
            unreachable!("{name} is a group")
        };
        let names: std::collections::BTreeSet<_> = keys.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(properties(&schema["$defs"][definition]), names, "{name}");
    }
}

fn write(folder: &Utf8Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn files_are_found_from_below_and_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
    let below = root.join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let given = |config: Option<&str>| Inputs {
        directory: below.clone(),
        config: config.map(Utf8PathBuf::from),
        ..Inputs::default()
    };
    write(&root, "snowops.yml", "project: found\nenvironments: { e: { engine: embedded } }");
    let project_found = project(&given(None)).unwrap().value;
    assert_eq!((project_found.name.as_str(), &project_found.root), ("found", &root));
    assert_eq!(project_found.environments, [("e".to_owned(), false)]);
    let loaded = environment(&given(None)).unwrap().value;
    assert_eq!(loaded.engine, Engine::Embedded { path: root.join(".snowops/e.db") });

    write(&below, "other.yml", "project: other\ncolour: red");
    let found = project(&given(Some("other.yml"))).unwrap_err();
    assert_eq!(found[0].to_string(), "other.yml:2:1: unknown key `colour`");

    write(&root, "snowops.local.yml", "project: local");
    assert_eq!(project(&given(None)).unwrap().value.name, "local");
    assert!(
        show(&given(None))
            .unwrap()
            .iter()
            .any(|row| row.key == "project" && row.layer == "snowops.local.yml")
    );

    let found = project(&given(Some("none.yml"))).unwrap_err();
    assert_eq!(found[0].code, Code::InvalidConfig);
    assert_eq!(found[0].to_string(), "there is no configuration file none.yml");
    assert!(found[0].hint.as_ref().unwrap().contains("`snowops init`"));

    let by_variable = Inputs { process: ProcessEnv::of([("SNOWOPS_CONFIG", "none2.yml")]), ..given(None) };
    assert_eq!(project(&by_variable).unwrap_err()[0].to_string(), "there is no configuration file none2.yml");
}
