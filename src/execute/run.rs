//! The run loop as a state machine without IO: events in, the next action out.
//!
//! Time belongs to the lease, which is asked before every send; this machine needs none. Every action is answered
//! by exactly one event, so that a checker can put a crash before, inside and after each of them.

use std::collections::BTreeSet;

use crate::{
    model::{journal::RunOutcome, name::MigrationKind, plan::Step},
    plan,
};

/// What the machine must know of one script; everything else stays with the driver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScriptShape {
    /// Number of statements.
    pub of: usize,
    /// Statement to start at, from 1.
    pub from: usize,
    /// How many things an earlier attempt did to its session and must be done again first.
    pub replays: usize,
    /// Statements before which a `step` row is written.
    pub boundaries: BTreeSet<usize>,
    /// Whether a transaction may be open at its end.
    pub check_transaction: bool,
    /// Whether a failure of it has a history row.
    pub has_history: bool,
}

impl ScriptShape {
    /// The shape of a plan's step.
    pub fn of(step: &Step) -> Self {
        let planned = step.prepared.rendered().map(plan::planned).unwrap_or_default();
        Self {
            of: planned.len(),
            from: step.from,
            replays: step.resume.as_ref().map_or(0, |resume| resume.replay.len()),
            boundaries: plan::boundaries(&planned, step.from).into_iter().collect(),
            check_transaction: step.statements().iter().any(|s| s.facts.session.transaction),
            has_history: has_history(step.prepared.migration.kind),
        }
    }
}

/// Whether a script of the kind leaves a row in the history.
pub const fn has_history(kind: MigrationKind) -> bool {
    match kind {
        MigrationKind::Versioned
        | MigrationKind::Repeatable
        | MigrationKind::Baseline
        | MigrationKind::Undo => true,
        MigrationKind::Always | MigrationKind::Callback => false,
    }
}

/// What happened to the last action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Begin.
    Start,
    /// It was done and confirmed.
    Confirmed,
    /// It was refused: nothing of it was done.
    Refused,
    /// Nobody can say whether it was done.
    Lost,
    /// The ledger cannot be written any more: the lease is lost, a stranger wrote, the keeper is gone.
    LedgerLost,
    /// It was not begun, because a person or a system asked to stop.
    Interrupted,
}

/// What to do next. `step` counts from 0 in the plan's steps, or in its error callbacks for [`Part::OnFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Write the run row and a row for each script.
    Open,
    /// Take the script's own role and warehouse.
    Begin(Place),
    /// Write a `step` row: what is done, and that `ordinal` starts.
    Step(Place, usize),
    /// Send a statement.
    Execute(Place, usize),
    /// Do again what an earlier attempt did to its session; which of them, from 0.
    Replay(Place, usize),
    /// Ask whether a transaction is open, which is an error.
    CheckTransaction(Place),
    /// Write the done mark.
    Record(Place),
    /// Make the session as it was.
    Restore(Place),
    /// Write the `failed` row.
    RecordFailure(Place, usize),
    /// Write the history row with `success = false`.
    RecordFailedHistory(Place),
    /// Write the `end` row.
    End(RunOutcomeKey),
    /// Stop. Nothing more is sent.
    Finish(RunOutcomeKey),
}

/// A script of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which list it is in.
    pub part: Part,
    /// Where in that list, from 0.
    pub step: usize,
}

/// The two lists of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The plan's steps.
    Steps,
    /// The callbacks that run after a failure.
    OnFailure,
}

/// [`RunOutcome`] with a hash, and with the case that no `end` row can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunOutcomeKey {
    /// All done.
    Success,
    /// A statement was refused.
    Failed,
    /// A statement's outcome is not known.
    Unknown,
    /// Asked to stop.
    Interrupted,
    /// The ledger cannot be written: the next run closes this one.
    LedgerLost,
}

impl RunOutcomeKey {
    /// What the `end` row says.
    pub const fn outcome(self) -> RunOutcome {
        match self {
            Self::Success => RunOutcome::Success,
            Self::Failed => RunOutcome::Failed,
            Self::Unknown => RunOutcome::Unknown,
            Self::Interrupted => RunOutcome::Interrupted,
            Self::LedgerLost => RunOutcome::Abandoned,
        }
    }
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    steps: Vec<ScriptShape>,
    on_failure: Vec<ScriptShape>,
    last: Option<Action>,
    replayed: usize,
    /// The statement to blame if a step that is no statement is refused.
    at: usize,
}

impl Run {
    /// A run of `steps`; `on_failure` follows a confirmed failure.
    pub fn new(steps: Vec<ScriptShape>, on_failure: Vec<ScriptShape>) -> Self {
        Self { steps, on_failure, last: None, replayed: 0, at: 0 }
    }

    /// What to do, now that `event` became of the last action.
    pub fn on(&mut self, event: Event) -> Action {
        let action = self.next(event);
        self.last = Some(action);
        action
    }

    fn next(&mut self, event: Event) -> Action {
        let Some(last) = self.last else { return Action::Open };
        match event {
            Event::Start => last,
            Event::LedgerLost => Action::Finish(RunOutcomeKey::LedgerLost),
            Event::Interrupted => match last {
                Action::Finish(_) => last,
                _ => Action::End(RunOutcomeKey::Interrupted),
            },
            Event::Lost => self.lost(last),
            Event::Refused => self.refused(last),
            Event::Confirmed => self.confirmed(last),
        }
    }

    fn shape(&self, place: Place) -> Option<&ScriptShape> {
        match place.part {
            Part::Steps => self.steps.get(place.step),
            Part::OnFailure => self.on_failure.get(place.step),
        }
    }

    fn confirmed(&mut self, last: Action) -> Action {
        match last {
            Action::Open => self.enter(Place { part: Part::Steps, step: 0 }),
            Action::Begin(place) => {
                self.replayed = 0;
                self.replay_or_run(place)
            }
            Action::Replay(place, _) => {
                self.replayed += 1;
                self.replay_or_run(place)
            }
            Action::Step(place, ordinal) => self.send(place, ordinal),
            Action::Execute(place, ordinal) => self.reach(place, ordinal + 1),
            Action::CheckTransaction(place) => Action::Record(place),
            Action::Record(place) => Action::Restore(place),
            Action::Restore(place) => self.enter(Place { step: place.step + 1, ..place }),
            Action::RecordFailure(place, _) => match self.shape(place) {
                Some(shape) if shape.has_history => Action::RecordFailedHistory(place),
                _ => self.after_failure(place),
            },
            Action::RecordFailedHistory(place) => self.after_failure(place),
            Action::End(outcome) | Action::Finish(outcome) => Action::Finish(outcome),
        }
    }

    fn enter(&mut self, place: Place) -> Action {
        if let Some(shape) = self.shape(place) {
            self.at = shape.from.max(1);
            return Action::Begin(place);
        }
        Action::End(match place.part {
            Part::Steps => RunOutcomeKey::Success,
            Part::OnFailure => RunOutcomeKey::Failed,
        })
    }

    fn replay_or_run(&mut self, place: Place) -> Action {
        let Some(shape) = self.shape(place) else { return self.enter(place) };
        if self.replayed < shape.replays {
            return Action::Replay(place, self.replayed);
        }
        let from = shape.from.max(1);
        self.reach(place, from)
    }

    fn reach(&mut self, place: Place, ordinal: usize) -> Action {
        let Some(shape) = self.shape(place) else { return self.enter(place) };
        if ordinal > shape.of {
            return if shape.check_transaction {
                Action::CheckTransaction(place)
            } else {
                Action::Record(place)
            };
        }
        if shape.boundaries.contains(&ordinal) {
            return Action::Step(place, ordinal);
        }
        self.send(place, ordinal)
    }

    fn send(&mut self, place: Place, ordinal: usize) -> Action {
        self.at = ordinal;
        Action::Execute(place, ordinal)
    }

    fn refused(&mut self, last: Action) -> Action {
        match last {
            Action::Begin(place)
            | Action::Replay(place, _)
            | Action::Execute(place, _)
            | Action::CheckTransaction(place) => Action::RecordFailure(place, self.at),
            // The script is done and recorded; without its session nothing more can run.
            Action::Restore(_) => Action::End(RunOutcomeKey::Failed),
            Action::Open
            | Action::Step(..)
            | Action::Record(_)
            | Action::RecordFailure(..)
            | Action::RecordFailedHistory(_)
            | Action::End(_)
            | Action::Finish(_) => Action::Finish(RunOutcomeKey::LedgerLost),
        }
    }

    fn lost(&mut self, last: Action) -> Action {
        match last {
            // Of the check: its statements are done, and are not to be done again.
            Action::Execute(..) | Action::CheckTransaction(_) => Action::End(RunOutcomeKey::Unknown),
            other => self.refused(other),
        }
    }

    fn after_failure(&mut self, place: Place) -> Action {
        match place.part {
            Part::Steps => self.enter(Place { part: Part::OnFailure, step: 0 }),
            // One failed error callback does not keep the others from running.
            Part::OnFailure => self.enter(Place { step: place.step + 1, ..place }),
        }
    }
}

#[cfg(test)]
mod explore;

#[cfg(test)]
mod tests {
    use super::*;

    fn script(of: usize, boundaries: &[usize]) -> ScriptShape {
        ScriptShape {
            of,
            from: 1,
            replays: 0,
            boundaries: boundaries.iter().copied().collect(),
            check_transaction: false,
            has_history: true,
        }
    }

    /// Runs the machine; `events` answers the n-th action (from 0), everything else is confirmed.
    fn trace(mut run: Run, events: &[(usize, Event)]) -> Vec<String> {
        let mut actions = Vec::new();
        let mut event = Event::Start;
        for n in 0.. {
            let action = run.on(event);
            actions.push(word(action));
            if matches!(action, Action::Finish(_)) {
                break;
            }
            event = events.iter().find(|(at, _)| *at == n).map_or(Event::Confirmed, |(_, e)| *e);
        }
        actions
    }

    fn word(action: Action) -> String {
        let part = |place: Place| match place.part {
            Part::Steps => format!("{}", place.step),
            Part::OnFailure => format!("e{}", place.step),
        };
        match action {
            Action::Open => "open".into(),
            Action::Begin(p) => format!("begin {}", part(p)),
            Action::Step(p, o) => format!("step {}.{o}", part(p)),
            Action::Execute(p, o) => format!("run {}.{o}", part(p)),
            Action::Replay(p, o) => format!("replay {}.{o}", part(p)),
            Action::CheckTransaction(p) => format!("check {}", part(p)),
            Action::Record(p) => format!("record {}", part(p)),
            Action::Restore(p) => format!("restore {}", part(p)),
            Action::RecordFailure(p, o) => format!("failed {}.{o}", part(p)),
            Action::RecordFailedHistory(p) => format!("failed row {}", part(p)),
            Action::End(o) => format!("end {o:?}"),
            Action::Finish(o) => format!("finish {o:?}"),
        }
    }

    #[test]
    fn a_script_is_recorded_after_its_last_statement_and_before_the_next_script() {
        let run = Run::new(vec![script(2, &[2]), script(1, &[])], vec![script(1, &[])]);
        assert_eq!(
            trace(run, &[]).join(", "),
            "open, begin 0, run 0.1, step 0.2, run 0.2, record 0, restore 0, \
             begin 1, run 1.1, record 1, restore 1, end Success, finish Success"
        );
    }

    #[test]
    fn a_refused_statement_is_journalled_before_its_history_row_and_then_the_error_callbacks_run() {
        let run = Run::new(vec![script(2, &[]), script(1, &[])], vec![script(1, &[]), script(1, &[])]);
        assert_eq!(
            trace(run, &[(3, Event::Refused), (7, Event::Refused)]).join(", "),
            "open, begin 0, run 0.1, run 0.2, failed 0.2, failed row 0, begin e0, run e0.1, failed e0.1, \
             failed row e0, begin e1, run e1.1, record e1, restore e1, end Failed, finish Failed"
        );
    }

    #[test]
    fn a_lost_statement_ends_the_run_as_unknown_and_claims_nothing() {
        let run = Run::new(vec![script(2, &[])], vec![script(1, &[])]);
        assert_eq!(
            trace(run, &[(2, Event::Lost)]).join(", "),
            "open, begin 0, run 0.1, end Unknown, finish Unknown"
        );
    }

    #[test]
    fn a_check_that_cannot_be_made_blames_no_statement() {
        let checked = ScriptShape { check_transaction: true, ..script(1, &[]) };
        assert_eq!(
            trace(Run::new(vec![checked], vec![]), &[(3, Event::Lost)]).join(", "),
            "open, begin 0, run 0.1, check 0, end Unknown, finish Unknown"
        );
    }

    #[test]
    fn a_lost_ledger_stops_everything_at_once() {
        for at in 0..8 {
            let run = Run::new(vec![script(2, &[2])], vec![]);
            let actions = trace(run, &[(at, Event::LedgerLost)]);
            assert_eq!(actions.len(), at + 2, "{actions:?}");
            assert_eq!(actions.last().map(String::as_str), Some("finish LedgerLost"));
        }
    }

    #[test]
    fn a_resume_replays_session_statements_and_starts_where_it_must() {
        let resume = ScriptShape { from: 3, replays: 1, check_transaction: true, ..script(3, &[3]) };
        assert_eq!(
            trace(Run::new(vec![resume], vec![]), &[]).join(", "),
            "open, begin 0, replay 0.0, step 0.3, run 0.3, check 0, record 0, restore 0, end Success, \
             finish Success"
        );
    }

    #[test]
    fn an_interrupt_ends_between_statements() {
        let run = Run::new(vec![script(2, &[])], vec![script(1, &[])]);
        assert_eq!(
            trace(run, &[(3, Event::Interrupted)]).join(", "),
            "open, begin 0, run 0.1, run 0.2, end Interrupted, finish Interrupted"
        );
    }
}
