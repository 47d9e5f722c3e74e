//! Tokens that end in the middle, and clocks that differ.

use std::time::Duration;

use testkit::{Credential, User};

use super::*;

const EXPIRED: &str = "Your session has expired. Please login again.";

#[test]
fn f6_a_session_token_that_expires_in_the_middle_is_renewed_in_place() {
    // In the work session at a statement, in the keeper at a row of the history.
    let stand = Stand::new(with(vec![
        at(B, refused("390112", EXPIRED)),
        at(HISTORY_ROW, refused("390112", EXPIRED)),
    ]));
    stand.migrates(0, &["applied V1__abc.sql"]);
    assert_eq!((stand.asked(Endpoint::Login), stand.asked(Endpoint::Renew)), (2, 2));
    let sent = stand.sent(B);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].query("requestId"), sent[1].query("requestId"));
    stand.is_finished();
}

#[test]
fn f6_a_token_that_cannot_be_renewed_stops_cleanly_and_the_next_run_goes_on() {
    let over = "Authentication token has expired.  The user must authenticate again.";
    let stand = Stand::new(with(vec![
        at(B, refused("390112", EXPIRED)),
        on(Endpoint::Renew, refused("390114", over)),
    ]));
    let run = stand.migrates(
        5,
        &[
            "error[statement_failed]: V1__abc.sql failed at statement 2 of 3: the session ended at the server",
            "its temporary objects, variables and open transaction are gone",
            "migrations/V1__abc.sql:2",
            "note: statement 1 of this script is done and stays done",
            "hint: leave the script as it is and run `snowops migrate` again: it goes on from there",
            "snowflake code: 390114",
        ],
    );
    assert!(!run.err.contains("mend the script"), "{}", run.all());
    stand.failed_at_the_second(Some("390114"));
    stand.finishes();
}

#[test]
fn f6_a_credential_that_ends_between_two_logins_leaves_nothing_locked() {
    let second = Fault {
        when: When { endpoint: Some(Endpoint::Login), after: 1, ..When::default() },
        what: refused("390318", "OAuth access token expired. [e0b1]"),
    };
    let stand = Stand::new(with(vec![second]));
    stand.migrates(6, &["error[connection_failed]", "OAuth access token expired.", "get a new token"]);
    assert_eq!(([stand.ran(A), stand.ran(B), stand.ran(C)], stand.history()), ([0; 3], vec![]));
    stand.finishes();
    assert_eq!(stand.events("lease_waiting"), [] as [Value; 0]);
}

fn with_key() -> Settings {
    let key = fs::read_to_string(crate::harness::repository().join("tests/golden/session/keys/public.pem"))
        .unwrap();
    Settings { users: vec![User::new("SNOWOPS", vec![Credential::PublicKey(key)])], ..Settings::default() }
}

#[test]
fn f12_a_key_pair_login_refused_for_the_clock_says_how_far_it_is_off() {
    let stand = Stand::new(with_key());
    let keys = crate::harness::repository().join("tests/golden/session/keys/plain.p8");
    fs::copy(keys, stand.project.path("key.p8")).unwrap();
    #[cfg(unix)]
    fs::set_permissions(stand.project.path("key.p8"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    stand.configure("", ", authenticator: SNOWFLAKE_JWT, private_key_file: key.p8");
    stand.server.clock().advance(Duration::from_hours(24));
    stand.migrates(
        6,
        &[
            "error[connection_failed]",
            "JWT token is invalid.",
            "this machine's clock is 24 h behind the server's, and a signed token is only good at its time: set the clock",
            "snowflake code: 390144",
        ],
    );
    assert_eq!((stand.asked(Endpoint::Login), stand.server.counts().total), (1, 1));
    // Clocks that agree: the same project on a server whose clock is right.
    let right = Stand { server: Server::start(with_key()).unwrap(), project: stand.project };
    right.configure("", ", authenticator: SNOWFLAKE_JWT, private_key_file: key.p8");
    right.finishes();
}

#[test]
fn f12_a_clock_that_is_a_day_off_changes_nothing_else() {
    let stand = Stand::new(Settings::default());
    stand.server.clock().advance(Duration::from_hours(24));
    stand.finishes();
    let world = stand.server.world();
    let installed = world.rows("snowops_schema_history")[0]["installed_on"].clone().unwrap();
    let now = jiff::Timestamp::now().to_string();
    assert!(installed[..10] > now[..10], "the server's time counts: {installed}, here {now}");
}

/// The server's clock goes forward beyond the lease while a statement runs, as if this machine had slept.
#[test]
fn f12_a_lease_that_is_over_by_the_servers_clock_stops_the_run_before_the_next_row() {
    let slow = testkit::Takes { contains: B.to_owned(), time: Duration::from_millis(700) };
    let stand = Stand::new(Settings { durations: vec![slow], ..Settings::default() }).with_short_lease();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| stand.migrate());
        while stand.sent(B).is_empty() {
            assert!(!run.is_finished());
            std::thread::sleep(Duration::from_millis(10));
        }
        stand.server.clock().advance(Duration::from_mins(5));
        says(
            &run.join().unwrap(),
            5,
            &[
                "error[lease_lost]: the lease was lost in the middle of the run: it has expired at the server",
                "nothing more was sent; run `snowops info` to see what is done, then `snowops migrate` again",
            ],
        );
    });
    assert_eq!((stand.ran(C), stand.history()), (0, vec![]));
    stand.finishes();
}
