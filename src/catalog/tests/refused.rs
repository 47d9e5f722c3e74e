//! Statements that Snowflake refuses, as a table: each with its code and words, and beside it the same statement
//! without the mistake, which is accepted.

use std::collections::BTreeSet;

use super::*;

#[derive(serde::Deserialize)]
struct Row {
    kind: String,
    #[serde(default)]
    setup: Vec<String>,
    sql: String,
    code: String,
    message: String,
    ok: Option<String>,
}

fn rows() -> Vec<Row> {
    let text = include_str!("../../../tests/data/refusals.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn mistakes_are_refused_in_the_servers_words_and_right_statements_are_not() {
    let rows = rows();
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert!(rows.len() >= 150 && kinds.len() >= 40, "{} cases over {} kinds", rows.len(), kinds.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let setup: Vec<&str> = row.setup.iter().map(String::as_str).collect();
        let before = Bench::all(&setup);
        let again =
            || Bench { catalog: before.catalog.clone(), session: before.session.clone(), run: before.run };
        match again().run(&row.sql) {
            Effect::Refused(error) if error.code == row.code && error.message.trim_end() == row.message => {}
            other => wrong.push(format!("{}: {other:?}", row.sql)),
        }
        if let Some(ok) = &row.ok {
            let effect = again().run(ok);
            if effect.reply().is_none() {
                wrong.push(format!("{ok}: {effect:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
