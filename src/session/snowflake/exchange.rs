//! One call of the protocol, with the repeats that are safe.
//!
//! What may be sent again by itself:
//!
//! | what happened | repeated |
//! | --- | --- |
//! | the request never left (name, connection, proxy) | yes, but not a refused certificate or proxy login |
//! | HTTP 429 | yes: refused before any work, not before `Retry-After` |
//! | 390112, the session token has expired | yes, after one renewal of the token |
//! | no answer, HTTP 5xx, 408 and others, an answer cut off | only where the call itself may be done twice |
//!
//! A repeat keeps its request id, by which the server can tell it from a second request; a `request_guid` is made for
//! each sending. No statement is sent later than the pause that the lease allows between its check and the sending.

use std::{
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Notice, Notices,
    backoff::{Backoff, retry_after},
    error::{self, Code, TOKEN_EXPIRED, fault},
    http::{Fault, Http, Kind, Outgoing, Reply},
    redact::Redactor,
};
use crate::{
    model::{secret::SecretText, time::Instants},
    session::{DbError, Effect, ErrorClass, Fut, Phase, context::Context},
};

/// How often a renewed token may be called expired at once before the call is given up.
const RENEWALS: u32 = 2;

/// How often a call that never left is sent again while no session stands: a wrong host name should not cost minutes.
const FIRST_CONNECTS: u32 = 3;

/// How long renewing a token may take.
const RENEW_BUDGET: Duration = Duration::from_mins(1);

/// The way to one session at the server.
pub(super) struct Wire {
    pub(super) http: Http,
    pub(super) context: Context,
    pub(super) notices: Notices,
    pub(super) redactor: Redactor,
    tokens: RwLock<Option<Tokens>>,
    /// Held while a token is renewed, so that only one renews.
    renewing: tokio::sync::Mutex<()>,
}

/// What opens the session's door.
#[derive(Clone)]
pub(super) struct Tokens {
    session: SecretText,
    /// Renews the session token. fakesnow gives none.
    master: Option<SecretText>,
    generation: u64,
}

/// With which token a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    /// None: logins, chunks.
    Nobody,
    /// The session's.
    Session,
    /// The master token.
    Master,
}

/// What is repeated after the body was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Doing it twice does no harm.
    Always,
    /// It is not known to be done, and must not be done twice.
    Unsent,
}

/// One call.
pub(super) struct Call<'c> {
    /// Its name in messages.
    pub(super) what: &'c str,
    pub(super) method: Method,
    pub(super) path: &'c str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
    pub(super) auth: Auth,
    pub(super) again: Again,
    /// How long after its start it may be sent again.
    pub(super) budget: Duration,
    /// Whether the address tells the server which repeat it is.
    pub(super) counted: bool,
    /// Set from outside: nothing is sent any more.
    pub(super) stop: Option<&'c AtomicBool>,
}

/// The frame of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) success: bool,
    code: Option<Code>,
    pub(super) message: Option<String>,
    pub(super) data: Option<T>,
}

impl<T> Envelope<T> {
    pub(super) fn code(&self) -> Option<String> {
        self.code.as_ref().map(Code::six)
    }
}

/// An answer, with what stands around it.
pub(super) struct Answered<T> {
    pub(super) envelope: Envelope<T>,
    /// The server's clock.
    pub(super) date: Option<String>,
}

/// What one sending came to.
enum Sent<T> {
    Answered(Answered<T>),
    Busy(Option<Duration>),
    Lost { reason: u16, message: String, part: Vec<u8> },
    Kept(Fault),
    Rejected { status: u16 },
}

/// A call that was given up, with what came of its answer.
pub(super) struct GivenUp {
    pub(super) error: DbError,
    pub(super) part: Vec<u8>,
}

impl From<DbError> for GivenUp {
    fn from(error: DbError) -> Self {
        Self { error, part: Vec::new() }
    }
}

impl From<GivenUp> for DbError {
    fn from(given_up: GivenUp) -> Self {
        given_up.error
    }
}

impl Wire {
    pub(super) fn new(http: Http, context: Context, notices: Notices, redactor: Redactor) -> Self {
        let (tokens, renewing) = (RwLock::new(None), tokio::sync::Mutex::new(()));
        Self { http, context, notices, redactor, tokens, renewing }
    }

    pub(super) fn now(&self) -> Instants {
        self.context.clock.now()
    }

    /// Takes the tokens of a login or of a renewal.
    pub(super) fn set_tokens(&self, session: String, master: Option<String>) {
        self.redactor.add("session token", &session);
        if let Some(master) = &master {
            self.redactor.add("master token", master);
        }
        let Ok(mut tokens) = self.tokens.write() else { return };
        let generation = tokens.as_ref().map_or(0, |tokens| tokens.generation) + 1;
        let master = master.map(SecretText::new).or_else(|| tokens.as_ref().and_then(|t| t.master.clone()));
        *tokens = Some(Tokens { session: SecretText::new(session), master, generation });
    }

    fn tokens(&self) -> Option<Tokens> {
        self.tokens.read().ok().and_then(|tokens| tokens.clone())
    }

    /// Makes a call, and repeats it where that is safe.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<Answered<T>, GivenUp> {
        let start = self.now();
        let mut backoff = Backoff::new();
        let (mut count, mut reason, mut renewals, mut lost) = (0_u32, 0_u16, 0, false);
        loop {
            if call.stop.is_some_and(|stop| stop.load(Ordering::SeqCst)) {
                return Err(stopped(lost).into());
            }
            let tokens = self.tokens();
            let (message, asked, part) =
                match self.send_once(call, tokens.as_ref(), start, count, reason).await {
                    Sent::Answered(answered) => {
                        let expired = answered.envelope.code().as_deref() == Some(TOKEN_EXPIRED);
                        let Some(tokens) = tokens.filter(|_| expired && call.auth == Auth::Session) else {
                            return Ok(answered);
                        };
                        if renewals == RENEWALS {
                            return Ok(answered);
                        }
                        renewals += 1;
                        self.renew(tokens.generation).await?;
                        if self.now().since(start) > call.budget {
                            return Err(late(call, lost).into());
                        }
                        continue;
                    }
                    Sent::Rejected { status } => return Err(rejected(call, status, lost).into()),
                    Sent::Busy(asked) => {
                        reason = 429;
                        ("the server has too much to do (HTTP 429)".to_owned(), asked, Vec::new())
                    }
                    Sent::Lost { reason: why, message, part } => {
                        (reason, lost) = (why, true);
                        // An answer that names its statement is fetched by that name.
                        let fetched = call.counted && query_id_in(&part).is_some();
                        if call.again == Again::Unsent || fetched {
                            return Err(GivenUp { error: unknown(call, &message), part });
                        }
                        (message, None, part)
                    }
                    Sent::Kept(fault) => {
                        reason = 0;
                        let hopeless =
                            !fault.kind.may_pass() || (tokens.is_none() && count >= FIRST_CONNECTS);
                        if hopeless {
                            return Err(not_sent(call, &fault.message, lost).into());
                        }
                        (fault.message, None, Vec::new())
                    }
                };
            let wait = backoff.next(self.context.ids.as_ref(), asked);
            let elapsed = self.now().since(start);
            let fits = elapsed + wait <= call.budget;
            if fits {
                let what = format!("{}: {message}; trying again in {:.1} s", call.what, wait.as_secs_f64());
                self.notices.tell(Notice { what, elapsed });
                self.context.clock.sleep(wait).await;
            }
            // A machine that was asleep meanwhile wakes up later than it meant to.
            if !fits || self.now().since(start) > call.budget {
                let error = match (lost, reason) {
                    (true, _) => unknown(call, &message),
                    (false, 429) => busy(call, asked),
                    (false, _) => not_sent(call, &message, false),
                };
                return Err(GivenUp { error, part });
            }
            count += 1;
        }
    }

    async fn send_once<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        tokens: Option<&Tokens>,
        start: Instants,
        count: u32,
        reason: u16,
    ) -> Sent<T> {
        let token = match call.auth {
            Auth::Nobody => None,
            Auth::Session => tokens.map(|tokens| &tokens.session),
            Auth::Master => tokens.and_then(|tokens| tokens.master.as_ref()),
        };
        let mut headers = vec![("Accept".to_owned(), "application/snowflake".to_owned())];
        headers
            .extend(token.map(|token| {
                ("Authorization".to_owned(), format!("Snowflake Token=\"{}\"", token.expose()))
            }));
        let mut query = call.query.clone();
        if call.counted && count > 0 {
            query.push(("clientStartTime", start.wall.as_millis().to_string()));
            query.push(("retryCount", count.to_string()));
            query.push(("retryReason", reason.to_string()));
        }
        query.push(("request_guid", self.context.ids.next().to_string()));
        let url = self.http.url(call.path, &query);
        if !self.http.is_own(&url) {
            return Sent::Kept(Fault::new(
                Kind::Foreign,
                "the server named an address of another host, where tokens are not sent",
            ));
        }
        let out = Outgoing { method: call.method.clone(), url, headers: &headers, body: call.body.clone() };
        match self.http.send(out).await {
            Ok(reply) => judge(reply),
            Err(fault) if fault.kind.may_be_sent() => {
                Sent::Lost { reason: 0, message: fault.message, part: fault.part }
            }
            Err(fault) => Sent::Kept(fault),
        }
    }

    /// A new session token, unless somebody else got one since `generation`.
    fn renew(&self, generation: u64) -> Fut<'_, Result<(), DbError>> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Renewed {
            session_token: Option<String>,
            master_token: Option<String>,
        }
        Box::pin(async move {
            let _one = self.renewing.lock().await;
            let Some(tokens) = self.tokens() else { return Err(lost_session(None)) };
            if tokens.generation != generation {
                return Ok(());
            }
            if tokens.master.is_none() {
                return Err(lost_session(None));
            }
            let body =
                serde_json::json!({ "oldSessionToken": tokens.session.expose(), "requestType": "RENEW" });
            let call = Call {
                what: "renewing the session token",
                method: Method::POST,
                path: "/session/token-request",
                query: vec![("requestId", self.context.ids.next().to_string())],
                body: Some(body.to_string()),
                auth: Auth::Master,
                again: Again::Always,
                budget: RENEW_BUDGET,
                counted: false,
                stop: None,
            };
            let Answered { envelope, .. } =
                self.call::<Renewed>(&call).await.map_err(|given_up| DbError {
                    // It was the renewal that has no answer; what it was for was refused.
                    outcome: Effect::NotSent,
                    ..given_up.error
                })?;
            let code = envelope.code();
            let Renewed { session_token, master_token } = envelope.data.unwrap_or_default();
            let Some(session) = session_token.filter(|_| envelope.success) else {
                let words = envelope.message.map(|text| self.redactor.text(text));
                return Err(DbError { code, ..lost_session(words.as_deref()) });
            };
            self.set_tokens(session, master_token);
            Ok(())
        })
    }
}

/// What a reply means, whatever was asked.
fn judge<T: DeserializeOwned>(reply: Reply) -> Sent<T> {
    let Reply { status, retry_after: header, date, body } = reply;
    match status {
        429 => Sent::Busy(retry_after(header.as_deref(), date.as_deref())),
        500..=599 => lost(status),
        _ => match serde_json::from_slice::<Envelope<T>>(&body) {
            Ok(envelope) => Sent::Answered(Answered { envelope, date }),
            Err(_) if status == 200 => Sent::Lost {
                reason: 0,
                message: "the answer cannot be read: it is cut off, or no answer of Snowflake".to_owned(),
                part: body,
            },
            // Of these it is sure that nothing was done.
            Err(_)
                if matches!(
                    status,
                    300..=399 | 400 | 401 | 403 | 404 | 405 | 411 | 413 | 414 | 415 | 431
                ) =>
            {
                Sent::Rejected { status }
            }
            Err(_) => lost(status),
        },
    }
}

fn lost<T>(status: u16) -> Sent<T> {
    let message = format!("the server answered HTTP {status}");
    Sent::Lost { reason: status, message, part: Vec::new() }
}

fn phase(call: &Call<'_>, later: Phase) -> Phase {
    if call.auth == Auth::Nobody { Phase::Connect } else { later }
}

fn unknown(call: &Call<'_>, message: &str) -> DbError {
    let text = match call.again {
        Again::Unsent => format!("{}: {message}; whether it was done is not known", call.what),
        Again::Always => format!("{}: {message}", call.what),
    };
    fault(ErrorClass::Connection, phase(call, Phase::Answer), Effect::Unknown, None, text)
}

fn not_sent(call: &Call<'_>, message: &str, lost: bool) -> DbError {
    let outcome = if lost { Effect::Unknown } else { Effect::NotSent };
    let text = format!("{}: {message}", call.what);
    fault(ErrorClass::Connection, phase(call, Phase::Send), outcome, None, text)
}

fn busy(call: &Call<'_>, asked: Option<Duration>) -> DbError {
    let wish = asked.map_or_else(String::new, |asked| format!(" and asks to wait {} s", asked.as_secs()));
    let text = format!("{}: the server has too much to do (HTTP 429){wish}; nothing was done", call.what);
    fault(ErrorClass::Busy, phase(call, Phase::Send), Effect::Failed, None, text)
}

fn late(call: &Call<'_>, lost: bool) -> DbError {
    not_sent(call, "renewing the session token took too long", lost)
}

fn rejected(call: &Call<'_>, status: u16, lost: bool) -> DbError {
    let advice = match status {
        403 | 404 if call.auth == Auth::Nobody => "; is the account name right?",
        300..=399 => "; it points to another address, which is not followed",
        _ => "",
    };
    let outcome = if lost { Effect::Unknown } else { Effect::Failed };
    let text = format!("{}: the server answered HTTP {status}{advice}", call.what);
    fault(ErrorClass::Connection, phase(call, Phase::Answer), outcome, None, text)
}

fn stopped(lost: bool) -> DbError {
    let outcome = if lost { Effect::Unknown } else { Effect::NotSent };
    fault(ErrorClass::Cancelled, Phase::Send, outcome, None, "it was cancelled before it could be sent again")
}

/// The id of the statement in an answer that was cut off behind it.
pub(super) fn query_id_in(part: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"queryId\":";
    let at = memchr::memmem::rfind(part, KEY)? + KEY.len();
    let rest = std::str::from_utf8(&part[at..]).ok()?.trim_start().strip_prefix('"')?;
    let (id, _) = rest.split_once('"')?;
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then(|| id.to_owned())
}

/// The session is gone, and all that was in it.
pub(super) fn lost_session(words: Option<&str>) -> DbError {
    let words = words.map_or_else(String::new, |words| format!(" ({words})"));
    let text = format!(
        "the session ended at the server{words}: its temporary objects, variables and open transaction are gone; \
         run the command again, it goes on from there"
    );
    fault(ErrorClass::Connection, Phase::Send, Effect::Failed, None, text)
}

/// A refusal that says that the session is gone, in words that say what to do.
pub(super) fn explained(error: DbError) -> DbError {
    if error::session_lost(error.code.as_deref()) || error.code.as_deref() == Some(TOKEN_EXPIRED) {
        let lost = lost_session(Some(&error.message));
        return DbError { message: lost.message, class: lost.class, ..error };
    }
    error
}

/// The request that a session works on.
#[derive(Default)]
pub(super) struct Running(Mutex<Option<Now>>);

/// See [`Running`].
#[derive(Clone)]
pub(super) struct Now {
    pub(super) id: crate::session::RequestId,
    pub(super) text: String,
    pub(super) stop: Arc<AtomicBool>,
    /// The server's id of it, once the server has told.
    pub(super) query_id: Option<String>,
}

impl Running {
    /// Begins a request; not while another one has no end.
    pub(super) fn begin(&self, id: crate::session::RequestId, text: &str) -> Option<Arc<AtomicBool>> {
        let mut now = self.0.lock().ok()?;
        if now.is_some() {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        *now = Some(Now { id, text: text.to_owned(), stop: Arc::clone(&stop), query_id: None });
        Some(stop)
    }

    /// The server has told its id of what runs.
    pub(super) fn learn(&self, query_id: &str) {
        if let Ok(mut now) = self.0.lock()
            && let Some(now) = now.as_mut()
        {
            now.query_id = Some(query_id.to_owned());
        }
    }

    pub(super) fn end(&self) {
        if let Ok(mut now) = self.0.lock() {
            *now = None;
        }
    }

    /// What runs, if it is this.
    pub(super) fn find(&self, id: crate::session::RequestId) -> Option<Now> {
        self.0.lock().ok()?.clone().filter(|now| now.id == id)
    }
}
