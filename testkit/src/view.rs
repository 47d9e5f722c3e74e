//! The server's state as plain data, for what tests must be true of it.

use std::{collections::BTreeMap, time::Duration};

use rusqlite::types::Value;
use serde::Serialize;

use crate::{statement::Statement, table::TableName, time, world::World};

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The catalogue as text: one fact a line, with the owner and creation time of each object.
    pub catalog: String,
    /// Committed rows of the tables whose rows are kept.
    pub tables: BTreeMap<TableName, Vec<Row>>,
    /// All statements, in the order of arrival.
    pub statements: Vec<Ran>,
    /// Open sessions.
    pub sessions: Vec<Open>,
}

/// A row: texts by column. Times are RFC 3339, truth values `true` and `false`.
pub type Row = BTreeMap<String, Option<String>>;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// The server's id.
    pub query_id: String,
    /// The client's id of the request.
    pub request_id: String,
    /// Session.
    pub session: u64,
    /// Text, as it was sent.
    pub text: String,
    /// SHA-256 of the text.
    pub hash: String,
    /// Query tag.
    pub tag: String,
    /// `RUNNING`, `SUCCESS`, `FAILED_WITH_ERROR`, `QUEUED` or `BLOCKED`.
    pub status: &'static str,
    /// Snowflake's code of its failure.
    pub code: Option<String>,
    /// When it came, since 1970, by the server's clock.
    pub started: Duration,
    /// When it was over.
    pub ended: Option<Duration>,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Its id.
    pub id: u64,
    /// User.
    pub user: String,
    /// Role, warehouse, database and schema, as stored.
    pub context: [Option<String>; 4],
    /// Parameters of its login.
    pub parameters: BTreeMap<String, String>,
    /// Whether a transaction is open.
    pub transaction: bool,
}

impl View {
    pub(crate) fn of(world: &World) -> Self {
        let tables = world.tables.iter().map(|(name, table)| {
            let row = |values: &Vec<Value>| {
                let cells = table.columns.iter().zip(values);
                cells.map(|(column, value)| (column.name.clone(), text(column.base(), value))).collect()
            };
            (name.clone(), table.newest().values().map(row).collect())
        });
        let sessions = world.sessions.values().map(|session| {
            let context = &session.state.context;
            let parts = [&context.role, &context.warehouse, &context.database, &context.schema];
            Open {
                id: session.id,
                user: session.user.clone(),
                context: parts.map(|part| part.as_ref().map(|name| name.as_str().to_owned())),
                parameters: session.parameters.clone(),
                transaction: session.transaction.is_some(),
            }
        });
        Self {
            catalog: world.catalog.to_text(),
            tables: tables.collect(),
            statements: world.statements.iter().map(ran).collect(),
            sessions: sessions.collect(),
        }
    }

    /// How often each text was carried out, by its hash: only statements that succeeded count.
    pub fn executions(&self) -> BTreeMap<&str, usize> {
        self.counted(|ran| &ran.hash)
    }

    /// The same, by query tag.
    pub fn executions_by_tag(&self) -> BTreeMap<&str, usize> {
        self.counted(|ran| &ran.tag)
    }

    fn counted(&self, key: impl Fn(&Ran) -> &str) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for ran in self.statements.iter().filter(|ran| ran.status == "SUCCESS") {
            *counts.entry(key(ran)).or_default() += 1;
        }
        counts
    }

    /// Rows of the table of that name, if there is one of it.
    pub fn rows(&self, table: &str) -> &[Row] {
        let found = self.tables.iter().find(|(name, _)| name.table == table);
        found.map_or(&[], |(_, rows)| rows)
    }
}

fn ran(statement: &Statement) -> Ran {
    Ran {
        query_id: statement.query_id.clone(),
        request_id: statement.request_id.clone(),
        session: statement.session,
        text: statement.text.clone(),
        hash: statement.hash.clone(),
        tag: statement.tag.clone(),
        status: statement.status.as_str(),
        code: statement.failure.as_ref().map(|failure| failure.code.clone()),
        started: statement.started,
        ended: statement.ended,
    }
}

fn text(base: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) if base == "BOOLEAN" => Some((*number != 0).to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Blob(bytes) => {
            let micros = time::micros_of(bytes)?.unsigned_abs();
            Some(time::rfc3339(Duration::from_micros(micros)))
        }
    }
}
