//! Changes of a table's columns.

use super::{
    defaults, links,
    store::{Column, KeyRule, Object},
    table::{self, require},
    work::{Stop, Work},
};
use crate::model::{
    command::{ColumnChange, ColumnDef, ColumnRef, DataType, ObjectUse},
    ident::Ident,
    kind::ObjectKind,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

pub(super) fn add(work: &mut Work<'_>, object: &mut Object, added: &[(bool, ColumnDef)]) -> Result<(), Stop> {
    for (if_not_exists, def) in added {
        work.check_uses(&def.uses)?;
        if object.column(&def.name).is_some() {
            if *if_not_exists {
                continue;
            }
            let detail = format!("column '{}' already exists", def.name);
            return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
        }
        defaults::default(object, def)?;
        table::column_reads(work, def, object)?;
        let Some(columns) = object.columns.as_mut() else { continue };
        // ADD COLUMN does not say whether the table has rows: NOT NULL without a default is let through.
        let mut column = table::column(def);
        column.not_null = def.not_null;
        links::column(work, &mut column, &def.links)?;
        column.added = true;
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
        return Err(SnowflakeError::compilation("001432", "42601", detail).into());
    }
    let names: Vec<Ident> = names.into_iter().cloned().collect();
    unused(object, &names)?;
    if let Some(columns) = &mut object.columns {
        columns.retain(|column| !names.contains(&column.name));
    }
    object.keys.retain(|key| !key.columns.iter().any(|column| names.contains(column)));
    Ok(())
}

/// Refuses columns that the clustering key, a virtual column or a check over several columns reads.
fn unused(object: &Object, names: &[Ident]) -> Result<(), Stop> {
    let refuse = |name: &Ident, by: &str| {
        let detail = format!("Cannot drop column '{name}' which belongs to {by}");
        Err(Stop::from(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail)))
    };
    if let Some(name) = object.cluster_by.iter().find(|name| names.contains(name)) {
        return refuse(name, "a clustering key");
    }
    let computed = object.columns.iter().flatten().filter(|column| !names.contains(&column.name));
    if let Some(name) = computed.flat_map(|column| &column.reads).find(|name| names.contains(name)) {
        return refuse(name, "a virtual column");
    }
    let checks = object.keys.iter().filter(|key| key.rule == KeyRule::Check);
    let several = checks.filter(|key| key.columns.iter().any(|column| *column != key.columns[0]));
    if let Some(name) = several.flat_map(|key| &key.columns).find(|name| names.contains(name)) {
        return refuse(name, "a check constraint");
    }
    Ok(())
}

pub(super) fn rename(object: &mut Object, from: &ColumnRef, to: &Ident) -> Result<(), Stop> {
    let Some(name) = from.column() else { return Ok(()) };
    if object.known_columns().is_some() && object.column(name).is_none() {
        return Err(SnowflakeError::missing_object(name).into());
    }
    if object.column(to).is_some() {
        return Err(SnowflakeError::exists(format_args!("{}.{to}", object.name)).into());
    }
    if object.cluster_by.contains(name) {
        let detail = format!("Cannot rename column '{name}' which belongs to a clustering key");
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
    }
    let mut named: Vec<&mut Ident> = object.keys.iter_mut().flat_map(|key| &mut key.columns).collect();
    named.extend(object.links.iter_mut().flat_map(|link| &mut link.columns));
    for column in object.columns.iter_mut().flatten() {
        named.extend(
            column.reads.iter_mut().chain(column.links.iter_mut().flat_map(|link| &mut link.columns)),
        );
        named.push(&mut column.name);
    }
    named.into_iter().filter(|column| *column == name).for_each(|column| column.clone_from(to));
    Ok(())
}

pub(super) fn change(
    work: &mut Work<'_>,
    object: &mut Object,
    column: &ColumnRef,
    change: &ColumnChange,
) -> Result<(), Stop> {
    require(object, std::slice::from_ref(column))?;
    if let ColumnChange::Links(links) = change {
        let uses: Vec<_> =
            links.iter().map(|link| ObjectUse { kind: link.kind, name: link.name.clone() }).collect();
        work.check_uses(&uses)?;
    }
    let name = column.column();
    let iceberg = object.kind == ObjectKind::IcebergTable;
    let stored = object.columns.iter_mut().flatten().find(|stored| Some(&stored.name) == name);
    let Some(stored) = stored else { return Ok(()) };
    match change {
        ColumnChange::Type(to) => {
            // Iceberg has rules of its own, for structured types among others.
            if !iceberg {
                allowed_type(stored, to)?;
            }
            stored.data_type = Some(to.0.clone());
        }
        ColumnChange::NotNull(not_null) => stored.not_null = *not_null,
        ColumnChange::Default(value) => {
            if !defaults::is_sequence(value) || !stored.default.as_deref().is_some_and(defaults::is_sequence)
            {
                return Err(SnowflakeError::unsupported("Alter Column Set Default").into());
            }
            stored.default = Some(value.clone());
        }
        ColumnChange::DropDefault if stored.added && stored.default.is_some() => {
            return Err(super::or_alter::default_of_added(stored));
        }
        ColumnChange::DropDefault => stored.default = None,
        ColumnChange::Comment(comment) => stored.comment.clone_from(comment),
        ColumnChange::Links(set) => links::column(work, stored, set)?,
        ColumnChange::Unlinks(gone) => {
            for unlink in gone {
                let named =
                    unlink.name.iter().map(|name| ObjectUse { kind: unlink.kind, name: name.clone() });
                work.check_uses(&named.collect::<Vec<_>>())?;
                links::untie(work, &mut stored.links, unlink)?;
            }
        }
        ColumnChange::Other => work.recorded = true,
    }
    Ok(())
}

/// VARCHAR may grow, NUMBER may change its precision (the data decides about less), nothing else changes.
pub(super) fn allowed_type(column: &Column, to: &DataType) -> Result<(), Stop> {
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
