//! Sessions with a database: the only module that talks to a server.
//!
//! A [`Session`] runs one request at a time. [`Control`] is apart, so that a heartbeat or a cancel never needs a
//! second borrow of a session that is busy. Implementations pass one conformance suite.

#[expect(clippy::disallowed_methods, reason = "the one place that time, sleep and ids come from")]
pub mod context;
pub mod embedded;
pub mod snowflake;
mod advice;
#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
pub(crate) mod simulated;

pub use self::advice::{Cure, advice, cure};
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::target::{Context4, SessionSpec};

/// A boxed future that may move between threads.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens sessions with one target.
pub trait Connector: Send + Sync {
    /// What the server can do.
    fn capabilities(&self) -> Capabilities;
    /// Opens a session that starts as `spec` says.
    fn open(&self, spec: SessionSpec) -> Fut<'_, Result<Box<dyn Session>, DbError>>;
}

/// One session.
pub trait Session: Send {
    /// Who and where it is.
    fn info(&self) -> &SessionInfo;
    /// A handle for cancel and keep-alive that can be used while the session is busy.
    fn control(&self) -> Arc<dyn Control>;
    /// Runs one statement. The future may be dropped only if the outcome is then treated as unknown.
    fn execute<'a>(&'a mut self, request: &'a Request) -> Fut<'a, Result<Answer, DbError>>;
    /// Ends the session.
    fn close(self: Box<Self>) -> Fut<'static, Result<(), DbError>>;
}

/// Acts on a session from outside.
pub trait Control: Send + Sync {
    /// Asks the server to stop a request; answers whether it said that it did.
    fn cancel(&self, id: RequestId) -> Fut<'_, Result<bool, DbError>>;
    /// The server's id of a request that runs, as far as the server has told it.
    fn query_id(&self, id: RequestId) -> Option<String>;
    /// Keeps an idle session alive.
    fn keep_alive(&self) -> Fut<'_, Result<(), DbError>>;
}

/// Identity of one request; the same one is used when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub uuid::Uuid);

/// Who and where a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The server's id of the session.
    pub id: String,
    /// Account, or `embedded`.
    pub account: String,
    /// User.
    pub user: String,
    /// Where it started.
    pub context: Context4,
    /// Version of the server, as it says.
    pub server: String,
    /// Which engine answers.
    pub engine: Engine,
}

/// Which engine a session talks to, as far as the ledger's own SQL must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Full names have three parts. "Does not exist" is no proof: the server says the same of what a role may not
    /// see.
    Snowflake,
    /// The full name of a ledger table is one quoted name. What is said not to exist does not exist.
    Embedded,
}

impl Engine {
    /// How to tell that the holder of a lease is dead.
    pub const fn liveness(self) -> Liveness {
        match self {
            Self::Snowflake => Liveness::ServerClock,
            Self::Embedded => Liveness::OsLock,
        }
    }
}

/// The ledger's text that opens the transaction of a claim. On an engine whose liveness is
/// [`Liveness::OsLock`] the session takes the lock of the operating system before it, and answers
/// [`ErrorClass::Busy`] while another process holds it; the lock is held until the session ends or rolls back.
pub const CLAIM_BEGIN: &str = "BEGIN TRANSACTION";

/// Asks whether a transaction is open: one row, NULL when there is none. Every engine answers it, the embedded one from
/// its own books.
pub const OPEN_TRANSACTION: &str = "SELECT CURRENT_TRANSACTION()";

/// The ledger's text that gives a claim up.
pub const CLAIM_ROLLBACK: &str = "ROLLBACK";

/// A value for a placeholder `:1`, `:2` of the ledger's own SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// NULL.
    Null,
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
}

/// The query tag of a request: the session puts it where the server keeps such things.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryTag(pub String);

/// One statement for the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Identity.
    pub id: RequestId,
    /// The statement, secrets as slots.
    pub text: String,
    /// Values for `:1`, `:2`, ...
    pub binds: Vec<Bind>,
    /// Tag.
    pub tag: QueryTag,
    /// Longest run.
    pub timeout: Option<Duration>,
    /// Whether the session may send it again by itself after its body was sent.
    pub repeatable: bool,
    /// Whether it is the ledger's own SQL. The embedded engine sends those to SQLite and all else to its catalogue.
    pub ledger: bool,
    /// `-- snowops: local=opaque`: the embedded engine lets it through unread.
    pub local_opaque: bool,
    /// What its rows are for.
    pub rows: RowUse,
}

/// What the rows of an answer are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowUse {
    /// snowops reads them all: without them the answer is of no use.
    Read,
    /// They are only shown: the first of them are enough, and a statement that is done stays done without.
    Shown,
}

/// What the server answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The server's id of the statement.
    pub query_id: Option<String>,
    /// Column names.
    pub columns: Vec<String>,
    /// Rows, as text.
    pub rows: Vec<Vec<Option<String>>>,
    /// Rows changed by DML.
    pub changed: u64,
    /// Where the session stands afterwards.
    pub context: Context4,
    /// On the embedded engine: how far the statement was carried out.
    pub result: Option<Outcome>,
    /// What a person should look at, a sentence each: names that the embedded engine does not know.
    pub warnings: Vec<String>,
}

/// How far the embedded engine carried a statement out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its effect is fully modelled.
    Applied,
    /// Names and columns that it uses exist; no data was read or changed.
    Checked,
    /// Its syntax was read; Snowflake alone decides the rest.
    Recorded,
    /// Its body was not looked into.
    Opaque,
}

/// What went wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbError {
    /// What kind of fault.
    pub class: ErrorClass,
    /// Snowflake's code, six digits.
    pub code: Option<String>,
    /// SQL state.
    pub sqlstate: Option<String>,
    /// What the server said, or why there is no answer.
    pub message: String,
    /// Line in the statement, from 1.
    pub line: Option<usize>,
    /// Column in that line, from **0**, as Snowflake counts.
    pub position: Option<usize>,
    /// The server's id of the statement.
    pub query_id: Option<String>,
    /// How far the request came.
    pub phase: Phase,
    /// What is known of its effect.
    pub outcome: Effect,
}

/// Kinds of fault that a caller treats apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The server refused the statement.
    Statement,
    /// An object is missing, or hidden from the role.
    NotFound,
    /// An object is there already.
    AlreadyExists,
    /// The role may not.
    Privilege,
    /// The server was reached but refused the login.
    Login,
    /// The server was not reached, or the connection broke.
    Connection,
    /// The statement was cancelled or ran into its timeout.
    Cancelled,
    /// Too much contention; nothing was done.
    Busy,
    /// A fault of the server or of this program.
    Internal,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Opening a session.
    Connect,
    /// Sending the request.
    Send,
    /// Waiting for or reading the answer.
    Answer,
}

/// What is known of a failed request's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The body never left: nothing was done.
    NotSent,
    /// The server says that it failed: nothing was done.
    Failed,
    /// It may or may not have been done.
    Unknown,
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = &self.code {
            write!(f, "{code}")?;
            if let Some(state) = &self.sqlstate {
                write!(f, " ({state})")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for DbError {}

/// What a server can do.
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of its own, none excludes another")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How to tell that the holder of a lease is dead.
    pub liveness: Liveness,
    /// Running statements can be stopped.
    pub cancel: bool,
    /// Results can be fetched again by query id.
    pub reattach: bool,
    /// Statements have ids.
    pub query_ids: bool,
    /// Past statements can be looked up.
    pub query_history: bool,
    /// Errors tell a position.
    pub positions: bool,
}

/// How to tell that the holder of a lease is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// By a lock of the operating system, held by a keeper session from its claim to its close.
    OsLock,
    /// By the server's clock.
    ServerClock,
}

impl Outcome {
    /// The word of JSON and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Checked => "checked",
            Self::Recorded => "recorded",
            Self::Opaque => "opaque",
        }
    }
}
