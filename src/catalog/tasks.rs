//! Task graphs, and what else runs by itself.

use std::collections::BTreeSet;

use super::{
    Catalog,
    lookup::{Found, Place},
    store::{Object, State},
    work::{Stop, Work},
};
use crate::model::{
    command::{Action, Detail, Mode, Name},
    ident::{Ident, QualifiedName},
    kind::ObjectKind,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

/// Kinds that are created suspended.
pub(super) fn first_state(kind: ObjectKind) -> Option<State> {
    match kind {
        ObjectKind::Task | ObjectKind::Alert => Some(State::Suspended),
        ObjectKind::DynamicTable => Some(State::Started),
        _ => None,
    }
}

/// Fills in the graph of a new task. Predecessors stand in its own schema, and no root of theirs runs.
pub(super) fn define(
    work: &Work<'_>,
    place: &Place,
    detail: &Detail,
    mode: Mode,
    object: &mut Object,
) -> Result<(), Stop> {
    let Detail::Task { after, finalize, scheduled } = detail else { return Ok(()) };
    let several = usize::from(*scheduled) + usize::from(!after.is_empty()) + usize::from(finalize.is_some());
    if several > 1 {
        let detail = format!("task '{}' may have only one of SCHEDULE, AFTER and FINALIZE", place.name);
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
    }
    object.after = predecessors(work, place, after)?;
    object.finalizes = match finalize {
        Some(root) => predecessors(work, place, std::slice::from_ref(root))?.pop_first(),
        None => None,
    };
    if let Some(old) = task(work, place) {
        suspended_roots(work, place, old)?;
        // OR REPLACE suspends a task of its own accord, OR ALTER does not.
        if mode == Mode::Alter && old.state == Some(State::Started) {
            return Err(must_be_suspended(place));
        }
    }
    suspended_roots(work, place, object)
}

/// 091085: the tasks before a new one must be there.
pub(super) fn predecessors_exist(work: &Work<'_>, detail: &Detail) -> Result<(), Stop> {
    let Detail::Task { after, finalize, .. } = detail else { return Ok(()) };
    for name in after {
        exists(work, name, "predecessor")?;
    }
    finalize.iter().try_for_each(|name| exists(work, name, "finalized root task"))
}

fn exists(work: &Work<'_>, name: &Name, what: &str) -> Result<(), Stop> {
    let Some(written) = work.written(name)? else { return Ok(()) };
    let place = work.place(&written, "CREATE TASK")?;
    match work.find(ObjectKind::Task, &place)? {
        Found::Missing => Err(invalid(what, &written)),
        Found::Here(_) | Found::Unseen => Ok(()),
    }
}

fn invalid(what: &str, written: &QualifiedName) -> Stop {
    let detail = format!("Invalid {what} {written} was specified.");
    SnowflakeError::compilation("091085", "42601", detail).into()
}

/// Names of tasks of the same schema.
fn predecessors(work: &Work<'_>, place: &Place, names: &[Name]) -> Result<BTreeSet<Ident>, Stop> {
    let mut found = BTreeSet::new();
    for name in names {
        let Some(written) = work.written(name)? else { continue };
        let there = work.place(&written, "CREATE TASK")?;
        if (&there.database, &there.schema) != (&place.database, &place.schema) {
            return Err(invalid("predecessor", &written));
        }
        found.insert(there.name);
    }
    Ok(found)
}

fn task<'w>(work: &'w Work<'_>, place: &Place) -> Option<&'w Object> {
    match work.find(ObjectKind::Task, place) {
        Ok(Found::Here(object)) => Some(object),
        _ => None,
    }
}

fn sibling(place: &Place, name: &Ident) -> Place {
    Place { name: name.clone(), ..place.clone() }
}

/// The roots above a task, without itself.
fn roots(work: &Work<'_>, place: &Place, object: &Object) -> Vec<Place> {
    let mut open: Vec<Ident> = object.after.iter().chain(&object.finalizes).cloned().collect();
    let mut seen = BTreeSet::from([place.name.clone()]);
    let mut found = Vec::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let above = sibling(place, &name);
        let Some(object) = task(work, &above) else { continue };
        if object.after.is_empty() {
            found.push(above);
        } else {
            open.extend(object.after.iter().cloned());
        }
    }
    found
}

fn running(work: &Work<'_>, place: &Place) -> bool {
    task(work, place).is_some_and(|object| object.state == Some(State::Started))
}

/// 091421: the graph of a task whose root runs cannot be changed.
fn suspended_roots(work: &Work<'_>, place: &Place, object: &Object) -> Result<(), Stop> {
    match roots(work, place, object).into_iter().find(|root| running(work, root)) {
        Some(root) => Err(must_be_suspended(&root)),
        None => Ok(()),
    }
}

fn must_be_suspended(root: &Place) -> Stop {
    let message =
        format!("Unable to update graph with root task {root} since that root task is not suspended.");
    SnowflakeError::bare("091421", "22000", message).into()
}

/// Whether ALTER may change a task now: a running root takes SUSPEND and RESUME only, its children take nothing.
pub(super) fn may_alter(
    work: &Work<'_>,
    place: &Place,
    object: &Object,
    action: &Action,
) -> Result<(), Stop> {
    suspended_roots(work, place, object)?;
    // Tags are no part of the graph.
    let harmless = match action {
        Action::Run(_) => true,
        Action::Set { properties, .. } => properties.is_empty(),
        Action::Unset { properties, .. } => properties.is_empty(),
        _ => false,
    };
    let root = object.after.is_empty() && object.finalizes.is_none();
    if root && !harmless && object.state == Some(State::Started) {
        return Err(must_be_suspended(place));
    }
    Ok(())
}

/// ADD AFTER and REMOVE AFTER.
pub(super) fn change_after(
    work: &Work<'_>,
    place: &Place,
    object: &mut Object,
    add: bool,
    names: &[Name],
) -> Result<(), Stop> {
    let changed = predecessors(work, place, names)?;
    if !add {
        object.after.retain(|name| !changed.contains(name));
        // Without a predecessor it is a root, and a new root is suspended (the page of ALTER TASK).
        if object.after.is_empty() {
            object.state = Some(State::Suspended);
        }
        return Ok(());
    }
    for name in names {
        exists(work, name, "predecessor")?;
    }
    object.after.extend(changed);
    suspended_roots(work, place, object)
}

/// Whether a task may be dropped: none above it runs.
pub(super) fn may_drop(work: &Work<'_>, place: &Place) -> Result<(), Stop> {
    match task(work, place) {
        Some(object) => suspended_roots(work, place, object),
        None => Ok(()),
    }
}

/// DROP and a new owner cut a task off from those after it.
pub(super) fn unlink(work: &mut Work<'_>, place: &Place) {
    let database = work.catalog.databases.get_mut(&place.database);
    let schema = database.and_then(|database| database.schemas.get_mut(&place.schema));
    let tasks = schema.and_then(|schema| schema.objects.get_mut(ObjectKind::Task.name_space()));
    for object in tasks.into_iter().flat_map(|tasks| tasks.values_mut()) {
        // Whether a new root is suspended then too is not documented.
        if object.after.remove(&place.name) && object.after.is_empty() {
            object.state = None;
        }
        if object.finalizes.as_ref() == Some(&place.name) {
            object.finalizes = None;
        }
    }
}

/// 091435: only the root of a graph is executed.
pub(super) fn may_execute(work: &Work<'_>, name: &Name) -> Result<(), Stop> {
    let Some(written) = work.written(name)? else { return Ok(()) };
    let place = work.place(&written, "EXECUTE TASK")?;
    if task(work, &place).is_some_and(|object| !object.after.is_empty() || object.finalizes.is_some()) {
        let message = format!("Execute task cannot be called on non-root task {place}.");
        return Err(SnowflakeError::bare("091435", "22000", message).into());
    }
    Ok(())
}

/// After a statement that was not looked into, nobody knows what runs.
pub(super) fn forget_what_runs(catalog: &mut Catalog) {
    let schemas = catalog.databases.values_mut().flat_map(|database| database.schemas.values_mut());
    let tasks = schemas.filter_map(|schema| schema.objects.get_mut(ObjectKind::Task.name_space()));
    for object in tasks.flat_map(|tasks| tasks.values_mut()) {
        if object.state == Some(State::Started) {
            object.state = None;
        }
    }
}
