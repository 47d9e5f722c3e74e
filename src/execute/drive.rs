//! Carries out what [`Run`] asks for, on the two sessions.

mod find_out;
mod record;
mod send;

use std::{collections::BTreeSet, time::Duration};

use send::Sent;

use super::{
    context::{kind, leaves_more_than_context, put_back, quoted, shows_rows, tag, use_own, what},
    emit::{Emitter, millis},
    interrupt::Interrupt,
    report::{Failure, FailureKind, Interruption, RunReport},
    run::{Action, Event, Part, Place, Run, ScriptShape},
    settle::Settlement,
};
use crate::{
    catalog::is_unlisted,
    diagnostic::Code,
    event::Fact,
    ledger::{Keeper, LedgerError, NewJournalRow},
    model::{
        journal::{Done, JournalBody, RunBody},
        migration::Rendered,
        plan::{Action as StepAction, Plan, Replay, Step},
        statement::{Class, Statement},
        target::{Context4, SessionSpec},
    },
    session::{
        Answer, Connector, DbError, Effect, ErrorClass, OPEN_TRANSACTION, Phase, Request, RowUse, Session,
        context::Context,
    },
    sql::facts::class,
};

/// Most journal rows that one insert carries.
const ROWS_PER_INSERT: usize = 200;

/// Most rows of a script's result that are shown.
const SHOWN_ROWS: usize = 50;

/// Everything that a run needs.
pub struct Execution<'a> {
    /// Opens fresh work sessions.
    pub connector: &'a dyn Connector,
    /// Holds the lease and does the bookkeeping.
    pub keeper: &'a mut Keeper,
    /// Runs user SQL.
    pub work: Box<dyn Session>,
    /// What each script starts from.
    pub spec: SessionSpec,
    /// What to do.
    pub plan: &'a Plan,
    /// Unknown outcomes of earlier runs, settled before this one.
    pub settled: &'a [Settlement],
    /// The run row.
    pub run: RunBody,
    /// The run's id.
    pub id: &'a str,
    /// Clock and ids.
    pub context: Context,
    /// The environment's own query tag, kept in front of ours.
    pub query_tag: Option<String>,
    /// Who the history says did it.
    pub installed_by: String,
    /// The request to stop.
    pub interrupt: Interrupt,
}

/// Runs a plan. The keeper is left with its lease, for the caller to release.
pub async fn execute(execution: Execution<'_>, emitter: &mut Emitter<'_>) -> RunReport {
    let shapes = |steps: &[Step]| steps.iter().map(ScriptShape::of).collect();
    let mut machine = Run::new(shapes(&execution.plan.steps), shapes(&execution.plan.on_error));
    let mut driver = Driver::new(execution, emitter);
    let mut action = machine.on(Event::Start);
    while !matches!(action, Action::Finish(_)) {
        let event = if driver.must_stop(action) { Event::Interrupted } else { driver.perform(action).await };
        action = machine.on(event);
    }
    driver.finish().await
}

struct Driver<'a, 'e, 's> {
    it: Execution<'a>,
    emitter: &'e mut Emitter<'s>,
    report: RunReport,
    /// Where the work session stands.
    here: Context4,
    /// Statements of the script that were confirmed since its last journal row.
    done: Vec<Done>,
    last_query: Option<String>,
    began: Duration,
    stopped_at: Option<(String, usize)>,
    /// What the last failed statement was answered.
    last_error: Option<DbError>,
}

impl<'a, 'e, 's> Driver<'a, 'e, 's> {
    fn new(it: Execution<'a>, emitter: &'e mut Emitter<'s>) -> Self {
        let here = it.spec.context.clone();
        Self {
            it,
            emitter,
            report: RunReport::default(),
            here,
            done: Vec::new(),
            last_query: None,
            began: Duration::ZERO,
            stopped_at: None,
            last_error: None,
        }
    }

    fn must_stop(&mut self, action: Action) -> bool {
        let between = matches!(
            action,
            Action::Open | Action::Begin(_) | Action::Step(..) | Action::Execute(..) | Action::Replay(..)
        );
        let stop = between && self.it.interrupt.is_requested();
        if stop {
            self.report.interrupted.get_or_insert(Interruption::Between);
        }
        stop
    }

    async fn perform(&mut self, action: Action) -> Event {
        match action {
            Action::Open => self.open().await,
            Action::Begin(place) => self.begin(place).await,
            Action::Step(place, ordinal) => self.step(place, ordinal).await,
            Action::Execute(place, ordinal) => self.statement(place, ordinal).await,
            Action::Replay(place, index) => self.replay(place, index).await,
            Action::CheckTransaction(place) => self.check_transaction(place).await,
            Action::Record(place) => self.record(place).await,
            Action::Restore(place) => self.restore(place).await,
            Action::RecordFailure(place, ordinal) => self.record_failure(place, ordinal).await,
            Action::RecordFailedHistory(place) => self.record_failed_history(place).await,
            Action::End(outcome) => self.end(outcome).await,
            Action::Finish(_) => Event::Confirmed,
        }
    }

    fn step_at(&self, place: Place) -> Option<&'a Step> {
        match place.part {
            Part::Steps => self.it.plan.steps.get(place.step),
            Part::OnFailure => self.it.plan.on_error.get(place.step),
        }
    }

    async fn write(&mut self, rows: Vec<NewJournalRow>) -> Event {
        let written = self.it.keeper.journal(rows).await;
        self.ledger(written)
    }

    fn ledger<T>(&mut self, result: Result<T, LedgerError>) -> Event {
        match result {
            Ok(_) => Event::Confirmed,
            Err(error) => {
                self.report.ledger.get_or_insert(error);
                Event::LedgerLost
            }
        }
    }

    async fn begin(&mut self, place: Place) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        let migration = &step.prepared.migration;
        self.began = self.emitter.elapsed();
        self.done.clear();
        self.last_query = None;
        self.stopped_at = Some((migration.script.clone(), step.from));
        self.emitter.emit(Fact::MigrationStarted {
            script: migration.script.clone(),
            of: statements(step).len(),
            action: step.action,
            from: step.from,
        });
        let settings = &step.prepared.settings;
        for text in use_own(settings.role.as_ref(), settings.warehouse.as_ref()) {
            if let Err(error) = self.context_statement(&text).await {
                return self.fail(place, step.from.max(1), FailureKind::Session, error);
            }
        }
        Event::Confirmed
    }

    async fn statement(&mut self, place: Place, ordinal: usize) -> Event {
        let Some((step, statement)) = self.find(place, ordinal) else { return Event::Refused };
        let script = step.prepared.migration.script.clone();
        let of = statements(step).len();
        let request = self.request(step, statement);
        self.stopped_at = Some((script.clone(), ordinal));
        self.emitter.emit(Fact::StatementStarted {
            script: script.clone(),
            ordinal,
            of,
            what: what(statement),
        });
        let before = self.emitter.elapsed();
        let (sent, aborted) = self.send_statement(&request, &script, ordinal).await;
        let elapsed_ms = millis(self.emitter.elapsed().saturating_sub(before));
        match sent {
            Sent::Answer(answer) => {
                let at = At { script, ordinal, of, elapsed_ms };
                self.report.statements.count(answer.result, &at.script, ordinal, || kind(statement));
                self.confirmed(at, shows_rows(statement.facts.verb), answer);
                if self.report.ledger.is_some() { Event::LedgerLost } else { Event::Confirmed }
            }
            Sent::Error(error) => {
                let unknown = error.outcome == Effect::Unknown;
                self.emitter.emit(Fact::StatementFailed {
                    script: script.clone(),
                    ordinal,
                    of,
                    query_id: error.query_id.clone(),
                    elapsed_ms,
                    message: error.to_string(),
                    unknown,
                });
                let event = if aborted && !unknown && error.class == ErrorClass::Cancelled {
                    let partial = statement.facts.verb.runs_statements();
                    self.report.interrupted = Some(Interruption::Aborted { script, ordinal, of, partial });
                    Event::Interrupted
                } else {
                    let kind = if unknown { FailureKind::Unknown } else { FailureKind::Refused };
                    self.fail(place, ordinal, kind, error)
                };
                if self.report.ledger.is_some() { Event::LedgerLost } else { event }
            }
            Sent::NotAllowed => Event::LedgerLost,
        }
    }

    fn confirmed(&mut self, at: At, shows_rows: bool, answer: Answer) {
        let At { script, ordinal, of, elapsed_ms } = at;
        self.warn(answer.warnings);
        self.here = answer.context;
        self.done.push(Done { ordinal, query_id: answer.query_id.clone() });
        self.last_query.clone_from(&answer.query_id);
        let (columns, mut rows) = if shows_rows { (answer.columns, answer.rows) } else { Default::default() };
        rows.truncate(SHOWN_ROWS);
        self.emitter.emit(Fact::StatementFinished {
            script,
            ordinal,
            of,
            query_id: answer.query_id,
            elapsed_ms,
            changed: answer.changed,
            outcome: answer.result.map(|o| o.as_str().to_owned()),
            columns,
            rows,
        });
    }

    fn warn(&mut self, messages: Vec<String>) {
        let place =
            self.stopped_at.as_ref().map(|(script, ordinal)| format!("{script}, statement {ordinal}: "));
        let place = place.unwrap_or_default();
        for message in messages {
            let code = if is_unlisted(&message) { Code::UnlistedExternal } else { Code::LostWithObject };
            // One a name, not one a statement.
            if code == Code::UnlistedExternal && !self.emitter.is_new(&message) {
                continue;
            }
            let code = code.as_str().to_owned();
            self.emitter.emit(Fact::Warning { code, message: format!("{place}{message}") });
        }
    }

    async fn replay(&mut self, place: Place, index: usize) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        let replay = step.resume.as_ref().and_then(|resume| resume.replay.get(index));
        let request = match replay {
            Some(Replay::Statement(ordinal)) => match self.find(place, *ordinal) {
                Some((step, statement)) => self.request(step, statement),
                None => return Event::Refused,
            },
            Some(Replay::Use { kind, name }) => self.own_request(&format!("USE {kind} {}", quoted(name))),
            None => return Event::Refused,
        };
        match self.send(&request).await {
            Sent::Answer(answer) => {
                self.here = answer.context;
                Event::Confirmed
            }
            Sent::Error(error) => self.fail(place, step.from.max(1), FailureKind::Session, error),
            Sent::NotAllowed => Event::LedgerLost,
        }
    }

    async fn check_transaction(&mut self, place: Place) -> Event {
        let request = self.own_request(OPEN_TRANSACTION);
        let of = self.step_at(place).map_or(1, |step| statements(step).len());
        match self.send(&request).await {
            Sent::Answer(answer) => {
                let open = answer.rows.first().and_then(|row| row.first()).is_some_and(Option::is_some);
                if !open {
                    return Event::Confirmed;
                }
                let rollback = self.own_request("ROLLBACK");
                if let Sent::NotAllowed = self.send(&rollback).await {
                    return Event::LedgerLost;
                }
                self.fail(place, of, FailureKind::OpenTransaction, open_transaction())
            }
            // A failed row would have the last statement, which is done, done again.
            Sent::Error(error) => {
                self.fail(place, of, FailureKind::Check, error);
                Event::Lost
            }
            Sent::NotAllowed => Event::LedgerLost,
        }
    }

    async fn restore(&mut self, place: Place) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        if self.is_last(place) {
            // Nothing follows in its session.
            return Event::Confirmed;
        }
        let lasting = statements(step).iter().any(leaves_more_than_context);
        let Some(texts) = put_back(&self.here, &self.it.spec.context).filter(|_| !lasting) else {
            return self.fresh_session(place).await;
        };
        for text in &texts {
            if self.context_statement(text).await.is_err() {
                return self.fresh_session(place).await;
            }
        }
        if !texts.is_empty() {
            let script = step.prepared.migration.script.clone();
            self.emitter.emit(Fact::ContextRestored { script, statements: texts });
        }
        Event::Confirmed
    }

    fn is_last(&self, place: Place) -> bool {
        let steps = match place.part {
            Part::Steps => &self.it.plan.steps,
            Part::OnFailure => &self.it.plan.on_error,
        };
        place.step + 1 == steps.len()
    }

    async fn fresh_session(&mut self, place: Place) -> Event {
        let opened = self.it.keeper.open_beside(self.it.connector, self.it.spec.clone()).await;
        let fresh = match opened {
            Ok(Ok(fresh)) => fresh,
            Ok(Err(error)) => return self.fail(place, 1, FailureKind::Session, error),
            Err(error) => return self.ledger(Err::<(), _>(error)),
        };
        let session = fresh.info().id.clone();
        let old = std::mem::replace(&mut self.it.work, fresh);
        // The old session ends by itself at the server if it cannot be closed.
        drop(old.close().await);
        self.here = self.it.spec.context.clone();
        self.write(vec![(None, None, JournalBody::Session { session })]).await
    }

    async fn fresh_for_callbacks(&mut self) -> Option<Event> {
        if self.it.plan.on_error.is_empty() {
            return None;
        }
        match self.fresh_session(Place { part: Part::OnFailure, step: usize::MAX - 1 }).await {
            Event::LedgerLost => Some(Event::LedgerLost),
            _ => None,
        }
    }

    async fn finish(self) -> RunReport {
        let Self { it, mut report, stopped_at, .. } = self;
        let begun: BTreeSet<&str> = report
            .applied
            .iter()
            .map(|s| s.script.as_str())
            .chain(stopped_at.iter().map(|(script, _)| script.as_str()))
            .chain(report.failed.iter().map(|f| f.script.as_str()))
            .collect();
        let steps = it.plan.steps.iter().filter(|s| s.action != StepAction::Callback);
        let scripts = steps.map(|s| s.prepared.migration.script.clone());
        let not_run = scripts.filter(|s| !begun.contains(s.as_str())).collect();
        report.not_run = not_run;
        // A session that cannot be closed ends by itself at the server.
        drop(it.work.close().await);
        report
    }

    fn find(&self, place: Place, ordinal: usize) -> Option<(&'a Step, &'a Statement)> {
        let step = self.step_at(place)?;
        Some((step, statements(step).get(ordinal.checked_sub(1)?)?))
    }

    fn fail(&mut self, place: Place, ordinal: usize, reason: FailureKind, error: DbError) -> Event {
        let event = if reason == FailureKind::Unknown { Event::Lost } else { Event::Refused };
        let Some(step) = self.step_at(place) else { return event };
        let migration = &step.prepared.migration;
        self.last_error = Some(error.clone());
        // The first failure is the one to tell; those of error callbacks are in the events.
        self.report.failed.get_or_insert(Failure {
            script: migration.script.clone(),
            kind: migration.kind,
            ordinal,
            of: statements(step).len(),
            reason,
            error,
        });
        event
    }

    fn request(&self, step: &Step, statement: &Statement) -> Request {
        let script = &step.prepared.migration.script;
        Request {
            id: self.it.context.ids.request(),
            text: statement.text.clone(),
            binds: Vec::new(),
            tag: tag(self.it.query_tag.as_deref(), self.it.id, script, statement.ordinal),
            timeout: step.prepared.settings.timeout.or(self.it.spec.statement_timeout),
            // What only reads may be asked again when its answer is lost.
            repeatable: class(&statement.facts) == Class::Read,
            ledger: false,
            local_opaque: statement.settings.local_opaque,
            rows: RowUse::Shown,
        }
    }
}

/// A statement that was confirmed, for its event.
struct At {
    script: String,
    ordinal: usize,
    of: usize,
    elapsed_ms: u64,
}

fn statements(step: &Step) -> &[Statement] {
    step.prepared.rendered().map_or(&[], |r: &Rendered| r.statements.as_slice())
}

fn open_transaction() -> DbError {
    DbError {
        class: ErrorClass::Statement,
        code: None,
        sqlstate: None,
        message: "the script ends with an open transaction; it was rolled back".into(),
        line: None,
        position: None,
        query_id: None,
        phase: Phase::Answer,
        outcome: Effect::Failed,
    }
}
