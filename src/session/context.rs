//! Clock, ids and randomness: the only sources of what differs from run to run, so that a run can be replayed.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{Fut, RequestId};
use crate::model::time::Instants;

/// Everything that differs from run to run.
#[derive(Clone)]
pub struct Context {
    /// Time, and the only sleep.
    pub clock: Arc<dyn Clock>,
    /// Ids of runs, leases and requests.
    pub ids: Arc<dyn Ids>,
}

/// Time.
pub trait Clock: Send + Sync {
    /// Both clocks.
    fn now(&self) -> Instants;
    /// Waits.
    fn sleep(&self, time: Duration) -> Fut<'static, ()>;
}

/// New ids.
pub trait Ids: Send + Sync {
    /// A new id that no one else has.
    fn next(&self) -> uuid::Uuid;

    /// A new request id.
    fn request(&self) -> RequestId {
        RequestId(self.next())
    }
}

impl Context {
    /// The machine's clock and random ids.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock { start: Instant::now() }), ids: Arc::new(RandomIds) }
    }
}

struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn now(&self) -> Instants {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Instants { mono: self.start.elapsed(), wall }
    }

    fn sleep(&self, time: Duration) -> Fut<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}
