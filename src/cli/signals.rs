//! Ctrl-C and SIGTERM ask a run to stop after the statement that is running; a second one ends the process.

use crate::execute::interrupt::Interrupt;

/// Listens until the process ends.
pub(super) fn listen(interrupt: Interrupt) {
    tokio::spawn(async move {
        wait().await;
        interrupt.request();
    });
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return ctrl_c().await };
    tokio::select! {
        () = ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait() {
    ctrl_c().await;
}

async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
