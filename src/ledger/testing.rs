//! An embedded target for tests, whose requests can be seen and whose answers can be lost.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use camino::Utf8PathBuf;

use super::*;
use crate::{
    model::{
        ident::Ident,
        target::{Context4, Purpose, SecondaryRoles, SessionSpec},
    },
    session::{
        Connector, Control, Effect, Fut, Phase as RequestPhase, SessionInfo,
        simulated::{TestClock, simulated},
    },
};

/// What a test sees of the requests, and what it breaks.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) sent: Vec<String>,
    /// The answer to the next statement that contains this text is lost, after or before it was done.
    pub(super) lose: Option<(&'static str, bool)>,
}

/// A session that writes down what is sent and may lose answers.
struct Tapped {
    inner: Box<dyn Session>,
    pub(super) wire: Arc<Mutex<Wire>>,
}

impl Session for Tapped {
    fn info(&self) -> &SessionInfo {
        self.inner.info()
    }

    fn control(&self) -> Arc<dyn Control> {
        self.inner.control()
    }

    fn execute<'a>(&'a mut self, request: &'a Request) -> Fut<'a, Result<Answer, DbError>> {
        let mut lost = None;
        {
            let mut wire = self.wire.lock().unwrap();
            wire.sent.push(request.text.clone());
            if wire.lose.is_some_and(|(part, _)| request.text.contains(part)) {
                lost = wire.lose.take();
            }
        }
        Box::pin(async move {
            match lost {
                None => self.inner.execute(request).await,
                Some((_, done)) => {
                    if done {
                        self.inner.execute(request).await?;
                    }
                    Err(DbError {
                        class: ErrorClass::Connection,
                        code: None,
                        sqlstate: None,
                        message: "the connection broke".to_owned(),
                        line: None,
                        position: None,
                        query_id: None,
                        phase: RequestPhase::Answer,
                        outcome: Effect::Unknown,
                    })
                }
            }
        })
    }

    fn close(self: Box<Self>) -> Fut<'static, Result<(), DbError>> {
        self.inner.close()
    }
}

pub(super) const TTL: Duration = Duration::from_mins(2);

/// One embedded target.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) connector: Box<dyn Connector>,
    pub(super) context: Context,
    pub(super) clock: Arc<TestClock>,
    pub(super) wire: Arc<Mutex<Wire>>,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (context, clock) = simulated();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("sub/local.db")).unwrap();
        Self { folder, clock, ..Self::at(path, context) }
    }

    /// A target whose file someone else takes care of, with another clock.
    pub(super) fn at(path: Utf8PathBuf, context: Context) -> Self {
        let connector = crate::session::embedded::testing::connector(path, context.clone());
        Self {
            folder: tempfile::tempdir().unwrap(),
            connector: Box::new(connector),
            context,
            clock: Arc::default(),
            wire: Arc::default(),
        }
    }

    pub(super) async fn open(&self, purpose: Purpose) -> Box<dyn Session> {
        let spec = SessionSpec {
            purpose,
            context: Context4 {
                role: None,
                warehouse: None,
                database: Some(Ident::stored("LOCAL")),
                schema: Some(Ident::stored("PUBLIC")),
            },
            secondary_roles: SecondaryRoles::None,
            parameters: BTreeMap::new(),
            statement_timeout: None,
        };
        let inner = self.connector.open(spec).await.unwrap();
        Box::new(Tapped { inner, wire: Arc::clone(&self.wire) })
    }

    /// A target whose tables are made.
    pub(super) async fn made() -> Self {
        let place = Self::new();
        let mut session = place.open(Purpose::Keeper).await;
        create(session.as_mut(), &name(), &Presence::Absent, &place.context).await.unwrap();
        place.take_sent();
        place
    }

    pub(super) async fn settings(&self, run: &str) -> LeaseSettings {
        let mut session = self.open(Purpose::Keeper).await;
        let identity = identity(session.as_mut(), &name(), &self.context).await.unwrap();
        self.take_sent();
        LeaseSettings {
            adopt: false,
            ttl: TTL,
            timeout: Duration::from_secs(1),
            name: name(),
            identity,
            holder: Holder { user: "ann".into(), host: "build-7".into(), pid: 42, ..Holder::default() },
            run: run.to_owned(),
        }
    }

    pub(super) async fn acquire(&self, run: &str) -> Result<Keeper, AcquireError> {
        let settings = self.settings(run).await;
        let session = self.open(Purpose::Keeper).await;
        Keeper::acquire(session, settings, self.context.clone(), &mut |_| true).await
    }

    /// A keeper whose lease is read back, and what was read.
    pub(super) async fn held(&self, run: &str) -> (Keeper, LedgerState) {
        let mut keeper = self.acquire(run).await.unwrap();
        let mut work = self.open(Purpose::Work).await;
        let state = keeper.read_back(work.as_mut()).await.unwrap();
        self.take_sent();
        (keeper, state)
    }

    pub(super) async fn state(&self) -> LedgerState {
        let mut session = self.open(Purpose::Keeper).await;
        read(session.as_mut(), &name(), &self.context).await.unwrap()
    }

    pub(super) async fn lock(&self) -> LockRow {
        let mut session = self.open(Purpose::Keeper).await;
        lock_row(session.as_mut(), &name(), Duration::ZERO, &self.context).await.unwrap()
    }

    /// A ledger statement behind everyone's back.
    pub(super) async fn raw(&self, text: &str) {
        let mut session = self.open(Purpose::Keeper).await;
        ask(session.as_mut(), &self.context, text.to_owned(), Vec::new(), How::ONCE).await.unwrap();
    }

    pub(super) fn take_sent(&self) -> Vec<String> {
        std::mem::take(&mut self.wire.lock().unwrap().sent)
    }

    pub(super) fn lose(&self, part: &'static str, done: bool) {
        self.wire.lock().unwrap().lose = Some((part, done));
    }
}

pub(super) fn name() -> LedgerName {
    LedgerName { database: Ident::stored("LOCAL"), schema: Ident::stored("SNOWOPS"), table: "history".into() }
}
