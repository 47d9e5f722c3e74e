//! Two plans compared, and a plan's identity.

use std::collections::{HashMap, HashSet};

use super::boundaries::{history_crc, rendered_sha};
use crate::model::{
    checksum::Sha256,
    migration::Prepared,
    plan::{Action, Comparison, MigrationStatus, Plan, Step},
    state::MigrationState,
};

/// What makes two steps the same: the script and what it would send.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Mark<'a> {
    script: &'a str,
    source: Sha256,
    rendered: Option<Sha256>,
}

fn mark(prepared: &Prepared) -> Mark<'_> {
    Mark {
        script: &prepared.migration.script,
        source: prepared.migration.source_sha,
        rendered: rendered_sha(prepared),
    }
}

/// Compares the plan made under the lease with the one made before it.
///
/// Scripts are compared by name and text, in order. `apply` or `reapply` may have become `resume`: another run was
/// cut off inside. Steps may be missing where the history holds their text by now. Callbacks follow from the
/// scripts, so only a callback with a new text is a change.
pub fn compare(first: &Plan, second: &Plan) -> Comparison {
    let before: Vec<&Step> = scripts(first).collect();
    let after: Vec<&Step> = scripts(second).collect();
    let mut differences = changed_callbacks(first, second);
    let applied = applied(second);
    let positions: HashMap<&str, usize> =
        after.iter().enumerate().map(|(at, step)| (mark(&step.prepared).script, at)).collect();
    let mut reached = None;
    let mut missing = 0;
    for step in &before {
        let script = &step.prepared.migration.script;
        let Some(at) = positions.get(script.as_str()).copied() else {
            missing += 1;
            if !applied.get(script.as_str()).is_some_and(|status| holds(status, &step.prepared)) {
                differences
                    .push(format!("{script} is no longer to run, and the history does not hold its text"));
            }
            continue;
        };
        differences.extend(difference(step, after[at]));
        if reached.is_some_and(|reached| at < reached) {
            differences.push(format!("{script} would run at another place in the order"));
        }
        reached = reached.max(Some(at));
    }
    let known: HashSet<&str> = before.iter().map(|step| step.prepared.migration.script.as_str()).collect();
    let new = after.iter().map(|step| &step.prepared.migration.script);
    differences.extend(
        new.filter(|script| !known.contains(script.as_str()))
            .map(|script| format!("{script} is to run now, and was not before")),
    );
    match (differences.is_empty(), missing) {
        (true, 0) => Comparison::Equal,
        (true, _) => Comparison::Shrunk,
        (false, _) => Comparison::Changed(differences),
    }
}

fn scripts(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| step.action != Action::Callback)
}

fn difference(before: &Step, after: &Step) -> Option<String> {
    let script = &before.prepared.migration.script;
    if mark(&before.prepared) != mark(&after.prepared) {
        return Some(format!("{script} has another text now"));
    }
    let became = after.action == Action::Resume && matches!(before.action, Action::Apply | Action::Reapply);
    let same = before.action == after.action || became;
    (!same).then(|| {
        format!(
            "{script} was to be done by '{}', and is by '{}' now",
            before.action.as_str(),
            after.action.as_str()
        )
    })
}

fn changed_callbacks(first: &Plan, second: &Plan) -> Vec<String> {
    let callbacks = |plan: &'_ Plan| -> HashSet<(String, Sha256, Option<Sha256>)> {
        let steps = plan.steps.iter().chain(&plan.on_error).filter(|step| step.action == Action::Callback);
        let marks = steps.map(|step| mark(&step.prepared));
        marks.map(|mark| (mark.script.to_owned(), mark.source, mark.rendered)).collect()
    };
    let before = callbacks(first);
    let mut new: Vec<String> = callbacks(second)
        .difference(&before)
        .map(|(script, ..)| format!("callback {script} is new or changed"))
        .collect();
    new.sort();
    new
}

/// What the history holds, by script.
fn applied(plan: &Plan) -> HashMap<&str, &MigrationStatus> {
    let in_place = plan
        .migrations
        .iter()
        .filter(|status| matches!(status.state, MigrationState::Success | MigrationState::OutOfOrder));
    in_place.filter_map(|status| Some((status.migration.as_ref()?.script.as_str(), status))).collect()
}

/// Whether a migration stands in the target with the text that a step would have run.
fn holds(status: &MigrationStatus, prepared: &Prepared) -> bool {
    if let Some(journal) = &status.journal {
        return journal.source_sha == Some(prepared.migration.source_sha)
            && journal.rendered_sha == rendered_sha(prepared);
    }
    let checksum = status.applied.as_ref().and_then(|row| row.checksum);
    checksum == Some(i64::from(history_crc(prepared)))
}

/// Identity of a plan: SHA-256 over its steps, in order: script, action, place to start, hashes of source, rendered
/// text and statements.
pub fn digest(plan: &Plan) -> Sha256 {
    let mut text = String::new();
    for step in &plan.steps {
        let migration = &step.prepared.migration;
        let mut line = |part: &str| {
            // The length stands before each part, so that no two lists of parts give one text.
            text.push_str(&part.len().to_string());
            text.push(':');
            text.push_str(part);
        };
        line(&migration.script);
        line(step.action.as_str());
        line(&step.from.to_string());
        line(&migration.source_sha.to_string());
        line(&rendered_sha(&step.prepared).map(|sha| sha.to_string()).unwrap_or_default());
        for statement in step.statements() {
            line(&statement.hash.to_string());
        }
        text.push('\n');
    }
    Sha256::of(text.as_bytes())
}
