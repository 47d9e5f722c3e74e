//! CREATE.

use super::{ColumnRef, DataType, Expr, Link, Mode, Name, ObjectUse, Property, Query};
use crate::model::{ident::Ident, kind::ObjectKind};

/// CREATE DATABASE or CREATE SCHEMA.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, each a clause that stands in the statement or not"
)]
pub struct ContainerDef {
    /// DATABASE or SCHEMA.
    pub kind: ObjectKind,
    /// Name.
    pub name: Name,
    /// What to do when it is there.
    pub mode: Mode,
    /// TRANSIENT.
    pub transient: bool,
    /// WITH MANAGED ACCESS.
    pub managed: bool,
    /// CLONE of this.
    pub clone: Option<Name>,
    /// INCLUDE INTERNAL STAGES: they are cloned too.
    pub internal_stages: bool,
    /// FROM SHARE, FROM LISTING, AS REPLICA OF: what is inside is not known.
    pub foreign: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// Other properties.
    pub properties: Vec<Property>,
    /// Tags and other objects that it names.
    pub uses: Vec<ObjectUse>,
    /// Tags that it sets.
    pub links: Vec<Link>,
}

/// CREATE of a table.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, each a clause that stands in the statement or not"
)]
pub struct TableDef {
    /// Flavour: TABLE, DYNAMIC TABLE, EXTERNAL TABLE, ...
    pub kind: ObjectKind,
    /// Name.
    pub name: Name,
    /// What to do when it is there.
    pub mode: Mode,
    /// TEMPORARY.
    pub temporary: bool,
    /// TRANSIENT.
    pub transient: bool,
    /// Where its columns come from beside the list.
    pub source: TableSource,
    /// The written columns.
    pub columns: Vec<ColumnDef>,
    /// Constraints beside the columns.
    pub constraints: Vec<Constraint>,
    /// CLUSTER BY.
    pub cluster_by: Vec<Expr>,
    /// Columns that policies on the table name.
    pub policy_columns: Vec<ColumnRef>,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// COPY TAGS.
    pub copy_tags: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// Other properties.
    pub properties: Vec<Property>,
    /// Policies, tags, warehouses and other objects that it names.
    pub uses: Vec<ObjectUse>,
    /// Policies and tags that it sets.
    pub links: Vec<Link>,
}

/// Where a new table's columns come from.
#[derive(Clone, Debug, PartialEq)]
pub enum TableSource {
    /// The written list alone.
    Columns,
    /// LIKE.
    Like(Name),
    /// CLONE.
    Clone(Name),
    /// AS SELECT.
    Query(Box<Query>),
    /// USING TEMPLATE, fixed columns of the kind, a foreign catalogue: not known here.
    Unknown,
}

/// A column of a new table or of ADD COLUMN.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    /// Name.
    pub name: Ident,
    /// Type; CREATE TABLE ... AS SELECT may leave it out.
    pub data_type: Option<DataType>,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as written.
    pub default: Option<String>,
    /// What the default, a virtual column or a check reads.
    pub reads: Vec<Expr>,
    /// AUTOINCREMENT or IDENTITY.
    pub autoincrement: bool,
    /// A virtual or computed column.
    pub computed: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// Constraints written with the column.
    pub constraints: Vec<Constraint>,
    /// Policies and tags.
    pub uses: Vec<ObjectUse>,
    /// Policies and tags that it sets.
    pub links: Vec<Link>,
}

/// A constraint of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// Name, if given.
    pub name: Option<Ident>,
    /// What it says.
    pub rule: Rule,
}

/// What a constraint says.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// PRIMARY KEY.
    Primary(Vec<ColumnRef>),
    /// UNIQUE.
    Unique(Vec<ColumnRef>),
    /// FOREIGN KEY or REFERENCES.
    Foreign {
        /// Own columns.
        columns: Vec<ColumnRef>,
        /// The table.
        table: Name,
        /// Its columns.
        referenced: Vec<ColumnRef>,
    },
    /// CHECK.
    Check(Expr),
}

/// CREATE VIEW or CREATE MATERIALIZED VIEW.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, each a clause that stands in the statement or not"
)]
pub struct ViewDef {
    /// VIEW or MATERIALIZED VIEW.
    pub kind: ObjectKind,
    /// Name.
    pub name: Name,
    /// What to do when it is there.
    pub mode: Mode,
    /// TEMPORARY.
    pub temporary: bool,
    /// SECURE.
    pub secure: bool,
    /// RECURSIVE: the query may read the view itself.
    pub recursive: bool,
    /// Names of the columns, if given, with their comments.
    pub columns: Vec<(Ident, Option<String>)>,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// COPY TAGS.
    pub copy_tags: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// Policies and tags.
    pub uses: Vec<ObjectUse>,
    /// Policies and tags that it sets.
    pub links: Vec<Link>,
    /// Policies and tags that it sets on its columns.
    pub column_links: Vec<(Ident, Link)>,
    /// The query.
    pub query: Query,
    /// The query as written.
    pub text: String,
}

/// CREATE of a kind that has no form of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDef {
    /// Kind.
    pub kind: ObjectKind,
    /// Name.
    pub name: Name,
    /// What to do when it is there.
    pub mode: Mode,
    /// TEMPORARY.
    pub temporary: bool,
    /// Types of the arguments of a routine or policy.
    pub arguments: Option<Vec<DataType>>,
    /// CLONE of this.
    pub clone: Option<Name>,
    /// COMMENT.
    pub comment: Option<String>,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// What it names.
    pub uses: Vec<ObjectUse>,
    /// Body, query or definition, as written, where the catalogue keeps it.
    pub definition: Option<String>,
    /// Tags that it sets.
    pub links: Vec<Link>,
    /// What else a kind has that others depend on.
    pub detail: Detail,
}

/// What objects of some kinds have that other statements depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// A task.
    Task {
        /// AFTER.
        after: Vec<Name>,
        /// FINALIZE.
        finalize: Option<Name>,
        /// SCHEDULE stands in it.
        scheduled: bool,
    },
    /// A stream: what it watches.
    Stream(ObjectUse),
    /// A tag: `ALLOWED_VALUES`.
    Tag(Vec<String>),
    /// A policy: the type that it returns.
    Policy(DataType),
    /// A function whose body is a query or an expression of SQL: the names of its arguments, and what it computes.
    Function(Vec<Ident>, Box<Query>),
}
