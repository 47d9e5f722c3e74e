//! One statement at work.

use std::{collections::BTreeSet, fmt};

use super::{Catalog, Reply, SessionState, Stamp, lookup::Found};
use crate::model::{
    command::{Name, ObjectUse},
    ident::Ident,
    kind::{KindScope, ObjectKind},
    refusal::SnowflakeError,
};

/// In every warning of an object that only the account can know.
const UNLISTED: &str = "is not created by this project and not listed";

/// Whether a warning is about an object of the account that is not listed: it holds for the whole run.
pub fn is_unlisted(warning: &str) -> bool {
    warning.contains(UNLISTED)
}

/// The catalogue, the session and what is to be said about one statement.
pub(super) struct Work<'a> {
    pub(super) catalog: &'a mut Catalog,
    pub(super) session: &'a mut SessionState,
    pub(super) stamp: &'a Stamp,
    pub(super) warnings: Vec<String>,
    /// Something that only the server knows took part.
    pub(super) recorded: bool,
    /// Views whose text was already checked for this statement.
    pub(super) seen: BTreeSet<String>,
    /// How deep it may run other statements.
    pub(super) depth: usize,
}

/// Why a statement is not carried out.
#[derive(Debug)]
pub(super) enum Stop {
    /// Snowflake would refuse it.
    Refused(Box<SnowflakeError>),
    /// It names something that only the server knows.
    Unknowable,
}

impl From<SnowflakeError> for Stop {
    fn from(error: SnowflakeError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// How far a statement was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    Applied,
    Checked,
    Recorded,
    Opaque,
}

impl Grade {
    /// How far two statements together were carried out.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Opaque, _) | (_, Self::Opaque) => Self::Opaque,
            (Self::Recorded, _) | (_, Self::Recorded) => Self::Recorded,
            (Self::Applied, _) | (_, Self::Applied) => Self::Applied,
            (Self::Checked, Self::Checked) => Self::Checked,
        }
    }
}

/// Result of a statement.
pub(super) type Done = Result<(Grade, Reply), Stop>;

/// An answer with only a message.
pub(super) fn say(message: impl fmt::Display) -> Reply {
    let message = message.to_string();
    Reply {
        columns: vec!["status".to_owned()],
        rows: vec![vec![Some(message.clone())]],
        message,
        ..Reply::default()
    }
}

/// The answer of statements that have nothing to say.
pub(super) fn done() -> Reply {
    say("Statement executed successfully.")
}

impl Work<'_> {
    /// One warning a name: an object of the account that is not known here.
    fn unknown_account_object(&mut self, kind: ObjectKind, name: &Ident) {
        let list = match kind {
            ObjectKind::Role => "roles",
            ObjectKind::Warehouse | ObjectKind::InteractiveWarehouse => "warehouses",
            _ => "others",
        };
        let words = kind.words().to_ascii_lowercase();
        let warning =
            format!("{words} {name} {UNLISTED}: add it to externals.{list} if it exists in the account");
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
        self.recorded = true;
    }

    /// Checks that an object of the account exists: refused if a statement dropped it, a warning if it was never
    /// heard of.
    pub(super) fn check_account(&mut self, kind: ObjectKind, name: &Ident) -> Result<(), Stop> {
        let space = kind.name_space();
        let known =
            self.catalog.objects.get(space).is_some_and(|objects| objects.contains_key(name.as_str()));
        if known {
            return Ok(());
        }
        if self.catalog.gone.get(space).is_some_and(|gone| gone.contains(name)) {
            return Err(SnowflakeError::missing(kind, name).into());
        }
        if self.catalog.others.contains(name) {
            return Ok(());
        }
        self.unknown_account_object(kind, name);
        Ok(())
    }

    /// Checks that an object that a statement names exists.
    pub(super) fn check_use(&mut self, kind: ObjectKind, name: &Name) -> Result<(), Stop> {
        let Some(name) = self.written(name)? else {
            self.recorded = true;
            return Ok(());
        };
        match kind.scope() {
            KindScope::Account if kind.name_space() == "database" => self.database(&name.name).map(|_| ()),
            KindScope::Account => self.check_account(kind, &name.name),
            KindScope::Database if kind == ObjectKind::Schema => {
                let (database, schema) = self.schema_of_name(&name, "USE")?;
                self.schema(&database, &schema).map(|_| ())
            }
            KindScope::Database => self.check_database_role(&name),
            KindScope::Schema => self.check_schema_object(kind, &name),
            KindScope::Organization | KindScope::Application | KindScope::Relation | KindScope::Run => {
                self.recorded = true;
                Ok(())
            }
        }
    }

    fn check_database_role(&mut self, name: &crate::model::ident::QualifiedName) -> Result<(), Stop> {
        let database = name.schema.clone().or_else(|| self.session.context.database.clone());
        let database = database.ok_or_else(|| SnowflakeError::no_database("GRANT"))?;
        let found = self.database(&database)?;
        let known =
            found.objects.get("database role").is_some_and(|roles| roles.contains_key(name.name.as_str()));
        if known {
            return Ok(());
        }
        if found.open || found.may_hide(ObjectKind::DatabaseRole) {
            self.recorded = true;
            return Ok(());
        }
        let full = format!("{database}.{}", name.name);
        Err(SnowflakeError::missing(ObjectKind::DatabaseRole, full).into())
    }

    fn check_schema_object(
        &mut self,
        kind: ObjectKind,
        name: &crate::model::ident::QualifiedName,
    ) -> Result<(), Stop> {
        let place = self.place(name, "SELECT")?;
        if kind.is_routine() {
            return match self.routines(kind, &place)? {
                Some(found) if found.is_empty() => Err(SnowflakeError::missing(kind, &place).into()),
                Some(_) => Ok(()),
                None => {
                    self.recorded = true;
                    Ok(())
                }
            };
        }
        match self.find(kind, &place)? {
            Found::Here(_) => Ok(()),
            Found::Unseen => {
                self.recorded = true;
                Ok(())
            }
            // A Git repository is a stage too.
            Found::Missing
                if kind == ObjectKind::Stage && self.exists(ObjectKind::GitRepository, &place)? =>
            {
                Ok(())
            }
            Found::Missing => Err(SnowflakeError::missing(kind, &place).into()),
        }
    }

    /// Checks all objects that a statement names.
    pub(super) fn check_uses(&mut self, uses: &[ObjectUse]) -> Result<(), Stop> {
        uses.iter().try_for_each(|one| self.check_use(one.kind, &one.name))
    }
}
