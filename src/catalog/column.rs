//! Changes of a table's columns.

use super::{
    create::duplicate,
    store::{Column, Object},
    table::{self, require},
    work::{Stop, Work},
};
use crate::model::{
    command::{ColumnChange, ColumnDef, ColumnRef, DataType},
    ident::Ident,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

pub(super) fn add(work: &mut Work<'_>, object: &mut Object, added: &[(bool, ColumnDef)]) -> Result<(), Stop> {
    duplicate(added.iter().map(|(_, column)| &column.name))?;
    for (if_not_exists, def) in added {
        work.check_uses(&def.uses)?;
        if object.column(&def.name).is_some() {
            if *if_not_exists {
                continue;
            }
            let detail = format!("column '{}' already exists", def.name);
            return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
        }
        table::column_reads(work, def, object)?;
        let Some(columns) = object.columns.as_mut() else { continue };
        // ADD COLUMN does not say whether the table has rows: NOT NULL without a default is let through.
        let mut column = table::column(def);
        column.not_null = def.not_null;
        columns.push(column);
        for constraint in &def.constraints {
            table::add_key(work, object, constraint, false)?;
        }
    }
    Ok(())
}

pub(super) fn drop(object: &mut Object, if_exists: bool, dropped: &[ColumnRef]) -> Result<(), Stop> {
    let Some(columns) = &object.columns else { return Ok(()) };
    let names: Vec<&Ident> = dropped.iter().filter_map(ColumnRef::column).collect();
    for name in &names {
        if object.column(name).is_none() && !if_exists {
            let detail = format!("column '{name}' does not exist");
            return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
        }
    }
    if columns.iter().all(|column| names.contains(&&column.name)) {
        let detail = "cannot drop all the columns of a table";
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
    }
    let names: Vec<Ident> = names.into_iter().cloned().collect();
    if let Some(columns) = &mut object.columns {
        columns.retain(|column| !names.contains(&column.name));
    }
    object.keys.retain(|key| !key.columns.iter().any(|column| names.contains(column)));
    Ok(())
}

pub(super) fn rename(object: &mut Object, from: &ColumnRef, to: &Ident) -> Result<(), Stop> {
    require(object, std::slice::from_ref(from))?;
    let Some(name) = from.column() else { return Ok(()) };
    if object.column(to).is_some() {
        let detail = format!("column '{to}' already exists");
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
    }
    let stored = object.columns.iter_mut().flatten().filter(|column| column.name == *name);
    stored.for_each(|column| column.name.clone_from(to));
    let keys = object.keys.iter_mut().flat_map(|key| &mut key.columns).chain(&mut object.cluster_by);
    keys.filter(|column| *column == name).for_each(|column| column.clone_from(to));
    Ok(())
}

pub(super) fn change(
    work: &mut Work<'_>,
    object: &mut Object,
    column: &ColumnRef,
    change: &ColumnChange,
) -> Result<(), Stop> {
    require(object, std::slice::from_ref(column))?;
    if let ColumnChange::Uses(uses) = change {
        work.recorded = true;
        return work.check_uses(uses);
    }
    let name = column.column();
    let stored = object.columns.iter_mut().flatten().find(|stored| Some(&stored.name) == name);
    let Some(stored) = stored else { return Ok(()) };
    match change {
        ColumnChange::Type(to) => {
            allowed_type(stored, to)?;
            stored.data_type = Some(to.0.clone());
        }
        ColumnChange::NotNull(not_null) => stored.not_null = *not_null,
        ColumnChange::Default(value) => stored.default = Some(value.clone()),
        ColumnChange::DropDefault => stored.default = None,
        ColumnChange::Comment(comment) => stored.comment.clone_from(comment),
        ColumnChange::Uses(_) => {}
    }
    Ok(())
}

/// VARCHAR may grow, NUMBER may change its precision (the data decides about less), nothing else changes.
fn allowed_type(column: &Column, to: &DataType) -> Result<(), Stop> {
    let Some(from) = column.data_type.clone().map(DataType) else { return Ok(()) };
    if from == *to {
        return Ok(());
    }
    let (old, new) = (from.parameters(), to.parameters());
    let name = &column.name;
    match (from.base(), to.base()) {
        ("NUMBER", "NUMBER") if old.get(1) == new.get(1) => Ok(()),
        ("NUMBER", "NUMBER") => {
            let detail = format!(
                "cannot change column {name} from type {from} to {to} because changing the scale of a number is not \
                 supported."
            );
            Err(SnowflakeError::compilation_line("040052", "22000", detail).into())
        }
        ("VARCHAR", "VARCHAR") if old <= new => Ok(()),
        ("VARCHAR", "VARCHAR") => {
            let detail = format!(
                "cannot change column {name} from type {from} to {to} because reducing the byte-length of a varchar is \
                 not supported."
            );
            Err(SnowflakeError::compilation_line("040050", "22000", detail).into())
        }
        _ => {
            let detail = format!("cannot change column {name} from type {from} to {to}\n");
            Err(SnowflakeError::compilation_line("002108", "22000", detail).into())
        }
    }
}
