//! What the catalogue holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    command::{DataType, Property},
    ident::Ident,
    kind::ObjectKind,
};

/// Objects by name space and key: the name, for routines with the types of their arguments.
pub type Objects = BTreeMap<String, BTreeMap<String, Object>>;

/// The schema that every database has and nobody can change.
pub(super) const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// When it was made; empty in a snapshot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_on: String,
    /// The role that owns it, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Ident>,
    /// Its content is not known: others own it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
    /// A statement that was not looked into may have made something in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unsure: bool,
    /// It came from a committed snapshot, which could not see these kinds. Of kinds that no snapshot holds nothing is
    /// known either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<BTreeSet<String>>,
    /// TRANSIENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transient: bool,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Other properties, by upper-case name, as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// `SELECT TO ROLE X`, one a privilege and grantee.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub grants: BTreeSet<String>,
    /// Grants on objects that will be created in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub future_grants: BTreeSet<FutureGrant>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Database roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: Objects,
    /// Schemas.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schemas: BTreeMap<Ident, Schema>,
    /// Dropped schemas, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<(Ident, Schema)>,
}

/// A grant on objects that will be created.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FutureGrant {
    /// Kind.
    pub kind: ObjectKind,
    /// `SELECT TO ROLE X`.
    pub grant: String,
}

/// A schema.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// When it was made; empty in a snapshot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_on: String,
    /// The role that owns it, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Ident>,
    /// Its content is not known: others own it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
    /// A statement that was not looked into may have made something in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unsure: bool,
    /// TRANSIENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transient: bool,
    /// WITH MANAGED ACCESS.
    #[serde(default, skip_serializing_if = "is_false")]
    pub managed_access: bool,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Other properties, by upper-case name, as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// `SELECT TO ROLE X`, one a privilege and grantee.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub grants: BTreeSet<String>,
    /// Grants on objects that will be created in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub future_grants: BTreeSet<FutureGrant>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: Objects,
    /// Dropped objects, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Object>,
}

/// An object of an account, a database or a schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Name.
    pub name: Ident,
    /// Kind.
    pub kind: ObjectKind,
    /// When it was made; empty in a snapshot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_on: String,
    /// The role that owns it, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Ident>,
    /// TRANSIENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transient: bool,
    /// SECURE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secure: bool,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Columns of a relation; absent where they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// Keys of a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// Columns of the clustering key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_by: Vec<Ident>,
    /// Types of the arguments of a routine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<String>>,
    /// Other properties, by upper-case name, as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// Text of a view; what follows the name, for other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::text::lines_of")]
    pub definition: Option<String>,
    /// `SELECT TO ROLE X`, one a privilege and grantee.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub grants: BTreeSet<String>,
    /// Policies and tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Whether a task, alert or dynamic table runs; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Predecessors of a task, in its own schema.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<Ident>,
    /// The root task that a task finalizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalizes: Option<Ident>,
    /// What a stream watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Watched>,
    /// Types that a policy takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Vec<String>>,
    /// Values that a tag may have; any if there are none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allowed_values: BTreeSet<String>,
}

/// A policy or tag that is tied to something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// A kind of policy, or TAG.
    pub kind: ObjectKind,
    /// Its full name.
    pub name: String,
    /// The value of a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Columns that a policy reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Ident>,
}

/// Whether something runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// RESUME.
    Started,
    /// SUSPEND.
    Suspended,
}

/// What a stream watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Kind, as the statement says.
    pub kind: ObjectKind,
    /// Full name.
    pub name: String,
    /// When it was created: another object of the name is not what the stream watches. Absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_on: Option<String>,
}

/// A column.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name.
    pub name: Ident,
    /// Canonical type; absent where it is not known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// NOT NULL.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_null: bool,
    /// DEFAULT, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// AUTOINCREMENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub autoincrement: bool,
    /// A virtual column.
    #[serde(default, skip_serializing_if = "is_false")]
    pub computed: bool,
    /// It came after the table: its default stays.
    #[serde(default, skip_serializing_if = "is_false")]
    pub added: bool,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Columns that a computed one reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Ident>,
    /// Policies and tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

impl Column {
    /// A column of which only name and type are known.
    pub fn new(name: Ident, data_type: Option<DataType>) -> Self {
        Self {
            name,
            data_type: data_type.map(|data_type| data_type.0),
            not_null: false,
            default: None,
            autoincrement: false,
            computed: false,
            added: false,
            comment: None,
            reads: Vec::new(),
            links: Vec::new(),
        }
    }
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// What it says.
    pub rule: KeyRule,
    /// Its name, if it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Ident>,
    /// Columns.
    pub columns: Vec<Ident>,
    /// The table that a foreign key references, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
    /// Columns of that table, as written; none: those of its primary key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referenced: Vec<Ident>,
}

/// What a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyRule {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE.
    Unique,
    /// FOREIGN KEY.
    Foreign,
    /// CHECK.
    Check,
}

impl Database {
    /// An empty database with its PUBLIC schema.
    pub fn new(now: &str) -> Self {
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
    /// An empty schema.
    pub fn new(now: &str) -> Self {
        Self { created_on: now.to_owned(), ..Self::default() }
    }
}

impl Object {
    /// An object of which kind and name are known.
    pub fn new(kind: ObjectKind, name: Ident, now: &str) -> Self {
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
            links: Vec::new(),
            state: None,
            after: BTreeSet::new(),
            finalizes: None,
            source: None,
            signature: None,
            allowed_values: BTreeSet::new(),
        }
    }

    /// Its key among the objects of its name space.
    pub fn key(&self) -> String {
        key(&self.name, self.arguments.as_deref())
    }

    /// The columns, unless loading files may have added some (`ENABLE_SCHEMA_EVOLUTION`).
    pub(super) fn known_columns(&self) -> Option<&Vec<Column>> {
        let evolves =
            self.properties.get("ENABLE_SCHEMA_EVOLUTION").is_some_and(|on| on.eq_ignore_ascii_case("TRUE"));
        if evolves { None } else { self.columns.as_ref() }
    }

    /// The column of that name.
    pub fn column(&self, name: &Ident) -> Option<&Column> {
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
