//! Small answers about one migration or a whole plan, for reports, `repair` and a takeover.

use std::collections::HashSet;

use super::journal::{Journal, ScriptState};
use crate::model::{
    checksum::Sha256,
    history::{HistoryRow, RowType, abbreviate_description, abbreviate_script},
    journal::{JournalBody, JournalRow, KnownRun, RunOutcome},
    name::MigrationKind,
    plan::{MigrationStatus, Plan, Resume, Step},
    state::MigrationState,
    version::Version,
};

/// The kind of a migration; of a row without a file as far as the row tells.
pub fn kind_of(status: &MigrationStatus) -> MigrationKind {
    if let Some(migration) = &status.migration {
        return migration.kind;
    }
    match &status.applied {
        Some(row) if row.kind.is_baseline() => MigrationKind::Baseline,
        Some(row) if row.kind.is_undo() => MigrationKind::Undo,
        Some(row) if row.version.is_none() && row.kind == RowType::Sql => MigrationKind::Repeatable,
        _ => MigrationKind::Versioned,
    }
}

/// The highest version that stands in the target.
pub fn current_version(plan: &Plan) -> Option<String> {
    highest(plan).map(|version| version.to_string())
}

/// [`current_version`] after a run applied `versions`.
pub fn version_after<'a>(plan: &Plan, versions: impl Iterator<Item = &'a str>) -> Option<String> {
    let applied = versions.filter_map(Version::parse).max();
    highest(plan).max(applied).map(|version| version.to_string())
}

fn highest(plan: &Plan) -> Option<Version> {
    let in_place = plan.migrations.iter().filter(|status| status.state.is_in_place());
    in_place.filter_map(|status| status.applied.as_ref()?.parsed_version()).max()
}

/// Runs without an `end` row, oldest first.
pub fn open_runs(journal: &[JournalRow]) -> Vec<KnownRun> {
    let ended = |row: &&JournalRow| matches!(row.body, JournalBody::End { .. });
    let ended: HashSet<&str> = journal.iter().filter(ended).map(|row| row.run.as_str()).collect();
    known_runs(journal, |run| !ended.contains(run))
}

/// Runs of which a statement may still be running: the open ones, and those that ended without knowing, or were closed by
/// a later run, and of which a step of the plan goes on. Who closed it found out what it did, but was cut off before that
/// was written.
pub fn left_running(journal: &[JournalRow], plan: &Plan) -> Vec<KnownRun> {
    let goes_on = |run: &KnownRun| {
        let mut resumes = plan.steps.iter().filter_map(|step| step.resume.as_ref());
        resumes.any(|resume| resume.run == run.id) || starts_anew(journal, plan, run)
    };
    let has = |is: &dyn Fn(&JournalRow) -> bool| journal.iter().any(is);
    // What was settled was found to be over, or a person said so.
    let unknown = |run: &str| {
        has(&|row| {
            let JournalBody::End { outcome, .. } = &row.body else { return false };
            row.run == run && matches!(outcome, RunOutcome::Unknown | RunOutcome::Abandoned)
        }) && !has(&|row| matches!(&row.body, JournalBody::Settled { run: of, .. } if of == run))
    };
    let mut runs = open_runs(journal);
    runs.extend(known_runs(journal, unknown).into_iter().filter(goes_on));
    runs
}

/// Whether a plan starts the script anew in which a run stopped: `A__` scripts and callbacks do not go on.
fn starts_anew(journal: &[JournalRow], plan: &Plan, run: &KnownRun) -> bool {
    let end = |row: &&JournalRow| row.run == run.id && matches!(row.body, JournalBody::End { .. });
    let Some(script) = journal.iter().rfind(end).and_then(|end| end.script.as_deref()) else { return false };
    // A later run that planned it waited before it did.
    let newest = journal.iter().rev().find(|row| row.script.as_deref() == Some(script) && is_plan(row));
    let mut steps = plan.steps.iter().chain(&plan.on_error).map(|step| &step.prepared.migration);
    newest.is_some_and(|row| row.run == run.id)
        && steps.any(|migration| {
            abbreviate_script(&migration.script) == script
                && matches!(migration.kind, MigrationKind::Always | MigrationKind::Callback)
        })
}

fn is_plan(row: &JournalRow) -> bool {
    matches!(row.body, JournalBody::Script(_))
}

/// Whether something is to be found out, or to be written for runs that could not, before a plan may be followed.
pub fn takes_over(journal: &[JournalRow], plan: &Plan) -> bool {
    let half = |resume: &Resume| resume.unknown.is_some() || resume.rank.is_none();
    let mut resumes = plan.steps.iter().filter_map(|step| step.resume.as_ref());
    // A run that wrote its failed row and is closed may still have left a statement running that is simply sent again.
    resumes.any(half) || !left_running(journal, plan).is_empty()
}

/// A step of a plan that would send again what a run of which nothing can be seen may have left running; with the
/// statement, where that can be told. One whose outcome is not known is settled or stops by itself; but one that may simply be sent again could
/// land before its first sending does, or that after statements that follow.
pub fn sends_again<'a>(
    journal: &[JournalRow],
    plan: &'a Plan,
    run: &KnownRun,
) -> Option<(&'a Step, Option<usize>)> {
    let mut resumes = plan.steps.iter().filter_map(|step| step.resume.as_ref());
    if resumes.any(|resume| resume.run == run.id && resume.unknown.is_some()) {
        return None;
    }
    let known = Journal::of(journal);
    let planned = plan.steps.iter().filter_map(|step| {
        let script = abbreviate_script(&step.prepared.migration.script);
        let mine = |row: &JournalRow| row.run == run.id && row.script.as_deref() == Some(script.as_str());
        let at = match known.state(&script, true) {
            // As the journal alone has it, which is all that a person's word is held against.
            ScriptState::Open(attempt) => {
                let next = attempt.next.min(attempt.planned.statements.len()).max(1);
                Some(attempt.unknown.unwrap_or(next))
            }
            ScriptState::Fresh | ScriptState::Done => None,
        };
        journal.iter().any(|row| mine(row) && is_plan(row)).then_some((step, at))
    });
    // A callback that was done may have run a second time.
    let mut planned: Vec<_> = planned.collect();
    planned.sort_by_key(|(_, at)| at.is_none());
    planned.into_iter().next()
}

/// A run of the journal.
pub fn known_run(journal: &[JournalRow], id: &str) -> Option<KnownRun> {
    known_runs(journal, |run| run == id).pop()
}

fn known_runs(journal: &[JournalRow], wanted: impl Fn(&str) -> bool) -> Vec<KnownRun> {
    let mut runs: Vec<KnownRun> = Vec::new();
    for row in journal.iter().filter(|row| wanted(&row.run)) {
        let known = runs.iter_mut().find(|run| run.id == row.run);
        match (&row.body, known) {
            (JournalBody::Run(body), None) => runs.push(KnownRun {
                id: row.run.clone(),
                user: body.user.clone(),
                sessions: body.sessions.clone(),
                ended: None,
                ttl_ms: body.ttl_ms,
            }),
            (JournalBody::Session { session }, Some(run)) if !run.sessions.contains(session) => {
                run.sessions.push(session.clone());
            }
            (JournalBody::End { .. }, Some(run)) => run.ended = Some(row.at.clone()),
            _ => {}
        }
    }
    runs
}

/// The history row as the file says it, if `repair` has to write it: Flyway aligns checksum, description and type of
/// applied versions. A changed repeatable is not aligned, it runs again.
pub fn aligned(status: &MigrationStatus) -> Option<HistoryRow> {
    let (migration, row) = (status.migration.as_ref()?, status.applied.as_ref()?);
    let versioned = matches!(migration.kind, MigrationKind::Versioned | MigrationKind::Baseline);
    if !versioned || !row.success || row.kind.is_synthetic() {
        return None;
    }
    let wanted = HistoryRow {
        description: abbreviate_description(&migration.description),
        checksum: row.checksum.map(|_| i64::from(migration.crc)),
        kind: match migration.kind {
            MigrationKind::Baseline => RowType::SqlBaseline,
            _ => RowType::Sql,
        },
        ..row.clone()
    };
    let changed = matches!(status.state, MigrationState::Changed { .. });
    (changed || wanted != *row).then_some(wanted)
}

/// What identifies a row in the journal after it was changed or removed.
pub fn row_digest(row: &HistoryRow) -> Sha256 {
    let HistoryRow { rank, version, description, kind, script, checksum, success, .. } = row;
    let version = version.as_deref().unwrap_or_default();
    let text =
        format!("{rank}\n{version}\n{description}\n{}\n{script}\n{checksum:?}\n{success}", kind.as_str());
    Sha256::of(text.as_bytes())
}
