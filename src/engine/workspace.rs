//! One environment with everything that a use case needs to work on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::Utf8Path;

use crate::{
    catalog,
    config::{self, Engine, Environment, Surroundings},
    diagnostic::{Code, Diagnostic},
    engine::{Stop, StopKind},
    files,
    model::{
        secret::SecretText,
        target::{LedgerName, Purpose, SessionSpec},
    },
    render::{Builtins, EnvValue, FlywayDefaults, RenderSettings, Renderer},
    session::{
        Connector, Session,
        context::Context,
        embedded::{EmbeddedConnector, EmbeddedSettings},
        snowflake::{Notices, SnowflakeConnector, SnowflakeSettings},
    },
    source::{Resolved, SourceSettings, directory},
};

/// One environment, ready to work on.
pub struct Workspace {
    /// Its configuration.
    pub environment: Environment,
    /// Names of all environments of the project.
    pub environments: BTreeSet<String>,
    /// Clock and ids.
    pub context: Context,
    /// User, host, commit, pipeline.
    pub surroundings: Surroundings,
    /// Hears of waits for a server.
    pub notices: Notices,
}

impl Workspace {
    /// Finds all scripts. No SQL is read yet.
    pub fn resolve(&self) -> Resolved {
        directory::resolve(&self.source())
    }

    fn source(&self) -> SourceSettings {
        let e = &self.environment;
        SourceSettings {
            root: e.root.clone(),
            migrations: e.migrations.clone(),
            templates: e.templates.clone(),
            naming: e.naming.clone(),
            ignore: e.ignore.clone(),
            encoding: e.encoding.clone(),
        }
    }

    /// The renderer for this environment.
    pub fn renderer(&self) -> Renderer {
        let e = &self.environment;
        let name = |ident: &Option<crate::model::ident::Ident>| ident.as_ref().map(|i| i.as_str().to_owned());
        let now = self.context.clock.now();
        let settings = RenderSettings {
            vars: e.vars.clone(),
            builtins: Builtins {
                environment: Some(e.name.clone()),
                database: name(&e.context.database),
                schema: name(&e.context.schema),
                role: name(&e.context.role),
                warehouse: name(&e.context.warehouse),
            },
            env: e.env.iter().map(|(name, value)| (name.clone(), env_value(value))).collect(),
            secrets: e.secrets.keys().cloned().collect(),
            placeholders: e.placeholders,
            flyway: FlywayDefaults {
                default_schema: name(&e.context.schema),
                user: Some(self.user()),
                database: name(&e.context.database),
                timestamp: Some(
                    crate::execute::emit::rfc3339(now).get(..19).unwrap_or_default().replace('T', " "),
                ),
                table: Some(e.ledger.table.clone()),
                environment: Some(e.name.clone()),
                working_directory: Some(e.root.to_string()),
            },
        };
        Renderer::new(settings, Arc::new(directory::Templates::new(&e.root, &e.templates)))
    }

    /// Values of `${name}` in `.conf` files: the variables, and Flyway's own names.
    pub fn placeholders(&self) -> BTreeMap<String, String> {
        let e = &self.environment;
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut all: BTreeMap<String, String> =
            e.vars.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let context = [("defaultSchema", &e.context.schema), ("database", &e.context.database)];
        for (name, ident) in context {
            if let Some(ident) = ident {
                all.insert(format!("flyway:{name}"), ident.as_str().to_owned());
            }
        }
        all.insert("flyway:environment".into(), e.name.clone());
        all.insert("flyway:table".into(), e.ledger.table.clone());
        all
    }

    /// What opens sessions with the target.
    pub fn connector(&self) -> Result<Arc<dyn Connector>, Stop> {
        let e = &self.environment;
        match &e.engine {
            Engine::Embedded { path } => Ok(Arc::new(self.embedded(path)?)),
            Engine::Snowflake { connection } => {
                let connection = connection.outcome.clone().map_err(|findings| unusable(&findings))?;
                Ok(Arc::new(SnowflakeConnector::new(SnowflakeSettings {
                    connection,
                    secrets: self.secrets(),
                    lease: e.lock.ttl,
                    context: self.context.clone(),
                    notices: self.notices.clone(),
                })))
            }
        }
    }

    /// The environment's embedded target.
    pub(super) fn embedded(&self, path: &Utf8Path) -> Result<EmbeddedConnector, Stop> {
        Ok(EmbeddedConnector::new(EmbeddedSettings {
            path: path.to_owned(),
            environment: self.environment.name.clone(),
            user: self.user(),
            seed: self.seed()?,
            context: self.context.clone(),
        }))
    }

    /// What a model of this environment begins with.
    pub(super) fn seed(&self) -> Result<catalog::Seed, Stop> {
        let e = &self.environment;
        let snapshots = e.externals.snapshots.iter().map(|file| read_snapshot(file));
        Ok(catalog::Seed {
            account: "EMBEDDED".into(),
            context: e.context.clone(),
            externals: catalog::Externals {
                databases: e.externals.databases.clone(),
                roles: e.externals.roles.clone(),
                warehouses: e.externals.warehouses.clone(),
                others: e.externals.others.clone(),
            },
            snapshots: snapshots.collect::<Result<_, _>>().map_err(|finding| {
                let hint = "`externals.snapshots` lists files that `snowops snapshot --out FILE` wrote";
                Stop::new(StopKind::Config, finding.hint(hint))
            })?,
            now: crate::execute::emit::rfc3339(self.context.clock.now()),
        })
    }

    /// The values for slots: of `secrets`, and of the names under `env` that count as secrets.
    fn secrets(&self) -> BTreeMap<String, SecretText> {
        let e = &self.environment;
        let listed = e.secrets.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let env = e.env.iter().filter_map(|(name, value)| match value {
            config::EnvValue::Secret(secret) => Some((name.clone(), secret.clone())),
            config::EnvValue::Text(_) | config::EnvValue::Missing { .. } => None,
        });
        env.chain(listed).collect()
    }

    /// How a session starts.
    pub fn session(&self, purpose: Purpose) -> SessionSpec {
        let e = &self.environment;
        SessionSpec {
            purpose,
            context: e.context.clone(),
            secondary_roles: e.secondary_roles,
            parameters: e.parameters.clone(),
            statement_timeout: e.statement_timeout,
        }
    }

    /// Opens a keeper session.
    pub async fn keeper(&self, connector: &dyn Connector) -> Result<Box<dyn Session>, Stop> {
        let opened = connector.open(self.session(Purpose::Keeper)).await;
        opened.map_err(|error| Stop::db(&format!("connecting to {}", self.place()), &error))
    }

    /// Who runs snowops, as far as the machine tells.
    fn user(&self) -> String {
        self.surroundings.user.clone().unwrap_or_else(|| "unknown".into())
    }

    /// The target in words.
    pub fn place(&self) -> String {
        let e = &self.environment;
        let database = e.context.database.as_ref().map_or_else(String::new, ToString::to_string);
        match &e.engine {
            Engine::Embedded { path } => {
                format!("{database} on the embedded engine ({})", path.strip_prefix(&e.root).unwrap_or(path))
            }
            Engine::Snowflake { .. } => format!("{database} on Snowflake"),
        }
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> &LedgerName {
        &self.environment.ledger
    }
}

/// A file that `snapshot` wrote.
pub(super) fn read_snapshot(file: &Utf8Path) -> Result<catalog::Catalog, Diagnostic> {
    let wrong = |why: String| {
        Diagnostic::error(Code::UnreadableFile, format!("the snapshot {file} cannot be read: {why}"))
            .in_file(file.as_str())
    };
    let text = files::read_text(file).map_err(|error| wrong(error.reason.to_string()))?;
    catalog::Catalog::from_text(&text).map_err(wrong)
}

/// The stop for a connection that cannot be made: the first finding, with the others beside it.
fn unusable(findings: &[Diagnostic]) -> Stop {
    let mut findings = findings.iter();
    let first = findings.next().cloned();
    let first = first.unwrap_or_else(|| Diagnostic::error(Code::InvalidConnection, "there is no connection"));
    let finding = findings.fold(first, |finding, other| match &other.hint {
        Some(hint) => finding.note(format!("{other}; {hint}")),
        None => finding.note(other.to_string()),
    });
    Stop::new(StopKind::Config, finding)
}

/// Secrets stay behind: templates see their slots.
fn env_value(value: &config::EnvValue) -> EnvValue {
    match value {
        config::EnvValue::Text(text) => EnvValue::Text(text.clone()),
        config::EnvValue::Secret(_) => EnvValue::Secret,
        config::EnvValue::Missing { .. } => EnvValue::Missing,
    }
}
