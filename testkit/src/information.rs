//! `INFORMATION_SCHEMA`: views over the catalogue, and the history of statements.

use std::{collections::BTreeSet, time::Duration};

use rusqlite::types::Value;
use snowops::{
    catalog::Catalog,
    model::{ident::Ident, kind::ObjectKind},
};

use crate::{
    answer::Failure,
    details,
    execute::{Done, ask},
    settings::Warehouse,
    table::{Column, Rows, TableName},
    time,
    wire::WireColumn,
    world::{Shared, World},
};

type Relation = (Vec<Column>, Rows);

fn column(name: &str, data_type: &str) -> Column {
    Column { name: name.to_owned(), data_type: Some(data_type.to_owned()), not_null: false, default: None }
}

fn relation(columns: &[(&str, &str)], rows: Vec<Vec<Value>>) -> Relation {
    let columns = columns.iter().map(|(name, data_type)| column(name, data_type)).collect();
    (columns, (1..).zip(rows).collect())
}

fn text(text: Option<impl Into<String>>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.into()))
}

fn moment(text: Option<&String>) -> Value {
    text.and_then(|text| time::parse(text)).map_or(Value::Null, time::value)
}

/// Rows of SHOW by the names of its columns.
fn shown(catalog: &mut Catalog, statement: &str) -> Vec<Vec<Option<String>>> {
    ask(catalog, statement).map(|reply| reply.rows).unwrap_or_default()
}

// Columns of the catalogue's SHOW.
const CREATED: usize = 0;
const NAME: usize = 1;
const KIND: usize = 2;
const SCHEMA: usize = 4;
const OWNER: usize = 5;
const COMMENT: usize = 6;

/// A view of a database; `None` if it is none of those that are modelled.
pub(crate) fn view(world: &mut World, role: Option<&Ident>, database: &str, view: &str) -> Option<Relation> {
    let mut relation = all(&mut world.catalog, database, view)?;
    if let Some(privileges) = &world.privileges {
        let (kind, first, last) = match view {
            "SCHEMATA" => (ObjectKind::Schema, 0, 1),
            "TABLES" | "COLUMNS" => (ObjectKind::Table, 0, 2),
            _ => return Some(relation),
        };
        relation.1.retain(|_, row| {
            let parts = row[first..=last].iter().filter_map(|cell| match cell {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            });
            privileges.shows(role, kind, &parts.collect::<Vec<_>>())
        });
    }
    Some(relation)
}

/// Kinds whose rows a role sees only with a privilege on them.
pub(crate) const LISTED: [ObjectKind; 4] =
    [ObjectKind::Warehouse, ObjectKind::Database, ObjectKind::Schema, ObjectKind::Table];

/// What SHOW WAREHOUSES says beside the names (Snowflake's page of it).
pub(crate) fn with_warehouses(done: &mut Done, known: &[Warehouse]) {
    done.columns.extend(["state", "size", "auto_resume"].map(WireColumn::text));
    for row in &mut done.rows {
        let name = row[NAME].clone().unwrap_or_default();
        let found = known.iter().find(|warehouse| warehouse.name == name).cloned();
        let warehouse = found.unwrap_or_else(|| Warehouse::new(&name));
        let resumes = warehouse.auto_resume.to_string();
        row.extend([warehouse.state, warehouse.size, resumes].map(Some));
    }
}

fn all(catalog: &mut Catalog, database: &str, view: &str) -> Option<Relation> {
    let quoted = Ident::stored(database).quoted();
    let time_type = "TIMESTAMP_LTZ(9)";
    match view {
        "DATABASES" => {
            let rows = shown(catalog, "SHOW DATABASES").into_iter().map(|row| {
                vec![
                    text(row[NAME].clone()),
                    text(row[OWNER].clone()),
                    moment(row[CREATED].as_ref()),
                    text(row[COMMENT].clone()),
                ]
            });
            let columns = [
                ("DATABASE_NAME", "VARCHAR"),
                ("DATABASE_OWNER", "VARCHAR"),
                ("CREATED", time_type),
                ("COMMENT", "VARCHAR"),
            ];
            Some(relation(&columns, rows.collect()))
        }
        "SCHEMATA" => {
            let rows = shown(catalog, &format!("SHOW SCHEMAS IN DATABASE {quoted}")).into_iter().map(|row| {
                vec![
                    text(Some(database)),
                    text(row[NAME].clone()),
                    text(row[OWNER].clone()),
                    moment(row[CREATED].as_ref()),
                    text(row[COMMENT].clone()),
                ]
            });
            let columns = [
                ("CATALOG_NAME", "VARCHAR"),
                ("SCHEMA_NAME", "VARCHAR"),
                ("SCHEMA_OWNER", "VARCHAR"),
                ("CREATED", time_type),
                ("COMMENT", "VARCHAR"),
            ];
            Some(relation(&columns, rows.collect()))
        }
        "TABLES" => {
            let rows = relations(catalog, &quoted).into_iter().map(|row| {
                let base = match row[KIND].as_deref() {
                    Some("VIEW") => "VIEW",
                    Some("MATERIALIZED VIEW") => "MATERIALIZED VIEW",
                    _ => "BASE TABLE",
                };
                vec![
                    text(Some(database)),
                    text(row[SCHEMA].clone()),
                    text(row[NAME].clone()),
                    text(row[OWNER].clone()),
                    text(Some(base)),
                    moment(row[CREATED].as_ref()),
                    text(row[COMMENT].clone()),
                ]
            });
            let columns = [
                ("TABLE_CATALOG", "VARCHAR"),
                ("TABLE_SCHEMA", "VARCHAR"),
                ("TABLE_NAME", "VARCHAR"),
                ("TABLE_OWNER", "VARCHAR"),
                ("TABLE_TYPE", "VARCHAR"),
                ("CREATED", time_type),
                ("COMMENT", "VARCHAR"),
            ];
            Some(relation(&columns, rows.collect()))
        }
        "COLUMNS" => {
            let mut rows = Vec::new();
            for row in relations(catalog, &quoted) {
                let (Some(schema), Some(table)) = (row[SCHEMA].clone(), row[NAME].clone()) else { continue };
                let name = TableName { database: database.to_owned(), schema, table };
                for (at, column) in (1..).zip(columns(catalog, &name)) {
                    let nullable = if column.not_null { "NO" } else { "YES" };
                    rows.push(vec![
                        text(Some(database)),
                        text(Some(name.schema.as_str())),
                        text(Some(name.table.as_str())),
                        text(Some(column.name.as_str())),
                        Value::Integer(at),
                        text(column.default.clone()),
                        text(Some(nullable)),
                        text(Some(if column.base() == "VARCHAR" { "TEXT" } else { column.base() })),
                    ]);
                    if let Some(row) = rows.last_mut() {
                        row.extend(details::sizes(column.data_type.as_deref()));
                        let known = stored(catalog, &name, &column.name);
                        let identity = known.is_some_and(|column| column.autoincrement);
                        row.push(text(Some(if identity { "YES" } else { "NO" })));
                        row.push(text(known.and_then(|column| column.comment.clone())));
                    }
                }
            }
            let columns = [
                ("TABLE_CATALOG", "VARCHAR"),
                ("TABLE_SCHEMA", "VARCHAR"),
                ("TABLE_NAME", "VARCHAR"),
                ("COLUMN_NAME", "VARCHAR"),
                ("ORDINAL_POSITION", "NUMBER(9,0)"),
                ("COLUMN_DEFAULT", "VARCHAR"),
                ("IS_NULLABLE", "VARCHAR(3)"),
                ("DATA_TYPE", "VARCHAR"),
                ("CHARACTER_MAXIMUM_LENGTH", "NUMBER(9,0)"),
                ("CHARACTER_OCTET_LENGTH", "NUMBER(9,0)"),
                ("NUMERIC_PRECISION", "NUMBER(9,0)"),
                ("NUMERIC_SCALE", "NUMBER(9,0)"),
                ("DATETIME_PRECISION", "NUMBER(9,0)"),
                ("IS_IDENTITY", "VARCHAR(3)"),
                ("COMMENT", "VARCHAR"),
            ];
            Some(relation(&columns, rows))
        }
        "OBJECT_PRIVILEGES" => {
            let rows = details::privileges(catalog, &Ident::stored(database));
            let columns =
                ["OBJECT_TYPE", "OBJECT_SCHEMA", "OBJECT_NAME", "PRIVILEGE_TYPE", "GRANTEE", "GRANTED_TO"];
            Some(texts(&columns, rows))
        }
        "PROCEDURES" | "FUNCTIONS" => {
            let rows = details::routines(catalog, &Ident::stored(database), view == "PROCEDURES");
            let word = view.trim_end_matches('S');
            let own = ["SCHEMA", "NAME", "OWNER"].map(|part| format!("{word}_{part}"));
            let (language, definition) = (format!("{word}_LANGUAGE"), format!("{word}_DEFINITION"));
            let columns = [
                own[0].as_str(),
                &own[1],
                &own[2],
                "ARGUMENT_SIGNATURE",
                "DATA_TYPE",
                &language,
                &definition,
                "COMMENT",
            ];
            Some(texts(&columns, rows))
        }
        _ => None,
    }
}

/// A view of texts.
fn texts<const N: usize>(columns: &[&str; N], rows: Vec<[Option<String>; N]>) -> Relation {
    let columns: Vec<(&str, &str)> = columns.iter().map(|name| (*name, "VARCHAR")).collect();
    relation(&columns, rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
}

/// A column as the catalogue has it.
fn stored<'c>(catalog: &'c Catalog, table: &TableName, column: &str) -> Option<&'c snowops::catalog::Column> {
    let database = catalog.databases().get(&Ident::stored(table.database.as_str()))?;
    let schema = database.schemas.get(&Ident::stored(table.schema.as_str()))?;
    schema.objects.get("relation")?.get(&table.table)?.column(&Ident::stored(column))
}

/// Tables and views of a database.
fn relations(catalog: &mut Catalog, database: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = shown(catalog, &format!("SHOW TABLES IN DATABASE {database}"));
    rows.extend(shown(catalog, &format!("SHOW VIEWS IN DATABASE {database}")));
    rows
}

/// Tables of the account that have one of these names.
pub(crate) fn tables(catalog: &mut Catalog, names: &[String]) -> BTreeSet<TableName> {
    shown(catalog, "SHOW TABLES IN ACCOUNT")
        .into_iter()
        .filter_map(|row| {
            let table = row[NAME].clone().filter(|name| names.contains(name))?;
            Some(TableName { database: row[SCHEMA - 1].clone()?, schema: row[SCHEMA].clone()?, table })
        })
        .collect()
}

/// The columns of a table as the catalogue has them.
pub(crate) fn columns(catalog: &mut Catalog, name: &TableName) -> Vec<Column> {
    let parts = [&name.database, &name.schema, &name.table].map(|part| Ident::stored(part.as_str()).quoted());
    let rows = shown(catalog, &format!("DESCRIBE TABLE {}", parts.join(".")));
    rows.into_iter()
        .map(|row| Column {
            name: row[0].clone().unwrap_or_default(),
            data_type: row[1].clone(),
            not_null: row[3].as_deref() == Some("N"),
            default: row[4].clone(),
        })
        .collect()
}

/// The columns of [`history`].
const HISTORY: [(&str, &str); 14] = [
    ("QUERY_ID", "VARCHAR"),
    ("QUERY_TEXT", "VARCHAR"),
    ("DATABASE_NAME", "VARCHAR"),
    ("SCHEMA_NAME", "VARCHAR"),
    ("SESSION_ID", "NUMBER(38,0)"),
    ("USER_NAME", "VARCHAR"),
    ("ROLE_NAME", "VARCHAR"),
    ("WAREHOUSE_NAME", "VARCHAR"),
    ("QUERY_TAG", "VARCHAR"),
    ("EXECUTION_STATUS", "VARCHAR"),
    ("ERROR_CODE", "VARCHAR"),
    ("ERROR_MESSAGE", "VARCHAR"),
    ("START_TIME", "TIMESTAMP_LTZ(3)"),
    ("END_TIME", "TIMESTAMP_LTZ(3)"),
];

/// Statements, as `QUERY_HISTORY`, `QUERY_HISTORY_BY_USER` and `QUERY_HISTORY_BY_SESSION` list them: the caller's
/// own, with those that still run (Snowflake's page of these functions). Limits of rows are not applied.
pub(crate) fn history(
    shared: &Shared,
    world: &World,
    session: u64,
    database: &str,
    function: &str,
    now: Duration,
) -> Result<Relation, Failure> {
    let by_session = match function {
        "QUERY_HISTORY" | "QUERY_HISTORY_BY_USER" => false,
        "QUERY_HISTORY_BY_SESSION" => true,
        _ => {
            let message = format!(
                "SQL compilation error:\nUnknown table function {database}.INFORMATION_SCHEMA.{function}."
            );
            return Err(Failure::new("002141", "42601", message));
        }
    };
    let user = world.sessions.get(&session).map(|session| session.user.as_str()).unwrap_or_default();
    let all = function == "QUERY_HISTORY" && shared.settings.modes.monitor;
    let delay = shared.settings.modes.history_delay;
    let shown = |changed: Duration| delay.is_some_and(|delay| changed + delay <= now);
    let name = |name: &Option<Ident>| text(name.as_ref().map(Ident::as_str));
    let rows = world.statements.iter().filter(|statement| {
        let own = statement.user == user && (!by_session || statement.session == session);
        (own || all) && shown(statement.started)
    });
    let rows = rows.map(|statement| {
        // What ended lately is still shown as running.
        let ended = statement.ended.filter(|ended| shown(*ended));
        let status = match ended {
            None if statement.ended.is_some() => "RUNNING",
            _ => statement.status.as_str(),
        };
        let failure = statement.failure.as_ref().filter(|_| ended.is_some());
        vec![
            text(Some(statement.query_id.as_str())),
            text(Some(statement.text.as_str())),
            name(&statement.context.database),
            name(&statement.context.schema),
            Value::Integer(i64::try_from(statement.session).unwrap_or_default()),
            text(Some(statement.user.as_str())),
            name(&statement.context.role),
            name(&statement.context.warehouse),
            text(Some(statement.tag.as_str())),
            text(Some(status)),
            text(failure.map(|failure| failure.code.as_str())),
            text(failure.map(|failure| failure.message.as_str())),
            time::value(time::micros(statement.started)),
            ended.map_or(Value::Null, |ended| time::value(time::micros(ended))),
        ]
    });
    Ok(relation(&HISTORY, rows.collect()))
}
