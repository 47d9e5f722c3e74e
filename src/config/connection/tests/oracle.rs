//! The Snowflake CLI as an oracle: `tests/data/connections.jsonl` holds what it made of files and variables
//! (`tests/python/record_connections.py`), and snowops makes the same of them, but for what is listed here.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::{is_secret, keys};
use super::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    files: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    connection: Option<String>,
    mode: u32,
    /// What the connector was called with.
    given: Option<BTreeMap<String, serde_json::Value>>,
    /// Or why it was not.
    refused: Option<String>,
}

/// A connection as both tools can tell it: keys and values, or none.
type Told = Option<BTreeMap<String, String>>;

/// Where snowops does otherwise: the case, what it finds, and why.
const OTHERWISE: &[(&str, &str, &str)] = &[
    (
        "SNOWFLAKE_HOME is empty",
        "account=org-file password=*** user=file",
        "an empty variable is none; the CLI takes it for the current folder",
    ),
    (
        "in variables alone",
        "account=org-var password=*** user=named",
        "a pipeline needs no file; the CLI wants the connection to stand in one",
    ),
    (
        "in variables alone, without any file",
        "account=org-var password=*** user=named",
        "a pipeline needs no file; the CLI wants the connection to stand in one",
    ),
    (
        "an empty variable of the connection",
        "account=org-file password=*** user=file",
        "an empty value is none: Azure Pipelines cannot unset a variable",
    ),
    (
        "an empty key of the file",
        "account=org-file password=*** role=GENERAL user=file",
        "an empty value is none",
    ),
    (
        "the CLI's newer configuration",
        "account=org-file password=*** user=file",
        "the documented order, which the CLI keeps unless told otherwise",
    ),
    (
        "a passcode in a general variable",
        "account=org-file passcode=*** password=*** user=file",
        "the CLI has an option for it, `--mfa-passcode`",
    ),
    ("a byte-order mark", "account=org-file password=*** user=file", "editors on Windows write one"),
    (
        "others may read it, and nobody minds",
        "account=org-file password=*** user=file",
        "the variable is that of the drivers, which then only warn; the CLI no longer heeds it",
    ),
];

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/connections.jsonl");
    let text = crate::files::read_text(Utf8Path::new(path)).unwrap();
    // The first line tells the version.
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the CLI told the connector, in words of ours.
fn theirs(case: &Case) -> Told {
    let given = case.given.as_ref()?;
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = given.iter().filter_map(|(key, value)| {
        let value = match key.as_str() {
            // The authenticator says the one already, the environment the other.
            "client_request_mfa_token" | "database" => return None,
            "role" | "warehouse" | "schema" => text(value).to_uppercase(),
            key if is_secret(key) => "***".to_owned(),
            _ => text(value),
        };
        Some((key.clone(), value))
    });
    Some(told.collect())
}

/// What snowops finds.
fn ours(case: &Case) -> Told {
    let connection = case.connection.as_ref();
    let said =
        connection.map_or_else(|| "engine: snowflake".to_owned(), |name| format!("connection: '{name}'"));
    let home = Home::new(&format!("environments: {{ e: {{ {said}, database: D }} }}\n"), &[]);
    for (path, text) in &case.files {
        home.write(path, text, case.mode);
    }
    let place = |value: &String| value.replace('@', home.path.as_str());
    let variables = case.variables.iter().map(|(name, value)| (name.clone(), place(value)));
    let inputs = Inputs {
        directory: home.path.clone(),
        config: Some("project/snowops.yml".into()),
        process: ProcessEnv::of(home.variables.iter().cloned().chain(variables).collect::<Vec<_>>()),
        ..Inputs::default()
    };
    let loaded = environment(&inputs).ok()?.value;
    let Engine::Snowflake { connection } = &loaded.engine else { return None };
    connection.outcome.as_ref().ok()?;
    let mut told = BTreeMap::new();
    for row in &connection.keys {
        let Some(key) = row.key.strip_prefix("connection.") else { continue };
        let value = row.value.as_str().map_or_else(|| row.value.to_string(), str::to_owned);
        if row.layer != "default" && keys::read().any(|known| known == key) {
            told.insert(key.to_owned(), value.replace(home.path.as_str(), "@"));
        }
    }
    let context = &loaded.context;
    for (key, name) in
        [("role", &context.role), ("warehouse", &context.warehouse), ("schema", &context.schema)]
    {
        told.extend(name.as_ref().map(|name| (key.to_owned(), name.as_str().to_owned())));
    }
    Some(told)
}

fn words(told: &Told) -> String {
    let Some(told) = told else { return "refused".to_owned() };
    told.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

/// Modes and the system's folder are those of Linux.
#[cfg(target_os = "linux")]
#[test]
fn files_and_variables_mean_what_they_mean_to_the_snowflake_cli() {
    let cases = cases();
    assert!(cases.len() > 50);
    for case in &cases {
        assert!(case.given.is_some() != case.refused.is_some(), "{}", case.name);
        let (theirs, ours) = (words(&theirs(case)), words(&ours(case)));
        match OTHERWISE.iter().find(|(name, ..)| *name == case.name) {
            Some((name, expected, why)) => {
                assert_eq!(ours, *expected, "{name}");
                assert_ne!(ours, theirs, "{name} is the same now, but listed: {why}");
            }
            None => assert_eq!(ours, theirs, "{}: {:?}", case.name, case.refused),
        }
    }
    for (name, ..) in OTHERWISE {
        assert!(cases.iter().any(|case| case.name == *name), "{name}");
    }
}
