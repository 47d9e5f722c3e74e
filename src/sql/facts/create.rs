//! CREATE.

use super::{
    query,
    reader::{Name, Reader, stage},
};
use crate::{
    model::{
        facts::Verb,
        kind::{Ability, ObjectKind},
    },
    sql::{cursor::Cursor, lex::TokenKind},
};

/// `CREATE [OR REPLACE | OR ALTER] kind [IF NOT EXISTS] name ...`.
pub(super) fn create(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    let replace = reader.cursor.eat_phrase("OR REPLACE");
    let or_alter = !replace && reader.cursor.eat_phrase("OR ALTER");
    reader.facts.verb = match (replace, or_alter) {
        (true, _) => Verb::CreateOrReplace,
        (_, true) => Verb::CreateOrAlter,
        _ => Verb::Create,
    };
    let start = reader.cursor.offset();
    let Some(found) = reader.kind() else {
        return reader.doubt(start, "no kind of object has this name");
    };
    let at = reader.cursor.offset();
    if reader.cursor.eat_phrase("IF NOT EXISTS") {
        if reader.facts.verb == Verb::Create {
            reader.facts.verb = Verb::CreateIfNotExists;
        } else {
            reader.doubt(at, "IF NOT EXISTS does not go with OR REPLACE or OR ALTER");
        }
    }
    let ability = match reader.facts.verb {
        Verb::CreateOrReplace => Ability::OrReplace,
        Verb::CreateOrAlter => Ability::OrAlter,
        Verb::CreateIfNotExists => Ability::IfNotExists,
        _ => Ability::Create,
    };
    if !found.kind.can(ability) || found.kind.is_table_part() {
        reader.doubt(start, format!("a {} is not known to take that", found.kind));
    }
    reader.facts.details.temporary = found.temporary;
    reader.object(found.kind);
    let object = reader.facts.object.clone();
    reader.facts.defines.extend(object.clone());
    if replace {
        reader.facts.destroys.extend(object);
    }
    if found.kind.is_routine() && reader.cursor.at_paren() {
        reader.cursor.eat_parens();
    }
    rest(reader, found.kind);
}

/// What stands behind the name: what it is made from and what it needs.
fn rest(reader: &mut Reader<'_>, kind: ObjectKind) {
    let routine = kind.is_routine();
    let runs_statements = routine || matches!(kind, ObjectKind::Task | ObjectKind::Alert);
    let mut body = false;
    while !reader.cursor.at_end() {
        if runs_statements && reader.cursor.eat("AS") {
            // A body is not compiled when it is created, and what it needs may come later.
            return;
        }
        if !runs_statements && !body && starts_another(reader.cursor) {
            let at = reader.cursor.offset();
            return reader.doubt(at, "a second statement seems to begin here");
        }
        if reader.cursor.eat_phrase("COPY GRANTS") {
            reader.facts.details.keeps_grants = true;
        } else if reader.cursor.eat_any(&["CLONE", "LIKE"]) {
            reader.needed(kind_of_source(kind));
        } else if kind == ObjectKind::Stream && reader.cursor.eat("ON") {
            stream_source(reader);
        } else if kind == ObjectKind::Index && reader.cursor.eat("ON") {
            reader.needed(ObjectKind::Table);
            reader.cursor.eat_parens();
        } else if kind == ObjectKind::Task && reader.cursor.eat("AFTER") {
            predecessors(reader);
        } else if reader.cursor.eat("WAREHOUSE") {
            warehouse(reader);
        } else if kind == ObjectKind::Pipe && reader.cursor.eat_phrase("AS COPY INTO") {
            body = true;
            reader.needed(ObjectKind::Table);
            let cursor = reader.cursor;
            query::sources(reader, cursor);
        } else if let Some(token) = reader.cursor.token().filter(|token| token.kind == TokenKind::StagePath) {
            if let Some(stage) = stage(reader.cursor.token_text(), token.start) {
                reader.need(stage);
            }
            reader.cursor.advance();
        } else if reader.cursor.eat("AS") {
            body = true;
            let cursor = reader.cursor;
            query::sources(reader, cursor);
        } else {
            if reader.cursor.at_paren() {
                referenced(reader);
            }
            reader.cursor.skip();
        }
    }
}

/// CLONE of a temporary or transient table takes any table.
fn kind_of_source(kind: ObjectKind) -> ObjectKind {
    match kind {
        ObjectKind::TemporaryTable | ObjectKind::TransientTable => ObjectKind::Table,
        kind => kind,
    }
}

/// A statement that lacks its semicolon: the next one's first words.
fn starts_another(cursor: Cursor<'_>) -> bool {
    let mut ahead = cursor;
    if ahead.eat("CREATE") {
        return ahead.at_phrase("OR REPLACE") || ahead.at_phrase("OR ALTER") || ahead.eat_kind().is_some();
    }
    cursor.at_word("SELECT") || cursor.at_phrase("INSERT INTO") || cursor.at_phrase("INSERT OVERWRITE")
}

/// `ON TABLE t`, `ON STAGE s`, ...
fn stream_source(reader: &mut Reader<'_>) {
    match reader.cursor.eat_kind() {
        Some(found) => reader.needed(found.kind),
        None => reader.unexpected(),
    }
}

/// `AFTER a [, b ...]`; older text has the names as strings.
fn predecessors(reader: &mut Reader<'_>) {
    loop {
        if reader.cursor.kind() == Some(TokenKind::String) {
            reader.cursor.advance();
        } else if let Name::Known(task) = reader.name(ObjectKind::Task) {
            reader.need(task);
        }
        if !reader.cursor.eat_op(",") {
            return;
        }
    }
}

/// `WAREHOUSE = name` or `= 'name'`, which is taken only as a plain name here.
fn warehouse(reader: &mut Reader<'_>) {
    if !reader.cursor.eat_op("=") {
        return;
    }
    if reader.cursor.kind() == Some(TokenKind::String) || reader.cursor.at_run_time_name() {
        return;
    }
    reader.needed(ObjectKind::Warehouse);
}

/// Tables named by REFERENCES inside a parenthesis.
fn referenced(reader: &mut Reader<'_>) {
    let mut inside = reader.cursor;
    if !reader.cursor.clone().eat_parens() {
        return;
    }
    let mut depth = 0usize;
    while let Some(kind) = inside.kind() {
        match kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth -= 1,
            TokenKind::Word if inside.at_word("REFERENCES") => {
                inside.advance();
                if let Some(named) = inside.eat_name()
                    && let Some(table) = super::reader::reference(ObjectKind::Table, &named)
                {
                    reader.need(table);
                }
                continue;
            }
            _ => {}
        }
        inside.advance();
        if depth == 0 {
            return;
        }
    }
}
