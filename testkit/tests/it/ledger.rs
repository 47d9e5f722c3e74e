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

const HISTORY: &str = "\"RETAIL\".\"SNOWOPS\".\"snowops_schema_history\"";

async fn with_history(client: &mut Client) {
    let create = format!(
        "CREATE TABLE {HISTORY} (\"installed_rank\" NUMBER(38,0) NOT NULL, \"version\" VARCHAR(50), \
         \"description\" VARCHAR(10), \"installed_on\" TIMESTAMP_LTZ(9) NOT NULL DEFAULT CURRENT_TIMESTAMP, \
         \"success\" BOOLEAN NOT NULL, PRIMARY KEY (\"installed_rank\"))"
    );
    good(&client.run(&create).await);
}

#[tokio::test]
async fn history_rows_are_written_once_at_a_known_head() {
    let (server, mut client) = with_tables(Time::Standing).await;
    with_history(&mut client).await;
    good(&with(&mut client, &claim(), &["n", "r", "120000", "-30000"]).await);
    let insert = format!(
        "INSERT INTO {HISTORY} (\"installed_rank\", \"version\", \"description\", \"success\") \
         SELECT :1, :2, :3, :4 FROM {LOCK} WHERE \"nonce\" = :5 AND \"expires\" > SYSDATE() \
         AND (SELECT COALESCE(MAX(\"installed_rank\"), 0) || '/' || COUNT(*) FROM {HISTORY}) = :6"
    );
    let row = |success: bool, head: &str| {
        json!({
            "1": { "type": "FIXED", "value": "1" },
            "2": { "type": "TEXT", "value": "1.0" },
            "3": { "type": "TEXT", "value": null },
            "4": { "type": "BOOLEAN", "value": success.to_string() },
            "5": { "type": "TEXT", "value": "n" },
            "6": { "type": "TEXT", "value": head },
        })
    };
    for (head, count) in [("0/1", "0"), ("1/0", "0"), ("0/0", "1"), ("0/0", "0"), ("0/1", "0"), ("1/2", "0")]
    {
        let answer = client.send(json!({ "sqlText": insert, "bindings": row(false, head) })).await;
        assert_eq!(good(&answer)["rowset"][0][0], count);
    }
    let failed =
        format!("SELECT \"version\", \"success\", \"installed_on\" FROM {HISTORY} WHERE \"success\" = FALSE");
    let found = client.run(&failed).await;
    assert_eq!(good(&found)["rowset"], json!([["1.0", "0", "1767225600.000000000"]]));
    assert_eq!(good(&found)["rowtype"][1]["type"], "boolean");
    let fence = format!("AND EXISTS (SELECT 1 FROM {LOCK} WHERE \"nonce\" = :3 AND \"expires\" > SYSDATE())");
    let finish = format!("UPDATE {HISTORY} SET \"success\" = :1 WHERE \"installed_rank\" = :2 {fence}");
    let binds = json!({
        "1": { "type": "BOOLEAN", "value": "true" },
        "2": { "type": "FIXED", "value": "1" },
        "3": { "type": "TEXT", "value": "n" },
    });
    let done = client.send(json!({ "sqlText": finish, "bindings": binds })).await;
    assert_eq!(good(&done)["rowset"], json!([["1", "0"]]));
    let row = server.world().rows("snowops_schema_history")[0].clone();
    assert_eq!(row["success"].as_deref(), Some("true"));

    // What Snowflake refuses: NULL in NOT NULL, and texts that are too long.
    let null = client.run(&format!("UPDATE {HISTORY} SET \"success\" = NULL")).await;
    assert_eq!(null["code"], "100072");
    let long = client.run(&format!("UPDATE {HISTORY} SET \"description\" = 'eleven long'")).await;
    assert_eq!(long["code"], "100078");
    let unset = client.run(&finish).await;
    assert_eq!(unset["code"], "002049");
    let column = client.run(&format!("SELECT success FROM {HISTORY}")).await;
    assert_eq!(column["code"], "000904");
}

#[tokio::test]
async fn the_journal_is_read_through_windows_and_joins() {
    let (_server, mut client) = with_tables(Time::Standing).await;
    for (run, seq, kind) in [("a", 1, "run"), ("a", 2, "end"), ("b", 1, "run")] {
        let text = format!("INSERT INTO {JOURNAL} SELECT '{run}', {seq}, '{kind}', '{{}}', SYSDATE()");
        good(&client.run(&text).await);
    }
    let select = format!(
        "WITH r AS (SELECT \"run\", MAX(CASE WHEN \"kind\" = 'end' THEN 1 ELSE 0 END) AS \"ended\" FROM {JOURNAL} \
         GROUP BY \"run\"), y AS (SELECT j.\"run\", j.\"kind\", j.\"at\", r.\"ended\", \
         MAX(j.\"seq\") OVER (PARTITION BY j.\"run\") AS \"newest\" FROM {JOURNAL} j LEFT JOIN r ON r.\"run\" = j.\"run\") \
         SELECT y.\"run\", y.\"kind\", y.\"newest\", y.\"at\" FROM y WHERE y.\"ended\" = 0 ORDER BY y.\"run\""
    );
    let found = client.run(&select).await;
    assert_eq!(good(&found)["rowset"], json!([["b", "run", "1", "1767225600.000000000"]]));
    let many = format!("SELECT * FROM {JOURNAL} WHERE 'a;b' <> $$it's$$ -- all of it");
    assert_eq!(good(&client.run(&many).await)["rowset"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn kept_tables_are_objects_as_well() {
    let (server, mut client) = with_tables(Time::Standing).await;
    let count = "SELECT COUNT(*) FROM \"RETAIL\".INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = :1";
    assert_eq!(good(&with(&mut client, count, &["SNOWOPS"]).await)["rowset"], json!([["2"]]));
    let schema = "SELECT COUNT(*) FROM \"RETAIL\".INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = :1";
    assert_eq!(good(&with(&mut client, schema, &["SNOWOPS"]).await)["rowset"], json!([["1"]]));
    let created = "SELECT CREATED FROM \"RETAIL\".INFORMATION_SCHEMA.DATABASES WHERE DATABASE_NAME = :1";
    let created = with(&mut client, created, &["RETAIL"]).await;
    assert_eq!(good(&created)["rowset"], json!([["1767225600.000000000"]]));
    assert_eq!(good(&created)["rowtype"][0]["type"], "timestamp_ltz");
    let columns = "SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS \
                   WHERE TABLE_NAME = 'snowops_schema_history_lock' ORDER BY ORDINAL_POSITION";
    assert_eq!(good(&client.run(columns).await)["rowset"][1], json!(["token", "NUMBER"]));

    good(&client.run(&format!("ALTER TABLE {LOCK} ADD COLUMN \"note\" VARCHAR")).await);
    let lock = "snowops_schema_history_lock";
    assert_eq!(server.world().rows(lock)[0]["note"], None);
    good(&client.run(&format!("DROP TABLE {LOCK}")).await);
    assert!(server.world().rows(lock).is_empty());
    assert_eq!(client.run(&format!("SELECT * FROM {LOCK}")).await["code"], "002003");
    good(&client.run(&format!("UNDROP TABLE {LOCK}")).await);
    assert_eq!(server.world().rows(lock).len(), 1, "the rows came back with it");
    good(&client.run(&format!("TRUNCATE TABLE {LOCK}")).await);
    assert!(server.world().rows(lock).is_empty());
}

#[tokio::test]
async fn what_a_transaction_did_is_seen_by_it_alone_until_it_commits() {
    let (server, mut one) = with_tables(Time::Standing).await;
    let mut two = Client::login(&server).await;
    let insert = |run: &str| format!("INSERT INTO {JOURNAL} SELECT '{run}', 1, 'run', '{{}}', SYSDATE()");
    let count = format!("SELECT COUNT(*) FROM {JOURNAL}");
    for client in [&mut one, &mut two] {
        good(&client.run("BEGIN").await);
    }
    // Inserts run beside each other.
    good(&one.run(&insert("one")).await);
    good(&two.run(&insert("two")).await);
    for client in [&mut one, &mut two] {
        assert_eq!(good(&client.run(&count).await)["rowset"], json!([["1"]]));
    }
    good(&one.run("COMMIT").await);
    assert_eq!(good(&two.run(&count).await)["rowset"], json!([["2"]]));
    good(&two.run("ROLLBACK").await);
    assert_eq!(good(&two.run(&count).await)["rowset"], json!([["1"]]));

    // A failing statement undoes itself only; DDL commits, even where it fails.
    good(&two.run("BEGIN").await);
    good(&two.run(&insert("stays")).await);
    assert_eq!(two.run("SELECT 1 FROM never_was").await["code"], "002003");
    assert_eq!(two.run("CREATE SCHEMA \"RETAIL\".\"SNOWOPS\"").await["code"], "002002");
    good(&two.run("ROLLBACK").await);
    assert_eq!(good(&one.run(&count).await)["rowset"], json!([["2"]]));
}

#[tokio::test]
async fn kept_tables_go_where_their_containers_go() {
    let (server, mut client) = with_tables(Time::Standing).await;
    good(&with(&mut client, &claim(), &["n", "r", "120000", "-30000"]).await);
    // The database, the schema and the nonce of each lock table.
    let locks = || {
        let tables = server.world().tables.into_iter().filter(|(name, _)| name.table.ends_with("_lock"));
        let nonce =
            |rows: Vec<testkit::Row>| rows.first().and_then(|row| row["nonce"].clone()).unwrap_or_default();
        tables
            .map(|(name, rows)| format!("{}.{} {}", name.database, name.schema, nonce(rows)))
            .collect::<Vec<_>>()
    };
    for (text, wanted) in [
        ("CREATE DATABASE copied CLONE retail", vec!["COPIED.SNOWOPS n", "RETAIL.SNOWOPS n"]),
        ("CREATE OR REPLACE DATABASE copied", vec!["RETAIL.SNOWOPS n"]),
        ("CREATE SCHEMA copied.other CLONE retail.snowops", vec!["COPIED.OTHER n", "RETAIL.SNOWOPS n"]),
        ("DROP SCHEMA copied.other", vec!["RETAIL.SNOWOPS n"]),
        ("UNDROP SCHEMA copied.other", vec!["COPIED.OTHER n", "RETAIL.SNOWOPS n"]),
        ("ALTER SCHEMA copied.other RENAME TO copied.third", vec!["COPIED.THIRD n", "RETAIL.SNOWOPS n"]),
        ("DROP DATABASE copied", vec!["RETAIL.SNOWOPS n"]),
        ("ALTER DATABASE retail RENAME TO sales", vec!["SALES.SNOWOPS n"]),
    ] {
        good(&client.run(text).await);
        assert_eq!(locks(), wanted, "{text}");
    }
    let replaced = create_lock().replace("CREATE", "CREATE OR REPLACE").replace("RETAIL", "SALES");
    good(&client.run(&replaced).await);
    assert_eq!(locks(), ["SALES.SNOWOPS "]);
}
