//! What committed snapshots hold exists at start.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{
    Catalog,
    create::family,
    outline,
    store::{Database, Object, Objects, Schema},
};
use crate::model::{ident::Ident, kind::ObjectKind};

impl Catalog {
    /// Adds what a snapshot holds and the catalogue lacks, once: what is there stays as it is, and what was dropped since
    /// it was added does not come back.
    pub(super) fn take_in(&mut self, snapshot: &Self, now: &str) {
        for (name, found) in &snapshot.databases {
            if self.is_news(&[name.as_str()]) && !self.dropped.iter().any(|(gone, _)| gone == name) {
                let empty = Database { schemas: BTreeMap::new(), objects: Objects::new(), ..found.clone() };
                let unseen = Some(snapshot.unseen.keys().cloned().collect());
                let made = Database { created_on: now.to_owned(), unseen, ..empty };
                self.databases.entry(name.clone()).or_insert(made);
            }
            self.add(name, None, &found.objects, now);
            for (schema, inner) in &found.schemas {
                self.add_schema(name, schema, inner, now);
                self.add(name, Some(schema), &inner.objects, now);
            }
        }
    }

    /// Whether a name was not taken in before.
    pub(super) fn is_news(&mut self, parts: &[&str]) -> bool {
        self.taken_in.insert(parts.join("\u{1f}"))
    }

    fn add_schema(&mut self, database: &Ident, name: &Ident, found: &Schema, now: &str) {
        let news = self.is_news(&[database.as_str(), name.as_str()]);
        let Some(home) = self.databases.get_mut(database).filter(|_| news) else { return };
        if home.dropped.iter().any(|(gone, _)| gone == name) {
            return;
        }
        let open = home.open;
        let made = Schema { created_on: now.to_owned(), objects: Objects::new(), open, ..found.clone() };
        home.schemas.entry(name.clone()).or_insert(made);
    }

    fn add(&mut self, database: &Ident, schema: Option<&Ident>, objects: &Objects, now: &str) {
        for (space, inner) in objects {
            for (key, object) in inner {
                let parts =
                    [database.as_str(), schema.map_or("", Ident::as_str), space.as_str(), key.as_str()];
                if !self.is_news(&parts) {
                    continue;
                }
                let Some(home) = self.databases.get_mut(database) else { continue };
                let there = match schema {
                    None => &mut home.objects,
                    Some(schema) => match home.schemas.get_mut(schema) {
                        Some(schema) if !is_buried(schema, object, key) => &mut schema.objects,
                        _ => continue,
                    },
                };
                if let Entry::Vacant(place) = there.entry(space.clone()).or_default().entry(key.clone()) {
                    place.insert(Object { created_on: now.to_owned(), ..object.clone() });
                }
            }
        }
    }
}

fn is_buried(schema: &Schema, object: &Object, key: &str) -> bool {
    let same = |gone: &Object| gone.kind.name_space() == object.kind.name_space() && gone.key() == key;
    schema.dropped.iter().any(same)
}

impl Database {
    /// Whether objects of this kind may be in it that its snapshot does not hold.
    pub(super) fn may_hide(&self, kind: ObjectKind) -> bool {
        let Some(unseen) = &self.unseen else { return false };
        let is_unseen = |kind: ObjectKind| unseen.contains(kind.words());
        match family(kind) {
            // An external function is called and dropped as any other.
            ObjectKind::Function => true,
            kind if !outline::holds(kind) => true,
            // What reads a table reads a view or a stream with the same words.
            kind if kind.is_relation() && kind != ObjectKind::Stream => {
                [ObjectKind::Table, ObjectKind::View, ObjectKind::Stream].into_iter().any(is_unseen)
            }
            kind => is_unseen(kind),
        }
    }
}
