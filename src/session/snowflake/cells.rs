//! Cells as text, in one form whether they came as JSON or as Arrow:
//!
//! - numbers as they are, with all digits of their scale;
//! - `true` and `false`;
//! - dates as `2026-01-31`, times as `13:05:00.000000`, timestamps as `2026-01-31 13:05:00.000000`, with six digits
//!   of the second, nine where the last three say something; timestamps with a zone and those of the session's end
//!   with an offset, `+00:00` for the latter, so that no session's `TIMEZONE` changes what is read;
//! - binary in hexadecimal; everything else as the server prints it.
//!
//! How the server writes them in JSON: `snowflake-connector-python`, `converter.py`.

use jiff::{SignedDuration, Timestamp, civil, tz::Offset};
use serde::Deserialize;

/// A column of a result.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Snowflake's internal type, in lower case.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) scale: Option<i64>,
}

#[cfg(feature = "arrow")]
impl Column {
    /// Digits after the point.
    pub(super) fn digits(&self) -> u32 {
        self.scale.and_then(|scale| u32::try_from(scale).ok()).unwrap_or(0).min(37)
    }
}

/// The text of a cell that came as JSON; `None` when it cannot be read.
pub(super) fn from_json(column: &Column, cell: &str) -> Option<String> {
    match column.kind.as_str() {
        "boolean" => match cell {
            "1" => Some("true".to_owned()),
            "0" => Some("false".to_owned()),
            other => Some(other.to_ascii_lowercase()),
        },
        "real" => Some(cell.parse().map_or_else(|_| cell.to_owned(), real)),
        "date" => date(cell.parse().ok()?),
        "time" => time(nanos(cell)?),
        "timestamp_ntz" => timestamp(nanos(cell)?),
        "timestamp_ltz" => zoned(nanos(cell)?, 0),
        "timestamp_tz" => match cell.split_once(' ') {
            Some((at, minutes)) => zoned(nanos(at)?, minutes.parse::<i32>().ok()? - EAST),
            None => zoned(nanos(cell)?, 0),
        },
        _ => Some(cell.to_owned()),
    }
}

/// Offsets are sent as minutes with this added, so that none is negative.
pub(super) const EAST: i32 = 1440;

/// Seconds with a fraction, as nanoseconds.
fn nanos(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (negative, whole) = whole.strip_prefix('-').map_or((false, whole), |whole| (true, whole));
    let whole: i128 = whole.parse().ok()?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    let all = whole * 1_000_000_000 + fraction;
    Some(if negative { -all } else { all })
}

/// A number that is sent without its point.
#[cfg(feature = "arrow")]
pub(super) fn decimal(unscaled: i128, digits: u32) -> String {
    if digits == 0 {
        return unscaled.to_string();
    }
    let digits = usize::try_from(digits).unwrap_or(0);
    let text = format!("{:0>width$}", unscaled.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}

/// A floating number, in the shortest form that reads back equal.
pub(super) fn real(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || !number.is_finite() || (1e-5..1e16).contains(&size) {
        format!("{number}")
    } else {
        format!("{number:e}")
    }
}

/// A day, counted from 1970-01-01.
pub(super) fn date(days: i64) -> Option<String> {
    let day = civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    Some(day.to_string())
}

/// A time of day.
pub(super) fn time(nanos: i128) -> Option<String> {
    let nanos = i64::try_from(nanos).ok()?;
    let time = civil::Time::midnight().checked_add(SignedDuration::from_nanos(nanos)).ok()?;
    Some(format!("{}{}", time.strftime("%H:%M:%S"), fraction(time.subsec_nanosecond())))
}

/// A timestamp without a zone.
pub(super) fn timestamp(nanos: i128) -> Option<String> {
    let at = Offset::UTC.to_datetime(Timestamp::from_nanosecond(nanos).ok()?);
    Some(format!("{}{}", at.strftime("%Y-%m-%d %H:%M:%S"), fraction(at.subsec_nanosecond())))
}

/// A timestamp shown at an offset from UTC, in minutes.
pub(super) fn zoned(nanos: i128, minutes: i32) -> Option<String> {
    let sign = if minutes < 0 { '-' } else { '+' };
    let local = timestamp(nanos + i128::from(minutes) * 60_000_000_000)?;
    Some(format!("{local}{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60))
}

fn fraction(nanos: i32) -> String {
    if nanos % 1000 == 0 { format!(".{:06}", nanos / 1000) } else { format!(".{nanos:09}") }
}

/// Bytes in hexadecimal.
#[cfg(feature = "arrow")]
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_json() {
        for (kind, scale, cell, text) in [
            ("fixed", 0, "42", "42"),
            ("fixed", 2, "12.50", "12.50"),
            ("text", 0, "1700000000.0", "1700000000.0"),
            ("boolean", 0, "1", "true"),
            ("boolean", 0, "0", "false"),
            ("boolean", 0, "TRUE", "true"),
            ("real", 0, "1.500000000000000e+00", "1.5"),
            ("real", 0, "1e300", "1e300"),
            ("real", 0, "NaN", "NaN"),
            ("date", 0, "19675", "2023-11-14"),
            ("date", 0, "-1", "1969-12-31"),
            ("time", 9, "79990.123000000", "22:13:10.123000"),
            ("time", 0, "0", "00:00:00.000000"),
            ("timestamp_ntz", 9, "1700000000.123000000", "2023-11-14 22:13:20.123000"),
            ("timestamp_ntz", 9, "1700000000.123456789", "2023-11-14 22:13:20.123456789"),
            ("timestamp_ntz", 0, "1700000000", "2023-11-14 22:13:20.000000"),
            ("timestamp_ntz", 3, "-0.500", "1969-12-31 23:59:59.500000"),
            ("timestamp_ltz", 9, "1700000000.000000000", "2023-11-14 22:13:20.000000+00:00"),
            ("timestamp_tz", 9, "1700000000.000000000 1440", "2023-11-14 22:13:20.000000+00:00"),
            ("timestamp_tz", 9, "1700000000.000000000 1530", "2023-11-14 23:43:20.000000+01:30"),
            ("timestamp_tz", 9, "1700000000.000000000 960", "2023-11-14 14:13:20.000000-08:00"),
            ("variant", 0, "{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}"),
            ("binary", 0, "DEADBEEF", "DEADBEEF"),
        ] {
            let column = Column { name: "C".to_owned(), kind: kind.to_owned(), scale: Some(scale) };
            assert_eq!(from_json(&column, cell).as_deref(), Some(text), "{kind} {cell}");
        }
        for (kind, cell) in
            [("date", "soon"), ("timestamp_ntz", "1.2.3"), ("timestamp_tz", "1 x"), ("time", "")]
        {
            let column = Column { name: "C".to_owned(), kind: kind.to_owned(), scale: None };
            assert_eq!(from_json(&column, cell), None, "{kind} {cell}");
        }
    }

    #[cfg(feature = "arrow")]
    #[test]
    fn numbers_without_their_point() {
        for (unscaled, digits, text) in [
            (1250, 2, "12.50"),
            (5, 3, "0.005"),
            (-5, 1, "-0.5"),
            (0, 2, "0.00"),
            (-12, 0, "-12"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
        ] {
            assert_eq!(decimal(unscaled, digits), text);
        }
    }

    #[test]
    fn what_is_read_of_a_timestamp_is_a_point_in_time_again() {
        for text in
            [zoned(1_700_000_000_000_000_000, 0).unwrap(), zoned(1_700_000_000_000_000_000, -90).unwrap()]
        {
            let read: Timestamp = text.replace(' ', "T").parse().unwrap();
            assert_eq!(read.as_second(), 1_700_000_000);
        }
    }
}
