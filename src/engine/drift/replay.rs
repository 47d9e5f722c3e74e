//! What the applied migrations make: their statements, in the order of the history, on an empty model.

use std::{collections::BTreeSet, sync::Arc};

use super::super::{Stop, Workspace, survey::Scripts};
use crate::{
    catalog::{Catalog, Effect, Seed, SessionState, Stamp, apply, unread},
    ledger::LedgerState,
    model::{
        checksum::Sha256,
        ident::{Ident, QualifiedName},
        journal::JournalBody,
        kind::{KindScope, ObjectKind},
        migration::{Body, Prepared},
        name::MigrationKind,
        plan::MigrationStatus,
        state::MigrationState,
        statement::Statement,
        target::Context4,
    },
    sql::command::{command, written},
};

/// Something whose effect is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The script.
    pub script: String,
    /// The statement, from 1; none: all of it.
    pub ordinal: Option<usize>,
    /// Why.
    pub why: String,
}

/// What the scripts made.
pub(super) struct Made {
    pub(super) catalog: Catalog,
    /// Scripts that were used.
    pub(super) scripts: usize,
    pub(super) unusable: Vec<Unusable>,
    /// Full names of objects that unusable scripts and statements speak of.
    pub(super) touched: BTreeSet<String>,
}

/// One applied script: when it comes, and what there is of it now.
struct Applied {
    /// Callbacks before migrations first, then history rows by rank, then `A__` scripts, then other callbacks.
    order: (u8, i64, String),
    script: String,
    body: Result<Arc<Prepared>, String>,
    /// The file as it is now, for the names in it, where it cannot be used.
    found: Option<Arc<Prepared>>,
}

pub(super) fn replay(workspace: &Workspace, scripts: &Scripts, state: &LedgerState) -> Result<Made, Stop> {
    let seed = Seed { now: "1970-01-01T00:00:00Z".to_owned(), ..workspace.seed()? };
    let home = &workspace.environment.context;
    let mut made =
        Made { catalog: Catalog::new(&seed), scripts: 0, unusable: Vec::new(), touched: BTreeSet::new() };
    let mut all = applied(workspace, scripts, state);
    all.sort_by(|a, b| a.order.cmp(&b.order));
    for one in all {
        match one.body {
            Ok(prepared) => {
                made.scripts += 1;
                made.script(&prepared, home);
            }
            Err(why) => {
                let statements = one.found.as_ref().and_then(|prepared| prepared.rendered());
                for statement in statements.iter().flat_map(|rendered| &rendered.statements) {
                    made.touch(statement, home);
                }
                made.unusable.push(Unusable { script: one.script, ordinal: None, why });
            }
        }
    }
    Ok(made)
}

impl Made {
    /// Each script starts from the same session.
    fn script(&mut self, prepared: &Prepared, home: &Context4) {
        let settings = &prepared.settings;
        let context = Context4 {
            role: settings.role.clone().or_else(|| home.role.clone()),
            warehouse: settings.warehouse.clone().or_else(|| home.warehouse.clone()),
            ..home.clone()
        };
        let mut session = SessionState::new(context);
        let statements = prepared.rendered().map_or(&[][..], |rendered| &rendered.statements);
        for statement in statements {
            let why = self.statement(statement, &mut session);
            if let Some(why) = why {
                let standing = session.context.clone();
                self.touch(statement, &standing);
                self.unusable.push(Unusable {
                    script: prepared.migration.script.clone(),
                    ordinal: Some(statement.ordinal),
                    why,
                });
            }
        }
    }

    /// Applies one statement; answers why its effect is not known.
    fn statement(&mut self, statement: &Statement, session: &mut SessionState) -> Option<String> {
        let stamp = Stamp { now: "1970-01-01T00:00:00Z".to_owned(), query_id: String::new() };
        if statement.settings.local_opaque {
            apply(&mut self.catalog, session, &unread(&statement.text), &stamp);
            return Some("it is marked `local=opaque`".to_owned());
        }
        let parsed = match command(&statement.text) {
            Ok(parsed) => parsed,
            Err(error) => return Some(format!("the model cannot read it: {}", last_line(&error.message))),
        };
        match apply(&mut self.catalog, session, &parsed, &stamp) {
            Effect::Opaque(_) => Some("what it runs is not looked into".to_owned()),
            Effect::Refused(error) => Some(format!("the model refuses it: {}", last_line(&error.message))),
            Effect::Applied(_) | Effect::Checked(_) | Effect::Recorded(_) => None,
        }
    }

    /// Remembers what a statement of unknown effect names.
    fn touch(&mut self, statement: &Statement, at: &Context4) {
        let facts = &statement.facts;
        for object in facts.object.iter().chain(&facts.defines).chain(&facts.destroys) {
            self.touched.extend(full_name(object.kind, &object.name, at));
        }
    }
}

/// The sentence of a message that says what is wrong.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or(message)
}

/// A name as differences have it.
fn full_name(kind: ObjectKind, name: &QualifiedName, at: &Context4) -> Option<String> {
    let join = |parts: &[&Ident]| parts.iter().map(|part| written(part)).collect::<Vec<_>>().join(".");
    match kind.scope() {
        KindScope::Account => Some(join(&[&name.name])),
        // The part before the name of a schema is its database.
        KindScope::Database => {
            let database = name.database.as_ref().or(name.schema.as_ref()).or(at.database.as_ref())?;
            Some(join(&[database, &name.name]))
        }
        KindScope::Schema => {
            let database = name.database.as_ref().or(at.database.as_ref())?;
            let schema = name.schema.as_ref().or(at.schema.as_ref())?;
            Some(join(&[database, schema, &name.name]))
        }
        _ => None,
    }
}

fn applied(workspace: &Workspace, scripts: &Scripts, state: &LedgerState) -> Vec<Applied> {
    let prepared = scripts.prepare_all(workspace);
    let find = |script: &str| prepared.iter().find(|one| one.migration.script == script).cloned();
    let survey = scripts.survey(workspace, &super::super::survey::PlanOptions::default(), state.clone());
    let mut all: Vec<Applied> =
        survey.plan.migrations.iter().filter_map(|status| of_status(status, &find)).collect();
    // Callbacks have no row in the history.
    for one in prepared.iter().filter(|one| one.migration.kind == MigrationKind::Callback) {
        let script = &one.migration.script;
        let done = state.journal.iter().rev().find_map(|row| match &row.body {
            JournalBody::Done { rendered_sha, .. } if row.script.as_ref() == Some(script) => {
                Some(*rendered_sha)
            }
            _ => None,
        });
        let Some(sha) = done else { continue };
        let before = one.migration.event.as_deref().is_some_and(|event| event.starts_with("before"));
        let order = (if before { 0 } else { 3 }, 0, script.clone());
        all.push(Applied {
            order,
            script: script.clone(),
            body: usable(one, Some(sha)),
            found: Some(Arc::clone(one)),
        });
    }
    all
}

fn of_status(status: &MigrationStatus, find: &dyn Fn(&str) -> Option<Arc<Prepared>>) -> Option<Applied> {
    let row = status.applied.as_ref();
    let script = row.map(|row| row.script.clone());
    let script = script.or_else(|| status.migration.as_ref().map(|one| one.script.clone()))?;
    let found = find(&script);
    let rendered = status.journal.as_ref().and_then(|journal| journal.rendered_sha);
    let now = || match &found {
        Some(found) => usable(found, rendered),
        None => Err("its file is gone".to_owned()),
    };
    let body = match &status.state {
        MigrationState::Success | MigrationState::OutOfOrder => now(),
        // A row that only says that Flyway made the schema has no script.
        MigrationState::Baseline
            if row.is_some_and(|row| row.kind == crate::model::history::RowType::Schema) =>
        {
            return None;
        }
        MigrationState::Baseline => Err("a baseline: what was there before it is not known".to_owned()),
        MigrationState::Outdated | MigrationState::Changed { .. } => {
            Err("its file changed after it was applied".to_owned())
        }
        MigrationState::MissingSuccess | MigrationState::FutureSuccess => Err("its file is gone".to_owned()),
        MigrationState::Failed { .. }
        | MigrationState::Unknown { .. }
        | MigrationState::MissingFailed
        | MigrationState::FutureFailed => Err("it stopped halfway".to_owned()),
        MigrationState::Always { .. } => {
            // It never ran here.
            rendered?;
            now()
        }
        MigrationState::Pending
        | MigrationState::AboveTarget
        | MigrationState::BelowBaseline
        | MigrationState::BaselineIgnored
        | MigrationState::Ignored { .. }
        | MigrationState::Undone
        | MigrationState::Available
        | MigrationState::Superseded
        | MigrationState::Deleted => return None,
    };
    let order = row.map_or_else(|| (2, 0, script.clone()), |row| (1, row.rank, String::new()));
    Some(Applied { order, script, body, found })
}

/// A script, if it renders to what was applied.
fn usable(found: &Arc<Prepared>, applied: Option<Sha256>) -> Result<Arc<Prepared>, String> {
    match &found.body {
        Body::Ready(rendered) if applied.is_none_or(|sha| sha == rendered.sha) => Ok(Arc::clone(found)),
        Body::Ready(_) => Err("it renders to another text than was applied".to_owned()),
        Body::Broken(findings) => {
            let why = findings.iter().find(|finding| finding.is_error());
            Err(format!("it cannot be rendered: {}", why.map_or("", |finding| finding.message.as_str())))
        }
        Body::Skipped => Err("it was not rendered".to_owned()),
    }
}
