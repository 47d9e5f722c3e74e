//! Expressions, by SQLite: the rows that a statement may see are loaded into a database in memory, the statement
//! runs there, and its result or what became of the rows is read back. The tables are small.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, functions::FunctionFlags, types::Value};
use snowops::model::ident::Ident;

use crate::{
    table::{Column, Rows},
    time,
};

/// What functions without arguments answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The server's clock, microseconds.
    pub(crate) now: i64,
    /// `CURRENT_ROLE` and its like, by name in lower case.
    pub(crate) current: BTreeMap<&'static str, Option<String>>,
    /// The session's role with all that it has through others.
    pub(crate) roles: BTreeSet<String>,
}

/// A relation with the rows that may be seen.
pub(crate) struct Loaded<'a> {
    pub(crate) name: String,
    pub(crate) columns: &'a [Column],
    pub(crate) rows: &'a Rows,
}

/// A result.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowSet {
    pub(crate) columns: Vec<OutColumn>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// A column of a result.
#[derive(Clone, Debug)]
pub(crate) struct OutColumn {
    pub(crate) name: String,
    /// The type of the column that it comes from; `None` for an expression, whose values tell.
    pub(crate) declared: Option<String>,
}

/// A value for a placeholder, by its name: `1` for `:1` and the first `?`.
pub(crate) type Binds = Vec<(String, Value)>;

/// The database in memory.
pub(crate) struct Evaluator(Connection);

impl Evaluator {
    pub(crate) fn new(around: &Surroundings, tables: &[Loaded<'_>]) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open_in_memory()?;
        functions(&connection, around)?;
        for table in tables {
            load(&connection, table)?;
        }
        Ok(Self(connection))
    }

    /// Runs a query.
    pub(crate) fn query(&self, text: &str, binds: &[(String, Value)]) -> Result<RowSet, rusqlite::Error> {
        let mut statement = self.0.prepare(text)?;
        bind(&mut statement, binds)?;
        let columns: Vec<OutColumn> = statement
            .columns()
            .map(|column| OutColumn {
                name: column.name().to_owned(),
                declared: column.decl_type().map(str::to_owned),
            })
            .collect();
        let width = columns.len();
        let mut rows = Vec::new();
        let mut cursor = statement.raw_query();
        while let Some(row) = cursor.next()? {
            rows.push((0..width).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>()?);
        }
        Ok(RowSet { columns, rows })
    }

    /// Runs a statement that changes rows and answers how many.
    pub(crate) fn change(&self, text: &str, binds: &[(String, Value)]) -> Result<u64, rusqlite::Error> {
        let mut statement = self.0.prepare(text)?;
        bind(&mut statement, binds)?;
        statement.raw_execute().map(|count| count as u64)
    }

    /// All rows of a relation, by their ids.
    pub(crate) fn rows(&self, name: &str) -> Result<Rows, rusqlite::Error> {
        let mut statement = self.0.prepare(&format!("SELECT rowid, * FROM {}", quoted(name)))?;
        let width = statement.column_count();
        let mut rows = Rows::new();
        let mut cursor = statement.raw_query();
        while let Some(row) = cursor.next()? {
            let values = (1..width).map(|at| row.get(at)).collect::<Result<_, _>>()?;
            rows.insert(row.get(0)?, values);
        }
        Ok(rows)
    }
}

fn quoted(name: &str) -> String {
    Ident::stored(name).quoted()
}

fn bind(statement: &mut rusqlite::Statement<'_>, binds: &[(String, Value)]) -> Result<(), rusqlite::Error> {
    let mut named = 0;
    for (name, value) in binds {
        if let Some(index) = statement.parameter_index(&format!(":{name}"))? {
            statement.raw_bind_parameter(index, value)?;
            named += 1;
        }
    }
    if named == 0 {
        // `?` stand for the values in their order.
        for (at, (_, value)) in binds.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, value)?;
        }
        named = binds.len();
    }
    if statement.parameter_count() > named {
        return Err(rusqlite::Error::InvalidParameterCount(named, statement.parameter_count()));
    }
    Ok(())
}

fn load(connection: &Connection, table: &Loaded<'_>) -> Result<(), rusqlite::Error> {
    let columns: Vec<String> = table.columns.iter().map(definition).collect();
    let name = quoted(&table.name);
    connection.execute_batch(&format!("CREATE TABLE {name} ({})", columns.join(", ")))?;
    if table.rows.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let marks = vec!["?"; table.columns.len() + 1].join(", ");
    let insert = format!("INSERT INTO {name} (rowid, {}) VALUES ({marks})", names.join(", "));
    connection.execute_batch("BEGIN")?;
    let mut statement = connection.prepare(&insert)?;
    for (id, row) in table.rows {
        statement.raw_bind_parameter(1, id)?;
        for (at, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(at + 2, value)?;
        }
        statement.raw_execute()?;
    }
    drop(statement);
    connection.execute_batch("COMMIT")
}

fn definition(column: &Column) -> String {
    let text = format!("{} {}", quoted(&column.name), column.data_type.as_deref().unwrap_or_default());
    if let Some(default) = &column.default {
        // A function without parentheses is a keyword to SQLite.
        let default = match default.trim_end_matches("()").to_ascii_uppercase().as_str() {
            name @ ("CURRENT_TIMESTAMP" | "SYSDATE") => format!("\"{}\"()", name.to_ascii_lowercase()),
            _ => default.clone(),
        };
        return format!("{text} DEFAULT ({default})");
    }
    text
}

fn functions(connection: &Connection, around: &Surroundings) -> Result<(), rusqlite::Error> {
    let flags = FunctionFlags::SQLITE_UTF8;
    let now = around.now;
    for name in ["sysdate", "current_timestamp", "localtimestamp", "getdate"] {
        connection.create_scalar_function(name, 0, flags, move |_| Ok(time::value(now)))?;
    }
    for (name, value) in &around.current {
        let value = value.clone();
        connection.create_scalar_function(*name, 0, flags, move |_| Ok(value.clone()))?;
    }
    let roles = around.roles.clone();
    connection.create_scalar_function("is_role_in_session", 1, flags, move |call| {
        Ok(roles.contains(&call.get::<String>(0)?))
    })?;
    connection.create_scalar_function("dateadd", 3, flags, |call| {
        let (unit, number, moment): (String, i64, Value) = (call.get(0)?, call.get(1)?, call.get(2)?);
        let moment = match &moment {
            Value::Blob(bytes) => time::micros_of(bytes),
            Value::Text(text) => time::parse(text),
            _ => None,
        };
        let Some(moment) = moment else { return Ok(Value::Null) };
        time::add(&unit, number, moment)
            .map(time::value)
            .ok_or_else(|| rusqlite::Error::UserFunctionError(format!("DATEADD: unit '{unit}'").into()))
    })?;
    let ends = |call: &rusqlite::functions::Context<'_>, ends: fn(&str, &str) -> bool| {
        let (text, part): (Option<String>, Option<String>) = (call.get(0)?, call.get(1)?);
        Ok(text.zip(part).map(|(text, part)| ends(&text, &part)))
    };
    connection.create_scalar_function("endswith", 2, flags, move |call| {
        ends(call, |text, part| text.ends_with(part))
    })?;
    connection.create_scalar_function("to_varchar", 1, flags, |call| {
        Ok(match call.get(0)? {
            Value::Integer(number) => Value::Text(number.to_string()),
            other => other,
        })
    })?;
    // Semi-structured values are kept as their text.
    connection.create_scalar_function("parse_json", 1, flags, |call| call.get::<Value>(0))?;
    connection.create_scalar_function("startswith", 2, flags, move |call| {
        ends(call, |text, part| text.starts_with(part))
    })
}
