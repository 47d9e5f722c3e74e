use super::*;

#[derive(serde::Deserialize)]
struct Line {
    kind: String,
    sql: String,
}

#[test]
fn typical_statements_are_read() {
    let mut refused = Vec::new();
    for line in include_str!("../../../tests/data/statements.jsonl").lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        if let Err(error) = command(&line.sql) {
            refused.push(format!("{}: {error}", line.kind));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
