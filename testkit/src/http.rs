//! Connections: one request after the other, each logged, answered, or cut as the faults say.

use std::{
    io::{Read as _, Write as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming, SizeHint},
    header,
};
use serde_json::Value;

use crate::{
    answer::Answer,
    fault::{Cut, What},
    line::{Hold, Line, Point},
    log::{Endpoint, Entry},
    login, query, result, session, time,
    world::Shared,
};

/// The connection is to end without an answer.
#[derive(Debug)]
pub(crate) struct Ended;

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by a fault")
    }
}

impl std::error::Error for Ended {}

/// A body that may stop in the middle.
pub(crate) struct Bytewise {
    rest: Option<Bytes>,
    length: u64,
    /// Stops after what is there, though more was announced. The first look after it is made to wait, so that what
    /// was written leaves before the connection ends.
    cut: Option<bool>,
    /// The rest, and what is waited for before it.
    held: Option<(Hold, Bytes)>,
}

impl Bytewise {
    /// The same, held in the middle.
    fn halved(mut self, hold: Hold) -> Self {
        if let Some(mut bytes) = self.rest.take() {
            let rest = bytes.split_off(bytes.len() / 2);
            (self.rest, self.held) = (Some(bytes), Some((hold, rest)));
        }
        self
    }
}

impl Body for Bytewise {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        if let Some(bytes) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some((mut hold, rest)) = self.held.take() {
            return match hold.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Some(Ok(Frame::data(rest)))),
                Poll::Pending => {
                    self.held = Some((hold, rest));
                    Poll::Pending
                }
            };
        }
        match self.cut {
            None => Poll::Ready(None),
            Some(true) => Poll::Ready(Some(Err(Ended))),
            Some(false) => {
                self.cut = Some(true);
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.cut.is_none() && self.held.is_none()
    }
}

/// Where parts of results are.
pub(crate) const CHUNKS: &str = "/chunks/";

fn endpoint(method: &str, path: &str) -> Endpoint {
    match (method, path) {
        ("POST", "/session/v1/login-request") => Endpoint::Login,
        ("POST", "/session/token-request") => Endpoint::Renew,
        ("POST", "/session/heartbeat") => Endpoint::Heartbeat,
        ("POST", "/session") => Endpoint::Logout,
        ("POST", "/queries/v1/query-request") => Endpoint::Query,
        ("POST", "/queries/v1/abort-request") => Endpoint::Abort,
        ("POST", "/telemetry/send") => Endpoint::Telemetry,
        ("GET", path) if path.starts_with("/monitoring/queries/") => Endpoint::Monitoring,
        ("GET", path) if path.starts_with("/queries/") && path.ends_with("/result") => Endpoint::Result,
        ("POST", path) if path.starts_with("/queries/") && path.ends_with("/abort-request") => {
            Endpoint::Abort
        }
        ("GET", path) if path.starts_with(CHUNKS) => Endpoint::Chunk,
        _ => Endpoint::Other,
    }
}

/// The query id in a path like `/queries/<id>/result`. The official connector of version 5 writes
/// `/monitoring/queries//<id>`.
fn id_in(path: &str) -> &str {
    let mut parts =
        path.split('/').filter(|part| !part.is_empty() && !matches!(*part, "monitoring" | "queries"));
    parts.next().unwrap_or_default()
}

/// Answers one request, or ends its connection.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    line: Option<Arc<Line>>,
    request: Request<Incoming>,
) -> Result<Response<Bytewise>, Ended> {
    shared.clock.touch();
    let stop = match &line {
        Some(line) => line.arrives().await,
        None => None,
    };
    let (head, body) = request.into_parts();
    let mut entry = note(&shared, &head);
    let number = entry.number;
    let outcome = match &line {
        Some(line) if matches!(stop, Some(Point::BeforeEffect | Point::Running)) => {
            let whole = body.collect().await.map_err(|_| Ended)?.to_bytes();
            match stop {
                Some(Point::Running) => line.passes(),
                _ => line.hold().await,
            }
            answer(&shared, &mut entry, http_body_util::Full::new(whole)).await
        }
        _ => answer(&shared, &mut entry, body).await,
    };
    shared.clock.touch();
    let said = match &outcome {
        Ok((answer, None)) => match answer.code() {
            Some(code) => format!("{} {code}", answer.status),
            None => answer.status.to_string(),
        },
        Ok((answer, Some(what))) => format!("{} {what:?}", answer.status),
        Err(cut) => format!("{cut:?}"),
    };
    if let Some(kept) = shared.world().log.get_mut(number - 1) {
        kept.answer = Some(said);
    }
    let (answer, fault) = outcome.map_err(|_| Ended)?;
    let response = response(&shared, &entry, &answer, fault.as_ref());
    match (line, stop) {
        (Some(line), Some(Point::BeforeAnswer)) => {
            line.hold().await;
            Ok(response)
        }
        (Some(line), Some(Point::InAnswer)) => Ok(response.map(|body| body.halved(line.hold()))),
        (Some(line), Some(Point::Answered)) => {
            line.holds_the_next();
            Ok(response)
        }
        _ => Ok(response),
    }
}

/// Puts a request in the log as far as it is known.
fn note(shared: &Shared, head: &hyper::http::request::Parts) -> Entry {
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let mut world = shared.world();
    let mut entry = Entry {
        number: world.log.len() + 1,
        at: shared.clock.now(),
        endpoint: endpoint(head.method.as_str(), head.uri.path()),
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: decoded(head.uri.query().unwrap_or_default()),
        headers: headers.collect(),
        body: Value::Null,
        session: None,
        answer: None,
    };
    let token = entry.header("authorization").and_then(crate::world::token_of);
    let owner = world
        .sessions
        .values()
        .find(|session| token == Some(&session.token) || token == Some(&session.master));
    entry.session = owner.map(|session| session.id);
    world.log.push(entry.clone());
    entry
}

/// The parts of a query, `%xx` and `+` read.
fn decoded(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits = [rest.next().unwrap_or_default(), rest.next().unwrap_or_default()];
                    let digits = String::from_utf8_lossy(&digits).into_owned();
                    bytes.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
                }
                byte => bytes.push(byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// The answer, with the fault that still has to happen to it; or where the connection ends.
async fn answer<B: Body>(
    shared: &Arc<Shared>,
    entry: &mut Entry,
    body: B,
) -> Result<(Answer, Option<What>), Cut> {
    if let Some(What::Cut(cut)) = shared.world().faults.at_head(entry.endpoint) {
        return Err(cut);
    }
    let packed = body.collect().await.map_err(|_| Cut::BeforeBody)?.to_bytes();
    entry.body = unpacked(&packed, entry.header("content-encoding"));
    let fault = {
        let mut world = shared.world();
        if let Some(kept) = world.log.get_mut(entry.number - 1) {
            kept.body = entry.body.clone();
        }
        let mut faults = std::mem::take(&mut world.faults);
        let session = entry.session.and_then(|id| world.sessions.get(&id));
        let found = faults.at_body(entry, &|name| session?.said(name));
        world.faults = faults;
        found
    };
    match &fault {
        Some(What::Cut(cut @ (Cut::BeforeBody | Cut::BeforeEffect))) => return Err(*cut),
        Some(What::Status { status, applied: false, .. }) => {
            return Ok((Answer { status: *status, body: Value::Null }, fault));
        }
        Some(What::Page) => return Ok((Answer { status: 200, body: Value::Null }, fault)),
        Some(What::Refused { code, message, applied: false }) => {
            expire(shared, entry, code);
            return Ok((Answer::refused(code, message.as_str()), None));
        }
        Some(What::SessionLost) => lose(shared, entry),
        _ => {}
    }
    let answer = route(shared, entry).await;
    match &fault {
        Some(What::Cut(Cut::BeforeAnswer)) => Err(Cut::BeforeAnswer),
        Some(What::Status { status, .. }) => Ok((Answer { status: *status, body: Value::Null }, fault)),
        Some(What::Refused { code, message, .. }) => Ok((Answer::refused(code, message.as_str()), None)),
        Some(What::Delay(by)) => {
            shared.clock.wait_until(shared.clock.now() + *by).await;
            Ok((answer, None))
        }
        Some(What::SessionLost) | None => Ok((answer, None)),
        Some(_) => Ok((answer, fault)),
    }
}

/// A server that says that a token is over means it.
fn expire(shared: &Shared, entry: &Entry, code: &str) {
    let now = shared.clock.now();
    let mut world = shared.world();
    if let Some(session) = entry.session.and_then(|id| world.sessions.get_mut(&id)) {
        match code {
            "390112" => session.token_until = now,
            "390114" => session.master_until = now,
            _ => {}
        }
    }
}

fn lose(shared: &Shared, entry: &Entry) {
    let now = shared.clock.now();
    let mut world = shared.world();
    if let Some(id) = entry.session {
        world.end_transaction(id, false, now);
        if let Some(session) = world.sessions.get_mut(&id) {
            session.lost = true;
        }
    }
    drop(world);
    shared.changed.notify_waiters();
}

fn unpacked(bytes: &[u8], encoding: Option<&str>) -> Value {
    let mut plain = Vec::new();
    let bytes = match encoding {
        Some("gzip") if GzDecoder::new(bytes).read_to_end(&mut plain).is_ok() => &plain,
        _ => bytes,
    };
    serde_json::from_slice(bytes).unwrap_or_else(|_| match bytes {
        [] => Value::Null,
        bytes => Value::String(String::from_utf8_lossy(bytes).into_owned()),
    })
}

async fn route(shared: &Arc<Shared>, entry: &Entry) -> Answer {
    match entry.endpoint {
        Endpoint::Login => return login::login(shared, entry),
        Endpoint::Renew => return session::renew(shared, entry),
        Endpoint::Telemetry => return Answer::good(Value::Null),
        // The address is all the secret there is.
        Endpoint::Chunk => return result::chunk(shared, &entry.path),
        Endpoint::Other => return Answer::not_found(),
        _ => {}
    }
    let authorized = shared.world().authorized(entry.header("authorization"), shared.clock.now());
    let open = match authorized {
        Ok(open) => open,
        Err(refusal) => return refusal,
    };
    let id = id_in(&entry.path);
    match entry.endpoint {
        Endpoint::Heartbeat => session::heartbeat(shared, open),
        Endpoint::Logout => session::logout(shared, open),
        Endpoint::Query => query::submit(shared, open, entry).await,
        Endpoint::Result => query::result(shared, id).await,
        Endpoint::Monitoring => query::monitoring(shared, id),
        Endpoint::Abort => query::abort(shared, open, entry, (id != "v1").then_some(id)).await,
        Endpoint::Login | Endpoint::Renew | Endpoint::Telemetry | Endpoint::Chunk | Endpoint::Other => {
            Answer::not_found()
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn response(shared: &Shared, entry: &Entry, answer: &Answer, fault: Option<&What>) -> Response<Bytewise> {
    let mut builder = Response::builder()
        .status(answer.status)
        // The server's clock, by which a client can tell how far its own is off.
        .header(header::DATE, time::http_date(shared.clock.now()));
    let page = matches!(fault, Some(What::Page | What::Status { .. })) || answer.status != 200;
    let mut bytes = if page {
        builder = builder.header(header::CONTENT_TYPE, "text/html");
        format!("<html><body><h1>{}</h1></body></html>", answer.status).into_bytes()
    } else {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
        answer.text()
    };
    if let Some(What::Status { retry_after: Some(seconds), .. }) = fault {
        builder = builder.header(header::RETRY_AFTER, *seconds);
    }
    if let Some(What::BrokenJson) = fault {
        bytes.truncate(bytes.len() / 2);
    }
    let accepts = entry.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
    let truncated = matches!(fault, Some(What::TruncatedGzip));
    if truncated || (accepts && !page) {
        builder = builder.header(header::CONTENT_ENCODING, "gzip");
        bytes = gzip(&bytes);
        if truncated {
            bytes.truncate(bytes.len().saturating_sub(12));
        }
    }
    let length = bytes.len() as u64;
    let cut = matches!(fault, Some(What::Cut(Cut::InAnswer))).then_some(false);
    if cut.is_some() {
        bytes.truncate(bytes.len() / 2);
    }
    let rest = (!bytes.is_empty()).then(|| bytes.into());
    let body = Bytewise { rest, length, cut, held: None };
    let empty = || Response::new(Bytewise { rest: None, length: 0, cut: None, held: None });
    builder.body(body).unwrap_or_else(|_| empty())
}

/// Serves one connection to its end.
pub(crate) async fn connection<S>(shared: Arc<Shared>, line: Option<Arc<Line>>, stream: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let service =
        hyper::service::service_fn(move |request| serve(Arc::clone(&shared), line.clone(), request));
    let io = hyper_util::rt::TokioIo::new(stream);
    // A cut ends it with an error, and so does a client that goes away.
    let _: Result<(), hyper::Error> =
        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
}
