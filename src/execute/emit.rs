//! Numbers and dates facts, and hands them to a sink.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    event::{Event, EventSink, Fact, SCHEMA_VERSION},
    model::time::Instants,
    session::{context::Context, snowflake::Notices},
};

/// All that a command tells while it works, in one row of numbers, whoever tells it: the run, and the sessions whose
/// server keeps them waiting. Copies are the same stream.
#[derive(Clone)]
pub struct Stream(Arc<Inner>);

struct Inner {
    context: Context,
    run: String,
    told: Mutex<Told>,
}

struct Told {
    seq: u64,
    /// `None`: nobody listens any more.
    sink: Option<Box<dyn EventSink>>,
}

impl Stream {
    /// A stream for one run, which gets its id here.
    pub fn new(context: Context, sink: Box<dyn EventSink>) -> Self {
        let run = context.ids.next().to_string();
        Self(Arc::new(Inner { context, run, told: Mutex::new(Told { seq: 0, sink: Some(sink) }) }))
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.0.run
    }

    /// What hears of waits, and tells them here.
    pub fn notices(&self) -> Notices {
        let stream = self.clone();
        Notices::new(move |notice| {
            stream.emit(Fact::Waiting { what: notice.what, elapsed_ms: millis(notice.elapsed) });
        })
    }

    /// Lets go of the sink: what is told after this is heard by nobody.
    pub fn close(&self) {
        self.told().sink = None;
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, fact: Fact) {
        let Inner { context, run, .. } = &*self.0;
        let mut told = self.told();
        let Told { seq, sink: Some(sink) } = &mut *told else { return };
        *seq += 1;
        let at = rfc3339(context.clock.now());
        sink.emit(&Event { schema_version: SCHEMA_VERSION, seq: *seq, at, run: run.clone(), fact });
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.0.run).finish_non_exhaustive()
    }
}

/// Tells what a run does.
pub struct Emitter<'a> {
    stream: &'a Stream,
    started: Instants,
    once: BTreeSet<String>,
}

impl<'a> Emitter<'a> {
    /// An emitter for the run of a stream, which begins now.
    pub fn new(stream: &'a Stream) -> Self {
        Self { stream, started: stream.0.context.clock.now(), once: BTreeSet::new() }
    }

    /// Whether `message` was not given here before.
    pub fn is_new(&mut self, message: &str) -> bool {
        self.once.insert(message.to_owned())
    }

    /// Emits a fact.
    pub fn emit(&mut self, fact: Fact) {
        self.stream.emit(fact);
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.stream.0.context.clock.now().since(self.started)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{simulated::simulated, snowflake::Notice};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Event>>>);

    impl EventSink for Kept {
        fn emit(&mut self, event: &Event) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    #[test]
    fn waits_of_sessions_and_facts_of_the_run_are_one_row_of_numbers() {
        let kept = Kept::default();
        let stream = Stream::new(simulated().0, Box::new(kept.clone()));
        let notices = stream.notices();
        let mut emitter = Emitter::new(&stream);
        let wait =
            |what: &str| notices.tell(Notice { what: what.into(), elapsed: Duration::from_millis(1500) });
        wait("the login");
        emitter.emit(Fact::LeaseAcquired { token: 1 });
        wait("the statement");
        stream.close();
        wait("the logout");
        let events = kept.0.lock().unwrap();
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(events.iter().all(|event| event.run == stream.run()));
        assert_eq!(events[0].fact, Fact::Waiting { what: "the login".into(), elapsed_ms: 1500 });
    }
}
