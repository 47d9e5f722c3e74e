//! Taking the lease: one try after another, until it is ours or patience ends.

use std::time::Duration;

use jiff::civil::DateTime;

use super::{Actions, Keeper};
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
        /// Who holds it, in words.
        holder: String,
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
            Self::Busy { holder, .. } => {
                f.debug_struct("Busy").field("holder", holder).finish_non_exhaustive()
            }
            Self::Db(error) => f.debug_tuple("Db").field(error).finish(),
            Self::Ledger(error) => f.debug_tuple("Ledger").field(error).finish(),
        }
    }
}

impl std::fmt::Display for AcquireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy { holder, .. } => write!(f, "the lease is held by {holder}"),
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
                    let seen = match (&found.nonce, found.expired) {
                        (None, _) => Seen::Free,
                        (Some(_), true) => Seen::Expired,
                        (Some(_), false) => Seen::Held,
                    };
                    self.token = found.token + 1;
                    self.looked = Looked::new(self.now(), &found);
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
                    Bind::Integer(-millis(timing.grace())),
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

/// What a look at the lock row showed of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    /// When it was, by this process.
    pub(super) at: Option<Instants>,
    /// When it was, by the server.
    now: Option<DateTime>,
    /// The end of a lease that nobody gave back.
    expires: Option<DateTime>,
}

impl Looked {
    fn new(at: Instants, row: &LockRow) -> Self {
        let held = row.nonce.as_ref().and_then(|_| moment(&row.expires));
        Self { at: Some(at), now: moment(&row.now), expires: held }
    }

    /// Another run had the lease between the look and the claim: what it saw of the row says nothing.
    pub(super) fn overtaken(at: Instants, row: &LockRow) -> Self {
        Self { at: Some(at), now: moment(&row.now), expires: None }
    }

    /// How long after the look statements of earlier runs may still appear in the query history: of a run that ended at
    /// `ended`, or was cut off.
    pub(super) fn quiet_after(&self, timing: Timing, ended: Option<&str>) -> Duration {
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
    use crate::{ledger::testing::Place, model::target::Purpose};

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
            assert_eq!(keeper.quiet_in(None), Duration::from_secs(quiet), "{overtaken}");
            keeper.release().await.unwrap();
        }
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
            let looked = Looked::new(Instants::default(), &row);
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
