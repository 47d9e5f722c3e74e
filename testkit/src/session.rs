//! Sessions: tokens, renewal, heartbeat, logout.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use snowops::catalog::SessionState;

use crate::{
    answer::Answer,
    log::Entry,
    table::{Change, TableName},
    world::{Shared, new_id, token_of},
};

/// One session.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) token: String,
    pub(crate) master: String,
    pub(crate) token_until: Duration,
    pub(crate) master_until: Duration,
    /// The newest commit when it began: it sees that and all before.
    pub(crate) opened_at_commit: u64,
    /// Its own last commit.
    pub(crate) own_commit: u64,
    /// Context, variables, parameters that statements set.
    pub(crate) state: SessionState,
    pub(crate) transaction: Option<Transaction>,
    /// Parameters of the login.
    pub(crate) parameters: BTreeMap<String, String>,
    /// What the client says of itself.
    pub(crate) environment: Value,
    /// Gone without the client's doing.
    pub(crate) lost: bool,
    /// How far its clock is ahead.
    pub(crate) ahead: Duration,
}

/// An open transaction.
#[derive(Clone, Default)]
pub(crate) struct Transaction {
    pub(crate) id: i64,
    pub(crate) changes: BTreeMap<TableName, Change>,
}

impl Session {
    /// A session parameter: as a statement set it, else as the login did.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let set = self.state.parameters.get(name).map(|value| value.trim_matches('\''));
        set.or_else(|| self.parameters.get(name).map(String::as_str))
    }

    /// A session parameter that is a number of seconds.
    pub(crate) fn seconds(&self, name: &str) -> Option<u64> {
        self.parameter(name)?.parse().ok()
    }

    /// A switch.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What faults can ask for: a parameter of the login, or a field of the client's environment.
    pub(crate) fn said(&self, name: &str) -> Option<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.parameters.get(name).cloned().or_else(|| self.environment.get(name).map(text))
    }
}

/// `POST /session/token-request`: a new session token for a master token (`network.py`, `_token_request`).
pub(crate) fn renew(shared: &Shared, entry: &Entry) -> Answer {
    let now = shared.clock.now();
    let lives = shared.settings.tokens;
    let mut world = shared.world();
    let Some(master) = entry.header("authorization").and_then(token_of).filter(|token| !token.is_empty())
    else {
        return Answer::refused("390113", "Master token not found");
    };
    let Some(session) = world.sessions.values_mut().find(|session| session.master == master) else {
        return Answer::refused("390115", "Master token invalid");
    };
    if now >= session.master_until || session.lost {
        return Answer::refused(
            "390114",
            "Authentication token has expired.  The user must authenticate again.",
        );
    }
    session.token = new_token("session");
    session.master = new_token("master");
    session.token_until = now + lives.session;
    session.master_until = now + lives.master;
    Answer::good(json!({
        "sessionToken": session.token,
        "validityInSecondsST": lives.session.as_secs(),
        "masterToken": session.master,
        "validityInSecondsMT": lives.master.as_secs(),
        "sessionId": session.id,
    }))
}

/// `POST /session/heartbeat`: the session stays, its master token lives on. The session token keeps its end. What
/// it does to a session that holds a lock, only an account can prove.
pub(crate) fn heartbeat(shared: &Shared, session: u64) -> Answer {
    let until = shared.clock.now() + shared.settings.tokens.master;
    if let Some(session) = shared.world().sessions.get_mut(&session) {
        session.master_until = until;
    }
    Answer::good(Value::Null)
}

/// `POST /session?delete=true`.
pub(crate) fn logout(shared: &Shared, session: u64) -> Answer {
    shared.world().end_session(session, shared.clock.now());
    shared.changed.notify_waiters();
    Answer::good(Value::Null)
}

/// A token that nobody can take for another.
pub(crate) fn new_token(kind: &str) -> String {
    format!("ver:3-hint:{kind}-{}", new_id())
}
