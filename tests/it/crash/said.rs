//! What clients said, and what was sent for them: no secret, nothing that was not planned, nothing that is not so, and
//! always a next step that exists.

use std::collections::{BTreeMap, BTreeSet};

use snowops::{
    cli::exit::Exit,
    engine::{Stop, StopKind},
    model::checksum::Sha256,
};
use testkit::{Endpoint, Entry, View};

use super::{
    oracle,
    scenario::{Scenario, Scripts},
    target::{CANARY, Ended, Said, World},
};

/// What the project's scripts are by hand: this must not be asked of the product, which would be its own judge. A
/// statement ends with `;` at the end of a line, a block with `END;`; lines of comments before the first are no part of it.
fn pieces(text: &str) -> Vec<String> {
    let mut rest = text;
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let end = if rest.starts_with("BEGIN\n") {
            rest.find("END;\n").unwrap() + "END".len()
        } else {
            rest.find(";\n").unwrap()
        };
        pieces.push(rest[..end].replace("{{ LOADER_PASSWORD }}", CANARY));
        rest = &rest[end + ";\n".len()..];
    }
    pieces
}

/// What may be sent for each statement of each script: of a script that was mended, both texts.
pub(super) struct Planned(BTreeMap<(String, usize), BTreeSet<String>>);

impl Planned {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let mut planned = BTreeMap::new();
        let projects: [&Scripts; 3] =
            [scenario.before, scenario.scripts, scenario.mended.unwrap_or(scenario.scripts)];
        for (script, text) in projects.into_iter().flatten() {
            let short = Sha256::of(script.as_bytes()).short();
            for (piece, ordinal) in pieces(text).into_iter().zip(1..) {
                planned.entry((short.clone(), ordinal)).or_insert_with(BTreeSet::new).insert(piece);
            }
        }
        Self(planned)
    }

    /// What was sent and is no statement of a script as it was written, nor of snowops' own.
    fn differences(&self, view: &View) -> Vec<String> {
        let mut found = Vec::new();
        for attempt in oracle::attempts(view) {
            let planned = self.0.get(&(attempt.script.to_owned(), attempt.ordinal));
            if !planned.is_some_and(|texts| texts.contains(&attempt.ran.text)) {
                found.push(format!("sent and not planned, as {}: {}", attempt.ran.tag, attempt.ran.text));
            }
        }
        for ran in view.statements.iter().filter(|ran| oracle::of_script(&ran.tag).is_none()) {
            let own = ["USE ROLE ", "USE WAREHOUSE ", "USE DATABASE ", "USE SCHEMA ", "ROLLBACK"];
            let context = ran.tag.starts_with("snowops:") && ran.tag.ends_with(":context");
            let is_context = own.iter().any(|word| ran.text.starts_with(word))
                || ran.text == "SELECT CURRENT_TRANSACTION()";
            let known = match ran.tag.as_str() {
                "snowops:ledger" => true,
                "snowops:inspect" => ran.text.starts_with("SHOW ") || ran.text.starts_with("DESCRIBE "),
                _ => context && is_context,
            };
            if !known {
                found.push(format!("sent by nobody, as {}: {}", ran.tag, ran.text));
            }
        }
        found
    }
}

/// All of it.
pub(super) fn wrong(planned: &Planned, world: &World, view: &View, ended: &Ended) -> Vec<String> {
    let said = world.said();
    let mut found = planned.differences(view);
    found.extend(unconfirmed(&said, view));
    found.extend(told(&said, view, &world.server.log(), ended));
    if let Ended::Stopped(stop) = ended {
        found.extend(no_way_on(stop));
    }
    found
}

/// Statements that were reported as done and are not, as the server knows.
fn unconfirmed(said: &Said, view: &View) -> Vec<String> {
    let done: BTreeSet<&str> = view
        .statements
        .iter()
        .filter(|ran| ran.status == "SUCCESS")
        .map(|ran| ran.query_id.as_str())
        .collect();
    let wrong = said.done.iter().filter(|id| !done.contains(id.as_str()));
    wrong.map(|id| format!("reported as done, and it is not: {id}")).collect()
}

/// Places where the secret stands and must not.
fn told(said: &Said, view: &View, log: &[Entry], ended: &Ended) -> Vec<String> {
    let mut places = vec![("what the run ended with", format!("{ended:?}"))];
    places.extend(said.events.iter().map(|event| ("an event", event.clone())));
    for (name, rows) in &view.tables {
        places.push(("a table", format!("{}: {rows:?}", name.table)));
    }
    places.extend(view.statements.iter().map(|ran| ("a query tag", ran.tag.clone())));
    for entry in log {
        places.push(("an address", format!("{} {:?}", entry.path, entry.query)));
        places.push(("headers", format!("{:?}", entry.headers)));
        let statement = entry.endpoint == Endpoint::Query && entry.tag().is_some_and(is_of_script);
        if !statement {
            places.push(("a body", entry.body.to_string()));
        }
    }
    let seen = places.into_iter().filter(|(_, text)| text.contains(CANARY));
    seen.map(|(what, text)| format!("the secret stands in {what}: {text}")).collect()
}

fn is_of_script(tag: &str) -> bool {
    oracle::of_script(tag).is_some()
}

/// Why a person who reads of a stop does not know what to do.
fn no_way_on(stop: &Stop) -> Vec<String> {
    let mut found = Vec::new();
    let exit = Exit::of(stop);
    if !Exit::ALL.iter().any(|(known, _)| *known == exit) || stop.kind == StopKind::Internal {
        found.push(format!("exit {}: {stop:#?}", exit.0));
    }
    let Some(hint) = &stop.finding.hint else { return vec![format!("nothing says what to do: {stop:#?}")] };
    let texts: Vec<&str> = [hint].into_iter().chain(&stop.finding.notes).map(String::as_str).collect();
    let commands: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .filter(|quoted| quoted.starts_with("snowops "))
        .collect();
    if commands.is_empty() && stop.kind != StopKind::Connection {
        found.push(format!("no command says how to go on: {stop:#?}"));
    }
    for command in commands {
        if let Err(error) = snowops::cli::command().try_get_matches_from(command.split_whitespace()) {
            found.push(format!("a command that does not exist: {command}: {error}"));
        }
    }
    found
}
