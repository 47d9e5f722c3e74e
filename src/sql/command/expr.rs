//! Expressions, as far as names and shapes go: a chain of operands and operators without precedence, which is
//! enough to find every name and every misplaced token.

use super::{
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
            return in_list(r, found);
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

fn in_list(r: &mut Reader<'_>, found: &mut Expr) -> Read<bool> {
    if r.is_op("(") {
        parenthesised(r, found)?;
    } else {
        // A bind or an array.
        operand(r, found)?;
    }
    operator(r, found)
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

fn operand(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
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
        while !r.take_op(close) {
            if r.take_op(",") || r.take_op(":") || r.take_op("**") || r.take_op("*") {
                continue;
            }
            // A key, which is no path.
            let key = matches!(r.kind(), Some(TokenKind::String | TokenKind::Word | TokenKind::QuotedName));
            if close == "}" && key && r.is_op_at(1, ":") && !r.is_op_at(1, "::") {
                r.step();
                continue;
            }
            expr(r).map(|inner| merge(found, inner))?;
        }
    } else if r.is_op("**") {
        // The spread operator.
        r.take_op("**");
        operand(r, found)?;
    } else {
        return Err(r.unexpected());
    }
    Ok(Shape::Other)
}

/// `(query)`, `(expr)`, `(a, b)`, `()`.
fn parenthesised(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
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

/// Functions with words between their arguments.
fn special_call(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    let identifier = r.is("IDENTIFIER");
    let extract = r.is("EXTRACT");
    r.step();
    if identifier {
        r.skip()?;
        if r.is_op("(") {
            call_arguments(r, found)?;
        }
        return Ok(Shape::Other);
    }
    r.nested(|r| {
        r.expect_op("(")?;
        if extract && (r.is_at(1, "FROM") || r.is_op_at(1, ",")) {
            r.step();
            r.step();
        }
        while !r.take_op(")") {
            if r.take_any(&["FROM", "IN", "LEADING", "TRAILING", "BOTH"]) || r.take_op(",") {
                continue;
            }
            expr(r).map(|inner| merge(found, inner))?;
        }
        Ok(Shape::Other)
    })
}

/// Date parts, which look like columns where functions take them.
fn is_date_part(r: &Reader<'_>) -> bool {
    const PARTS: &[&str] = &[
        "YEAR",
        "YEARS",
        "YY",
        "YYYY",
        "YR",
        "MONTH",
        "MONTHS",
        "MM",
        "MON",
        "DAY",
        "DAYS",
        "DD",
        "D",
        "WEEK",
        "WEEKS",
        "W",
        "WK",
        "WEEKOFYEAR",
        "WOY",
        "WY",
        "WEEKISO",
        "WEEK_ISO",
        "WEEKOFYEARISO",
        "QUARTER",
        "QUARTERS",
        "Q",
        "QTR",
        "QTRS",
        "HOUR",
        "HOURS",
        "H",
        "HH",
        "HR",
        "HRS",
        "MINUTE",
        "MINUTES",
        "M",
        "MI",
        "MIN",
        "MINS",
        "SECOND",
        "SECONDS",
        "S",
        "SEC",
        "SECS",
        "MILLISECOND",
        "MILLISECONDS",
        "MS",
        "MSEC",
        "MICROSECOND",
        "MICROSECONDS",
        "US",
        "USEC",
        "NANOSECOND",
        "NANOSECONDS",
        "NS",
        "NSEC",
        "NANOSEC",
        "NSECOND",
        "DAYOFWEEK",
        "DOW",
        "DW",
        "WEEKDAY",
        "DAYOFWEEKISO",
        "DAYOFWEEK_ISO",
        "DAYOFYEAR",
        "DOY",
        "YEAROFWEEK",
        "YEAROFWEEKISO",
        "EPOCH_SECOND",
        "EPOCH",
        "EPOCH_SECONDS",
        "EPOCH_MILLISECOND",
        "EPOCH_MILLISECONDS",
        "EPOCH_MICROSECOND",
        "EPOCH_MICROSECONDS",
        "EPOCH_NANOSECOND",
        "EPOCH_NANOSECONDS",
        "TIMEZONE_HOUR",
        "TZH",
        "TIMEZONE_MINUTE",
        "TZM",
    ];
    r.kind() == Some(TokenKind::Word)
        && (r.is_op_at(1, ",") || r.is_op_at(1, ")"))
        && PARTS.iter().any(|part| r.is(part))
}

/// Functions that take a date part.
fn takes_date_part(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "DATEADD",
        "TIMEADD",
        "TIMESTAMPADD",
        "DATEDIFF",
        "TIMEDIFF",
        "TIMESTAMPDIFF",
        "DATE_TRUNC",
        "TRUNC",
        "TIMESTAMP_TRUNC",
        "TIME_TRUNC",
        "DATE_PART",
        "LAST_DAY",
        "NEXT_DAY",
        "PREVIOUS_DAY",
        "TIME_SLICE",
        "MONTHS_BETWEEN",
        "DATETRUNC",
        "DATEPART",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// `(...)` after a function's name; the name is the token before.
pub(super) fn call_arguments(r: &mut Reader<'_>, found: &mut Expr) -> Read<()> {
    let mark = r.mark();
    r.back(mark.saturating_sub(1));
    let dated = takes_date_part(r.here());
    r.back(mark);
    r.nested(|r| {
        r.expect_op("(")?;
        if r.take_op(")") {
            return Ok(());
        }
        r.take_any(&["DISTINCT", "ALL"]);
        if starts_query(r, 0) {
            found.queries.push(query::query(r)?);
            return r.expect_op(")");
        }
        loop {
            argument(r, found, dated)?;
            if !r.take_op(",") {
                break;
            }
        }
        if r.take_phrase("ORDER BY") {
            order(r)?.into_iter().for_each(|inner| merge(found, inner));
        }
        r.take_phrase("IGNORE NULLS");
        r.take_phrase("RESPECT NULLS");
        r.expect_op(")")
    })
}

fn argument(r: &mut Reader<'_>, found: &mut Expr, dated: bool) -> Read<()> {
    if r.is_op("*") && !r.is_op("**") {
        r.step();
        return star_suffix(r);
    }
    if r.is("TABLE") && r.is_op_at(1, "(") || r.is_at(0, "SYSTEM") && r.is_op_at(1, "$") {
        r.step();
        return r.skip();
    }
    if dated && is_date_part(r) {
        r.step();
        return Ok(());
    }
    let inner = expr(r)?;
    merge(found, inner);
    if r.is_any(&["EXCLUDE", "ILIKE"]) {
        return star_suffix(r);
    }
    Ok(())
}

fn star_suffix(r: &mut Reader<'_>) -> Read<()> {
    while r.is_any(&["EXCLUDE", "ILIKE", "RENAME", "REPLACE"]) {
        r.step();
        r.skip()?;
    }
    Ok(())
}

fn cast(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    r.step();
    r.nested(|r| {
        r.expect_op("(")?;
        expr(r).map(|inner| merge(found, inner))?;
        r.expect("AS")?;
        let to = types::data_type(r)?;
        while r.is_any(&["RENAME", "ADD"]) && r.is_at(1, "FIELDS") {
            r.step();
            r.step();
        }
        r.expect_op(")")?;
        Ok(Shape::Cast(to))
    })
}

fn case(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
    r.step();
    r.nested(|r| {
        if !r.is("WHEN") {
            expr(r).map(|inner| merge(found, inner))?;
        }
        if !r.is("WHEN") {
            return Err(r.unexpected());
        }
        while r.take("WHEN") {
            expr(r).map(|inner| merge(found, inner))?;
            r.expect("THEN")?;
            expr(r).map(|inner| merge(found, inner))?;
        }
        if r.take("ELSE") {
            expr(r).map(|inner| merge(found, inner))?;
        }
        r.expect("END")?;
        Ok(Shape::Other)
    })
}

/// A column with up to four parts.
pub(super) fn column(r: &mut Reader<'_>) -> Read<ColumnRef> {
    let at = r.place();
    let parts = r.parts()?;
    Ok(ColumnRef { parts, at })
}
