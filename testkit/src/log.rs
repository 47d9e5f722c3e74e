//! What was asked of the server, as plain data.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::Value;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST /session/v1/login-request`.
    Login,
    /// `POST /session/token-request`.
    Renew,
    /// `POST /session/heartbeat`.
    Heartbeat,
    /// `POST /session?delete=true`.
    Logout,
    /// `POST /queries/v1/query-request`.
    Query,
    /// `GET /queries/<id>/result`.
    Result,
    /// `POST /queries/v1/abort-request`, `POST /queries/<id>/abort-request`.
    Abort,
    /// `GET /monitoring/queries/<id>`.
    Monitoring,
    /// A part of a result.
    Chunk,
    /// `POST /telemetry/send`, which official connectors send.
    Telemetry,
    /// Anything else: 404.
    Other,
}

/// One request, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// From 1, in the order of arrival.
    pub number: usize,
    /// The server's clock, since 1970.
    pub at: Duration,
    /// What it is for.
    pub endpoint: Endpoint,
    /// Method.
    pub method: String,
    /// Path, without its query.
    pub path: String,
    /// The query's parts, in order, decoded.
    pub query: Vec<(String, String)>,
    /// Headers in the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked; null where there is none or it was not read.
    pub body: Value,
    /// The session that its token belongs to.
    pub session: Option<u64>,
    /// What was answered: `200`, `200 390112`, or what went wrong.
    pub answer: Option<String>,
}

impl Entry {
    /// A part of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The statement.
    pub fn text(&self) -> Option<&str> {
        self.body.get("sqlText")?.as_str()
    }

    /// The query tag among the request's parameters.
    pub fn tag(&self) -> Option<&str> {
        self.body.get("parameters")?.get("QUERY_TAG")?.as_str()
    }
}

/// How many requests there were of each kind. Telemetry is no part of what a client does and is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// By kind.
    pub by_endpoint: BTreeMap<Endpoint, usize>,
    /// All of them.
    pub total: usize,
}

impl Counts {
    pub(crate) fn of(log: &[Entry]) -> Self {
        let mut counts = Self::default();
        for entry in log.iter().filter(|entry| entry.endpoint != Endpoint::Telemetry) {
            *counts.by_endpoint.entry(entry.endpoint).or_default() += 1;
            counts.total += 1;
        }
        counts
    }
}
