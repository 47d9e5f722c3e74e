//! File names of migrations and callbacks, in Flyway's grammar (`ResourceNameParser.java`), with `A` beside it.

mod parse;

use std::fmt;

pub use parse::{CALLBACK_EVENTS, Parsed};

/// Prefixes, separator and suffixes of file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Prefix of versioned migrations.
    pub versioned: String,
    /// Prefix of repeatable migrations.
    pub repeatable: String,
    /// Prefix of migrations that run every time.
    pub always: String,
    /// Prefix of baseline migrations.
    pub baseline: String,
    /// Prefix of undo migrations.
    pub undo: String,
    /// Between version and description.
    pub separator: String,
    /// File name endings, compared without case; the first that matches wins.
    pub suffixes: Vec<String>,
}

impl Default for Naming {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            versioned: text("V"),
            repeatable: text("R"),
            always: text("A"),
            baseline: text("B"),
            undo: text("U"),
            separator: text("__"),
            suffixes: vec![text(".sql")],
        }
    }
}

/// What kind of script a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationKind {
    /// Runs once, in the order of versions.
    Versioned,
    /// Takes the place of all versioned ones up to its version, on an empty target.
    Baseline,
    /// Takes a version back.
    Undo,
    /// Runs again when its rendered text changes.
    Repeatable,
    /// Runs in every migrate, last.
    Always,
    /// Runs at an event of a command.
    Callback,
}

impl MigrationKind {
    /// The word of JSON and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Versioned => "versioned",
            Self::Baseline => "baseline",
            Self::Undo => "undo",
            Self::Repeatable => "repeatable",
            Self::Always => "always",
            Self::Callback => "callback",
        }
    }
}

impl fmt::Display for MigrationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
