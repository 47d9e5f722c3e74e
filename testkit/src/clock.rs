//! The server's clock: the machine's, or one that stands still until it is moved.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use snowops::{
    model::time::Instants,
    session::{Fut, context},
};
use tokio::sync::Notify;

/// How time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// As on this machine; [`Clock::advance`] sets the clock forward.
    #[default]
    Machine,
    /// It stands still until [`Clock::advance`].
    Standing,
    /// It stands still, and jumps to the next moment that something waits for when a client waits and nothing has
    /// happened for a short real time. So minutes cost milliseconds.
    Jumping,
    /// The same for a server and clients on one thread ([`Server::here`](crate::Server::here)): it jumps when none of
    /// them can go on without it, whatever real time that takes. So what happens is the same each time.
    Together,
}

/// Where a simulated clock begins: 2026-01-01T00:00:00Z.
const START: Duration = Duration::from_hours(490_896);

/// Real time without an event after which a jumping clock jumps.
const QUIET: Duration = Duration::from_millis(8);

/// How often everything on the thread gets its turn without an event before nothing can go on. A request passes through
/// some six tasks and sockets to its answer; none of them is an event by itself.
const TURNS: usize = 60;

/// The server's clock. Copies are the same clock; given to a client in this process, both live by one time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    time: Time,
    /// Since 1970; for the machine's clock, what it is set forward by.
    simulated: Mutex<Duration>,
    moved: Notify,
    /// A client began to wait.
    waiting: Notify,
    /// Moments that are waited for; the last part tells whether a client waits.
    waits: Mutex<BTreeSet<(Duration, u64, bool)>>,
    events: AtomicU64,
    started: Duration,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the one place that the machine's time is read")]
fn machine() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
async fn really_sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

impl Clock {
    /// A clock of that kind.
    pub fn new(time: Time) -> Self {
        let simulated = if time == Time::Machine { Duration::ZERO } else { START };
        let started = if time == Time::Machine { machine() } else { START };
        Self(Arc::new(Inner {
            time,
            simulated: Mutex::new(simulated),
            moved: Notify::new(),
            waiting: Notify::new(),
            waits: Mutex::default(),
            events: AtomicU64::new(0),
            started,
        }))
    }

    /// Time since 1970.
    pub fn now(&self) -> Duration {
        let simulated = *locked(&self.0.simulated);
        if self.0.time == Time::Machine { machine() + simulated } else { simulated }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *locked(&self.0.simulated) += by;
        self.0.moved.notify_waiters();
    }

    /// Tells a jumping clock that something happened.
    pub(crate) fn touch(&self) {
        self.0.events.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until that moment. May be dropped.
    pub async fn wait_until(&self, moment: Duration) {
        self.wait(moment, true).await;
    }

    /// Waits until that moment for something that goes on whether a client waits for it or not: a jumping clock does
    /// not jump for it alone, or how often a client asks would be its speed.
    pub(crate) async fn wait_aside(&self, moment: Duration) {
        self.wait(moment, false).await;
    }

    async fn wait(&self, moment: Duration, client: bool) {
        let id = self.0.events.fetch_add(1, Ordering::SeqCst);
        let wait = Waiting { clock: self, key: (moment, id, client) };
        locked(&self.0.waits).insert(wait.key);
        if client {
            self.0.waiting.notify_one();
        }
        loop {
            let moved = self.0.moved.notified();
            let now = self.now();
            if now >= moment {
                break;
            }
            match self.0.time {
                Time::Machine => tokio::select! {
                    () = really_sleep(moment.saturating_sub(now)) => {}
                    () = moved => {}
                },
                Time::Standing | Time::Together => moved.await,
                Time::Jumping => {
                    let before = self.0.events.load(Ordering::SeqCst);
                    really_sleep(QUIET).await;
                    let quiet = self.0.events.load(Ordering::SeqCst) == before;
                    if quiet && self.next().is_some_and(|next| next == wait.key) {
                        self.jump(moment);
                    }
                }
            }
        }
    }

    /// What is waited for next, if a client waits.
    fn next(&self) -> Option<(Duration, u64, bool)> {
        let waits = locked(&self.0.waits);
        waits.first().copied().filter(|_| waits.iter().any(|(_, _, client)| *client))
    }

    /// The same for a driver of its own: what has come to its moment is left to its owner, who may be asleep.
    fn next_to_come(&self) -> Option<Duration> {
        let now = self.now();
        let waits = locked(&self.0.waits);
        let mut to_come = waits.iter().filter(|(moment, ..)| *moment > now);
        let first = to_come.clone().next()?.0;
        to_come.any(|(.., client)| *client).then_some(first)
    }

    fn jump(&self, moment: Duration) {
        let mut simulated = locked(&self.0.simulated);
        *simulated = (*simulated).max(moment);
        drop(simulated);
        self.touch();
        self.0.moved.notify_waiters();
    }

    /// Lets the time of [`Time::Together`] pass. Never ends.
    pub(crate) async fn drive(self) {
        loop {
            if self.next_to_come().is_none() {
                self.0.waiting.notified().await;
                continue;
            }
            let before = self.0.events.load(Ordering::SeqCst);
            let quiet = || self.0.events.load(Ordering::SeqCst) == before;
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
                if !quiet() {
                    break;
                }
            }
            if let Some(moment) = self.next_to_come().filter(|_| quiet()) {
                self.jump(moment);
            }
        }
    }
}

/// Takes a wait out of the list, however it ends.
struct Waiting<'c> {
    clock: &'c Clock,
    key: (Duration, u64, bool),
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        locked(&self.clock.0.waits).remove(&self.key);
        self.clock.touch();
    }
}

impl context::Clock for Clock {
    fn now(&self) -> Instants {
        let wall = Clock::now(self);
        Instants { mono: wall.saturating_sub(self.0.started), wall }
    }

    fn sleep(&self, time: Duration) -> Fut<'static, ()> {
        let clock = self.clone();
        Box::pin(async move { clock.wait_until(clock.now() + time).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_jumping_clock_passes_from_wait_to_wait() {
        let clock = Clock::new(Time::Jumping);
        let order = Mutex::new(Vec::new());
        let start = clock.now();
        let wait = async |hours: u64| {
            clock.wait_until(start + Duration::from_hours(hours)).await;
            locked(&order).push((hours, clock.now().saturating_sub(start)));
        };
        tokio::join!(wait(3), wait(1), wait(2));
        let hours = |n| (n, Duration::from_hours(n));
        assert_eq!(*locked(&order), [hours(1), hours(2), hours(3)]);
    }

    #[tokio::test]
    async fn a_standing_clock_moves_only_by_hand() {
        let clock = Clock::new(Time::Standing);
        let until = clock.now() + Duration::from_secs(10);
        let other = clock.clone();
        let waits = tokio::spawn(async move { other.wait_until(until).await });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        clock.advance(Duration::from_secs(1));
        waits.await.unwrap();
    }
}
