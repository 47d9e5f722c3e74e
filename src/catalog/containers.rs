//! ALTER DATABASE and ALTER SCHEMA.

use super::{
    alter::uses,
    links::{self, untie_all},
    refs::Renamed,
    store::{Schema, by_name},
    work::{Done, Grade, Work, done},
};
use crate::model::{
    command::{Action, Target},
    ident::Ident,
    refusal::SnowflakeError,
};

pub(super) fn database(work: &mut Work<'_>, target: &Target, name: &Ident, actions: &[Action]) -> Done {
    if work.database(name).is_err() && target.if_exists {
        return Ok((Grade::Applied, done()));
    }
    work.database(name)?;
    let mut grade = Grade::Applied;
    for action in actions {
        work.check_uses(uses(action))?;
        match action {
            Action::Rename(to) => {
                let to = work.known(to)?.name;
                if work.catalog.databases.contains_key(&to) {
                    return Err(SnowflakeError::exists(&to).into());
                }
                if let Some(database) = work.catalog.databases.remove(name) {
                    work.catalog.databases.insert(to.clone(), database);
                }
                Renamed::one(name.to_string(), to.to_string()).everywhere(work);
                follow(work, name, None, &to, None);
            }
            Action::Swap(with) => {
                let with = work.known(with)?.name;
                work.database(&with)?;
                let own = work.catalog.databases.remove(name);
                let other = work.catalog.databases.remove(&with);
                if let (Some(own), Some(other)) = (own, other) {
                    work.catalog.databases.insert(name.clone(), other);
                    work.catalog.databases.insert(with.clone(), own);
                }
                Renamed::swapped(&name.to_string(), &with.to_string()).everywhere(work);
            }
            Action::Set { properties, comment, links: set, .. } => {
                let mut links = work.database(name)?.links.clone();
                links::tag(work, &mut links, set)?;
                let database = work.database_mut(name)?;
                database.links = links;
                database.properties.extend(by_name(properties));
                database.comment = comment.clone().or(database.comment.take());
            }
            Action::Unset { properties, uses } => {
                let mut links = work.database(name)?.links.clone();
                untie_all(work, &mut links, uses)?;
                let database = work.database_mut(name)?;
                database.links = links;
                database.properties.retain(|known, _| !properties.contains(known));
                if properties.iter().any(|name| name == "COMMENT") {
                    database.comment = None;
                }
            }
            _ => grade = Grade::Recorded,
        }
    }
    Ok((grade, done()))
}

/// RENAME of the current container keeps it current, and the session's temporary objects stay in it.
fn follow(
    work: &mut Work<'_>,
    database: &Ident,
    schema: Option<&Ident>,
    to: &Ident,
    to_schema: Option<&Ident>,
) {
    let temporary = std::mem::take(&mut work.session.temporary);
    work.session.temporary = temporary
        .into_iter()
        .map(|((in_database, in_schema), objects)| match (schema, to_schema) {
            _ if in_database != *database => ((in_database, in_schema), objects),
            (None, _) => ((to.clone(), in_schema), objects),
            (Some(schema), Some(to_schema)) if in_schema == *schema => {
                ((to.clone(), to_schema.clone()), objects)
            }
            (Some(_), _) => ((in_database, in_schema), objects),
        })
        .collect();
    let context = &mut work.session.context;
    if context.database.as_ref() != Some(database) {
        return;
    }
    match (schema, to_schema) {
        (Some(schema), Some(to_schema)) if context.schema.as_ref() == Some(schema) => {
            context.database = Some(to.clone());
            context.schema = Some(to_schema.clone());
        }
        (Some(_), _) => {}
        (None, _) => context.database = Some(to.clone()),
    }
}

pub(super) fn schema(
    work: &mut Work<'_>,
    target: &Target,
    database: &Ident,
    name: &Ident,
    actions: &[Action],
) -> Done {
    let found = work.schema(database, name);
    match found {
        Err(_) if target.if_exists => return Ok((Grade::Applied, done())),
        Err(stop) => return Err(stop),
        Ok(None) => return Ok((Grade::Recorded, done())),
        Ok(Some(_)) => {}
    }
    let mut grade = Grade::Applied;
    for action in actions {
        work.check_uses(uses(action))?;
        match action {
            Action::Rename(to) => {
                let to = work.known(to)?;
                let to_database = to.schema.clone().unwrap_or_else(|| database.clone());
                if work.database(&to_database)?.schemas.contains_key(&to.name) {
                    return Err(SnowflakeError::exists(format_args!("{to_database}.{}", to.name)).into());
                }
                let moved = work.database_mut(database)?.schemas.remove(name);
                if let Some(schema) = moved {
                    work.database_mut(&to_database)?.schemas.insert(to.name.clone(), schema);
                }
                let (old, new) = (format!("{database}.{name}"), format!("{to_database}.{}", to.name));
                Renamed::one(old, new).everywhere(work);
                follow(work, database, Some(name), &to_database, Some(&to.name));
            }
            Action::Swap(with) => {
                let with = work.known(with)?;
                let (other_database, other) = work.schema_of_name(&with, "ALTER SCHEMA")?;
                let Some(there) = work.schema(&other_database, &other)?.cloned() else {
                    return Ok((Grade::Recorded, done()));
                };
                let here: Schema = std::mem::replace(work.schema_mut(database, name)?, there);
                *work.schema_mut(&other_database, &other)? = here;
                let (a, b) = (format!("{database}.{name}"), format!("{other_database}.{other}"));
                Renamed::swapped(&a, &b).everywhere(work);
            }
            Action::Set { properties, comment, links: set, .. } => {
                let mut links = work.schema_mut(database, name)?.links.clone();
                links::tag(work, &mut links, set)?;
                let schema = work.schema_mut(database, name)?;
                schema.links = links;
                schema.properties.extend(by_name(properties));
                schema.comment = comment.clone().or(schema.comment.take());
            }
            Action::Unset { properties, uses } => {
                let mut links = work.schema_mut(database, name)?.links.clone();
                untie_all(work, &mut links, uses)?;
                let schema = work.schema_mut(database, name)?;
                schema.links = links;
                schema.properties.retain(|known, _| !properties.contains(known));
                if properties.iter().any(|name| name == "COMMENT") {
                    schema.comment = None;
                }
            }
            Action::ManagedAccess(on) => work.schema_mut(database, name)?.managed_access = *on,
            _ => grade = Grade::Recorded,
        }
    }
    Ok((grade, done()))
}
