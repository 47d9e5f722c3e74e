//! Grants of one object.

use std::collections::BTreeSet;

use super::{Difference, Mend, Sight, What, mend::Place};

/// A grant in its parts: `SELECT TO ROLE X` gives `SELECT` and `ROLE X`.
fn parts(grant: &str) -> Option<(&str, &str)> {
    grant.split_once(" TO ")
}

fn is_all(privilege: &str) -> bool {
    matches!(privilege, "ALL" | "ALL PRIVILEGES")
}

/// Where one side was granted ALL, the other lists what that means: those of that grantee are not compared.
fn wholesale(grants: &BTreeSet<String>) -> BTreeSet<&str> {
    grants.iter().filter_map(|grant| parts(grant)).filter(|(p, _)| is_all(p)).map(|(_, to)| to).collect()
}

pub(super) fn grants(
    sight: &Sight<'_>,
    place: &Place,
    expected: &BTreeSet<String>,
    found: &BTreeSet<String>,
    out: &mut Vec<Difference>,
) {
    // What a server calls a routine in its list of privileges is not documented.
    if !sight.has("GRANTS") || place.kind.is_routine() {
        return;
    }
    let (all_expected, all_found) = (wholesale(expected), wholesale(found));
    let has_any = |grants: &BTreeSet<String>, to: &str| {
        grants.iter().filter_map(|grant| parts(grant)).any(|(_, grantee)| grantee == to)
    };
    for grant in expected.difference(found) {
        let Some((privilege, to)) = parts(grant) else { continue };
        let covered = all_found.contains(to) || (is_all(privilege) && has_any(found, to));
        if covered {
            continue;
        }
        let statement = format!("GRANT {privilege} ON {} TO {to}", place.target());
        out.push(place.difference(What::GrantMissing, Some(grant.clone()), None, Mend::statement(statement)));
    }
    for grant in found.difference(expected) {
        let Some((privilege, to)) = parts(grant) else { continue };
        if all_expected.contains(to) || (is_all(privilege) && has_any(expected, to)) {
            continue;
        }
        let statement = format!("REVOKE {privilege} ON {} FROM {to}", place.target());
        out.push(place.difference(
            What::GrantUnexpected,
            None,
            Some(grant.clone()),
            Mend::statement(statement),
        ));
    }
}
