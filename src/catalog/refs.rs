//! The full names that objects keep of each other: of policies, tags, the source of a stream, the table of a foreign key.

use super::{
    lookup::Place,
    store::{Database, Key, KeyRule, Link, Object, Objects, Schema},
    work::Work,
};

/// What one object keeps of another.
pub(super) enum Ref<'a> {
    /// A policy or tag.
    Link(&'a mut Link),
    /// The name of a stream's source or of a foreign key's table.
    Name(&'a mut String),
}

/// Names that change: these, and what stands in them.
pub(super) struct Renamed {
    pairs: Vec<(String, String)>,
}

impl Renamed {
    /// One name.
    pub(super) fn one(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { pairs: vec![(from.into(), to.into())] }
    }

    /// Two names that change places.
    pub(super) fn swapped(a: &str, b: &str) -> Self {
        Self { pairs: vec![(a.to_owned(), b.to_owned()), (b.to_owned(), a.to_owned())] }
    }

    fn apply(&self, name: &mut String) {
        for (from, to) in &self.pairs {
            let rest = name.strip_prefix(from.as_str());
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('.')) {
                *name = format!("{to}{rest}");
                return;
            }
        }
    }

    /// Follows the names inside one schema.
    pub(super) fn in_schema(&self, schema: &mut Schema) {
        schema.links.iter_mut().for_each(|link| self.apply(&mut link.name));
        each_in(&mut schema.objects, &mut |one| self.follow(one));
        for object in &mut schema.dropped {
            each_of(object, &mut |one| self.follow(one));
        }
    }

    /// Follows the names inside one database.
    pub(super) fn in_database(&self, database: &mut Database) {
        database.links.iter_mut().for_each(|link| self.apply(&mut link.name));
        database.schemas.values_mut().for_each(|schema| self.in_schema(schema));
        database.dropped.iter_mut().for_each(|(_, schema)| self.in_schema(schema));
    }

    /// Follows the names everywhere.
    pub(super) fn everywhere(&self, work: &mut Work<'_>) {
        work.catalog.databases.values_mut().for_each(|database| self.in_database(database));
        work.catalog.dropped.iter_mut().for_each(|(_, database)| self.in_database(database));
        each_in(&mut work.catalog.objects, &mut |one| self.follow(one));
        for objects in work.session.temporary.values_mut() {
            each_in(objects, &mut |one| self.follow(one));
        }
    }

    fn follow(&self, one: Ref<'_>) {
        match one {
            Ref::Link(link) => self.apply(&mut link.name),
            Ref::Name(name) => self.apply(name),
        }
    }
}

fn each_in(objects: &mut Objects, act: &mut dyn FnMut(Ref<'_>)) {
    objects.values_mut().flat_map(|inner| inner.values_mut()).for_each(|object| each_of(object, act));
}

fn each_of(object: &mut Object, act: &mut dyn FnMut(Ref<'_>)) {
    let inner = object.columns.iter_mut().flatten().flat_map(|column| &mut column.links);
    object.links.iter_mut().chain(inner).for_each(|link| act(Ref::Link(link)));
    if let Some(source) = &mut object.source {
        act(Ref::Name(&mut source.name));
    }
    object.keys.iter_mut().filter_map(|key| key.references.as_mut()).for_each(|name| act(Ref::Name(name)));
}

/// Whether any live object has such a policy or tag.
pub(super) fn any_link(work: &Work<'_>, wanted: impl Fn(&Link) -> bool) -> bool {
    let of = |object: &Object| {
        let inner = object.columns.iter().flatten().flat_map(|column| &column.links);
        object.links.iter().chain(inner).any(&wanted)
    };
    let some = |objects: &Objects| objects.values().flat_map(|inner| inner.values()).any(of);
    let catalog = &work.catalog;
    some(&catalog.objects)
        || work.session.temporary.values().any(some)
        || catalog.databases.values().any(|database| {
            database.links.iter().any(&wanted)
                || database
                    .schemas
                    .values()
                    .any(|schema| schema.links.iter().any(&wanted) || some(&schema.objects))
        })
}

/// Calls `act` with every live object.
pub(super) fn each_object(work: &mut Work<'_>, act: &mut dyn FnMut(&mut Object)) {
    let catalog = &mut *work.catalog;
    let inside = catalog.databases.values_mut().flat_map(|database| {
        let schemas = database.schemas.values_mut().map(|schema| &mut schema.objects);
        std::iter::once(&mut database.objects).chain(schemas)
    });
    let all = inside.chain(std::iter::once(&mut catalog.objects)).chain(work.session.temporary.values_mut());
    all.flat_map(|objects| objects.values_mut()).flat_map(|inner| inner.values_mut()).for_each(act);
}

/// DROP of a table, or what replaces it, ends the foreign keys of others that reference it.
pub(super) fn forget_table(work: &mut Work<'_>, old: &Object, full: &str) {
    let referenced = |key: &Key| matches!(key.rule, KeyRule::Primary | KeyRule::Unique);
    if old.keys.iter().any(referenced) {
        each_object(work, &mut |object| object.keys.retain(|key| key.references.as_deref() != Some(full)));
    }
}

/// Whether a foreign key of another table references a table, or one in a schema or database that begins so.
pub(super) fn is_referenced(work: &Work<'_>, full: &str, inside: impl Fn(&Place) -> bool) -> bool {
    let within =
        |name: &str| name.strip_prefix(full).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    work.catalog.databases.iter().any(|(database, found)| {
        found.schemas.iter().any(|(schema, found)| {
            found.objects.get("relation").into_iter().flat_map(|inner| inner.values()).any(|object| {
                let place =
                    Place { database: database.clone(), schema: schema.clone(), name: object.name.clone() };
                !inside(&place) && object.keys.iter().filter_map(|key| key.references.as_deref()).any(within)
            })
        })
    })
}

/// DROP TAG takes the tag off everything that has it.
pub(super) fn forget_tag(work: &mut Work<'_>, name: &str) {
    let gone = |links: &mut Vec<Link>| links.retain(|link| link.name != name);
    for database in work.catalog.databases.values_mut() {
        gone(&mut database.links);
        database.schemas.values_mut().for_each(|schema| gone(&mut schema.links));
    }
    each_object(work, &mut |object| {
        gone(&mut object.links);
        object.columns.iter_mut().flatten().for_each(|column| gone(&mut column.links));
    });
}
