//! Ways in which a real server might behave, and what becomes of statements that nobody waits for.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Fault, Modes, SameRequest, Server, Settings, Takes, Time, What, When};

use super::client::Client;

const TABLE: &str = "snowops_schema_history_lock";

fn start(modes: Modes) -> Server {
    let takes = |text: &str, seconds| Takes { contains: text.to_owned(), time: Duration::from_secs(seconds) };
    let durations = vec![takes("slow", 600), takes("brief", 10)];
    Server::start(Settings { time: Time::Jumping, durations, modes, ..Settings::default() }).unwrap()
}

async fn with_row(server: &Server) -> Client {
    let mut client = Client::login(server).await;
    let text =
        format!("CREATE TABLE \"{TABLE}\" AS SELECT CAST(NULL AS VARCHAR) AS \"nonce\", 0 AS \"token\"");
    assert_eq!(client.run(&text).await["success"], true);
    client
}

async fn count(client: &mut Client, text: &str) -> Value {
    client.run(text).await["data"]["rowset"][0][0].clone()
}

#[tokio::test]
async fn a_transaction_that_is_idle_for_five_minutes_is_rolled_back_when_it_is_in_the_way() {
    let hold = Duration::from_mins(10);
    let server = Server::start(Settings { time: Time::Jumping, hold, ..Settings::default() }).unwrap();
    let mut one = with_row(&server).await;
    let mut two = Client::login(&server).await;
    let claim = |nonce: &str| format!("UPDATE \"{TABLE}\" SET \"nonce\" = '{nonce}' WHERE \"nonce\" IS NULL");
    two.run("ALTER SESSION SET LOCK_TIMEOUT = 200").await;
    one.run("BEGIN").await;
    assert_eq!(count(&mut one, &claim("one")).await, "1");
    let start = server.clock().now();
    assert_eq!(two.run(&claim("two")).await["code"], "000625");
    assert_eq!(count(&mut two, &claim("two")).await, "1");
    let waited = server.clock().now().saturating_sub(start);
    assert!((Duration::from_mins(5)..Duration::from_secs(301)).contains(&waited), "{waited:?}");
    assert_eq!(count(&mut one, "SELECT CURRENT_TRANSACTION()").await, Value::Null);
}

#[tokio::test]
async fn a_statement_sees_what_was_committed_before_it_and_a_lock_is_waited_for() {
    for (again, second) in [(true, "0"), (false, "1")] {
        let server = start(Modes { where_again_after_wait: again, ..Modes::default() });
        let mut one = with_row(&server).await;
        let mut two = Client::login(&server).await;
        let claim = |nonce: &str| {
            format!(
                "UPDATE \"{TABLE}\" SET \"nonce\" = '{nonce}', \"token\" = \"token\" + 1 WHERE \"nonce\" IS NULL"
            )
        };
        one.run("BEGIN").await;
        assert_eq!(count(&mut one, &claim("one")).await, "1");
        let free = format!("SELECT COUNT(*) FROM \"{TABLE}\" WHERE \"nonce\" IS NULL");
        assert_eq!(count(&mut two, &free).await, "1", "what is not committed was seen");
        assert_eq!(count(&mut one, &free).await, "0");
        assert_ne!(count(&mut one, "SELECT CURRENT_TRANSACTION()").await, Value::Null);
        assert_eq!(count(&mut two, "SELECT CURRENT_TRANSACTION()").await, Value::Null);
        assert_eq!(behind(&server, &mut one, &mut two, &claim("two")).await, second, "WHERE again: {again}");
    }
}

/// What a statement of the second answers that waits for the transaction of the first, which is committed then.
async fn behind(server: &Server, first: &mut Client, second: &mut Client, text: &str) -> Value {
    let ends = async {
        while !server.world().statements.iter().any(|ran| ran.status == "BLOCKED") {
            tokio::task::yield_now().await;
        }
        first.run("COMMIT").await
    };
    tokio::join!(count(second, text), ends).0
}

#[tokio::test]
async fn what_others_wrote_into_other_columns_stays_whether_the_row_is_looked_at_again_or_not() {
    for again in [true, false] {
        let server = start(Modes { where_again_after_wait: again, ..Modes::default() });
        let mut one = with_row(&server).await;
        let mut two = Client::login(&server).await;
        one.run("BEGIN").await;
        one.run(&format!("UPDATE \"{TABLE}\" SET \"nonce\" = 'one'")).await;
        let touch = format!("UPDATE \"{TABLE}\" SET \"token\" = \"token\" + 1");
        assert_eq!(behind(&server, &mut one, &mut two, &touch).await, "1");
        let nonce = count(&mut one, &format!("SELECT \"nonce\" FROM \"{TABLE}\"")).await;
        assert_eq!(nonce, "one", "WHERE again: {again}");
    }
}

#[tokio::test]
async fn a_lock_is_waited_for_no_longer_than_the_session_says() {
    let server = start(Modes::default());
    let mut one = with_row(&server).await;
    let mut two = Client::login_with(&server, json!({ "LOCK_TIMEOUT": 20 })).await;
    let update = format!("UPDATE \"{TABLE}\" SET \"token\" = 1");
    one.run("BEGIN").await;
    one.run(&update).await;
    let before = server.clock().now();
    let refused = two.run(&update).await;
    assert_eq!(refused["code"], "000625");
    assert_eq!(server.clock().now().abs_diff(before).as_secs(), 20);
    // DDL commits; the lock is free.
    one.run("CREATE TABLE other (id INTEGER)").await;
    assert_eq!(count(&mut two, &update).await, "1");
    // A session that ends takes its open transaction with it.
    one.run("BEGIN").await;
    one.run(&format!("DELETE FROM \"{TABLE}\"")).await;
    one.post("/session?delete=true", None).await;
    assert_eq!(server.world().rows(TABLE).len(), 1);
}

#[tokio::test]
async fn a_session_may_miss_a_commit_that_a_later_one_sees() {
    let server = start(Modes { stale_reads: Duration::from_secs(2), ..Modes::default() });
    let mut one = with_row(&server).await;
    server.clock().advance(Duration::from_secs(3));
    let mut two = Client::login(&server).await;
    one.run(&format!("UPDATE \"{TABLE}\" SET \"token\" = 7")).await;
    let select = format!("SELECT \"token\" FROM \"{TABLE}\"");
    assert_eq!(count(&mut one, &select).await, "7", "its own");
    assert_eq!(count(&mut two, &select).await, "0");
    let mut three = Client::login(&server).await;
    assert_eq!(count(&mut three, &select).await, "7", "opened later");
    server.clock().advance(Duration::from_secs(2));
    assert_eq!(count(&mut two, &select).await, "7");
}

#[tokio::test]
async fn history_lists_statements_by_tag_when_it_may() {
    let list = "SELECT QUERY_ID, EXECUTION_STATUS \
                FROM TABLE(\"RETAIL\".INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000)) \
                WHERE ENDSWITH(QUERY_TAG, ':1') ORDER BY START_TIME";
    let tagged = |text: &str| json!({ "sqlText": text, "parameters": { "QUERY_TAG": "run:1" } });
    let five = Duration::from_secs(5);
    for (delay, first, later) in [(Some(Duration::ZERO), 3, 3), (Some(five), 0, 3), (None, 0, 0)] {
        let server = start(Modes { history_delay: delay, ..Modes::default() });
        let mut client = Client::login(&server).await;
        let made = client.send(tagged("CREATE TABLE a (id INTEGER)")).await;
        client.send(tagged("CREATE TABLE a (id INTEGER)")).await;
        client.send(json!({ "sqlText": "CREATE TABLE slow (id INTEGER)", "asyncExec": true, "parameters": { "QUERY_TAG": "run:1" } })).await;
        let rows = client.run(list).await["data"]["rowset"].clone();
        assert_eq!(rows.as_array().unwrap().len(), first, "{delay:?}");
        server.clock().advance(five);
        let rows = client.run(list).await["data"]["rowset"].clone();
        assert_eq!(rows.as_array().unwrap().len(), later, "{delay:?}");
        if later > 0 {
            let states =
                rows.as_array().unwrap().iter().map(|row| row[1].as_str().unwrap()).collect::<Vec<_>>();
            assert_eq!(states, ["SUCCESS", "FAILED_WITH_ERROR", "RUNNING"]);
            assert_eq!(rows[0][0], made["data"]["queryId"]);
        }
    }
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_goes_on_or_is_aborted() {
    for (abort, made) in [(true, false), (false, true)] {
        let server = start(Modes::default());
        let mut client = Client::login_with(&server, json!({ "ABORT_DETACHED_QUERY": abort })).await;
        client.send(json!({ "sqlText": "CREATE TABLE slow (id INTEGER)", "asyncExec": true })).await;
        // Somebody else lives on for eleven minutes.
        let mut other = Client::login(&server).await;
        for _ in 0..66 {
            other.run("SELECT 'brief'").await;
        }
        assert_eq!(server.world().catalog.contains("SLOW"), made, "abort: {abort}");
        let last = server.world().statements[0].clone();
        assert_eq!(last.code.as_deref(), abort.then_some("000604"));
    }
}

#[tokio::test]
async fn a_queue_is_waited_out_or_refused() {
    let server = start(Modes { queue: Duration::from_secs(200), ..Modes::default() });
    let mut client = Client::login_with(&server, json!({ "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": 30 })).await;
    let refused = client.run("SELECT 1").await;
    assert_eq!(refused["code"], "000630");
    let mut client = Client::login(&server).await;
    let mut answer = client.run("SELECT 1").await;
    while answer["code"] == "333333" {
        let url = answer["data"]["getResultUrl"].as_str().unwrap().to_owned();
        answer = client.get(&url).await;
    }
    assert_eq!(answer["data"]["rowset"], json!([["1"]]));
}

#[tokio::test]
async fn a_statement_ends_at_its_timeout() {
    let server = start(Modes::default());
    let mut client = Client::login(&server).await;
    let body = json!({ "sqlText": "CREATE TABLE slow (id INTEGER)", "parameters": { "STATEMENT_TIMEOUT_IN_SECONDS": 30 } });
    let refused = client.send(body).await;
    assert_eq!(
        (refused["code"].as_str(), refused["data"]["sqlState"].as_str()),
        (Some("000630"), Some("57014"))
    );
    assert!(!server.world().catalog.contains("SLOW"));
}

#[tokio::test]
async fn the_same_request_id_may_run_twice() {
    let server = start(Modes { same_request_id: SameRequest::RunTwice, ..Modes::default() });
    let mut client = Client::login(&server).await;
    let body = json!({ "sqlText": "CREATE TABLE once (id INTEGER)" });
    assert_eq!(client.send(body.clone()).await["success"], true);
    assert_eq!(client.again(body).await["code"], "002002");
}

#[tokio::test]
async fn clocks_of_sessions_differ() {
    let server = start(Modes { clock_skew: Duration::from_secs(2), ..Modes::default() });
    let mut times = Vec::new();
    for _ in 0..2 {
        let mut client = Client::login(&server).await;
        times.push(count(&mut client, "SELECT SYSDATE()").await);
    }
    times.sort_by_key(Value::to_string);
    let seconds = |time: &Value| time.as_str().unwrap().split('.').next().unwrap().parse::<i64>().unwrap();
    assert_eq!(seconds(&times[1]) - seconds(&times[0]), 2);
}

#[tokio::test]
async fn long_results_come_in_parts() {
    let server = Server::start(Settings { inline_rows: 2, ..Settings::default() }).unwrap();
    let mut client = Client::login(&server).await;
    let answer = client
        .run("SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5")
        .await;
    let data = &answer["data"];
    assert_eq!((data["rowset"].as_array().unwrap().len(), data["total"].as_u64()), (2, Some(5)));
    let mut rows = data["rowset"].as_array().unwrap().clone();
    for chunk in data["chunks"].as_array().unwrap() {
        let text = reqwest::get(chunk["url"].as_str().unwrap()).await.unwrap().text().await.unwrap();
        rows.extend(serde_json::from_str::<Vec<Value>>(&format!("[{text}]")).unwrap());
    }
    assert_eq!(json!(rows), json!([["1"], ["2"], ["3"], ["4"], ["5"]]));
}

#[test]
fn seeds_give_the_same_again() {
    for seed in 0..20 {
        assert_eq!(Fault::seeded(seed, 5, 100), Fault::seeded(seed, 5, 100));
        assert_eq!(format!("{:?}", Modes::mixed(seed)), format!("{:?}", Modes::mixed(seed)));
    }
    assert_ne!(Fault::seeded(1, 5, 100), Fault::seeded(2, 5, 100));
}

#[tokio::test]
async fn a_lost_session_and_a_server_fault() {
    let server = start(Modes::default());
    let mut client = Client::login(&server).await;
    let refused =
        |code: &str, applied| What::Refused { code: code.to_owned(), message: "no".to_owned(), applied };
    let when = |text: &str| When { text: Some(text.to_owned()), ..When::default() };
    server.add_fault(Fault { when: when("broken"), what: refused("000603", true) });
    server.add_fault(Fault { when: when("expires"), what: refused("390112", false) });
    server.add_fault(Fault { when: when("gone"), what: What::SessionLost });
    assert_eq!(client.run("CREATE TABLE broken (id INTEGER)").await["code"], "000603");
    assert!(server.world().catalog.contains("BROKEN"));
    for _ in 0..2 {
        assert_eq!(client.run("SELECT 'expires'").await["code"], "390112");
    }
    client.renew().await;
    assert_eq!(client.run("SELECT 'expires'").await["success"], true);
    for _ in 0..2 {
        assert_eq!(client.run("SELECT 'gone'").await["code"], "390111");
    }
}
