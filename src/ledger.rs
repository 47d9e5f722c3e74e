//! The ledger: history, journal and lock, three tables in the target, read and written through a session.
//!
//! Nothing here knows what is pending. Reading creates nothing. Every write but the first CREATEs goes through a
//! [`Keeper`], which holds the lease.

pub mod history;
pub mod journal;
mod keeper;
pub mod layout;
pub mod lease;
mod query_history;
mod sql;
#[cfg(test)]
mod testing;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql::Sql;

pub use self::{
    history::NewHistoryRow,
    journal::{Layout, NewJournalRow},
    keeper::{AcquireError, Keeper, LeaseSettings, Waiting, check_target},
    query_history::{
        EntryStatus, HistoryEntry, abort_session, cancel_query, find_by_session, find_by_tag, lists_all,
    },
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        history::HistoryRow,
        journal::JournalRow,
        target::{LedgerName, TargetIdentity},
    },
    session::{
        Answer, Bind, DbError, Engine, ErrorClass, QueryTag, Request, RowUse, Session, context::Context,
    },
};

/// Layout that [`create`] makes.
const FIRST_LAYOUT: Layout = Layout { major: 1, minor: 0 };

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

/// Who holds a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// User of the session.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process.
    pub pid: u32,
    /// Version of snowops.
    pub version: String,
    /// Link to the pipeline run.
    #[serde(default)]
    pub pipeline_url: Option<String>,
    /// Commit of the project.
    #[serde(default)]
    pub commit: Option<String>,
    /// Ids of its sessions.
    #[serde(default)]
    pub sessions: Vec<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {} (process {}, snowops {})", self.user, self.host, self.pid, self.version)?;
        if let Some(url) = &self.pipeline_url {
            write!(f, ", {url}")?;
        }
        if let Some(commit) = &self.commit {
            write!(f, ", commit {commit}")?;
        }
        Ok(())
    }
}

/// The lock row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRow {
    /// Who has the lease; none: free.
    pub nonce: Option<String>,
    /// Counts the leases.
    pub token: i64,
    /// Counts the claims.
    pub touch: i64,
    /// End of the lease, server time.
    pub expires: String,
    /// The run that took it last.
    pub run: Option<String>,
    /// Who took it last.
    pub holder: Option<Holder>,
    /// The target that the ledger was made for; none before the first lease.
    pub identity: Option<TargetIdentity>,
    /// Free JSON.
    pub note: Option<String>,
    /// Server time of reading.
    pub now: String,
    /// Whether its end is longer ago than the grace that was asked for.
    pub expired: bool,
}

impl LockRow {
    /// The holder in words.
    pub fn holder_words(&self) -> String {
        match (&self.holder, &self.run) {
            (Some(holder), _) => holder.to_string(),
            (None, Some(run)) => format!("run {run}"),
            (None, None) => "an unknown run".to_owned(),
        }
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

/// Makes what is missing of the tables by plain CREATEs, lock first, and writes the first layout row. With
/// [`Presence::SchemaMissing`] the schema too.
///
/// A table that is there already is accepted only if it can be read: it is that of a run which was cut short here,
/// or which is doing the same right now.
pub async fn create(
    session: &mut dyn Session,
    name: &LedgerName,
    presence: &Presence,
    context: &Context,
) -> Result<(), LedgerError> {
    let sql = sql_for(session, name);
    if *presence == Presence::SchemaMissing {
        match ask(session, context, sql.create_schema(), Vec::new(), How::ONCE).await {
            Err(error) if error.class != ErrorClass::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    let grace = vec![Bind::Integer(0)];
    create_one(session, context, sql.create_lock(), sql.select_lock(), grace).await?;
    create_one(session, context, sql.create_journal(), sql.select_layout(), Vec::new()).await?;
    if *presence != Presence::HistoryOnly {
        create_one(session, context, sql.create_history(), sql.select_head(), Vec::new()).await?;
    }
    let run = Bind::Text(context.ids.next().to_string());
    let body = Bind::Text(journal::layout_text(FIRST_LAYOUT));
    ask(session, context, sql.insert_first_layout(), vec![run, body], How::ONCE).await?;
    Ok(())
}

async fn create_one(
    session: &mut dyn Session,
    context: &Context,
    create: String,
    select: String,
    binds: Vec<Bind>,
) -> Result<(), LedgerError> {
    match ask(session, context, create, Vec::new(), How::ONCE).await {
        Ok(_) => Ok(()),
        Err(exists) if exists.class == ErrorClass::AlreadyExists => {
            match ask(session, context, select, binds, How::READ).await {
                Ok(_) => Ok(()),
                // There, and hidden: the server's first word tells more.
                Err(hidden) if hidden.class == ErrorClass::NotFound => Err(exists.into()),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// What makes the target the same one again. One request where the server knows the functions that name its account.
///
/// On the embedded engine the file stands for the account: a file that does not exist yet has no lasting identity,
/// so a keeper asks again when the lock row holds none.
pub async fn identity(
    session: &mut dyn Session,
    name: &LedgerName,
    context: &Context,
) -> Result<TargetIdentity, LedgerError> {
    let sql = sql_for(session, name);
    let missing = || LedgerError::MissingDatabase { database: name.database.to_string() };
    let mut identity = TargetIdentity {
        account: session.info().account.clone(),
        database: name.database.as_str().to_owned(),
        created_on: String::new(),
        history: full_name(name),
        other_accounts: Vec::new(),
    };
    let answer = if session.info().engine == Engine::Snowflake {
        let binds = vec![Bind::Text(name.database.as_str().to_owned())];
        match ask(session, context, sql.select_account(), binds.clone(), How::READ).await {
            Ok(answer) => {
                name_account(&mut identity, &answer);
                Ok(answer)
            }
            // The database is not there; or the server, which is not Snowflake, knows no such function and says the same.
            Err(error) if matches!(error.class, ErrorClass::NotFound | ErrorClass::Statement) => {
                ask(session, context, sql.select_database(), binds, How::READ).await
            }
            Err(error) => Err(error),
        }
    } else {
        ask(session, context, sql.select_database(), Vec::new(), How::READ).await
    };
    let answer = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Err(missing()),
        answer => answer?,
    };
    cell(&answer, 0).ok_or_else(missing)?.clone_into(&mut identity.created_on);
    Ok(identity)
}

/// Names the account as the server does: its locator and region stay when it or its organization is renamed, and are the same
/// however a connection spells it. A region may come with its group in front, which is there only in some organizations.
fn name_account(identity: &mut TargetIdentity, answer: &Answer) {
    let [locator, region, organization, account] = [1, 2, 3, 4].map(|at| cell(answer, at));
    let Some(locator) = locator else { return };
    let mut others = vec![locator.to_owned()];
    others.extend(account.map(str::to_owned));
    if let (Some(organization), Some(account)) = (organization, account) {
        let name = format!("{organization}-{account}");
        // A host has no underscores.
        others.extend([name.replace('_', "-"), name]);
    }
    let region = region.and_then(|region| region.rsplit('.').next());
    identity.account = region.map_or_else(|| locator.to_owned(), |region| format!("{locator}.{region}"));
    identity.other_accounts = others;
}

/// Reads the lock row. `grace` is how long after its end a lease is still respected.
pub async fn lock_row(
    session: &mut dyn Session,
    name: &LedgerName,
    grace: Duration,
    context: &Context,
) -> Result<LockRow, LedgerError> {
    let sql = sql_for(session, name);
    let binds = vec![Bind::Integer(-millis(grace))];
    let answer = ask(session, context, sql.select_lock(), binds, How::READ).await?;
    let get = |at: usize| cell(&answer, at).map(str::to_owned);
    let number = |at: usize| cell(&answer, at).and_then(history::whole);
    if answer.rows.len() != 1 {
        return Err(LedgerError::Corrupt(lock_rows(name, answer.rows.len())));
    }
    Ok(LockRow {
        nonce: get(0),
        token: number(1).unwrap_or(0),
        touch: number(2).unwrap_or(0),
        expires: get(3).unwrap_or_default(),
        run: get(4),
        holder: get(5).and_then(|text| serde_json::from_str(&text).ok()),
        identity: get(6).and_then(|text| serde_json::from_str(&text).ok()),
        note: get(7),
        now: get(8).unwrap_or_default(),
        expired: number(9) == Some(1),
    })
}

/// Frees the lease of the run that the row was seen to name, whatever it does. Answers whether the row still named it.
pub async fn free(
    session: &mut dyn Session,
    name: &LedgerName,
    row: &LockRow,
    context: &Context,
) -> Result<bool, LedgerError> {
    let nonce = row.nonce.clone().map_or(Bind::Null, Bind::Text);
    let binds = vec![nonce, Bind::Integer(row.token)];
    let text = sql_for(session, name).release();
    let answer = ask(session, context, text, binds, How { timeout: None, repeatable: true }).await?;
    Ok(answer.changed == 1)
}

/// The lock table has no row, or more than one: nobody can hold the lease.
fn lock_rows(name: &LedgerName, rows: usize) -> Diagnostic {
    let table = format!("{}.{}.\"{}_lock\"", name.database, name.schema, name.table);
    let way_out = if rows == 0 {
        "bring its row back, on Snowflake with Time Travel: INSERT INTO .. SELECT * FROM .. AT (OFFSET => -600)"
    } else {
        "keep the row with the highest \"token\" and delete the others"
    };
    Diagnostic::error(
        Code::CorruptHistory,
        format!("the lock table {table} holds {rows} rows instead of one"),
    )
    .note("nothing was written; see that no run is at work before you mend it")
    .hint(way_out)
}

/// Whole milliseconds.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
