//! What somebody would do who wants two runs to write, or a statement to be done twice.

use std::time::Duration;

use jiff::Timestamp;
use snowops::{diagnostic::Code, execute::drain::DrainMode, model::journal::SettledOutcome};
use testkit::{Cut, Endpoint, Fault, Modes, Point, View, What, When};

use super::{
    point::block_on,
    target::{Ended, Start, Target, World},
};

const SCRIPTS: &[(&str, &str)] = &[
    ("V1__one.sql", "CREATE TABLE a (id NUMBER);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id NUMBER);\n"),
    ("V2__two.sql", "CREATE TABLE c (id NUMBER);\n"),
];

/// Longer than a run looks for its statement.
const LATE: Duration = Duration::from_mins(30);

fn lock(view: &View, column: &str) -> String {
    view.rows("snowops_schema_history_lock")[0][column].clone().unwrap_or_default()
}

/// When the last claim began.
fn claimed(view: &View) -> Duration {
    let claim = |ran: &&testkit::Ran| ran.text.contains("SET \"nonce\" = :1") && ran.status == "SUCCESS";
    view.statements.iter().rfind(claim).unwrap().started
}

async fn kill(world: &World, target: &Target, call: usize) {
    let ran = world.migrate(target, DrainMode::Wait, Some((call, Point::Answered))).await;
    assert!(matches!(ran.ended, Ended::Killed), "{:#?}", ran.ended);
}

fn ran(view: &View, text: &str) -> usize {
    view.statements.iter().filter(|ran| ran.text == text && ran.status == "SUCCESS").count()
}

/// Its grace would be over long before all that the first run may have sent has arrived.
#[test]
fn a_run_with_a_shorter_lease_waits_as_long_as_that_of_the_killed_one_says() {
    block_on(async {
        let (world, target) = (Start::empty(Modes::default()).world(), Target::new(SCRIPTS));
        world.set_ttl(Duration::from_mins(20));
        kill(&world, &target, 22).await;
        let before = world.view();
        assert!(!lock(&before, "nonce").is_empty(), "it was not killed under its lease");
        let expires: Timestamp = lock(&before, "expires").parse().unwrap();
        world.set_ttl(Duration::from_mins(1));
        let after = world.migrate(&target, DrainMode::Wait, None).await;
        assert!(matches!(after.ended, Ended::Done), "{:#?}", after.ended);
        let claimed =
            Timestamp::from_second(i64::try_from(claimed(&world.view()).as_secs()).unwrap()).unwrap();
        let grace = claimed.duration_since(expires);
        assert!(grace.as_secs() >= 5 * 60, "taken {grace:#} after its end");
    });
}

/// A run that ended without knowing of its statement, because the query history listed it too late; by now it does.
async fn ended_without_knowing(statement: &str) -> (World, Target) {
    let modes = Modes { history_delay: Some(LATE), ..Modes::default() };
    let world = Start::empty(modes).world();
    let text: &str = Box::leak(format!("CREATE TABLE a (id NUMBER);\n{statement};\n").into_boxed_str());
    let target = Target::new(Box::leak(Box::new([("V1__one.sql", text)])));
    let cut = |endpoint, text: Option<&str>| Fault {
        when: When { endpoint: Some(endpoint), text: text.map(str::to_owned), ..When::default() },
        what: What::Cut(Cut::BeforeAnswer),
    };
    if statement.contains("glacial") {
        // Nobody hears of it while it runs, and its session is not ended.
        for _ in 0..200 {
            world.server.add_fault(cut(Endpoint::Result, None));
            let lost = Fault { what: What::Cut(Cut::BeforeEffect), ..cut(Endpoint::Logout, None) };
            world.server.add_fault(lost);
        }
    } else {
        world.server.add_fault(cut(Endpoint::Query, Some(statement)));
    }
    let ran = world.migrate(&target, DrainMode::Wait, None).await;
    let Ended::Stopped(stop) = &ran.ended else { panic!("{:#?}", ran.ended) };
    assert_eq!(stop.finding.code, Code::UnknownOutcome, "{stop:#?}");
    world.server.clock().advance(LATE);
    (world, target)
}

#[test]
fn nobody_marks_a_statement_as_not_done_while_it_runs() {
    block_on(async {
        let (world, target) = ended_without_knowing("INSERT INTO a SELECT 1 AS glacial").await;
        let running = |view: &View| view.statements.iter().any(|ran| ran.ended.is_none());
        assert!(running(&world.view()), "it has ended");
        let marked = world.try_mark(&target, "V1__one.sql", 2, SettledOutcome::NotDone).await;
        let stop = marked.expect_err("it runs");
        assert_eq!(stop.finding.code, Code::Locked, "{stop:#?}");
        assert!(running(&world.view()) && stop.query_id.is_some(), "{stop:#?}");
    });
}

#[test]
fn nobody_marks_a_statement_as_not_done_that_the_server_knows_to_be_done() {
    block_on(async {
        const ROW: &str = "INSERT INTO a VALUES (1)";
        let (world, target) = ended_without_knowing(ROW).await;
        let marked = world.try_mark(&target, "V1__one.sql", 2, SettledOutcome::NotDone).await;
        let stop = marked.expect_err("it was done");
        assert_eq!(stop.finding.message, "the query history says that statement 2 of V1__one.sql was done");
        let ran_again = world.migrate(&target, DrainMode::Wait, None).await;
        assert!(matches!(ran_again.ended, Ended::Done), "{:#?}", ran_again.ended);
        assert_eq!(ran(&world.view(), ROW), 1);
    });
}

/// What was edited, the scripts after that, and whether a run stops.
type Edit = (&'static str, Vec<(&'static str, &'static str)>, bool);

/// The first statement is done and the second may be, when the first run dies.
async fn cut_off() -> (World, Target) {
    let target = Target::new(SCRIPTS);
    let mut call = 15;
    loop {
        let world = Start::empty(Modes::default()).world();
        let ended = world.migrate(&target, DrainMode::Wait, Some((call, Point::BeforeAnswer))).await.ended;
        assert!(matches!(ended, Ended::Killed), "no call sends the row");
        if ran(&world.view(), "INSERT INTO a VALUES (1)") == 1 {
            return (world, target);
        }
        call += 1;
    }
}

/// Whoever edits the files of a run that was cut off is stopped as long as that would lose or repeat something; with the
/// files as they were the next run finishes.
#[test]
fn edited_files_of_a_run_that_was_cut_off_lose_and_repeat_nothing() {
    const TWO: (&str, &str) = SCRIPTS[1];
    let one = |text| ("V1__one.sql", text);
    let other = "CREATE TABLE a (id NUMBER);\nINSERT INTO a VALUES (1);\nCREATE TABLE other (id NUMBER);\n";
    let edits: &[Edit] = &[
        (
            "a finished statement",
            vec![
                one("CREATE TABLE a (id TEXT);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id NUMBER);\n"),
                TWO,
            ],
            true,
        ),
        (
            "the one that may be done",
            vec![
                one("CREATE TABLE a (id NUMBER);\nINSERT INTO a VALUES (2);\nCREATE TABLE b (id NUMBER);\n"),
                TWO,
            ],
            true,
        ),
        (
            "one more before",
            vec![
                one("CREATE TABLE z (id NUMBER);\nCREATE TABLE a (id NUMBER);\nINSERT INTO a VALUES (1);\n\
                     CREATE TABLE b (id NUMBER);\n"),
                TWO,
            ],
            true,
        ),
        ("one less before", vec![one("INSERT INTO a VALUES (1);\nCREATE TABLE b (id NUMBER);\n"), TWO], true),
        ("another name", vec![("V1__renamed.sql", SCRIPTS[0].1), TWO], true),
        ("no file", vec![TWO], true),
        ("one that was not begun", vec![one(other), TWO], false),
    ];
    block_on(async {
        for (what, scripts, stops) in edits {
            let (world, target) = Box::pin(cut_off()).await;
            let scripts: &'static [_] = Box::leak(scripts.clone().into_boxed_slice());
            let ended = world.migrate(&Target::new(scripts), DrainMode::Wait, None).await.ended;
            match &ended {
                Ended::Done => assert!(!stops, "{what}"),
                Ended::Stopped(stop) => {
                    let code = stop.finding.code;
                    let known = matches!(code, Code::ChangedAfterFailure | Code::FailedMigration);
                    assert!(*stops && known, "{what}: {stop:#?}");
                    let ended = world.migrate(&target, DrainMode::Wait, None).await.ended;
                    assert!(matches!(ended, Ended::Done), "{what}: {ended:#?}");
                }
                Ended::Killed => unreachable!("nobody kills it"),
            }
            let view = world.view();
            for text in
                ["CREATE TABLE a (id NUMBER)", "INSERT INTO a VALUES (1)", "CREATE TABLE c (id NUMBER)"]
            {
                assert_eq!(ran(&view, text), 1, "{what}: {text}");
            }
        }
    });
}
