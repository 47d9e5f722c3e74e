//! `migrate`: plan, lease, plan again, apply, record.

use std::time::Duration;

use super::{
    Stop, StopKind, Survey, Workspace,
    drain::{self, Drains},
    lease,
    stop::interrupted,
    survey::{PlanOptions, Scripts, read, refuse, refuse_at_once},
    takeover::{Taken, Takeover},
};
use crate::{
    config::Engine,
    diagnostic::{Code, Diagnostic},
    event::Fact,
    execute::{
        Below, Execution, Failure, FailureKind, Interruption, RunReport,
        drain::DrainMode,
        emit::{Emitter, Stream, millis},
        execute,
        interrupt::Interrupt,
        settle::Settlement,
    },
    ledger::{Keeper, LedgerError, LedgerState, Presence},
    model::{
        name::MigrationKind,
        plan::{Comparison, Plan, Step},
        target::Purpose,
    },
    plan,
    session::{Connector, Cure, Outcome, Session, advice, cure},
};

/// What `migrate` is asked for.
#[derive(Clone, Debug)]
pub struct MigrateOptions {
    /// How far and how to plan.
    pub plan: PlanOptions,
    /// Stop after planning.
    pub dry_run: bool,
    /// Create the history even where it could be there and hidden.
    pub create_history: bool,
    /// How long to wait for another run.
    pub lock_timeout: Duration,
    /// What is done about statements that runs left running which were cut off.
    pub drain: DrainMode,
    /// The request to stop.
    pub interrupt: Interrupt,
    /// Outcomes of statements on the embedded engine that make the run a failure once it is over.
    pub fail_on: Vec<Outcome>,
}

/// What `migrate` did.
#[derive(Debug)]
pub struct Migrated {
    /// The run, once it had the lease.
    pub run: Option<String>,
    /// The plan that was followed, or would be.
    pub survey: Survey,
    /// What was done.
    pub report: RunReport,
    /// Why it did not do all of it.
    pub stop: Option<Stop>,
}

/// Asked before anything is written, with the plan: whether to go on.
pub type Confirm<'a> = dyn FnMut(&Survey) -> Result<(), Stop> + Send + 'a;

/// Migrates one environment.
pub async fn migrate(
    workspace: &Workspace,
    options: &MigrateOptions,
    events: &Stream,
    confirm: &mut Confirm<'_>,
) -> Result<Migrated, Stop> {
    let run = events.run().to_owned();
    let mut emitter = Emitter::new(events);
    let scripts = Scripts::resolve(workspace);
    let connector = workspace.connector()?;
    emitter.emit(Fact::RunStarted {
        environment: workspace.environment.name.clone(),
        target: workspace.place(),
    });
    let mut keeper = workspace.keeper(connector.as_ref()).await?;
    let state = match read(workspace, keeper.as_mut()).await {
        Ok(state) => state,
        Err(stop) => {
            drop(keeper.close().await);
            return Err(stop);
        }
    };
    let first = scripts.survey(workspace, &options.plan, state);
    emitter.emit(planned(&first));
    let mut refused = if options.dry_run { refuse(&first.plan) } else { refuse_at_once(&first) };
    let idle = (first.plan.steps.is_empty() && first.open_runs.is_empty()) || options.dry_run;
    if refused.is_none() && !idle {
        refused = confirm(&first).and_then(|()| may_create(workspace, options, &first.presence)).err();
    }
    if refused.is_some() || idle {
        close(keeper).await?;
        finish(&mut emitter, refused.is_none(), 0);
        return Ok(Migrated { run: None, survey: first, report: RunReport::default(), stop: refused });
    }
    let ask = lease::Ask {
        workspace,
        timeout: options.lock_timeout,
        presence: &first.presence,
        run: &run,
        adopt: false,
        interrupt: &options.interrupt,
    };
    match lease::take(&ask, keeper, &mut emitter).await? {
        lease::Taken::Lease(keeper) => {
            let target = Target { workspace, options, connector: connector.as_ref(), scripts: &scripts };
            target.run(*keeper, first, run, &mut emitter).await
        }
        lease::Taken::Busy { waiting, mut session } => {
            // What was waited for may be all there was to do.
            let state = read(workspace, session.as_mut()).await;
            let closed = close(session).await;
            let second = scripts.survey(workspace, &options.plan, state?);
            closed?;
            let stop = if options.interrupt.is_requested() {
                Some(interrupted())
            } else {
                let done =
                    second.plan.steps.is_empty() && second.open_runs.is_empty() && !second.plan.is_refused();
                (!done).then(|| lease::busy(&waiting))
            };
            finish(&mut emitter, stop.is_none(), 0);
            Ok(Migrated { run: None, survey: second, report: RunReport::default(), stop })
        }
    }
}

/// Everything of a migrate that stays the same after the first plan.
struct Target<'a> {
    workspace: &'a Workspace,
    options: &'a MigrateOptions,
    connector: &'a dyn Connector,
    scripts: &'a Scripts,
}

impl Target<'_> {
    /// Runs under the lease, and gives it back whatever happens.
    async fn run(
        &self,
        mut keeper: Keeper,
        first: Survey,
        run: String,
        emitter: &mut Emitter<'_>,
    ) -> Result<Migrated, Stop> {
        let name = self.workspace.ledger();
        let worked = self.work(&mut keeper, first, &run, emitter).await;
        let released = keeper.release().await;
        let mut migrated = worked?;
        if let (Err(error), None) = (released, &migrated.stop) {
            migrated.stop = Some(Stop::ledger(&error, name, true));
        }
        finish(emitter, migrated.stop.is_none(), migrated.report.applied.len());
        Ok(migrated)
    }

    async fn work(
        &self,
        keeper: &mut Keeper,
        first: Survey,
        run: &str,
        emitter: &mut Emitter<'_>,
    ) -> Result<Migrated, Stop> {
        let workspace = self.workspace;
        let spec = workspace.session(Purpose::Work);
        let opened = keeper.open_beside(self.connector, spec.clone()).await;
        let opened = opened.map_err(|error| Stop::ledger(&error, workspace.ledger(), false))?;
        let mut work = opened.map_err(|e| Stop::db(&format!("connecting to {}", workspace.place()), &e))?;
        let (second, settled) = match self.look_again(keeper, work.as_mut(), emitter).await {
            Ok(found) => found,
            Err(stop) => {
                // Why it stops says more than a session that cannot be closed, which ends by itself at the server.
                drop(work.close().await);
                return Err(stop);
            }
        };
        let before = first.plan.steps.len();
        // A first plan that was not to be followed gives nothing to compare with, unless a person agreed to it.
        let compared = !first.plan.is_refused() || workspace.environment.protected;
        let differences = match plan::compare(&first.plan, &second.plan) {
            Comparison::Equal => None,
            Comparison::Shrunk => {
                let after = second.plan.steps.len();
                emitter.emit(Fact::PlanShrunk { before, after });
                None
            }
            Comparison::Changed(differences) => compared.then(|| changed(&differences)),
        };
        let stop = refuse(&second.plan).or(differences);
        if stop.is_some() || second.plan.steps.is_empty() {
            drop(work.close().await);
            return Ok(Migrated { run: None, survey: second, report: RunReport::default(), stop });
        }
        let installed_by =
            workspace.environment.installed_by.clone().unwrap_or_else(|| work.info().user.clone());
        let body = lease::run_body(workspace, keeper, &work.info().user, &work.info().id, second.digest);
        let execution = Execution {
            connector: self.connector,
            keeper,
            work,
            spec,
            plan: &second.plan,
            settled: &settled,
            run: body,
            id: run,
            context: workspace.context.clone(),
            query_tag: workspace.environment.query_tag.clone(),
            installed_by,
            interrupt: self.options.interrupt.clone(),
        };
        let report = execute(execution, emitter).await;
        let stop = stop_of(workspace, &second, &report)
            .or_else(|| not_carried_out(&second, &report, &self.options.fail_on));
        Ok(Migrated { run: Some(run.to_owned()), survey: second, report, stop })
    }

    /// Reads the row back, and plans again.
    async fn look_again(
        &self,
        keeper: &mut Keeper,
        work: &mut dyn Session,
        emitter: &mut Emitter<'_>,
    ) -> Result<(Survey, Vec<Settlement>), Stop> {
        let wrong = |error: LedgerError| Stop::ledger(&error, self.workspace.ledger(), false);
        let state = keeper.read_back(work).await.map_err(wrong)?;
        keeper.upgrade(&state).await.map_err(wrong)?;
        self.survey(keeper, work, state, emitter).await
    }

    /// The plan under the lease. What killed runs left is found out first.
    async fn survey(
        &self,
        keeper: &mut Keeper,
        work: &mut dyn Session,
        state: LedgerState,
        emitter: &mut Emitter<'_>,
    ) -> Result<(Survey, Vec<Settlement>), Stop> {
        let open = plan::open_runs(&state.journal);
        let journal = state.journal.clone();
        let survey = self.scripts.survey(self.workspace, &self.options.plan, state);
        if !plan::takes_over(&journal, &survey.plan) {
            return Ok((survey, Vec::new()));
        }
        let (workspace, connector) = (self.workspace, self.connector);
        let mut drains = Drains {
            workspace,
            connector,
            keeper,
            work,
            patience: self.options.lock_timeout,
            mode: self.options.drain,
            interrupt: &self.options.interrupt,
            emitter,
        };
        let sent = plan::left_running(&journal, &survey.plan);
        let drained = drains.wait(&sent).await?;
        for run in sent.iter().filter(|run| drained.get(&run.id).is_none_or(|drained| !drained.is_over())) {
            drain::may_go_on(run, &survey, &journal)?;
        }
        let takeover = Takeover { workspace, connector, keeper, work, open, sent, drained };
        let Taken { state, settled } = takeover.run(&survey).await?;
        Ok((self.scripts.survey(self.workspace, &self.options.plan, state), settled))
    }
}

fn planned(survey: &Survey) -> Fact {
    Fact::Planned { steps: survey.plan.steps.len(), pending: survey.pending(), always: survey.always() }
}

fn finish(emitter: &mut Emitter<'_>, ok: bool, applied: usize) {
    let elapsed_ms = millis(emitter.elapsed());
    emitter.emit(Fact::RunFinished { ok, applied, elapsed_ms });
}

async fn close(session: Box<dyn Session>) -> Result<(), Stop> {
    session.close().await.map_err(|error| Stop::db("closing the session", &error))
}

/// Absence cannot be proven: the server says the same of a missing table and of one that the role may not see.
fn may_create(workspace: &Workspace, options: &MigrateOptions, presence: &Presence) -> Result<(), Stop> {
    let protected = workspace.environment.protected;
    let embedded = matches!(workspace.environment.engine, Engine::Embedded { .. });
    let allowed = match presence {
        Presence::Present | Presence::HistoryOnly => true,
        absent if absent.may_create() => !protected || embedded || options.create_history,
        _ => options.create_history,
    };
    if allowed {
        return Ok(());
    }
    let name = workspace.ledger();
    let table = format!("{}.{}.\"{}\"", name.database, name.schema, name.table);
    let role = workspace.environment.context.role.as_ref().map_or("your role".into(), ToString::to_string);
    Err(Stop::new(
        StopKind::Validation,
        Diagnostic::error(
            Code::HistoryNotVisible,
            format!("the schema history {table} is absent, or role {role} may not see it"),
        )
        .hint("if this target was never migrated: run again with `--create-history`")
        .note("if the history is under another name: set `history:` in snowops.yml")
        .note(format!(
            "if it is there and hidden: GRANT USAGE ON DATABASE {db} TO ROLE {role}; GRANT USAGE ON SCHEMA {db}.{schema} TO ROLE {role}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {db}.{schema} TO ROLE {role};",
            db = name.database,
            schema = name.schema,
        )),
    ))
}

fn changed(differences: &[String]) -> Stop {
    let finding = Diagnostic::error(
        Code::PlanChanged,
        "the plan changed between the first look and holding the lease, so nothing was run",
    )
    .hint("look at the new plan with `snowops plan`, then run `snowops migrate` again");
    let finding = differences.iter().fold(finding, |finding, line| finding.note(line.clone()));
    Stop::new(StopKind::Validation, finding)
}

fn stop_of(workspace: &Workspace, survey: &Survey, report: &RunReport) -> Option<Stop> {
    if let Some(error) = &report.ledger {
        return Some(Stop::ledger(error, workspace.ledger(), true));
    }
    if let Some(failure) = &report.failed {
        return Some(failed(survey, failure));
    }
    report.interrupted.as_ref().map(|interruption| stopped(survey, interruption))
}

/// Statements with an outcome that the caller does not accept, each with its place.
fn not_carried_out(survey: &Survey, report: &RunReport, fail_on: &[Outcome]) -> Option<Stop> {
    let unwanted: Vec<_> =
        report.statements.below.iter().filter(|one| fail_on.contains(&one.outcome)).collect();
    let first = unwanted.first()?;
    let word = |outcome| if outcome == Outcome::Opaque { "opaque" } else { "recorded" };
    let message = match unwanted.len() {
        1 => format!("a statement was only {}", word(first.outcome)),
        count => format!("{count} statements were only recorded or opaque"),
    };
    let mut finding = Diagnostic::error(Code::NotCarriedOut, message)
        .hint("they are applied and recorded in the history; only Snowflake can tell what they do");
    for (n, one) in unwanted.iter().enumerate() {
        let Below { script, ordinal, outcome, what } = one;
        let place = survey.places.of_error(script, *ordinal, None, None).map(|(place, _)| place);
        let at = place.as_ref().map_or_else(|| format!("{script}, statement {ordinal}"), ToString::to_string);
        finding = finding.note(format!("{at}: {} {what}", word(*outcome)));
        if let (0, Some(place)) = (n, place) {
            finding = finding.at(place);
        }
    }
    Some(Stop::new(StopKind::Migration, finding))
}

/// Of a statement that stopped in the middle and runs others.
const PARTIAL: &str = "what ran inside this statement before it stopped may be done: see that it bears being run again, or take that part out";

/// An interrupted run: what is not done, and what of it may be.
fn stopped(survey: &Survey, interruption: &Interruption) -> Stop {
    let mut stop = interrupted();
    let Interruption::Aborted { script, ordinal, of, partial } = interruption else { return stop };
    let message = format!("the run was interrupted: statement {ordinal} of {of} of {script} was aborted");
    stop.finding = Diagnostic { message, ..stop.finding };
    if *partial {
        stop.finding = stop.finding.note(PARTIAL);
    }
    if let Some((place, notes)) = survey.places.of_error(script, *ordinal, None, None) {
        stop.finding = notes.into_iter().fold(stop.finding.at(place), Diagnostic::note);
    }
    stop
}

/// A failure in the words that a person needs at 2 a.m.: what, where in the source, what is done, what to do.
fn failed(survey: &Survey, failure: &Failure) -> Stop {
    let Failure { script, ordinal, of, error, reason, .. } = failure;
    let unlisted = survey.embedded.then(|| unlisted_database(&error.message)).flatten();
    let place = survey.places.of_error(script, *ordinal, error.line, error.position);
    let message = crate::diagnostic::defuse(&error.message);
    let (code, text, hint) = match reason {
        FailureKind::Refused | FailureKind::Session => (
            Code::StatementFailed,
            format!("{script} failed at statement {ordinal} of {of}: {message}"),
            way_on(failure),
        ),
        FailureKind::Unknown => (
            Code::UnknownOutcome,
            format!("nobody can say whether statement {ordinal} of {of} of {script} was done: {message}"),
            "run `snowops migrate` again: it finds out before it goes on".to_owned(),
        ),
        FailureKind::Check => (
            Code::UnknownOutcome,
            format!(
                "all {of} statements of {script} are done, and its session ended before it could be asked whether a \
                 transaction was left open: {message}"
            ),
            "run `snowops migrate` again: it goes on behind them".to_owned(),
        ),
        FailureKind::OpenTransaction => (
            Code::OpenTransaction,
            format!("{script} ends with an open transaction, which was rolled back"),
            "end it with COMMIT or ROLLBACK inside the script and run `snowops migrate` again".to_owned(),
        ),
    };
    let mut finding = Diagnostic::error(code, text).hint(hint);
    if let Some(database) = unlisted {
        finding = finding.note(format!(
            "if {database} is there and not this project's, list it in snowops.yml: `externals: {{ databases: [{database}.*] }}`"
        ));
    }
    // The embedded engine's words say what its own rules want.
    if !survey.embedded
        && let Some(advice) = advice(error)
    {
        finding = finding.note(advice);
    }
    if let Some((place, notes)) = place {
        finding = notes.into_iter().fold(finding.at(place), Diagnostic::note);
    }
    if runs_statements(survey, failure) {
        finding = finding.note(PARTIAL);
    }
    match done_before(survey, failure) {
        0 => {}
        1 => finding = finding.note("statement 1 of this script is done and stays done"),
        done => {
            finding = finding.note(format!("statements 1 to {done} of this script are done and stay done"));
        }
    }
    Stop::new(StopKind::Migration, finding).with_db(error)
}

fn step_of<'a>(survey: &'a Survey, script: &str) -> Option<&'a Step> {
    let mut steps = survey.plan.steps.iter().chain(&survey.plan.on_error);
    steps.find(|step| step.prepared.migration.script == script)
}

/// Statements that stay done: those of the transaction that the failed one stands in were taken back with it.
fn done_before(survey: &Survey, failure: &Failure) -> usize {
    let planned = step_of(survey, &failure.script)
        .and_then(|step| step.prepared.rendered())
        .map(plan::planned)
        .unwrap_or_default();
    let unit = planned.get(failure.ordinal.saturating_sub(1)).and_then(|statement| statement.unit);
    unit.unwrap_or(failure.ordinal).saturating_sub(1)
}

/// Whether other statements run inside the failed one.
fn runs_statements(survey: &Survey, failure: &Failure) -> bool {
    let rendered = step_of(survey, &failure.script).and_then(|step| step.prepared.rendered());
    let statement = rendered.and_then(|rendered| rendered.statements.get(failure.ordinal.checked_sub(1)?));
    statement.is_some_and(|statement| statement.facts.verb.runs_statements())
}

/// The database that the embedded engine does not know.
fn unlisted_database(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Database '")?;
    Some(rest.split_once('\'')?.0)
}

/// What to do about a refused statement: a script is not to be mended for what lies around it. `A__` scripts and
/// callbacks have no row to go on from: they start anew.
fn way_on(failure: &Failure) -> String {
    let anew = matches!(failure.kind, MigrationKind::Always | MigrationKind::Callback);
    let begun = !anew && failure.ordinal > 1;
    let mend = match cure(&failure.error) {
        Cure::Script if begun => {
            "mend the script from that statement on (the ones before it must stay as they are) and "
        }
        Cure::Script => "mend the script and ",
        Cure::Surroundings => "put the cause right, leave the script as it is, and ",
        Cure::Nothing => "leave the script as it is and ",
    };
    let then = match (anew, begun) {
        (true, _) => {
            "; a script of this kind then runs from its first statement, so each must bear being repeated"
        }
        (false, true) => ": it goes on from there",
        (false, false) => "",
    };
    format!("{mend}run `snowops migrate` again{then}")
}

/// Whether a plan has anything that a person should agree to.
pub fn needs_confirmation(plan: &Plan) -> bool {
    plan::pending(plan) > 0
}
