//! `doctor`: goes through everything that a migrate needs and says what is wrong and how to mend it.

mod needs;
mod places;
mod snowflake;
mod state;

use std::time::Duration;

use super::{Stop, StopKind, Workspace, survey::read};
use crate::{
    config::Engine,
    diagnostic::{Code, Diagnostic},
    ledger::{self, Presence},
    plan,
    session::Liveness,
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

/// Looks at configuration, scripts, connection, role, places, history, lease and privileges. Writes nothing.
/// With `plan_only` it does not ask for what a migrate needs beyond planning.
pub async fn doctor(workspace: &Workspace, warnings: &[Diagnostic], plan_only: bool) -> Vec<Check> {
    let mut checks = config(workspace, warnings);
    checks.push(scripts(workspace));
    match &workspace.environment.engine {
        Engine::Snowflake { connection } => {
            checks.extend(snowflake::look(workspace, connection, plan_only).await);
        }
        Engine::Embedded { .. } => match embedded(workspace).await {
            Ok(more) => checks.extend(more),
            Err(stop) => {
                let name = match stop.kind {
                    StopKind::Connection | StopKind::Config => "connection",
                    _ => "history",
                };
                checks.push(Check::wrong(name, stop.finding.message, stop.finding.hint));
            }
        },
    }
    checks
}

/// The environment, or each warning about it. Who runs a pipeline does not choose the modes of its files: what is only
/// said of them is no fault.
fn config(workspace: &Workspace, warnings: &[Diagnostic]) -> Vec<Check> {
    let e = &workspace.environment;
    if warnings.is_empty() {
        let found = format!("environment '{}' of project '{}' in {}", e.name, e.project, e.root);
        return vec![Check::ok("config", found)];
    }
    let check = |warning: &Diagnostic| Check {
        ok: warning.code == Code::UnsafePermissions,
        ..Check::wrong("config", warning.to_string(), warning.hint.clone())
    };
    warnings.iter().map(check).collect()
}

fn scripts(workspace: &Workspace) -> Check {
    let resolved = workspace.resolve();
    let first = resolved.findings.iter().find(|f| f.is_error());
    match first {
        None => Check::ok("scripts", format!("{} found", resolved.migrations.len())),
        Some(first) => Check::wrong("scripts", first.to_string(), first.hint.clone()),
    }
}

/// The embedded engine: one file, no grants.
async fn embedded(workspace: &Workspace) -> Result<Vec<Check>, Stop> {
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let info = session.info().clone();
    let place = format!("{} as {} ({})", workspace.place(), info.user, info.server);
    let mut checks = vec![Check::ok("connection", place), Check::ok("context", context(&info.context))];
    let before = workspace.context.clock.now().wall;
    let found = read(workspace, session.as_mut()).await?;
    let name = workspace.ledger();
    checks.push(state::history(name, &found.presence, found.history.len(), false));
    if let Some(server) = found.server_now.as_deref().and_then(state::wall) {
        checks.push(state::clock(server, (before, workspace.context.clock.now().wall)));
    }
    if found.presence == Presence::Present {
        let row = ledger::lock_row(session.as_mut(), name, Duration::ZERO, &workspace.context).await;
        checks.push(match row {
            Ok(row) => state::lease(&row, &plan::open_runs(&found.journal), Liveness::OsLock),
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
