//! A session: statements one after another, and the handle that stops them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{
    Notice, SnowflakeSettings,
    backoff::Backoff,
    body::body,
    credential::CredentialSource,
    error::{self, IN_PROGRESS, fault},
    exchange::{Again, Answered, Auth, Call, Envelope, Running, Wire, explained, query_id_in},
    http::Http,
    login::login,
    query_context::QueryContext,
    redact::Redactor,
    results::{self, Data, Rows},
};
use crate::{
    model::{
        target::{Context4, Purpose, SessionSpec},
        time::Instants,
    },
    render::slots,
    session::{
        Answer, Control, DbError, Effect, ErrorClass, Fut, Phase, Request, RequestId, RowUse, Session,
        SessionInfo,
    },
};

/// How long the answer to a statement is asked for while none of the questions gets through.
const POLL_BUDGET: Duration = Duration::from_mins(10);

/// How long an abort or a heartbeat may be tried.
const CONTROL_BUDGET: Duration = Duration::from_secs(30);

/// How long the end of a session may be tried.
const CLOSE_BUDGET: Duration = Duration::from_secs(10);

/// A statement that runs on is told of when the server says so first, and then this often.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// How long the server may be late with ending a statement whose time is over, before it is asked to.
const TIMEOUT_GRACE: Duration = Duration::from_mins(1);

/// The shortest wait for a keeper's answer, whatever its lease.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// What the session and its handle share.
struct Shared {
    wire: Wire,
    running: Running,
}

/// A session with Snowflake.
pub(super) struct SnowflakeSession {
    shared: Arc<Shared>,
    info: SessionInfo,
    context: Context4,
    carried: QueryContext,
    sequence: u64,
    /// How long after its start a statement may be sent again. Between the lease's check and the sending its protocol
    /// allows three tenths of the lease to pass: half of it without the longest life of a keeper's statement, a fifth.
    /// One tenth of these is for connecting.
    send_within: Duration,
}

impl SnowflakeSession {
    pub(super) async fn open(
        http: Http,
        settings: &SnowflakeSettings,
        source: &Arc<dyn CredentialSource>,
        spec: &SessionSpec,
    ) -> Result<Self, DbError> {
        let redactor = Redactor::new(&settings.secrets);
        if let Some(proxy) = &settings.connection.network.proxy {
            redactor.add_proxy(proxy.expose());
        }
        let mut wire = Wire::new(http, settings.context.clone(), settings.notices.clone(), redactor);
        let info = login(&wire, settings, source, spec).await?;
        if spec.purpose == Purpose::Keeper {
            // Its statements live for a fifth of the lease at most; a later answer is of no use to it.
            wire.http.patience = wire.http.patience.min((settings.lease / 4).max(LEAST_PATIENCE));
        }
        Ok(Self {
            context: info.context.clone(),
            shared: Arc::new(Shared { wire, running: Running::default() }),
            info,
            carried: QueryContext::default(),
            sequence: 0,
            send_within: settings.lease / 5,
        })
    }

    async fn run(&mut self, request: &Request) -> Result<Answer, DbError> {
        let shared = Arc::clone(&self.shared);
        let wire = &shared.wire;
        let Some(stop) = shared.running.begin(request.id, &request.text) else {
            let message = "an earlier statement of this session was given up before its answer came";
            return Err(fault(ErrorClass::Connection, Phase::Send, Effect::NotSent, None, message));
        };
        let result = self.statement(wire, request, &stop).await;
        shared.running.end();
        result.map_err(|error| mask(wire, explained(error), &request.text))
    }

    async fn statement(
        &mut self,
        wire: &Wire,
        request: &Request,
        stop: &AtomicBool,
    ) -> Result<Answer, DbError> {
        let text = slots::fill(&request.text, &|name| wire.redactor.value(name)).map_err(|name| {
            let message =
                format!("secret {name} has no value here, or one that cannot stand where it is used");
            fault(ErrorClass::Internal, Phase::Send, Effect::NotSent, None, message)
        })?;
        self.sequence += 1;
        let start = wire.now();
        let call = Call {
            what: "the statement",
            method: Method::POST,
            path: "/queries/v1/query-request",
            query: vec![("requestId", request.id.0.to_string())],
            body: Some(body(request, &text, self.sequence, start, &self.carried).to_string()),
            auth: Auth::Session,
            again: if request.repeatable { Again::Always } else { Again::Unsent },
            budget: self.send_within,
            counted: true,
            stop: Some(stop),
        };
        let answered = match wire.call::<Data>(&call).await {
            Ok(answered) => answered.envelope,
            Err(given_up) => match query_id_in(&given_up.part) {
                // The answer was cut off behind the id by which it can be asked for.
                Some(id) => self.poll(wire, &result_path(&id), Some(&id)).await?,
                None => return Err(given_up.error),
            },
        };
        let answered = self.wait(wire, request, answered, start).await?;
        self.finish(wire, request, answered).await
    }

    /// Asks for the answer until the statement has ended.
    async fn wait(
        &self,
        wire: &Wire,
        request: &Request,
        mut answered: Envelope<Data>,
        start: Instants,
    ) -> Result<Envelope<Data>, DbError> {
        let mut backoff = Backoff::new();
        let mut told: Option<Duration> = None;
        let mut aborted = false;
        let mut known: Option<String> = None;
        while answered.code().is_some_and(|code| IN_PROGRESS.contains(&code.as_str())) {
            let data = answered.data.unwrap_or_default();
            known = data.refusal.query_id().or(known);
            if let Some(id) = &known {
                self.shared.running.learn(id);
            }
            let path = data.get_result_url.or_else(|| known.as_deref().map(result_path));
            let Some(path) = path else {
                let message = "the statement runs at the server, which does not say where its answer will be";
                return Err(fault(ErrorClass::Internal, Phase::Answer, Effect::Unknown, None, message));
            };
            let elapsed = wire.now().since(start);
            // The server said for the first time that it takes longer than a request is held, or a while ago.
            if told.is_none_or(|told| elapsed.saturating_sub(told) >= TELL_EVERY) {
                told = Some(elapsed);
                let id = known.as_deref().unwrap_or("unknown");
                wire.notices
                    .tell(Notice { what: format!("the statement is running (query id {id})"), elapsed });
            }
            if !aborted && request.timeout.is_some_and(|timeout| elapsed > timeout + TIMEOUT_GRACE) {
                aborted = true;
                wire.notices
                    .tell(Notice { what: "the statement's time is over; asking to stop it".into(), elapsed });
                // Whether it helped is told by the answer that is asked for next.
                drop(abort(wire, request.id, &request.text).await);
            }
            let before = wire.now();
            answered = self.poll(wire, &path, known.as_deref()).await?;
            // The server holds the question back by itself; one that does not is not to be hurried.
            let held = wire.now().since(before);
            if held < Duration::from_secs(1) {
                wire.context.clock.sleep(backoff.next(wire.context.ids.as_ref(), None)).await;
            }
        }
        Ok(answered)
    }

    async fn poll(&self, wire: &Wire, path: &str, id: Option<&str>) -> Result<Envelope<Data>, DbError> {
        let call = Call {
            what: "asking for the statement's answer",
            method: Method::GET,
            path,
            query: vec![],
            body: None,
            auth: Auth::Session,
            again: Again::Always,
            budget: POLL_BUDGET,
            counted: false,
            stop: None,
        };
        // Whatever keeps the answer away: the statement was sent.
        let lost = |error: DbError| DbError {
            phase: Phase::Answer,
            outcome: Effect::Unknown,
            query_id: error.query_id.clone().or_else(|| id.map(str::to_owned)),
            ..error
        };
        let envelope = wire.call::<Data>(&call).await.map_err(|given_up| lost(given_up.error))?.envelope;
        match envelope.code() {
            code if error::session_lost(code.as_deref()) => {
                let refusal = envelope.data.unwrap_or_default().refusal;
                Err(lost(error::refused(code, envelope.message, refusal)))
            }
            _ => Ok(envelope),
        }
    }

    /// Turns the last answer into a value, and fetches its rows.
    async fn finish(
        &mut self,
        wire: &Wire,
        request: &Request,
        answered: Envelope<Data>,
    ) -> Result<Answer, DbError> {
        let code = answered.code();
        let mut data = answered.data.unwrap_or_default();
        if !answered.success {
            return Err(error::refused(code, answered.message, data.refusal));
        }
        self.context = std::mem::take(&mut data.names).over(&self.context);
        self.carried.learn(data.query_context.take());
        let query_id = data.refusal.query_id();
        let mut warnings = Vec::new();
        let rows = match self.rows(wire, request, &mut data, query_id.as_deref()).await {
            Ok(rows) => rows,
            // A statement of a script is done, whatever became of its rows; what snowops itself reads is of no use
            // without them.
            Err(why) if request.rows == RowUse::Shown => {
                warnings.push(format!("the statement was done, but its rows cannot be read: {why}"));
                Vec::new()
            }
            Err(why) => {
                let message = format!("the rows of the answer cannot be read: {why}");
                let error = fault(ErrorClass::Connection, Phase::Answer, Effect::Unknown, None, message);
                return Err(DbError { query_id, ..error });
            }
        };
        let changed = data.changed(&rows);
        let redact = |text: String| wire.redactor.text(text);
        let cell = |text: String| wire.redactor.cell(text);
        Ok(Answer {
            query_id,
            columns: data.columns.into_iter().map(|column| cell(column.name)).collect(),
            rows: rows.into_iter().map(|row| row.into_iter().map(|text| text.map(cell)).collect()).collect(),
            changed,
            context: self.context.clone(),
            result: None,
            warnings: warnings.into_iter().map(redact).collect(),
        })
    }

    /// The rows. Of a script's statement only those that come with the answer, or the first chunk's: they are shown,
    /// not used.
    async fn rows(
        &self,
        wire: &Wire,
        request: &Request,
        data: &mut Data,
        query_id: Option<&str>,
    ) -> Result<Rows, String> {
        let mut rows = match data.inline() {
            Ok(rows) => rows,
            Err(why) => {
                *data = self.again(wire, query_id, &why).await?;
                data.inline()?
            }
        };
        if !data.has_chunks() || (request.rows == RowUse::Shown && !rows.is_empty()) {
            return Ok(rows);
        }
        match results::chunks(wire, data, 0, &mut rows).await {
            Ok(()) => Ok(rows),
            Err((at, why)) => {
                // Addresses of chunks are good for some hours; a new answer brings new ones.
                *data = self.again(wire, query_id, &why).await?;
                results::chunks(wire, data, at, &mut rows).await.map(|()| rows).map_err(|(_, why)| why)
            }
        }
    }

    /// The same answer again, by the statement's id.
    async fn again(&self, wire: &Wire, query_id: Option<&str>, why: &str) -> Result<Data, String> {
        let Some(id) = query_id else { return Err(why.to_owned()) };
        let answered = self.poll(wire, &result_path(id), Some(id)).await.map_err(|error| error.message)?;
        match answered.data.filter(|_| answered.success) {
            Some(data) => Ok(data),
            None => Err(why.to_owned()),
        }
    }
}

fn result_path(query_id: &str) -> String {
    format!("/queries/{query_id}/result")
}

/// An error without secrets, its place counted in the text that has slots.
fn mask(wire: &Wire, error: DbError, text: &str) -> DbError {
    let (line, position) = match (error.line, error.position) {
        (Some(line), Some(position)) if text.contains(slots::OPEN) => {
            let filled = slots::fill(text, &|name| wire.redactor.value(name)).unwrap_or_default();
            let before = before(&filled, line, position);
            place_after(&wire.redactor.text(before.to_owned()))
        }
        known => known,
    };
    DbError { message: wire.redactor.text(error.message), line, position, ..error }
}

/// The text before a place.
fn before(text: &str, line: usize, position: usize) -> &str {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start..];
    let end = rest.char_indices().nth(position).map_or(rest.len(), |(at, _)| at);
    &text[..start + end]
}

/// The place at the end of a text.
fn place_after(text: &str) -> (Option<usize>, Option<usize>) {
    let line = text.matches('\n').count() + 1;
    let position = text.rsplit('\n').next().map_or(0, |last| last.chars().count());
    (Some(line), Some(position))
}

async fn abort(wire: &Wire, id: RequestId, text: &str) -> Result<bool, DbError> {
    let body = json!({ "sqlText": text, "requestId": id.0.to_string() });
    let Answered { envelope, .. } =
        control_call(wire, "the abort", "/queries/v1/abort-request", Some(body)).await?;
    Ok(envelope.success)
}

async fn control_call(
    wire: &Wire,
    what: &str,
    path: &str,
    body: Option<Value>,
) -> Result<Answered<IgnoredAny>, DbError> {
    let call = Call {
        what,
        method: Method::POST,
        path,
        query: vec![("requestId", wire.context.ids.next().to_string())],
        body: body.map(|body| body.to_string()),
        auth: Auth::Session,
        again: Again::Always,
        budget: CONTROL_BUDGET,
        counted: false,
        stop: None,
    };
    Ok(wire.call(&call).await?)
}

impl Session for SnowflakeSession {
    fn info(&self) -> &SessionInfo {
        &self.info
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::new(Handle(Arc::clone(&self.shared)))
    }

    fn execute<'a>(&'a mut self, request: &'a Request) -> Fut<'a, Result<Answer, DbError>> {
        Box::pin(self.run(request))
    }

    fn close(self: Box<Self>) -> Fut<'static, Result<(), DbError>> {
        Box::pin(async move {
            let wire = &self.shared.wire;
            let call = Call {
                what: "the logout",
                method: Method::POST,
                path: "/session",
                query: vec![
                    ("delete", "true".to_owned()),
                    ("requestId", wire.context.ids.next().to_string()),
                ],
                body: Some("{}".to_owned()),
                auth: Auth::Session,
                again: Again::Always,
                budget: CLOSE_BUDGET,
                counted: false,
                stop: None,
            };
            // What cannot be ended now ends by itself at the server, and no run is worse for it.
            let kept = match wire.call::<IgnoredAny>(&call).await {
                Ok(answered) if answered.envelope.success => None,
                Ok(answered) if error::session_lost(answered.envelope.code().as_deref()) => None,
                Ok(answered) => answered.envelope.message,
                Err(given_up) => Some(given_up.error.message),
            };
            if let Some(why) = kept {
                let what = wire.redactor.text(format!("the session was not ended, the server will: {why}"));
                wire.notices.tell(Notice { what, elapsed: Duration::ZERO });
            }
            Ok(())
        })
    }
}

/// Acts on a session from outside.
struct Handle(Arc<Shared>);

impl Control for Handle {
    fn cancel(&self, id: RequestId) -> Fut<'_, Result<bool, DbError>> {
        Box::pin(async move {
            let Some(now) = self.0.running.find(id) else { return Ok(false) };
            now.stop.store(true, Ordering::SeqCst);
            let wire = &self.0.wire;
            abort(wire, id, &now.text).await.map_err(|error| mask(wire, explained(error), ""))
        })
    }

    fn query_id(&self, id: RequestId) -> Option<String> {
        self.0.running.find(id)?.query_id
    }

    fn keep_alive(&self) -> Fut<'_, Result<(), DbError>> {
        Box::pin(async move {
            let wire = &self.0.wire;
            let answered = control_call(wire, "the heartbeat", "/session/heartbeat", None).await;
            let answered = answered.map_err(|error| mask(wire, explained(error), ""))?;
            if answered.envelope.success {
                return Ok(());
            }
            let code = answered.envelope.code();
            let refused = error::refused(code, answered.envelope.message, error::Refusal::default());
            Err(mask(wire, explained(refused), ""))
        })
    }
}

#[cfg(test)]
mod tests;
