//! Who may do what, for tests that need a role to lack something. Where [`crate::Settings::privileges`] is `None`, every
//! role may do everything.
//!
//! What is looked at: the places of a login, rows of kept tables, the making of schemas and tables, and what SHOW and
//! `INFORMATION_SCHEMA` list. A role sees an object as soon as it has any privilege on it (Snowflake's page of access
//! control privileges).

use std::collections::BTreeSet;

use snowops::{
    catalog::Catalog,
    model::{
        command::{Command, Grant, GrantOn, Name, ObjectUse},
        ident::{Ident, QualifiedName},
        kind::ObjectKind,
        target::Context4,
    },
    sql::command::command,
};

use crate::{
    answer::Failure,
    execute::{Done, ask, full_name},
    names::{Rewritten, Source, rewrite},
    table::TableName,
    wire::WireColumn,
    world::World,
};

/// An object, by kind and stored names: `TABLE RETAIL.SNOWOPS.x`.
type Object = String;

/// What was granted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Privileges {
    /// Object, privilege, role.
    granted: BTreeSet<(Object, String, String)>,
    /// A role, and one that has it.
    roles: BTreeSet<(String, String)>,
}

fn object(kind: ObjectKind, parts: &[&str]) -> Object {
    let kind = match kind.name_space() {
        "table" => "TABLE".to_owned(),
        _ => kind.words().to_owned(),
    };
    format!("{kind} {}", parts.join("."))
}

fn table(name: &TableName) -> Object {
    object(ObjectKind::Table, &[&name.database, &name.schema, &name.table])
}

fn schema(database: &str, schema: &str) -> Object {
    object(ObjectKind::Schema, &[database, schema])
}

fn database(name: &str) -> Object {
    object(ObjectKind::Database, &[name])
}

/// An object in full; what is left out comes from the session.
fn named(kind: ObjectKind, name: &QualifiedName, context: &Context4) -> Option<Object> {
    let current = |part: &Option<Ident>, current: &Option<Ident>| part.as_ref().or(current.as_ref()).cloned();
    let own = name.name.as_str();
    match kind {
        ObjectKind::Database | ObjectKind::Warehouse => Some(object(kind, &[own])),
        ObjectKind::Schema => {
            // The part before a schema's name is its database.
            Some(schema(current(&name.schema, &context.database)?.as_str(), own))
        }
        _ => {
            let (database, schema) =
                (current(&name.database, &context.database)?, current(&name.schema, &context.schema)?);
            Some(object(kind, &[database.as_str(), schema.as_str(), own]))
        }
    }
}

fn written(name: &Name) -> Option<&QualifiedName> {
    match name {
        Name::Written(name) => Some(name),
        _ => None,
    }
}

impl Privileges {
    /// What these GRANTs give.
    pub(crate) fn of(grants: &[String], catalog: &mut Catalog) -> Self {
        let mut all = Self::default();
        for text in grants {
            if let Ok(command) = command(text) {
                all.follow(&command, &Context4::default(), catalog);
            }
        }
        all
    }

    /// Follows a statement that was carried out: grants, and that what a role makes is its own.
    pub(crate) fn follow(&mut self, command: &Command, context: &Context4, catalog: &mut Catalog) {
        let made = match command {
            Command::Grant(grant) => {
                self.change(grant, context, catalog);
                return;
            }
            Command::CreateTable(made) => (ObjectKind::Table, &made.name),
            Command::CreateContainer(made) => (made.kind, &made.name),
            _ => return,
        };
        let role = context.role.as_ref().map(|role| role.as_str().to_owned());
        if let (Some(name), Some(role)) = (written(made.1), role)
            && let Some(object) = named(made.0, name, context)
        {
            self.granted.insert((object, "OWNERSHIP".to_owned(), role));
        }
    }

    fn change(&mut self, grant: &Grant, context: &Context4, catalog: &mut Catalog) {
        let name = |used: &ObjectUse| written(&used.name).map(|name| name.name.as_str().to_owned());
        let to: Vec<String> = grant.grantees.iter().filter_map(name).collect();
        let objects = match &grant.on {
            GrantOn::Object(target) => {
                written(&target.name).and_then(|name| named(target.kind, name, context)).into_iter().collect()
            }
            GrantOn::All(_, container) => written(&container.name)
                .map(|name| tables_in(catalog, container.kind, name, context))
                .unwrap_or_default(),
            GrantOn::Roles(roles) => {
                for (role, to) in roles
                    .iter()
                    .filter_map(name)
                    .flat_map(|role| to.iter().map(move |to| (role.clone(), to.clone())))
                {
                    if grant.revoke {
                        self.roles.remove(&(role, to));
                    } else {
                        self.roles.insert((role, to));
                    }
                }
                return;
            }
            GrantOn::Future(..) | GrantOn::Account | GrantOn::Other => return,
        };
        for object in objects {
            for (privilege, role) in grant.privileges.iter().flat_map(|p| to.iter().map(move |to| (p, to))) {
                let entry = (object.clone(), privilege.clone(), role.clone());
                if grant.revoke {
                    self.granted.remove(&entry);
                } else {
                    self.granted.insert(entry);
                }
            }
        }
    }

    /// A role with all that it has through others, and `PUBLIC`.
    pub(crate) fn in_session(&self, role: Option<&Ident>) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = role.iter().map(|role| role.as_str().to_owned()).collect();
        all.insert("PUBLIC".to_owned());
        loop {
            let more: Vec<String> = self
                .roles
                .iter()
                .filter(|(given, to)| all.contains(to) && !all.contains(given))
                .map(|(given, _)| given.clone())
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    fn rows(&self, object: &str) -> impl Iterator<Item = (&str, &str)> {
        self.granted
            .iter()
            .filter(move |(found, ..)| found == object)
            .map(|(_, privilege, role)| (privilege.as_str(), role.as_str()))
    }

    fn may(&self, roles: &BTreeSet<String>, object: &str, privilege: &str) -> bool {
        self.rows(object)
            .any(|(found, role)| roles.contains(role) && [privilege, "OWNERSHIP"].contains(&found))
    }

    fn sees(&self, roles: &BTreeSet<String>, object: &str) -> bool {
        self.rows(object).any(|(_, role)| roles.contains(role))
    }

    fn uses(&self, roles: &BTreeSet<String>, in_database: &str, in_schema: &str) -> bool {
        self.may(roles, &database(in_database), "USAGE")
            && (in_schema == "INFORMATION_SCHEMA"
                || self.may(roles, &schema(in_database, in_schema), "USAGE"))
    }

    /// Takes away of a login's places what its role may not use.
    pub(crate) fn limit(&self, context: &mut Context4) {
        let roles = self.in_session(context.role.as_ref());
        let may_use = |object: Object| self.may(&roles, &object, "USAGE");
        context.warehouse =
            context.warehouse.take().filter(|name| may_use(object(ObjectKind::Warehouse, &[name.as_str()])));
        context.database = context.database.take().filter(|name| may_use(database(name.as_str())));
        let within = context.database.as_ref();
        context.schema = context
            .schema
            .take()
            .filter(|name| within.is_some_and(|within| may_use(schema(within.as_str(), name.as_str()))));
    }

    /// Why a session may not do this.
    pub(crate) fn refusal(
        &self,
        command: &Command,
        target: Option<&TableName>,
        rewritten: &Rewritten,
        context: &Context4,
    ) -> Option<Failure> {
        let roles = self.in_session(context.role.as_ref());
        let on_target = match command {
            Command::Insert(_) => "INSERT",
            Command::Update { .. } => "UPDATE",
            Command::Delete { .. } => "DELETE",
            Command::CreateTable(made) => {
                return self.may_not_create(&roles, ObjectKind::Table, &made.name, context);
            }
            Command::CreateContainer(made) => {
                return self.may_not_create(&roles, made.kind, &made.name, context);
            }
            _ => "SELECT",
        };
        rewritten.sources.iter().find_map(|source| match source {
            Source::Kept(name) => {
                let privilege = if target == Some(name) { on_target } else { "SELECT" };
                let seen = self.uses(&roles, &name.database, &name.schema) && self.sees(&roles, &table(name));
                if !seen {
                    return Some(missing(&format!("{}.{}.{}", name.database, name.schema, name.table)));
                }
                let allowed = self.may(&roles, &table(name), privilege);
                (!allowed).then(|| insufficient("table", &name.table))
            }
            Source::View { database: name, .. } | Source::History { database: name, .. } => {
                let seen = self.may(&roles, &database(name), "USAGE");
                (!seen).then(|| missing(name))
            }
        })
    }

    fn may_not_create(
        &self,
        roles: &BTreeSet<String>,
        kind: ObjectKind,
        name: &Name,
        context: &Context4,
    ) -> Option<Failure> {
        let name = written(name)?;
        let object = named(kind, name, context)?;
        let (_, path) = object.split_once(' ')?;
        let (container, _) = path.rsplit_once('.')?;
        let (outer, privilege) = match kind {
            ObjectKind::Schema => (ObjectKind::Database, "CREATE SCHEMA"),
            _ => (ObjectKind::Schema, "CREATE TABLE"),
        };
        let allowed = self.may(roles, &self::object(outer, &[container]), privilege);
        (!allowed).then(|| insufficient(&outer.words().to_lowercase(), container))
    }

    /// Whether a row of SHOW or of a view is shown: kind, then database, schema and name as far as it has them.
    pub(crate) fn shows(&self, role: Option<&Ident>, kind: ObjectKind, parts: &[&str]) -> bool {
        self.sees(&self.in_session(role), &object(kind, parts))
    }

    /// `SHOW GRANTS ON <kind> <name>`: to those who have any privilege on it.
    pub(crate) fn show_grants(&self, text: &str, context: &Context4) -> Option<Result<Done, Failure>> {
        let (kind, name) = grants_on(text)?;
        let object = named(kind, &name, context)?;
        if !self.sees(&self.in_session(context.role.as_ref()), &object) {
            return Some(Err(missing(&name.to_string())));
        }
        Some(Ok(listing(&object, self.rows(&object))))
    }
}

/// What the session's role or its warehouse does not allow.
pub(crate) fn refused(world: &World, parsed: &Command, text: &str, context: &Context4) -> Option<Failure> {
    let rewritten = rewrite(text, context, &|name| world.tables.contains_key(name));
    let reads = matches!(
        parsed,
        Command::Query(_) | Command::Insert(_) | Command::Update { .. } | Command::Delete { .. }
    );
    if reads && context.warehouse.is_none() && !rewritten.sources.is_empty() {
        let message = "No active warehouse selected in the current session.  Select an active warehouse with the 'use \
                       warehouse' command.";
        return Some(Failure::new("000606", "57P03", message));
    }
    let name = match parsed {
        Command::Insert(insert) => Some(&insert.table),
        Command::Update { table, .. } | Command::Delete { table, .. } => Some(&table.name),
        _ => None,
    };
    let target = match name {
        Some(Name::Written(name)) => full_name(name, context),
        _ => None,
    };
    world.privileges.as_ref()?.refusal(parsed, target.as_ref(), &rewritten, context)
}

/// `SHOW GRANTS ON` where nothing is enforced: the session's role has everything.
pub(crate) fn show_all_grants(text: &str, context: &Context4) -> Option<Done> {
    let (kind, name) = grants_on(text)?;
    let role = context.role.as_ref()?;
    Some(listing(&named(kind, &name, context)?, std::iter::once(("OWNERSHIP", role.as_str()))))
}

fn listing<'a>(object: &str, rows: impl Iterator<Item = (&'a str, &'a str)>) -> Done {
    let columns = [
        "created_on",
        "privilege",
        "granted_on",
        "name",
        "granted_to",
        "grantee_name",
        "grant_option",
        "granted_by",
    ];
    let (kind, name) = object.split_once(' ').unwrap_or_default();
    let rows = rows.map(|(privilege, role)| {
        let cells = ["2026-01-01 00:00:00.000", privilege, kind, name, "ROLE", role, "false", "SYSADMIN"];
        cells.map(|cell| Some(cell.to_owned())).to_vec()
    });
    Done { columns: columns.map(WireColumn::text).to_vec(), rows: rows.collect(), ..Done::default() }
}

/// The object of a `SHOW GRANTS ON`.
fn grants_on(text: &str) -> Option<(ObjectKind, QualifiedName)> {
    let rest = text.trim().strip_prefix("SHOW GRANTS ON ")?;
    let (kind, _) = rest.split_once(' ')?;
    // A name is read where a statement has one.
    let Ok(Command::Grant(grant)) = command(&format!("GRANT USAGE ON {rest} TO ROLE x")) else { return None };
    let GrantOn::Object(target) = grant.on else { return None };
    (target.kind.words() == kind).then_some((target.kind, written(&target.name)?.clone()))
}

fn tables_in(
    catalog: &mut Catalog,
    kind: ObjectKind,
    name: &QualifiedName,
    context: &Context4,
) -> Vec<Object> {
    let Some(container) = named(kind, name, context) else { return Vec::new() };
    let path: Vec<String> = container
        .split(' ')
        .skip(1)
        .flat_map(|path| path.split('.'))
        .map(|part| Ident::stored(part).quoted())
        .collect();
    let listed = ask(catalog, &format!("SHOW TABLES IN {} {}", kind.words(), path.join(".")));
    let cell = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    listed
        .map(|reply| reply.rows)
        .unwrap_or_default()
        .iter()
        .map(|row| object(ObjectKind::Table, &[&cell(row, 3), &cell(row, 4), &cell(row, 1)]))
        .collect()
}

fn missing(name: &str) -> Failure {
    let message = format!("SQL compilation error:\nObject '{name}' does not exist or not authorized.");
    Failure::new("002003", "42S02", message)
}

fn insufficient(kind: &str, name: &str) -> Failure {
    let name = name.rsplit('.').next().unwrap_or(name);
    let message = format!("SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'");
    Failure::new("003001", "42501", message)
}
