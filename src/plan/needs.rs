//! Which scripts must be rendered and split at all.

use super::context::{History, Role};
use crate::model::{history::HistoryRow, journal::JournalRow, migration::Migration, name::MigrationKind};

/// Answers for many scripts after one look at the history.
pub struct Needs<'a> {
    history: History<'a>,
}

impl<'a> Needs<'a> {
    /// Reads the history. The journal decides nothing here: a script that it shows half applied has no row of
    /// success, and so is needed anyway.
    pub fn new(history: &'a [HistoryRow], _journal: &'a [JournalRow]) -> Self {
        Self { history: History::of(history) }
    }

    /// Whether planning, validating or running needs the script's body. Applied versioned scripts, those at or
    /// below the baseline, undo migrations, and baseline migrations once something is applied need none.
    pub fn body(&self, migration: &Migration) -> bool {
        match migration.kind {
            MigrationKind::Repeatable | MigrationKind::Always | MigrationKind::Callback => true,
            MigrationKind::Undo => false,
            MigrationKind::Baseline => self.history.is_empty() || self.has_failed(migration, Role::Baseline),
            MigrationKind::Versioned => self.needs_versioned(migration),
        }
    }

    fn needs_versioned(&self, migration: &Migration) -> bool {
        let Some(version) = &migration.version else { return true };
        if self.history.of_version(version, Role::Regular).is_some() {
            return self.has_failed(migration, Role::Regular);
        }
        self.history.baseline.as_ref().is_none_or(|baseline| version > baseline)
    }

    fn has_failed(&self, migration: &Migration, role: Role) -> bool {
        let row = migration.version.as_ref().and_then(|version| self.history.of_version(version, role));
        row.is_some_and(|at| !self.history.rows[at].stored.success)
    }
}

/// [`Needs::body`] for a single script.
pub fn needs_body(migration: &Migration, history: &[HistoryRow], journal: &[JournalRow]) -> bool {
    Needs::new(history, journal).body(migration)
}
