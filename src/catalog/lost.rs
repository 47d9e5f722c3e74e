//! Grants that go with a replaced or dropped object.

use std::{collections::BTreeSet, fmt};

use super::{
    create::family,
    lookup::Place,
    store::{Link, Object},
    work::Work,
};
use crate::model::kind::ObjectKind;

/// Kinds whose CREATE OR REPLACE takes COPY GRANTS.
fn copies_grants(kind: ObjectKind) -> bool {
    kind.is_routine()
        || matches!(
            family(kind),
            ObjectKind::Table
                | ObjectKind::DynamicTable
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::SemanticView
                | ObjectKind::Stream
        )
}

/// One warning that names the grants which the new object lacks.
pub(super) fn warn(
    warnings: &mut Vec<String>,
    kind: ObjectKind,
    name: impl fmt::Display,
    old: &BTreeSet<String>,
    new: &BTreeSet<String>,
) {
    let gone: Vec<String> = old.difference(new).map(|grant| words(grant)).collect();
    if gone.is_empty() {
        return;
    }
    let kind_words = family(kind).words().to_ascii_lowercase();
    let advice = if copies_grants(kind) { "add COPY GRANTS or grant again" } else { "grant again" };
    warnings.push(format!(
        "{kind_words} {name} is new, its former grants are lost: {}; {advice}",
        gone.join(", ")
    ));
}

/// One warning that names the policies and tags which the new object lacks.
pub(super) fn warn_of_links(work: &mut Work<'_>, place: &Place, old: &Object, new: &Object) {
    let kept = links(new);
    let gone: Vec<String> = links(old).difference(&kept).cloned().collect();
    if !gone.is_empty() {
        let kind = family(new.kind).words().to_ascii_lowercase();
        let gone = gone.join(", ");
        work.warnings.push(format!(
            "{kind} {place} is new, what was set on the former one is lost: {gone}; set it again"
        ));
    }
}

/// Policies and tags of an object and its columns, in words.
fn links(object: &Object) -> BTreeSet<String> {
    let words = |link: &Link| format!("{} {}", link.kind.words().to_ascii_lowercase(), link.name);
    let own = object.links.iter().map(words);
    let inner = object.columns.iter().flatten().flat_map(|column| {
        column.links.iter().map(move |link| format!("{} on column {}", words(link), column.name))
    });
    own.chain(inner).collect()
}

/// `SELECT TO ROLE X` in the words of a sentence.
fn words(grant: &str) -> String {
    match grant.rsplit_once("TO ") {
        Some((privilege, to)) => match to.strip_prefix("ROLE ") {
            Some(role) => format!("{privilege}to role {role}"),
            None => format!("{privilege}to {to}"),
        },
        None => grant.to_owned(),
    }
}

/// Remembers the grants of a dropped object, in case it is created again in the session.
pub(super) fn remember(work: &mut Work<'_>, place: &Place, old: &Object) {
    let key = (old.kind.name_space().to_owned(), format!("{}.{}", place, old.key()));
    if old.grants.is_empty() {
        work.session.dropped_grants.remove(&key);
    } else {
        work.session.dropped_grants.insert(key, old.grants.clone());
    }
}

/// The grants of the object of that name that was dropped in the session.
pub(super) fn remembered(work: &mut Work<'_>, new: &Object, place: &Place) -> Option<BTreeSet<String>> {
    if work.session.dropped_grants.is_empty() {
        return None;
    }
    work.session
        .dropped_grants
        .remove(&(new.kind.name_space().to_owned(), format!("{}.{}", place, new.key())))
}
