//! Data types: synonyms become Snowflake's own spelling, unknown names are refused.

use super::reader::{Read, Reader};
use crate::{
    model::{command::DataType, refusal::SnowflakeError},
    sql::lex::TokenKind,
};

/// Reads a type.
pub(super) fn data_type(r: &mut Reader<'_>) -> Read<DataType> {
    r.nested(read)
}

fn read(r: &mut Reader<'_>) -> Read<DataType> {
    if r.kind() != Some(TokenKind::Word) {
        // A quoted or qualified name can only be a user-defined type.
        let start = r.mark();
        r.parts()?;
        return Ok(DataType(r.between(start, r.mark()).to_owned()));
    }
    if r.is_op_at(1, ".") {
        let parts = r.parts()?;
        let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
        return Ok(DataType(parts.join(".")));
    }
    let word = r.here().to_ascii_uppercase();
    let at_word = r.mark();
    r.step();
    let text = match word.as_str() {
        "NUMBER" | "DECIMAL" | "DEC" | "NUMERIC" => number(r)?,
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "BYTEINT" => "NUMBER(38,0)".to_owned(),
        // Scripts from other databases give a precision, which is not documented and changes nothing.
        "FLOAT" | "FLOAT4" | "FLOAT8" | "REAL" => {
            let _ = sizes(r, 1)?;
            "FLOAT".to_owned()
        }
        "DOUBLE" => {
            r.take("PRECISION");
            let _ = sizes(r, 1)?;
            "FLOAT".to_owned()
        }
        "DECFLOAT" => {
            let _ = sizes(r, 1)?;
            "DECFLOAT".to_owned()
        }
        "VARCHAR" | "STRING" | "TEXT" | "NVARCHAR" | "NVARCHAR2" | "VARCHAR2" => {
            format!("VARCHAR({})", size(r, 16_777_216)?)
        }
        "CHAR" | "CHARACTER" | "NCHAR" => {
            let default = if r.take("VARYING") { 16_777_216 } else { 1 };
            format!("VARCHAR({})", size(r, default)?)
        }
        "BINARY" | "VARBINARY" => format!("BINARY({})", size(r, 8_388_608)?),
        "BOOLEAN" | "BOOL" => "BOOLEAN".to_owned(),
        "TIME" => format!("TIME({})", size(r, 9)?),
        "DATETIME" | "TIMESTAMP_NTZ" | "TIMESTAMPNTZ" => format!("TIMESTAMP_NTZ({})", size(r, 9)?),
        "TIMESTAMP_LTZ" | "TIMESTAMPLTZ" => format!("TIMESTAMP_LTZ({})", size(r, 9)?),
        "TIMESTAMP_TZ" | "TIMESTAMPTZ" => format!("TIMESTAMP_TZ({})", size(r, 9)?),
        "TIMESTAMP" => timestamp(r)?,
        "INTERVAL" => interval(r)?,
        "DATE" | "VARIANT" | "GEOGRAPHY" | "GEOMETRY" | "FILE" | "UUID" | "UNKNOWN" => word,
        "OBJECT" => structured(r, "OBJECT", true)?,
        "ARRAY" => structured(r, "ARRAY", false)?,
        "MAP" => structured(r, "MAP", false)?,
        "VECTOR" => vector(r)?,
        _ => {
            // Known as no type: name it as the server does, without its parameters.
            let _ = at_word;
            return Err(SnowflakeError::unsupported_type(&word));
        }
    };
    Ok(DataType(text))
}

/// Up to `most` whole numbers in parentheses.
fn sizes(r: &mut Reader<'_>, most: usize) -> Read<Vec<u64>> {
    if !r.is_op("(") {
        return Ok(Vec::new());
    }
    let numbers = r.list(|r| {
        let value = r.here().parse();
        match value {
            Ok(number) if r.kind() == Some(TokenKind::Number) => {
                r.step();
                Ok(number)
            }
            _ => Err(r.unexpected()),
        }
    })?;
    if numbers.len() > most { Err(r.unexpected()) } else { Ok(numbers) }
}

fn size(r: &mut Reader<'_>, default: u64) -> Read<u64> {
    Ok(sizes(r, 1)?.first().copied().unwrap_or(default))
}

fn number(r: &mut Reader<'_>) -> Read<String> {
    let sizes = sizes(r, 2)?;
    let precision = sizes.first().copied().unwrap_or(38);
    let scale = sizes.get(1).copied().unwrap_or(0);
    if precision == 0 || precision > 38 || scale > 37 || scale > precision {
        return Err(SnowflakeError::unsupported_type(&format!("NUMBER({precision},{scale})")));
    }
    Ok(format!("NUMBER({precision},{scale})"))
}

/// Bare TIMESTAMP is what the parameter `TIMESTAMP_TYPE_MAPPING` says; its default is NTZ.
fn timestamp(r: &mut Reader<'_>) -> Read<String> {
    let precision = size(r, 9)?;
    let name = if r.take_phrase("WITHOUT TIME ZONE") {
        "TIMESTAMP_NTZ"
    } else if r.take_phrase("WITH LOCAL TIME ZONE") {
        "TIMESTAMP_LTZ"
    } else if r.take_phrase("WITH TIME ZONE") {
        "TIMESTAMP_TZ"
    } else {
        "TIMESTAMP_NTZ"
    };
    Ok(format!("{name}({precision})"))
}

fn interval(r: &mut Reader<'_>) -> Read<String> {
    let unit = |r: &mut Reader<'_>| -> Read<String> {
        if !r.is_any(&["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"]) {
            return Err(r.unexpected());
        }
        let unit = r.here().to_ascii_uppercase();
        r.step();
        let sizes = sizes(r, 2)?;
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        Ok(if sizes.is_empty() { unit } else { format!("{unit}({})", sizes.join(",")) })
    };
    let from = unit(r)?;
    Ok(if r.take("TO") { format!("INTERVAL {from} TO {}", unit(r)?) } else { format!("INTERVAL {from}") })
}

fn structured(r: &mut Reader<'_>, name: &str, keys: bool) -> Read<String> {
    if !r.is_op("(") {
        return Ok(name.to_owned());
    }
    let parts = r.list(|r| {
        let key = if keys { Some(r.any_ident()?) } else { None };
        let mut text = data_type(r)?.0;
        if r.take_phrase("NOT NULL") {
            text.push_str(" NOT NULL");
        }
        Ok(key.map_or_else(|| text.clone(), |key| format!("{key} {text}")))
    })?;
    Ok(format!("{name}({})", parts.join(", ")))
}

fn vector(r: &mut Reader<'_>) -> Read<String> {
    r.expect_op("(")?;
    if !r.is_any(&["INT", "FLOAT", "INTEGER"]) {
        return Err(r.unexpected());
    }
    let element = if r.is("FLOAT") { "FLOAT" } else { "INT" };
    r.step();
    r.expect_op(",")?;
    let length = r.here().to_owned();
    if r.kind() != Some(TokenKind::Number) {
        return Err(r.unexpected());
    }
    r.step();
    r.expect_op(")")?;
    Ok(format!("VECTOR({element}, {length})"))
}
