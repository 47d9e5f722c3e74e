//! How many requests each scenario takes, by the formula: undisturbed, and when it is taken over. By the server's clock, so
//! that heartbeats, polls and waits count too.

use std::time::Duration;

use snowops::{diagnostic::Code, engine::Stop, execute::drain::DrainMode};
use testkit::{Modes, Point};

use super::{
    point::block_on,
    scenario::{self, Scenario},
    target::{Ended, Start, Target, World},
};
use crate::requests::{Mark, Script, Takeover, Working, listed};

/// A lease, unless the environment says otherwise.
const TTL: u64 = 120;

/// Seconds between heartbeats; of the margin, and of the grace.
const BEAT: u64 = TTL / 4;

/// Seconds between looks at a lease that another run holds.
const LOOK: u64 = TTL / 12;

/// Seconds for which the server holds a request back before it goes on without it.
const HOLD: u64 = 45;

/// Seconds that a slow statement takes.
const SLOW: u64 = 200;

const ONE: Script = Script::of(1, 0);

/// How often something happens in a time that is due each `every` seconds, the end excluded.
fn times(seconds: u64, every: u64) -> usize {
    usize::try_from(seconds.div_ceil(every) - 1).unwrap()
}

/// Scripts of a scenario's run, as the formula counts them.
fn scripts(of: &Scenario) -> Vec<Script> {
    match of.name {
        "first run on an empty target" | "slow statement" => vec![Script::of(2, 1)],
        "plain DDL" => vec![Script::of(3, 2), ONE],
        // USE, SET and ALTER SESSION make no boundary; variables, parameters and temporary tables are left behind.
        "session state" => {
            vec![Script { fresh: 1, ..Script::of(5, 1) }, Script { fresh: 1, ..Script::of(3, 1) }, ONE]
        }
        "scripting block" => vec![Script { asks: 1, ..Script::of(3, 2) }],
        // The transaction is one.
        "DML transaction" => vec![Script { asks: 1, ..Script::of(6, 2) }],
        // One is as it was.
        "repeatables" => vec![Script::of(2, 0), Script::of(2, 1)],
        "A__" => vec![ONE, Script::of(2, 1), ONE],
        "failing statement" | "failing repeatable" => vec![Script { mark: Mark::Failed, ..Script::of(2, 1) }],
        "callbacks" => vec![ONE; 4],
        "same name created twice in one run" => vec![Script::of(3, 2), Script::of(2, 1)],
        "two scripts" => vec![Script::of(2, 1), ONE],
        "session, transaction, DDL" => vec![Script { asks: 1, ..Script::of(8, 2) }],
        // What is open is rolled back.
        "a transaction left open" => vec![Script { asks: 2, mark: Mark::Failed, ..Script::of(3, 1) }],
        "one table replaced twice, a call" => vec![Script { asks: 1, ..Script::of(4, 3) }],
        "role and warehouse in headers" => {
            vec![Script { own: 1, context: 1, ..Script::of(2, 1) }, Script { own: 2, context: 2, ..ONE }, ONE]
        }
        "secret" => vec![Script::of(3, 2)],
        name => panic!("{name} is not counted yet"),
    }
}

/// A scenario's run.
fn run(of: &Scenario) -> Working {
    let working = Working::with(scripts(of));
    match of.name {
        "first run on an empty target" => Working::first(scripts(of)),
        "slow statement" => Working { beats: times(SLOW, BEAT), polls: times(SLOW, HOLD), ..working },
        _ => working,
    }
}

/// Where a scenario's run begins.
fn before(scenario: &Scenario) -> Start {
    let empty = Start::empty(Modes::default());
    if scenario.before.is_empty() {
        return empty;
    }
    block_on(async {
        let world = empty.world();
        let ran = world.migrate(&Target::new(scenario.before), DrainMode::Wait, None).await;
        assert!(matches!(ran.ended, Ended::Done), "{}: {:#?}", scenario.name, ran.ended);
        world.start(Modes::default())
    })
}

/// Says what was sent if it is not what the formula says.
fn counted(what: &str, world: &World, sent: usize, formula: &Working) {
    let wanted = formula.requests();
    let log = world.server.log();
    let last = &log[log.len().saturating_sub(sent)..];
    assert_eq!(sent, wanted, "{what}: {formula:?}\n{}", listed(last));
}

fn is_of_the_script(stop: &Stop) -> bool {
    matches!(stop.finding.code, Code::StatementFailed | Code::OpenTransaction)
}

#[test]
fn an_undisturbed_run() {
    for scenario in scenario::all() {
        let start = before(&scenario);
        block_on(async {
            let world = start.world();
            let target = Target::new(&scenario.project(&[scenario.scripts]));
            let ran = world.migrate(&target, DrainMode::Wait, None).await;
            counted(scenario.name, &world, ran.calls, &run(&scenario));
            match (&ran.ended, scenario.mended) {
                (Ended::Done, None) => {}
                // Nobody refuses the secret here.
                (Ended::Done, Some(_)) if scenario.refused.is_some() => {}
                (Ended::Stopped(stop), Some(mended)) if is_of_the_script(stop) => {
                    let target = Target::new(&scenario.project(&[scenario.scripts, mended]));
                    let ran = world.migrate(&target, DrainMode::Wait, None).await;
                    assert!(matches!(ran.ended, Ended::Done), "{:#?}", ran.ended);
                    // Both go on behind the first statement.
                    let rest = match scenario.name {
                        "a transaction left open" => Script { asks: 1, ..Script::of(3, 0) },
                        "failing repeatable" => ONE,
                        _ => Script::of(2, 1),
                    };
                    let what = format!("{}, mended", scenario.name);
                    counted(&what, &world, ran.calls, &Working::with([rest, ONE]));
                }
                (ended, _) => panic!("{}: {ended:#?}", scenario.name),
            }
            // Of most nothing is left to do.
            let again = world.migrate(&target, DrainMode::Wait, None).await.calls;
            let what = format!("{}, again", scenario.name);
            match scenario.name {
                _ if !matches!(ran.ended, Ended::Done) => {}
                "A__" => counted(&what, &world, again, &Working::with([Script::of(2, 1), ONE])),
                // Those around each migrate.
                "callbacks" => counted(&what, &world, again, &Working::with([ONE, ONE])),
                _ => assert_eq!(again, 4, "{what}"),
            }
        });
    }
}

/// What is found out and written of the killed run's script, and what is left to do, if the first statement was done.
#[expect(clippy::match_same_arms, reason = "one arm a scenario, each with its reason")]
fn left(of: &Scenario) -> (usize, usize, Vec<Script>) {
    match of.name {
        "first run on an empty target" => (1, 1, vec![ONE]),
        "plain DDL" => (1, 1, vec![Script::of(2, 1), ONE]),
        // A USE is simply sent again. What is asked about is the CREATE behind it, which was not sent.
        "session state" => (1, 1, scripts(of)),
        "scripting block" => (1, 1, vec![Script { asks: 1, ..Script::of(2, 1) }]),
        "DML transaction" => (1, 1, vec![Script { asks: 1, ..Script::of(5, 1) }]),
        // A view is simply replaced again.
        "repeatables" => (0, 1, scripts(of)),
        // Of its first script only the mark is missing.
        "A__" => (1, 1, vec![Script::of(0, 0), Script::of(2, 1), ONE]),
        // Its history row says already that it failed.
        "failing statement" => (1, 1, vec![Script { mark: Mark::FailedAgain, ..ONE }]),
        // A callback begins anew. V2, the first script with a history row, may have been begun.
        "callbacks" => (1, 1, scripts(of)),
        "same name created twice in one run" => (1, 1, vec![Script::of(2, 1), Script::of(2, 1)]),
        // SET is simply sent again.
        "session, transaction, DDL" => (1, 1, scripts(of)),
        "a transaction left open" => {
            (1, 1, vec![Script { asks: 2, mark: Mark::FailedAgain, ..Script::of(2, 0) }])
        }
        "one table replaced twice, a call" => (1, 1, vec![Script { asks: 1, ..Script::of(3, 2) }]),
        "role and warehouse in headers" => (1, 1, scripts(of)),
        "failing repeatable" => (1, 1, vec![Script { mark: Mark::FailedAgain, ..ONE }]),
        "secret" => (1, 1, vec![Script::of(2, 1)]),
        name => panic!("{name} is not counted yet"),
    }
}

/// The run is killed when its first statement was done and not answered. The next one waits for the lease to expire, and for
/// what was sent to be over.
#[test]
fn a_takeover() {
    // A statement that runs on makes its drain longer by what nobody plans.
    for scenario in scenario::all().iter().filter(|scenario| scenario.name != "slow statement") {
        let start = before(scenario);
        block_on(async {
            let world = start.world();
            let target = Target::new(&scenario.project(&[scenario.scripts]));
            let at = run(scenario).before_statements() + 1;
            let ran = world.migrate(&target, DrainMode::Wait, Some((at, Point::BeforeAnswer))).await;
            assert!(matches!(ran.ended, Ended::Killed), "{}: {:#?}", scenario.name, ran.ended);
            // Not at a moment at which two things happen.
            let late = LOOK / 2;
            world.server.clock().advance(Duration::from_secs(late));
            let ran = world.migrate(&target, DrainMode::Wait, None).await;
            let failed = scenario.mended.is_some() && scenario.refused.is_none();
            assert_eq!(matches!(ran.ended, Ended::Done), !failed, "{}: {:#?}", scenario.name, ran.ended);
            // The lease is respected for its grace too; the look that finds it free is that of every run.
            let waits = times(TTL + BEAT - late, LOOK) + 1;
            let claimed = late + LOOK * u64::try_from(waits).unwrap();
            // The query history lists a statement within a minute, and the last one started before the grace was over. A look
            // every five seconds, the first and the last included.
            let quiet = TTL + BEAT + 60 - claimed;
            let (settled, failed, scripts) = left(scenario);
            let formula = Working {
                waits,
                takeover: Some(Takeover { looks: times(quiet, 5) + 2, settled, failed, ended: 1 }),
                beats: times(quiet, BEAT),
                ..Working::with(scripts)
            };
            counted(&format!("{}, taken over", scenario.name), &world, ran.calls, &formula);
        });
    }
}

/// A second run finds all done when the lease comes free.
#[test]
fn a_run_that_finds_nothing_left() {
    let scenario = scenario::slow();
    let start = before(&scenario);
    block_on(async {
        let world = start.world();
        let target = Target::new(&scenario.project(&[scenario.scripts]));
        let first = run(&scenario).before_statements() + 1;
        let (one, two) = (world.server.client().unwrap(), world.server.client().unwrap());
        one.stop_at(first, Point::BeforeSend);
        let mut slow = Box::pin(world.run(&target, DrainMode::Wait, &one));
        tokio::select! {
            () = one.stopped() => {}
            ended = &mut slow => panic!("it has a statement to send: {ended:#?}"),
        }
        one.go_on();
        let late = LOOK / 2;
        let later = async {
            world.server.clock().wait_until(world.server.clock().now() + Duration::from_secs(late)).await;
            world.run(&target, DrainMode::Wait, &two).await
        };
        let (slow, ended) = tokio::join!(slow, later);
        assert!(matches!((&slow, &ended), (Ended::Done, Ended::Done)), "{slow:#?}, {ended:#?}");
        let waits = times(SLOW - late, LOOK) + 1;
        counted("nothing left", &world, two.calls(), &Working { waits, ..Working::with([]) });
    });
}
