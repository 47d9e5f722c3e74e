//! The server as tests hold it.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use rusqlite::types::Value;
use snowops::{model::target::Context4, sql::command::command};

use crate::{
    background::Background,
    clock::{Clock, Time},
    fault::Fault,
    http, line,
    log::{Counts, Entry},
    settings::Settings,
    table::Change,
    tls,
    view::View,
    world::{Shared, World},
};

/// All that a server knew at one moment, and its clock.
#[derive(Clone)]
pub struct Snapshot {
    world: World,
    now: Duration,
}

/// A running server, on this machine's loopback. It stops when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: Option<String>,
    _background: Background,
}

impl Server {
    /// Starts a server; it listens when this returns.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))?;
        let address = listener.local_addr()?;
        let tls = if settings.tls { Some(tls::new()?) } else { None };
        let protocol = if settings.tls { "https" } else { "http" };
        let shared = Shared::new(settings, format!("{protocol}://{address}"));
        let serving = Arc::clone(&shared);
        let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
        let background = Background::listen("testkit", listener, move |stream| {
            let (shared, acceptor) = (Arc::clone(&serving), acceptor.clone());
            async move {
                match acceptor {
                    None => http::connection(shared, None, stream).await,
                    // A client that does not trust the authority ends here.
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            http::connection(shared, None, stream).await;
                        }
                    }
                }
            }
        })?;
        Ok(Self { shared, address, authority: tls.map(|tls| tls.authority), _background: background })
    }

    /// Starts a server that lives on the caller's runtime, without TLS; from a snapshot if there is one.
    ///
    /// # Errors
    /// The port is taken.
    pub fn here(settings: Settings, from: Option<&Snapshot>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))?;
        let address = listener.local_addr()?;
        let together = settings.time == Time::Together;
        let shared = Shared::new(settings, format!("http://{address}"));
        if let Some(snapshot) = from {
            *shared.world() = snapshot.world.clone();
            shared.clock.advance(snapshot.now.saturating_sub(shared.clock.now()));
        }
        let serving = Arc::clone(&shared);
        let mut background =
            Background::here(listener, move |stream| http::connection(Arc::clone(&serving), None, stream))?;
        if together {
            background.also(shared.clock.clone().drive());
        }
        Ok(Self { shared, address, authority: None, _background: background })
    }

    /// All that it knows now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { world: self.shared.world().clone(), now: self.shared.clock.now() }
    }

    /// A way to it for one client, on the caller's runtime.
    ///
    /// # Errors
    /// There is no port.
    pub fn client(&self) -> io::Result<line::Client> {
        line::Client::new(&self.shared)
    }

    /// `http://127.0.0.1:port`, or `https`.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The certificate of the authority to trust, as PEM; `None` without TLS.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
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

    /// Grants privileges, a GRANT a line, as an administrator would. Lines that are none do nothing.
    pub fn grant(&self, statements: &str) {
        let mut world = self.shared.world();
        let world = &mut *world;
        let Some(privileges) = &mut world.privileges else { return };
        for command in statements.lines().filter_map(|line| command(line.trim().trim_end_matches(';')).ok()) {
            privileges.follow(&command, &Context4::default(), &mut world.catalog);
        }
    }

    /// Puts a text into a column of all rows of the kept table of that name, as somebody with other means would.
    pub fn overwrite(&self, table: &str, column: &str, text: &str) {
        let now = self.shared.clock.now();
        let mut world = self.shared.world();
        let found = world.tables.iter().find(|(name, _)| name.table == table);
        let Some((name, mut rows, at)) = found.and_then(|(name, kept)| {
            let at = kept.columns.iter().position(|found| found.name == column)?;
            Some((name.clone(), (*kept.newest()).clone(), at))
        }) else {
            return;
        };
        for row in rows.values_mut() {
            row[at] = Value::Text(text.to_owned());
        }
        let change = Change { written: rows, ..Change::default() };
        world.commit(0, BTreeMap::from([(name, change)]), now);
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
