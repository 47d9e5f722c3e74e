//! Why a command could not do what was asked.

use crate::{
    diagnostic::{Code, Diagnostic},
    execute::interrupt::Interrupt,
    ledger::{LedgerError, full_name},
    model::target::LedgerName,
    session::{Cure, DbError, ErrorClass, Phase, advice, cure},
};

/// Why a command stopped: a finding, the server's own words where there are any, and the kind that decides the
/// exit code.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Decides the exit code.
    pub kind: StopKind,
    /// What, where, why, and what to do.
    pub finding: Diagnostic,
    /// Snowflake's code.
    pub snowflake_code: Option<String>,
    /// SQL state.
    pub sqlstate: Option<String>,
    /// The server's id of the statement.
    pub query_id: Option<String>,
}

/// Kinds of stop, one for each exit code that is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopKind {
    /// A fault of snowops.
    Internal,
    /// The command line asks for what cannot be.
    Usage,
    /// The configuration is wrong.
    Config,
    /// Validation, or a plan that no longer holds.
    Validation,
    /// A migration failed, stopped as unknown, or the lease was lost midway.
    Migration,
    /// No connection, or no login.
    Connection,
    /// Another run holds the lease, or has taken it; nothing was written.
    Locked,
    /// Interrupted by a person or a system.
    Interrupted,
}

impl Stop {
    /// A stop without words of a server.
    pub fn new(kind: StopKind, finding: Diagnostic) -> Self {
        Self { kind, finding, snowflake_code: None, sqlstate: None, query_id: None }
    }

    /// The stop that says that there are errors among the findings.
    pub fn findings(kind: StopKind, code: Code, findings: &[Diagnostic]) -> Self {
        let errors: Vec<&Diagnostic> = findings.iter().filter(|f| f.is_error()).collect();
        match errors.as_slice() {
            [only] => Self::new(kind, (*only).clone()),
            all => Self::new(kind, Diagnostic::error(code, format!("{} errors were found", all.len()))),
        }
    }

    /// With what the server said.
    #[must_use]
    pub fn with_db(mut self, error: &DbError) -> Self {
        self.snowflake_code.clone_from(&error.code);
        self.sqlstate.clone_from(&error.sqlstate);
        self.query_id.clone_from(&error.query_id);
        self
    }

    /// A request of snowops' own that failed. What a person can put right is no fault of snowops: rights, a warehouse,
    /// locks, a name that is hidden.
    pub fn db(doing: &str, error: &DbError) -> Self {
        let connecting = matches!(error.phase, Phase::Connect)
            || matches!(error.class, ErrorClass::Login | ErrorClass::Connection);
        let refused = cure(error) != Cure::Script
            || matches!(error.class, ErrorClass::NotFound | ErrorClass::AlreadyExists);
        let (kind, code) = if connecting {
            (StopKind::Connection, Code::ConnectionFailed)
        } else if refused {
            (StopKind::Validation, Code::LedgerRefused)
        } else {
            (StopKind::Internal, Code::Internal)
        };
        let finding = Diagnostic::error(code, format!("{doing} failed: {}", error.message));
        let finding = advice(error).into_iter().fold(finding, Diagnostic::hint);
        Self::new(kind, finding).with_db(error)
    }

    /// A ledger read or write that failed. `begun` tells whether user statements may have run before.
    pub fn ledger(error: &LedgerError, name: &LedgerName, begun: bool) -> Self {
        let kind = if begun { StopKind::Migration } else { StopKind::Validation };
        match error {
            LedgerError::Db(error) => {
                let mut stop = Self::db("a statement on the schema history", error);
                if begun {
                    stop.kind = StopKind::Migration;
                    let advice = stop.finding.hint.take();
                    stop.finding = advice.into_iter().fold(stop.finding, Diagnostic::note).hint(
                        "nothing more was sent; run `snowops migrate` again: it finds out what is done and goes on from there",
                    );
                }
                stop
            }
            LedgerError::LeaseLost(why) if begun => Self::new(
                kind,
                Diagnostic::error(Code::LeaseLost, format!("the lease was lost in the middle of the run: {why}"))
                    .hint("nothing more was sent; run `snowops info` to see what is done, then `snowops migrate` again: it goes on from there"),
            ),
            LedgerError::LeaseLost(why) => Self::new(
                StopKind::Locked,
                Diagnostic::error(Code::LeaseLost, format!("the lease was lost before anything was done: {why}"))
                    .note("`snowops unlock` shows who has it now")
                    .hint("nothing was written; run the same again: it waits for whoever has the lease"),
            ),
            LedgerError::Corrupt(finding) | LedgerError::ForeignTarget(finding) => Self::new(kind, finding.clone()),
            LedgerError::Stranger { .. } => Self::new(
                kind,
                Diagnostic::error(Code::CorruptHistory, format!("{}: {error}", full_name(name))).hint(
                    "make sure that no other tool migrates this target, then run `snowops info` and `snowops migrate` again",
                ),
            ),
            LedgerError::NewerLayout { .. } => {
                Self::new(kind, Diagnostic::error(Code::CorruptHistory, error.to_string()))
            }
            LedgerError::MissingDatabase { .. } => Self::new(
                StopKind::Config,
                Diagnostic::error(Code::MissingDatabase, error.to_string())
                    .hint("create it, or correct `database` of this environment; snowops never creates a database of its own accord"),
            ),
        }
    }
}

/// Of a run that stopped in good order because somebody asked.
pub(super) fn interrupted() -> Stop {
    let finding = Diagnostic::error(Code::Interrupted, "the run was interrupted before it was done")
        .hint("what was done is recorded; run `snowops migrate` again to go on from there");
    Stop::new(StopKind::Interrupted, finding)
}

/// Of a run that was left where it stood.
pub fn left(interrupt: &Interrupt) -> Stop {
    let running = interrupt.running();
    let message = match &running {
        Some(statement) => format!(
            "left at once, as asked: statement {} of {} may still run at the server",
            statement.ordinal, statement.script
        ),
        None => "left at once, as asked".to_owned(),
    };
    let finding = Diagnostic::error(Code::Interrupted, message)
        .hint("run `snowops migrate` again: it waits until the lease of this run is over, finds out what was done, and goes on from there");
    let Some(statement) = running else { return Stop::new(StopKind::Interrupted, finding) };
    let query_id = statement.query_id();
    let finding = match &query_id {
        Some(id) => {
            finding.note(format!("its query id is {id}; to end it: SELECT SYSTEM$CANCEL_QUERY('{id}')"))
        }
        None => finding.note(format!("the query history shows it under the tag {}", statement.tag.0)),
    };
    Stop { query_id, ..Stop::new(StopKind::Interrupted, finding) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ident::Ident;

    #[test]
    fn a_lease_that_is_lost_before_anything_was_written_is_another_runs() {
        let (database, schema) = (Ident::stored("RETAIL"), Ident::stored("SNOWOPS"));
        let name = LedgerName { database, schema, table: "history".to_owned() };
        let lost = LedgerError::LeaseLost("the row is held by another".to_owned());
        for (begun, kind, words) in [
            (false, StopKind::Locked, "lost before anything was done: the row is held by another"),
            (true, StopKind::Migration, "lost in the middle of the run: the row is held by another"),
        ] {
            let stop = Stop::ledger(&lost, &name, begun);
            assert_eq!((stop.kind, stop.finding.code), (kind, Code::LeaseLost));
            assert!(stop.finding.message.contains(words), "{stop:#?}");
        }
    }
}
