//! Rows of the journal.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LedgerError, history::nullable};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        history::abbreviate_script,
        journal::{JournalBody, JournalRow, RunOutcome},
    },
    session::Bind,
};

/// The layout of the three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layout {
    /// A newer one is refused by every command.
    pub major: u32,
    /// A newer one is read, and refused by commands that write.
    pub minor: u32,
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What was read of a journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Read {
    pub(super) rows: Vec<JournalRow>,
    pub(super) layout: Option<Layout>,
    pub(super) now: Option<String>,
}

/// Reads the answer to the statement that selects the journal. A repeated (run, seq) is ignored. Kinds that this
/// snowops does not know are those of a newer layout and left out; what it knows it must be able to read.
pub(super) fn read_rows(rows: &[Vec<Option<String>>]) -> Result<Read, LedgerError> {
    let mut read = Read::default();
    let mut seen = BTreeSet::new();
    for row in rows {
        if read.now.is_none() {
            read.now = row.get(7).cloned().flatten();
        }
        let Some(row) = read_row(row)? else { continue };
        if let JournalBody::Layout { major, minor } = row.body {
            read.layout = read.layout.max(Some(Layout { major, minor }));
        }
        if seen.insert((row.run.clone(), row.seq)) {
            read.rows.push(row);
        }
    }
    Ok(read)
}

const KINDS: [&str; 11] =
    ["layout", "run", "script", "step", "session", "done", "failed", "settled", "repaired", "adopted", "end"];

fn read_row(row: &[Option<String>]) -> Result<Option<JournalRow>, LedgerError> {
    let get = |at: usize| row.get(at).cloned().flatten();
    let (Some(run), Some(seq), Some(kind), Some(body)) =
        (get(0), get(1).and_then(|seq| seq.parse().ok()), get(2), get(5))
    else {
        return Err(corrupt("?", "?", "\"run\", \"seq\", \"kind\" or \"body\" is null"));
    };
    if !KINDS.contains(&kind.as_str()) {
        return Ok(None);
    }
    let body = body_of(&kind, &body).map_err(|error| corrupt(&run, &kind, &error.to_string()))?;
    // In a `run` row the column repeats the token, in an `end` row whether it was a success, so that SQL need not read
    // JSON.
    let ordinal = match body {
        JournalBody::Run(_) | JournalBody::End { .. } => None,
        _ => get(4).and_then(|text| text.parse().ok()),
    };
    Ok(Some(JournalRow { run, seq, script: get(3), ordinal, body, at: get(6).unwrap_or_default() }))
}

fn corrupt(run: &str, kind: &str, what: &str) -> LedgerError {
    LedgerError::Corrupt(
        Diagnostic::error(
            Code::CorruptHistory,
            format!("a row of kind '{kind}' of run {run} in the journal cannot be read: {what}"),
        )
        .hint("the journal is written by snowops alone: find out who changed it before going on"),
    )
}

fn body_of(kind: &str, body: &str) -> Result<JournalBody, serde_json::Error> {
    let body: Value = serde_json::from_str(body)?;
    serde_json::from_value(serde_json::json!({ "kind": kind, "body": body }))
}

/// The JSON of the column `body`.
fn body_text(body: &JournalBody) -> String {
    match serde_json::to_value(body) {
        Ok(Value::Object(mut fields)) => fields.remove("body").unwrap_or(Value::Null).to_string(),
        // The bodies are plain structs with text keys: they always have a JSON form.
        _ => Value::Null.to_string(),
    }
}

/// The body of a layout row.
pub(super) fn layout_text(layout: Layout) -> String {
    body_text(&JournalBody::Layout { major: layout.major, minor: layout.minor })
}

/// A row to write: script, statement, body.
pub type NewJournalRow = (Option<String>, Option<usize>, JournalBody);

/// The binds of a row.
pub(super) fn binds(run: &str, seq: i64, row: &NewJournalRow) -> [Bind; super::sql::JOURNAL_BINDS] {
    let (script, ordinal, body) = row;
    let ordinal = match body {
        JournalBody::Run(run) => Bind::Integer(run.token),
        JournalBody::End { outcome, .. } => Bind::Integer(i64::from(*outcome == RunOutcome::Success)),
        _ => ordinal.and_then(|ordinal| i64::try_from(ordinal).ok()).map_or(Bind::Null, Bind::Integer),
    };
    [
        Bind::Text(run.to_owned()),
        Bind::Integer(seq),
        Bind::Text(body.kind().to_owned()),
        nullable(script.as_deref().map(abbreviate_script)),
        ordinal,
        Bind::Text(body_text(body)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::journal::{Done, SettledBy, SettledOutcome};

    #[expect(clippy::unnecessary_wraps, reason = "a cell that is not null")]
    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn stored(row: &NewJournalRow, seq: i64) -> Vec<Option<String>> {
        let mut stored: Vec<_> = binds("r1", seq, row)
            .into_iter()
            .map(|bind| match bind {
                Bind::Null => None,
                Bind::Text(text) => Some(text),
                Bind::Integer(number) => Some(number.to_string()),
                Bind::Boolean(truth) => Some(truth.to_string()),
            })
            .collect();
        stored.extend([text("2026-01-01 00:00:00.000000"), text("2026-01-01 00:00:09.000000")]);
        stored
    }

    #[test]
    fn what_is_written_is_read_back_and_a_repeated_number_is_ignored() {
        let done = Done { ordinal: 1, query_id: text("q") };
        let rows: Vec<NewJournalRow> = vec![
            (None, None, JournalBody::Layout { major: 1, minor: 3 }),
            (text("V1__a.sql"), Some(2), JournalBody::Step { done: vec![done.clone()], next: 2 }),
            (
                text("V1__a.sql"),
                Some(2),
                JournalBody::Settled {
                    run: "r0".into(),
                    ordinal: 2,
                    by: SettledBy::State,
                    outcome: SettledOutcome::NotDone,
                },
            ),
            (None, None, JournalBody::End { outcome: RunOutcome::Success, last: vec![done] }),
        ];
        let mut table: Vec<_> = rows.iter().zip(1..).map(|(row, seq)| stored(row, seq)).collect();
        table.push(table[1].clone());
        let mut unknown = table[0].clone();
        unknown[1..3].clone_from_slice(&[text("9"), text("hologram")]);
        table.push(unknown);
        let read = read_rows(&table).unwrap();
        assert_eq!(read.layout, Some(Layout { major: 1, minor: 3 }));
        assert_eq!(read.now.as_deref(), Some("2026-01-01 00:00:09.000000"));
        let found: Vec<_> = read.rows.into_iter().map(|row| (row.script, row.ordinal, row.body)).collect();
        assert_eq!(found, rows);
    }

    #[test]
    fn a_known_kind_with_another_body_is_named() {
        let mut row = stored(&(None, None, JournalBody::Layout { major: 1, minor: 0 }), 1);
        row[5] = text("{\"major\": \"one\"}");
        let Err(LedgerError::Corrupt(found)) = read_rows(&[row]) else { panic!("accepted") };
        assert!(found.message.contains("kind 'layout' of run r1"), "{}", found.message);
    }

    #[test]
    fn every_kind_is_known() {
        let mut kinds = KINDS.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), 11);
        assert!(KINDS.contains(&JournalBody::Session { session: String::new() }.kind()));
    }
}
