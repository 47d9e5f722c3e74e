//! Columns and values as Snowflake's JSON results hold them (`converter.py` of the official connector reads them).

use rusqlite::types::Value;
use serde_json::{Value as Json, json};

use crate::time;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireColumn {
    pub(crate) name: String,
    kind: &'static str,
    precision: Option<u64>,
    scale: Option<u64>,
    length: Option<u64>,
}

/// The longest VARCHAR.
const LONGEST: u64 = 16_777_216;

impl WireColumn {
    /// A column of a declared type, as Snowflake prints types.
    pub(crate) fn of(name: &str, declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let (base, rest) = declared.split_once('(').unwrap_or((&declared, ""));
        let numbers: Vec<u64> =
            rest.trim_end_matches(')').split(',').filter_map(|number| number.trim().parse().ok()).collect();
        let first = numbers.first().copied();
        let time = |kind| (kind, Some(0), Some(first.unwrap_or(9)), None);
        let (kind, precision, scale, length) = match base.trim() {
            "NUMBER" | "DECIMAL" | "NUMERIC" | "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" => {
                ("fixed", Some(first.unwrap_or(38)), Some(numbers.get(1).copied().unwrap_or(0)), None)
            }
            "FLOAT" | "REAL" | "DOUBLE" => ("real", None, None, None),
            "BOOLEAN" => ("boolean", None, None, None),
            "DATE" => ("date", None, None, None),
            "TIME" => time("time"),
            "TIMESTAMP_LTZ" => time("timestamp_ltz"),
            "TIMESTAMP_TZ" => time("timestamp_tz"),
            "TIMESTAMP" | "TIMESTAMP_NTZ" | "DATETIME" => time("timestamp_ntz"),
            "VARIANT" => ("variant", None, None, None),
            "OBJECT" => ("object", None, None, None),
            "ARRAY" => ("array", None, None, None),
            "BINARY" => ("binary", None, None, Some(first.unwrap_or(8_388_608))),
            _ => ("text", None, None, Some(first.unwrap_or(LONGEST))),
        };
        Self { name: name.to_owned(), kind, precision, scale, length }
    }

    /// A text.
    pub(crate) fn text(name: &str) -> Self {
        Self::of(name, "VARCHAR")
    }

    /// The column of an expression, whose values tell its type.
    pub(crate) fn by_values<'v>(name: &str, values: impl Iterator<Item = &'v Value>) -> Self {
        let first = values.into_iter().find(|value| !matches!(value, Value::Null));
        Self::of(
            name,
            match first {
                Some(Value::Integer(_)) => "NUMBER",
                Some(Value::Real(_)) => "FLOAT",
                Some(Value::Blob(_)) => "TIMESTAMP_NTZ",
                Some(Value::Text(_) | Value::Null) | None => "VARCHAR",
            },
        )
    }

    /// Its entry of `rowtype`.
    pub(crate) fn json(&self) -> Json {
        json!({
            "name": self.name,
            "database": "",
            "schema": "",
            "table": "",
            "precision": self.precision,
            "scale": self.scale,
            "type": self.kind,
            "length": self.length,
            "byteLength": self.length,
            "nullable": true,
            "collation": null,
        })
    }

    /// A value of it.
    pub(crate) fn encode(&self, value: &Value) -> Option<String> {
        match value {
            Value::Null => None,
            Value::Integer(number) if self.kind == "boolean" => Some(u8::from(*number != 0).to_string()),
            Value::Integer(number) => Some(self.decimal(number)),
            Value::Real(number) if self.kind == "fixed" => Some(self.decimal(number)),
            Value::Real(number) => Some(number.to_string()),
            Value::Text(text) => Some(self.of_text(text).unwrap_or_else(|| text.clone())),
            Value::Blob(bytes) => time::micros_of(bytes).map(|moment| self.moment(moment)),
        }
    }

    /// A number with the digits of the scale.
    fn decimal(&self, number: impl std::fmt::Display) -> String {
        match self.scale.filter(|scale| *scale > 0 && self.kind == "fixed") {
            Some(scale) => {
                let number = number.to_string();
                let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
                let digits = usize::try_from(scale).unwrap_or_default();
                format!("{whole}.{fraction:0<digits$.digits$}")
            }
            None => number.to_string(),
        }
    }

    /// A time that is kept as the text that a statement wrote.
    fn of_text(&self, text: &str) -> Option<String> {
        const DAY: i64 = 86_400_000_000;
        match self.kind {
            "date" => Some(time::parse(&format!("{text}T00:00:00"))?.div_euclid(DAY).to_string()),
            "time" => Some(time::encoded(time::parse(&format!("1970-01-01T{text}"))?, self.digits())),
            kind if kind.starts_with("timestamp") => Some(self.moment(time::parse(text)?)),
            _ => None,
        }
    }

    fn moment(&self, micros: i64) -> String {
        let moment = time::encoded(micros, self.digits());
        // Zones are sent as minutes with 1440 added; this server knows UTC alone.
        if self.kind == "timestamp_tz" { format!("{moment} 1440") } else { moment }
    }

    fn digits(&self) -> usize {
        self.scale.and_then(|scale| usize::try_from(scale).ok()).unwrap_or(9)
    }
}
