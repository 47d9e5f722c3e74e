//! The history against the journal: rows that snowops wrote and that somebody changed or removed since.

use std::collections::HashSet;

use super::{context::Row, evaluate::Evaluation, journal::Journal};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        history::{HistoryRow, abbreviate_script},
        journal::{JournalRow, ScriptBody},
        migration::Migration,
        name::MigrationKind,
    },
};

/// Whether the history lacks rows that the journal says were written. That is no proof before the history was read after
/// the journal: a run that ended between the two looks the same.
pub fn lacks_rows(history: &[HistoryRow], journal: &[JournalRow]) -> bool {
    !lost_of(history, &Journal::of(journal)).is_empty()
}

/// Scripts that a run applied and recorded, as its `end` row proves, and of which the history has no row any more, with
/// that run. What `repair` changed since is left out.
pub(super) fn lost<'a>(evaluation: &Evaluation<'a>) -> Vec<(&'a str, &'a str)> {
    lost_of(evaluation.given.history, &evaluation.journal)
}

fn lost_of<'a>(history: &[HistoryRow], journal: &Journal<'a>) -> Vec<(&'a str, &'a str)> {
    let rows: HashSet<&str> = history.iter().map(|row| row.script.as_str()).collect();
    let mut lost: Vec<(&str, &str)> = journal
        .script_names()
        .filter(|script| !rows.contains(abbreviate_script(script).as_str()))
        .filter_map(|script| {
            let (row, body) = journal.planned(script)?;
            (leaves_row(body) && journal.succeeded(&row.run)).then_some((script, row.run.as_str()))
        })
        .collect();
    lost.sort_unstable();
    lost
}

fn leaves_row(body: &ScriptBody) -> bool {
    !matches!(body.kind, MigrationKind::Always | MigrationKind::Callback)
}

pub(super) fn findings(evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
    let finding = |(script, run): (&str, &str)| {
        Diagnostic::error(
            Code::HistoryChanged,
            format!("the history has lost the row of {script}, which run {run} applied and recorded"),
        )
        .note("a migrate would apply it a second time")
        .hint(format!(
            "bring the row back, on Snowflake with Time Travel; or, if {script} is really to run again, let \
             `snowops repair` forget that it was applied"
        ))
    };
    lost(evaluation).into_iter().map(finding).collect()
}

/// The row of a versioned migration whose file is as it was applied, and whose row is not as it was written.
pub(super) fn changed_row(
    evaluation: &Evaluation<'_>,
    migration: &Migration,
    row: &Row<'_>,
) -> Option<Diagnostic> {
    let (planned, body) = evaluation.journal.planned(&row.stored.script)?;
    let found = row.stored.checksum?;
    let as_applied = body.source_sha == migration.source_sha && body.crc == migration.crc;
    if !as_applied || found == i64::from(body.crc) {
        return None;
    }
    let message = format!(
        "the history's row of {} was changed: it says crc32:{found}, and run {} wrote crc32:{}",
        migration.script, planned.run, body.crc
    );
    Some(
        Diagnostic::error(Code::HistoryChanged, message)
            .in_file(&migration.file)
            .note("the file is as it was applied")
            .hint("find out who changed the row; `snowops repair` writes the file's checksum into it"),
    )
}
