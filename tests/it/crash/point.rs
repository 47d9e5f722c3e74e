//! One crash: a run that is killed, what follows, and what must be true then.

use std::{
    collections::BTreeSet,
    ops::AddAssign,
    time::{Duration, Instant},
};

use snowops::{
    diagnostic::Code,
    engine::Stop,
    execute::drain::DrainMode,
    model::{checksum::Sha256, journal::SettledOutcome},
};
use testkit::{Modes, Point, View};

use super::{
    oracle::{self, Outcome},
    scenario::Scenario,
    target::{Ended, Start, Target, World, to_mark},
};

/// Runs after a kill until all is done, at most.
const RUNS: usize = 3;

/// A scenario, ready to be crashed: the world before, its projects, and how it ends undisturbed.
pub(super) struct Stage<'s> {
    scenario: &'s Scenario,
    target: Target,
    mended: Option<Target>,
    start: Start,
    undisturbed: Outcome,
    /// Requests of the undisturbed run.
    pub(super) calls: usize,
}

/// When the first of two runs goes on after the point at which the second starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    AtOnce,
    /// After this time.
    After(Duration),
    /// When the second has ended.
    Last,
    /// When the second has ended; before that what the first had sent has not arrived.
    Stuck,
}

/// What was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) points: usize,
    /// Runs after the killed ones.
    pub(super) runs: usize,
    /// Runs that stopped because nobody could tell.
    pub(super) unknown: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.points += more.points;
        self.runs += more.runs;
        self.unknown += more.unknown;
    }
}

impl Tally {
    /// In words, for whoever runs the tests.
    #[expect(clippy::print_stdout, reason = "the counts are for whoever runs the tests")]
    pub(super) fn print(self, what: &str, began: Instant) {
        let Self { points, runs, unknown } = self;
        let elapsed = began.elapsed().as_millis();
        println!("crash: {what}: {points} points, {runs} runs after, {unknown} unknown, {elapsed} ms");
    }
}

/// Runs work on one thread.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl<'s> Stage<'s> {
    /// Runs it undisturbed.
    pub(super) fn new(scenario: &'s Scenario, modes: &Modes) -> Self {
        block_on(async {
            let empty = Start::empty(modes.clone());
            let start = if scenario.before.is_empty() {
                empty
            } else {
                let world = empty.world();
                let ran = world.migrate(&Target::new(scenario.before), DrainMode::Wait, None).await;
                assert!(matches!(ran.ended, Ended::Done), "{}: {:#?}", scenario.name, ran.ended);
                world.start(modes.clone())
            };
            let target = Target::new(&scenario.project(&[scenario.scripts]));
            let mended =
                scenario.mended.map(|scripts| Target::new(&scenario.project(&[scenario.scripts, scripts])));
            let world = start.world();
            let first = world.migrate(&target, DrainMode::Wait, None).await;
            match (&first.ended, &mended) {
                (Ended::Done, None) => {}
                (Ended::Stopped(stop), Some(mended)) if stop.finding.code == Code::StatementFailed => {
                    let second = world.migrate(mended, DrainMode::Wait, None).await;
                    assert!(matches!(second.ended, Ended::Done), "{}: {:#?}", scenario.name, second.ended);
                }
                (ended, _) => panic!("{}: {ended:#?}", scenario.name),
            }
            let view = world.view();
            let wrong: Vec<_> =
                oracle::always(&view).into_iter().chain(oracle::settled(&view, &BTreeSet::new())).collect();
            assert!(wrong.is_empty(), "{}, undisturbed: {wrong:#?}", scenario.name);
            assert!(view.sessions.is_empty(), "{}: sessions are left open", scenario.name);
            let undisturbed = Outcome::of(&view);
            Self { scenario, target, mended, start, undisturbed, calls: first.calls }
        })
    }

    /// The five points of each call.
    pub(super) fn points(&self) -> impl Iterator<Item = (usize, Point)> {
        (1..=self.calls).flat_map(|call| Point::ALL.map(|point| (call, point)))
    }

    /// Kills the run at a point, and the runs after it at those that follow; then goes on until all is done. A world that
    /// is as one after another kill was goes on as that one did, and is not tried again.
    pub(super) fn crash(&self, kills: &[(usize, Point)], seen: &mut BTreeSet<String>) -> Tally {
        block_on(async {
            let world = self.start.world();
            let (left, tally) = (BTreeSet::new(), Tally::default());
            let mut after = After { stage: self, world: &world, kills, left, tally, target: &self.target };
            after.kill().await;
            let state = format!("{:?} {}", after.is_mended(), oracle::state(&world.view()));
            if seen.insert(Sha256::of(state.as_bytes()).to_string()) {
                after.finish().await;
            }
            after.tally
        })
    }

    /// The calls with a statement that holds this text, of the run that comes after kills and ends undisturbed.
    pub(super) fn calls_with(&self, text: &str, kills: &[(usize, Point)]) -> Vec<usize> {
        block_on(async {
            let world = self.start.world();
            for kill in kills {
                world.migrate(&self.target, DrainMode::Wait, Some(*kill)).await;
            }
            let ran = world.migrate(&self.target, DrainMode::Wait, None).await;
            let log = world.server.log();
            // What ran before is in it, too.
            let log = log[log.len() - ran.calls..].iter().zip(1..);
            let calls = log.filter(|(entry, _)| entry.text().is_some_and(|sent| sent.contains(text)));
            let calls: Vec<usize> = calls.map(|(_, call)| call).collect();
            assert!(!calls.is_empty(), "{}: never sent: {text}", self.scenario.name);
            calls
        })
    }

    /// A second run starts when the first is at a point. Until the first wakes it does nothing more; what it had sent is
    /// carried out, and its answer waits. Answers how the first ended, too.
    pub(super) fn race(&self, (call, point): (usize, Point), wakes: Wakes) -> (Tally, Ended) {
        block_on(async {
            let world = self.start.world();
            let (left, tally) = (BTreeSet::new(), Tally { points: 1, ..Tally::default() });
            let kills = [(call, point)];
            let mut after =
                After { stage: self, world: &world, kills: &kills, left, tally, target: &self.target };
            let (one, two) = (world.server.client().unwrap(), world.server.client().unwrap());
            one.stop_at(call, point);
            let mut first = Box::pin(world.run(&self.target, DrainMode::Wait, &one));
            let early = tokio::select! {
                biased;
                () = one.stopped() => None,
                ended = &mut first => Some(ended),
            };
            if wakes != Wakes::Stuck {
                one.go_on();
            }
            let second = world.run(&self.target, DrainMode::Wait, &two);
            let (first, second) = match (early, wakes) {
                (Some(ended), _) => (ended, second.await),
                (None, Wakes::Last) => {
                    let second = second.await;
                    (first.await, second)
                }
                (None, Wakes::Stuck) => {
                    let second = second.await;
                    one.go_on();
                    let clock = world.server.clock();
                    clock.wait_until(clock.now() + Duration::from_secs(1)).await;
                    (first.await, second)
                }
                (None, Wakes::AtOnce) => tokio::join!(first, second),
                (None, Wakes::After(time)) => {
                    let clock = world.server.clock();
                    let late = async {
                        clock.wait_until(clock.now() + time).await;
                        first.await
                    };
                    tokio::join!(late, second)
                }
            };
            assert!(matches!(second, Ended::Done), "{}: {second:#?}", after.place());
            let slept = matches!(wakes, Wakes::Last | Wakes::Stuck);
            let lost = |stop: &Stop| slept && stop.finding.code == Code::LeaseLost;
            match &first {
                Ended::Done => {}
                Ended::Stopped(stop) if lost(stop) => {}
                ended => panic!("{}: {ended:#?}", after.place()),
            }
            let view = world.view();
            after.check(&view, &first, oracle::always(&view));
            after.finish().await;
            (after.tally, first)
        })
    }
}

/// A world in which a run was killed.
struct After<'a> {
    stage: &'a Stage<'a>,
    world: &'a World,
    kills: &'a [(usize, Point)],
    /// Sessions of killed clients.
    left: BTreeSet<u64>,
    tally: Tally,
    /// What the next run finds.
    target: &'a Target,
}

impl After<'_> {
    async fn kill(&mut self) {
        for (number, kill) in self.kills.iter().enumerate() {
            let ran = self.world.migrate(self.target, DrainMode::Wait, Some(*kill)).await;
            self.tally.points += 1;
            let view = self.world.view();
            self.check(&view, &ran.ended, oracle::always(&view));
            match ran.ended {
                Ended::Killed => self.left.extend(view.sessions.iter().map(|session| session.id)),
                // After its last answer there is nothing left to kill.
                ended => {
                    let last = ran.calls == kill.0 && kill.1 == Point::Answered || number > 0;
                    assert!(last, "{}: not killed: {ended:?} after {} calls", self.place(), ran.calls);
                    if let Ended::Stopped(stop) = &ended {
                        assert!(self.mend(), "{}: {stop:#?}", self.place());
                        assert_eq!(stop.finding.code, Code::StatementFailed, "{}", self.place());
                    }
                }
            }
        }
    }

    /// Puts the mended scripts in place, if there are any and they are not.
    fn mend(&mut self) -> bool {
        let mended = self.stage.mended.as_ref().filter(|_| !self.is_mended());
        if let Some(mended) = mended {
            self.target = mended;
        }
        mended.is_some()
    }

    fn is_mended(&self) -> bool {
        !std::ptr::eq(self.target, &raw const self.stage.target)
    }

    /// Goes on until all is done, and compares.
    async fn finish(&mut self) {
        let mut drain = DrainMode::Wait;
        let mut runs = 0;
        loop {
            runs += 1;
            assert!(runs <= RUNS, "{}: not done after {RUNS} runs", self.place());
            self.tally.runs += 1;
            let ran = self.world.migrate(self.target, drain, None).await;
            let view = self.world.view();
            self.check(&view, &ran.ended, oracle::always(&view));
            match ran.ended {
                Ended::Done => break,
                // The mending is another's; the runs before it are not counted.
                Ended::Stopped(stop) if stop.finding.code == Code::StatementFailed => {
                    assert!(self.mend(), "{}: {stop:#?}", self.place());
                    runs -= 1;
                }
                Ended::Stopped(stop) => drain = self.way_out(&stop, &view).await,
                Ended::Killed => unreachable!("nobody kills it"),
            }
        }
        let view = self.world.view();
        let runs = self.world.clients() - self.stage.start.clients;
        let different = Outcome::of(&view).differences(&self.stage.undisturbed, self.stage.scenario, runs);
        self.check(
            &view,
            &Ended::Done,
            oracle::settled(&view, &self.left).into_iter().chain(different).collect(),
        );
    }

    /// Does what a stop says.
    async fn way_out(&mut self, stop: &Stop, view: &View) -> DrainMode {
        let hint = stop.finding.hint.as_deref().unwrap_or_default();
        assert_eq!(stop.finding.code, Code::UnknownOutcome, "{}: {stop:#?}", self.place());
        self.tally.unknown += 1;
        if let Some((script, statement)) = to_mark(stop) {
            let short = Sha256::of(script.as_bytes()).short();
            let attempts = oracle::attempts(view);
            let done = attempts
                .iter()
                .rev()
                .find(|attempt| attempt.script == short && attempt.ordinal == statement)
                .is_some_and(|attempt| attempt.lasts);
            let outcome = if done { SettledOutcome::Done } else { SettledOutcome::NotDone };
            self.world.mark(self.target, &script, statement, outcome).await;
            return DrainMode::Wait;
        }
        assert!(hint.contains("migrate --drain cancel"), "{}: no way out: {stop:#?}", self.place());
        DrainMode::Cancel
    }

    fn check(&self, view: &View, ended: &Ended, mut wrong: Vec<String>) {
        wrong.extend(
            view.sessions
                .iter()
                .filter(|session| !matches!(ended, Ended::Killed) && !self.left.contains(&session.id))
                .map(|session| format!("session {} was left open", session.id)),
        );
        if wrong.is_empty() {
            return;
        }
        let attempts: Vec<String> = view
            .statements
            .iter()
            .map(|ran| {
                let code = ran.code.as_deref().unwrap_or_default();
                let text: String = ran.text.chars().take(100).collect();
                format!("{:?} {} {} {code} [{}] {text}", ran.started, ran.session, ran.status, ran.tag)
            })
            .collect();
        panic!(
            "{}: {wrong:#?}\nthe last run: {ended:#?}\nwhat the server did:\n{}",
            self.place(),
            attempts.join("\n")
        );
    }

    fn place(&self) -> String {
        format!("{}, killed at {:?}", self.stage.scenario.name, self.kills)
    }
}

/// `SNOWOPS_TEST_CRASH=21:BeforeAnswer`, more for the runs after it with commas between: these points alone.
fn replayed() -> Option<Vec<(usize, Point)>> {
    let text = std::env::var("SNOWOPS_TEST_CRASH").ok()?;
    let kills = text.split(',').map(|kill| {
        let (call, point) = kill.split_once(':').unwrap();
        let named = |known: &Point| format!("{known:?}") == point;
        (call.parse().unwrap(), Point::ALL.into_iter().chain([Point::Running]).find(named).unwrap())
    });
    Some(kills.collect())
}

/// Kills a run at each point of each of its calls.
pub(super) fn crash_everywhere(scenario: &Scenario) {
    let began = Instant::now();
    let stage = Stage::new(scenario, &Modes::default());
    if let Some(only) = replayed() {
        stage.crash(&only, &mut BTreeSet::new());
        return;
    }
    let (mut tally, mut seen) = (Tally::default(), BTreeSet::new());
    for (call, point) in stage.points() {
        tally += stage.crash(&[(call, point)], &mut seen);
    }
    assert_eq!(tally.points, 5 * stage.calls, "{}", scenario.name);
    assert_eq!(tally.unknown, 0, "{}: stopped although the query history tells all", scenario.name);
    tally.print(&format!("{}: {} calls", scenario.name, stage.calls), began);
}
