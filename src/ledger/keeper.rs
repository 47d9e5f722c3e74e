//! The keeper: the session that holds the lease and does all bookkeeping.
//!
//! The [`Lease`] decides; this drives it over a session. Before each request the lease is asked, and a beat that is
//! due goes before anything else. Every write stands under the fence of the lock row.

mod beside;
mod claim;
mod write;

use std::time::Duration;

use claim::Looked;
pub use claim::{AcquireError, check_target};

use super::{
    HistoryEntry, Holder, How, LedgerError, LedgerState, ask,
    history::Head,
    layout,
    lease::{Lease, LeaseAction, LeaseEvent, Op, SendKind, Timing},
    lock_row, millis, query_history, read,
    sql::Sql,
};
use crate::{
    model::{
        journal::KnownRun,
        target::{LedgerName, TargetIdentity},
        time::Instants,
    },
    session::{Answer, Bind, DbError, Effect, Liveness, Session, context::Context},
};

/// What the lease says to do.
type Actions = smallvec::SmallVec<[LeaseAction; 2]>;

/// What a lease is taken with.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// How long a beat keeps the lease.
    pub ttl: Duration,
    /// How long to wait for another run.
    pub timeout: Duration,
    /// Where the tables are.
    pub name: LedgerName,
    /// The target, as it was read.
    pub identity: TargetIdentity,
    /// Who takes it.
    pub holder: Holder,
    /// The run that it is taken for.
    pub run: String,
    /// Whether the ledger of another target is taken over.
    pub adopt: bool,
}

/// Another run holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who holds it, in words.
    pub holder: String,
    /// Time waited so far.
    pub elapsed: Duration,
    /// Time until it may be taken unless it is renewed; none: that cannot be told, or its process decides.
    pub free_in: Option<Duration>,
}

/// Holds the keeper session and the lease.
pub struct Keeper {
    session: Box<dyn Session>,
    sql: Sql,
    settings: LeaseSettings,
    context: Context,
    lease: Lease,
    nonce: String,
    token: i64,
    /// Number of the next journal row of this run.
    seq: i64,
    /// The history's head as this run knows it.
    head: Head,
    /// What the last look before the claim showed of time.
    looked: Looked,
    /// The target that the ledger was made for, where it was taken over.
    adopted: Option<TargetIdentity>,
}

impl Keeper {
    /// Takes the lease, and waits for another run up to the timeout, as long as `go_on` says so. The row is not believed before
    /// [`Keeper::read_back`] saw it in the work session.
    pub async fn acquire(
        session: Box<dyn Session>,
        settings: LeaseSettings,
        context: Context,
        go_on: &mut (dyn FnMut(Waiting) -> bool + Send),
    ) -> Result<Self, AcquireError> {
        let engine = session.info().engine;
        let os_lock = engine.liveness() == Liveness::OsLock;
        let sql = Sql::new(&settings.name, engine);
        let lease = Lease::new(Timing { ttl: settings.ttl }, os_lock);
        let nonce = context.ids.next().to_string();
        let start = context.clock.now();
        let mut keeper = Self {
            session,
            sql,
            settings,
            context,
            lease,
            nonce,
            token: 0,
            seq: 1,
            head: Head::default(),
            looked: Looked::default(),
            adopted: None,
        };
        loop {
            match keeper.claim().await {
                Ok(None) => return Ok(keeper),
                Ok(Some(held)) => {
                    let elapsed = keeper.now().since(start);
                    let free_in = keeper.looked.free_in.filter(|_| !os_lock);
                    let waiting = Waiting { holder: held.holder_words(), elapsed, free_in };
                    if elapsed >= keeper.settings.timeout || !go_on(waiting.clone()) {
                        return Err(AcquireError::Busy { waiting, session: keeper.session });
                    }
                    let pause = keeper.pause(os_lock).min(keeper.settings.timeout.saturating_sub(elapsed));
                    keeper.context.clock.sleep(pause).await;
                }
                Err(error) => {
                    // Whatever is open in it must not stay open. The first error says more than a second one.
                    let _ = keeper.session.close().await;
                    return Err(error.into());
                }
            }
        }
    }

    /// Time between two looks at a lease that another run holds. A lock of the operating system is free at once.
    fn pause(&self, os_lock: bool) -> Duration {
        let pause = self.settings.ttl / 12;
        if os_lock { Duration::from_millis(100).min(pause) } else { pause.min(Duration::from_secs(10)) }
    }

    fn now(&self) -> Instants {
        self.context.clock.now()
    }

    fn on(&mut self, event: LeaseEvent) {
        let now = self.now();
        self.lease.on(now, event);
    }

    fn how(&self, repeatable: bool) -> How {
        How { timeout: Some(self.lease.timing().statement_life()), repeatable }
    }

    /// Sends one request of the lease's session and tells the lease.
    async fn send(
        &mut self,
        op: Op,
        text: String,
        binds: Vec<Bind>,
        repeatable: bool,
    ) -> Result<(Answer, Actions), (DbError, Actions)> {
        let how = self.how(repeatable);
        self.on(LeaseEvent::Sent(op));
        let answer = ask(self.session.as_mut(), &self.context, text, binds, how).await;
        let now = self.now();
        match answer {
            Ok(answer) => {
                let actions = self.lease.on(now, LeaseEvent::Answered { op, changed: answer.changed });
                Ok((answer, actions))
            }
            Err(error) => {
                let event = match error.outcome {
                    Effect::NotSent | Effect::Failed => LeaseEvent::Refused(op),
                    Effect::Unknown => LeaseEvent::Unanswered(op),
                };
                Err((error, self.lease.on(now, event)))
            }
        }
    }

    /// The nonce in the lock row.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The lease's token: orders runs.
    pub fn token(&self) -> i64 {
        self.token
    }

    /// The run that the lease was taken for.
    pub fn run(&self) -> &str {
        &self.settings.run
    }

    /// The target whose ledger was taken over with this lease.
    pub fn adopted(&self) -> Option<&TargetIdentity> {
        self.adopted.as_ref()
    }

    /// The target, as the ledger knows it.
    pub fn identity(&self) -> &TargetIdentity {
        &self.settings.identity
    }

    /// Whether a request may be sent **now**; asked directly before it is.
    pub fn may_send(&self, kind: SendKind) -> bool {
        self.lease.may_send(self.now(), kind)
    }

    /// Time until the next beat is due.
    pub fn until_beat(&self) -> Duration {
        self.lease.until_beat(self.now())
    }

    /// Sends a beat. An error of the server is no loss yet: the lease lasts while its last confirmed beat is fresh,
    /// and the next beat comes soon.
    pub async fn beat(&mut self) -> Result<(), LedgerError> {
        if !self.may_send(SendKind::Renew) {
            return Err(self.loss("this run does not hold it"));
        }
        let binds = vec![Bind::Integer(millis(self.settings.ttl)), Bind::Text(self.nonce.clone())];
        match self.send(Op::Renew, self.sql.renew(), binds, true).await {
            Ok((_, actions)) if actions.contains(&LeaseAction::Lost) => {
                Err(self.loss("its beat found another run's row, or was answered too late"))
            }
            Err((error, _)) if !self.lease.fresh(self.now()) => {
                Err(self.loss(&format!("no beat was confirmed in time ({error})")))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn loss(&mut self, why: &str) -> LedgerError {
        self.on(LeaseEvent::Robbed);
        LedgerError::LeaseLost(why.to_owned())
    }

    /// Time until the absence of a statement of an earlier run from the query history means something.
    pub fn quiet_in(&self, run: &KnownRun) -> Duration {
        let Some(at) = self.looked.at else { return Duration::ZERO };
        let timing = self.lease.timing().or_longer(run.ttl_ms);
        self.looked.quiet_after(timing, run.ended.as_deref()).saturating_sub(self.now().since(at))
    }

    /// See [`Timing::listed_after`].
    pub fn listed_after(&self) -> Duration {
        self.lease.timing().listed_after()
    }

    /// See [`query_history::find_by_tag`].
    pub async fn find_by_tag(&mut self, tag: &str, user: &str) -> Result<Vec<HistoryEntry>, LedgerError> {
        let name = self.settings.name.clone();
        query_history::find_by_tag(self.session.as_mut(), &name, tag, user, &self.context).await
    }

    /// Lets time pass, beating.
    pub async fn rest(&mut self, time: Duration) -> Result<(), LedgerError> {
        let start = self.now();
        loop {
            let left = time.saturating_sub(self.now().since(start));
            let due = self.until_beat();
            self.context.clock.sleep(left.min(due)).await;
            if left <= due {
                return Ok(());
            }
            self.beat().await?;
        }
    }

    /// Sends a due beat, and answers whether a ledger write may follow.
    async fn ready(&mut self) -> Result<(), LedgerError> {
        while !self.may_send(SendKind::LedgerWrite) {
            if !self.may_send(SendKind::UserStatement) {
                return Err(self.loss("its last confirmed beat is too old"));
            }
            let pause = self.until_beat();
            self.context.clock.sleep(pause).await;
            self.beat().await?;
        }
        Ok(())
    }

    /// Sends a fenced write and answers how many rows it changed.
    async fn write(&mut self, text: String, binds: Vec<Bind>, repeatable: bool) -> Result<u64, LedgerError> {
        self.ready().await?;
        match self.send(Op::Write, text, binds, repeatable).await {
            Ok((answer, _)) => Ok(answer.changed),
            Err((error, _)) => Err(error.into()),
        }
    }

    /// Verifies in the work session, which was born after the commit, that the lease is ours, and reads history and
    /// journal there; beats meanwhile. Three requests. Only now may anything be written or run.
    pub async fn read_back(&mut self, work: &mut dyn Session) -> Result<LedgerState, LedgerError> {
        let grace = self.lease.timing().grace();
        let (name, context) = (self.settings.name.clone(), self.context.clone());
        let row = self.beside(lock_row(work, &name, grace, &context)).await??;
        let mine = row.nonce.as_deref() == Some(self.nonce.as_str());
        self.on(LeaseEvent::ReadBack { mine });
        if !mine {
            return Err(LedgerError::LeaseLost(format!("the row is held by {}", row.holder_words())));
        }
        if row.token != self.token {
            self.looked = Looked::overtaken(self.now(), &row);
        }
        self.token = row.token;
        let mut state = self.beside(read(work, &name, &context)).await??;
        if let Some(found) = state.layout
            && found > layout::known()
        {
            return Err(LedgerError::NewerLayout { found, known: layout::known() });
        }
        // Of a run that slept meanwhile, history and journal may be of two moments.
        if !self.may_send(SendKind::UserStatement) {
            return Err(self.loss("its last confirmed beat is too old"));
        }
        self.head = Head::of(&state.history);
        state.lock = Some(row);
        Ok(state)
    }

    /// Gives the lease back if that is safe, else leaves it to expire, and closes the session.
    pub async fn release(mut self) -> Result<(), LedgerError> {
        if self.lease.beat_due(self.now()) && self.may_send(SendKind::Release) {
            // If it fails or finds the lease lost, the release below is not sent.
            let _ = self.beat().await;
        }
        let actions = self.lease.on(self.now(), LeaseEvent::Finish);
        if actions.contains(&LeaseAction::Send(Op::Release)) && self.may_send(SendKind::Release) {
            let binds = vec![Bind::Text(self.nonce.clone()), Bind::Integer(self.token)];
            // It names this lease alone, so that it may be sent twice. Without an answer the row is free or expires: nothing
            // is owed to it any more.
            let _ = self.send(Op::Release, self.sql.release(), binds, true).await;
        }
        self.session.close().await.map_err(LedgerError::from)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look into the folder of their target")]
#[path = "keeper/tests.rs"]
mod tests;
