//! The history against the journal: rows that snowops wrote and that somebody changed or removed since.

use std::collections::{HashMap, HashSet};

use super::{
    context::Row,
    evaluate::Evaluation,
    journal::{Journal, ScriptState},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        history::{HistoryRow, RowType, abbreviate_script},
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

/// Scripts that a run applied and recorded, as its `end` row or a later script proves, and of which the history has no
/// row any more, with that run. What `repair` changed since is left out.
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
            (leaves_row(body) && journal.applied(row)).then_some((script, row.run.as_str()))
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

/// A row of a versioned migration and the journal say the opposite of its success.
pub(super) struct Contradicted<'a> {
    row: &'a HistoryRow,
    /// The run that recorded the opposite.
    run: String,
    /// Where that run recorded a failure; none: it applied the script.
    failed: Option<(usize, usize)>,
}

impl Contradicted<'_> {
    /// Whether the journal says that the script was applied.
    pub(super) fn is_applied(&self) -> bool {
        self.failed.is_none()
    }

    pub(super) fn finding(&self) -> Diagnostic {
        let Self { row, run, failed } = self;
        let (says, wrote, hint) = match failed {
            Some((at, of)) => (
                "was applied",
                format!(
                    "run {run} recorded that its statement {at} of {of} failed, and no run of snowops finished it"
                ),
                "if another tool or a person finished it, `snowops repair` takes the row as it stands; if not, set its \
                 \"success\" back to false, and `snowops migrate` goes on where it stopped",
            ),
            None => (
                "failed",
                format!("run {run} recorded that it was applied"),
                "find out who changed the row; `snowops repair` sets its \"success\" to true",
            ),
        };
        let message = format!("the history's row of {} says that it {says}, but {wrote}", row.script);
        Diagnostic::error(Code::HistoryChanged, message).hint(hint)
    }
}

/// Whether the journal contradicts what a row says of its success. Only a row that stands alone for its script: of a
/// migration that was undone, or that another tool applied again, there are more.
fn contradicted<'a>(evaluation: &Evaluation<'a>, row: &Row<'a>) -> Option<Contradicted<'a>> {
    let found = row.stored;
    let script = found.script.as_str();
    let alone = || evaluation.given.history.iter().filter(|other| other.script == script).count() == 1;
    let (planned, body) = evaluation.journal.planned(script)?;
    if body.kind != MigrationKind::Versioned || found.kind != RowType::Sql {
        return None;
    }
    let failed = match evaluation.journal.state(script, true) {
        ScriptState::Open(attempt) if found.success => {
            Some((attempt.failed?.ordinal, attempt.planned.statements.len()))
        }
        ScriptState::Done if !found.success => None,
        ScriptState::Open(_) | ScriptState::Done | ScriptState::Fresh => return None,
    };
    alone().then(|| Contradicted { row: found, run: planned.run.clone(), failed })
}

/// All such rows by script.
pub(super) fn contradictions<'a>(evaluation: &Evaluation<'a>) -> HashMap<&'a str, Contradicted<'a>> {
    let rows = evaluation.entries.iter().filter_map(|entry| evaluation.row(entry));
    rows.filter_map(|row| Some((row.stored.script.as_str(), contradicted(evaluation, row)?))).collect()
}
