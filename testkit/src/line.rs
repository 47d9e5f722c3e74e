//! A way to the server of its own, for one client: counts what is asked on it, and stops at one point of one request.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, TcpListener},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use crate::{background::Background, http, world::Shared};

/// A point of a request, as its server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// It has not left.
    BeforeSend,
    /// It was read and had no effect.
    BeforeEffect,
    /// It had its effect, and nothing of the answer has left.
    BeforeAnswer,
    /// Half of the answer's body has left.
    InAnswer,
    /// It was answered, and the next request has not left.
    Answered,
    /// It was read, and the server goes on with it. Not a point to hold: what it asks for is on its way.
    Running,
}

impl Point {
    /// All between which a request's effect or its client's knowledge differs.
    pub const ALL: [Self; 5] =
        [Self::BeforeSend, Self::BeforeEffect, Self::BeforeAnswer, Self::InAnswer, Self::Answered];
}

/// Ends when the client may go on.
pub(crate) type Hold = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A line as its connections see it.
pub(crate) struct Line {
    calls: AtomicUsize,
    /// Number of a call, and where in it the line stops.
    stop: Mutex<Option<(usize, Point)>>,
    /// The next request is held, as it was not sent.
    next: AtomicBool,
    stopped: watch::Sender<bool>,
    gone_on: watch::Sender<bool>,
}

impl Line {
    fn new() -> Self {
        Self {
            calls: AtomicUsize::new(0),
            stop: Mutex::new(None),
            next: AtomicBool::new(false),
            stopped: watch::Sender::new(false),
            gone_on: watch::Sender::new(false),
        }
    }

    /// Counts a request; answers where it is to be held.
    pub(crate) async fn arrives(&self) -> Option<Point> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let stop = *self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let point = stop.filter(|(at, _)| *at == call).map(|(_, point)| point);
        if self.next.swap(false, Ordering::SeqCst) || point == Some(Point::BeforeSend) {
            self.hold().await;
        }
        point.filter(|point| *point != Point::BeforeSend)
    }

    pub(crate) fn holds_the_next(&self) {
        self.next.store(true, Ordering::SeqCst);
    }

    /// Stops, and goes on.
    pub(crate) fn passes(&self) {
        self.stopped.send_replace(true);
    }

    /// Stops when it is first polled, until somebody lets it go on.
    pub(crate) fn hold(&self) -> Hold {
        let (stopped, mut gone_on) = (self.stopped.clone(), self.gone_on.subscribe());
        Box::pin(async move {
            stopped.send_replace(true);
            // The line goes with its server.
            let _ = gone_on.wait_for(|on| *on).await;
        })
    }
}

/// A way to a server for one client, by a port of its own.
pub struct Client {
    line: Arc<Line>,
    port: u16,
    _background: Background,
}

impl Client {
    /// On the caller's runtime.
    pub(crate) fn new(shared: &Arc<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let line = Arc::new(Line::new());
        let (shared, serving) = (Arc::clone(shared), Arc::clone(&line));
        let background = Background::here(listener, move |stream| {
            http::connection(Arc::clone(&shared), Some(Arc::clone(&serving)), stream)
        })?;
        Ok(Self { line, port, _background: background })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many requests there were.
    pub fn calls(&self) -> usize {
        self.line.calls.load(Ordering::SeqCst)
    }

    /// Stops at this point of this request, counted from 1.
    pub fn stop_at(&self, call: usize, point: Point) {
        *self.line.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some((call, point));
    }

    /// Waits until it has stopped. Requests that were on their way beside that one are served.
    pub async fn stopped(&self) {
        // The line lives as long as this.
        let _ = self.line.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        *self.line.stopped.borrow()
    }

    /// Lets the request go on.
    pub fn go_on(&self) {
        self.line.gone_on.send_replace(true);
    }
}
