//! One crash: a run that is killed, what follows, and what must be true then.

use std::{
    collections::BTreeSet,
    ops::AddAssign,
    time::{Duration, Instant},
};

use snowops::{
    diagnostic::Code,
    engine::{Stop, survey::PlanOptions},
    execute::drain::DrainMode,
    model::{checksum::Sha256, journal::SettledOutcome},
    plan::ResumePolicy,
};
use testkit::{Cut, Endpoint, Entry, Fault, Modes, Point, View, What, When};

use super::{
    oracle::{self, Outcome},
    said::{self, Planned},
    scenario::Scenario,
    target::{CANARY, Ended, Start, Target, World, over, to_mark},
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
    planned: Planned,
    /// What else goes wrong while it is crashed.
    pub(super) faults: Vec<Fault>,
    /// Another `lock.ttl` than usual, for two runs.
    pub(super) ttl: Option<Duration>,
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
    /// Runs that a broken connection stopped.
    pub(super) stopped: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.points += more.points;
        self.runs += more.runs;
        self.unknown += more.unknown;
        self.stopped += more.stopped;
    }
}

impl Tally {
    /// In words, for whoever runs the tests.
    #[expect(clippy::print_stdout, reason = "the counts are for whoever runs the tests")]
    pub(super) fn print(self, what: &str, began: Instant) {
        let Self { points, runs, unknown, stopped } = self;
        let stopped = if stopped == 0 { String::new() } else { format!("{stopped} stopped, ") };
        let elapsed = began.elapsed().as_millis();
        println!(
            "crash: {what}: {points} points, {stopped}{runs} runs after, {unknown} unknown, {elapsed} ms"
        );
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
            let planned = Planned::of(scenario);
            let world = start.world();
            refuse(&world, scenario);
            let first = world.migrate(&target, DrainMode::Wait, None).await;
            match (&first.ended, &mended) {
                (Ended::Done, None) => {}
                (Ended::Stopped(stop), Some(mended)) if may_be_mended(stop) => {
                    let second = world.migrate(mended, DrainMode::Wait, None).await;
                    assert!(matches!(second.ended, Ended::Done), "{}: {:#?}", scenario.name, second.ended);
                }
                (ended, _) => panic!("{}: {ended:#?}", scenario.name),
            }
            let view = world.view();
            let mut wrong = oracle::always(&view);
            wrong.extend(oracle::settled(&view, &BTreeSet::new()));
            wrong.extend(said::wrong(&planned, &world, &view, &first.ended));
            assert!(wrong.is_empty(), "{}, undisturbed: {wrong:#?}", scenario.name);
            assert!(view.sessions.is_empty(), "{}: sessions are left open", scenario.name);
            let undisturbed = Outcome::of(&view);
            let (faults, calls) = (Vec::new(), first.calls);
            Self { scenario, target, mended, start, undisturbed, planned, faults, ttl: None, calls }
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
            refuse(&world, self.scenario);
            self.faults.iter().for_each(|fault| world.server.add_fault(fault.clone()));
            let (left, tally) = (BTreeSet::new(), Tally::default());
            let place = format!("killed at {kills:?}");
            let mut after =
                After { stage: self, world: &world, kills, left, tally, target: &self.target, place };
            after.kill().await;
            let state = format!("{:?} {}", after.is_mended(), oracle::state(&world.view()));
            if seen.insert(Sha256::of(state.as_bytes()).to_string()) {
                after.finish().await;
            }
            after.tally
        })
    }

    /// What the run sends that comes after kills and ends undisturbed.
    pub(super) fn sent_after(&self, kills: &[(usize, Point)]) -> Vec<Entry> {
        block_on(async {
            let world = self.start.world();
            for kill in kills {
                world.migrate(&self.target, DrainMode::Wait, Some(*kill)).await;
            }
            let ran = world.migrate(&self.target, DrainMode::Wait, None).await;
            let mut log = world.server.log();
            // What ran before is in it, too.
            log.split_off(log.len() - ran.calls)
        })
    }

    /// The calls of that run with a statement that holds this text.
    pub(super) fn calls_with(&self, text: &str, kills: &[(usize, Point)]) -> Vec<usize> {
        let sent = self.sent_after(kills);
        let calls =
            (1..).zip(&sent).filter(|(_, entry)| entry.text().is_some_and(|sent| sent.contains(text)));
        let calls: Vec<usize> = calls.map(|(call, _)| call).collect();
        assert!(!calls.is_empty(), "{}: never sent: {text}", self.scenario.name);
        calls
    }

    /// The first run after a kill is told not to go on with what is half applied; the one after it may.
    pub(super) fn crash_and_refuse(&self, kill: (usize, Point)) -> Tally {
        block_on(async {
            let world = self.start.world();
            let kills = [kill];
            let (left, tally) = (BTreeSet::new(), Tally::default());
            let place = format!("killed at {kills:?}, then with --resume=never");
            let mut after =
                After { stage: self, world: &world, kills: &kills, left, tally, target: &self.target, place };
            after.kill().await;
            let never = PlanOptions { resume: ResumePolicy::Never, ..PlanOptions::default() };
            let client = world.server.client().unwrap();
            let ended = world.run_with(&self.target, DrainMode::Wait, &client, never).await;
            let view = world.view();
            after.check(&view, &ended, oracle::always(&view));
            if let Ended::Stopped(stop) = &ended {
                assert_eq!(stop.finding.code, Code::FailedMigration, "{}: {stop:#?}", after.place());
                after.tally.stopped += 1;
            }
            after.finish().await;
            after.tally
        })
    }

    /// The connection breaks once, at that point of that call; the client lives, and makes of it what it can.
    pub(super) fn break_at(&self, call: usize, cut: Cut, seen: &mut BTreeSet<String>) -> Tally {
        block_on(async {
            let world = self.start.world();
            let before = world.server.log().len();
            world
                .server
                .add_fault(Fault { when: When { after: call - 1, ..When::default() }, what: What::Cut(cut) });
            refuse(&world, self.scenario);
            let (left, tally) = (BTreeSet::new(), Tally { points: 1, ..Tally::default() });
            let place = format!("broken at {call}:{cut:?}");
            let mut after =
                After { stage: self, world: &world, kills: &[], left, tally, target: &self.target, place };
            let ran = world.migrate(&self.target, DrainMode::Wait, None).await;
            let view = world.view();
            if matches!(cut, Cut::BeforeAnswer | Cut::InAnswer)
                && world.server.log()[before + call - 1].endpoint == Endpoint::Login
            {
                // The client never learnt of this session.
                after.left.extend(view.sessions.iter().map(|session| session.id));
            }
            after.check(&view, &ran.ended, oracle::always(&view));
            match ran.ended {
                Ended::Stopped(stop) if may_be_mended(&stop) => {
                    assert!(after.mend(), "{}: {stop:#?}", after.place());
                }
                ended => after.tally.stopped += usize::from(!matches!(ended, Ended::Done)),
            }
            let state = format!("{:?} {}", after.is_mended(), oracle::state(&world.view()));
            if seen.insert(Sha256::of(state.as_bytes()).to_string()) {
                after.finish().await;
            }
            after.tally
        })
    }

    /// A second run starts when the first is at a point. Until the first wakes it does nothing more; what it had sent is
    /// carried out, and its answer waits. Answers how the first ended, too.
    pub(super) fn race(&self, (call, point): (usize, Point), wakes: Wakes) -> (Tally, Ended) {
        block_on(async {
            let world = self.start.world();
            if let Some(ttl) = self.ttl {
                world.set_ttl(ttl);
            }
            let (left, tally) = (BTreeSet::new(), Tally { points: 1, ..Tally::default() });
            let kills = [(call, point)];
            let place = format!("a second run at {kills:?}, the first wakes: {wakes:?}");
            let mut after =
                After { stage: self, world: &world, kills: &kills, left, tally, target: &self.target, place };
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
    /// What was done to it, in words.
    place: String,
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
                        assert!(may_be_mended(stop), "{}: {stop:#?}", self.place());
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
                Ended::Stopped(stop) if may_be_mended(&stop) => {
                    assert!(self.mend(), "{}: {stop:#?}", self.place());
                    runs -= 1;
                }
                Ended::Stopped(stop) => drain = self.way_out(&stop, &view).await,
                Ended::Killed => unreachable!("nobody kills it"),
            }
        }
        let view = self.world.view();
        self.check(&view, &Ended::Done, oracle::settled(&view, &self.left));
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
        // Now and then the other way: a person sees that nothing runs any more, and says so.
        let runs = view.statements.iter().any(|ran| ran.ended.is_none());
        if let Some((script, statement)) = over(hint).filter(|_| !runs && self.tally.runs % 2 == 1) {
            self.world.mark(self.target, &script, statement, SettledOutcome::NotDone).await;
            return DrainMode::Wait;
        }
        DrainMode::Cancel
    }

    fn check(&self, view: &View, ended: &Ended, mut wrong: Vec<String>) {
        wrong.extend(said::wrong(&self.stage.planned, self.world, view, ended));
        if matches!(ended, Ended::Done) {
            // Success is told, so all was done by now.
            let runs = self.world.clients() - self.stage.start.clients;
            let done = Outcome::of(view);
            wrong.extend(done.differences(&self.stage.undisturbed, self.stage.scenario, runs));
        }
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
        format!("{}, {}", self.stage.scenario.name, self.place)
    }
}

/// Whether a person can go on by mending the script, as the scenario does.
fn may_be_mended(stop: &Stop) -> bool {
    matches!(stop.finding.code, Code::StatementFailed | Code::OpenTransaction)
}

/// The server refuses what the scenario says, in words that hold what it was sent.
fn refuse(world: &World, scenario: &Scenario) {
    let Some(text) = scenario.refused else { return };
    let what = What::Refused {
        code: "001003".to_owned(),
        message: format!("SQL compilation error:\nsyntax error line 1 at position 3 unexpected '{CANARY}'."),
        applied: false,
    };
    let when = When { text: Some(text.to_owned()), ..When::default() };
    world.server.add_fault(Fault { when, what });
}

/// `SNOWOPS_TEST_CRASH=21:BeforeAnswer`, more for the runs after it with commas between: these points alone.
pub(super) fn replayed() -> Option<Vec<(usize, Point)>> {
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
