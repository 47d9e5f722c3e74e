//! GRANT and REVOKE, by name. Privileges are not enforced here.

use std::collections::BTreeSet;

use super::{
    lookup::{Found, Place},
    privileges, refs,
    store::{FutureGrant, Object, State, identity, key},
    tasks,
    work::{Done, Grade, Stop, Work, done},
};
use crate::model::{
    command::{Grant, GrantOn, ObjectUse, Target},
    ident::{Ident, QualifiedName},
    kind::{KindScope, ObjectKind},
    refusal::SnowflakeError,
};

pub(super) fn grant(work: &mut Work<'_>, grant: &Grant) -> Done {
    let kind = match &grant.on {
        GrantOn::Object(target) => Some(target.kind),
        GrantOn::All(kind, _) | GrantOn::Future(kind, _) => Some(*kind),
        GrantOn::Account | GrantOn::Roles(_) | GrantOn::Other => None,
    };
    if let Some(kind) = kind.filter(|_| !grant.revoke) {
        privileges::check(kind, &grant.privileges)?;
    }
    let entries = entries(work, grant)?;
    match &grant.on {
        GrantOn::Object(target) => object(work, grant, target, &entries)?,
        GrantOn::All(kind, container) => all(work, grant, *kind, container, &entries)?,
        GrantOn::Future(kind, container) => future(work, grant, *kind, container, &entries)?,
        GrantOn::Account => change(&mut work.catalog.grants, grant.revoke, &on("ACCOUNT", &entries)),
        GrantOn::Roles(roles) => {
            work.check_uses(roles)?;
            for role in roles {
                let Some(name) = full_name(work, role)? else { continue };
                let role = format!("{} {name}", role.kind);
                change(&mut work.catalog.grants, grant.revoke, &on(&role, &entries));
            }
        }
        GrantOn::Other => return Ok((Grade::Recorded, done())),
    }
    Ok((Grade::Applied, done()))
}

fn on(what: &str, entries: &[String]) -> Vec<String> {
    entries.iter().map(|entry| format!("{what}: {entry}")).collect()
}

/// `SELECT TO ROLE X`, one a privilege and grantee; every grantee must be known or is warned about.
fn entries(work: &mut Work<'_>, grant: &Grant) -> Result<Vec<String>, Stop> {
    let mut all = Vec::new();
    for grantee in &grant.grantees {
        work.check_use(grantee.kind, &grantee.name)?;
        let Some(name) = full_name(work, grantee)? else { continue };
        let to = format!("TO {} {name}", grantee.kind);
        if grant.privileges.is_empty() {
            all.push(to.clone());
        }
        let kept = grant.privileges.iter().filter(|privilege| !is_ownership(grant, privilege));
        all.extend(kept.map(|privilege| match privilege.as_str() {
            "ALL PRIVILEGES" => format!("ALL {to}"),
            privilege => format!("{privilege} {to}"),
        }));
    }
    Ok(all)
}

/// OWNERSHIP of something that exists is no grant beside others: it makes the owner.
fn is_ownership(grant: &Grant, privilege: &str) -> bool {
    privilege == "OWNERSHIP" && !matches!(grant.on, GrantOn::Future(..))
}

/// The name of a role or another object that is granted or granted to: of a database role with its database.
fn full_name(work: &Work<'_>, one: &ObjectUse) -> Result<Option<String>, Stop> {
    let Some(name) = work.written(&one.name)? else { return Ok(None) };
    if one.kind == ObjectKind::DatabaseRole && name.schema.is_none() {
        let database = work.session.context.database.as_ref();
        return Ok(Some(database.map_or_else(|| name.to_string(), |database| format!("{database}.{name}"))));
    }
    Ok(Some(name.to_string()))
}

/// REVOKE ALL takes everything from the grantee.
fn change(grants: &mut BTreeSet<String>, revoke: bool, entries: &[String]) {
    for entry in entries {
        match entry.split_once("ALL TO ") {
            Some(("", to)) if revoke => {
                let all = format!(" TO {to}");
                grants.retain(|grant| !grant.ends_with(&all));
            }
            _ if revoke => {
                grants.remove(entry);
            }
            _ => {
                grants.insert(entry.clone());
            }
        }
    }
}

/// The role that GRANT OWNERSHIP gives something to.
fn new_owner(work: &Work<'_>, grant: &Grant) -> Result<Option<Ident>, Stop> {
    let owns = !grant.revoke && grant.privileges.iter().any(|privilege| privilege == "OWNERSHIP");
    match grant.grantees.first().filter(|_| owns) {
        Some(grantee) => Ok(work.written(&grantee.name)?.map(|name| name.name)),
        None => Ok(None),
    }
}

/// 003036: other grants stand in the way of a new owner unless the statement says what becomes of them.
fn hand_over(
    grants: &mut BTreeSet<String>,
    owner: &mut Option<Ident>,
    to: &Ident,
    keep: Option<bool>,
    name: &str,
) -> Result<(), Stop> {
    if owner.as_ref() == Some(to) {
        return Ok(());
    }
    match (keep, grants.first()) {
        // Where the owner is not known, the role may own it already.
        (None, Some(first)) if owner.is_some() => {
            let (privilege, role) = first.split_once(" TO ").unwrap_or((first, ""));
            let role = role.strip_prefix("ROLE ").unwrap_or(role);
            let message = format!(
                "SQL execution error: Dependent grant of privilege '{privilege}' on securable '{name}' to role '{role}' \
                 exists.  It must be revoked first.  More than one dependent grant may exist: use 'SHOW GRANTS' command to \
                 view them.  To revoke all dependent grants while transferring object ownership, use convenience command \
                 'GRANT OWNERSHIP ON <target_objects> TO <target_role> REVOKE CURRENT GRANTS'."
            );
            return Err(SnowflakeError::bare("003036", "23001", message).into());
        }
        (Some(false), _) => grants.clear(),
        _ => {}
    }
    *owner = Some(to.clone());
    Ok(())
}

/// A new owner of one object; a task is suspended.
fn hand_over_object(object: &mut Object, to: &Ident, grant: &Grant, name: &str) -> Result<(), Stop> {
    let before = object.owner.clone();
    hand_over(&mut object.grants, &mut object.owner, to, grant.keep_current, name)?;
    if object.owner != before && object.kind == ObjectKind::Task {
        object.state = Some(State::Suspended);
        object.after.clear();
        object.finalizes = None;
    }
    Ok(())
}

/// After DROP of a role, user or share: nothing is granted to it, and what a role owned belongs to the dropping one.
pub(super) fn forget_grantee(work: &mut Work<'_>, kind: ObjectKind, name: &str) {
    if !matches!(kind, ObjectKind::Role | ObjectKind::DatabaseRole | ObjectKind::User | ObjectKind::Share) {
        return;
    }
    let (to, of) = (format!("TO {kind} {name}"), format!("{kind} {name}: "));
    let gone = |grant: &str| grant == to || grant.ends_with(&format!(" {to}")) || grant.starts_with(&of);
    let dropping = work.session.context.role.clone();
    work.catalog.grants.retain(|grant| !gone(grant));
    let owned = |owner: &Option<Ident>| {
        kind == ObjectKind::Role && owner.as_ref().is_some_and(|owner| owner.to_string() == name)
    };
    for database in work.catalog.databases.values_mut() {
        if owned(&database.owner) {
            database.owner.clone_from(&dropping);
        }
        database.grants.retain(|grant| !gone(grant));
        database.future_grants.retain(|one| !gone(&one.grant));
        for schema in database.schemas.values_mut() {
            if owned(&schema.owner) {
                schema.owner.clone_from(&dropping);
            }
            schema.grants.retain(|grant| !gone(grant));
            schema.future_grants.retain(|one| !gone(&one.grant));
        }
    }
    refs::each_object(work, &mut |object| {
        object.grants.retain(|grant| !gone(grant));
        if owned(&object.owner) {
            object.owner.clone_from(&dropping);
        }
    });
}

/// RENAME of a role or user: what is granted to it stays.
pub(super) fn rename_grantee(work: &mut Work<'_>, kind: ObjectKind, from: &Ident, to: &Ident) {
    let (end, start) = (format!("TO {kind} {from}"), format!("{kind} {from}: "));
    let renamed = |grant: &String| {
        if let Some(rest) = grant.strip_suffix(&end).filter(|rest| rest.is_empty() || rest.ends_with(' ')) {
            return format!("{rest}TO {kind} {to}");
        }
        match grant.strip_prefix(&start) {
            Some(rest) => format!("{kind} {to}: {rest}"),
            None => grant.clone(),
        }
    };
    let follow = |grants: &mut BTreeSet<String>| *grants = grants.iter().map(renamed).collect();
    let follow_future = |grants: &mut BTreeSet<FutureGrant>| {
        *grants =
            grants.iter().map(|one| FutureGrant { kind: one.kind, grant: renamed(&one.grant) }).collect();
    };
    let follow_owner = |owner: &mut Option<Ident>| {
        if kind == ObjectKind::Role && owner.as_ref() == Some(from) {
            *owner = Some(to.clone());
        }
    };
    follow(&mut work.catalog.grants);
    for database in work.catalog.databases.values_mut() {
        follow_owner(&mut database.owner);
        follow(&mut database.grants);
        follow_future(&mut database.future_grants);
        for schema in database.schemas.values_mut() {
            follow_owner(&mut schema.owner);
            follow(&mut schema.grants);
            follow_future(&mut schema.future_grants);
        }
    }
    refs::each_object(work, &mut |object| {
        follow(&mut object.grants);
        follow_owner(&mut object.owner);
    });
}

fn object(work: &mut Work<'_>, grant: &Grant, target: &Target, entries: &[String]) -> Result<(), Stop> {
    let name = work.known(&target.name)?;
    let owner = new_owner(work, grant)?;
    match target.kind.scope() {
        KindScope::Account if target.kind.name_space() == "database" => {
            let database = work.database_mut(&name.name)?;
            if let Some(to) = &owner {
                hand_over(
                    &mut database.grants,
                    &mut database.owner,
                    to,
                    grant.keep_current,
                    &name.name.to_string(),
                )?;
            }
            change(&mut database.grants, grant.revoke, entries);
        }
        KindScope::Account => {
            work.check_account(target.kind, &name.name)?;
            let objects = work.catalog.objects.get_mut(target.kind.name_space());
            if let Some(object) = objects.and_then(|objects| objects.get_mut(name.name.as_str())) {
                if let Some(to) = &owner {
                    hand_over_object(object, to, grant, &name.name.to_string())?;
                }
                change(&mut object.grants, grant.revoke, entries);
            }
        }
        KindScope::Database if target.kind == ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "GRANT")?;
            if work.schema(&database, &schema)?.is_none() {
                work.recorded = true;
                return Ok(());
            }
            let full = format!("{database}.{schema}");
            let found = work.schema_mut(&database, &schema)?;
            if let Some(to) = &owner {
                hand_over(&mut found.grants, &mut found.owner, to, grant.keep_current, &full)?;
            }
            change(&mut found.grants, grant.revoke, entries);
        }
        KindScope::Schema => schema_object(work, grant, target, &name, entries)?,
        _ => work.check_use(target.kind, &target.name)?,
    }
    Ok(())
}

fn schema_object(
    work: &mut Work<'_>,
    grant: &Grant,
    target: &Target,
    name: &QualifiedName,
    entries: &[String],
) -> Result<(), Stop> {
    let place = work.place(name, if grant.revoke { "REVOKE" } else { "GRANT" })?;
    if target.kind.is_routine() && target.arguments.is_none() {
        let message = format!("Argument types of function '{}' must be specified.", place.name);
        return Err(SnowflakeError::bare("090208", "42601", message).into());
    }
    let types = target.arguments.as_deref().map(identity);
    let at = key(&place.name, types.as_deref());
    let space = target.kind.name_space();
    match work.find_key(target.kind, &place, &at)? {
        Found::Here(_) => {}
        Found::Unseen => {
            work.recorded = true;
            return Ok(());
        }
        Found::Missing => {
            let printed =
                types.map_or_else(|| place.to_string(), |types| format!("{place}({})", types.join(", ")));
            return Err(SnowflakeError::missing(target.kind, printed).into());
        }
    }
    let owner = new_owner(work, grant)?;
    let Some((mut stored, temporary)) = work.take_out(space, &place, &at) else { return Ok(()) };
    let (before, kind) = (stored.owner.clone(), stored.kind);
    let handed = match &owner {
        Some(to) => hand_over_object(&mut stored, to, grant, &place.to_string()),
        None => Ok(()),
    };
    if handed.is_ok() {
        change(&mut stored.grants, grant.revoke, entries);
    }
    let moved = stored.owner != before;
    work.put_in(&place, stored, temporary)?;
    handed?;
    if moved && kind == ObjectKind::Task {
        tasks::unlink(work, &place);
    }
    Ok(())
}

/// ON ALL: every known object of the kind in a container, as it is now.
fn all(
    work: &mut Work<'_>,
    grant: &Grant,
    kind: ObjectKind,
    container: &Target,
    entries: &[String],
) -> Result<(), Stop> {
    let name = work.known(&container.name)?;
    let owner = new_owner(work, grant)?;
    let schemas: Vec<(Ident, Ident)> = match container.kind {
        ObjectKind::Database => {
            let database = work.database(&name.name)?;
            let open = database.open;
            let found = database.schemas.keys().map(|schema| (name.name.clone(), schema.clone())).collect();
            work.recorded |= open;
            found
        }
        ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "GRANT")?;
            let open = work.schema(&database, &schema)?.is_none_or(|schema| schema.open);
            work.recorded |= open;
            vec![(database, schema)]
        }
        _ => {
            work.recorded = true;
            return Ok(());
        }
    };
    // Nothing is changed if one object refuses.
    let mut catalog = owner.as_ref().map(|_| work.catalog.clone());
    for (database, schema) in schemas {
        let Some(found) = catalog
            .as_mut()
            .unwrap_or(work.catalog)
            .databases
            .get_mut(&database)
            .and_then(|found| found.schemas.get_mut(&schema))
        else {
            continue;
        };
        if kind == ObjectKind::Schema {
            if let Some(to) = &owner {
                let full = format!("{database}.{schema}");
                hand_over(&mut found.grants, &mut found.owner, to, grant.keep_current, &full)?;
            }
            change(&mut found.grants, grant.revoke, entries);
        }
        let objects =
            found.objects.get_mut(kind.name_space()).into_iter().flat_map(|objects| objects.values_mut());
        for object in
            objects.filter(|object| super::create::family(object.kind) == super::create::family(kind))
        {
            if let Some(to) = &owner {
                let place =
                    Place { database: database.clone(), schema: schema.clone(), name: object.name.clone() };
                hand_over_object(object, to, grant, &place.to_string())?;
            }
            change(&mut object.grants, grant.revoke, entries);
        }
    }
    if let Some(catalog) = catalog {
        *work.catalog = catalog;
    }
    Ok(())
}

fn future(
    work: &mut Work<'_>,
    grant: &Grant,
    kind: ObjectKind,
    container: &Target,
    entries: &[String],
) -> Result<(), Stop> {
    let name = work.known(&container.name)?;
    let grants = match container.kind {
        ObjectKind::Database => &mut work.database_mut(&name.name)?.future_grants,
        ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "GRANT")?;
            if work.schema(&database, &schema)?.is_none() {
                work.recorded = true;
                return Ok(());
            }
            &mut work.schema_mut(&database, &schema)?.future_grants
        }
        _ => return Ok(()),
    };
    for entry in entries {
        let one = FutureGrant { kind, grant: entry.clone() };
        if grant.revoke {
            grants.remove(&one);
        } else {
            grants.insert(one);
        }
    }
    Ok(())
}
