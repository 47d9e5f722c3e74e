//! One object of a schema or database.

use std::collections::BTreeMap;

use super::{Difference, Mend, Sides, Sight, What, grants, mend, mend::Place, table};
use crate::{
    catalog::{Clauses, Object, plain},
    model::{ident::Ident, kind::ObjectKind},
    render::slots,
};

/// Properties and clauses that a server lists, by kind. Others are compared only where both sides know them.
const TOLD: &[(ObjectKind, &[&str])] = &[
    (ObjectKind::Database, &["DATA_RETENTION_TIME_IN_DAYS"]),
    (ObjectKind::Schema, &["DATA_RETENTION_TIME_IN_DAYS"]),
    // A stream turns change tracking on: that it is on is no difference.
    (ObjectKind::Table, &["DATA_RETENTION_TIME_IN_DAYS", "ENABLE_SCHEMA_EVOLUTION"]),
    (ObjectKind::DynamicTable, &["TARGET_LAG", "WAREHOUSE"]),
    (ObjectKind::Task, &["WAREHOUSE", "SCHEDULE", "AFTER", "WHEN"]),
    (ObjectKind::Stream, &["ON", "APPEND_ONLY"]),
    (ObjectKind::Stage, &["URL", "STORAGE_INTEGRATION"]),
    (ObjectKind::FileFormat, &["TYPE"]),
    (ObjectKind::Sequence, &["INCREMENT"]),
    (ObjectKind::Procedure, &["LANGUAGE"]),
    (ObjectKind::Function, &["LANGUAGE"]),
];

fn is_told(kind: ObjectKind, name: &str) -> bool {
    TOLD.iter().any(|(known, names)| *known == kind && names.contains(&name))
}

pub(super) fn object(
    sight: &Sight<'_>,
    (database, schema): (&Ident, Option<&Ident>),
    sides: Sides<'_, Object>,
    out: &mut Vec<Difference>,
) {
    let place = |object: &Object| {
        Place::of(object.kind, Some(database), schema, &object.name, object.arguments.as_deref())
    };
    let written =
        |object: &Object| object.kind.is_routine().then(|| sight.written(database, schema, object)).flatten();
    match sides {
        Sides::Expected(object) => missing(sight, &place(object), object, written(object), out),
        Sides::Found(object) => unexpected(sight, &place(object), out),
        Sides::Both(expected, found) if expected.kind != found.kind => {
            unexpected(sight, &place(found), out);
            missing(sight, &place(expected), expected, written(expected), out);
        }
        Sides::Both(expected, found) => {
            both(sight, &place(expected), (expected, found), written(expected), out);
        }
    }
}

fn missing(
    sight: &Sight<'_>,
    place: &Place,
    object: &Object,
    written: Option<&str>,
    out: &mut Vec<Difference>,
) {
    if sight.is_missing_known(object.kind) {
        out.push(place.missing(mend::create(place, object, written, false)));
        grants::grants(sight, place, &object.grants, &std::collections::BTreeSet::new(), out);
    }
}

fn unexpected(sight: &Sight<'_>, place: &Place, out: &mut Vec<Difference>) {
    if sight.is_unexpected_known(place.kind) {
        out.push(place.unexpected(mend::drop(place)));
    }
}

fn both(
    sight: &Sight<'_>,
    place: &Place,
    (expected, found): (&Object, &Object),
    written: Option<&str>,
    out: &mut Vec<Difference>,
) {
    if expected.kind.is_relation() && expected.kind != ObjectKind::Stream {
        if !matches!(expected.kind, ObjectKind::View | ObjectKind::MaterializedView) {
            table::table(sight, place, expected, found, out);
        }
        properties(place, &expected.properties, &found.properties, out);
    }
    definition(place, (expected, found), written, out);
    if expected.secure != found.secure {
        let word = if expected.secure { "SET" } else { "UNSET" };
        let statement = format!("ALTER {} {word} SECURE", place.target());
        let what = What::Property("SECURE".to_owned());
        out.push(place.flag(what, (expected.secure, found.secure), Mend::statement(statement)));
    }
    comment(place, expected.comment.as_ref(), found.comment.as_ref(), out);
    if let (Some(wanted), Some(owner)) = (&expected.owner, &found.owner)
        && wanted != owner
    {
        let role = crate::sql::command::written(wanted);
        let statement = format!("GRANT OWNERSHIP ON {} TO ROLE {role} COPY CURRENT GRANTS", place.target());
        let values = (Some(wanted.to_string()), Some(owner.to_string()));
        out.push(place.difference(What::Owner, values.0, values.1, Mend::statement(statement)));
    }
    grants::grants(sight, place, &expected.grants, &found.grants, out);
}

/// Whether a text holds what only a server knows. Literal secrets are taken out of both sides: what is beside them compares.
fn has_slot(text: &str) -> bool {
    slots::names(text).next().is_some()
}

/// Whether two texts of SQL say the same: blanks, comments and the case of names do not count. One that holds a slot
/// is not known.
fn same_text(a: &str, b: &str) -> bool {
    a == b || has_slot(a) || has_slot(b) || plain(a) == plain(b)
}

/// Whether two bodies, of any language, are the same but for blanks at the ends of their lines.
fn same_lines(a: &str, b: &str) -> bool {
    has_slot(a) || has_slot(b) || a.lines().map(str::trim_end).eq(b.lines().map(str::trim_end))
}

fn definition(
    place: &Place,
    (expected, found): (&Object, &Object),
    written: Option<&str>,
    out: &mut Vec<Difference>,
) {
    let (Some(wanted), Some(there)) = (&expected.definition, &found.definition) else { return };
    let same = match (Clauses::of(expected), Clauses::of(found)) {
        (Some(wanted), Some(there)) => same_clauses(place.kind, &wanted, &there),
        _ => same_text(wanted, there),
    };
    if !same {
        let set = match (Clauses::of(expected), Clauses::of(found)) {
            (Some(wanted), Some(there)) => set_clauses(place, &wanted, &there),
            _ => None,
        };
        let mend = set.unwrap_or_else(|| mend::create(place, expected, written, true));
        out.push(place.difference(What::Definition, Some(wanted.clone()), Some(there.clone()), mend));
    }
}

fn same_clauses(kind: ObjectKind, expected: &Clauses, found: &Clauses) -> bool {
    let names = expected.named.keys().chain(found.named.keys());
    let differs = |name: &String| {
        let (wanted, there) = (expected.named.get(name), found.named.get(name));
        // How a server writes the columns of a result is not known.
        let table = [wanted, there].into_iter().flatten().any(|text| text.starts_with("TABLE"));
        let secret = [wanted, there].into_iter().flatten().any(|text| has_slot(text));
        wanted != there
            && !secret
            && !(name == "RETURNS" && table)
            && (is_told(kind, name) || (wanted.is_some() && there.is_some()))
    };
    let bodies = match (&expected.body, &found.body) {
        (Some(wanted), Some(there)) if kind.is_routine() => same_lines(wanted, there),
        (Some(wanted), Some(there)) => same_text(wanted, there),
        _ => true,
    };
    bodies && !names.into_iter().any(differs)
}

/// Clauses of a task that ALTER sets, where no others differ: one that is made anew is suspended.
fn set_clauses(place: &Place, expected: &Clauses, found: &Clauses) -> Option<Mend> {
    const SET: &[&str] = &["WAREHOUSE", "SCHEDULE"];
    let mut rest = found.clone();
    let mut set = Vec::new();
    for name in SET {
        match expected.named.get(*name) {
            Some(value) if found.named.get(*name) != Some(value) => {
                set.push(format!("{name} = {value}"));
                rest.named.insert((*name).to_owned(), value.clone());
            }
            _ => {}
        }
    }
    let enough = place.kind == ObjectKind::Task && same_clauses(place.kind, expected, &rest);
    let note = "suspend the root of its graph before, and resume it afterwards";
    enough.then(|| Mend::with_note(format!("ALTER {} SET {}", place.target(), set.join(" ")), note))
}

pub(super) fn properties(
    place: &Place,
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
    out: &mut Vec<Difference>,
) {
    let mut names: Vec<&String> = expected.keys().chain(found.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (wanted, there) = (expected.get(name), found.get(name));
        let known = is_told(place.kind, name) || (wanted.is_some() && there.is_some());
        if wanted == there || !known {
            continue;
        }
        let statement = match wanted {
            Some(value) => format!("ALTER {} SET {name} = {value}", place.target()),
            None => format!("ALTER {} UNSET {name}", place.target()),
        };
        let what = What::Property(name.clone());
        out.push(place.difference(what, wanted.cloned(), there.cloned(), Mend::statement(statement)));
    }
}

pub(super) fn comment(
    place: &Place,
    expected: Option<&String>,
    found: Option<&String>,
    out: &mut Vec<Difference>,
) {
    if expected != found {
        let text = crate::sql::lex::literal(expected.map_or("", String::as_str));
        let statement = format!("COMMENT ON {} IS {text}", place.target());
        out.push(place.difference(
            What::Comment,
            expected.cloned(),
            found.cloned(),
            Mend::statement(statement),
        ));
    }
}
