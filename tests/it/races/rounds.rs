//! Rounds of several processes on one target, the winner of some killed at a random moment: each script is applied once
//! and in order, and every process that lives ends with 0 or 7.
//!
//! `SNOWOPS_TEST_SEED` repeats the rounds of a seed, `SNOWOPS_TEST_ROUNDS` makes more of them (`benches/soak`).

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use testkit::{Server, Settings};

use crate::{
    harness::{Project, Run},
    servers::{DEPLOYER, on_server},
};

const SCRIPTS: usize = 6;

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn scripts(project: &Project) {
    for n in 1..=SCRIPTS {
        project.write(&format!("migrations/V{n}__t{n}.sql"), &format!("CREATE TABLE t{n} (a NUMBER);\n"));
    }
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for all; of those that were not killed each must end with 0 or 7. Answers how many were killed.
fn ends(running: Vec<Child>, round: &str) -> usize {
    let runs = running.into_iter().map(|child| child.wait_with_output().unwrap());
    let mut killed = 0;
    for output in runs {
        match output.status.code() {
            None => killed += 1,
            Some(0 | 7) => {}
            Some(_) => panic!("{round}: {}", Run::of(&output).all()),
        }
    }
    killed
}

/// What a target is asked in a round.
trait Target: Send + Sync {
    fn command(&self) -> Command;
    /// Statements of scripts that were begun.
    fn begun(&self) -> usize;
    /// The process that holds the lease.
    fn holder(&self) -> Option<u32>;
    /// The scripts' statements that were carried out, in order.
    fn carried_out(&self) -> Vec<String>;
}

/// Plays a round and answers how many processes were killed.
fn play(target: &dyn Target, processes: usize, kill_after: Option<usize>, round: &str) -> usize {
    let running: Vec<Child> = (0..processes).map(|_| start(target.command())).collect();
    if let Some(after) = kill_after {
        let began = Instant::now();
        while target.begun() < after && began.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(1));
        }
        if let Some(pid) = target.holder().filter(|pid| running.iter().any(|child| child.id() == *pid)) {
            // One that has just ended is no failure of the test.
            drop(Command::new("kill").args(["-s", "KILL", &pid.to_string()]).stderr(Stdio::null()).status());
        }
    }
    let killed = ends(running, round);
    let run = Run::of(&target.command().output().unwrap());
    assert_eq!(run.code, 0, "{round}: {}", run.all());
    let wanted: Vec<String> = (1..=SCRIPTS).map(|n| format!("CREATE TABLE t{n} (a NUMBER)")).collect();
    assert_eq!(target.carried_out(), wanted, "{round}");
    let run = Run::of(&target.command().output().unwrap());
    let last: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &last["applied"]), (0, &Value::Array(vec![])), "{round}: {}", run.all());
    killed
}

/// Plays rounds of 2 and 8 processes, `together` at a time, and prints what came of them.
#[expect(clippy::print_stdout, reason = "the seed and the counts are for whoever runs the tests")]
fn rounds(name: &str, together: usize, new: impl Fn() -> Box<dyn Target> + Sync) {
    let seed = number("SNOWOPS_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let count = usize::try_from(number("SNOWOPS_TEST_ROUNDS").unwrap_or(20)).unwrap();
    let mut dice = Dice(seed);
    let plans: Vec<(usize, Option<usize>)> = (0..count)
        .map(|n| {
            let processes = if n % 4 == 3 { 8 } else { 2 };
            (processes, (dice.throw(2) == 1).then(|| dice.throw(SCRIPTS + 1)))
        })
        .collect();
    let mut killed = 0;
    for (at, chunk) in plans.chunks(together).enumerate() {
        killed += thread::scope(|scope| {
            let played: Vec<_> = chunk
                .iter()
                .enumerate()
                .map(|(n, (processes, kill_after))| {
                    let (at, new) = (at * together + n, &new);
                    let round = format!("{name}, seed {seed}, round {at}");
                    scope.spawn(move || play(&*new(), *processes, *kill_after, &round))
                })
                .collect();
            played.into_iter().map(|round| round.join().unwrap()).sum::<usize>()
        });
    }
    println!("{name}: seed {seed}, {count} rounds, {killed} winners killed");
    assert!(killed > 0, "no winner was killed in time: seed {seed} proves nothing");
}

struct OnServer {
    server: Server,
    project: Project,
}

impl Target for OnServer {
    fn command(&self) -> Command {
        let mut command =
            self.project.command(&["migrate", "--create-history", "--format", "json", "--env", "dev"]);
        command.env("SNOWFLAKE_PASSWORD", "correct horse");
        command
    }

    fn begun(&self) -> usize {
        self.server.world().statements.iter().filter(|ran| ran.text.starts_with("CREATE TABLE t")).count()
    }

    fn holder(&self) -> Option<u32> {
        let world = self.server.world();
        let row = world.rows("snowops_schema_history_lock").first()?;
        row["nonce"].as_ref()?;
        let holder: Value = serde_json::from_str(row["holder"].as_deref()?).ok()?;
        holder["pid"].as_u64()?.try_into().ok()
    }

    fn carried_out(&self) -> Vec<String> {
        let world = self.server.world();
        let done = world.statements.iter().filter(|ran| ran.status == "SUCCESS");
        done.map(|ran| ran.text.clone()).filter(|text| text.starts_with("CREATE TABLE t")).collect()
    }
}

#[test]
fn racing_processes_on_the_protocol_server() {
    rounds("protocol server", 4, || {
        let server = Server::start(Settings::default()).unwrap();
        let project = Project::with(&[]);
        on_server(&project, server.port(), "RETAIL", DEPLOYER);
        let file = project.read("snowops.yml");
        project.write("snowops.yml", &format!("lock: {{ ttl: 4s }}\n{file}"));
        scripts(&project);
        Box::new(OnServer { server, project })
    });
}

struct Embedded(Project);

impl Embedded {
    fn ask<T: rusqlite::types::FromSql>(&self, text: &str) -> Vec<T> {
        let path = self.0.path(".snowops/local.db");
        let Ok(file) =
            rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        else {
            return Vec::new();
        };
        let Ok(mut statement) = file.prepare(text) else { return Vec::new() };
        let rows = statement.query_map([], |row| row.get(0));
        rows.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
    }
}

impl Target for Embedded {
    fn command(&self) -> Command {
        self.0.command(&["migrate", "--format", "json"])
    }

    fn begun(&self) -> usize {
        self.carried_out().len()
    }

    fn holder(&self) -> Option<u32> {
        let text = "SELECT \"holder\" FROM \"LOCAL.SNOWOPS.snowops_schema_history_lock\" WHERE \"nonce\" IS NOT NULL";
        let holder: Value = serde_json::from_str(&self.ask::<String>(text).pop()?).ok()?;
        holder["pid"].as_u64()?.try_into().ok()
    }

    fn carried_out(&self) -> Vec<String> {
        self.ask(
            "SELECT \"text\" FROM \"snowops$tail\" WHERE \"text\" LIKE 'CREATE TABLE t%' ORDER BY \"seq\"",
        )
    }
}

#[test]
fn racing_processes_on_the_embedded_engine() {
    rounds("embedded engine", 2, || {
        let project = Project::with(&[]);
        scripts(&project);
        Box::new(Embedded(project))
    });
}
