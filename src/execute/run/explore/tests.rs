//! The worlds that are searched.

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use super::{Bug, Setup};

/// More states than any world here has: a search that comes so far was cut off.
const LIMIT: usize = 1_000_000_000;

/// Visits every state: what must never be is nowhere, what sometimes is was reached.
#[expect(clippy::print_stdout, reason = "how much was searched is part of the answer")]
fn holds(name: &str, setup: &Setup) {
    let all = setup.clone().checker().threads(2).target_state_count(LIMIT).spawn_bfs().join();
    println!("run, {name}: {} states, {} transitions", all.unique_state_count(), all.state_count());
    assert!(all.is_done() && all.state_count() < LIMIT, "{name}: the search was cut off");
    let found = all.discoveries();
    for property in setup.properties() {
        let seen = found.get(property.name).map(|path| path.clone().into_actions());
        match property.expectation {
            Expectation::Sometimes => assert!(seen.is_some(), "{name}: never reached: {}", property.name),
            _ => assert!(seen.is_none(), "{name}: {}: {seen:#?}", property.name),
        }
    }
}

/// A short way to what must never be.
#[expect(clippy::print_stdout, reason = "how the counterexample looks is part of the answer")]
fn fails(name: &str, setup: &Setup, wanted: &str) {
    let first =
        setup.clone().checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = first.discoveries();
    // One state may be wrong in more than one way.
    let Some(path) = found.get(wanted) else { panic!("{name}: {wanted}: not noticed: {:?}", found.keys()) };
    println!("run, {name}: noticed after {} steps: {wanted}", path.clone().into_actions().len());
}

const ONCE: &str = "what must not be repeated is done at most once";
const AHEAD: &str = "success only after execution";
const ORDER: &str = "in order";
const KNOWN: &str = "after a crash known up to one statement";
const ONE_ROW: &str = "one history row a script";

#[test]
fn a_run_that_was_cut_off_can_always_be_finished() {
    let narrow = || Setup::up_to(2, 1).narrow();
    holds("2 and 1 statements, a kill and a lost answer", &Setup { kills: 1, fails: 0, ..narrow() });
    holds("2 and 1 statements, a lost answer and a failure", &Setup { kills: 0, ..narrow() });
    holds("2 and 1 statements of each class, 2 kills", &Setup { lost: 0, fails: 0, ..Setup::up_to(2, 1) });
}

#[test]
fn each_seeded_bug_is_noticed() {
    for (bug, wanted) in [
        (Bug::HistoryFirst, AHEAD),
        (Bug::StepLate, KNOWN),
        (Bug::ResumeLate, ORDER),
        (Bug::LostIsNotDone, ONCE),
        (Bug::SettledWithoutRun, ONCE),
        (Bug::OpenRunsOnly, KNOWN),
        (Bug::NoCarry, KNOWN),
        (Bug::ProbeWhileRunning, ONCE),
        (Bug::RepeatWhileRunning, ORDER),
        (Bug::HistoryRepeated, ONE_ROW),
        (Bug::EndedIsListed, ONCE),
    ] {
        let lost = u8::from(bug == Bug::HistoryRepeated);
        let fail = u8::from(bug == Bug::OpenRunsOnly);
        let setup = Setup { lost, fails: fail, bug: Some(bug), ..Setup::up_to(2, 1).narrow() };
        fails(&format!("{bug:?}"), &setup, wanted);
    }
}

#[test]
#[ignore = "minutes: cargo test --release --lib explore -- --ignored --nocapture --test-threads 1"]
fn wide() {
    holds("wide: 2 and 1 statements, a kill, all faults", &Setup { kills: 1, ..Setup::up_to(2, 1) });
    holds("wide: 2 and 1 statements, 3 kills", &Setup { kills: 3, lost: 0, fails: 0, ..Setup::up_to(2, 1) });
    holds("wide: 3 and 1 statements, 2 kills", &Setup { lost: 0, fails: 0, ..Setup::up_to(3, 1) });
    holds("wide: 2 and 1 statements, 2 kills, all faults", &Setup::up_to(2, 1).narrow());
}
