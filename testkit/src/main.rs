//! Serves until it is stopped: `cargo run -p testkit -- --port 8085`.

use std::process::ExitCode;

use testkit::{Server, Settings};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]
async fn main() -> ExitCode {
    let mut settings = Settings::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let port = (argument == "--port").then(|| arguments.next()?.parse().ok()).flatten();
        let Some(port) = port else {
            eprintln!("usage: testkit [--port N]");
            return ExitCode::from(2);
        };
        settings.port = port;
    }
    let server = match Server::start(settings) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("cannot listen: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", server.url());
    println!("account TESTKIT, user SNOWOPS, password 'correct horse', database RETAIL; Ctrl-C stops");
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("cannot wait for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    let counts = server.counts();
    println!("\n{} requests", counts.total);
    for (endpoint, count) in counts.by_endpoint {
        println!("{count:7} {endpoint:?}");
    }
    ExitCode::SUCCESS
}
