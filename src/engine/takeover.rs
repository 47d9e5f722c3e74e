//! What a new holder of the lease does with runs that were killed: finds out what they did, and closes them.

use std::collections::BTreeMap;

use super::{Stop, StopKind, Survey, Workspace, survey::read};
use crate::{
    diagnostic::{Code, Diagnostic},
    execute::drain::Drained,
    execute::settle::{Asked, Look, Settlement, Verdict, settle, settle_by_state},
    ledger::{Keeper, LedgerError, LedgerState, NewHistoryRow},
    model::{
        history::{RowType, abbreviate_description, abbreviate_script},
        journal::{JournalRow, KnownRun},
        name::MigrationKind,
        plan::{Resume, Step},
        target::{LedgerName, Purpose},
    },
    plan,
    session::{Connector, Session},
};

/// Who takes over, and with what.
pub(super) struct Takeover<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) connector: &'a dyn Connector,
    pub(super) keeper: &'a mut Keeper,
    pub(super) work: &'a mut dyn Session,
    /// Runs without an `end` row.
    pub(super) open: Vec<KnownRun>,
    /// Runs that may have left something running: these, and some that ended without knowing.
    pub(super) sent: Vec<KnownRun>,
    /// What is known of each of them, by its id.
    pub(super) drained: BTreeMap<String, Drained>,
}

/// The ledger after the takeover.
pub(super) struct Taken {
    /// What it holds now, settlements included.
    pub(super) state: LedgerState,
    /// What was found out and is not in the journal yet: the run that resumes writes it with its first rows.
    pub(super) settled: Vec<Settlement>,
}

impl Takeover<'_> {
    /// Settles unknown statements, writes the failed rows that killed runs could not write, and closes those runs.
    pub(super) async fn run(mut self, survey: &Survey) -> Result<Taken, Stop> {
        let mut settled = Vec::new();
        let half = || survey.plan.steps.iter().filter_map(|step| step.resume.as_ref().map(|r| (step, r)));
        for (step, resume) in half() {
            if let Some(ordinal) = resume.unknown {
                settled.push(self.settle(step, resume, ordinal).await?);
            }
        }
        let name = self.workspace.ledger();
        for (step, _) in half().filter(|(step, resume)| resume.rank.is_none() && has_history(step)) {
            let row = self.failed_row(step);
            self.keeper.insert_history(&row).await.map_err(|e| wrote(&e, name))?;
        }
        let closed = self.keeper.close_open_runs(&self.open).await;
        closed.map_err(|e| wrote(&e, name))?;
        let mut state = self.read_anew().await?;
        let run = self.keeper.run();
        state.journal.extend(settled.iter().zip(0..).map(|(settlement, n)| row(run, settlement, n)));
        Ok(Taken { state, settled })
    }

    /// The ledger as the keeper left it. A session sees for certain only what was there when it began, and the work session
    /// began before.
    async fn read_anew(&mut self) -> Result<LedgerState, Stop> {
        let (workspace, connector) = (self.workspace, self.connector);
        let read = async move {
            let mut fresh = workspace.keeper(connector).await?;
            let state = read(workspace, fresh.as_mut()).await;
            // What it said stands, whether it can be closed or not.
            drop(fresh.close().await);
            state
        };
        self.keeper.beside(read).await.map_err(|error| wrote(&error, workspace.ledger()))?
    }

    async fn settle(&mut self, step: &Step, resume: &Resume, ordinal: usize) -> Result<Settlement, Stop> {
        let script = &step.prepared.migration.script;
        let run = self.sent.iter().find(|run| run.id == resume.run);
        let user = run.map_or_else(|| self.work.info().user.clone(), |run| run.user.clone());
        let asked = Asked {
            name: self.workspace.ledger(),
            capabilities: self.connector.capabilities(),
            run: &resume.run,
            script,
            ordinal,
            user: &user,
            drained: self.drained(&resume.run),
            context: &self.workspace.context,
        };
        let verdict = self.keeper.beside(settle(self.work, &asked)).await.and_then(|verdict| verdict);
        let verdict = verdict.map_err(|error| Stop::ledger(&error, self.workspace.ledger(), false))?;
        let mut reasons = Vec::new();
        let verdict = match verdict {
            Verdict::Unknown(why) => {
                reasons.push(why);
                if self.drained(&resume.run) == Drained::Hidden {
                    reasons.push(HIDDEN.to_owned());
                }
                self.look(step, resume, ordinal).await?
            }
            found @ Verdict::Found { .. } => found,
        };
        match verdict {
            Verdict::Found { by, outcome } => {
                Ok(Settlement { script: script.clone(), run: resume.run.clone(), ordinal, by, outcome })
            }
            Verdict::Unknown(why) => {
                reasons.push(why);
                Err(unknown(script, resume, ordinal, &reasons))
            }
        }
    }

    /// Asks the catalogue, where the statement was planned with a probe.
    async fn look(&mut self, step: &Step, resume: &Resume, ordinal: usize) -> Result<Verdict, Stop> {
        let cannot = |why: &str| Ok(Verdict::Unknown(why.to_owned()));
        let planned = resume.planned.statements.get(ordinal - 1);
        let Some(probe) = planned.and_then(|statement| statement.probe.as_ref()) else {
            return cannot("it leaves no trace in the catalogue that could be looked up");
        };
        let spec = self.workspace.session(Purpose::Keeper);
        let before = step.statements().get(..ordinal - 1).unwrap_or_default();
        let Some(at) = plan::standing(&spec.context, &step.prepared.settings, before) else {
            return cannot("where its session stood cannot be read from the statements before it");
        };
        let lost = |error| Stop::ledger(&error, self.workspace.ledger(), false);
        let state = self.keeper.beside(read(self.workspace, self.work)).await.map_err(lost)??;
        let script = &step.prepared.migration.script;
        let since = plan::confirmed_before(&state.journal, &state.history, &resume.run, script);
        let look = Look {
            probe,
            at: &at,
            since: &since,
            made_before: plan::made_before(probe, before, &state.journal, &resume.run, script),
            over: self.drained(&resume.run).is_over(),
            context: &self.workspace.context,
        };
        self.keeper.beside(settle_by_state(self.connector, spec, &look)).await.map_err(lost)
    }

    fn drained(&self, run: &str) -> Drained {
        self.drained.get(run).copied().unwrap_or(Drained::Hidden)
    }

    fn failed_row(&self, step: &Step) -> NewHistoryRow {
        let migration = &step.prepared.migration;
        let planned = step.resume.as_ref().map_or(migration.crc, |resume| resume.planned.crc);
        let user = || self.work.info().user.clone();
        NewHistoryRow {
            version: migration.version.as_ref().map(ToString::to_string),
            description: abbreviate_description(&migration.description),
            kind: RowType::Sql,
            script: abbreviate_script(&migration.script),
            checksum: Some(i64::from(planned)),
            installed_by: self.workspace.environment.installed_by.clone().unwrap_or_else(user),
            execution_ms: 0,
            success: false,
        }
    }
}

/// A stop after rows were written for earlier runs.
fn wrote(error: &LedgerError, name: &LedgerName) -> Stop {
    Stop::ledger(error, name, matches!(error, LedgerError::LeaseLost(_)))
}

/// What a person must know before saying that a statement was not done.
const HIDDEN: &str = "it may still be running: the query history does not show its session to this role, so look for that first";

fn has_history(step: &Step) -> bool {
    !matches!(step.prepared.migration.kind, MigrationKind::Always | MigrationKind::Callback)
}

fn unknown(script: &str, resume: &Resume, ordinal: usize, reasons: &[String]) -> Stop {
    let message = format!(
        "nobody can say whether statement {ordinal} of {} of {script} was done by run {}",
        resume.planned.statements.len(),
        resume.run
    );
    let hint = format!(
        "look in the database, then say what you found: `snowops repair --script {script} --statement {ordinal} --mark-done` or `--mark-not-done`"
    );
    let finding = Diagnostic::error(Code::UnknownOutcome, message).hint(hint);
    let finding = reasons.iter().fold(finding, |finding, why| finding.note(crate::diagnostic::defuse(why)));
    Stop::new(StopKind::Migration, finding)
}

/// A settlement as the journal will hold it, for planning before it does.
fn row(run: &str, settlement: &Settlement, n: i64) -> JournalRow {
    JournalRow {
        run: run.to_owned(),
        seq: i64::MAX - n,
        script: Some(settlement.script.clone()),
        ordinal: Some(settlement.ordinal),
        body: settlement.body(),
        at: String::new(),
    }
}
