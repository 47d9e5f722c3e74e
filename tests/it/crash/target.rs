//! A project on a server, and clients that migrate it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
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
        repair::{Mark, RepairOptions, repair},
        survey::PlanOptions,
    },
    event::{Event, EventSink},
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
        on_server(&project, 1, "RETAIL", DEPLOYER);
        let directory = camino::Utf8PathBuf::from_path_buf(project.root().to_owned()).unwrap();
        let inputs = Inputs {
            process: ProcessEnv::of([("HOME", directory.as_str()), ("SNOWFLAKE_PASSWORD", "correct horse")]),
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
        if world.queued {
            environment.lock.ttl = Duration::from_hours(1);
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

/// Nobody listens: what a run says of itself is no evidence.
struct Unheard;

impl EventSink for Unheard {
    fn emit(&mut self, _: &Event) {}
}

fn events(workspace: &Workspace) -> Stream {
    Stream::new(workspace.context.clone(), Box::new(Unheard))
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
            durations: [("very_slow", 400), ("slow", 200)]
                .map(|(part, time)| Takes { contains: part.to_owned(), time: Duration::from_secs(time) })
                .to_vec(),
            ..Settings::default()
        };
        let server = Server::here(settings, self.snapshot.as_ref()).unwrap();
        let queued = !self.modes.queue.is_zero();
        World { server, queued, clients: AtomicU64::new(self.clients) }
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
        let workspace = target.workspace(self, client.port());
        let options = MigrateOptions {
            plan: PlanOptions::default(),
            dry_run: false,
            create_history: true,
            lock_timeout: self.patience(),
            drain,
            interrupt: Interrupt::new(Cancel::Wait),
        };
        let mut confirm = |_: &Survey| Ok(());
        let stop = match migrate(&workspace, &options, &events(&workspace), &mut confirm).await {
            Ok(migrated) => migrated.stop,
            Err(stop) => Some(stop),
        };
        stop.map_or(Ended::Done, |stop| Ended::Stopped(Box::new(stop)))
    }

    /// How long to wait for another run.
    fn patience(&self) -> Duration {
        if self.queued { Duration::from_hours(4) } else { Duration::from_mins(10) }
    }

    /// Says of a statement what the server knows of it.
    pub(super) async fn mark(
        &self,
        target: &Target,
        script: &str,
        statement: usize,
        outcome: SettledOutcome,
    ) {
        let client = self.server.client().unwrap();
        let workspace = target.workspace(self, client.port());
        let options = RepairOptions {
            lock_timeout: self.patience(),
            adopt: false,
            mark: Some(Mark { script: script.to_owned(), statement, outcome }),
            interrupt: Interrupt::new(Cancel::Wait),
        };
        let repaired = repair(&workspace, &options, &events(&workspace)).await;
        repaired.unwrap_or_else(|stop| panic!("the way out that was named fails: {stop:#?}"));
    }
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
