//! CREATE of kinds that the catalogue knows by name, arguments and definition.

use super::{
    create::{Copies, Taken, created, in_schema, kept, place_of, store, taken},
    links,
    lookup::{Found, Place},
    or_alter::{carry_over, redefine},
    select::Reading,
    store::{Object, State, identity, key},
    streams, tasks,
    work::{Done, Grade, Stop, Work},
};
use crate::model::{
    command::{DataType, Detail, Mode, ObjectDef, Query},
    ident::Ident,
    kind::{Ability, KindScope, ObjectKind},
    refusal::SnowflakeError,
};

pub(super) fn create(work: &mut Work<'_>, def: &ObjectDef) -> Done {
    let graded = |done: Done| {
        done.map(|(grade, reply)| {
            (if def.kind.can(Ability::Modelled) { grade } else { Grade::Recorded }, reply)
        })
    };
    match def.kind.scope() {
        KindScope::Account if def.kind.name_space() != "database" => graded(account(work, def)),
        KindScope::Database => graded(database_role(work, def)),
        KindScope::Schema => {
            // Also where IF NOT EXISTS finds the task.
            tasks::predecessors_exist(work, &def.detail)?;
            graded(schema(work, def))
        }
        // Applications and their packages share the databases' names; their content is the server's.
        KindScope::Account => {
            let name = work.known(&def.name)?.name;
            let now = work.stamp.now.clone();
            work.catalog.databases.entry(name.clone()).or_insert_with(|| super::store::Database::open(&now));
            graded(Ok(created(def.kind, &name)))
        }
        KindScope::Organization | KindScope::Application | KindScope::Relation | KindScope::Run => {
            work.check_uses(&def.uses)?;
            Ok((Grade::Recorded, super::work::done()))
        }
    }
}

fn new(work: &Work<'_>, def: &ObjectDef, name: Ident) -> Object {
    Object {
        comment: def.comment.clone(),
        arguments: if def.kind.is_routine() { def.arguments.as_deref().map(identity) } else { None },
        definition: def.definition.clone().filter(|text| !text.is_empty()),
        owner: work.session.context.role.clone(),
        state: tasks::first_state(def.kind),
        signature: match def.kind.name_space() {
            "policy" => def.arguments.as_deref().map(|types| types.iter().map(DataType::to_string).collect()),
            _ => None,
        },
        allowed_values: match &def.detail {
            Detail::Tag(values) => values.iter().cloned().collect(),
            _ => std::collections::BTreeSet::new(),
        },
        ..Object::new(def.kind, name, &work.stamp.now)
    }
}

fn account(work: &mut Work<'_>, def: &ObjectDef) -> Done {
    let name = work.known(&def.name)?.name;
    let space = def.kind.name_space();
    let exists = work.catalog.objects.get(space).is_some_and(|objects| objects.contains_key(name.as_str()));
    work.check_uses(&def.uses)?;
    match (exists, def.mode) {
        (true, Mode::Plain) => return Err(SnowflakeError::exists(&name).into()),
        (true, Mode::IfNotExists) => {
            current_warehouse(work, def.kind, &name);
            return Ok(kept(&name));
        }
        _ => {}
    }
    let mut object = new(work, def, name.clone());
    links::tag(work, &mut object.links, &def.links)?;
    let objects = work.catalog.objects.entry(space.to_owned()).or_default();
    if let Some(old) = objects.get(name.as_str()) {
        if def.mode == Mode::Alter {
            object = carry_over(old, object);
        }
        super::lost::warn(&mut work.warnings, def.kind, &name, &old.grants, &object.grants);
    }
    objects.insert(name.as_str().to_owned(), object);
    if let Some(gone) = work.catalog.gone.get_mut(space) {
        gone.remove(&name);
    }
    current_warehouse(work, def.kind, &name);
    Ok(created(def.kind, &name))
}

/// CREATE WAREHOUSE makes it current.
fn current_warehouse(work: &mut Work<'_>, kind: ObjectKind, name: &Ident) {
    if kind.name_space() == ObjectKind::Warehouse.name_space() {
        work.session.context.warehouse = Some(name.clone());
    }
}

fn database_role(work: &mut Work<'_>, def: &ObjectDef) -> Done {
    let name = work.known(&def.name)?;
    let (database, name) = work.schema_of_name(&name, "CREATE DATABASE ROLE")?;
    let space = def.kind.name_space();
    let found = work.database(&database)?;
    let exists = found.objects.get(space).is_some_and(|objects| objects.contains_key(name.as_str()));
    match (exists, def.mode) {
        (true, Mode::Plain) => return Err(SnowflakeError::exists(format_args!("{database}.{name}")).into()),
        (true, Mode::IfNotExists) => return Ok(kept(&name)),
        _ => {}
    }
    let mut object = new(work, def, name.clone());
    let database = work.catalog.databases.get_mut(&database).ok_or(Stop::Unknowable)?;
    let objects = database.objects.entry(space.to_owned()).or_default();
    if let Some(old) = objects.get(name.as_str()) {
        if def.mode == Mode::Alter {
            object = carry_over(old, object);
        }
        super::lost::warn(&mut work.warnings, def.kind, &name, &old.grants, &object.grants);
    }
    objects.insert(name.as_str().to_owned(), object);
    Ok(created(def.kind, &name))
}

fn schema(work: &mut Work<'_>, def: &ObjectDef) -> Done {
    debug_assert!(in_schema(def.kind), "{} is no schema object", def.kind);
    let place = place_of(work, def.kind, &def.name)?;
    let mut object = new(work, def, place.name.clone());
    let at = key(&place.name, object.arguments.as_deref());
    let taken = taken(work, def.kind, &place, &at, def.mode, def.temporary)?;
    // The definition is ignored when the object is there.
    if let Taken::Kept = taken {
        return Ok(kept(&place.name));
    }
    if def.mode == Mode::Replace && matches!(work.find_key(def.kind, &place, &at)?, Found::Here(_)) {
        links::unattached(work, def.kind, &place)?;
    }
    source(work, def, &mut object)?;
    work.check_uses(&def.uses)?;
    if let (Detail::Policy(returns), Some(takes)) = (&def.detail, &def.arguments) {
        links::returns_what_it_takes(def.kind, takes, returns)?;
    }
    if let Detail::Function(arguments, query) = &def.detail {
        compile(work, &place, arguments, query)?;
    }
    tasks::define(work, &place, &def.detail, def.mode, &mut object)?;
    streams::define(work, &def.detail, &mut object)?;
    links::tag(work, &mut object.links, &def.links)?;
    // Only relations have a layer of temporary objects that shadows; other temporary kinds end with the session too.
    if let Taken::Altered = taken {
        redefine(work, &place, object)?;
    } else {
        store(work, &place, object, def.temporary, Copies { grants: def.copy_grants, tags: false })?;
    }
    Ok(created(def.kind, &place.name))
}

/// The body of a SQL function is compiled when it is created; names in it mean what they mean in its schema.
fn compile(work: &mut Work<'_>, place: &Place, arguments: &[Ident], query: &Query) -> Result<(), Stop> {
    match Reading::at_home(work, place.database.clone(), place.schema.clone()).body(arguments, query) {
        Ok(_) | Err(Stop::Unknowable) => Ok(()),
        // The place counts in the body, not in the statement.
        Err(Stop::Refused(error)) => Err(SnowflakeError { line: None, position: None, ..*error }.into()),
    }
}

/// CLONE copies what is known of the source.
fn source(work: &Work<'_>, def: &ObjectDef, object: &mut Object) -> Result<(), Stop> {
    let Some(source) = &def.clone else { return Ok(()) };
    let name = work.known(source)?;
    let place = work.place(&name, "CREATE")?;
    match work.find(def.kind, &place)? {
        Found::Here(found) => {
            let state = found.state.map(|_| State::Suspended);
            *object = Object {
                name: object.name.clone(),
                created_on: object.created_on.clone(),
                owner: object.owner.clone(),
                comment: object.comment.clone().or_else(|| found.comment.clone()),
                grants: std::collections::BTreeSet::new(),
                state,
                ..found.clone()
            };
            Ok(())
        }
        Found::Unseen => Ok(()),
        Found::Missing => Err(SnowflakeError::missing(def.kind, &place).into()),
    }
}
