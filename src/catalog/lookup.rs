//! From names to objects.

use std::fmt;

use super::{
    store::{Database, INFORMATION_SCHEMA, Object, Objects, Schema},
    work::{Stop, Work},
};
use crate::{
    model::{
        command::Name,
        ident::{Ident, QualifiedName},
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::command::object_name,
};

/// A name in full.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) database: Ident,
    pub(super) schema: Ident,
    pub(super) name: Ident,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.database, self.schema, self.name)
    }
}

/// What a name leads to.
pub(super) enum Found<'a> {
    /// An object that is known.
    Here(&'a Object),
    /// Something in a container whose content is not known.
    Unseen,
    /// Nothing.
    Missing,
}

impl Work<'_> {
    /// The name that a statement means, where that can be told before it runs.
    pub(super) fn written(&self, name: &Name) -> Result<Option<QualifiedName>, Stop> {
        match name {
            Name::Written(name) => Ok(Some(name.clone())),
            Name::Unknown => Ok(None),
            Name::Variable(variable, at) => match self.session.variables.get(variable) {
                Some(Some(value)) => Ok(object_name(value)),
                Some(None) => Ok(None),
                None => Err(super::context::missing_variable(variable, *at).into()),
            },
        }
    }

    /// As [`Work::written`], for names without which nothing can be said.
    pub(super) fn known(&self, name: &Name) -> Result<QualifiedName, Stop> {
        self.written(name)?.ok_or(Stop::Unknowable)
    }

    /// The full name; what is left out comes from the session. `statement` is named in the refusal.
    pub(super) fn place(&self, name: &QualifiedName, statement: &str) -> Result<Place, Stop> {
        let context = &self.session.context;
        let database = name.database.clone().or_else(|| context.database.clone());
        let database = database.ok_or_else(|| self.nowhere(SnowflakeError::no_database(statement)))?;
        let schema = name.schema.clone().or_else(|| context.schema.clone());
        let schema = schema.ok_or_else(|| self.nowhere(SnowflakeError::no_schema(statement)))?;
        Ok(Place { database, schema, name: name.name.clone() })
    }

    /// Database and name of a schema.
    pub(super) fn schema_of_name(
        &self,
        name: &QualifiedName,
        statement: &str,
    ) -> Result<(Ident, Ident), Stop> {
        if let Some(extra) = &name.database {
            let text = format!("{extra}.{name}");
            return Err(SnowflakeError::too_many_qualifiers("Schema", &text).into());
        }
        let database = name.schema.clone().or_else(|| self.session.context.database.clone());
        let database = database.ok_or_else(|| self.nowhere(SnowflakeError::no_database(statement)))?;
        Ok((database, name.name.clone()))
    }

    /// The session stands nowhere, or only the server knows where.
    fn nowhere(&self, error: SnowflakeError) -> Stop {
        if self.session.astray { Stop::Unknowable } else { error.into() }
    }

    /// A database that exists.
    pub(super) fn database(&self, name: &Ident) -> Result<&Database, Stop> {
        let found = self.catalog.databases.get(name);
        found.ok_or_else(|| SnowflakeError::missing(ObjectKind::Database, name).into())
    }

    pub(super) fn database_mut(&mut self, name: &Ident) -> Result<&mut Database, Stop> {
        let found = self.catalog.databases.get_mut(name);
        found.ok_or_else(|| SnowflakeError::missing(ObjectKind::Database, name).into())
    }

    /// A schema that exists; `None` for one whose content is not known at all.
    pub(super) fn schema(&self, database: &Ident, name: &Ident) -> Result<Option<&Schema>, Stop> {
        let found = self.database(database)?;
        if name.as_str() == INFORMATION_SCHEMA {
            return Ok(None);
        }
        match found.schemas.get(name) {
            Some(schema) => Ok(Some(schema)),
            None if (found.open || found.unsure)
                && !found.dropped.iter().any(|(dropped, _)| dropped == name) =>
            {
                Ok(None)
            }
            None => {
                Err(SnowflakeError::missing(ObjectKind::Schema, format_args!("{database}.{name}")).into())
            }
        }
    }

    /// The schema to write to, made if it is in a database whose content is not known.
    pub(super) fn schema_mut(&mut self, database: &Ident, name: &Ident) -> Result<&mut Schema, Stop> {
        self.schema(database, name)?;
        let now = self.stamp.now.clone();
        Ok(self.database_mut(database)?.schema_entry(name, &now))
    }

    /// The object of that name in the name space of `kind`, whatever its own kind. Temporary ones come first.
    pub(super) fn find(&self, kind: ObjectKind, place: &Place) -> Result<Found<'_>, Stop> {
        self.find_key(kind, place, place.name.as_str())
    }

    /// As [`Work::find`], by the key in the name space.
    pub(super) fn find_key(&self, kind: ObjectKind, place: &Place, key: &str) -> Result<Found<'_>, Stop> {
        let space = kind.name_space();
        if let Some(found) = self.temporary(place).and_then(|objects| get(objects, space, key)) {
            return Ok(Found::Here(found));
        }
        let Some(schema) = self.schema(&place.database, &place.schema)? else { return Ok(Found::Unseen) };
        if let Some(found) = get(&schema.objects, space, key) {
            return Ok(Found::Here(found));
        }
        let dropped =
            || schema.dropped.iter().any(|object| object.kind.name_space() == space && object.key() == key);
        let hidden = schema.open || schema.unsure || self.database(&place.database)?.may_hide(kind);
        Ok(if hidden && !dropped() { Found::Unseen } else { Found::Missing })
    }

    /// Temporary objects of the session in the schema of `place`.
    pub(super) fn temporary(&self, place: &Place) -> Option<&Objects> {
        if self.session.temporary.is_empty() {
            return None;
        }
        self.session.temporary.get(&(place.database.clone(), place.schema.clone()))
    }

    /// Whether the name is held by a temporary object of this session.
    pub(super) fn is_temporary(&self, kind: ObjectKind, place: &Place) -> bool {
        self.is_temporary_key(kind, place, place.name.as_str())
    }

    /// As [`Work::is_temporary`]; the key of a routine has its types.
    pub(super) fn is_temporary_key(&self, kind: ObjectKind, place: &Place, key: &str) -> bool {
        self.temporary(place).is_some_and(|objects| get(objects, kind.name_space(), key).is_some())
    }

    /// The object to change, temporary ones first.
    pub(super) fn find_mut(&mut self, kind: ObjectKind, place: &Place) -> Option<&mut Object> {
        let space = kind.name_space();
        let key = place.name.as_str();
        if self.is_temporary(kind, place) {
            let objects = self.session.temporary.get_mut(&(place.database.clone(), place.schema.clone()))?;
            return objects.get_mut(space)?.get_mut(key);
        }
        let schema = self.catalog.databases.get_mut(&place.database)?.schemas.get_mut(&place.schema)?;
        schema.objects.get_mut(space)?.get_mut(key)
    }

    /// Takes an object out, temporary ones first.
    pub(super) fn take_out(&mut self, space: &str, place: &Place, key: &str) -> Option<(Object, bool)> {
        let at = (place.database.clone(), place.schema.clone());
        if let Some(objects) = self.session.temporary.get_mut(&at)
            && let Some(found) = take(objects, space, key)
        {
            return Some((found, true));
        }
        let schema = self.catalog.databases.get_mut(&place.database)?.schemas.get_mut(&place.schema)?;
        take(&mut schema.objects, space, key).map(|found| (found, false))
    }

    /// Puts an object in.
    pub(super) fn put_in(&mut self, place: &Place, object: Object, temporary: bool) -> Result<(), Stop> {
        let objects = if temporary {
            self.session.temporary.entry((place.database.clone(), place.schema.clone())).or_default()
        } else {
            &mut self.schema_mut(&place.database, &place.schema)?.objects
        };
        let space = object.kind.name_space().to_owned();
        objects.entry(space).or_default().insert(object.key(), object);
        Ok(())
    }

    /// Routines of that name with any arguments; `None` where that is not known. `kind`: what the statement looks for.
    pub(super) fn routines(&self, kind: ObjectKind, place: &Place) -> Result<Option<Vec<&Object>>, Stop> {
        let Some(schema) = self.schema(&place.database, &place.schema)? else { return Ok(None) };
        let permanent = schema.objects.get("routine");
        let temporary = self.temporary(place).and_then(|objects| objects.get("routine"));
        let found: Vec<&Object> = permanent
            .into_iter()
            .chain(temporary)
            .flat_map(|objects| objects.values())
            .filter(|object| object.name == place.name)
            .collect();
        let hidden = schema.open || schema.unsure || self.database(&place.database)?.may_hide(kind);
        Ok(if found.is_empty() && hidden { None } else { Some(found) })
    }
}

fn get<'a>(objects: &'a Objects, space: &str, key: &str) -> Option<&'a Object> {
    objects.get(space)?.get(key)
}

fn take(objects: &mut Objects, space: &str, key: &str) -> Option<Object> {
    let inner = objects.get_mut(space)?;
    let found = inner.remove(key);
    if inner.is_empty() {
        objects.remove(space);
    }
    found
}
