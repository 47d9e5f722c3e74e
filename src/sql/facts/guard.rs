//! The ledger's own tables are not a migration's to write to, nor their containers to take away.

use crate::model::{
    facts::{Facts, ObjectRef, Verb},
    ident::Ident,
    kind::ObjectKind,
    target::{Context4, LedgerName},
};

/// Whether a statement would drop, replace, rename or swap the ledger's database, its schema or one of its three
/// tables, or change a table or its rows; answers what it would do to which of them, as
/// `would drop the schema D.S, which holds ...`. Reading them is free, and so is changing properties of the
/// containers.
///
/// `context` gives what unqualified names mean where the statement runs. A part that neither the statement nor the
/// context names counts as the ledger's: it is not known to be another.
pub fn guard(facts: &Facts, ledger: &LedgerName, context: &Context4) -> Option<String> {
    let none: &[ObjectRef] = &[];
    let (deed, takes_away, more) = match facts.verb {
        Verb::Drop | Verb::DropIfExists => ("drop", true, none),
        Verb::CreateOrReplace => ("replace", true, none),
        Verb::Rename => ("rename", true, none),
        Verb::Swap => ("swap", true, facts.defines.as_slice()),
        Verb::CreateOrAlter
        | Verb::Alter
        | Verb::AlterSet
        | Verb::SuspendResume
        | Verb::AlterIfExists
        | Verb::AddColumn
        | Verb::DropColumn
        | Verb::RenameColumn => ("alter", false, none),
        Verb::Truncate => ("empty", false, none),
        Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge | Verb::CopyInto => {
            ("write to", false, none)
        }
        // What runs now in a body takes away what its statements do; what they only add to is not among the facts.
        Verb::Block | Verb::Chain | Verb::ExecuteImmediate => {
            ("drop, replace or empty", true, facts.destroys.as_slice())
        }
        Verb::Create
        | Verb::CreateIfNotExists
        | Verb::Undrop
        | Verb::Comment
        | Verb::Grant
        | Verb::Revoke
        | Verb::GrantOwnership
        | Verb::Use
        | Verb::Set
        | Verb::Unset
        | Verb::AlterSession
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
        | Verb::Remove
        | Verb::ClientCommand
        | Verb::Other => return None,
    };
    // A temporary object only hides the table from this session, and ends with it.
    if facts.details.temporary {
        return None;
    }
    facts
        .object
        .iter()
        .chain(more)
        .chain(&facts.details.targets)
        .filter(|object| takes_away || object.kind.is_relation())
        .find_map(|object| Some(format!("would {deed} {}", held(object, ledger, context)?)))
}

/// Names the container that the object is, if it is one of the ledger's.
fn held(object: &ObjectRef, ledger: &LedgerName, context: &Context4) -> Option<String> {
    let name = &object.name;
    let database = name.database.as_ref().or(context.database.as_ref()).unwrap_or(&ledger.database);
    let LedgerName { database: ours, schema, table } = ledger;
    match object.kind {
        ObjectKind::Database | ObjectKind::Application | ObjectKind::ApplicationPackage => (&name.name
            == ours)
            .then(|| format!("the database {ours}, which holds the schema history table {}", full(ledger))),
        ObjectKind::Schema => (&name.name == schema && database == ours).then(|| {
            format!("the schema {ours}.{schema}, which holds the schema history table {}", full(ledger))
        }),
        kind if kind.is_relation() => {
            let in_schema = name.schema.as_ref().or(context.schema.as_ref()).unwrap_or(schema);
            let found = tables(table).into_iter().find(|known| known.as_str() == name.name.as_str())?;
            (in_schema == schema && database == ours).then(|| {
                format!("the table {ours}.{schema}.{}, where snowops keeps its history", Ident::stored(found))
            })
        }
        _ => None,
    }
}

fn full(ledger: &LedgerName) -> String {
    format!("{}.{}.{}", ledger.database, ledger.schema, Ident::stored(ledger.table.clone()))
}

fn tables(table: &str) -> [String; 3] {
    [table.to_owned(), format!("{table}_journal"), format!("{table}_lock")]
}
