//! The ledger: history, journal and lock, three tables in the target, read and written through a session.
//!
//! Nothing here knows what is pending. Reading creates nothing. Every write but the first CREATEs goes through a
//! [`Keeper`], which holds the lease.

mod create;
pub mod history;
mod identity;
pub mod journal;
mod keeper;
pub mod layout;
pub mod lease;
mod lock;
mod query_history;
mod sql;
#[cfg(test)]
mod testing;

use std::time::Duration;

use sql::Sql;

pub use self::{
    create::create,
    history::NewHistoryRow,
    identity::identity,
    journal::{Layout, NewJournalRow},
    keeper::{AcquireError, Keeper, LeaseSettings, Waiting, check_target},
    lock::{Holder, LockRow, free, lock_row},
    query_history::{
        EntryStatus, HistoryEntry, abort_session, cancel_query, find_by_session, find_by_tag, lists_all,
    },
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{history::HistoryRow, journal::JournalRow, target::LedgerName},
    session::{
        Answer, Bind, DbError, Engine, ErrorClass, QueryTag, Request, RowUse, Session, context::Context,
    },
};

/// What a target's ledger holds.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerState {
    /// Whether the tables are there.
    pub presence: Presence,
    /// All history rows, by rank.
    pub history: Vec<HistoryRow>,
    /// What a plan needs of the journal, oldest run first.
    pub journal: Vec<JournalRow>,
    /// The newest layout.
    pub layout: Option<Layout>,
    /// The lock row; [`Keeper::read_back`] reads it, [`read`] does not.
    pub lock: Option<LockRow>,
    /// Server time, where the journal holds a row.
    pub server_now: Option<String>,
}

/// Whether the tables are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// History and journal are.
    Present,
    /// The history is, the journal is not: another tool wrote the history.
    HistoryOnly,
    /// The lock table is, the history is not: making the tables was cut short.
    Unfinished,
    /// They are not, and that is certain.
    Absent,
    /// The history's schema does not exist, as far as the role may see.
    SchemaMissing,
    /// The history's schema shows no object at all to the role.
    SchemaEmpty,
    /// The history is absent, or hidden from the role: the server says the same of both.
    NotVisible {
        /// The role that asked.
        role: String,
        /// The history's full name.
        name: String,
    },
}

impl Presence {
    /// Whether `migrate` may make the tables without being told to. On a protected environment it must be told all
    /// the same; on the embedded engine it never must.
    pub fn may_create(&self) -> bool {
        matches!(self, Self::Absent | Self::Unfinished | Self::SchemaMissing | Self::SchemaEmpty)
    }
}

/// What can go wrong with the ledger.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LedgerError {
    /// The server or the way to it.
    #[error("{0}")]
    Db(#[from] DbError),
    /// The lease is another's, or its beat came too late: why.
    #[error("the lease was lost: {0}")]
    LeaseLost(String),
    /// Another tool wrote to the history under our lease: the row, if it can be told.
    #[error("{}", stranger_words(.row.as_ref()))]
    Stranger {
        /// The row that this run does not know.
        row: Option<HistoryRow>,
    },
    /// A row that cannot be.
    #[error("{0}")]
    Corrupt(Diagnostic),
    /// The tables were made for another target.
    #[error("{0}")]
    ForeignTarget(Diagnostic),
    /// The tables have a layout that this snowops does not know.
    #[error(
        "the ledger's tables have layout {found} and this snowops knows up to {known}: use a newer snowops"
    )]
    NewerLayout {
        /// Theirs.
        found: Layout,
        /// Ours.
        known: Layout,
    },
    /// The database does not exist, or the role may not see it.
    #[error("database '{database}' does not exist or is not visible")]
    MissingDatabase {
        /// Its name.
        database: String,
    },
}

fn stranger_words(row: Option<&HistoryRow>) -> String {
    match row {
        Some(row) => format!(
            "another tool wrote to the history during this run: rank {}, {}, by {} on {}",
            row.rank, row.script, row.installed_by, row.installed_on
        ),
        None => "the history changed during this run, and the change cannot be seen yet".to_owned(),
    }
}

/// Sends one ledger statement.
async fn ask(
    session: &mut dyn Session,
    context: &Context,
    text: String,
    binds: Vec<Bind>,
    how: How,
) -> Result<Answer, DbError> {
    let request = Request {
        id: context.ids.request(),
        text,
        binds,
        tag: QueryTag("snowops:ledger".to_owned()),
        timeout: how.timeout,
        repeatable: how.repeatable,
        ledger: true,
        local_opaque: false,
        rows: RowUse::Read,
    };
    session.execute(&request).await
}

/// How a ledger statement is sent.
#[derive(Clone, Copy, Debug)]
struct How {
    timeout: Option<Duration>,
    repeatable: bool,
}

impl How {
    const READ: Self = Self { timeout: None, repeatable: true };
    const ONCE: Self = Self { timeout: None, repeatable: false };
}

fn sql_for(session: &dyn Session, name: &LedgerName) -> Sql {
    Sql::new(name, session.info().engine)
}

/// Reads history and journal; creates nothing. Two requests where the tables are there.
pub async fn read(
    session: &mut dyn Session,
    name: &LedgerName,
    context: &Context,
) -> Result<LedgerState, LedgerError> {
    let sql = sql_for(session, name);
    let mut state = LedgerState {
        presence: Presence::Present,
        history: Vec::new(),
        journal: Vec::new(),
        layout: None,
        lock: None,
        server_now: None,
    };
    match ask(session, context, sql.select_history(), Vec::new(), How::READ).await {
        Ok(answer) => state.history = history::read_rows(&answer.rows)?,
        Err(error) if error.class == ErrorClass::NotFound => {
            match presence(session, name, &sql, context).await {
                Ok(found) => {
                    state.presence = found;
                    return Ok(state);
                }
                // Another run may have made the tables between the two looks.
                Err(LedgerError::Corrupt(gone)) => {
                    match ask(session, context, sql.select_history(), Vec::new(), How::READ).await {
                        Ok(answer) => state.history = history::read_rows(&answer.rows)?,
                        Err(error) if error.class == ErrorClass::NotFound => {
                            return Err(LedgerError::Corrupt(gone));
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(error) => return Err(error.into()),
    }
    match ask(session, context, sql.select_journal(), Vec::new(), How::READ).await {
        Ok(answer) => {
            let read = journal::read_rows(&answer.rows)?;
            (state.journal, state.layout, state.server_now) = (read.rows, read.layout, read.now);
        }
        Err(error) if error.class == ErrorClass::NotFound => state.presence = Presence::HistoryOnly,
        Err(error) => return Err(error.into()),
    }
    match state.layout {
        Some(found) if found.major > layout::known().major => {
            Err(LedgerError::NewerLayout { found, known: layout::known() })
        }
        _ => Ok(state),
    }
}

/// Reads the history alone.
pub async fn read_history(
    session: &mut dyn Session,
    name: &LedgerName,
    context: &Context,
) -> Result<Vec<HistoryRow>, LedgerError> {
    let text = sql_for(session, name).select_history();
    let answer = ask(session, context, text, Vec::new(), How::READ).await?;
    history::read_rows(&answer.rows)
}

/// What an absent history means.
async fn presence(
    session: &mut dyn Session,
    name: &LedgerName,
    sql: &Sql,
    context: &Context,
) -> Result<Presence, LedgerError> {
    if session.info().engine == Engine::Embedded {
        return match lock_row(session, name, Duration::ZERO, context).await {
            Ok(row) => begun(&row, name),
            Err(LedgerError::Db(error)) if error.class == ErrorClass::NotFound => Ok(Presence::Absent),
            Err(error) => Err(error),
        };
    }
    let schema = || vec![Bind::Text(name.schema.as_str().to_owned())];
    match count(ask(session, context, sql.count_schemas(), schema(), How::READ).await) {
        Err(error) if error.class == ErrorClass::NotFound => {
            return Err(LedgerError::MissingDatabase { database: name.database.to_string() });
        }
        Err(error) => return Err(error.into()),
        Ok(0) => return Ok(Presence::SchemaMissing),
        Ok(_) => {}
    }
    if count(ask(session, context, sql.count_objects(), schema(), How::READ).await)? == 0 {
        return Ok(Presence::SchemaEmpty);
    }
    match lock_row(session, name, Duration::ZERO, context).await {
        Ok(row) => return begun(&row, name),
        Err(LedgerError::Db(error)) if error.class == ErrorClass::NotFound => {}
        Err(error) => return Err(error),
    }
    let role = session.info().context.role.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    Ok(Presence::NotVisible { role, name: full_name(name) })
}

/// What a lock table without a history means: making the tables was cut short, or, once a lease was taken, the history
/// was dropped. Starting from zero would run everything again.
fn begun(row: &LockRow, name: &LedgerName) -> Result<Presence, LedgerError> {
    if row.token == 0 {
        return Ok(Presence::Unfinished);
    }
    let message = format!(
        "the schema history {} is gone, and its lock table shows that runs wrote it",
        full_name(name)
    );
    let finding = Diagnostic::error(Code::CorruptHistory, message)
        .hint("bring it back, on Snowflake with UNDROP TABLE; without it every migration would run again");
    Err(LedgerError::Corrupt(finding))
}

fn count(answer: Result<Answer, DbError>) -> Result<i64, DbError> {
    let answer = answer?;
    Ok(cell(&answer, 0).and_then(history::whole).unwrap_or(0))
}

fn cell(answer: &Answer, at: usize) -> Option<&str> {
    answer.rows.first()?.get(at)?.as_deref()
}

/// The history's full name, as messages show it.
pub fn full_name(name: &LedgerName) -> String {
    format!("{}.{}.\"{}\"", name.database, name.schema, name.table.replace('"', "\"\""))
}

/// Whole milliseconds.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
