//! What the catalogue holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    command::{DataType, Property},
    ident::Ident,
    kind::ObjectKind,
};

/// Objects by name space and key: the name, for routines with the types of their arguments.
pub(super) type Objects = BTreeMap<String, BTreeMap<String, Object>>;

/// The schema that every database has and nobody can change.
pub(super) const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Database {
    pub(super) created_on: String,
    /// Its content is not known: others own it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) open: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) transient: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) grants: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) future_grants: BTreeSet<FutureGrant>,
    /// Database roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) objects: Objects,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) schemas: BTreeMap<Ident, Schema>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dropped: Vec<(Ident, Schema)>,
}

/// A grant on objects that will be created.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct FutureGrant {
    pub(super) kind: ObjectKind,
    /// `SELECT TO ROLE X`.
    pub(super) grant: String,
}

/// A schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Schema {
    pub(super) created_on: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) open: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) transient: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) managed_access: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) grants: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) future_grants: BTreeSet<FutureGrant>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) objects: Objects,
    /// Dropped objects, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dropped: Vec<Object>,
}

/// An object of an account, a database or a schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) name: Ident,
    pub(super) kind: ObjectKind,
    pub(super) created_on: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<Ident>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) transient: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) secure: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    /// Columns of a relation; absent where they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) columns: Option<Vec<Column>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<Key>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cluster_by: Vec<Ident>,
    /// Types of the arguments of a routine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) properties: BTreeMap<String, String>,
    /// Text of a view; what follows the name, for other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) definition: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) grants: BTreeSet<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Column {
    pub(super) name: Ident,
    /// Canonical type; absent where it is not known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) data_type: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) not_null: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) autoincrement: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) computed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
}

impl Column {
    /// A column of which only name and type are known.
    pub(super) fn new(name: Ident, data_type: Option<DataType>) -> Self {
        Self {
            name,
            data_type: data_type.map(|data_type| data_type.0),
            not_null: false,
            default: None,
            autoincrement: false,
            computed: false,
            comment: None,
        }
    }
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) rule: KeyRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Ident>,
    pub(super) columns: Vec<Ident>,
    /// The table that a foreign key references, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) references: Option<String>,
}

/// What a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum KeyRule {
    Primary,
    Unique,
    Foreign,
    Check,
}

impl Database {
    /// An empty database with its PUBLIC schema.
    pub(super) fn new(now: &str) -> Self {
        let mut found = Self { created_on: now.to_owned(), ..Self::default() };
        found.schema_entry(&Ident::stored("PUBLIC"), now);
        found
    }

    /// A database whose content is not known.
    pub(super) fn open(now: &str) -> Self {
        Self { created_on: now.to_owned(), open: true, ..Self::default() }
    }

    /// The schema of that name, made if it is not there.
    pub(super) fn schema_entry(&mut self, name: &Ident, now: &str) -> &mut Schema {
        let open = self.open;
        self.schemas.entry(name.clone()).or_insert_with(|| Schema { open, ..Schema::new(now) })
    }
}

impl Schema {
    pub(super) fn new(now: &str) -> Self {
        Self { created_on: now.to_owned(), ..Self::default() }
    }
}

impl Object {
    pub(super) fn new(kind: ObjectKind, name: Ident, now: &str) -> Self {
        Self {
            name,
            kind,
            created_on: now.to_owned(),
            owner: None,
            transient: false,
            secure: false,
            comment: None,
            columns: None,
            keys: Vec::new(),
            cluster_by: Vec::new(),
            arguments: None,
            properties: BTreeMap::new(),
            definition: None,
            grants: BTreeSet::new(),
        }
    }

    /// Its key among the objects of its name space.
    pub(super) fn key(&self) -> String {
        key(&self.name, self.arguments.as_deref())
    }

    /// The columns, unless loading files may have added some (`ENABLE_SCHEMA_EVOLUTION`).
    pub(super) fn known_columns(&self) -> Option<&Vec<Column>> {
        let evolves =
            self.properties.get("ENABLE_SCHEMA_EVOLUTION").is_some_and(|on| on.eq_ignore_ascii_case("TRUE"));
        if evolves { None } else { self.columns.as_ref() }
    }

    pub(super) fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.as_ref()?.iter().find(|column| column.name == *name)
    }
}

/// The key of an object: a routine's has its types.
pub(super) fn key(name: &Ident, arguments: Option<&[String]>) -> String {
    match arguments {
        Some(types) => format!("{}({})", name.as_str(), types.join(", ")),
        None => name.as_str().to_owned(),
    }
}

/// Types as they count for the identity of a routine: without sizes.
pub(super) fn identity(types: &[DataType]) -> Vec<String> {
    types.iter().map(|data_type| data_type.base().to_owned()).collect()
}

/// Properties by name.
pub(super) fn by_name(properties: &[Property]) -> BTreeMap<String, String> {
    properties.iter().cloned().collect()
}
