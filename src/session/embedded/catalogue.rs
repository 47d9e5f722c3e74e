//! The catalogue as the file keeps it: a snapshot and the statements since, the *tail*.
//!
//! Opening reads the snapshot and applies the tail again, statement by statement, each in its session. Sessions of
//! this and of other processes see each other's statements when the file's tail has moved.
//!
//! The first user statement stores a snapshot of what the project's lists say. What they say more later is added
//! behind the tail and stored at once: the statements of the tail are applied again to what they were applied to.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    super::{DbError, ErrorClass},
    store::{fault, sqlite_error},
};
use crate::{
    catalog::{Catalog, Effect, Seed, SessionState, Stamp, apply, unread},
    model::{ident::Ident, target::Context4},
    sql::command::command,
};

/// A longer tail becomes a snapshot when a work session opens.
pub(super) const LONG_TAIL: i64 = 2000;

/// What stands before the text of a statement that was let through unread: what a person writes there. No other text of
/// the tail begins so.
const UNREAD: &str = "-- snowops: local=opaque\n";

/// The catalogue at one place of the tail.
pub(super) struct Catalogue {
    pub(super) catalog: Catalog,
    /// The last statement of the tail that is in it.
    seq: i64,
    /// It holds something of the project's lists that the file does not.
    grown: bool,
    /// Sessions of the tail.
    sessions: HashMap<String, SessionState>,
}

/// One statement of the tail.
pub(super) struct TailRow<'a> {
    pub(super) session: &'a str,
    /// Where the session stood before it.
    pub(super) context: &'a Context4,
    pub(super) now: &'a str,
    pub(super) query_id: &'a str,
    pub(super) text: &'a str,
    /// It was let through unread, and is not read later either.
    pub(super) unread: bool,
}

impl Catalogue {
    /// Reads the file's catalogue, and adds what `seed` lists and neither the file nor a statement knew.
    pub(super) fn load(connection: &Connection, seed: &Seed) -> Result<Self, DbError> {
        let snapshot = connection
            .query_row(
                "SELECT \"seq\", \"text\" FROM \"snowops$snapshot\" ORDER BY \"seq\" DESC",
                [],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
            )
            .optional()
            .map_err(|error| sqlite_error(&error))?;
        let first = snapshot.is_none();
        let (seq, catalog) = match snapshot {
            Some((seq, text)) => (seq, Catalog::from_text(&text).map_err(|error| unreadable(&error))?),
            None => (0, Catalog::new(seed)),
        };
        let mut catalogue = Self { catalog, seq, grown: first, sessions: HashMap::new() };
        catalogue.follow(connection)?;
        let known = catalogue.catalog.clone();
        catalogue.catalog.extend(seed);
        catalogue.grown |= catalogue.catalog != known;
        Ok(catalogue)
    }

    /// Applies what others added to the tail. `false`: the tail was cut into a newer snapshot, load anew.
    pub(super) fn refresh(&mut self, connection: &Connection) -> Result<bool, DbError> {
        let newest: Option<i64> = connection
            .query_row("SELECT MAX(\"seq\") FROM \"snowops$snapshot\"", [], |row| row.get(0))
            .map_err(|error| sqlite_error(&error))?;
        if newest.is_some_and(|newest| newest > self.seq) {
            return Ok(false);
        }
        self.follow(connection)?;
        Ok(true)
    }

    fn follow(&mut self, connection: &Connection) -> Result<(), DbError> {
        let select = "SELECT \"seq\", \"session_id\", \"context\", \"now\", \"query_id\", \"text\" \
                      FROM \"snowops$tail\" WHERE \"seq\" > ?1 ORDER BY \"seq\"";
        let mut statement = connection.prepare_cached(select).map_err(|error| sqlite_error(&error))?;
        let mut rows = statement.query([self.seq]).map_err(|error| sqlite_error(&error))?;
        while let Some(row) = rows.next().map_err(|error| sqlite_error(&error))? {
            let text = |at: usize| row.get::<_, String>(at).map_err(|error| sqlite_error(&error));
            let (session, context, text) = (text(1)?, text(2)?, text(5)?);
            let stamp = Stamp { now: row_text(row, 3)?, query_id: row_text(row, 4)? };
            let command = match text.strip_prefix(UNREAD) {
                Some(text) => unread(text),
                None => command(&text).map_err(|error| unreadable(&error.message))?,
            };
            // A session that the snapshot cut off goes on from where it stood.
            let state =
                self.sessions.entry(session).or_insert_with(|| SessionState::new(context_of(&context)));
            if let Effect::Refused(error) = apply(&mut self.catalog, state, &command, &stamp) {
                return Err(unreadable(&format!(
                    "'{}': {}",
                    text.chars().take(60).collect::<String>(),
                    error.message
                )));
            }
            self.seq = row.get(0).map_err(|error| sqlite_error(&error))?;
        }
        Ok(())
    }

    /// Adds a statement that was applied to [`Catalogue::catalog`], inside the caller's transaction.
    pub(super) fn append(&mut self, connection: &Connection, row: &TailRow<'_>) -> Result<(), DbError> {
        let insert = "INSERT INTO \"snowops$tail\" (\"session_id\", \"context\", \"now\", \"query_id\", \"text\") \
                      VALUES (?1, ?2, ?3, ?4, ?5)";
        connection
            .prepare_cached(insert)
            .and_then(|mut statement| {
                let context = context_text(row.context);
                let text = format!("{}{}", if row.unread { UNREAD } else { "" }, row.text);
                statement.insert(params![row.session, context, row.now, row.query_id, text])
            })
            .map(|seq| self.seq = seq)
            .map_err(|error| sqlite_error(&error))
    }

    /// Makes a tail of more than `longest` statements a snapshot, and any tail if the project's lists have grown,
    /// inside the caller's transaction. State of sessions is not in it: only the work session of the lease's holder
    /// writes the tail, and this runs when that opens.
    pub(super) fn compact(&mut self, connection: &Connection, longest: i64) -> Result<(), DbError> {
        self.compact_inside(connection, longest).map_err(|error| sqlite_error(&error))
    }

    fn compact_inside(&mut self, connection: &Connection, longest: i64) -> Result<(), rusqlite::Error> {
        let length: i64 =
            connection.query_row("SELECT COUNT(*) FROM \"snowops$tail\"", [], |row| row.get(0))?;
        if length <= longest && !self.grown {
            return Ok(());
        }
        connection.execute("DELETE FROM \"snowops$snapshot\"", [])?;
        connection.execute(
            "INSERT INTO \"snowops$snapshot\" VALUES (?1, ?2)",
            params![self.seq, self.catalog.to_text()],
        )?;
        connection.execute("DELETE FROM \"snowops$tail\" WHERE \"seq\" <= ?1", [self.seq])?;
        self.sessions.clear();
        self.grown = false;
        Ok(())
    }
}

fn row_text(row: &rusqlite::Row<'_>, at: usize) -> Result<String, DbError> {
    row.get(at).map_err(|error| sqlite_error(&error))
}

fn unreadable(what: &str) -> DbError {
    fault(
        ErrorClass::Internal,
        format!(
            "the local catalogue cannot be built again from its file: {what}; it was written by another version of \
             snowops, or is damaged: move the file away to start anew"
        ),
    )
}

fn context_text(context: &Context4) -> String {
    let part = |name: &Option<Ident>| name.as_ref().map(|name| name.as_str().to_owned());
    let parts = [&context.role, &context.warehouse, &context.database, &context.schema].map(part);
    serde_json::json!(parts).to_string()
}

fn context_of(text: &str) -> Context4 {
    let [role, warehouse, database, schema] = serde_json::from_str::<[Option<String>; 4]>(text)
        .unwrap_or_default()
        .map(|name| name.map(Ident::stored));
    Context4 { role, warehouse, database, schema }
}
