//! CREATE OR ALTER over what is there: the statement says how the object shall be, with the limits of ALTER.
//!
//! Rules and sentences are those recorded from accounts. The server applies what it can before it meets a refusal;
//! here a refused statement changes nothing.

use super::{
    clauses,
    column::allowed_type,
    create::{Copies, store},
    defaults::is_sequence,
    lookup::{Found, Place},
    store::{Column, Link, Object},
    work::{Stop, Work},
};
use crate::model::{
    command::{Rule, TableDef},
    kind::ObjectKind,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

/// Brings a table to the written shape; what the statement cannot name (grants, tags, policies) stays.
pub(super) fn table(work: &mut Work<'_>, place: &Place, new: Object, def: &TableDef) -> Result<(), Stop> {
    let old = match work.find(new.kind, place)? {
        Found::Here(old) => old.clone(),
        Found::Unseen | Found::Missing => return redefine(work, place, new),
    };
    let (Some(before), Some(wanted), ObjectKind::Table) = (&old.columns, &new.columns, new.kind) else {
        return redefine(work, place, new);
    };
    what_it_cannot_write(def)?;
    order(before, wanted)?;
    // The server judges all types before any default.
    for (was, column) in kept(before, wanted) {
        if let Some(to) = &column.data_type {
            allowed_type(was, &crate::model::command::DataType(to.clone()))?;
        }
    }
    for (was, column) in kept(before, wanted) {
        default(was, column)?;
    }
    let columns = wanted.iter().map(|column| altered(before, column)).collect();
    let changed = Object {
        comment: new.comment,
        columns: Some(columns),
        keys: new.keys,
        cluster_by: new.cluster_by,
        properties: new.properties,
        ..old
    };
    if let Some(stored) = work.find_mut(ObjectKind::Table, place) {
        *stored = changed;
    }
    Ok(())
}

/// Columns that are there and stay, each with what it shall be.
fn kept<'c>(before: &'c [Column], wanted: &'c [Column]) -> impl Iterator<Item = (&'c Column, &'c Column)> {
    wanted.iter().filter_map(|column| Some((before.iter().find(|was| was.name == column.name)?, column)))
}

/// Tags, policies, checks and virtual columns are for ALTER TABLE.
fn what_it_cannot_write(def: &TableDef) -> Result<(), Stop> {
    let constraints =
        || def.constraints.iter().chain(def.columns.iter().flat_map(|column| &column.constraints));
    let uses = || def.uses.iter().chain(def.columns.iter().flat_map(|column| &column.uses));
    let tagged = uses().any(|one| one.kind == ObjectKind::Tag);
    let policy = uses().any(|one| one.kind.name_space() == "policy");
    let what = if tagged {
        "tags"
    } else if policy {
        "policies"
    } else if constraints().any(|constraint| matches!(constraint.rule, Rule::Check(_))) {
        "CHECK constraints"
    } else if def.columns.iter().any(|column| column.computed) {
        "virtual columns"
    } else {
        return Ok(());
    };
    // The server's sentence is not known.
    let message = format!("Unsupported feature 'CREATE OR ALTER TABLE with {what}'.");
    Err(SnowflakeError::bare(UNKNOWN_CODE, "0A000", message).into())
}

/// What stays keeps its order, what is new stands behind it.
fn order(before: &[Column], wanted: &[Column]) -> Result<(), Stop> {
    let places: Vec<Option<usize>> =
        wanted.iter().map(|column| before.iter().position(|was| was.name == column.name)).collect();
    let first_new = places.iter().position(Option::is_none).unwrap_or(places.len());
    if places[first_new..].iter().any(Option::is_some) {
        let feature = "CREATE OR ALTER TABLE column add before end of column list";
        return Err(SnowflakeError::unsupported(feature).into());
    }
    if !places[..first_new].is_sorted() {
        return Err(reordered("TABLE"));
    }
    Ok(())
}

fn reordered(kind: &str) -> Stop {
    let detail = format!("Invalid operation column re-ordering is not possible in CREATE OR ALTER {kind}");
    SnowflakeError::compilation(UNKNOWN_CODE, "0A000", detail).into()
}

/// A default comes with a new column only; a sequence may take the place of another.
fn default(was: &Column, column: &Column) -> Result<(), Stop> {
    match (&was.default, &column.default) {
        (Some(old), Some(new))
            if clauses::default(old) == clauses::default(new) || is_sequence(old) && is_sequence(new) =>
        {
            Ok(())
        }
        (_, Some(_)) => Err(SnowflakeError::unsupported("Alter Column Set Default").into()),
        (Some(_), None) if was.added => Err(default_of_added(was)),
        (_, None) => Ok(()),
    }
}

/// The rows from before ADD COLUMN have the default for their value: it cannot be dropped.
pub(super) fn default_of_added(column: &Column) -> Stop {
    let message = format!(
        "Dropping default value is not allowed for column '{}' because the column was added after table was created.",
        column.name
    );
    SnowflakeError::bare(UNKNOWN_CODE, "0A000", message).into()
}

fn altered(before: &[Column], column: &Column) -> Column {
    let column = column.clone();
    match before.iter().find(|was| was.name == column.name) {
        Some(was) => Column {
            data_type: column.data_type,
            not_null: column.not_null,
            default: column.default,
            autoincrement: column.autoincrement,
            comment: column.comment,
            ..was.clone()
        },
        None => Column { added: true, ..column },
    }
}

/// OR ALTER: the object stays what it is and gets the new definition.
pub(super) fn redefine(work: &mut Work<'_>, place: &Place, new: Object) -> Result<(), Stop> {
    let Some((old, temporary)) = work.take_out(new.kind.name_space(), place, &new.key()) else {
        return store(work, place, new, false, Copies::default());
    };
    let object = carry_over(&old, new);
    work.put_in(place, object, temporary)
}

/// What OR ALTER leaves of an object: who owns it, what was granted, which policies and tags are tied to it and to its
/// columns, and whether it runs.
pub(super) fn carry_over(old: &Object, mut new: Object) -> Object {
    for column in new.columns.iter_mut().flatten() {
        if let Some(was) = old.column(&column.name) {
            keep_links(&was.links, &mut column.links);
        }
    }
    keep_links(&old.links, &mut new.links);
    Object {
        created_on: old.created_on.clone(),
        owner: old.owner.clone(),
        grants: old.grants.clone(),
        secure: old.secure || new.secure,
        state: old.state,
        ..new
    }
}

/// The statement's own links take the place of the same ones from before.
fn keep_links(old: &[Link], new: &mut Vec<Link>) {
    let kept =
        old.iter().filter(|was| !new.iter().any(|link| link.kind == was.kind && link.name == was.name));
    let mut all: Vec<Link> = kept.cloned().collect();
    all.append(new);
    all.sort();
    *new = all;
}

/// A view takes the new text, but its columns do not change places.
pub(super) fn view(work: &mut Work<'_>, place: &Place, new: Object) -> Result<(), Stop> {
    if let Found::Here(Object { columns: Some(before), .. }) = work.find(new.kind, place)?
        && let Some(wanted) = &new.columns
        && before.len() == wanted.len()
        && kept(before, wanted).count() == wanted.len()
        && kept(before, wanted).zip(before).any(|((was, _), here)| was.name != here.name)
    {
        return Err(reordered("VIEW"));
    }
    redefine(work, place, new)
}
