//! The evaluation as it is shown.

use super::evaluate::{Entry, Evaluation};
use crate::model::{
    history::abbreviate_script,
    journal::JournalBody,
    name::MigrationKind,
    plan::{JournalFacts, MigrationStatus},
};

impl Evaluation<'_> {
    /// Every migration and row with its state, in display order.
    pub(super) fn statuses(&self) -> Vec<MigrationStatus> {
        self.entries
            .iter()
            .map(|entry| MigrationStatus {
                migration: entry.migration().cloned(),
                prepared: entry.prepared.cloned(),
                applied: entry.row.map(|at| self.history.rows[at].stored.clone()),
                journal: self.journal_facts(entry),
                state: entry.state.clone(),
            })
            .collect()
    }

    fn journal_facts(&self, entry: &Entry<'_>) -> Option<JournalFacts> {
        if let Some(known) = entry.journal {
            let last = self.journal.last_of(known.script, known.run);
            return Some(JournalFacts {
                source_sha: Some(known.body.source_sha),
                rendered_sha: Some(known.body.rendered_sha),
                at: last.map(|row| row.at.clone()),
                user: self.journal.user(known.run).map(str::to_owned),
                execution_ms: None,
                query_id: self.journal.query_id(known.script, known.run).map(str::to_owned),
            });
        }
        let migration = entry.migration().filter(|migration| migration.kind == MigrationKind::Always)?;
        let row = self.journal.done(&abbreviate_script(&migration.script))?;
        let JournalBody::Done { rendered_sha, execution_ms, query_id } = &row.body else { return None };
        Some(JournalFacts {
            source_sha: None,
            rendered_sha: Some(*rendered_sha),
            at: Some(row.at.clone()),
            user: self.journal.user(&row.run).map(str::to_owned),
            execution_ms: Some(*execution_ms),
            query_id: query_id.clone(),
        })
    }
}
