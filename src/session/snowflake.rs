//! Snowflake's v1 session protocol: a thin client of our own.
//!
//! One statement a request, sent from its first token to its last, so that the places in errors are places in it.

use std::{collections::BTreeMap, time::Duration};

use super::context::Context;
use crate::model::{connection::Connection, secret::SecretText};

/// What a connector needs to know.
#[derive(Clone)]
pub struct SnowflakeSettings {
    /// How to reach the account and log in.
    pub connection: Connection,
    /// Values for the slots in statements, by name. A name without a value is an error before the statement is sent.
    pub secrets: BTreeMap<String, SecretText>,
    /// How long a lease lives: a keeper's statement may last a fifth of it at the server, queue and lock wait included.
    pub lease: Duration,
    /// Clock, sleep and ids.
    pub context: Context,
}
