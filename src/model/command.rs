//! What a statement would do, in full: the only form of a statement that the catalogue sees. Never stored.

mod create;
mod query;

use std::fmt;

pub use create::{
    ColumnDef, Constraint, ContainerDef, Detail, ObjectDef, Rule, TableDef, TableSource, ViewDef,
};
pub use query::{Body, ColumnRef, Cte, Expr, FromItem, Item, Query, Select, Shape, Source};

use super::{
    facts::Verb,
    ident::{Ident, QualifiedName},
    kind::ObjectKind,
    refusal::At,
};

/// One statement in full.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// CREATE DATABASE, CREATE SCHEMA.
    CreateContainer(ContainerDef),
    /// CREATE of a table of any flavour.
    CreateTable(TableDef),
    /// CREATE VIEW, CREATE MATERIALIZED VIEW.
    CreateView(ViewDef),
    /// CREATE of any other kind.
    CreateObject(ObjectDef),
    /// ALTER of anything but the session.
    Alter {
        /// Kind and name.
        target: Target,
        /// What is changed, in order.
        actions: Vec<Action>,
    },
    /// DROP.
    Drop(Target),
    /// UNDROP.
    Undrop(Target),
    /// COMMENT ON an object.
    Comment {
        /// Kind and name.
        target: Target,
        /// The column, for COMMENT ON COLUMN (the target is then its relation).
        column: Option<ColumnRef>,
        /// The comment.
        text: String,
    },
    /// GRANT and REVOKE.
    Grant(Grant),
    /// USE.
    Use(Use),
    /// SET of session variables: the value where it can be told before it runs.
    Set {
        /// Variables and values, in order.
        values: Vec<(Ident, Option<Constant>)>,
        /// What the values read.
        reads: Vec<Expr>,
    },
    /// UNSET of session variables.
    Unset(Vec<Ident>),
    /// ALTER SESSION SET or UNSET.
    AlterSession {
        /// Parameters set, upper case, with their values as written.
        set: Vec<(String, String)>,
        /// Parameters unset.
        unset: Vec<String>,
    },
    /// INSERT into one table.
    Insert(Insert),
    /// INSERT ALL, INSERT FIRST.
    InsertMany {
        /// The targets.
        into: Vec<Insert>,
        /// The source.
        query: Query,
    },
    /// UPDATE.
    Update {
        /// The table.
        table: TableRef,
        /// Further relations of FROM.
        from: Vec<FromItem>,
        /// Assigned columns and their values.
        set: Vec<(ColumnRef, Expr)>,
        /// WHERE and join conditions.
        filter: Vec<Expr>,
    },
    /// DELETE.
    Delete {
        /// The table.
        table: TableRef,
        /// Further relations of USING.
        using: Vec<FromItem>,
        /// WHERE.
        filter: Vec<Expr>,
    },
    /// MERGE.
    Merge {
        /// The table.
        table: TableRef,
        /// The source.
        source: FromItem,
        /// Conditions.
        on: Vec<Expr>,
        /// What is done.
        clauses: Vec<MergeClause>,
    },
    /// TRUNCATE of a table or materialized view.
    Truncate(Target),
    /// COPY INTO.
    Copy(Copy),
    /// SELECT, WITH, VALUES.
    Query(Query),
    /// EXPLAIN of a statement.
    Explain(Box<Command>),
    /// SHOW.
    Show(Show),
    /// DESCRIBE.
    Describe(Target),
    /// BEGIN of a transaction.
    Begin,
    /// COMMIT.
    Commit,
    /// ROLLBACK.
    Rollback,
    /// CALL of a procedure.
    Call {
        /// The procedure.
        name: Name,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// Words that stand in the statement and in its texts.
        mentioned: Vec<Ident>,
    },
    /// EXECUTE TASK, EXECUTE ALERT: the object must exist.
    Execute(Target),
    /// EXECUTE IMMEDIATE of a text that can be told before it runs.
    ExecuteImmediate(Constant),
    /// EXECUTE IMMEDIATE FROM a file: the stages that it names.
    ExecuteFrom(Vec<ObjectUse>),
    /// A block or a chain all of whose statements can be read.
    Block(Block),
    /// What is not looked into: blocks with dynamic SQL, texts that are made when they run.
    Opaque {
        /// What it is.
        verb: Verb,
        /// Words that stand in it and in its texts: it may do anything to what has such a name.
        mentioned: Vec<Ident>,
    },
    /// Anything else that Snowflake knows.
    Other {
        /// What it is.
        verb: Verb,
        /// Objects that it names.
        uses: Vec<ObjectUse>,
        /// Whether it commits an open transaction.
        ddl: bool,
    },
}

/// The statements of a block or chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The SQL statements in it, in the order of the text.
    pub statements: Vec<Command>,
    /// Each runs once, in that order: there is no branch, loop or handler.
    pub straight: bool,
    /// The words that stand in it and in its literals.
    pub mentioned: Vec<Ident>,
}

/// A name in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// As written.
    Written(QualifiedName),
    /// `IDENTIFIER($x)` or `$x`: the value of a session variable.
    Variable(Ident, At),
    /// A name that only the server can know: a bind, an expression, an id.
    Unknown,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(name) => name.fmt(f),
            Self::Variable(name, _) => write!(f, "IDENTIFIER(${name})"),
            Self::Unknown => f.write_str("IDENTIFIER(...)"),
        }
    }
}

/// An expression whose value can be told from the session alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A literal text or number.
    Text(String),
    /// The value of a session variable.
    Variable(Ident),
    /// `||` or CONCAT.
    Join(Vec<Constant>),
    /// UPPER.
    Upper(Box<Constant>),
    /// LOWER.
    Lower(Box<Constant>),
    /// `CURRENT_DATABASE()`.
    Database,
    /// `CURRENT_SCHEMA()`.
    Schema,
    /// `CURRENT_ROLE()`.
    Role,
    /// `CURRENT_WAREHOUSE()`.
    Warehouse,
}

/// Kind and name of the object that a statement is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Kind, as the statement says.
    pub kind: ObjectKind,
    /// Name.
    pub name: Name,
    /// Types of the arguments, for routines that were named with them.
    pub arguments: Option<Vec<DataType>>,
    /// IF EXISTS.
    pub if_exists: bool,
    /// CASCADE: true, RESTRICT: false.
    pub cascade: Option<bool>,
}

/// What CREATE does when the name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Fails.
    Plain,
    /// OR REPLACE.
    Replace,
    /// IF NOT EXISTS.
    IfNotExists,
    /// OR ALTER.
    Alter,
}

/// An object that a statement needs beside its target.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectUse {
    /// Kind.
    pub kind: ObjectKind,
    /// Name.
    pub name: Name,
}

/// A policy or tag that a statement ties to an object or a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// A kind of policy, or TAG.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Name,
    /// Columns that the policy reads.
    pub columns: Vec<ColumnRef>,
    /// The value of a tag, where it is a literal.
    pub value: Option<String>,
    /// FORCE: what is tied there already gives way.
    pub force: bool,
}

/// A policy or tag that a statement takes off an object or a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Unlink {
    /// A kind of policy, or TAG.
    pub kind: ObjectKind,
    /// Its name; without one, all of the kind.
    pub name: Option<Name>,
}

/// A property: upper-case name and value as written, one blank between tokens.
pub type Property = (String, String);

/// A data type in Snowflake's own spelling: `NUMBER(38,0)`, `VARCHAR(16777216)`, `ARRAY(NUMBER(38,0))`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataType(pub String);

impl DataType {
    /// The part before the parameters.
    pub fn base(&self) -> &str {
        self.0.split('(').next().unwrap_or_default()
    }

    /// The whole-number parameters.
    pub fn parameters(&self) -> Vec<u64> {
        let inner =
            self.0.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map(|(inner, _)| inner);
        inner
            .map(|inner| inner.split(',').filter_map(|p| p.trim().parse().ok()).collect())
            .unwrap_or_default()
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One change of an ALTER.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// RENAME TO.
    Rename(Name),
    /// SWAP WITH.
    Swap(Name),
    /// ADD COLUMN.
    AddColumns {
        /// Each with IF NOT EXISTS.
        columns: Vec<(bool, ColumnDef)>,
    },
    /// DROP COLUMN.
    DropColumns {
        /// IF EXISTS.
        if_exists: bool,
        /// Columns.
        columns: Vec<ColumnRef>,
    },
    /// RENAME COLUMN.
    RenameColumn {
        /// From.
        from: ColumnRef,
        /// To.
        to: Ident,
    },
    /// ALTER COLUMN, MODIFY COLUMN.
    AlterColumn {
        /// The column.
        column: ColumnRef,
        /// What is changed.
        change: ColumnChange,
    },
    /// ADD CONSTRAINT and its short forms.
    AddConstraint(Constraint),
    /// RENAME CONSTRAINT.
    RenameConstraint {
        /// From.
        from: Ident,
        /// To.
        to: Ident,
    },
    /// ALTER CONSTRAINT of a name: its properties are the server's.
    AlterConstraint(Ident),
    /// DROP CONSTRAINT by name.
    DropConstraint(Ident),
    /// DROP PRIMARY KEY.
    DropPrimaryKey,
    /// CLUSTER BY.
    ClusterBy(Vec<Expr>),
    /// DROP CLUSTERING KEY.
    DropClusteringKey,
    /// SET of properties.
    Set {
        /// Properties.
        properties: Vec<Property>,
        /// COMMENT.
        comment: Option<String>,
        /// SECURE.
        secure: Option<bool>,
        /// What it names: policies, tags.
        uses: Vec<ObjectUse>,
        /// Policies and tags that it sets.
        links: Vec<Link>,
    },
    /// UNSET of properties; tags and policies too.
    Unset {
        /// Names, upper case.
        properties: Vec<String>,
        /// What it names.
        uses: Vec<ObjectUse>,
    },
    /// ADD of a policy to a table or view.
    Link(Link),
    /// DROP of a policy from a table or view.
    Unlink(Unlink),
    /// RESUME: true, SUSPEND: false.
    Run(bool),
    /// ADD AFTER or REMOVE AFTER of a task.
    After {
        /// ADD.
        add: bool,
        /// The predecessors.
        tasks: Vec<Name>,
    },
    /// ADD or DROP of a tag's `ALLOWED_VALUES`.
    AllowedValues {
        /// ADD.
        add: bool,
        /// The values.
        values: Vec<String>,
    },
    /// Columns that the change names and that must exist (search optimization, policies).
    Columns(Vec<ColumnRef>, Vec<ObjectUse>),
    /// REFRESH, RECLUSTER: works on data and changes no object.
    Refresh,
    /// ENABLE or DISABLE MANAGED ACCESS.
    ManagedAccess(bool),
    /// Any other change.
    Other(Vec<ObjectUse>),
}

/// What ALTER COLUMN changes.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnChange {
    /// SET DATA TYPE.
    Type(DataType),
    /// SET NOT NULL: true, DROP NOT NULL: false.
    NotNull(bool),
    /// SET DEFAULT, as written.
    Default(String),
    /// DROP DEFAULT.
    DropDefault,
    /// COMMENT.
    Comment(Option<String>),
    /// SET of policies and tags.
    Links(Vec<Link>),
    /// UNSET of policies and tags.
    Unlinks(Vec<Unlink>),
    /// Any other change.
    Other,
}

/// GRANT or REVOKE.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// REVOKE.
    pub revoke: bool,
    /// Privileges as written, upper case; for roles, empty.
    pub privileges: Vec<String>,
    /// On what.
    pub on: GrantOn,
    /// To or from whom.
    pub grantees: Vec<ObjectUse>,
    /// What becomes of the other grants when OWNERSHIP is granted: COPY CURRENT GRANTS keeps them (true), REVOKE
    /// CURRENT GRANTS ends them (false).
    pub keep_current: Option<bool>,
}

/// What is granted.
#[derive(Clone, Debug, PartialEq)]
pub enum GrantOn {
    /// One object.
    Object(Target),
    /// ALL objects of a kind in a container.
    All(ObjectKind, Target),
    /// FUTURE objects of a kind in a container.
    Future(ObjectKind, Target),
    /// The account.
    Account,
    /// Roles, database roles or application roles.
    Roles(Vec<ObjectUse>),
    /// Something that the catalogue does not hold.
    Other,
}

/// USE.
#[derive(Clone, Debug, PartialEq)]
pub enum Use {
    /// USE ROLE.
    Role(Name),
    /// USE WAREHOUSE.
    Warehouse(Name),
    /// USE DATABASE.
    Database(Name),
    /// USE SCHEMA.
    Schema(Name),
    /// USE with a bare name.
    Bare(Name),
    /// USE SECONDARY ROLES.
    SecondaryRoles,
}

/// A table that is written to, with its alias.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRef {
    /// Name.
    pub name: Name,
    /// Alias.
    pub alias: Option<Ident>,
}

/// INSERT into one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// The table.
    pub table: Name,
    /// The columns, if given.
    pub columns: Vec<ColumnRef>,
    /// What is inserted.
    pub source: InsertSource,
}

/// What INSERT inserts.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// VALUES.
    Values(Vec<Vec<Expr>>),
    /// A query.
    Query(Query),
    /// The columns of the common source of INSERT ALL.
    Shared,
}

/// A WHEN clause of MERGE.
#[derive(Clone, Debug, PartialEq)]
pub enum MergeClause {
    /// UPDATE SET.
    Update(Vec<(ColumnRef, Expr)>),
    /// INSERT: columns and values.
    Insert(Vec<ColumnRef>, Vec<Expr>),
    /// DELETE.
    Delete,
    /// UPDATE ALL BY NAME, INSERT ALL BY NAME.
    ByName,
}

/// COPY INTO.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// The table that is loaded, with its columns; `None` if a location is the target.
    pub into: Option<(Name, Vec<ColumnRef>)>,
    /// Table that is unloaded.
    pub from: Option<Name>,
    /// Query that is unloaded or reads the staged files.
    pub query: Option<Query>,
    /// Stages, file formats, integrations.
    pub uses: Vec<ObjectUse>,
}

/// SHOW.
#[derive(Clone, Debug, PartialEq)]
pub struct Show {
    /// Kind, if it is one that the catalogue holds.
    pub kind: Option<ObjectKind>,
    /// LIKE.
    pub like: Option<String>,
    /// STARTS WITH.
    pub starts_with: Option<String>,
    /// LIMIT.
    pub limit: Option<usize>,
    /// HISTORY: dropped objects too.
    pub history: bool,
    /// IN.
    pub scope: ShowScope,
}

/// Where SHOW looks.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowScope {
    /// No IN: the session's schema, database or the account.
    Session,
    /// IN ACCOUNT.
    Account,
    /// IN DATABASE.
    Database(Option<Name>),
    /// IN SCHEMA, or IN with a bare name.
    Schema(Option<Name>),
    /// IN another object.
    Object(Target),
}
