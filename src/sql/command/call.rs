//! Calls of functions, and what looks like one.

use super::{
    expr::{expr, merge, order},
    operand::starts_query,
    query,
    reader::{Read, Reader},
    types,
};
use crate::{
    model::command::{Expr, Shape},
    sql::lex::TokenKind,
};

/// Functions with words between their arguments.
pub(super) fn special_call(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
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
        // A query, unless it is only a part of the first argument: `NULLIF((SELECT ...), 0)`.
        if starts_query(r, 0) {
            let mark = r.mark();
            if let Ok(query) = query::query(r)
                && r.take_op(")")
            {
                found.queries.push(query);
                return Ok(());
            }
            r.back(mark);
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

pub(super) fn star_suffix(r: &mut Reader<'_>) -> Read<()> {
    while r.is_any(&["EXCLUDE", "ILIKE", "RENAME", "REPLACE"]) {
        r.step();
        r.skip()?;
    }
    Ok(())
}

pub(super) fn cast(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
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

pub(super) fn case(r: &mut Reader<'_>, found: &mut Expr) -> Read<Shape> {
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
