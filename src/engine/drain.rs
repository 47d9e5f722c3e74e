//! Waiting for what killed runs left running: before anything is said of their statements, and before they are closed.

use std::{collections::BTreeMap, time::Duration};

use super::{Stop, StopKind, Survey, Workspace, stop::interrupted};
use crate::{
    diagnostic::{Code, Diagnostic},
    execute::{
        drain::{Drain, DrainError, DrainMode, Drained, statements},
        emit::Emitter,
        interrupt::Interrupt,
    },
    ledger::Keeper,
    model::journal::{JournalRow, KnownRun},
    plan,
    session::{Connector, Liveness, Session},
};

/// With what killed runs are waited for.
pub(super) struct Drains<'a, 'e> {
    pub(super) workspace: &'a Workspace,
    pub(super) connector: &'a dyn Connector,
    pub(super) keeper: &'a mut Keeper,
    pub(super) work: &'a mut dyn Session,
    /// How long a statement that runs is waited for.
    pub(super) patience: Duration,
    pub(super) mode: DrainMode,
    /// The request to stop.
    pub(super) interrupt: &'a Interrupt,
    /// Is told of waits.
    pub(super) emitter: &'a mut Emitter<'e>,
}

impl Drains<'_, '_> {
    /// Waits until what the runs sent is over. Answers what is known of each, by its id.
    pub(super) async fn wait(&mut self, runs: &[KnownRun]) -> Result<BTreeMap<String, Drained>, Stop> {
        let mut drained = BTreeMap::new();
        for run in runs {
            drained.insert(run.id.clone(), self.one(run).await?);
        }
        Ok(drained)
    }

    async fn one(&mut self, run: &KnownRun) -> Result<Drained, Stop> {
        let capabilities = self.connector.capabilities();
        // The lock of the operating system says that the process is gone, and its statements with it.
        if capabilities.liveness == Liveness::OsLock {
            return Ok(Drained::Over);
        }
        if !capabilities.query_history {
            return Ok(Drained::Hidden);
        }
        let mut drain = Drain {
            name: self.workspace.ledger(),
            keeper: &mut *self.keeper,
            work: &mut *self.work,
            context: &self.workspace.context,
            patience: self.patience,
            mode: self.mode,
            interrupt: self.interrupt,
            emitter: &mut *self.emitter,
        };
        drain.wait(run).await.map_err(|error| not_drained(self.workspace, run, error))
    }
}

fn not_drained(workspace: &Workspace, run: &KnownRun, error: DrainError) -> Stop {
    match error {
        DrainError::Interrupted => interrupted(),
        DrainError::Ledger(error) => Stop::ledger(&error, workspace.ledger(), false),
        DrainError::Running(running) => {
            let message = format!(
                "{} of run {}, which was cut off, has not ended at the server",
                statements(&running),
                run.id
            );
            let id = running.first().map(|entry| entry.query_id.clone());
            let end = id.as_deref().unwrap_or_default();
            let finding = Diagnostic::error(Code::Locked, message)
                .hint(
                    "nothing was written; run again when it has ended, or wait longer with `--lock-timeout`",
                )
                .note(format!(
                    "to end it: `snowops migrate --drain cancel`, or SELECT SYSTEM$CANCEL_QUERY('{end}')"
                ));
            Stop { query_id: id, ..Stop::new(StopKind::Locked, finding) }
        }
    }
}

/// Whether a plan may run although a run cannot be seen at the server and may have left a statement running.
pub(super) fn may_go_on(run: &KnownRun, survey: &Survey, journal: &[JournalRow]) -> Result<(), Stop> {
    let Some((step, statement)) = plan::sends_again(journal, &survey.plan, run) else { return Ok(()) };
    let script = &step.prepared.migration.script;
    let message = format!(
        "what run {} sent last for {script} may still be running: the query history does not show its session to this role",
        run.id
    );
    let finding = Diagnostic::error(Code::UnknownOutcome, message)
        .note(format!("its sessions at the server: {}", run.sessions.join(", ")))
        .hint(match statement {
            Some(statement) => format!(
                "run `snowops migrate --drain cancel`, which ends them first; or see that they are over and say so: \
                 `snowops repair --script {script} --statement {statement} --mark-not-done`, and it is sent again"
            ),
            None => "run `snowops migrate --drain cancel`, which ends them first; or see that they are over and run \
                     `snowops repair`"
                .to_owned(),
        });
    Err(Stop::new(StopKind::Migration, finding))
}
