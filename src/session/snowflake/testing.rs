//! A server of a few lines for tests: what it is asked is kept, what it answers is the test's.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Notice, Notices, SnowflakeConnector, SnowflakeSettings};
use crate::{
    model::{
        connection::{Connection, Endpoint, Login, Network, Protocol},
        ident::Ident,
        secret::SecretText,
        target::{Context4, Purpose, SecondaryRoles, SessionSpec},
    },
    session::{Connector as _, QueryTag, Request, RequestId, RowUse, Session, simulated::simulated},
};

/// One request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl Seen {
    pub(super) fn sql(&self) -> &str {
        self.body["sqlText"].as_str().unwrap_or_default()
    }
}

/// What is answered.
pub(super) enum Reply {
    /// HTTP 200 with an object.
    Json(Value),
    /// Another status, with headers.
    Status(u16, Vec<(&'static str, String)>, String),
    /// HTTP 200 with bytes.
    Bytes(Vec<u8>),
    /// HTTP 200 that ends after these bytes, before all that were announced.
    Cut(Vec<u8>),
    /// The connection ends.
    Close,
    /// Nothing, for longer than anybody waits.
    Silence,
}

/// The server.
pub(super) struct Server {
    pub(super) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Handler = dyn FnMut(&Seen) -> Reply + Send;

impl Server {
    /// Answers by `handler`, each request with all that came before.
    pub(super) fn start(handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Mutex<Handler>> = Arc::new(Mutex::new(handler));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, handler) = (Arc::clone(&kept), Arc::clone(&handler));
                std::thread::spawn(move || serve(&stream, &kept, &handler));
            }
        });
        Self { port, seen }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests for a path.
    pub(super) fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path == path).collect()
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Vec<Seen>>, handler: &Mutex<Handler>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        seen.lock().unwrap().push(request.clone());
        let reply = handler.lock().unwrap()(&request);
        let (status, headers, body, cut) = match reply {
            Reply::Json(value) => (200, vec![], value.to_string().into_bytes(), 0),
            Reply::Bytes(bytes) => (200, vec![], bytes, 0),
            Reply::Status(status, headers, body) => (status, headers, body.into_bytes(), 0),
            Reply::Cut(bytes) => (200, vec![], bytes, 100),
            Reply::Close => return,
            Reply::Silence => {
                // The client hangs up.
                let _ = reader.read(&mut [0]);
                return;
            }
        };
        let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len() + cut);
        for (name, value) in headers {
            head.extend([name, ": ", &value, "\r\n"]);
        }
        let mut out = stream;
        // In one piece, or the acknowledgement of the first would be waited for.
        let whole = [head.as_bytes(), b"\r\n", &body].concat();
        if out.write_all(&whole).is_err() || cut > 0 {
            return;
        }
    }
}

/// A line, which need not be UTF-8.
fn read_line(reader: &mut BufReader<&TcpStream>, line: &mut String) -> Option<usize> {
    let mut bytes = Vec::new();
    let count = reader.by_ref().take(9999).read_until(b'\n', &mut bytes).ok()?;
    line.push_str(&String::from_utf8_lossy(&bytes));
    Some(count)
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    read_line(reader, &mut line).filter(|count| *count > 0)?;
    let Some(target) = line.split(' ').nth(1).filter(|_| line.contains("HTTP/1.1")).map(str::to_owned) else {
        // What a server of plain HTTP says to a TLS handshake.
        let mut out: &TcpStream = reader.get_ref();
        let _ = out.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        return None;
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let base = reqwest::Url::parse("http://test/").unwrap();
    let url = base.join(&target).ok()?;
    Some(Seen {
        path: url.path().to_owned(),
        query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

/// What a server says to a login.
pub(super) fn welcome() -> Reply {
    Reply::Json(json!({
        "success": true, "code": null, "message": null,
        "data": {
            "token": "session-token-1", "masterToken": "master-token-1", "sessionId": 4711,
            "displayUserName": "DEPLOY", "serverVersion": "9.40.1",
            "sessionInfo": {
                "databaseName": "RETAIL", "schemaName": "PUBLIC", "warehouseName": "WH", "roleName": "DEPLOYER",
            },
        },
    }))
}

/// What a server says to a statement without rows to speak of.
pub(super) fn done() -> Reply {
    Reply::Json(rows(&json!([["Statement executed successfully."]])))
}

/// An answer with rows of one text column.
pub(super) fn rows(rows: &Value) -> Value {
    json!({
        "success": true, "code": null, "message": null,
        "data": {
            "queryId": "01b2-0001", "queryResultFormat": "json", "total": rows.as_array().map(Vec::len),
            "rowtype": [{ "name": "status", "type": "text", "scale": null }], "rowset": rows,
            "finalDatabaseName": "RETAIL", "finalSchemaName": "PUBLIC",
            "finalWarehouseName": "WH", "finalRoleName": "DEPLOYER",
        },
    })
}

/// A refusal.
pub(super) fn refusal(code: &str, message: &str) -> Value {
    json!({ "success": false, "code": code, "message": message, "data": null })
}

/// Answers logins and logouts as ever, and all else by `statements`.
pub(super) fn server(mut statements: impl FnMut(&Seen) -> Reply + Send + 'static) -> Server {
    Server::start(move |seen| match seen.path.as_str() {
        "/session/v1/login-request" => welcome(),
        "/session" => Reply::Json(json!({ "success": true, "data": null })),
        _ => statements(seen),
    })
}

/// A connector for a server, on a simulated clock, with what it told of waits.
pub(super) struct Client {
    pub(super) settings: SnowflakeSettings,
    pub(super) told: Arc<Mutex<Vec<Notice>>>,
}

impl Client {
    pub(super) fn new(port: u16) -> Self {
        let (context, _) = simulated();
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let settings = SnowflakeSettings {
            connection: Connection {
                label: "test".to_owned(),
                account: "org-acc".to_owned(),
                user: Some("deploy".to_owned()),
                endpoint: Endpoint { protocol: Protocol::Http, host: "127.0.0.1".to_owned(), port },
                network: Network::default(),
                login: Login::Password {
                    password: SecretText::new("pass-word-1"),
                    passcode: None,
                    passcode_in_password: false,
                    cache_second_factor: false,
                },
            },
            secrets: BTreeMap::new(),
            lease: Duration::from_mins(2),
            context,
            notices: Notices::new(move |notice| hears.lock().unwrap().push(notice)),
        };
        Self { settings, told }
    }

    pub(super) fn connector(&self) -> SnowflakeConnector {
        SnowflakeConnector::new(self.settings.clone())
    }

    pub(super) async fn session(&self) -> Box<dyn Session> {
        self.connector().open(spec(Purpose::Work)).await.unwrap()
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().iter().map(|notice| notice.what.clone()).collect()
    }
}

pub(super) fn spec(purpose: Purpose) -> SessionSpec {
    SessionSpec {
        purpose,
        context: Context4 {
            role: Some(Ident::stored("DEPLOYER")),
            warehouse: Some(Ident::stored("WH")),
            database: Some(Ident::stored("RETAIL")),
            schema: Some(Ident::stored("PUBLIC")),
        },
        secondary_roles: SecondaryRoles::None,
        parameters: BTreeMap::new(),
        statement_timeout: None,
    }
}

/// A statement of a script, with an id of its own.
pub(super) fn statement(id: u128, text: &str) -> Request {
    Request {
        id: RequestId(uuid::Uuid::from_u128(id)),
        text: text.to_owned(),
        binds: vec![],
        tag: QueryTag("snowops:test".to_owned()),
        timeout: None,
        repeatable: false,
        ledger: false,
        local_opaque: false,
        rows: RowUse::Shown,
    }
}

/// The same, which the caller allows to be done twice.
pub(super) fn repeatable(id: u128, text: &str) -> Request {
    Request { repeatable: true, rows: RowUse::Read, ..statement(id, text) }
}
