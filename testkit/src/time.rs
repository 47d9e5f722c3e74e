//! Times: microseconds since 1970 inside, other forms at the edges.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::DateTime};
use rusqlite::types::Value;

/// A time as SQLite holds it here: eight bytes that compare as times do, and that no text or number equals, so that
/// a result's type is known from its value.
pub(crate) fn value(micros: i64) -> Value {
    // The sign's bit is turned, so that times before 1970 compare as smaller.
    Value::Blob((micros ^ i64::MIN).to_be_bytes().to_vec())
}

/// Back from [`value`].
pub(crate) fn micros_of(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?) ^ i64::MIN)
}

pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// RFC 3339, as the catalogue keeps times.
pub(crate) fn rfc3339(time: Duration) -> String {
    stamp(micros(time)).map(|stamp| stamp.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()).unwrap_or_default()
}

/// As the header `Date` has it.
pub(crate) fn http_date(time: Duration) -> String {
    stamp(micros(time))
        .map(|stamp| stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

/// A text, zone or not, to microseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let stamp = text.parse::<Timestamp>().ok().or_else(|| {
        let plain: DateTime = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(plain).ok()
    })?;
    Some(stamp.as_microsecond())
}

fn stamp(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// How Snowflake's JSON results hold a timestamp: seconds, and as many digits as the column's scale says.
pub(crate) fn encoded(micros: i64, scale: usize) -> String {
    let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let sign = if micros < 0 { "-" } else { "" };
    let digits = format!("{rest:06}000");
    match digits.get(..scale) {
        Some("") | None => format!("{sign}{seconds}"),
        Some(digits) => format!("{sign}{seconds}.{digits}"),
    }
}

/// `DATEADD` of the units that a ledger and its readers use.
pub(crate) fn add(unit: &str, number: i64, micros: i64) -> Option<i64> {
    let unit = match unit.to_ascii_lowercase().trim_end_matches('s') {
        "millisecond" => SignedDuration::from_millis(1),
        "second" => SignedDuration::from_secs(1),
        "minute" => SignedDuration::from_mins(1),
        "hour" => SignedDuration::from_hours(1),
        "day" => SignedDuration::from_hours(24),
        _ => return None,
    };
    let by = i64::try_from(unit.as_micros()).ok()?.checked_mul(number)?;
    micros.checked_add(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_compare_as_bytes_and_come_back() {
        let times = [-3_000_001, -1, 0, 1, 1_800_000_000_000_000];
        let blobs = times.map(|time| match value(time) {
            Value::Blob(bytes) => bytes,
            other => panic!("{other:?}"),
        });
        assert!(blobs.is_sorted());
        for (bytes, time) in blobs.iter().zip(times) {
            assert_eq!(micros_of(bytes), Some(time));
        }
    }

    #[test]
    fn encoded_as_seconds_with_the_digits_of_the_scale() {
        for (micros, text) in [
            (0, "0.000000000"),
            (1_500_000, "1.500000000"),
            (-1, "-0.000001000"),
            (-1_500_000, "-1.500000000"),
            (-1_000_000, "-1.000000000"),
        ] {
            assert_eq!(encoded(micros, 9), text);
        }
        assert_eq!((encoded(1_234_567, 3), encoded(1_234_567, 0)), ("1.234".to_owned(), "1".to_owned()));
        let time = parse("2026-11-24T18:00:00.250001Z").unwrap();
        assert_eq!(parse("2026-11-24 18:00:00.250001"), Some(time));
        assert_eq!(rfc3339(Duration::from_micros(time.unsigned_abs())), "2026-11-24T18:00:00.250001Z");
        assert_eq!(add("Second", -2, time), Some(time - 2_000_000));
        assert_eq!(add("fortnight", 1, time), None);
    }
}
