//! What a script leaves in its session.

use super::*;

/// The value of a key, wherever it stands.
fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let inner = value.as_object()?;
    inner.get(key).or_else(|| inner.values().find_map(|value| find(value, key)))
}

fn session_of(stand: &Stand, text: &str) -> u64 {
    stand.server.world().statements.iter().find(|ran| ran.text == text).unwrap().session
}

#[test]
fn f33_what_a_script_changes_in_its_session_does_not_reach_the_next() {
    let stand = Stand::with(
        Settings::default(),
        &[
            (
                "V1__wander.sql",
                "CREATE DATABASE other;\nUSE ROLE sysadmin;\nCREATE TABLE abroad (x NUMBER);\n",
            ),
            ("V2__home.sql", "CREATE TABLE home (x NUMBER);\n"),
            (
                "V3__set.sql",
                "ALTER SESSION SET TIMEZONE = 'Europe/Berlin';\nCREATE TABLE berlin (x NUMBER);\n",
            ),
            ("V4__plain.sql", "CREATE TABLE plain (x NUMBER);\n"),
        ],
    );
    stand.migrates(0, &["applied V4__plain.sql"]);
    let catalog: Value = serde_json::from_str(&stand.server.world().catalog).unwrap();
    for (database, table, owner) in [
        ("OTHER", "ABROAD", "SYSADMIN"),
        ("RETAIL", "HOME", "DEPLOYER"),
        ("RETAIL", "BERLIN", "DEPLOYER"),
        ("RETAIL", "PLAIN", "DEPLOYER"),
    ] {
        let found = find(&catalog["databases"][database], table);
        assert_eq!(
            found.map(|table| &table["owner"]),
            Some(&owner.into()),
            "{database} {table}: {catalog:#}"
        );
    }
    // By statement where a statement can, only what differs; what none takes back is left behind with its session.
    let restored = stand.events("context_restored");
    assert_eq!(restored.len(), 1, "{restored:?}");
    assert_eq!(restored[0]["script"], "V1__wander.sql");
    let back = ["USE ROLE \"DEPLOYER\"", "USE SCHEMA \"RETAIL\".\"PUBLIC\""];
    assert_eq!(restored[0]["statements"], serde_json::json!(back));
    let sessions = ["abroad", "home", "berlin", "plain"]
        .map(|table| session_of(&stand, &format!("CREATE TABLE {table} (x NUMBER)")));
    assert_eq!(sessions[0], sessions[1]);
    assert_eq!(sessions[1], sessions[2]);
    assert_ne!(sessions[2], sessions[3]);
    assert_eq!(stand.journal("session").len(), 1, "the fresh session is in the journal");
    assert_eq!(stand.history().len(), 4);
}

/// Bookkeeping is no part of a script's transaction: what is rolled back does not take the record of the failure with it.
#[test]
fn f33_a_failure_inside_a_transaction_is_recorded_outside_of_it() {
    let script =
        "CREATE TABLE a (x NUMBER);\nBEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO b VALUES (2);\nCOMMIT;\n";
    let stand = Stand::with(Settings::default(), &[("V1__rows.sql", script)]);
    stand.migrates(5, &["error[statement_failed]: V1__rows.sql failed at statement 4 of 5"]);
    let failed: Vec<Value> = stand.journal("failed").iter().map(|row| row["ordinal"].clone()).collect();
    assert_eq!(failed, [4]);
    mend(&stand.project, "V1__rows.sql", "INTO b", "INTO a");
    stand.migrates(0, &[]);
    assert_eq!([stand.ran(A), stand.ran("INSERT INTO a VALUES (2)")], [1, 1]);
    assert_eq!(stand.history(), [("V1__rows.sql".to_owned(), true)]);
}

#[test]
fn f33_a_script_that_leaves_its_transaction_open_fails_and_is_done_anew_when_it_ends_it() {
    let text = "CREATE TABLE t (x NUMBER);\nBEGIN;\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n";
    let stand = Stand::with(
        Settings::default(),
        &[("V1__open.sql", text), ("V2__next.sql", "CREATE TABLE next (x NUMBER);\n")],
    );
    stand.migrates(
        5,
        &[
            "error[open_transaction]: V1__open.sql ends with an open transaction, which was rolled back",
            "migrations/V1__open.sql",
            "note: statement 1 of this script is done and stays done",
            "end it with COMMIT or ROLLBACK inside the script and run `snowops migrate` again",
        ],
    );
    assert_eq!(stand.history(), [("V1__open.sql".to_owned(), false)]);
    assert_eq!((stand.ran("ROLLBACK"), stand.ran("CREATE TABLE next (x NUMBER)")), (1, 0));
    assert!(stand.server.world().sessions.is_empty(), "nothing is left open");
    mend(&stand.project, "V1__open.sql", "(2);\n", "(2);\nCOMMIT;\n");
    stand.migrates(0, &["resumed V1__open.sql", "applied V2__next.sql"]);
    assert_eq!(stand.ran("CREATE TABLE t (x NUMBER)"), 1);
    // The transaction was rolled back as a whole, and runs as a whole.
    for (text, times) in
        [("BEGIN", 2), ("INSERT INTO t VALUES (1)", 2), ("INSERT INTO t VALUES (2)", 2), ("COMMIT", 1)]
    {
        let own = |ran: &&testkit::Ran| ran.text == text && ran.tag.split(':').count() == 4;
        assert_eq!(stand.server.world().statements.iter().filter(own).count(), times, "{text}");
    }
    assert_eq!(stand.history(), [("V1__open.sql".to_owned(), true), ("V2__next.sql".to_owned(), true)]);
}
