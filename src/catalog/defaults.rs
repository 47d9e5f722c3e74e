//! The default of a column and the column's type: in CREATE TABLE the families must match, and far less is allowed to a
//! column that comes after its table. All of it was recorded from an account.

use super::{store::Object, work::Stop};
use crate::model::{
    command::{ColumnDef, DataType},
    kind::ObjectKind,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

/// A default as ADD COLUMN sees it.
enum Literal {
    /// NULL, a variable, a sequence: nothing to judge.
    Free,
    Number,
    Text,
    Boolean,
    Binary,
}

/// ADD COLUMN takes only literals, and only those of the column's family; neither length nor precision counts.
pub(super) fn default(object: &Object, column: &ColumnDef) -> Result<(), Stop> {
    let (Some(text), Some(data_type)) = (&column.default, &column.data_type) else { return Ok(()) };
    if object.kind != ObjectKind::Table || column.autoincrement {
        return Ok(());
    }
    let text = text.trim();
    let Some((literal, own)) = literal(text) else {
        let detail = format!("Invalid column default expression [{}]", spelled(text));
        return Err(SnowflakeError::compilation("002263", "22000", detail).into());
    };
    let base = data_type.base();
    if matches!(literal, Literal::Free) {
        return Ok(());
    }
    if base == "BINARY" {
        return Err(of_binary());
    }
    let fits = match base {
        "NUMBER" | "FLOAT" | "DECFLOAT" => matches!(literal, Literal::Number),
        "VARCHAR" => matches!(literal, Literal::Text),
        "BOOLEAN" => matches!(literal, Literal::Boolean),
        "DATE" | "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" | "MAP" | "VECTOR" => false,
        "VARIANT" if matches!(literal, Literal::Number) => {
            return Err(mismatch(column));
        }
        // Semi-structured families take any literal; of the others nothing is known.
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let DataType(wanted) = data_type;
    let detail = format!(
        "Expression type does not match column data type, expecting {wanted} but got {own} for column {}",
        column.name
    );
    Err(SnowflakeError::compilation("002023", "22000", detail).into())
}

/// In CREATE TABLE: numbers, dates and times take no text, text takes no number and no time, NULL and truth fit
/// everything. What an expression comes to is not worked out: only a literal, a cast of one and the day's date and time
/// are judged.
pub(super) fn first(kind: ObjectKind, column: &ColumnDef) -> Result<(), Stop> {
    let (Some(text), Some(data_type)) = (&column.default, &column.data_type) else { return Ok(()) };
    if kind != ObjectKind::Table || column.autoincrement || column.computed {
        return Ok(());
    }
    let base = data_type.base();
    if base == "BINARY" {
        return Err(of_binary());
    }
    let Some(given) = family(text.trim()) else { return Ok(()) };
    let fits = match base {
        "VARCHAR" => given == Family::Text,
        "BOOLEAN" | "VARIANT" => given != Family::Number,
        "DATE" | "TIME" => !matches!(given, Family::Text | Family::Timestamp),
        "NUMBER" | "FLOAT" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => given != Family::Text,
        _ => true,
    };
    if fits { Ok(()) } else { Err(mismatch(column)) }
}

/// Whether a default is the next value of a sequence.
pub fn is_sequence(default: &str) -> bool {
    default.to_ascii_uppercase().ends_with(".NEXTVAL")
}

#[derive(Clone, Copy, PartialEq)]
enum Family {
    Number,
    Text,
    Date,
    Timestamp,
}

/// The family of a default that can be told at sight and that does not fit everything.
fn family(text: &str) -> Option<Family> {
    match text.to_ascii_uppercase().as_str() {
        "CURRENT_DATE" | "CURRENT_DATE()" => return Some(Family::Date),
        "CURRENT_TIMESTAMP" | "CURRENT_TIMESTAMP()" => return Some(Family::Timestamp),
        _ => {}
    }
    let (value, cast) =
        text.rsplit_once("::").map_or((text, None), |(value, cast)| (value, Some(cast.trim())));
    match (literal(value.trim()), cast) {
        (Some((Literal::Number, _)), None) => Some(Family::Number),
        (Some((Literal::Text, _)), None) => Some(Family::Text),
        (Some((Literal::Number | Literal::Text, _)), Some(cast)) => {
            match cast.to_ascii_uppercase().split('(').next().unwrap_or_default() {
                "NUMBER" | "INT" | "INTEGER" | "FLOAT" => Some(Family::Number),
                "VARCHAR" | "STRING" | "TEXT" => Some(Family::Text),
                _ => None,
            }
        }
        _ => None,
    }
}

fn of_binary() -> Stop {
    let detail = "Default values are not allowed on 'BINARY' columns.";
    SnowflakeError::compilation_line(UNKNOWN_CODE, "0A000", detail).into()
}

fn mismatch(column: &ColumnDef) -> Stop {
    let detail = format!("Default value data type does not match data type for column {}", column.name);
    SnowflakeError::compilation(UNKNOWN_CODE, "22000", detail).into()
}

/// The literal that `text` is, with its own type; `None` for anything else.
fn literal(text: &str) -> Option<(Literal, String)> {
    let upper = text.to_ascii_uppercase();
    if upper == "NULL" || text.starts_with('$') && !text.starts_with("$$") || is_sequence(text) {
        return Some((Literal::Free, String::new()));
    }
    if upper == "TRUE" || upper == "FALSE" {
        return Some((Literal::Boolean, "BOOLEAN".to_owned()));
    }
    if let Some(digits) = upper.strip_prefix("X'").and_then(|rest| rest.strip_suffix('\'')) {
        let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return hex.then(|| (Literal::Binary, format!("BINARY({})", digits.len() / 2)));
    }
    if let Some(inner) = text.strip_prefix("$$").and_then(|rest| rest.strip_suffix("$$")) {
        return Some((Literal::Text, format!("VARCHAR({})", inner.chars().count())));
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        let one = !inner.replace("''", "").replace("\\'", "").contains('\'');
        let length = inner.replace("''", "'").chars().count();
        return one.then(|| (Literal::Text, format!("VARCHAR({length})")));
    }
    let digits = text.trim_start_matches(['-', '+']).trim();
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = |c: char| c.is_ascii_digit() || matches!(c, 'e' | 'E' | '-' | '+');
    let number = !digits.is_empty()
        && whole.chars().all(exponent)
        && part.chars().all(exponent)
        && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    number.then(|| (Literal::Number, format!("NUMBER({},{})", whole.len() + part.len(), part.len())))
}

/// A cast is named by its other spelling.
fn spelled(text: &str) -> String {
    match text.split_once("::") {
        Some((value, data_type)) if !data_type.contains("::") => {
            format!("CAST({} AS {})", value.trim(), data_type.trim().to_ascii_uppercase())
        }
        _ => text.to_owned(),
    }
}
