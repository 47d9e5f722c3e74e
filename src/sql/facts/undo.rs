//! What takes a statement back.

use crate::model::{
    facts::{Facts, ObjectRef, Undo, Verb},
    ident::{Ident, QualifiedName},
    kind::{Ability, KindScope, ObjectKind},
};

/// What takes a statement back, after Snowflake's documentation of UNDROP, Time Travel and the forms themselves.
/// `None` for what changes nothing, and where the facts do not tell.
///
/// For the finding that a hazard gives and for the plan's explanation of it: a person who accepts a hazard must
/// know the way back. Grants that are lost come back in no other way than by GRANT.
pub fn undo(facts: &Facts) -> Option<Undo> {
    let object = facts.object.as_ref();
    let columns = &facts.details.columns;
    match facts.verb {
        Verb::Create | Verb::CreateIfNotExists | Verb::Undrop => Some(one(format!("DROP {}", named(facts)?))),
        Verb::CreateOrReplace => Some(replaced(facts, object?)),
        Verb::CreateOrAlter if object?.kind.is_relation() && !is_view(object?.kind) => Some(Undo::TimeTravel),
        Verb::CreateOrAlter => Some(Undo::FormerText),
        Verb::AddColumn | Verb::AlterIfExists if !facts.details.drops => {
            Some(one(format!("ALTER {} DROP COLUMN {}", named(facts)?, list(columns))))
        }
        Verb::RenameColumn => match columns.as_slice() {
            [from, to] => Some(one(format!("ALTER {} RENAME COLUMN {to} TO {from}", named(facts)?))),
            _ => None,
        },
        Verb::Rename => {
            let kind = words(object?.kind);
            Some(one(format!("ALTER {kind} {} RENAME TO {}", facts.defines.first()?.name, object?.name)))
        }
        Verb::Swap => Some(one(format!("ALTER {} SWAP WITH {}", named(facts)?, facts.defines.last()?.name))),
        Verb::Drop | Verb::DropIfExists => Some(dropped(facts, object?)),
        Verb::AddColumn
        | Verb::AlterIfExists
        | Verb::DropColumn
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::Truncate => Some(Undo::TimeTravel),
        Verb::CopyInto if object.is_some_and(|object| object.kind.is_relation()) => Some(Undo::TimeTravel),
        Verb::CopyInto | Verb::Remove | Verb::Commit | Verb::Rollback => Some(Undo::Nothing),
        Verb::AlterSet
        | Verb::SuspendResume
        | Verb::Comment
        | Verb::Use
        | Verb::Set
        | Verb::Unset
        | Verb::AlterSession => Some(Undo::FormerValue),
        Verb::Grant => Some(Undo::Opposite("REVOKE")),
        Verb::Revoke => Some(Undo::Opposite("GRANT")),
        Verb::GrantOwnership => Some(Undo::Opposite("GRANT OWNERSHIP")),
        Verb::Begin => Some(one("ROLLBACK".to_owned())),
        Verb::Alter
        | Verb::Select
        | Verb::Show
        | Verb::Describe
        | Verb::List
        | Verb::Explain
        | Verb::Call
        | Verb::ExecuteImmediate
        | Verb::Execute
        | Verb::Block
        | Verb::Chain
        | Verb::Transfer
        | Verb::ClientCommand
        | Verb::Other => None,
    }
}

fn one(statement: String) -> Undo {
    Undo::Statements(vec![statement])
}

/// The version before lies in Time Travel under the same name, so the new one must step aside.
fn replaced(facts: &Facts, object: &ObjectRef) -> Undo {
    let ObjectRef { kind, name, .. } = object;
    if facts.details.temporary && kind.is_relation() && !is_view(*kind) {
        return Undo::Nothing;
    }
    if kind.can(Ability::Undrop) && kind.can(Ability::Rename) {
        let aside =
            QualifiedName { name: Ident::stored(format!("{}_REPLACED", name.name.as_str())), ..name.clone() };
        let kind = words(*kind);
        return Undo::Statements(vec![
            format!("ALTER {kind} {name} RENAME TO {aside}"),
            format!("UNDROP {kind} {name}"),
        ]);
    }
    gone(*kind)
}

fn dropped(facts: &Facts, object: &ObjectRef) -> Undo {
    if object.kind.can(Ability::Undrop) && !facts.details.temporary {
        return one(format!("UNDROP {} {}", words(object.kind), object.name));
    }
    gone(object.kind)
}

/// For kinds without UNDROP. A new stream can begin at an earlier time; grants to and of account objects are lost
/// with them, and no text says them again.
fn gone(kind: ObjectKind) -> Undo {
    match kind {
        ObjectKind::Stream => Undo::TimeTravel,
        kind if kind.scope() == KindScope::Account || kind.is_role() => Undo::Nothing,
        kind if super::hazard::holds_data(kind) => Undo::Nothing,
        _ => Undo::FormerText,
    }
}

/// Kind and name as DROP and ALTER have them.
fn named(facts: &Facts) -> Option<String> {
    let ObjectRef { kind, name, .. } = facts.object.as_ref()?;
    Some(match kind {
        kind if kind.is_routine() => format!("{} {name}(<argument types>)", words(*kind)),
        ObjectKind::Index => {
            let table = facts.reads.iter().find(|read| read.kind.is_relation())?;
            format!("INDEX {}.{name}", table.name)
        }
        // The class of the instance is not known here, and columns go by ALTER TABLE.
        ObjectKind::MlClassInstance | ObjectKind::Column | ObjectKind::Constraint => return None,
        kind => format!("{} {name}", words(*kind)),
    })
}

/// The words of a kind in ALTER, DROP and UNDROP, where some kinds are called like the common one.
fn words(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::TransientTable
        | ObjectKind::TemporaryTable
        | ObjectKind::ProcedureScopedTemporaryTable
        | ObjectKind::EventTable => ObjectKind::Table.words(),
        ObjectKind::ExternalFunction | ObjectKind::AggregateFunction | ObjectKind::DataMetricFunction => {
            ObjectKind::Function.words()
        }
        ObjectKind::InteractiveWarehouse => ObjectKind::Warehouse.words(),
        ObjectKind::Budget => "SNOWFLAKE.CORE.BUDGET",
        kind => kind.words(),
    }
}

fn is_view(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::SemanticView)
}

fn list(columns: &[Ident]) -> String {
    columns.iter().map(Ident::to_string).collect::<Vec<_>>().join(", ")
}
