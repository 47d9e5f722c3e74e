//! Where each migration stands: Flyway's decisions in Flyway's order (`MigrationInfoImpl.java`), with the journal's
//! evidence beside them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Given,
    boundaries::rendered_sha,
    context::{Files, History, Mark as RowMark, Role, Row},
    guard::{self, Contradicted},
    journal::{Attempt, Begun, Journal, ScriptState},
    order,
    resume::{self, Answer},
};
use crate::model::{
    checksum::Sha256,
    history::{RowType, abbreviate_description, abbreviate_script},
    journal::{JournalBody, ScriptBody},
    migration::{Migration, Prepared},
    name::MigrationKind,
    plan::Target,
    state::{IgnoredBecause, Mark, MigrationState},
    version::Version,
};

/// Everything that was found out, once.
pub(super) struct Evaluation<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) journal: Journal<'a>,
    pub(super) history: History<'a>,
    pub(super) files: Files<'a>,
    /// Migrations and rows in display order.
    pub(super) entries: Vec<Entry<'a>>,
    /// Rows by script that the journal contradicts.
    pub(super) contradicted: HashMap<&'a str, Contradicted<'a>>,
    /// Standing row of each script.
    by_script: HashMap<&'a str, usize>,
    /// For each run that did not end well, the script that it can have been at.
    current: HashMap<&'a str, &'a str>,
}

/// A migration on disk, a history row, or both.
pub(super) struct Entry<'a> {
    pub(super) prepared: Option<&'a Arc<Prepared>>,
    /// Index in [`History::rows`].
    pub(super) row: Option<usize>,
    pub(super) state: MigrationState,
    pub(super) journal: Option<Known<'a>>,
    /// How a half applied script goes on, or why it cannot.
    pub(super) resume: Option<Answer>,
}

/// What the journal knows of the text that stands in the target.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) run: &'a str,
    pub(super) script: &'a str,
    pub(super) body: &'a ScriptBody,
}

impl<'a> Entry<'a> {
    pub(super) fn migration(&self) -> Option<&'a Arc<Migration>> {
        self.prepared.map(|prepared| &prepared.migration)
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn of(given: &'a Given<'a>) -> Self {
        let history = History::of(given.history);
        let mut by_script = HashMap::with_capacity(history.rows.len());
        for (at, row) in history.rows.iter().enumerate() {
            if row.stands() && !row.stored.kind.is_synthetic() {
                by_script.insert(row.stored.script.as_str(), at);
            }
        }
        let mut this = Self {
            given,
            journal: Journal::of(given.journal),
            history,
            files: Files::of(given.migrations.iter().map(|prepared| &**prepared)),
            entries: Vec::new(),
            contradicted: HashMap::new(),
            by_script,
            current: HashMap::new(),
        };
        this.current = this.journal.runs().filter_map(|run| Some((run, this.stopped_at(run)?))).collect();
        let mut entries = Vec::with_capacity(this.history.rows.len() + given.migrations.len());
        entries.extend(this.history.rows.iter().enumerate().filter_map(|(at, row)| this.row_entry(at, row)));
        let migrations = given.migrations.iter();
        entries.extend(
            migrations.filter(|file| !this.is_covered(file)).filter_map(|file| this.file_entry(file)),
        );
        order::sort(&mut entries, &this.history);
        this.entries = entries;
        this.contradicted = guard::contradictions(&this);
        this
    }

    /// Scripts that an attempt left half applied and that match no file and no row: renamed, moved or removed since.
    pub(super) fn orphans(&self) -> Vec<(&'a str, Attempt)> {
        let files: HashSet<String> =
            self.given.migrations.iter().map(|file| abbreviate_script(&file.migration.script)).collect();
        let lost = |script: &&str| !files.contains(*script);
        // A failed row speaks for itself; one of an older run says nothing of this attempt.
        let unmarked = |script: &str, planned: &ScriptBody| match self.by_script.get(script) {
            Some(at) => self.history.rows[*at].stored.success && !self.is_done(script, planned),
            None => true,
        };
        let mut orphans: Vec<(&str, Attempt)> = self
            .journal
            .script_names()
            .filter(lost)
            .filter_map(|script| Some((script, self.attempt(script)?)))
            .filter(|(script, attempt)| {
                let recorded =
                    !matches!(attempt.planned.kind, MigrationKind::Always | MigrationKind::Callback);
                recorded && attempt.begun != Begun::No && unmarked(script, &attempt.planned)
            })
            .collect();
        orphans.sort_by_key(|(script, _)| *script);
        orphans
    }

    pub(super) fn row(&self, entry: &Entry<'_>) -> Option<&Row<'a>> {
        entry.row.and_then(|at| self.history.rows.get(at))
    }

    /// Whether the version stands above the highest baseline, so that its file is compared with its row.
    pub(super) fn is_above_baseline(&self, version: Option<&Version>) -> bool {
        match (version, &self.history.baseline) {
            (Some(version), Some(baseline)) => version > baseline,
            _ => true,
        }
    }

    /// Above the target that was asked for. Repeatables are never held back.
    pub(super) fn is_above_target(&self, version: Option<&Version>) -> bool {
        let Some(version) = version else { return false };
        match &self.given.policy.target {
            Target::Latest | Target::Next => false,
            Target::Current => self.history.last_applied.as_ref().is_none_or(|last| version > last),
            Target::Version { version: target, .. } => version > target,
        }
    }

    /// Why the script is not for this environment.
    pub(super) fn not_here(&self, prepared: &Prepared) -> Option<IgnoredBecause> {
        let settings = &prepared.settings;
        let here = settings.environments.is_empty()
            || settings.environments.contains(&self.given.policy.environment);
        if !here {
            return Some(IgnoredBecause::Environment);
        }
        (settings.should_execute == Some(false)).then_some(IgnoredBecause::ShouldExecute)
    }

    fn row_entry(&self, at: usize, row: &Row<'a>) -> Option<Entry<'a>> {
        if row.mark == RowMark::Hidden {
            return None;
        }
        let prepared = self.files.of_row(row).and_then(|file| self.given.migrations.get(file));
        let mut entry =
            Entry { prepared, row: Some(at), state: MigrationState::Success, journal: None, resume: None };
        entry.state = match row.mark {
            RowMark::Undone => MigrationState::Undone,
            RowMark::Deleted => MigrationState::Deleted,
            RowMark::Hidden | RowMark::None => self.state_of_row(at, row, &mut entry),
        };
        Some(entry)
    }

    fn state_of_row(&self, at: usize, row: &Row<'a>, entry: &mut Entry<'a>) -> MigrationState {
        match row.stored.kind {
            RowType::Delete | RowType::Schema => return MigrationState::Success,
            RowType::Baseline => return MigrationState::Baseline,
            _ => {}
        }
        let is_latest = self.is_latest(at, row);
        let Some(prepared) = entry.prepared else {
            return if is_latest { self.without_file(row) } else { Self::older_run(row) };
        };
        if !row.stored.success {
            return self.failed_row(row, is_latest, entry);
        }
        match row.role() {
            Role::Baseline => return MigrationState::Baseline,
            Role::Undo => return MigrationState::Success,
            Role::Regular => {}
        }
        if row.is_repeatable() {
            if !is_latest {
                return MigrationState::Superseded;
            }
            entry.journal = self.applied_repeatable(row);
            return if Self::repeatable_matches(row, prepared, entry.journal) {
                MigrationState::Success
            } else {
                MigrationState::Outdated
            };
        }
        entry.journal = self.applied_versioned(row);
        if let Some((applied, found)) = self.mismatch(row, prepared, entry.journal) {
            return MigrationState::Changed { applied, found };
        }
        if row.out_of_order { MigrationState::OutOfOrder } else { MigrationState::Success }
    }

    fn is_latest(&self, at: usize, row: &Row<'_>) -> bool {
        !row.is_repeatable() || self.history.latest(&row.stored.description) == Some(at)
    }

    /// An older run of a repeatable without a file.
    fn older_run(row: &Row<'_>) -> MigrationState {
        if row.stored.success {
            MigrationState::Superseded
        } else {
            MigrationState::Failed { at: None, of: None, resumable: false }
        }
    }

    fn without_file(&self, row: &Row<'_>) -> MigrationState {
        let is_future = match (&row.version, self.files.last_resolved) {
            (Some(version), Some(last)) => version >= last,
            (Some(_), None) => true,
            (None, _) => false,
        };
        match (is_future, row.stored.success) {
            (false, true) => MigrationState::MissingSuccess,
            (false, false) => MigrationState::MissingFailed,
            (true, true) => MigrationState::FutureSuccess,
            (true, false) => MigrationState::FutureFailed,
        }
    }

    fn failed_row(&self, row: &Row<'a>, is_latest: bool, entry: &mut Entry<'a>) -> MigrationState {
        let unknown = MigrationState::Failed { at: None, of: None, resumable: false };
        if !is_latest {
            return unknown;
        }
        match self.attempt(&row.stored.script) {
            Some(attempt) => self.interrupted(&attempt, &row.stored.script, Some(row.stored.rank), entry),
            None => unknown,
        }
    }

    /// The state of a script that an attempt left half applied. The journal speaks of it under the name `script`.
    fn interrupted(
        &self,
        attempt: &Attempt,
        script: &str,
        rank: Option<i64>,
        entry: &mut Entry<'a>,
    ) -> MigrationState {
        entry.journal = self
            .journal
            .planned(script)
            .and_then(|(row, body)| Some(Known { run: &row.run, script: row.script.as_deref()?, body }));
        entry.resume = entry.prepared.map(|prepared| resume::answer(attempt, prepared, rank, self));
        let resumable = matches!(entry.resume, Some(Answer::GoOn { .. }));
        let of = attempt.planned.statements.len();
        if let Some(at) = attempt.unknown {
            return MigrationState::Unknown { at, of };
        }
        let at = attempt.failed.as_ref().map_or(attempt.next, |failed| failed.ordinal).min(of);
        MigrationState::Failed { at: Some(at), of: Some(of), resumable }
    }

    fn attempt(&self, script: &str) -> Option<Attempt> {
        let (row, _) = self.journal.planned(script)?;
        let reached = self.current.get(row.run.as_str()).is_none_or(|current| *current == script);
        match self.journal.state(script, reached) {
            ScriptState::Open(attempt) => Some(*attempt),
            ScriptState::Fresh | ScriptState::Done => None,
        }
    }

    /// The script that a run can have been at when it stopped: the first in its order that is not done. `None`
    /// where that cannot be told; any of its scripts may then have begun.
    fn stopped_at(&self, run: &str) -> Option<&'a str> {
        if self.journal.succeeded(run) {
            return None;
        }
        let mut scripts = self.journal.run(run)?.recorded();
        let first = scripts.find(|(script, body)| !self.is_done(script, body))?.0;
        let contradicted = scripts.any(|(script, _)| self.journal.has_progress(script, run));
        (!contradicted).then_some(first)
    }

    /// Whether the history holds the mark of a script as it was planned.
    fn is_done(&self, script: &str, body: &ScriptBody) -> bool {
        let Some(row) = self.by_script.get(script).map(|at| &self.history.rows[*at]) else { return false };
        row.stored.success
            && (body.kind != MigrationKind::Repeatable || self.marks(row, body, &self.journal.plans(script)))
    }

    /// Whether the latest row of a repeatable is the mark of this plan of it. Checksums tell, but for texts that
    /// differ in line breaks only: those are counted, each that was done has left a row.
    fn marks(&self, row: &Row<'_>, body: &ScriptBody, plans: &[(&str, &ScriptBody)]) -> bool {
        if row.stored.checksum != Some(i64::from(body.crc)) {
            return false;
        }
        let mut texts: Vec<Sha256> = Vec::new();
        for (_, plan) in plans {
            if plan.crc != body.crc {
                texts.clear();
            } else if texts.last() != Some(&plan.rendered_sha) {
                texts.push(plan.rendered_sha);
            }
        }
        if texts.len() < 2 {
            return true;
        }
        let rows = self.history.rows.iter().rev().map(|row| row.stored);
        let runs =
            rows.filter(|other| other.version.is_none() && other.description == row.stored.description);
        let equal = runs.take_while(|other| other.success && other.checksum == row.stored.checksum);
        equal.count() >= texts.len()
    }

    /// What the journal knows of the text that a versioned row stands for. Nothing once `repair` changed the
    /// checksum, or if another tool wrote the row.
    fn applied_versioned(&self, row: &Row<'a>) -> Option<Known<'a>> {
        let (planned, body) = self.journal.planned(&row.stored.script)?;
        let same = row.stored.checksum.is_none_or(|checksum| checksum == i64::from(body.crc));
        same.then_some(Known { run: &planned.run, script: &row.stored.script, body })
    }

    fn applied_repeatable(&self, row: &Row<'a>) -> Option<Known<'a>> {
        let script = row.stored.script.as_str();
        let (newest, body) = self.journal.planned(script)?;
        let known = |run, body| Some(Known { run, script: newest.script.as_deref()?, body });
        let plans = self.journal.plans(script);
        if self.journal.succeeded(&newest.run) && row.stored.checksum == Some(i64::from(body.crc)) {
            return known(&newest.run, body);
        }
        if self.marks(row, body, &plans) {
            return known(&newest.run, body);
        }
        // The newest plan was not carried out: the one before it that fits the row stands in the target.
        let older = plans.iter().rev().filter(|(run, _)| *run != newest.run);
        let mut fitting = older.filter(|(_, body)| row.stored.checksum == Some(i64::from(body.crc)));
        fitting.next().and_then(|(run, body)| known(run, body))
    }

    fn repeatable_matches(row: &Row<'_>, prepared: &Prepared, known: Option<Known<'_>>) -> bool {
        let migration = &prepared.migration;
        let found = rendered_sha(prepared);
        if let Some(known) = known {
            return match found {
                Some(found) => known.body.rendered_sha == found,
                None => known.body.source_sha == migration.source_sha,
            };
        }
        let crcs = [Some(migration.crc), prepared.rendered().map(|rendered| rendered.crc)];
        row.stored
            .checksum
            .is_none_or(|applied| crcs.into_iter().flatten().any(|crc| i64::from(crc) == applied))
    }

    /// The checksums of an applied versioned migration and of its file, if they differ.
    fn mismatch(&self, row: &Row<'_>, prepared: &Prepared, known: Option<Known<'_>>) -> Option<(Mark, Mark)> {
        if !self.is_above_baseline(row.version.as_ref()) {
            return None;
        }
        let migration = &prepared.migration;
        if let Some(known) = known {
            let applied = known.body.source_sha;
            return (applied != migration.source_sha)
                .then_some((Mark::Sha(applied), Mark::Sha(migration.source_sha)));
        }
        let found = i64::from(migration.crc);
        row.stored
            .checksum
            .filter(|applied| *applied != found)
            .map(|applied| (Mark::Crc(applied), Mark::Crc(found)))
    }

    /// Whether a history row stands for the file, so that it is not listed a second time.
    fn is_covered(&self, prepared: &Prepared) -> bool {
        let migration = &prepared.migration;
        if let (Some(role), Some(version)) = (Role::of_kind(migration.kind), &migration.version) {
            return self.history.of_version(version, role).is_some();
        }
        if migration.kind != MigrationKind::Repeatable {
            return false;
        }
        let Some(at) = self.history.latest(&abbreviate_description(&migration.description)) else {
            return false;
        };
        let row = &self.history.rows[at];
        // A later run that was cut off has put another text in place. One that was cut off behind its row has not.
        let script = row.stored.script.as_str();
        let unmarked = |attempt: &Attempt| !self.is_done(script, &attempt.planned);
        let cut_off =
            self.attempt(script).is_some_and(|attempt| attempt.begun != Begun::No && unmarked(&attempt));
        if row.stored.success && cut_off {
            return false;
        }
        row.stands()
            && (!row.stored.success || Self::repeatable_matches(row, prepared, self.applied_repeatable(row)))
    }

    fn file_entry(&self, prepared: &'a Arc<Prepared>) -> Option<Entry<'a>> {
        let migration = &prepared.migration;
        let mut entry = Entry {
            prepared: Some(prepared),
            row: None,
            state: MigrationState::Pending,
            journal: None,
            resume: None,
        };
        entry.state = match migration.kind {
            MigrationKind::Callback => return None,
            MigrationKind::Always => self.state_of_always(prepared),
            MigrationKind::Undo => self.state_of_undo(migration),
            MigrationKind::Baseline => self.state_of_baseline(prepared),
            MigrationKind::Versioned | MigrationKind::Repeatable => {
                let script = abbreviate_script(&migration.script);
                match self.attempt(&script) {
                    Some(attempt) if attempt.begun != Begun::No || attempt.next > 1 => {
                        self.interrupted(&attempt, &script, None, &mut entry)
                    }
                    _ => self.state_of_file(prepared),
                }
            }
        };
        Some(entry)
    }

    fn state_of_file(&self, prepared: &Prepared) -> MigrationState {
        if let Some(why) = self.not_here(prepared) {
            return MigrationState::Ignored { why };
        }
        let Some(version) = &prepared.migration.version else { return MigrationState::Pending };
        if let Some(base) = self.base() {
            if version < base {
                return MigrationState::BelowBaseline;
            }
            if version == base {
                return MigrationState::BaselineIgnored;
            }
        }
        if self.is_above_target(Some(version)) {
            return MigrationState::AboveTarget;
        }
        let below = self.history.last_applied.as_ref().is_some_and(|last| version < last);
        if below && !self.given.policy.out_of_order {
            return MigrationState::Ignored { why: IgnoredBecause::BelowApplied };
        }
        MigrationState::Pending
    }

    /// The baseline below which nothing is applied: the one that stands, or on an empty history the highest file.
    fn base(&self) -> Option<&Version> {
        if self.history.is_empty() { self.highest_baseline_file() } else { self.history.baseline.as_ref() }
    }

    fn highest_baseline_file(&self) -> Option<&'a Version> {
        self.files
            .baselines()
            .filter(|at| self.not_here(&self.given.migrations[*at]).is_none())
            .filter_map(|at| self.given.migrations[at].migration.version.as_ref())
            .max()
    }

    fn state_of_baseline(&self, prepared: &Prepared) -> MigrationState {
        if let Some(why) = self.not_here(prepared) {
            return MigrationState::Ignored { why };
        }
        let version = prepared.migration.version.as_ref();
        if self.is_above_target(version) {
            return MigrationState::AboveTarget;
        }
        if !self.history.is_empty() {
            return match (version, &self.history.baseline) {
                (Some(version), Some(base)) if version < base => MigrationState::BelowBaseline,
                (Some(version), Some(base)) if version == base => MigrationState::BaselineIgnored,
                _ => MigrationState::Ignored { why: IgnoredBecause::Baseline },
            };
        }
        if version == self.highest_baseline_file() {
            MigrationState::Pending
        } else {
            MigrationState::BelowBaseline
        }
    }

    fn state_of_undo(&self, migration: &Migration) -> MigrationState {
        let row =
            migration.version.as_ref().and_then(|version| self.history.of_version(version, Role::Regular));
        if row.is_some_and(|at| self.history.rows[at].stored.success) {
            MigrationState::Available
        } else {
            MigrationState::Ignored { why: IgnoredBecause::Undo }
        }
    }

    fn state_of_always(&self, prepared: &Prepared) -> MigrationState {
        if let Some(why) = self.not_here(prepared) {
            return MigrationState::Ignored { why };
        }
        let script = abbreviate_script(&prepared.migration.script);
        let last = self.journal.done(&script);
        if let ScriptState::Open(attempt) = self.journal.state(&script, true)
            && let Some(failed) = &attempt.failed
            && last.is_none_or(|row| row.run != attempt.run)
        {
            let of = Some(attempt.planned.statements.len());
            return MigrationState::Failed { at: Some(failed.ordinal), of, resumable: true };
        }
        let applied = last.and_then(|row| match row.body {
            JournalBody::Done { rendered_sha, .. } => Some(rendered_sha),
            _ => None,
        });
        MigrationState::Always { changed: applied.is_none() || applied != rendered_sha(prepared) }
    }
}
