//! Scripts that claim one identity, and names that one file system keeps apart and another does not.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use super::classify::Candidate;
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{name::MigrationKind, version::Version},
};

/// What makes a script the one it is: Flyway's rule (`CompositeMigrationResolver.java`), with `A` as `R`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Version(MigrationKind, &'a Version),
    Description(MigrationKind, Option<&'a str>, &'a str),
}

fn identity(candidate: &Candidate) -> Identity<'_> {
    match &candidate.version {
        Some(version) => Identity::Version(candidate.kind, version),
        None => Identity::Description(candidate.kind, candidate.event.as_deref(), &candidate.description),
    }
}

/// One finding for each identity that several scripts claim, and for each set of names that differ only in the case
/// of letters or in their Unicode form.
pub(super) fn duplicates(candidates: &[Candidate]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    for same in groups(candidates, identity) {
        reported.extend(same.iter().map(|candidate| candidate.file.as_str()));
        findings.push(claim(&same));
    }
    for same in groups(candidates, |candidate| folded(&candidate.file)) {
        let news = same.iter().any(|candidate| !reported.contains(candidate.file.as_str()));
        if news {
            let message = format!("the names {} differ only in {}", list(&same), difference(&same));
            findings.push(
                Diagnostic::error(Code::DuplicateMigration, message)
                    .in_file(&same[1].file)
                    .hint("rename one: on other file systems the two names are one file"),
            );
        }
    }
    findings
}

/// Groups of at least two, ordered by their first file.
fn groups<'a, K: Ord>(
    candidates: &'a [Candidate],
    key: impl Fn(&'a Candidate) -> K,
) -> Vec<Vec<&'a Candidate>> {
    let mut by_key: BTreeMap<K, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        by_key.entry(key(candidate)).or_default().push(candidate);
    }
    let mut groups: Vec<_> = by_key.into_values().filter(|group| group.len() > 1).collect();
    for group in &mut groups {
        group.sort_by(|a, b| a.file.cmp(&b.file));
    }
    groups.sort_by(|a, b| a[0].file.cmp(&b[0].file));
    groups
}

fn claim(same: &[&Candidate]) -> Diagnostic {
    let first = same[0];
    let kind = first.kind;
    let files = list(same);
    let message = match (&first.version, &first.event) {
        (Some(version), _) => format!("the version {version} is claimed by the {kind} migrations {files}"),
        (None, Some(event)) => {
            format!("the description '{}' is claimed by the {event} callbacks {files}", first.description)
        }
        (None, None) => {
            format!("the description '{}' is claimed by the {kind} migrations {files}", first.description)
        }
    };
    let hint = match kind {
        MigrationKind::Versioned => "give all but one another version; 'snowops new' finds the next one",
        MigrationKind::Baseline | MigrationKind::Undo => "keep one of them for that version",
        MigrationKind::Repeatable | MigrationKind::Always | MigrationKind::Callback => {
            "give all but one another description"
        }
    };
    let mut finding = Diagnostic::error(Code::DuplicateMigration, message).in_file(&same[1].file).hint(hint);
    let written: BTreeSet<_> = same.iter().filter_map(|c| Some(c.version.as_ref()?.as_str())).collect();
    if written.len() > 1 {
        let written = written.into_iter().collect::<Vec<_>>().join(" and ");
        finding = finding.note(format!(
            "{written} are the same version: zeros in front and zero parts behind do not count"
        ));
    }
    if same.iter().any(|other| !std::ptr::eq(*other, first) && other.script == first.script) {
        finding = finding.note("the same path stands in more than one migrations folder, or twice in one");
    }
    if folded(&same[0].file) == folded(&same[1].file) {
        finding = finding.note(format!("the names differ only in {}", difference(same)));
    }
    finding
}

fn list(same: &[&Candidate]) -> String {
    let mut files: Vec<_> = same.iter().map(|candidate| format!("'{}'", candidate.file)).collect();
    let last = files.pop().unwrap_or_default();
    format!("{} and {last}", files.join(", "))
}

/// What case-insensitive file systems, and those that keep names in another Unicode form, make of a name.
fn folded(file: &str) -> String {
    if file.is_ascii() {
        return file.to_ascii_lowercase();
    }
    file.nfc().collect::<String>().to_lowercase().nfc().collect()
}

fn difference(same: &[&Candidate]) -> &'static str {
    let composed = |at: usize| same[at].file.nfc().collect::<String>();
    if composed(0) == composed(1) { "their Unicode form (NFC and NFD)" } else { "the case of letters" }
}
