//! A pure model of Snowflake's catalogue: which objects there are and what a statement does to them.
//!
//! It knows names, columns, types and dependencies, and refuses in Snowflake's words what Snowflake would refuse. It
//! is blind to data, and does not enforce privileges. Where something is not known (a database that others own, a
//! table function's columns) it lets the statement pass and says how far it was checked: a false refusal would be
//! the worse fault.

mod alter;
mod clauses;
mod column;
mod containers;
mod context;
mod create;
mod defaults;
mod dml;
mod drop;
mod grant;
mod links;
mod literal;
mod lookup;
mod lost;
mod object;
mod or_alter;
mod outline;
mod privileges;
mod refs;
mod run;
mod scope;
mod select;
mod show;
mod snapshots;
mod store;
mod streams;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod text;
mod work;

pub use clauses::{Clauses, plain};
pub use context::SessionState;
pub use defaults::is_sequence;
pub use outline::{LISTED, holds_secret};
pub use run::unread;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
pub use store::{Column, Database, FutureGrant, Key, KeyRule, Link, Object, Objects, Schema, State, Watched};
pub use work::is_unlisted;
use work::{Grade, Stop, Work};

use crate::model::{
    command::Command, facts::Verb, ident::Ident, kind::ObjectKind, refusal::SnowflakeError, target::Context4,
};

/// What a new catalogue starts with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seed {
    /// Account name.
    pub account: String,
    /// The environment's own role, warehouse, database and schema, which exist at start.
    pub context: Context4,
    /// What the project uses and does not create.
    pub externals: Externals,
    /// Committed snapshots: more of what it uses and does not create, with columns.
    pub snapshots: Vec<Catalog>,
    /// Server time, RFC 3339.
    pub now: String,
}

/// What a project uses and does not create. Names are read as SQL reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Externals {
    /// Databases whose content is not known: `RAW` or `RAW.*`.
    pub databases: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Warehouses.
    pub warehouses: Vec<String>,
    /// Users, integrations, shares, monitors and other objects of the account.
    pub others: Vec<String>,
}

/// Roles that every account has.
const SYSTEM_ROLES: &[&str] =
    &["ACCOUNTADMIN", "ORGADMIN", "GLOBALORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

/// Snowflake's own database, which every account can read.
const SNOWFLAKE: &str = "SNOWFLAKE";

/// All objects of an account that are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::catalog) account: String,
    /// Full names that came from the project's lists and committed snapshots: what a statement has dropped or renamed
    /// since does not come back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::catalog) taken_in: BTreeSet<String>,
    /// What whoever filled it could not see: words of kinds, `COLUMNS`, `KEYS`, `GRANTS`, ..., with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::catalog) unseen: BTreeMap<String, String>,
    pub(in crate::catalog) databases: BTreeMap<Ident, Database>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::catalog) dropped: Vec<(Ident, Database)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::catalog) objects: Objects,
    /// Account-level objects that were dropped or renamed by a statement, by name space.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::catalog) gone: BTreeMap<String, BTreeSet<Ident>>,
    /// Names under `externals.others`, of any kind.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::catalog) others: BTreeSet<Ident>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::catalog) grants: BTreeSet<String>,
}

/// Server time and query id of one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Server time, RFC 3339.
    pub now: String,
    /// Query id.
    pub query_id: String,
}

/// What became of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Its effect is fully modelled.
    Applied(Reply),
    /// Names and columns that it uses exist as far as is known; no rows were read or changed.
    Checked(Reply),
    /// Its syntax was read and its targets exist; Snowflake alone decides the rest.
    Recorded(Reply),
    /// Its body was not looked into.
    Opaque(Reply),
    /// Snowflake would refuse it. Nothing was changed, but DDL has ended an open transaction all the same.
    Refused(SnowflakeError),
}

impl Effect {
    /// The answer, unless the statement was refused.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Applied(reply) | Self::Checked(reply) | Self::Recorded(reply) | Self::Opaque(reply) => {
                Some(reply)
            }
            Self::Refused(_) => None,
        }
    }
}

/// The answer to a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What the server says.
    pub message: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Option<String>>>,
    /// Rows changed by DML; the model has no rows, so this is zero.
    pub changed: u64,
    /// What a person should know, one a name.
    pub warnings: Vec<String>,
}

impl Catalog {
    /// A catalogue with what `seed` says and nothing else.
    pub fn new(seed: &Seed) -> Self {
        let mut catalog = Self { account: seed.account.clone(), ..Self::default() };
        catalog.extend(seed);
        catalog
    }

    /// Adds what `seed` lists and the catalogue lacks: the lists may have grown since it was stored.
    pub fn extend(&mut self, seed: &Seed) {
        let mut add = |kind: ObjectKind, name: Ident| {
            if self.gone.get(kind.name_space()).is_some_and(|gone| gone.contains(&name)) {
                return;
            }
            let space = self.objects.entry(kind.name_space().to_owned()).or_default();
            let key = name.as_str().to_owned();
            space.entry(key).or_insert_with(|| Object::new(kind, name, &seed.now));
        };
        for role in SYSTEM_ROLES {
            add(ObjectKind::Role, Ident::stored(*role));
        }
        let context = &seed.context;
        let own = [(ObjectKind::Role, &context.role), (ObjectKind::Warehouse, &context.warehouse)];
        for (kind, name) in own {
            if let Some(name) = name {
                add(kind, name.clone());
            }
        }
        for name in &seed.externals.roles {
            add(ObjectKind::Role, Ident::written(name));
        }
        for name in &seed.externals.warehouses {
            add(ObjectKind::Warehouse, Ident::written(name));
        }
        self.others.extend(seed.externals.others.iter().map(|name| Ident::written(name)));
        let open = seed.externals.databases.iter().map(|pattern| {
            let name = pattern.split_once('.').map_or(pattern.as_str(), |(name, _)| name);
            Ident::written(name)
        });
        for name in open.chain([Ident::stored(SNOWFLAKE)]) {
            if self.is_news(&[name.as_str()]) && !self.dropped.iter().any(|(dropped, _)| *dropped == name) {
                self.databases.entry(name).or_insert_with(|| Database::open(&seed.now));
            }
        }
        for snapshot in &seed.snapshots {
            self.take_in(snapshot, &seed.now);
        }
        let Some(database) = &context.database else { return };
        if self.is_news(&[database.as_str()]) && !self.dropped.iter().any(|(old, _)| old == database) {
            self.databases.entry(database.clone()).or_insert_with(|| Database::new(&seed.now));
        }
        let Some(schema) = &context.schema else { return };
        if self.is_news(&[database.as_str(), schema.as_str()])
            && let Some(found) = self.databases.get_mut(database)
            && !found.dropped.iter().any(|(old, _)| old == schema)
        {
            found.schema_entry(schema, &seed.now);
        }
    }

    /// A catalogue of these databases. `unseen`: what is not known of them, with the reason.
    pub fn of(databases: BTreeMap<Ident, Database>, unseen: BTreeMap<String, String>) -> Self {
        Self { unseen, databases, ..Self::default() }
    }

    /// Its databases.
    pub fn databases(&self) -> &BTreeMap<Ident, Database> {
        &self.databases
    }

    /// What whoever filled it could not see, with the reason: words of kinds, `COLUMNS`, `KEYS`, `GRANTS`. Absence there
    /// says nothing.
    pub fn unseen(&self) -> &BTreeMap<String, String> {
        &self.unseen
    }

    /// The catalogue as text: stable, one fact a line, to be reviewed and compared.
    pub fn to_text(&self) -> String {
        text::write(self)
    }

    /// Reads what [`Catalog::to_text`] wrote.
    ///
    /// # Errors
    /// A sentence that says what is wrong and in which line.
    pub fn from_text(text: &str) -> Result<Self, String> {
        text::read(text)
    }
}

/// Applies one statement to `catalog` and `session`. A refused statement changes neither, but that DDL ends an open
/// transaction. The same arguments always give the same result.
pub fn apply(catalog: &mut Catalog, session: &mut SessionState, command: &Command, stamp: &Stamp) -> Effect {
    apply_within(catalog, session, command, stamp, run::DEEPEST)
}

/// As [`apply`], for a statement that another one runs: it may run others `depth` deep.
fn apply_within(
    catalog: &mut Catalog,
    session: &mut SessionState,
    command: &Command,
    stamp: &Stamp,
    depth: usize,
) -> Effect {
    if context::is_ddl(command) {
        session.transaction = false;
    }
    let mut work =
        Work { catalog, session, stamp, warnings: Vec::new(), recorded: false, seen: BTreeSet::new(), depth };
    let result = dispatch(&mut work, command);
    if matches!(result, Ok((Grade::Opaque, _)) | Err(Stop::Unknowable)) {
        tasks::forget_what_runs(work.catalog);
        if depth == run::DEEPEST {
            run::may_have_made(&mut work, command);
        }
    }
    let (warnings, recorded) = (work.warnings, work.recorded);
    match result {
        Ok((grade, mut reply)) => {
            reply.warnings = warnings;
            match grade {
                Grade::Applied | Grade::Checked if recorded => Effect::Recorded(reply),
                Grade::Applied => Effect::Applied(reply),
                Grade::Checked => Effect::Checked(reply),
                Grade::Recorded => Effect::Recorded(reply),
                Grade::Opaque => Effect::Opaque(reply),
            }
        }
        Err(Stop::Refused(error)) => Effect::Refused(*error),
        Err(Stop::Unknowable) => Effect::Opaque(Reply { warnings, ..work::done() }),
    }
}

fn dispatch(work: &mut Work<'_>, command: &Command) -> work::Done {
    match command {
        Command::CreateContainer(def) => create::container(work, def),
        Command::CreateTable(def) => table::create(work, def),
        Command::CreateView(def) => create::view(work, def),
        Command::CreateObject(def) => object::create(work, def),
        Command::Alter { target, actions } => alter::alter(work, target, actions),
        Command::Drop(target) => drop::drop(work, target),
        Command::Undrop(target) => drop::undrop(work, target),
        Command::Comment { target, column, text } => alter::comment(work, target, column.as_ref(), text),
        Command::Grant(grant) => grant::grant(work, grant),
        Command::Use(to) => context::use_(work, to),
        Command::Set { values, reads } => context::set(work, values, reads),
        Command::Unset(names) => Ok(context::unset(work, names)),
        Command::AlterSession { set, unset } => Ok(context::alter_session(work, set, unset)),
        Command::Insert(insert) => dml::insert(work, insert),
        Command::InsertMany { into, query } => dml::insert_many(work, into, query),
        Command::Update { table, from, set, filter } => dml::update(work, table, from, set, filter),
        Command::Delete { table, using, filter } => dml::delete(work, table, using, filter),
        Command::Merge { table, source, on, clauses } => dml::merge(work, table, source, on, clauses),
        Command::Truncate(target) => dml::truncate(work, target),
        Command::Copy(copy) => dml::copy(work, copy),
        Command::Query(query) => dml::query(work, query),
        Command::Explain(inner) => explain(work, inner),
        Command::Show(show) => show::show(work, show),
        Command::Describe(target) => show::describe(work, target),
        Command::Begin => Ok(context::transaction(work, true)),
        Command::Commit | Command::Rollback => Ok(context::transaction(work, false)),
        Command::Call { name, arguments, .. } => run::call(work, name, arguments),
        Command::Execute(target) => {
            work.check_use(target.kind, &target.name)?;
            if target.kind == ObjectKind::Task {
                tasks::may_execute(work, &target.name)?;
            }
            Ok((Grade::Checked, work::done()))
        }
        Command::ExecuteFrom(stages) => {
            work.check_uses(stages)?;
            Ok((Grade::Opaque, work::done()))
        }
        Command::ExecuteImmediate(text) => run::immediate(work, text),
        Command::Block(block) => run::block(work, block),
        Command::Opaque { .. } => Ok((Grade::Opaque, work::done())),
        Command::Other { verb, uses, .. } => {
            for one in uses {
                work.check_use(one.kind, &one.name)?;
            }
            let looks = matches!(verb, Verb::Show | Verb::List | Verb::Transfer | Verb::Remove);
            let grade = if looks { Grade::Checked } else { Grade::Recorded };
            Ok((grade, work::done()))
        }
    }
}

/// EXPLAIN compiles a statement and does nothing: it is applied to a copy.
fn explain(work: &mut Work<'_>, inner: &Command) -> work::Done {
    let mut catalog = work.catalog.clone();
    let mut session = work.session.clone();
    match apply(&mut catalog, &mut session, inner, work.stamp) {
        Effect::Refused(error) => Err(error.into()),
        Effect::Applied(reply) | Effect::Checked(reply) => Ok(explained(work, reply, Grade::Checked)),
        Effect::Recorded(reply) => Ok(explained(work, reply, Grade::Recorded)),
        Effect::Opaque(reply) => Ok(explained(work, reply, Grade::Opaque)),
    }
}

fn explained(work: &mut Work<'_>, inner: Reply, grade: Grade) -> (Grade, Reply) {
    work.warnings.extend(inner.warnings);
    (grade, work::done())
}
