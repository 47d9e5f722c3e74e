//! Facts of a run as they happen, for renderers. No display settings: an event says what is, not how to show it.

use serde::Serialize;

use crate::model::plan::Action;

/// Version of the shapes of events and results.
pub const SCHEMA_VERSION: u32 = 1;

/// One fact, with its place in the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// From 1, without gaps.
    pub seq: u64,
    /// Client time, RFC 3339 in UTC.
    pub at: String,
    /// The run.
    pub run: String,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Fact {
    /// A run began.
    RunStarted {
        /// Environment.
        environment: String,
        /// The place, in words.
        target: String,
    },
    /// A plan was made.
    Planned {
        /// Steps, callbacks included.
        steps: usize,
        /// Migrations that wait.
        pending: usize,
        /// `A__` scripts that run because they always do.
        always: usize,
    },
    /// Another run holds the lease.
    LeaseWaiting {
        /// Who holds it, in words.
        holder: String,
        /// Milliseconds waited so far.
        elapsed_ms: u64,
        /// Milliseconds until it may be taken, by the server's clock, unless its run renews it meanwhile.
        #[serde(skip_serializing_if = "Option::is_none")]
        free_in_ms: Option<u64>,
    },
    /// The lease is ours.
    LeaseAcquired {
        /// Its token.
        token: i64,
    },
    /// Another run did some of the planned steps meanwhile.
    PlanShrunk {
        /// Steps before.
        before: usize,
        /// Steps that are left.
        after: usize,
    },
    /// A script begins.
    MigrationStarted {
        /// The script.
        script: String,
        /// Number of its statements.
        of: usize,
        /// What is done with it.
        action: Action,
        /// Statement to start at.
        from: usize,
    },
    /// A statement was sent.
    StatementStarted {
        /// The script.
        script: String,
        /// The statement, from 1.
        ordinal: usize,
        /// Number of statements.
        of: usize,
        /// Its verb and object, in words.
        what: String,
    },
    /// The server confirmed a statement.
    StatementFinished {
        /// The script.
        script: String,
        /// The statement.
        ordinal: usize,
        /// Number of statements.
        of: usize,
        /// The server's id of it.
        query_id: Option<String>,
        /// Milliseconds it took.
        elapsed_ms: u64,
        /// Rows changed by DML.
        changed: u64,
        /// On the embedded engine: how far the statement was carried out.
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// Column names of a result, if rows came back.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String>,
        /// The first rows of a result, at most 50.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rows: Vec<Vec<Option<String>>>,
    },
    /// The server refused a statement, or its outcome is not known.
    StatementFailed {
        /// The script.
        script: String,
        /// The statement.
        ordinal: usize,
        /// Number of statements.
        of: usize,
        /// The server's id of it.
        query_id: Option<String>,
        /// Milliseconds it took.
        elapsed_ms: u64,
        /// What the server said.
        message: String,
        /// Whether the outcome is unknown.
        unknown: bool,
    },
    /// A script is done and recorded.
    MigrationFinished {
        /// The script.
        script: String,
        /// Number of its statements.
        of: usize,
        /// Milliseconds it took.
        elapsed_ms: u64,
    },
    /// A script stopped.
    MigrationFailed {
        /// The script.
        script: String,
        /// The statement that it stopped at.
        ordinal: usize,
        /// Number of its statements.
        of: usize,
        /// Milliseconds it took.
        elapsed_ms: u64,
    },
    /// What a script changed in its session was put back.
    ContextRestored {
        /// The script.
        script: String,
        /// The statements that were sent.
        statements: Vec<String>,
    },
    /// Something takes its time.
    Waiting {
        /// For what, in words.
        what: String,
        /// Milliseconds so far.
        elapsed_ms: u64,
    },
    /// Something to look at.
    Warning {
        /// Its code.
        code: String,
        /// What it is.
        message: String,
    },
    /// The run ended.
    RunFinished {
        /// Whether it did all it meant to.
        ok: bool,
        /// Scripts applied.
        applied: usize,
        /// Milliseconds it took.
        elapsed_ms: u64,
    },
}

/// Takes events. Consumers never feed back.
pub trait EventSink: Send {
    /// Takes one event.
    fn emit(&mut self, event: &Event);
}
