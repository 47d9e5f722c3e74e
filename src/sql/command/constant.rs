//! Expressions whose value can be told before they run: what SET mostly gives to a variable.

use super::reader::Reader;
use crate::{
    model::{command::Constant, ident::Ident},
    sql::lex::TokenKind,
};

/// How deep calls and parentheses are followed.
const DEEPEST: usize = 16;

/// The constant that the expression here is, up to a comma, a closing parenthesis or the end; nothing is taken.
pub(super) fn constant(r: &mut Reader<'_>) -> Option<Constant> {
    let mark = r.mark();
    let found = joined(r, DEEPEST).filter(|_| r.done() || r.is_op(",") || r.is_op(")"));
    r.back(mark);
    found
}

fn joined(r: &mut Reader<'_>, depth: usize) -> Option<Constant> {
    let mut parts = vec![term(r, depth)?];
    while r.take_op("||") {
        parts.push(term(r, depth)?);
    }
    if parts.len() == 1 { parts.pop() } else { Some(Constant::Join(parts)) }
}

fn term(r: &mut Reader<'_>, depth: usize) -> Option<Constant> {
    let depth = depth.checked_sub(1)?;
    let negative = r.is_op("-") && r.kind_at(1) == Some(TokenKind::Number);
    if negative {
        r.step();
    }
    match r.kind()? {
        TokenKind::Number => {
            let text = r.here();
            r.step();
            Some(Constant::Text(if negative { format!("-{text}") } else { text.to_owned() }))
        }
        TokenKind::String | TokenKind::DollarString => r.string().map(Constant::Text),
        TokenKind::Variable => {
            let name = &r.here()[1..];
            r.step();
            let positional = name.bytes().all(|b| b.is_ascii_digit());
            (!positional).then(|| Constant::Variable(Ident::written(name)))
        }
        TokenKind::LeftParen => {
            r.step();
            let inner = joined(r, depth)?;
            r.take_op(")").then_some(inner)
        }
        TokenKind::Word if r.is_op_at(1, "(") => call(r, depth),
        _ => None,
    }
}

fn call(r: &mut Reader<'_>, depth: usize) -> Option<Constant> {
    let name = r.here().to_ascii_uppercase();
    r.step();
    r.step();
    let mut arguments = Vec::new();
    while !r.take_op(")") {
        arguments.push(joined(r, depth)?);
        if !r.take_op(",") && !r.is_op(")") {
            return None;
        }
    }
    match (name.as_str(), arguments.as_mut_slice()) {
        ("CONCAT", [_, ..]) => Some(Constant::Join(arguments)),
        ("UPPER", [_]) => arguments.pop().map(|inner| Constant::Upper(Box::new(inner))),
        ("LOWER", [_]) => arguments.pop().map(|inner| Constant::Lower(Box::new(inner))),
        ("CURRENT_DATABASE", []) => Some(Constant::Database),
        ("CURRENT_SCHEMA", []) => Some(Constant::Schema),
        ("CURRENT_ROLE", []) => Some(Constant::Role),
        ("CURRENT_WAREHOUSE", []) => Some(Constant::Warehouse),
        _ => None,
    }
}
