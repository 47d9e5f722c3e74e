//! What the history table says as a whole, before single migrations are looked at (Flyway's
//! `MigrationInfoContext.java` and the first passes of `MigrationInfoServiceImpl.java`).

use std::collections::HashMap;

use crate::model::{
    history::{HistoryRow, RowType, abbreviate_description},
    migration::{Migration, Prepared},
    name::MigrationKind,
    version::Version,
};

/// A history row with what the rows around it make of it.
pub(super) struct Row<'a> {
    pub(super) stored: &'a HistoryRow,
    pub(super) version: Option<Version>,
    pub(super) mark: Mark,
    /// Its version is not above all versions applied before it.
    pub(super) out_of_order: bool,
}

/// What later rows say of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    /// An undo migration took it back.
    Undone,
    /// `repair` removed it.
    Deleted,
    /// It is such a removal, and is not shown.
    Hidden,
}

/// The history as a whole.
pub(super) struct History<'a> {
    /// By rank; rows of equal rank in the order given.
    pub(super) rows: Vec<Row<'a>>,
    /// Highest version that stands: not removed, not taken back. Failed rows and baselines count.
    pub(super) last_applied: Option<Version>,
    /// Highest version of a baseline row.
    pub(super) baseline: Option<Version>,
    /// Row that stands for a version and role.
    by_version: HashMap<Version, [Option<usize>; 3]>,
    /// Latest row of each repeatable, by description.
    latest: HashMap<&'a str, usize>,
    /// Removal rows that remove nothing.
    pub(super) duplicate_deletes: Vec<usize>,
}

/// What a version is about. A versioned migration and a baseline may share a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Regular,
    Baseline,
    Undo,
}

impl Role {
    pub(super) const fn of_kind(kind: MigrationKind) -> Option<Self> {
        match kind {
            MigrationKind::Versioned => Some(Self::Regular),
            MigrationKind::Baseline => Some(Self::Baseline),
            MigrationKind::Undo => Some(Self::Undo),
            MigrationKind::Repeatable | MigrationKind::Always | MigrationKind::Callback => None,
        }
    }

    pub(super) fn of_row(kind: &RowType) -> Self {
        if kind.is_undo() {
            Self::Undo
        } else if kind.is_baseline() {
            Self::Baseline
        } else {
            Self::Regular
        }
    }
}

impl Row<'_> {
    /// Whether it stands: a removed, undone or removing row covers nothing.
    pub(super) fn stands(&self) -> bool {
        self.mark == Mark::None && self.stored.kind != RowType::Delete
    }

    /// Whether it is a run of a repeatable: no version in the table.
    pub(super) fn is_repeatable(&self) -> bool {
        self.stored.version.is_none() && self.stored.kind != RowType::Schema
    }

    pub(super) fn role(&self) -> Role {
        Role::of_row(&self.stored.kind)
    }
}

impl<'a> History<'a> {
    pub(super) fn of(history: &'a [HistoryRow]) -> Self {
        let mut rows: Vec<Row<'a>> = history
            .iter()
            .map(|row| Row {
                stored: row,
                version: row.parsed_version(),
                mark: Mark::None,
                out_of_order: false,
            })
            .collect();
        rows.sort_by_key(|row| row.stored.rank);
        let (marks, duplicate_deletes) = removals(&rows);
        for (row, mark) in rows.iter_mut().zip(marks) {
            row.mark = mark;
        }
        let mut this = Self {
            rows,
            last_applied: None,
            baseline: None,
            by_version: HashMap::with_capacity(history.len()),
            latest: HashMap::new(),
            duplicate_deletes,
        };
        this.walk();
        this
    }

    fn walk(&mut self) {
        let mut highest: Option<&Version> = None;
        let mut flags = Vec::with_capacity(self.rows.len());
        for (at, row) in self.rows.iter().enumerate() {
            let role = row.role();
            let mut out_of_order = false;
            if let Some(version) = row.version.as_ref().filter(|_| row.stands()) {
                if role != Role::Undo {
                    out_of_order = highest.is_some_and(|highest| version <= highest);
                    highest = highest.max(Some(version));
                }
                if role == Role::Baseline {
                    self.baseline = self.baseline.take().max(Some(version.clone()));
                }
                self.by_version.entry(version.clone()).or_default()[role as usize] = Some(at);
            }
            if row.is_repeatable() {
                self.latest.insert(row.stored.description.as_str(), at);
            }
            flags.push(out_of_order);
        }
        self.last_applied = highest.cloned();
        for (row, flag) in self.rows.iter_mut().zip(flags) {
            row.out_of_order = flag;
        }
    }

    /// Whether nothing at all was applied, baselines included.
    pub(super) fn is_empty(&self) -> bool {
        self.last_applied.is_none() && !self.rows.iter().any(|row| row.is_repeatable() && row.stands())
    }

    /// The row that stands for a version.
    pub(super) fn of_version(&self, version: &Version, role: Role) -> Option<usize> {
        self.by_version.get(version)?[role as usize]
    }

    /// The latest row of a repeatable, by its description as the table holds it.
    pub(super) fn latest(&self, description: &str) -> Option<usize> {
        self.latest.get(description).copied()
    }
}

/// What `DELETE` and undo rows make of the rows, and the `DELETE` rows that find nothing left to remove.
fn removals(rows: &[Row<'_>]) -> (Vec<Mark>, Vec<usize>) {
    let mut versions: HashMap<&Version, usize> = HashMap::with_capacity(rows.len());
    let mut descriptions: HashMap<&str, usize> = HashMap::new();
    let mut marks = vec![Mark::None; rows.len()];
    let mut duplicates = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let stored = row.stored;
        match (&stored.kind, &row.version) {
            (RowType::Delete, Some(version)) if stored.success => {
                marks[at] = Mark::Hidden;
                match versions.remove(version) {
                    Some(earlier) => marks[earlier] = Mark::Deleted,
                    None => duplicates.push(at),
                }
            }
            (RowType::Delete, None) if stored.success => {
                let earlier = descriptions.insert(stored.description.as_str(), at);
                if let Some(earlier) = earlier.filter(|at| rows[*at].stored.kind != RowType::Delete) {
                    marks[earlier] = Mark::Deleted;
                }
            }
            (kind, Some(version)) if kind.is_undo() => {
                let earlier = if stored.success { versions.remove(version) } else { None };
                if let Some(earlier) = earlier {
                    marks[earlier] = Mark::Undone;
                }
            }
            (kind, Some(version)) if !kind.is_synthetic() => {
                versions.insert(version, at);
            }
            (kind, None) if !kind.is_synthetic() => {
                descriptions.insert(stored.description.as_str(), at);
            }
            _ => {}
        }
    }
    (marks, duplicates)
}

/// The scripts on disk by what the history knows them by.
pub(super) struct Files<'a> {
    by_version: HashMap<(&'a Version, Role), usize>,
    by_description: HashMap<String, usize>,
    /// Baseline migrations.
    baselines: Vec<usize>,
    /// Highest version of any file that has one.
    pub(super) last_resolved: Option<&'a Version>,
}

impl<'a> Files<'a> {
    pub(super) fn of(migrations: impl IntoIterator<Item = &'a Prepared>) -> Self {
        let mut files = Self {
            by_version: HashMap::new(),
            by_description: HashMap::new(),
            baselines: Vec::new(),
            last_resolved: None,
        };
        for (at, prepared) in migrations.into_iter().enumerate() {
            let migration: &'a Migration = &prepared.migration;
            if let (Some(role), Some(version)) = (Role::of_kind(migration.kind), &migration.version) {
                files.by_version.insert((version, role), at);
                files.last_resolved = files.last_resolved.max(Some(version));
            }
            if migration.kind == MigrationKind::Baseline {
                files.baselines.push(at);
            }
            if migration.kind == MigrationKind::Repeatable {
                files.by_description.insert(abbreviate_description(&migration.description), at);
            }
        }
        files
    }

    /// The file that a row stands for.
    pub(super) fn of_row(&self, row: &Row<'_>) -> Option<usize> {
        match (&row.version, &row.stored.version) {
            (Some(version), _) => self.by_version.get(&(version, row.role())).copied(),
            (None, None) => self.by_description.get(&row.stored.description).copied(),
            (None, Some(_)) => None,
        }
    }

    /// The baseline migrations on disk.
    pub(super) fn baselines(&self) -> impl Iterator<Item = usize> + '_ {
        self.baselines.iter().copied()
    }

    /// Whether a file has the version, whatever it does with it.
    pub(super) fn has_version(&self, version: &Version) -> bool {
        [Role::Regular, Role::Baseline].iter().any(|role| self.by_version.contains_key(&(version, *role)))
    }
}
