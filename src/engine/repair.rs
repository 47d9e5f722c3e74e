//! `repair`: makes the history agree with what a person says is right.

use std::time::Duration;

use super::{
    Stop, StopKind, Survey, Workspace,
    lease::{self, Ask, Taken},
    survey::{PlanOptions, Scripts, read},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    event::EventSink,
    execute::{emit::Emitter, settle::Settlement},
    ledger::{Keeper, LedgerError, NewJournalRow, Presence},
    model::{
        checksum::Sha256,
        history::HistoryRow,
        journal::{ChangeBody, JournalBody, RunBody, RunOutcome, SettledBy, SettledOutcome},
        target::Purpose,
    },
    plan,
    session::Connector,
};

/// What `repair` is asked for.
#[derive(Clone, Debug)]
pub struct RepairOptions {
    /// How long to wait for another run.
    pub lock_timeout: Duration,
    /// A statement whose outcome a person tells.
    pub mark: Option<Mark>,
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
#[derive(Debug, Default)]
pub struct Repaired {
    /// Scripts whose failed row was removed.
    pub removed: Vec<String>,
    /// Scripts whose row took the file's checksum and description.
    pub aligned: Vec<String>,
    /// What was settled, in words.
    pub settled: Option<String>,
}

/// Repairs the history of one environment, under the lease.
pub async fn repair(
    workspace: &Workspace,
    options: &RepairOptions,
    sink: &mut dyn EventSink,
) -> Result<Repaired, Stop> {
    let run = workspace.context.ids.next().to_string();
    let mut emitter = Emitter::new(workspace.context.clone(), run.clone(), sink);
    let scripts = Scripts::resolve(workspace);
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let state = read(workspace, session.as_mut()).await?;
    if state.presence != Presence::Present {
        session.close().await.map_err(|e| Stop::db("closing the session", &e))?;
        return Ok(Repaired::default());
    }
    let ask = Ask { workspace, timeout: options.lock_timeout, presence: &state.presence, run: &run };
    let mut keeper = match lease::take(&ask, session, &mut emitter).await? {
        Taken::Lease(keeper) => keeper,
        Taken::Busy { holder, session } => {
            session.close().await.map_err(|e| Stop::db("closing the session", &e))?;
            return Err(lease::busy(&holder, options.lock_timeout));
        }
    };
    let repaired = under_lease(workspace, options, &scripts, connector.as_ref(), &mut keeper).await;
    let released = keeper.release().await;
    let repaired = repaired?;
    released.map_err(|e| Stop::ledger(&e, workspace.ledger(), false))?;
    Ok(repaired)
}

async fn under_lease(
    workspace: &Workspace,
    options: &RepairOptions,
    scripts: &Scripts,
    connector: &dyn Connector,
    keeper: &mut Keeper,
) -> Result<Repaired, Stop> {
    let opened = connector.open(workspace.session(Purpose::Work)).await;
    let mut work = opened.map_err(|e| Stop::db(&format!("connecting to {}", workspace.place()), &e))?;
    let state = keeper.read_back(work.as_mut()).await;
    let (user, id) = (work.info().user.clone(), work.info().id.clone());
    let closed = work.close().await;
    let state = state.map_err(|e| Stop::ledger(&e, workspace.ledger(), false))?;
    closed.map_err(|e| Stop::db("closing the session", &e))?;
    let all = PlanOptions { out_of_order: true, ..PlanOptions::default() };
    let survey = scripts.survey(workspace, &all, state);
    let changes = match &options.mark {
        Some(mark) => settle(&survey, mark)?,
        None => repairs(&survey),
    };
    if changes.rows.is_empty() {
        return Ok(changes.repaired);
    }
    let body = lease::run_body(workspace, keeper, &user, &id, changes.digest);
    let wrote = write(keeper, &changes, body).await;
    wrote.map_err(|e| Stop::ledger(&e, workspace.ledger(), false))?;
    Ok(changes.repaired)
}

/// What is to be written, decided before anything is.
struct Changes {
    repaired: Repaired,
    rows: Vec<NewJournalRow>,
    aligned: Vec<HistoryRow>,
    remove_failed: bool,
    digest: Sha256,
}

async fn write(keeper: &mut Keeper, changes: &Changes, run: RunBody) -> Result<(), LedgerError> {
    // The journal says what is about to change before it changes.
    let mut rows = vec![(None, None, JournalBody::Run(run))];
    rows.extend(changes.rows.iter().cloned());
    keeper.journal(rows).await?;
    if changes.remove_failed {
        keeper.remove_failed().await?;
    }
    for row in &changes.aligned {
        keeper.align_history(row.rank, &row.description, &row.kind, row.checksum).await?;
    }
    keeper.end(None, RunOutcome::Success, Vec::new()).await
}

fn repairs(survey: &Survey) -> Changes {
    let mut changes = Changes {
        repaired: Repaired::default(),
        rows: Vec::new(),
        aligned: Vec::new(),
        remove_failed: false,
        digest: survey.digest,
    };
    for status in &survey.plan.migrations {
        let Some(row) = &status.applied else { continue };
        let what = if row.success {
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
            what: what.into(),
            reason: "repair".into(),
            row_digest: Some(plan::row_digest(row)),
            source_sha: row.success.then(|| status.migration.as_ref().map(|m| m.source_sha)).flatten(),
        };
        changes.rows.push((Some(row.script.clone()), None, JournalBody::Repaired(body)));
    }
    changes
}

/// A person's word on an unknown statement.
fn settle(survey: &Survey, mark: &Mark) -> Result<Changes, Stop> {
    let resumes = survey.plan.steps.iter().filter(|s| s.prepared.migration.script == mark.script);
    let found = resumes.filter_map(|s| s.resume.as_ref()).find(|r| r.unknown == Some(mark.statement));
    let Some(found) = found else {
        let message = format!(
            "statement {} of {} is not unknown, so there is nothing to mark",
            mark.statement, mark.script
        );
        let finding = Diagnostic::error(Code::InvalidUsage, message)
            .hint("`snowops info` shows which script stopped where");
        return Err(Stop::new(StopKind::Validation, finding));
    };
    let settlement = Settlement {
        script: mark.script.clone(),
        run: found.run.clone(),
        ordinal: mark.statement,
        by: SettledBy::Person,
        outcome: mark.outcome,
    };
    let word = match mark.outcome {
        SettledOutcome::Done => "done",
        SettledOutcome::NotDone => "not done",
    };
    Ok(Changes {
        repaired: Repaired {
            settled: Some(format!("statement {} of {} is marked as {word}", mark.statement, mark.script)),
            ..Repaired::default()
        },
        rows: vec![(Some(mark.script.clone()), Some(mark.statement), settlement.body())],
        aligned: Vec::new(),
        remove_failed: false,
        digest: survey.digest,
    })
}
