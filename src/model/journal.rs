//! The journal: what every run meant to do and did, statement by statement. Append-only; a repeated (run, seq) is
//! ignored by readers.

use serde::{Deserialize, Serialize};

use super::{
    checksum::Sha256,
    facts::Probe,
    name::MigrationKind,
    statement::{Class, StatementHash},
};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// The run that wrote it (36 characters).
    pub run: String,
    /// Its number in the run, from 1.
    pub seq: i64,
    /// The script that it speaks of.
    pub script: Option<String>,
    /// The statement that it speaks of, from 1.
    pub ordinal: Option<usize>,
    /// What it says; its kind gives the column `kind`.
    pub body: JournalBody,
    /// Server time at which it was written, as printed; empty before.
    pub at: String,
}

/// What a journal row says. The column `kind` holds the tag, `body` the rest as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "body")]
pub enum JournalBody {
    /// The layout of the tables.
    Layout {
        /// Refused when newer than the tool's.
        major: u32,
        /// Read when newer.
        minor: u32,
    },
    /// A run began.
    Run(RunBody),
    /// A script that the run means to apply.
    Script(ScriptBody),
    /// A boundary inside a script: what is done before it, what starts.
    Step {
        /// Statements that finished since the last row of the script.
        done: Vec<Done>,
        /// The statement that starts.
        next: usize,
    },
    /// A fresh work session, before its first statement.
    Session {
        /// Its id at the server.
        session: String,
    },
    /// An `A__` script or a callback finished.
    Done {
        /// SHA-256 of the rendered text.
        rendered_sha: Sha256,
        /// Milliseconds that it took.
        execution_ms: i64,
        /// Query id of its last statement.
        query_id: Option<String>,
    },
    /// A statement failed, confirmed by the server.
    Failed {
        /// The statement.
        ordinal: usize,
        /// Snowflake's code.
        code: Option<String>,
        /// SQL state.
        sqlstate: Option<String>,
        /// Query id.
        query_id: Option<String>,
        /// The message, defused and without secrets.
        message: String,
    },
    /// An unknown outcome was settled.
    Settled {
        /// The run whose attempt it settles; it says nothing about a later one.
        run: String,
        /// The statement.
        ordinal: usize,
        /// Who settled it.
        by: SettledBy,
        /// What was found.
        outcome: SettledOutcome,
    },
    /// `repair` changed the history.
    Repaired(ChangeBody),
    /// The history was taken over from another place or tool.
    Adopted(ChangeBody),
    /// The run ended.
    End {
        /// How.
        outcome: RunOutcome,
        /// The last statements with their query ids.
        last: Vec<Done>,
    },
}

/// A run by what the server knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRun {
    /// Its id.
    pub id: String,
    /// The user of its sessions.
    pub user: String,
    /// Ids of its work sessions at the server.
    pub sessions: Vec<String>,
    /// Server time of its `end` row, if it has one.
    pub ended: Option<String>,
    /// See [`RunBody::ttl_ms`].
    pub ttl_ms: Option<u64>,
}

/// Who runs, where from and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBody {
    /// Token of the lease: orders runs.
    pub token: i64,
    /// Version of snowops.
    pub version: String,
    /// User of the session.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Commit of the project.
    #[serde(default)]
    pub commit: Option<String>,
    /// Link to the pipeline run.
    #[serde(default)]
    pub pipeline_url: Option<String>,
    /// Ids of its sessions.
    pub sessions: Vec<String>,
    /// Digest of the plan.
    pub plan_digest: Sha256,
    /// Environment.
    pub environment: String,
    /// How long a beat kept its lease, in milliseconds; none: of a snowops that did not say. What was sent last may be on
    /// its way for a part of that.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
}

/// A script as it was planned. Resume reads this, never the classes of a newer snowops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptBody {
    /// Kind of the script.
    pub kind: MigrationKind,
    /// Flyway's checksum as the history row holds it.
    pub crc: i32,
    /// SHA-256 of the source.
    pub source_sha: Sha256,
    /// SHA-256 of the rendered text.
    pub rendered_sha: Sha256,
    /// Templates that were loaded, with their SHA-256.
    pub templates: Vec<(String, Sha256)>,
    /// Its statements.
    pub statements: Vec<PlannedStatement>,
}

/// One statement as it was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStatement {
    /// From 1.
    pub ordinal: usize,
    /// Identity.
    pub hash: StatementHash,
    /// What resume may do with it.
    pub class: Class,
    /// How to find out whether it was done.
    #[serde(default)]
    pub probe: Option<Probe>,
    /// Whether it leaves state in its session that nothing can rebuild.
    #[serde(default)]
    pub lasting: bool,
    /// The first statement of the transaction that it belongs to, which resumes as a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<usize>,
}

/// A statement that the server confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// From 1.
    pub ordinal: usize,
    /// The server's id of it.
    pub query_id: Option<String>,
}

/// Who settled an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettledBy {
    /// The server's query history.
    History,
    /// The catalogue, through the statement's probe.
    State,
    /// A person, with `repair`.
    Person,
}

/// What an unknown outcome was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettledOutcome {
    /// The statement was done.
    Done,
    /// It was not.
    NotDone,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// All steps applied.
    Success,
    /// A statement failed.
    Failed,
    /// A statement's outcome is not known.
    Unknown,
    /// A person or a system interrupted it between statements.
    Interrupted,
    /// The next holder of the lease closed it.
    Abandoned,
}

/// A change of the history by `repair`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeBody {
    /// What was changed.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Digest of the row before.
    pub row_digest: Option<Sha256>,
    /// SHA-256 of the source that counts as applied from now on.
    #[serde(default)]
    pub source_sha: Option<Sha256>,
}

impl JournalBody {
    /// The text of the column `kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Layout { .. } => "layout",
            Self::Run(_) => "run",
            Self::Script(_) => "script",
            Self::Step { .. } => "step",
            Self::Session { .. } => "session",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Settled { .. } => "settled",
            Self::Repaired(_) => "repaired",
            Self::Adopted(_) => "adopted",
            Self::End { .. } => "end",
        }
    }
}
