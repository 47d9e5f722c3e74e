//! How the catalogue can tell whether a statement was done.

use super::class::replaces_alike;
use crate::model::{
    facts::{Certainty, Facts, ObjectRef, Probe, Verb},
    ident::Ident,
    kind::ObjectKind,
};

/// The probe of a statement that is not idempotent and whose trace the catalogue keeps. `None` where the name is
/// known at run time only, for temporary objects (another session does not see them) and for all forms whose
/// trace an earlier state could have left as well.
pub fn probe(facts: &Facts) -> Option<Probe> {
    if facts.certainty != Certainty::Parsed {
        return None;
    }
    let object = facts.object.clone()?;
    match facts.verb {
        Verb::Create | Verb::CreateOrReplace => {
            let again = facts.verb == Verb::CreateOrReplace && replaces_alike(object.kind);
            let seen = !again && !facts.details.temporary && !is_part(object.kind);
            seen.then_some(Probe::CreatedSince { object })
        }
        Verb::Drop => Some(Probe::Absent { object }),
        Verb::Undrop => Some(Probe::Present { object }),
        Verb::Rename => Some(Probe::Renamed { from: object, to: facts.defines.first()?.clone() }),
        Verb::AddColumn => column(object, facts.details.columns.first(), true),
        Verb::DropColumn => column(object, facts.details.columns.first(), false),
        Verb::RenameColumn => match facts.details.columns.as_slice() {
            [from, to] => Some(Probe::ColumnRenamed { table: object, from: from.clone(), to: to.clone() }),
            _ => None,
        },
        Verb::GrantOwnership => {
            let role = facts.reads.iter().find(|object| object.kind.is_role()).cloned()?;
            // ON ALL and ON FUTURE name a container, which is not what changes hands. Another overload of a routine
            // may belong to the role already, and the probe knows no argument types.
            (!facts.details.bulk && !object.kind.is_routine()).then_some(Probe::Owner { object, role })
        }
        Verb::CreateIfNotExists
        | Verb::CreateOrAlter
        | Verb::Alter
        | Verb::AlterSet
        | Verb::SuspendResume
        | Verb::AlterIfExists
        | Verb::Swap
        | Verb::DropIfExists
        | Verb::Truncate
        | Verb::Comment
        | Verb::Grant
        | Verb::Revoke
        | Verb::Use
        | Verb::Set
        | Verb::Unset
        | Verb::AlterSession
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::CopyInto
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
        | Verb::Begin
        | Verb::Commit
        | Verb::Rollback
        | Verb::Transfer
        | Verb::Remove
        | Verb::ClientCommand
        | Verb::Other => None,
    }
}

fn column(table: ObjectRef, column: Option<&Ident>, present: bool) -> Option<Probe> {
    Some(Probe::Column { table, column: column?.clone(), present })
}

/// An index has no creation time of its own.
fn is_part(kind: ObjectKind) -> bool {
    kind == ObjectKind::Index || kind.is_table_part()
}
