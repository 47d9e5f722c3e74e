//! What a statement is and does: decided once, in `sql`, used by plan, lint, resume and rehearsal.

use serde::{Deserialize, Serialize};

use super::{
    ident::{Ident, QualifiedName},
    kind::ObjectKind,
};

/// What is known of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What it does.
    pub verb: Verb,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
    /// Objects that exist after it under these names, and did not before, or not in this form.
    pub defines: Vec<ObjectRef>,
    /// Objects that it needs, besides `object`. What stands in FROM is called a TABLE, whatever it is.
    pub reads: Vec<ObjectRef>,
    /// Objects that are gone, emptied or replaced after it.
    pub destroys: Vec<ObjectRef>,
    /// How far it reaches.
    pub scope: Scope,
    /// What it changes in its session.
    pub session: SessionEffect,
    /// How much of it was read.
    pub certainty: Certainty,
    /// What else class, probe and hazard need to know.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

impl Facts {
    /// The facts of a statement of which nothing is known but its verb.
    pub fn new(verb: Verb, certainty: Certainty) -> Self {
        Self {
            verb,
            object: None,
            defines: Vec::new(),
            reads: Vec::new(),
            destroys: Vec::new(),
            scope: Scope::Unknown,
            session: SessionEffect::default(),
            certainty,
            details: Details::default(),
        }
    }
}

/// Small facts that decide a statement's class, its probe or its hazard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, each a clause that stands in the statement or not"
)]
pub struct Details {
    /// Columns that ALTER TABLE adds or drops; for RENAME COLUMN the old and the new name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Ident>,
    /// Tables that a multi-table INSERT writes to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<ObjectRef>,
    /// What the body of a routine, task or alert names. It is needed when the body runs, not when it is created:
    /// Snowflake compiles no such body at CREATE. As far as its text tells: text built at run time and languages
    /// other than SQL are not looked into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<ObjectRef>,
    /// A query calls what may act when it is evaluated: NEXTVAL, a `SYSTEM$` function, or a function that is not
    /// one of Snowflake's own, since it may be an external one.
    #[serde(skip_serializing_if = "is_false")]
    pub effects: bool,
    /// The object is temporary: it ends with its session.
    #[serde(skip_serializing_if = "is_false")]
    pub temporary: bool,
    /// COPY GRANTS, or COPY CURRENT GRANTS: what was granted stays.
    #[serde(skip_serializing_if = "is_false")]
    pub keeps_grants: bool,
    /// OVERWRITE: INSERT empties the table first, COPY INTO a location replaces files there.
    #[serde(skip_serializing_if = "is_false")]
    pub overwrites: bool,
    /// UPDATE or DELETE has a WHERE.
    #[serde(skip_serializing_if = "is_false")]
    pub filtered: bool,
    /// GRANT is ON ALL or ON FUTURE objects of `object`, not on `object` itself.
    #[serde(skip_serializing_if = "is_false")]
    pub bulk: bool,
    /// ALTER TABLE drops columns.
    #[serde(skip_serializing_if = "is_false")]
    pub drops: bool,
}

impl Details {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(mark: &bool) -> bool {
    !*mark
}

/// An object named in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Its kind, as far as the statement says.
    pub kind: ObjectKind,
    /// Its name as written.
    pub name: QualifiedName,
    /// Where the name stands in the statement's text.
    pub at: ByteRange,
}

/// Bytes of a statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// What a statement does, as far as resume, lint and gates must tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// CREATE without OR REPLACE, IF NOT EXISTS or OR ALTER.
    Create,
    /// CREATE OR REPLACE.
    CreateOrReplace,
    /// CREATE ... IF NOT EXISTS.
    CreateIfNotExists,
    /// CREATE OR ALTER.
    CreateOrAlter,
    /// ALTER that is none of the more exact verbs below.
    Alter,
    /// ALTER ... SET or UNSET of properties, parameters, tags, policies, comments.
    AlterSet,
    /// ALTER ... SUSPEND or RESUME.
    SuspendResume,
    /// ALTER TABLE ... ADD or DROP COLUMN with `IF NOT EXISTS` or `IF EXISTS`, and other ALTERs guarded the same way.
    AlterIfExists,
    /// ALTER TABLE ... ADD COLUMN.
    AddColumn,
    /// ALTER TABLE ... DROP COLUMN.
    DropColumn,
    /// ALTER TABLE ... RENAME COLUMN.
    RenameColumn,
    /// ALTER ... RENAME TO.
    Rename,
    /// ALTER ... SWAP WITH.
    Swap,
    /// DROP.
    Drop,
    /// DROP ... IF EXISTS.
    DropIfExists,
    /// UNDROP.
    Undrop,
    /// TRUNCATE.
    Truncate,
    /// COMMENT ON.
    Comment,
    /// GRANT of privileges or roles.
    Grant,
    /// REVOKE of privileges or roles.
    Revoke,
    /// GRANT OWNERSHIP and REVOKE OWNERSHIP.
    GrantOwnership,
    /// USE.
    Use,
    /// SET.
    Set,
    /// UNSET.
    Unset,
    /// ALTER SESSION.
    AlterSession,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// COPY INTO.
    CopyInto,
    /// SELECT, WITH, VALUES, TABLE.
    Select,
    /// SHOW.
    Show,
    /// DESCRIBE.
    Describe,
    /// LIST.
    List,
    /// EXPLAIN.
    Explain,
    /// CALL.
    Call,
    /// EXECUTE IMMEDIATE.
    ExecuteImmediate,
    /// EXECUTE TASK, EXECUTE ALERT and the like.
    Execute,
    /// An anonymous block.
    Block,
    /// A `->>` chain.
    Chain,
    /// BEGIN of a transaction.
    Begin,
    /// COMMIT.
    Commit,
    /// ROLLBACK.
    Rollback,
    /// PUT, GET: client commands that the server does not know.
    Transfer,
    /// REMOVE.
    Remove,
    /// `!command` of a command-line client.
    ClientCommand,
    /// Anything else.
    Other,
}

/// How far a statement reaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Objects of one database that is named.
    Database(Ident),
    /// Objects of the session's database.
    Current,
    /// Objects of the account: roles, warehouses, integrations, databases.
    Account,
    /// The session only.
    Session,
    /// Not known.
    Unknown,
}

/// What a statement changes in its session, so that a resume and the next script can set it right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent marks; a statement may have any of them")]
pub struct SessionEffect {
    /// Changes role, warehouse, database or schema.
    pub context: bool,
    /// Sets or unsets a session parameter or secondary roles.
    pub parameters: bool,
    /// Sets a session variable to a literal.
    pub variable: bool,
    /// Leaves what no statement takes back or rebuilds: a temporary object, a variable set from a query, dynamic
    /// SQL that may do so.
    pub lasting: bool,
    /// Opens or ends a transaction, or may do so inside an opaque body.
    pub transaction: bool,
}

/// How much of a statement was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// All of it.
    Parsed,
    /// The head; the rest was not understood.
    Partial(Why),
    /// Nothing beyond its first word.
    Unparsed,
}

/// Why a statement was read in part only, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Why {
    /// A fragment that follows "because".
    pub reason: String,
    /// Byte offset in the statement's text.
    pub at: usize,
}

/// How the catalogue can tell whether a checkable statement was done. Written with the intent, never derived again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "probe")]
pub enum Probe {
    /// The object exists, and was created at or after the intent time.
    CreatedSince {
        /// The object, name as written; what is left out comes from the environment.
        object: ObjectRef,
    },
    /// The object does not exist.
    Absent {
        /// The object.
        object: ObjectRef,
    },
    /// The object exists; UNDROP brings it back with its old creation time.
    Present {
        /// The object.
        object: ObjectRef,
    },
    /// The new name exists and the old one does not.
    Renamed {
        /// The old name.
        from: ObjectRef,
        /// The new name.
        to: ObjectRef,
    },
    /// The table has the column, or has it no more.
    Column {
        /// The table.
        table: ObjectRef,
        /// The column.
        column: Ident,
        /// Whether it must be there.
        present: bool,
    },
    /// The table has the column under its new name and not under its old one.
    ColumnRenamed {
        /// The table.
        table: ObjectRef,
        /// The old name.
        from: Ident,
        /// The new name.
        to: Ident,
    },
    /// The object belongs to the role.
    Owner {
        /// The object.
        object: ObjectRef,
        /// The role, or database role.
        role: ObjectRef,
    },
}

/// What a statement would lose or break, for gates and lint; `allow=` names it in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hazard {
    /// Rows or columns of data are lost.
    LosesData,
    /// Grants are lost.
    LosesGrants,
    /// A definition is lost that UNDROP does not bring back.
    LosesDefinition,
}

/// What takes a statement back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// These statements, in order, where the server still keeps what they need. What they cannot say stands in
    /// angle brackets.
    Statements(Vec<String>),
    /// A statement that begins so, with the other words of the one that is taken back.
    Opposite(&'static str),
    /// The same statement with the value from before.
    FormerValue,
    /// The definition from before, run again.
    FormerText,
    /// A clone or a query of what was there before, while retention lasts.
    TimeTravel,
    /// Nothing.
    Nothing,
}

impl Verb {
    /// Whether other statements run inside it: when it stops in the middle, some of them may be done.
    pub const fn runs_statements(self) -> bool {
        matches!(self, Self::Block | Self::Chain | Self::Call | Self::ExecuteImmediate)
    }

    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::CreateOrReplace => "create or replace",
            Self::CreateIfNotExists => "create if not exists",
            Self::CreateOrAlter => "create or alter",
            Self::SuspendResume => "suspend or resume",
            Self::Alter | Self::AlterSet | Self::AlterIfExists => "alter",
            Self::AddColumn => "add column to",
            Self::DropColumn => "drop column of",
            Self::RenameColumn => "rename column of",
            Self::Rename => "rename",
            Self::Swap => "swap",
            Self::Drop => "drop",
            Self::DropIfExists => "drop if exists",
            Self::Undrop => "undrop",
            Self::Truncate => "truncate",
            Self::Comment => "comment",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::GrantOwnership => "grant ownership",
            Self::Use => "use",
            Self::Set => "set",
            Self::Unset => "unset",
            Self::AlterSession => "alter session",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Merge => "merge",
            Self::CopyInto => "copy into",
            Self::Select => "select",
            Self::Show => "show",
            Self::Describe => "describe",
            Self::List => "list",
            Self::Explain => "explain",
            Self::Call => "call",
            Self::ExecuteImmediate => "execute immediate",
            Self::Execute => "execute",
            Self::Block => "block",
            Self::Chain => "chain",
            Self::Begin => "begin",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Transfer => "put or get",
            Self::Remove => "remove",
            Self::ClientCommand => "client command",
            Self::Other => "run",
        }
    }
}
