//! A person's word on a statement whose outcome nobody else can tell.

use std::collections::BTreeSet;

use super::{Changes, Mark, Repaired};
use crate::{
    diagnostic::{Code, Diagnostic},
    engine::{Stop, StopKind, Survey},
    execute::settle::{Settlement, Verdict},
    model::journal::{JournalRow, SettledBy, SettledOutcome},
    plan::{self, Attempt, ScriptState},
};

/// The attempt that a person's word is about.
pub(super) fn attempt(journal: &[JournalRow], mark: &Mark) -> Result<Box<Attempt>, Stop> {
    let runs: BTreeSet<&str> = journal
        .iter()
        .filter(|row| row.script.as_deref() == Some(&mark.script))
        .map(|row| row.run.as_str())
        .collect();
    let of_script = |row: &&JournalRow| match row.script.as_deref() {
        Some(script) => script == mark.script,
        None => runs.contains(row.run.as_str()),
    };
    let rows: Vec<&JournalRow> = journal.iter().filter(of_script).collect();
    let usage = |message: String, hint: &str| {
        Err(Stop::new(StopKind::Usage, Diagnostic::error(Code::InvalidUsage, message).hint(hint)))
    };
    let found = match plan::script_state(&rows) {
        ScriptState::Open(attempt) => Some(attempt),
        ScriptState::Fresh | ScriptState::Done => None,
    };
    // One that may be sent again is not asked for, but whether it is over.
    let is_next = |attempt: &Attempt| attempt.unknown.is_none() && attempt.next == mark.statement;
    match found {
        Some(attempt) if attempt.unknown == Some(mark.statement) => Ok(attempt),
        Some(attempt) if is_next(&attempt) && mark.outcome == SettledOutcome::NotDone => Ok(attempt),
        Some(attempt) if is_next(&attempt) => usage(
            format!(
                "statement {} of {} is sent again, whether it was done or not",
                mark.statement, mark.script
            ),
            "see that nothing of it runs any more, then say `--mark-not-done`",
        ),
        _ => usage(
            format!(
                "statement {} of {} is not unknown, so there is nothing to mark",
                mark.statement, mark.script
            ),
            "`snowops info` shows which script stopped where",
        ),
    }
}

/// Whether a person's word is not against what the server knows.
pub(super) fn agrees(mark: &Mark, known: &Verdict) -> Result<(), Stop> {
    let Verdict::Found { outcome, .. } = known else { return Ok(()) };
    if *outcome == mark.outcome {
        return Ok(());
    }
    let message = format!(
        "the query history says that statement {} of {} was {}",
        mark.statement,
        mark.script,
        word(*outcome)
    );
    let finding = Diagnostic::error(Code::InvalidUsage, message)
        .hint("nothing was written; run `snowops migrate`, which finds that out by itself and goes on");
    Err(Stop::new(StopKind::Usage, finding))
}

const fn word(outcome: SettledOutcome) -> &'static str {
    match outcome {
        SettledOutcome::Done => "done",
        SettledOutcome::NotDone => "not done",
    }
}

/// A person's word on an unknown statement.
pub(super) fn settled(survey: &Survey, attempt: &Attempt, mark: &Mark) -> Changes {
    let settlement = Settlement {
        script: mark.script.clone(),
        run: attempt.run.clone(),
        ordinal: mark.statement,
        by: SettledBy::Person,
        outcome: mark.outcome,
    };
    let said = format!("statement {} of {} is marked as {}", mark.statement, mark.script, word(mark.outcome));
    Changes {
        repaired: Repaired { settled: Some(said), ..Repaired::default() },
        rows: vec![(Some(mark.script.clone()), Some(mark.statement), settlement.body())],
        ..Changes::none(survey)
    }
}
