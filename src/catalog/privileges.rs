//! Privileges that a kind certainly does not have.

use super::{create::family, work::Stop};
use crate::model::{kind::ObjectKind, refusal::SnowflakeError};

/// Privileges, and kinds that lack them. What is not listed passes: Snowflake's own list is long and grows.
const LACKING: &[(&[&str], &[ObjectKind])] = &[
    (
        &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"],
        &[
            ObjectKind::Database,
            ObjectKind::Schema,
            ObjectKind::Warehouse,
            ObjectKind::Stage,
            ObjectKind::Sequence,
            ObjectKind::FileFormat,
            ObjectKind::Function,
            ObjectKind::Procedure,
            ObjectKind::Task,
            ObjectKind::Pipe,
            ObjectKind::Integration,
        ],
    ),
    (&["INSERT", "UPDATE", "DELETE", "TRUNCATE"], &[ObjectKind::MaterializedView, ObjectKind::Stream]),
    (
        &["USAGE"],
        &[
            ObjectKind::Table,
            ObjectKind::DynamicTable,
            ObjectKind::View,
            ObjectKind::MaterializedView,
            ObjectKind::Stream,
            ObjectKind::Task,
            ObjectKind::Pipe,
        ],
    ),
    (
        &["READ", "WRITE", "OPERATE"],
        &[ObjectKind::Table, ObjectKind::View, ObjectKind::Schema, ObjectKind::Database],
    ),
];

/// 003008: a privilege that the kind lacks.
pub(super) fn check(kind: ObjectKind, privileges: &[String]) -> Result<(), Stop> {
    let kind = family(kind);
    let lacks = |privilege: &&String| {
        LACKING.iter().any(|(names, kinds)| names.contains(&privilege.as_str()) && kinds.contains(&kind))
    };
    match privileges.iter().find(lacks) {
        Some(privilege) => {
            let message = format!("Invalid object type '{kind}' for privilege '{privilege}'.");
            Err(SnowflakeError::bare("003008", "42501", message).into())
        }
        None => Ok(()),
    }
}
