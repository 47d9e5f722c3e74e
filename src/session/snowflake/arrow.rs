//! Results in Arrow: a stream of record batches, one after another or in base64.
//!
//! How Snowflake lays its types out: `snowflake-connector-python`, `nanoarrow_cpp/ArrowIterator`. The field's
//! metadata holds `logicalType` and `scale`; timestamps are numbers of the scale's unit, or structs of `epoch`,
//! `fraction` (nanoseconds) and `timezone` (minutes plus 1440).

use arrow_array::{
    Array, RecordBatch, StructArray,
    cast::AsArray as _,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        UInt64Type,
    },
};
use arrow_ipc::reader::StreamReader;
use arrow_schema::DataType;

use super::cells::{self, Column, EAST};

/// The rows of a stream; an error says what cannot be read.
pub(super) fn rows(bytes: &[u8], columns: &[Column]) -> Result<Vec<Vec<Option<String>>>, String> {
    let reader = StreamReader::try_new(bytes, None).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for batch in reader {
        batch_rows(&batch.map_err(|error| error.to_string())?, columns, &mut rows)?;
    }
    Ok(rows)
}

fn batch_rows(
    batch: &RecordBatch,
    columns: &[Column],
    rows: &mut Vec<Vec<Option<String>>>,
) -> Result<(), String> {
    if batch.num_columns() != columns.len() {
        return Err(format!("{} columns were announced and {} came", columns.len(), batch.num_columns()));
    }
    for row in 0..batch.num_rows() {
        let cells = batch.columns().iter().zip(columns);
        let cells = cells.map(|(array, column)| {
            if array.is_null(row) {
                return Ok(None);
            }
            cell(array.as_ref(), column, row).map(Some).ok_or_else(|| {
                format!(
                    "column {} of type {} ({}) cannot be read",
                    column.name,
                    column.kind,
                    array.data_type()
                )
            })
        });
        rows.push(cells.collect::<Result<_, String>>()?);
    }
    Ok(())
}

fn cell(array: &dyn Array, column: &Column, row: usize) -> Option<String> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row).to_owned()),
        DataType::Boolean => Some(array.as_boolean().value(row).to_string()),
        DataType::Float64 => Some(cells::real(array.as_primitive::<Float64Type>().value(row))),
        DataType::Float32 => Some(cells::real(array.as_primitive::<Float32Type>().value(row).into())),
        DataType::Binary => Some(cells::hex(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => Some(cells::hex(array.as_binary::<i64>().value(row))),
        DataType::Date32 => cells::date(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Decimal128(_, scale) => {
            let digits = u32::try_from(*scale).ok()?;
            Some(cells::decimal(array.as_primitive::<Decimal128Type>().value(row), digits))
        }
        DataType::Struct(_) => in_parts(array.as_struct(), column, row),
        _ => in_units(whole(array, row)?, column),
    }
}

fn whole(array: &dyn Array, row: usize) -> Option<i128> {
    match array.data_type() {
        DataType::Int8 => Some(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Some(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Some(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt64 => Some(array.as_primitive::<UInt64Type>().value(row).into()),
        _ => None,
    }
}

/// A whole number that stands for something else, in units of the column's scale.
fn in_units(number: i128, column: &Column) -> Option<String> {
    let nanos = |digits: u32| Some(number * 10_i128.pow(9_u32.checked_sub(digits)?));
    match column.kind.as_str() {
        "date" => cells::date(number.try_into().ok()?),
        "time" => cells::time(nanos(column.digits())?),
        "timestamp_ntz" => cells::timestamp(nanos(column.digits())?),
        "timestamp_ltz" | "timestamp_tz" => cells::zoned(nanos(column.digits())?, 0),
        _ => Some(cells::decimal(number, column.digits())),
    }
}

/// A timestamp in parts.
fn in_parts(parts: &StructArray, column: &Column, row: usize) -> Option<String> {
    let part = |name: &str| parts.column_by_name(name).and_then(|array| whole(array.as_ref(), row));
    let epoch = part("epoch")?;
    let nanos = match part("fraction") {
        Some(fraction) => epoch * 1_000_000_000 + fraction,
        // Without a fraction the epoch counts units of the scale.
        None => epoch * 10_i128.pow(9_u32.checked_sub(column.digits())?),
    };
    match column.kind.as_str() {
        "timestamp_ntz" => cells::timestamp(nanos),
        "timestamp_ltz" => cells::zoned(nanos, 0),
        "timestamp_tz" => {
            let east = part("timezone").and_then(|minutes| i32::try_from(minutes).ok()).unwrap_or(EAST);
            cells::zoned(nanos, east - EAST)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
