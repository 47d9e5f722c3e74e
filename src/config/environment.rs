//! One environment of a project, with all layers applied and checked.

use std::{collections::BTreeMap, time::Duration};

use camino::Utf8PathBuf;
use serde_json::{Map, Value};

use super::{
    Inputs,
    check::Check,
    connection::{self, CONTEXT_KEYS, Found, ResolvedConnection},
    keys::{KEYS, Level},
    load::{self, Opened},
    node::{Kind, Node, Origin, Sources},
    process::is_undefined_reference,
    schema::{EngineWord, EnvironmentKeys, NamingKeys, SecondaryRolesWord, TopKeys},
    secret::{self, EnvValue},
    show,
    words::{self, DURATION_HINT},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        ident::Ident,
        name::Naming,
        secret::SecretText,
        target::{Context4, LedgerName, SecondaryRoles},
    },
};

/// How long `migrate` waits for the lease if nobody says otherwise.
pub const LOCK_TIMEOUT: Duration = Duration::from_mins(10);

/// A lease on a server must outlive the pauses of its network and of its queue.
const SHORTEST_REMOTE_TTL: Duration = Duration::from_mins(1);

/// One environment: what a command needs to know.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Name of the project.
    pub project: String,
    /// Folder of `snowops.yml`.
    pub root: Utf8PathBuf,
    /// What is migrated.
    pub engine: Engine,
    /// Role, warehouse, database and schema of each script.
    pub context: Context4,
    /// Secondary roles of each script.
    pub secondary_roles: SecondaryRoles,
    /// Session parameters of each script, by upper-case name.
    pub parameters: BTreeMap<String, String>,
    /// Longest run of a statement.
    pub statement_timeout: Option<Duration>,
    /// Folders with migrations, as written, from `root`.
    pub migrations: Vec<Utf8PathBuf>,
    /// Folder with templates, as written, from `root`.
    pub templates: Utf8PathBuf,
    /// Encoding of scripts, a WHATWG label.
    pub encoding: String,
    /// Whether `${}` placeholders are replaced.
    pub placeholders: bool,
    /// How file names are read.
    pub naming: Naming,
    /// Files that are no migrations, as globs.
    pub ignore: Vec<String>,
    /// Values for templates.
    pub vars: BTreeMap<String, Value>,
    /// What `env_var()` may read.
    pub env: BTreeMap<String, EnvValue>,
    /// Secrets for scripts; `None` where the process has no such variable, an error only when a script uses it.
    pub secrets: BTreeMap<String, Option<SecretText>>,
    /// Where the ledger is. On Snowflake without a database the environment is not valid, so it always is
    /// somewhere.
    pub ledger: LedgerName,
    /// The lease.
    pub lock: LockSettings,
    /// What scripts use and do not create.
    pub externals: Externals,
    /// Text for `installed_by`; else the session's user.
    pub installed_by: Option<String>,
    /// Text in front of our own query tag.
    pub query_tag: Option<String>,
    /// Whether `migrate` asks before it changes something.
    pub protected: bool,
}

/// What is migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The engine inside snowops.
    Embedded {
        /// Its file, from the current folder (joined with `root`).
        path: Utf8PathBuf,
    },
    /// A Snowflake account.
    Snowflake {
        /// How to reach it.
        connection: Box<ResolvedConnection>,
    },
}

/// The lease that keeps two runs apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockSettings {
    /// How long it lives without a heartbeat.
    pub ttl: Duration,
    /// Warehouse for its own statements; else the environment's.
    pub warehouse: Option<Ident>,
    /// How long to wait for another run.
    pub timeout: Duration,
}

/// What scripts use and do not create, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Externals {
    /// Databases, or patterns of objects in them.
    pub databases: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Warehouses.
    pub warehouses: Vec<String>,
    /// Other objects of the account.
    pub others: Vec<String>,
    /// Files of committed snapshots.
    pub snapshots: Vec<Utf8PathBuf>,
}

/// The tree behind an environment, for `config show`.
pub(super) struct Resolved {
    pub(super) name: (String, Origin),
    /// The files that values come from, those of connections too.
    pub(super) sources: Sources,
    pub(super) tree: Node,
    pub(super) lock_timeout: (Duration, Origin),
    pub(super) environment: Option<Environment>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Applies all layers. Findings are collected as far as the files allow.
pub(super) fn resolve(inputs: &Inputs, opened: &Opened) -> Result<Resolved, Vec<Diagnostic>> {
    let mut check = Check { sources: &opened.sources, findings: opened.findings.clone() };
    let name = match load::choose(inputs, &opened.tree) {
        Ok(name) => name,
        Err(finding) => {
            check.findings.push(*finding);
            return Err(check.findings);
        }
    };
    let section = load::section_origin(&opened.tree, &name.0);
    let mut said = load::effective(inputs, opened, &name.0, &mut check);
    let engine = engine(&said, &section, &name.0, &mut check);
    foreign_keys(&mut said, engine, &mut check);
    let findings = check.findings;
    let mut sources = opened.sources.clone();
    let found = (engine == Some(EngineWord::Snowflake))
        .then(|| connection::find(inputs, &opened.root, &said, &section, &mut sources));
    let mut check = Check { sources: &sources, findings };
    let settings = found.as_ref().map(|found| &found.settings);
    for key in CONTEXT_KEYS {
        if let Some(node) =
            settings.and_then(|settings| settings.get(key)).filter(|_| said.get(key).is_none())
        {
            check.name(node, key);
        }
    }
    let tree = load::defaults(opened, &name.0, &said, settings).merged(said);
    if engine == Some(EngineWord::Snowflake) && tree.get("database").is_none() {
        let message = format!("the environment `{}` has no `database`", name.0);
        let finding = Diagnostic::error(Code::InvalidValue, message)
            .hint("give `database`, the one that the migrations work in and that holds the history");
        check.report(&section, finding);
        check.findings.extend(found.iter().flat_map(Found::errors).cloned());
    }
    let connection = found.as_ref().map(|found| connect(inputs, opened, found, &mut check));
    lock(&tree, connection.as_ref(), &mut check);
    let lock_timeout = lock_timeout(inputs, &mut check);
    let (env, secrets) = process_values(inputs, &tree, &mut check);
    same_names(&tree, &mut check);
    let failed = crate::diagnostic::any_error(&check.findings);
    let environment = if failed {
        None
    } else {
        match typed(&tree) {
            Ok((top, keys)) => Some(assemble(Parts {
                opened,
                name: &name.0,
                top,
                keys,
                env,
                secrets,
                timeout: lock_timeout.0,
                connection,
            })),
            Err(finding) => {
                check.findings.push(*finding);
                None
            }
        }
    };
    let findings = check.findings;
    Ok(Resolved { name, sources, tree, lock_timeout, environment, findings })
}

/// The connection, and what a person should know about it. What is wrong with it stops only who needs it.
fn connect(inputs: &Inputs, opened: &Opened, found: &Found, check: &mut Check<'_>) -> ResolvedConnection {
    let (connection, findings) = connection::make(inputs, &opened.root, found, check.sources);
    let keys = show::connection(check.sources, inputs, found, connection.as_ref());
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Diagnostic::is_error);
    check.findings.extend(warnings);
    ResolvedConnection { outcome: connection.ok_or(errors), keys }
}

fn engine(said: &Node, section: &Origin, name: &str, check: &mut Check<'_>) -> Option<EngineWord> {
    match said.get("engine").map(|node| node.as_str().unwrap_or_default()) {
        Some("embedded") => Some(EngineWord::Embedded),
        Some("snowflake") => Some(EngineWord::Snowflake),
        // Anything else is a finding of the file's check.
        Some(_) => None,
        None if said.get("connection").is_some() || said.get("account").is_some() => {
            Some(EngineWord::Snowflake)
        }
        None => {
            let message = format!("the environment `{name}` does not say what it migrates");
            let finding = Diagnostic::error(Code::InvalidValue, message)
                .hint("write `engine: embedded`, or `connection:` (or `account:`) for Snowflake");
            check.report(section, finding);
            None
        }
    }
}

/// Keys of the other engine: a fault in a file; from a variable, which may be set for several environments, a
/// warning.
fn foreign_keys(said: &mut Node, engine: Option<EngineWord>, check: &mut Check<'_>) {
    let (foreign, word): (&[&str], _) = match engine {
        Some(EngineWord::Embedded) => (&["connection", "account", "user"], "embedded"),
        Some(EngineWord::Snowflake) => (&["path"], "snowflake"),
        None => return,
    };
    for key in foreign {
        let Some(node) = said.get(key) else { continue };
        let message = format!("`{key}` means nothing with `engine: {word}`");
        let origin = node.origin.clone();
        if let Origin::Variable(name) = &origin {
            let message = format!("{name} is not used: {message}");
            check.findings.push(Diagnostic::warning(Code::InvalidValue, message));
            said.set(key, Node::new(Kind::Null, Origin::Default));
        } else {
            check.report(&origin, Diagnostic::error(Code::InvalidValue, message).hint("remove the key"));
        }
    }
    *said = said.clone().without_nulls();
}

fn lock(tree: &Node, connection: Option<&ResolvedConnection>, check: &mut Check<'_>) {
    let Some(node) = tree.at("lock.ttl") else { return };
    let Some(ttl) = node.as_str().and_then(words::duration) else { return };
    let host = match connection.map(|connection| &connection.outcome) {
        Some(Ok(made)) => Some(made.endpoint.host.as_str()),
        // Without a login nothing reaches the server, but the rule is about the server alone.
        Some(Err(_)) => tree.at("connection.host").and_then(Node::as_str),
        None => None,
    };
    let near = connection.is_none() || host.is_some_and(connection::is_loopback);
    if ttl < SHORTEST_REMOTE_TTL && !near {
        let finding =
            Diagnostic::error(Code::InvalidValue, "`lock.ttl` is under 60s, and the target is a server")
                .hint("write 60s or more: a shorter lease can be lost to a slow network");
        check.report(&node.origin, finding);
    }
}

fn lock_timeout(inputs: &Inputs, check: &mut Check<'_>) -> (Duration, Origin) {
    if let Some(timeout) = inputs.lock_timeout {
        return (timeout, Origin::Flag("--lock-timeout"));
    }
    let Some(text) = inputs.process.filled("SNOWOPS_LOCK_TIMEOUT") else {
        return (LOCK_TIMEOUT, Origin::Default);
    };
    let origin = Origin::Variable("SNOWOPS_LOCK_TIMEOUT".to_owned());
    let time = words::duration(text).unwrap_or_else(|| {
        let finding = Diagnostic::error(Code::InvalidValue, format!("`{text}` is no duration"));
        check.report(&origin, finding.hint(DURATION_HINT));
        LOCK_TIMEOUT
    });
    (time, origin)
}

/// The names that `env` lists, and whether each is a secret.
pub(super) fn env_names(tree: &Node) -> Vec<(&str, bool, &Origin)> {
    let items = tree.get("env").map(Node::items).unwrap_or_default();
    let also: Vec<_> = secret_names(tree).into_iter().map(|(name, _)| name).collect();
    items
        .iter()
        .filter_map(|item| {
            let name = item.as_str().or_else(|| item.get("name").and_then(Node::as_str))?;
            let told = item.get("secret").and_then(|secret| match secret.kind {
                Kind::Bool(value) => Some(value),
                _ => None,
            });
            let secret = told.unwrap_or_else(|| secret::name_is_secret(name)) || also.contains(&name);
            Some((name, secret, &item.origin))
        })
        .collect()
}

/// The names that `secrets` lists.
pub(super) fn secret_names(tree: &Node) -> Vec<(&str, &Origin)> {
    let items = tree.get("secrets").map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.as_str()?, &item.origin))).collect()
}

type Values = (BTreeMap<String, EnvValue>, BTreeMap<String, Option<SecretText>>);

fn process_values(inputs: &Inputs, tree: &Node, check: &mut Check<'_>) -> Values {
    let mut refused = Vec::new();
    let mut read = |check: &mut Check<'_>, name: &str, origin: &Origin| {
        secret::read(&inputs.process, name).unwrap_or_else(|finding| {
            if !refused.contains(&name.to_owned()) {
                refused.push(name.to_owned());
                check.report(origin, *finding);
            }
            None
        })
    };
    let mut secrets = BTreeMap::new();
    for (name, origin) in secret_names(tree) {
        secrets.insert(name.to_owned(), read(check, name, origin));
    }
    let mut env = BTreeMap::new();
    for (name, secret, origin) in env_names(tree) {
        let value = if secret {
            read(check, name, origin).map_or(EnvValue::Missing { secret }, EnvValue::Secret)
        } else {
            let text = inputs.process.get(name);
            if let Some(text) = text.filter(|text| is_undefined_reference(text)) {
                let message =
                    format!("`{name}` holds `{text}`, the text of a pipeline variable that is not defined");
                let finding = Diagnostic::warning(Code::InvalidValue, message)
                    .hint("define the variable in the pipeline, or correct its name");
                check.report(origin, finding);
            }
            text.map_or(EnvValue::Missing { secret }, |text| EnvValue::Text(text.to_owned()))
        };
        env.insert(name.to_owned(), value);
    }
    (env, secrets)
}

/// A template sees `vars` and `secrets` under their names, so one name cannot be both.
fn same_names(tree: &Node, check: &mut Check<'_>) {
    let vars = tree.get("vars").map(Node::entries).unwrap_or_default();
    for (name, origin) in secret_names(tree) {
        if vars.iter().any(|entry| entry.key.eq_ignore_ascii_case(name)) {
            let message = format!("`{name}` is listed under `secrets` and has a value under `vars`");
            let finding = Diagnostic::error(Code::InvalidSecret, message).hint("keep one of the two");
            check.report(origin, finding);
        }
    }
}

/// The checked tree as types. What does not fit is a fault of the check, not of the user.
fn typed(tree: &Node) -> Result<(TopKeys, EnvironmentKeys), Box<Diagnostic>> {
    let part = |level: Level| {
        let entries = tree.entries().iter();
        let wanted = |name: &str| KEYS.iter().any(|key| key.name == name && key.level == level);
        let both = |name: &str| {
            level == Level::Environment && KEYS.iter().any(|k| k.name == name && k.level == Level::Both)
        };
        let map: Map<String, Value> = entries
            .filter(|entry| wanted(&entry.key) || both(&entry.key))
            .map(|entry| (entry.key.clone(), entry.value.to_json()))
            .collect();
        Value::Object(map)
    };
    let fault = |error: serde_json::Error| {
        let message = format!("a checked configuration does not fit its types: {error}");
        Box::new(Diagnostic::error(Code::Internal, message))
    };
    let top = serde_json::from_value(part(Level::Top)).map_err(fault)?;
    let keys = serde_json::from_value(part(Level::Environment)).map_err(fault)?;
    Ok((top, keys))
}

struct Parts<'a> {
    opened: &'a Opened,
    name: &'a str,
    top: TopKeys,
    keys: EnvironmentKeys,
    env: BTreeMap<String, EnvValue>,
    secrets: BTreeMap<String, Option<SecretText>>,
    timeout: Duration,
    connection: Option<ResolvedConnection>,
}

fn assemble(parts: Parts<'_>) -> Environment {
    let Parts { opened, name, top, keys, env, secrets, timeout, connection } = parts;
    let shared = keys.shared;
    let ident = |text: Option<String>| text.as_deref().map(Ident::written);
    let history = shared.history.unwrap_or_default();
    let lock = shared.lock.unwrap_or_default();
    let externals = shared.externals.unwrap_or_default();
    let engine = match connection {
        None => Engine::Embedded { path: opened.root.join(keys.path.unwrap_or_default()) },
        Some(connection) => Engine::Snowflake { connection: Box::new(connection) },
    };
    let time = |text: Option<String>| text.as_deref().and_then(words::duration);
    Environment {
        name: name.to_owned(),
        project: top.project.unwrap_or_else(|| load::project_name(&opened.root)),
        root: opened.root.clone(),
        engine,
        context: Context4 {
            role: ident(keys.role),
            warehouse: ident(keys.warehouse),
            database: ident(keys.database),
            schema: ident(keys.schema),
        },
        secondary_roles: match keys.secondary_roles {
            Some(SecondaryRolesWord::All) => SecondaryRoles::All,
            Some(SecondaryRolesWord::Default) => SecondaryRoles::Default,
            Some(SecondaryRolesWord::None) | None => SecondaryRoles::None,
        },
        parameters: keys
            .parameters
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (Ident::written(&name).as_str().to_owned(), value.into_text()))
            .collect(),
        statement_timeout: time(shared.statement_timeout),
        migrations: shared.migrations.unwrap_or_default().into_iter().map(Utf8PathBuf::from).collect(),
        templates: shared.templates.unwrap_or_default().into(),
        encoding: shared.encoding.unwrap_or_default(),
        placeholders: shared.placeholders.unwrap_or_default(),
        naming: naming(top.naming),
        ignore: top.ignore.unwrap_or_default(),
        vars: shared.vars.unwrap_or_default(),
        env,
        secrets,
        ledger: LedgerName {
            database: Ident::written(&history.database.unwrap_or_default()),
            schema: Ident::written(&history.schema.unwrap_or_default()),
            table: history.table.unwrap_or_default(),
        },
        lock: LockSettings {
            ttl: time(lock.ttl).unwrap_or(Duration::from_mins(2)),
            warehouse: ident(lock.warehouse),
            timeout,
        },
        externals: Externals {
            databases: externals.databases.unwrap_or_default(),
            roles: externals.roles.unwrap_or_default(),
            warehouses: externals.warehouses.unwrap_or_default(),
            others: externals.others.unwrap_or_default(),
            snapshots: externals
                .snapshots
                .unwrap_or_default()
                .into_iter()
                .map(|file| opened.root.join(file))
                .collect(),
        },
        installed_by: shared.installed_by,
        query_tag: shared.query_tag,
        protected: keys.protected.unwrap_or_default(),
    }
}

pub(super) fn naming(keys: Option<NamingKeys>) -> Naming {
    let keys = keys.unwrap_or_default();
    let prefixes = keys.prefixes.unwrap_or_default();
    let usual = Naming::default();
    Naming {
        versioned: prefixes.versioned.unwrap_or(usual.versioned),
        repeatable: prefixes.repeatable.unwrap_or(usual.repeatable),
        always: prefixes.always.unwrap_or(usual.always),
        baseline: prefixes.baseline.unwrap_or(usual.baseline),
        undo: prefixes.undo.unwrap_or(usual.undo),
        separator: keys.separator.unwrap_or(usual.separator),
        suffixes: keys.suffixes.unwrap_or(usual.suffixes),
    }
}
