//! Taking the lease: the same for every command that writes to the target.

use std::time::Duration;

use super::{Stop, StopKind, Workspace};
use crate::{
    diagnostic::{Code, Diagnostic},
    event::Fact,
    execute::{
        emit::{Emitter, millis},
        interrupt::Interrupt,
    },
    ledger::{self, AcquireError, Holder, Keeper, LeaseSettings, Presence, Waiting},
    model::{
        checksum::Sha256,
        journal::RunBody,
        target::{LedgerName, TargetIdentity},
    },
    session::{Session, context::Context},
};

/// Time between two events that say that a run waits.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What a lease is asked for.
pub(super) struct Ask<'a> {
    pub(super) workspace: &'a Workspace,
    /// How long to wait for another run.
    pub(super) timeout: Duration,
    /// Whether the tables are there; if not, they are made.
    pub(super) presence: &'a Presence,
    pub(super) run: &'a str,
    /// Whether the ledger of another target is taken over.
    pub(super) adopt: bool,
    /// The request to stop waiting.
    pub(super) interrupt: &'a Interrupt,
}

/// What came of it.
pub(super) enum Taken {
    Lease(Box<Keeper>),
    /// Another run kept it longer than the timeout; the session is given back.
    Busy {
        waiting: Waiting,
        session: Box<dyn Session>,
    },
}

/// Takes the lease, making the tables first where they are missing.
pub(super) async fn take(
    ask: &Ask<'_>,
    mut session: Box<dyn Session>,
    emitter: &mut Emitter<'_>,
) -> Result<Taken, Stop> {
    let Ask { workspace, timeout, presence, run, adopt, interrupt } = *ask;
    let name = workspace.ledger();
    let wrong = |e: ledger::LedgerError| Stop::ledger(&e, name, false);
    let context = &workspace.context;
    let identity = match prepared(session.as_mut(), name, presence, context).await {
        Ok(identity) => identity,
        Err(error) => {
            // Why it stops says more than a session that cannot be closed.
            drop(session.close().await);
            return Err(wrong(error));
        }
    };
    let settings = LeaseSettings {
        ttl: workspace.environment.lock.ttl,
        timeout,
        name: name.clone(),
        identity,
        holder: holder(workspace, session.as_ref()),
        run: run.to_owned(),
        adopt,
    };
    let mut next = Duration::ZERO;
    let mut notify = |waiting: Waiting| {
        if waiting.elapsed >= next {
            next = waiting.elapsed + TELL_EVERY;
            emitter.emit(told(waiting));
        }
        !interrupt.is_requested()
    };
    match Keeper::acquire(session, settings, context.clone(), &mut notify).await {
        Ok(keeper) => {
            emitter.emit(Fact::LeaseAcquired { token: keeper.token() });
            Ok(Taken::Lease(Box::new(keeper)))
        }
        Err(AcquireError::Busy { waiting, session }) => Ok(Taken::Busy { waiting, session }),
        Err(AcquireError::Db(error)) => Err(Stop::db("taking the lease", &error)),
        Err(AcquireError::Ledger(error)) => Err(wrong(error)),
    }
}

/// What makes the target the same one again, once its tables are there.
async fn prepared(
    session: &mut dyn Session,
    name: &LedgerName,
    presence: &Presence,
    context: &Context,
) -> Result<TargetIdentity, ledger::LedgerError> {
    let identity = ledger::identity(session, name, context).await?;
    if *presence != Presence::Present {
        ledger::create(session, name, presence, context).await?;
    }
    Ok(identity)
}

/// The event that says who is waited for.
pub(super) fn told(waiting: Waiting) -> Fact {
    let Waiting { holder, elapsed, free_in } = waiting;
    Fact::LeaseWaiting { holder, elapsed_ms: millis(elapsed), free_in_ms: free_in.map(millis) }
}

/// The stop for a lease that did not come free.
pub(super) fn busy(waiting: &Waiting) -> Stop {
    let Waiting { holder, elapsed, free_in } = waiting;
    let lasts = match free_in {
        // A run that was killed in the middle of its claim keeps the row's lock for longer.
        Some(time) => format!(
            "; unless that run renews it, as it does while it lives, it can be taken in {} at the earliest",
            seconds(*time)
        ),
        None => String::new(),
    };
    let waited = seconds(*elapsed);
    let message = format!("another run holds the lease on this target: {holder}; waited {waited}{lasts}");
    let finding = Diagnostic::error(Code::Locked, message)
        .note("`snowops unlock` shows the lease and when it ends")
        .hint("nothing was written; run again when that run has ended, or wait longer with `--lock-timeout`");
    Stop::new(StopKind::Locked, finding)
}

/// Whole seconds, none of them promised too early.
fn seconds(time: Duration) -> String {
    format!("{} s", time.as_millis().div_ceil(1000))
}

fn holder(workspace: &Workspace, session: &dyn Session) -> Holder {
    let s = &workspace.surroundings;
    Holder {
        user: session.info().user.clone(),
        host: s.host.clone().unwrap_or_else(|| "an unnamed host".into()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        pipeline_url: s.pipeline_url.clone(),
        commit: s.commit.clone(),
        sessions: vec![session.info().id.clone()],
        ttl_ms: Some(millis(workspace.environment.lock.ttl)),
    }
}

/// The journal's row for a run under this lease.
pub(super) fn run_body(
    workspace: &Workspace,
    keeper: &Keeper,
    user: &str,
    work: &str,
    plan_digest: Sha256,
) -> RunBody {
    let s = &workspace.surroundings;
    RunBody {
        token: keeper.token(),
        version: env!("CARGO_PKG_VERSION").into(),
        user: user.to_owned(),
        host: s.host.clone().unwrap_or_else(|| "an unnamed host".into()),
        commit: s.commit.clone(),
        pipeline_url: s.pipeline_url.clone(),
        sessions: vec![work.to_owned()],
        plan_digest,
        environment: workspace.environment.name.clone(),
        ttl_ms: Some(millis(workspace.environment.lock.ttl)),
    }
}
