//! Faults that meet the session of the lease alone.

use std::time::Duration;

use testkit::Takes;

use super::*;

#[test]
fn f44_a_session_of_the_lease_that_is_cut_off_alone_starts_nothing_more_once_its_beats_are_too_old() {
    // Every beat is lost on its way; the session that runs the scripts is well.
    let beats = (0..200).map(|_| at(BEAT, What::Cut(Cut::BeforeEffect))).collect();
    let durations = vec![Takes { contains: "CREATE TABLE".into(), time: Duration::from_millis(800) }];
    let tables: Vec<String> = (0..20).map(|n| format!("CREATE TABLE t{n} (x NUMBER);")).collect();
    let stand = Stand::with(Settings { durations, ..with(beats) }, &[("V1__many.sql", &tables.join("\n"))]);
    stand.configure(&lease(4), "");
    stand.migrates(5, &["error[lease_lost]", "no beat was confirmed in time"]);
    // Nothing was started later than a quarter of the lease before its end.
    let log = stand.server.log();
    let claimed = log
        .iter()
        .find(|entry| entry.text().is_some_and(|text| text.contains("\"nonce\" = :1, \"run\"")))
        .unwrap()
        .at;
    let last = stand.sent("CREATE TABLE t").into_iter().map(|entry| entry.at).max().unwrap();
    assert!(
        last.saturating_sub(claimed) <= Duration::from_millis(3_300),
        "{:?}",
        last.saturating_sub(claimed)
    );
}

#[test]
fn f44_a_beat_that_is_answered_when_the_lease_is_over_is_none() {
    // Nobody took the lease meanwhile; that cannot be known.
    let beat = at(BEAT, What::Delay(Duration::from_millis(4_500)));
    let durations = vec![Takes { contains: "(x NUMBER)".into(), time: Duration::from_millis(1_200) }];
    let stand = Stand::new(Settings { durations, ..with(vec![beat]) });
    stand.configure(&lease(4), "");
    stand.migrates(5, &["error[lease_lost]", "or was answered too late"]);
    assert_eq!((stand.ran(A), stand.ran(C), stand.sent(BEAT).len()), (1, 0, 1));
    stand.finishes();
}

#[test]
fn f37_a_target_that_takes_no_writes_refuses_the_claim_and_nothing_runs() {
    let stand = Stand::new(Settings::default());
    stand.project.write("migrations/V1__abc.sql", "CREATE TABLE first (x NUMBER);\n");
    stand.migrates(0, &[]);
    stand.project.write("migrations/V2__more.sql", "CREATE TABLE more (x NUMBER);\n");
    let what = What::Refused {
        code: "003001".into(),
        message: "SQL access control error:\nInsufficient privileges: the database is a secondary one, which is read-only.".into(),
        applied: false,
    };
    stand.server.add_fault(at(r#"SET "touch" = "touch" + 1"#, what));
    let run = stand.migrate();
    assert!([4, 6].contains(&run.code), "{}", run.all());
    assert!(run.err.contains("read-only"), "{}", run.all());
    assert_eq!(stand.sent("CREATE TABLE more").len(), 0);
    assert!(stand.server.world().sessions.is_empty(), "a session was left open");
}

#[test]
fn f39_each_statement_is_a_request_of_its_own_so_that_none_hides_behind_another() {
    let stand = Stand::new(Settings::default());
    stand.migrates(0, &[]);
    for text in [A, B, C] {
        let sent = stand.sent(text);
        assert_eq!((sent.len(), sent[0].text()), (1, Some(text)));
    }
    let parameters = stand
        .server
        .log()
        .into_iter()
        .filter(|entry| entry.body.to_string().contains("MULTI_STATEMENT_COUNT"));
    assert_eq!(parameters.count(), 0);
}
