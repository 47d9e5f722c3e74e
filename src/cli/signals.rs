//! Ctrl-C and SIGTERM ask a run to stop; a second one leaves it where it stands, and the next run finds it cut off.

use std::io;

use super::run::block_on;
use crate::{
    engine::{Stop, stop::left},
    execute::interrupt::Interrupt,
};

/// Does work that heeds `interrupt`; who asks a second time does not wait for its end.
pub(super) fn interruptible<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, Stop>>,
) -> anyhow::Result<Result<T, Stop>> {
    block_on(async {
        listen(interrupt.clone())?;
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = interrupt.insisted() => Ok(Err(left(interrupt))),
        }
    })?
}

/// Listens until the process ends. From here on the signals no longer kill it.
///
/// # Errors
/// When the system gives no handler.
#[cfg(unix)]
fn listen(interrupt: Interrupt) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut ctrl_c, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = ctrl_c.recv() => {}
                _ = terminate.recv() => {}
            }
            again(&interrupt);
        }
    });
    Ok(())
}

/// Listens until the process ends. From here on Ctrl-C no longer kills it.
///
/// # Errors
/// When the system gives no handler.
#[cfg(windows)]
fn listen(interrupt: Interrupt) -> io::Result<()> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    tokio::spawn(async move {
        loop {
            ctrl_c.recv().await;
            again(&interrupt);
        }
    });
    Ok(())
}

/// A call that does not come back keeps the second request from being heard: the third is not to be refused.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a person who asks three times must get their terminal back"
)]
fn again(interrupt: &Interrupt) {
    if interrupt.request() > 2 {
        std::process::exit(i32::from(super::exit::Exit::INTERRUPTED.0));
    }
}
