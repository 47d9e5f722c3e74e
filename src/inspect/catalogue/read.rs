//! From rows of listings to objects: pure.

use std::collections::BTreeMap;

use super::super::listing::{Columns, cell};
use crate::{
    catalog::{Clauses, Column, Database, Key, KeyRule, Object, Schema},
    model::{
        command::{Command, DataType},
        ident::Ident,
        kind::ObjectKind,
    },
    session::Answer,
    sql::{
        command::{command, data_type},
        lex::{TokenKind, literal, tokens},
    },
};

/// One row, by the names of its columns.
struct Row<'a> {
    columns: Columns<'a>,
    cells: &'a [Option<String>],
}

fn rows(answer: &Answer) -> impl Iterator<Item = Row<'_>> {
    answer.rows.iter().map(|cells| Row { columns: Columns(&answer.columns), cells })
}

impl<'a> Row<'a> {
    /// A cell that says something.
    fn get(&self, name: &str) -> Option<&'a str> {
        cell(self.cells, self.columns.at(name)).filter(|text| !text.is_empty())
    }

    fn ident(&self, name: &str) -> Option<Ident> {
        self.get(name).map(Ident::stored)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// `Y`, `true`, `ON`, `YES`.
    fn is(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|text| ["Y", "YES", "TRUE", "ON"].iter().any(|yes| text.eq_ignore_ascii_case(yes)))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// A database that is being read.
pub(super) struct Reading {
    name: Ident,
    found: Database,
}

const RETENTION: &str = "DATA_RETENTION_TIME_IN_DAYS";

impl Reading {
    /// The database among the rows of SHOW DATABASES.
    pub(super) fn of(name: &Ident, databases: &Answer) -> Option<Self> {
        let row = rows(databases).find(|row| row.get("name") == Some(name.as_str()))?;
        let found = Database {
            transient: row.get("options").is_some_and(|options| options.contains("TRANSIENT")),
            comment: row.text("comment"),
            properties: retention(&row, "1"),
            ..Database::default()
        };
        Some(Self { name: name.clone(), found })
    }

    fn retention(&self, schema: Option<&Ident>) -> &str {
        let own = |properties: &BTreeMap<String, String>| properties.contains_key(RETENTION);
        let schema = schema.and_then(|name| self.found.schemas.get(name));
        let inner = schema.map(|schema| &schema.properties).filter(|properties| own(properties));
        inner.unwrap_or(&self.found.properties).get(RETENTION).map_or("1", String::as_str)
    }

    pub(super) fn schemas(&mut self, answer: &Answer) {
        for row in rows(answer) {
            let Some(name) = row.ident("name").filter(|name| !is_information(name)) else {
                continue;
            };
            let options = row.get("options").unwrap_or_default();
            let schema = Schema {
                transient: options.contains("TRANSIENT"),
                managed_access: options.contains("MANAGED ACCESS"),
                comment: row.text("comment"),
                properties: retention(&row, self.retention(None)),
                ..Schema::default()
            };
            self.found.schemas.insert(name, schema);
        }
    }

    /// An object of a row, and the schema that it is in.
    fn object(kind: ObjectKind, row: &Row<'_>) -> Option<Object> {
        Some(Object {
            owner: row.ident("owner"),
            comment: row.text("comment"),
            ..Object::new(kind, row.ident("name")?, "")
        })
    }

    fn put(&mut self, row: &Row<'_>, object: Object) {
        let objects = match row.ident("schema_name") {
            Some(schema) if object.kind != ObjectKind::DatabaseRole => {
                match self.found.schemas.get_mut(&schema) {
                    Some(schema) => &mut schema.objects,
                    // INFORMATION_SCHEMA, or a schema that was made since.
                    None => return,
                }
            }
            _ => &mut self.found.objects,
        };
        let space = object.kind.name_space().to_owned();
        objects.entry(space).or_default().insert(object.key(), object);
    }

    pub(super) fn relations(&mut self, kind: ObjectKind, answer: &Answer) {
        for row in rows(answer) {
            // Temporary objects are this session's alone.
            if row.get("kind").is_some_and(|kind| kind.starts_with("TEMP")) {
                continue;
            }
            let Some(mut object) = Self::object(flavour(kind, &row), &row) else { continue };
            if kind == ObjectKind::View {
                object.secure = row.is("is_secure");
                object.definition = row.get("text").map(query_of);
            } else {
                object.transient = row.get("kind") == Some("TRANSIENT");
                object.cluster_by = row.get("cluster_by").map(cluster_by).unwrap_or_default();
                object.properties = retention(&row, self.retention(row.ident("schema_name").as_ref()));
                let on = [
                    ("change_tracking", "CHANGE_TRACKING"),
                    ("enable_schema_evolution", "ENABLE_SCHEMA_EVOLUTION"),
                ];
                let on = on.into_iter().filter(|(column, _)| row.is(column));
                object.properties.extend(on.map(|(_, name)| (name.to_owned(), "TRUE".to_owned())));
            }
            self.put(&row, object);
        }
    }

    /// What only SHOW DYNAMIC TABLES says.
    pub(super) fn dynamic(&mut self, answer: &Answer) {
        for row in rows(answer) {
            let Some(mut object) = Self::object(ObjectKind::DynamicTable, &row) else { continue };
            if let Some(lag) = row.get("target_lag") {
                let lag = if lag == "DOWNSTREAM" { lag.to_owned() } else { literal(lag) };
                object.properties.insert("TARGET_LAG".to_owned(), lag);
            }
            if let Some(warehouse) = row.ident("warehouse") {
                object.properties.insert("WAREHOUSE".to_owned(), warehouse.to_string());
            }
            self.put(&row, object);
        }
    }

    pub(super) fn objects(&mut self, kind: ObjectKind, answer: &Answer) {
        for row in rows(answer) {
            let Some(mut object) = Self::object(kind, &row) else { continue };
            if kind == ObjectKind::DatabaseRole && row.is("is_inherited_from_share") {
                continue;
            }
            if let Some(clauses) = clauses(kind, &row) {
                if kind.is_routine() {
                    object.arguments = Some(types(row.get("signature").unwrap_or_default()));
                }
                object.definition = Some(clauses.text(kind));
            }
            self.put(&row, object);
        }
    }

    fn relation(&mut self, schema: Option<Ident>, name: Option<Ident>) -> Option<&mut Object> {
        let schema = self.found.schemas.get_mut(&schema?)?;
        schema.objects.get_mut(ObjectKind::Table.name_space())?.get_mut(name?.as_str())
    }

    pub(super) fn columns(&mut self, answer: &Answer) {
        let mut all: Vec<Row<'_>> = rows(answer).collect();
        all.sort_by_key(|row| row.number("ORDINAL_POSITION"));
        for row in &all {
            let Some(object) = self.relation(row.ident("TABLE_SCHEMA"), row.ident("TABLE_NAME")) else {
                continue;
            };
            let Some(name) = row.ident("COLUMN_NAME") else { continue };
            let mut column = Column::new(name, column_type(row));
            column.comment = row.text("COMMENT");
            if !matches!(object.kind, ObjectKind::View | ObjectKind::MaterializedView) {
                column.not_null = row.get("IS_NULLABLE") == Some("NO");
                column.autoincrement = row.is("IS_IDENTITY");
                column.default = row.text("COLUMN_DEFAULT");
            }
            object.columns.get_or_insert_default().push(column);
        }
    }

    pub(super) fn keys(&mut self, rule: KeyRule, answer: &Answer) {
        // One row a column; the rows of a key have its name.
        type Place = (Option<Ident>, Option<Ident>, Option<Ident>);
        let mut found: BTreeMap<Place, Vec<Row<'_>>> = BTreeMap::new();
        let foreign = rule == KeyRule::Foreign;
        let (prefix, name) = if foreign { ("fk_", "fk_name") } else { ("", "constraint_name") };
        let of = |row: &Row<'_>, column: &str| row.ident(&format!("{prefix}{column}"));
        for row in rows(answer) {
            if foreign && row.get("fk_database_name").is_some_and(|database| database != self.name.as_str()) {
                continue;
            }
            let place = (of(&row, "schema_name"), of(&row, "table_name"), row.ident(name));
            found.entry(place).or_default().push(row);
        }
        for ((schema, table, name), mut rows) in found {
            rows.sort_by_key(|row| row.number("key_sequence"));
            let table_of = rows.first().filter(|_| foreign).and_then(|row| {
                let parts = ["pk_database_name", "pk_schema_name", "pk_table_name"];
                let parts: Option<Vec<String>> =
                    parts.iter().map(|part| row.ident(part).map(|name| name.to_string())).collect();
                Some(parts?.join("."))
            });
            let columns = rows.iter().filter_map(|row| of(row, "column_name")).collect();
            let targets = rows.iter().filter(|_| foreign).filter_map(|row| row.ident("pk_column_name"));
            let referenced = targets.collect();
            if let Some(object) = self.relation(schema, table) {
                object.keys.push(Key { rule, name, columns, references: table_of, referenced });
            }
        }
    }

    pub(super) fn grants(&mut self, answer: &Answer) {
        for row in rows(answer) {
            let (Some(privilege), Some(grantee)) = (row.get("PRIVILEGE_TYPE"), row.ident("GRANTEE")) else {
                continue;
            };
            let kind = row.get("GRANTED_TO").unwrap_or("ROLE").replace('_', " ");
            let grantee = match kind.as_str() {
                "DATABASE ROLE" => format!("{}.{grantee}", self.name),
                _ => grantee.to_string(),
            };
            let entry = format!("{privilege} TO {kind} {grantee}");
            let object = row.get("OBJECT_NAME").unwrap_or_default();
            match row.get("OBJECT_TYPE").unwrap_or_default() {
                "DATABASE" if object == self.name.as_str() => {
                    self.found.grants.insert(entry);
                }
                "SCHEMA" => {
                    if let Some(schema) = self.found.schemas.get_mut(&Ident::stored(object)) {
                        schema.grants.insert(entry);
                    }
                }
                kind => {
                    let Some(space) = space_of(kind) else { continue };
                    let schema =
                        row.ident("OBJECT_SCHEMA").and_then(|name| self.found.schemas.get_mut(&name));
                    let objects = schema.and_then(|schema| schema.objects.get_mut(space));
                    if let Some(found) = objects.and_then(|objects| objects.get_mut(object)) {
                        found.grants.insert(entry);
                    }
                }
            }
        }
    }

    pub(super) fn done(self) -> Database {
        self.found
    }
}

/// The schema that every database has; some servers write it in lower case.
fn is_information(name: &Ident) -> bool {
    name.as_str().eq_ignore_ascii_case("INFORMATION_SCHEMA")
}

/// The name space of a kind as `OBJECT_PRIVILEGES` calls it. What it says of routines is not documented.
fn space_of(kind: &str) -> Option<&'static str> {
    let words = kind.replace('_', " ");
    let found = ObjectKind::parse(&words.split(' ').collect::<Vec<_>>())?.kind;
    (!found.is_routine()).then(|| found.name_space())
}

fn retention(row: &Row<'_>, inherited: &str) -> BTreeMap<String, String> {
    let own = row.get("retention_time").filter(|days| *days != inherited);
    own.map(|days| (RETENTION.to_owned(), days.to_owned())).into_iter().collect()
}

/// What a row of SHOW TABLES or SHOW VIEWS is.
fn flavour(kind: ObjectKind, row: &Row<'_>) -> ObjectKind {
    let flags = [
        ("is_external", ObjectKind::ExternalTable),
        ("is_dynamic", ObjectKind::DynamicTable),
        ("is_hybrid", ObjectKind::HybridTable),
        ("is_iceberg", ObjectKind::IcebergTable),
        ("is_event", ObjectKind::EventTable),
        ("is_materialized", ObjectKind::MaterializedView),
    ];
    flags.into_iter().find(|(column, _)| row.is(column)).map_or(kind, |(_, kind)| kind)
}

/// The query of a view, from the statement that created it.
fn query_of(text: &str) -> String {
    match command(text.trim().trim_end_matches(';')) {
        Ok(Command::CreateView(view)) => view.text,
        _ => text.to_owned(),
    }
}

/// `LINEAR(A, TO_DATE(B))`: the columns.
fn cluster_by(text: &str) -> Vec<Ident> {
    let inner = text.strip_prefix("LINEAR(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(text);
    let solid: Vec<_> = tokens(inner).filter(|token| !token.kind.is_trivia()).collect();
    let columns = solid.iter().enumerate().filter(|(at, token)| {
        let call = solid.get(at + 1).is_some_and(|next| next.kind == TokenKind::LeftParen);
        matches!(token.kind, TokenKind::Word | TokenKind::QuotedName) && !call
    });
    columns.map(|(_, token)| Ident::written(token.of(inner))).collect()
}

/// What a listing says of an object's definition; nothing for kinds of which it does not tell enough.
fn clauses(kind: ObjectKind, row: &Row<'_>) -> Option<Clauses> {
    let mut found = Clauses::default();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            found.named.insert(name.to_owned(), value);
        }
    };
    match kind {
        ObjectKind::Task => {
            put("WAREHOUSE", row.ident("warehouse").map(|name| name.to_string()));
            put("SCHEDULE", row.get("schedule").map(literal));
            put("WHEN", row.text("condition"));
            put("AFTER", row.get("predecessors").and_then(predecessors));
            found.body = row.text("definition");
        }
        ObjectKind::Stream => {
            let source = row.get("source_type").unwrap_or("Table").to_ascii_uppercase();
            put("ON", row.get("table_name").map(|name| format!("{source} {name}")));
            put("APPEND_ONLY", row.get("mode").filter(|mode| *mode == "APPEND_ONLY").map(|_| "TRUE".into()));
        }
        ObjectKind::Pipe => found.body = row.text("definition"),
        ObjectKind::Stage => {
            put("URL", row.get("url").map(literal));
            put("STORAGE_INTEGRATION", row.ident("storage_integration").map(|name| name.to_string()));
        }
        ObjectKind::FileFormat => put("TYPE", row.text("type")),
        ObjectKind::Sequence => {
            put("INCREMENT", row.get("interval").filter(|by| *by != "1").map(str::to_owned));
        }
        kind if kind.is_routine() => {
            found.arguments = row.text("signature");
            found.named.insert("RETURNS".to_owned(), row.text("returns")?);
            found.named.insert("LANGUAGE".to_owned(), row.text("language")?);
            found.body = row.text("definition");
        }
        _ => return None,
    }
    Some(found)
}

/// A JSON list of names.
fn predecessors(text: &str) -> Option<String> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    (!names.is_empty()).then(|| names.join(", "))
}

/// The types of `(A NUMBER, B VARCHAR)`.
fn types(signature: &str) -> Vec<String> {
    let signature = signature.trim();
    let inner = signature.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(signature);
    let mut depth = 0_i32;
    let parts = inner.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            // Behind the name.
            let written = part.split_once(' ').map_or(part, |(_, data_type)| data_type);
            data_type(written).map_or_else(|| written.to_owned(), |found| found.base().to_owned())
        })
        .collect()
}

/// `INFORMATION_SCHEMA` says the family, with the sizes beside it.
fn column_type(row: &Row<'_>) -> Option<DataType> {
    let family = row.get("DATA_TYPE")?;
    let sized = |column: &str| match row.number(column) {
        Some(size) => format!("{family}({size})"),
        None => family.to_owned(),
    };
    let text = match family {
        "TEXT" | "VARCHAR" => sized("CHARACTER_MAXIMUM_LENGTH"),
        "BINARY" => sized("CHARACTER_OCTET_LENGTH"),
        "NUMBER" => match (row.number("NUMERIC_PRECISION"), row.number("NUMERIC_SCALE")) {
            (Some(precision), Some(scale)) => format!("NUMBER({precision},{scale})"),
            _ => family.to_owned(),
        },
        "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => sized("DATETIME_PRECISION"),
        other => other.to_owned(),
    };
    Some(data_type(&text).unwrap_or(DataType(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(columns: &[&str], rows: &[&[&str]]) -> Answer {
        let cell = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
        Answer {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
            ..Answer::default()
        }
    }

    /// Families and sizes as Snowflake's page of `INFORMATION_SCHEMA.COLUMNS` has them.
    #[test]
    fn families_and_sizes_become_types() {
        let columns = [
            "DATA_TYPE",
            "CHARACTER_MAXIMUM_LENGTH",
            "CHARACTER_OCTET_LENGTH",
            "NUMERIC_PRECISION",
            "NUMERIC_SCALE",
            "DATETIME_PRECISION",
        ];
        for (cells, expected) in [
            (["TEXT", "20", "80", "", "", ""], "VARCHAR(20)"),
            (["NUMBER", "", "", "38", "0", ""], "NUMBER(38,0)"),
            (["FLOAT", "", "", "", "", ""], "FLOAT"),
            (["TIMESTAMP_NTZ", "", "", "", "", "3"], "TIMESTAMP_NTZ(3)"),
            (["TIME", "", "", "", "", "9"], "TIME(9)"),
            (["BINARY", "8", "16", "", "", ""], "BINARY(16)"),
            (["VARIANT", "", "", "", "", ""], "VARIANT"),
            (["SOMETHING NEW", "", "", "", "", ""], "SOMETHING NEW"),
        ] {
            let answer = answer(&columns, &[&cells]);
            let row = rows(&answer).next().unwrap();
            assert_eq!(column_type(&row).map(|found| found.0).as_deref(), Some(expected));
        }
    }

    #[test]
    fn signatures_and_clustering_keys_are_read() {
        assert_eq!(
            types("(A NUMBER(10,2), \"b\" VARCHAR, C TIMESTAMP_NTZ)"),
            ["NUMBER", "VARCHAR", "TIMESTAMP_NTZ"]
        );
        assert_eq!(types("()"), [""; 0]);
        let names = |text: &str| cluster_by(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("LINEAR(A, TO_DATE(B), \"c d\")"), ["A", "B", "\"c d\""]);
    }

    /// Rows of other databases, temporary tables and the server's own schema are none of it.
    #[test]
    fn only_what_belongs_to_the_database_is_read() {
        let name = Ident::stored("D");
        let databases =
            answer(&["name", "comment", "retention_time"], &[&["DX", "no", "1"], &["D", "mine", "7"]]);
        let mut reading = Reading::of(&name, &databases).unwrap();
        reading.schemas(&answer(&["name", "options"], &[&["INFORMATION_SCHEMA", ""], &["S", "TRANSIENT"]]));
        reading.relations(
            ObjectKind::Table,
            &answer(
                &["name", "schema_name", "kind", "retention_time", "is_dynamic"],
                &[
                    &["T", "S", "TABLE", "7", "N"],
                    &["SHORT", "S", "TRANSIENT", "0", "N"],
                    &["TMP", "S", "TEMPORARY", "7", "N"],
                    &["DT", "S", "TABLE", "7", "Y"],
                    &["LOST", "NO_SCHEMA", "TABLE", "7", "N"],
                ],
            ),
        );
        reading.keys(
            KeyRule::Foreign,
            &answer(
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
                &[
                    &["D", "S", "T", "B", "2", "K", "D", "S", "p", "Y"],
                    &["D", "S", "T", "A", "1", "K", "D", "S", "p", "x"],
                    &["OTHER", "S", "T", "A", "1", "X", "D", "S", "p", "x"],
                ],
            ),
        );
        let found = reading.done();
        assert_eq!(found.comment.as_deref(), Some("mine"));
        assert_eq!(found.properties[RETENTION], "7");
        let relations = &found.schemas[&Ident::stored("S")].objects["relation"];
        assert_eq!(relations.keys().collect::<Vec<_>>(), ["DT", "SHORT", "T"]);
        assert_eq!(relations["DT"].kind, ObjectKind::DynamicTable);
        assert!(relations["T"].properties.is_empty() && relations["SHORT"].properties[RETENTION] == "0");
        let [key] = relations["T"].keys.as_slice() else { panic!("{:?}", relations["T"].keys) };
        assert_eq!(key.columns, [Ident::stored("A"), Ident::stored("B")]);
        assert_eq!(key.references.as_deref(), Some("D.S.\"p\""));
        assert_eq!(key.referenced, [Ident::stored("x"), Ident::stored("Y")]);
    }
}
