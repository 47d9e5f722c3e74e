//! A clock and ids for tests: time passes only where the code under test waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Fut,
    context::{Clock, Context, Ids},
};
use crate::model::time::Instants;

/// A clock that stands still until someone sleeps.
#[derive(Default)]
pub(crate) struct TestClock {
    millis: Arc<AtomicU64>,
}

impl TestClock {
    /// Lets time pass.
    pub(crate) fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }
}

/// 2026-01-01T00:00:00Z.
const START: Duration = Duration::from_hours(490_896);

impl Clock for TestClock {
    fn now(&self) -> Instants {
        let mono = Duration::from_millis(self.millis.load(Ordering::SeqCst));
        Instants { mono, wall: START + mono }
    }

    fn sleep(&self, time: Duration) -> Fut<'static, ()> {
        let millis = Arc::clone(&self.millis);
        Box::pin(async move {
            millis.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
            tokio::task::yield_now().await;
        })
    }
}

struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(0, self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A context of a simulated clock and counted ids.
pub(crate) fn simulated() -> (Context, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    let context = Context {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ids: Arc::new(CountingIds(AtomicU64::new(1))),
    };
    (context, clock)
}
