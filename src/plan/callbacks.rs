//! The callbacks of `migrate`, in the order of Flyway (`DbMigrate.java`).

use std::{collections::HashMap, sync::Arc};

use super::{evaluate::Evaluation, explain};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        migration::Prepared,
        name::MigrationKind,
        plan::{Action, Step},
    },
};

/// Before anything else.
pub(super) const BEFORE: &str = "beforeMigrate";
/// Before each script.
pub(super) const BEFORE_EACH: &str = "beforeEachMigrate";
/// After each script.
pub(super) const AFTER_EACH: &str = "afterEachMigrate";
/// When a script failed.
pub(super) const AFTER_EACH_ERROR: &str = "afterEachMigrateError";
/// Once all versioned scripts are through, also when there were none.
pub(super) const AFTER_VERSIONED: &str = "afterVersioned";
/// Before the first repeatable, if one runs.
pub(super) const BEFORE_REPEATABLES: &str = "beforeRepeatables";
/// At the end, if anything was applied.
pub(super) const AFTER_APPLIED: &str = "afterMigrateApplied";
/// At the end.
pub(super) const AFTER: &str = "afterMigrate";
/// When the migrate failed.
pub(super) const AFTER_ERROR: &str = "afterMigrateError";

const RUN: [&str; 9] = [
    BEFORE,
    BEFORE_EACH,
    AFTER_EACH,
    AFTER_EACH_ERROR,
    AFTER_VERSIONED,
    BEFORE_REPEATABLES,
    AFTER_APPLIED,
    AFTER,
    AFTER_ERROR,
];

/// Events that Flyway's `migrate` fires and snowops does not.
const NOT_RUN: [&str; 11] = [
    "beforeConnect",
    "afterConnect",
    "beforeValidate",
    "afterValidate",
    "afterValidateError",
    "createSchema",
    "beforeCreateSchema",
    "beforeEachMigrateStatement",
    "afterEachMigrateStatement",
    "afterEachMigrateStatementError",
    "afterMigrateOperationFinish",
];

/// The callbacks by event, each list in order of description.
pub(super) struct Callbacks<'a> {
    by_event: HashMap<&'a str, Vec<&'a Arc<Prepared>>>,
}

impl<'a> Callbacks<'a> {
    pub(super) fn of(evaluation: &Evaluation<'a>) -> Self {
        let mut by_event: HashMap<&str, Vec<&Arc<Prepared>>> = HashMap::new();
        for prepared in evaluation.given.migrations {
            let migration = &prepared.migration;
            if migration.kind != MigrationKind::Callback || evaluation.not_here(prepared).is_some() {
                continue;
            }
            if let Some(event) = &migration.event {
                by_event.entry(event).or_default().push(prepared);
            }
        }
        for list in by_event.values_mut() {
            list.sort_by(|a, b| {
                let (a, b) = (&a.migration, &b.migration);
                (&a.description, &a.script).cmp(&(&b.description, &b.script))
            });
        }
        Self { by_event }
    }

    /// Those of one event.
    pub(super) fn at(&self, event: &str) -> impl Iterator<Item = &'a Arc<Prepared>> + '_ {
        self.by_event.get(event).into_iter().flatten().copied()
    }

    /// The steps of one event, `script` being the script around which they run.
    pub(super) fn steps(&self, event: &str, script: Option<&str>) -> impl Iterator<Item = Step> + '_ {
        let reason = explain::callback(event, script);
        self.at(event).map(move |prepared| Step {
            prepared: Arc::clone(prepared),
            action: Action::Callback,
            reason: reason.clone(),
            from: 1,
            resume: None,
        })
    }

    /// Those that a migrate may run.
    pub(super) fn of_migrate(&self) -> impl Iterator<Item = &'a Arc<Prepared>> + '_ {
        RUN.iter().flat_map(|event| self.at(event))
    }

    /// Refuses callbacks that Flyway would run during a migrate: to leave them out in silence could change what the
    /// other scripts do.
    pub(super) fn refused(&self) -> Vec<Diagnostic> {
        let refused = NOT_RUN.iter().flat_map(|event| self.at(event));
        refused
            .map(|prepared| {
                let migration = &prepared.migration;
                let event = migration.event.as_deref().unwrap_or_default();
                Diagnostic::error(
                    Code::UnsupportedKind,
                    format!("{} is a callback for {event}, which snowops does not run", migration.script),
                )
                .in_file(&migration.file)
                .hint(
                    "move what it does to beforeMigrate or beforeEachMigrate, or to the environment's own keys \
                     (role, warehouse, parameters); or list the file under `ignore`",
                )
            })
            .collect()
    }
}
