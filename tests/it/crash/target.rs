//! A project on a server, and clients that migrate it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use snowops::{
    config::{self, Engine, Environment, Inputs, ProcessEnv, Surroundings},
    diagnostic::Code,
    engine::{
        Stop, Survey, Workspace,
        migrate::{MigrateOptions, migrate},
        repair::{Mark, RepairOptions, Repaired, repair},
        survey::PlanOptions,
    },
    event::{Event, EventSink, Fact},
    execute::{
        drain::DrainMode,
        emit::Stream,
        interrupt::{Cancel, Interrupt},
    },
    model::journal::SettledOutcome,
    session::{
        context::{Context, Ids},
        snowflake::Notices,
    },
};
use testkit::{Client, Modes, Point, Server, Settings, Snapshot, Takes, Time, View};
use uuid::Uuid;

use super::scenario::Scripts;
use crate::{
    harness::Project,
    servers::{DEPLOYER, on_server},
};

/// A project's folder, and its environment with a server whose port is not known yet.
pub(super) struct Target {
    project: Project,
    environment: Environment,
}

impl Target {
    pub(super) fn new(scripts: &Scripts) -> Self {
        let project = Project::with(scripts);
        let head = project.read("snowops.yml");
        project.write("snowops.yml", &format!("secrets: [LOADER_PASSWORD]\n{head}"));
        on_server(&project, 1, "RETAIL", DEPLOYER);
        let directory = camino::Utf8PathBuf::from_path_buf(project.root().to_owned()).unwrap();
        let inputs = Inputs {
            process: ProcessEnv::of([
                ("HOME", directory.as_str()),
                ("SNOWFLAKE_PASSWORD", PASSWORD),
                ("LOADER_PASSWORD", CANARY),
            ]),
            directory,
            config: None,
            environment: Some("dev".to_owned()),
            vars: Vec::new(),
            lock_timeout: None,
        };
        let environment = config::environment(&inputs).unwrap_or_else(|found| panic!("{found:#?}")).value;
        Self { project, environment }
    }

    fn workspace(&self, world: &World, port: u16) -> Workspace {
        assert!(self.project.root().exists());
        let mut environment = self.environment.clone();
        if let Engine::Snowflake { connection } = &mut environment.engine {
            connection.outcome.as_mut().unwrap().endpoint.port = port;
        }
        if let Some(ttl) = world.ttl() {
            environment.lock.ttl = ttl;
        }
        let client = world.clients.fetch_add(1, Ordering::SeqCst) + 1;
        Workspace {
            environments: BTreeSet::from([environment.name.clone()]),
            environment,
            context: Context {
                clock: Arc::new(world.server.clock().clone()),
                ids: Arc::new(Counted { client, next: AtomicU64::new(1) }),
            },
            surroundings: Surroundings { host: Some("tester".to_owned()), ..Surroundings::default() },
            notices: Notices::default(),
        }
    }
}

/// What a user of the server logs in with.
pub(super) const PASSWORD: &str = "correct horse";

/// A secret of the project, which may stand nowhere but in the body of the request that sends it.
pub(super) const CANARY: &str = "cnry-it-flies";

/// Ids that are the same in each repetition.
struct Counted {
    client: u64,
    next: AtomicU64,
}

impl Ids for Counted {
    fn next(&self) -> Uuid {
        Uuid::from_u64_pair(self.client, self.next.fetch_add(1, Ordering::SeqCst))
    }
}

/// A server, and how many clients it had.
pub(super) struct World {
    pub(super) server: Server,
    /// Every statement waits for a warehouse, longer than a keeper's of an ordinary lease may.
    queued: bool,
    clients: AtomicU64,
    /// Another `lock.ttl` than usual, in seconds.
    ttl: AtomicU64,
    /// What its clients said.
    said: Arc<Mutex<Said>>,
}

/// What clients said.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Events, as machines read them.
    pub(super) events: Vec<String>,
    /// Statements that were reported as done: their ids at the server.
    pub(super) done: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was killed: nothing more of it happens.
    Killed,
    /// It said that all is done.
    Done,
    /// It stopped, and said why.
    Stopped(Box<Stop>),
}

/// A run.
pub(super) struct Ran {
    pub(super) ended: Ended,
    /// Requests that it sent, bookkeeping included.
    pub(super) calls: usize,
}

/// What a run says of itself is no evidence; but it must not say what is wrong.
struct Heard(Arc<Mutex<Said>>);

impl EventSink for Heard {
    fn emit(&mut self, event: &Event) {
        let mut said = self.0.lock().unwrap();
        said.events.push(serde_json::to_string(event).unwrap());
        if let Fact::StatementFinished { query_id: Some(id), .. } = &event.fact {
            said.done.push(id.clone());
        }
    }
}

/// Where a server begins: its modes, and what is on it.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) modes: Modes,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) clients: u64,
}

impl Start {
    /// An empty account.
    pub(super) fn empty(modes: Modes) -> Self {
        Self { modes, snapshot: None, clients: 0 }
    }

    pub(super) fn world(&self) -> World {
        let kept = Settings::default().kept_tables.into_iter().chain(["KEPT".to_owned()]);
        let settings = Settings {
            time: Time::Together,
            modes: self.modes.clone(),
            kept_tables: kept.collect(),
            durations: [("very_slow", 400), ("slow", 200), ("glacial", 3 * 3600)]
                .map(|(part, time)| Takes { contains: part.to_owned(), time: Duration::from_secs(time) })
                .to_vec(),
            ..Settings::default()
        };
        let server = Server::here(settings, self.snapshot.as_ref()).unwrap();
        let queued = !self.modes.queue.is_zero();
        World {
            server,
            queued,
            clients: AtomicU64::new(self.clients),
            ttl: AtomicU64::default(),
            said: Arc::default(),
        }
    }
}

impl World {
    /// What is on it, for other worlds to begin with.
    pub(super) fn start(&self, modes: Modes) -> Start {
        Start { modes, snapshot: Some(self.server.snapshot()), clients: self.clients.load(Ordering::SeqCst) }
    }

    pub(super) fn view(&self) -> View {
        self.server.world()
    }

    /// Clients so far.
    pub(super) fn clients(&self) -> u64 {
        self.clients.load(Ordering::SeqCst)
    }

    /// What its clients have said so far.
    pub(super) fn said(&self) -> Said {
        self.said.lock().unwrap().clone()
    }

    /// Gives the runs from now on another `lock.ttl`.
    pub(super) fn set_ttl(&self, ttl: Duration) {
        self.ttl.store(ttl.as_secs(), Ordering::SeqCst);
    }

    /// With a queue a keeper's statements, which live for a fifth of the lease at most, need a longer one.
    fn ttl(&self) -> Option<Duration> {
        match self.ttl.load(Ordering::SeqCst) {
            0 => self.queued.then_some(Duration::from_mins(20)),
            seconds => Some(Duration::from_secs(seconds)),
        }
    }

    fn events(&self, workspace: &Workspace) -> Stream {
        Stream::new(workspace.context.clone(), Box::new(Heard(Arc::clone(&self.said))))
    }

    /// Migrates; killed at that point of that call.
    pub(super) async fn migrate(
        &self,
        target: &Target,
        drain: DrainMode,
        kill: Option<(usize, Point)>,
    ) -> Ran {
        let client = self.server.client().unwrap();
        if let Some((call, point)) = kill {
            client.stop_at(call, point);
        }
        let ended = tokio::select! {
            biased;
            () = client.stopped() => Ended::Killed,
            ended = self.run(target, drain, &client) => ended,
        };
        Ran { ended, calls: client.calls() }
    }

    /// Migrates through a client.
    pub(super) async fn run(&self, target: &Target, drain: DrainMode, client: &Client) -> Ended {
        self.run_with(target, drain, client, PlanOptions::default()).await
    }

    /// Migrates as far and in the way that is asked for.
    pub(super) async fn run_with(
        &self,
        target: &Target,
        drain: DrainMode,
        client: &Client,
        plan: PlanOptions,
    ) -> Ended {
        let workspace = target.workspace(self, client.port());
        let options = MigrateOptions {
            plan,
            dry_run: false,
            create_history: true,
            lock_timeout: self.patience(),
            drain,
            interrupt: Interrupt::new(Cancel::Wait),
            fail_on: Vec::new(),
        };
        let mut confirm = |_: &Survey| Ok(());
        let events = self.events(&workspace);
        let stop = match Box::pin(migrate(&workspace, &options, &events, &mut confirm)).await {
            Ok(migrated) => migrated.stop,
            Err(stop) => Some(stop),
        };
        stop.map_or(Ended::Done, |stop| Ended::Stopped(Box::new(stop)))
    }

    /// How long to wait for another run.
    fn patience(&self) -> Duration {
        if self.ttl().is_some() { Duration::from_hours(4) } else { Duration::from_mins(10) }
    }

    /// Says of a statement what the server knows of it.
    pub(super) async fn mark(
        &self,
        target: &Target,
        script: &str,
        statement: usize,
        outcome: SettledOutcome,
    ) {
        let marked = self.try_mark(target, script, statement, outcome).await;
        marked.unwrap_or_else(|stop| panic!("the way out that was named fails: {stop:#?}"));
    }

    /// Says something of a statement.
    pub(super) async fn try_mark(
        &self,
        target: &Target,
        script: &str,
        statement: usize,
        outcome: SettledOutcome,
    ) -> Result<Repaired, Stop> {
        let client = self.server.client().unwrap();
        let workspace = target.workspace(self, client.port());
        let options = RepairOptions {
            lock_timeout: self.patience(),
            adopt: false,
            mark: Some(Mark { script: script.to_owned(), statement, outcome }),
            interrupt: Interrupt::new(Cancel::Wait),
        };
        repair(&workspace, &options, &self.events(&workspace)).await
    }
}

/// The statement of which a person may say that it is over, if a hint names that way.
pub(super) fn over(hint: &str) -> Option<(String, usize)> {
    let (script, rest) = hint.split_once("repair --script ")?.1.split_once(" --statement ")?;
    let (statement, rest) = rest.split_once(' ')?;
    rest.starts_with("--mark-not-done`, and it is sent again")
        .then(|| Some((script.to_owned(), statement.parse().ok()?)))?
}

/// The statement that a stop says nobody can tell of, if the stop names the way out.
pub(super) fn to_mark(stop: &Stop) -> Option<(String, usize)> {
    let hint = stop.finding.hint.as_deref().filter(|_| stop.finding.code == Code::UnknownOutcome)?;
    let rest = hint.split_once("repair --script ")?.1;
    let (script, rest) = rest.split_once(" --statement ")?;
    let (statement, rest) = rest.split_once(' ')?;
    (rest.contains("--mark-done") && rest.contains("--mark-not-done"))
        .then(|| Some((script.to_owned(), statement.parse().ok()?)))?
}
