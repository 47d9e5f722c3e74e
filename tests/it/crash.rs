//! A migrate that is killed at every point of every request it makes, and the runs that come after it.
//!
//! The client runs in this process, on one thread with its server and by the server's clock, so that everything happens
//! the same each time and minutes cost nothing. "Killed" means that its future is dropped: nothing of it runs any more.

mod adversary;
mod chosen;
mod oracle;
mod point;
mod requests;
mod said;
mod sampled;
mod scenario;
mod target;

use point::crash_everywhere;

macro_rules! scenarios {
    ($how:path: $($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            $how(&scenario::$name());
        })*
    };
}

scenarios!(
    crash_everywhere:
    first_run,
    plain_ddl,
    session_state,
    scripting_block,
    transaction,
    repeatables,
    always,
    failing_statement,
    callbacks,
    same_name,
    slow,
    left_open,
);

scenarios!(sampled::crash_somewhere: mixed, replaced, headers, failing_repeatable, secret);

/// What a statement does when it goes on while its client does not.
#[test]
fn slow_and_running() {
    sampled::running(&scenario::slow());
}

/// Points at which something went wrong once.
#[test]
fn found_before() {
    sampled::found_before();
}

#[test]
fn races() {
    sampled::races();
}

#[test]
fn a_run_that_sleeps_while_another_takes_over() {
    sampled::sleepers(4);
}

/// Each request of a run loses its answer once, or does not arrive.
#[test]
fn broken_connections() {
    sampled::broken();
}

#[test]
fn a_run_that_must_not_go_on_leaves_that_to_the_next() {
    sampled::refusals(6);
}

#[test]
fn takeover_at_each_point() {
    sampled::each_takeover();
}

#[test]
fn takeover() {
    sampled::takeovers(30);
}

#[test]
fn modes() {
    sampled::modes(2, 2, 20);
}

#[test]
fn a_claim_that_the_server_took_back_is_not_believed() {
    chosen::taken_back();
}

#[test]
fn a_claim_that_waited_for_another_does_not_take_its_lease() {
    chosen::waited();
}

#[test]
fn a_run_that_waited_plans_again() {
    chosen::planned_before();
}

#[test]
fn what_a_run_wrote_and_arrives_too_late_has_no_effect() {
    chosen::late_writes();
}

#[test]
fn a_run_that_died_before_it_wrote_hides_no_other() {
    chosen::third_owner();
}

#[test]
fn what_a_run_took_over_is_known_to_the_next() {
    chosen::carried();
}

#[test]
fn what_the_query_history_does_not_list_yet_may_be_done() {
    chosen::listed_late();
}

#[test]
fn a_statement_in_a_later_session_of_a_killed_run_is_waited_for() {
    chosen::later_session();
}

/// All points of all scenarios in each mode, and what chance picks of the rest. See `docs/reliability.md`.
#[test]
#[ignore = "takes hours"]
fn exhaustive() {
    sampled::everything();
}
