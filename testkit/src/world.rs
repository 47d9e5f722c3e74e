//! Everything that the server knows: catalogue, rows, sessions, statements, and what was asked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use snowops::catalog::{Catalog, Seed};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    answer::Answer,
    clock::Clock,
    fault::Faults,
    log::Entry,
    privileges::Privileges,
    session::Session,
    settings::Settings,
    statement::Statement,
    table::{Change, Commit, Table, TableName},
    time,
};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    world: Mutex<World>,
    /// The server's own address, once it listens.
    pub(crate) url: String,
    /// Wakes everyone who waits for a statement or a lock.
    pub(crate) changed: Notify,
}

/// The state.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) catalog: Catalog,
    pub(crate) tables: BTreeMap<TableName, Table>,
    /// Dropped tables, the newest last.
    pub(crate) dropped: Vec<(TableName, Table)>,
    /// All commits: the first has number 1.
    commits: Vec<Commit>,
    last_row: i64,
    last_session: u64,
    pub(crate) sessions: BTreeMap<u64, Session>,
    pub(crate) statements: Vec<Statement>,
    /// Statements by request id: the newest of each.
    pub(crate) requests: HashMap<String, usize>,
    /// Who may do what; `None`: every role everything.
    pub(crate) privileges: Option<Privileges>,
    /// Who holds the lock of a table: the session, and the statement that took it.
    pub(crate) locks: BTreeMap<TableName, (u64, usize)>,
    /// Cached MFA tokens, with their users.
    pub(crate) second_factors: BTreeMap<String, String>,
    /// Passcodes that were used.
    pub(crate) used_passcodes: Vec<(String, String)>,
    /// Parts of results, by their path.
    pub(crate) chunks: HashMap<String, String>,
    pub(crate) log: Vec<Entry>,
    pub(crate) faults: Faults,
}

impl Shared {
    pub(crate) fn new(settings: Settings, url: String) -> Arc<Self> {
        let clock = Clock::new(settings.time);
        let seed = Seed { now: time::rfc3339(clock.now()), ..settings.seed.clone() };
        let mut catalog = Catalog::new(&seed);
        let privileges = settings.privileges.as_ref().map(|grants| Privileges::of(grants, &mut catalog));
        let world = World {
            catalog,
            privileges,
            tables: BTreeMap::new(),
            dropped: Vec::new(),
            commits: Vec::new(),
            last_row: 0,
            last_session: 17_000_000_000,
            sessions: BTreeMap::new(),
            statements: Vec::new(),
            requests: HashMap::new(),
            locks: BTreeMap::new(),
            second_factors: BTreeMap::new(),
            used_passcodes: Vec::new(),
            chunks: HashMap::new(),
            log: Vec::new(),
            faults: Faults(settings.faults.clone()),
        };
        Arc::new(Self { clock, settings, world: Mutex::new(world), url, changed: Notify::new() })
    }

    /// The state; never held over a wait.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change or for a moment, whichever comes first. `ready` is asked before each wait and gives the
    /// result. `client`: a client waits for it.
    pub(crate) async fn wait_for<T>(
        &self,
        until: Option<Duration>,
        client: bool,
        mut ready: impl FnMut(&mut World) -> Option<T>,
    ) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = ready(&mut self.world()) {
                return Some(found);
            }
            let Some(until) = until else {
                changed.await;
                continue;
            };
            if self.clock.now() >= until {
                return None;
            }
            if client {
                tokio::select! {
                    () = changed => {}
                    () = self.clock.wait_until(until) => {}
                }
            } else {
                tokio::select! {
                    () = changed => {}
                    () = self.clock.wait_aside(until) => {}
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that ids come from")]
pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}

impl World {
    pub(crate) fn new_session_id(&mut self) -> u64 {
        self.last_session += 1;
        self.last_session
    }

    pub(crate) fn new_row(&mut self) -> i64 {
        self.last_row += 1;
        self.last_row
    }

    /// The number of the last commit.
    pub(crate) fn last_commit(&self) -> u64 {
        self.commits.len() as u64
    }

    /// Counts a commit.
    pub(crate) fn new_commit(&mut self, session: u64, at: Duration) -> u64 {
        self.commits.push(Commit { at, session });
        let number = self.last_commit();
        if let Some(session) = self.sessions.get_mut(&session) {
            session.own_commit = number;
        }
        number
    }

    /// The newest commit that a session sees: all that was there when it began, its own, and others' that are old
    /// enough.
    pub(crate) fn seen_by(&self, session: u64, now: Duration, stale: Duration) -> u64 {
        let Some(session) = self.sessions.get(&session) else { return self.last_commit() };
        let old = self
            .commits
            .iter()
            .rposition(|commit| commit.session == session.id || commit.at + stale <= now)
            .map_or(0, |at| at as u64 + 1);
        old.max(session.opened_at_commit).max(session.own_commit)
    }

    /// Ends a session's transaction: what it did becomes seen, or is forgotten; its locks are free.
    pub(crate) fn end_transaction(&mut self, session: u64, keep: bool, now: Duration) {
        let open = self.sessions.get_mut(&session).and_then(|session| session.transaction.take());
        if let Some(transaction) = open
            && keep
        {
            self.commit(session, transaction.changes, now);
        }
        self.locks.retain(|_, (holder, _)| *holder != session);
    }

    /// Commits changes.
    pub(crate) fn commit(&mut self, session: u64, changes: BTreeMap<TableName, Change>, now: Duration) {
        if changes.is_empty() {
            return;
        }
        let number = self.new_commit(session, now);
        for (name, change) in changes {
            if let Some(table) = self.tables.get_mut(&name) {
                table.commit(number, &change);
            }
        }
    }

    /// Ends a session: its transaction is rolled back, its statements are stopped.
    pub(crate) fn end_session(&mut self, session: u64, now: Duration) {
        self.end_transaction(session, false, now);
        self.sessions.remove(&session);
        for statement in self.statements.iter_mut().filter(|statement| statement.session == session) {
            statement.cancelled |= statement.answer.is_none();
        }
    }

    /// The session that a token belongs to, if it is good.
    pub(crate) fn authorized(&self, header: Option<&str>, now: Duration) -> Result<u64, Answer> {
        let Some(token) = header.and_then(token_of) else {
            return Err(Answer::refused("390103", "Session token not found in the request data."));
        };
        let Some(session) = self.sessions.values().find(|session| session.token == token) else {
            return Err(Answer::refused("390104", "User must login again to access the service."));
        };
        if session.lost {
            return Err(Answer::refused(
                "390111",
                "Session no longer exists. New login required to access the service.",
            ));
        }
        if now >= session.token_until {
            return Err(Answer::refused("390112", "Your session has expired. Please login again."));
        }
        Ok(session.id)
    }
}

/// `Snowflake Token="..."`.
pub(crate) fn token_of(header: &str) -> Option<&str> {
    header.strip_prefix("Snowflake Token=\"")?.strip_suffix('"')
}
