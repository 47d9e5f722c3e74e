//! Literals that can never be stored in a column.

use super::{lookup::Place, store::Column};
use crate::{
    model::{
        command::{DataType, Expr, Shape},
        refusal::SnowflakeError,
    },
    render::slots,
    sql::command::text_of,
};

/// Refuses a literal text where a semi-structured value must stand; and, where the statement certainly comes to it
/// (`runs`: a row of VALUES), letters in a number and more characters than fit.
pub(super) fn fits(place: &Place, column: &Column, value: &Expr, runs: bool) -> Result<(), SnowflakeError> {
    let (Shape::Literal(literal), Some(data_type)) = (&value.shape, &column.data_type) else { return Ok(()) };
    let Some(text) = text_of(literal) else { return Ok(()) };
    // In place of a secret, whose value is not known here.
    let runs = runs && !text.contains(slots::OPEN);
    let data_type = DataType(data_type.clone());
    let characters = text.chars().count();
    match data_type.base() {
        "NUMBER" if runs && !may_be_number(&text) => {
            Err(SnowflakeError::bare("100038", "22018", format!("Numeric value '{text}' is not recognized")))
        }
        "VARCHAR" if runs => match data_type.parameters().first() {
            Some(most) if characters as u64 > *most => Err(too_long(place, column, &text)),
            _ => Ok(()),
        },
        "VARIANT" | "OBJECT" | "ARRAY" => Err(SnowflakeError::type_mismatch(
            &data_type,
            format_args!("VARCHAR({characters})"),
            &column.name,
        )),
        _ => Ok(()),
    }
}

fn too_long(place: &Place, column: &Column, text: &str) -> SnowflakeError {
    let message = format!(
        "DML operation to table {place} failed on column {} with error: String '{text}' is too long and would be \
         truncated",
        column.name
    );
    SnowflakeError::bare("100078", "22000", message)
}

/// Only what certainly is no number is refused: letters that no number has, or nothing at all.
fn may_be_number(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E'))
}
