//! GRANT and REVOKE, by name. Privileges are not enforced here.

use std::collections::BTreeSet;

use super::{
    lookup::Found,
    store::{FutureGrant, Object, identity, key},
    work::{Done, Grade, Stop, Work, done},
};
use crate::model::{
    command::{Grant, GrantOn, Name, ObjectUse, Target},
    ident::QualifiedName,
    kind::{KindScope, ObjectKind},
    refusal::SnowflakeError,
};

pub(super) fn grant(work: &mut Work<'_>, grant: &Grant) -> Done {
    let entries = entries(work, grant)?;
    match &grant.on {
        GrantOn::Object(target) => object(work, grant, target, &entries)?,
        GrantOn::All(kind, container) => all(work, grant, *kind, container, &entries)?,
        GrantOn::Future(kind, container) => future(work, grant, *kind, container, &entries)?,
        GrantOn::Account => change(&mut work.catalog.grants, grant.revoke, &on("ACCOUNT", &entries)),
        GrantOn::Roles(roles) => {
            work.check_uses(roles)?;
            for role in roles {
                let role = format!("{} {}", role.kind, role.name);
                change(&mut work.catalog.grants, grant.revoke, &on(&role, &entries));
            }
        }
        GrantOn::Other => {}
    }
    Ok((Grade::Recorded, done()))
}

fn on(what: &str, entries: &[String]) -> Vec<String> {
    entries.iter().map(|entry| format!("{what}: {entry}")).collect()
}

/// `SELECT TO ROLE X`, one a privilege and grantee; every grantee must be known or is warned about.
fn entries(work: &mut Work<'_>, grant: &Grant) -> Result<Vec<String>, Stop> {
    let mut all = Vec::new();
    for grantee in &grant.grantees {
        check_grantee(work, grantee)?;
        let to = format!("TO {} {}", grantee.kind, grantee.name);
        if grant.privileges.is_empty() {
            all.push(to.clone());
        }
        all.extend(grant.privileges.iter().map(|privilege| format!("{privilege} {to}")));
    }
    Ok(all)
}

fn check_grantee(work: &mut Work<'_>, grantee: &ObjectUse) -> Result<(), Stop> {
    work.check_use(grantee.kind, &grantee.name)
}

fn change(grants: &mut BTreeSet<String>, revoke: bool, entries: &[String]) {
    for entry in entries {
        if revoke {
            grants.remove(entry);
        } else {
            grants.insert(entry.clone());
        }
    }
}

/// GRANT OWNERSHIP gives the object to the role.
fn hand_over(object: &mut Object, grant: &Grant) {
    let owns = grant.privileges.iter().any(|privilege| privilege == "OWNERSHIP") && !grant.revoke;
    if let Some(Name::Written(role)) = grant.grantees.first().filter(|_| owns).map(|grantee| &grantee.name) {
        object.owner = Some(role.name.clone());
    }
}

fn object(work: &mut Work<'_>, grant: &Grant, target: &Target, entries: &[String]) -> Result<(), Stop> {
    let name = work.known(&target.name)?;
    match target.kind.scope() {
        KindScope::Account if target.kind.name_space() == "database" => {
            change(&mut work.database_mut(&name.name)?.grants, grant.revoke, entries);
        }
        KindScope::Account => {
            work.check_account(target.kind, &name.name)?;
            let objects = work.catalog.objects.get_mut(target.kind.name_space());
            if let Some(object) = objects.and_then(|objects| objects.get_mut(name.name.as_str())) {
                change(&mut object.grants, grant.revoke, entries);
                hand_over(object, grant);
            }
        }
        KindScope::Database if target.kind == ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "GRANT")?;
            if work.schema(&database, &schema)?.is_some() {
                change(&mut work.schema_mut(&database, &schema)?.grants, grant.revoke, entries);
            }
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
    match work.find_key(space, &place, &at)? {
        Found::Here(_) => {}
        Found::Unseen => return Ok(()),
        Found::Missing => {
            let printed =
                types.map_or_else(|| place.to_string(), |types| format!("{place}({})", types.join(", ")));
            return Err(SnowflakeError::missing(target.kind, printed).into());
        }
    }
    if let Some((mut stored, temporary)) = work.take_out(space, &place, &at) {
        change(&mut stored.grants, grant.revoke, entries);
        hand_over(&mut stored, grant);
        work.put_in(&place, stored, temporary)?;
    }
    Ok(())
}

/// Calls `each` with every known object of the kinds that `kind` stands for in a container.
fn all(
    work: &mut Work<'_>,
    grant: &Grant,
    kind: ObjectKind,
    container: &Target,
    entries: &[String],
) -> Result<(), Stop> {
    let same = |object: &Object| super::create::family(object.kind) == super::create::family(kind);
    let space = kind.name_space();
    let name = work.known(&container.name)?;
    match container.kind {
        ObjectKind::Database => {
            let database = work.database_mut(&name.name)?;
            for schema in database.schemas.values_mut() {
                if kind == ObjectKind::Schema {
                    change(&mut schema.grants, grant.revoke, entries);
                }
                let objects =
                    schema.objects.get_mut(space).into_iter().flat_map(|objects| objects.values_mut());
                objects
                    .filter(|object| same(object))
                    .for_each(|object| change(&mut object.grants, grant.revoke, entries));
            }
        }
        ObjectKind::Schema => {
            let (database, schema) = work.schema_of_name(&name, "GRANT")?;
            if work.schema(&database, &schema)?.is_some() {
                let schema = work.schema_mut(&database, &schema)?;
                let objects =
                    schema.objects.get_mut(space).into_iter().flat_map(|objects| objects.values_mut());
                objects
                    .filter(|object| same(object))
                    .for_each(|object| change(&mut object.grants, grant.revoke, entries));
            }
        }
        _ => {}
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
