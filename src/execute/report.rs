//! What a run did, for the caller to show.

use std::collections::BTreeMap;

use crate::{
    ledger::LedgerError,
    model::{name::MigrationKind, plan::Action},
    session::{DbError, Outcome},
};

/// What a run did.
#[derive(Debug, Default)]
pub struct RunReport {
    /// Scripts that were finished and recorded, callbacks included.
    pub applied: Vec<ScriptResult>,
    /// Why it stopped.
    pub failed: Option<Failure>,
    /// Scripts of the plan that were not begun.
    pub not_run: Vec<String>,
    /// How far the embedded engine carried the statements out.
    pub statements: Tally,
    /// Why the ledger could not be written any more.
    pub ledger: Option<LedgerError>,
    /// Where it stopped because somebody asked.
    pub interrupted: Option<Interruption>,
}

/// Where a run stopped because somebody asked it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Between two statements.
    Between,
    /// The server aborted a statement.
    Aborted {
        /// The script.
        script: String,
        /// The statement, from 1.
        ordinal: usize,
        /// Number of its statements.
        of: usize,
        /// Whether it runs other statements, so that some of them may be done.
        partial: bool,
    },
}

/// One finished script.
#[derive(Clone, Debug)]
pub struct ScriptResult {
    /// The script.
    pub script: String,
    /// Its kind.
    pub kind: MigrationKind,
    /// Its version.
    pub version: Option<String>,
    /// Its description.
    pub description: String,
    /// What was done with it.
    pub action: Action,
    /// Number of its statements.
    pub statements: usize,
    /// Milliseconds.
    pub execution_ms: u64,
    /// Query id of its last statement.
    pub query_id: Option<String>,
}

/// A script that stopped.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The script.
    pub script: String,
    /// Its kind.
    pub kind: MigrationKind,
    /// The statement, from 1.
    pub ordinal: usize,
    /// Number of its statements.
    pub of: usize,
    /// What kind of failure.
    pub reason: FailureKind,
    /// What the server said.
    pub error: DbError,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The statement was refused.
    Refused,
    /// The statement's outcome is not known.
    Unknown,
    /// The script left a transaction open.
    OpenTransaction,
    /// The script's session could not be made ready or as it was.
    Session,
    /// All statements are done; whether the script left a transaction open could not be asked.
    Check,
}

/// How far statements were carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Fully.
    pub applied: usize,
    /// Names checked, no data touched.
    pub checked: usize,
    /// Syntax read only.
    pub recorded: usize,
    /// Not looked into.
    pub opaque: usize,
    /// What was recorded, by verb and kind, with how often.
    #[serde(skip)]
    pub recorded_kinds: BTreeMap<String, usize>,
    /// What was opaque, by verb and kind, with how often.
    #[serde(skip)]
    pub opaque_kinds: BTreeMap<String, usize>,
    /// The statements that were recorded or opaque, in order.
    #[serde(skip)]
    pub below: Vec<Below>,
}

/// A statement that was not carried out as far as the catalogue can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Below {
    /// The script.
    pub script: String,
    /// The statement, from 1.
    pub ordinal: usize,
    /// [`Outcome::Recorded`] or [`Outcome::Opaque`].
    pub outcome: Outcome,
    /// Its verb and the kind of its object.
    pub what: String,
}

impl Tally {
    /// Counts a statement; `kind` names its verb and the kind of its object.
    pub(super) fn count(
        &mut self,
        outcome: Option<Outcome>,
        script: &str,
        ordinal: usize,
        kind: impl FnOnce() -> String,
    ) {
        let (count, kinds) = match outcome {
            Some(Outcome::Applied) | None => return self.applied += 1,
            Some(Outcome::Checked) => return self.checked += 1,
            Some(Outcome::Recorded) => (&mut self.recorded, &mut self.recorded_kinds),
            Some(Outcome::Opaque) => (&mut self.opaque, &mut self.opaque_kinds),
        };
        let what = kind();
        *count += 1;
        *kinds.entry(what.clone()).or_default() += 1;
        let script = script.to_owned();
        self.below.extend(outcome.map(|outcome| Below { script, ordinal, outcome, what }));
    }
}
