//! The embedded engine: a model of Snowflake's catalogue and the ledger, in one SQLite file. No data is executed.
//!
//! Requests that the ledger marks as its own go to SQLite, all else to the catalogue. One user statement is one
//! SQLite transaction: the statement joins the file's tail and `snowops_query_history` gets its row, both or
//! neither, so that after a kill anyone can tell by its tag whether it was applied. DDL so commits on its own, and a
//! failing statement leaves earlier ones applied; a transaction of the user's is a flag, as there is no data.
//!
//! Liveness is a lock of the operating system. A session takes it with the ledger's [`super::CLAIM_BEGIN`] and keeps
//! it until it ends or rolls back. While another session has it, in any process, `CLAIM_BEGIN` answers
//! [`super::ErrorClass::Busy`], which the lease takes for a holder in the way. Who gets it knows that no holder lives.

mod catalogue;
mod lock;
mod session;
mod store;

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::{Capabilities, Connector, DbError, Fut, Liveness, Session, context::Context};
use crate::{
    catalog::{Catalog, Seed},
    model::target::SessionSpec,
};

/// What an embedded target is.
#[derive(Clone)]
pub struct EmbeddedSettings {
    /// The SQLite file. It and its folder are made by the first write.
    pub path: Utf8PathBuf,
    /// Name of the environment.
    pub environment: String,
    /// Name of the user, for `CURRENT_USER()` and `installed_by`.
    pub user: String,
    /// What exists before the first statement: the environment's own objects and the externals.
    pub seed: Seed,
    /// Clock, sleep and ids.
    pub context: Context,
}

/// Opens sessions with an embedded target.
pub struct EmbeddedConnector {
    settings: Arc<EmbeddedSettings>,
}

impl EmbeddedConnector {
    /// A connector; touches nothing.
    pub fn new(settings: EmbeddedSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// The target's catalogue, all of it. Nothing is made or changed.
    pub async fn catalog(&self, spec: SessionSpec) -> Result<Catalog, DbError> {
        session::EmbeddedSession::open(Arc::clone(&self.settings), spec).await?.catalog()
    }
}

impl Connector for EmbeddedConnector {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            liveness: Liveness::OsLock,
            cancel: false,
            reattach: false,
            query_ids: true,
            query_history: true,
            positions: true,
        }
    }

    fn open(&self, spec: SessionSpec) -> Fut<'_, Result<Box<dyn Session>, DbError>> {
        let settings = Arc::clone(&self.settings);
        Box::pin(async move {
            let session = session::EmbeddedSession::open(settings, spec).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}

/// Embedded targets for the tests of other modules.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::{
        catalog::Externals,
        model::{ident::Ident, target::Context4},
    };

    /// A connector with the file at `path`.
    pub(crate) fn connector(path: Utf8PathBuf, context: Context) -> EmbeddedConnector {
        EmbeddedConnector::new(EmbeddedSettings {
            path,
            environment: "local".to_owned(),
            user: "ann".to_owned(),
            seed: seed(),
            context,
        })
    }

    /// What an ordinary local environment begins with.
    pub(crate) fn seed() -> Seed {
        Seed {
            account: "embedded".to_owned(),
            context: context(),
            externals: Externals::default(),
            snapshots: Vec::new(),
            now: String::new(),
        }
    }

    /// Where its sessions start.
    pub(crate) fn context() -> Context4 {
        Context4 {
            role: None,
            warehouse: None,
            database: Some(Ident::stored("LOCAL")),
            schema: Some(Ident::stored("PUBLIC")),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look into the folder of their target")]
mod tests;
