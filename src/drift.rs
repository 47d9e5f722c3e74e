//! Compares two catalogues: what should be there and what was found. Pure.
//!
//! What is compared is what a server tells of a whole database at once ([`crate::catalog::LISTED`]): objects, owners,
//! comments, columns, keys, queries of views, bodies, a few properties, grants. Where either side does not know
//! something, it is no difference. The order of columns is none either: ADD COLUMN puts them at the end.

mod grants;
mod mend;
mod object;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use mend::Mend;
use mend::Place;

use crate::{
    catalog::{Catalog, Database, Object, Objects, Schema, holds_secret},
    model::{ident::Ident, kind::ObjectKind},
};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Its full name, for routines with the types of the arguments.
    pub object: String,
    /// What differs.
    pub what: What,
    /// As it should be, where that is a value.
    pub expected: Option<String>,
    /// As it is.
    pub found: Option<String>,
    /// What brings the target to what should be.
    pub mend: Mend,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The object is not there.
    Missing,
    /// The object should not be there.
    Unexpected,
    /// A column is not there.
    ColumnMissing(Ident),
    /// A column should not be there.
    ColumnUnexpected(Ident),
    /// Type of a column.
    ColumnType(Ident),
    /// Whether a column takes NULL.
    ColumnNullability(Ident),
    /// Default of a column; AUTOINCREMENT and computed ones too.
    ColumnDefault(Ident),
    /// Comment of a column.
    ColumnComment(Ident),
    /// A key is not there.
    KeyMissing,
    /// A key should not be there.
    KeyUnexpected,
    /// The clustering key.
    Clustering,
    /// Query, body or clauses.
    Definition,
    /// A property, by name.
    Property(String),
    /// Comment.
    Comment,
    /// Owner.
    Owner,
    /// A privilege is not granted.
    GrantMissing,
    /// A privilege should not be granted.
    GrantUnexpected,
}

impl What {
    /// The word of JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::ColumnMissing(_) => "column_missing",
            Self::ColumnUnexpected(_) => "column_unexpected",
            Self::ColumnType(_) => "column_type",
            Self::ColumnNullability(_) => "column_nullability",
            Self::ColumnDefault(_) => "column_default",
            Self::ColumnComment(_) => "column_comment",
            Self::KeyMissing => "key_missing",
            Self::KeyUnexpected => "key_unexpected",
            Self::Clustering => "clustering",
            Self::Definition => "definition",
            Self::Property(_) => "property",
            Self::Comment => "comment",
            Self::Owner => "owner",
            Self::GrantMissing => "grant_missing",
            Self::GrantUnexpected => "grant_unexpected",
        }
    }

    /// The column or property that it speaks of.
    pub fn part(&self) -> Option<&str> {
        match self {
            Self::ColumnMissing(name)
            | Self::ColumnUnexpected(name)
            | Self::ColumnType(name)
            | Self::ColumnNullability(name)
            | Self::ColumnDefault(name)
            | Self::ColumnComment(name) => Some(name.as_str()),
            Self::Property(name) => Some(name),
            _ => None,
        }
    }

    /// Whether something is there that should not be: what a script of unknown content may have made.
    pub const fn is_more(&self) -> bool {
        matches!(
            self,
            Self::Unexpected | Self::ColumnUnexpected(_) | Self::KeyUnexpected | Self::GrantUnexpected
        )
    }
}

/// Differences between two outlines ([`Catalog::outline`]), containers before what they hold. The statements bring `found`
/// to `expected`.
///
/// `whole` is what `expected` is an outline of, where there is more of it: arguments of routines with sizes and defaults.
pub fn compare(expected: &Catalog, found: &Catalog, whole: Option<&Catalog>) -> Vec<Difference> {
    let sight = Sight { expected, found, whole };
    let mut out = Vec::new();
    pairs(expected.databases(), found.databases(), |name, sides| {
        database(&sight, name, sides, &mut out);
    });
    out.into_iter().filter_map(without_secrets).collect()
}

/// What holds a secret is not known here: no value differs from it, no statement is made with it, and nothing of it is told.
fn without_secrets(mut one: Difference) -> Option<Difference> {
    let held = |text: &Option<String>| text.as_deref().is_some_and(holds_secret);
    let value = matches!(
        one.what,
        What::ColumnDefault(_) | What::ColumnComment(_) | What::Property(_) | What::Comment
    );
    let (expected, found) = (held(&one.expected), held(&one.found));
    if value && (expected || found) {
        return None;
    }
    // A definition differs in its other parts.
    if expected || found {
        one.expected = None;
        one.found = None;
    }
    if one.mend.texts().iter().any(|text| holds_secret(text)) {
        one.mend =
            Mend::ByHand("take it from a script: it holds a secret, which is not known here".to_owned());
    }
    Some(one)
}

/// The two sides of a name; one at least is there.
enum Sides<'c, T> {
    Both(&'c T, &'c T),
    Expected(&'c T),
    Found(&'c T),
}

impl<T> Clone for Sides<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Sides<'_, T> {}

fn pairs<'c, K: Ord, T>(
    expected: &'c BTreeMap<K, T>,
    found: &'c BTreeMap<K, T>,
    mut each: impl FnMut(&'c K, Sides<'c, T>),
) {
    let mut names: Vec<&K> = expected.keys().chain(found.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        match (expected.get(name), found.get(name)) {
            (Some(wanted), Some(there)) => each(name, Sides::Both(wanted, there)),
            (Some(wanted), None) => each(name, Sides::Expected(wanted)),
            (None, Some(there)) => each(name, Sides::Found(there)),
            (None, None) => {}
        }
    }
}

/// What both sides could see.
struct Sight<'c> {
    expected: &'c Catalog,
    found: &'c Catalog,
    whole: Option<&'c Catalog>,
}

impl Sight<'_> {
    /// A routine's definition as its script wrote it.
    fn written(&self, database: &Ident, schema: Option<&Ident>, object: &Object) -> Option<&str> {
        let schema = self.whole?.databases().get(database)?.schemas.get(schema?)?;
        let found = schema.objects.get(object.kind.name_space())?.get(&object.key())?;
        let text = found.definition.as_deref()?;
        // What ALTER set since stands beside.
        found.properties.is_empty().then(|| text.trim().trim_end_matches(';').trim_end())
    }

    /// Whether both sides know of this.
    fn has(&self, what: &str) -> bool {
        !self.expected.unseen().contains_key(what) && !self.found.unseen().contains_key(what)
    }

    /// What stands for a kind in lists of what was not seen: SHOW TABLES and SHOW VIEWS list several.
    fn of_kind(kind: ObjectKind) -> &'static str {
        match kind {
            ObjectKind::MaterializedView => ObjectKind::View.words(),
            kind if kind.is_relation() && !matches!(kind, ObjectKind::View | ObjectKind::Stream) => {
                ObjectKind::Table.words()
            }
            kind => kind.words(),
        }
    }

    fn is_missing_known(&self, kind: ObjectKind) -> bool {
        !self.found.unseen().contains_key(Self::of_kind(kind))
    }

    fn is_unexpected_known(&self, kind: ObjectKind) -> bool {
        !self.expected.unseen().contains_key(Self::of_kind(kind))
    }
}

fn database(sight: &Sight<'_>, name: &Ident, sides: Sides<'_, Database>, out: &mut Vec<Difference>) {
    let place = Place::of(ObjectKind::Database, None, None, name, None);
    let (expected, found) = match sides {
        Sides::Both(expected, found) => (expected, found),
        Sides::Expected(expected) => {
            out.push(place.missing(Mend::statement(mend::create_database(&place, expected))));
            return;
        }
        Sides::Found(_) => {
            out.push(place.unexpected(Mend::destroys(format!("DROP DATABASE {}", place.name))));
            return;
        }
    };
    object::comment(&place, expected.comment.as_ref(), found.comment.as_ref(), out);
    object::properties(&place, &expected.properties, &found.properties, out);
    grants::grants(sight, &place, &expected.grants, &found.grants, out);
    objects(sight, (name, None), &expected.objects, &found.objects, out);
    pairs(&expected.schemas, &found.schemas, |inner, sides| schema(sight, (name, inner), sides, out));
}

fn schema(
    sight: &Sight<'_>,
    (database, name): (&Ident, &Ident),
    sides: Sides<'_, Schema>,
    out: &mut Vec<Difference>,
) {
    let place = Place::of(ObjectKind::Schema, Some(database), None, name, None);
    let home = (database, Some(name));
    let nothing = Objects::new();
    let (expected, found) = match sides {
        Sides::Both(expected, found) => (expected, found),
        Sides::Expected(expected) => {
            out.push(place.missing(Mend::statement(mend::create_schema(&place, expected))));
            grants::grants(sight, &place, &expected.grants, &std::collections::BTreeSet::new(), out);
            objects(sight, home, &expected.objects, &nothing, out);
            return;
        }
        // What it holds goes with it.
        Sides::Found(found) => {
            let held: usize = found.objects.values().map(BTreeMap::len).sum();
            let mut difference = place.unexpected(Mend::destroys(format!("DROP SCHEMA {}", place.name)));
            difference.found = Some(format!("holds {held} objects")).filter(|_| held > 0);
            out.push(difference);
            return;
        }
    };
    if expected.open || found.open {
        return;
    }
    object::comment(&place, expected.comment.as_ref(), found.comment.as_ref(), out);
    object::properties(&place, &expected.properties, &found.properties, out);
    if expected.managed_access != found.managed_access {
        let word = if expected.managed_access { "ENABLE" } else { "DISABLE" };
        let statement = format!("ALTER SCHEMA {} {word} MANAGED ACCESS", place.name);
        let what = What::Property("MANAGED ACCESS".to_owned());
        let values = (expected.managed_access, found.managed_access);
        out.push(place.flag(what, values, Mend::statement(statement)));
    }
    grants::grants(sight, &place, &expected.grants, &found.grants, out);
    objects(sight, home, &expected.objects, &found.objects, out);
}

/// Order in which the objects of a schema are made: what others need first.
const SPACES: &[&str] = &[
    "tag",
    "sequence",
    "file format",
    "network rule",
    "secret",
    "stage",
    "policy",
    "routine",
    "relation",
    "pipe",
    "task",
    "alert",
];

fn objects(
    sight: &Sight<'_>,
    home: (&Ident, Option<&Ident>),
    expected: &Objects,
    found: &Objects,
    out: &mut Vec<Difference>,
) {
    let nothing = BTreeMap::new();
    let rank = |space: &str| SPACES.iter().position(|known| *known == space).unwrap_or(SPACES.len());
    let mut spaces: Vec<&String> = expected.keys().chain(found.keys()).collect();
    spaces.sort_by_key(|space| (rank(space), *space));
    spaces.dedup();
    let mut all = Vec::new();
    for space in spaces {
        let of = |objects: &'_ Objects| objects.contains_key(space);
        let wanted = if of(expected) { &expected[space] } else { &nothing };
        let there = if of(found) { &found[space] } else { &nothing };
        pairs(wanted, there, |_, sides| object::object(sight, home, sides, &mut all));
    }
    // Tables before the views and streams on them.
    let late = |kind: ObjectKind| {
        matches!(
            kind,
            ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Stream | ObjectKind::DynamicTable
        )
    };
    let (last, first): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|difference| late(difference.kind) || difference.kind == ObjectKind::Task);
    out.extend(first);
    out.extend(last);
}
