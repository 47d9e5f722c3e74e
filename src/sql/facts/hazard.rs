//! What a statement would lose.

use crate::model::{
    facts::{Facts, Hazard, Verb},
    kind::{Ability, ObjectKind},
};

/// The worst of what a statement loses for good or until a person acts; `None` for what loses nothing, or only
/// what the statement itself says again.
pub fn hazard(facts: &Facts) -> Option<Hazard> {
    let kind = facts.object.as_ref().map(|object| object.kind);
    let details = &facts.details;
    if details.temporary {
        return None;
    }
    match facts.verb {
        Verb::CreateOrReplace => match kind {
            Some(kind) if holds_data(kind) => Some(Hazard::LosesData),
            Some(kind) if kind.can(Ability::Grant) && !details.keeps_grants => Some(Hazard::LosesGrants),
            Some(_) | None => None,
        },
        Verb::Drop | Verb::DropIfExists => match kind? {
            kind if holds_data(kind) => Some(Hazard::LosesData),
            kind if kind.is_role() => Some(Hazard::LosesGrants),
            kind if kind.can(Ability::Undrop) => None,
            _ => Some(Hazard::LosesDefinition),
        },
        Verb::AlterIfExists | Verb::DropColumn => details.drops.then_some(Hazard::LosesData),
        Verb::Insert | Verb::CopyInto => details.overwrites.then_some(Hazard::LosesData),
        Verb::Delete => (!details.filtered).then_some(Hazard::LosesData),
        Verb::Truncate | Verb::Remove => Some(Hazard::LosesData),
        Verb::GrantOwnership => (!details.keeps_grants).then_some(Hazard::LosesGrants),
        Verb::Revoke => Some(Hazard::LosesGrants),
        // The statements of a body that runs now.
        Verb::Block | Verb::Chain | Verb::ExecuteImmediate => {
            facts.destroys.iter().any(|object| holds_data(object.kind)).then_some(Hazard::LosesData)
        }
        // Which columns CREATE OR ALTER drops is known to the server only.
        Verb::CreateOrAlter
        | Verb::Create
        | Verb::CreateIfNotExists
        | Verb::Alter
        | Verb::AlterSet
        | Verb::SuspendResume
        | Verb::AddColumn
        | Verb::RenameColumn
        | Verb::Rename
        | Verb::Swap
        | Verb::Undrop
        | Verb::Comment
        | Verb::Grant
        | Verb::Use
        | Verb::Set
        | Verb::Unset
        | Verb::AlterSession
        | Verb::Update
        | Verb::Merge
        | Verb::Select
        | Verb::Show
        | Verb::Describe
        | Verb::List
        | Verb::Explain
        | Verb::Call
        | Verb::Execute
        | Verb::Begin
        | Verb::Commit
        | Verb::Rollback
        | Verb::Transfer
        | Verb::ClientCommand
        | Verb::Other => None,
    }
}

/// Kinds that hold what their definition cannot bring back: rows, files, offsets, counters.
pub(super) fn holds_data(kind: ObjectKind) -> bool {
    match kind {
        ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::SemanticView
        | ObjectKind::ExternalTable => false,
        ObjectKind::Database
        | ObjectKind::Schema
        | ObjectKind::Stage
        | ObjectKind::Sequence
        | ObjectKind::Pipe
        | ObjectKind::Snapshot
        | ObjectKind::BackupSet
        | ObjectKind::Model
        | ObjectKind::Dataset
        | ObjectKind::Application
        | ObjectKind::ApplicationPackage
        | ObjectKind::ImageRepository
        | ObjectKind::ArtifactRepository
        | ObjectKind::PostgresInstance => true,
        kind => kind.is_relation(),
    }
}
