//! SHOW and DESCRIBE.

use super::{
    named_target_of,
    reader::{Read, Reader},
};
use crate::{
    model::{
        command::{Command, Show, ShowScope, Target},
        facts::Verb,
        kind::ObjectKind,
    },
    sql::lex::TokenKind,
};

pub(super) fn show(r: &mut Reader<'_>) -> Read<Command> {
    if r.done() {
        return Err(r.unexpected());
    }
    r.take("TERSE");
    let kind = match ObjectKind::parse_plural(&r.words()) {
        Some((kind, length)) => {
            for _ in 0..length {
                r.step();
            }
            kind
        }
        // GRANTS, PARAMETERS, VARIABLES, PRIMARY KEYS, COLUMNS, REGIONS, ...: nothing to say here.
        None if r.kind() == Some(TokenKind::Word) => {
            r.skip_rest()?;
            return Ok(Command::Other { verb: Verb::Show, uses: Vec::new(), ddl: false });
        }
        None => return Err(r.unexpected()),
    };
    let mut found = Show {
        kind: Some(kind),
        like: None,
        starts_with: None,
        limit: None,
        history: r.take("HISTORY"),
        scope: ShowScope::Session,
    };
    while !r.done() {
        clause(r, &mut found)?;
    }
    Ok(Command::Show(found))
}

fn clause(r: &mut Reader<'_>, found: &mut Show) -> Read<()> {
    if r.take("LIKE") {
        found.like = Some(r.expect_string()?);
    } else if r.take_phrase("STARTS WITH") {
        found.starts_with = Some(r.expect_string()?);
    } else if r.take("LIMIT") {
        found.limit = r.here().parse().ok();
        r.step();
        if r.take("FROM") {
            r.expect_string()?;
        }
    } else if r.take("HISTORY") {
        found.history = true;
    } else if r.take("IN") {
        found.scope = scope(r)?;
    } else if found.kind.is_some_and(is_plain) {
        return Err(r.unexpected());
    } else {
        r.skip_rest()?;
    }
    Ok(())
}

/// Kinds whose SHOW has only the common clauses.
fn is_plain(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Table | ObjectKind::View | ObjectKind::Schema | ObjectKind::Database)
}

fn scope(r: &mut Reader<'_>) -> Read<ShowScope> {
    if r.take("ACCOUNT") {
        return Ok(ShowScope::Account);
    }
    let ends = |r: &Reader<'_>| r.done() || r.is_any(&["STARTS", "LIMIT", "LIKE"]);
    if r.take("DATABASE") {
        return Ok(ShowScope::Database(if ends(r) { None } else { Some(r.name(ObjectKind::Database)?) }));
    }
    if r.take("SCHEMA") {
        return Ok(ShowScope::Schema(if ends(r) { None } else { Some(r.name(ObjectKind::Schema)?) }));
    }
    if let Some(kind) = ObjectKind::parse(&r.words()).filter(|found| r.kind_at(found.words).is_some()) {
        for _ in 0..kind.words {
            r.step();
        }
        return Ok(ShowScope::Object(named_target_of(r, kind.kind)?));
    }
    Ok(ShowScope::Schema(Some(r.name(ObjectKind::Schema)?)))
}

pub(super) fn describe(r: &mut Reader<'_>) -> Read<Command> {
    if r.is("RESULT") || r.is("SESSION") || r.is("SEARCH") {
        r.skip_rest()?;
        return Ok(Command::Other { verb: Verb::Describe, uses: Vec::new(), ddl: false });
    }
    let Some(found) = ObjectKind::parse(&r.words()).filter(|found| r.kind_at(found.words).is_some()) else {
        // `DESCRIBE t` without a kind word is a table.
        if r.at_ident() {
            let found: Target = named_target_of(r, ObjectKind::Table)?;
            r.finish()?;
            return Ok(Command::Describe(found));
        }
        return Err(r.unexpected());
    };
    for _ in 0..found.words {
        r.step();
    }
    let target = named_target_of(r, found.kind)?;
    r.skip_rest()?;
    Ok(Command::Describe(target))
}
