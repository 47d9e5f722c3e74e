//! How objects of a kind are listed: the texts of SHOW, and how its rows are read.
//!
//! Source: Snowflake's pages of the SHOW commands (<https://docs.snowflake.com/en/sql-reference/sql/show>), read in 2026.
//! LIKE there is a pattern without regard to case, `%` and `_` are wildcards, and a listing ends after 10,000 rows. The
//! pattern here only makes the answer short: it lets a name's own wildcards be wildcards, so that nothing rests on how
//! a server reads escapes, and rows are then chosen by their exact name, database and schema.

use crate::{
    model::{
        facts::ObjectRef,
        ident::Ident,
        kind::{Ability, KindScope, ObjectKind},
        target::Context4,
    },
    session::Answer,
};

/// Most rows that SHOW gives; a full listing proves no absence.
pub(super) const MOST_ROWS: usize = 10_000;

/// How the objects of a kind are listed.
#[derive(Clone, Copy)]
struct Listing {
    /// The words behind SHOW.
    words: &'static str,
    /// Whether it takes LIKE.
    like: bool,
}

/// Kinds that are not listed as their plural says.
const OTHERWISE: &[(ObjectKind, Option<Listing>)] = &[
    (ObjectKind::TransientTable, Some(Listing { words: "TABLES", like: true })),
    (ObjectKind::TemporaryTable, Some(Listing { words: "TABLES", like: true })),
    (ObjectKind::InteractiveTable, Some(Listing { words: "TABLES", like: true })),
    (ObjectKind::InteractiveWarehouse, Some(Listing { words: "WAREHOUSES", like: true })),
    // SHOW FUNCTIONS lists Snowflake's own as well, which fills the listing.
    (ObjectKind::Function, Some(Listing { words: "USER FUNCTIONS", like: true })),
    (ObjectKind::DatabaseRole, Some(Listing { words: "DATABASE ROLES", like: false })),
    (ObjectKind::NetworkPolicy, Some(Listing { words: "NETWORK POLICIES", like: false })),
    (ObjectKind::FailoverGroup, Some(Listing { words: "FAILOVER GROUPS", like: false })),
    (ObjectKind::ReplicationGroup, Some(Listing { words: "REPLICATION GROUPS", like: false })),
    // Listed under names that hold the account's as well.
    (ObjectKind::Share, None),
    // Listed by their class.
    (ObjectKind::Budget, None),
    (ObjectKind::MlClassInstance, None),
];

fn listing(kind: ObjectKind) -> Option<Listing> {
    if let Some((_, listing)) = OTHERWISE.iter().find(|(other, _)| *other == kind) {
        return *listing;
    }
    kind.can(Ability::Show).then_some(Listing { words: kind.plural(), like: true })
}

/// The words behind SHOW that list a kind.
pub(super) fn listed(kind: ObjectKind) -> Option<&'static str> {
    listing(kind).map(|listing| listing.words)
}

/// Where an object is, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    kind: ObjectKind,
    database: Option<Ident>,
    schema: Option<Ident>,
    name: Ident,
}

impl Spot {
    /// What is left out of the name comes from `at`. The error says what is missing.
    pub(super) fn of(object: &ObjectRef, at: &Context4) -> Result<Self, String> {
        let name = &object.name;
        let database = |given: &Option<Ident>| {
            let found = given.clone().or_else(|| at.database.clone());
            found.ok_or_else(|| format!("the session had no database that {name} could be in"))
        };
        let (database, schema) = match object.kind.scope() {
            KindScope::Account => (None, None),
            KindScope::Database => (Some(database(&name.database)?), None),
            KindScope::Schema => {
                let schema = name.schema.clone().or_else(|| at.schema.clone());
                let schema =
                    schema.ok_or_else(|| format!("the session had no schema that {name} could be in"))?;
                (Some(database(&name.database)?), Some(schema))
            }
            KindScope::Organization | KindScope::Application | KindScope::Relation | KindScope::Run => {
                return Err(format!("objects of kind {} cannot be looked up by name", object.kind));
            }
        };
        Ok(Self { kind: object.kind, database, schema, name: name.name.clone() })
    }

    /// The statement that lists it. The error says why there is none.
    pub(super) fn show(&self) -> Result<String, String> {
        let listing = listing(self.kind)
            .ok_or_else(|| format!("objects of kind {} cannot be looked up by name", self.kind))?;
        let like = if listing.like { format!(" LIKE '{}'", pattern(&self.name)) } else { String::new() };
        let within = match (&self.database, &self.schema) {
            (Some(database), Some(schema)) => {
                format!(" IN SCHEMA {}.{}", database.quoted(), schema.quoted())
            }
            (Some(database), None) => format!(" IN DATABASE {}", database.quoted()),
            (None, _) => String::new(),
        };
        Ok(format!("SHOW {}{like}{within}", listing.words))
    }

    /// The statement that lists its columns: DESCRIBE TABLE answers for every kind of table, and for views.
    pub(super) fn describe(&self) -> String {
        let parts = self.database.iter().chain(&self.schema).chain([&self.name]);
        format!("DESCRIBE TABLE {}", parts.map(Ident::quoted).collect::<Vec<_>>().join("."))
    }

    /// The rows of a listing that are about it.
    pub(super) fn rows(&self, answer: &Answer) -> Result<Vec<Row>, String> {
        let columns = Columns(&answer.columns);
        let name = columns.at("name").ok_or("the server's listing has no column \"name\"")?;
        // Routines are listed with their database as `catalog_name`.
        let database = columns.at("database_name").or_else(|| columns.at("catalog_name"));
        let schema = columns.at("schema_name");
        let mine = |row: &&Vec<Option<String>>| {
            cell(row, Some(name)).is_some_and(|found| found == self.name.as_str())
                && agrees(cell(row, database), self.database.as_ref())
                && agrees(cell(row, schema), self.schema.as_ref())
                && cell(row, columns.at("is_builtin")) != Some("Y")
        };
        let read = |row: &Vec<Option<String>>| Row {
            created_on: cell(row, columns.at("created_on")).map(str::to_owned),
            owner: cell(row, columns.at("owner")).filter(|owner| !owner.is_empty()).map(str::to_owned),
            owner_kind: cell(row, columns.at("owner_role_type")).map(str::to_owned),
        };
        Ok(answer.rows.iter().filter(mine).map(read).collect())
    }
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.kind)?;
        for part in self.database.iter().chain(&self.schema) {
            write!(f, "{part}.")?;
        }
        self.name.fmt(f)
    }
}

/// One row of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// As the server prints it.
    pub(super) created_on: Option<String>,
    /// Name of the role that it belongs to.
    pub(super) owner: Option<String>,
    /// `ROLE`, `DATABASE_ROLE` or `APPLICATION`, where the listing says it.
    pub(super) owner_kind: Option<String>,
}

/// The names of DESCRIBE's rows.
pub(super) fn columns(answer: &Answer) -> Result<Vec<&str>, String> {
    let at = Columns(&answer.columns).at("name").ok_or("the server's description has no column \"name\"")?;
    let names: Vec<&str> = answer.rows.iter().filter_map(|row| cell(row, Some(at))).collect();
    if names.is_empty() { Err("the server tells no columns".to_owned()) } else { Ok(names) }
}

pub(super) struct Columns<'a>(pub(super) &'a [String]);

impl Columns<'_> {
    pub(super) fn at(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column.eq_ignore_ascii_case(name))
    }
}

pub(super) fn cell(row: &[Option<String>], at: Option<usize>) -> Option<&str> {
    row.get(at?)?.as_deref()
}

/// Whether a listing's place is the one that is asked for; a place that it leaves out is the one that IN named.
fn agrees(listed: Option<&str>, wanted: Option<&Ident>) -> bool {
    match (listed, wanted) {
        (Some(listed), Some(wanted)) => listed.is_empty() || listed == wanted.as_str(),
        _ => true,
    }
}

/// A pattern that fits at least the name: a backslash, which may or may not be an escape, is any one character.
pub(super) fn pattern(name: &Ident) -> String {
    name.as_str().replace('\\', "_").replace('\'', "''")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{facts::ByteRange, ident::QualifiedName};

    fn spot(kind: ObjectKind, parts: &[&str]) -> Result<Spot, String> {
        let ident = |text: &&str| Ident::written(text);
        let name = match parts {
            [a, b, c] => QualifiedName::full(ident(a), ident(b), ident(c)),
            [a, c] if kind.scope() == KindScope::Database => {
                QualifiedName { database: Some(ident(a)), schema: None, name: ident(c) }
            }
            [b, c] => QualifiedName { database: None, schema: Some(ident(b)), name: ident(c) },
            rest => QualifiedName::bare(rest.last().map(ident).unwrap()),
        };
        let at = Context4 {
            database: Some(Ident::stored("D")),
            schema: Some(Ident::stored("S")),
            ..Context4::default()
        };
        Spot::of(&ObjectRef { kind, name, at: ByteRange { start: 0, end: 0 } }, &at)
    }

    #[test]
    fn each_kind_is_listed_in_its_own_way() {
        for (kind, parts, text) in [
            (ObjectKind::Table, &["t"][..], "SHOW TABLES LIKE 'T' IN SCHEMA \"D\".\"S\""),
            (ObjectKind::TransientTable, &["x", "t"], "SHOW TABLES LIKE 'T' IN SCHEMA \"D\".\"X\""),
            (ObjectKind::View, &["y", "x", "t"], "SHOW VIEWS LIKE 'T' IN SCHEMA \"Y\".\"X\""),
            (ObjectKind::Function, &["f"], "SHOW USER FUNCTIONS LIKE 'F' IN SCHEMA \"D\".\"S\""),
            (ObjectKind::Schema, &["s"], "SHOW SCHEMAS LIKE 'S' IN DATABASE \"D\""),
            (ObjectKind::Schema, &["e", "s"], "SHOW SCHEMAS LIKE 'S' IN DATABASE \"E\""),
            (ObjectKind::DatabaseRole, &["e", "r"], "SHOW DATABASE ROLES IN DATABASE \"E\""),
            (ObjectKind::Warehouse, &["w"], "SHOW WAREHOUSES LIKE 'W'"),
            (ObjectKind::StorageIntegration, &["i"], "SHOW STORAGE INTEGRATIONS LIKE 'I'"),
            (ObjectKind::MaskingPolicy, &["p"], "SHOW MASKING POLICIES LIKE 'P' IN SCHEMA \"D\".\"S\""),
            (ObjectKind::Table, &["\"a\\b'\"\"c\""], "SHOW TABLES LIKE 'a_b''\"c' IN SCHEMA \"D\".\"S\""),
        ] {
            assert_eq!(spot(kind, parts).unwrap().show().unwrap(), text, "{kind}");
        }
        for kind in [ObjectKind::Share, ObjectKind::Budget] {
            assert!(spot(kind, &["x"]).unwrap().show().is_err(), "{kind}");
        }
        assert!(spot(ObjectKind::Column, &["x"]).is_err());
    }

    #[test]
    fn every_kind_that_has_show_is_listed_or_left_out_on_purpose() {
        for kind in ObjectKind::ALL.iter().filter(|kind| kind.can(Ability::Show)) {
            let out = OTHERWISE.iter().any(|(other, listing)| other == kind && listing.is_none());
            assert_eq!(listing(*kind).is_none(), out, "{kind}");
        }
    }
}
