//! The kinds of object that Snowflake has.

use serde::{Deserialize, Serialize};

/// A kind of object. Its SQL words are its text in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ObjectKind {
    /// DATABASE
    Database,
    /// SCHEMA
    Schema,
    /// TABLE
    Table,
    /// VIEW
    View,
}
