//! How long to wait before a request is sent again.

use std::time::Duration;

use crate::session::context::Ids;

/// The shortest wait.
const BASE: Duration = Duration::from_millis(250);

/// The longest wait that is not the server's wish. Base and cap are those of Snowflake's own drivers.
const CAP: Duration = Duration::from_secs(16);

/// Waits that grow and differ between clients: each is drawn from between the base and three times the one before
/// ("decorrelated jitter"), so that many clients that were refused together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    previous: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { previous: BASE }
    }

    /// The next wait; never shorter than what the server asked for.
    pub(super) fn next(&mut self, ids: &dyn Ids, asked: Option<Duration>) -> Duration {
        let base = millis(BASE);
        let span = millis(self.previous).saturating_mul(3).saturating_sub(base).max(1);
        let drawn = Duration::from_millis(base + ids.next().as_u64_pair().1 % span).min(CAP);
        self.previous = drawn;
        drawn.max(asked.unwrap_or_default())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A header `Retry-After`: seconds, or a date, which is read against the server's own `Date`.
pub(super) fn retry_after(header: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let header = header?.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let read = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
    let wait = read(header)?.timestamp().duration_since(read(date?)?.timestamp());
    wait.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives these numbers, then zeros.
    struct Given(std::sync::Mutex<Vec<u64>>);

    impl Ids for Given {
        fn next(&self) -> uuid::Uuid {
            uuid::Uuid::from_u64_pair(0, self.0.lock().unwrap().pop().unwrap_or(0))
        }
    }

    proptest! {
        #[test]
        fn waits_stay_in_their_bounds(numbers in prop::collection::vec(any::<u64>(), 1..40), asked in 0_u64..100) {
            let ids = Given(std::sync::Mutex::new(numbers.clone()));
            let mut backoff = Backoff::new();
            let mut previous = BASE;
            for _ in &numbers {
                let asked = Duration::from_secs(asked);
                let wait = backoff.next(&ids, Some(asked));
                prop_assert!(wait >= asked && wait >= BASE);
                prop_assert!(wait <= CAP.min(previous * 3).max(asked));
                previous = wait.max(BASE).min(CAP);
            }
        }
    }

    #[test]
    fn waits_grow_with_the_draw() {
        let ids = Given(std::sync::Mutex::new(vec![u64::MAX; 3]));
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..3).map(|_| backoff.next(&ids, None).as_millis()).collect();
        assert!(waits.is_sorted() && waits[2] > 250, "{waits:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = Some("Tue, 15 Nov 2022 08:12:31 GMT");
        for (header, date, wait) in [
            (Some("7"), None, Some(7)),
            (Some(" 7 "), None, Some(7)),
            (Some("Tue, 15 Nov 2022 08:12:41 GMT"), date, Some(10)),
            (Some("Tue, 15 Nov 2022 08:12:21 GMT"), date, None),
            (Some("Tue, 15 Nov 2022 08:12:41 GMT"), None, None),
            (Some("soon"), date, None),
            (None, date, None),
        ] {
            assert_eq!(retry_after(header, date), wait.map(Duration::from_secs), "{header:?}");
        }
    }
}
