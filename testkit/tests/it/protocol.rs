//! The protocol, over HTTP, by a client that knows nothing.

use std::time::Duration;

use super::client::Client;
use serde_json::json;
use testkit::{Cut, Endpoint, Fault, Lives, Server, Settings, Takes, Time, What, When};

fn server() -> Server {
    Server::start(Settings::default()).unwrap()
}

#[tokio::test]
async fn a_session_from_login_to_logout() {
    let server = server();
    let mut client = Client::login(&server).await;
    let made = client.run("CREATE TABLE orders (id INTEGER)").await;
    assert_eq!(made["data"]["rowset"], json!([["Table ORDERS successfully created."]]));
    assert_eq!(made["data"]["finalSchemaName"], "PUBLIC");
    let used = client.run("CREATE SCHEMA sales").await;
    assert_eq!(used["data"]["finalSchemaName"], "SALES");
    let beat = client.post("/session/heartbeat", None).await;
    assert_eq!(beat["success"], true);
    let over = client.post("/queries/v1/abort-request", Some(json!({ "requestId": "never" }))).await;
    assert_eq!(over["code"], "000605");
    assert_eq!(client.post("/session?delete=true", Some(json!({}))).await["success"], true);
    assert_eq!(client.run("SELECT 1").await["code"], "390104");
    let counts = server.counts().by_endpoint;
    let count = |endpoint| counts.get(&endpoint).copied().unwrap_or_default();
    assert_eq!(count(Endpoint::Login), 1);
    assert_eq!(count(Endpoint::Query), 3);
    assert_eq!(count(Endpoint::Heartbeat), 1);
    assert_eq!(count(Endpoint::Abort), 1);
    assert_eq!(count(Endpoint::Logout), 1);
    assert!(server.world().sessions.is_empty());
    assert!(server.world().catalog.contains("ORDERS"));
    let log = server.log();
    assert_eq!(log[1].text(), Some("CREATE TABLE orders (id INTEGER)"));
    assert_eq!(log[1].answer.as_deref(), Some("200"));
}

#[tokio::test]
async fn refusals_have_code_state_place_and_query_id() {
    let server = server();
    let mut client = Client::login(&server).await;
    let refused = client.run("SELECT 1 FROM never_was").await;
    assert_eq!(refused["success"], false);
    assert_eq!(refused["code"], "002003");
    assert_eq!(refused["data"]["sqlState"], "42S02");
    assert_eq!(refused["data"]["queryId"].as_str().unwrap().len(), 36);
    let refused = client.run("SELECT id\nFROM FROM x").await;
    assert_eq!((refused["code"].as_str(), refused["data"]["line"].as_u64()), (Some("001003"), Some(2)));
    assert_eq!(refused["data"]["pos"], 5);
    let two = client.run("SELECT 1; SELECT 2").await;
    assert_eq!(two["code"], "000008");
    let both = client
        .send(json!({ "sqlText": "SELECT 1; SELECT 2", "parameters": { "MULTI_STATEMENT_COUNT": 2 } }))
        .await;
    let ids = both["data"]["resultIds"].as_str().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
    let second = client.get(&format!("/queries/{}/result", ids[1])).await;
    assert_eq!(second["data"]["rowset"], json!([["2"]]));
}

#[tokio::test]
async fn wrong_logins_have_their_codes() {
    let server = server();
    let login = |data| Client::try_login(&server, "", data);
    let wrong = login(json!({ "LOGIN_NAME": "SNOWOPS", "PASSWORD": "wrong" })).await;
    assert_eq!(wrong["code"], "390100");
    let nobody = login(json!({ "LOGIN_NAME": "NOBODY", "PASSWORD": "correct horse" })).await;
    assert_eq!(nobody["code"], "390100");
    let right = json!({ "LOGIN_NAME": "snowops", "PASSWORD": "correct horse" });
    let role = Client::try_login(&server, "&roleName=NO_SUCH", right).await;
    assert_eq!(role["code"], "390189");
    assert!(server.world().sessions.is_empty());
}

#[tokio::test]
async fn tokens_end_by_the_servers_clock_and_are_renewed() {
    let minute = Duration::from_mins(1);
    let tokens = Lives { session: 10 * minute, master: 30 * minute };
    let server = Server::start(Settings { time: Time::Standing, tokens, ..Settings::default() }).unwrap();
    let mut client = Client::login(&server).await;
    server.clock().advance(9 * minute);
    assert_eq!(client.run("SELECT 1").await["success"], true);
    server.clock().advance(2 * minute);
    assert_eq!(client.run("SELECT 1").await["code"], "390112");
    assert_eq!(client.renew().await["success"], true);
    assert_eq!(client.run("SELECT 1").await["success"], true);
    server.clock().advance(31 * minute);
    assert_eq!(client.run("SELECT 1").await["code"], "390112");
    assert_eq!(client.renew().await["code"], "390114");
}

#[tokio::test]
async fn a_long_statement_is_polled_and_can_be_aborted() {
    let takes = Takes { contains: "slow".to_owned(), time: Duration::from_secs(200) };
    let settings = Settings { time: Time::Jumping, durations: vec![takes], ..Settings::default() };
    let server = Server::start(settings).unwrap();
    let mut client = Client::login(&server).await;
    let mut answer = client.run("CREATE TABLE slow (id INTEGER)").await;
    let mut polls = 0;
    while answer["code"] == "333333" {
        let url = answer["data"]["getResultUrl"].as_str().unwrap().to_owned();
        answer = client.get(&url).await;
        polls += 1;
    }
    assert_eq!((answer["success"].as_bool(), polls), (Some(true), 4));
    assert_eq!(server.world().executions().len(), 1);

    // At once, as a driver does that was told to.
    let body = json!({ "sqlText": "DROP TABLE slow", "asyncExec": true });
    let answer = client.send(body).await;
    assert_eq!(answer["code"], "333334");
    let id = answer["data"]["queryId"].as_str().unwrap().to_owned();
    let status = client.get(&format!("/monitoring/queries//{id}")).await;
    assert_eq!(status["data"]["queries"][0]["status"], "RUNNING");
    let aborted = client.abort_last().await;
    assert_eq!(aborted["success"], true);
    let end = client.get(&format!("/queries/{id}/result")).await;
    assert_eq!((end["code"].as_str(), end["data"]["sqlState"].as_str()), (Some("000604"), Some("57014")));
    assert!(server.world().catalog.contains("SLOW"), "an aborted statement had an effect");
}

#[tokio::test]
async fn connections_are_cut_where_the_fault_says() {
    for (cut, applied) in [
        (Cut::BeforeBody, false),
        (Cut::BeforeEffect, false),
        (Cut::BeforeAnswer, true),
        (Cut::InAnswer, true),
    ] {
        let server = server();
        let mut client = Client::login(&server).await;
        let when = When { endpoint: Some(Endpoint::Query), ..When::default() };
        server.add_fault(Fault { when, what: What::Cut(cut) });
        let lost = client.try_send(json!({ "sqlText": "CREATE TABLE cut_off (id INTEGER)" })).await;
        assert!(lost.is_err(), "{cut:?}: {lost:?}");
        assert_eq!(server.world().catalog.contains("CUT_OFF"), applied, "{cut:?}");
        assert!(server.faults().is_empty());
        assert_eq!(client.run("SELECT 1").await["success"], true, "{cut:?}");
    }
}

#[tokio::test]
async fn answers_of_http_instead_of_the_servers() {
    for (status, applied) in [(503, false), (503, true), (429, false), (407, false)] {
        let server = server();
        let mut client = Client::login(&server).await;
        let when = When { text: Some("met".to_owned()), after: 1, ..When::default() };
        server.add_fault(Fault { when, what: What::Status { status, retry_after: Some(7), applied } });
        client.run("SELECT 'met'").await;
        let answer = client.raw(json!({ "sqlText": "CREATE TABLE met (id INTEGER)" })).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["retry-after"], "7");
        assert_eq!(server.world().catalog.contains("MET"), applied, "{status}");
    }
    for what in [What::BrokenJson, What::TruncatedGzip, What::Page] {
        let server = server();
        let mut client = Client::login(&server).await;
        server.add_fault(Fault { when: When::default(), what: what.clone() });
        let lost = client.try_send(json!({ "sqlText": "SELECT 1" })).await;
        assert!(lost.is_err(), "{what:?}: {lost:?}");
    }
}

#[tokio::test]
async fn the_same_request_id_runs_once() {
    let server = server();
    let mut client = Client::login(&server).await;
    let first = client.run("CREATE TABLE once (id INTEGER)").await;
    let again = client.again(json!({ "sqlText": "CREATE TABLE once (id INTEGER)" })).await;
    assert_eq!(first, again);
    assert_eq!(server.world().executions().values().copied().collect::<Vec<_>>(), [1]);
}
