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
            Value::Integer(number) => Some(number.to_string()),
            Value::Real(number) => Some(number.to_string()),
            Value::Text(text) if self.kind.starts_with("timestamp") => {
                Some(time::parse(text).map_or_else(|| text.clone(), |moment| self.moment(moment)))
            }
            Value::Text(text) => Some(text.clone()),
            Value::Blob(bytes) => time::micros_of(bytes).map(|moment| self.moment(moment)),
        }
    }

    fn moment(&self, micros: i64) -> String {
        time::encoded(micros, usize::try_from(self.scale.unwrap_or(9)).unwrap_or(9))
    }
}
