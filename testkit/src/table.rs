//! Tables whose rows are kept: committed versions, and what a transaction did and has not committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rusqlite::types::Value;

/// Full name, as stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Name.
    pub table: String,
}

impl TableName {
    /// Its one name in SQLite.
    pub(crate) fn flat(&self) -> String {
        format!("{}.{}.{}", self.database, self.schema, self.table)
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Snowflake's type: `NUMBER(38,0)`. `None` if it is not known.
    pub(crate) data_type: Option<String>,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
}

impl Column {
    /// The type without its parameters.
    pub(crate) fn base(&self) -> &str {
        self.data_type.as_deref().map_or("", |full| full.split('(').next().unwrap_or_default())
    }
}

/// Rows by an id that no user sees.
pub(crate) type Rows = BTreeMap<i64, Vec<Value>>;

/// One committed state.
#[derive(Clone, Debug)]
struct Version {
    commit: u64,
    rows: Arc<Rows>,
}

/// A table with all its committed states.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    versions: Vec<Version>,
}

/// What statements did to one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Change {
    pub(crate) written: Rows,
    pub(crate) deleted: BTreeSet<i64>,
}

/// A commit: when, by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit {
    pub(crate) at: Duration,
    pub(crate) session: u64,
}

impl Table {
    pub(crate) fn new(columns: Vec<Column>, commit: u64, rows: Rows) -> Self {
        Self { columns, versions: vec![Version { commit, rows: Arc::new(rows) }] }
    }

    /// The rows as of a commit. A table that was made later shows what it was made with: DDL is seen at once.
    pub(crate) fn at(&self, commit: u64) -> Arc<Rows> {
        let seen = self.versions.iter().rev().find(|version| version.commit <= commit);
        seen.or(self.versions.first()).map(|version| Arc::clone(&version.rows)).unwrap_or_default()
    }

    /// The newest rows.
    pub(crate) fn newest(&self) -> Arc<Rows> {
        self.at(u64::MAX)
    }

    /// Gives the rows other columns, by name: a new one is NULL. DDL counts for every reader at once.
    pub(crate) fn reshape(&mut self, columns: Vec<Column>) {
        let from: Vec<Option<usize>> =
            columns.iter().map(|new| self.columns.iter().position(|old| old.name == new.name)).collect();
        let shaped = |row: &Vec<Value>| {
            from.iter().map(|at| at.map_or(Value::Null, |at| row[at].clone())).collect::<Vec<_>>()
        };
        for version in &mut self.versions {
            let rows = version.rows.iter().map(|(id, row)| (*id, shaped(row))).collect();
            version.rows = Arc::new(rows);
        }
        self.columns = columns;
    }

    /// Adds a committed state.
    pub(crate) fn commit(&mut self, commit: u64, change: &Change) {
        let mut rows = self.newest();
        change.apply(Arc::make_mut(&mut rows));
        self.versions.push(Version { commit, rows });
    }
}

impl Change {
    /// Does it to `rows`. What others deleted stays deleted: an update finds nothing to write to.
    pub(crate) fn apply(&self, rows: &mut Rows) {
        for id in &self.deleted {
            rows.remove(id);
        }
        for (id, row) in &self.written {
            rows.insert(*id, row.clone());
        }
    }

    /// Adds what a later statement of the same transaction did.
    pub(crate) fn then(&mut self, later: Self) {
        for id in &later.deleted {
            self.written.remove(id);
        }
        self.deleted.extend(later.deleted);
        self.written.extend(later.written);
    }

    /// Of rows that others changed since `before` takes the columns that it does not change as they are now.
    pub(crate) fn keep_others(&mut self, before: &Rows, now: &Rows) {
        for (id, row) in &mut self.written {
            let (Some(old), Some(new)) = (before.get(id), now.get(id)) else { continue };
            for ((value, old), new) in row.iter_mut().zip(old).zip(new) {
                if value == old {
                    value.clone_from(new);
                }
            }
        }
    }

    /// What leads from `before` to `after`; new rows get ids from `fresh`.
    pub(crate) fn between(before: &Rows, after: Rows, mut fresh: impl FnMut() -> i64) -> Self {
        let mut change = Self {
            deleted: before.keys().filter(|id| !after.contains_key(id)).copied().collect(),
            ..Self::default()
        };
        for (id, row) in after {
            match before.get(&id) {
                Some(old) if *old == row => {}
                Some(_) => drop(change.written.insert(id, row)),
                None => drop(change.written.insert(fresh(), row)),
            }
        }
        change
    }
}
