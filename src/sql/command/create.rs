//! CREATE: the head that all kinds share, databases, schemas and views.

use super::{
    columns, objects,
    options::Options,
    query,
    reader::{Read, Reader},
    table,
};
use crate::{
    model::{
        command::{Command, ContainerDef, Mode, Name, ViewDef},
        facts::Verb,
        kind::{Ability, KindMatch, ObjectKind},
        refusal::SnowflakeError,
    },
    sql::lex::TokenKind,
};

/// What stands between CREATE and the properties.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own")]
pub(super) struct Head {
    pub(super) kind: ObjectKind,
    pub(super) mode: Mode,
    pub(super) name: Name,
    pub(super) temporary: bool,
    pub(super) transient: bool,
    pub(super) secure: bool,
    pub(super) recursive: bool,
}

pub(super) fn create(r: &mut Reader<'_>) -> Read<Command> {
    let replace = r.take_phrase("OR REPLACE");
    let alter = !replace && r.take_phrase("OR ALTER");
    r.take("FORCE");
    if r.kind() == Some(TokenKind::Word) && r.is_op_at(1, ".") {
        // An instance of a class: `CREATE SNOWFLAKE.ML.FORECAST name(...)`.
        r.parts()?;
        r.name(ObjectKind::MlClassInstance)?;
        r.skip_rest()?;
        return Ok(Command::Other { verb: Verb::Create, uses: Vec::new(), ddl: true });
    }
    if r.is_any(&["EXTERNAL", "ORGANIZATION"]) && r.is_at(1, "LISTING") {
        r.step();
    }
    if r.is("VERSIONED") && r.is_at(1, "SCHEMA") || r.is_phrase("INTERACTIVE MATERIALIZED VIEW") {
        r.step();
    }
    let Some(found) = ObjectKind::parse(&r.words()) else { return Err(r.unexpected()) };
    let kind = plain_kind(found);
    let can = |ability| found.kind.can(ability) || kind.can(ability);
    if !can(Ability::Create) || replace && cannot_be_replaced(kind) || alter && !can(Ability::OrAlter) {
        return Err(r.unexpected());
    }
    modifiers(r, found)?;
    let recursive = (0..found.words).any(|n| r.is_at(n, "RECURSIVE"));
    for _ in 0..found.words {
        r.step();
    }
    if alter && r.is_phrase("IF NOT EXISTS") {
        return Err(r.unexpected());
    }
    let if_not_exists = r.take_phrase("IF NOT EXISTS");
    if if_not_exists && replace {
        return Err(SnowflakeError::replace_and_if_not_exists());
    }
    let mode = match (replace, alter, if_not_exists) {
        (true, ..) => Mode::Replace,
        (_, true, _) => Mode::Alter,
        (.., true) => Mode::IfNotExists,
        _ => Mode::Plain,
    };
    let mut head = Head {
        kind,
        mode,
        name: r.name(kind)?,
        temporary: found.temporary,
        transient: found.transient,
        secure: found.secure,
        recursive,
    };
    // Some kinds take IF NOT EXISTS after the name as well.
    if !alter && r.take_phrase("IF NOT EXISTS") {
        head.mode = Mode::IfNotExists;
    }
    match kind {
        ObjectKind::Database | ObjectKind::Schema => container(r, head),
        ObjectKind::View | ObjectKind::MaterializedView => view(r, head),
        _ if table::is_table(kind) => table::table(r, head),
        _ => objects::object(r, head),
    }
}

/// SECURE stands before TEMPORARY in a view's statement and behind it in a routine's, which takes no LOCAL or GLOBAL.
fn modifiers(r: &Reader<'_>, found: KindMatch) -> Read<()> {
    let first = |words: &[&str]| (0..found.words).find(|n| words.iter().any(|word| r.is_at(*n, word)));
    let temporary = first(&["TEMPORARY", "TEMP", "VOLATILE"]);
    let secure = first(&["SECURE"]);
    let wrong = if found.kind == ObjectKind::View {
        temporary.zip(secure).filter(|(temporary, secure)| temporary < secure).map(|(_, at)| at)
    } else if found.kind.is_routine() {
        let late = temporary.zip(secure).filter(|(temporary, secure)| secure < temporary).map(|(at, _)| at);
        first(&["LOCAL", "GLOBAL"]).or(late)
    } else {
        None
    };
    match wrong {
        Some(at) => Err(r.unexpected_at(at)),
        None => Ok(()),
    }
}

/// Kinds of which it is certain that no CREATE OR REPLACE exists.
fn cannot_be_replaced(kind: ObjectKind) -> bool {
    !kind.can(Ability::OrReplace)
        && matches!(
            kind,
            ObjectKind::ComputePool
                | ObjectKind::Service
                | ObjectKind::Connection
                | ObjectKind::FailoverGroup
                | ObjectKind::ReplicationGroup
                | ObjectKind::ApplicationPackage
                | ObjectKind::Application
                | ObjectKind::ManagedAccount
                | ObjectKind::Account
        )
}

/// Temporary and transient tables are tables with a flag here.
fn plain_kind(found: KindMatch) -> ObjectKind {
    match found.kind {
        ObjectKind::TemporaryTable | ObjectKind::TransientTable => ObjectKind::Table,
        kind => kind,
    }
}

fn container(r: &mut Reader<'_>, head: Head) -> Read<Command> {
    let mut found = ContainerDef {
        kind: head.kind,
        name: head.name,
        mode: head.mode,
        transient: head.transient,
        managed: false,
        clone: None,
        internal_stages: false,
        foreign: false,
        comment: None,
        properties: Vec::new(),
        uses: Vec::new(),
        links: Vec::new(),
    };
    let mut options = Options::default();
    while !r.done() {
        if let Some(source) = clone(r, head.kind, head.mode)? {
            found.clone = Some(source);
        } else if r.take_phrase("INCLUDE INTERNAL STAGES") {
            found.internal_stages = true;
        } else if r.take_phrase("WITH MANAGED ACCESS") || r.take_phrase("MANAGED ACCESS") {
            found.managed = true;
        } else if r.is_any(&["FROM", "AS"]) {
            found.foreign = true;
            r.skip_rest()?;
        } else if !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    options.judge_create(head.kind)?;
    found.comment = options.comment;
    found.properties = options.properties;
    found.uses = options.uses;
    found.links = options.links;
    Ok(Command::CreateContainer(found))
}

/// `CLONE x` where the kind can be cloned by itself and the statement makes something new.
pub(super) fn clone(r: &mut Reader<'_>, kind: ObjectKind, mode: Mode) -> Read<Option<Name>> {
    if !r.is("CLONE") {
        return Ok(None);
    }
    if !kind.can(Ability::Clone) || mode == Mode::Alter {
        return Err(r.unexpected());
    }
    r.step();
    let source = r.name(kind)?;
    clone_words(r)?;
    Ok(Some(source))
}

/// `AT (...)`, `BEFORE (...)` and the words after CLONE.
pub(super) fn clone_words(r: &mut Reader<'_>) -> Read<()> {
    if r.is_any(&["AT", "BEFORE"]) {
        r.step();
        r.skip()?;
    }
    let _ = r.take_phrase("IGNORE TABLES WITH INSUFFICIENT DATA RETENTION");
    let _ = r.take_phrase("IGNORE HYBRID TABLES");
    Ok(())
}

fn view(r: &mut Reader<'_>, head: Head) -> Read<Command> {
    let mut options = Options::default();
    let mut names = Vec::new();
    let mut column_links = Vec::new();
    loop {
        if r.is("AS") {
            break;
        }
        if head.mode == Mode::Alter && r.is_phrase("COPY GRANTS") {
            return Err(r.unexpected());
        }
        if r.is_op("(") {
            for (name, comment, inner) in r.list(columns::view_column)? {
                options.uses.extend(inner.uses);
                column_links.extend(inner.links.into_iter().map(|link| (name.clone(), link)));
                names.push((name, comment));
            }
        } else if r.done() || !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    r.step();
    let start = r.mark();
    let query = query::query(r)?;
    let text = r.rest_from(start).to_owned();
    r.finish()?;
    options.judge_create(head.kind)?;
    Ok(Command::CreateView(ViewDef {
        kind: head.kind,
        name: head.name,
        mode: head.mode,
        temporary: head.temporary,
        secure: head.secure,
        recursive: head.recursive,
        columns: names,
        copy_grants: options.copy_grants,
        copy_tags: options.copy_tags,
        comment: options.comment,
        uses: options.uses,
        links: options.links,
        column_links,
        query,
        text,
    }))
}
