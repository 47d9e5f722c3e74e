//! Answers that are lost, cut off, or come from something in between.

use std::time::Duration;

use testkit::Modes;

use super::*;

const RESUME: &str = "run `snowops migrate` again: it finds out before it goes on";

/// What a person reads of a statement whose answer is lost.
fn unknown(why: &str) -> [&str; 5] {
    [
        "error[unknown_outcome]: nobody can say whether statement 2 of 3 of V1__abc.sql was done",
        why,
        "migrations/V1__abc.sql:2",
        "note: statement 1 of this script is done and stays done",
        RESUME,
    ]
}

/// Nothing was claimed of a statement that nobody knows of, and it was sent once.
#[track_caller]
fn claims_nothing(stand: &Stand) {
    assert_eq!(stand.history(), []);
    assert_eq!(stand.journal("failed"), [] as [Value; 0]);
    assert_eq!(stand.journal("end").last().unwrap()["outcome"], "unknown");
    assert_eq!((stand.ran(A), stand.sent(B).len(), stand.ran(C)), (1, 1, 0));
    let failed = stand.events("statement_failed");
    assert_eq!((failed.len(), &failed[0]["unknown"]), (1, &Value::Bool(true)));
}

/// The next run finds out by itself, and goes on.
#[track_caller]
fn settles(stand: &Stand, done: bool) {
    stand.finishes();
    let settled = stand.journal("settled").pop().unwrap();
    let outcome = if done { "done" } else { "not_done" };
    assert!(settled["outcome"] == outcome && settled["by"] != "person", "{settled}");
}

/// The run itself finds out that the statement was done, and goes on.
#[track_caller]
fn goes_on(stand: &Stand, why: &str) {
    let what = format!("waiting: the query history to tell more: the statement: {why}");
    stand.migrates(0, &[&what]);
    assert_eq!((stand.ran(A), stand.sent(B).len(), stand.ran(B), stand.ran(C)), (1, 1, 1, 1));
    let id = &stand.events("statement_finished")[1]["query_id"];
    assert!(stand.server.world().statements.iter().any(|ran| ran.text == B && *id == *ran.query_id), "{id}");
    stand.is_finished();
}

#[test]
fn f3_a_connection_that_ends_before_the_answer_is_no_end_where_the_query_history_tells() {
    let busy = Modes { history_delay: Some(Duration::from_secs(1)), ..Modes::default() };
    for modes in [Modes::default(), busy] {
        let settings = Settings { modes, ..with(vec![at(B, What::Cut(Cut::BeforeAnswer))]) };
        let stand = Stand::with(settings, &[SCRIPT]).with_short_lease();
        goes_on(&stand, "the connection to 127.0.0.1 ended before the answer");
    }
}

#[test]
fn f3_a_statement_that_failed_unheard_fails_the_run_in_the_servers_words() {
    let again = "CREATE TABLE a (x NUMBER, y NUMBER)";
    let text = format!("CREATE TABLE a (x NUMBER);\n{again};\n");
    let settings = with(vec![at(again, What::Cut(Cut::BeforeAnswer))]);
    let stand = Stand::with(settings, &[(SCRIPT.0, &text)]).with_short_lease();
    let words = "V1__abc.sql failed at statement 2 of 2: ";
    stand.migrates(
        5,
        &[
            "error[statement_failed]",
            words,
            "Object 'RETAIL.PUBLIC.A' already exists.",
            "snowflake code: 002002",
        ],
    );
    assert_eq!(stand.history(), [("V1__abc.sql".to_owned(), false)]);
}

#[test]
fn f3_what_changed_the_session_unheard_is_put_back_after_the_script() {
    let used = "USE SCHEMA s";
    let text = format!("CREATE SCHEMA s;\n{used};\nCREATE TABLE inside (x NUMBER);\n");
    let settings = with(vec![at(used, What::Cut(Cut::BeforeAnswer))]);
    let scripts = [(SCRIPT.0, text.as_str()), ("V2__next.sql", "CREATE TABLE outside (x NUMBER);\n")];
    let stand = Stand::with(settings, &scripts).with_short_lease();
    stand.migrates(0, &[]);
    let catalog: Value = serde_json::from_str(&stand.server.world().catalog).unwrap();
    let schemas = &catalog["databases"]["RETAIL"]["schemas"];
    let holds = |schema: &str, table: &str| schemas[schema].to_string().contains(table);
    assert!(holds("S", "INSIDE") && holds("PUBLIC", "OUTSIDE") && !holds("S", "OUTSIDE"), "{schemas:#}");
}

#[test]
fn f3_a_statement_that_never_came_is_left_to_be_settled() {
    let stand = Stand::new(with(vec![at(B, What::Cut(Cut::BeforeEffect))])).with_short_lease();
    stand.migrates(5, &unknown("the connection to 127.0.0.1 ended before the answer"));
    claims_nothing(&stand);
    settles(&stand, false);
}

/// Rows leave no trace in the catalogue, and this role sees no query history.
#[test]
fn f3_what_nobody_can_find_out_is_asked_of_a_person_with_the_command_to_answer() {
    const ROW: &str = "INSERT INTO a VALUES (1)";
    let text = format!("CREATE TABLE a (x NUMBER);\n{ROW};\nCREATE TABLE c (x NUMBER);\n");
    for (cut, mark) in [(Cut::BeforeAnswer, "--mark-done"), (Cut::BeforeEffect, "--mark-not-done")] {
        let hidden = Modes { history_delay: None, ..Modes::default() };
        let settings = Settings { modes: hidden, ..with(vec![at(ROW, What::Cut(cut))]) };
        let stand = Stand::with(settings, &[(SCRIPT.0, &text)]).with_short_lease();
        stand.migrates(5, &unknown("the connection to 127.0.0.1 ended before the answer"));
        let hint = "look in the database, then say what you found: `snowops repair --script V1__abc.sql --statement 2 \
                    --mark-done` or `--mark-not-done`";
        stand.migrates(
            5,
            &[
                "error[unknown_outcome]: nobody can say whether statement 2 of 3 of V1__abc.sql was done",
                hint,
            ],
        );
        let repair = ["repair", "--script", "V1__abc.sql", "--statement", "2", mark];
        says(&stand.run(&repair), 0, &[]);
        stand.migrates(0, &[]);
        assert_eq!([stand.ran(A), stand.ran(ROW), stand.ran(C)], [1, 1, 1]);
        assert_eq!(stand.history(), [("V1__abc.sql".to_owned(), true)]);
        assert_eq!(stand.journal("settled").pop().unwrap()["by"], "person");
    }
}

#[test]
fn f4_an_answer_cut_in_its_middle_is_fetched_by_its_id() {
    // Behind its id: whatever it is, it is not sent again.
    let stand = Stand::with(
        with(vec![at(B, What::TruncatedGzip), at("SHOW ROLES", What::TruncatedGzip)]),
        &[SCRIPT, ("V2__look.sql", "SHOW ROLES;\n")],
    );
    stand.migrates(0, &[]);
    assert_eq!((stand.sent(B).len(), stand.sent("SHOW ROLES").len()), (1, 1));
    assert_eq!(stand.asked(Endpoint::Result), 2);
    let shown = stand.events("statement_finished").pop().unwrap();
    assert!(shown["rows"].to_string().contains("\"SYSADMIN\""), "{shown}");
}

#[test]
fn f4_a_read_cut_before_its_id_is_asked_again_and_nothing_else_is() {
    let cut = What::Cut(Cut::InAnswer);
    let look = ("V2__look.sql", "SHOW TABLES;\n");
    let stand = Stand::with(with(vec![at("SHOW TABLES", cut.clone())]), &[SCRIPT, look]);
    stand.migrates(0, &["waiting: the statement: the answer was cut off after"]);
    let sent = stand.sent("SHOW TABLES");
    assert_eq!((sent.len(), sent[0].query("requestId")), (2, sent[1].query("requestId")));
    let shown = stand.events("statement_finished").pop().unwrap();
    assert!(shown["rows"].to_string().contains("\"C\""), "{shown}");

    let stand = Stand::new(with(vec![at(B, cut)])).with_short_lease();
    goes_on(&stand, "the answer was cut off after");
}

#[test]
fn f4_a_read_of_the_ledger_that_is_cut_off_is_asked_again() {
    let stand = Stand::new(Settings::default());
    stand.finishes();
    stand
        .server
        .add_fault(at(r#"FROM "RETAIL"."SNOWOPS"."snowops_schema_history""#, What::Cut(Cut::InAnswer)));
    stand
        .server
        .add_fault(at(r#"FROM "RETAIL"."SNOWOPS"."snowops_schema_history_journal""#, What::BrokenJson));
    stand.finishes();
    assert_eq!(stand.waits().len(), 2);
}

#[test]
fn f8_a_5xx_is_a_lost_answer_and_says_nothing_of_what_was_done() {
    for (code, applied) in [(502, true), (503, false), (503, true), (504, false)] {
        let stand = Stand::new(with(vec![at(B, status(code, applied))])).with_short_lease();
        let why = format!("the server answered HTTP {code}; whether it was done is not known");
        if applied {
            goes_on(&stand, &why);
            continue;
        }
        stand.migrates(5, &unknown(&why));
        claims_nothing(&stand);
        settles(&stand, false);
    }
}

#[test]
fn f8_a_page_of_a_proxy_with_status_200_is_a_lost_answer_too() {
    let stand = Stand::new(with(vec![at(B, What::Page)])).with_short_lease();
    stand.migrates(5, &unknown("the answer cannot be read: it is cut off, or no answer of Snowflake"));
    claims_nothing(&stand);
    settles(&stand, false);
}

#[test]
fn f8_a_503_in_the_ledger_stops_the_run_and_the_next_one_sees_what_is_there() {
    for applied in [true, false] {
        let stand = Stand::new(with(vec![at(HISTORY_ROW, status(503, applied))])).with_short_lease();
        stand.migrates(
            5,
            &[
                "error[connection_failed]: a statement on the schema history failed",
                "the server answered HTTP 503; whether it was done is not known",
                "nothing more was sent; run `snowops migrate` again: it finds out what is done and goes on from there",
            ],
        );
        assert_eq!(stand.history().len(), usize::from(applied));
        assert_eq!([stand.ran(A), stand.ran(B), stand.ran(C)], [1, 1, 1]);
        // What the server does with the row is sure when the lease is over.
        stand.migrates(0, &["waiting for the lease, held by"]);
        stand.is_finished();
    }
}

#[test]
fn f8_a_login_that_meets_a_503_is_tried_again_with_word_of_it() {
    let stand = Stand::new(with(vec![on(Endpoint::Login, status(503, false))]));
    stand.migrates(0, &["waiting: the login: the server answered HTTP 503; trying again in 0."]);
    assert_eq!((stand.asked(Endpoint::Login), stand.waits().len()), (3, 1));
    stand.is_finished();
}
