//! The server as tests hold it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
};

use tokio::{runtime, sync::oneshot};

use crate::{
    clock::Clock,
    fault::Fault,
    http,
    log::{Counts, Entry},
    settings::Settings,
    view::View,
    world::Shared,
};

/// A running server, on this machine's loopback. It stops when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server; it listens when this returns. It has a thread of its own, so tests may be synchronous or not.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Shared::new(settings);
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("testkit".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(serving, listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { shared, address, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The host, an address.
    pub fn host(&self) -> String {
        self.address.ip().to_string()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The server's clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// All requests so far.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.world().log.clone()
    }

    /// How many requests there were.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.shared.world().log)
    }

    /// Adds a fault behind those that are still to come.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world().faults.0.push(fault);
    }

    /// Faults that have not happened.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.world().faults.0.clone()
    }

    /// The state, as plain data.
    pub fn world(&self) -> View {
        View::of(&self.shared.world())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed by the thread, and its requests went unanswered: the test knows.
            let _ = thread.join();
        }
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        // Answers are small and the next request waits for them.
        let _ = stream.set_nodelay(true);
        tokio::spawn(http::connection(Arc::clone(&shared), stream));
    }
}
