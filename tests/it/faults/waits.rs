//! Waits: each is told, and the lease lives on meanwhile.

use std::time::Duration;

use testkit::Takes;

use super::*;

fn slow(text: &str, millis: u64) -> Takes {
    Takes { contains: text.into(), time: Duration::from_millis(millis) }
}

/// Beats between two requests.
fn beats(stand: &Stand, from: &Entry, to: &Entry) -> usize {
    let between = |entry: &&Entry| from.number < entry.number && entry.number < to.number;
    stand.sent(BEAT).iter().filter(between).count()
}

#[test]
fn f7_a_429_waits_as_the_server_asks_with_word_of_it_and_the_lease_beats_on() {
    let settings = Settings { durations: vec![slow(A, 1_300)], ..with(vec![at(B, busy(1))]) };
    let stand = Stand::new(settings);
    stand.configure(&lease(8), "");
    let wait = "the statement: the server has too much to do (HTTP 429); trying again in 1.0 s";
    stand.migrates(0, &[&format!("waiting: {wait}"), "applied V1__abc.sql"]);
    assert_eq!(stand.waits(), [wait]);
    let sent = stand.sent(B);
    assert_eq!((sent.len(), sent[0].query("requestId")), (2, sent[1].query("requestId")));
    assert!(sent[1].at.saturating_sub(sent[0].at) >= Duration::from_secs(1), "not before it is asked");
    assert_eq!(beats(&stand, &sent[0], &sent[1]), 1);
    stand.is_finished();
}

#[test]
fn f7_a_server_that_asks_for_more_than_the_lease_allows_ends_the_run_with_nothing_done() {
    let stand = Stand::new(with(vec![at(B, busy(60))]));
    stand.migrates(
        5,
        &[
            "error[statement_failed]: V1__abc.sql failed at statement 2 of 3: the statement: the server has too much to do \
             (HTTP 429) and asks to wait 60 s; nothing was done",
            "leave the script as it is, and run `snowops migrate` again: it goes on from there",
        ],
    );
    stand.failed_at_the_second(None);
    assert_eq!(stand.waits(), [""; 0]);
    stand.finishes();
}

#[test]
fn f7_waits_reach_machines_too_whatever_the_command() {
    let login = on(Endpoint::Login, busy(0));
    let read = at("SELECT", What::Cut(Cut::BeforeEffect));
    let stand = Stand::new(Settings::default());
    stand.finishes();
    for command in ["info", "plan", "validate", "doctor", "migrate", "repair"] {
        stand.server.add_fault(login.clone());
        stand.server.add_fault(read.clone());
        let run = stand.run(&[command, "--format", "json", "--events", "events.jsonl"]);
        says(&run, 0, &[]);
        for text in [&run.err, &stand.project.read("events.jsonl")] {
            let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
            assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{command}: {numbers:?}");
            let waits: Vec<_> = events.iter().filter(|event| event["event"] == "waiting").collect();
            assert_eq!(waits.len(), 2, "{command}: {text}");
            assert!(
                waits[0]["what"].as_str().unwrap().starts_with("the login: the server has too much to do")
            );
            assert!(waits[1]["what"].as_str().unwrap().contains("ended before the answer"), "{text}");
            assert!(waits.iter().all(|wait| wait["elapsed_ms"].is_u64() && wait["run"] == waits[0]["run"]));
        }
    }
}

#[test]
fn f9_a_long_statement_is_polled_with_word_of_it_and_the_lease_beats_on() {
    let stand = Stand::new(Settings {
        durations: vec![slow(B, 2_600)],
        hold: Duration::from_secs(1),
        ..Settings::default()
    });
    stand.configure(&lease(4), "");
    stand.migrates(0, &["waiting: the statement is running (query id", "(1.", "s so far)"]);
    let sent = stand.sent(B);
    assert_eq!((sent.len(), stand.asked(Endpoint::Result)), (1, 2));
    let id = &stand.events("statement_finished")[1]["query_id"];
    assert_eq!(stand.waits(), [format!("the statement is running (query id {})", id.as_str().unwrap())]);
    assert!(beats(&stand, &sent[0], &stand.sent(C)[0]) >= 2);
    stand.is_finished();
}

#[test]
fn f9_a_statement_is_stopped_at_the_time_that_its_script_allows() {
    let timed = format!("-- snowops: timeout=1s\n{}", SCRIPT.1);
    let settings = Settings { durations: vec![slow(B, 1_600)], ..Settings::default() };
    let stand = Stand::with(settings, &[(SCRIPT.0, &timed)]);
    stand.migrates(
        5,
        &[
            "failed at statement 2 of 3: Statement reached its statement or warehouse timeout of 1 second(s) and was canceled.",
            "look for a busy or suspended warehouse, then raise `statement_timeout`, or `timeout` in the script's header",
            "run `snowops migrate` again: it goes on from there",
            "snowflake code: 000630",
        ],
    );
    stand.failed_at_the_second(Some("000630"));
    mend(&stand.project, SCRIPT.0, "timeout=1s", "timeout=1m");
    stand.finishes();
}

#[test]
fn a_wait_for_another_runs_lease_is_told_with_its_holder() {
    let pipeline = [
        ("TF_BUILD", "True"),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
        ("SYSTEM_TEAMPROJECT", "shop"),
        ("BUILD_BUILDID", "7"),
    ];
    let stand = Stand::new(Settings { durations: vec![slow(A, 4_000)], ..Settings::default() });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| stand.run_with(&["migrate", "--create-history"], &pipeline));
        while stand.sent(A).is_empty() {
            assert!(!first.is_finished());
            std::thread::sleep(Duration::from_millis(10));
        }
        let second = stand.run(&["migrate", "--lock-timeout", "100ms", "--events", "events.jsonl"]);
        says(
            &second,
            7,
            &[
                "waiting for the lease, held by SNOWOPS on",
                "; it can be taken in 2 min ",
                "error[locked]: another run holds the lease on this target: SNOWOPS on",
                ", https://dev.azure.com/acme/shop/_build/results?buildId=7",
                "waited 1 s; unless that run renews it, as it does while it lives, it can be taken in 1",
                " s at the earliest",
                "`snowops unlock` shows the lease",
                "run again when that run has ended, or wait longer with `--lock-timeout`",
            ],
        );
        let waits = stand.events("lease_waiting");
        assert_eq!(waits.len(), 1);
        let left = waits[0]["free_in_ms"].as_u64().unwrap();
        assert!((100_000..=150_000).contains(&left), "{left}");
        let json = stand.run(&["migrate", "--lock-timeout", "0s", "--format", "json"]);
        let result: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((json.code, &result["error"]["code"]), (7, &"locked".into()), "{result:#}");
        let message = result["error"]["message"].as_str().unwrap();
        for part in ["SNOWOPS on", "buildId=7", "can be taken in 1", "at the earliest"] {
            assert!(message.contains(part), "{message}");
        }
        says(&first.join().unwrap(), 0, &[]);
    });
    stand.is_finished();
}
