//! The order in which migrations are shown (`MigrationInfoImpl.compareTo`) and run.

use std::cmp::Ordering;

use super::{
    context::{History, Role},
    evaluate::Entry,
};
use crate::model::{migration::Migration, name::MigrationKind, state::MigrationState, version::Version};

/// Sorts for display: files at or below the baseline, then rows by rank, then files that are not applied.
pub(super) fn sort(entries: &mut [Entry<'_>], history: &History<'_>) {
    entries.sort_by(|a, b| Key::of(a, history).cmp(&Key::of(b, history)));
}

/// Place of a file among files: versioned by version, then repeatables and `A__` scripts by description.
pub(super) fn by_name(a: &Migration, b: &Migration) -> Ordering {
    Name::of(a).cmp(&Name::of(b))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    BelowBaseline(Name<'a>),
    /// Rank, and place among rows of equal rank.
    Applied(i64, usize),
    Waiting(Name<'a>),
}

impl<'a> Key<'a> {
    fn of(entry: &'a Entry<'_>, history: &History<'_>) -> Self {
        if let Some(at) = entry.row {
            return Self::Applied(history.rows[at].stored.rank, at);
        }
        let name = entry.migration().map_or(Name::NONE, |migration| Name::of(migration));
        match entry.state {
            MigrationState::BelowBaseline | MigrationState::BaselineIgnored => Self::BelowBaseline(name),
            _ => Self::Waiting(name),
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    /// Versioned, then repeatable, then `A__`.
    group: u8,
    version: Option<&'a Version>,
    role: Option<u8>,
    description: &'a str,
    script: &'a str,
}

impl<'a> Name<'a> {
    const NONE: Self = Self { group: 0, version: None, role: None, description: "", script: "" };

    fn of(migration: &'a Migration) -> Self {
        Self {
            group: match migration.kind {
                MigrationKind::Versioned | MigrationKind::Baseline | MigrationKind::Undo => 0,
                MigrationKind::Repeatable => 1,
                MigrationKind::Always => 2,
                MigrationKind::Callback => 3,
            },
            version: migration.version.as_ref(),
            role: Role::of_kind(migration.kind).map(|role| match role {
                Role::Regular => 0,
                Role::Undo => 1,
                Role::Baseline => 2,
            }),
            description: &migration.description,
            script: &migration.script,
        }
    }
}
