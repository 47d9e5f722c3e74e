//! The kinds of statement, kinds of object and clauses that are frequent in public scripts.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::*;
use crate::model::facts::ObjectRef;

/// One kind: its rank among the statements of public scripts, or the object or clause, and a statement of it.
#[derive(Deserialize)]
struct Sample {
    kind: String,
    sql: String,
}

fn samples() -> Vec<Sample> {
    include_str!("../../../../tests/data/wild-kinds.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_frequent_kind_is_read_to_its_end() {
    for Sample { kind, sql } in samples() {
        let facts = facts(&sql);
        assert_eq!(facts.certainty, Certainty::Parsed, "{kind}: {sql}");
        assert!(facts.verb != Verb::Other, "{kind}: {sql}");
        let all = facts.object.iter().chain(&facts.defines).chain(&facts.reads).chain(&facts.destroys);
        for ObjectRef { name, at, .. } in all.chain(&facts.details.body) {
            let last = name.name.as_str().to_ascii_uppercase();
            assert!(sql[at.start..at.end].to_ascii_uppercase().contains(&last), "{kind}: {last} at {at:?}");
        }
    }
}

/// The first hundred ranks are all there.
#[test]
fn no_rank_is_left_out() {
    let ranks: BTreeSet<u32> =
        samples().iter().filter_map(|sample| sample.kind.split(' ').next()?.parse().ok()).collect();
    assert_eq!(ranks, (1..=100).collect());
}

/// A statement that is cut short, or has a word too many, is not read to its end.
#[test]
fn what_is_added_is_seen() {
    for Sample { kind, sql } in samples().into_iter().filter(|sample| sample.sql.starts_with("CREATE")) {
        let heads = [
            "CREATE TABLE ",
            "CREATE OR REPLACE FILE FORMAT ",
            "CREATE WAREHOUSE ",
            "CREATE STAGE ",
            "CREATE ROLE ",
            "CREATE USER ",
        ];
        if heads.iter().any(|head| sql.starts_with(head)) && !sql.contains(" AS ") {
            let more = format!("{sql} BANANA");
            assert_ne!(facts(&more).certainty, Certainty::Parsed, "{kind}: {more}");
        }
    }
}
