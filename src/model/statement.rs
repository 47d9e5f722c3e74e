//! One statement of a script, as plans, journal, lint and `render --statements` share it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{checksum::Sha256, facts::Facts};

/// Where something stands in a **source** file (not in the rendered text). Lines and columns count from 1, columns
/// in characters; offsets are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceSpan {
    /// Path as the user would type it.
    pub file: Arc<str>,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
}

/// Hash v1 of a statement: SHA-256 of exactly the bytes that are sent, from its first to its last token that is
/// neither comment nor white space, without the `;`, with slots in place of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatementHash(pub Sha256);

impl StatementHash {
    /// The hash of a statement's text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::of(text.as_bytes()))
    }
}

impl fmt::Display for StatementHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A statement that a plan or `render` shows. Data only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Place in its script, from 1.
    pub ordinal: usize,
    /// The text that is sent, secrets as slots.
    pub text: String,
    /// Where it stands in the source.
    pub at: SourceSpan,
    /// Its identity across runs.
    pub hash: StatementHash,
    /// What it is and does.
    pub facts: Facts,
    /// What its header comments ask for.
    #[serde(default, skip_serializing_if = "StatementSettings::is_empty")]
    pub settings: StatementSettings,
}

/// `-- snowops:` keys before one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementSettings {
    /// `local=opaque`: the embedded engine lets it through unread.
    #[serde(default)]
    pub local_opaque: bool,
    /// `allow=HAZARD`: hazards that a person accepted.
    #[serde(default)]
    pub allow: Vec<String>,
    /// `reason="..."`: why.
    #[serde(default)]
    pub reason: Option<String>,
}

impl StatementSettings {
    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// What may be done with a statement whose outcome is not known, or that a resume meets again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Repeated freely; makes no boundary.
    Read,
    /// Running it twice is the same as once.
    Idempotent,
    /// The catalogue can tell whether it was done.
    Checkable,
    /// USE, SET, ALTER SESSION: sent again before a resume goes on.
    Session,
    /// BEGIN, COMMIT, ROLLBACK, and the DML between them: resumes as a unit.
    Transaction,
    /// Only query history or a person can tell.
    Opaque,
}

impl Class {
    /// The word of JSON and journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Idempotent => "idempotent",
            Self::Checkable => "checkable",
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Opaque => "opaque",
        }
    }
}
