//! Points that a rule of the protocol is for.

use std::{collections::BTreeSet, time::Duration};

use snowops::diagnostic::Code;
use testkit::{Fault, Modes, Point, What, When};

use super::{
    point::{Stage, Wakes},
    scenario,
    target::Ended,
};

/// Part of the statement that takes the lease.
const CLAIM: &str = "SET \"nonce\" = :1, \"run\"";

/// The server ends the transaction of a claim whose client sleeps, and another run takes the lease. The COMMIT that comes
/// at last is answered like any other, though there is nothing to commit.
pub(super) fn taken_back() {
    let scenario = scenario::short();
    let mut stage = Stage::new(&scenario, &Modes::default());
    // When the first run wakes, it is not too late for its lease, and no beat is due.
    stage.ttl = Some(Duration::from_hours(1));
    let commit = stage.calls_with("COMMIT", &[])[0];
    let (_, first) = stage.race((commit, Point::BeforeSend), Wakes::Stuck);
    let Ended::Stopped(stop) = first else { panic!("it took another's lease for its own: {first:?}") };
    assert_eq!(stop.finding.code, Code::LeaseLost, "{stop:#?}");
}

/// Two claims of a free row, the second waiting for the lock of the first, on a server that does not look at the row again
/// after the wait.
pub(super) fn waited() {
    let scenario = scenario::short();
    let modes = Modes { where_again_after_wait: false, ..Modes::default() };
    let stage = Stage::new(&scenario, &modes);
    let claim = stage.calls_with(CLAIM, &[])[0];
    stage.race((claim, Point::BeforeAnswer), Wakes::After(Duration::from_secs(5)));
}

/// A run plans, and waits for the lease of another that does all of it meanwhile.
pub(super) fn planned_before() {
    let scenario = scenario::short();
    let stage = Stage::new(&scenario, &Modes::default());
    let claim = stage.calls_with(CLAIM, &[])[0];
    stage.race((claim, Point::Answered), Wakes::AtOnce);
}

/// What a run writes arrives when its lease is over and another has done all.
pub(super) fn late_writes() {
    let scenario = scenario::short();
    let stage = Stage::new(&scenario, &Modes::default());
    for table in ["INSERT INTO \"RETAIL\".\"SNOWOPS\".\"snowops_schema_history\"", "(\"run\", \"seq\""] {
        for write in stage.calls_with(table, &[]) {
            stage.race((write, Point::BeforeSend), Wakes::Stuck);
        }
    }
}

/// A run is killed while its statement goes on; the next one takes the lease and is killed before it has written a row.
pub(super) fn third_owner() {
    let scenario = scenario::slow_later();
    let stage = Stage::new(&scenario, &Modes::default());
    let slow = (stage.calls_with("CREATE TABLE very_slow", &[])[0], Point::Running);
    let looks = stage.calls_with("QUERY_HISTORY", &[slow]);
    let tally = stage.crash(&[slow, (looks[0], Point::Answered)], &mut BTreeSet::new());
    assert_eq!(tally.unknown, 0);
}

/// A run is killed while a statement goes on in a session that it opened between two scripts.
pub(super) fn later_session() {
    let scenario = scenario::slow_later();
    let stage = Stage::new(&scenario, &Modes::default());
    let slow = stage.calls_with("CREATE TABLE very_slow", &[])[0];
    stage.crash(&[(slow, Point::Running)], &mut BTreeSet::new());
}

/// A run is killed in the middle of a script, and the one that goes on with it once it has said so.
pub(super) fn carried() {
    let scenario = scenario::short();
    let stage = Stage::new(&scenario, &Modes::default());
    let insert = (stage.calls_with("INSERT INTO kept", &[])[0], Point::BeforeSend);
    let opened = stage.calls_with("UNION ALL", &[insert])[0];
    stage.crash(&[insert, (opened, Point::Answered)], &mut BTreeSet::new());
}

/// The query history lists what was done so late that the lease is had before. It does list what the session did first,
/// because the run's first row took its time.
pub(super) fn listed_late() {
    let seconds = Duration::from_secs;
    let scenario = scenario::short();
    let modes = Modes { history_delay: Some(seconds(140)), ..Modes::default() };
    let mut stage = Stage::new(&scenario, &modes);
    let when = When { text: Some("UNION ALL".to_owned()), ..When::default() };
    stage.faults.push(Fault { when, what: What::Delay(seconds(25)) });
    let first = stage.calls_with("CREATE TABLE a", &[])[0];
    let tally = stage.crash(&[(first, Point::BeforeAnswer)], &mut BTreeSet::new());
    assert_eq!(tally.unknown, 0);
}
