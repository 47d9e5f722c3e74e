//! The configuration as types: read from the checked tree, and the source of the JSON Schema.
//!
//! Doc comments here become the descriptions that editors show.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Configuration of a snowops project.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(title = "snowops.yml", extend("additionalProperties" = false))]
pub(super) struct TopKeys {
    /// Name of the project in tags, clone names and reports. The folder's name if not given.
    pub(super) project: Option<String>,
    /// Environment to use when none is chosen. Never a protected one.
    pub(super) default_environment: Option<String>,
    /// How names of migration files are read.
    pub(super) naming: Option<NamingKeys>,
    /// Files in the migrations folders that are no migrations, as globs.
    pub(super) ignore: Option<Vec<String>>,
    /// Places to migrate, by name.
    pub(super) environments: Option<BTreeMap<String, Option<EnvironmentKeys>>>,
    #[serde(flatten)]
    pub(super) shared: SharedKeys,
}

/// Keys at the top level and in an environment; the environment's win.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct SharedKeys {
    /// Folders with migrations, in order, from the project's folder.
    pub(super) migrations: Option<Vec<String>>,
    /// Folder with templates that migrations may include or import.
    pub(super) templates: Option<String>,
    /// Encoding of scripts, as a WHATWG label: utf-8, windows-1252, ...
    pub(super) encoding: Option<String>,
    /// Whether Flyway's `${name}` placeholders are replaced.
    pub(super) placeholders: Option<bool>,
    /// Values for templates, by name.
    pub(super) vars: Option<BTreeMap<String, Value>>,
    /// Variables of the process that `env_var()` may read.
    pub(super) env: Option<Vec<EnvKey>>,
    /// Variables of the process that hold secrets for scripts.
    pub(super) secrets: Option<Vec<String>>,
    /// Where the history table and its companions are.
    pub(super) history: Option<HistoryKeys>,
    /// The lease that keeps two runs apart.
    pub(super) lock: Option<LockKeys>,
    /// What the scripts use and do not create.
    pub(super) externals: Option<ExternalKeys>,
    /// Text for `installed_by` in the history table. The session's user if not given.
    pub(super) installed_by: Option<String>,
    /// Text in front of snowops' own query tag.
    pub(super) query_tag: Option<String>,
    /// Longest run of a statement: 90s, 10m, 2h.
    pub(super) statement_timeout: Option<String>,
}

/// A place to migrate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub(super) struct EnvironmentKeys {
    /// What to migrate: a Snowflake account or the embedded engine.
    pub(super) engine: Option<EngineWord>,
    /// File of the embedded engine. `.snowops/<environment>.db` if not given.
    pub(super) path: Option<String>,
    /// Name of a connection of the Snowflake CLI, or its keys.
    pub(super) connection: Option<ConnectionKey>,
    /// Snowflake account identifier.
    pub(super) account: Option<String>,
    /// User to log in as.
    pub(super) user: Option<String>,
    /// Role of each script.
    pub(super) role: Option<String>,
    /// Warehouse of each script.
    pub(super) warehouse: Option<String>,
    /// Database of each script.
    pub(super) database: Option<String>,
    /// Schema of each script.
    pub(super) schema: Option<String>,
    /// Secondary roles of each script. `none` if not given.
    pub(super) secondary_roles: Option<SecondaryRolesWord>,
    /// Session parameters of each script.
    pub(super) parameters: Option<BTreeMap<String, Scalar>>,
    /// Whether `migrate` asks for the environment's name, and `clean` is refused.
    pub(super) protected: Option<bool>,
    #[serde(flatten)]
    pub(super) shared: SharedKeys,
}

/// Engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EngineWord {
    Snowflake,
    Embedded,
}

/// Which secondary roles are active.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecondaryRolesWord {
    None,
    All,
    Default,
}

/// A text, a number or a truth value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Bool(bool),
    Number(serde_json::Number),
}

impl Scalar {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
        }
    }
}

/// A connection: its name, or keys of the Snowflake CLI that hold no secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "connections are made of the tree, which keeps the place of each key")]
pub(super) enum ConnectionKey {
    Name(String),
    Inline(BTreeMap<String, Scalar>),
}

/// A variable that `env_var()` may read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the tree is read for these, since each item's place is needed with its secret")]
pub(super) enum EnvKey {
    /// A name. It counts as a secret if PASS, PWD, SECRET, TOKEN or KEY is in it.
    Name(String),
    /// A name, and whether its value is a secret.
    Told(ToldEnvKey),
}

/// A name, and whether its value is a secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the tree is read for these, since each item's place is needed with its secret")]
pub(super) struct ToldEnvKey {
    /// Name of the variable.
    pub(super) name: String,
    /// Whether its value is a secret.
    pub(super) secret: Option<bool>,
}

/// Where the history table is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HistoryKeys {
    /// Database. The environment's if not given.
    pub(super) database: Option<String>,
    /// Schema. `SNOWOPS` if not given.
    pub(super) schema: Option<String>,
    /// Name of the history table, taken as written. `snowops_schema_history` if not given.
    pub(super) table: Option<String>,
}

/// The lease.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LockKeys {
    /// How long a lease lives without a heartbeat. `120s` if not given; under 60s only on the embedded engine or
    /// on this machine.
    pub(super) ttl: Option<String>,
    /// Warehouse for the lease's own statements. The environment's if not given.
    pub(super) warehouse: Option<String>,
}

/// What the scripts use and do not create.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExternalKeys {
    /// Databases, or patterns of objects in them: `RAW.*`.
    pub(super) databases: Option<Vec<String>>,
    /// Roles.
    pub(super) roles: Option<Vec<String>>,
    /// Warehouses.
    pub(super) warehouses: Option<Vec<String>>,
    /// Other objects of the account: users, integrations, shares, monitors.
    pub(super) others: Option<Vec<String>>,
    /// Files that `snowops snapshot` wrote: what they hold exists at start.
    pub(super) snapshots: Option<Vec<String>>,
}

/// How names of migration files are read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NamingKeys {
    /// What names start with.
    pub(super) prefixes: Option<PrefixKeys>,
    /// Between version and description. `__` if not given.
    pub(super) separator: Option<String>,
    /// What names end with. `[.sql]` if not given.
    pub(super) suffixes: Option<Vec<String>>,
}

/// What names of migration files start with.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PrefixKeys {
    /// Of versioned migrations. `V` if not given.
    pub(super) versioned: Option<String>,
    /// Of repeatable migrations. `R` if not given.
    pub(super) repeatable: Option<String>,
    /// Of migrations that run every time. `A` if not given.
    pub(super) always: Option<String>,
    /// Of baseline migrations. `B` if not given.
    pub(super) baseline: Option<String>,
    /// Of undo migrations. `U` if not given.
    pub(super) undo: Option<String>,
}

/// The JSON Schema of `snowops.yml`.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(TopKeys).to_value();
    drop_empty_defaults(&mut schema);
    schema
}

/// `"default": null` would tell an editor that nothing is the default; the real ones stand in the descriptions.
fn drop_empty_defaults(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("default").is_some_and(Value::is_null) {
                fields.shift_remove("default");
            }
            fields.values_mut().for_each(drop_empty_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty_defaults),
        _ => {}
    }
}
