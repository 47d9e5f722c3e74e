//! The worlds that are searched.

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use super::{Bug, Reads, Setup};

/// More states than any world here has: a search that comes so far was cut off.
const LIMIT: usize = 1_000_000_000;

const BOTH_START: &str = "never two runs that may start a statement";
const BOTH_RUN: &str = "never statements of two runs";
const LATE_WRITE: &str = "no ledger write after the next owner's first read";
const MUST_STOP: &str = "a healthy holder never has to stop";
const IN_TIME: &str = "a dead owner's lease is had again in time";

/// Visits every state: what must never be is nowhere, what sometimes is was reached.
#[expect(clippy::print_stdout, reason = "how much was searched is part of the answer")]
fn holds(name: &str, setup: Setup) {
    let all = setup.checker().threads(2).target_state_count(LIMIT).spawn_bfs().join();
    println!("lease, {name}: {} states, {} transitions", all.unique_state_count(), all.state_count());
    assert!(all.is_done() && all.state_count() < LIMIT, "{name}: the search was cut off");
    let found = all.discoveries();
    for property in setup.properties() {
        let seen = found.get(property.name);
        match property.expectation {
            Expectation::Sometimes => assert!(seen.is_some(), "{name}: never reached: {}", property.name),
            _ => assert!(seen.is_none(), "{name}: {}: {seen:?}", property.name),
        }
    }
}

/// A short way to what must never be.
#[expect(clippy::print_stdout, reason = "how the counterexample looks is part of the answer")]
fn fails(name: &str, setup: Setup, wanted: &str) {
    let first = setup.checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = first.discoveries();
    // One state may be wrong in more than one way.
    let Some(path) = found.get(wanted) else { panic!("{name}: {wanted}: not noticed: {:?}", found.keys()) };
    println!("lease, {name}: noticed after {} steps: {wanted}", path.clone().into_actions().len());
}

fn race() -> Setup {
    Setup { held: false, ..Setup::coarse() }
}

fn three() -> Setup {
    Setup { runs: 3, ledger: false, crashes: false, ..Setup::coarse() }
}

#[test]
fn a_takeover_with_all_faults_never_makes_two_writers() {
    holds("takeover, all faults", Setup::coarse());
}

#[test]
fn a_race_for_a_free_row_has_one_winner() {
    holds("race, slow and lost requests", Setup { ledger: false, crashes: false, ..race() });
}

#[test]
fn a_query_history_that_lists_late_and_clocks_that_differ_are_borne() {
    let late = Setup { listed_after: 2, ledger: false, crashes: false, ..Setup::coarse() };
    holds("takeover, listed after 2 ticks", late);
    let skewed = Setup { skew: 1, life: 0, pause: 2, users: false, ..Setup::quick() };
    holds("takeover, clocks 1 tick apart", skewed);
}

#[test]
fn a_healthy_holder_is_never_robbed_and_never_has_to_stop_while_k_is_short() {
    let healthy = |life| Setup { healthy: true, life, ..Setup::default() };
    holds("healthy holder, K = 1", healthy(1));
    holds("healthy holder, K = 2", healthy(2));
    fails("healthy holder, K = 3", healthy(3), MUST_STOP);
}

#[test]
fn the_lease_of_a_dead_owner_is_had_again_within_the_bound_and_not_a_tick_earlier() {
    let bound = |bound| Setup { again: true, bound, ..race() };
    // The transaction of the dead run keeps the lock, 7; the request and the pause between two tries.
    holds("dead owner, had again in 9", bound(9));
    fails("dead owner, had again in 8", bound(8), IN_TIME);
}

#[test]
fn too_long_a_pause_of_the_client_is_noticed() {
    let slow = |pause| Setup { pause, ledger: false, ..Setup::quick() };
    fails("P = margin + grace", slow(4), BOTH_RUN);
}

#[test]
fn each_seeded_bug_is_noticed() {
    use Bug::*;
    let coarse = || Setup { crashes: false, ..Setup::coarse() };
    let fence = || Setup { pause: 4, users: false, ..coarse() };
    let healthy = || Setup { healthy: true, ..Setup::default() };
    let bug = |bugs, setup| Setup { bugs, ..setup };
    let worlds = [
        ("claim without touch", bug(&[NoTouch], Setup { crashes: false, ..race() }), BOTH_START),
        ("touch without a look", bug(&[NoLook], healthy()), MUST_STOP),
        (
            "no read-back",
            bug(&[NoReadBack], Setup { losses: false, pause: 0, ledger: false, crashes: false, ..race() }),
            LATE_WRITE,
        ),
        ("fence without nonce", bug(&[FenceWithoutNonce, LedgerIgnoresNoSend], fence()), LATE_WRITE),
        ("fence without expiry", bug(&[FenceWithoutExpiry, LedgerIgnoresNoSend], fence()), LATE_WRITE),
        (
            "renew of a taken lease",
            bug(&[RenewOfTaken, LateRenewCounts], Setup { rows: Reads::Eval, ..coarse() }),
            BOTH_START,
        ),
        ("late renew counts", bug(&[LateRenewCounts], coarse()), BOTH_START),
        ("no no-send rule", bug(&[NoNoSend], coarse()), BOTH_RUN),
        (
            "ledger write without no-send rule",
            bug(&[LedgerIgnoresNoSend], Setup { life: 1, users: false, ..coarse() }),
            LATE_WRITE,
        ),
        (
            "late release",
            bug(
                &[LateRelease],
                Setup {
                    losses: false,
                    pause: 0,
                    users: false,
                    rows: Reads::Start,
                    clock: Reads::Start,
                    ..three()
                },
            ),
            BOTH_START,
        ),
        ("release over an open write", bug(&[ReleaseOverOpenWrite], Setup::coarse()), LATE_WRITE),
        ("beats wait behind writes", bug(&[BeatWaits], healthy()), MUST_STOP),
        (
            "drain of the last owner only",
            bug(
                &[DrainOfLastOnly],
                Setup { losses: false, pause: 0, rows: Reads::Eval, clock: Reads::Eval, ..three() },
            ),
            BOTH_RUN,
        ),
        (
            "drain by an old look",
            bug(
                &[OldLook],
                Setup {
                    losses: false,
                    ledger: false,
                    listed_after: 2,
                    rows: Reads::Eval,
                    clock: Reads::Eval,
                    ..race()
                },
            ),
            BOTH_RUN,
        ),
        ("nothing on its way after the end", bug(&[NothingOnItsWay], coarse()), BOTH_RUN),
    ];
    for (name, setup, wanted) in worlds {
        fails(name, setup, wanted);
    }
}

#[test]
fn belts_hold_without_each_other() {
    use Bug::*;
    // The fence alone, however long the client slept.
    let fence =
        Setup { bugs: &[LedgerIgnoresNoSend], pause: 4, users: false, crashes: false, ..Setup::coarse() };
    holds("fence without no-send rule", fence);
    let evaluated = Setup { bugs: &[LateRenewCounts], rows: Reads::Eval, crashes: false, ..Setup::coarse() };
    holds("late renew counts, rows evaluated again", evaluated);
}

#[test]
#[ignore = "minutes: cargo test --release --lib explore -- --ignored --nocapture --test-threads 1"]
fn wide() {
    holds("wide: race, all faults", Setup { again: true, ledger: false, ..race() });
    holds("wide: race, all faults, ledger", Setup { rows: Reads::Start, clock: Reads::Start, ..race() });
    holds("wide: takeover, P = 2, K = 1", Setup { pause: 2, ..Setup::default() });
    holds("wide: takeover, P = 2, K = 2", Setup { pause: 2, life: 2, ..Setup::quick() });
    holds("wide: three runs", three());
    holds("wide: listed after 2 ticks", Setup { listed_after: 2, ledger: false, ..Setup::default() });
    holds("wide: clocks 1 tick apart", Setup { skew: 1, life: 0, pause: 2, ..Setup::default() });
}
