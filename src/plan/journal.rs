//! What the journal says of a script: how far an earlier run came, and what is not known of it.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use super::boundaries::{Item, is_transparent, items};
use crate::model::{
    journal::{Done, JournalBody, JournalRow, RunBody, RunOutcome, ScriptBody, SettledOutcome},
    name::MigrationKind,
    statement::Class,
};

/// What the journal says of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptState {
    /// No run speaks of it, or `repair` made an end of what the last one left.
    Fresh,
    /// The run that planned it last finished it.
    Done,
    /// A run planned it and left no mark that it finished.
    Open(Box<Attempt>),
}

/// The newest attempt at a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The run.
    pub run: String,
    /// The script as that run planned it.
    pub planned: ScriptBody,
    /// Whether a statement of it was sent.
    pub begun: Begun,
    /// The statement to go on with, from 1; one more than there are when only the mark is missing.
    pub next: usize,
    /// All statements before `next`, with their query ids where the journal has them.
    pub done: Vec<Done>,
    /// A failure that the server confirmed.
    pub failed: Option<FailedAt>,
    /// The one statement that may have been done or not. For a transaction its last statement.
    pub unknown: Option<usize>,
    /// Whether only a person can tell about `unknown`: it lies in a transaction that another statement in it may
    /// have committed, or left open.
    pub by_person: bool,
}

/// Whether a statement of a script was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The journal shows it.
    Yes,
    /// The script row is all there is.
    Perhaps,
    /// The run ended, or was cut off, before it came to the script.
    No,
}

/// A failure that the server confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAt {
    /// The statement.
    pub ordinal: usize,
    /// Snowflake's code.
    pub code: Option<String>,
    /// What the server said.
    pub message: String,
}

/// What all rows of the newest run that planned a script say of it, and what was settled of that run since.
///
/// `rows` are those that name the script, and the rows of their runs that name none (`run`, `end`), in the order in
/// which they were written. Runs are ordered by the token of their lease. Rows of older runs say nothing: a run that
/// resumes a script first repeats what is known of it. A `settled` row speaks of the attempt of one run only, and
/// one by which a run says that its own statement was not done says nothing, because that run may have sent it
/// again.
pub fn script_state(rows: &[&JournalRow]) -> ScriptState {
    let journal = Journal::of(rows.iter().copied());
    let script = rows.iter().find_map(|row| match row.body {
        JournalBody::Script(_) => row.script.as_deref(),
        _ => None,
    });
    script.map_or(ScriptState::Fresh, |script| journal.state(script, true))
}

/// The journal by run and by script. Repeated rows (same run and number) are left out.
pub(super) struct Journal<'a> {
    runs: HashMap<&'a str, Run<'a>>,
    scripts: HashMap<&'a str, Vec<Entry<'a>>>,
}

#[derive(Default)]
pub(super) struct Run<'a> {
    body: Option<&'a RunBody>,
    end: Option<End<'a>>,
    /// Place of its first row among all rows.
    place: usize,
    /// Its `script` rows by number: the order in which it would go through them.
    pub(super) scripts: Vec<(i64, &'a str, &'a ScriptBody)>,
    /// Number of the last of those that it came to. All before it are done: the history row of a script is written
    /// before the next one starts. Callbacks prove nothing, some run after a failure.
    came_to: i64,
}

struct End<'a> {
    outcome: RunOutcome,
    script: Option<&'a str>,
    last: &'a [Done],
}

/// A row that names a script, with its place among all rows.
#[derive(Clone, Copy)]
struct Entry<'a> {
    row: &'a JournalRow,
    place: usize,
}

impl<'a> Journal<'a> {
    pub(super) fn of(rows: impl IntoIterator<Item = &'a JournalRow>) -> Self {
        let rows = rows.into_iter();
        let scripts = HashMap::with_capacity(rows.size_hint().0 / 2);
        let mut journal = Self { runs: HashMap::new(), scripts };
        let mut seen: HashMap<&str, HashSet<i64>> = HashMap::new();
        for (place, row) in rows.enumerate() {
            if seen.entry(row.run.as_str()).or_default().insert(row.seq) {
                journal.add(row, place);
            }
        }
        for run in journal.runs.values_mut() {
            run.scripts.sort_by_key(|(seq, ..)| *seq);
        }
        let came_to: Vec<(&str, i64)> =
            journal.runs.keys().map(|run| (*run, journal.last_with_progress(run))).collect();
        for (run, place) in came_to {
            journal.runs.entry(run).and_modify(|run| run.came_to = place);
        }
        journal
    }

    fn add(&mut self, row: &'a JournalRow, place: usize) {
        let run = self.runs.entry(row.run.as_str()).or_insert_with(|| Run { place, ..Run::default() });
        match &row.body {
            JournalBody::Run(body) => run.body = Some(body),
            JournalBody::End { outcome, last } => {
                run.end = Some(End { outcome: *outcome, script: row.script.as_deref(), last });
            }
            JournalBody::Script(body) => {
                if let Some(script) = row.script.as_deref() {
                    run.scripts.push((row.seq, script, body));
                }
            }
            _ => {}
        }
        if let Some(script) = row.script.as_deref() {
            self.scripts.entry(script).or_default().push(Entry { row, place });
        }
    }

    /// Number of the last script of a run, callbacks left out, that the run came to.
    fn last_with_progress(&self, run: &str) -> i64 {
        let Some(known) = self.runs.get(run) else { return 0 };
        let at = known.end.as_ref().and_then(|end| end.script);
        let mut later = known.scripts.iter().rev().filter(|(.., body)| body.kind != MigrationKind::Callback);
        // The row behind the last `script` row may be what it took over from an older run.
        let opening = known.scripts.last().map_or(0, |(seq, ..)| seq + 1);
        later
            .find(|(_, script, _)| at == Some(*script) || self.progress_after(opening, script, run))
            .map_or(0, |(seq, ..)| *seq)
    }

    pub(super) fn run(&self, run: &str) -> Option<&Run<'a>> {
        self.runs.get(run)
    }

    /// Who ran it.
    pub(super) fn user(&self, run: &str) -> Option<&'a str> {
        Some(self.runs.get(run)?.body?.user.as_str())
    }

    fn entries(&self, script: &str) -> &[Entry<'a>] {
        self.scripts.get(script).map_or(&[], Vec::as_slice)
    }

    /// Which of two runs held the lease later: by token; by first row where a token was not read.
    fn order(&self, a: &str, b: &str) -> Ordering {
        let (Some(a), Some(b)) = (self.runs.get(a), self.runs.get(b)) else { return Ordering::Equal };
        match (a.body, b.body) {
            (Some(x), Some(y)) if x.token != y.token => x.token.cmp(&y.token),
            _ => a.place.cmp(&b.place),
        }
    }

    /// The newest of the rows of a script that `pick` chooses.
    fn newest<T>(
        &self,
        script: &str,
        pick: impl Fn(&'a JournalRow) -> Option<T>,
    ) -> Option<(&'a JournalRow, T)> {
        self.entries(script)
            .iter()
            .filter_map(|entry| pick(entry.row).map(|value| (entry, value)))
            .max_by(|(a, _), (b, _)| self.order(&a.row.run, &b.row.run).then(a.place.cmp(&b.place)))
            .map(|(entry, value)| (entry.row, value))
    }

    /// The newest `script` row, unless `repair` changed the history of the script since.
    pub(super) fn planned(&self, script: &str) -> Option<(&'a JournalRow, &'a ScriptBody)> {
        let newest = self.newest(script, |row| match &row.body {
            JournalBody::Script(body) => Some(body),
            _ => None,
        })?;
        let repaired = self.newest(script, |row| matches!(row.body, JournalBody::Repaired(_)).then_some(()));
        let repaired_since = repaired.is_some_and(|(row, ())| self.order(&row.run, &newest.0.run).is_gt());
        (!repaired_since).then_some(newest)
    }

    /// All plans of a script with their runs, oldest first.
    pub(super) fn plans(&self, script: &str) -> Vec<(&'a str, &'a ScriptBody)> {
        let rows = self.entries(script).iter().filter_map(|entry| match &entry.row.body {
            JournalBody::Script(body) => Some((entry.row.run.as_str(), body)),
            _ => None,
        });
        let mut plans: Vec<_> = rows.collect();
        plans.sort_by(|a, b| self.order(a.0, b.0));
        plans
    }

    /// Every script that a row names.
    pub(super) fn script_names(&self) -> impl Iterator<Item = &'a str> {
        self.scripts.keys().copied()
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &'a str> {
        self.runs.keys().copied()
    }

    /// The newest `done` row: `A__` scripts and callbacks have no other mark.
    pub(super) fn done(&self, script: &str) -> Option<&'a JournalRow> {
        self.newest(script, |row| matches!(row.body, JournalBody::Done { .. }).then_some(()))
            .map(|(row, ())| row)
    }

    /// The last row of the script that stems from `run`.
    pub(super) fn last_of(&self, script: &str, run: &str) -> Option<&'a JournalRow> {
        self.entries(script).iter().rev().map(|entry| entry.row).find(|row| row.run == run)
    }

    /// Query id of the last statement of the script that `run` finished.
    pub(super) fn query_id(&self, script: &str, run: &str) -> Option<&'a str> {
        let ended =
            self.runs.get(run).and_then(|run| run.end.as_ref()).filter(|end| end.script == Some(script));
        let steps = self.entries(script).iter().rev().filter(|entry| entry.row.run == run);
        let done = steps.filter_map(|entry| match &entry.row.body {
            JournalBody::Step { done, .. } => Some(done.as_slice()),
            _ => None,
        });
        let mut lists = ended.map(|end| end.last).into_iter().chain(done);
        lists.find_map(|list| list.last()).and_then(|done| done.query_id.as_deref())
    }

    /// Whether the run ended by itself with all steps applied.
    pub(super) fn succeeded(&self, run: &str) -> bool {
        self.runs
            .get(run)
            .is_some_and(|run| run.end.as_ref().is_some_and(|end| end.outcome == RunOutcome::Success))
    }

    /// Whether the run that wrote this `script` row went on to a later script.
    fn went_on_after(&self, row: &JournalRow) -> bool {
        self.runs.get(row.run.as_str()).is_some_and(|run| row.seq < run.came_to)
    }

    /// Whether the journal proves that the run applied the script of this row.
    pub(super) fn applied(&self, row: &JournalRow) -> bool {
        self.succeeded(&row.run) || self.went_on_after(row)
    }

    /// Whether the run wrote rows of the script beyond those with which every run begins: its progress, not what it
    /// took over from an older run.
    pub(super) fn has_progress(&self, script: &str, run: &str) -> bool {
        let prologue = self.runs.get(run).and_then(|run| run.scripts.last()).map_or(0, |(seq, ..)| *seq);
        self.progress_after(prologue, script, run)
    }

    fn progress_after(&self, opening: i64, script: &str, run: &str) -> bool {
        self.entries(script).iter().any(|Entry { row, .. }| {
            row.run == run
                && match row.body {
                    JournalBody::Step { .. } => row.seq > opening,
                    JournalBody::Failed { .. } | JournalBody::Done { .. } => true,
                    _ => false,
                }
        })
    }

    /// What is known of the script. `reached`: whether the newest run can have come as far as this script, by the
    /// order of its scripts.
    pub(super) fn state(&self, script: &str, reached: bool) -> ScriptState {
        let Some((row, planned)) = self.planned(script) else { return ScriptState::Fresh };
        let run = row.run.as_str();
        let mine = self.entries(script).iter().map(|entry| entry.row).filter(|row| row.run == run);
        let mut reading = Reading::new(planned);
        for row in mine {
            match &row.body {
                JournalBody::Step { done, next } => reading.step(done, *next),
                JournalBody::Failed { ordinal, code, message, .. } => {
                    reading.failed =
                        Some(FailedAt { ordinal: *ordinal, code: code.clone(), message: message.clone() });
                }
                JournalBody::Done { .. } => return ScriptState::Done,
                _ => {}
            }
        }
        let end = self.runs.get(run).and_then(|run| run.end.as_ref());
        // A callback may run many times.
        let behind = planned.kind != MigrationKind::Callback && self.went_on_after(row);
        if behind || end.is_some_and(|end| end.outcome == RunOutcome::Success) {
            return ScriptState::Done;
        }
        let begun = self.begun(script, run, reached, end);
        if let Some(end) = end.filter(|end| end.script == Some(script)) {
            reading.confirm(end.last);
        }
        let settled = |ordinal| self.settled(script, run, ordinal);
        let stopped_between = end.is_some_and(|end| {
            end.script == Some(script) && matches!(end.outcome, RunOutcome::Failed | RunOutcome::Interrupted)
        });
        ScriptState::Open(Box::new(reading.finish(run, begun, stopped_between, settled)))
    }

    fn begun(&self, script: &str, run: &str, reached: bool, end: Option<&End<'a>>) -> Begun {
        let ended_here = end.is_some_and(|end| end.script == Some(script));
        if self.has_progress(script, run) || ended_here {
            return Begun::Yes;
        }
        if !reached {
            return Begun::No;
        }
        // A run that closed itself says where it stood; only one that was cut off leaves a doubt.
        let closed_elsewhere = end.is_some_and(|end| {
            matches!(end.outcome, RunOutcome::Failed | RunOutcome::Interrupted)
                && (end.script.is_some() || end.last.is_empty())
        });
        if closed_elsewhere { Begun::No } else { Begun::Perhaps }
    }

    /// What was found about the outcome of statement `ordinal` in `run`.
    fn settled(&self, script: &str, run: &str, ordinal: usize) -> Option<SettledOutcome> {
        self.entries(script).iter().rev().find_map(|Entry { row, .. }| match &row.body {
            JournalBody::Settled { run: of, ordinal: at, outcome, .. } if of == run && *at == ordinal => {
                (*outcome == SettledOutcome::Done || row.run != run).then_some(*outcome)
            }
            _ => None,
        })
    }
}

impl<'a> Run<'a> {
    /// The scripts that leave a row in the history, in order.
    pub(super) fn recorded(&self) -> impl Iterator<Item = (&'a str, &'a ScriptBody)> + '_ {
        self.scripts.iter().filter_map(|(_, script, body)| match body.kind {
            MigrationKind::Versioned
            | MigrationKind::Repeatable
            | MigrationKind::Baseline
            | MigrationKind::Undo => Some((*script, *body)),
            MigrationKind::Always | MigrationKind::Callback => None,
        })
    }
}

/// What the rows of one attempt add up to.
struct Reading<'a> {
    planned: &'a ScriptBody,
    items: Vec<Item>,
    next: usize,
    query_ids: HashMap<usize, Option<String>>,
    failed: Option<FailedAt>,
}

impl<'a> Reading<'a> {
    fn new(planned: &'a ScriptBody) -> Self {
        let items = items(&planned.statements).collect();
        Self { planned, items, next: 1, query_ids: HashMap::new(), failed: None }
    }

    fn count(&self) -> usize {
        self.planned.statements.len()
    }

    fn step(&mut self, done: &[Done], next: usize) {
        self.next = self.next.max(next.min(self.count() + 1));
        self.query_ids.extend(done.iter().map(|done| (done.ordinal, done.query_id.clone())));
    }

    /// Takes statements as done that follow without a gap.
    fn confirm(&mut self, last: &[Done]) {
        for done in last {
            self.query_ids.insert(done.ordinal, done.query_id.clone());
        }
        while self.next <= self.count() && last.iter().any(|done| done.ordinal == self.next) {
            self.next += 1;
        }
    }

    /// What runs as a whole around a statement.
    fn around(&self, ordinal: usize) -> Option<Item> {
        self.items.iter().find(|item| item.first <= ordinal && ordinal <= item.last).copied()
    }

    /// What may be under way when `next` was announced: the first that is not transparent, if it must not be
    /// repeated. Behind an idempotent one nothing can have started, since a step row would stand there.
    fn under_way(&self) -> Option<Item> {
        let mut rest = self.items.iter().filter(|item| item.first >= self.next);
        rest.find(|item| !is_transparent(item.class)).filter(|item| item.class != Class::Idempotent).copied()
    }

    /// The statement whose outcome is in doubt, and whether only a person can tell.
    fn doubt(&self) -> Option<(usize, bool)> {
        let Some(failed) = &self.failed else {
            return self.under_way().map(|item| (item.last, item.mixed.is_some()));
        };
        // Of a pure transaction nothing is left after a failure. Behind a statement that may have committed, what
        // was before the failed one is in doubt, unless that is the BEGIN alone.
        let item = self.around(failed.ordinal)?;
        let before = failed.ordinal - 1;
        item.mixed.filter(|mixed| *mixed <= failed.ordinal && before > item.first).map(|_| (before, true))
    }

    fn finish(
        mut self,
        run: &str,
        begun: Begun,
        stopped_between: bool,
        settled: impl Fn(usize) -> Option<SettledOutcome>,
    ) -> Attempt {
        if let Some(failed) = &self.failed {
            self.next = failed.ordinal.max(1).min(self.count() + 1);
        }
        self.next = self.around(self.next).map_or(self.next, |item| item.first);
        let mut unknown = None;
        let in_doubt = begun != Begun::No && (self.failed.is_some() || !stopped_between);
        if let Some((ordinal, by_person)) = self.doubt().filter(|_| in_doubt) {
            match settled(ordinal) {
                Some(SettledOutcome::Done) => self.next = ordinal + 1,
                Some(SettledOutcome::NotDone) => {}
                None => unknown = Some((ordinal, by_person)),
            }
        }
        let query_ids = &mut self.query_ids;
        let done = (1..self.next)
            .map(|ordinal| Done { ordinal, query_id: query_ids.remove(&ordinal).flatten() })
            .collect();
        Attempt {
            run: run.to_owned(),
            planned: self.planned.clone(),
            begun,
            next: self.next,
            done,
            failed: self.failed,
            unknown: unknown.map(|(ordinal, _)| ordinal),
            by_person: unknown.is_some_and(|(_, by_person)| by_person),
        }
    }
}
