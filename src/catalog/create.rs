//! CREATE of databases, schemas and views, and what all CREATEs share.

use super::{
    Reply, links,
    lookup::{Found, Place},
    lost, or_alter,
    refs::{self, Renamed},
    scope::Columns,
    select::Reading,
    store::{Column, Database, Object, Schema, State, by_name},
    work::{Done, Grade, Stop, Work, say},
};
use crate::{
    model::{
        command::{ContainerDef, Mode, ViewDef},
        ident::Ident,
        kind::{Ability, KindScope, ObjectKind},
        refusal::{SnowflakeError, sentence_case},
    },
    sql::lex::tokens,
};

/// What CREATE found under the name.
pub(super) enum Taken {
    /// Nothing, or something that is to be replaced.
    Free,
    /// The same kind, and IF NOT EXISTS.
    Kept,
    /// The same kind, and OR ALTER.
    Altered,
}

/// Which kind words mean the same object in CREATE and DROP: a table of any flavour is a TABLE.
pub(super) fn family(kind: ObjectKind) -> ObjectKind {
    match kind {
        ObjectKind::TransientTable
        | ObjectKind::TemporaryTable
        | ObjectKind::ExternalTable
        | ObjectKind::HybridTable
        | ObjectKind::IcebergTable
        | ObjectKind::InteractiveTable
        | ObjectKind::EventTable
        | ObjectKind::OnlineFeatureTable
        | ObjectKind::ProcedureScopedTemporaryTable => ObjectKind::Table,
        kind if kind.is_routine() && kind != ObjectKind::Procedure => ObjectKind::Function,
        kind => kind,
    }
}

/// Decides what CREATE of `kind` at `place` means.
pub(super) fn taken(
    work: &Work<'_>,
    kind: ObjectKind,
    place: &Place,
    key: &str,
    mode: Mode,
    temporary: bool,
) -> Result<Taken, Stop> {
    // A temporary object shadows a permanent one, so only its own layer counts.
    let found = if temporary && !work.is_temporary_key(kind, place, key) {
        work.schema(&place.database, &place.schema)?;
        Found::Missing
    } else {
        work.find_key(kind, place, key)?
    };
    // A temporary relation shadows any other but a stream.
    if temporary
        && kind.is_relation()
        && let Found::Here(stream) = permanent(work, kind, place, key)?
        && stream.kind == ObjectKind::Stream
    {
        return Err(SnowflakeError::exists_as(place, ObjectKind::Stream).into());
    }
    // A permanent object may be made behind a temporary one.
    let found = match found {
        Found::Here(_) if !temporary && work.is_temporary_key(kind, place, key) => {
            permanent(work, kind, place, key)?
        }
        other => other,
    };
    let Found::Here(object) = found else { return Ok(Taken::Free) };
    if object.kind.is_routine() && family(object.kind) != family(kind) {
        // Whether a function and a procedure may share name and types is not documented.
        return Ok(Taken::Free);
    }
    if family(object.kind) != family(kind) {
        return Err(SnowflakeError::exists_as(place, family(object.kind)).into());
    }
    match mode {
        Mode::Plain => Err(SnowflakeError::exists(place).into()),
        Mode::Replace => Ok(Taken::Free),
        Mode::IfNotExists => Ok(Taken::Kept),
        Mode::Alter => Ok(Taken::Altered),
    }
}

fn permanent<'w>(work: &'w Work<'_>, kind: ObjectKind, place: &Place, key: &str) -> Result<Found<'w>, Stop> {
    let schema = work.schema(&place.database, &place.schema)?;
    let object = schema.and_then(|schema| schema.objects.get(kind.name_space())?.get(key));
    Ok(object.map_or(Found::Missing, Found::Here))
}

/// The place of a new object in a schema that exists.
pub(super) fn place_of(
    work: &Work<'_>,
    kind: ObjectKind,
    name: &crate::model::command::Name,
) -> Result<Place, Stop> {
    let name = work.known(name)?;
    let place = work.place(&name, &format!("CREATE {kind}"))?;
    if work.schema(&place.database, &place.schema)?.is_none()
        && place.schema.as_str() == super::store::INFORMATION_SCHEMA
    {
        return Err(SnowflakeError::bare(
            "003001",
            "42501",
            format!(
                "SQL access control error:\nInsufficient privileges to operate on schema '{}'",
                place.schema
            ),
        )
        .into());
    }
    Ok(place)
}

/// What a new object takes over from the one that it replaces.
#[derive(Clone, Copy, Default)]
pub(super) struct Copies {
    /// COPY GRANTS.
    pub(super) grants: bool,
    /// COPY TAGS.
    pub(super) tags: bool,
}

/// Puts a new object in; what it replaces goes where DROP puts it.
pub(super) fn store(
    work: &mut Work<'_>,
    place: &Place,
    mut object: Object,
    temporary: bool,
    copies: Copies,
) -> Result<(), Stop> {
    let space = object.kind.name_space();
    let key = object.key();
    object.owner.clone_from(&work.session.context.role);
    let taken = work.is_temporary_key(object.kind, place, &key);
    let shadowed = !temporary && taken;
    let mut replaced = None;
    if temporary != taken {
        // The other layer's object stays as it is.
        if shadowed {
            let schema = work.schema_mut(&place.database, &place.schema)?;
            replaced = schema.objects.get_mut(space).and_then(|inner| inner.remove(&key));
        }
    } else if let Some((old, was_temporary)) = work.take_out(space, place, &key) {
        if was_temporary {
            take_over(&mut object, &old, copies);
        } else {
            replaced = Some(old);
        }
    }
    if let Some(old) = &replaced {
        take_over(&mut object, old, copies);
    }
    if !temporary && !copies.grants {
        future_grants(work, place, &mut object);
    }
    if !temporary {
        let gone = lost::remembered(work, &object, place);
        let old = replaced.as_ref().map(|old| &old.grants).or(gone.as_ref());
        if let Some(old) = old {
            lost::warn(&mut work.warnings, object.kind, place, old, &object.grants);
        }
    }
    if let Some(old) = replaced {
        lost::warn_of_links(work, place, &old, &object);
        refs::forget_table(work, &old, &place.to_string());
        bury(work, place, old)?;
    }
    work.put_in(place, object, temporary)
}

fn take_over(object: &mut Object, old: &Object, copies: Copies) {
    if copies.grants {
        object.grants.clone_from(&old.grants);
    }
    if copies.tags {
        let tags = old.links.iter().filter(|link| link.kind == ObjectKind::Tag).cloned();
        object.links.extend(tags);
        object.links.sort();
        object.links.dedup();
    }
}

/// Keeps a dropped object for UNDROP, unless it or its container keeps nothing.
pub(super) fn bury(work: &mut Work<'_>, place: &Place, old: Object) -> Result<(), Stop> {
    let of = |properties: &std::collections::BTreeMap<String, String>| {
        properties.get("DATA_RETENTION_TIME_IN_DAYS").map(|days| days.trim() == "0")
    };
    let database = work.database(&place.database)?;
    let schema = database.schemas.get(&place.schema);
    let nothing = of(&old.properties)
        .or_else(|| of(&schema?.properties))
        .or_else(|| of(&database.properties))
        .unwrap_or(false);
    let schema = work.schema_mut(&place.database, &place.schema)?;
    if (old.kind.can(Ability::Undrop) && !nothing) || schema.open {
        schema.dropped.push(old);
    }
    Ok(())
}

/// Grants on future objects of the schema, which hide those of the database.
fn future_grants(work: &Work<'_>, place: &Place, object: &mut Object) {
    let Some(database) = work.catalog.databases.get(&place.database) else { return };
    let kind = family(object.kind);
    let schema = database.schemas.get(&place.schema);
    let of = |grants: &std::collections::BTreeSet<super::store::FutureGrant>| -> Vec<String> {
        grants.iter().filter(|one| family(one.kind) == kind).map(|one| one.grant.clone()).collect()
    };
    let mut found = schema.map(|schema| of(&schema.future_grants)).unwrap_or_default();
    if found.is_empty() {
        found = of(&database.future_grants);
    }
    for grant in found {
        match grant.strip_prefix("OWNERSHIP TO ROLE ") {
            Some(role) => object.owner = Some(Ident::written(role)),
            None => {
                object.grants.insert(grant);
            }
        }
    }
}

pub(super) fn kept(name: &Ident) -> (Grade, Reply) {
    (Grade::Applied, say(format_args!("{name} already exists, statement succeeded.")))
}

pub(super) fn created(kind: ObjectKind, name: &Ident) -> (Grade, Reply) {
    let text = sentence_case(kind.words());
    (Grade::Applied, say(format_args!("{text} {name} successfully created.")))
}

pub(super) fn container(work: &mut Work<'_>, def: &ContainerDef) -> Done {
    work.check_uses(&def.uses)?;
    if def.kind == ObjectKind::Database { database(work, def) } else { schema(work, def) }
}

fn database(work: &mut Work<'_>, def: &ContainerDef) -> Done {
    let name = work.known(&def.name)?;
    if name.schema.is_some() {
        return Err(SnowflakeError::too_many_qualifiers("Database", &name.to_string()).into());
    }
    let name = name.name;
    let now = work.stamp.now.clone();
    let mut new = match &def.clone {
        Some(source) => {
            let source = work.known(source)?.name;
            let mut copy = work.database(&source)?.clone();
            restamp_database(&mut copy, &now, def.internal_stages);
            Renamed::one(source.to_string(), name.to_string()).in_database(&mut copy);
            copy
        }
        None if def.foreign => Database::open(&now),
        None => Database::new(&now),
    };
    match (work.catalog.databases.contains_key(&name), def.mode) {
        (true, Mode::Plain) => return Err(SnowflakeError::exists(&name).into()),
        (true, Mode::IfNotExists) => {
            enter(work, &name, None);
            return Ok(kept(&name));
        }
        (true, Mode::Alter) => {
            let old = work.database_mut(&name)?;
            old.comment.clone_from(&def.comment);
            old.properties = by_name(&def.properties);
            enter(work, &name, None);
            return Ok(created(def.kind, &name));
        }
        (true, Mode::Replace) | (false, _) => {}
    }
    new.transient = def.transient;
    new.comment = def.comment.clone().or(new.comment);
    new.properties.extend(by_name(&def.properties));
    links::tag(work, &mut new.links, &def.links)?;
    new.owner.clone_from(&work.session.context.role);
    if let Some(public) = new.schemas.get_mut(&Ident::stored("PUBLIC")) {
        public.owner = public.owner.take().or_else(|| new.owner.clone());
    }
    if let Some(old) = work.catalog.databases.remove(&name) {
        lost::warn(&mut work.warnings, def.kind, &name, &old.grants, &new.grants);
        work.catalog.dropped.push((name.clone(), old));
        work.session.temporary.retain(|(database, _), _| *database != name);
    }
    work.catalog.databases.insert(name.clone(), new);
    enter(work, &name, None);
    Ok(created(def.kind, &name))
}

/// CREATE makes the container current.
fn enter(work: &mut Work<'_>, database: &Ident, schema: Option<&Ident>) {
    let public = Ident::stored("PUBLIC");
    let found = work.catalog.databases.get(database);
    let has_public = found.is_none_or(|found| found.open || found.schemas.contains_key(&public));
    let context = &mut work.session.context;
    context.database = Some(database.clone());
    context.schema = schema.cloned().or_else(|| has_public.then_some(public));
}

fn restamp_database(database: &mut Database, now: &str, internal_stages: bool) {
    now.clone_into(&mut database.created_on);
    database.dropped.clear();
    database.grants.clear();
    for schema in database.schemas.values_mut() {
        restamp_schema(schema, now, internal_stages);
    }
}

/// Whether a stage's properties name a URL: it is external.
fn has_url(properties: &str) -> bool {
    tokens(properties).into_iter().any(|token| properties[token.start..token.end].eq_ignore_ascii_case("URL"))
}

/// What is not cloned is left out, what runs is suspended.
fn restamp_schema(schema: &mut Schema, now: &str, internal_stages: bool) {
    now.clone_into(&mut schema.created_on);
    schema.dropped.clear();
    if let Some(relations) = schema.objects.get_mut("relation") {
        relations
            .retain(|_, object| !matches!(object.kind, ObjectKind::ExternalTable | ObjectKind::HybridTable));
    }
    if let Some(stages) = schema.objects.get_mut("stage").filter(|_| !internal_stages) {
        stages.retain(|_, stage| stage.definition.as_deref().is_some_and(has_url));
    }
    for object in schema.objects.values_mut().flat_map(|objects| objects.values_mut()) {
        now.clone_into(&mut object.created_on);
        object.state = object.state.map(|_| State::Suspended);
        // The clone of a stream watches the clone of its source, or what is left of the source.
        if let Some(source) = &mut object.source {
            source.created_on = None;
        }
    }
}

fn schema(work: &mut Work<'_>, def: &ContainerDef) -> Done {
    let name = work.known(&def.name)?;
    let (database, name) = work.schema_of_name(&name, "CREATE SCHEMA")?;
    work.database(&database)?;
    let now = work.stamp.now.clone();
    let full = format!("{database}.{name}");
    let mut new = match &def.clone {
        Some(source) => {
            let source = work.known(source)?;
            let (from, source) = work.schema_of_name(&source, "CREATE SCHEMA")?;
            let open = Schema { open: true, ..Schema::new(&now) };
            let mut copy = work.schema(&from, &source)?.cloned().unwrap_or(open);
            copy.grants.clear();
            restamp_schema(&mut copy, &now, def.internal_stages);
            Renamed::one(format!("{from}.{source}"), full.clone()).in_schema(&mut copy);
            copy
        }
        None => Schema::new(&now),
    };
    let information = name.as_str() == super::store::INFORMATION_SCHEMA;
    let exists = information || work.database(&database)?.schemas.contains_key(&name);
    match (exists, def.mode) {
        (true, Mode::Plain) => return Err(SnowflakeError::exists(&full).into()),
        (true, Mode::IfNotExists) => {
            enter(work, &database, Some(&name));
            return Ok(kept(&name));
        }
        (true, Mode::Alter) => {
            let old = work.schema_mut(&database, &name)?;
            old.comment.clone_from(&def.comment);
            old.properties = by_name(&def.properties);
            old.managed_access = def.managed;
            enter(work, &database, Some(&name));
            return Ok(created(def.kind, &name));
        }
        (true, Mode::Replace) if information => return Err(SnowflakeError::exists(&full).into()),
        _ => {}
    }
    new.transient = def.transient;
    new.managed_access = def.managed;
    new.comment = def.comment.clone().or(new.comment);
    new.properties.extend(by_name(&def.properties));
    links::tag(work, &mut new.links, &def.links)?;
    new.owner.clone_from(&work.session.context.role);
    let owner = work.database_mut(&database)?;
    if let Some(old) = owner.schemas.insert(name.clone(), new) {
        let grants = old.grants.clone();
        owner.dropped.push((name.clone(), old));
        lost::warn(&mut work.warnings, def.kind, &full, &grants, &std::collections::BTreeSet::new());
        work.session.temporary.remove(&(database.clone(), name.clone()));
    }
    enter(work, &database, Some(&name));
    Ok(created(def.kind, &name))
}

pub(super) fn view(work: &mut Work<'_>, def: &ViewDef) -> Done {
    let place = place_of(work, def.kind, &def.name)?;
    let taken = taken(work, def.kind, &place, place.name.as_str(), def.mode, def.temporary)?;
    // The definition is ignored when the object is there.
    if let Taken::Kept = taken {
        return Ok(kept(&place.name));
    }
    work.check_uses(&def.uses)?;
    let names: Vec<Ident> = def.columns.iter().map(|(name, _)| name.clone()).collect();
    let mut reading = Reading::at_home(work, place.database.clone(), place.schema.clone());
    let found = if def.recursive {
        reading.recursive(&place.name, &names, &def.query)?
    } else {
        reading.top(&def.query)?
    };
    let mut columns = named_columns(found, &names)?;
    for (column, (_, comment)) in columns.iter_mut().flatten().zip(&def.columns) {
        column.comment.clone_from(comment);
    }
    for (name, link) in &def.column_links {
        let column = columns.iter_mut().flatten().find(|column| column.name == *name);
        if let Some(column) = column {
            links::column(work, column, std::slice::from_ref(link))?;
        }
    }
    let mut object = Object {
        secure: def.secure,
        comment: def.comment.clone(),
        columns,
        definition: Some(def.text.clone()),
        ..Object::new(def.kind, place.name.clone(), &work.stamp.now)
    };
    links::relation(work, &mut object, &def.links)?;
    if let Taken::Altered = taken {
        or_alter::view(work, &place, object)?;
    } else {
        let keep = Copies { grants: def.copy_grants, tags: def.copy_tags };
        store(work, &place, object, def.temporary, keep)?;
    }
    Ok(created(def.kind, &place.name))
}

/// The columns of a view or of CREATE TABLE AS: names from the list if there is one.
pub(super) fn named_columns(found: Columns, names: &[Ident]) -> Result<Option<Vec<Column>>, Stop> {
    duplicate(names.iter())?;
    let Some(found) = found else {
        let listed = names.iter().map(|name| Column::new(name.clone(), None)).collect();
        return Ok((!names.is_empty()).then_some(listed));
    };
    if names.is_empty() {
        if found.iter().any(|output| output.nameless) {
            return Err(SnowflakeError::compilation("002022", "42601", "Missing column specification").into());
        }
        duplicate(found.iter().filter_map(|output| output.name.as_ref()))?;
        // A name that the server makes leaves the width known, but not the names.
        let all = found.into_iter().map(|output| Some(Column::new(output.name?, output.data_type)));
        return Ok(all.collect());
    }
    if names.len() != found.len() {
        return Err(SnowflakeError::compilation("002026", "42601", "Invalid column definition list").into());
    }
    let all = names.iter().zip(found).map(|(name, output)| Column::new(name.clone(), output.data_type));
    Ok(Some(all.collect()))
}

/// Refuses a name that stands twice.
pub(super) fn duplicate<'n>(names: impl Iterator<Item = &'n Ident>) -> Result<(), Stop> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(SnowflakeError::duplicate_column(name).into());
        }
    }
    Ok(())
}

/// Whether objects of a kind live in a schema.
pub(super) fn in_schema(kind: ObjectKind) -> bool {
    kind.scope() == KindScope::Schema
}
