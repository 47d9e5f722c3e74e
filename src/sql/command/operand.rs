//! Operands of expressions.

use super::{
    call::{call_arguments, case, cast, special_call},
    expr::{expr, merge},
    query,
    reader::{Read, Reader, is_reserved, qualified},
    types,
};
use crate::{
    model::{
        command::{ColumnRef, Expr, Name, Query, Shape},
        ident::Ident,
    },
    sql::lex::TokenKind,
};

pub(super) fn operand(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    match r.kind() {
        Some(TokenKind::Number | TokenKind::String | TokenKind::DollarString) => {
            let text = r.here().to_owned();
            r.step();
            Ok(Shape::Literal(text))
        }
        Some(TokenKind::StagePath) => {
            r.step();
            Ok(Shape::Other)
        }
        Some(TokenKind::Variable) => Ok(variable(r, found)),
        Some(TokenKind::LeftParen) => parenthesised(r, found),
        Some(TokenKind::QuotedName) => named(r, found),
        Some(TokenKind::Word) => word(r, found),
        Some(TokenKind::Punct) => punctuation(r, found),
        _ => Err(r.unexpected()),
    }
}

fn variable(r: &mut Reader<'_>, found: &mut Expr) -> Shape {
    let name = &r.here()[1..];
    if !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()) {
        found.variables.push((Ident::written(name), r.place()));
    }
    r.step();
    Shape::Other
}

fn punctuation(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    if r.is_op("?") {
        r.step();
    } else if r.is_op(":") {
        // A bind.
        r.step();
        match r.kind() {
            Some(TokenKind::Word | TokenKind::QuotedName | TokenKind::Number) => r.step(),
            _ => return Err(r.unexpected()),
        }
    } else if r.is_op(".") && r.kind_at(1) == Some(TokenKind::Number) {
        r.step();
        r.step();
    } else if r.is_op("[") || r.is_op("{") {
        let close = if r.is_op("[") { "]" } else { "}" };
        r.step();
        let mut after_key = false;
        while !r.take_op(close) {
            if r.take_op(":") {
                after_key = true;
                continue;
            }
            if r.take_op(",") || r.take_op("**") || r.take_op("*") {
                after_key = false;
                continue;
            }
            // What of `*` is left out.
            if close == "}" && r.is_any(&["EXCLUDE", "ILIKE"]) && !r.is_op_at(1, ":") {
                r.step();
                r.skip()?;
                continue;
            }
            // A key, which is no path.
            let key = matches!(r.kind(), Some(TokenKind::String | TokenKind::Word | TokenKind::QuotedName));
            if close == "}" && key && !after_key && r.is_op_at(1, ":") && !r.is_op_at(1, "::") {
                r.step();
                continue;
            }
            expr(r).map(|inner| merge(found, inner))?;
        }
    } else if r.is_op("**") {
        // The spread operator.
        r.take_op("**");
        r.nested(|r| operand(r, found))?;
    } else {
        return Err(r.unexpected());
    }
    Ok(Shape::Other)
}

/// `(query)`, `(expr)`, `(a, b)`, `()`.
pub(super) fn parenthesised(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    if starts_query(r, 1) {
        let inner = sub_query(r)?;
        found.queries.push(inner);
        return Ok(Shape::Query);
    }
    r.nested(|r| {
        r.expect_op("(")?;
        if r.take_op(")") {
            return Ok(Shape::Other);
        }
        let keep = found.columns.len();
        let first = expr(r)?;
        // `(t.* EXCLUDE c)` as an argument.
        super::call::star_suffix(r)?;
        let shape = first.shape.clone();
        merge(found, first);
        let mut several = false;
        // Arguments of a lambda may have types.
        if r.kind() == Some(TokenKind::Word) && (r.is_op_at(1, ",") || r.is_op_at(1, ")")) {
            types::data_type(r)?;
        }
        while r.take_op(",") {
            several = true;
            expr(r).map(|inner| merge(found, inner))?;
            if r.kind() == Some(TokenKind::Word) && (r.is_op_at(1, ",") || r.is_op_at(1, ")")) {
                types::data_type(r)?;
            }
        }
        r.expect_op(")")?;
        // `(a, b) -> a + b` names its arguments, which are no columns.
        if r.is_op("->") && !r.is_op("->>") {
            lambda_body(r, found, keep)?;
            return Ok(Shape::Other);
        }
        Ok(if several { Shape::Other } else { shape })
    })
}

/// The body of a lambda: its names may be arguments, so none of its columns is checked. Names that were taken for
/// columns before the arrow are given back down to `keep`.
fn lambda_body(r: &mut Reader<'_>, found: &mut Expr, keep: usize) -> Read<()> {
    found.columns.truncate(keep);
    r.take_op("->");
    let mut body = expr(r)?;
    body.columns.clear();
    merge(found, body);
    Ok(())
}

/// Whether a query starts `ahead` tokens from here, after any number of opening parentheses.
pub(super) fn starts_query(r: &Reader<'_>, ahead: usize) -> bool {
    let mut at = ahead;
    while r.is_op_at(at, "(") {
        at += 1;
    }
    r.is_at(at, "SELECT") || (r.is_at(at, "WITH") && !r.is_op_at(at + 1, "("))
}

/// `(query)`.
pub(super) fn sub_query(r: &mut Reader<'_>) -> Read<Query> {
    r.nested(|r| {
        r.expect_op("(")?;
        let inner = query::query(r)?;
        r.expect_op(")")?;
        Ok(inner)
    })
}

/// Words that are values by themselves.
const CONSTANTS: &[&str] = &[
    "TRUE",
    "FALSE",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "CURRENT_ROLE",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "SYSDATE",
];

fn word(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    let called = r.is_op_at(1, "(");
    if r.is("NULL") && !called {
        r.step();
        return Ok(Shape::Null);
    }
    if r.is("DEFAULT") && !called {
        r.step();
        return Ok(Shape::Default);
    }
    if r.is("CASE") && !called || r.is("CASE") && r.kind_at(1) == Some(TokenKind::LeftParen) {
        return case(r, found);
    }
    if r.is("EXISTS") && called {
        r.step();
        found.queries.push(sub_query(r)?);
        return Ok(Shape::Other);
    }
    if (r.is("CAST") || r.is("TRY_CAST")) && called {
        return cast(r, found);
    }
    if r.is_any(&[
        "DATE",
        "TIME",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "TIMESTAMP_LTZ",
        "TIMESTAMP_TZ",
        "INTERVAL",
        "X",
        "DECFLOAT",
    ]) && r.kind_at(1) == Some(TokenKind::String)
    {
        r.step();
        r.step();
        return Ok(Shape::Other);
    }
    if !called && !r.is_op_at(1, ".") && r.is_any(CONSTANTS) {
        r.step();
        return Ok(Shape::Other);
    }
    if called && (r.is("IDENTIFIER") || r.is("EXTRACT") || r.is("TRIM") || r.is("POSITION") || r.is("XMLGET"))
    {
        return special_call(r, found);
    }
    if is_reserved(r.here()) {
        // Functions whose names are reserved words.
        let function =
            r.is_any(&["INSERT", "LIKE", "ILIKE", "RLIKE", "REGEXP", "ANY", "ALL", "SAMPLE", "CHECK"]);
        if called && function {
            r.step();
            call_arguments(r, found)?;
            return Ok(Shape::Other);
        }
        // Words that begin what comes after an expression cannot begin one.
        return Err(r.unexpected());
    }
    named(r, found)
}

/// A column, a sequence's NEXTVAL, or a function.
fn named(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    let at = r.place();
    let mut parts = vec![r.any_ident()?];
    while r.is_op(".") {
        match r.kind_at(1) {
            Some(TokenKind::Word | TokenKind::QuotedName) => {
                r.step();
                parts.push(r.any_ident()?);
            }
            // `t.$1`
            Some(TokenKind::Variable) => {
                r.step();
                r.step();
                return Ok(Shape::Other);
            }
            // `t.*` as an argument or in an object literal.
            _ if r.is_op_at(1, "*") => {
                r.step();
                r.step();
                return Ok(Shape::Other);
            }
            _ if r.is_op_at(1, ".") => {
                r.step();
                parts.push(Ident::stored("PUBLIC"));
            }
            _ => return Err(r.unexpected()),
        }
    }
    if r.is_op("(") && !(r.is_op_at(1, "+") && r.is_op_at(2, ")")) {
        if parts.len() > 1 {
            found.functions.push(qualified(parts).map_or(Name::Unknown, Name::Written));
        }
        call_arguments(r, found)?;
        return Ok(Shape::Call);
    }
    // `name => value`: the name of an argument.
    if parts.len() == 1 && r.is_op("=>") {
        r.take_op("=>");
        operand_after_arrow(r, found)?;
        return Ok(Shape::Other);
    }
    if parts.len() == 1 && r.is_op("->") && !r.is_op("->>") {
        let keep = found.columns.len();
        lambda_body(r, found, keep)?;
        return Ok(Shape::Other);
    }
    // `x INT -> x + 1` in a lambda with a typed argument.
    if parts.len() == 1 && r.kind() == Some(TokenKind::Word) && r.is_op_at(1, "->") && !r.is_op_at(1, "->>") {
        r.step();
        let keep = found.columns.len();
        lambda_body(r, found, keep)?;
        return Ok(Shape::Other);
    }
    if parts.len() > 4 {
        return Ok(Shape::Other);
    }
    found.columns.push(ColumnRef { parts, at });
    Ok(Shape::Column)
}

fn operand_after_arrow(r: &mut Reader<'_>, found: &mut Expr) -> Read<()> {
    if r.is("TABLE") && r.is_op_at(1, "(") {
        r.step();
        return r.skip();
    }
    let inner = expr(r)?;
    merge(found, inner);
    Ok(())
}
