//! Snowflake's v1 session protocol: a thin client of our own.
//!
//! One statement a request, sent from its first token to its last, so that the places in errors are places in it.
//! Why it is our own, and what it repeats: `docs/adr/0007-own-client.md`.

#[cfg(feature = "arrow")]
mod arrow;
mod backoff;
mod body;
mod cells;
mod context;
mod credential;
mod error;
mod exchange;
mod http;
mod key;
mod login;
mod query_context;
mod redact;
mod results;
mod session;
#[cfg(test)]
mod testing;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

pub use self::credential::{Credential, CredentialSource, LoginTarget, NoCredential, SecondFactor};
use self::{credential::Configured, http::Http, session::SnowflakeSession};
use super::{
    Capabilities, Connector, DbError, Effect, ErrorClass, Fut, Liveness, Phase, Session, context::Context,
};
use crate::model::{connection::Connection, secret::SecretText, target::SessionSpec};

/// What a connector needs to know.
#[derive(Clone)]
pub struct SnowflakeSettings {
    /// How to reach the account and log in.
    pub connection: Connection,
    /// Values for the slots in statements, by name. A name without a value is an error before the statement is sent.
    pub secrets: BTreeMap<String, SecretText>,
    /// How long a lease lives: a keeper's statement may last a fifth of it at the server, queue and lock wait included.
    pub lease: Duration,
    /// Clock, sleep and ids.
    pub context: Context,
    /// Hears of every wait.
    pub notices: Notices,
}

/// Something takes its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What, in words; without secrets.
    pub what: String,
    /// Time so far.
    pub elapsed: Duration,
}

/// Hears of waits as they begin: before a request is sent again, and while a statement runs on. A callback and not a
/// part of answers, since an answer comes after the wait. It is called on the session's thread and must not block.
#[derive(Clone, Default)]
pub struct Notices(Option<Arc<dyn Fn(Notice) + Send + Sync>>);

impl Notices {
    /// Calls `hear` for each.
    pub fn new(hear: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    /// Tells of a wait.
    pub(crate) fn tell(&self, notice: Notice) {
        if let Some(hear) = &self.0 {
            hear(notice);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Notices(heard)" } else { "Notices(unheard)" })
    }
}

/// Opens sessions with a Snowflake account.
pub struct SnowflakeConnector {
    settings: Arc<SnowflakeSettings>,
    source: Arc<dyn CredentialSource>,
    /// One for all sessions, so that they share connections. The error says what is wrong with the settings.
    http: Result<Http, String>,
}

impl SnowflakeConnector {
    /// A connector that logs in as its connection says; reaches nothing yet.
    pub fn new(settings: SnowflakeSettings) -> Self {
        let source = Configured::new(settings.connection.login.clone());
        Self::with_source(settings, source)
    }

    /// A connector with another source of credentials.
    pub fn with_source(settings: SnowflakeSettings, source: Arc<dyn CredentialSource>) -> Self {
        let http = Http::new(&settings.connection, settings.lease);
        Self { settings: Arc::new(settings), source, http }
    }
}

impl Connector for SnowflakeConnector {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            liveness: Liveness::ServerClock,
            cancel: true,
            reattach: true,
            query_ids: true,
            query_history: true,
            positions: true,
        }
    }

    fn open(&self, spec: SessionSpec) -> Fut<'_, Result<Box<dyn Session>, DbError>> {
        Box::pin(async move {
            let http = self.http.clone().map_err(|why| {
                let message = format!("connection {}: {why}", self.settings.connection.label);
                error::fault(ErrorClass::Connection, Phase::Connect, Effect::NotSent, None, message)
            })?;
            let session = SnowflakeSession::open(http, &self.settings, &self.source, &spec).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}
