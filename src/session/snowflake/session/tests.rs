mod faults;
mod parity;
mod secrets;

use std::collections::VecDeque;

use serde_json::json;

use super::*;
use crate::session::{
    Bind, Connector as _,
    snowflake::testing::{
        Client, Reply, Server, done, refusal, repeatable, rows, server, statement, welcome,
    },
};

/// Answers statements one after another from a list, then as done.
fn in_turn(replies: Vec<Reply>) -> Server {
    let mut replies = VecDeque::from(replies);
    server(move |_| replies.pop_front().unwrap_or_else(done))
}

const QUERY: &str = "/queries/v1/query-request";

#[tokio::test]
async fn a_statement_goes_out_as_it_is_and_comes_back_as_text() {
    let server = in_turn(vec![Reply::Json(rows(&json!([["one"], [null]])))]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    assert_eq!(session.info().id, "4711");
    assert_eq!((session.info().user.as_str(), session.info().account.as_str()), ("DEPLOY", "ORG-ACC"));
    let request = Request {
        binds: vec![Bind::Text("t".into()), Bind::Integer(-7), Bind::Boolean(true), Bind::Null],
        timeout: Some(Duration::from_mins(2)),
        ..statement(9, "SELECT :1, :2, :3, :4")
    };
    let answer = session.execute(&request).await.unwrap();
    assert_eq!(answer.rows, [vec![Some("one".to_owned())], vec![None]]);
    assert_eq!(answer.query_id.as_deref(), Some("01b2-0001"));
    assert_eq!(answer.context, session.info().context);
    session.close().await.unwrap();
    let seen = &server.seen_at(QUERY)[0];
    assert_eq!(seen.query["requestId"], "00000000-0000-0000-0000-000000000009");
    assert!(seen.query.contains_key("request_guid") && !seen.query.contains_key("retryCount"));
    assert_eq!(seen.headers["authorization"], "Snowflake Token=\"session-token-1\"");
    assert_eq!(seen.headers["user-agent"], concat!("snowops/", env!("CARGO_PKG_VERSION")));
    let mut body = seen.body.clone();
    body.as_object_mut().unwrap().remove("querySubmissionTime").unwrap();
    let expected = json!({
        "sqlText": "SELECT :1, :2, :3, :4",
        "asyncExec": false,
        "sequenceId": 1,
        "isInternal": false,
        "queryContextDTO": {},
        "parameters": { "QUERY_TAG": "snowops:test", "STATEMENT_TIMEOUT_IN_SECONDS": 120 },
        "bindings": {
            "1": { "type": "TEXT", "value": "t" },
            "2": { "type": "FIXED", "value": "-7" },
            "3": { "type": "BOOLEAN", "value": "true" },
            "4": { "type": "ANY", "value": null },
        },
    });
    assert_eq!(body, expected);
    assert_eq!(server.seen().last().unwrap().query["delete"], "true");
}

fn ids(server: &Server) -> Vec<String> {
    server.seen_at(QUERY).iter().map(|seen| seen.query["requestId"].clone()).collect()
}

fn running() -> Value {
    json!({
        "success": true, "code": "333334", "message": "Query execution in progress.",
        "data": { "queryId": "01b2-0001", "getResultUrl": "/queries/01b2-0001/result", "queryAbortsAfterSecs": 300 },
    })
}

#[tokio::test]
async fn cancel_aborts_by_request_id_and_the_statement_says_so() {
    let (mut aborted, gate) = (false, Arc::new(tokio::sync::Notify::new()));
    let opened = Arc::clone(&gate);
    let server = server(move |seen| match seen.path.as_str() {
        "/queries/v1/abort-request" => {
            aborted = true;
            Reply::Json(json!({ "success": true, "data": null }))
        }
        QUERY => {
            opened.notify_one();
            Reply::Json(running())
        }
        _ if aborted => Reply::Json(refusal("000604", "SQL execution canceled")),
        _ => Reply::Json(running()),
    });
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let control = session.control();
    let request = statement(5, "CALL slow()");
    let stopping = async {
        gate.notified().await;
        control.cancel(request.id).await
    };
    let (result, stopped) = tokio::join!(session.execute(&request), stopping);
    assert!(stopped.unwrap());
    assert_eq!(result.unwrap_err().class, ErrorClass::Cancelled);
    let abort = &server.seen_at("/queries/v1/abort-request")[0];
    assert_eq!(abort.body, json!({ "sqlText": "CALL slow()", "requestId": request.id.0.to_string() }));
    assert_ne!(abort.query["requestId"], request.id.0.to_string());
    // What is over is not asked about.
    assert!(!control.cancel(request.id).await.unwrap());
    assert_eq!(server.seen_at("/queries/v1/abort-request").len(), 1);
}

#[tokio::test]
async fn a_statement_that_waits_to_be_sent_again_is_cancelled_without_being_sent() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let opened = Arc::clone(&gate);
    let server = server(move |seen| match seen.path.as_str() {
        QUERY => {
            opened.notify_one();
            Reply::Status(429, vec![], String::new())
        }
        _ => Reply::Json(json!({ "success": false, "code": "000605", "message": "not executing" })),
    });
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let control = session.control();
    let request = statement(5, "INSERT INTO t SELECT 1");
    let stopping = async {
        gate.notified().await;
        control.cancel(request.id).await
    };
    let (result, stopped) = tokio::join!(session.execute(&request), stopping);
    assert!(!stopped.unwrap());
    let error = result.unwrap_err();
    assert_eq!((error.class, error.outcome), (ErrorClass::Cancelled, Effect::NotSent));
}

#[tokio::test]
async fn a_session_whose_statement_was_dropped_takes_no_other() {
    let server = in_turn(vec![Reply::Silence]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let request = statement(1, "CALL slow()");
    tokio::select! {
        _ = session.execute(&request) => panic!("answered"),
        () = async {
            while server.seen_at(QUERY).is_empty() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    let error = session.execute(&statement(2, "SELECT 1")).await.unwrap_err();
    assert_eq!((error.class, error.outcome), (ErrorClass::Connection, Effect::NotSent));
    assert_eq!(server.seen_at(QUERY).len(), 1);
}

#[tokio::test]
async fn a_silent_server_is_a_lost_answer() {
    let server = in_turn(vec![Reply::Silence]);
    let client = Client::new(server.port);
    let mut http = Http::new(&client.settings.connection, client.settings.lease).unwrap();
    http.patience = Duration::from_millis(200);
    let settings = &client.settings;
    let source: Arc<dyn CredentialSource> =
        crate::session::snowflake::credential::Configured::new(settings.connection.login.clone());
    let spec = crate::session::snowflake::testing::spec(Purpose::Work);
    let mut session = SnowflakeSession::open(http, settings, &source, &spec).await.unwrap();
    let error = session.execute(&statement(1, "CALL slow()")).await.unwrap_err();
    assert_eq!((error.class, error.outcome), (ErrorClass::Connection, Effect::Unknown));
    assert!(error.message.contains("gave no answer"), "{error}");
}

#[tokio::test]
async fn f35_f36_a_warehouse_that_is_cut_off_and_a_lost_privilege_are_confirmed_failures() {
    for (code, message, class) in [
        (
            "000630",
            "Statement reached its statement or warehouse timeout of 600 second(s) and was canceled.",
            ErrorClass::Cancelled,
        ),
        (
            "090073",
            "Warehouse 'WH' cannot be resumed because resource monitor 'RM' has exceeded its quota.",
            ErrorClass::Statement,
        ),
        ("000606", "No active warehouse selected in the current session.", ErrorClass::Statement),
        ("003001", "Insufficient privileges to operate on schema 'PUBLIC'", ErrorClass::Privilege),
    ] {
        let server = in_turn(vec![done(), Reply::Json(refusal(code, message))]);
        let client = Client::new(server.port);
        let mut session = client.session().await;
        session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap();
        let error = session.execute(&statement(2, "INSERT INTO t SELECT 2")).await.unwrap_err();
        assert_eq!((error.class, error.outcome, error.message.as_str()), (class, Effect::Failed, message));
        // The session goes on, and so can the run after a grant.
        session.execute(&statement(3, "INSERT INTO t SELECT 2")).await.unwrap();
    }
}

#[tokio::test]
async fn context_follows_the_answers() {
    let server = server(|seen| {
        let mut answer = rows(&json!([["ok"]]));
        answer["data"]["finalSchemaName"] =
            if seen.sql().contains("DROP") { Value::Null } else { json!("OTHER") };
        Reply::Json(answer)
    });
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let answer = session.execute(&statement(1, "USE SCHEMA other")).await.unwrap();
    assert_eq!(answer.context.schema.unwrap().as_str(), "OTHER");
    let answer = session.execute(&statement(2, "DROP SCHEMA other")).await.unwrap();
    assert_eq!((answer.context.schema, answer.context.role.unwrap().as_str()), (None, "DEPLOYER"));
}

#[tokio::test]
async fn changed_rows_are_counted_of_dml_alone() {
    let counts = |kind: i64| {
        let mut answer = rows(&json!([["3", "4", "9"]]));
        answer["data"]["statementTypeId"] = json!(kind);
        let names =
            ["number of rows inserted", "number of rows updated", "number of multi-joined rows updated"];
        answer["data"]["rowtype"] =
            names.iter().map(|name| json!({ "name": name, "type": "fixed", "scale": 0 })).collect();
        Reply::Json(answer)
    };
    let server = in_turn(vec![counts(0x3400), counts(0x1000)]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    assert_eq!(session.execute(&statement(1, "MERGE ..")).await.unwrap().changed, 7);
    assert_eq!(session.execute(&statement(2, "SELECT ..")).await.unwrap().changed, 0);
}

#[test]
fn the_id_in_a_part_of_an_answer() {
    for (part, id) in [
        (r#"{"data":{"queryId":"01b2-0001","rowset":[["#, Some("01b2-0001")),
        (r#"{"data":{"queryId" : "01b2"#, None),
        (r#"{"data":{"queryId": "01b2-0001""#, Some("01b2-0001")),
        (r#"{"data":{"queryId":"../x","#, None),
        (r#"{"data":{"rowset":[["#, None),
    ] {
        assert_eq!(query_id_in(part.as_bytes()).as_deref(), id, "{part}");
    }
}
