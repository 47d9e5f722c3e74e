//! The keeper: the session that holds the lease and does all bookkeeping.
//!
//! The [`Lease`] decides; this drives it over a session. Before each request the lease is asked, and a beat that is
//! due goes before anything else. Every write stands under the fence of the lock row.

mod claim;

use std::time::Duration;

use claim::Looked;
pub use claim::{AcquireError, check_target};

use super::{
    HistoryEntry, Holder, How, LedgerError, LedgerState, NewHistoryRow, NewJournalRow, ask, history,
    history::Head,
    journal, layout,
    lease::{Lease, LeaseAction, LeaseEvent, Op, SendKind, Timing},
    lock_row, millis, query_history, read,
    sql::{self, Sql},
};
use crate::{
    model::{
        history::{HistoryRow, RowType, abbreviate_description},
        journal::{Done, JournalBody, KnownRun, RunOutcome},
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
                    let waiting = Waiting { holder: held.holder_words(), elapsed };
                    if elapsed >= keeper.settings.timeout || !go_on(waiting) {
                        return Err(AcquireError::Busy {
                            holder: held.holder_words(),
                            session: keeper.session,
                        });
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
            Err((error, _)) if !self.may_send(SendKind::UserStatement) => {
                Err(self.loss(&format!("no beat was confirmed in time ({error})")))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn loss(&mut self, why: &str) -> LedgerError {
        self.on(LeaseEvent::Robbed);
        LedgerError::LeaseLost(why.to_owned())
    }

    /// Time until the absence of a statement from the query history means something; of a run that ended at `ended`,
    /// server time, or was cut off.
    pub fn quiet_in(&self, ended: Option<&str>) -> Duration {
        let Some(at) = self.looked.at else { return Duration::ZERO };
        self.looked.quiet_after(self.lease.timing(), ended).saturating_sub(self.now().since(at))
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
    /// journal there. Three requests. Only now may anything be written or run.
    pub async fn read_back(&mut self, work: &mut dyn Session) -> Result<LedgerState, LedgerError> {
        let grace = self.lease.timing().grace();
        let row = lock_row(work, &self.settings.name, grace, &self.context).await?;
        let mine = row.nonce.as_deref() == Some(self.nonce.as_str());
        self.on(LeaseEvent::ReadBack { mine });
        if !mine {
            return Err(LedgerError::LeaseLost(format!("the row is held by {}", row.holder_words())));
        }
        if row.token != self.token {
            self.looked = Looked::overtaken(self.now(), &row);
        }
        self.token = row.token;
        let mut state = read(work, &self.settings.name, &self.context).await?;
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

    /// Appends journal rows in as few inserts as hold them, and numbers them. A lost answer may mean that they
    /// stand in the table: the same rows may be sent again, readers ignore the repetition.
    pub async fn journal(&mut self, rows: Vec<NewJournalRow>) -> Result<(), LedgerError> {
        for chunk in rows.chunks(sql::JOURNAL_ROWS) {
            self.insert_journal(chunk, false).await?;
        }
        Ok(())
    }

    async fn insert_journal(&mut self, rows: &[NewJournalRow], at_head: bool) -> Result<(), LedgerError> {
        let mut binds = Vec::with_capacity(rows.len() * sql::JOURNAL_BINDS + 3);
        for (row, seq) in rows.iter().zip(self.seq..) {
            binds.extend(journal::binds(&self.settings.run, seq, row));
        }
        binds.push(Bind::Text(self.nonce.clone()));
        if at_head {
            binds.extend([Bind::Integer(self.head.rank), Bind::Integer(self.head.rows)]);
        }
        let text = self.sql.insert_journal(rows.len(), at_head);
        let changed = self.write(text, binds, true).await?;
        if changed == 0 {
            return Err(self.explain().await);
        }
        self.seq += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Inserts a history row behind the head that this run knows, and answers its rank. It is never repeated: with
    /// the first insert still queued, both would see the same head. After a lost answer the run must stop; the next
    /// one sees whether the row is there.
    pub async fn insert_history(&mut self, row: &NewHistoryRow) -> Result<i64, LedgerError> {
        let rank = self.head.next();
        let mut binds = history::binds(row, rank);
        binds.extend([
            Bind::Text(self.nonce.clone()),
            Bind::Integer(self.head.rank),
            Bind::Integer(self.head.rows),
        ]);
        if self.write(self.sql.insert_history(), binds, false).await? == 0 {
            return Err(self.explain().await);
        }
        self.head = Head { rank, rows: self.head.rows + 1 };
        Ok(rank)
    }

    /// Writes the outcome of a resumed script into its row.
    pub async fn update_history(
        &mut self,
        rank: i64,
        success: bool,
        checksum: Option<i64>,
        execution_ms: i64,
    ) -> Result<(), LedgerError> {
        let binds = vec![
            Bind::Boolean(success),
            checksum.map_or(Bind::Null, Bind::Integer),
            Bind::Integer(execution_ms),
            Bind::Integer(rank),
            Bind::Text(self.nonce.clone()),
        ];
        self.change_one(self.sql.finish_history(), binds).await
    }

    /// Flyway's repair of a row: makes it say what the file says.
    pub async fn align_history(
        &mut self,
        rank: i64,
        description: &str,
        kind: &RowType,
        checksum: Option<i64>,
    ) -> Result<(), LedgerError> {
        let binds = vec![
            Bind::Text(abbreviate_description(description)),
            Bind::Text(kind.as_str().to_owned()),
            checksum.map_or(Bind::Null, Bind::Integer),
            Bind::Integer(rank),
            Bind::Text(self.nonce.clone()),
        ];
        self.change_one(self.sql.align_history(), binds).await
    }

    async fn change_one(&mut self, text: String, binds: Vec<Bind>) -> Result<(), LedgerError> {
        match self.write(text, binds, true).await? {
            0 => Err(self.explain().await),
            _ => Ok(()),
        }
    }

    /// Flyway's repair of failures: removes all rows with `success = false` in one statement and answers how many.
    pub async fn remove_failed(&mut self) -> Result<u64, LedgerError> {
        let removed =
            self.write(self.sql.delete_failed(), vec![Bind::Text(self.nonce.clone())], true).await?;
        if removed == 0 {
            self.still_mine().await?;
            return Ok(0);
        }
        let answer =
            ask(self.session.as_mut(), &self.context, self.sql.select_head(), Vec::new(), How::READ).await?;
        let number = |at: usize| super::cell(&answer, at).and_then(history::whole).unwrap_or(0);
        self.head = Head { rank: number(0).max(0), rows: number(1) };
        Ok(removed)
    }

    /// Ends the run in the journal: only if the history still is as this run knows it. `script` is the one that it
    /// stopped in, `last` what it confirmed there since its last row.
    pub async fn end(
        &mut self,
        script: Option<String>,
        outcome: RunOutcome,
        last: Vec<Done>,
    ) -> Result<(), LedgerError> {
        self.insert_journal(&[(script, None, JournalBody::End { outcome, last })], true).await
    }

    /// Closes open runs of others, after their statements were drained and each of their scripts was settled: an
    /// `end` row each, outcome abandoned.
    pub async fn close_open_runs(&mut self, runs: &[KnownRun]) -> Result<(), LedgerError> {
        for run in runs {
            let row = (None, None, JournalBody::End { outcome: RunOutcome::Abandoned, last: Vec::new() });
            // The number stands apart from those that the run itself gave its rows.
            let mut binds = journal::binds(&run.id, CLOSING_SEQ + self.token, &row).to_vec();
            binds.push(Bind::Text(self.nonce.clone()));
            if self.write(self.sql.insert_journal(1, false), binds, true).await? == 0 {
                return Err(self.explain().await);
            }
        }
        Ok(())
    }

    /// Brings the tables to the newest layout. Nothing is sent where they have it.
    pub async fn upgrade(&mut self, state: &LedgerState) -> Result<(), LedgerError> {
        layout::upgrade(self, state.layout, layout::STEPS).await
    }

    /// Runs one statement of a layout step. It must be harmless when repeated: it cannot stand under the fence.
    pub(super) async fn run_layout_step(&mut self, text: &str) -> Result<(), LedgerError> {
        self.write(self.sql.layout_step(text), Vec::new(), true).await.map(drop)
    }

    /// Why a fenced write changed no row.
    async fn explain(&mut self) -> LedgerError {
        if let Err(error) = self.still_mine().await {
            return error;
        }
        match read(self.session.as_mut(), &self.settings.name, &self.context).await {
            Ok(state) => LedgerError::Stranger { row: self.stranger(state.history) },
            Err(error) => error,
        }
    }

    async fn still_mine(&mut self) -> Result<(), LedgerError> {
        let row = lock_row(self.session.as_mut(), &self.settings.name, Duration::ZERO, &self.context).await?;
        if row.nonce.as_deref() != Some(self.nonce.as_str()) {
            let holder = row.nonce.as_ref().map_or_else(|| "nobody".to_owned(), |_| row.holder_words());
            return Err(self.loss(&format!("the row is held by {holder}")));
        }
        if row.expired {
            return Err(self.loss("it has expired at the server"));
        }
        Ok(())
    }

    /// The row that this run does not know: above its head, or a second one of a rank.
    fn stranger(&self, rows: Vec<HistoryRow>) -> Option<HistoryRow> {
        let mut ranks = std::collections::BTreeSet::new();
        let mut found = None;
        for row in rows {
            if row.rank > self.head.rank || !ranks.insert(row.rank) {
                found = Some(row);
            }
        }
        found
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
            // Without an answer the row is free or expires: nothing is owed to it any more.
            let _ = self.send(Op::Release, self.sql.release(), binds, false).await;
        }
        self.session.close().await.map_err(LedgerError::from)
    }
}

/// Numbers of `end` rows that a later lease writes for a run; a run itself never counts so far.
const CLOSING_SEQ: i64 = 1_000_000_000;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look into the folder of their target")]
#[path = "keeper/tests.rs"]
mod tests;
