//! DROP and UNDROP.

use super::{
    Reply,
    create::{bury, family},
    links,
    lookup::{Found, Place},
    lost, refs,
    store::{INFORMATION_SCHEMA, identity, key},
    tasks,
    work::{Done, Grade, Stop, Work, done, say},
};
use crate::model::{
    command::Target,
    ident::Ident,
    kind::{KindScope, ObjectKind},
    refusal::{SnowflakeError, sentence_case},
};

fn dropped(name: &Ident) -> (Grade, Reply) {
    (Grade::Applied, say(format_args!("{name} successfully dropped.")))
}

fn absent(name: &Ident) -> (Grade, Reply) {
    (Grade::Applied, say(format_args!("Drop statement executed successfully ({name} already dropped).")))
}

pub(super) fn drop(work: &mut Work<'_>, target: &Target) -> Done {
    let name = work.known(&target.name)?;
    match target.kind.scope() {
        KindScope::Account if target.kind.name_space() == "database" => database(work, target, &name.name),
        KindScope::Account => account(work, target, &name.name),
        KindScope::Database if target.kind == ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "DROP SCHEMA")?;
            self::schema(work, target, &database, &schema)
        }
        KindScope::Database => {
            let (database, role) = work.schema_of_name(&name, "DROP DATABASE ROLE")?;
            database_role(work, target, &database, &role)
        }
        KindScope::Schema => {
            let place = work.place(&name, &format!("DROP {}", target.kind))?;
            object(work, target, &place)
        }
        KindScope::Organization | KindScope::Application | KindScope::Relation | KindScope::Run => {
            Ok((Grade::Recorded, done()))
        }
    }
}

/// DROP ... RESTRICT of what foreign keys reference does nothing but say so.
fn restricted(
    work: &mut Work<'_>,
    target: &Target,
    full: &str,
    inside: impl Fn(&Place) -> bool,
) -> Option<(Grade, Reply)> {
    if target.cascade != Some(false) || !refs::is_referenced(work, full, inside) {
        return None;
    }
    let words = target.kind.words().to_ascii_lowercase();
    work.warnings.push(format!("{words} {full} was not dropped: foreign keys of other tables reference it"));
    Some((Grade::Applied, done()))
}

fn database(work: &mut Work<'_>, target: &Target, name: &Ident) -> Done {
    if let Some(answer) = restricted(work, target, &name.to_string(), |place| place.database == *name) {
        return Ok(answer);
    }
    match work.catalog.databases.remove(name) {
        Some(old) => {
            work.catalog.dropped.push((name.clone(), old));
            work.session.temporary.retain(|(database, _), _| database != name);
            work.left(name, None);
            Ok(dropped(name))
        }
        None if target.if_exists => Ok(absent(name)),
        None => Err(SnowflakeError::missing(target.kind, name).into()),
    }
}

fn schema(work: &mut Work<'_>, target: &Target, database: &Ident, name: &Ident) -> Done {
    let inside = |place: &Place| place.database == *database && place.schema == *name;
    if let Some(answer) = restricted(work, target, &format!("{database}.{name}"), inside) {
        return Ok(answer);
    }
    let owner = match work.catalog.databases.get_mut(database) {
        Some(owner) => owner,
        None if target.if_exists => return Ok(absent(name)),
        None => return Err(SnowflakeError::missing(ObjectKind::Database, database).into()),
    };
    match owner.schemas.remove(name) {
        Some(old) => owner.dropped.push((name.clone(), old)),
        None if name.as_str() == INFORMATION_SCHEMA => {
            let message = format!("Insufficient privileges to operate on schema '{name}'");
            let message = format!("SQL access control error:\n{message}");
            return Err(SnowflakeError::bare("003001", "42501", message).into());
        }
        None if owner.open && !owner.dropped.iter().any(|(old, _)| old == name) => {
            owner
                .dropped
                .push((name.clone(), super::store::Schema { open: true, ..super::store::Schema::default() }));
            work.recorded = true;
        }
        None if target.if_exists => return Ok(absent(name)),
        None => {
            let full = format!("{database}.{name}");
            return Err(SnowflakeError::missing(ObjectKind::Schema, full).into());
        }
    }
    work.session.temporary.remove(&(database.clone(), name.clone()));
    work.left(database, Some(name));
    Ok(dropped(name))
}

fn account(work: &mut Work<'_>, target: &Target, name: &Ident) -> Done {
    let space = target.kind.name_space();
    let removed = work.catalog.objects.get_mut(space).and_then(|objects| objects.remove(name.as_str()));
    if removed.is_none() {
        if target.if_exists {
            // It may be there in the account; afterwards it is not.
            work.catalog.gone.entry(space.to_owned()).or_default().insert(name.clone());
            return Ok(absent(name));
        }
        work.check_account(target.kind, name)?;
    }
    work.catalog.gone.entry(space.to_owned()).or_default().insert(name.clone());
    super::grant::forget_grantee(work, target.kind, &name.to_string());
    if target.kind == ObjectKind::Warehouse && work.session.context.warehouse.as_ref() == Some(name) {
        work.session.context.warehouse = None;
    }
    Ok(dropped(name))
}

fn database_role(work: &mut Work<'_>, target: &Target, database: &Ident, role: &Ident) -> Done {
    if target.if_exists && !work.catalog.databases.contains_key(database) {
        return Ok(absent(role));
    }
    let owner = work.database_mut(database)?;
    let open = owner.open || owner.may_hide(target.kind);
    let removed = owner.objects.get_mut("database role").and_then(|roles| roles.remove(role.as_str()));
    super::grant::forget_grantee(work, target.kind, &format!("{database}.{role}"));
    match removed {
        Some(_) => Ok(dropped(role)),
        None if target.if_exists => Ok(absent(role)),
        None if open => {
            work.recorded = true;
            Ok(dropped(role))
        }
        None => Err(SnowflakeError::missing(target.kind, format_args!("{database}.{role}")).into()),
    }
}

fn object(work: &mut Work<'_>, target: &Target, place: &Place) -> Done {
    let types = target.arguments.as_deref().map(identity);
    let at = key(&place.name, types.as_deref());
    let space = target.kind.name_space();
    // IF EXISTS covers a container that is not there.
    let found = match work.find_key(target.kind, place, &at) {
        Ok(found) => found,
        Err(Stop::Refused(_)) if target.if_exists => return Ok(absent(&place.name)),
        Err(stop) => return Err(stop),
    };
    match found {
        Found::Here(object) if family(object.kind) != family(target.kind) => {
            let (found, asked) = (family(object.kind), family(target.kind));
            return Err(SnowflakeError::other_kind(found, asked).into());
        }
        Found::Here(_) => {}
        Found::Unseen => {
            work.recorded = true;
            return Ok(dropped(&place.name));
        }
        Found::Missing if target.if_exists => return Ok(absent(&place.name)),
        // Without the types of the arguments.
        Found::Missing => return Err(SnowflakeError::missing(target.kind, place).into()),
    }
    links::unattached(work, target.kind, place)?;
    if target.kind == ObjectKind::Task {
        tasks::may_drop(work, place)?;
    }
    let full = place.to_string();
    if let Some(answer) = restricted(work, target, &full, |other| other == place) {
        return Ok(answer);
    }
    if let Some((old, temporary)) = work.take_out(space, place, &at)
        && !temporary
    {
        lost::remember(work, place, &old);
        match old.kind {
            ObjectKind::Task => tasks::unlink(work, place),
            ObjectKind::Tag => refs::forget_tag(work, &full),
            _ => refs::forget_table(work, &old, &full),
        }
        bury(work, place, old)?;
    }
    Ok(dropped(&place.name))
}

pub(super) fn undrop(work: &mut Work<'_>, target: &Target) -> Done {
    let name = work.known(&target.name)?;
    match target.kind {
        ObjectKind::Database => {
            let full = name.name.to_string();
            if work.catalog.databases.contains_key(&name.name) {
                return Err(SnowflakeError::exists(&full).into());
            }
            let at = work.catalog.dropped.iter().rposition(|(old, _)| *old == name.name);
            let at = at.ok_or_else(|| SnowflakeError::purged(target.kind, &full))?;
            let (name, old) = work.catalog.dropped.remove(at);
            work.catalog.databases.insert(name, old);
        }
        ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "UNDROP SCHEMA")?;
            let full = format!("{database}.{schema}");
            let owner = work.database_mut(&database)?;
            if owner.schemas.contains_key(&schema) {
                return Err(SnowflakeError::exists(&full).into());
            }
            let at = owner.dropped.iter().rposition(|(old, _)| *old == schema);
            let at = at.ok_or_else(|| SnowflakeError::purged(target.kind, &full))?;
            let (name, old) = owner.dropped.remove(at);
            owner.schemas.insert(name, old);
        }
        kind if kind.scope() == KindScope::Schema => {
            let place = work.place(&name, &format!("UNDROP {kind}"))?;
            undrop_object(work, kind, &place)?;
        }
        kind => {
            if let Some(gone) = work.catalog.gone.get_mut(kind.name_space()) {
                gone.remove(&name.name);
            }
            return Ok((Grade::Recorded, done()));
        }
    }
    let kind = sentence_case(target.kind.words());
    Ok((Grade::Applied, say(format_args!("{kind} {} successfully restored.", name.name))))
}

fn undrop_object(work: &mut Work<'_>, kind: ObjectKind, place: &Place) -> Result<(), Stop> {
    match work.find(kind, place)? {
        Found::Here(_) => return Err(SnowflakeError::exists(place).into()),
        Found::Unseen => {
            work.recorded = true;
            return Ok(());
        }
        Found::Missing => {}
    }
    let schema = work.schema_mut(&place.database, &place.schema)?;
    let matches = |old: &super::store::Object| old.name == place.name && family(old.kind) == family(kind);
    let at = schema.dropped.iter().rposition(matches);
    let at = at.ok_or_else(|| SnowflakeError::purged(kind, place))?;
    let old = schema.dropped.remove(at);
    lost::remembered(work, &old, place);
    work.put_in(place, old, false)
}
