//! The request to stop: Ctrl-C, SIGTERM, or a test.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

use crate::session::{Control, QueryTag, RequestId};

/// What a request to stop does to the statement that is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cancel {
    /// It ends by itself.
    #[default]
    Wait,
    /// The server is asked to abort it, and its answer is waited for.
    Now,
}

/// How often somebody asked to stop, and the statement that runs meanwhile. Asked once the run stops in good order; asked
/// twice its caller leaves it where it stands.
#[derive(Clone)]
pub struct Interrupt {
    asked: watch::Sender<u32>,
    cancel: Cancel,
    running: Arc<Mutex<Option<InFlight>>>,
}

/// A statement of a script that was sent and not answered yet.
#[derive(Clone)]
pub struct InFlight {
    /// The script.
    pub script: String,
    /// The statement, from 1.
    pub ordinal: usize,
    /// The tag by which the server's query history shows it.
    pub tag: QueryTag,
    /// Its request.
    pub(super) request: RequestId,
    /// Its session's handle.
    pub(super) control: Arc<dyn Control>,
}

impl InFlight {
    /// The server's id of it, once the server has told: with the first answer, which for a statement that takes long
    /// comes before its end.
    pub fn query_id(&self) -> Option<String> {
        self.control.query_id(self.request)
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new(Cancel::default())
    }
}

impl Interrupt {
    /// Nobody has asked yet.
    pub fn new(cancel: Cancel) -> Self {
        Self { asked: watch::Sender::new(0), cancel, running: Arc::default() }
    }

    /// Asks to stop; says how often that was asked now.
    pub fn request(&self) -> u32 {
        self.asked.send_modify(|times| *times += 1);
        *self.asked.borrow()
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        *self.asked.borrow() > 0
    }

    /// Ends when somebody asks.
    pub(super) async fn requested(&self) {
        self.times(1).await;
    }

    /// Ends when somebody asks a second time.
    pub async fn insisted(&self) {
        self.times(2).await;
    }

    async fn times(&self, times: u32) {
        // The sender lives in `self`, so that waiting for it cannot fail.
        drop(self.asked.subscribe().wait_for(|asked| *asked >= times).await);
    }

    /// What asking does to the statement that is running.
    pub(super) fn cancel(&self) -> Cancel {
        self.cancel
    }

    /// The statement that is running.
    pub fn running(&self) -> Option<InFlight> {
        self.running.lock().ok()?.clone()
    }

    pub(super) fn begin(&self, statement: InFlight) {
        self.set(Some(statement));
    }

    pub(super) fn end(&self) {
        self.set(None);
    }

    fn set(&self, statement: Option<InFlight>) {
        if let Ok(mut running) = self.running.lock() {
            *running = statement;
        }
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt")
            .field("asked", &self.asked.borrow())
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
