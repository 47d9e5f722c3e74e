//! Rows of the history table.

use super::LedgerError;
use crate::{
    diagnostic::{Code, Diagnostic},
    model::history::{HistoryRow, RowType, abbreviate_description, abbreviate_script},
    session::Bind,
};

/// A history row to write; its rank is the head's plus one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHistoryRow {
    /// `version`.
    pub version: Option<String>,
    /// `description`; cut as Flyway cuts it.
    pub description: String,
    /// `type`.
    pub kind: RowType,
    /// `script`; cut as Flyway cuts it.
    pub script: String,
    /// `checksum`.
    pub checksum: Option<i64>,
    /// `installed_by`.
    pub installed_by: String,
    /// `execution_time` in milliseconds.
    pub execution_ms: i64,
    /// `success`.
    pub success: bool,
}

/// Rank and number of rows at the head of the history, as a run knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The highest rank; 0 for an empty table.
    pub rank: i64,
    /// Number of rows: a stranger may write our rank a second time.
    pub rows: i64,
}

impl Head {
    /// The head of rows that were read.
    pub fn of(rows: &[HistoryRow]) -> Self {
        let rank = rows.iter().map(|row| row.rank).max().unwrap_or(0);
        Self { rank: rank.max(0), rows: i64::try_from(rows.len()).unwrap_or(i64::MAX) }
    }

    /// The rank of the next row (Flyway: the last one's plus one; a `SCHEMA` row has 0).
    pub fn next(self) -> i64 {
        self.rank + 1
    }

    /// Both numbers in one text, as the fenced inserts compare them with the table's.
    pub(super) fn text(self) -> String {
        format!("{}/{}", self.rank, self.rows)
    }
}

/// Reads the answer to the statement that selects the history.
pub(super) fn read_rows(rows: &[Vec<Option<String>>]) -> Result<Vec<HistoryRow>, LedgerError> {
    rows.iter().enumerate().map(|(at, row)| read_row(row).map_err(|what| corrupt(at, &what))).collect()
}

fn corrupt(at: usize, what: &str) -> LedgerError {
    LedgerError::Corrupt(
        Diagnostic::error(
            Code::CorruptHistory,
            format!("row {} of the history table cannot be read: {what}", at + 1),
        )
        .hint("compare the row with docs/reference/ledger.md and mend it by hand"),
    )
}

fn read_row(row: &[Option<String>]) -> Result<HistoryRow, String> {
    let text = |at: usize, column: &str| {
        row.get(at).cloned().flatten().ok_or_else(|| format!("\"{column}\" is null"))
    };
    let number = |at: usize, column: &str| {
        let text = text(at, column)?;
        whole(&text).ok_or_else(|| format!("\"{column}\" holds '{text}', which is no whole number"))
    };
    Ok(HistoryRow {
        rank: number(0, "installed_rank")?,
        version: row.get(1).cloned().flatten(),
        description: row.get(2).cloned().flatten().unwrap_or_default(),
        kind: RowType::parse(&text(3, "type")?),
        script: text(4, "script")?,
        checksum: match row.get(5).cloned().flatten() {
            None => None,
            Some(_) => Some(number(5, "checksum")?),
        },
        installed_by: text(6, "installed_by")?,
        installed_on: text(7, "installed_on")?,
        execution_ms: number(8, "execution_time")?,
        success: truth(&text(9, "success")?).ok_or("\"success\" is no truth value")?,
    })
}

/// A whole number as a server prints it.
pub(super) fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A truth value as a server prints it.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A text that may be null.
pub(super) fn nullable(text: Option<String>) -> Bind {
    text.map_or(Bind::Null, Bind::Text)
}

/// The binds of a new row, up to `success`.
pub(super) fn binds(row: &NewHistoryRow, rank: i64) -> Vec<Bind> {
    vec![
        Bind::Integer(rank),
        nullable(row.version.clone()),
        Bind::Text(abbreviate_description(&row.description)),
        Bind::Text(row.kind.as_str().to_owned()),
        Bind::Text(abbreviate_script(&row.script)),
        row.checksum.map_or(Bind::Null, Bind::Integer),
        Bind::Text(row.installed_by.chars().take(100).collect()),
        Bind::Integer(row.execution_ms),
        Bind::Boolean(row.success),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(success: Option<&str>, checksum: Option<&str>) -> Vec<Option<String>> {
        let text = |text: &str| Some(text.to_owned());
        vec![
            text("3"),
            None,
            text("orders view"),
            text("SQL"),
            text("R__orders_view.sql"),
            checksum.map(str::to_owned),
            text("ann"),
            text("2026-01-01 00:00:00"),
            text("12"),
            success.map(str::to_owned),
        ]
    }

    #[test]
    fn truth_values_of_all_servers_are_read_and_others_are_named() {
        for (printed, read) in [("1", true), ("true", true), ("FALSE", false), ("0", false)] {
            assert_eq!(read_rows(&[row(Some(printed), Some("-7"))]).unwrap()[0].success, read);
        }
        for bad in [row(Some("maybe"), None), row(None, None), row(Some("1"), Some("many"))] {
            let Err(LedgerError::Corrupt(found)) = read_rows(&[bad]) else { panic!("accepted") };
            assert!(found.message.starts_with("row 1 of the history table"), "{}", found.message);
        }
    }

    #[test]
    fn head_of_an_empty_table_and_of_a_schema_row() {
        assert_eq!(Head::of(&[]), Head { rank: 0, rows: 0 });
        let mut schema = read_rows(&[row(Some("1"), None)]).unwrap();
        schema[0].rank = 0;
        assert_eq!((Head::of(&schema), Head::of(&schema).next()), (Head { rank: 0, rows: 1 }, 1));
    }
}
