//! A script on disk, and what one environment makes of it.

use std::sync::Arc;

use super::{
    checksum::Sha256, name::MigrationKind, settings::ScriptSettings, statement::Statement, version::Version,
};
use crate::diagnostic::Diagnostic;

/// A script that was resolved: found on disk, its name read, its text decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// What kind it is.
    pub kind: MigrationKind,
    /// Version of versioned, baseline and undo migrations.
    pub version: Option<Version>,
    /// Description: the part behind the separator, `_` as blank. For callbacks too.
    pub description: String,
    /// Event of a callback, as in its file name (`beforeMigrate`).
    pub event: Option<String>,
    /// Path from its migrations folder, with `/`: the `script` of the history table.
    pub script: String,
    /// Path as the user would type it, for messages.
    pub file: String,
    /// Decoded text, as it is (byte-order mark and line ends included).
    pub text: Arc<str>,
    /// Flyway's checksum of `text`.
    pub crc: i32,
    /// SHA-256 of `text`.
    pub source_sha: Sha256,
    /// The `.conf` file beside it.
    pub conf: Option<ConfFile>,
}

/// A `<script>.sql.conf` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfFile {
    /// Path as the user would type it.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
}

/// A migration in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The script.
    pub migration: Arc<Migration>,
    /// What it asks for.
    pub settings: ScriptSettings,
    /// Its statements, or why there are none.
    pub body: Body,
}

/// What became of a script's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Rendered and split.
    Ready(Rendered),
    /// It cannot be rendered or split; at least one of the findings is an error.
    Broken(Vec<Diagnostic>),
    /// Nobody needs it: an applied versioned migration.
    Skipped,
}

/// A script rendered and split for one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// SHA-256 of the rendered text, slots in place of secrets.
    pub sha: Sha256,
    /// Flyway's checksum of the rendered text, for repeatables in the history table.
    pub crc: i32,
    /// Each template that was loaded, with its SHA-256, by name.
    pub templates: Vec<(String, Sha256)>,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// Warnings met on the way.
    pub warnings: Vec<Diagnostic>,
}

impl Prepared {
    /// The rendered form, if there is one.
    pub fn rendered(&self) -> Option<&Rendered> {
        match &self.body {
            Body::Ready(rendered) => Some(rendered),
            Body::Broken(_) | Body::Skipped => None,
        }
    }
}
