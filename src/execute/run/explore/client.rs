//! A run under its lease: the machine, and what the driver writes and sends for it.

use super::{
    Bug, Setup,
    ledger::{Row, Says, Server},
};
use crate::{
    execute::run::{Action, Event, Place, Run, RunOutcomeKey, ScriptShape},
    model::plan::{Plan, Resume},
};

/// What a run knows beside its machine.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Client {
    machine: Run,
    pub(super) action: Action,
    /// For each step of the plan.
    steps: Vec<Step>,
    /// Confirmed since the last row of the script.
    done: Vec<usize>,
    /// The script that it is in.
    at: Option<usize>,
    /// Settled by this run and not written yet.
    settled: Vec<Row>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Step {
    script: usize,
    rank: Option<i64>,
    /// Statements done and where it goes on, for a resume.
    known: Option<(Vec<usize>, usize)>,
    of: usize,
}

impl Client {
    pub(super) fn new(setup: &Setup, server: &Server, mut plan: Plan, settled: Vec<Row>) -> Self {
        for step in plan.steps.iter_mut().filter(|step| setup.has(Bug::ResumeLate) && step.resume.is_some()) {
            step.from += 1;
        }
        let scripts = &setup.mixes[server.mix].scripts;
        let known = |resume: &Resume| resume.done.iter().map(|done| done.ordinal).collect();
        let steps = plan.steps.iter().map(|step| Step {
            script: scripts
                .iter()
                .position(|script| script.migration.script == step.prepared.migration.script)
                .expect("a script of this model"),
            rank: step.resume.as_ref().and_then(|resume| resume.rank),
            known: step.resume.as_ref().map(|resume| (known(resume), step.from)),
            of: step.statements().len(),
        });
        let steps = steps.collect();
        let mut machine = Run::new(plan.steps.iter().map(ScriptShape::of).collect(), Vec::new());
        let action = machine.on(Event::Start);
        Self { machine, action, steps, done: Vec::new(), at: None, settled }
    }

    fn step(&self, place: Place) -> &Step {
        &self.steps[place.step]
    }

    /// The statement that is sent next.
    pub(super) fn statement(&self) -> Option<(usize, usize)> {
        match self.action {
            Action::Execute(place, ordinal) => Some((self.step(place).script, ordinal)),
            _ => None,
        }
    }

    /// Whether the next action is an insert into the history, which is never sent twice.
    pub(super) fn inserts_history(&self) -> bool {
        match self.action {
            Action::Record(place) | Action::RecordFailedHistory(place) => self.step(place).rank.is_none(),
            _ => false,
        }
    }

    pub(super) fn finished(&self) -> Option<RunOutcomeKey> {
        match self.action {
            Action::Finish(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// What becomes of the machine's action, and of the driver's notes with it.
    pub(super) fn hear(&mut self, event: Event) {
        match (self.action, event) {
            (Action::Execute(_, ordinal), Event::Confirmed) => self.done.push(ordinal),
            (Action::Step(..) | Action::RecordFailure(..) | Action::End(_), _) => self.done.clear(),
            (Action::Record(_), Event::Confirmed) => {
                self.at = None;
                self.done.clear();
            }
            _ => {}
        }
        self.action = self.machine.on(event);
        if let Action::Begin(place) = self.action {
            self.done.clear();
            self.at = Some(self.step(place).script);
        }
    }

    /// Passes over what sends nothing in these scripts.
    pub(super) fn skip(&mut self) {
        loop {
            let sends = match self.action {
                Action::Begin(_) | Action::Restore(_) => false,
                // The failed row is there already.
                Action::RecordFailedHistory(place) => self.step(place).rank.is_none(),
                _ => true,
            };
            if sends {
                return;
            }
            self.hear(Event::Confirmed);
        }
    }

    /// The rows that the action writes land.
    pub(super) fn write(&self, setup: &Setup, server: &mut Server, run: u8) {
        match self.action {
            Action::Open => self.open(setup, server, run),
            Action::Step(place, next) if !setup.has(Bug::StepLate) => {
                let says = Says::Step { done: self.done.clone(), next };
                server.write(run, Some(self.step(place).script), says);
            }
            Action::RecordFailure(place, ordinal) => {
                let script = self.step(place).script;
                self.fail(server, run, script, ordinal);
            }
            Action::RecordFailedHistory(place) => server.history.push((self.step(place).script, false)),
            Action::Record(place) if !setup.has(Bug::HistoryFirst) => {
                server.record(self.step(place).script, self.step(place).rank);
            }
            Action::End(outcome) => {
                let says = Says::End { outcome: outcome.outcome(), last: self.done.clone() };
                server.write(run, self.at, says);
            }
            _ => {}
        }
    }

    fn fail(&self, server: &mut Server, run: u8, script: usize, ordinal: usize) {
        if !self.done.is_empty() {
            server.write(run, Some(script), Says::Step { done: self.done.clone(), next: ordinal });
        }
        server.write(run, Some(script), Says::Failed(ordinal));
    }

    fn open(&self, setup: &Setup, server: &mut Server, run: u8) {
        server.write(run, None, Says::Run);
        for step in &self.steps {
            let settled = self.settled.iter().filter(|row| row.script == Some(step.script));
            server.rows.extend(settled.cloned());
            server.write(run, Some(step.script), Says::Script);
            if let Some((done, next)) = step.known.clone().filter(|_| !setup.has(Bug::NoCarry)) {
                server.write(run, Some(step.script), Says::Step { done, next });
            }
        }
    }

    /// What the seeded bugs write around a statement: before it is sent, and after it was confirmed.
    pub(super) fn before(&self, setup: &Setup, server: &mut Server) {
        if let Action::Execute(place, ordinal) = self.action
            && setup.has(Bug::HistoryFirst)
            && ordinal == self.step(place).of
        {
            server.record(self.step(place).script, self.step(place).rank);
        }
    }

    pub(super) fn after(&self, setup: &Setup, server: &mut Server, run: u8) {
        if let Some((script, ordinal)) = self.statement()
            && setup.has(Bug::StepLate)
        {
            server.write(run, Some(script), Says::Step { done: self.done.clone(), next: ordinal });
        }
    }
}
