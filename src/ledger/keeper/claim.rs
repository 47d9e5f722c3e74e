//! Taking the lease: one try after another, until it is ours or patience ends.

use std::time::Duration;

use jiff::{SignedDuration, civil::DateTime};

use super::{Actions, Keeper, Waiting};
use crate::{
    diagnostic::{Code, Diagnostic},
    ledger::{
        LedgerError, LockRow, ask, identity,
        lease::{LeaseAction, LeaseEvent, Op, Seen, Stop, Timing},
        lock_row, millis, sql,
    },
    model::{target::TargetIdentity, time::Instants},
    session::{Bind, CLAIM_BEGIN, CLAIM_ROLLBACK, DbError, Effect, Engine, ErrorClass, Session},
};

/// Why there is no lease.
pub enum AcquireError {
    /// Another run kept it longer than we wait.
    Busy {
        /// Who holds it, and for how long.
        waiting: Waiting,
        /// The session, to see what that run did.
        session: Box<dyn Session>,
    },
    /// The server or the way to it; whether the lease was taken may be unknown, and if so it expires.
    Db(DbError),
    /// The ledger itself: another target's, or not as it must be.
    Ledger(LedgerError),
}

impl std::fmt::Debug for AcquireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy { waiting, .. } => {
                f.debug_struct("Busy").field("waiting", waiting).finish_non_exhaustive()
            }
            Self::Db(error) => f.debug_tuple("Db").field(error).finish(),
            Self::Ledger(error) => f.debug_tuple("Ledger").field(error).finish(),
        }
    }
}

impl std::fmt::Display for AcquireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy { waiting, .. } => write!(f, "the lease is held by {}", waiting.holder),
            Self::Db(error) => error.fmt(f),
            Self::Ledger(error) => error.fmt(f),
        }
    }
}

impl From<LedgerError> for AcquireError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Db(error) => Self::Db(error),
            other => Self::Ledger(other),
        }
    }
}

impl Keeper {
    /// One try: `None` when the claim is committed, the row in the way otherwise.
    pub(super) async fn claim(&mut self) -> Result<Option<LockRow>, LedgerError> {
        let timing = self.lease.timing();
        let mut actions = self.lease.on(self.now(), LeaseEvent::Acquire);
        let mut row = None;
        while let Some(action) = actions.first().copied() {
            actions = match action {
                LeaseAction::Send(Op::Look) => {
                    self.on(LeaseEvent::Sent(Op::Look));
                    let found =
                        lock_row(self.session.as_mut(), &self.settings.name, timing.grace(), &self.context)
                            .await;
                    let found = match found {
                        Ok(found) => found,
                        Err(error) => {
                            self.on(LeaseEvent::Refused(Op::Look));
                            return Err(error);
                        }
                    };
                    self.check_identity(&found).await?;
                    self.token = found.token + 1;
                    self.looked = Looked::new(self.now(), &found, timing);
                    let seen = match &found.nonce {
                        None => Seen::Free,
                        Some(_) if found.expired && self.looked.free_in.is_none() => Seen::Expired,
                        Some(_) => Seen::Held,
                    };
                    row = Some(found);
                    self.lease.on(self.now(), LeaseEvent::Seen(seen))
                }
                LeaseAction::Send(op) => self.send_claim(op).await?,
                LeaseAction::Rollback => {
                    self.rollback().await?;
                    break;
                }
                LeaseAction::Won => return Ok(None),
                LeaseAction::Wait | LeaseAction::Lost | LeaseAction::Close => break,
            };
        }
        row.map(Some).ok_or_else(|| LedgerError::LeaseLost("the claim ended without an answer".to_owned()))
    }

    /// Sends one statement of the claim's transaction.
    async fn send_claim(&mut self, op: Op) -> Result<Actions, LedgerError> {
        let timing = self.lease.timing();
        let (text, binds) = match op {
            Op::Begin => (CLAIM_BEGIN.to_owned(), Vec::new()),
            Op::Touch => (self.sql.touch(), Vec::new()),
            // Long enough ago for the claim's own condition.
            Op::Expire => (self.sql.expire(), vec![Bind::Integer(-2 * millis(timing.ttl))]),
            Op::Claim => {
                let json = |value: Result<String, serde_json::Error>| value.map_or(Bind::Null, Bind::Text);
                let binds = vec![
                    Bind::Text(self.nonce.clone()),
                    Bind::Text(self.settings.run.clone()),
                    json(serde_json::to_string(&self.settings.holder)),
                    json(serde_json::to_string(&self.settings.identity)),
                    Bind::Integer(millis(timing.ttl)),
                    // Of a longer lease before this one the end is respected for longer.
                    Bind::Integer(-millis(timing.or_longer(self.looked.ttl_ms).grace())),
                ];
                (self.sql.claim(), binds)
            }
            _ => (sql::COMMIT.to_owned(), Vec::new()),
        };
        match self.send(op, text, binds, false).await {
            Ok((_, actions)) => Ok(actions),
            Err((error, actions)) => {
                // A BEGIN that found the lock of a living process, or a row lock that did not come free, is a
                // holder in the way and no error.
                let busy = error.class == ErrorClass::Busy && error.outcome != Effect::Unknown;
                if actions.first() == Some(&LeaseAction::Rollback) && !busy {
                    // The session is closed after this: that ends the transaction too.
                    let _ = self.rollback().await;
                }
                if busy { Ok(actions) } else { Err(error.into()) }
            }
        }
    }

    async fn rollback(&mut self) -> Result<(), DbError> {
        let how = self.how(false);
        let text = CLAIM_ROLLBACK.to_owned();
        ask(self.session.as_mut(), &self.context, text, Vec::new(), how).await.map(drop)
    }

    /// Compares the target with the one that the ledger was made for.
    async fn check_identity(&mut self, row: &LockRow) -> Result<(), LedgerError> {
        if row.identity.as_ref().is_some_and(|made_for| self.settings.identity.is(made_for)) {
            return Ok(());
        }
        if self.session.info().engine == Engine::Embedded {
            // The file may have been made after its identity was read, by this run or another.
            self.settings.identity =
                identity(self.session.as_mut(), &self.settings.name, &self.context).await?;
        }
        let Some(made_for) = &row.identity else { return Ok(()) };
        let checked = check_target(made_for, &self.settings.identity);
        if self.settings.adopt && checked.is_err() {
            // The claim writes this target's identity in place of it.
            self.adopted = Some(made_for.clone());
            return Ok(());
        }
        checked
    }
}

impl LockRow {
    fn ttl_ms(&self) -> Option<u64> {
        self.holder.as_ref()?.ttl_ms
    }

    /// Time until the lease may be taken unless it is renewed, for one whose own times are `own`; none: it may be now, as
    /// far as the times can be read.
    pub fn free_in(&self, own: Timing) -> Option<Duration> {
        self.nonce.as_ref()?;
        let over = moment(&self.now)?.duration_since(moment(&self.expires)?);
        let grace = SignedDuration::try_from(own.or_longer(self.ttl_ms()).grace()).ok()?;
        Duration::try_from(grace.saturating_sub(over)).ok().filter(|time| !time.is_zero())
    }
}

/// What a look at the lock row showed of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    /// When it was, by this process.
    pub(super) at: Option<Instants>,
    /// When it was, by the server.
    now: Option<DateTime>,
    /// The end of a lease that nobody gave back.
    expires: Option<DateTime>,
    /// How long a beat of that lease kept it, in milliseconds.
    ttl_ms: Option<u64>,
    /// Time until that lease may be taken, unless it is renewed; none: it may be now.
    pub(super) free_in: Option<Duration>,
}

impl Looked {
    fn new(at: Instants, row: &LockRow, own: Timing) -> Self {
        let now = moment(&row.now);
        let expires = row.nonce.as_ref().and_then(|_| moment(&row.expires));
        Self { at: Some(at), now, expires, ttl_ms: row.ttl_ms(), free_in: row.free_in(own) }
    }

    /// Another run had the lease between the look and the claim: what it saw of the row says nothing.
    pub(super) fn overtaken(at: Instants, row: &LockRow) -> Self {
        Self { at: Some(at), now: moment(&row.now), ..Self::default() }
    }

    /// How long after the look statements of earlier runs may still appear in the query history: of a run that ended at
    /// `ended`, or was cut off.
    pub(super) fn quiet_after(&self, timing: Timing, ended: Option<&str>) -> Duration {
        let timing = timing.or_longer(self.ttl_ms);
        let listed = timing.listed_after();
        let (last, stop) = match (ended.and_then(moment), self.expires) {
            (Some(ended), _) => (Some(ended), Stop::Ended),
            (None, Some(expires)) => (Some(expires), Stop::Expired),
            (None, None) => (None, Stop::GaveBack),
        };
        let ago =
            last.zip(self.now).and_then(|(last, now)| Duration::try_from(now.duration_since(last)).ok());
        (listed + timing.starts_until(stop)).saturating_sub(ago.unwrap_or_default())
    }
}

/// A point in time as servers print it.
fn moment(text: &str) -> Option<DateTime> {
    text.parse().ok()
}

/// Whether the target is the one that the ledger was made for.
pub fn check_target(made_for: &TargetIdentity, now: &TargetIdentity) -> Result<(), LedgerError> {
    if now.is(made_for) {
        return Ok(());
    }
    let (what, why) = if now.is_at(made_for) {
        (
            format!(
                "database {} was created on {} and the ledger in it was made for one created on {}",
                now.database, now.created_on, made_for.created_on
            ),
            "it was restored or recreated",
        )
    } else {
        (
            format!(
                "the ledger was made for {} in account {} and this is {} in account {}",
                made_for.history, made_for.account, now.history, now.account
            ),
            "it was cloned, renamed or copied",
        )
    };
    Err(LedgerError::ForeignTarget(
        Diagnostic::error(Code::ForeignTarget, format!("{what}: {why}")).hint(
            "correct the environment if this is not the target you mean; if it is, `snowops repair --adopt` takes the ledger over",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{Holder, testing::Place},
        model::{journal::KnownRun, target::Purpose},
    };

    #[tokio::test]
    async fn a_look_that_another_run_overtook_says_nothing_of_what_may_run() {
        let place = Place::made().await;
        let lock = "UPDATE \"LOCAL.SNOWOPS.history_lock\" SET";
        for (overtaken, quiet) in [("\"note\" = NULL", 0), ("\"token\" = \"token\" + 1", 120)] {
            place
                .raw(&format!("{lock} \"nonce\" = 'dead', \"expires\" = '2025-01-01 00:00:00.000000'"))
                .await;
            let mut keeper = place.acquire("run").await.unwrap();
            place.raw(&format!("{lock} {overtaken}")).await;
            let mut work = place.open(Purpose::Work).await;
            keeper.read_back(work.as_mut()).await.unwrap();
            let run = KnownRun {
                id: "dead".to_owned(),
                user: String::new(),
                sessions: Vec::new(),
                ended: None,
                ttl_ms: None,
            };
            assert_eq!(keeper.quiet_in(&run), Duration::from_secs(quiet), "{overtaken}");
            keeper.release().await.unwrap();
        }
    }

    #[test]
    fn a_longer_lease_before_is_respected_for_as_long_as_its_own_run_would() {
        let row = |ttl_ms, expires: &str| LockRow {
            nonce: Some("n".to_owned()),
            token: 1,
            touch: 1,
            expires: expires.to_owned(),
            run: None,
            holder: Some(Holder { ttl_ms, ..Holder::default() }),
            identity: None,
            note: None,
            now: "2026-01-01 10:00:00".to_owned(),
            expired: true,
        };
        let own = Timing { ttl: Duration::from_mins(1) };
        let hour = Some(3_600_000);
        for (ttl_ms, expires, free_in) in [
            (None, "2026-01-01 10:00:10", Some(25)),
            (None, "2026-01-01 09:59:45", None),
            (Some(60_000), "2026-01-01 09:59:45", None),
            (Some(20_000), "2026-01-01 09:59:50", Some(5)),
            // A quarter of an hour, and not a quarter of this run's minute.
            (hour, "2026-01-01 09:59:45", Some(15 * 60 - 15)),
            (hour, "2026-01-01 09:45:00", None),
            (hour, "soon", None),
        ] {
            let row = row(ttl_ms, expires);
            assert_eq!(row.free_in(own), free_in.map(Duration::from_secs), "{row:?}");
        }
        // What its run sent last may have been on its way for a part of its own lease.
        let looked = Looked::new(Instants::default(), &row(hour, "2026-01-01 09:45:00"), own);
        assert_eq!(looked.quiet_after(own, None), Duration::from_mins(1));
        assert_eq!(looked.quiet_after(own, Some("2026-01-01 10:00:00")), Duration::from_mins(31));
        let free = LockRow { nonce: None, ..row(None, "2026-01-01 09:00:00") };
        let looked = Looked::new(Instants::default(), &free, own);
        assert_eq!(looked.quiet_after(own.or_longer(hour), None), Duration::from_mins(31));
    }

    #[test]
    fn absence_means_something_once_the_history_had_its_time_after_the_last_possible_start() {
        let row = |nonce: Option<&str>, expires: &str, now: &str| LockRow {
            nonce: nonce.map(str::to_owned),
            token: 1,
            touch: 1,
            expires: expires.to_owned(),
            run: None,
            holder: None,
            identity: None,
            note: None,
            now: now.to_owned(),
            expired: true,
        };
        let timing = |ttl| Timing { ttl: Duration::from_secs(ttl) };
        for (ttl, row, ended, wanted) in [
            // Expired and grace over: the history's minute is left.
            (120, row(Some("n"), "2026-01-01 10:00:00.000", "2026-01-01 10:00:30"), None, 60_000),
            (120, row(Some("n"), "2026-01-01 10:00:00", "2026-01-01 10:01:00.5"), None, 29_500),
            (120, row(Some("n"), "2026-01-01 10:00:00", "2026-01-01 12:00:00"), None, 0),
            // Given back at an unknown time: what left last may be on its way.
            (120, row(None, "2026-01-01 10:00:00", "2026-01-01 12:00:00"), None, 120_000),
            (
                120,
                row(None, "2026-01-01 10:00:00", "2026-01-01 12:00:00"),
                Some("2026-01-01 11:59:50"),
                110_000,
            ),
            (120, row(None, "2026-01-01 10:00:00", "2026-01-01 12:00:00"), Some("2026-01-01 11:00:00"), 0),
            // What cannot be read makes the wait longer, never shorter.
            (120, row(Some("n"), "soon", "2026-01-01 12:00:00"), None, 120_000),
            (120, row(Some("n"), "2026-01-01 10:00:00", "now"), None, 90_000),
            (8, row(Some("n"), "2026-01-01 10:00:00", "2026-01-01 10:00:02"), None, 4_000),
        ] {
            let looked = Looked::new(Instants::default(), &row, timing(ttl));
            let quiet = looked.quiet_after(timing(ttl), ended);
            assert_eq!(quiet.as_millis(), wanted, "{row:?} {ended:?}");
        }
        let taken = row(Some("mine"), "2026-01-01 12:02:00", "2026-01-01 12:00:00");
        let looked = Looked::overtaken(Instants::default(), &taken);
        assert_eq!(looked.quiet_after(timing(120), None), Duration::from_mins(2));
        let ended = Some("2026-01-01 11:59:30");
        assert_eq!(looked.quiet_after(timing(120), ended), Duration::from_secs(90));
    }
}
