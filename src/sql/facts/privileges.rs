//! What the deploying role needs to run a statement.

use std::fmt;

use super::context::{containers, resolve};
use crate::model::{
    facts::{Certainty, Facts, ObjectRef, Verb},
    ident::QualifiedName,
    kind::{KindScope, ObjectKind},
    target::Context4,
};

/// What a statement needs, as far as its facts tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    /// All of these.
    pub needs: Vec<Need>,
    /// Whether this is all: not for bodies, for what was read in part, and for what only a role such as
    /// ACCOUNTADMIN may do.
    pub complete: bool,
}

/// One thing that is needed: any of these privileges is enough, and so is a role that inherits one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The privileges, the usual one first.
    pub any_of: Vec<Privilege>,
    /// Needed only if the object is there already: OR REPLACE, OR ALTER.
    pub if_exists: bool,
}

/// A privilege on something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// Its name, as GRANT has it.
    pub name: String,
    /// On what.
    pub on: Securable,
}

/// What a privilege is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Securable {
    /// The account.
    Account,
    /// An object, its name as far as it is known. What stands in FROM is called a TABLE.
    Object(ObjectKind, QualifiedName),
    /// The session's schema or database, which is not known.
    Current(ObjectKind),
}

/// The privileges that a statement needs where `context` says what unqualified names mean, after the access control
/// requirements of each command in Snowflake's documentation (general knowledge of it, 2026).
///
/// USAGE on a container stands for any privilege on it. Left out are privileges that were given WITH GRANT OPTION
/// and so may be granted on, and what functions, views and bodies need.
///
/// For `doctor`, which compares it with what the role has before a run finds out.
pub fn privileges(facts: &Facts, context: &Context4) -> Privileges {
    let complete = facts.certainty == Certainty::Parsed;
    let mut list = List { context, found: Privileges { needs: Vec::new(), complete } };
    if let Some(object) = &facts.object {
        list.object(facts, object);
    }
    list.besides(facts);
    for read in &facts.reads {
        list.read(facts, read);
    }
    list.found
}

struct List<'c> {
    context: &'c Context4,
    found: Privileges,
}

impl List<'_> {
    fn add(&mut self, any_of: Vec<Privilege>, if_exists: bool) {
        let need = Need { any_of, if_exists };
        if !self.found.needs.contains(&need) {
            self.found.needs.push(need);
        }
    }

    /// One of these privileges on the object.
    fn on(&mut self, object: &ObjectRef, names: &[&str]) {
        let any_of = names.iter().map(|name| self.privilege(name, object)).collect();
        self.add(any_of, false);
    }

    fn privilege(&self, name: &str, object: &ObjectRef) -> Privilege {
        Privilege { name: name.to_owned(), on: Securable::Object(object.kind, resolve(object, self.context)) }
    }

    /// USAGE on what holds the object.
    fn reach(&mut self, object: &ObjectRef) {
        for (kind, name) in containers(object.kind, &resolve(object, self.context)).into_iter().rev() {
            self.add(vec![Privilege { name: "USAGE".to_owned(), on: Securable::Object(kind, name) }], false);
        }
    }

    /// The right to make an object where it is named.
    fn create(&mut self, object: &ObjectRef) {
        let Some(made) = made(object.kind) else {
            // A temporary table needs no more than its schema.
            let free = [ObjectKind::TemporaryTable, ObjectKind::ProcedureScopedTemporaryTable];
            self.found.complete &= free.contains(&object.kind);
            return;
        };
        let name = resolve(object, self.context);
        let holder = match object.kind.scope() {
            KindScope::Organization | KindScope::Account | KindScope::Application | KindScope::Run => {
                Securable::Account
            }
            KindScope::Database => {
                name.database.map_or(Securable::Current(ObjectKind::Database), |database| {
                    Securable::Object(ObjectKind::Database, QualifiedName::bare(database))
                })
            }
            KindScope::Schema | KindScope::Relation => {
                let QualifiedName { database, schema, .. } = name;
                schema.map_or(Securable::Current(ObjectKind::Schema), |schema| {
                    Securable::Object(
                        ObjectKind::Schema,
                        QualifiedName { database, schema: None, name: schema },
                    )
                })
            }
        };
        self.add(vec![Privilege { name: format!("CREATE {made}"), on: holder }], false);
    }

    /// What the verb needs on the object that it is about.
    fn object(&mut self, facts: &Facts, object: &ObjectRef) {
        let kind = object.kind;
        if kind == ObjectKind::Index {
            // It belongs to its table, which is among what is read.
            return;
        }
        self.reach(object);
        match facts.verb {
            Verb::Create | Verb::CreateIfNotExists => self.create(object),
            Verb::CreateOrReplace | Verb::CreateOrAlter => {
                self.create(object);
                self.add(vec![self.privilege("OWNERSHIP", object)], true);
            }
            Verb::AlterSet | Verb::Comment => self.on(object, changers(kind)),
            Verb::SuspendResume => self.on(object, operators(kind)),
            Verb::Alter
            | Verb::AlterIfExists
            | Verb::AddColumn
            | Verb::DropColumn
            | Verb::RenameColumn
            | Verb::Drop
            | Verb::DropIfExists => self.on(object, &["OWNERSHIP"]),
            Verb::Rename | Verb::Undrop => {
                self.on(object, &["OWNERSHIP"]);
                let new = if facts.verb == Verb::Rename { facts.defines.first() } else { None };
                self.reach(new.unwrap_or(object));
                self.create(new.unwrap_or(object));
            }
            Verb::Swap => facts.defines.iter().for_each(|object| self.on(object, &["OWNERSHIP"])),
            Verb::Truncate => self.on(object, &["TRUNCATE", "OWNERSHIP"]),
            Verb::Insert if facts.details.overwrites => {
                self.on(object, &["INSERT"]);
                self.on(object, &["DELETE"]);
            }
            Verb::Update => self.on(object, &["UPDATE"]),
            Verb::Delete => self.on(object, &["DELETE"]),
            // Which of them depends on its WHEN clauses.
            Verb::Merge => {
                self.on(object, &["SELECT"]);
                self.on(object, &["UPDATE", "INSERT", "DELETE"]);
            }
            Verb::CopyInto if kind == ObjectKind::Stage => self.on(object, &["WRITE", "USAGE"]),
            Verb::Insert | Verb::CopyInto => self.on(object, &["INSERT"]),
            Verb::Remove => self.on(object, &["WRITE", "USAGE"]),
            Verb::List => self.on(object, &["READ", "USAGE"]),
            Verb::Grant | Verb::Revoke | Verb::GrantOwnership => {
                let any_of = vec![self.privilege("OWNERSHIP", object), manage_grants()];
                self.add(any_of, false);
            }
            // A role is used by who has it.
            Verb::Use if kind.is_role() => {}
            Verb::Use | Verb::Call => self.on(object, &["USAGE"]),
            Verb::Execute => self.on(object, &["OPERATE", "OWNERSHIP"]),
            // DESCRIBE takes any privilege on the object; the others name none.
            Verb::Describe
            | Verb::Set
            | Verb::Unset
            | Verb::AlterSession
            | Verb::Select
            | Verb::Show
            | Verb::Explain
            | Verb::ExecuteImmediate
            | Verb::Block
            | Verb::Chain
            | Verb::Begin
            | Verb::Commit
            | Verb::Rollback
            | Verb::Transfer
            | Verb::ClientCommand
            | Verb::Other => {}
        }
    }

    /// What the verb needs besides, and whether its facts tell all.
    fn besides(&mut self, facts: &Facts) {
        for target in &facts.details.targets {
            self.reach(target);
            self.on(target, &["INSERT"]);
        }
        let unnamed = facts.object.is_none() && facts.details.targets.is_empty();
        let hidden = match facts.verb {
            Verb::Call
            | Verb::ExecuteImmediate
            | Verb::Execute
            | Verb::Block
            | Verb::Chain
            | Verb::Transfer
            | Verb::ClientCommand
            | Verb::Other => true,
            Verb::Select | Verb::Explain => facts.details.effects,
            Verb::Grant | Verb::Revoke if unnamed => {
                self.add(vec![manage_grants()], false);
                false
            }
            Verb::Use => unnamed && facts.session.context,
            Verb::Create
            | Verb::CreateOrReplace
            | Verb::CreateIfNotExists
            | Verb::CreateOrAlter
            | Verb::Alter
            | Verb::AlterSet
            | Verb::SuspendResume
            | Verb::AlterIfExists
            | Verb::AddColumn
            | Verb::DropColumn
            | Verb::RenameColumn
            | Verb::Rename
            | Verb::Swap
            | Verb::Drop
            | Verb::DropIfExists
            | Verb::Undrop
            | Verb::Truncate
            | Verb::Comment
            | Verb::Grant
            | Verb::Revoke
            | Verb::GrantOwnership
            | Verb::Insert
            | Verb::Update
            | Verb::Delete
            | Verb::Merge
            | Verb::CopyInto
            | Verb::List
            | Verb::Remove => unnamed,
            Verb::Set
            | Verb::Unset
            | Verb::AlterSession
            | Verb::Show
            | Verb::Describe
            | Verb::Begin
            | Verb::Commit
            | Verb::Rollback => false,
        };
        self.found.complete &= !hidden;
    }

    /// What it needs on an object that it reads or refers to.
    fn read(&mut self, facts: &Facts, read: &ObjectRef) {
        if matches!(facts.verb, Verb::Grant | Verb::Revoke | Verb::GrantOwnership | Verb::Swap | Verb::Show) {
            return;
        }
        self.reach(read);
        let creates = facts.defines.iter().any(|defined| defined.kind == read.kind);
        let of_index = facts.object.as_ref().is_some_and(|object| object.kind == ObjectKind::Index);
        let names: &[&str] = match read.kind {
            kind if kind.is_relation() && of_index => &["OWNERSHIP"],
            // Clones of these, and what a task comes after, belong to the role.
            ObjectKind::Stream | ObjectKind::Pipe | ObjectKind::Task | ObjectKind::Alert => &["OWNERSHIP"],
            // Foreign keys need no more than REFERENCES.
            kind if kind.is_relation() && creates => &["SELECT", "REFERENCES"],
            kind if kind.is_relation() => &["SELECT"],
            ObjectKind::Stage => &["READ", "USAGE"],
            ObjectKind::Tag => &["APPLY"],
            kind if kind.name_space() == "policy" => &["APPLY"],
            kind if kind.is_role() || kind == ObjectKind::User => return,
            _ => &["USAGE"],
        };
        self.on(read, names);
    }
}

fn manage_grants() -> Privilege {
    Privilege { name: "MANAGE GRANTS".to_owned(), on: Securable::Account }
}

/// What SET, UNSET and COMMENT ON need.
fn changers(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Warehouse
        | ObjectKind::InteractiveWarehouse
        | ObjectKind::Database
        | ObjectKind::Schema
        | ObjectKind::ComputePool
        | ObjectKind::ResourceMonitor => &["MODIFY", "OWNERSHIP"],
        _ => &["OWNERSHIP"],
    }
}

/// What SUSPEND and RESUME need.
fn operators(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Warehouse
        | ObjectKind::InteractiveWarehouse
        | ObjectKind::Task
        | ObjectKind::Alert
        | ObjectKind::DynamicTable
        | ObjectKind::Pipe
        | ObjectKind::Service
        | ObjectKind::ComputePool => &["OPERATE", "OWNERSHIP"],
        _ => &["OWNERSHIP"],
    }
}

/// What stands after CREATE in the privilege that makes objects of a kind. `None` where there is no such privilege:
/// a role such as ACCOUNTADMIN may, or the owner of the table.
fn made(kind: ObjectKind) -> Option<&'static str> {
    Some(match kind {
        ObjectKind::TransientTable => ObjectKind::Table.words(),
        ObjectKind::AggregateFunction => ObjectKind::Function.words(),
        ObjectKind::InteractiveWarehouse => ObjectKind::Warehouse.words(),
        ObjectKind::Budget => "SNOWFLAKE.CORE.BUDGET",
        kind if kind.name_space() == "integration" => ObjectKind::Integration.words(),
        ObjectKind::Account
        | ObjectKind::ManagedAccount
        | ObjectKind::OrganizationProfile
        | ObjectKind::TemporaryTable
        | ObjectKind::ProcedureScopedTemporaryTable
        | ObjectKind::ApplicationRole
        | ObjectKind::MlClassInstance
        | ObjectKind::CodeBundle
        | ObjectKind::ResourceMonitor
        | ObjectKind::Connection
        | ObjectKind::PostgresInstance
        | ObjectKind::RestrictedSessionScope
        | ObjectKind::Index
        | ObjectKind::Column
        | ObjectKind::Constraint => return None,
        kind => kind.words(),
    })
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, privilege) in self.any_of.iter().enumerate() {
            if at > 0 {
                f.write_str(" or ")?;
            }
            privilege.fmt(f)?;
        }
        if self.if_exists { f.write_str(" if it exists") } else { Ok(()) }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.on {
            Securable::Account => write!(f, "{} ON ACCOUNT", self.name),
            Securable::Object(kind, name) => write!(f, "{} ON {kind} {name}", self.name),
            Securable::Current(kind) => write!(f, "{} ON the current {kind}", self.name),
        }
    }
}
