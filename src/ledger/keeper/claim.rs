//! Taking the lease: one try after another, until it is ours or patience ends.

use std::time::Duration;

use super::{Actions, Keeper};
use crate::{
    diagnostic::{Code, Diagnostic},
    ledger::{
        LedgerError, LockRow, ask, identity,
        lease::{LeaseAction, LeaseEvent, Op, Seen, Timing},
        lock_row, millis, sql,
    },
    model::target::TargetIdentity,
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
                    self.quiet = (self.now(), quiet_after(timing, &found));
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
        if row.identity.as_ref() == Some(&self.settings.identity) {
            return Ok(());
        }
        if self.session.info().engine == Engine::Embedded {
            // The file may have been made after its identity was read, by this run or another.
            self.settings.identity =
                identity(self.session.as_mut(), &self.settings.name, &self.context).await?;
        }
        row.identity.as_ref().map_or(Ok(()), |made_for| check_target(made_for, &self.settings.identity))
    }
}

/// How long the query history may take to list a statement (Snowflake promises nothing; statements of one's own user
/// were seen within seconds).
const LISTED_AFTER: Duration = Duration::from_mins(1);

/// How long after a look at the row statements of its holder may still appear in the query history. Whoever gave the
/// lease back starts nothing any more; whoever let it expire may have, until the grace after it had passed.
fn quiet_after(timing: Timing, row: &LockRow) -> Duration {
    // So short a lease is allowed only with a server of this machine.
    let listed = if timing.ttl < LISTED_AFTER { timing.ttl / 2 } else { LISTED_AFTER };
    if row.nonce.is_none() {
        return listed;
    }
    let time = |text: &str| text.parse::<jiff::civil::DateTime>().ok();
    let ago = match (time(&row.expires), time(&row.now)) {
        (Some(expires), Some(now)) => Duration::try_from(now.duration_since(expires)).unwrap_or_default(),
        _ => Duration::ZERO,
    };
    (timing.grace() + listed).saturating_sub(ago)
}

/// Whether the target is the one that the ledger was made for.
pub fn check_target(made_for: &TargetIdentity, now: &TargetIdentity) -> Result<(), LedgerError> {
    if made_for == now {
        return Ok(());
    }
    let (what, why) = if (&made_for.account, &made_for.database, &made_for.history)
        == (&now.account, &now.database, &now.history)
    {
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
            "correct the environment if this is not the target you mean; this version of snowops cannot take over the ledger of another target",
        ),
    ))
}
