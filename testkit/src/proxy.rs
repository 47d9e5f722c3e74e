//! A proxy for tests: CONNECT and plain HTTP, with or without a password.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
};

use crate::background::Background;

/// A running proxy, on this machine's loopback. It stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Passed>>>,
    _background: Background,
}

/// One connection that a proxy was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// `host:port`.
    pub target: String,
    /// Whether it was asked for with CONNECT.
    pub tunnel: bool,
    /// What was answered: 200, 407, or 502 where the target was not reached.
    pub status: u16,
}

/// The longest head of a request.
const LONGEST: usize = 65_536;

impl Proxy {
    /// Starts a proxy. With `user:password` it answers 407 to whoever does not say them.
    ///
    /// # Errors
    /// The system gives no port.
    pub fn start(credentials: Option<&str>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let wanted = credentials.map(|text| format!("Basic {}", STANDARD.encode(text)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let background = Background::listen("proxy", listener, move |stream| {
            let (wanted, log) = (wanted.clone(), Arc::clone(&log));
            async move {
                // Whoever goes away in the middle ends his connection, no more.
                let _ = pass(stream, wanted.as_deref(), &log).await;
            }
        })?;
        Ok(Self { address, seen, _background: background })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All connections so far.
    pub fn log(&self) -> Vec<Passed> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(mut client: TcpStream, wanted: Option<&str>, log: &Mutex<Vec<Passed>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 || head.len() > LONGEST {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut words = text.split(' ');
    let tunnel = words.next() == Some("CONNECT");
    let address = words.next().unwrap_or_default();
    let target = address.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
    let given = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
    });
    let allowed = wanted.is_none_or(|wanted| given.as_deref() == Some(wanted));
    let server = if allowed { TcpStream::connect(&target).await.ok() } else { None };
    let status = match (&server, allowed) {
        (Some(_), _) => 200,
        (None, true) => 502,
        (None, false) => 407,
    };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(Passed { target, tunnel, status });
    let Some(mut server) = server else {
        let ask = if allowed { "" } else { "Proxy-Authenticate: Basic realm=\"testkit\"\r\n" };
        let answer = format!("HTTP/1.1 {status} No\r\n{ask}Content-Length: 0\r\nConnection: close\r\n\r\n");
        return client.write_all(answer.as_bytes()).await;
    };
    if tunnel {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    } else {
        // The server reads addresses in full too.
        server.write_all(&head).await?;
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
