//! What a migrate would do, as a value: printed, compared, saved and executed.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{
    checksum::Sha256,
    history::HistoryRow,
    ident::QualifiedName,
    journal::ScriptBody,
    kind::ObjectKind,
    migration::{Migration, Prepared},
    state::MigrationState,
    statement::Statement,
    version::Version,
};
use crate::diagnostic::Diagnostic;

/// The whole answer of planning: every finding, every migration's state, the steps.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is to be done, in order; callbacks included.
    pub steps: Vec<Step>,
    /// Callbacks for a failure: those of `afterEachMigrateError`, then those of `afterMigrateError`. They are not
    /// part of `steps`, because they run only when a step fails.
    pub on_error: Vec<Step>,
    /// Every migration and history row with its state, in display order.
    pub migrations: Vec<MigrationStatus>,
    /// Half applied scripts that match no file and no history row.
    pub orphans: Vec<String>,
    /// Scripts that were applied and whose row is gone from the history.
    pub lost: Vec<String>,
    /// Scripts whose row says the opposite of what the journal does: whether the journal says that they were applied.
    pub contradicted: BTreeMap<String, bool>,
    /// All findings; an error means that nothing may run.
    pub findings: Vec<Diagnostic>,
}

/// One script to run.
#[derive(Clone, Debug)]
pub struct Step {
    /// The script, rendered and split.
    pub prepared: Arc<Prepared>,
    /// What is done with it.
    pub action: Action,
    /// Why it is in the plan, one sentence.
    pub reason: String,
    /// Statement to start at, from 1; above 1 for a resume.
    pub from: usize,
    /// What a resume knows of the script's earlier attempt.
    pub resume: Option<Resume>,
}

impl Step {
    /// Statements of the script; 0 when it could not be rendered.
    pub fn statements(&self) -> &[Statement] {
        self.prepared.rendered().map_or(&[], |rendered| &rendered.statements)
    }
}

/// What is known of a script that a run left half applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The run that left it.
    pub run: String,
    /// Rank of its failed history row. `None`: the run was cut off before it could write one, and whoever holds
    /// the lease writes it before going on.
    pub rank: Option<i64>,
    /// The script as that run planned it.
    pub planned: ScriptBody,
    /// Statements known to be done.
    pub done: Vec<super::journal::Done>,
    /// A statement whose outcome must be settled first.
    pub unknown: Option<usize>,
    /// What to send again before going on, in order.
    pub replay: Vec<Replay>,
}

/// Something that a finished statement did to its session, to be done again in a fresh one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Send the statement with this ordinal again.
    Statement(usize),
    /// Make current what a finished CREATE made current: this kind of object, with this name. Snowflake makes a
    /// database, schema or warehouse current when it creates it.
    Use {
        /// Database, schema or warehouse.
        kind: ObjectKind,
        /// Its name, as the script wrote it.
        name: QualifiedName,
    },
}

/// How a plan made under the lease compares with the one made before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same steps. An `apply` may have become a `resume`.
    Equal,
    /// The same without steps that the history holds by now, with the same checksums.
    Shrunk,
    /// Anything else; a sentence for each difference.
    Changed(Vec<String>),
}

/// What is done with a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Run for the first time.
    Apply,
    /// Run a changed repeatable again.
    Reapply,
    /// Go on where an earlier run stopped.
    Resume,
    /// Run an `A__` script.
    Always,
    /// Run a baseline migration.
    Baseline,
    /// Run an undo migration.
    Undo,
    /// Run a callback.
    Callback,
}

/// A migration, a history row, or both, with the state.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    /// The script on disk.
    pub migration: Option<Arc<Migration>>,
    /// Its body in this environment.
    pub prepared: Option<Arc<Prepared>>,
    /// The history row.
    pub applied: Option<HistoryRow>,
    /// What the journal knows of it.
    pub journal: Option<JournalFacts>,
    /// Where it stands.
    pub state: MigrationState,
}

/// What the journal says of a script's last finished or failed run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFacts {
    /// SHA-256 of the source that was applied.
    pub source_sha: Option<Sha256>,
    /// SHA-256 of the rendered text that was applied.
    pub rendered_sha: Option<Sha256>,
    /// Server time of the last row.
    pub at: Option<String>,
    /// Who ran it.
    pub user: Option<String>,
    /// Milliseconds of an `A__` script or callback.
    pub execution_ms: Option<i64>,
    /// Query id of the last statement.
    pub query_id: Option<String>,
}

/// How far to migrate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Everything.
    #[default]
    Latest,
    /// Only the next versioned migration.
    Next,
    /// No new versioned migration.
    Current,
    /// Up to and with this version, which must exist unless `optional`.
    Version {
        /// The version.
        version: Version,
        /// `?` behind the version: it need not exist.
        optional: bool,
    },
}

impl Action {
    /// The word of JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Reapply => "reapply",
            Self::Resume => "resume",
            Self::Always => "always",
            Self::Baseline => "baseline",
            Self::Undo => "undo",
            Self::Callback => "callback",
        }
    }
}

impl Plan {
    /// Whether an error forbids running.
    pub fn is_refused(&self) -> bool {
        crate::diagnostic::any_error(&self.findings)
    }
}
