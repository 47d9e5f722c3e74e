//! The SQLite file: the ledger's tables as they are, and the engine's own tables.
//!
//! A file that does not exist is an empty store in memory, so that reading creates nothing. The first request that
//! writes makes the file. Waiting for another process is the session's affair: every call here answers at once.

use std::{sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, civil::DateTime};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, functions::FunctionFlags, types::ValueRef,
};

use super::super::{Bind, DbError, Effect, ErrorClass, Phase, context::Clock};

/// Version of the engine's own tables.
const FORMAT: i64 = 1;

/// The engine's own tables. Names with `$` cannot meet a ledger table, whose name holds two points.
const SCHEMA: &str = r#"
CREATE TABLE "snowops$meta" ("format" INTEGER NOT NULL, "created_on" TEXT NOT NULL, "database" TEXT NOT NULL);
CREATE TABLE "snowops$snapshot" ("seq" INTEGER NOT NULL, "text" TEXT NOT NULL);
CREATE TABLE "snowops$tail" ("seq" INTEGER PRIMARY KEY AUTOINCREMENT, "session_id" TEXT NOT NULL,
    "context" TEXT NOT NULL, "now" TEXT NOT NULL, "query_id" TEXT NOT NULL, "text" TEXT NOT NULL);
CREATE TABLE "snowops_query_history" ("query_id" TEXT PRIMARY KEY, "session_id" TEXT NOT NULL,
    "query_tag" TEXT NOT NULL, "request_id" TEXT NOT NULL, "text_sha" TEXT NOT NULL, "status" TEXT NOT NULL,
    "started" TEXT NOT NULL, "ended" TEXT NOT NULL);
CREATE INDEX "snowops$query_tag" ON "snowops_query_history" ("query_tag");
"#;

/// How times are stored: fixed width, so that texts compare as times do.
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// What a ledger statement answered.
#[derive(Debug, Default)]
pub(super) struct LedgerAnswer {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Option<String>>>,
    pub(super) changed: u64,
}

/// A connection with the file, or with an empty stand-in.
pub(super) struct Store {
    path: Utf8PathBuf,
    /// The environment's database: a file is made for one.
    database: String,
    clock: Arc<dyn Clock>,
    connection: Connection,
    in_memory: bool,
}

impl Store {
    /// Opens the file if there is one.
    pub(super) fn open(path: &Utf8Path, database: &str, clock: Arc<dyn Clock>) -> Result<Self, DbError> {
        let (connection, in_memory) = match open_file(path, database, false, &clock)? {
            Some(connection) => (connection, false),
            None => (open_memory(database, &clock)?, true),
        };
        Ok(Self { path: path.to_owned(), database: database.to_owned(), clock, connection, in_memory })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether there is no file yet.
    pub(super) fn is_absent(&self) -> bool {
        self.in_memory
    }

    /// Looks again for a file that another process may have made. Answers whether it is there.
    pub(super) fn look(&mut self) -> Result<bool, DbError> {
        if self.in_memory
            && let Some(connection) = open_file(&self.path, &self.database, false, &self.clock)?
        {
            self.connection = connection;
            self.in_memory = false;
        }
        Ok(!self.in_memory)
    }

    /// Makes the file if there is none.
    pub(super) fn materialise(&mut self) -> Result<(), DbError> {
        if !self.look()?
            && let Some(connection) = open_file(&self.path, &self.database, true, &self.clock)?
        {
            self.connection = connection;
            self.in_memory = false;
        }
        Ok(())
    }

    /// Server time.
    pub(super) fn now(&self) -> String {
        now(self.clock.as_ref())
    }

    /// Creation time of the file.
    pub(super) fn created_on(&self) -> Result<String, DbError> {
        self.connection
            .query_row("SELECT \"created_on\" FROM \"snowops$meta\"", [], |row| row.get(0))
            .map_err(|error| sqlite_error(&error))
    }

    /// Whether a ledger statement would write. A faulty one counts as reading: running it gives the error.
    pub(super) fn writes(&self, text: &str) -> bool {
        match self.connection.prepare_cached(text) {
            Ok(statement) => !statement.readonly(),
            // The tables that it writes may be missing here because there is no file yet.
            Err(_) => !matches!(text.split_whitespace().next(), Some("SELECT" | "WITH")),
        }
    }

    /// Runs one ledger statement.
    pub(super) fn run(&self, text: &str, binds: &[Bind]) -> Result<LedgerAnswer, DbError> {
        self.run_inner(text, binds).map_err(|error| sqlite_error(&error))
    }

    fn run_inner(&self, text: &str, binds: &[Bind]) -> Result<LedgerAnswer, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(text)?;
        for (at, bind) in binds.iter().enumerate() {
            // `:1` is a name to SQLite, numbered by where it stands first.
            let name = format!(":{}", at + 1);
            let Some(index) = statement.parameter_index(&name)? else {
                return Err(rusqlite::Error::InvalidParameterName(name));
            };
            match bind {
                Bind::Null => statement.raw_bind_parameter(index, rusqlite::types::Null)?,
                Bind::Text(text) => statement.raw_bind_parameter(index, text)?,
                Bind::Integer(number) => statement.raw_bind_parameter(index, number)?,
                Bind::Boolean(truth) => statement.raw_bind_parameter(index, truth)?,
            }
        }
        if statement.parameter_count() != binds.len() {
            return Err(rusqlite::Error::InvalidParameterCount(binds.len(), statement.parameter_count()));
        }
        if statement.column_count() == 0 {
            let before = self.connection.total_changes();
            statement.raw_execute()?;
            let changed = self.connection.total_changes() - before;
            return Ok(LedgerAnswer { changed, ..LedgerAnswer::default() });
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        let mut rows = Vec::new();
        let mut cursor = statement.raw_query();
        while let Some(row) = cursor.next()? {
            let mut values = Vec::with_capacity(width);
            for at in 0..width {
                values.push(text_of(row.get_ref(at)?));
            }
            rows.push(values);
        }
        Ok(LedgerAnswer { columns, rows, changed: 0 })
    }
}

fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn open_file(
    path: &Utf8Path,
    database: &str,
    create: bool,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Connection>, DbError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    if create {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    } else if !path.exists() {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, flags).map_err(|error| open_error(path, &error))?;
    prepare(&connection, clock).map_err(|error| open_error(path, &error))?;
    if create {
        // Two processes may be here at once: the second finds the tables and leaves them.
        initialise(&connection, database, clock.as_ref()).map_err(|error| open_error(path, &error))?;
    }
    match format(&connection).map_err(|error| open_error(path, &error))? {
        Some(FORMAT) => {}
        Some(newer) => {
            return Err(fault(
                ErrorClass::Internal,
                format!(
                    "{path} has format {newer} and this snowops knows format {FORMAT}: use the snowops that wrote it"
                ),
            ));
        }
        // A file that its maker has not filled yet, or an empty one: nothing is in it.
        None => return Ok(None),
    }
    let made_for: String = connection
        .query_row("SELECT \"database\" FROM \"snowops$meta\"", [], |row| row.get(0))
        .map_err(|error| open_error(path, &error))?;
    if made_for != database {
        return Err(fault(
            ErrorClass::Connection,
            format!(
                "{path} was made for database {made_for}, and the environment's database is {database} now: set it back, or delete the file to start anew"
            ),
        ));
    }
    Ok(Some(connection))
}

#[expect(clippy::disallowed_methods, reason = "the folder of the engine's own database")]
fn create_folder(folder: &Utf8Path) -> Result<(), DbError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| fault(ErrorClass::Connection, format!("cannot create the folder {folder}: {error}")))
}

fn open_memory(database: &str, clock: &Arc<dyn Clock>) -> Result<Connection, DbError> {
    let connection = Connection::open_in_memory().map_err(|error| sqlite_error(&error))?;
    prepare(&connection, clock).map_err(|error| sqlite_error(&error))?;
    initialise(&connection, database, clock.as_ref()).map_err(|error| sqlite_error(&error))?;
    Ok(connection)
}

fn format(connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    let known = "SELECT 1 FROM sqlite_schema WHERE name = 'snowops$meta'";
    if connection.query_row(known, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    connection.query_row("SELECT \"format\" FROM \"snowops$meta\"", [], |row| row.get(0)).optional()
}

fn initialise(connection: &Connection, database: &str, clock: &dyn Clock) -> Result<(), rusqlite::Error> {
    // WAL lets the reader of one session work beside the writer of another. With `NORMAL` a power cut may take
    // back the last commits; ledger and catalogue are one file and so go back together.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = (|| {
        if format(connection)?.is_none() {
            connection.execute_batch(SCHEMA)?;
            connection.execute(
                "INSERT INTO \"snowops$meta\" VALUES (?1, ?2, ?3)",
                rusqlite::params![FORMAT, now(clock), database],
            )?;
        }
        connection.execute_batch("COMMIT")
    })();
    if made.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    made
}

fn prepare(connection: &Connection, clock: &Arc<dyn Clock>) -> Result<(), rusqlite::Error> {
    // Every call answers at once; the session waits, by the context's clock.
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    let text = FunctionFlags::SQLITE_UTF8;
    // The server's clock is the context's, in the default of `installed_on` too.
    for name in ["sysdate", "current_timestamp"] {
        let clock = Arc::clone(clock);
        connection.create_scalar_function(name, 0, text, move |_| Ok(now(clock.as_ref())))?;
    }
    connection.create_scalar_function("dateadd", 3, text | FunctionFlags::SQLITE_DETERMINISTIC, |call| {
        let (unit, number, time): (String, i64, Option<String>) = (call.get(0)?, call.get(1)?, call.get(2)?);
        let Some(time) = time else { return Ok(None) };
        date_add(&unit, number, &time)
            .map(Some)
            .map_err(|error| rusqlite::Error::UserFunctionError(format!("DATEADD: {error}").into()))
    })
}

fn date_add(unit: &str, number: i64, time: &str) -> Result<String, jiff::Error> {
    let time = DateTime::strptime(TIME_FORMAT, time)?;
    let by = match unit {
        "second" => SignedDuration::from_secs(number),
        "millisecond" => SignedDuration::from_millis(number),
        other => return Err(jiff::Error::from_args(format_args!("unknown unit '{other}'"))),
    };
    Ok(time.checked_add(by)?.strftime(TIME_FORMAT).to_string())
}

fn now(clock: &dyn Clock) -> String {
    let wall = SignedDuration::try_from(clock.now().wall).unwrap_or(SignedDuration::MAX);
    jiff::Timestamp::from_duration(wall)
        .map(|stamp| stamp.strftime(TIME_FORMAT).to_string())
        .unwrap_or_default()
}

fn open_error(path: &Utf8Path, error: &rusqlite::Error) -> DbError {
    let mut mapped = sqlite_error(error);
    mapped.phase = Phase::Connect;
    mapped.message = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            format!("{path} is no database of snowops, or is damaged: move it away to start anew ({error})")
        }
        _ => format!("cannot open {path}: {error}"),
    };
    mapped
}

/// What an error of SQLite means. Nothing of the statement was done: SQLite takes back a statement that fails.
pub(super) fn sqlite_error(error: &rusqlite::Error) -> DbError {
    let message = error.to_string();
    let class = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorClass::Busy,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => ErrorClass::Privilege,
        _ if message.contains("no such table") => ErrorClass::NotFound,
        _ if message.contains("already exists") => ErrorClass::AlreadyExists,
        _ => ErrorClass::Internal,
    };
    let mut mapped = fault(class, message);
    let known = match class {
        ErrorClass::NotFound => Some(("002003", "42S02")),
        ErrorClass::AlreadyExists => Some(("002002", "42710")),
        _ => None,
    };
    if let Some((code, sqlstate)) = known {
        mapped.code = Some(code.to_owned());
        mapped.sqlstate = Some(sqlstate.to_owned());
    }
    mapped
}

/// A fault of the engine itself: nothing was done.
pub(super) fn fault(class: ErrorClass, message: String) -> DbError {
    DbError {
        class,
        code: None,
        sqlstate: None,
        message,
        line: None,
        position: None,
        query_id: None,
        phase: Phase::Answer,
        outcome: Effect::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Cure, advice, cure, simulated::simulated};

    #[test]
    fn a_full_disk_is_no_fault_of_the_script() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("local.db")).unwrap();
        let (context, _) = simulated();
        let mut store = Store::open(&path, "LOCAL", context.clock).unwrap();
        store.materialise().unwrap();
        store.connection().pragma_update(None, "max_page_count", 20).unwrap();
        let error = store.run("CREATE TABLE big AS SELECT zeroblob(1000000) AS b", &[]).unwrap_err();
        assert_eq!((cure(&error), error.outcome), (Cure::Surroundings, Effect::Failed), "{error:?}");
        assert!(advice(&error).unwrap().starts_with("free some space"), "{error:?}");
        store.run("CREATE TABLE small (a INTEGER)", &[]).unwrap();
    }

    #[test]
    fn times_move_and_stay_comparable_as_text() {
        for (unit, number, from, to) in [
            ("second", 120, "2026-11-24 23:59:00.000000", "2026-11-25 00:01:00.000000"),
            ("second", -30, "2026-03-01 00:00:10.500000", "2026-02-28 23:59:40.500000"),
            ("millisecond", 1500, "2026-01-01 00:00:00.250001", "2026-01-01 00:00:01.750001"),
        ] {
            assert_eq!(date_add(unit, number, from).unwrap(), to);
        }
        assert!(date_add("fortnight", 1, "2026-01-01 00:00:00.000000").is_err());
    }
}
