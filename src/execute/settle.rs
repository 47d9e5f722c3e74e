//! Settles statements whose outcome an earlier run could not tell: by the server's query history, else by the
//! catalogue through the statement's probe, else by a person.

use super::{context::tag, drain::Drained};
use crate::{
    inspect::{self, Answer, Question},
    ledger::{self, EntryStatus, LedgerError},
    model::{
        facts::Probe,
        journal::{JournalBody, SettledBy, SettledOutcome},
        target::{Context4, LedgerName, Purpose, SessionSpec},
    },
    session::{Capabilities, Connector, Session, context::Context},
};

/// What was found out about one unknown statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The script.
    pub script: String,
    /// The run whose attempt it settles.
    pub run: String,
    /// The statement, from 1.
    pub ordinal: usize,
    /// How it was found out.
    pub by: SettledBy,
    /// What was found.
    pub outcome: SettledOutcome,
}

impl Settlement {
    /// Its journal row.
    pub fn body(&self) -> JournalBody {
        JournalBody::Settled {
            run: self.run.clone(),
            ordinal: self.ordinal,
            by: self.by,
            outcome: self.outcome,
        }
    }
}

/// What can be said of an unknown statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is known now.
    Found {
        /// How.
        by: SettledBy,
        /// What.
        outcome: SettledOutcome,
    },
    /// It is still not known; the sentence says why.
    Unknown(String),
}

/// The statement that is asked about, and whom to ask.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where the ledger is.
    pub name: &'a LedgerName,
    /// What the server can tell.
    pub capabilities: Capabilities,
    /// The run that sent it.
    pub run: &'a str,
    /// Its script.
    pub script: &'a str,
    /// Its number, from 1.
    pub ordinal: usize,
    /// The user of that run's sessions.
    pub user: &'a str,
    /// What is known of the run: only where all that it sent is over and listed, absence is a proof.
    pub drained: Drained,
    /// Clock and ids.
    pub context: &'a Context,
}

/// Asks the server what became of one statement of an earlier run, whose process is known to be dead.
///
/// An entry in the query history tells at once. Its absence is proof only once the run was drained, or where the history
/// is written together with the statement, as the embedded engine does: its lock says that the process is gone, so
/// nothing can follow.
pub async fn settle(session: &mut dyn Session, asked: &Asked<'_>) -> Result<Verdict, LedgerError> {
    let Asked { name, capabilities, run, script, ordinal, user, drained, context } = *asked;
    if !capabilities.query_history {
        return Ok(Verdict::Unknown("the server keeps no query history".to_owned()));
    }
    let tag = tag(None, run, script, ordinal).0;
    let entries = ledger::find_by_tag(session, name, &tag, user, context).await?;
    Ok(by_history(entries.last().map(|entry| entry.status), drained))
}

/// What an entry in the query history, or its absence, says of a statement.
pub fn by_history(listed: Option<EntryStatus>, drained: Drained) -> Verdict {
    let by = SettledBy::History;
    match (listed, drained) {
        (Some(EntryStatus::Success), _) => Verdict::Found { by, outcome: SettledOutcome::Done },
        (Some(EntryStatus::Failed), _) | (None, Drained::Over) => {
            Verdict::Found { by, outcome: SettledOutcome::NotDone }
        }
        (Some(EntryStatus::Running), _) => Verdict::Unknown("the query history says that it runs".to_owned()),
        (None, Drained::Ended | Drained::Hidden) => {
            Verdict::Unknown("the query history does not list it".to_owned())
        }
    }
}

/// A statement's probe, and what it must be read with.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The probe, from the journal.
    pub probe: &'a Probe,
    /// Where the statement's session stood.
    pub at: &'a Context4,
    /// See [`Question::since`].
    pub since: &'a [&'a str],
    /// See [`Question::made_before`].
    pub made_before: bool,
    /// Whether the attempt is known to be over: only then does it say something that its trace is not there.
    pub over: bool,
    /// Ids of requests.
    pub context: &'a Context,
}

/// Asks the catalogue what became of a statement, in a session of its own that stands where the statement's stood: so
/// it sees what that one saw.
pub async fn settle_by_state(connector: &dyn Connector, spec: SessionSpec, look: &Look<'_>) -> Verdict {
    let Look { probe, at, since, made_before, over, context } = *look;
    let spec = SessionSpec { purpose: Purpose::Keeper, context: at.clone(), ..spec };
    let mut session = match connector.open(spec).await {
        Ok(session) => session,
        Err(error) => return Verdict::Unknown(format!("no session could look where it ran: {error}")),
    };
    let answer = inspect::ask(session.as_mut(), &Question { probe, at, since, made_before, context }).await;
    // It ends by itself at the server if it cannot be closed.
    drop(session.close().await);
    let by = SettledBy::State;
    match answer {
        Answer::Yes => Verdict::Found { by, outcome: SettledOutcome::Done },
        Answer::No if over => Verdict::Found { by, outcome: SettledOutcome::NotDone },
        Answer::No => {
            Verdict::Unknown("its trace is not in the catalogue, but it may still be running".to_owned())
        }
        Answer::CannotTell(why) => Verdict::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_a_proof_only_where_all_is_over_and_listed() {
        let found = |outcome| Verdict::Found { by: SettledBy::History, outcome };
        for (drained, absent) in [
            (Drained::Over, Some(found(SettledOutcome::NotDone))),
            (Drained::Ended, None),
            (Drained::Hidden, None),
        ] {
            let verdict = by_history(None, drained);
            match absent {
                Some(wanted) => assert_eq!(verdict, wanted, "{drained:?}"),
                None => assert!(matches!(verdict, Verdict::Unknown(_)), "{drained:?}: {verdict:?}"),
            }
            assert_eq!(by_history(Some(EntryStatus::Success), drained), found(SettledOutcome::Done));
            assert_eq!(by_history(Some(EntryStatus::Failed), drained), found(SettledOutcome::NotDone));
            assert!(matches!(by_history(Some(EntryStatus::Running), drained), Verdict::Unknown(_)));
        }
    }
}
