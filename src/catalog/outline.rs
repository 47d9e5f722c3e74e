//! What of a catalogue stands in a snapshot and is compared: nothing that differs between two runs of the same scripts,
//! and no secret.

mod hidden;

pub use hidden::holds_secret;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Catalog,
    clauses::{self, Clauses},
    store::{Column, Database, Key, KeyRule, Object, Objects, Schema},
};
use crate::{
    model::{ident::Ident, kind::ObjectKind, target::LedgerName},
    sql::lex::{Token, TokenKind, tokens},
};

/// Days that a table keeps its past unless it or its containers say otherwise (Snowflake's page of
/// `DATA_RETENTION_TIME_IN_DAYS`).
const RETENTION: (&str, &str) = ("DATA_RETENTION_TIME_IN_DAYS", "1");

/// The kinds of schema objects that an outline holds, beside the tables and views: those that a server lists for a whole
/// database at once.
pub const LISTED: &[ObjectKind] = &[
    ObjectKind::Stream,
    ObjectKind::Task,
    ObjectKind::Pipe,
    ObjectKind::Stage,
    ObjectKind::FileFormat,
    ObjectKind::Sequence,
    ObjectKind::Procedure,
    ObjectKind::Function,
    ObjectKind::MaskingPolicy,
    ObjectKind::RowAccessPolicy,
    ObjectKind::Tag,
    ObjectKind::Alert,
    ObjectKind::Secret,
    ObjectKind::NetworkRule,
    ObjectKind::DatabaseRole,
];

/// The kinds of relations that an outline holds: those that SHOW TABLES and SHOW VIEWS list.
const RELATIONS: &[ObjectKind] = &[
    ObjectKind::Table,
    ObjectKind::ExternalTable,
    ObjectKind::DynamicTable,
    ObjectKind::HybridTable,
    ObjectKind::IcebergTable,
    ObjectKind::EventTable,
    ObjectKind::View,
    ObjectKind::MaterializedView,
];

/// Whether an outline holds objects of this kind.
pub(super) fn holds(kind: ObjectKind) -> bool {
    LISTED.contains(&kind) || RELATIONS.contains(&kind)
}

impl Catalog {
    /// The outline of some databases: no times, no dropped objects, nothing of the account, of the ledger or of grants to
    /// come; texts in one spelling. A database that is not there, or whose content is not known, is left out.
    #[must_use]
    pub fn outline(&self, databases: &[Ident], ledger: Option<&LedgerName>) -> Self {
        let chosen = self.databases.iter().filter(|(name, found)| databases.contains(name) && !found.open);
        let outlines = chosen.map(|(name, found)| {
            let own = ledger.filter(|ledger| ledger.database == *name);
            (name.clone(), database(name, found, own))
        });
        let mut databases: BTreeMap<Ident, Database> = outlines.collect();
        references(&mut databases);
        Self { databases, unseen: self.unseen.clone(), ..Self::default() }
    }
}

/// A foreign key that references the primary key says no columns, whether or not they were written: a server always
/// lists them. Neither does one whose columns were renamed since.
fn references(databases: &mut BTreeMap<Ident, Database>) {
    let mut tables = BTreeMap::new();
    for (database, found) in &*databases {
        for (schema, found) in &found.schemas {
            for object in
                found.objects.get(ObjectKind::Table.name_space()).into_iter().flat_map(BTreeMap::values)
            {
                let primary = object.keys.iter().find(|key| key.rule == KeyRule::Primary);
                let primary = primary.map(|key| key.columns.clone()).unwrap_or_default();
                let columns: Option<BTreeSet<Ident>> =
                    object.columns.as_ref().map(|all| all.iter().map(|one| one.name.clone()).collect());
                tables.insert(format!("{database}.{schema}.{}", object.name), (primary, columns));
            }
        }
    }
    let schemas = databases.values_mut().flat_map(|database| database.schemas.values_mut());
    let objects = schemas.flat_map(|schema| schema.objects.values_mut()).flat_map(BTreeMap::values_mut);
    for key in objects.flat_map(|object| &mut object.keys) {
        let Some((primary, columns)) = key.references.as_ref().and_then(|table| tables.get(table)) else {
            continue;
        };
        let gone = |name: &Ident| columns.as_ref().is_some_and(|all| !all.contains(name));
        if key.referenced == *primary || key.referenced.iter().any(gone) {
            key.referenced.clear();
        }
    }
}

fn database(name: &Ident, found: &Database, ledger: Option<&LedgerName>) -> Database {
    let retention = found.properties.get(RETENTION.0).map_or(RETENTION.1, String::as_str);
    let mut out = Database {
        transient: found.transient,
        comment: said(found.comment.as_ref()),
        properties: properties(&found.properties, RETENTION.1),
        grants: grants(&found.grants),
        objects: objects(&found.objects, (name, &Ident::stored("")), RETENTION.1),
        ..Database::default()
    };
    for (schema_name, schema) in &found.schemas {
        let outlined = self::schema((name, schema_name), schema, retention, ledger);
        let ledgers = ledger.is_some_and(|ledger| ledger.schema == *schema_name);
        // The ledger's own schema is no part of the project, unless something else is in it.
        if ledgers && outlined.objects.is_empty() && schema_name.as_str() != "PUBLIC" {
            continue;
        }
        out.schemas.insert(schema_name.clone(), outlined);
    }
    out
}

fn schema(home: (&Ident, &Ident), found: &Schema, inherited: &str, ledger: Option<&LedgerName>) -> Schema {
    let retention = found.properties.get(RETENTION.0).map_or(inherited, String::as_str);
    let mut out = Schema {
        open: found.open,
        transient: found.transient,
        managed_access: found.managed_access,
        comment: said(found.comment.as_ref()),
        properties: properties(&found.properties, inherited),
        grants: grants(&found.grants),
        objects: objects(&found.objects, home, retention),
        ..Schema::default()
    };
    if let Some(ledger) = ledger.filter(|ledger| ledger.schema == *home.1)
        && let Some(relations) = out.objects.get_mut(ObjectKind::Table.name_space())
    {
        for end in ["", "_journal", "_lock"] {
            relations.remove(&format!("{}{end}", ledger.table));
        }
        out.objects.retain(|_, objects| !objects.is_empty());
    }
    out
}

fn objects(found: &Objects, home: (&Ident, &Ident), retention: &str) -> Objects {
    let spaces = found.iter().filter(|(_, objects)| !objects.is_empty());
    let outlined = spaces.map(|(space, objects)| {
        let held = objects.values().filter(|one| holds(one.kind));
        let inner = held.map(|one| (one.key(), object(one, home, retention)));
        (space.clone(), inner.collect())
    });
    outlined.filter(|(_, objects): &(String, BTreeMap<String, Object>)| !objects.is_empty()).collect()
}

/// Only what is known to be compared: a field that the model learns stays out until its place here is decided.
fn object(found: &Object, home: (&Ident, &Ident), retention: &str) -> Object {
    let is_table =
        found.kind.is_relation() && !matches!(found.kind, ObjectKind::View | ObjectKind::MaterializedView);
    let clauses = Clauses::of(found);
    let mut out = Object {
        owner: found.owner.clone(),
        transient: found.transient,
        secure: found.secure,
        comment: said(found.comment.as_ref()),
        columns: found.columns.as_ref().map(|all| all.iter().map(|one| column(one, home)).collect()),
        arguments: found.arguments.clone(),
        grants: grants(&found.grants),
        ..Object::new(found.kind, found.name.clone(), "")
    };
    if let Some(clauses) = clauses {
        out.definition = Some(spelled(clauses, found, home).text(found.kind));
    } else if found.kind != ObjectKind::Secret {
        out.properties = properties(&found.properties, retention);
        let text = found.definition.as_deref().map(|text| text.trim().trim_end_matches(';').trim_end());
        // A database role has nothing but a comment.
        let kept = found.kind != ObjectKind::DatabaseRole;
        out.definition =
            text.filter(|text| kept && !text.is_empty()).map(|text| hidden::text(text).into_owned());
    }
    if is_table {
        out.keys = keys(&found.keys, home);
        out.cluster_by.clone_from(&found.cluster_by);
    }
    out
}

fn column(found: &Column, home: (&Ident, &Ident)) -> Column {
    let default = found.default.as_deref().filter(|_| !found.autoincrement && !found.computed);
    Column {
        not_null: found.not_null,
        default: default
            .map(|text| sequence_in_full(clauses::default(text), home))
            .filter(|text| text != "NULL"),
        autoincrement: found.autoincrement,
        computed: found.computed,
        comment: said(found.comment.as_ref()),
        data_type: found.data_type.clone(),
        ..Column::new(found.name.clone(), None)
    }
}

/// Clauses with names in full and types without sizes, as a server lists them, and without what holds anyway.
fn spelled(mut clauses: Clauses, object: &Object, home: (&Ident, &Ident)) -> Clauses {
    for name in ["AFTER", "ON"] {
        if let Some(value) = clauses.named.get_mut(name) {
            *value = in_full(value, home);
        }
    }
    if let (Some(written), Some(types)) = (&clauses.arguments, &object.arguments) {
        clauses.arguments = Some(arguments(written, types));
    }
    if let Some(returns) = clauses.named.get_mut("RETURNS") {
        *returns = base(returns);
    }
    let usual = [("APPEND_ONLY", "FALSE"), ("INCREMENT", "1"), ("EXECUTE AS", "OWNER")];
    clauses.named.retain(|name, value| !usual.contains(&(name.as_str(), value.as_str())));
    for (name, value) in &mut clauses.named {
        *value = hidden::value(name, value);
    }
    clauses.body = clauses.body.map(|body| hidden::text(&body).into_owned());
    if object.kind == ObjectKind::Function {
        clauses.named.entry("LANGUAGE".to_owned()).or_insert_with(|| "SQL".to_owned());
    }
    clauses
}

/// A type without its size, as a server lists what a routine takes and gives.
fn base(text: &str) -> String {
    let text = text.strip_suffix(" NOT NULL").unwrap_or(text);
    crate::sql::command::data_type(text).map_or_else(|| text.to_owned(), |found| found.base().to_owned())
}

/// `(FIRST_DAY DATE, DAYS NUMBER)`: names as written, types as they count.
fn arguments(written: &str, types: &[String]) -> String {
    let solid = solid(written);
    let inner = solid.get(1..solid.len().saturating_sub(1)).unwrap_or_default();
    let mut depth = 0_i32;
    let parts = inner.split(|token| {
        depth +=
            i32::from(token.kind == TokenKind::LeftParen) - i32::from(token.kind == TokenKind::RightParen);
        depth == 0 && token.of(written) == ","
    });
    let named = parts.zip(types).map(|(part, data_type)| {
        let word = |at: usize| part.get(at).map_or("", |token: &Token| token.of(written));
        // `IN NAME TYPE`, not an argument of that name with its type.
        let with_mode =
            part.get(2).is_some_and(|token| token.kind == TokenKind::Word) && word(2) != "DEFAULT";
        let name = if matches!(word(0), "IN" | "INPUT") && with_mode { word(1) } else { word(0) };
        format!("{name} {data_type}")
    });
    format!("({})", named.collect::<Vec<_>>().join(", "))
}

fn solid(text: &str) -> Vec<Token> {
    tokens(text).filter(|token| !token.kind.is_trivia()).collect()
}

/// Names with their database and schema; the words of a kind before them stay.
fn in_full(text: &str, (database, schema): (&Ident, &Ident)) -> String {
    let solid = solid(text);
    let each = solid.split(|token| token.of(text) == ",").filter_map(|part| {
        let (first, last) = (part.first()?, part.last()?);
        // The name begins behind the last word that no dot joins to the next.
        let joined = |pair: &[Token]| pair.iter().any(|token| token.of(text) == ".");
        let start = part.windows(2).rposition(|pair| !joined(pair)).map_or(0, |at| at + 1);
        let kind = part[..start].last().map_or("", |word| &text[first.start..word.end]);
        let Some(name) = crate::sql::command::object_name(&text[part[start].start..last.end]) else {
            return Some(text[first.start..last.end].to_owned());
        };
        let database = name.database.as_ref().unwrap_or(database);
        let schema = name.schema.as_ref().unwrap_or(schema);
        let blank = if kind.is_empty() { "" } else { " " };
        Some(format!("{kind}{blank}{database}.{schema}.{}", name.name))
    });
    let mut all: Vec<String> = each.collect();
    all.sort();
    all.join(", ")
}

/// `S.NEXTVAL` with its database and schema: the server adds them.
fn sequence_in_full(text: String, home: (&Ident, &Ident)) -> String {
    let Some(name) = text.strip_suffix(".NEXTVAL") else { return text };
    format!("{}.NEXTVAL", in_full(name, home))
}

/// Keys that a server lists, in one order. What it named itself has no name.
fn keys(found: &[Key], home: (&Ident, &Ident)) -> Vec<Key> {
    let listed = found.iter().filter(|key| key.rule != KeyRule::Check);
    let mut all: Vec<Key> = listed
        .map(|key| Key {
            rule: key.rule,
            name: key.name.clone().filter(|name| !name.as_str().starts_with("SYS_CONSTRAINT_")),
            columns: key.columns.clone(),
            references: key.references.as_ref().map(|table| in_full(table, home)),
            referenced: key.referenced.clone(),
        })
        .collect();
    all.sort_by_key(|key| (key.rule, key.columns.clone(), key.references.clone()));
    all
}

/// Properties in one spelling, without those that say what holds anyway.
fn properties(found: &BTreeMap<String, String>, retention: &str) -> BTreeMap<String, String> {
    let plain = found.iter().map(|(name, value)| (name.clone(), hidden::value(name, &clauses::plain(value))));
    let says_more = |(name, value): &(String, String)| match name.as_str() {
        name if name == RETENTION.0 => value != retention,
        "CHANGE_TRACKING" | "ENABLE_SCHEMA_EVOLUTION" => value != "FALSE",
        _ => true,
    };
    plain.filter(says_more).collect()
}

/// Who owns an object stands with it.
fn grants(found: &BTreeSet<String>) -> BTreeSet<String> {
    found.iter().filter(|grant| !grant.starts_with("OWNERSHIP ")).cloned().collect()
}

/// No comment and an empty one are the same.
fn said(comment: Option<&String>) -> Option<String> {
    comment.filter(|text| !text.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_in_full() {
        let (database, schema) = (Ident::stored("D"), Ident::stored("S"));
        for (written, expected) in [
            ("T", "D.S.T"),
            ("X.T", "D.X.T"),
            ("TABLE T", "TABLE D.S.T"),
            ("EXTERNAL TABLE C.X.T", "EXTERNAL TABLE C.X.T"),
            ("B,A.C", "D.A.C, D.S.B"),
            ("\"a, b\",\"c d\".\"e.f\"", "D.\"c d\".\"e.f\", D.S.\"a, b\""),
            ("TABLE \"a b\"", "TABLE D.S.\"a b\""),
            ("TABLE T AT(OFFSET=>-60)", "TABLE T AT(OFFSET=>-60)"),
            ("", ""),
        ] {
            let found = in_full(written, (&database, &schema));
            assert_eq!(found, expected, "{written}");
            assert_eq!(in_full(&found, (&database, &schema)), found, "again: {written}");
        }
    }

    #[test]
    fn arguments_have_their_names_and_the_types_that_count() {
        for (written, types, expected) in [
            ("()", &[][..], "()"),
            ("(A NUMBER(10,2),B VARCHAR)", &["NUMBER", "VARCHAR"], "(A NUMBER, B VARCHAR)"),
            ("(\"a, b\" INT,\"c d\" DATE)", &["NUMBER", "DATE"], "(\"a, b\" NUMBER, \"c d\" DATE)"),
            ("(IN A INT,INPUT NUMBER(9,2))", &["NUMBER", "NUMBER"], "(A NUMBER, INPUT NUMBER)"),
            ("(INPUT VARCHAR DEFAULT '(',B INT)", &["VARCHAR", "NUMBER"], "(INPUT VARCHAR, B NUMBER)"),
            ("(A NUMBER(10,2))", &["NUMBER"], "(A NUMBER)"),
        ] {
            let types: Vec<String> = types.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(arguments(written, &types), expected, "{written}");
        }
    }
}
