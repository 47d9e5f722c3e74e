//! `config show`: each effective value and the layer that it came from.

use serde::Serialize;
use serde_json::Value;

use super::{
    Inputs,
    check::looks_literal,
    connection::{Found, is_secret, network_rows},
    environment::{self, Engine, Environment, Resolved},
    keys::{KEYS, Shape},
    load,
    node::{Node, Origin, Sources},
    secret::EnvValue,
};
use crate::{
    diagnostic::{Diagnostic, any_error},
    model::{connection::Connection, ident::Ident, secret::SecretText},
};

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its key, dotted.
    pub key: String,
    /// Its value; secrets are `***`, and `null` is a listed variable that is not set.
    pub value: Value,
    /// `default`, `snowops.yml`, `snowops.local.yml`, `connections.toml`, `config.toml`, `variable NAME` or
    /// `flag --name`.
    pub layer: String,
    /// The file where it stands, or where the variable is listed.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<usize>,
}

impl Shown {
    /// Where the value comes from: the line of a file, else the layer.
    pub fn origin(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            _ => self.layer.clone(),
        }
    }
}

/// Each effective value of the chosen environment, in the order of the reference.
pub fn show(inputs: &Inputs) -> Result<Vec<Shown>, Vec<Diagnostic>> {
    let opened = load::open(inputs)?;
    let resolved = environment::resolve(inputs, &opened)?;
    show_resolved(&resolved)
}

pub(super) fn show_resolved(resolved: &Resolved) -> Result<Vec<Shown>, Vec<Diagnostic>> {
    let environment = match &resolved.environment {
        Some(environment) if !any_error(&resolved.findings) => environment,
        _ => return Err(resolved.findings.clone()),
    };
    let mut list = List { sources: &resolved.sources, secrets: secrets(environment), shown: Vec::new() };
    list.add("environment", Value::String(resolved.name.0.clone()), &resolved.name.1);
    for key in KEYS {
        if let (Shape::Connection, Engine::Snowflake { connection }) = (key.shape, &environment.engine) {
            // What the environment says itself has a row of its own.
            let shown_below = |row: &&Shown| match row.key.strip_prefix("connection.") {
                Some(key) => resolved.tree.get(key).is_none(),
                None => true,
            };
            list.shown.extend(connection.keys.iter().filter(shown_below).cloned());
        }
        let Some(node) = resolved.tree.get(key.name) else { continue };
        match key.shape {
            Shape::EnvNames => list.env(environment, &resolved.tree),
            Shape::SecretNames => list.secrets(environment, &resolved.tree),
            Shape::Vars => list.vars(node),
            Shape::Connection => {}
            shape => list.leaves(key.name, node, shape),
        }
    }
    let (time, origin) = &resolved.lock_timeout;
    list.add("lock_timeout", Value::String(format!("{}s", time.as_secs())), origin);
    Ok(list.shown)
}

/// The rows of a connection: its name, its keys in effect, and what follows from them.
pub(super) fn connection(
    sources: &Sources,
    inputs: &Inputs,
    found: &Found,
    made: Option<&Connection>,
) -> Vec<Shown> {
    let mut list = List { sources, secrets: Vec::new(), shown: Vec::new() };
    if let Some(name) = &found.name {
        list.add("connection", name.to_json(), &name.origin);
    }
    for (key, node) in found.own_settings() {
        let value = if is_secret(key) { Value::String("***".to_owned()) } else { node.to_json() };
        list.add(&format!("connection.{key}"), value, &node.origin);
    }
    let Some(made) = made else { return list.shown };
    let derived = [
        ("authenticator", Value::String("snowflake".to_owned())),
        ("host", Value::String(made.endpoint.host.clone())),
        ("port", Value::from(made.endpoint.port)),
        ("protocol", Value::String(made.endpoint.protocol.as_str().to_owned())),
    ];
    for (key, value) in derived {
        if found.settings.get(key).is_none() {
            list.add(&format!("connection.{key}"), value, &Origin::Default);
        }
    }
    for (key, value, origin) in network_rows(&inputs.process, &made.network, made.endpoint.protocol) {
        list.add(&format!("network.{key}"), Value::String(value), &origin);
    }
    list.shown
}

fn secrets(environment: &Environment) -> Vec<SecretText> {
    let env = environment.env.values().filter_map(|value| match value {
        EnvValue::Secret(secret) => Some(secret.clone()),
        EnvValue::Text(_) | EnvValue::Missing { .. } => None,
    });
    environment.secrets.values().flatten().cloned().chain(env).collect()
}

struct List<'a> {
    sources: &'a Sources,
    secrets: Vec<SecretText>,
    shown: Vec<Shown>,
}

impl List<'_> {
    fn add(&mut self, key: &str, value: Value, origin: &Origin) {
        let place = self.sources.place(origin);
        let layer = match origin {
            Origin::Default => "default".to_owned(),
            Origin::File { file, .. } => {
                self.sources.0.get(*file).map_or_else(String::new, |source| source.layer.to_owned())
            }
            Origin::Variable(name) => format!("variable {name}"),
            Origin::Flag(name) => format!("flag {name}"),
        };
        self.shown.push(Shown {
            key: key.to_owned(),
            value: self.masked(value),
            layer,
            line: place.as_ref().and_then(|place| place.position).map(|(line, _)| line),
            file: place.map(|place| place.file),
        });
    }

    /// A secret that someone copied into another value is masked there too.
    fn masked(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(
                self.secrets.iter().fold(text, |text, secret| text.replace(secret.expose(), "***")),
            ),
            Value::Array(items) => items.into_iter().map(|item| self.masked(item)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(key, value)| (key, self.masked(value))).collect())
            }
            other => other,
        }
    }

    fn leaves(&mut self, path: &str, node: &Node, shape: Shape) {
        if node.entries().is_empty() {
            // Names as SQL reads them: that is what is in effect.
            let value = match (shape, node.as_str()) {
                (Shape::Name, Some(text)) => Value::String(Ident::written(text).to_string()),
                _ => node.to_json(),
            };
            self.add(path, value, &node.origin);
        }
        for entry in node.entries() {
            let below = match shape {
                Shape::Group(keys) => keys.iter().find(|key| key.name == entry.key).map(|key| key.shape),
                _ => None,
            };
            self.leaves(&format!("{path}.{}", entry.key), &entry.value, below.unwrap_or(Shape::Text));
        }
    }

    fn vars(&mut self, node: &Node) {
        for entry in node.entries() {
            let value = entry.value.to_json();
            let value = if looks_literal(&entry.key) { Value::String("***".to_owned()) } else { value };
            self.add(&format!("vars.{}", entry.key), value, &entry.value.origin);
        }
    }

    fn listed(&mut self, group: &str, name: &str, value: Value, listed_at: &Origin) {
        self.add(&format!("{group}.{name}"), value, listed_at);
        if let Some(shown) = self.shown.last_mut().filter(|shown| !shown.value.is_null()) {
            shown.layer = format!("variable {name}");
        }
    }

    fn env(&mut self, environment: &Environment, tree: &Node) {
        for (name, _, origin) in environment::env_names(tree) {
            let value = match environment.env.get(name) {
                Some(EnvValue::Text(text)) => Value::String(text.clone()),
                Some(EnvValue::Secret(secret)) => Value::String(secret.to_string()),
                Some(EnvValue::Missing { .. }) | None => Value::Null,
            };
            self.listed("env", name, value, origin);
        }
    }

    fn secrets(&mut self, environment: &Environment, tree: &Node) {
        for (name, origin) in environment::secret_names(tree) {
            let secret = environment.secrets.get(name).and_then(Option::as_ref);
            let value = secret.map_or(Value::Null, |secret| Value::String(secret.to_string()));
            self.listed("secrets", name, value, origin);
        }
    }
}
