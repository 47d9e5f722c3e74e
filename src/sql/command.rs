//! From the text of one statement to its [`Command`]: everything that the catalogue needs to know of it.
//!
//! A recursive descent over the lexer's tokens, because a refusal must say in Snowflake's words which token is
//! wrong and where. What Snowflake checks only when it runs is not looked into.

mod alter;
mod block;
mod call;
mod columns;
mod constant;
mod create;
mod dml;
mod expr;
mod from;
mod grant;
mod objects;
mod operand;
mod options;
mod properties;
mod query;
mod reader;
mod show;
mod table;
mod types;

use self::reader::{Read, Reader};
use super::lex::TokenKind;
use crate::model::{
    command::{Command, DataType, Expr, Name, ObjectUse, Query, Target, Use},
    facts::Verb,
    ident::{Ident, QualifiedName},
    kind::{Ability, ObjectKind},
    refusal::SnowflakeError,
};

/// Reads one statement.
///
/// # Errors
/// A syntax error in Snowflake's words: unreadable text, an unknown kind or type, an unknown option of a kind whose
/// options are known.
pub fn command(text: &str) -> Result<Command, SnowflakeError> {
    let mut r = Reader::of(text)?;
    statement(&mut r)
}

/// Reads a query by itself: the text of a view.
///
/// # Errors
/// As [`command`].
pub fn query(text: &str) -> Result<Query, SnowflakeError> {
    let mut r = Reader::of(text)?;
    let found = query::query(&mut r)?;
    r.finish()?;
    Ok(found)
}

/// Reads the body of a procedure from what follows its name in CREATE; `None` if it is no SQL or not readable.
pub fn procedure_body(definition: &str) -> Option<Body> {
    block::procedure_body(definition)
}

pub use block::Body;

/// The value of a literal text, quotes and escapes resolved; `None` if it is no text.
pub fn text_of(literal: &str) -> Option<String> {
    Reader::of(literal).ok()?.string()
}

/// The words that stand in a text of SQL and in its literals.
pub fn mentioned(text: &str) -> Vec<Ident> {
    Reader::of(text).map_or_else(|_| Vec::new(), |r| r.mentioned())
}

/// Reads the name of an object from a text, as IDENTIFIER does; `None` if it is none.
pub fn object_name(text: &str) -> Option<QualifiedName> {
    let mut r = Reader::of(text).ok()?;
    let name = r.name(ObjectKind::Table).ok()?;
    match name {
        Name::Written(name) if r.done() => Some(name),
        Name::Written(_) | Name::Variable(..) | Name::Unknown => None,
    }
}

/// A name as a statement writes it: quoted where it must be, or where it is a reserved word.
pub fn written(name: &Ident) -> String {
    if reader::is_reserved(name.as_str()) { name.quoted() } else { name.to_string() }
}

/// A data type by its text, in Snowflake's own spelling.
pub fn data_type(text: &str) -> Option<DataType> {
    let mut r = Reader::of(text).ok()?;
    let found = types::data_type(&mut r).ok()?;
    r.done().then_some(found)
}

fn statement(r: &mut Reader<'_>) -> Read<Command> {
    if has_chain(r) {
        return Ok(block::chain(r));
    }
    if r.is_op("(") || r.is_any(&["SELECT", "WITH", "VALUES", "TABLE"]) {
        return select(r);
    }
    if r.take("CREATE") {
        return create::create(r);
    }
    if r.take("ALTER") {
        return alter::alter(r);
    }
    if r.take("DROP") {
        if alter::is_class_instance(r) {
            r.skip_rest()?;
            return Ok(Command::Other { verb: Verb::Drop, uses: Vec::new(), ddl: true });
        }
        return drop(r).map(Command::Drop);
    }
    if r.take("UNDROP") {
        return undrop(r);
    }
    if r.is("COMMENT") {
        return comment(r);
    }
    if r.take("GRANT") {
        return grant::grant(r, false);
    }
    if r.take("REVOKE") {
        return grant::grant(r, true);
    }
    if r.take("USE") {
        return use_(r);
    }
    if r.take("SET") {
        return set(r);
    }
    if r.take("UNSET") {
        return unset(r);
    }
    if r.is_any(&["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY"]) {
        return dml::dml(r);
    }
    if r.take("SHOW") {
        return show::show(r);
    }
    if r.take_any(&["DESCRIBE", "DESC"]) {
        return show::describe(r);
    }
    session(r)
}

/// Statements about the session and its transaction, and what has no form of its own.
fn session(r: &mut Reader<'_>) -> Read<Command> {
    if r.is("BEGIN") || r.is_phrase("START TRANSACTION") {
        return begin(r);
    }
    if r.is("DECLARE") {
        return Ok(block::block(r));
    }
    if r.take("COMMIT") {
        r.take("WORK");
        return r.finish().map(|()| Command::Commit);
    }
    if r.take("ROLLBACK") || r.take("ABORT") {
        r.take("WORK");
        return r.finish().map(|()| Command::Rollback);
    }
    if r.take("CALL") {
        return call_(r);
    }
    if r.take("EXECUTE") {
        return execute(r);
    }
    if r.take("EXPLAIN") {
        if r.take("USING") {
            r.step();
        }
        return r.nested(statement).map(|inner| Command::Explain(Box::new(inner)));
    }
    let other = [
        ("LIST", Verb::List),
        ("LS", Verb::List),
        ("PUT", Verb::Transfer),
        ("GET", Verb::Transfer),
        ("REMOVE", Verb::Remove),
        ("RM", Verb::Remove),
    ];
    for (word, verb) in other {
        if r.take(word) {
            if r.done() {
                return Err(r.unexpected());
            }
            return Ok(Command::Other { verb, uses: stages(r), ddl: false });
        }
    }
    Err(r.unexpected())
}

/// A statement that is not looked into.
fn opaque(r: &Reader<'_>, verb: Verb) -> Command {
    Command::Opaque { verb, mentioned: r.mentioned() }
}

fn call_(r: &mut Reader<'_>) -> Read<Command> {
    let name = r.name(ObjectKind::Procedure)?;
    // A method of an instance: `CALL model!FORECAST(...)`.
    let method = r.take_op("!");
    if method {
        r.any_ident()?;
    }
    let mut arguments = Expr::default();
    call::call_arguments(r, &mut arguments)?;
    if r.take("INTO") {
        r.take_op(":");
        r.any_ident()?;
    }
    r.finish()?;
    if method {
        return Ok(Command::Other { verb: Verb::Call, uses: Vec::new(), ddl: false });
    }
    Ok(Command::Call { name, arguments: vec![arguments], mentioned: r.mentioned() })
}

/// The stages that the rest of the statement names.
fn stages(r: &mut Reader<'_>) -> Vec<ObjectUse> {
    let mut uses = Vec::new();
    while !r.done() {
        let text = match r.kind() {
            Some(TokenKind::StagePath) => Some(r.here().to_owned()),
            Some(TokenKind::String) => Some(reader::unescape(r.here())).filter(|text| text.starts_with('@')),
            _ => None,
        };
        r.step();
        // A user's or table's own stage has no name.
        let name = text.map(|text| from::stage_name(&text)).filter(|name| *name != Name::Unknown);
        uses.extend(name.map(|name| ObjectUse { kind: ObjectKind::Stage, name }));
    }
    uses
}

/// `a ->> b`: one statement that runs as a block.
fn has_chain(r: &mut Reader<'_>) -> bool {
    let mark = r.mark();
    let mut depth = 0_usize;
    let mut found = false;
    while !r.done() && !found {
        if r.is_op("(") {
            depth += 1;
        } else if r.is_op(")") {
            depth = depth.saturating_sub(1);
        }
        found = depth == 0 && r.is_op("->>");
        r.step();
    }
    r.back(mark);
    found
}

fn select(r: &mut Reader<'_>) -> Read<Command> {
    let mark = r.mark();
    let found = query::query(r);
    if let Ok(query) = &found
        && query.ctes.iter().any(|cte| cte.query.is_none())
    {
        r.skip_all();
    } else if r.mark() > mark && found.is_err() && r.is("CALL") {
        // `WITH p AS PROCEDURE ... CALL p()`.
        return Ok(opaque(r, Verb::Call));
    }
    let found = found?;
    r.finish()?;
    Ok(Command::Query(found))
}

fn begin(r: &mut Reader<'_>) -> Read<Command> {
    let start = r.mark();
    if r.take("START") {
        r.step();
    } else {
        r.step();
        r.take_any(&["WORK", "TRANSACTION"]);
    }
    if r.take("NAME") {
        r.any_ident()?;
    }
    if r.done() {
        return Ok(Command::Begin);
    }
    r.back(start);
    Ok(block::block(r))
}

fn execute(r: &mut Reader<'_>) -> Read<Command> {
    if r.take("IMMEDIATE") {
        if r.done() {
            return Err(r.unexpected());
        }
        if r.take("FROM") {
            return Ok(Command::ExecuteFrom(stages(r)));
        }
        let text = constant::constant(r);
        return Ok(text.map_or_else(|| opaque(r, Verb::ExecuteImmediate), Command::ExecuteImmediate));
    }
    for kind in [ObjectKind::Task, ObjectKind::Alert] {
        if r.take(kind.words()) {
            let name = r.name(kind)?;
            r.skip_rest()?;
            return Ok(Command::Execute(target(kind, name)));
        }
    }
    if r.is_any(&["MANAGED", "NOTEBOOK", "JOB", "SERVICE", "DBT", "DCM", "ALERT", "STREAMLIT", "PROJECT"]) {
        r.skip_all();
        return Ok(Command::Other { verb: Verb::Execute, uses: Vec::new(), ddl: false });
    }
    Err(r.unexpected())
}

/// A target without further words.
fn target(kind: ObjectKind, name: Name) -> Target {
    Target { kind, name, arguments: None, if_exists: false, cascade: None }
}

/// The kind here, or a syntax error at its first word.
fn kind(r: &mut Reader<'_>) -> Read<ObjectKind> {
    let Some(found) = ObjectKind::parse(&r.words()) else { return Err(r.unexpected()) };
    for _ in 0..found.words {
        r.step();
    }
    Ok(found.kind)
}

/// `(type, type)` after the name of a routine.
fn signature(r: &mut Reader<'_>) -> Read<Vec<DataType>> {
    r.expect_op("(")?;
    if r.take_op(")") {
        return Ok(Vec::new());
    }
    let types = r.commas(|r| {
        if r.is("TABLE") && r.is_op_at(1, "(") {
            r.step();
            r.skip()?;
            return Ok(DataType("TABLE".to_owned()));
        }
        types::data_type(r)
    })?;
    r.expect_op(")")?;
    Ok(types)
}

/// Kind, IF EXISTS, name and signature.
fn named_target(r: &mut Reader<'_>) -> Read<Target> {
    let kind = kind(r)?;
    named_target_of(r, kind)
}

fn named_target_of(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Target> {
    let mut if_exists = r.take_phrase("IF EXISTS");
    let name = r.name(kind)?;
    if_exists |= r.take_phrase("IF EXISTS");
    let arguments = if kind.is_routine() && r.is_op("(") { Some(signature(r)?) } else { None };
    Ok(Target { arguments, if_exists, ..target(kind, name) })
}

fn drop(r: &mut Reader<'_>) -> Read<Target> {
    let mark = r.mark();
    let mut found = named_target(r)?;
    if !found.kind.can(Ability::Drop) {
        r.back(mark);
        return Err(r.unexpected());
    }
    if found.kind.is_routine() && found.arguments.is_none() {
        let message = format!("Argument types of function '{}' must be specified.", found.name);
        return Err(SnowflakeError::bare("090208", "42601", message));
    }
    if r.take("CASCADE") {
        found.cascade = Some(true);
    } else if r.take("RESTRICT") {
        found.cascade = Some(false);
    } else if !r.done()
        && !matches!(
            found.kind,
            ObjectKind::Table | ObjectKind::Schema | ObjectKind::Database | ObjectKind::View
        )
    {
        // Rare kinds have words of their own here (GRACE_PERIOD_IN_DAYS, FORCE, PURGE).
        r.skip_rest()?;
    }
    r.finish()?;
    Ok(found)
}

fn undrop(r: &mut Reader<'_>) -> Read<Command> {
    let mark = r.mark();
    let found = named_target(r)?;
    if !found.kind.can(Ability::Undrop) {
        r.back(mark);
        return Err(r.unexpected());
    }
    if r.take("RENAME") {
        r.skip_rest()?;
    }
    r.finish()?;
    Ok(Command::Undrop(found))
}

fn comment(r: &mut Reader<'_>) -> Read<Command> {
    r.expect("COMMENT")?;
    let mut if_exists = r.take_phrase("IF EXISTS");
    r.expect("ON")?;
    if r.take("COLUMN") {
        if_exists |= r.take_phrase("IF EXISTS");
        let mut column = expr::column(r)?;
        let named = column.clone();
        column.parts.pop();
        let Some(table) = reader::qualified(column.parts) else { return Err(r.unexpected()) };
        r.expect("IS")?;
        let text = r.expect_string()?;
        r.finish()?;
        let name_of = Name::Written(table);
        let target = Target { if_exists, ..target(ObjectKind::Table, name_of) };
        return Ok(Command::Comment { target, column: Some(named), text });
    }
    let mut target = named_target(r)?;
    target.if_exists |= if_exists;
    r.expect("IS")?;
    let text = r.expect_string()?;
    r.finish()?;
    Ok(Command::Comment { target, column: None, text })
}

fn use_(r: &mut Reader<'_>) -> Read<Command> {
    if r.take_phrase("SECONDARY ROLES") || r.take_phrase("SECONDARY ROLE") {
        if r.done() {
            return Err(r.unexpected());
        }
        r.skip_rest()?;
        return Ok(Command::Use(Use::SecondaryRoles));
    }
    let of = |r: &mut Reader<'_>, kind| r.name(kind);
    // An application and its package are databases.
    let application = !r.is_op_at(1, ".") && r.kind_at(1).is_some() && r.take("APPLICATION");
    if application {
        r.take("PACKAGE");
        let found = Use::Database(of(r, ObjectKind::Database)?);
        r.finish()?;
        return Ok(Command::Use(found));
    }
    let named = !r.is_op_at(1, ".") && r.kind_at(1).is_some();
    let found = if named && r.take("ROLE") {
        Use::Role(of(r, ObjectKind::Role)?)
    } else if named && r.take("WAREHOUSE") {
        Use::Warehouse(of(r, ObjectKind::Warehouse)?)
    } else if named && r.take("DATABASE") {
        Use::Database(of(r, ObjectKind::Database)?)
    } else if named && r.take("SCHEMA") {
        Use::Schema(of(r, ObjectKind::Schema)?)
    } else {
        Use::Bare(of(r, ObjectKind::Database)?)
    };
    r.finish()?;
    Ok(Command::Use(found))
}

fn set(r: &mut Reader<'_>) -> Read<Command> {
    let mut reads = Vec::new();
    let mut values = Vec::new();
    if r.is_op("(") {
        let names = r.list(Reader::ident)?;
        r.expect_op("=")?;
        let (exprs, mut constants) = if operand::starts_query(r, 1) {
            (vec![expr::expr(r)?], Vec::new())
        } else {
            r.list(|r| {
                let value = constant::constant(r);
                Ok((expr::expr(r)?, value))
            })?
            .into_iter()
            .unzip()
        };
        constants.resize(names.len(), None);
        values.extend(names.into_iter().zip(constants));
        reads.extend(exprs);
    } else {
        values = r.commas(|r| {
            let name = r.ident()?;
            r.expect_op("=")?;
            let value = constant::constant(r);
            reads.push(expr::expr(r)?);
            Ok((name, value))
        })?;
    }
    r.finish()?;
    Ok(Command::Set { values, reads })
}

fn unset(r: &mut Reader<'_>) -> Read<Command> {
    let names: Vec<Ident> = if r.is_op("(") { r.list(Reader::ident)? } else { r.commas(Reader::ident)? };
    r.finish()?;
    Ok(Command::Unset(names))
}

#[cfg(test)]
mod tests;
