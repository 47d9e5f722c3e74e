//! Blocks of Snowflake Scripting: their SQL statements, and whether each of them runs once and in order.
//!
//! What scripting itself computes (assignments, conditions, results) is not followed; it changes no object.

use super::{
    command, opaque,
    reader::{Read, Reader},
};
use crate::{
    model::{
        command::{Block, Command},
        facts::Verb,
    },
    sql::lex::TokenKind,
};

/// A procedure's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// What it runs.
    pub block: Block,
    /// It runs with the rights and in the session of its caller, else in the schema of the procedure.
    pub caller: bool,
}

/// `a ->> b ->> c`: runs as one block.
pub(super) fn chain(r: &mut Reader<'_>) -> Command {
    let mut statements = Vec::new();
    let mut start = r.mark();
    loop {
        let over = r.done() || r.is_op("->>");
        if !over {
            if r.skip().is_err() {
                return opaque(r, Verb::Chain);
            }
            continue;
        }
        match command(r.between(start, r.mark())) {
            Ok(command) => statements.push(command),
            Err(_) => return opaque(r, Verb::Chain),
        }
        if !r.take_op("->>") {
            return Command::Block(Block { statements, straight: true, mentioned: r.mentioned() });
        }
        start = r.mark();
    }
}

/// A block; opaque if something in it cannot be read.
pub(super) fn block(r: &mut Reader<'_>) -> Command {
    let mut found = Block { statements: Vec::new(), straight: true, mentioned: r.mentioned() };
    let read = statements(r, &mut found);
    r.skip_all();
    match read {
        Ok(()) => Command::Block(found),
        Err(_) => opaque(r, Verb::Block),
    }
}

pub(super) fn procedure_body(definition: &str) -> Option<Body> {
    let mut r = Reader::of(definition).ok()?;
    let mut caller = false;
    while !r.done() {
        if r.is("LANGUAGE") && !r.is_at(1, "SQL") {
            return None;
        }
        caller |= r.is("CALLER");
        let body = r.take("AS");
        if body && r.is_any(&["BEGIN", "DECLARE"]) {
            let Command::Block(block) = block(&mut r) else { return None };
            return Some(Body { block, caller });
        }
        if body && let Some(text) = r.string() {
            let Ok(Command::Block(block)) = command(&text) else { return None };
            return Some(Body { block, caller });
        }
        if !body {
            r.skip().ok()?;
        }
    }
    None
}

/// Words with which a statement of scripting begins that changes no object.
const PLAIN: &[&str] =
    &["LET", "RETURN", "RAISE", "OPEN", "FETCH", "CLOSE", "NULL", "BREAK", "EXIT", "CONTINUE", "ITERATE"];

/// All statements from here on.
fn statements(r: &mut Reader<'_>, found: &mut Block) -> Read<()> {
    // After a RETURN on the straight way nothing runs any more.
    let mut returned = false;
    while !r.done() {
        if r.kind() == Some(TokenKind::Semicolon) {
            r.step();
        } else if r.take("DECLARE") {
            declarations(r, found)?;
        } else if r.is("BEGIN") && !is_transaction(r) {
            r.step();
        } else if r.is("END") {
            until(r, &[])?;
        } else if r.take("EXCEPTION") {
            found.straight = false;
        } else if r.is_any(&["IF", "ELSEIF", "WHEN"]) {
            found.straight = false;
            until(r, &["THEN"])?;
        } else if r.is("CASE") {
            found.straight = false;
            until(r, &["WHEN"])?;
            until(r, &["THEN"])?;
        } else if r.is_any(&["FOR", "WHILE"]) {
            found.straight = false;
            queries(r, found)?;
            until(r, &["DO", "LOOP"])?;
        } else if r.is("LOOP") || r.is("ELSE") || r.is("REPEAT") {
            found.straight = false;
            r.step();
        } else if r.is("UNTIL") {
            while !r.is("END") {
                r.skip()?;
            }
        } else if r.is_any(PLAIN) || r.is_op_at(1, ":=") || is_call(r) {
            found.straight &= !returned;
            returned |= r.is("RETURN");
            queries(r, found)?;
            until(r, &[])?;
        } else {
            found.straight &= !returned;
            let text = statement(r)?;
            found.statements.push(command(text)?);
        }
    }
    Ok(())
}

/// A call of a function of the server, for what it logs: `SYSTEM$LOG_INFO('text')`.
fn is_call(r: &Reader<'_>) -> bool {
    r.is_op_at(1, "(") && r.here().to_ascii_uppercase().starts_with("SYSTEM$")
}

fn is_transaction(r: &Reader<'_>) -> bool {
    matches!(r.kind_at(1), None | Some(TokenKind::Semicolon))
        || (r.is_at(1, "TRANSACTION") || r.is_at(1, "WORK")) && !r.is_op_at(2, ":=")
}

/// Declarations up to BEGIN: queries of cursors are read when they are opened, so their names are known later.
fn declarations(r: &mut Reader<'_>, found: &mut Block) -> Read<()> {
    while !r.is("BEGIN") {
        if r.is_at(1, "PROCEDURE") {
            return Err(r.unexpected());
        }
        queries(r, found)?;
        until(r, &[])?;
    }
    Ok(())
}

/// Looks at a statement of scripting up to its `;` or to the words that open its body: SQL in parentheses that gives
/// a result set, and dynamic SQL, which cannot be read.
fn queries(r: &mut Reader<'_>, found: &mut Block) -> Read<()> {
    const STATEMENTS: &[&str] =
        &["SHOW", "CALL", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "DESCRIBE", "DESC", "LIST"];
    let start = r.mark();
    while !r.done() && r.kind() != Some(TokenKind::Semicolon) && !r.is_any(&["DO", "LOOP"]) {
        if r.is("EXECUTE") && r.is_at(1, "IMMEDIATE") || r.is_any(&["ASYNC", "AWAIT"]) {
            return Err(r.unexpected());
        }
        let from = r.mark() + 1;
        if r.is_op("(") && STATEMENTS.iter().any(|word| r.is_at(1, word) && !r.is_op_at(2, "(")) {
            r.skip()?;
            let inner = command(r.between(from, r.mark() - 1))?;
            found.statements.push(inner);
        } else {
            r.step();
        }
    }
    r.back(start);
    Ok(())
}

/// Skips up to and with one of the words, or without words the `;`.
fn until(r: &mut Reader<'_>, words: &[&str]) -> Read<()> {
    loop {
        if r.done() {
            return if words.is_empty() { Ok(()) } else { Err(r.unexpected()) };
        }
        if words.is_empty() && r.kind() == Some(TokenKind::Semicolon) {
            r.step();
            return Ok(());
        }
        if r.take_any(words) {
            return Ok(());
        }
        r.skip()?;
    }
}

/// The text of a SQL statement; what makes a routine without quotes has a body of its own and is not read.
fn statement<'t>(r: &mut Reader<'t>) -> Read<&'t str> {
    let start = r.mark();
    let creates = r.is("CREATE");
    while !r.done() && r.kind() != Some(TokenKind::Semicolon) {
        if creates && (r.is("AS") || r.is("THEN")) && (r.is_at(1, "BEGIN") || r.is_at(1, "DECLARE")) {
            return Err(r.unexpected());
        }
        r.skip()?;
    }
    let text = r.between(start, r.mark());
    r.step();
    Ok(text)
}
