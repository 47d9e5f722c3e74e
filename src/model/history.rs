//! The schema history table, as Flyway defines it (`JdbcTableSchemaHistory.java`).

use super::version::Version;

/// One row of the history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// `installed_rank`: order of application.
    pub rank: i64,
    /// `version`: its text as stored; `None` for repeatables and `SCHEMA` rows.
    pub version: Option<String>,
    /// `description`, cut to 200 characters as Flyway does.
    pub description: String,
    /// `type`, as stored.
    pub kind: RowType,
    /// `script`.
    pub script: String,
    /// `checksum`.
    pub checksum: Option<i64>,
    /// `installed_by`.
    pub installed_by: String,
    /// `installed_on`, as the server prints it.
    pub installed_on: String,
    /// `execution_time` in milliseconds.
    pub execution_ms: i64,
    /// `success`.
    pub success: bool,
}

impl HistoryRow {
    /// The version as a value; `None` too for a text that no version grammar knows.
    pub fn parsed_version(&self) -> Option<Version> {
        self.version.as_deref().and_then(Version::parse)
    }
}

/// `type` of a history row. Flyway's older names are read as their successors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowType {
    /// A schema that Flyway created.
    Schema,
    /// A baseline that `baseline` wrote.
    Baseline,
    /// A removal that `repair` wrote.
    Delete,
    /// A SQL migration.
    Sql,
    /// A baseline migration.
    SqlBaseline,
    /// An undo migration (written by paid Flyway).
    UndoSql,
    /// Any other type: JDBC, SCRIPT, CUSTOM and what newer Flyways write. Read, never a crash.
    Other(String),
}

impl RowType {
    /// Reads a stored type.
    pub fn parse(text: &str) -> Self {
        match text {
            "SCHEMA" => Self::Schema,
            "BASELINE" => Self::Baseline,
            "DELETE" => Self::Delete,
            "SQL" => Self::Sql,
            "SQL_BASELINE" | "SQL_STATE_SCRIPT" => Self::SqlBaseline,
            "UNDO_SQL" => Self::UndoSql,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The text to store.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Schema => "SCHEMA",
            Self::Baseline => "BASELINE",
            Self::Delete => "DELETE",
            Self::Sql => "SQL",
            Self::SqlBaseline => "SQL_BASELINE",
            Self::UndoSql => "UNDO_SQL",
            Self::Other(text) => text,
        }
    }

    /// Whether rows of the type stand for no file: written by commands, not by migrations.
    pub fn is_synthetic(&self) -> bool {
        matches!(self, Self::Schema | Self::Baseline | Self::Delete)
    }

    /// Whether rows of the type mark a baseline.
    pub fn is_baseline(&self) -> bool {
        matches!(self, Self::Baseline | Self::SqlBaseline) || self.as_str() == "JDBC_BASELINE"
    }

    /// Whether rows of the type take a version back.
    pub fn is_undo(&self) -> bool {
        self.as_str().starts_with("UNDO_")
    }
}

/// Flyway's cut of a description to 200 characters (`AbbreviationUtils.java`): 197 and `...`.
pub fn abbreviate_description(text: &str) -> String {
    if text.chars().count() <= 200 {
        return text.to_owned();
    }
    text.chars().take(197).chain("...".chars()).collect()
}

/// Flyway's cut of a script path to 1000 characters: `...` and its last 997.
pub fn abbreviate_script(text: &str) -> String {
    let length = text.chars().count();
    if length <= 1000 {
        return text.to_owned();
    }
    "...".chars().chain(text.chars().skip(length - 997)).collect()
}
