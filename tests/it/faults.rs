//! The real binary against the protocol server, with faults on the way. A test's name begins with the numbers of the
//! faults that it is about; each shows what a person reads, what stands in the ledger, how often each statement ran, and
//! that what the message says to do finishes the job.

mod answers;
mod around;
mod arrival;
mod context;
mod lease;
mod login;
mod secrets;
mod waits;

use std::fs;

use serde_json::Value;
use testkit::{Cut, Endpoint, Entry, Fault, Row, Server, Settings, What, When};

use crate::harness::{Project, Run};

/// Three statements, none of which bears being repeated.
const SCRIPT: (&str, &str) =
    ("V1__abc.sql", "CREATE TABLE a (x NUMBER);\nCREATE TABLE b (x NUMBER);\nCREATE TABLE c (x NUMBER);\n");
const A: &str = "CREATE TABLE a (x NUMBER)";
const B: &str = "CREATE TABLE b (x NUMBER)";
const C: &str = "CREATE TABLE c (x NUMBER)";

/// The beginning of a bookkeeping statement: a row of the history.
const HISTORY_ROW: &str = r#"("installed_rank", "version""#;
/// A beat.
const BEAT: &str = r#"SET "expires" = DATEADD"#;

/// A project and the server that its environment `dev` is on.
struct Stand {
    server: Server,
    project: Project,
}

impl Stand {
    /// [`SCRIPT`] on a server with these settings.
    fn new(settings: Settings) -> Self {
        Self::with(settings, &[SCRIPT])
    }

    fn with(settings: Settings, scripts: &[(&str, &str)]) -> Self {
        let (server, project) = (Server::start(settings).unwrap(), Project::with(scripts));
        let stand = Self { server, project };
        stand.configure("", "");
        stand
    }

    /// With a lease of a few seconds: what a run that was cut off may have sent is over, and told of, half as long after.
    fn with_short_lease(self) -> Self {
        self.configure(&lease(6), "");
        self
    }

    /// Writes the configuration: `top` are further lines of it, `inline` further keys of the connection.
    fn configure(&self, top: &str, inline: &str) {
        let (port, protocol) = (self.server.port(), self.server.url());
        let protocol = protocol.split(':').next().unwrap();
        self.project.write(
            "snowops.yml",
            &format!(
                "project: test\n{top}environments:\n  dev:\n    connection: {{ account: testkit, user: snowops, host: 127.0.0.1, \
                 port: {port}, protocol: {protocol}{inline} }}\n    database: RETAIL\n    schema: PUBLIC\n    role: DEPLOYER\n    \
                 warehouse: DEPLOY_XS\n"
            ),
        );
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = self.project.command(arguments);
        command.args(["--env", "dev"]).env("SNOWFLAKE_PASSWORD", "correct horse");
        Run::of(&command.envs(variables.iter().copied()).output().unwrap())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// `migrate`, its events in a file.
    fn migrate(&self) -> Run {
        self.run(&["migrate", "--create-history", "--events", "events.jsonl"])
    }

    /// A `migrate` that must end like this, with these words on stderr.
    #[track_caller]
    fn migrates(&self, code: i32, words: &[&str]) -> Run {
        let run = self.migrate();
        says(&run, code, words);
        run
    }

    /// Events of the last [`Stand::migrate`] of that kind.
    fn events(&self, kind: &str) -> Vec<Value> {
        let text = self.project.read("events.jsonl");
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["event"] == kind).collect()
    }

    /// What the last [`Stand::migrate`] waited for.
    fn waits(&self) -> Vec<String> {
        self.events("waiting").iter().map(|event| event["what"].as_str().unwrap().to_owned()).collect()
    }

    /// How often a statement was carried out.
    fn ran(&self, text: &str) -> usize {
        self.server
            .world()
            .statements
            .iter()
            .filter(|ran| ran.text == text && ran.status == "SUCCESS")
            .count()
    }

    /// Requests with a text that holds this.
    fn sent(&self, part: &str) -> Vec<Entry> {
        let log = self.server.log();
        log.into_iter().filter(|entry| entry.text().is_some_and(|text| text.contains(part))).collect()
    }

    fn asked(&self, endpoint: Endpoint) -> usize {
        self.server.log().iter().filter(|entry| entry.endpoint == endpoint).count()
    }

    /// Scripts of the history, each with whether it succeeded.
    fn history(&self) -> Vec<(String, bool)> {
        let cell = |row: &Row, column: &str| row[column].clone().unwrap_or_default();
        let world = self.server.world();
        world
            .rows("snowops_schema_history")
            .iter()
            .map(|row| (cell(row, "script"), cell(row, "success") == "true"))
            .collect()
    }

    /// Bodies of the journal's rows of a kind.
    fn journal(&self, kind: &str) -> Vec<Value> {
        let world = self.server.world();
        let rows = world.rows("snowops_schema_history_journal").iter();
        rows.filter(|row| row["kind"].as_deref() == Some(kind))
            .map(|row| serde_json::from_str(row["body"].as_deref().unwrap()).unwrap())
            .collect()
    }

    /// [`SCRIPT`] failed at its second statement, and says so in history and journal.
    #[track_caller]
    fn failed_at_the_second(&self, code: Option<&str>) {
        assert_eq!(self.history(), [("V1__abc.sql".to_owned(), false)]);
        let failed = self.journal("failed").pop().unwrap();
        assert_eq!((failed["ordinal"].as_u64(), failed["code"].as_str()), (Some(2), code), "{failed}");
        assert_eq!(self.journal("end").last().unwrap()["outcome"], "failed");
        assert_eq!([self.ran(A), self.ran(B), self.ran(C)], [1, 0, 0]);
    }

    /// Another `migrate` finishes: each statement of [`SCRIPT`] was carried out once, the history says that all is done,
    /// no session is left, and nothing is left to do.
    #[track_caller]
    fn finishes(&self) {
        self.migrates(0, &[]);
        self.is_finished();
    }

    #[track_caller]
    fn is_finished(&self) {
        assert_eq!([self.ran(A), self.ran(B), self.ran(C)], [1, 1, 1]);
        assert_eq!(self.history(), [("V1__abc.sql".to_owned(), true)]);
        assert_eq!(self.server.faults(), [], "a fault that did not happen");
        says(&self.run(&["plan", "--exit-code"]), 0, &[]);
        says(&self.run(&["validate"]), 0, &[]);
    }
}

/// Asserts an exit code and what a person reads.
#[track_caller]
fn says(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.all());
    // Lines are broken where they are; what is looked for may go on in the next one.
    let flat = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in words {
        assert!(flat.contains(words), "does not say: {words}\n{}", run.all());
    }
}

/// A fault at the first statement that holds this text.
fn at(text: &str, what: What) -> Fault {
    Fault { when: When { endpoint: Some(Endpoint::Query), text: Some(text.into()), ..When::default() }, what }
}

/// A fault at the first request of a kind.
fn on(endpoint: Endpoint, what: What) -> Fault {
    Fault { when: When { endpoint: Some(endpoint), ..When::default() }, what }
}

fn with(faults: Vec<Fault>) -> Settings {
    Settings { faults, ..Settings::default() }
}

fn refused(code: &str, message: &str) -> What {
    What::Refused { code: code.into(), message: message.into(), applied: false }
}

fn status(status: u16, applied: bool) -> What {
    What::Status { status, retry_after: None, applied }
}

fn busy(seconds: u64) -> What {
    What::Status { status: 429, retry_after: Some(seconds), applied: false }
}

/// Settings with a shorter lease, for what happens in its rhythm.
fn lease(seconds: u64) -> String {
    format!("lock: {{ ttl: {seconds}s }}\n")
}

/// Rewrites a file of the project.
fn mend(project: &Project, script: &str, from: &str, to: &str) {
    let path = project.path(&format!("migrations/{script}"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}
