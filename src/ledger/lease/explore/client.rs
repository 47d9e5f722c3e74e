//! A run: the lease's machine, and around it what the keeper and the run loop do with its answers.

use super::{
    Bug, LONG_AGO, Lease, LeaseAction, LeaseEvent, NOW, Op, Phase, Seen, SendKind, Setup, Stop, TICK,
    server::{Statement, User},
};
use crate::model::time::Instants;

/// How far a holder is.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Stage {
    /// Statements of earlier runs are waited for.
    Draining,
    /// The run row is not written yet.
    Drained,
    /// User statements may start.
    Running,
    /// The run is over, or must be.
    Ending,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Runner {
    /// The process lives and has something to do.
    pub(super) alive: bool,
    pub(super) lease: Lease,
    stage: Stage,
    /// The statement that the lease wants sent.
    next: Option<Op>,
    pub(super) statements: Vec<Statement>,
    pub(super) user: User,
    /// Whether the client knows nothing of its user statement any more.
    doubt: bool,
    /// ROLLBACK is due, or the session's end.
    pub(super) closing: bool,
    /// The keeper session has ended.
    pub(super) closed: bool,
    /// Place of its claim among all claims that were committed; 0: none.
    pub(super) won: u8,
    /// The run that the row named before.
    pub(super) before: Option<usize>,
    /// It has read history and journal under its lease.
    pub(super) has_read: bool,
    /// The journal may hold its run row without an `end` row.
    pub(super) recorded: bool,
    /// Time left until the absence of its own last statement means something, once its `end` row says that it does not
    /// know of it.
    pub(super) ended: Option<i8>,
    /// The run waits a tick before it looks again.
    tired: bool,
    /// Claims that were committed when it looked at the row: the row's token.
    pub(super) token: u8,
    /// How long the absence of an earlier run's statement from the query history means nothing.
    pub(super) quiet: i8,
}

impl Runner {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            alive: true,
            lease: Lease::new(setup.timing(), false),
            stage: Stage::Draining,
            next: None,
            statements: Vec::new(),
            user: User::None,
            doubt: false,
            closing: false,
            closed: false,
            won: 0,
            before: None,
            has_read: false,
            recorded: false,
            ended: None,
            tired: false,
            token: 0,
            quiet: 0,
        }
    }

    /// A run whose claim was sent, committed and read back just now.
    pub(super) fn holding(setup: &Setup) -> Self {
        let mut it = Self::new(setup);
        it.look(setup, Seen::Free);
        for op in [Op::Touch, Op::Claim, Op::Commit] {
            it.send(setup, op);
            it.statements.clear();
            it.hear(setup, LeaseEvent::Answered { op, changed: 1 });
        }
        it.hear(setup, LeaseEvent::ReadBack { mine: true });
        assert_eq!(it.lease.phase(), Phase::Held);
        Self { stage: Stage::Running, won: 1, has_read: true, recorded: true, ..it }
    }

    pub(super) fn waits(&self) -> bool {
        self.statements.iter().any(|statement| statement.attended)
    }

    /// Whether another statement may leave: the keeper sends one after the other, and the model keeps two in mind.
    fn has_room(&self) -> bool {
        self.statements.len() < 2 && !self.waits()
    }

    pub(super) fn drained(&self) -> bool {
        self.stage != Stage::Draining
    }

    pub(super) fn has_drained(&mut self) {
        self.stage = Stage::Drained;
        (self.token, self.quiet) = (0, 0);
    }

    pub(super) fn may_look(&self) -> bool {
        self.alive && !self.closing && !self.tired && self.lease.phase() == Phase::Idle && self.has_room()
    }

    pub(super) fn may_drain(&self) -> bool {
        self.alive && self.lease.phase() == Phase::Held && self.stage == Stage::Draining
    }

    /// Whether this run may start a user statement, as far as its lease goes.
    pub(super) fn may_start(&self) -> bool {
        self.alive && self.lease.may_send(NOW, SendKind::UserStatement)
    }

    pub(super) fn may_start_user(&self, setup: &Setup) -> bool {
        let held = setup.has(Bug::NoNoSend) && self.lease.phase() == Phase::Held;
        let wanted = setup.users && self.stage == Stage::Running && self.user == User::None;
        wanted && (self.may_start() || (held && self.alive))
    }

    pub(super) fn is_running(&self) -> bool {
        self.alive && self.stage == Stage::Running
    }

    /// What the keeper may send now.
    pub(super) fn may_send(&self, setup: &Setup, op: Op) -> bool {
        if !self.alive || !self.has_room() {
            return false;
        }
        let held = self.lease.phase() == Phase::Held;
        match op {
            Op::Touch | Op::Claim | Op::Commit => self.next == Some(op),
            Op::Renew => {
                // Also while the work session reads the row back.
                self.lease.may_send(NOW, SendKind::Renew) && self.lease.until_beat(NOW).is_zero()
            }
            Op::Write => {
                let wanted = match self.stage {
                    Stage::Drained => true,
                    Stage::Running => setup.ledger,
                    Stage::Draining | Stage::Ending => false,
                };
                let fresh = self.lease.may_send(NOW, SendKind::UserStatement);
                let may = self.lease.may_send(NOW, SendKind::LedgerWrite)
                    || (setup.has(Bug::LedgerIgnoresNoSend) && held)
                    || (setup.has(Bug::BeatWaits) && fresh);
                wanted && may
            }
            _ => false,
        }
    }

    /// Whether the run may end: its user statement has ended, or nobody can say.
    pub(super) fn may_finish(&self) -> bool {
        let held = self.lease.phase() == Phase::Held && self.drained();
        self.alive && held && !self.waits() && (self.user == User::None || self.doubt)
    }

    /// The row was read; BEGIN follows at once where the lease wants it.
    pub(super) fn look(&mut self, setup: &Setup, seen: Seen) {
        self.tell(NOW, LeaseEvent::Acquire);
        self.tell(NOW, LeaseEvent::Sent(Op::Look));
        self.tell(NOW, LeaseEvent::Seen(seen));
        if self.next == Some(Op::Begin) {
            self.next = None;
            self.tell(NOW, LeaseEvent::Sent(Op::Begin));
            self.tell(NOW, LeaseEvent::Answered { op: Op::Begin, changed: 0 });
            if setup.has(Bug::NoTouch) {
                self.next = None;
                self.tell(NOW, LeaseEvent::Answered { op: Op::Touch, changed: 1 });
            }
        }
    }

    /// Bytes leave.
    pub(super) fn send(&mut self, setup: &Setup, op: Op) {
        self.next = None;
        if !(op == Op::Write && setup.has(Bug::ReleaseOverOpenWrite)) {
            self.tell(NOW, LeaseEvent::Sent(op));
        }
        self.statements.push(Statement::new(op));
    }

    /// What became of a request that it waits for.
    pub(super) fn hear(&mut self, setup: &Setup, event: LeaseEvent) {
        let late =
            setup.has(Bug::LateRenewCounts) && matches!(event, LeaseEvent::Answered { op: Op::Renew, .. });
        self.tell(if late { LONG_AGO } else { NOW }, event);
        match event {
            LeaseEvent::Answered { op: Op::Write, changed: 1 } if self.stage == Stage::Drained => {
                self.stage = Stage::Running;
            }
            // The ledger is lost: nothing more runs.
            LeaseEvent::Refused(Op::Write) | LeaseEvent::Unanswered(Op::Write) => self.stage = Stage::Ending,
            LeaseEvent::Refused(Op::Renew) | LeaseEvent::Unanswered(Op::Renew) if !self.lease.fresh(NOW) => {
                self.tell(NOW, LeaseEvent::Robbed);
            }
            _ => {}
        }
        self.settle(setup);
    }

    /// A request had no effect: its client is told, or waits in vain.
    pub(super) fn unsent(&mut self, setup: &Setup, op: Op, told: bool) {
        self.hear(setup, if told { LeaseEvent::Refused(op) } else { LeaseEvent::Unanswered(op) });
    }

    /// A write changed no row; the keeper has read the lock row since.
    pub(super) fn fenced_off(&mut self, setup: &Setup, mine: bool) {
        self.stage = Stage::Ending;
        if !mine {
            self.tell(NOW, LeaseEvent::Robbed);
        }
        self.settle(setup);
    }

    /// The run ends and gives the lease back, or leaves it.
    pub(super) fn finish(&mut self, setup: &Setup) {
        self.stage = Stage::Ending;
        if self.user == User::None {
            // Its `end` row, if it can be written, says so.
            self.recorded = false;
        } else {
            self.ended = Some(setup.starts_until(Stop::Ended) + setup.listed_after);
        }
        let now = if setup.has(Bug::LateRelease) { LONG_AGO } else { NOW };
        self.tell(now, LeaseEvent::Finish);
        if self.next == Some(Op::Release) {
            self.send(setup, Op::Release);
        }
        self.settle(setup);
    }

    fn tell(&mut self, now: Instants, event: LeaseEvent) {
        // Only a claim leaves something open in the session.
        let claims = matches!(self.lease.phase(), Phase::Claiming(_));
        for action in self.lease.on(now, event) {
            match action {
                LeaseAction::Send(op) => self.next = Some(op),
                LeaseAction::Rollback | LeaseAction::Close => {
                    self.next = None;
                    self.closing = claims;
                }
                LeaseAction::Wait | LeaseAction::Won | LeaseAction::Lost => {}
            }
        }
    }

    /// Forgets what is of no use once the machine has come to its end. A user statement goes on without its client.
    fn settle(&mut self, setup: &Setup) {
        let over = matches!(self.lease.phase(), Phase::Left | Phase::Released | Phase::Lost);
        if over && !self.closing {
            self.rest(setup);
        }
    }

    /// ROLLBACK was answered, or the session ended.
    pub(super) fn close(&mut self, setup: &Setup) {
        self.closing = false;
        if self.lease.phase() == Phase::Idle && setup.again {
            self.tired = true;
            return;
        }
        self.closed = true;
        self.rest(setup);
    }

    /// The process ends.
    pub(super) fn kill(&mut self, setup: &Setup) {
        self.closing = false;
        for statement in &mut self.statements {
            statement.attended = false;
        }
        self.rest(setup);
    }

    fn rest(&mut self, setup: &Setup) {
        self.alive = false;
        self.next = None;
        (self.token, self.quiet) = (0, 0);
        self.doubt = false;
        self.tired = false;
        self.lease = Lease::new(setup.timing(), false);
        if self.drained() {
            self.stage = Stage::Ending;
        }
    }

    /// The connection breaks while an answer is waited for.
    pub(super) fn cut(&mut self, setup: &Setup) {
        if let Some(statement) = self.statements.iter_mut().find(|statement| statement.attended) {
            statement.attended = false;
            let event = LeaseEvent::Unanswered(statement.op);
            self.hear(setup, event);
        }
    }

    /// The same for the user statement, which goes on.
    pub(super) fn doubt_user(&mut self) {
        self.doubt = true;
        self.stage = Stage::Ending;
    }

    pub(super) fn pass(&mut self, setup: &Setup, now: Instants) {
        let waits = self.waits();
        self.lease.pass(now, TICK, waits);
        self.quiet = (self.quiet - 1).max(0);
        self.ended = self.ended.map(|left| (left - 1).max(0));
        self.tired = false;
        for statement in &mut self.statements {
            statement.pass(setup);
        }
        self.user = match self.user {
            User::Sent(age) => User::Sent((age + 1).min(setup.ttl())),
            User::Runs(age) => User::Runs((age + 1).min(setup.listed_after)),
            User::None => User::None,
        };
    }
}
