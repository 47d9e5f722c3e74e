//! `repair`: makes the history agree with what a person says is right.

mod mark;

use std::time::Duration;

use super::{
    Stop, StopKind, Survey, Workspace,
    drain::Drains,
    lease::{self, Ask, Taken},
    stop::interrupted,
    survey::{PlanOptions, Scripts, read},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    event::Fact,
    execute::{
        drain::{DrainMode, Drained},
        emit::{Emitter, Stream},
        interrupt::Interrupt,
        settle::{self, Asked},
    },
    ledger::{self, Keeper, LedgerError, LedgerState, NewHistoryRow, NewJournalRow, Presence},
    model::{
        checksum::Sha256,
        history::{HistoryRow, RowType},
        journal::{ChangeBody, JournalBody, KnownRun, RunBody, RunOutcome, SettledOutcome},
        state::MigrationState,
        target::{Purpose, TargetIdentity},
    },
    plan,
    session::{Connector, Session},
};

/// What `repair` is asked for.
#[derive(Clone, Debug)]
pub struct RepairOptions {
    /// How long to wait for another run.
    pub lock_timeout: Duration,
    /// A statement whose outcome a person tells.
    pub mark: Option<Mark>,
    /// Take over a ledger that was made for another target.
    pub adopt: bool,
    /// The request to stop waiting.
    pub interrupt: Interrupt,
}

/// A person's word on an unknown statement.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The script.
    pub script: String,
    /// The statement, from 1.
    pub statement: usize,
    /// What it is.
    pub outcome: SettledOutcome,
}

/// What `repair` did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Scripts whose failed row was removed.
    pub removed: Vec<String>,
    /// Scripts whose row took the file's checksum and description.
    pub aligned: Vec<String>,
    /// Scripts whose file is gone and whose row no longer counts.
    pub deleted: Vec<String>,
    /// Scripts whose row was gone and that are pending again.
    pub forgotten: Vec<String>,
    /// Scripts whose row said that they failed, and says now that they were applied, as the journal does.
    pub restored: Vec<String>,
    /// Scripts whose row says that they were applied, against the journal, and is believed from now on.
    pub accepted: Vec<String>,
    /// The target whose ledger was taken over, in words.
    pub adopted: Option<String>,
    /// What was settled, in words.
    pub settled: Option<String>,
}

/// Repairs the history of one environment, under the lease.
pub async fn repair(
    workspace: &Workspace,
    options: &RepairOptions,
    events: &Stream,
) -> Result<Repaired, Stop> {
    let run = events.run().to_owned();
    let mut emitter = Emitter::new(events);
    let scripts = Scripts::resolve(workspace);
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let looked = look(workspace, options, &scripts, session.as_mut()).await;
    let state = match looked {
        Ok(state) if state.presence == Presence::Present => state,
        other => {
            let closed = session.close().await.map_err(|e| Stop::db("closing the session", &e));
            return other.and(closed).map(|()| Repaired::default());
        }
    };
    let ask = Ask {
        workspace,
        timeout: options.lock_timeout,
        presence: &state.presence,
        run: &run,
        adopt: options.adopt,
        interrupt: &options.interrupt,
    };
    let mut keeper = match lease::take(&ask, session, &mut emitter).await? {
        Taken::Lease(keeper) => keeper,
        Taken::Busy { waiting, session } => {
            session.close().await.map_err(|e| Stop::db("closing the session", &e))?;
            return Err(if options.interrupt.is_requested() { interrupted() } else { lease::busy(&waiting) });
        }
    };
    let repaired =
        under_lease(workspace, options, &scripts, connector.as_ref(), &mut keeper, &mut emitter).await;
    let released = keeper.release().await;
    let repaired = repaired?;
    released.map_err(|e| Stop::ledger(&e, workspace.ledger(), false))?;
    Ok(repaired)
}

/// What the ledger holds before the lease, and whether it may be repaired as is asked.
async fn look(
    workspace: &Workspace,
    options: &RepairOptions,
    scripts: &Scripts,
    session: &mut dyn Session,
) -> Result<LedgerState, Stop> {
    let state = read(workspace, session).await?;
    if state.presence == Presence::Present && options.adopt && options.mark.is_none() {
        may_adopt(workspace, scripts, session, state.clone()).await?;
    }
    Ok(state)
}

async fn under_lease(
    workspace: &Workspace,
    options: &RepairOptions,
    scripts: &Scripts,
    connector: &dyn Connector,
    keeper: &mut Keeper,
    emitter: &mut Emitter<'_>,
) -> Result<Repaired, Stop> {
    let opened = keeper.open_beside(connector, workspace.session(Purpose::Work)).await;
    let opened = opened.map_err(|e| Stop::ledger(&e, workspace.ledger(), false))?;
    let mut work = opened.map_err(|e| Stop::db(&format!("connecting to {}", workspace.place()), &e))?;
    let (user, id) = (work.info().user.clone(), work.info().id.clone());
    let look = Look { workspace, options, scripts, connector };
    let changes = look.changes(keeper, work.as_mut(), emitter).await;
    let closed = work.close().await;
    let (survey, mut changes) = changes?;
    closed.map_err(|e| Stop::db("closing the session", &e))?;
    if let Some(made_for) = keeper.adopted() {
        adoption(made_for, &mut changes);
    }
    let body = lease::run_body(workspace, keeper, &user, &id, changes.digest);
    let wrote = write(keeper, &changes, body, &survey.open_runs).await;
    // Lost between two rows, it may have written the first.
    let begun = |error: &LedgerError| matches!(error, LedgerError::LeaseLost(_));
    wrote.map_err(|e| Stop::ledger(&e, workspace.ledger(), begun(&e)))?;
    Ok(changes.repaired)
}

/// With what is found out what to repair.
struct Look<'a> {
    workspace: &'a Workspace,
    options: &'a RepairOptions,
    scripts: &'a Scripts,
    connector: &'a dyn Connector,
}

impl Look<'_> {
    /// What is to be changed, once nothing that other runs left is running any more.
    async fn changes(
        &self,
        keeper: &mut Keeper,
        work: &mut dyn Session,
        emitter: &mut Emitter<'_>,
    ) -> Result<(Survey, Changes), Stop> {
        let Self { workspace, options, scripts, connector } = *self;
        let wrong = |error| Stop::ledger(&error, workspace.ledger(), false);
        let state = keeper.read_back(work).await.map_err(wrong)?;
        let all = PlanOptions { out_of_order: true, ..PlanOptions::default() };
        let journal = state.journal.clone();
        let survey = scripts.survey(workspace, &all, state);
        let marked =
            options.mark.as_ref().map(|mark| Ok((mark, mark::attempt(&journal, mark)?))).transpose()?;
        let mut runs = plan::left_running(&journal, &survey.plan);
        if let Some((_, attempt)) = &marked
            && !runs.iter().any(|run| run.id == attempt.run)
        {
            runs.extend(plan::known_run(&journal, &attempt.run));
        }
        if keeper.adopted().is_some() {
            // What its runs left running runs in another target.
            runs.clear();
        }
        let (patience, interrupt, mode) = (options.lock_timeout, &options.interrupt, DrainMode::Wait);
        let mut drains = Drains { workspace, connector, keeper, work, patience, mode, interrupt, emitter };
        let drained = drains.wait(&runs).await?;
        for run in runs.iter().filter(|run| drained.get(&run.id) == Some(&Drained::Hidden)) {
            emitter.emit(unseen(run));
        }
        let changes = match marked {
            Some((mark, attempt)) => {
                let run = runs.iter().find(|run| run.id == attempt.run);
                if let Some(run) = run.filter(|_| !attempt.by_person) {
                    let asked = Asked {
                        name: workspace.ledger(),
                        capabilities: connector.capabilities(),
                        run: &run.id,
                        script: &mark.script,
                        ordinal: mark.statement,
                        user: &run.user,
                        drained: drained.get(&run.id).copied().unwrap_or(Drained::Hidden),
                        context: &workspace.context,
                    };
                    let known = keeper.beside(settle::settle(work, &asked)).await.and_then(|known| known);
                    mark::agrees(mark, &known.map_err(wrong)?)?;
                }
                mark::settled(&survey, &attempt, mark)
            }
            None if options.adopt => Changes::none(&survey),
            None => repairs(&survey),
        };
        Ok((survey, changes))
    }
}

/// Told of a run that repair closes on a person's word.
fn unseen(run: &KnownRun) -> Fact {
    let message = format!(
        "what run {} sent last may still be running: the query history does not show its sessions ({}) to this role; see \
         that nothing of them runs before you migrate",
        run.id,
        run.sessions.join(", ")
    );
    Fact::Warning { code: Code::UnknownOutcome.as_str().to_owned(), message }
}

/// What is to be written, decided before anything is.
struct Changes {
    repaired: Repaired,
    rows: Vec<NewJournalRow>,
    aligned: Vec<HistoryRow>,
    deleted: Vec<NewHistoryRow>,
    restored: Vec<HistoryRow>,
    remove_failed: bool,
    digest: Sha256,
}

async fn write(
    keeper: &mut Keeper,
    changes: &Changes,
    run: RunBody,
    open_runs: &[KnownRun],
) -> Result<(), LedgerError> {
    let journals = !changes.rows.is_empty();
    if journals {
        // The journal says what is about to change before it changes, and before a run that was cut off is closed.
        let mut rows = vec![(None, None, JournalBody::Run(run))];
        rows.extend(changes.rows.iter().cloned());
        keeper.journal(rows).await?;
    }
    // Before failed rows are removed: those are not.
    for row in &changes.restored {
        keeper.update_history(row.rank, true, row.checksum, row.execution_ms).await?;
    }
    if changes.remove_failed {
        keeper.remove_failed().await?;
    }
    for row in &changes.deleted {
        keeper.insert_history(row).await?;
    }
    for row in &changes.aligned {
        keeper.align_history(row.rank, &row.description, &row.kind, row.checksum).await?;
    }
    // Nobody holds the lease but this repair: what is open was cut off.
    keeper.close_open_runs(open_runs).await?;
    if journals {
        keeper.end(None, RunOutcome::Success, Vec::new()).await?;
    }
    Ok(())
}

impl Changes {
    fn none(survey: &Survey) -> Self {
        Self {
            repaired: Repaired::default(),
            rows: Vec::new(),
            aligned: Vec::new(),
            deleted: Vec::new(),
            restored: Vec::new(),
            remove_failed: false,
            digest: survey.digest,
        }
    }
}

/// Whether a ledger may be taken over as it is. A run that was cut off in the other target may have gone on there since:
/// what it left unknown is told by a person, who looks at this one. Asked before the lease, which writes the new identity.
async fn may_adopt(
    workspace: &Workspace,
    scripts: &Scripts,
    session: &mut dyn Session,
    state: LedgerState,
) -> Result<(), Stop> {
    let name = workspace.ledger();
    let wrong = |error: LedgerError| Stop::ledger(&error, name, false);
    let row = ledger::lock_row(session, name, Duration::ZERO, &workspace.context).await.map_err(wrong)?;
    let now = ledger::identity(session, name, &workspace.context).await.map_err(wrong)?;
    if row.identity.is_none_or(|made_for| ledger::check_target(&made_for, &now).is_ok()) {
        return Ok(());
    }
    let all = PlanOptions { out_of_order: true, ..PlanOptions::default() };
    let survey = scripts.survey(workspace, &all, state);
    let unknown = survey.plan.steps.iter().find_map(|step| Some((step, step.resume.as_ref()?.unknown?)));
    if let Some((step, ordinal)) = unknown {
        let script = &step.prepared.migration.script;
        let message = format!(
            "the ledger was copied while statement {ordinal} of {script} ran, and nothing tells whether this copy holds it"
        );
        let finding = Diagnostic::error(Code::UnknownOutcome, message).hint(format!(
            "look here, then say so: `snowops repair --adopt --script {script} --statement {ordinal} --mark-done` or `--mark-not-done`"
        ));
        return Err(Stop::new(StopKind::Migration, finding));
    }
    Ok(())
}

/// What the journal says of a change, where no row is its object.
fn change(what: impl Into<String>) -> ChangeBody {
    ChangeBody { what: what.into(), reason: "repair".into(), row_digest: None, source_sha: None }
}

/// Writes down whose ledger this was.
fn adoption(made_for: &TargetIdentity, changes: &mut Changes) {
    let what = format!(
        "{} in account {}, database created on {}",
        made_for.history, made_for.account, made_for.created_on
    );
    let body =
        ChangeBody { reason: "repair --adopt".into(), ..change(format!("took over the ledger of {what}")) };
    changes.rows.push((None, None, JournalBody::Adopted(body)));
    changes.repaired.adopted = Some(what);
}

fn repairs(survey: &Survey) -> Changes {
    let mut changes = Changes::none(survey);
    for script in left_without_row(survey) {
        let body = change("forgot a half applied attempt");
        changes.repaired.removed.push(script.clone());
        changes.rows.push((Some(script), None, JournalBody::Repaired(body)));
    }
    for script in &survey.plan.lost {
        let body = change("forgot that it was applied, its row is gone");
        changes.repaired.forgotten.push(script.clone());
        changes.rows.push((Some(script.clone()), None, JournalBody::Repaired(body)));
    }
    for status in &survey.plan.migrations {
        let Some(row) = &status.applied else { continue };
        let what = if status.state == MigrationState::MissingSuccess {
            changes.deleted.push(deletion(row));
            changes.repaired.deleted.push(row.script.clone());
            "marked as deleted, its file is gone"
        } else if let Some(applied) = survey.plan.contradicted.get(&row.script) {
            if *applied {
                restore(row, &mut changes);
                continue;
            }
            changes.repaired.accepted.push(row.script.clone());
            "took the row as it stands, the journal says that the script failed"
        } else if row.success {
            let Some(aligned) = plan::aligned(status) else { continue };
            changes.aligned.push(aligned);
            changes.repaired.aligned.push(row.script.clone());
            "took the file's checksum and description"
        } else {
            changes.remove_failed = true;
            changes.repaired.removed.push(row.script.clone());
            "removed the failed row"
        };
        let body = ChangeBody {
            row_digest: Some(plan::row_digest(row)),
            source_sha: row.success.then(|| status.migration.as_ref().map(|m| m.source_sha)).flatten(),
            ..change(what)
        };
        changes.rows.push((Some(row.script.clone()), None, JournalBody::Repaired(body)));
    }
    changes
}

/// Makes the row say success again. No journal row names the script: what the journal knows of it stays true.
fn restore(row: &HistoryRow, changes: &mut Changes) {
    let what = format!("set the success of {} back to true, as the journal says", row.script);
    let body = ChangeBody { row_digest: Some(plan::row_digest(row)), ..change(what) };
    changes.rows.push((None, None, JournalBody::Repaired(body)));
    changes.restored.push(row.clone());
    changes.repaired.restored.push(row.script.clone());
}

/// Scripts that a cut-off run left half applied before it could write a row: only the journal knows of them.
fn left_without_row(survey: &Survey) -> Vec<String> {
    let attempts = survey.plan.migrations.iter().filter(|s| s.applied.is_none() && s.state.is_failed());
    let known = attempts.filter_map(|s| Some(s.migration.as_ref()?.script.clone()));
    known.chain(survey.plan.orphans.iter().cloned()).collect()
}

/// Flyway's mark that a row no longer counts: a copy of it, of type `DELETE`.
fn deletion(row: &HistoryRow) -> NewHistoryRow {
    NewHistoryRow {
        version: row.version.clone(),
        description: row.description.clone(),
        kind: RowType::Delete,
        script: row.script.clone(),
        checksum: row.checksum,
        installed_by: row.installed_by.clone(),
        execution_ms: 0,
        success: true,
    }
}
