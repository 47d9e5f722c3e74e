//! Queries, INSERT, UPDATE, DELETE, MERGE, COPY, and what they read.

use std::collections::HashSet;

use super::{
    builtin::{self, Call},
    clauses,
    reader::{Reader, reference, stage},
};
use crate::{
    model::{
        facts::{Scope, Verb},
        ident::Ident,
        kind::ObjectKind,
    },
    sql::{
        cursor::{Cursor, Named},
        lex::TokenKind,
    },
};

/// SELECT, WITH, VALUES, TABLE, or a query in parentheses.
pub(super) fn query(reader: &mut Reader<'_>) {
    let cursor = reader.cursor;
    reader.facts.verb = Verb::Select;
    reader.facts.scope = Scope::Current;
    if is_with_procedure(cursor) {
        reader.facts.verb = Verb::Call;
        reader.facts.scope = Scope::Unknown;
        return;
    }
    check_one(reader, cursor);
    needs(reader, cursor);
    reader.facts.details.effects = builtin::has_effects(cursor);
}

/// `WITH p AS PROCEDURE (...) ... CALL p(...)`.
fn is_with_procedure(mut cursor: Cursor<'_>) -> bool {
    cursor.eat("WITH") && cursor.eat_name().is_some() && cursor.at_phrase("AS PROCEDURE")
}

/// `EXPLAIN [USING format] statement`.
pub(super) fn explain(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Explain;
    reader.facts.scope = Scope::Current;
    if reader.cursor.eat("USING") {
        reader.cursor.advance();
    }
    if reader.cursor.at_end() {
        reader.unexpected();
    }
    let cursor = reader.cursor;
    needs(reader, cursor);
    reader.facts.details.effects = builtin::has_effects(cursor);
}

/// `INSERT [OVERWRITE] INTO t ...`, `INSERT [OVERWRITE] ALL | FIRST ...`.
pub(super) fn insert(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Insert;
    reader.facts.details.overwrites = reader.cursor.eat("OVERWRITE");
    if reader.cursor.at_any(&["ALL", "FIRST"]) {
        reader.facts.scope = Scope::Unknown;
        let mut cursor = reader.cursor;
        while !cursor.at_end() {
            if cursor.eat("INTO")
                && let Some(named) = cursor.eat_name()
                && let Some(table) = reference(ObjectKind::Table, &named)
            {
                reader.facts.details.targets.push(table);
                continue;
            }
            cursor.advance();
        }
    } else if reader.expect("INTO") {
        reader.object(ObjectKind::Table);
        if reader.cursor.at_end() {
            reader.unexpected();
        }
        let mut columns = reader.cursor;
        // Columns, unless the parenthesis holds the query itself.
        if columns.eat_parens() && !columns.at_end() {
            reader.cursor = columns;
        }
    }
    if reader.facts.details.overwrites {
        reader.facts.destroys.extend(reader.facts.object.clone());
    }
    let cursor = reader.cursor;
    check_one(reader, cursor);
    needs(reader, cursor);
}

/// `UPDATE t SET ... [FROM ...] [WHERE ...]`.
pub(super) fn update(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Update;
    reader.object(ObjectKind::Table);
    reader.facts.details.filtered = has_where(reader.cursor);
    let mut cursor = reader.cursor;
    while !cursor.at_end() && !cursor.at_word("SET") {
        cursor.skip();
    }
    if cursor.at_end() {
        reader.cursor = cursor;
        reader.unexpected();
    }
    check_one(reader, cursor);
    needs(reader, cursor);
}

/// `DELETE FROM t [USING ...] [WHERE ...]`.
pub(super) fn delete(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Delete;
    if !reader.expect("FROM") {
        return;
    }
    reader.object(ObjectKind::Table);
    reader.facts.details.filtered = has_where(reader.cursor);
    let cursor = reader.cursor;
    check_one(reader, cursor);
    needs(reader, cursor);
    if !reader.facts.details.filtered {
        reader.facts.destroys.extend(reader.facts.object.clone());
    }
}

/// `MERGE INTO t USING source ON ...`.
pub(super) fn merge(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Merge;
    if !reader.expect("INTO") {
        return;
    }
    reader.object(ObjectKind::Table);
    let cursor = reader.cursor;
    let mut using = cursor;
    while !using.at_end() && !using.at_word("USING") {
        using.skip();
    }
    if using.at_end() {
        reader.cursor = using;
        reader.unexpected();
    }
    check_one(reader, cursor);
    needs(reader, cursor);
}

/// `COPY INTO table | @location ...`, `COPY FILES INTO @location ...`.
pub(super) fn copy(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::CopyInto;
    reader.cursor.eat("FILES");
    if !reader.expect("INTO") {
        return;
    }
    match reader.cursor.token() {
        Some(token) if token.kind == TokenKind::StagePath => {
            reader.facts.object = stage(reader.cursor.token_text(), token.start);
            reader.facts.scope = Scope::Current;
            reader.cursor.advance();
        }
        Some(token) if token.kind == TokenKind::String => {
            reader.facts.scope = Scope::Unknown;
            reader.cursor.advance();
        }
        _ => reader.object(ObjectKind::Table),
    }
    reader.cursor.eat_parens();
    if !reader.cursor.at_word("FROM") {
        reader.unexpected();
    }
    let cursor = reader.cursor;
    reader.facts.details.overwrites = overwrites(cursor);
    check_one(reader, cursor);
    needs(reader, cursor);
    clauses::properties(reader, cursor);
}

/// Whether COPY INTO a location may replace files there.
fn overwrites(mut cursor: Cursor<'_>) -> bool {
    while !cursor.at_end() {
        if cursor.eat("OVERWRITE") && cursor.eat_op("=") {
            return cursor.at_word("TRUE");
        }
        cursor.skip();
    }
    false
}

/// `LIST @stage/path`, `REMOVE @stage/path`.
pub(super) fn stage_files(reader: &mut Reader<'_>, verb: Verb) {
    reader.cursor.advance();
    reader.facts.verb = verb;
    reader.facts.scope = Scope::Current;
    match reader.cursor.token() {
        Some(token) if token.kind == TokenKind::StagePath => {
            reader.facts.object = stage(reader.cursor.token_text(), token.start);
            let is_own = ["@~", "@%", "@\"", "file:"];
            let without_name = is_own.iter().any(|start| reader.cursor.token_text().starts_with(start));
            if reader.facts.object.is_none() && !without_name && !reader.cursor.token_text().contains('%') {
                reader.unexpected();
            }
        }
        Some(token) if token.kind == TokenKind::String => {
            let path = reader.cursor;
            clauses::staged_file(reader, path);
            reader.facts.object = reader.facts.reads.pop();
        }
        _ => reader.unexpected(),
    }
}

fn has_where(mut cursor: Cursor<'_>) -> bool {
    while !cursor.at_end() {
        if cursor.at_word("WHERE") {
            return true;
        }
        cursor.skip();
    }
    false
}

/// Words that begin a statement and cannot stand outside of parentheses in a query or DML.
fn check_one(reader: &mut Reader<'_>, mut cursor: Cursor<'_>) {
    let query = reader.facts.verb == Verb::Select;
    while !cursor.at_end() {
        if query && cursor.eat_phrase("FOR UPDATE") {
            continue;
        }
        if query && (cursor.eat_op(".") || cursor.eat_op(":") || cursor.eat("AS")) {
            // A part of a name, a path or an alias.
            cursor.skip();
            continue;
        }
        let mut ahead = cursor;
        let writes = query && writes_next(cursor);
        let another = writes
            || (ahead.eat("CREATE") && (ahead.at_phrase("OR REPLACE") || ahead.eat_kind().is_some()))
            || (ahead.eat("USE") && ahead.at_any(&["ROLE", "DATABASE", "SCHEMA", "WAREHOUSE"]));
        if another {
            let at = cursor.offset();
            return reader.doubt(at, "a second statement seems to begin here");
        }
        cursor.skip();
    }
}

/// Whether a word that writes is next: no query holds one, but for `FOR UPDATE` and the function INSERT.
fn writes_next(mut cursor: Cursor<'_>) -> bool {
    let writes = cursor.at_any(&["INSERT", "UPDATE", "DELETE", "MERGE"]);
    cursor.advance();
    writes && !cursor.at_paren()
}

/// Functions whose arguments may hold a FROM that names no table.
const FROM_ARGUMENTS: &[&str] =
    &["EXTRACT", "TRIM", "LTRIM", "RTRIM", "SUBSTRING", "SUBSTR", "POSITION", "OVERLAY"];

/// Words that end the list of a FROM.
const AFTER_FROM: &[&str] = &[
    "SELECT",
    "WHERE",
    "GROUP",
    "HAVING",
    "QUALIFY",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "FETCH",
    "UNION",
    "EXCEPT",
    "MINUS",
    "INTERSECT",
    "CONNECT",
    "START",
    "SET",
    "WHEN",
    "VALUES",
    "FILE_FORMAT",
];

/// What one open parenthesis, or the statement itself, is.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Inside a FROM list, so that a comma brings the next source.
    from: bool,
    /// Arguments of a function that takes FROM.
    arguments: bool,
}

/// Notes all that a query, or a statement from here on, needs: tables and stages, functions and sequences.
pub(super) fn needs(reader: &mut Reader<'_>, start: Cursor<'_>) {
    sources(reader, start);
    called(reader, start);
}

/// Notes the functions and sequences that expressions call, but for those that Snowflake brings along.
pub(super) fn called(reader: &mut Reader<'_>, start: Cursor<'_>) {
    for call in builtin::calls(start) {
        let object = match &call {
            Call::Function(named) if is_systems(named) => None,
            Call::Function(named) => reference(ObjectKind::Function, named),
            Call::Sequence(named) => reference(ObjectKind::Sequence, named),
            Call::Method => None,
        };
        if let Some(object) = object {
            reader.need(object);
        }
    }
}

/// `SYSTEM$...` functions act, but are no one's objects.
fn is_systems(named: &Named) -> bool {
    named.parts.last().is_some_and(|part| part.ident.as_str().starts_with("SYSTEM$"))
}

/// Notes every table and stage that stands in FROM, JOIN or USING, however deep, names of WITH left out, and what
/// arguments of Snowflake's table functions name.
fn sources(reader: &mut Reader<'_>, start: Cursor<'_>) {
    let local = with_names(start);
    let mut cursor = start;
    let mut levels: Vec<Level> = vec![Level::default()];
    let mut word_before: &str = "";
    while let Some(token) = cursor.token() {
        let level = levels.last().copied().unwrap_or_default();
        let text = cursor.token_text();
        let mut source = false;
        match token.kind {
            TokenKind::LeftParen => {
                let arguments = FROM_ARGUMENTS.iter().any(|name| word_before.eq_ignore_ascii_case(name));
                levels.push(Level { from: false, arguments });
            }
            TokenKind::RightParen if levels.len() > 1 => {
                levels.pop();
            }
            TokenKind::StagePath => {
                if let Some(stage) = stage(text, token.start) {
                    reader.need(stage);
                }
            }
            TokenKind::Punct => source = level.from && cursor.at_op(","),
            TokenKind::Word if cursor.at_any(&["FROM", "JOIN", "USING"]) => {
                source = !level.arguments && !word_before.eq_ignore_ascii_case("DISTINCT");
            }
            TokenKind::Word if clauses::argument(reader, cursor) => {}
            TokenKind::Word if cursor.at_any(AFTER_FROM) => set_from(&mut levels, false),
            _ => {}
        }
        word_before = if token.kind == TokenKind::Word { text } else { "" };
        cursor.advance();
        if source {
            set_from(&mut levels, true);
            read_source(reader, &mut cursor, &local);
        }
    }
}

fn set_from(levels: &mut [Level], from: bool) {
    if let Some(level) = levels.last_mut() {
        level.from = from;
    }
}

/// One source: a name is noted, all else (a query, a function, a stage) is left to the walk.
fn read_source(reader: &mut Reader<'_>, cursor: &mut Cursor<'_>, local: &HashSet<Ident>) {
    let mut ahead = *cursor;
    if ahead.eat("SEMANTIC_VIEW") && ahead.at_paren() {
        ahead.advance();
        if let Some(view) = ahead.eat_name().and_then(|named| reference(ObjectKind::SemanticView, &named)) {
            reader.need(view);
        }
        return;
    }
    clauses::staged_file(reader, *cursor);
    ahead = *cursor;
    if ahead.at_any(&["LATERAL", "TABLE", "VALUES", "SELECT"]) || ahead.at_run_time_name() {
        return;
    }
    let Some(named) = ahead.eat_name() else { return };
    if ahead.at_paren() {
        return;
    }
    *cursor = ahead;
    if let [part] = named.parts.as_slice()
        && local.contains(&part.ident)
    {
        return;
    }
    if let Some(table) = reference(ObjectKind::Table, &named) {
        reader.need(table);
    }
}

/// Names that `WITH name [(columns)] AS (`, and the commas after it, define.
fn with_names(mut cursor: Cursor<'_>) -> HashSet<Ident> {
    let mut names = HashSet::new();
    while cursor.token().is_some() {
        let begins = cursor.eat("WITH") || cursor.eat_op(",");
        if !begins {
            cursor.advance();
            continue;
        }
        cursor.eat("RECURSIVE");
        let mut ahead = cursor;
        if let Some(part) = ahead.eat_ident() {
            ahead.eat_parens();
            if ahead.eat("AS") && ahead.at_paren() {
                names.insert(part.ident);
            }
        }
    }
    names
}
