use super::*;

const TTL: Duration = Duration::from_secs(80);

fn at(seconds: u64) -> Instants {
    Instants::default().after(Duration::from_secs(seconds))
}

/// A lease whose claim was sent at `seconds` and read back.
fn held_since(seconds: u64) -> Lease {
    let mut lease = Lease::new(Timing { ttl: TTL }, false);
    let now = at(seconds);
    lease.on(now, LeaseEvent::Acquire);
    lease.on(now, LeaseEvent::Sent(Op::Look));
    lease.on(now, LeaseEvent::Seen(Seen::Free));
    for op in [Op::Begin, Op::Touch, Op::Claim, Op::Commit] {
        assert_eq!(lease.phase(), Phase::Claiming(op));
        lease.on(now, LeaseEvent::Sent(op));
        lease.on(now, LeaseEvent::Answered { op, changed: 1 });
    }
    lease.on(now, LeaseEvent::ReadBack { mine: true });
    lease
}

#[test]
fn what_may_be_sent_depends_on_the_age_of_the_last_beat() {
    let lease = held_since(0);
    for (age, user, write, release) in [
        (0, true, true, true),
        (19, true, true, true),
        // A beat is due: it goes before ledger writes.
        (20, true, false, true),
        (60, true, false, true),
        (61, false, false, false),
        (200, false, false, false),
    ] {
        let may = |kind| lease.may_send(at(age), kind);
        let found = (may(SendKind::UserStatement), may(SendKind::LedgerWrite), may(SendKind::Release));
        assert_eq!(found, (user, write, release), "age {age}");
        assert!(may(SendKind::Renew));
        assert!(!may(SendKind::Claim));
    }
}

#[test]
fn a_claim_keeps_the_lease_from_when_it_was_sent() {
    let mut lease = Lease::new(Timing { ttl: TTL }, false);
    lease.on(at(0), LeaseEvent::Acquire);
    lease.on(at(0), LeaseEvent::Seen(Seen::Free));
    for op in [Op::Begin, Op::Touch, Op::Claim, Op::Commit] {
        lease.on(at(0), LeaseEvent::Sent(op));
        lease.on(at(30), LeaseEvent::Answered { op, changed: 1 });
    }
    lease.on(at(30), LeaseEvent::ReadBack { mine: true });
    assert!(lease.may_send(at(60), SendKind::UserStatement));
    assert!(!lease.may_send(at(61), SendKind::UserStatement));
}

#[test]
fn a_suspended_machine_ages_the_beat_though_its_monotonic_clock_stood_still() {
    let lease = held_since(0);
    let woken = Instants { mono: Duration::from_secs(1), wall: Duration::from_secs(500) };
    assert!(!lease.may_send(woken, SendKind::UserStatement));
}

#[test]
fn nothing_runs_before_the_row_was_read_back() {
    let mut lease = held_since(0);
    lease.phase = Phase::Committed;
    assert!(!lease.may_send(at(0), SendKind::UserStatement));
    assert!(!lease.may_send(at(0), SendKind::LedgerWrite));
    let actions = lease.on(at(1), LeaseEvent::ReadBack { mine: false });
    assert_eq!(actions.as_slice(), [LeaseAction::Lost]);
    assert!(!lease.may_send(at(1), SendKind::UserStatement));
}

#[test]
fn a_held_row_is_not_touched_unless_its_holder_is_known_to_be_dead() {
    let mut lease = Lease::new(Timing { ttl: TTL }, false);
    lease.on(at(0), LeaseEvent::Acquire);
    assert_eq!(lease.on(at(0), LeaseEvent::Seen(Seen::Held)).as_slice(), [LeaseAction::Wait]);

    let mut lease = Lease::new(Timing { ttl: TTL }, true);
    lease.on(at(0), LeaseEvent::Acquire);
    assert_eq!(lease.on(at(0), LeaseEvent::Seen(Seen::Held)).as_slice(), [LeaseAction::Send(Op::Begin)]);
    let busy = lease.on(at(0), LeaseEvent::Refused(Op::Begin));
    assert_eq!((busy.as_slice(), lease.phase()), ([LeaseAction::Wait].as_slice(), Phase::Idle));

    lease.on(at(9), LeaseEvent::Acquire);
    lease.on(at(9), LeaseEvent::Seen(Seen::Held));
    lease.on(at(9), LeaseEvent::Answered { op: Op::Begin, changed: 0 });
    let after_touch = lease.on(at(9), LeaseEvent::Answered { op: Op::Touch, changed: 1 });
    assert_eq!(after_touch.as_slice(), [LeaseAction::Send(Op::Expire)]);
}

#[test]
fn a_claim_without_row_rolls_back_and_one_without_answer_is_never_sent_again() {
    let claiming = || {
        let mut lease = Lease::new(Timing { ttl: TTL }, false);
        lease.on(at(0), LeaseEvent::Acquire);
        lease.on(at(0), LeaseEvent::Seen(Seen::Expired));
        lease.on(at(0), LeaseEvent::Answered { op: Op::Begin, changed: 0 });
        lease.on(at(0), LeaseEvent::Answered { op: Op::Touch, changed: 1 });
        lease.on(at(0), LeaseEvent::Sent(Op::Claim));
        lease
    };
    let mut lease = claiming();
    let actions = lease.on(at(1), LeaseEvent::Answered { op: Op::Claim, changed: 0 });
    assert_eq!(actions.as_slice(), [LeaseAction::Rollback, LeaseAction::Wait]);
    let mut lease = claiming();
    let actions = lease.on(at(1), LeaseEvent::Unanswered(Op::Claim));
    assert_eq!((actions.as_slice(), lease.phase()), ([LeaseAction::Close].as_slice(), Phase::Left));
    assert!(!lease.may_send(at(1), SendKind::Claim));
}

#[test]
fn a_beat_counts_from_when_it_was_sent_and_only_if_answered_in_time() {
    let mut lease = held_since(0);
    lease.on(at(20), LeaseEvent::Sent(Op::Renew));
    lease.on(at(30), LeaseEvent::Answered { op: Op::Renew, changed: 1 });
    assert!(lease.may_send(at(80), SendKind::UserStatement));
    assert!(!lease.may_send(at(81), SendKind::UserStatement));

    for (answered, changed, lost) in [(79, 1, false), (80, 1, true), (30, 0, true)] {
        let mut lease = held_since(0);
        lease.on(at(20), LeaseEvent::Sent(Op::Renew));
        let actions = lease.on(at(answered), LeaseEvent::Answered { op: Op::Renew, changed });
        assert_eq!(actions.contains(&LeaseAction::Lost), lost, "answered at {answered} with {changed} rows");
        assert_eq!(lease.may_send(at(answered), SendKind::UserStatement), !lost);
    }
}

#[test]
fn release_waits_for_nothing_but_is_not_sent_over_an_open_write() {
    for (sent, finish, released) in [(10, 11, false), (5, 45, false), (5, 46, true)] {
        let mut lease = held_since(0);
        lease.on(at(sent), LeaseEvent::Sent(Op::Write));
        lease.on(at(sent + 1), LeaseEvent::Unanswered(Op::Write));
        let actions = lease.on(at(finish), LeaseEvent::Finish);
        let wanted = if released { LeaseAction::Send(Op::Release) } else { LeaseAction::Close };
        assert_eq!(actions.as_slice(), [wanted], "write sent at {sent}, end at {finish}");
    }
    let mut old = held_since(0);
    assert_eq!(old.on(at(61), LeaseEvent::Finish).as_slice(), [LeaseAction::Close]);
}

#[test]
fn a_beat_without_answer_is_tried_again_soon_and_not_at_once() {
    let mut lease = held_since(0);
    assert_eq!(lease.until_beat(at(5)), Duration::from_secs(15));
    assert_eq!(lease.until_beat(at(20)), Duration::ZERO);
    lease.on(at(20), LeaseEvent::Sent(Op::Renew));
    lease.on(at(21), LeaseEvent::Unanswered(Op::Renew));
    assert_eq!(lease.until_beat(at(21)), Duration::from_millis(1500));
    assert_eq!(lease.until_beat(at(23)), Duration::ZERO);
}

#[test]
fn what_was_sent_last_may_start_until_the_pause_is_over() {
    let timing = Timing { ttl: TTL };
    let until = |stop| timing.starts_until(stop).as_secs();
    assert_eq!((until(Stop::Expired), until(Stop::Ended), until(Stop::GaveBack)), (20, 40, 40));
}
