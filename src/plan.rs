//! What a migrate would do, decided from values alone: the scripts on disk, the history and the journal.
//!
//! Everything here is pure and total: no database, no clock, no environment. Each function returns all that it
//! finds. [`states()`], [`validate()`] and [`plan()`] are views of one evaluation, so they never disagree.

mod boundaries;
mod callbacks;
mod compare;
mod context;
mod evaluate;
mod explain;
mod guard;
mod journal;
mod needs;
mod order;
mod resume;
mod standing;
mod status;
mod answers;
mod steps;
mod validate;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

pub use answers::{
    aligned, current_version, kind_of, known_run, left_running, open_runs, row_digest, sends_again,
    takes_over, version_after,
};
pub use boundaries::{boundaries, planned, script_body};
pub use compare::{compare, digest};
pub use guard::lacks_rows;
pub use journal::{Attempt, Begun, FailedAt, ScriptState, script_state};
pub use needs::{Needs, needs_body};
pub use resume::settle;
pub use standing::{confirmed_before, made_before, standing};
pub use steps::{always, pending};

use crate::{
    diagnostic::Diagnostic,
    model::{
        checksum::Sha256,
        history::HistoryRow,
        journal::JournalRow,
        migration::Prepared,
        plan::{MigrationStatus, Plan, Target},
        target::{Context4, LedgerName},
    },
};

/// All that planning looks at.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Every script that was resolved, callbacks included.
    pub migrations: &'a [Arc<Prepared>],
    /// The history table, in any order.
    pub history: &'a [HistoryRow],
    /// What was read of the journal, in the order in which it was written.
    pub journal: &'a [JournalRow],
    /// Templates as they are on disk now, by file, for those that the journal names.
    pub templates: &'a BTreeMap<String, Sha256>,
    /// What the user asked for.
    pub policy: &'a Policy,
}

/// What the user asked for, as far as it decides what runs.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How far to migrate.
    pub target: Target,
    /// Whether versions below the highest applied one are applied too.
    pub out_of_order: bool,
    /// What to do with a script that an earlier run left half applied.
    pub resume: ResumePolicy,
    /// Name of the environment, for scripts that are not for all of them.
    pub environment: String,
    /// The ledger's tables, which no script may take away.
    pub ledger: LedgerName,
    /// Where each script's session starts.
    pub context: Context4,
    /// `validate --pending`: a script that waits is an error.
    pub strict_pending: bool,
}

/// What to do with a script that an earlier run left half applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ResumePolicy {
    /// Go on from the statement that failed, where the journal proves how far the run came.
    #[default]
    Auto,
    /// Stop; `repair` comes first.
    Never,
}

/// Where every migration and every history row stands, in display order: Flyway's order, `A__` scripts last.
/// Callbacks are not listed.
pub fn states(given: &Given<'_>) -> Vec<MigrationStatus> {
    evaluate::Evaluation::of(given).statuses()
}

/// Every reason why the files and the target do not agree.
pub fn validate(given: &Given<'_>) -> Vec<Diagnostic> {
    validate::findings(&evaluate::Evaluation::of(given), validate::Purpose::Validate)
}

/// What the next migrate does, with all findings. Nothing may run if one of them is an error; the steps are listed
/// all the same.
pub fn plan(given: &Given<'_>) -> Plan {
    steps::plan(&evaluate::Evaluation::of(given))
}
