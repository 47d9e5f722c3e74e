//! Numbers and dates facts, and hands them to a sink.

use std::time::Duration;

use crate::{
    event::{Event, EventSink, Fact, SCHEMA_VERSION},
    model::time::Instants,
    session::context::Context,
};

/// Gives each fact its number, time and run.
pub struct Emitter<'a> {
    context: Context,
    run: String,
    seq: u64,
    started: Instants,
    sink: &'a mut dyn EventSink,
}

impl<'a> Emitter<'a> {
    /// An emitter for one run.
    pub fn new(context: Context, run: String, sink: &'a mut dyn EventSink) -> Self {
        let started = context.clock.now();
        Self { context, run, seq: 0, started, sink }
    }

    /// Emits a fact.
    pub fn emit(&mut self, fact: Fact) {
        self.seq += 1;
        let at = rfc3339(self.context.clock.now());
        let event = Event { schema_version: SCHEMA_VERSION, seq: self.seq, at, run: self.run.clone(), fact };
        self.sink.emit(&event);
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.context.clock.now().since(self.started)
    }
}

/// A reading of the wall clock in RFC 3339, UTC, with milliseconds.
pub fn rfc3339(now: Instants) -> String {
    format!("{:.3}", timestamp(now))
}

/// A reading of the wall clock as a point in time; the last one there is for a clock beyond it.
pub fn timestamp(now: Instants) -> jiff::Timestamp {
    let millis = i64::try_from(now.wall.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}

/// Whole milliseconds.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
