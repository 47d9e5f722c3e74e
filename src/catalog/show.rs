//! SHOW and DESCRIBE of what is modelled.

use super::{
    Reply,
    create::family,
    lookup::Found,
    store::{Column, KeyRule, Object, Schema},
    work::{Done, Grade, Stop, Work, done},
};
use crate::model::{
    command::{Show, ShowScope, Target},
    ident::Ident,
    kind::{KindScope, ObjectKind},
    refusal::SnowflakeError,
};

/// One row of SHOW.
struct Row {
    created_on: String,
    name: Ident,
    kind: String,
    database: Option<Ident>,
    schema: Option<Ident>,
    owner: Option<Ident>,
    comment: Option<String>,
    arguments: Option<String>,
}

pub(super) fn show(work: &mut Work<'_>, show: &Show) -> Done {
    let Some(kind) = show.kind else { return Ok((Grade::Checked, done())) };
    let mut rows = match kind.scope() {
        KindScope::Account if kind == ObjectKind::Database => databases(work, show),
        KindScope::Account => account(work, kind),
        KindScope::Database if kind == ObjectKind::Schema => schemas(work, show)?,
        KindScope::Database => in_databases(work, kind, show)?,
        KindScope::Schema => objects(work, kind, show)?,
        _ => return Ok((Grade::Checked, done())),
    };
    if let Some(pattern) = &show.like {
        rows.retain(|row| like(&row.name.as_str().to_lowercase(), &pattern.to_lowercase()));
    }
    if let Some(start) = &show.starts_with {
        rows.retain(|row| row.name.as_str().starts_with(start.as_str()));
    }
    rows.sort_by(|a, b| (&a.database, &a.schema, &a.name).cmp(&(&b.database, &b.schema, &b.name)));
    rows.truncate(show.limit.unwrap_or(usize::MAX));
    Ok((Grade::Checked, table(kind, rows)))
}

fn table(kind: ObjectKind, rows: Vec<Row>) -> Reply {
    // Routines are listed with their database under this name.
    let database = if kind.is_routine() { "catalog_name" } else { "database_name" };
    let mut columns = vec!["created_on", "name", "kind", database, "schema_name", "owner", "comment"];
    if kind.is_routine() {
        columns.push("arguments");
    }
    let text = |ident: Option<Ident>| ident.map(|ident| ident.as_str().to_owned());
    let rows = rows.into_iter().map(|row| {
        let mut cells = vec![
            Some(row.created_on),
            Some(row.name.as_str().to_owned()),
            Some(row.kind),
            text(row.database),
            text(row.schema),
            text(row.owner),
            row.comment,
        ];
        if kind.is_routine() {
            cells.push(row.arguments);
        }
        cells
    });
    Reply {
        message: "Statement executed successfully.".to_owned(),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows: rows.collect(),
        ..Reply::default()
    }
}

/// LIKE of SHOW: `%` and `_`, a backslash takes their meaning away.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    let mut pattern = pattern.chars();
    while let Some(c) = pattern.next() {
        let mut next = vec![false; text.len() + 1];
        if c == '%' {
            let mut open = false;
            for at in 0..=text.len() {
                open |= fits[at];
                next[at] = open;
            }
        } else {
            let want = if c == '\\' { pattern.next().unwrap_or(c) } else { c };
            for at in 0..text.len() {
                next[at + 1] = fits[at] && (c == '_' || text[at] == want);
            }
        }
        fits = next;
    }
    fits[text.len()]
}

fn databases(work: &Work<'_>, show: &Show) -> Vec<Row> {
    let row = |(name, database): (&Ident, &super::store::Database)| Row {
        created_on: database.created_on.clone(),
        name: name.clone(),
        kind: if database.open { "IMPORTED DATABASE" } else { "STANDARD" }.to_owned(),
        database: None,
        schema: None,
        owner: None,
        comment: database.comment.clone(),
        arguments: None,
    };
    let live = work.catalog.databases.iter().map(row);
    let gone =
        work.catalog.dropped.iter().filter(|_| show.history).map(|(name, database)| row((name, database)));
    live.chain(gone).collect()
}

fn account(work: &Work<'_>, kind: ObjectKind) -> Vec<Row> {
    let found = work.catalog.objects.get(kind.name_space()).into_iter().flat_map(|objects| objects.values());
    found.map(|object| row(object, None)).collect()
}

fn row(object: &Object, place: Option<(&Ident, &Ident)>) -> Row {
    let flavour = match (object.kind, object.transient) {
        (ObjectKind::Table, true) => "TRANSIENT".to_owned(),
        (kind, _) => kind.words().to_owned(),
    };
    Row {
        created_on: object.created_on.clone(),
        name: object.name.clone(),
        kind: flavour,
        database: place.map(|(database, _)| database.clone()),
        schema: place.map(|(_, schema)| schema.clone()),
        owner: object.owner.clone(),
        comment: object.comment.clone(),
        arguments: object.arguments.as_ref().map(|types| format!("{}({})", object.name, types.join(", "))),
    }
}

/// Which databases and schemas SHOW looks into.
struct Where {
    database: Option<Ident>,
    schema: Option<Ident>,
}

fn place(work: &Work<'_>, show: &Show) -> Result<Where, Stop> {
    let context = &work.session.context;
    let missing = |_| Stop::from(SnowflakeError::missing_scope());
    match &show.scope {
        ShowScope::Account | ShowScope::Object(_) => Ok(Where { database: None, schema: None }),
        ShowScope::Session | ShowScope::Schema(None) => {
            Ok(Where { database: context.database.clone(), schema: context.schema.clone() })
        }
        ShowScope::Database(name) => {
            let name = match name {
                Some(name) => Some(work.known(name)?.name),
                None => context.database.clone(),
            };
            if let Some(name) = &name {
                work.database(name).map_err(missing)?;
            }
            Ok(Where { database: name, schema: None })
        }
        ShowScope::Schema(Some(name)) => {
            let name = work.known(name)?;
            let (database, schema) = work.schema_of_name(&name, "SHOW")?;
            // A bare name may be a database where a schema of that name is not there.
            let bare = name.schema.is_none() && work.catalog.databases.contains_key(&name.name);
            match work.schema(&database, &schema) {
                Ok(_) => Ok(Where { database: Some(database), schema: Some(schema) }),
                Err(_) if bare => Ok(Where { database: Some(name.name), schema: None }),
                Err(stop) if names_its_scope(show.kind) => Err(stop),
                Err(_) => Err(SnowflakeError::missing_scope().into()),
            }
        }
    }
}

/// Relations, stages and file formats say of a missing scope only that something is missing, other kinds name it.
fn names_its_scope(kind: Option<ObjectKind>) -> bool {
    kind.is_some_and(|kind| {
        let nameless = matches!(
            kind,
            ObjectKind::Table
                | ObjectKind::View
                | ObjectKind::DynamicTable
                | ObjectKind::Stage
                | ObjectKind::FileFormat
                | ObjectKind::Schema
        );
        kind.scope() == KindScope::Schema && !nameless
    })
}

fn schemas(work: &Work<'_>, show: &Show) -> Result<Vec<Row>, Stop> {
    let at = match &show.scope {
        // IN with a bare name means a database here.
        ShowScope::Schema(Some(name)) => {
            let name = work.known(name)?.name;
            work.database(&name).map_err(|_| SnowflakeError::missing_scope())?;
            Where { database: Some(name), schema: None }
        }
        _ => place(work, show)?,
    };
    let mut rows = Vec::new();
    let chosen = |name: &Ident| at.database.as_ref().is_none_or(|only| only == name);
    for (name, database) in work.catalog.databases.iter().filter(|(name, _)| chosen(name)) {
        let row = |schema: &Ident, found: &Schema| Row {
            created_on: found.created_on.clone(),
            name: schema.clone(),
            kind: String::new(),
            database: Some(name.clone()),
            schema: None,
            owner: None,
            comment: found.comment.clone(),
            arguments: None,
        };
        rows.extend(database.schemas.iter().map(|(schema, found)| row(schema, found)));
        let information = Ident::stored(super::store::INFORMATION_SCHEMA);
        let made = Schema::new(&database.created_on);
        rows.push(row(&information, &made));
        if show.history {
            rows.extend(database.dropped.iter().map(|(schema, found)| row(schema, found)));
        }
    }
    Ok(rows)
}

/// Objects that stand in databases, beside schemas.
fn in_databases(work: &Work<'_>, kind: ObjectKind, show: &Show) -> Result<Vec<Row>, Stop> {
    let at = place(work, show)?;
    let chosen =
        work.catalog.databases.iter().filter(|(name, _)| at.database.as_ref().is_none_or(|d| d == *name));
    let found = chosen.flat_map(|(name, database)| {
        let objects =
            database.objects.get(kind.name_space()).into_iter().flat_map(|objects| objects.values());
        objects
            .filter(|object| object.kind == kind)
            .map(move |object| Row { database: Some(name.clone()), ..row(object, None) })
    });
    Ok(found.collect())
}

fn objects(work: &Work<'_>, kind: ObjectKind, show: &Show) -> Result<Vec<Row>, Stop> {
    let at = place(work, show)?;
    let wanted = |object: &Object| match kind {
        ObjectKind::Table => matches!(family(object.kind), ObjectKind::Table | ObjectKind::DynamicTable),
        ObjectKind::View => matches!(object.kind, ObjectKind::View | ObjectKind::MaterializedView),
        kind if family(kind) == ObjectKind::Table => object.kind == kind,
        kind => family(object.kind) == family(kind),
    };
    let space = kind.name_space();
    let mut rows = Vec::new();
    for (database, found) in &work.catalog.databases {
        if at.database.as_ref().is_some_and(|only| only != database) {
            continue;
        }
        for (schema, found) in &found.schemas {
            if at.schema.as_ref().is_some_and(|only| only != schema) {
                continue;
            }
            let key = (database.clone(), schema.clone());
            let temporary = work.session.temporary.get(&key).and_then(|objects| objects.get(space));
            let live =
                found.objects.get(space).into_iter().chain(temporary).flat_map(|objects| objects.values());
            let gone = found.dropped.iter().filter(|_| show.history);
            let all = live.chain(gone).filter(|object| wanted(object));
            rows.extend(all.map(|object| row(object, Some((database, schema)))));
        }
    }
    Ok(rows)
}

pub(super) fn describe(work: &mut Work<'_>, target: &Target) -> Done {
    if !target.kind.is_relation() {
        work.check_use(target.kind, &target.name)?;
        return Ok((Grade::Checked, done()));
    }
    let name = work.known(&target.name)?;
    let place = work.place(&name, "DESCRIBE")?;
    let object = match work.find(target.kind, &place)? {
        Found::Here(object) => object,
        Found::Unseen => return Ok((Grade::Checked, done())),
        Found::Missing if family(target.kind) == ObjectKind::Table => {
            return Err(SnowflakeError::missing_table(&name).into());
        }
        Found::Missing => return Err(SnowflakeError::missing(target.kind, &place).into()),
    };
    let keyed = |column: &Column, rule: KeyRule| {
        let has = object.keys.iter().any(|key| key.rule == rule && key.columns.contains(&column.name));
        Some(if has { "Y" } else { "N" }.to_owned())
    };
    let rows = object.columns.iter().flatten().map(|column| {
        vec![
            Some(column.name.as_str().to_owned()),
            column.data_type.clone(),
            Some(if column.computed { "VIRTUAL" } else { "COLUMN" }.to_owned()),
            Some(if column.not_null { "N" } else { "Y" }.to_owned()),
            column.default.clone(),
            keyed(column, KeyRule::Primary),
            keyed(column, KeyRule::Unique),
            column.comment.clone(),
        ]
    });
    let columns = ["name", "type", "kind", "null?", "default", "primary key", "unique key", "comment"];
    let reply = Reply {
        message: "Statement executed successfully.".to_owned(),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows: rows.collect(),
        ..Reply::default()
    };
    Ok((Grade::Checked, reply))
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_its_wildcards() {
        for (text, pattern, fits) in [
            ("orders", "ord%", true),
            ("orders", "%der_", true),
            ("orders", "order", false),
            ("a_b", "a\\_b", true),
            ("axb", "a\\_b", false),
            ("", "%", true),
            ("x", "", false),
        ] {
            assert_eq!(like(text, pattern), fits, "{text} {pattern}");
        }
    }
}
