//! How many requests a command sends: by the formula of `docs/performance.md`, and by what the server counted.

use std::fmt::Write as _;

use testkit::{Endpoint, Entry, Server, Settings};

use crate::{
    harness::{Project, Run},
    servers::{DEPLOYER, on_server},
};

/// Login, history, journal, logout: a migrate with nothing to do, and every command that only reads.
const READING: usize = 4;

/// The formula of a migrate that takes the lease.
#[derive(Clone, Debug, Default)]
pub(crate) struct Working {
    /// The questions whether a history schema that is there holds something: only where the history is not.
    pub(crate) asked: usize,
    /// CREATEs of the ledger, and its first row.
    pub(crate) creates: usize,
    /// Looks at a lease that another run holds.
    pub(crate) waits: usize,
    /// What is done about runs that were cut off.
    pub(crate) takeover: Option<Takeover>,
    /// What there is to do; nothing if another run did it meanwhile.
    pub(crate) scripts: Vec<Script>,
    /// Heartbeats.
    pub(crate) beats: usize,
    /// Questions for the answer to a statement that the server went on with.
    pub(crate) polls: usize,
}

/// What is done about runs that were cut off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takeover {
    /// Looks at their sessions in the query history.
    pub(crate) looks: usize,
    /// Questions about a statement whose outcome is not known.
    pub(crate) settled: usize,
    /// Failed rows in the history, one a script that was left half applied.
    pub(crate) failed: usize,
    /// `end` rows.
    pub(crate) ended: usize,
}

/// One script's part of the formula.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// N: its statements, as far as they are sent.
    pub(crate) statements: usize,
    /// J: boundaries that touch a statement which must not be repeated.
    pub(crate) boundaries: usize,
    /// C: statements that put the session back after it.
    pub(crate) context: usize,
    /// Its own role and warehouse, taken before its first statement.
    pub(crate) own: usize,
    /// What an earlier attempt did to its session, done again.
    pub(crate) replays: usize,
    /// The question whether a transaction is open, of a script with its own BEGIN or an opaque body; and a ROLLBACK if
    /// one is.
    pub(crate) asks: usize,
    /// Fresh sessions after it, where no statement takes back what it left: login, logout, a row in the journal.
    pub(crate) fresh: usize,
    /// Its end.
    pub(crate) mark: Mark,
}

/// How a script ends in the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// One row: in the history, or in the journal of `A__` and callbacks.
    Done,
    /// The `failed` row, and the history's.
    Failed,
    /// The `failed` row; the history has one of an earlier failure.
    FailedAgain,
}

impl Script {
    pub(crate) const fn of(statements: usize, boundaries: usize) -> Self {
        Self { statements, boundaries, context: 0, own: 0, replays: 0, asks: 0, fresh: 0, mark: Mark::Done }
    }

    const fn requests(&self) -> usize {
        let mark = match self.mark {
            Mark::Done | Mark::FailedAgain => 1,
            Mark::Failed => 2,
        };
        let session = self.own + self.replays + self.asks + self.context + 3 * self.fresh;
        self.statements + self.boundaries + mark + session
    }
}

impl Takeover {
    const fn requests(&self) -> usize {
        // The ledger is read anew in a session of its own.
        self.looks + self.settled + self.failed + self.ended + READING
    }
}

impl Working {
    /// A run that finds its ledger and nobody in its way.
    pub(crate) fn with(scripts: impl Into<Vec<Script>>) -> Self {
        Self { scripts: scripts.into(), ..Self::default() }
    }

    /// A run on a target without a history schema: the schema, three tables, the first layout row.
    pub(crate) fn first(scripts: impl Into<Vec<Script>>) -> Self {
        Self { creates: 5, ..Self::with(scripts) }
    }

    pub(crate) fn requests(&self) -> usize {
        let (logins, acquire, release, logouts) = (2, 4, 1, 2);
        // History, journal, database identity, lock row; then lock row, history, journal on the work session.
        let reads = 4 + 3;
        let run = match self.scripts.len() {
            0 => 0,
            // Rows of the run and its scripts, 200 an insert, and the `end` row.
            scripts => (1 + scripts).div_ceil(200) + 1,
        };
        let scripts: usize = self.scripts.iter().map(Script::requests).sum();
        let takeover = self.takeover.as_ref().map_or(0, Takeover::requests);
        logins
            + reads
            + self.asked
            + self.creates
            + self.waits
            + acquire
            + takeover
            + run
            + scripts
            + release
            + logouts
            + self.beats
            + self.polls
    }

    /// Requests before the first statement of the first script.
    pub(crate) fn before_statements(&self) -> usize {
        let before = Self { scripts: Vec::new(), beats: 0, polls: 0, ..self.clone() };
        let (release, logouts) = (1, 2);
        before.requests() - release - logouts + (1 + self.scripts.len()).div_ceil(200)
    }
}

/// Requests, one a line.
pub(crate) fn listed(log: &[Entry]) -> String {
    let mut lines = String::new();
    for (entry, number) in log.iter().zip(1..) {
        let text: String = entry.text().unwrap_or_default().chars().take(120).collect();
        let _ = writeln!(lines, "{number} {:?} {text}", entry.endpoint);
    }
    lines
}

/// A project and its server, which counts.
struct Bench {
    project: Project,
    server: Server,
    seen: usize,
    /// What is not as the formula says.
    wrong: String,
}

impl Bench {
    fn new(scripts: &[(&str, &str)]) -> Self {
        let server = Server::start(Settings::default()).unwrap();
        let project = Project::with(scripts);
        on_server(&project, server.port(), "RETAIL", DEPLOYER);
        Self { project, server, seen: 0, wrong: String::new() }
    }

    /// One that has migrated once.
    fn used() -> Self {
        let mut bench = Self::new(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\n")]);
        bench.sends(
            "first run",
            &["migrate", "--create-history"],
            0,
            Working::first([Script::of(1, 0)]).requests(),
        );
        bench
    }

    fn script(&self, name: &str, text: &str) {
        self.project.write(&format!("migrations/{name}"), text);
    }

    #[expect(clippy::print_stdout, reason = "the figures are for whoever runs the tests")]
    fn sends(&mut self, what: &str, arguments: &[&str], code: i32, wanted: usize) {
        let mut command = self.project.command(arguments);
        let output =
            command.args(["--env", "dev"]).env("SNOWFLAKE_PASSWORD", "correct horse").output().unwrap();
        let run = Run::of(&output);
        assert_eq!(run.code, code, "{what}: {}", run.all());
        let log = self.server.log();
        let counts = self.server.counts();
        let sent = counts.total - self.seen;
        println!("requests: {what}: {sent}");
        if sent != wanted {
            let sent = listed(&log[log.len() - sent..]);
            let _ = writeln!(self.wrong, "{what}: not {wanted} requests as by the formula:\n{sent}");
        }
        self.seen = counts.total;
    }

    fn migrates(&mut self, what: &str, scripts: &[Script]) {
        self.sends(what, &["migrate"], 0, Working::with(scripts).requests());
    }

    /// All is as the formula says, and each session was closed.
    fn end(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong);
        let times = |endpoint| self.server.log().iter().filter(|entry| entry.endpoint == endpoint).count();
        assert_eq!(times(Endpoint::Login), times(Endpoint::Logout), "a session was left open");
    }
}

const ONE: Script = Script::of(1, 0);

#[test]
fn a_first_run_adds_what_makes_the_ledger() {
    let mut bench = Bench::used();
    bench.sends("a run with nothing to do", &["migrate"], 0, READING);
    bench.end();
    // A schema that is there is looked into first.
    let mut bench = Bench::new(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\n")]);
    let settings = bench.project.read("snowops.yml");
    bench.project.write("snowops.yml", &format!("history: {{ schema: PUBLIC }}\n{settings}"));
    let wanted = Working { asked: 1, creates: 4, ..Working::with([ONE]) };
    bench.sends("first run, empty schema", &["migrate", "--create-history"], 0, wanted.requests());
    bench.end();
}

#[test]
fn commands_that_only_read_send_four_requests() {
    let mut bench = Bench::used();
    bench.script("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;\n");
    bench.migrates("a repeatable", &[ONE]);
    for command in [["info"].as_slice(), &["plan"], &["validate"], &["migrate"]] {
        bench.sends(&format!("{command:?}, nothing to do"), command, 0, READING);
    }
    bench.script("V2__next.sql", "CREATE TABLE next (x NUMBER);\n");
    for (command, code) in [
        (["info"].as_slice(), 0),
        (&["plan"], 0),
        (&["plan", "--exit-code"], 10),
        (&["validate"], 0),
        (&["validate", "--pending"], 4),
        (&["migrate", "--dry-run"], 0),
    ] {
        bench.sends(&format!("{command:?}, something to do"), command, code, READING);
    }
    bench.migrates("unchanged repeatables beside a new script", &[ONE]);
    bench.end();
}

#[test]
fn statements_and_boundaries_are_counted_as_the_formula_says() {
    let mut bench = Bench::used();
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    // Idempotent ones need no row between them; of others each but the first has one.
    bench.script("V2__views.sql", &lines(5, &|n| format!("CREATE OR REPLACE VIEW v{n} AS SELECT 1 AS x;\n")));
    bench.migrates("a script of five idempotent statements", &[Script::of(5, 0)]);
    bench.script("V3__tables.sql", &lines(5, &|n| format!("CREATE TABLE w{n} (x NUMBER);\n")));
    bench.migrates("a script of five that are not", &[Script::of(5, 4)]);
    bench.script(
        "V4__mixed.sql",
        "CREATE OR REPLACE VIEW m AS SELECT 1 AS x;\nCREATE TABLE m1 (x NUMBER);\nSELECT 1;\nCOMMENT ON TABLE m1 IS 'm';\n",
    );
    bench.migrates("reads make no boundary", &[Script::of(4, 2)]);
    bench.script("V5__rows.sql", "BEGIN;\nINSERT INTO first VALUES (1);\nCOMMIT;\n");
    bench.migrates("a transaction", &[Script { asks: 1, ..Script::of(3, 0) }]);
    bench.script("V6__block.sql", "BEGIN\n  CREATE TABLE inside (x NUMBER);\nEND;\n");
    bench.migrates("an opaque body", &[Script { asks: 1, ..ONE }]);
    bench.end();
}

#[test]
fn always_scripts_and_callbacks_are_scripts() {
    let mut bench = Bench::used();
    bench.script("A__grants.sql", "GRANT SELECT ON TABLE first TO ROLE deployer;\n");
    bench.migrates("a new A__", &[ONE]);
    bench.migrates("the same again", &[ONE]);
    bench.script("beforeMigrate.sql", "INSERT INTO first VALUES (0);\n");
    bench.migrates("a callback before it", &[ONE, ONE]);
    bench.end();
}

#[test]
fn what_a_script_does_to_its_session_is_put_back_for_the_next() {
    let mut bench = Bench::used();
    bench.script("V2.1__schema.sql", "CREATE SCHEMA s;\n");
    bench.script("V2.2__next.sql", &table(1));
    bench.migrates("a schema is one statement", &[Script { context: 1, ..ONE }, ONE]);
    bench.script("V3.1__database.sql", "CREATE DATABASE d;\n");
    bench.script("V3.2__next.sql", &table(2));
    bench.migrates("a database too", &[Script { context: 1, ..ONE }, ONE]);
    bench.script(
        "V4.1__all.sql",
        "CREATE WAREHOUSE w;\nUSE ROLE sysadmin;\nUSE DATABASE d;\nUSE SCHEMA retail.s;\n",
    );
    bench.script("V4.2__next.sql", &table(3));
    bench.migrates("role, warehouse and schema are three", &[Script { context: 3, ..Script::of(4, 0) }, ONE]);
    bench.script("V5.1__own.sql", "-- snowops: role=SYSADMIN warehouse=W\nCREATE TABLE own (x NUMBER);\n");
    bench.script("V5.2__next.sql", &table(4));
    bench.migrates("a script's own role and warehouse", &[Script { own: 2, context: 2, ..ONE }, ONE]);
    bench.script("V6.1__set.sql", "SET v = 1;\nCREATE TABLE named (x NUMBER);\n");
    bench.script("V6.2__next.sql", &table(5));
    bench.migrates("a variable leaves its session behind", &[Script { fresh: 1, ..Script::of(2, 0) }, ONE]);
    bench.script("V7__last.sql", "SET v = 1;\nUSE SCHEMA s;\nUSE ROLE sysadmin;\n");
    bench.migrates("nothing follows the last script", &[Script::of(3, 0)]);
    bench.end();
}

#[test]
fn a_failure_is_two_rows_and_the_script_goes_on_behind_what_is_done() {
    let mut bench = Bench::used();
    bench.script(
        "V2__broken.sql",
        "CREATE TABLE a (x NUMBER);\nDROP TABLE nowhere;\nCREATE TABLE b (x NUMBER);\n",
    );
    bench.script("V3__after.sql", "CREATE TABLE c (x NUMBER);\n");
    // All scripts are written down; of those after it nothing more.
    let broken = Script { mark: Mark::Failed, ..Script::of(2, 1) };
    bench.sends("a failure", &["migrate"], 5, Working::with([broken]).requests());
    bench.script("V2__broken.sql", "CREATE TABLE a (x NUMBER);\nDROP TABLE a;\nCREATE TABLE b (x NUMBER);\n");
    bench.migrates("its resume", &[Script::of(2, 1), ONE]);
    bench.script("V4__state.sql", "CREATE SCHEMA s;\nSET v = 1;\nDROP TABLE nowhere;\n");
    let broken = Script { mark: Mark::Failed, ..Script::of(3, 1) };
    bench.sends("a failure behind session state", &["migrate"], 5, Working::with([broken]).requests());
    bench.script("V4__state.sql", "CREATE SCHEMA s;\nSET v = 1;\nDROP TABLE retail.public.c;\n");
    bench.migrates("its resume, with schema and variable", &[Script { replays: 2, ..ONE }]);
    bench.script("V5__open.sql", "BEGIN;\nINSERT INTO first VALUES (1);\n");
    let open = Script { asks: 2, mark: Mark::Failed, ..Script::of(2, 0) };
    bench.sends("a transaction left open", &["migrate"], 5, Working::with([open]).requests());
    bench.end();
}

#[test]
fn rows_of_scripts_go_two_hundred_an_insert() {
    for (scripts, inserts) in [(199, 1), (201, 2)] {
        let mut bench = Bench::used();
        for n in 0..scripts {
            bench.script(&format!("V2.{n}__t.sql"), &table(n));
        }
        let run = Working::with(vec![ONE; scripts]);
        assert_eq!(run.requests(), 2 + 7 + 4 + inserts + 2 * scripts + 1 + 1 + 2);
        bench.migrates(&format!("{scripts} scripts of one statement"), &run.scripts);
        bench.end();
    }
}

/// `CREATE TABLE` with a number.
fn table(n: usize) -> String {
    format!("CREATE TABLE t{n} (x NUMBER);\n")
}
