//! Serves until it is stopped: `cargo run -p testkit -- --port 8085 --log requests.jsonl`. With `--parity STEP` it is the
//! server of a step of the parity recording, and its log has the requests that are compared.

use std::process::ExitCode;

use serde::Serialize;
use testkit::{Server, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program for people")]
fn complain(message: &str) {
    eprintln!("{message}");
}

#[expect(clippy::print_stdout, reason = "a program for people")]
async fn serve() -> Result<(), String> {
    let mut settings = Settings::default();
    let (mut log, mut parity) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next();
        match (argument.as_str(), value) {
            ("--port", Some(port)) => {
                settings.port = port.parse().map_err(|error| format!("--port {port}: {error}"))?;
            }
            ("--log", Some(path)) => log = Some(path),
            ("--parity", Some(step)) => {
                let of_step = Settings::for_parity(&step).ok_or_else(|| {
                    format!("--parity {step}: the steps are {}", testkit::parity::STEPS.join(", "))
                })?;
                settings = Settings { port: settings.port, ..of_step };
                parity = Some(step);
            }
            _ => return Err("usage: testkit [--port N] [--log FILE] [--parity STEP]".to_owned()),
        }
    }
    let server = Server::start(settings).map_err(|error| format!("cannot listen: {error}"))?;
    println!("{}", server.url());
    println!("account TESTKIT, user SNOWOPS, password 'correct horse', database RETAIL; Ctrl-C stops");
    tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    let counts = server.counts();
    println!("\n{} requests", counts.total);
    for (endpoint, count) in counts.by_endpoint {
        println!("{count:7} {endpoint:?}");
    }
    let requests = server.log();
    match (log, parity) {
        (None, _) => Ok(()),
        (Some(path), None) => write(&path, &requests),
        (Some(path), Some(step)) => write(&path, &testkit::parity::plain(&step, &requests)),
    }
}

/// Writes requests, one JSON object a line.
#[expect(clippy::disallowed_methods, reason = "a file that the person asked for")]
fn write(path: &str, log: &[impl Serialize]) -> Result<(), String> {
    let lines: Result<Vec<String>, _> = log.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|error| error.to_string())?;
    std::fs::write(path, lines.join("\n") + "\n").map_err(|error| format!("cannot write {path}: {error}"))
}
