//! What listings say beside name, place, owner and comment, with the names of Snowflake's pages of SHOW and of
//! `INFORMATION_SCHEMA`: read from the catalogue.

use rusqlite::types::Value;
use snowops::{
    catalog::{Catalog, Clauses, Key, KeyRule, Object},
    model::{command::DataType, ident::Ident, kind::ObjectKind},
};

use crate::{execute::Done, wire::WireColumn};

type Cell = Option<String>;

fn yes(is: bool) -> String {
    if is { "Y" } else { "N" }.to_owned()
}

fn unquoted(text: Option<&String>) -> Cell {
    text.map(|text| text.trim_matches('\'').replace("''", "'"))
}

/// The columns that SHOW of a kind adds here.
fn columns(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Database | ObjectKind::Schema => &["options", "retention_time"],
        ObjectKind::Table => &[
            "cluster_by",
            "retention_time",
            "change_tracking",
            "enable_schema_evolution",
            "is_external",
            "is_dynamic",
            "is_hybrid",
            "is_iceberg",
            "is_event",
        ],
        ObjectKind::View => &["text", "is_secure", "is_materialized"],
        ObjectKind::DynamicTable => &["target_lag", "warehouse"],
        ObjectKind::Task => &["warehouse", "schedule", "predecessors", "condition", "definition"],
        ObjectKind::Stream => &["table_name", "source_type", "mode"],
        ObjectKind::Pipe => &["definition"],
        ObjectKind::Stage => &["url", "storage_integration"],
        ObjectKind::FileFormat => &["type"],
        ObjectKind::Sequence => &["interval"],
        _ => &[],
    }
}

/// Adds to the rows of SHOW what Snowflake says beside.
pub(crate) fn add(done: &mut Done, kind: ObjectKind, catalog: &Catalog) {
    let names = columns(kind);
    if names.is_empty() {
        return;
    }
    let all: Vec<Ident> = catalog.databases().keys().cloned().collect();
    // Names in full, as a server prints them.
    let outline = catalog.outline(&all, None);
    done.columns.extend(names.iter().map(|name| WireColumn::text(name)));
    for row in &mut done.rows {
        let cell = |at: usize| row.get(at).cloned().flatten().map(Ident::stored);
        let cells = match (kind, cell(1), cell(3), cell(4)) {
            (ObjectKind::Database, Some(name), ..) => container(catalog, &name, None),
            (ObjectKind::Schema, Some(name), Some(database), _) => container(catalog, &database, Some(&name)),
            (_, Some(name), Some(database), Some(schema)) => object(catalog, &database, &schema, kind, &name)
                .map(|written| {
                    let plain = object(&outline, &database, &schema, kind, &name).unwrap_or(written);
                    let days = retention(catalog, &database, Some(&schema), Some(written));
                    of_object(kind, written, plain, days)
                })
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let missing = names.len().saturating_sub(cells.len());
        row.extend(cells);
        row.extend(std::iter::repeat_n(None, missing));
    }
}

fn object<'c>(
    catalog: &'c Catalog,
    database: &Ident,
    schema: &Ident,
    kind: ObjectKind,
    name: &Ident,
) -> Option<&'c Object> {
    let schema = catalog.databases().get(database)?.schemas.get(schema)?;
    schema.objects.get(kind.name_space())?.get(name.as_str())
}

/// Days that an object keeps its past: its own, or those of what holds it.
fn retention(catalog: &Catalog, database: &Ident, schema: Option<&Ident>, object: Option<&Object>) -> Cell {
    let database = catalog.databases().get(database)?;
    let schema = schema.and_then(|name| database.schemas.get(name));
    let levels = [
        object.map(|object| &object.properties),
        schema.map(|schema| &schema.properties),
        Some(&database.properties),
    ];
    let set = levels.into_iter().flatten().find_map(|set| set.get("DATA_RETENTION_TIME_IN_DAYS").cloned());
    Some(set.unwrap_or_else(|| "1".to_owned()))
}

fn container(catalog: &Catalog, database: &Ident, schema: Option<&Ident>) -> Vec<Cell> {
    let Some(found) = catalog.databases().get(database) else { return Vec::new() };
    let inner = schema.and_then(|name| found.schemas.get(name));
    let (transient, managed) = match inner {
        Some(schema) => (schema.transient, schema.managed_access),
        None => (found.transient && schema.is_none(), false),
    };
    let options: Vec<&str> = [(transient, "TRANSIENT"), (managed, "MANAGED ACCESS")]
        .into_iter()
        .filter_map(|(is, word)| is.then_some(word))
        .collect();
    vec![Some(options.join(", ")), retention(catalog, database, schema, None)]
}

fn of_object(kind: ObjectKind, written: &Object, plain: &Object, days: Cell) -> Vec<Cell> {
    let set = |name: &str| plain.properties.get(name);
    let clauses = Clauses::of(plain).unwrap_or_default();
    let clause = |name: &str| clauses.named.get(name);
    match kind {
        ObjectKind::Table => {
            let is = |kind| Some(yes(written.kind == kind));
            let columns: Vec<String> = written.cluster_by.iter().map(ToString::to_string).collect();
            let cluster_by =
                if columns.is_empty() { String::new() } else { format!("LINEAR({})", columns.join(", ")) };
            let on = if set("CHANGE_TRACKING").is_some() { "ON" } else { "OFF" };
            vec![
                Some(cluster_by),
                days,
                Some(on.to_owned()),
                Some(yes(set("ENABLE_SCHEMA_EVOLUTION").is_some())),
                is(ObjectKind::ExternalTable),
                is(ObjectKind::DynamicTable),
                is(ObjectKind::HybridTable),
                is(ObjectKind::IcebergTable),
                is(ObjectKind::EventTable),
            ]
        }
        ObjectKind::View => {
            let materialized = written.kind == ObjectKind::MaterializedView;
            let secure = if written.secure { "SECURE " } else { "" };
            let query = written.definition.clone().unwrap_or_default();
            let text = format!("CREATE {secure}{} {} AS {query}", written.kind, written.name);
            vec![Some(text), Some(written.secure.to_string()), Some(materialized.to_string())]
        }
        ObjectKind::DynamicTable => vec![unquoted(set("TARGET_LAG")), set("WAREHOUSE").cloned()],
        ObjectKind::Task => {
            let after =
                clause("AFTER").map(|names| names.split(", ").collect::<Vec<_>>()).unwrap_or_default();
            vec![
                clause("WAREHOUSE").cloned(),
                unquoted(clause("SCHEDULE")),
                serde_json::to_string(&after).ok(),
                clause("WHEN").cloned(),
                clauses.body,
            ]
        }
        ObjectKind::Stream => {
            let (source, name) = clause("ON").and_then(|on| on.rsplit_once(' ')).unwrap_or_default();
            let mode = if clause("APPEND_ONLY").is_some() { "APPEND_ONLY" } else { "DEFAULT" };
            let mut source = source.to_ascii_lowercase();
            if let Some(first) = source.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            vec![Some(name.to_owned()), Some(source), Some(mode.to_owned())]
        }
        ObjectKind::Pipe => vec![clauses.body],
        ObjectKind::Stage => vec![unquoted(clause("URL")), clause("STORAGE_INTEGRATION").cloned()],
        ObjectKind::FileFormat => vec![clause("TYPE").cloned()],
        ObjectKind::Sequence => {
            vec![Some(clause("INCREMENT").map_or_else(|| "1".to_owned(), Clone::clone))]
        }
        _ => Vec::new(),
    }
}

/// `SHOW PRIMARY KEYS`, `UNIQUE KEYS` and `IMPORTED KEYS` IN DATABASE.
pub(crate) fn keys(text: &str, catalog: &Catalog) -> Option<Done> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [show, which, keys, "IN", "DATABASE", database] = words.as_slice() else { return None };
    if !show.eq_ignore_ascii_case("SHOW") || !keys.eq_ignore_ascii_case("KEYS") {
        return None;
    }
    let (rule, columns): (_, &[&str]) = match *which {
        "PRIMARY" | "UNIQUE" => (
            if *which == "PRIMARY" { KeyRule::Primary } else { KeyRule::Unique },
            &["database_name", "schema_name", "table_name", "column_name", "key_sequence", "constraint_name"],
        ),
        "IMPORTED" => (
            KeyRule::Foreign,
            &[
                "fk_database_name",
                "fk_schema_name",
                "fk_table_name",
                "fk_column_name",
                "key_sequence",
                "fk_name",
                "pk_database_name",
                "pk_schema_name",
                "pk_table_name",
                "pk_column_name",
            ],
        ),
        _ => return None,
    };
    let name = Ident::written(database);
    // References in full.
    let outline = catalog.outline(std::slice::from_ref(&name), None);
    let found = outline.databases().get(&name)?;
    let mut rows = Vec::new();
    for (schema, inner) in &found.schemas {
        for object in inner.objects.get("relation").into_iter().flat_map(|objects| objects.values()) {
            for (number, key) in object.keys.iter().filter(|key| key.rule == rule).enumerate() {
                // The server names what has no name.
                let own = format!("SYS_CONSTRAINT_{}_{}_{number}", schema.as_str(), object.name.as_str());
                let key_name = key.name.as_ref().map_or(own, |name| name.as_str().to_owned());
                let referenced = referenced(key, catalog);
                for (column, sequence) in key.columns.iter().zip(1_usize..) {
                    let mut row = vec![
                        Some(name.as_str().to_owned()),
                        Some(schema.as_str().to_owned()),
                        Some(object.name.as_str().to_owned()),
                        Some(column.as_str().to_owned()),
                        Some(sequence.to_string()),
                        Some(key_name.clone()),
                    ];
                    let table = key.references.as_deref().and_then(snowops::sql::command::object_name);
                    if let Some(table) = table {
                        let parts = [table.database, table.schema, Some(table.name)];
                        row.extend(parts.map(|part| part.map(|part| part.as_str().to_owned())));
                        row.push(referenced.get(sequence - 1).map(|column| column.as_str().to_owned()));
                    }
                    rows.push(row);
                }
            }
        }
    }
    let columns = columns.iter().map(|name| WireColumn::text(name)).collect();
    Some(Done { columns, rows, ..Done::default() })
}

/// The columns that a foreign key of an outline references: its own, or those of the primary key.
fn referenced(key: &Key, catalog: &Catalog) -> Vec<Ident> {
    if !key.referenced.is_empty() {
        return key.referenced.clone();
    }
    let primary = || {
        let table = snowops::sql::command::object_name(key.references.as_deref()?)?;
        let schema = catalog.databases().get(&table.database?)?.schemas.get(&table.schema?)?;
        let object = schema.objects.get("relation")?.get(table.name.as_str())?;
        object.keys.iter().find(|key| key.rule == KeyRule::Primary)
    };
    primary().map(|key| key.columns.clone()).unwrap_or_default()
}

/// The sizes of a type, as `INFORMATION_SCHEMA.COLUMNS` has them: characters, octets, precision, scale, of times.
pub(crate) fn sizes(data_type: Option<&str>) -> [Value; 5] {
    let mut sizes = [const { Value::Null }; 5];
    let Some(data_type) = data_type.map(|text| DataType(text.to_owned())) else { return sizes };
    let numbers: Vec<i64> =
        data_type.parameters().into_iter().filter_map(|number| i64::try_from(number).ok()).collect();
    let number = |at: usize| numbers.get(at).map_or(Value::Null, |number| Value::Integer(*number));
    match data_type.base() {
        "VARCHAR" => {
            sizes[0] = number(0);
            sizes[1] = numbers.first().map_or(Value::Null, |characters| {
                Value::Integer(characters.saturating_mul(4).min(16_777_216.max(*characters)))
            });
        }
        "BINARY" => sizes[1] = number(0),
        "NUMBER" => {
            sizes[2] = number(0);
            sizes[3] = number(1);
        }
        base if base.starts_with("TIME") => sizes[4] = number(0),
        _ => {}
    }
    sizes
}

/// Rows of `OBJECT_PRIVILEGES`: kind, schema, name, privilege, grantee, kind of grantee.
pub(crate) fn privileges(catalog: &Catalog, database: &Ident) -> Vec<[Cell; 6]> {
    let Some(found) = catalog.databases().get(database) else { return Vec::new() };
    let mut rows = Vec::new();
    let mut add =
        |kind: &str, schema: Option<&Ident>, name: &Ident, grants: &std::collections::BTreeSet<String>| {
            for grant in grants {
                let Some((privilege, to)) = grant.split_once(" TO ") else { continue };
                let (grantee_kind, grantee) = match to.strip_prefix("DATABASE ROLE ") {
                    Some(role) => ("DATABASE_ROLE", role),
                    None => ("ROLE", to.strip_prefix("ROLE ").unwrap_or(to)),
                };
                let grantee = grantee.rsplit('.').next().map(|name| Ident::written(name).as_str().to_owned());
                rows.push([
                    Some(kind.to_owned()),
                    schema.map(|schema| schema.as_str().to_owned()),
                    Some(name.as_str().to_owned()),
                    Some(privilege.to_owned()),
                    grantee,
                    Some(grantee_kind.to_owned()),
                ]);
            }
        };
    add("DATABASE", None, database, &found.grants);
    for (schema, inner) in &found.schemas {
        add("SCHEMA", Some(schema), schema, &inner.grants);
        for object in inner.objects.values().flat_map(|objects| objects.values()) {
            let kind = object.kind.words();
            add(kind, Some(schema), &object.name, &object.grants);
        }
    }
    rows
}

/// Rows of `PROCEDURES` or `FUNCTIONS`: schema, name, owner, signature, result, language, definition, comment.
pub(crate) fn routines(catalog: &Catalog, database: &Ident, procedures: bool) -> Vec<[Cell; 8]> {
    let outline = catalog.outline(std::slice::from_ref(database), None);
    let Some(found) = outline.databases().get(database) else { return Vec::new() };
    let mut rows = Vec::new();
    for (schema, inner) in &found.schemas {
        for object in inner.objects.get("routine").into_iter().flat_map(|objects| objects.values()) {
            if (object.kind == ObjectKind::Procedure) != procedures {
                continue;
            }
            let clauses = Clauses::of(object).unwrap_or_default();
            rows.push([
                Some(schema.as_str().to_owned()),
                Some(object.name.as_str().to_owned()),
                object.owner.as_ref().map(|owner| owner.as_str().to_owned()),
                clauses.arguments.clone(),
                clauses.named.get("RETURNS").cloned(),
                clauses.named.get("LANGUAGE").cloned(),
                clauses.body.clone(),
                object.comment.clone(),
            ]);
        }
    }
    rows
}
