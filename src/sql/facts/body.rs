//! Transactions, blocks, chains, CALL and EXECUTE.

use super::{
    query,
    reader::{Name, Reader, stage},
    statements,
};
use crate::{
    model::{
        facts::{Scope, Verb},
        kind::ObjectKind,
    },
    sql::{
        cursor::{Cursor, Tokens},
        lex::TokenKind,
    },
};

/// BEGIN, START TRANSACTION, COMMIT, ROLLBACK, or a block.
pub(super) fn transaction_or_block(reader: &mut Reader<'_>) {
    let cursor = &mut reader.cursor;
    if is_block(*cursor) {
        reader.facts.verb = Verb::Block;
        let block = *cursor;
        return statements::run(reader, block);
    }
    reader.facts.scope = Scope::Session;
    if cursor.eat_any(&["BEGIN", "START"]) {
        reader.facts.verb = Verb::Begin;
        cursor.eat_any(&["WORK", "TRANSACTION"]);
        if cursor.eat("NAME") {
            cursor.eat_ident();
        }
    } else {
        reader.facts.verb = if cursor.eat("COMMIT") { Verb::Commit } else { Verb::Rollback };
        cursor.eat("ROLLBACK");
        cursor.eat("WORK");
    }
    reader.expect_end();
}

/// Whether BEGIN opens a block and no transaction (see the splitter, which decides by the same words).
fn is_block(mut cursor: Cursor<'_>) -> bool {
    if cursor.at_word("DECLARE") {
        return true;
    }
    if !cursor.eat("BEGIN") || cursor.at_end() {
        return false;
    }
    let named = cursor.at_word("NAME");
    if !named && !cursor.at_any(&["WORK", "TRANSACTION"]) {
        return true;
    }
    cursor.advance();
    cursor.at_op(":=")
}

/// Whether `->>` joins several statements here.
pub(super) fn is_chain(mut cursor: Cursor<'_>) -> bool {
    if cursor.at_any(&["ALTER", "DECLARE"]) || is_block(cursor) || super::create::has_body(cursor) {
        return false;
    }
    while !cursor.at_end() {
        if cursor.at_op("->>") {
            return true;
        }
        cursor.skip();
    }
    false
}

/// `CALL name(...)`, `CALL object!METHOD(...)`.
pub(super) fn call(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Call;
    if let Name::Known(procedure) = reader.name(ObjectKind::Procedure) {
        reader.facts.object = Some(procedure);
    }
    if reader.cursor.eat_op("!") {
        reader.facts.object = None;
        reader.cursor.eat_ident();
    }
    if !reader.cursor.at_end() && !reader.cursor.at_paren() {
        reader.unexpected();
    }
    let cursor = reader.cursor;
    query::needs(reader, cursor);
    reader.facts.scope = Scope::Unknown;
}

/// `EXECUTE IMMEDIATE ...`, `EXECUTE TASK name`, and their like.
pub(super) fn execute(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.scope = Scope::Unknown;
    if reader.cursor.eat("IMMEDIATE") {
        reader.facts.verb = Verb::ExecuteImmediate;
        if reader.cursor.eat("FROM")
            && let Some(token) = reader.cursor.token()
            && let Some(stage) = stage(reader.cursor.token_text(), token.start)
        {
            reader.need(stage);
        }
        if reader.cursor.at_end() {
            reader.unexpected();
        }
        return statements::run_text(reader);
    }
    reader.facts.verb = Verb::Execute;
    if reader.cursor.at_word("JOB") {
        return;
    }
    match reader.cursor.eat_kind() {
        Some(found) => reader.object(found.kind),
        None => reader.unexpected(),
    }
}

/// What a body does to its session, as far as its text tells.
#[derive(Clone, Copy, Default)]
pub(super) struct Inside {
    /// Changes role, warehouse, database or schema.
    pub(super) context: bool,
    /// Sets session parameters.
    pub(super) parameters: bool,
    /// May leave a temporary object or a variable, or runs what cannot be seen.
    pub(super) lasting: bool,
}

/// Looks through a block, a chain, or the text that EXECUTE IMMEDIATE runs. What cannot be seen counts as done.
pub(super) fn inside(tokens: &Tokens<'_>) -> Inside {
    const DEEPEST_TEXT: usize = 3;
    look(tokens.cursor(), DEEPEST_TEXT)
}

fn look(mut cursor: Cursor<'_>, depth: usize) -> Inside {
    let mut found = Inside::default();
    let mut starts = true;
    while cursor.token().is_some() {
        let statement = std::mem::replace(&mut starts, starts_statement(cursor));
        let sets = statement && cursor.at_any(&["SET", "UNSET"]);
        if sets || cursor.at_any(&["TEMP", "TEMPORARY", "VOLATILE", "CALL"]) {
            found.lasting = true;
        } else if statement && cursor.at_word("USE") {
            found.context = true;
        } else if cursor.at_phrase("ALTER SESSION") || cursor.at_phrase("SECONDARY ROLES") {
            found.parameters = true;
        } else if cursor.at_word("CREATE") || cursor.at_word("DROP") {
            found.context |= makes_current(cursor);
        } else if cursor.at_phrase("EXECUTE IMMEDIATE") {
            let mut text = cursor;
            text.eat_phrase("EXECUTE IMMEDIATE");
            let inner =
                text.string().filter(|_| depth > 0).map(|text| look(Tokens::of(&text).cursor(), depth - 1));
            match inner {
                Some(inner) => {
                    found.context |= inner.context;
                    found.parameters |= inner.parameters;
                    found.lasting |= inner.lasting;
                }
                None => found.lasting = true,
            }
        }
        cursor.advance();
    }
    found
}

/// CREATE and DROP of what a session can stand in.
fn makes_current(mut cursor: Cursor<'_>) -> bool {
    cursor.advance();
    cursor.eat_phrase("OR REPLACE");
    cursor.eat_phrase("OR ALTER");
    cursor.eat_kind().is_some_and(|found| super::session_effect::is_context(found.kind))
}

/// Whether a statement may begin after this token.
pub(super) fn starts_statement(cursor: Cursor<'_>) -> bool {
    cursor.kind() == Some(TokenKind::Semicolon)
        || cursor.at_op("->>")
        || cursor.at_any(&["BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"])
}
