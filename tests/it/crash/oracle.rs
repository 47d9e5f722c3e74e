//! What must be true of the server, whatever the client says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testkit::{Row, View};

use super::scenario::Scenario;

const HISTORY: &str = "snowops_schema_history";
const JOURNAL: &str = "snowops_schema_history_journal";
const LOCK: &str = "snowops_schema_history_lock";

/// Statements that do no harm when they are done twice, in the words with which they begin. Written down here and not
/// asked of the product, which must not be its own judge.
const REPEATABLE: &[&str] = &[
    "SELECT",
    "USE ",
    "SET ",
    "ALTER SESSION",
    "BEGIN",
    "COMMIT",
    "CREATE OR REPLACE VIEW",
    "CREATE TEMPORARY TABLE IF NOT EXISTS",
    "GRANT ",
    "COMMENT ON",
];

/// A statement of a script, as the server saw it.
pub(super) struct Attempt<'v> {
    pub(super) run: &'v str,
    pub(super) script: &'v str,
    pub(super) ordinal: usize,
    pub(super) ran: &'v testkit::Ran,
    /// Whether what it did lasts: it succeeded, and its transaction was committed.
    pub(super) lasts: bool,
}

/// All statements of scripts, in the order of their arrival.
pub(super) fn attempts(view: &View) -> Vec<Attempt<'_>> {
    let mut attempts: Vec<Attempt<'_>> = Vec::new();
    let mut open: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for ran in &view.statements {
        let done = ran.status == "SUCCESS";
        let word = ran.text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        // The end of a transaction, by whoever sent it.
        let ended = match word.as_str() {
            "COMMIT" | "ROLLBACK" | "BEGIN" if done => open.remove(&ran.session),
            _ => None,
        };
        if word == "COMMIT" {
            for at in ended.unwrap_or_default() {
                attempts[at].lasts = true;
            }
        }
        let Some((run, script, ordinal)) = of_script(&ran.tag) else { continue };
        let mut lasts = done;
        if word == "BEGIN" && done && !ran.text.contains(';') {
            open.insert(ran.session, Vec::new());
        } else if let Some(inside) = open.get_mut(&ran.session) {
            lasts = false;
            if done {
                inside.push(attempts.len());
            }
        }
        attempts.push(Attempt { run, script, ordinal, ran, lasts });
    }
    attempts
}

/// Run, script and statement, if the tag is that of a script's statement.
pub(super) fn of_script(tag: &str) -> Option<(&str, &str, usize)> {
    let mut parts = tag.strip_prefix("snowops:")?.split(':');
    Some((parts.next()?, parts.next()?, parts.next()?.parse().ok()?))
}

/// What is compared of two worlds.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    catalog: Vec<String>,
    history: Vec<Row>,
    /// Rows of a table of the project.
    kept: Vec<Row>,
    /// How often each statement had an effect that lasts, by its script, its place there and its text.
    executed: BTreeMap<(String, usize, String), usize>,
}

impl Outcome {
    pub(super) fn of(view: &View) -> Self {
        let mut executed = BTreeMap::new();
        for attempt in attempts(view).iter().filter(|attempt| attempt.lasts) {
            let place = (attempt.script.to_owned(), attempt.ordinal, attempt.ran.text.clone());
            *executed.entry(place).or_default() += 1;
        }
        let mut history: Vec<Row> = view.rows(HISTORY).to_vec();
        for row in &mut history {
            row.remove("installed_on");
            row.remove("execution_time");
        }
        history.sort_by_key(|row| cell(row, "installed_rank").parse::<i64>().unwrap());
        let mut kept = view.rows("KEPT").to_vec();
        kept.sort();
        // How often a statement that each run sends was done, its count tells.
        kept.dedup();
        Self { catalog: timeless(&view.catalog), history, kept, executed }
    }

    /// What differs from the undisturbed world and must not.
    pub(super) fn differences(&self, undisturbed: &Self, scenario: &Scenario, runs: u64) -> Vec<String> {
        let mut found = Vec::new();
        if self.catalog != undisturbed.catalog {
            found.push(format!("the catalogue: {}", lines(&undisturbed.catalog, &self.catalog)));
        }
        for (what, ours, theirs) in
            [("history", &self.history, &undisturbed.history), ("rows", &self.kept, &undisturbed.kept)]
        {
            if ours != theirs {
                let text = |rows: &[Row]| rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
                found.push(format!("{what}: {}", lines(&text(theirs), &text(ours))));
            }
        }
        let places: BTreeSet<_> = self.executed.keys().chain(undisturbed.executed.keys()).collect();
        for place in places {
            let (_, ordinal, text) = place;
            let count = |outcome: &Self| outcome.executed.get(place).copied().unwrap_or_default();
            let (is, must) = (count(self), count(undisturbed));
            let limit = if REPEATABLE.iter().any(|word| text.starts_with(word)) {
                usize::MAX
            } else if scenario.each_run.contains(&text.as_str()) {
                usize::try_from(runs).unwrap()
            } else {
                must
            };
            if is < must.min(1) || is > limit {
                found.push(format!("executed {is} times, undisturbed {must}: statement {ordinal}: {text}"));
            }
        }
        found
    }
}

fn cell<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).and_then(Option::as_deref).unwrap_or_default()
}

/// The catalogue without what is another in each run: times, ids, and what was dropped.
fn timeless(catalog: &str) -> Vec<String> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["created_on", "dropped", "dropped_on", "query_id"] {
                    fields.remove(name);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut catalog = serde_json::from_str(catalog).unwrap();
    strip(&mut catalog);
    serde_json::to_string_pretty(&catalog).unwrap().lines().map(str::to_owned).collect()
}

/// What the one has and the other not, a line each.
fn lines(before: &[String], after: &[String]) -> String {
    let missing = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let more = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    missing.chain(more).collect::<Vec<_>>().join("\n")
}

/// All of a world that bears on what comes next. Worlds of one text go on alike.
pub(super) fn state(view: &View) -> String {
    let mut text = format!("{view:?}");
    for (number, ran) in view.statements.iter().enumerate() {
        text = text.replace(&ran.query_id, &format!("query {number}"));
    }
    text
}

/// What must be true at every moment: nothing is claimed that did not happen, and two runs never both run statements.
pub(super) fn always(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    let attempts = attempts(view);
    let done = |script: &str| {
        let short = snowops::model::checksum::Sha256::of(script.as_bytes()).short();
        attempts.iter().any(|attempt| attempt.script == short && attempt.lasts)
    };
    for row in view.rows(HISTORY).iter().filter(|row| cell(row, "success") == "true") {
        if !done(cell(row, "script")) {
            found.push(format!("the history claims what did not happen: {row:?}"));
        }
    }
    let mut ranks = BTreeSet::new();
    for row in view.rows(HISTORY) {
        if !ranks.insert(cell(row, "installed_rank")) {
            found.push(format!("two rows of one rank: {row:?}"));
        }
    }
    // Rows stand in the order in which they were written.
    let mut newest = None;
    for row in view.rows(JOURNAL).iter().filter(|row| cell(row, "kind") != "layout") {
        let run = cell(row, "run");
        // With a number out of its reach a later run closes one that was cut off.
        let by_another = cell(row, "seq").parse::<i64>().unwrap() >= 1_000_000_000;
        if cell(row, "kind") == "run" {
            newest = Some(run);
        } else if newest != Some(run) && !by_another {
            found.push(format!("a run wrote to the journal after another had begun: {row:?}"));
        }
    }
    // A claim is read before it is journalled, so tokens of runs that wrote are different and grow.
    let mut tokens = BTreeMap::new();
    for row in view.rows(JOURNAL).iter().filter(|row| cell(row, "kind") == "run") {
        let before = tokens.insert(cell(row, "ordinal").to_owned(), cell(row, "run"));
        if before.is_some_and(|before| before != cell(row, "run")) {
            found.push(format!("two runs with one token: {row:?}"));
        }
    }
    for (at, attempt) in attempts.iter().enumerate() {
        let other = |other: &&Attempt<'_>| other.run != attempt.run;
        for later in attempts[at + 1..].iter().filter(other) {
            if attempt.ran.ended.is_none_or(|end| end > later.ran.started) {
                found.push(format!(
                    "two runs ran statements at one time: {} and {}",
                    attempt.ran.text, later.ran.text
                ));
            }
        }
        let came_back = attempts[..at].iter().rev().skip_while(|before| before.run == attempt.run);
        if came_back.clone().any(|before| before.run == attempt.run) {
            found.push(format!("a run sent a statement after another had begun: {}", attempt.ran.text));
        }
    }
    found
}

/// What must be true when all is done. `killed`: sessions of clients that were killed.
pub(super) fn settled(view: &View, killed: &BTreeSet<u64>) -> Vec<String> {
    let mut found = Vec::new();
    let rows = |kind: &str| -> Vec<&Row> {
        view.rows(JOURNAL).iter().filter(|row| cell(row, "kind") == kind).collect()
    };
    let ends = rows("end");
    for run in rows("run") {
        if !ends.iter().any(|end| cell(end, "run") == cell(run, "run")) {
            found.push(format!("the run {} was never closed", cell(run, "run")));
        }
    }
    // One that was killed before it gave back the lease leaves it to expire, if nothing was left to do.
    let left = |row: &Row| killed.iter().any(|id| cell(row, "holder").contains(&format!("\"{id}\"")));
    for row in view.rows(LOCK).iter().filter(|row| !cell(row, "nonce").is_empty()) {
        if !left(row) {
            found.push(format!("the lease was not given back: {row:?}"));
        }
    }
    if view.rows(LOCK).len() != 1 {
        found.push(format!("the lock table has {} rows", view.rows(LOCK).len()));
    }
    found
}
