//! Ctrl-C and SIGTERM ask a run to stop after the statement that is running; a second one ends the process, which the
//! next run then finds cut off.

use std::io;

use crate::execute::interrupt::Interrupt;

/// Listens until the process ends. From here on the signals no longer kill it.
///
/// # Errors
/// When the system gives no handler.
#[cfg(unix)]
pub(super) fn listen(interrupt: Interrupt) -> io::Result<()> {
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
pub(super) fn listen(interrupt: Interrupt) -> io::Result<()> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    tokio::spawn(async move {
        loop {
            ctrl_c.recv().await;
            again(&interrupt);
        }
    });
    Ok(())
}

/// The first signal asks, the second does not.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a person who asks twice must get their terminal back"
)]
fn again(interrupt: &Interrupt) {
    if interrupt.is_requested() {
        std::process::exit(i32::from(super::exit::Exit::INTERRUPTED.0));
    }
    interrupt.request();
}
