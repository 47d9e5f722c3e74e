//! A request as data that is the same in every run: what differs by chance or by machine is replaced by a mark, numbered
//! within a step, so that it can be seen which values are the same.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::log::Entry;

/// A request with marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plain {
    /// The step that it belongs to.
    pub step: String,
    /// Method.
    pub method: String,
    /// Path, without its query.
    pub path: String,
    /// The query's parts.
    pub query: BTreeMap<String, Value>,
    /// The headers that mean something.
    pub headers: BTreeMap<String, Value>,
    /// The body, null where there is none.
    pub body: Value,
}

/// Fields that tell of the machine, the build or the moment, and their marks.
const BY_NAME: [(&str, &str); 20] = [
    ("APPLICATION_PATH", "<path>"),
    ("APPLICATION_VERSION", "<version>"),
    ("CLIENT_APPLICATION_PATH", "<path>"),
    ("CLIENT_APP_VERSION", "<version>"),
    ("CLIENT_COMPILER", "<version>"),
    ("CLIENT_RUNTIME_NAME", "<runtime>"),
    ("CLIENT_RUNTIME_VERSION", "<version>"),
    ("COMPILER", "<version>"),
    ("CORE_VERSION", "<version>"),
    ("ISA", "<platform>"),
    ("LIBC_FAMILY", "<platform>"),
    ("LIBC_VERSION", "<version>"),
    ("OS", "<platform>"),
    ("OS_DETAILS", "<platform>"),
    ("OS_VERSION", "<version>"),
    ("RUNTIME_NAME", "<runtime>"),
    ("RUNTIME_VERSION", "<version>"),
    ("clientStartTime", "<millis>"),
    ("querySubmissionTime", "<millis>"),
    ("timestamp", "<micros>"),
];

/// Headers that are the transport's own.
const LEFT_OUT: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];

/// The requests of a step, with marks.
pub(super) fn plain<'e>(step: &str, entries: impl Iterator<Item = &'e Entry>) -> Vec<Plain> {
    let mut marks = Marks::default();
    entries.map(|entry| marks.request(step, entry)).collect()
}

/// Values that were seen, with their marks.
#[derive(Default)]
struct Marks {
    /// The path of the request.
    path: String,
    known: HashMap<String, String>,
    counts: HashMap<String, usize>,
}

impl Marks {
    fn request(&mut self, step: &str, entry: &Entry) -> Plain {
        let kind = if entry.path.starts_with(crate::http::CHUNKS) { "part" } else { "query id" };
        let path: Vec<_> = entry.path.split('/').map(|part| self.id(kind, part)).collect();
        self.path = path.join("/");
        let query = entry.query.iter().map(|(name, value)| (name.clone(), self.value(name, &json!(value))));
        let query = query.collect();
        let headers = entry.headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.clone(), json!(self.header(name, value)))).collect();
        Plain {
            step: step.to_owned(),
            method: entry.method.clone(),
            path: self.path.clone(),
            query,
            headers,
            body: self.value("", &entry.body),
        }
    }

    fn header(&mut self, name: &str, value: &str) -> String {
        match name {
            // Only the name: the rest tells of versions and the machine.
            "user-agent" => value.split('/').next().unwrap_or_default().to_owned(),
            "authorization" => {
                let token = crate::world::token_of(value).map(str::to_owned);
                token.map_or_else(|| value.to_owned(), |token| value.replace(&token, &self.token(&token)))
            }
            _ => value.to_owned(),
        }
    }

    fn value(&mut self, name: &str, value: &Value) -> Value {
        if let Some((_, mark)) = BY_NAME.iter().find(|(known, _)| *known == name) {
            return json!(mark);
        }
        match value {
            Value::Object(fields) => {
                // The connector's maps have another order in each run.
                let sorted: BTreeMap<_, _> = fields.iter().collect();
                let marked = sorted.into_iter().map(|(name, value)| (name.clone(), self.value(name, value)));
                Value::Object(marked.collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value("", item)).collect()),
            Value::String(text) => match claims(text) {
                Some(claims) => claims,
                None if text.starts_with("ver:") => json!(self.token(text)),
                None => json!(self.id(name, text)),
            },
            other => other.clone(),
        }
    }

    /// A token of the server's: it tells of what kind it is.
    fn token(&mut self, token: &str) -> String {
        match token.strip_prefix("ver:3-hint:").and_then(|rest| rest.split_once('-')) {
            Some((kind, _)) => self.mark(&format!("{kind} token"), token),
            None => token.to_owned(),
        }
    }

    fn id(&mut self, kind: &str, text: &str) -> String {
        let is_id = text.len() == 36 && Uuid::try_parse(text).is_ok();
        if is_id { self.mark(kind, text) } else { text.to_owned() }
    }

    fn mark(&mut self, kind: &str, value: &str) -> String {
        if let Some(known) = self.known.get(value) {
            return known.clone();
        }
        // One for each sending: counted by path, or one that is left out somewhere would move all others.
        let of = if kind == "request_guid" { self.path.as_str() } else { "" };
        let count = self.counts.entry(format!("{kind} {of}")).or_default();
        *count += 1;
        let mark = format!("<{kind} {count}>");
        self.known.insert(value.to_owned(), mark.clone());
        mark
    }
}

/// What a signed token says, its times relative to each other.
fn claims(text: &str) -> Option<Value> {
    let mut parts = text.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let read = |part: &str| -> Option<Map<String, Value>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (header, mut claims) = (read(header)?, read(claims)?);
    let issued = claims.get("iat").and_then(Value::as_u64)?;
    for time in ["exp", "nbf"] {
        if let Some(value) = claims.get(time).and_then(Value::as_u64) {
            claims.insert(time.to_owned(), json!(format!("<iat + {} s>", value.saturating_sub(issued))));
        }
    }
    claims.insert("iat".to_owned(), json!("<seconds>"));
    Some(json!({ "header": header, "claims": claims }))
}
