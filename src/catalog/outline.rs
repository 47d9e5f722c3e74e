//! What of a catalogue stands in a snapshot and is compared: nothing that differs between two runs of the same scripts.

use std::collections::BTreeSet;

use super::{
    Catalog,
    clauses::{self, Clauses},
    store::{Column, Database, Key, KeyRule, Object, Objects, Schema},
};
use crate::model::{ident::Ident, kind::ObjectKind, target::LedgerName};

/// Days that a table keeps its past unless it or its containers say otherwise (Snowflake's page of
/// `DATA_RETENTION_TIME_IN_DAYS`).
const RETENTION: (&str, &str) = ("DATA_RETENTION_TIME_IN_DAYS", "1");

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
        Self { databases: outlines.collect(), unseen: self.unseen.clone(), ..Self::default() }
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
        let inner = objects.values().map(|one| (one.key(), object(one, home, retention)));
        (space.clone(), inner.collect())
    });
    outlined.collect()
}

/// Only what is known to be compared: a field that the model learns stays out until its place here is decided.
fn object(found: &Object, home: (&Ident, &Ident), retention: &str) -> Object {
    let is_table = !matches!(found.kind, ObjectKind::View | ObjectKind::MaterializedView);
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
    match clauses {
        Some(clauses) => out.definition = Some(clauses.text(found.kind)),
        None => {
            out.properties = properties(&found.properties, retention);
            let text = found.definition.as_deref().map(|text| text.trim().trim_end_matches(';').trim_end());
            out.definition = text.filter(|text| !text.is_empty()).map(str::to_owned);
        }
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
        default: default.map(|text| sequence_in_full(clauses::default(text), home)),
        autoincrement: found.autoincrement,
        computed: found.computed,
        comment: said(found.comment.as_ref()),
        data_type: found.data_type.clone(),
        ..Column::new(found.name.clone(), None)
    }
}

/// `S.NEXTVAL` with its database and schema: the server adds them.
fn sequence_in_full(text: String, (database, schema): (&Ident, &Ident)) -> String {
    let Some(name) = text.strip_suffix(".NEXTVAL") else { return text };
    match crate::sql::command::object_name(name) {
        Some(name) => {
            let database = name.database.as_ref().unwrap_or(database);
            let schema = name.schema.as_ref().unwrap_or(schema);
            format!("{database}.{schema}.{}.NEXTVAL", name.name)
        }
        None => text,
    }
}

/// Keys that a server lists, in one order. What it named itself has no name.
fn keys(found: &[Key], (database, schema): (&Ident, &Ident)) -> Vec<Key> {
    let listed = found.iter().filter(|key| key.rule != KeyRule::Check);
    let mut all: Vec<Key> = listed
        .map(|key| {
            let in_full = |text: &String| match crate::sql::command::object_name(text) {
                Some(name) => {
                    let database = name.database.as_ref().unwrap_or(database);
                    let schema = name.schema.as_ref().unwrap_or(schema);
                    format!("{database}.{schema}.{}", name.name)
                }
                None => text.clone(),
            };
            Key {
                rule: key.rule,
                name: key.name.clone().filter(|name| !name.as_str().starts_with("SYS_CONSTRAINT_")),
                columns: key.columns.clone(),
                references: key.references.as_ref().map(in_full),
            }
        })
        .collect();
    all.sort_by_key(|key| (key.rule, key.columns.clone(), key.references.clone()));
    all
}

/// Properties in one spelling, without those that say what holds anyway.
fn properties(
    found: &std::collections::BTreeMap<String, String>,
    retention: &str,
) -> std::collections::BTreeMap<String, String> {
    let plain = found.iter().map(|(name, value)| (name.clone(), clauses::plain(value)));
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
