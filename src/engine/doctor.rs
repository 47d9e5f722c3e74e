//! `doctor`: goes through everything that a migrate needs and says what is wrong and how to mend it.

mod snowflake;

use std::time::Duration;

use super::{Stop, StopKind, Workspace, survey::read};
use crate::{
    config::Engine,
    diagnostic::Diagnostic,
    ledger::{self, Presence},
    session::{Connector, Liveness},
};

/// One thing that was looked at.
#[derive(Debug)]
pub struct Check {
    /// Its name, one word.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into(), hint: None }
    }

    fn wrong(name: &'static str, detail: impl Into<String>, hint: Option<String>) -> Self {
        Self { name, ok: false, detail: detail.into(), hint }
    }
}

/// Looks at configuration, scripts, connection, clock, history and lease. Writes nothing.
pub async fn doctor(workspace: &Workspace, warnings: &[Diagnostic]) -> Vec<Check> {
    let mut checks = vec![config(workspace, warnings), scripts(workspace)];
    let usable = match &workspace.environment.engine {
        Engine::Embedded { .. } => true,
        Engine::Snowflake { connection } => {
            checks.extend(snowflake::settings(connection));
            connection.outcome.is_ok()
        }
    };
    if usable {
        match connect(workspace).await {
            Ok(more) => checks.extend(more),
            Err(stop) => {
                let name = match stop.kind {
                    StopKind::Connection => login_name(workspace),
                    StopKind::Config => "connection",
                    _ => "history",
                };
                checks.push(Check::wrong(name, stop.finding.message, stop.finding.hint));
            }
        }
    }
    checks.extend(grants(workspace));
    checks
}

/// The grants that roles need; nothing on the embedded engine, which enforces none.
fn grants(workspace: &Workspace) -> Vec<Check> {
    match workspace.environment.engine {
        Engine::Embedded { .. } => Vec::new(),
        Engine::Snowflake { .. } => snowflake::grants(workspace.ledger(), &workspace.environment.context),
    }
}

/// What a login to this environment is called: on the embedded engine there is nothing to log in to.
fn login_name(workspace: &Workspace) -> &'static str {
    match workspace.environment.engine {
        Engine::Embedded { .. } => "connection",
        Engine::Snowflake { .. } => "login",
    }
}

fn config(workspace: &Workspace, warnings: &[Diagnostic]) -> Check {
    let e = &workspace.environment;
    let found = format!("environment '{}' of project '{}' in {}", e.name, e.project, e.root);
    match warnings.first() {
        None => Check::ok("config", found),
        Some(first) => Check::wrong("config", first.to_string(), first.hint.clone()),
    }
}

fn scripts(workspace: &Workspace) -> Check {
    let resolved = workspace.resolve();
    let first = resolved.findings.iter().find(|f| f.is_error());
    match first {
        None => Check::ok("scripts", format!("{} found", resolved.migrations.len())),
        Some(first) => Check::wrong("scripts", first.to_string(), first.hint.clone()),
    }
}

async fn connect(workspace: &Workspace) -> Result<Vec<Check>, Stop> {
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let info = session.info().clone();
    let place = format!("{} as {} ({})", workspace.place(), info.user, info.server);
    let mut checks = vec![Check::ok(login_name(workspace), place)];
    match workspace.environment.engine {
        Engine::Embedded { .. } => checks.push(Check::ok("context", context(&info.context))),
        Engine::Snowflake { .. } => {
            checks.extend(snowflake::places(&workspace.environment.context, &info.context));
        }
    }
    let before = workspace.context.clock.now().wall;
    let state = read(workspace, session.as_mut()).await?;
    checks.push(history(workspace, &state.presence, state.history.len()));
    if let Some(server) = state.server_now.as_deref().and_then(wall) {
        let skew = server.abs_diff(before).as_secs();
        let detail = format!("the server's clock and this machine's differ by {skew} s");
        checks.push(if skew <= 60 {
            Check::ok("clock", detail)
        } else {
            Check::wrong("clock", detail, Some("set this machine's clock; logins with a key need it".into()))
        });
    }
    if state.presence == Presence::Present {
        let row =
            ledger::lock_row(session.as_mut(), workspace.ledger(), Duration::ZERO, &workspace.context).await;
        checks.push(match row {
            Ok(row) => lease(connector.as_ref(), row.nonce.is_some().then(|| row.holder_words())),
            Err(error) => Check::wrong("lease", error.to_string(), None),
        });
    }
    session.close().await.map_err(|e| Stop::db("closing the session", &e))?;
    Ok(checks)
}

fn context(context: &crate::model::target::Context4) -> String {
    let word = |name: &str, ident: &Option<crate::model::ident::Ident>| {
        let value = ident.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        format!("{name} {value}")
    };
    [
        word("role", &context.role),
        word("warehouse", &context.warehouse),
        word("database", &context.database),
        word("schema", &context.schema),
    ]
    .join(", ")
}

fn history(workspace: &Workspace, presence: &Presence, rows: usize) -> Check {
    let name = workspace.ledger();
    let table = format!("{}.{}.\"{}\"", name.database, name.schema, name.table);
    match presence {
        Presence::Present => Check::ok("history", format!("{table}, rows: {rows}")),
        Presence::HistoryOnly => {
            Check::ok("history", format!("{table}, rows: {rows}, written by another tool"))
        }
        Presence::Absent | Presence::Unfinished | Presence::SchemaMissing | Presence::SchemaEmpty => {
            Check::ok("history", format!("{table} is absent; the first migrate creates it"))
        }
        Presence::NotVisible { role, name } => Check::wrong(
            "history",
            format!("{name} is absent, or role {role} may not see it"),
            Some("grant the role what it needs, or create it with `snowops migrate --create-history`".into()),
        ),
    }
}

fn lease(connector: &dyn Connector, holder: Option<String>) -> Check {
    match (holder, connector.capabilities().liveness) {
        (None, _) => Check::ok("lease", "free"),
        (Some(holder), Liveness::OsLock) => Check::ok(
            "lease",
            format!("last taken by {holder}; if that process is gone, the next migrate takes it at once"),
        ),
        (Some(holder), Liveness::ServerClock) => Check::ok("lease", format!("held by {holder}")),
    }
}

/// A server's time as the time since 1970. Servers print UTC, with or without saying so.
fn wall(text: &str) -> Option<Duration> {
    let text = text.replace(' ', "T");
    let time = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse()).ok()?;
    time.as_duration().try_into().ok()
}
