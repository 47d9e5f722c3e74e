//! Points in time as the pure machines see them.

use std::time::Duration;

/// A reading of both clocks. Rust's monotonic clock stands still while a laptop sleeps and the wall clock can be
/// set, so what has passed is the larger of the two differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Instants {
    /// Since the program started.
    pub mono: Duration,
    /// Since 1970, UTC.
    pub wall: Duration,
}

impl Instants {
    /// What has passed since `earlier`, by the clock that says more.
    pub fn since(self, earlier: Self) -> Duration {
        let mono = self.mono.saturating_sub(earlier.mono);
        let wall = self.wall.saturating_sub(earlier.wall);
        mono.max(wall)
    }

    /// Both clocks moved on by `by`.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self { mono: self.mono + by, wall: self.wall + by }
    }
}
