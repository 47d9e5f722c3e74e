//! The default of a column that is added to a table: a literal of the column's type. CREATE TABLE takes expressions.

use super::work::Stop;
use crate::model::{
    command::{ColumnDef, DataType, Expr, Shape},
    refusal::SnowflakeError,
};

/// Words that are called without parentheses.
const CALLED: &[&str] = &[
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "CURRENT_ROLE",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "SYSDATE",
];

/// 002263 and 002023. What is neither a literal nor certainly computed passes.
pub(super) fn of_added_column(def: &ColumnDef) -> Result<(), Stop> {
    let (Some(written), Some(value)) = (&def.default, def.reads.first()) else { return Ok(()) };
    if def.autoincrement || def.computed {
        return Ok(());
    }
    let called = CALLED.iter().any(|word| written.eq_ignore_ascii_case(word));
    if called || matches!(value.shape, Shape::Call | Shape::Cast(_) | Shape::Query | Shape::Column) {
        return Err(invalid(written, value));
    }
    match (&value.shape, &def.data_type) {
        (Shape::Literal(text), Some(expected)) => fits(def, text, expected),
        _ => Ok(()),
    }
}

fn invalid(written: &str, value: &Expr) -> Stop {
    let printed = match (&value.shape, written.rsplit_once("::")) {
        (Shape::Cast(to), Some((inner, _))) => format!("CAST({} AS {to})", inner.trim()),
        _ => written.to_owned(),
    };
    let detail = format!("Invalid column default expression [{printed}]");
    SnowflakeError::compilation("002263", "22000", detail).into()
}

fn fits(def: &ColumnDef, literal: &str, expected: &DataType) -> Result<(), Stop> {
    let text = literal.starts_with('\'') || literal.starts_with("$$");
    let wrong = match expected.base() {
        "VARCHAR" => !text,
        "NUMBER" | "FLOAT" | "DECFLOAT" => text,
        base => base == "BOOLEAN" || base == "DATE" || base == "TIME" || base.starts_with("TIMESTAMP"),
    };
    if !wrong {
        return Ok(());
    }
    let found = if text { format!("VARCHAR({})", length(literal)) } else { number(literal) };
    let detail = format!(
        "Expression type does not match column data type, expecting {expected} but got {found} for column {}",
        def.name
    );
    Err(SnowflakeError::compilation("002023", "22000", detail).into())
}

/// How many characters a text literal has.
fn length(literal: &str) -> usize {
    match literal.strip_prefix('\'') {
        Some(inner) => inner.trim_end_matches('\'').replace("''", "'").chars().count(),
        None => literal.chars().count().saturating_sub(4),
    }
}

/// The type of a number: as many digits as it has.
fn number(literal: &str) -> String {
    if literal.contains(['e', 'E']) {
        return "FLOAT".to_owned();
    }
    let (whole, part) = literal.split_once('.').unwrap_or((literal, ""));
    let whole = whole.trim_start_matches('0').len();
    format!("NUMBER({},{})", (whole + part.len()).max(1), part.len())
}
