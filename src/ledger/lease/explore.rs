//! All states of a small world are visited: two or three runs, one lock row, and whatever may go wrong between them.
//!
//! The server is a model; the client is [`Lease`] itself, driven as the keeper and the work session drive it. Time is
//! relative and counted in ticks: `now` stands still and everything else moves into the past, so that the search needs
//! no horizon. Strict comparisons of the server are made closed, so that each bound that is found is strict in real
//! time.

mod client;
mod model;
mod server;
mod tests;

use std::time::Duration;

use super::{Lease, LeaseAction, LeaseEvent, Op, Phase, Seen, SendKind, Stop, Timing};
use crate::model::time::Instants;

/// One tick.
const TICK: Duration = Duration::from_secs(1);

/// The instant at which every client stands.
const NOW: Instants = Instants { mono: Duration::from_secs(1000), wall: Duration::from_secs(1000) };

/// An instant before all that a client remembers: nothing has aged by then.
const LONG_AGO: Instants = Instants { mono: Duration::ZERO, wall: Duration::ZERO };

/// When a statement reads its rows or its clock.
#[derive(Clone, Copy, Debug)]
enum Reads {
    /// At its start; a WHERE is not evaluated again after a wait.
    Start,
    /// When it is carried out.
    Eval,
    /// Either.
    Both,
}

impl Reads {
    /// Whether it may be that of the start.
    fn choices(self) -> &'static [bool] {
        match self {
            Self::Start => &[true],
            Self::Eval => &[false],
            Self::Both => &[true, false],
        }
    }
}

/// A mistake in the client or in its SQL that the search has to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// The claim does not touch the row first.
    NoTouch,
    /// What the row shows before the claim is not heeded.
    NoLook,
    /// The work session does not read the nonce back.
    NoReadBack,
    /// Ledger writes do not ask for the nonce.
    FenceWithoutNonce,
    /// Ledger writes do not ask for the expiry.
    FenceWithoutExpiry,
    /// A beat renews whatever lease is there.
    RenewOfTaken,
    /// A beat counts however late its answer comes.
    LateRenewCounts,
    /// User statements start however old the beat is.
    NoNoSend,
    /// Ledger writes leave however old the beat is.
    LedgerIgnoresNoSend,
    /// The lease is given back however old the beat is.
    LateRelease,
    /// The lease is given back while a write may still land.
    ReleaseOverOpenWrite,
    /// A beat that is due waits behind other bookkeeping.
    BeatWaits,
    /// Only the statements of the run that the row names are waited for.
    DrainOfLastOnly,
    /// What is waited for depends on a look at the row, whoever had the lease since.
    OldLook,
    /// A run that has ended is believed to have nothing on its way.
    NothingOnItsWay,
}

/// One world.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Setup {
    runs: usize,
    /// Heartbeat, margin and grace in ticks: a quarter of the TTL.
    quarter: i8,
    /// K: the longest life of a keeper statement at the server.
    life: i8,
    /// P: the longest time from the client's check to the server's start of what was sent.
    pause: i8,
    /// Time after which the server ends the transaction of a silent client.
    detached: i8,
    /// Time after which the query history lists a statement.
    listed_after: i8,
    /// The second run's sessions are ahead by this.
    skew: i8,
    rows: Reads,
    clock: Reads,
    /// Run 0 is neither killed nor slow, and its requests fail only when others are in the way.
    healthy: bool,
    /// Others may be killed and lose connections.
    crashes: bool,
    /// Their requests may be lost, or ended by the server.
    losses: bool,
    /// Runs send user statements.
    users: bool,
    /// Runs write to the ledger beside their user statements.
    ledger: bool,
    /// The first run begins with the lease in hand.
    held: bool,
    /// Who did not get the lease tries again.
    again: bool,
    /// Run 1 is prompt and has the lease within this time after the death of run 0; 0: not asked.
    bound: i8,
    bugs: &'static [Bug],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            runs: 2,
            quarter: 2,
            life: 1,
            pause: 1,
            detached: 11,
            listed_after: 0,
            skew: 0,
            rows: Reads::Both,
            clock: Reads::Both,
            healthy: false,
            crashes: true,
            losses: true,
            users: true,
            ledger: true,
            held: true,
            again: false,
            bound: 0,
            bugs: &[],
        }
    }
}

impl Setup {
    /// Nobody is killed; statements are lost, late and aborted all the same.
    fn quick() -> Self {
        Self { crashes: false, ..Self::default() }
    }

    /// The fewest ticks that keep the rules apart.
    fn coarse() -> Self {
        Self { quarter: 1, life: 0, detached: 7, ..Self::default() }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bugs.contains(&bug)
    }

    fn ttl(&self) -> i8 {
        4 * self.quarter
    }

    /// An expiry before this is as good as this one: a clock of a statement's start is up to `life` old.
    fn floor(&self) -> i8 {
        -self.quarter - self.skew - self.life
    }

    /// How far the sessions of a run are ahead.
    fn ahead(&self, run: usize) -> i8 {
        if run == 1 { self.skew } else { 0 }
    }

    /// Whether a run does at once what it has to do, and nothing of it is lost.
    fn prompt(&self, run: usize) -> bool {
        if self.bound > 0 { run == 1 } else { self.healthy && run == 0 }
    }

    fn timing(&self) -> Timing {
        Timing { ttl: TICK * u32::try_from(self.ttl()).expect("no negative time") }
    }

    /// [`Timing::starts_until`] in ticks.
    fn starts_until(&self, stop: Stop) -> i8 {
        if self.has(Bug::NothingOnItsWay) && stop != Stop::Expired {
            return 0;
        }
        let time = self.timing().starts_until(stop);
        i8::try_from(time.as_secs()).expect("times of a model are short")
    }
}
