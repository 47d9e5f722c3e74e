//! Points by chance, where there are too many to try each. The seed is printed; `SNOWOPS_TEST_SEED` takes another.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use testkit::{Cut, Modes, Point, SameRequest};

use super::{
    point::{Stage, Tally, Wakes, replayed},
    scenario::{self, Scenario},
};

/// Numbers by chance, the same for the same seed (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    /// A seed that is the same each time, so that no change is blamed for what chance found.
    #[expect(clippy::print_stdout, reason = "a seed is for whoever runs the tests again")]
    pub(super) fn new(what: &str) -> Self {
        let given = std::env::var("SNOWOPS_TEST_SEED").ok();
        let seed = given.map_or(1, |text| text.parse().unwrap());
        println!("crash: {what}: SNOWOPS_TEST_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % sides as u64).unwrap()
    }

    pub(super) fn point(&mut self) -> Point {
        let points: Vec<Point> = Point::ALL.into_iter().chain([Point::Running]).collect();
        points[self.below(points.len())]
    }
}

/// Each mode alone, beside the default one.
fn alone() -> Vec<(&'static str, Modes)> {
    let seconds = Duration::from_secs;
    let default = Modes::default;
    vec![
        ("WHERE not looked at again", Modes { where_again_after_wait: false, ..default() }),
        ("stale reads", Modes { stale_reads: seconds(2), ..default() }),
        ("query history after 5 s", Modes { history_delay: Some(seconds(5)), ..default() }),
        ("query history never", Modes { history_delay: None, ..default() }),
        ("same request run twice", Modes { same_request_id: SameRequest::RunTwice, ..default() }),
        ("detached statements aborted at once", Modes { abort_detached_after: seconds(1), ..default() }),
        ("queue of 200 s", Modes { queue: seconds(200), ..default() }),
        ("clocks 2 s apart", Modes { clock_skew: seconds(2), ..default() }),
    ]
}

fn sample(dice: &mut Dice, modes: &Modes, scenarios: &[Scenario], points: usize) -> Tally {
    let mut tally = Tally::default();
    let scenario = &scenarios[dice.below(scenarios.len())];
    let stage = Stage::new(scenario, modes);
    for _ in 0..points {
        let kill = (1 + dice.below(stage.calls), dice.point());
        tally += stage.crash(&[kill], &mut BTreeSet::new());
    }
    if modes.history_delay.is_some() {
        assert_eq!(tally.unknown, 0, "{modes:?}: stopped although the query history tells all");
    }
    tally
}

/// Kills a run at a third of its points.
pub(super) fn crash_somewhere(scenario: &Scenario) {
    let began = Instant::now();
    let stage = Stage::new(scenario, &Modes::default());
    if let Some(only) = replayed() {
        stage.crash(&only, &mut BTreeSet::new());
        return;
    }
    let mut dice = Dice::new(scenario.name);
    let (mut tally, mut seen) = (Tally::default(), BTreeSet::new());
    for at in stage.points().filter(|_| dice.below(3) == 0) {
        tally += stage.crash(&[at], &mut seen);
    }
    assert_eq!(tally.unknown, 0, "{}: stopped although the query history tells all", scenario.name);
    tally.print(&format!("{}: {} calls", scenario.name, stage.calls), began);
}

/// Some points in each mode alone, and in mixtures of them.
pub(super) fn modes(stages: usize, points: usize, mixtures: u64) {
    let (began, scenarios) = (Instant::now(), scenario::all());
    let mut dice = Dice::new("modes");
    let mut tally = Tally::default();
    for (name, modes) in alone() {
        let mut of_mode = Tally::default();
        for _ in 0..stages {
            of_mode += sample(&mut dice, &modes, &scenarios, points);
        }
        of_mode.print(name, began);
        tally += of_mode;
    }
    for _ in 0..mixtures {
        let modes = Modes::mixed(dice.next());
        tally += sample(&mut dice, &modes, &scenarios, points);
    }
    tally.print(&format!("8 modes alone and {mixtures} mixtures"), began);
}

/// The run that takes over is killed at each point of each of its calls.
pub(super) fn each_takeover() {
    let (began, scenario) = (Instant::now(), scenario::short());
    let stage = Stage::new(&scenario, &Modes::default());
    // Its first statement was done, and nobody heard of it.
    let first = (stage.calls_with("CREATE TABLE a ", &[])[0], Point::BeforeAnswer);
    let calls = stage.sent_after(&[first]).len();
    let (mut seen, mut tally) = (BTreeSet::new(), Tally::default());
    for at in (1..=calls).flat_map(|call| Point::ALL.map(|point| (call, point))) {
        tally += stage.crash(&[first, at], &mut seen);
    }
    // Both kills count.
    assert_eq!((tally.points, tally.unknown), (2 * 5 * calls, 0));
    tally.print(&format!("a takeover of {calls} calls, killed at each point"), began);
}

/// The run that takes over is killed too, and sometimes the one after it.
pub(super) fn takeovers(times: usize) {
    let (began, scenarios) =
        (Instant::now(), [scenario::short(), scenario::slow(), scenario::failing_statement()]);
    let mut dice = Dice::new("takeover");
    let stages: Vec<Stage<'_>> = scenarios.iter().map(|one| Stage::new(one, &Modes::default())).collect();
    let mut tally = Tally::default();
    for _ in 0..times {
        let stage = &stages[dice.below(stages.len())];
        let kills = 2 + dice.below(2);
        // A run that takes over makes more calls: it waits and asks.
        let call = |dice: &mut Dice, number| {
            1 + dice.below(if number == 0 { stage.calls } else { 2 * stage.calls + 20 })
        };
        let kills: Vec<_> = (0..kills).map(|number| (call(&mut dice, number), dice.point())).collect();
        tally += stage.crash(&kills, &mut BTreeSet::new());
    }
    assert_eq!(tally.unknown, 0);
    tally.print("takeover", began);
}

/// The second of two runs starts at each point of the first.
pub(super) fn races() {
    let (began, scenario) = (Instant::now(), scenario::short());
    let stage = Stage::new(&scenario, &Modes::default());
    let mut tally = Tally::default();
    for at in stage.points() {
        tally += stage.race(at, Wakes::AtOnce).0;
    }
    assert_eq!(tally.points, 5 * stage.calls);
    tally.print(&format!("a second run at each point of {} calls", stage.calls), began);
}

/// The first of two runs falls asleep at some points, and wakes when the second has done all.
pub(super) fn sleepers(every: usize) {
    let (began, scenario) = (Instant::now(), scenario::short());
    let mut dice = Dice::new("a run that sleeps");
    let stage = Stage::new(&scenario, &Modes::default());
    let mut tally = Tally::default();
    for at in stage.points() {
        if dice.below(every) == 0 {
            tally += stage.race(at, Wakes::Last).0;
        }
    }
    tally.print("a run that sleeps while another takes over", began);
}

/// Each call is on its way when its client dies.
pub(super) fn running(scenario: &Scenario) {
    let (began, mut seen) = (Instant::now(), BTreeSet::new());
    let stage = Stage::new(scenario, &Modes::default());
    let mut tally = Tally::default();
    for call in 1..=stage.calls {
        tally += stage.crash(&[(call, Point::Running)], &mut seen);
    }
    assert_eq!((tally.points, tally.unknown), (stage.calls, 0));
    tally.print(&format!("{}: goes on", scenario.name), began);
}

/// The connection breaks at each call, with the client alive.
pub(super) fn broken() {
    let (began, mut tally) = (Instant::now(), Tally::default());
    let scenario = scenario::short();
    let stage = Stage::new(&scenario, &Modes::default());
    let mut seen = BTreeSet::new();
    for call in 1..=stage.calls {
        for cut in [Cut::BeforeEffect, Cut::BeforeAnswer, Cut::InAnswer] {
            tally += stage.break_at(call, cut, &mut seen);
        }
    }
    assert_eq!(tally.unknown, 0);
    tally.print("a connection that breaks at each call", began);
}

/// Some kills, and a run after them that must not go on.
pub(super) fn refusals(every: usize) {
    let (began, mut tally) = (Instant::now(), Tally::default());
    let mut dice = Dice::new("--resume=never");
    let scenario = scenario::short();
    let stage = Stage::new(&scenario, &Modes::default());
    for at in stage.points() {
        if dice.below(every) == 0 {
            tally += stage.crash_and_refuse(at);
        }
    }
    assert_eq!(tally.unknown, 0);
    assert!(tally.stopped > 0, "no run was refused");
    tally.print("--resume=never after a kill", began);
}

/// Points at which something went wrong once.
pub(super) fn found_before() {
    let aged = Modes { stale_reads: Duration::from_secs(2), ..Modes::default() };
    // The run that took over did not see in its work session the failed row that its keeper had just written.
    let scenario = scenario::scripting_block();
    Stage::new(&scenario, &aged).crash(&[(19, Point::Answered)], &mut BTreeSet::new());
    // The run that took over had closed the first, and died before it wrote what it had found out of it.
    let scenario = scenario::short();
    let kills = [(14, Point::Running), (44, Point::Running)];
    let tally = Stage::new(&scenario, &Modes::default()).crash(&kills, &mut BTreeSet::new());
    assert_eq!(tally.unknown, 0);
    // By a clock that is ahead, what an earlier statement had made seemed to be made by a later one that was never sent.
    let apart = Modes { clock_skew: Duration::from_secs(2), history_delay: None, ..Modes::default() };
    let replaced = scenario::replaced();
    let hidden = Stage::new(&replaced, &apart);
    for at in hidden.points().filter(|(_, point)| *point == Point::BeforeEffect) {
        hidden.crash(&[at], &mut BTreeSet::new());
    }
    // The statement to mark was named that the next run would begin with, and not the one that may still run.
    let never = Modes { history_delay: None, ..Modes::default() };
    let left_open = scenario::left_open();
    let hidden = Stage::new(&left_open, &never);
    for call in 15..hidden.calls {
        hidden.crash(&[(call, Point::BeforeAnswer)], &mut BTreeSet::new());
    }
    // A run that slept between its reads under the lease took what another had recorded since for rows that are gone;
    // so did one that another overtook between its first two reads.
    let stage = Stage::new(&scenario, &Modes::default());
    stage.race((12, Point::BeforeAnswer), Wakes::Last);
    stage.race((2, Point::BeforeSend), Wakes::Last);
    // A run that woke up with its lease lost while it logged in left that session open.
    stage.race((8, Point::BeforeSend), Wakes::Last);
}

/// What the suite has no time for.
pub(super) fn everything() {
    let began = Instant::now();
    let mut dice = Dice::new("everything");
    let mut total = Tally::default();
    let mixtures = (0..20).map(|_| dice.next()).map(|seed| ("a mixture", Modes::mixed(seed)));
    for (name, modes) in alone().into_iter().chain(mixtures.collect::<Vec<_>>()) {
        let mut tally = Tally::default();
        for scenario in scenario::all() {
            let stage = Stage::new(&scenario, &modes);
            let mut seen = BTreeSet::new();
            for at in stage.points() {
                tally += stage.crash(&[at], &mut seen);
            }
        }
        tally.print(&format!("{name}, all scenarios: {modes:?}"), began);
        total += tally;
    }
    total.print("everything", began);
    sleepers(1);
    takeovers(1000);
}
