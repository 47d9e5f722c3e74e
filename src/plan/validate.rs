//! Every reason why files and target do not agree (`MigrationInfoImpl.validate`, with snowops' own checksums).

use std::{
    collections::{HashMap, HashSet},
    ptr,
    sync::Arc,
};

use super::{
    callbacks::Callbacks,
    context::Row,
    evaluate::{Entry, Evaluation},
    explain, guard,
    resume::Answer,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        checksum::Sha256,
        history::{HistoryRow, RowType, abbreviate_description},
        migration::{Body, Migration, Prepared},
        name::MigrationKind,
        plan::Target,
        state::{IgnoredBecause, Mark, MigrationState},
    },
};

/// What the findings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `validate`: a half applied script is an error.
    Validate,
    /// A migrate, which goes on with a half applied script if it can.
    Plan,
}

pub(super) fn findings(evaluation: &Evaluation<'_>, purpose: Purpose) -> Vec<Diagnostic> {
    let check = Check { evaluation, purpose, templates: templates(evaluation) };
    let mut findings = history(evaluation);
    findings.extend(guard::findings(evaluation));
    findings.extend(target(evaluation));
    for entry in &evaluation.entries {
        check.state(entry, &mut findings);
        check.both_sides(entry, &mut findings);
    }
    findings.extend(future(evaluation));
    findings.extend(bodies(evaluation));
    findings
}

/// A history that contradicts itself.
fn history(evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
    let rows = &evaluation.history.rows;
    let mut findings = Vec::new();
    for pair in rows.windows(2) {
        let (a, b) = (pair[0].stored, pair[1].stored);
        if a.rank == b.rank {
            findings.push(
                Diagnostic::error(
                    Code::CorruptHistory,
                    format!("two rows of the history have installed_rank {}: {} and {}", a.rank, a.script, b.script),
                )
                .note(format!("{}, by {} on {}", a.script, a.installed_by, a.installed_on))
                .note(format!("{}, by {} on {}", b.script, b.installed_by, b.installed_on))
                .hint(
                    "another tool wrote to the table while snowops ran, or two others did; find out what each row \
                     stands for and give one of them a new rank, in order of time",
                ),
            );
        }
    }
    for at in &evaluation.history.duplicate_deletes {
        let row = rows[*at].stored;
        findings.push(
            Diagnostic::error(
                Code::CorruptHistory,
                format!(
                    "the history marks version {} as removed twice, at installed_rank {}, and it was not applied in \
                     between",
                    row.version.as_deref().unwrap_or_default(),
                    row.rank
                ),
            )
            .hint("delete one of the two DELETE rows from the history table"),
        );
    }
    findings
}

fn target(evaluation: &Evaluation<'_>) -> Option<Diagnostic> {
    let Target::Version { version, optional: false } = &evaluation.given.policy.target else { return None };
    let applied =
        evaluation.history.rows.iter().any(|row| row.stands() && row.version.as_ref() == Some(version));
    if applied || evaluation.files.has_version(version) {
        return None;
    }
    let finding = Diagnostic::error(
        Code::UnknownTarget,
        format!("target {version} is no version of any migration, on disk or in the history"),
    );
    Some(
        finding.hint(format!(
            "check the number, or write `--target {version}?` to stop at it without having it"
        )),
    )
}

/// Rows that a newer set of files wrote. Flyway lets them pass, but for failed ones beyond the first.
fn future(evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
    let rows = |state: &MigrationState| -> Vec<&HistoryRow> {
        let entries = evaluation.entries.iter().filter(|entry| entry.state == *state);
        entries.filter_map(|entry| evaluation.row(entry)).map(|row| row.stored).collect()
    };
    let mut findings = Vec::new();
    let applied = rows(&MigrationState::FutureSuccess);
    if let Some(last) = applied.last() {
        findings.push(
            Diagnostic::warning(
                Code::MissingMigration,
                format!(
                    "the target holds {} above all files, up to {}",
                    explain::count(applied.len(), "migration"),
                    last.script
                ),
            )
            .hint("this checkout is older than what was applied; take a newer one"),
        );
    }
    let failed = rows(&MigrationState::FutureFailed);
    for row in &failed {
        let message = format!("{}, which lies above all files, failed", row.script);
        let finding = if failed.len() == 1 {
            Diagnostic::warning(Code::FailedMigration, message)
        } else {
            Diagnostic::error(Code::FailedMigration, message)
        };
        findings.push(finding.note(row_note(row)).hint("run migrate or repair from the newer set of files"));
    }
    findings
}

/// Scripts that cannot run, and warnings about those that would.
fn bodies(evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    let mut findings = Vec::new();
    let scripts =
        evaluation.entries.iter().filter(|entry| needs_text(entry)).filter_map(|entry| entry.prepared);
    let callbacks = Callbacks::of(evaluation);
    let all: Vec<&Arc<Prepared>> = scripts.chain(callbacks.of_migrate()).collect();
    for prepared in all {
        if !seen.insert(ptr::from_ref(&**prepared)) {
            continue;
        }
        match &prepared.body {
            Body::Ready(rendered) => findings.extend(rendered.warnings.iter().cloned()),
            Body::Broken(why) => findings.extend(why.iter().cloned()),
            Body::Skipped => findings.push(
                Diagnostic::error(
                    Code::Internal,
                    format!("{} would run and was not rendered", prepared.migration.script),
                )
                .in_file(&prepared.migration.file),
            ),
        }
    }
    findings
}

/// Whether the text of a migration matters now: it would run, or it is a repeatable that is compared by its text.
fn needs_text(entry: &Entry<'_>) -> bool {
    let repeatable = entry.migration().is_some_and(|migration| migration.kind == MigrationKind::Repeatable);
    match entry.state {
        MigrationState::Pending
        | MigrationState::Failed { .. }
        | MigrationState::Unknown { .. }
        | MigrationState::Always { .. } => true,
        MigrationState::Success | MigrationState::Outdated | MigrationState::Superseded => repeatable,
        MigrationState::AboveTarget
        | MigrationState::BelowBaseline
        | MigrationState::BaselineIgnored
        | MigrationState::Baseline
        | MigrationState::Ignored { .. }
        | MigrationState::MissingSuccess
        | MigrationState::MissingFailed
        | MigrationState::Undone
        | MigrationState::Available
        | MigrationState::OutOfOrder
        | MigrationState::FutureSuccess
        | MigrationState::FutureFailed
        | MigrationState::Deleted
        | MigrationState::Changed { .. } => false,
    }
}

/// The templates as they are now: those that scripts loaded, and those that the journal names.
fn templates<'a>(evaluation: &Evaluation<'a>) -> HashMap<&'a str, Sha256> {
    let given = evaluation.given;
    let rendered = given.migrations.iter().filter_map(|prepared| prepared.rendered());
    let loaded = rendered.flat_map(|rendered| &rendered.templates).map(|(name, sha)| (name.as_str(), *sha));
    given.templates.iter().map(|(name, sha)| (name.as_str(), *sha)).chain(loaded).collect()
}

fn row_note(row: &HistoryRow) -> String {
    format!("installed_rank {}, by {} on {}", row.rank, row.installed_by, row.installed_on)
}

struct Check<'e, 'a> {
    evaluation: &'e Evaluation<'a>,
    purpose: Purpose,
    templates: HashMap<&'a str, Sha256>,
}

impl Check<'_, '_> {
    fn state(&self, entry: &Entry<'_>, findings: &mut Vec<Diagnostic>) {
        let row = self.evaluation.row(entry);
        match &entry.state {
            MigrationState::Failed { at, of, .. } => self.failed(entry, row, at.zip(*of), findings),
            MigrationState::Unknown { at, of } => self.unknown(entry, *at, *of, findings),
            MigrationState::MissingFailed => findings.extend(row.map(|row| {
                Diagnostic::error(
                    Code::FailedMigration,
                    format!("{} failed, and its file is gone", row.stored.script),
                )
                .note(row_note(row.stored))
                .hint(
                    "take back by hand what it did, then run `snowops repair`, which removes the failed row",
                )
            })),
            MigrationState::MissingSuccess => findings.extend(row.and_then(missing)),
            MigrationState::Ignored { why: IgnoredBecause::BelowApplied } => {
                findings.extend(entry.migration().map(|migration| self.ignored(migration)));
            }
            MigrationState::Pending => {
                self.waits(entry, Code::PendingMigration, "waits to be applied", findings);
            }
            MigrationState::Outdated => {
                self.waits(entry, Code::OutdatedMigration, "changed since it was applied", findings);
            }
            MigrationState::Always { changed: true } => {
                self.waits(entry, Code::PendingMigration, "is new or changed, and waits to run", findings);
            }
            MigrationState::Changed { applied, found } => {
                findings.extend(entry.migration().map(|migration| {
                    row.and_then(|row| guard::changed_row(self.evaluation, migration, row))
                        .unwrap_or_else(|| changed(migration, row, *applied, *found))
                }));
            }
            MigrationState::Success | MigrationState::OutOfOrder => {
                findings.extend(row.and_then(|row| self.contradicted(entry, row)));
            }
            MigrationState::AboveTarget
            | MigrationState::BelowBaseline
            | MigrationState::BaselineIgnored
            | MigrationState::Baseline
            | MigrationState::Ignored { .. }
            | MigrationState::Undone
            | MigrationState::Available
            | MigrationState::FutureSuccess
            | MigrationState::FutureFailed
            | MigrationState::Superseded
            | MigrationState::Deleted
            | MigrationState::Always { changed: false } => {}
        }
    }

    fn contradicted(&self, entry: &Entry<'_>, row: &Row<'_>) -> Option<Diagnostic> {
        let found = self.evaluation.contradicted.get(row.stored.script.as_str())?;
        let finding = found.finding().note(row_note(row.stored));
        Some(match entry.migration() {
            Some(migration) => finding.in_file(&migration.file),
            None => finding,
        })
    }

    fn failed(
        &self,
        entry: &Entry<'_>,
        row: Option<&Row<'_>>,
        place: Option<(usize, usize)>,
        findings: &mut Vec<Diagnostic>,
    ) {
        if let Some(finding) = row.and_then(|row| self.contradicted(entry, row)) {
            return findings.push(finding);
        }
        let hint = match &entry.resume {
            Some(Answer::Stop(why)) if !why.is_empty() => return findings.extend(why.iter().cloned()),
            Some(_) if self.purpose == Purpose::Plan => return,
            Some(_) => "mend the script; `snowops migrate` then goes on at that statement",
            None if entry.migration().is_some_and(|migration| migration.kind == MigrationKind::Always) => {
                if self.purpose == Purpose::Plan {
                    return;
                }
                "mend the script; `snowops migrate` runs it again"
            }
            None => {
                "nothing tells how far it came: take back by hand what it did, then run `snowops repair`, which \
                 removes the failed row"
            }
        };
        let Some(script) = script_of(entry, row) else { return };
        let message = match place {
            Some((at, of)) => format!("{script} stopped at statement {at} of {of}"),
            None => format!("{script} failed"),
        };
        let mut finding = Diagnostic::error(Code::FailedMigration, message).hint(hint);
        if let Some(migration) = entry.migration() {
            finding = finding.in_file(&migration.file);
        }
        if let Some(row) = row {
            finding = finding.note(row_note(row.stored));
        }
        findings.push(finding);
    }

    fn unknown(&self, entry: &Entry<'_>, at: usize, of: usize, findings: &mut Vec<Diagnostic>) {
        match &entry.resume {
            Some(Answer::Stop(why)) if !why.is_empty() => return findings.extend(why.iter().cloned()),
            Some(_) if self.purpose == Purpose::Plan => return,
            Some(_) | None => {}
        }
        let Some(migration) = entry.migration() else { return };
        let script = &migration.script;
        findings.push(
            Diagnostic::error(
                Code::UnknownOutcome,
                format!("whether statement {at} of {of} of {script} was done is not known"),
            )
            .in_file(&migration.file)
            .hint(format!(
                "`snowops migrate` asks the server and goes on if that can tell; if not, look for yourself and say \
                 so: `snowops repair --script {script} --statement {at} --mark-done` or `--mark-not-done`"
            )),
        );
    }

    fn ignored(&self, migration: &Migration) -> Diagnostic {
        let last = self.evaluation.history.last_applied.as_ref();
        let below =
            last.map(|last| format!("below {last}, the highest applied version, and ")).unwrap_or_default();
        let finding =
            Diagnostic::error(Code::IgnoredMigration, format!("{} is {below}not applied", migration.script));
        finding.in_file(&migration.file).hint(
            "give it a version above that, or apply it where it is with `--out-of-order`, if no later migration \
             relies on it",
        )
    }

    fn waits(&self, entry: &Entry<'_>, code: Code, what: &str, findings: &mut Vec<Diagnostic>) {
        if !self.evaluation.given.policy.strict_pending || self.purpose == Purpose::Plan {
            return;
        }
        findings.extend(entry.migration().map(|migration| {
            Diagnostic::error(code, format!("{} {what}", migration.script))
                .in_file(&migration.file)
                .hint("run `snowops migrate`, or leave `--pending` out")
        }));
    }

    /// What is compared where a row and a file belong together and the row stands.
    fn both_sides(&self, entry: &Entry<'_>, findings: &mut Vec<Diagnostic>) {
        let (Some(row), Some(prepared)) = (self.evaluation.row(entry), entry.prepared) else { return };
        let compared = matches!(
            entry.state,
            MigrationState::Success
                | MigrationState::OutOfOrder
                | MigrationState::Changed { .. }
                | MigrationState::Outdated
        );
        if !compared
            || row.stored.kind.is_synthetic()
            || row.stored.kind.is_undo()
            || !self.evaluation.is_above_baseline(row.version.as_ref())
        {
            return;
        }
        let migration = &prepared.migration;
        findings.extend(other_type(migration, row.stored));
        findings.extend(other_description(migration, row.stored));
        if migration.kind == MigrationKind::Versioned {
            findings.extend(self.changed_templates(entry, migration));
        }
    }

    fn changed_templates(&self, entry: &Entry<'_>, migration: &Migration) -> Vec<Diagnostic> {
        let Some(known) = entry.journal else { return Vec::new() };
        let loaded = known.body.templates.iter();
        let changed = loaded.filter_map(|(name, applied)| {
            let found = self.templates.get(name.as_str()).filter(|found| *found != applied)?;
            Some((name, applied, *found))
        });
        changed
            .map(|(name, applied, found)| {
                Diagnostic::warning(
                    Code::ChangedTemplate,
                    format!("template {name} changed after {}, which uses it, was applied", migration.script),
                )
                .in_file(&migration.file)
                .note(format!("applied with sha256:{applied}"))
                .note(format!("now          sha256:{found}"))
                .hint("what is applied stays as it is; a new target would get the new text: check that both fit")
            })
            .collect()
    }
}

fn script_of<'a>(entry: &'a Entry<'_>, row: Option<&'a Row<'_>>) -> Option<&'a str> {
    let file = entry.migration().map(|migration| migration.script.as_str());
    file.or(row.map(|row| row.stored.script.as_str()))
}

fn missing(row: &Row<'_>) -> Option<Diagnostic> {
    if row.stored.kind.is_synthetic() || row.stored.kind.is_undo() {
        return None;
    }
    let script = &row.stored.script;
    let what = match (&row.version, &row.stored.version) {
        (Some(version), _) => format!("version {version} is applied, and has no file ({script})"),
        (None, Some(text)) => {
            format!(
                "the history has a version '{text}' that snowops cannot read, and no file for it ({script})"
            )
        }
        (None, None) => format!("'{}' is applied, and has no file ({script})", row.stored.description),
    };
    let finding = Diagnostic::error(Code::MissingMigration, what).note(row_note(row.stored));
    Some(finding.hint(
        "bring the file back from version control; if it is gone for good, `snowops repair` marks it as removed",
    ))
}

fn changed(migration: &Migration, row: Option<&Row<'_>>, applied: Mark, found: Mark) -> Diagnostic {
    let full = |mark: Mark| match mark {
        Mark::Crc(crc) => format!("crc32:{crc}"),
        Mark::Sha(sha) => format!("sha256:{sha}"),
    };
    let finding = Diagnostic::error(
        Code::ChecksumMismatch,
        format!("{} changed after it was applied: applied {applied}, found {found}", migration.script),
    );
    let mut finding = finding
        .in_file(&migration.file)
        .note(format!("applied {}", full(applied)))
        .note(format!("found   {}", full(found)))
        .hint(
            "put the file back as it was applied and make the change in a new migration; or, if the target already \
             has what the file says, run `snowops repair` to take the new checksum over",
        );
    if let Some(row) = row {
        finding = finding.note(row_note(row.stored));
    }
    finding
}

fn other_type(migration: &Migration, row: &HistoryRow) -> Option<Diagnostic> {
    let expected = match migration.kind {
        MigrationKind::Baseline => RowType::SqlBaseline,
        MigrationKind::Versioned
        | MigrationKind::Repeatable
        | MigrationKind::Undo
        | MigrationKind::Always
        | MigrationKind::Callback => RowType::Sql,
    };
    (row.kind != expected).then(|| {
        Diagnostic::error(
            Code::TypeMismatch,
            format!(
                "{} was applied as type {}, and its file is of type {}",
                migration.script,
                row.kind.as_str(),
                expected.as_str()
            ),
        )
        .in_file(&migration.file)
        .note(row_note(row))
        .hint("bring the old file back, or run `snowops repair` if the new one does the same")
    })
}

fn other_description(migration: &Migration, row: &HistoryRow) -> Option<Diagnostic> {
    let found = abbreviate_description(&migration.description);
    (row.description != found).then(|| {
        Diagnostic::error(
            Code::DescriptionMismatch,
            format!(
                "{} was applied with the description '{}', not '{found}'",
                migration.script, row.description
            ),
        )
        .in_file(&migration.file)
        .note(row_note(row))
        .hint("give the file its old name back, or run `snowops repair` to take the new description over")
    })
}
