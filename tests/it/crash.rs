//! A migrate that is killed at every point of every request it makes, and the runs that come after it.
//!
//! The client runs in this process, on one thread with its server and by the server's clock, so that everything happens
//! the same each time and minutes cost nothing. "Killed" means that its future is dropped: nothing of it runs any more.

mod oracle;
mod point;
mod requests;
mod sampled;
mod scenario;
mod target;

use point::crash_everywhere;

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            crash_everywhere(&scenario::$name());
        })*
    };
}

scenarios!(
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
);

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

#[test]
fn takeover() {
    sampled::takeovers(30);
}

#[test]
fn modes() {
    sampled::modes(2, 2, 20);
}

/// All points of all scenarios in each mode, and what chance picks of the rest. See `docs/reliability.md`.
#[test]
#[ignore = "takes an hour"]
fn exhaustive() {
    sampled::everything();
}
