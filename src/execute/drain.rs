//! Waits until nothing that a killed run sent is running any more. Before that, its absence from the query history or
//! from the catalogue says nothing.

use std::{collections::BTreeSet, time::Duration};

use super::{
    emit::{Emitter, millis},
    interrupt::Interrupt,
};
use crate::{
    diagnostic::Code,
    event::Fact,
    ledger::{self, HistoryEntry, Keeper, LedgerError},
    model::{journal::KnownRun, target::LedgerName},
    session::{Session, context::Context},
};

/// Time between two looks at a statement that runs.
const PAUSE: Duration = Duration::from_secs(2);

/// The same where nothing is seen to run.
const QUIET_PAUSE: Duration = Duration::from_secs(5);

/// Time between two events that say that it still runs.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Time after which a statement that was cancelled and still runs loses its session.
const ABORT_AFTER: Duration = Duration::from_secs(10);

/// What is done about statements that still run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrainMode {
    /// They end by themselves.
    #[default]
    Wait,
    /// The server is asked to end them, and their end is waited for.
    Cancel,
}

/// What is known of a killed run once it was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All that it sent is over, and listed.
    Over,
    /// The query history does not show its sessions to this role, and the server has ended them: all is over, and what
    /// it did cannot be seen.
    Ended,
    /// The query history does not show its sessions to this role: what it sent may be running yet.
    Hidden,
}

impl Drained {
    /// Whether nothing of it runs any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Over | Self::Ended)
    }
}

/// Why it was not waited for any longer.
#[derive(Debug)]
pub enum DrainError {
    /// Its statements still run after all patience.
    Running(Vec<HistoryEntry>),
    /// Somebody asked to stop.
    Interrupted,
    /// The ledger or the way to it.
    Ledger(LedgerError),
}

impl From<LedgerError> for DrainError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// With what a run is waited for.
pub struct Drain<'a, 'e> {
    /// Where the ledger is.
    pub name: &'a LedgerName,
    /// Beats meanwhile.
    pub keeper: &'a mut Keeper,
    /// Reads the query history.
    pub work: &'a mut dyn Session,
    /// Clock and ids.
    pub context: &'a Context,
    /// How long a statement that runs is waited for.
    pub patience: Duration,
    /// What is done about it.
    pub mode: DrainMode,
    /// The request to stop.
    pub interrupt: &'a Interrupt,
    /// Is told of the wait.
    pub emitter: &'a mut Emitter<'e>,
}

impl Drain<'_, '_> {
    /// Waits for one run.
    ///
    /// # Errors
    /// [`DrainError::Running`] after all patience; a lost lease; a server that does not answer.
    pub async fn wait(&mut self, run: &KnownRun) -> Result<Drained, DrainError> {
        let start = self.context.clock.now();
        let mut told = None;
        let mut stops = Stops::default();
        loop {
            let quiet = self.keeper.quiet_in(run);
            let standing = self.look(run).await?;
            let elapsed = self.context.clock.now().since(start);
            let (what, pause) = match standing {
                Standing::Running(running) if elapsed >= self.patience => {
                    return Err(DrainError::Running(running));
                }
                Standing::Running(running) => {
                    if self.mode == DrainMode::Cancel {
                        self.stop(run, &running, elapsed, &mut stops).await?;
                    }
                    (format!("{} of a run that was cut off to end", statements(&running)), PAUSE)
                }
                // What was sent last may not be listed yet.
                Standing::Quiet | Standing::Hidden if !quiet.is_zero() => {
                    let what = "what a run that was cut off may have sent last to show itself".to_owned();
                    (what, quiet.min(QUIET_PAUSE))
                }
                Standing::Quiet => return Ok(Drained::Over),
                Standing::Hidden if self.mode == DrainMode::Cancel => {
                    return Ok(self.end_sessions(run).await?);
                }
                Standing::Hidden => return Ok(Drained::Hidden),
            };
            if told.is_none_or(|told| elapsed >= told + TELL_EVERY) {
                told = Some(elapsed);
                self.emitter.emit(Fact::Waiting { what, elapsed_ms: millis(elapsed) });
            }
            self.keeper.rest(pause).await?;
            if self.interrupt.is_requested() {
                return Err(DrainError::Interrupted);
            }
        }
    }

    /// Asks the server to end what runs: the statements, and where that does not help the sessions. What it answers is
    /// told; whether it helped is seen at the next look.
    async fn stop(
        &mut self,
        run: &KnownRun,
        running: &[HistoryEntry],
        elapsed: Duration,
        stops: &mut Stops,
    ) -> Result<(), LedgerError> {
        let mut refused = Vec::new();
        for entry in running {
            if stops.cancelled.insert(entry.query_id.clone()) {
                stops.first.get_or_insert(elapsed);
                let asked = ledger::cancel_query(self.work, &entry.query_id, self.context);
                let asked = self.keeper.beside(asked).await?;
                refused.extend(asked.err().map(|error| format!("statement {}: {error}", entry.query_id)));
            }
        }
        if !stops.sessions && stops.first.is_some_and(|first| elapsed >= first + ABORT_AFTER) {
            stops.sessions = true;
            for id in &run.sessions {
                let asked = self.keeper.beside(ledger::abort_session(self.work, id, self.context)).await?;
                refused.extend(asked.err().map(|error| format!("session {id}: {error}")));
            }
        }
        for why in refused {
            let message = format!("the server did not end what it was asked to, {why}");
            self.emitter.emit(Fact::Warning { code: Code::Locked.as_str().to_owned(), message });
        }
        Ok(())
    }

    /// Ends sessions that cannot be seen: when the server says that it did, nothing of them runs.
    async fn end_sessions(&mut self, run: &KnownRun) -> Result<Drained, LedgerError> {
        for id in &run.sessions {
            let asked = self.keeper.beside(ledger::abort_session(self.work, id, self.context)).await?;
            if let Err(error) = asked {
                let message =
                    format!("the server did not end session {id} of the run that was cut off: {error}");
                self.emitter.emit(Fact::Warning { code: Code::Locked.as_str().to_owned(), message });
                return Ok(Drained::Hidden);
            }
        }
        Ok(Drained::Ended)
    }

    async fn look(&mut self, run: &KnownRun) -> Result<Standing, LedgerError> {
        let mut listed = Vec::new();
        for id in &run.sessions {
            let asked = ledger::find_by_session(self.work, self.name, &run.user, id, self.context);
            listed.push(self.keeper.beside(asked).await??);
        }
        Ok(standing(listed, ledger::lists_all(self.work, &run.user)))
    }
}

/// What the server was asked to end.
#[derive(Default)]
struct Stops {
    cancelled: BTreeSet<String>,
    /// When the first statement was.
    first: Option<Duration>,
    sessions: bool,
}

/// How a run's sessions stand in the query history.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// These statements have not ended.
    Running(Vec<HistoryEntry>),
    /// Every session that was used is listed, and nothing of it runs.
    Quiet,
    /// A session is not listed, and may have been used.
    Hidden,
}

/// `all`: what is listed of one session is listed of all of that user. A run's first session began with reads; one that
/// it opened after a script may have been cut off before its first statement, and is not listed then.
fn standing(listed: Vec<Vec<HistoryEntry>>, all: bool) -> Standing {
    let hidden = match listed.first() {
        Some(first) if all && !first.is_empty() => false,
        _ => listed.iter().any(Vec::is_empty),
    };
    let running: Vec<HistoryEntry> = listed.into_iter().flatten().filter(HistoryEntry::running).collect();
    match (running.is_empty(), hidden) {
        (false, _) => Standing::Running(running),
        (true, true) => Standing::Hidden,
        (true, false) => Standing::Quiet,
    }
}

/// Statements by their ids.
pub fn statements(running: &[HistoryEntry]) -> String {
    let ids: Vec<&str> = running.iter().map(|entry| entry.query_id.as_str()).collect();
    match ids.as_slice() {
        [id] => format!("statement {id}"),
        ids => format!("statements {}", ids.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::EntryStatus;

    #[test]
    fn a_run_is_over_only_when_each_of_its_sessions_is_listed_and_quiet() {
        let entry = |status| HistoryEntry {
            tag: String::new(),
            query_id: "q".to_owned(),
            status,
            started: String::new(),
            error_code: None,
            error_message: None,
        };
        let done = || vec![entry(EntryStatus::Success), entry(EntryStatus::Failed)];
        let busy = || vec![entry(EntryStatus::Success), entry(EntryStatus::Running)];
        for (listed, all, wanted) in [
            (vec![], true, Standing::Quiet),
            (vec![done()], false, Standing::Quiet),
            (vec![done(), vec![]], false, Standing::Hidden),
            // Opened, and never used.
            (vec![done(), vec![]], true, Standing::Quiet),
            (vec![vec![]], true, Standing::Hidden),
            (vec![vec![], done()], true, Standing::Hidden),
            (vec![busy(), vec![]], true, Standing::Running(vec![entry(EntryStatus::Running)])),
            (vec![done(), busy()], false, Standing::Running(vec![entry(EntryStatus::Running)])),
        ] {
            assert_eq!(standing(listed.clone(), all), wanted, "{listed:?} {all}");
        }
    }
}
