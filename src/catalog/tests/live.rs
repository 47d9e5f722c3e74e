//! Answers that a public test kit recorded from a real account, as far as they need no rows: which statements are
//! accepted, and in which words the others are refused.
//!
//! `suite` names the suite of mlorek/frostlake (Apache-2.0) that holds the fact; the statements are our own.

use super::*;

#[derive(serde::Deserialize)]
struct Case {
    suite: String,
    name: String,
    #[serde(default)]
    setup: Vec<String>,
    sql: String,
    /// Part of the message; empty if only the refusal itself is known.
    error: Option<String>,
    /// Why the catalogue answers otherwise.
    known: Option<String>,
}

/// What is wrong with the answer, if anything.
fn judge(case: &Case) -> Option<String> {
    let mut bench = Bench::new();
    for sql in &case.setup {
        if let Effect::Refused(error) = bench.run(sql) {
            return Some(format!("setup {sql}: {error}"));
        }
    }
    bench.run("USE SCHEMA local.public");
    match (bench.run(&case.sql), &case.error) {
        (Effect::Refused(error), Some(part)) if error.message.contains(part.as_str()) => None,
        (Effect::Refused(error), _) => Some(format!("{}: {error}", case.sql)),
        (_, Some(part)) => Some(format!("{}: accepted, not refused with {part}", case.sql)),
        (_, None) => None,
    }
}

#[expect(clippy::print_stdout, reason = "the figures are for a person")]
#[test]
fn answers_recorded_from_an_account_are_given() {
    let text = include_str!("../../../tests/data/live-verified.jsonl");
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut agree, mut known, mut wrong, mut mended) = (0, 0, Vec::new(), Vec::new());
    for case in &cases {
        match judge(case) {
            None if case.known.is_some() => mended.push(format!("{}, {}", case.suite, case.name)),
            None => agree += 1,
            Some(_) if case.known.is_some() => known += 1,
            Some(fault) => wrong.push(format!("{}, {}: {fault}", case.suite, case.name)),
        }
    }
    println!("{agree} of {} agree, {known} are known to differ", cases.len());
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(mended.is_empty(), "agree now, and still have a reason why not:\n{}", mended.join("\n"));
}
