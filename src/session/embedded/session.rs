//! One session with an embedded target.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        Answer, CLAIM_BEGIN, CLAIM_ROLLBACK, Control, DbError, Engine, ErrorClass, Fut, OPEN_TRANSACTION,
        Outcome, Request, RequestId, Session, SessionInfo,
    },
    EmbeddedSettings,
    catalogue::{Catalogue, LONG_TAIL, TailRow},
    lock::OsLock,
    store::{LedgerAnswer, Store, fault, sqlite_error},
};
use crate::{
    catalog::{Catalog, Effect, Reply, Seed, SessionState, Stamp, apply, unread},
    model::{
        checksum::Sha256,
        refusal::{SnowflakeError, UNKNOWN_CODE},
        target::{Purpose, SessionSpec},
    },
    sql::command::command,
};

/// How long a request waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// What the lock of the operating system answers while another session has it.
const HELD: &str = "another snowops on this machine holds the target";

pub(super) struct EmbeddedSession {
    info: SessionInfo,
    settings: Arc<EmbeddedSettings>,
    purpose: Purpose,
    /// Where the session stands: its context, variables, transaction.
    state: SessionState,
    /// Read when the first user statement needs it: bookkeeping does not.
    catalogue: Option<Catalogue>,
    // Before the lock: its open transaction ends first.
    store: Store,
    lock: Option<OsLock>,
}

impl EmbeddedSession {
    pub(super) async fn open(settings: Arc<EmbeddedSettings>, spec: SessionSpec) -> Result<Self, DbError> {
        let clock = Arc::clone(&settings.context.clock);
        let start = clock.now();
        let database = settings.seed.context.database.as_ref().map_or("", |name| name.as_str());
        let store = loop {
            match Store::open(&settings.path, database, Arc::clone(&clock)) {
                // Another process makes the file, or repairs it after a kill.
                Err(error) if error.class == ErrorClass::Busy && clock.now().since(start) < PATIENCE => {
                    clock.sleep(PAUSE).await;
                }
                store => break store?,
            }
        };
        let info = SessionInfo {
            id: settings.context.ids.next().to_string(),
            account: "embedded".to_owned(),
            user: settings.user.clone(),
            context: spec.context.clone(),
            server: concat!("snowops ", env!("CARGO_PKG_VERSION"), ", embedded").to_owned(),
            engine: Engine::Embedded,
        };
        let state = SessionState::new(spec.context);
        Ok(Self { info, settings, purpose: spec.purpose, state, catalogue: None, store, lock: None })
    }

    /// The catalogue as the file has it now. Nothing is made or changed.
    pub(super) fn catalog(&mut self) -> Result<Catalog, DbError> {
        self.store.look()?;
        let seed = Seed { now: self.store.created_on()?, ..self.settings.seed.clone() };
        // One look: another process may cut the tail between two.
        self.store.run("BEGIN", &[])?;
        let loaded = Catalogue::load(self.store.connection(), &seed);
        self.store.run(CLAIM_ROLLBACK, &[])?;
        Ok(loaded?.catalog)
    }

    /// Runs a request, and again while another process writes.
    async fn run(&mut self, request: &Request) -> Result<Answer, DbError> {
        let clock = Arc::clone(&self.settings.context.clock);
        let start = clock.now();
        loop {
            let answer = if request.ledger { self.ledger(request) } else { self.user(request) };
            match answer {
                Err(error)
                    if error.class == ErrorClass::Busy
                        && error.message != HELD
                        && clock.now().since(start) < PATIENCE =>
                {
                    clock.sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    fn ledger(&mut self, request: &Request) -> Result<Answer, DbError> {
        let answer = |rows: LedgerAnswer, this: &Self| Answer {
            columns: rows.columns,
            rows: rows.rows,
            changed: rows.changed,
            context: this.state.context.clone(),
            ..Answer::default()
        };
        match request.text.as_str() {
            CLAIM_BEGIN => {
                self.store.materialise()?;
                if self.lock.is_none() {
                    self.lock = self.take_lock()?;
                }
                // At once, or the claim's first UPDATE could find a row that is newer than the transaction.
                match self.store.run("BEGIN IMMEDIATE", &[]) {
                    Ok(rows) => Ok(answer(rows, self)),
                    Err(error) => {
                        self.lock = None;
                        Err(error)
                    }
                }
            }
            CLAIM_ROLLBACK => {
                if !self.store.connection().is_autocommit() {
                    self.store.run(CLAIM_ROLLBACK, &[])?;
                }
                self.lock = None;
                Ok(answer(LedgerAnswer::default(), self))
            }
            text => {
                if self.store.writes(text) {
                    self.store.materialise()?;
                } else {
                    self.store.look()?;
                }
                let rows = self.store.run(text, &request.binds)?;
                Ok(answer(rows, self))
            }
        }
    }

    /// Runs a user's statement in one transaction of the file: the statement joins the tail and the query history
    /// gets its row, or neither. A refused one gets its row alone.
    fn user(&mut self, request: &Request) -> Result<Answer, DbError> {
        if request.text == OPEN_TRANSACTION {
            return Ok(self.open_transaction());
        }
        let absent = self.store.is_absent();
        // Only a run under the lease makes a file; what anyone else asks of an absent one leaves no trace.
        if self.purpose == Purpose::Work {
            self.store.materialise()?;
        } else {
            self.store.look()?;
        }
        if absent != self.store.is_absent() {
            self.catalogue = None;
        }
        self.store.run("BEGIN IMMEDIATE", &[])?;
        let before = self.state.clone();
        let committed = self.user_inside(request, &before).and_then(|outcome| {
            self.store.run("COMMIT", &[])?;
            Ok(outcome)
        });
        committed.unwrap_or_else(|error| {
            // What the catalogue and the session were led to believe did not happen.
            self.state = before;
            self.catalogue = None;
            if !self.store.connection().is_autocommit() {
                self.store.run(CLAIM_ROLLBACK, &[])?;
            }
            Err(error)
        })
    }

    /// The outer error is a fault of the file, to be rolled back; the inner one is the statement's own, whose
    /// record is to be committed.
    fn user_inside(
        &mut self,
        request: &Request,
        before: &SessionState,
    ) -> Result<Result<Answer, DbError>, DbError> {
        let connection = self.store.connection();
        let mut current = None;
        if let Some(mut known) = self.catalogue.take()
            && known.refresh(connection)?
        {
            current = Some(known);
        }
        let mut catalogue = if let Some(current) = current {
            current
        } else {
            let seed = Seed { now: self.store.created_on()?, ..self.settings.seed.clone() };
            let mut loaded = Catalogue::load(connection, &seed)?;
            let longest = if self.purpose == Purpose::Work { LONG_TAIL } else { i64::MAX };
            loaded.compact(connection, longest)?;
            loaded
        };
        let query_id = self.settings.context.ids.next().to_string();
        let now = self.store.now();
        let stamp = Stamp { now: now.clone(), query_id: query_id.clone() };
        let command = if request.local_opaque { Ok(unread(&request.text)) } else { command(&request.text) };
        let effect = match command {
            Ok(command) => apply(&mut catalogue.catalog, &mut self.state, &command, &stamp),
            Err(error) => Effect::Refused(error),
        };
        let (outcome, reply) = match effect {
            Effect::Applied(reply) => (Outcome::Applied, reply),
            Effect::Checked(reply) => (Outcome::Checked, reply),
            Effect::Recorded(reply) => (Outcome::Recorded, reply),
            Effect::Opaque(reply) => (Outcome::Opaque, reply),
            // It changed nothing, but that it may have ended a transaction.
            Effect::Refused(error) => {
                self.record(request, &query_id, &now, "FAIL")?;
                self.catalogue = Some(catalogue);
                return Ok(Err(refusal(error, query_id)));
            }
        };
        // What was only checked changed nothing.
        let changed = outcome != Outcome::Checked || self.state != *before;
        if changed {
            let row = TailRow {
                session: &self.info.id,
                context: &before.context,
                now: &now,
                query_id: &query_id,
                text: &request.text,
                unread: request.local_opaque,
            };
            catalogue.append(self.store.connection(), &row)?;
        }
        self.record(request, &query_id, &now, "SUCCESS")?;
        self.catalogue = Some(catalogue);
        Ok(Ok(self.answer(query_id, outcome, reply)))
    }

    /// Answers [`OPEN_TRANSACTION`] from the session's own books: no catalogue knows of transactions.
    fn open_transaction(&self) -> Answer {
        let query_id = self.settings.context.ids.next().to_string();
        let open = self.state.transaction_open().then(|| self.info.id.clone());
        let reply = Reply {
            columns: vec!["CURRENT_TRANSACTION()".into()],
            rows: vec![vec![open]],
            ..Reply::default()
        };
        self.answer(query_id, Outcome::Checked, reply)
    }

    fn answer(&self, query_id: String, outcome: Outcome, reply: Reply) -> Answer {
        let (columns, rows) = if reply.columns.is_empty() && !reply.message.is_empty() {
            // As Snowflake does for a statement that has no result of its own.
            (vec!["status".to_owned()], vec![vec![Some(reply.message)]])
        } else {
            (reply.columns, reply.rows)
        };
        Answer {
            query_id: Some(query_id),
            columns,
            rows,
            changed: reply.changed,
            context: self.state.context.clone(),
            result: Some(outcome),
            warnings: reply.warnings,
        }
    }

    /// Writes the statement's row of `snowops_query_history`.
    fn record(&self, request: &Request, query_id: &str, started: &str, status: &str) -> Result<(), DbError> {
        let insert = "INSERT INTO \"snowops_query_history\" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let values = rusqlite::params![
            query_id,
            self.info.id,
            request.tag.0,
            request.id.0.to_string(),
            Sha256::of(request.text.as_bytes()).to_string(),
            status,
            started,
            self.store.now(),
        ];
        self.store
            .connection()
            .prepare_cached(insert)
            .and_then(|mut statement| statement.execute(values))
            .map(drop)
            .map_err(|error| sqlite_error(&error))
    }

    fn take_lock(&self) -> Result<Option<OsLock>, DbError> {
        match OsLock::take(self.store.path()) {
            Ok(Some(lock)) => Ok(Some(lock)),
            Ok(None) => Err(fault(ErrorClass::Busy, HELD.to_owned())),
            Err(error) => Err(fault(
                ErrorClass::Connection,
                format!("cannot lock {}: {error}", super::lock::lock_path(self.store.path())),
            )),
        }
    }
}

/// A refusal of the catalogue as the server's error.
fn refusal(error: SnowflakeError, query_id: String) -> DbError {
    let class = match error.code {
        "002003" | "002043" => ErrorClass::NotFound,
        "002002" | "001998" | "003041" => ErrorClass::AlreadyExists,
        "003001" => ErrorClass::Privilege,
        _ => ErrorClass::Statement,
    };
    let known = |text: &'static str| (!text.is_empty() && text != UNKNOWN_CODE).then(|| text.to_owned());
    DbError {
        code: known(error.code),
        sqlstate: known(error.sqlstate),
        line: error.line,
        position: error.position,
        query_id: Some(query_id),
        ..fault(class, error.message)
    }
}

impl Session for EmbeddedSession {
    fn info(&self) -> &SessionInfo {
        &self.info
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::new(NoControl)
    }

    fn execute<'a>(&'a mut self, request: &'a Request) -> Fut<'a, Result<Answer, DbError>> {
        Box::pin(self.run(request))
    }

    fn close(self: Box<Self>) -> Fut<'static, Result<(), DbError>> {
        Box::pin(async move {
            drop(self);
            Ok(())
        })
    }
}

/// Statements end before anyone could stop them, and sessions do not time out.
struct NoControl;

impl Control for NoControl {
    fn cancel(&self, _id: RequestId) -> Fut<'_, Result<bool, DbError>> {
        Box::pin(async { Ok(false) })
    }

    fn query_id(&self, _id: RequestId) -> Option<String> {
        None
    }

    fn keep_alive(&self) -> Fut<'_, Result<(), DbError>> {
        Box::pin(async { Ok(()) })
    }
}
