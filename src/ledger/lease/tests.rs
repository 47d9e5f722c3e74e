use proptest::prelude::*;

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
fn a_claim_that_was_never_read_back_is_given_back_while_it_is_fresh() {
    for (finish, released) in [(1, true), (60, true), (61, false)] {
        let mut lease = held_since(0);
        lease.phase = Phase::Committed;
        let actions = lease.on(at(finish), LeaseEvent::Finish);
        assert_eq!(actions.contains(&LeaseAction::Send(Op::Release)), released, "at {finish}");
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

/// One lock row, two runs, a server that keeps statements waiting, and a schedule that decides everything.
mod two_runs {
    use super::*;

    /// Seconds that a keeper statement may live at the server.
    const LIFE: u64 = 16;

    #[derive(Clone, Debug)]
    enum Act {
        /// Time passes.
        Tick(u64),
        /// A run does the next thing that it wants to do.
        Step(usize),
        /// The server carries out a run's statement; on the row as it was when the statement came, or as it is.
        Land { run: usize, row_of_start: bool, answered: bool },
        /// A run's statement is aborted.
        Abort(usize),
        /// A run is killed; the server ends its transaction.
        Kill(usize),
    }

    #[derive(Clone, Debug)]
    struct Statement {
        op: Op,
        came: u64,
        nonce_then: Option<usize>,
    }

    struct Run {
        lease: Lease,
        alive: bool,
        next: Option<Op>,
        at_server: Option<Statement>,
    }

    struct World {
        now: u64,
        nonce: Option<usize>,
        expires: u64,
        /// Who touched the row, and what its claim would write.
        transaction: Option<(usize, Option<u64>)>,
        runs: [Run; 2],
        takeovers: usize,
    }

    impl World {
        fn new() -> Self {
            let run = || Run {
                lease: Lease::new(Timing { ttl: TTL }, false),
                alive: true,
                next: None,
                at_server: None,
            };
            Self { now: 1000, nonce: None, expires: 0, transaction: None, runs: [run(), run()], takeovers: 0 }
        }

        fn tell(&mut self, run: usize, event: LeaseEvent) {
            let now = at(self.now);
            let actions = self.runs[run].lease.on(now, event);
            for action in actions {
                match action {
                    LeaseAction::Send(op) => self.runs[run].next = Some(op),
                    LeaseAction::Rollback | LeaseAction::Close | LeaseAction::Lost => {
                        self.runs[run].next = None;
                        if self.transaction.is_some_and(|(owner, _)| owner == run) {
                            self.transaction = None;
                        }
                    }
                    LeaseAction::Wait | LeaseAction::Won => {}
                }
            }
        }

        fn step(&mut self, run: usize) {
            let grace = 20;
            let me = &mut self.runs[run];
            if !me.alive || me.at_server.is_some() {
                return;
            }
            match me.lease.phase() {
                Phase::Idle => {
                    self.tell(run, LeaseEvent::Acquire);
                    let seen = match self.nonce {
                        None => Seen::Free,
                        Some(_) if self.expires + grace < self.now => Seen::Expired,
                        Some(_) => Seen::Held,
                    };
                    self.tell(run, LeaseEvent::Sent(Op::Look));
                    self.tell(run, LeaseEvent::Seen(seen));
                }
                Phase::Committed => {
                    let mine = self.nonce == Some(run);
                    self.takeovers += usize::from(mine);
                    self.tell(run, LeaseEvent::ReadBack { mine });
                }
                Phase::Held => {
                    let op = if me.lease.beat_due(at(self.now)) { Op::Renew } else { Op::Write };
                    me.next = Some(op);
                }
                _ => {}
            }
            let kind = match self.runs[run].next {
                Some(Op::Renew) => SendKind::Renew,
                Some(Op::Write) => SendKind::LedgerWrite,
                _ => SendKind::Claim,
            };
            if self.runs[run].lease.may_send(at(self.now), kind)
                && let Some(op) = self.runs[run].next.take()
            {
                self.tell(run, LeaseEvent::Sent(op));
                self.runs[run].at_server = Some(Statement { op, came: self.now, nonce_then: self.nonce });
            }
        }

        fn land(&mut self, run: usize, row_of_start: bool, answered: bool) {
            let Some(statement) = self.runs[run].at_server.clone() else { return };
            let other_has_the_row = self.transaction.is_some_and(|(owner, _)| owner != run);
            if other_has_the_row && matches!(statement.op, Op::Touch | Op::Claim | Op::Renew) {
                return;
            }
            self.runs[run].at_server = None;
            let nonce = if row_of_start { statement.nonce_then } else { self.nonce };
            let mut changed = 1;
            match statement.op {
                Op::Touch => self.transaction = Some((run, None)),
                Op::Claim => {
                    let free = self.nonce.is_none() || self.expires + 20 < self.now;
                    match &mut self.transaction {
                        Some((owner, claim)) if *owner == run && free => *claim = Some(self.now + 80),
                        _ => changed = 0,
                    }
                }
                Op::Commit => {
                    if let Some((owner, claim)) = self.transaction
                        && owner == run
                    {
                        self.transaction = None;
                        if let Some(expires) = claim {
                            (self.nonce, self.expires) = (Some(run), expires);
                        }
                    }
                }
                // Without looking at the WHERE again a late beat writes over the taker's row: the worst server.
                Op::Renew if nonce == Some(run) => self.expires = self.now + 80,
                Op::Write if nonce == Some(run) && self.expires > self.now => {}
                Op::Renew | Op::Write => changed = 0,
                _ => {}
            }
            if !self.runs[run].alive {
                return;
            }
            if answered {
                self.tell(run, LeaseEvent::Answered { op: statement.op, changed });
                if changed == 0 && statement.op == Op::Write {
                    self.tell(run, LeaseEvent::Robbed);
                }
            } else {
                self.tell(run, LeaseEvent::Unanswered(statement.op));
            }
        }

        fn act(&mut self, act: &Act) {
            match *act {
                Act::Tick(seconds) => {
                    self.now += seconds;
                    for run in 0..2 {
                        let over = |statement: &Statement| self.now - statement.came > LIFE;
                        if self.runs[run].at_server.as_ref().is_some_and(over) {
                            self.act(&Act::Abort(run));
                        }
                    }
                }
                Act::Step(run) => self.step(run),
                Act::Land { run, row_of_start, answered } => self.land(run, row_of_start, answered),
                Act::Abort(run) => {
                    if let Some(statement) = self.runs[run].at_server.take()
                        && self.runs[run].alive
                    {
                        self.tell(run, LeaseEvent::Refused(statement.op));
                    }
                }
                Act::Kill(run) => {
                    self.runs[run].alive = false;
                    if self.transaction.is_some_and(|(owner, _)| owner == run) {
                        self.transaction = None;
                    }
                }
            }
        }

        /// Runs that may start a user's statement now.
        fn starters(&self) -> usize {
            let now = at(self.now);
            self.runs
                .iter()
                .filter(|run| run.alive && run.lease.may_send(now, SendKind::UserStatement))
                .count()
        }
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let run = || 0..2_usize;
        let act = prop_oneof![
            3 => prop_oneof![1..8_u64, Just(20), Just(101)].prop_map(Act::Tick),
            8 => run().prop_map(Act::Step),
            8 => (run(), any::<bool>(), prop::bool::weighted(0.9))
                .prop_map(|(run, row_of_start, answered)| Act::Land { run, row_of_start, answered }),
            1 => run().prop_map(Act::Abort),
            1 => prop::bool::weighted(0.1).prop_map(|kill| if kill { Act::Kill(0) } else { Act::Tick(1) }),
        ];
        prop::collection::vec(act, 1..150)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn never_both_may_start_a_statement(acts in acts()) {
            let mut world = World::new();
            for act in &acts {
                world.act(act);
                prop_assert!(world.starters() <= 1, "both may send after {act:?}");
            }
        }
    }

    #[test]
    fn the_simulation_reaches_takeovers() {
        let mut world = World::new();
        let finish = |world: &mut World, run| {
            for _ in 0..12 {
                world.step(run);
                world.land(run, false, true);
            }
        };
        finish(&mut world, 0);
        assert_eq!((world.takeovers, world.starters()), (1, 1));
        world.act(&Act::Kill(0));
        finish(&mut world, 1);
        assert_eq!(world.takeovers, 1, "the row is still held");
        world.act(&Act::Tick(101));
        finish(&mut world, 1);
        assert_eq!((world.takeovers, world.starters()), (2, 1));
    }

    #[test]
    fn a_beat_that_waits_behind_the_takers_transaction_makes_no_second_owner() {
        let mut world = World::new();
        let go = |world: &mut World, run| {
            world.step(run);
            world.land(run, true, true);
        };
        for _ in 0..6 {
            go(&mut world, 0);
        }
        assert_eq!(world.runs[0].lease.phase(), Phase::Held);
        world.act(&Act::Tick(101));
        world.step(1);
        world.land(1, true, true);
        go(&mut world, 1);
        assert!(world.transaction.is_some());
        world.step(0);
        assert_eq!(world.runs[0].at_server.as_ref().map(|statement| statement.op), Some(Op::Renew));
        for _ in 0..4 {
            go(&mut world, 1);
        }
        assert_eq!(world.nonce, Some(1));
        world.land(0, true, true);
        assert_eq!((world.runs[0].lease.phase(), world.starters()), (Phase::Lost, 1));
    }
}
