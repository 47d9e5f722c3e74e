//! One HTTP exchange: what went wrong on the way, told apart, and whether the body can have left.
//!
//! The process environment is not looked at: proxy and authorities come as values. HTTP/1.1 only, one statement at a
//! time needs no more.

use std::{error::Error as StdError, io, time::Duration};

use reqwest::{Certificate, Client, Method, NoProxy, Proxy, Url, header};

use crate::{
    files,
    model::connection::{Connection, Protocol},
};

/// How snowops calls itself.
const USER_AGENT: &str = concat!("snowops/", env!("CARGO_PKG_VERSION"));

/// The longest and the shortest time to reach the server: name, connection, TLS, and the proxy before it.
const CONNECT: std::ops::RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(20);

/// How long a connection may lie unused. Shorter than what servers and gateways allow, so that a request seldom meets
/// a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(45);

/// The longest wait for an answer. Snowflake holds a request back for at most 45 s before it answers that the
/// statement is still running (`snowflake-connector-python`, `network.py`).
pub(super) const ANSWER: Duration = Duration::from_mins(2);

/// A client for one endpoint. Clones share its connections.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    base: Url,
    proxied: bool,
    connect: Duration,
    /// The longest wait for an answer.
    pub(super) patience: Duration,
}

/// What is sent.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Beside those of the transport: `Accept` and `Authorization`, or the headers of a chunk.
    pub(super) headers: &'a [(String, String)],
    pub(super) body: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    /// The server's time, as its header `Date` says.
    pub(super) date: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The name has no address.
    Dns,
    /// Nobody listens.
    Refused,
    /// No connection within the time.
    ConnectTimeout,
    /// TLS was refused by either side.
    Tls,
    /// The proxy wants a login, or another one.
    ProxyLogin,
    /// The proxy did not make the connection.
    Proxy,
    /// The address is not the server's own.
    Foreign,
    /// Another failure before anything was sent.
    Unreachable,
    /// No answer within the time.
    Timeout,
    /// The connection ended before the answer.
    Reset,
    /// The answer ended in its middle, or cannot be read.
    Broken,
}

/// An exchange without an answer.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// In words, without address and secrets of the request.
    pub(super) message: String,
    /// What came of a broken answer.
    pub(super) part: Vec<u8>,
}

impl Kind {
    /// Whether the request may have reached the server.
    pub(super) const fn may_be_sent(self) -> bool {
        matches!(self, Self::Timeout | Self::Reset | Self::Broken)
    }

    /// Whether trying again could help.
    pub(super) const fn may_pass(self) -> bool {
        !matches!(self, Self::Tls | Self::ProxyLogin | Self::Foreign)
    }
}

impl Http {
    /// A client for the endpoint of a connection, which reaches it within a tenth of the lease or not; the error says
    /// what is wrong with its settings.
    pub(super) fn new(connection: &Connection, lease: Duration) -> Result<Self, String> {
        let connect = (lease / 10).clamp(*CONNECT.start(), *CONNECT.end());
        let endpoint = &connection.endpoint;
        let scheme = match endpoint.protocol {
            Protocol::Http => "http",
            Protocol::Https => "https",
        };
        let base = Url::parse(&format!("{scheme}://{}:{}/", endpoint.host, endpoint.port))
            .map_err(|error| format!("host '{}' is no host name: {error}", endpoint.host))?;
        let mut builder = Client::builder()
            .no_proxy()
            .user_agent(USER_AGENT)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            // What may be repeated is decided where the request's meaning is known.
            .retry(reqwest::retry::never())
            .connect_timeout(connect)
            .pool_idle_timeout(IDLE)
            .tcp_keepalive(Duration::from_secs(30));
        let network = &connection.network;
        if endpoint.protocol == Protocol::Http && network.extra_authorities.is_none() {
            // The system's authorities are not needed, and take a while to read.
            builder = builder.tls_certs_only([]);
        }
        if let Some(proxy) = &network.proxy {
            // The parser's error would show the address with its password.
            let proxy =
                Proxy::all(proxy.expose()).map_err(|_| "the proxy's address cannot be read".to_owned())?;
            builder =
                builder.proxy(proxy.no_proxy(network.no_proxy.as_deref().and_then(NoProxy::from_string)));
        }
        if let Some(path) = &network.extra_authorities {
            let bytes = files::read_bytes(path).map_err(|error| error.to_string())?;
            let certificates = Certificate::from_pem_bundle(&bytes)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| format!("{path} holds no certificates in PEM"))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| format!("TLS cannot be set up: {}", chain(&error)))?;
        Ok(Self { client, base, proxied: network.proxy.is_some(), connect, patience: ANSWER })
    }

    /// The address of a path on the server, with its query.
    pub(super) fn url(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.base.join(path).unwrap_or_else(|_| self.base.clone());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Whether an address is on the server itself, where its tokens may be sent.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Sends once and reads the whole answer.
    pub(super) async fn send(&self, out: Outgoing<'_>) -> Result<Reply, Fault> {
        let mut request = self.client.request(out.method, out.url).timeout(self.patience);
        for (name, value) in out.headers {
            request = request.header(name, value);
        }
        if let Some(body) = out.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let mut response = request.send().await.map_err(|error| self.fault(&error))?;
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (retry_after, date) = (text(header::RETRY_AFTER), text(header::DATE));
        let status = response.status().as_u16();
        if status == 407 {
            return Err(Fault::new(Kind::ProxyLogin, PROXY_LOGIN));
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(more)) => body.extend_from_slice(&more),
                Ok(None) => return Ok(Reply { status, retry_after, date, body }),
                Err(error) => {
                    let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Broken };
                    let message = format!("the answer was cut off after {} bytes", body.len());
                    return Err(Fault { kind, message, part: body });
                }
            }
        }
    }

    fn fault(&self, error: &reqwest::Error) -> Fault {
        let host = self.base.host_str().unwrap_or_default();
        if error.is_builder() {
            return Fault::new(Kind::Unreachable, format!("the request cannot be built: {}", chain(error)));
        }
        if !error.is_connect() {
            return if error.is_timeout() {
                let waited = self.patience.as_secs();
                Fault::new(Kind::Timeout, format!("{host} gave no answer within {waited} s"))
            } else {
                Fault::new(
                    Kind::Reset,
                    format!("the connection to {host} ended before the answer ({})", cause(error)),
                )
            };
        }
        let words = chain(error);
        let by = if self.proxied { " through the proxy" } else { "" };
        if words.contains("proxy authorization required") {
            Fault::new(Kind::ProxyLogin, PROXY_LOGIN)
        } else if is_tls(error) {
            Fault::new(Kind::Tls, tls_words(host, &words))
        } else if error.is_dns() || words.contains("dns error") {
            let what = if self.proxied { "the proxy's name or the host" } else { "the host name" };
            Fault::new(Kind::Dns, format!("{what} '{host}' has no address ({})", cause(error)))
        } else if error.is_timeout() {
            Fault::new(
                Kind::ConnectTimeout,
                format!("no connection to {host}{by} within {} s", self.connect.as_secs()),
            )
        } else if has_io(error, io::ErrorKind::ConnectionRefused) {
            Fault::new(Kind::Refused, format!("the connection to {host}{by} was refused"))
        } else if words.contains("tunnel") {
            Fault::new(Kind::Proxy, format!("the proxy did not connect to {host} ({})", cause(error)))
        } else if words.contains("tls handshake eof") {
            let message = format!("{host}{by} hung up during the TLS handshake; check protocol and port");
            Fault::new(Kind::Unreachable, message)
        } else {
            Fault::new(Kind::Unreachable, format!("no connection to {host}{by} ({})", cause(error)))
        }
    }
}

const PROXY_LOGIN: &str = "the proxy asks for a login (HTTP 407): put user and password into the proxy's address, \
     as in http://user:password@proxy:8080";

fn tls_words(host: &str, words: &str) -> String {
    let advice = if words.contains("UnknownIssuer") || words.contains("BadSignature") {
        ": the certificate's authority is not trusted here; if a proxy of your company opens TLS, name a PEM \
         file with its certificate in REQUESTS_CA_BUNDLE or SSL_CERT_FILE"
    } else if words.contains("Expired") {
        ": the certificate has expired, or this machine's clock is wrong"
    } else if words.contains("NotValidForName") {
        ": the certificate is for another host name"
    } else if words.contains("InvalidContentType") || words.contains("InvalidMessage") {
        ": what answered does not speak TLS; check protocol and port"
    } else {
        ""
    };
    let last = words.rsplit(": ").next().unwrap_or(words);
    format!("TLS with {host} failed{advice} ({last})")
}

impl Fault {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), part: Vec::new() }
    }
}

fn sources<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn StdError + 'static)| (*error).source())
}

/// All that an error and its sources say, without the address.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    for source in sources(error).skip(1) {
        words.push(source.to_string());
    }
    words.join(": ")
}

/// The innermost source.
fn cause(error: &reqwest::Error) -> String {
    sources(error).skip(1).last().map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

fn has_io(error: &reqwest::Error, kind: io::ErrorKind) -> bool {
    sources(error).any(|source| source.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == kind))
}

/// Whether TLS is the cause. Its errors are hidden in errors of input and output, whose `source` skips them.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || hidden.is_some_and(|inner| is_tls(inner))
        || error.source().is_some_and(is_tls)
}
