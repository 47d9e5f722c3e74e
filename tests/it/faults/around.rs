//! Warehouses and rights: what lies around a script and is no fault of it.

use std::time::Duration;

use testkit::Modes;

use super::*;

const NO_WAREHOUSE: &str = "No active warehouse selected in the current session.  Select an active warehouse with the 'use \
     warehouse' command.";
const MONITOR: &str =
    "Warehouse 'DEPLOY_XS' cannot be resumed because resource monitor 'MONTH' has exceeded its quota.";
const QUEUED: &str =
    "Statement reached its statement or warehouse timeout of 600 second(s) and was canceled.";
const RIGHTS: &str = "SQL access control error:\nInsufficient privileges to operate on schema 'PUBLIC'";
const GO_ON: &str = "hint: put the cause right, leave the script as it is, and run `snowops migrate` again: it goes on from there";

/// A statement in the middle of a script is refused; what is wrong is put right, and the next run goes on there.
#[track_caller]
fn refused_and_resumed(code: &str, message: &str, advice: &str) {
    let stand = Stand::new(with(vec![at(B, refused(code, message))]));
    let flat = message.split_whitespace().collect::<Vec<_>>().join(" ");
    stand.migrates(
        5,
        &[
            &format!("error[statement_failed]: V1__abc.sql failed at statement 2 of 3: {flat}"),
            "migrations/V1__abc.sql:2",
            advice,
            "note: statement 1 of this script is done and stays done",
            GO_ON,
            &format!("snowflake code: {code}"),
        ],
    );
    stand.failed_at_the_second(Some(code));
    stand.finishes();
}

#[test]
fn f35_a_warehouse_that_does_not_run_is_named_as_the_cause_and_the_run_goes_on_when_it_does() {
    refused_and_resumed(
        "000606",
        NO_WAREHOUSE,
        "no warehouse runs for this session: set `warehouse` of the environment",
    );
    refused_and_resumed("090073", MONITOR, "the resource monitor stopped the warehouse: raise its quota");
    refused_and_resumed("000630", QUEUED, "look for a busy or suspended warehouse");
}

#[test]
fn f35_a_queue_that_is_longer_than_the_ledger_can_wait_stops_before_anything_is_written() {
    let queue = Modes { queue: Duration::from_mins(10), ..Modes::default() };
    let stand = Stand::new(Settings { modes: queue, ..Settings::default() });
    stand.configure(&lease(4), "");
    stand.migrates(
        4,
        &[
            "error[ledger_refused]: a statement on the schema history failed: Statement reached its statement or warehouse \
             timeout of 1 second(s) and was canceled.",
            "look for a busy or suspended warehouse",
            "snowflake code: 000630",
        ],
    );
    assert_eq!((stand.history(), stand.ran(A)), (vec![], 0));
    let right = Stand { server: Server::start(Settings::default()).unwrap(), project: stand.project };
    right.configure("", "");
    right.finishes();
}

#[test]
fn f36_a_right_that_is_lost_in_the_middle_is_named_and_the_run_goes_on_when_it_is_back() {
    refused_and_resumed("003001", RIGHTS, "grant the privilege to the session's role");
}

#[test]
fn f36_a_right_on_the_history_that_is_lost_in_the_middle_repeats_no_statement() {
    let message =
        "SQL access control error:\nInsufficient privileges to operate on table 'snowops_schema_history'";
    let stand = Stand::new(with(vec![at(HISTORY_ROW, refused("003001", message))])).with_short_lease();
    stand.migrates(
        5,
        &[
            "error[ledger_refused]: a statement on the schema history failed",
            "Insufficient privileges to operate on table",
            "grant the privilege to the session's role",
            "run `snowops migrate` again: it finds out what is done and goes on from there",
            "snowflake code: 003001",
        ],
    );
    assert_eq!([stand.ran(A), stand.ran(B), stand.ran(C)], [1, 1, 1]);
    stand.finishes();
}

#[test]
fn f36_a_right_on_the_history_that_was_never_there_is_no_fault_of_snowops() {
    let message = "SQL access control error:\nInsufficient privileges to operate on schema 'SNOWOPS'";
    let stand = Stand::new(with(vec![at("SELECT", refused("003001", message))]));
    stand.migrates(
        4,
        &["error[ledger_refused]", "grant the privilege to the session's role", "snowflake code: 003001"],
    );
    assert_eq!(stand.ran(A), 0);
    stand.finishes();
}
