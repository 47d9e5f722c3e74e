//! The statements that snowops sends on the work session itself, and how it tells what a script left there.

use crate::{
    model::{
        facts::Verb,
        ident::{Ident, QualifiedName},
        statement::Statement,
        target::Context4,
    },
    session::QueryTag,
};

/// The tag by which a statement is found again in the server's query history.
pub(super) fn tag(own: Option<&str>, run: &str, script: &str, ordinal: usize) -> QueryTag {
    let script = crate::model::checksum::Sha256::of(script.as_bytes()).short();
    let own = own.map(|tag| format!("{tag} ")).unwrap_or_default();
    QueryTag(format!("{own}snowops:{run}:{script}:{ordinal}"))
}

/// Verb and kind of object, for counting.
pub(super) fn kind(statement: &Statement) -> String {
    let verb = statement.facts.verb.words().to_ascii_uppercase();
    match &statement.facts.object {
        Some(object) => format!("{verb} {}", object.kind),
        None => verb,
    }
}

pub(super) fn what(statement: &Statement) -> String {
    let verb = statement.facts.verb.words().to_ascii_uppercase();
    match &statement.facts.object {
        Some(object) => format!("{verb} {} {}", object.kind, object.name),
        None => verb,
    }
}

/// A name in full, for a statement of ours.
pub(super) fn quoted(name: &QualifiedName) -> String {
    let parts = name.database.iter().chain(&name.schema).chain([&name.name]);
    parts.map(Ident::quoted).collect::<Vec<_>>().join(".")
}

pub(super) fn use_own(role: Option<&Ident>, warehouse: Option<&Ident>) -> Vec<String> {
    let role = role.map(|r| format!("USE ROLE {}", r.quoted()));
    let warehouse = warehouse.map(|w| format!("USE WAREHOUSE {}", w.quoted()));
    role.into_iter().chain(warehouse).collect()
}

/// The statements that lead back from `here` to `home`; `None` when no statement can. A schema's full name brings its
/// database with it.
pub(super) fn put_back(here: &Context4, home: &Context4) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for (word, here, home) in
        [("ROLE", &here.role, &home.role), ("WAREHOUSE", &here.warehouse, &home.warehouse)]
    {
        if here != home {
            texts.push(format!("USE {word} {}", home.as_ref()?.quoted()));
        }
    }
    if here.database != home.database {
        let (database, schema) = (home.database.as_ref()?, home.schema.as_ref()?);
        texts.push(format!("USE SCHEMA {}.{}", database.quoted(), schema.quoted()));
    } else if here.schema != home.schema {
        texts.push(format!("USE SCHEMA {}", home.schema.as_ref()?.quoted()));
    }
    Some(texts)
}

/// Variables, parameters, temporary objects: cheaper to leave behind with the session than to take back one by one.
pub(super) fn leaves_more_than_context(statement: &Statement) -> bool {
    let effect = &statement.facts.session;
    effect.lasting || effect.parameters || effect.variable || statement.facts.verb == Verb::AlterSession
}

/// Whether a statement's rows are its result. Everything else answers with a row that says that it was done.
pub(super) const fn shows_rows(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Select
            | Verb::Show
            | Verb::Describe
            | Verb::List
            | Verb::Explain
            | Verb::Call
            | Verb::ExecuteImmediate
            | Verb::Block
            | Verb::Chain
    )
}
