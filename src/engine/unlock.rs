//! `unlock`: shows who holds the lease, and frees that of a run that will not give it back.

use std::time::Duration;

use super::{
    Stop, StopKind, Workspace,
    lease::{self, Ask, Taken},
    stop::interrupted,
    survey::read,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    event::Fact,
    execute::{
        emit::{Emitter, Stream},
        interrupt::Interrupt,
    },
    ledger::{self, Keeper, LockRow, Presence, Waiting, lease::Timing},
    model::target::Purpose,
    session::{Connector, Liveness, Session},
};

/// What `unlock` is asked for.
#[derive(Clone, Debug)]
pub struct UnlockOptions {
    /// The lease to free, by the run that took it; none: only show.
    pub lease: Option<String>,
    /// Do not wait until it is over.
    pub force: bool,
    /// How long to wait for its end.
    pub lock_timeout: Duration,
    /// The request to stop waiting.
    pub interrupt: Interrupt,
}

/// What `unlock` found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlocked {
    /// The lease that was held, if one was.
    pub lease: Option<Held>,
    /// Whether it is free now because of this.
    pub freed: bool,
}

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The run that took it: its id.
    pub run: String,
    /// Who holds it, in words.
    pub holder: String,
    /// When it ends unless it is renewed, server time.
    pub expires: String,
    /// The server's time.
    pub now: String,
    /// Time until it may be taken unless it is renewed; none: it may be now, or its process decides.
    pub free_in: Option<Duration>,
}

/// Shows the lease, or frees it.
///
/// Without force it is taken like any other command takes it, once it is over, and given back. With force the row is
/// freed at once: its run notices at its next beat, and may start one more statement before that.
pub async fn unlock(
    workspace: &Workspace,
    options: &UnlockOptions,
    events: &Stream,
    confirm: &mut (dyn FnMut(&Held) -> Result<(), Stop> + Send),
) -> Result<Unlocked, Stop> {
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let looked = look(workspace, session.as_mut(), connector.capabilities().liveness).await;
    let Ok(Some((row, held))) = looked else {
        let closed = close(session).await;
        looked?;
        closed?;
        return Ok(Unlocked { lease: None, freed: false });
    };
    let Some(wanted) = &options.lease else {
        close(session).await?;
        return Ok(Unlocked { lease: Some(held), freed: false });
    };
    if *wanted != held.run {
        close(session).await?;
        return Err(other(wanted, &held));
    }
    let mut emitter = Emitter::new(events);
    if options.force {
        if connector.capabilities().liveness == Liveness::OsLock {
            close(session).await?;
            return Err(no_force(&held));
        }
        if let Err(stop) = confirm(&held) {
            close(session).await?;
            return Err(stop);
        }
        let message = format!("taking the lease of {}, run {}, by force", held.holder, held.run);
        emitter.emit(Fact::Warning { code: Code::Locked.as_str().to_owned(), message });
        let freed = ledger::free(session.as_mut(), workspace.ledger(), &row, &workspace.context).await;
        let freed = freed.map_err(|error| Stop::ledger(&error, workspace.ledger(), false))?;
        close(session).await?;
        return Ok(Unlocked { lease: Some(held), freed });
    }
    let run = events.run().to_owned();
    let ask = Ask {
        workspace,
        timeout: options.lock_timeout,
        presence: &Presence::Present,
        run: &run,
        adopt: false,
        interrupt: &options.interrupt,
    };
    let holder = held.holder.clone();
    emitter.emit(lease::told(Waiting { holder, elapsed: Duration::ZERO, free_in: held.free_in }));
    match lease::take(&ask, session, &mut emitter).await? {
        Taken::Lease(mut keeper) => {
            let mine = read_back(workspace, connector.as_ref(), &mut keeper).await;
            let released = keeper.release().await;
            mine?;
            released.map_err(|error| Stop::ledger(&error, workspace.ledger(), false))?;
            Ok(Unlocked { lease: Some(held), freed: true })
        }
        Taken::Busy { waiting, session } => {
            close(session).await?;
            Err(if options.interrupt.is_requested() { interrupted() } else { lease::busy(&waiting) })
        }
    }
}

/// Sees for certain that the lease is this command's.
async fn read_back(
    workspace: &Workspace,
    connector: &dyn Connector,
    keeper: &mut Keeper,
) -> Result<(), Stop> {
    let wrong = |error| Stop::ledger(&error, workspace.ledger(), false);
    let opened = keeper.open_beside(connector, workspace.session(Purpose::Work)).await.map_err(wrong)?;
    let mut work =
        opened.map_err(|error| Stop::db(&format!("connecting to {}", workspace.place()), &error))?;
    let mine = keeper.read_back(work.as_mut()).await;
    drop(work.close().await);
    mine.map(drop).map_err(wrong)
}

async fn look(
    workspace: &Workspace,
    session: &mut dyn Session,
    liveness: Liveness,
) -> Result<Option<(LockRow, Held)>, Stop> {
    let name = workspace.ledger();
    if read(workspace, session).await?.presence != Presence::Present {
        return Ok(None);
    }
    let row = ledger::lock_row(session, name, Duration::ZERO, &workspace.context).await;
    let row = row.map_err(|error| Stop::ledger(&error, name, false))?;
    if row.nonce.is_none() {
        return Ok(None);
    }
    let held = Held {
        run: row.run.clone().unwrap_or_default(),
        holder: row.holder_words(),
        expires: row.expires.clone(),
        now: row.now.clone(),
        free_in: match liveness {
            Liveness::OsLock => None,
            Liveness::ServerClock => row.free_in(Timing { ttl: workspace.environment.lock.ttl }),
        },
    };
    Ok(Some((row, held)))
}

async fn close(session: Box<dyn Session>) -> Result<(), Stop> {
    session.close().await.map_err(|error| Stop::db("closing the session", &error))
}

fn other(wanted: &str, held: &Held) -> Stop {
    let message = format!("the lease is not that of {wanted}: {} holds it, run {}", held.holder, held.run);
    let finding = Diagnostic::error(Code::Locked, message)
        .hint("nothing was changed; look at `snowops unlock` for the lease that is held now");
    Stop::new(StopKind::Locked, finding)
}

fn no_force(held: &Held) -> Stop {
    let message = format!(
        "on the embedded engine a lease ends with its process and cannot be taken from it: {} holds it",
        held.holder
    );
    let finding = Diagnostic::error(Code::Locked, message).hint("end that process, then run again");
    Stop::new(StopKind::Locked, finding)
}
