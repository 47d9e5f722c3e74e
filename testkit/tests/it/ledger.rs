//! The tables whose rows are kept: the statements of the ledger, snapshots, transactions and locks.

use super::client::Client;
use serde_json::{Value, json};
use testkit::{Server, Settings, Time};

const LOCK: &str = "\"RETAIL\".\"SNOWOPS\".\"snowops_schema_history_lock\"";
const JOURNAL: &str = "\"RETAIL\".\"SNOWOPS\".\"snowops_schema_history_journal\"";

fn create_lock() -> String {
    format!(
        "CREATE TABLE {LOCK} AS SELECT CAST(NULL AS VARCHAR) AS \"nonce\", CAST(0 AS INTEGER) AS \"token\", \
         CAST(0 AS INTEGER) AS \"touch\", SYSDATE() AS \"expires\", CAST(NULL AS VARCHAR) AS \"run\""
    )
}

async fn with_tables(time: Time) -> (Server, Client) {
    let server = Server::start(Settings { time, ..Settings::default() }).unwrap();
    let mut client = Client::login(&server).await;
    let journal = format!(
        "CREATE TABLE {JOURNAL} (\"run\" VARCHAR(36) NOT NULL, \"seq\" INTEGER NOT NULL, \"kind\" VARCHAR(20) NOT NULL, \
         \"body\" VARCHAR NOT NULL, \"at\" TIMESTAMP_NTZ NOT NULL)"
    );
    for text in ["CREATE SCHEMA \"RETAIL\".\"SNOWOPS\"", &create_lock(), &journal] {
        good(&client.run(text).await);
    }
    (server, client)
}

fn good(answer: &Value) -> &Value {
    assert_eq!(answer["success"], true, "{answer}");
    &answer["data"]
}

fn binds(values: &[&str]) -> Value {
    let number = |value: &str| value.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let bind = |value: &str| json!({ "type": if number(value) { "FIXED" } else { "TEXT" }, "value": value });
    let all = (1..).zip(values).map(|(at, value)| (at.to_string(), bind(value)));
    Value::Object(all.collect())
}

async fn with(client: &mut Client, text: &str, values: &[&str]) -> Value {
    client.send(json!({ "sqlText": text, "bindings": binds(values) })).await
}

fn claim() -> String {
    format!(
        "UPDATE {LOCK} SET \"nonce\" = :1, \"run\" = :2, \"token\" = \"token\" + 1, \
         \"expires\" = DATEADD('millisecond', :3, SYSDATE()) \
         WHERE \"nonce\" IS NULL OR \"expires\" < DATEADD('millisecond', :4, SYSDATE())"
    )
}

#[tokio::test]
async fn a_lease_is_claimed_renewed_and_fences_writes() {
    let (server, mut client) = with_tables(Time::Standing).await;
    let again = client.run(&create_lock()).await;
    assert_eq!(again["code"], "002002");
    assert_eq!(server.world().rows("snowops_schema_history_lock").len(), 1);

    good(&client.run("BEGIN TRANSACTION").await);
    let touched = client.run(&format!("UPDATE {LOCK} SET \"touch\" = \"touch\" + 1")).await;
    assert_eq!(good(&touched)["rowset"][0][0], "1");
    let won = with(&mut client, &claim(), &["nonce-a", "run-a", "120000", "-30000"]).await;
    assert_eq!(good(&won)["rowset"][0][0], "1");
    good(&client.run("COMMIT").await);
    let lost = with(&mut client, &claim(), &["nonce-b", "run-b", "120000", "-30000"]).await;
    assert_eq!(good(&lost)["rowset"][0][0], "0");

    let row = server.world().rows("snowops_schema_history_lock")[0].clone();
    assert_eq!(row["nonce"].as_deref(), Some("nonce-a"));
    assert_eq!(row["token"].as_deref(), Some("1"));
    assert_eq!(row["expires"].as_deref(), Some("2026-01-01T00:02:00.000000Z"));

    let insert = format!(
        "INSERT INTO {JOURNAL} (\"run\", \"seq\", \"kind\", \"body\", \"at\") \
         SELECT v.\"run\", v.\"seq\", v.\"kind\", v.\"body\", SYSDATE() FROM (SELECT CAST(:1 AS VARCHAR) AS \"run\", \
         CAST(:2 AS INTEGER) AS \"seq\", CAST(:3 AS VARCHAR) AS \"kind\", CAST(:4 AS VARCHAR) AS \"body\") v \
         CROSS JOIN {LOCK} l WHERE l.\"nonce\" = :5 AND l.\"expires\" > SYSDATE()"
    );
    let written = with(&mut client, &insert, &["run-a", "1", "run", "{}", "nonce-a"]).await;
    assert_eq!(good(&written)["rowset"][0][0], "1");
    let fenced = with(&mut client, &insert, &["run-b", "1", "run", "{}", "nonce-b"]).await;
    assert_eq!(good(&fenced)["rowset"][0][0], "0");

    let select = format!(
        "SELECT \"token\", \"expires\", SYSDATE() AS \"now\", \
         CASE WHEN \"expires\" < DATEADD('millisecond', :1, SYSDATE()) THEN 1 ELSE 0 END AS \"expired\" FROM {LOCK}"
    );
    let found = with(&mut client, &select, &["-30000"]).await;
    let types: Vec<_> =
        good(&found)["rowtype"].as_array().unwrap().iter().map(|column| &column["type"]).collect();
    assert_eq!(types, ["fixed", "timestamp_ntz", "timestamp_ntz", "fixed"]);
    assert_eq!(good(&found)["rowset"], json!([["1", "1767225720.000000000", "1767225600.000000000", "0"]]));
    assert_eq!(good(&found)["rowtype"][2]["name"], "now");
}
