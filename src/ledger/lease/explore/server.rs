//! The server: the lock row, its transaction, and statements on their way and at work.

use super::{Bug, LeaseEvent, NOW, Op, Phase, Setup, Stop, client::Runner};

/// A keeper statement.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) op: Op,
    /// On its way otherwise.
    pub(super) at_server: bool,
    /// Since it left or, at the server, since it came.
    pub(super) age: i8,
    /// Owner and expiry of the row at its start, as far as it looks at them.
    owner: Option<usize>,
    expires: i8,
    /// Whether its client waits for the answer.
    pub(super) attended: bool,
}

/// The transaction that has the row's lock.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) owner: usize,
    /// Since its client was last heard.
    pub(super) idle: i8,
    /// The expiry that its claim wrote.
    claim: Option<i8>,
}

/// The user statement of a run.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) enum User {
    None,
    /// On its way, for so long.
    Sent(i8),
    /// At work, for so long.
    Runs(i8),
}

/// What the search looks for and must not find.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
pub(super) struct Seen {
    /// Two runs had user statements at work.
    pub(super) both: bool,
    /// A ledger write landed after the next owner's first read.
    pub(super) late: bool,
    /// A healthy holder's row was taken.
    pub(super) robbed: bool,
}

/// The whole world.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct State {
    pub(super) owner: Option<usize>,
    /// End of the lease, from now.
    pub(super) expires: i8,
    /// The run that the row named last.
    last: Option<usize>,
    /// Claims that were committed.
    pub(super) wins: u8,
    pub(super) transaction: Option<Transaction>,
    pub(super) runs: Vec<Runner>,
    pub(super) seen: Seen,
    /// Since the death of run 0, while run 1 has no lease.
    pub(super) waited: Option<i8>,
}

/// How a statement at the server is carried out.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) struct Landing {
    pub(super) run: usize,
    pub(super) at: usize,
    pub(super) row_of_start: bool,
    pub(super) clock_of_start: bool,
    pub(super) answered: bool,
}

impl Statement {
    pub(super) fn new(op: Op) -> Self {
        Self { op, at_server: false, age: 0, owner: None, expires: 0, attended: true }
    }

    fn reads_owner(&self, setup: &Setup) -> bool {
        matches!(self.op, Op::Renew | Op::Write | Op::Release)
            || (self.op == Op::Claim && setup.has(Bug::NoTouch))
    }

    fn reads_expiry(&self, setup: &Setup) -> bool {
        self.op == Op::Write || (self.op == Op::Claim && setup.has(Bug::NoTouch))
    }

    /// Whether it needs the row's lock.
    pub(super) fn locks(&self) -> bool {
        matches!(self.op, Op::Touch | Op::Claim | Op::Renew | Op::Release)
    }

    pub(super) fn pass(&mut self, setup: &Setup) {
        self.age = (self.age + 1).min(setup.ttl());
        if self.at_server && self.reads_expiry(setup) {
            self.expires = (self.expires - 1).max(setup.floor());
        }
    }
}

impl State {
    pub(super) fn new(setup: &Setup) -> Self {
        let mut state = Self {
            owner: None,
            expires: setup.floor(),
            last: None,
            wins: 0,
            transaction: None,
            runs: vec![Runner::new(setup); setup.runs],
            seen: Seen::default(),
            waited: None,
        };
        if setup.held {
            state.take(0, setup.ttl());
            state.runs[0] = Runner::holding(setup);
        }
        state
    }

    pub(super) fn is_free(&self, setup: &Setup, run: usize) -> bool {
        self.owner.is_none() || self.expires - setup.ahead(run) <= -setup.quarter
    }

    pub(super) fn is_locked_for(&self, run: usize) -> bool {
        self.transaction.as_ref().is_some_and(|open| open.owner != run)
    }

    fn take(&mut self, run: usize, expires: i8) {
        self.runs[run].before = self.last;
        (self.owner, self.expires, self.last) = (Some(run), expires, Some(run));
        self.wins += 1;
        self.runs[run].won = self.wins;
    }

    pub(super) fn arrive(&mut self, setup: &Setup, run: usize, at: usize) {
        let (owner, expires) = (self.owner, self.expires);
        let statement = &mut self.runs[run].statements[at];
        (statement.at_server, statement.age) = (true, 0);
        if statement.reads_owner(setup) {
            // A claim asks whether there is an owner, the others whether it is their own run.
            statement.owner = owner.filter(|owner| statement.op == Op::Claim || *owner == run);
        }
        if statement.reads_expiry(setup) {
            statement.expires = expires;
        }
    }

    /// A statement is carried out, and its client hears of it or not.
    pub(super) fn land(&mut self, setup: &Setup, landing: Landing) {
        let Landing { run, at, row_of_start, clock_of_start, answered } = landing;
        let statement = self.runs[run].statements.remove(at);
        let row =
            if row_of_start { (statement.owner, statement.expires) } else { (self.owner, self.expires) };
        // The clock that it reads, from now.
        let clock = setup.ahead(run) - if clock_of_start { statement.age } else { 0 };
        let healthy = setup.healthy && self.owner == Some(0);
        let op = statement.op;
        let changed = match op {
            Op::Touch => self.touch(run, statement.attended),
            Op::Claim => self.claim(setup, run, row, clock),
            Op::Commit => self.commit(run),
            Op::Renew if row.0 == Some(run) || setup.has(Bug::RenewOfTaken) => {
                self.expires = clock + setup.ttl();
                1
            }
            Op::Write => self.write(setup, run, row, clock),
            Op::Release if row.0 == Some(run) => {
                self.owner = None;
                1
            }
            _ => 0,
        };
        self.seen.robbed |= healthy && run != 0 && self.owner != Some(0);
        if statement.attended && self.runs[run].alive {
            let event =
                if answered { LeaseEvent::Answered { op, changed } } else { LeaseEvent::Unanswered(op) };
            self.runs[run].hear(setup, event);
            if answered && changed == 0 && op == Op::Write {
                // The keeper reads why.
                let mine = self.owner == Some(run) && self.expires > 0;
                self.runs[run].fenced_off(setup, mine);
            }
        }
    }

    fn touch(&mut self, run: usize, attended: bool) -> u64 {
        let runner = &self.runs[run];
        let open = !runner.closed
            && (!runner.alive
                || runner.closing
                || (attended && runner.lease.phase() == Phase::Claiming(Op::Touch)));
        if open {
            self.transaction = Some(Transaction { owner: run, idle: 0, claim: None });
        }
        1
    }

    /// Inside the transaction the touched row is the newest one, whatever a statement reads otherwise.
    fn claim(&mut self, setup: &Setup, run: usize, read: (Option<usize>, i8), clock: i8) -> u64 {
        let touched = !setup.has(Bug::NoTouch);
        let (owner, expires) = if touched { (self.owner, self.expires) } else { read };
        let free = owner.is_none() || expires - clock <= -setup.quarter;
        let end = clock + setup.ttl();
        if touched {
            let Some(open) = self.transaction.as_mut().filter(|open| open.owner == run) else { return 0 };
            open.idle = 0;
            open.claim = free.then_some(end).or(open.claim);
        } else if free {
            self.take(run, end);
        }
        u64::from(free)
    }

    /// With no transaction left COMMIT answers success too.
    fn commit(&mut self, run: usize) -> u64 {
        if let Some(open) = self.transaction.take_if(|open| open.owner == run)
            && let Some(end) = open.claim
        {
            self.take(run, end);
        }
        0
    }

    fn write(&mut self, setup: &Setup, run: usize, row: (Option<usize>, i8), clock: i8) -> u64 {
        let mine = row.0 == Some(run) || setup.has(Bug::FenceWithoutNonce);
        let lasts = row.1 - clock >= 0 || setup.has(Bug::FenceWithoutExpiry);
        if !(mine && lasts) {
            return 0;
        }
        let won = self.runs[run].won;
        self.seen.late |= self.runs.iter().any(|other| other.won > won && other.has_read);
        self.runs[run].recorded = true;
        1
    }

    /// The server starts a user statement.
    pub(super) fn start_user(&mut self, run: usize) {
        let won = self.runs[run].won;
        self.seen.both |= self.runs.iter().any(|other| other.won > won && other.drained());
        self.runs[run].user = User::Runs(0);
    }

    /// The work session of the winner sees the newest row, since it was born after the commit.
    pub(super) fn read_back(&mut self, setup: &Setup, run: usize) {
        let mine = self.owner == Some(run) || setup.has(Bug::NoReadBack);
        if mine && self.runs[run].won == 0 {
            self.wins += 1;
            self.runs[run].won = self.wins;
        }
        let me = &mut self.runs[run];
        me.has_read = mine;
        if me.won != me.token + 1 && !setup.has(Bug::OldLook) {
            me.quiet = setup.starts_until(Stop::GaveBack) + setup.listed_after;
        }
        self.runs[run].hear(setup, LeaseEvent::ReadBack { mine });
    }

    /// How long after a look at the row the absence of a statement from the query history means nothing; of a run that
    /// was cut off.
    pub(super) fn quiet(&self, setup: &Setup, run: usize) -> i8 {
        let starts = match self.owner {
            None => setup.starts_until(Stop::GaveBack),
            Some(_) => (setup.starts_until(Stop::Expired) + self.expires - setup.ahead(run)).max(0),
        };
        starts + setup.listed_after
    }

    /// Waits for statements of earlier runs; `None` while one is listed as running, or may not be listed yet.
    pub(super) fn drain(&mut self, setup: &Setup, run: usize) -> Option<()> {
        let me = &self.runs[run];
        let (won, before) = (me.won, me.before);
        let earlier = |other: &Runner| other.won > 0 && other.won < won;
        let known = |(at, other): (usize, &Runner)| {
            earlier(other)
                && if setup.has(Bug::DrainOfLastOnly) { before == Some(at) } else { other.recorded }
        };
        let listed = |user| matches!(user, User::Runs(age) if age >= setup.listed_after);
        let mut left = self.runs.iter().enumerate().filter(|other| known(*other)).map(|(_, other)| other);
        if left.any(|other| other.ended.unwrap_or(me.quiet) > 0 || listed(other.user)) {
            return None;
        }
        let running = |other: &Runner| matches!(other.user, User::Runs(_));
        self.seen.both |= self.runs.iter().any(|other| earlier(other) && running(other));
        self.runs[run].has_drained();
        Some(())
    }

    pub(super) fn pass(&mut self, setup: &Setup) {
        if let Some(waited) = self.waited.as_mut().filter(|_| self.runs[1].won == 0) {
            *waited += 1;
        }
        self.expires = (self.expires - 1).max(setup.floor());
        if let Some(open) = &mut self.transaction {
            open.idle += 1;
            open.claim = open.claim.map(|end| (end - 1).max(setup.floor()));
        }
        for runner in &mut self.runs {
            runner.pass(setup, NOW);
        }
    }
}
