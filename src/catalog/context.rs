//! The session: where it stands, its variables, parameters, transaction and temporary objects.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    lookup::Found,
    select::Reading,
    store::Objects,
    work::{Done, Grade, Stop, Work, done},
};
use crate::model::{
    command::{Command, Constant, Expr, Name, Use},
    ident::Ident,
    kind::ObjectKind,
    refusal::{At, SnowflakeError, UNKNOWN_CODE},
    target::Context4,
};

/// A session of the embedded engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionState {
    /// Role, warehouse, database and schema.
    pub context: Context4,
    /// Session variables; the value of those whose value can be told.
    pub variables: BTreeMap<Ident, Option<String>>,
    /// Session parameters that were set, as written.
    pub parameters: BTreeMap<String, String>,
    /// Temporary objects by database and schema.
    pub(in crate::catalog) temporary: BTreeMap<(Ident, Ident), Objects>,
    /// Grants of objects that were dropped in this session, by name space and name.
    pub(in crate::catalog) dropped_grants: BTreeMap<(String, String), BTreeSet<String>>,
    /// A transaction is open.
    pub(in crate::catalog) transaction: bool,
    /// AUTOCOMMIT was switched off: DML opens a transaction.
    pub(in crate::catalog) manual_commit: bool,
    /// A name that only the server knows was used: where the session stands is not known.
    pub(in crate::catalog) astray: bool,
}

impl SessionState {
    /// A new session that stands there.
    pub fn new(context: Context4) -> Self {
        Self { context, ..Self::default() }
    }

    /// Whether a transaction is open.
    pub fn transaction_open(&self) -> bool {
        self.transaction
    }

    /// Whether it has state that no statement takes back: temporary objects.
    pub fn has_temporary_objects(&self) -> bool {
        self.temporary.values().any(|objects| !objects.is_empty())
    }
}

/// Whether a statement commits an open transaction (DDL does, DML and TRUNCATE do not).
pub(super) fn is_ddl(command: &Command) -> bool {
    match command {
        Command::CreateContainer(_)
        | Command::CreateTable(_)
        | Command::CreateView(_)
        | Command::CreateObject(_)
        | Command::Alter { .. }
        | Command::Drop(_)
        | Command::Undrop(_)
        | Command::Comment { .. }
        | Command::Grant(_) => true,
        Command::AlterSession { set, unset } => {
            set.iter().map(|(name, _)| name).chain(unset).any(|name| name == "AUTOCOMMIT")
        }
        Command::Other { ddl, .. } => *ddl,
        Command::Use(_)
        | Command::Set { .. }
        | Command::Unset(_)
        | Command::Insert(_)
        | Command::InsertMany { .. }
        | Command::Update { .. }
        | Command::Delete { .. }
        | Command::Merge { .. }
        | Command::Truncate(_)
        | Command::Copy(_)
        | Command::Query(_)
        | Command::Explain(_)
        | Command::Show(_)
        | Command::Describe(_)
        | Command::Begin
        | Command::Commit
        | Command::Rollback
        | Command::Call { .. }
        | Command::ExecuteImmediate(_)
        | Command::ExecuteFrom(_)
        | Command::Block(_)
        | Command::Execute(_)
        | Command::Opaque { .. } => false,
    }
}

/// The refusal of a variable that was never set.
pub(super) fn missing_variable(name: &Ident, at: At) -> SnowflakeError {
    SnowflakeError::at(UNKNOWN_CODE, "02000", at, format_args!("Session variable '${name}' does not exist"))
}

pub(super) fn use_(work: &mut Work<'_>, to: &Use) -> Done {
    let done = go(work, to);
    if let (Err(Stop::Unknowable), Use::Database(_) | Use::Schema(_) | Use::Bare(_)) = (&done, to) {
        work.session.context.database = None;
        work.session.context.schema = None;
        work.session.astray = true;
    }
    done
}

fn go(work: &mut Work<'_>, to: &Use) -> Done {
    match to {
        Use::Role(name) => {
            let name = work.known(name)?.name;
            account_object(work, ObjectKind::Role, &name)?;
            work.session.context.role = Some(name);
        }
        Use::Warehouse(name) => {
            let name = work.known(name)?.name;
            account_object(work, ObjectKind::Warehouse, &name)?;
            work.session.context.warehouse = Some(name);
        }
        Use::Database(name) => {
            let name = work.known(name)?.name;
            use_database(work, name)?;
        }
        Use::Schema(name) => use_schema(work, name)?,
        Use::Bare(name) => {
            let known = work.known(name)?;
            if known.schema.is_none() && work.catalog.databases.contains_key(&known.name) {
                use_database(work, known.name)?;
            } else if known.schema.is_some() {
                use_schema(work, name)?;
            } else {
                return Err(SnowflakeError::missing_scope().into());
            }
        }
        Use::SecondaryRoles => return Ok((Grade::Recorded, done())),
    }
    Ok((Grade::Applied, done()))
}

fn account_object(work: &mut Work<'_>, kind: ObjectKind, name: &Ident) -> Result<(), Stop> {
    work.check_account(kind, name).map_err(|_| SnowflakeError::missing_scope().into())
}

fn use_database(work: &mut Work<'_>, name: Ident) -> Result<(), Stop> {
    let database = work.database(&name).map_err(|_| SnowflakeError::missing_scope())?;
    let public = Ident::stored("PUBLIC");
    let has_public = database.open || database.schemas.contains_key(&public);
    work.session.context.database = Some(name);
    work.session.context.schema = has_public.then_some(public);
    Ok(())
}

fn use_schema(work: &mut Work<'_>, name: &Name) -> Result<(), Stop> {
    let name = work.known(name)?;
    let (database, schema) = work.schema_of_name(&name, "USE SCHEMA")?;
    work.schema(&database, &schema).map_err(|_| SnowflakeError::missing_scope())?;
    work.session.context.database = Some(database);
    work.session.context.schema = Some(schema);
    Ok(())
}

pub(super) fn set(work: &mut Work<'_>, values: &[(Ident, Option<Constant>)], reads: &[Expr]) -> Done {
    Reading::of(work).exprs(reads)?;
    let told: Vec<_> = values
        .iter()
        .map(|(name, constant)| {
            (name.clone(), constant.as_ref().and_then(|constant| value(work.session, constant)))
        })
        .collect();
    work.session.variables.extend(told);
    Ok((Grade::Applied, done()))
}

/// The value of a constant, where all that it reads is known.
pub(super) fn value(session: &SessionState, constant: &Constant) -> Option<String> {
    let name = |name: &Option<Ident>| name.as_ref().map(|name| name.as_str().to_owned());
    match constant {
        Constant::Text(text) => Some(text.clone()),
        Constant::Variable(name) => session.variables.get(name)?.clone(),
        Constant::Join(parts) => parts.iter().map(|part| value(session, part)).collect(),
        Constant::Upper(inner) => value(session, inner).map(|text| text.to_uppercase()),
        Constant::Lower(inner) => value(session, inner).map(|text| text.to_lowercase()),
        Constant::Database => name(&session.context.database),
        Constant::Schema => name(&session.context.schema),
        Constant::Role => name(&session.context.role),
        Constant::Warehouse => name(&session.context.warehouse),
    }
}

pub(super) fn unset(work: &mut Work<'_>, names: &[Ident]) -> (Grade, super::Reply) {
    for name in names {
        work.session.variables.remove(name);
    }
    (Grade::Applied, done())
}

pub(super) fn alter_session(
    work: &mut Work<'_>,
    set: &[(String, String)],
    unset: &[String],
) -> (Grade, super::Reply) {
    for (name, value) in set {
        if name == "AUTOCOMMIT" {
            work.session.manual_commit = value.trim_matches('\'').eq_ignore_ascii_case("FALSE");
        }
        if name == "QUOTED_IDENTIFIERS_IGNORE_CASE" {
            // Quoted names would fold too, which this model does not do.
            work.recorded = true;
        }
        work.session.parameters.insert(name.clone(), value.clone());
    }
    for name in unset {
        work.session.parameters.remove(name);
        if name == "AUTOCOMMIT" {
            work.session.manual_commit = false;
        }
    }
    (Grade::Applied, done())
}

pub(super) fn transaction(work: &mut Work<'_>, open: bool) -> (Grade, super::Reply) {
    work.session.transaction = open;
    (Grade::Applied, done())
}

impl Work<'_> {
    /// DML outside a transaction opens one if AUTOCOMMIT is off.
    pub(super) fn touched_data(&mut self) {
        self.session.transaction |= self.session.manual_commit;
    }

    /// After a container is gone: the session has none.
    pub(super) fn left(&mut self, database: &Ident, schema: Option<&Ident>) {
        let context = &mut self.session.context;
        if context.database.as_ref() != Some(database) {
            return;
        }
        match schema {
            Some(schema) if context.schema.as_ref() != Some(schema) => {}
            Some(_) => context.schema = None,
            None => {
                context.schema = None;
                context.database = None;
            }
        }
    }

    /// Whether a relation is known to be there under that name.
    pub(super) fn exists(&self, kind: ObjectKind, place: &super::lookup::Place) -> Result<bool, Stop> {
        Ok(!matches!(self.find(kind, place)?, Found::Missing))
    }
}
