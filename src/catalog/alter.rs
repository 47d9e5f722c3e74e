//! ALTER and COMMENT.

use super::{
    column, containers,
    create::family,
    links,
    lookup::{Found, Place},
    refs::Renamed,
    store::{KeyRule, Object, State, by_name, identity, key},
    table, tasks,
    work::{Done, Grade, Stop, Work, done},
};
use crate::model::{
    command::{Action, ColumnRef, Target},
    ident::{Ident, QualifiedName},
    kind::{Ability, KindScope, ObjectKind},
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

/// All of `actions`, or none where one is refused.
pub(super) fn alter(work: &mut Work<'_>, target: &Target, actions: &[Action]) -> Done {
    if actions.len() < 2 {
        return apply(work, target, actions);
    }
    // One action can touch much: RENAME follows the name wherever it stands.
    let before = (work.catalog.clone(), work.session.clone());
    let result = apply(work, target, actions);
    if result.is_err() {
        (*work.catalog, *work.session) = before;
    }
    result
}

fn apply(work: &mut Work<'_>, target: &Target, actions: &[Action]) -> Done {
    let name = work.known(&target.name)?;
    match target.kind.scope() {
        KindScope::Account if target.kind == ObjectKind::Database => {
            containers::database(work, target, &name.name, actions)
        }
        KindScope::Account if target.kind.name_space() != "database" => {
            account(work, target, &name.name, actions)
        }
        KindScope::Database if target.kind == ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "ALTER SCHEMA")?;
            containers::schema(work, target, &database, &schema, actions)
        }
        KindScope::Database => database_role(work, target, &name, actions),
        KindScope::Schema if target.kind.is_routine() => routine(work, target, &name, actions),
        KindScope::Schema => object(work, target, &name, actions),
        _ => {
            for action in actions {
                work.check_uses(uses(action))?;
            }
            Ok((Grade::Recorded, done()))
        }
    }
}

pub(super) fn uses(action: &Action) -> &[crate::model::command::ObjectUse] {
    match action {
        Action::Set { uses, .. }
        | Action::Unset { uses, .. }
        | Action::Columns(_, uses)
        | Action::Other(uses) => uses,
        _ => &[],
    }
}

fn account(work: &mut Work<'_>, target: &Target, name: &Ident, actions: &[Action]) -> Done {
    match work.check_account(target.kind, name) {
        Err(_) if target.if_exists => return Ok((Grade::Applied, done())),
        other => other?,
    }
    let space = target.kind.name_space();
    let mut grade = if target.kind.can(Ability::Modelled) { Grade::Applied } else { Grade::Recorded };
    for action in actions {
        work.check_uses(uses(action))?;
        if let Action::Rename(to) = action {
            let to = work.known(to)?.name;
            rename_account(work, target.kind, name, &to)?;
            continue;
        }
        let stored = work.catalog.objects.get(space).and_then(|objects| objects.get(name.as_str()));
        let Some(mut object) = stored.cloned() else { continue };
        if !one(work, &mut object, action)? {
            grade = Grade::Recorded;
        }
        work.catalog.objects.entry(space.to_owned()).or_default().insert(object.key(), object);
    }
    Ok((grade, done()))
}

fn rename_account(work: &mut Work<'_>, kind: ObjectKind, name: &Ident, to: &Ident) -> Result<(), Stop> {
    let space = kind.name_space();
    let objects = work.catalog.objects.entry(space.to_owned()).or_default();
    if objects.contains_key(to.as_str()) {
        return Err(SnowflakeError::exists(to).into());
    }
    if let Some(mut object) = objects.remove(name.as_str()) {
        object.name = to.clone();
        objects.insert(to.as_str().to_owned(), object);
    }
    let gone = work.catalog.gone.entry(space.to_owned()).or_default();
    gone.insert(name.clone());
    gone.remove(to);
    super::grant::rename_grantee(work, kind, name, to);
    let context = &mut work.session.context;
    let current = match kind {
        ObjectKind::Role => &mut context.role,
        ObjectKind::Warehouse => &mut context.warehouse,
        _ => return Ok(()),
    };
    if current.as_ref() == Some(name) {
        *current = Some(to.clone());
    }
    Ok(())
}

fn routine(work: &mut Work<'_>, target: &Target, name: &QualifiedName, actions: &[Action]) -> Done {
    let Some(types) = target.arguments.as_deref().map(identity) else {
        let message = format!("Argument types of function '{}' must be specified.", name.name);
        return Err(SnowflakeError::bare("090208", "42601", message).into());
    };
    let place = work.place(name, &format!("ALTER {}", target.kind))?;
    let at = key(&place.name, Some(&types));
    match work.find_key(target.kind, &place, &at)? {
        Found::Here(_) => {}
        Found::Unseen => return Ok((Grade::Recorded, done())),
        Found::Missing if target.if_exists => return Ok((Grade::Applied, done())),
        Found::Missing => {
            return Err(SnowflakeError::missing(target.kind, &place).into());
        }
    }
    for action in actions {
        work.check_uses(uses(action))?;
        if let Action::Rename(to) = action {
            let to = work.known(to)?;
            let to = work.place(&to, "ALTER")?;
            if matches!(work.find_key(target.kind, &to, &key(&to.name, Some(&types)))?, Found::Here(_)) {
                return Err(SnowflakeError::exists(&to).into());
            }
            if let Some((mut object, temporary)) = work.take_out("routine", &place, &at) {
                object.name.clone_from(&to.name);
                work.put_in(&to, object, temporary)?;
            }
        } else if let Some((stored, temporary)) = work.take_out("routine", &place, &at) {
            let mut object = stored.clone();
            let changed = one(work, &mut object, action);
            work.put_in(&place, if changed.is_ok() { object } else { stored }, temporary)?;
            changed?;
        }
    }
    Ok((Grade::Applied, done()))
}

/// The object that ALTER or COMMENT means; `None` if its absence is allowed or its content not known.
fn existing(work: &Work<'_>, target: &Target, place: &Place) -> Result<Option<Object>, Stop> {
    let found = match work.find(target.kind, place) {
        Err(Stop::Refused(_)) if target.if_exists => return Ok(None),
        other => other?,
    };
    match found {
        Found::Here(object) => {
            let (found, asked) = (family(object.kind), family(target.kind));
            // ALTER and COMMENT take the plain words for their special forms.
            let plain = matches!(
                (found, asked),
                (ObjectKind::DynamicTable, ObjectKind::Table)
                    | (ObjectKind::MaterializedView | ObjectKind::SemanticView, ObjectKind::View)
            );
            if found != asked && !plain {
                return Err(SnowflakeError::other_kind(found, asked).into());
            }
            Ok(Some(object.clone()))
        }
        Found::Unseen => Ok(None),
        Found::Missing if target.if_exists => Ok(None),
        Found::Missing => Err(SnowflakeError::missing(target.kind, place).into()),
    }
}

fn object(work: &mut Work<'_>, target: &Target, name: &QualifiedName, actions: &[Action]) -> Done {
    let place = work.place(name, &format!("ALTER {}", target.kind))?;
    let Some(mut changed) = existing(work, target, &place)? else {
        let grade = if target.if_exists { Grade::Applied } else { Grade::Recorded };
        return Ok((grade, done()));
    };
    let mut grade = Grade::Applied;
    for action in actions {
        work.check_uses(uses(action))?;
        if changed.kind == ObjectKind::Task {
            tasks::may_alter(work, &place, &changed, action)?;
        }
        match action {
            Action::Rename(to) => return rename(work, &place, changed, to),
            Action::Swap(with) => return swap(work, target, &place, changed, with),
            Action::After { add, tasks } => tasks::change_after(work, &place, &mut changed, *add, tasks)?,
            Action::Refresh => return Ok((Grade::Checked, done())),
            other => {
                if !one(work, &mut changed, other)? {
                    grade = Grade::Recorded;
                }
            }
        }
    }
    if let Some(stored) = work.find_mut(target.kind, &place) {
        *stored = changed;
    }
    Ok((grade, done()))
}

/// Applies one change; answers false where the server alone knows what it means.
fn one(work: &mut Work<'_>, object: &mut Object, action: &Action) -> Result<bool, Stop> {
    match action {
        Action::AddColumns { columns } => column::add(work, object, columns)?,
        Action::DropColumns { if_exists, columns } => column::drop(object, *if_exists, columns)?,
        Action::RenameColumn { from, to } => column::rename(object, from, to)?,
        Action::AlterColumn { column, change } => column::change(work, object, column, change)?,
        Action::AddConstraint(constraint) => table::add_key(work, object, constraint, false)?,
        Action::DropConstraint(name) => drop_key(object, name)?,
        Action::RenameConstraint { from, to } => {
            let key = object.keys.iter_mut().find(|key| key.name.as_ref() == Some(from));
            match key {
                Some(key) => key.name = Some(to.clone()),
                None => missing_key(object, from)?,
            }
        }
        Action::AlterConstraint(name) => {
            let there = object.keys.iter().any(|key| key.name.as_ref() == Some(name));
            if !there && !name.as_str().starts_with(GENERATED) {
                return Err(SnowflakeError::missing_object(name).into());
            }
        }
        Action::DropPrimaryKey => object.keys.retain(|key| key.rule != KeyRule::Primary),
        Action::ClusterBy(exprs) => table::cluster_by(work, object, exprs)?,
        Action::DropClusteringKey => object.cluster_by.clear(),
        Action::Set { properties, comment, secure, links, .. } => {
            object.properties.extend(by_name(properties));
            object.comment = comment.clone().or(object.comment.take());
            object.secure = secure.unwrap_or(object.secure);
            links::relation(work, object, links)?;
        }
        Action::Unset { properties, uses } => {
            object.properties.retain(|known, _| !properties.contains(known));
            if properties.iter().any(|name| name == "COMMENT") {
                object.comment = None;
            }
            if properties.iter().any(|name| name == "SECURE") {
                object.secure = false;
            }
            if properties.iter().any(|name| name == "ALLOWED_VALUES") {
                object.allowed_values.clear();
            }
            links::untie_all(work, &mut object.links, uses)?;
        }
        Action::Columns(columns, uses) => {
            table::require(object, columns)?;
            // Without a policy it is search optimization.
            return Ok(!uses.is_empty());
        }
        Action::Link(link) => links::relation(work, object, std::slice::from_ref(link))?,
        Action::Unlink(unlink) => links::drop_policy(work, object, unlink)?,
        Action::Run(on) if tasks::first_state(object.kind).is_some() => {
            object.state = Some(if *on { State::Started } else { State::Suspended });
        }
        // A warehouse stops and starts by itself too.
        Action::Run(_) => return Ok(object.kind.scope() == KindScope::Account),
        Action::AllowedValues { add: true, values } => object.allowed_values.extend(values.iter().cloned()),
        Action::AllowedValues { add: false, values } => {
            object.allowed_values.retain(|value| !values.contains(value));
        }
        Action::After { .. }
        | Action::Refresh
        | Action::ManagedAccess(_)
        | Action::Other(_)
        | Action::Rename(_)
        | Action::Swap(_) => {
            return Ok(false);
        }
    }
    Ok(true)
}

fn drop_key(object: &mut Object, name: &Ident) -> Result<(), Stop> {
    let before = object.keys.len();
    object.keys.retain(|key| key.name.as_ref() != Some(name));
    if object.keys.len() == before { missing_key(object, name) } else { Ok(()) }
}

/// How the names begin that the server gives to constraints which the script left unnamed.
const GENERATED: &str = "SYS_CONSTRAINT";

fn missing_key(object: &Object, name: &Ident) -> Result<(), Stop> {
    if name.as_str().starts_with(GENERATED) || object.columns.is_none() {
        return Ok(());
    }
    let detail = format!("constraint '{name}' does not exist");
    Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into())
}

fn rename(work: &mut Work<'_>, place: &Place, object: Object, to: &crate::model::command::Name) -> Done {
    let written = work.known(to)?;
    let to = work.place(&written, "ALTER")?;
    if matches!(work.find(object.kind, &to)?, Found::Here(_)) {
        return Err(SnowflakeError::exists(&written).into());
    }
    let space = object.kind.name_space();
    if let Some((_, temporary)) = work.take_out(space, place, place.name.as_str()) {
        let object = Object { name: to.name.clone(), ..object };
        work.put_in(&to, object, temporary)?;
        if !temporary {
            Renamed::one(place.to_string(), to.to_string()).everywhere(work);
        }
    }
    Ok((Grade::Applied, done()))
}

fn swap(
    work: &mut Work<'_>,
    target: &Target,
    place: &Place,
    own: Object,
    with: &crate::model::command::Name,
) -> Done {
    let with = work.known(with)?;
    let other_place = work.place(&with, "ALTER")?;
    let other_target = Target { if_exists: false, ..target.clone() };
    let Some(other) = existing(work, &other_target, &other_place)? else {
        return Ok((Grade::Recorded, done()));
    };
    let space = own.kind.name_space();
    let temporary = work.is_temporary(own.kind, place);
    if temporary != work.is_temporary(other.kind, &other_place) {
        let detail = "a temporary and a permanent table cannot be swapped";
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "0A000", detail).into());
    }
    work.take_out(space, place, place.name.as_str());
    work.take_out(space, &other_place, other_place.name.as_str());
    work.put_in(&other_place, Object { name: other_place.name.clone(), ..own }, temporary)?;
    work.put_in(place, Object { name: place.name.clone(), ..other }, temporary)?;
    if !temporary {
        Renamed::swapped(&place.to_string(), &other_place.to_string()).everywhere(work);
    }
    Ok((Grade::Applied, done()))
}

pub(super) fn comment(work: &mut Work<'_>, target: &Target, column: Option<&ColumnRef>, text: &str) -> Done {
    let name = work.known(&target.name)?;
    let text = (!text.is_empty()).then(|| text.to_owned());
    match target.kind {
        ObjectKind::Database => {
            if target.if_exists && work.database(&name.name).is_err() {
                return Ok((Grade::Applied, done()));
            }
            work.database_mut(&name.name)?.comment = text;
        }
        ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "COMMENT")?;
            if target.if_exists && work.schema(&database, &schema).is_err() {
                return Ok((Grade::Applied, done()));
            }
            work.schema_mut(&database, &schema)?.comment = text;
        }
        kind if kind.scope() == KindScope::Schema && !kind.is_routine() => {
            let place = work.place(&name, "COMMENT")?;
            let Some(mut object) = existing(work, target, &place)? else {
                let grade = if target.if_exists { Grade::Applied } else { Grade::Recorded };
                return Ok((grade, done()));
            };
            match column {
                None => object.comment = text,
                Some(column) => {
                    if !target.if_exists {
                        table::require(&object, std::slice::from_ref(column))?;
                    }
                    let name = column.column();
                    let stored =
                        object.columns.iter_mut().flatten().find(|stored| Some(&stored.name) == name);
                    if let Some(stored) = stored {
                        stored.comment = text;
                    }
                }
            }
            if let Some(stored) = work.find_mut(kind, &place) {
                *stored = object;
            }
        }
        kind => {
            if !target.if_exists {
                work.check_use(kind, &target.name)?;
            }
            let stored = work.catalog.objects.get_mut(kind.name_space());
            let Some(object) = stored.and_then(|objects| objects.get_mut(name.name.as_str())) else {
                return Ok((Grade::Recorded, done()));
            };
            object.comment = text;
        }
    }
    Ok((Grade::Applied, done()))
}

fn database_role(work: &mut Work<'_>, target: &Target, name: &QualifiedName, actions: &[Action]) -> Done {
    let (database, name) = work.schema_of_name(name, "ALTER DATABASE ROLE")?;
    let space = target.kind.name_space();
    let found = work.database(&database)?;
    let roles = found.objects.get(space);
    let Some(mut role) = roles.and_then(|roles| roles.get(name.as_str())).cloned() else {
        return if target.if_exists {
            Ok((Grade::Applied, done()))
        } else if found.open {
            Ok((Grade::Recorded, done()))
        } else {
            Err(SnowflakeError::missing(target.kind, format_args!("{database}.{name}")).into())
        };
    };
    for action in actions {
        work.check_uses(uses(action))?;
        match action {
            Action::Rename(to) => {
                let to = work.known(to)?;
                let (_, to) = work.schema_of_name(&to, "ALTER DATABASE ROLE")?;
                if to != name && work.database(&database)?.objects[space].contains_key(to.as_str()) {
                    return Err(SnowflakeError::exists(format_args!("{database}.{to}")).into());
                }
                role.name = to;
            }
            Action::Set { comment: Some(comment), .. } => role.comment = Some(comment.clone()),
            Action::Unset { properties, .. } if properties.iter().any(|name| name == "COMMENT") => {
                role.comment = None;
            }
            _ => {}
        }
    }
    let roles = work.database_mut(&database)?.objects.entry(space.to_owned()).or_default();
    roles.remove(name.as_str());
    roles.insert(role.name.as_str().to_owned(), role);
    Ok((Grade::Applied, done()))
}
