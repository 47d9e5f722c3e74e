//! What a stream watches. It follows its source by identity: a rename does not harm it, a replacement does.

use super::{
    lookup::{Found, Place},
    scope::{Columns, output, unknown_type},
    store::{Object, Watched},
    work::{Stop, Work},
};
use crate::{
    model::{
        command::{Detail, ObjectUse},
        ident::Ident,
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::command::object_name,
};

/// Notes the source of a new stream.
pub(super) fn define(work: &Work<'_>, detail: &Detail, object: &mut Object) -> Result<(), Stop> {
    let Detail::Stream(ObjectUse { kind, name }) = detail else { return Ok(()) };
    let Some(written) = work.written(name)? else { return Ok(()) };
    let place = work.place(&written, "CREATE STREAM")?;
    let created_on = match work.find(*kind, &place)? {
        Found::Here(source) => Some(source.created_on.clone()),
        Found::Unseen | Found::Missing => None,
    };
    object.source = Some(Watched { kind: *kind, name: place.to_string(), created_on });
    Ok(())
}

/// The columns of a stream: those of its source, as they are now, and what every stream adds.
pub(super) fn columns(work: &Work<'_>, stream: &Object) -> Columns {
    let source = stream.source.as_ref().filter(|source| source.kind != ObjectKind::Stage)?;
    let place = full(&object_name(&source.name)?)?;
    let Ok(Found::Here(object)) = work.find(source.kind, &place) else { return None };
    let added = ["METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID"];
    let added = added.into_iter().map(|name| unknown_type(Ident::stored(name)));
    Some(object.known_columns()?.iter().map(output).chain(added).collect())
}

/// 091901: a stream whose table was dropped or replaced cannot be read.
pub(super) fn readable(work: &Work<'_>, stream: &Object) -> Result<(), Stop> {
    let Some(Watched { kind: ObjectKind::Table, name, created_on: Some(created_on) }) = &stream.source else {
        return Ok(());
    };
    let Some(place) = object_name(name).and_then(|name| full(&name)) else { return Ok(()) };
    let same = match work.find(ObjectKind::Table, &place) {
        Ok(Found::Here(source)) => source.created_on == *created_on,
        Ok(Found::Unseen) => true,
        Ok(Found::Missing) | Err(_) => false,
    };
    if same || work.is_temporary(ObjectKind::Table, &place) {
        return Ok(());
    }
    let message = format!("Base table '{place}' dropped, cannot read from stream '{}'", stream.name);
    Err(SnowflakeError::bare("091901", "01000", message).into())
}

fn full(name: &crate::model::ident::QualifiedName) -> Option<Place> {
    Some(Place { database: name.database.clone()?, schema: name.schema.clone()?, name: name.name.clone() })
}
