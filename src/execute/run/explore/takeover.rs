//! What a new holder of the lease does before it runs: reads, waits, settles, writes what a killed run could not.

use std::collections::BTreeSet;

use super::{
    Bug, Setup,
    client::Client,
    ledger::{Row, Says, Server, number},
    model::{Pc, Sees},
};
use crate::{
    execute::{
        drain::Drained,
        settle::{Verdict, by_history},
    },
    model::{
        journal::{JournalRow, RunOutcome, SettledBy, SettledOutcome},
        plan::{Plan, Step},
        statement::Class,
    },
    plan::{self, ScriptState, script_state},
};

/// What is left to write before a run begins.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) enum Write {
    /// The failed row that a killed run could not write.
    Failed(usize),
    /// The `end` row of one.
    Close(u8),
}

fn script_of(setup: &Setup, server: &Server, step: &Step) -> usize {
    let name = &step.prepared.migration.script;
    let all = &setup.mixes[server.mix].scripts;
    all.iter().position(|script| script.migration.script == *name).expect("a script of this model")
}

fn of_script<'a>(journal: &'a [JournalRow], script: &str) -> Vec<&'a JournalRow> {
    let named = |row: &&JournalRow| row.script.as_deref() == Some(script);
    let runs: BTreeSet<&str> = journal.iter().filter(named).map(|row| row.run.as_str()).collect();
    let speaks = |row: &&JournalRow| match row.script.as_deref() {
        Some(other) => other == script,
        None => runs.contains(row.run.as_str()),
    };
    journal.iter().filter(speaks).collect()
}

/// Whether the journal tells what was done but for one statement, or for a row of those that may be repeated.
fn is_tracked(setup: &Setup, server: &Server, journal: &[JournalRow], script: usize) -> bool {
    let file = &setup.mixes[server.mix].scripts[script].migration.script;
    let times = &server.executed[script];
    let repeatable = |ordinal| server.class(setup, script, ordinal) == Class::Idempotent;
    match script_state(&of_script(journal, file)) {
        ScriptState::Fresh => times.iter().all(|times| *times == 0),
        ScriptState::Done => !times.contains(&0),
        ScriptState::Open(attempt) => (1..=times.len()).all(|ordinal| {
            let done = server.is_executed(script, ordinal);
            if ordinal < attempt.next {
                done
            } else {
                !done || ordinal == attempt.next || (attempt.next..=ordinal).all(repeatable)
            }
        }),
    }
}

/// The first reads under the lease, and what follows of them. `None`: it waits, or it stops and changes nothing.
pub(super) fn read(setup: &Setup, server: &mut Server, sees: Sees) -> Option<Pc> {
    let journal = server.journal(setup, &[]);
    for script in 0..server.executed.len() {
        let tracked = server.is_done(script) || is_tracked(setup, server, &journal, script);
        server.wrong.lost_track |= !tracked;
    }
    let plan = server.plan(setup, &journal);
    server.wrong.refused |= plan.is_refused();
    let open = plan::open_runs(&journal);
    if plan.steps.is_empty() && open.is_empty() {
        return Some(Pc::Finished);
    }
    if !plan::takes_over(&journal, &plan) {
        return Some(Pc::Runs(Box::new(Client::new(setup, server, plan, Vec::new()))));
    }
    let drained = drained(setup, server, &journal, &plan, sees)?;
    let mut settled = Vec::new();
    for step in &plan.steps {
        let Some((of, ordinal)) = step.resume.as_ref().and_then(|r| Some((number(&r.run), r.unknown?)))
        else {
            continue;
        };
        let script = script_of(setup, server, step);
        match settle(setup, server, (of, script, ordinal), sees, drained.contains(&of)) {
            Verdict::Found { outcome, .. } => {
                let done = outcome == SettledOutcome::Done;
                let says = Says::Settled { of, ordinal, done };
                settled.push(Row { run: 0, script: Some(script), says });
            }
            Verdict::Unknown(_) => return Some(Pc::Asks { script, ordinal }),
        }
    }
    let unmarked = |step: &&Step| step.resume.as_ref().is_some_and(|resume| resume.rank.is_none());
    let failed = plan.steps.iter().filter(unmarked).map(|step| Write::Failed(script_of(setup, server, step)));
    let close = open.iter().map(|run| Write::Close(number(&run.id)));
    let todo = failed.chain(close).collect();
    Some(Pc::Takes { todo, settled })
}

/// The runs that were waited for.
fn drained(
    setup: &Setup,
    server: &Server,
    journal: &[JournalRow],
    plan: &Plan,
    sees: Sees,
) -> Option<BTreeSet<u8>> {
    let left = plan::left_running(journal, plan);
    if sees == Sees::Nothing {
        let mut unseen = left.iter().filter_map(|run| plan::sends_again(journal, plan, run));
        let may = unseen.next().is_none() || setup.has(Bug::RepeatWhileRunning);
        return may.then(BTreeSet::new);
    }
    let ids: BTreeSet<u8> = left.iter().map(|run| number(&run.id)).collect();
    let runs = server.orphan.is_some_and(|orphan| ids.contains(&orphan.run));
    (!runs).then_some(ids)
}

/// What is found out about one statement of one run.
fn settle(setup: &Setup, server: &Server, it: (u8, usize, usize), sees: Sees, waited: bool) -> Verdict {
    let (_, script, ordinal) = it;
    if setup.has(Bug::LostIsNotDone) {
        return found(false);
    }
    let drained = match sees {
        Sees::Listed if waited => Drained::Over,
        Sees::Ended if waited && setup.has(Bug::EndedIsListed) => Drained::Over,
        Sees::Ended if waited => Drained::Ended,
        _ => Drained::Hidden,
    };
    let listed = if sees == Sees::Listed { server.entry(it) } else { None };
    let checkable = server.class(setup, script, ordinal) == Class::Checkable;
    match by_history(listed, drained) {
        Verdict::Unknown(_) if checkable && server.is_executed(script, ordinal) => found(true),
        Verdict::Unknown(_) if checkable && (drained.is_over() || setup.has(Bug::ProbeWhileRunning)) => {
            found(false)
        }
        verdict => verdict,
    }
}

fn found(done: bool) -> Verdict {
    let outcome = if done { SettledOutcome::Done } else { SettledOutcome::NotDone };
    Verdict::Found { by: SettledBy::History, outcome }
}

/// One write of the takeover lands; after the last one the run begins.
pub(super) fn take(
    setup: &Setup,
    server: &mut Server,
    run: u8,
    mut todo: Vec<Write>,
    settled: Vec<Row>,
) -> Pc {
    if todo.is_empty() {
        let settled: Vec<Row> = settled.into_iter().map(|row| Row { run, ..row }).collect();
        let journal = server.journal(setup, &settled);
        let plan = server.plan(setup, &journal);
        server.wrong.refused |= plan.is_refused();
        if plan.steps.is_empty() {
            return Pc::Finished;
        }
        return Pc::Runs(Box::new(Client::new(setup, server, plan, settled)));
    }
    match todo.remove(0) {
        Write::Failed(script) => server.history.push((script, false)),
        Write::Close(of) => {
            server.write(of, None, Says::End { outcome: RunOutcome::Abandoned, last: Vec::new() });
        }
    }
    Pc::Takes { todo, settled }
}

/// `repair --mark-done` or `--mark-not-done`, by a person who has looked.
pub(super) fn repair(setup: &Setup, server: &mut Server, run: u8, script: usize, ordinal: usize) {
    let journal = server.journal(setup, &[]);
    let file = &setup.mixes[server.mix].scripts[script].migration.script;
    let found = match script_state(&of_script(&journal, file)) {
        ScriptState::Open(attempt) if attempt.unknown == Some(ordinal) => attempt.run,
        _ => {
            server.wrong.refused = true;
            return;
        }
    };
    let done = server.is_executed(script, ordinal);
    server.write(run, None, Says::Run);
    server.write(run, Some(script), Says::Settled { of: number(&found), ordinal, done });
    for open in plan::open_runs(&journal) {
        let says = Says::End { outcome: RunOutcome::Abandoned, last: Vec::new() };
        server.write(number(&open.id), None, says);
    }
    server.write(run, None, Says::End { outcome: RunOutcome::Success, last: Vec::new() });
}
