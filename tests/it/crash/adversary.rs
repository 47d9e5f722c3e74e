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
