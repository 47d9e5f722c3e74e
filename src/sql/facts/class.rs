//! What may be done with a statement whose outcome is not known.

use super::probe::probe;
use crate::model::{
    facts::{Certainty, Facts, Verb},
    kind::ObjectKind,
    statement::Class,
};

/// The class of one statement by itself: DML counts as opaque.
///
/// The list of idempotent forms is closed: what is not on it is checkable if a probe can tell, else opaque.
pub fn class(facts: &Facts) -> Class {
    if facts.certainty != Certainty::Parsed {
        return Class::Opaque;
    }
    match facts.verb {
        Verb::Select | Verb::Explain => {
            if facts.details.effects {
                Class::Opaque
            } else {
                Class::Read
            }
        }
        Verb::Show | Verb::Describe | Verb::List => Class::Read,
        Verb::CreateIfNotExists
        | Verb::CreateOrAlter
        | Verb::AlterSet
        | Verb::AlterIfExists
        | Verb::DropIfExists
        | Verb::Comment
        | Verb::Grant
        | Verb::Revoke => Class::Idempotent,
        Verb::SuspendResume if kind(facts).is_some_and(resumes_alike) => Class::Idempotent,
        Verb::CreateOrReplace if kind(facts).is_some_and(replaces_alike) => Class::Idempotent,
        // A name known at run time only leaves the kind unknown here; the catalogue could not be asked either.
        Verb::SuspendResume
        | Verb::CreateOrReplace
        | Verb::Create
        | Verb::AddColumn
        | Verb::DropColumn
        | Verb::RenameColumn
        | Verb::Rename
        | Verb::Drop
        | Verb::Undrop
        | Verb::GrantOwnership => probe(facts).map_or(Class::Opaque, |_| Class::Checkable),
        Verb::Use | Verb::Unset | Verb::AlterSession => Class::Session,
        Verb::Set => {
            if facts.session.lasting {
                Class::Opaque
            } else {
                Class::Session
            }
        }
        Verb::Begin | Verb::Commit | Verb::Rollback => Class::Transaction,
        Verb::Alter
        | Verb::Swap
        | Verb::Truncate
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::CopyInto
        | Verb::Call
        | Verb::ExecuteImmediate
        | Verb::Execute
        | Verb::Block
        | Verb::Chain
        | Verb::Transfer
        | Verb::Remove
        | Verb::ClientCommand
        | Verb::Other => Class::Opaque,
    }
}

fn kind(facts: &Facts) -> Option<ObjectKind> {
    facts.object.as_ref().map(|object| object.kind)
}

fn resumes_alike(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Task | ObjectKind::Alert | ObjectKind::DynamicTable)
}

/// Kinds that hold nothing but their definition, so that replacing twice is replacing once.
pub(super) fn replaces_alike(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::View
            | ObjectKind::FileFormat
            | ObjectKind::Task
            | ObjectKind::Alert
            | ObjectKind::Secret
            | ObjectKind::NetworkRule
    ) || kind.is_routine()
        || kind.name_space() == "policy"
}

/// The classes of a script's statements, in order.
///
/// DML between an explicit BEGIN and its COMMIT or ROLLBACK is [`Class::Transaction`]; reads and session
/// statements between them keep their class. Anything else in between (DDL commits what is open, an opaque body
/// may) ends the unit: DML after it stands for itself, and so does the COMMIT. With AUTOCOMMIT off every DML is
/// in a transaction until COMMIT, ROLLBACK or DDL.
pub fn classes(all: &[Facts]) -> Vec<Class> {
    let mut classes = Classes::default();
    all.iter().map(|facts| classes.next(facts)).collect()
}

/// The statement from which on nothing is committed at the end of a script, from 0; none where that cannot be told: an
/// opaque body may have ended what was open.
pub fn left_open<'a>(all: impl IntoIterator<Item = &'a Facts>) -> Option<usize> {
    let mut classes = Classes::default();
    let mut open = None;
    for (at, facts) in all.into_iter().enumerate() {
        match classes.next(facts) {
            Class::Transaction if !matches!(facts.verb, Verb::Commit | Verb::Rollback) => {
                open.get_or_insert(at);
            }
            Class::Read | Class::Session if !facts.session.transaction => {}
            // AUTOCOMMIT, COMMIT, DDL, and what cannot be looked into.
            _ => open = None,
        }
    }
    open
}

/// [`classes`] for statements that come one by one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classes {
    /// Whether an explicit BEGIN is open.
    open: bool,
    /// Whether AUTOCOMMIT is off.
    implicit: bool,
}

impl Classes {
    /// The class of the script's next statement.
    pub fn next(&mut self, facts: &Facts) -> Class {
        let alone = class(facts);
        let read = facts.certainty == Certainty::Parsed;
        match facts.verb {
            Verb::Begin if read => self.open = true,
            Verb::Commit | Verb::Rollback if read => self.open = false,
            Verb::AlterSession if read && facts.session.transaction => {
                self.implicit = facts.session.lasting;
                self.open = false;
            }
            _ if read && is_dml(facts) => {
                return if self.open || self.implicit { Class::Transaction } else { alone };
            }
            _ if matches!(alone, Class::Read | Class::Session) => {}
            _ => self.open = false,
        }
        alone
    }
}

/// Statements that take part in an open transaction. TRUNCATE does: it can be rolled back. Files that COPY writes
/// to a location stay when the transaction does not.
fn is_dml(facts: &Facts) -> bool {
    match facts.verb {
        Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge | Verb::Truncate => true,
        Verb::CopyInto => kind(facts).is_some_and(ObjectKind::is_relation),
        _ => false,
    }
}
