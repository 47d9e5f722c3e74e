//! Expressions, as far as names and shapes go: a chain of operands and operators without precedence, which is
//! enough to find every name and every misplaced token.

use super::{
    call::call_arguments,
    operand::{operand, parenthesised},
    reader::{Read, Reader},
    types,
};
use crate::{
    model::command::{ColumnRef, Expr, Shape},
    sql::lex::TokenKind,
};

/// Operators of several characters first, since the first that fits is taken.
const OPERATORS: &[&str] =
    &["||", "<=", ">=", "<>", "!=", "->", "**", "^", "&", "|", "<", ">", "=", "+", "-", "*", "/", "%", ":="];

/// Words that stand between two operands.
const WORD_OPERATORS: &[&str] =
    &["AND", "OR", "LIKE", "ILIKE", "RLIKE", "REGEXP", "BETWEEN", "ESCAPE", "XOR", "DIV"];

/// Words after `x::INTERVAL` and the like that end an expression even though they are no reserved words.
pub(super) fn expr(r: &mut Reader<'_>) -> Read<Expr> {
    r.nested(|r| {
        let mut found = Expr::default();
        chain(r, &mut found)?;
        Ok(found)
    })
}

/// Expressions with commas between them.
pub(super) fn exprs(r: &mut Reader<'_>) -> Read<Vec<Expr>> {
    r.commas(expr)
}

fn chain(r: &mut Reader<'_>, found: &mut Expr) -> Read<()> {
    let mut operands = 0_usize;
    let mut shape;
    loop {
        let mut prefixed = false;
        while r.take_any(&["NOT", "PRIOR", "CONNECT_BY_ROOT"])
            || r.take_op("-")
            || r.take_op("+")
            || r.take_op("~")
        {
            prefixed = true;
        }
        shape = operand(r, found)?;
        shape = postfix(r, found, shape)?;
        operands += 1;
        if prefixed && !matches!(shape, Shape::Literal(_)) {
            shape = Shape::Other;
        }
        if !operator(r, found)? {
            break;
        }
    }
    found.shape = if operands == 1 { shape } else { Shape::Other };
    Ok(())
}

/// Takes an operator that needs another operand after it; answers false at the end of the expression. Operators
/// with a right side of their own (`IN (...)`, `IS NULL`) are taken whole.
fn operator(r: &mut Reader<'_>, found: &mut Expr) -> Read<bool> {
    loop {
        if r.is("IS") {
            r.step();
            r.take("NOT");
            if r.take_phrase("DISTINCT FROM") {
                return Ok(true);
            }
            if !r.take_any(&["NULL", "TRUE", "FALSE", "UNKNOWN"]) {
                return Err(r.unexpected());
            }
            found.shape = Shape::Other;
            continue;
        }
        let negated = r.is("NOT")
            && ["IN", "LIKE", "ILIKE", "RLIKE", "REGEXP", "BETWEEN"].iter().any(|word| r.is_at(1, word));
        if negated {
            r.step();
        }
        if r.take("IN") {
            in_list(r, found)?;
            continue;
        }
        if r.is_any(WORD_OPERATORS) {
            let pattern = r.is_any(&["LIKE", "ILIKE", "RLIKE", "REGEXP"]);
            r.step();
            if pattern && (r.take("ANY") || r.take("ALL") || r.take("SOME")) {
                in_list(r, found)?;
                if r.take("ESCAPE") {
                    return Ok(true);
                }
                continue;
            }
            return Ok(true);
        }
        let op = OPERATORS.iter().find(|op| r.is_op(op));
        // `->>` chains statements, `=>` names an argument.
        if let Some(op) = op.filter(|_| !r.is_op("->>") && !r.is_op("=>")) {
            r.take_op(op);
            if r.is_any(&["ANY", "ALL", "SOME"]) && r.is_op_at(1, "(") {
                r.step();
            }
            return Ok(true);
        }
        return Ok(false);
    }
}

/// The right side of IN: a list or query, a bind or an array.
fn in_list(r: &mut Reader<'_>, found: &mut Expr) -> Read<()> {
    if r.is_op("(") {
        parenthesised(r, found)?
    } else {
        operand(r, found)?
    };
    Ok(())
}

/// Takes what may follow an operand: casts, paths, subscripts, windows.
fn postfix(r: &mut Reader<'_>, found: &mut Expr, mut shape: Shape) -> Read<Shape> {
    loop {
        if r.take_op("::") {
            shape = Shape::Cast(types::data_type(r)?);
        } else if r.is_op(":") && !r.is_op(":=") {
            r.step();
            if r.kind() == Some(TokenKind::Number) {
                r.step();
            } else {
                r.any_ident()?;
            }
            shape = Shape::Other;
        } else if r.is_op(".") && matches!(r.kind_at(1), Some(TokenKind::Word | TokenKind::QuotedName)) {
            r.step();
            r.any_ident()?;
            if r.is_op("(") {
                call_arguments(r, found)?;
            }
            shape = Shape::Other;
        } else if r.is_op("[") {
            r.step();
            while !r.take_op("]") {
                if r.done() {
                    return Err(r.unexpected());
                }
                if !r.take_op(",") && !r.take_op(":") {
                    expr(r).map(|inner| merge(found, inner))?;
                }
            }
            shape = Shape::Other;
        } else if r.is_op("!") && r.kind_at(1) == Some(TokenKind::Word) && r.is_op_at(2, "(") {
            if shape == Shape::Column {
                // What stands before is an instance and no column.
                found.columns.pop();
            }
            r.step();
            r.step();
            call_arguments(r, found)?;
            shape = Shape::Other;
        } else if r.is("OVER") && (r.is_op_at(1, "(") || r.kind_at(1) == Some(TokenKind::Word)) {
            r.step();
            if r.is_op("(") { window(r, found)? } else { r.step() }
        } else if r.is_phrase("WITHIN GROUP") {
            r.step();
            r.step();
            window(r, found)?;
            shape = Shape::Other;
        } else if r.is("FILTER") && r.is_op_at(1, "(") {
            r.step();
            r.skip()?;
        } else if r.is_any(&["IGNORE", "RESPECT"]) && r.is_at(1, "NULLS") {
            r.step();
            r.step();
        } else if r.is_phrase("FROM FIRST") || r.is_phrase("FROM LAST") {
            // NTH_VALUE(...) FROM FIRST, only before OVER.
            if !(r.is_at(2, "OVER") || r.is_at(2, "IGNORE") || r.is_at(2, "RESPECT")) {
                return Ok(shape);
            }
            r.step();
            r.step();
        } else if r.take("COLLATE") {
            r.expect_string()?;
        } else if r.is_op("(") && r.is_op_at(1, "+") && r.is_op_at(2, ")") {
            r.step();
            r.step();
            r.step();
        } else {
            return Ok(shape);
        }
    }
}

/// `(PARTITION BY ... ORDER BY ... ROWS ...)`.
fn window(r: &mut Reader<'_>, found: &mut Expr) -> Read<()> {
    r.nested(|r| {
        r.expect_op("(")?;
        let frame = |r: &Reader<'_>| r.is_any(&["ROWS", "RANGE", "GROUPS"]) && !r.is_op_at(1, ".");
        while !r.is_op(")") {
            if r.take_phrase("PARTITION BY") {
                exprs(r)?.into_iter().for_each(|inner| merge(found, inner));
            } else if r.take_phrase("ORDER BY") {
                order(r)?.into_iter().for_each(|inner| merge(found, inner));
            } else if frame(r) {
                while !r.is_op(")") {
                    r.skip()?;
                }
            } else if r.at_ident() {
                r.step();
            } else {
                return Err(r.unexpected());
            }
        }
        r.expect_op(")")
    })
}

/// The list after ORDER BY.
pub(super) fn order(r: &mut Reader<'_>) -> Read<Vec<Expr>> {
    if r.take("ALL") {
        order_suffix(r);
        return Ok(Vec::new());
    }
    r.commas(|r| {
        let one = expr(r)?;
        order_suffix(r);
        Ok(one)
    })
}

fn order_suffix(r: &mut Reader<'_>) {
    r.take_any(&["ASC", "DESC"]);
    if r.take("NULLS") {
        r.take_any(&["FIRST", "LAST"]);
    }
}

/// Adds the names of a part to those of the whole.
pub(super) fn merge(into: &mut Expr, mut part: Expr) {
    into.columns.append(&mut part.columns);
    into.queries.append(&mut part.queries);
    into.variables.append(&mut part.variables);
    into.functions.append(&mut part.functions);
}

/// A column with up to four parts.
pub(super) fn column(r: &mut Reader<'_>) -> Read<ColumnRef> {
    let at = r.place();
    let parts = r.parts()?;
    Ok(ColumnRef { parts, at })
}
