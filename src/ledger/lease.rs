//! The lease as a state machine without IO: what may be sent when, and what an answer means.
//!
//! The rules are those of a model-checked protocol. In short: a claim is taken inside a transaction whose first
//! statement touches the row, and only after a plain read showed the row free; what counts of a beat is when it was
//! *sent*; a beat whose answer comes late is no beat; and nothing is sent for which the last confirmed beat is too
//! old. Time that has passed is the larger of the monotonic and the wall clock's.

use std::time::Duration;

use smallvec::{SmallVec, smallvec};

use crate::model::time::Instants;

/// The times of a lease, all parts of its TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// How long a beat keeps the lease.
    pub ttl: Duration,
}

impl Timing {
    /// The times that bear another run with a lease of that many milliseconds too.
    #[must_use]
    pub fn or_longer(self, ttl_ms: Option<u64>) -> Self {
        Self { ttl: ttl_ms.map_or(self.ttl, |ttl| self.ttl.max(Duration::from_millis(ttl))) }
    }

    /// Time between beats.
    pub fn heartbeat(self) -> Duration {
        self.ttl / 4
    }

    /// Nothing is sent in the last part of the TTL.
    pub fn margin(self) -> Duration {
        self.ttl / 4
    }

    /// How long after its end a lease is still left alone.
    pub fn grace(self) -> Duration {
        self.ttl / 4
    }

    /// K: the longest life of a keeper statement at the server; queue, wait for a lock and run together.
    pub fn statement_life(self) -> Duration {
        self.ttl / 5
    }

    /// How long the query history may take to list a statement: a minute (Snowflake promises nothing; statements of one's
    /// own user were seen within seconds). A shorter lease is allowed only with a server of this machine.
    pub fn listed_after(self) -> Duration {
        const MINUTE: Duration = Duration::from_mins(1);
        if self.ttl < MINUTE { self.ttl / 2 } else { MINUTE }
    }

    /// P + K: when a request without an answer is over for certain. P, the allowed pause between the check and the
    /// server's start, is what margin and grace leave beside K.
    pub fn settled_after(self) -> Duration {
        self.margin() + self.grace()
    }

    /// How long after `stop` the server may still start the last user statement of the run that stopped so.
    ///
    /// The last one leaves when the last confirmed beat is at most TTL minus margin old, and is on its way for P at most.
    /// A run that ended or gave the lease back sends nothing any more, but if the connection broke under its last
    /// statement, that one may be on its way.
    pub fn starts_until(self, stop: Stop) -> Duration {
        match stop {
            Stop::Expired => self.grace(),
            Stop::Ended | Stop::GaveBack => self.settled_after(),
        }
    }
}

/// How it is known that a run sends no user statement any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Its lease came to its end.
    Expired,
    /// It wrote its `end` row.
    Ended,
    /// It gave the lease back.
    GaveBack,
}

/// A request of the lease's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Reads the row.
    Look,
    /// Opens the claim's transaction.
    Begin,
    /// Takes the row's lock.
    Touch,
    /// Expires the row of a dead holder.
    Expire,
    /// Takes the lease.
    Claim,
    /// Makes the claim last.
    Commit,
    /// A beat.
    Renew,
    /// A write of history or journal.
    Write,
    /// Gives the lease back.
    Release,
}

/// Requests for which [`Lease::may_send`] is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendKind {
    /// A user's statement in the work session.
    UserStatement,
    /// A write of history or journal.
    LedgerWrite,
    /// A beat.
    Renew,
    /// The release.
    Release,
    /// The statements of a claim.
    Claim,
}

/// What a look at the row showed, by the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// No nonce.
    Free,
    /// A nonce whose time ended more than grace ago.
    Expired,
    /// A nonce that must be respected, unless its holder is known to be dead.
    Held,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseEvent {
    /// The lease is wanted, for the first time or again.
    Acquire,
    /// A request is about to leave.
    Sent(Op),
    /// The row was read.
    Seen(Seen),
    /// The server answered.
    Answered {
        /// What was asked.
        op: Op,
        /// Rows changed.
        changed: u64,
    },
    /// The server says that it did nothing, or the request never left.
    Refused(Op),
    /// No answer: it may have been done, or be done yet.
    Unanswered(Op),
    /// The work session read the row: whether it holds our nonce.
    ReadBack {
        /// Whether it does.
        mine: bool,
    },
    /// The row is known to be another's.
    Robbed,
    /// The run is over.
    Finish,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseAction {
    /// Send this.
    Send(Op),
    /// Roll the claim's transaction back, at once.
    Rollback,
    /// Wait and look again.
    Wait,
    /// The claim is committed: read it back.
    Won,
    /// The lease is lost.
    Lost,
    /// Close the session: nothing more may be sent in it.
    Close,
}

/// Where a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing was asked for, or another run was in the way.
    Idle,
    /// The row is being read.
    Looking,
    /// A statement of the claim is due or on its way.
    Claiming(Op),
    /// Committed, not read back.
    Committed,
    /// Ours.
    Held,
    /// Being given back.
    Releasing,
    /// Given back.
    Released,
    /// Given up: the row is left to expire.
    Left,
    /// Lost to another run, or to time.
    Lost,
}

/// A request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Open {
    op: Op,
    sent: Instants,
}

/// One run's view of the lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    timing: Timing,
    /// Whether a lock of the operating system tells that a holder is dead.
    os_lock: bool,
    phase: Phase,
    /// Whether the row showed a nonce that must be expired first.
    dead_holder: bool,
    /// When the last confirmed beat was sent; the claim is the first.
    beat: Option<Instants>,
    /// When a beat was last sent, confirmed or not.
    tried: Option<Instants>,
    /// Requests that have no answer.
    open: SmallVec<[Open; 2]>,
}

impl Lease {
    /// A lease that nobody asked for yet.
    pub fn new(timing: Timing, os_lock: bool) -> Self {
        Self {
            timing,
            os_lock,
            phase: Phase::Idle,
            dead_holder: false,
            beat: None,
            tried: None,
            open: SmallVec::new(),
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its times.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Age of the last confirmed beat.
    fn age(&self, now: Instants) -> Option<Duration> {
        self.beat.map(|beat| now.since(beat))
    }

    /// Whether the last confirmed beat allows anything to be sent but claims and beats.
    pub fn fresh(&self, now: Instants) -> bool {
        self.age(now).is_some_and(|age| age + self.timing.margin() <= self.timing.ttl)
    }

    /// Whether a beat is due.
    pub fn beat_due(&self, now: Instants) -> bool {
        matches!(self.phase, Phase::Committed | Phase::Held)
            && self.age(now).is_none_or(|age| age >= self.timing.heartbeat())
    }

    /// Time until the next beat is due. After a beat without confirmation the next comes sooner.
    pub fn until_beat(&self, now: Instants) -> Duration {
        let due = self.age(now).map_or(Duration::ZERO, |age| self.timing.heartbeat().saturating_sub(age));
        if due > Duration::ZERO {
            return due;
        }
        let pause = self.timing.heartbeat() / 8;
        self.tried.map_or(Duration::ZERO, |tried| pause.saturating_sub(now.since(tried)))
    }

    /// Whether a request may be sent **now**. Asked directly before the bytes are written, for every request.
    pub fn may_send(&self, now: Instants, kind: SendKind) -> bool {
        match kind {
            SendKind::Claim => matches!(self.phase, Phase::Looking | Phase::Claiming(_)),
            // A beat goes by nonce and may always be tried; its answer decides whether it counts.
            SendKind::Renew => matches!(self.phase, Phase::Committed | Phase::Held),
            SendKind::UserStatement => self.phase == Phase::Held && self.fresh(now),
            SendKind::LedgerWrite => self.phase == Phase::Held && self.fresh(now) && !self.beat_due(now),
            SendKind::Release => {
                let over = |open: &Open| now.since(open.sent) > self.timing.settled_after();
                matches!(self.phase, Phase::Committed | Phase::Held | Phase::Releasing)
                    && self.fresh(now)
                    && self.open.iter().filter(|open| open.op != Op::Release).all(over)
            }
        }
    }

    /// Takes note of an event and says what to do.
    pub fn on(&mut self, now: Instants, event: LeaseEvent) -> SmallVec<[LeaseAction; 2]> {
        match event {
            LeaseEvent::Acquire if self.phase == Phase::Idle => {
                self.phase = Phase::Looking;
                smallvec![LeaseAction::Send(Op::Look)]
            }
            LeaseEvent::Seen(seen) if self.phase == Phase::Looking => self.seen(seen),
            LeaseEvent::Sent(op) => {
                if op == Op::Renew {
                    self.tried = Some(now);
                }
                self.open.push(Open { op, sent: now });
                smallvec![]
            }
            LeaseEvent::Answered { op, changed } => {
                let sent = self.close(op);
                self.answered(now, op, changed, sent.unwrap_or(now))
            }
            LeaseEvent::Refused(op) => {
                self.close(op);
                self.refused(op)
            }
            LeaseEvent::Unanswered(op) => self.unanswered(op),
            LeaseEvent::ReadBack { mine } if self.phase == Phase::Committed => {
                self.phase = if mine { Phase::Held } else { Phase::Lost };
                if mine { smallvec![] } else { smallvec![LeaseAction::Lost] }
            }
            LeaseEvent::Robbed => self.lost(),
            LeaseEvent::Finish => self.finish(now),
            LeaseEvent::Acquire | LeaseEvent::Seen(_) | LeaseEvent::ReadBack { .. } => smallvec![],
        }
    }

    fn seen(&mut self, seen: Seen) -> SmallVec<[LeaseAction; 2]> {
        self.close(Op::Look);
        // A challenger that touched a healthy holder's row and died would keep its lock for minutes and starve the
        // holder's beats. With a lock of the operating system BEGIN itself tells whether the holder lives.
        if seen == Seen::Held && !self.os_lock {
            self.phase = Phase::Idle;
            return smallvec![LeaseAction::Wait];
        }
        self.dead_holder = seen == Seen::Held;
        self.send(Op::Begin)
    }

    fn send(&mut self, op: Op) -> SmallVec<[LeaseAction; 2]> {
        self.phase = Phase::Claiming(op);
        smallvec![LeaseAction::Send(op)]
    }

    fn answered(
        &mut self,
        now: Instants,
        op: Op,
        changed: u64,
        sent: Instants,
    ) -> SmallVec<[LeaseAction; 2]> {
        match (op, self.phase) {
            (Op::Begin, Phase::Claiming(Op::Begin)) => self.send(Op::Touch),
            (Op::Touch, Phase::Claiming(Op::Touch)) => match (changed, self.dead_holder) {
                (1, true) => self.send(Op::Expire),
                (1, false) => self.send(Op::Claim),
                _ => self.back_off(),
            },
            (Op::Expire, Phase::Claiming(Op::Expire)) => self.send(Op::Claim),
            (Op::Claim, Phase::Claiming(Op::Claim)) if changed == 1 => {
                self.beat = Some(sent);
                self.send(Op::Commit)
            }
            (Op::Claim, Phase::Claiming(Op::Claim)) => self.back_off(),
            (Op::Commit, Phase::Claiming(Op::Commit)) => {
                self.phase = Phase::Committed;
                smallvec![LeaseAction::Won]
            }
            (Op::Renew, Phase::Committed | Phase::Held) => {
                // A beat that waited behind a taker's transaction may land on the row as it was: it counts only
                // while the beat before it still keeps the lease.
                if changed == 1 && self.age(now).is_some_and(|age| age < self.timing.ttl) {
                    self.beat = Some(sent);
                    smallvec![]
                } else {
                    self.lost()
                }
            }
            (Op::Release, Phase::Releasing) => {
                self.phase = Phase::Released;
                smallvec![LeaseAction::Close]
            }
            _ => smallvec![],
        }
    }

    fn refused(&mut self, op: Op) -> SmallVec<[LeaseAction; 2]> {
        match (op, self.phase) {
            (Op::Look, Phase::Looking) | (Op::Begin, Phase::Claiming(Op::Begin)) => {
                self.phase = Phase::Idle;
                smallvec![LeaseAction::Wait]
            }
            (_, Phase::Claiming(_)) => self.back_off(),
            (Op::Release, Phase::Releasing) => self.leave(),
            _ => smallvec![],
        }
    }

    fn unanswered(&mut self, op: Op) -> SmallVec<[LeaseAction; 2]> {
        match (op, self.phase) {
            // Whatever of the claim was done: nothing is sent again inside that transaction. A claim that was
            // committed after all leaves our nonce in the row, to expire.
            (_, Phase::Looking | Phase::Claiming(_)) | (Op::Release, Phase::Releasing) => self.leave(),
            _ => smallvec![],
        }
    }

    fn back_off(&mut self) -> SmallVec<[LeaseAction; 2]> {
        self.phase = Phase::Idle;
        self.beat = None;
        smallvec![LeaseAction::Rollback, LeaseAction::Wait]
    }

    fn leave(&mut self) -> SmallVec<[LeaseAction; 2]> {
        self.phase = Phase::Left;
        smallvec![LeaseAction::Close]
    }

    fn lost(&mut self) -> SmallVec<[LeaseAction; 2]> {
        self.phase = Phase::Lost;
        smallvec![LeaseAction::Lost]
    }

    fn finish(&mut self, now: Instants) -> SmallVec<[LeaseAction; 2]> {
        // A write that is still on its way would land after the next owner's first read if the row were given away
        // before it is over; an old beat may mean that the row is another's already.
        // A claim that was committed and not read back is given back too: what is released goes by nonce and token.
        let ours = matches!(self.phase, Phase::Committed | Phase::Held);
        if ours && self.may_send(now, SendKind::Release) {
            self.phase = Phase::Releasing;
            return smallvec![LeaseAction::Send(Op::Release)];
        }
        if self.phase != Phase::Lost {
            self.phase = Phase::Left;
        }
        smallvec![LeaseAction::Close]
    }

    /// Takes the newest open request of a kind off the list and answers when it was sent.
    fn close(&mut self, op: Op) -> Option<Instants> {
        let at = self.open.iter().rposition(|open| open.op == op)?;
        Some(self.open.remove(at).sent)
    }

    /// Lets `tick` pass for a model in which `now` stands still: what is remembered moves into the past. Ages beyond
    /// those that a rule can tell apart become equal, and so do requests without an answer of which only the newest
    /// decides. `answerable`: the newest request may still be answered.
    #[cfg(test)]
    fn pass(&mut self, now: Instants, tick: Duration, answerable: bool) {
        let older = |then: Instants, most: Duration| {
            let age = (now.since(then) + tick).min(most);
            Instants { mono: now.mono.saturating_sub(age), wall: now.wall.saturating_sub(age) }
        };
        self.beat = self.beat.map(|beat| older(beat, self.timing.ttl));
        let pause = self.timing.heartbeat() / 8;
        self.tried = self.tried.filter(|tried| now.since(*tried) + tick < pause).map(|t| older(t, pause));
        let settled = self.timing.settled_after();
        for open in &mut self.open {
            open.sent = older(open.sent, settled + tick);
        }
        let held = self.open.len() - usize::from(answerable && !self.open.is_empty());
        let newest = self.open[..held].iter().rposition(|open| now.since(open.sent) <= settled);
        let mut at = 0;
        self.open.retain(|_| {
            at += 1;
            at > held || newest.is_some_and(|newest| at == newest + 1)
        });
    }
}

#[cfg(test)]
mod explore;
#[cfg(test)]
#[path = "lease/tests.rs"]
mod tests;
