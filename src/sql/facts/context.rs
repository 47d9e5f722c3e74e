//! What names mean where a statement runs.

use crate::model::{
    facts::{Facts, ObjectRef, Verb},
    ident::{Ident, QualifiedName},
    kind::{KindScope, ObjectKind},
    target::Context4,
};

/// Where the session stands after a statement: names that follow are read there. After one that may have moved it
/// anywhere nothing is known.
pub fn follow(context: &mut Context4, facts: &Facts) {
    if !facts.session.context {
        return;
    }
    let moves = matches!(
        facts.verb,
        Verb::Use | Verb::Create | Verb::CreateOrReplace | Verb::CreateIfNotExists | Verb::CreateOrAlter
    );
    let Some(object) = facts.object.as_ref().filter(|_| moves) else {
        (context.database, context.schema) = (None, None);
        return;
    };
    match object.kind {
        ObjectKind::Database => {
            context.database = Some(object.name.name.clone());
            context.schema = Some(Ident::stored("PUBLIC"));
        }
        ObjectKind::Schema => {
            context.database = object.name.database.clone().or_else(|| context.database.take());
            context.schema = Some(object.name.name.clone());
        }
        _ => {}
    }
}

/// An object's name with the containers that its kind has, as far as the name or the context says them.
pub(super) fn resolve(object: &ObjectRef, context: &Context4) -> QualifiedName {
    let QualifiedName { database, schema, name } = object.name.clone();
    let database = database.or_else(|| context.database.clone());
    match object.kind.scope() {
        KindScope::Organization | KindScope::Account | KindScope::Run => QualifiedName::bare(name),
        KindScope::Database | KindScope::Application => QualifiedName { database, schema: None, name },
        KindScope::Schema | KindScope::Relation => {
            QualifiedName { database, schema: schema.or_else(|| context.schema.clone()), name }
        }
    }
}

/// Schema and database that hold an object whose name was resolved, innermost first; those that are not known are
/// left out.
pub(super) fn containers(kind: ObjectKind, name: &QualifiedName) -> Vec<(ObjectKind, QualifiedName)> {
    let mut found = Vec::new();
    if matches!(kind.scope(), KindScope::Schema | KindScope::Relation) {
        found.extend(name.schema.clone().map(|schema| {
            (
                ObjectKind::Schema,
                QualifiedName { database: name.database.clone(), schema: None, name: schema },
            )
        }));
    }
    found.extend(name.database.clone().map(|database| (ObjectKind::Database, QualifiedName::bare(database))));
    found
}
