//! What names mean at a place of a query.

use super::store::Column;
use crate::model::{
    command::{ColumnRef, DataType},
    ident::{Ident, QualifiedName},
    refusal::SnowflakeError,
};

/// A column that a query gives.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// Its name; `None` for an expression whose name the server makes.
    pub(super) name: Option<Ident>,
    pub(super) data_type: Option<DataType>,
    /// It certainly has no name that a table or view could take.
    pub(super) nameless: bool,
}

/// Columns; `None` where they are not known.
pub(super) type Columns = Option<Vec<Output>>;

/// A relation that is in scope.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// Alias, or the last part of the name.
    pub(super) name: Option<Ident>,
    /// The name as written, if there is no alias.
    pub(super) path: Option<QualifiedName>,
    pub(super) columns: Columns,
}

/// What names mean at a place of a query.
#[derive(Default)]
pub(super) struct Scope<'s> {
    pub(super) relations: Vec<Relation>,
    /// Names of select items.
    pub(super) aliases: Vec<Ident>,
    /// Name of the select item that is read: it does not mean itself.
    pub(super) own: Option<Ident>,
    pub(super) ctes: Vec<(Ident, Columns)>,
    /// USING or NATURAL merged columns: bare names are not ambiguous.
    pub(super) merged: bool,
    pub(super) parent: Option<&'s Scope<'s>>,
}

/// A column of a stored relation as a query gives it.
pub(super) fn output(column: &Column) -> Output {
    Output {
        name: Some(column.name.clone()),
        data_type: column.data_type.clone().map(DataType),
        nameless: false,
    }
}

/// A column with a name and no known type.
pub(super) fn unknown_type(name: Ident) -> Output {
    Output { name: Some(name), data_type: None, nameless: false }
}

pub(super) fn renamed(mut columns: Vec<Output>, names: &[Ident]) -> Vec<Output> {
    for (column, name) in columns.iter_mut().zip(names) {
        column.name = Some(name.clone());
        column.nameless = false;
    }
    columns
}

impl Relation {
    /// The relation that a table is, with its alias.
    pub(super) fn table(name: &QualifiedName, alias: Option<&Ident>, columns: Option<&Vec<Column>>) -> Self {
        Self {
            name: Some(alias.unwrap_or(&name.name).clone()),
            path: alias.is_none().then(|| name.clone()),
            columns: columns.map(|columns| columns.iter().map(output).collect()),
        }
    }

    /// Whether these parts before a column mean this relation.
    pub(super) fn is_named(&self, parts: &[Ident]) -> bool {
        match parts {
            [name] => self.name.as_ref() == Some(name),
            [.., schema, name] => {
                let same = |path: &QualifiedName| {
                    path.name == *name && path.schema.as_ref().is_none_or(|written| written == schema)
                };
                self.path.as_ref().is_some_and(same)
            }
            [] => false,
        }
    }

    fn has(&self, name: &Ident) -> Option<bool> {
        let columns = self.columns.as_ref()?;
        if columns.iter().any(|column| column.name.as_ref() == Some(name)) {
            return Some(true);
        }
        // A column whose name the server makes may be meant.
        if columns.iter().any(|column| column.name.is_none()) { None } else { Some(false) }
    }
}

impl Scope<'_> {
    /// A scope with only these relations.
    pub(super) fn with(relations: Vec<Relation>) -> Self {
        Self { relations, ..Self::default() }
    }

    /// Whether a select item that may be meant has that name.
    fn has_alias(&self, name: &Ident) -> bool {
        let others = self.aliases.iter().filter(|alias| *alias == name).count();
        others > usize::from(self.own.as_ref() == Some(name))
    }

    pub(super) fn cte(&self, name: &Ident) -> Option<&Columns> {
        let own = self.ctes.iter().rev().find(|(known, _)| known == name).map(|(_, columns)| columns);
        own.or_else(|| self.parent?.cte(name))
    }
}

/// Words that name a value in some clause and may stand where columns do.
fn is_pseudo_column(name: &str) -> bool {
    matches!(name, "LEVEL" | "CONNECT_BY_ISLEAF" | "CONNECT_BY_ISCYCLE") || name.starts_with("METADATA$")
}

/// Finds a column, or refuses it where all that could hold it is known.
pub(super) fn resolve(column: &ColumnRef, scope: &Scope<'_>) -> Result<(), SnowflakeError> {
    let Some((name, qualifier)) = column.parts.split_last() else { return Ok(()) };
    if is_pseudo_column(name.as_str()) {
        return Ok(());
    }
    let mut at = Some(scope);
    while let Some(scope) = at {
        if qualifier.is_empty() {
            let mut holders = 0;
            for relation in &scope.relations {
                match relation.has(name) {
                    None => return Ok(()),
                    Some(true) => holders += 1,
                    Some(false) => {}
                }
            }
            if holders > 1 && !scope.merged && !scope.has_alias(name) {
                return Err(SnowflakeError::ambiguous(name));
            }
            if holders > 0 || scope.has_alias(name) {
                return Ok(());
            }
        } else if let Some(relation) = scope.relations.iter().find(|relation| relation.is_named(qualifier)) {
            return match relation.has(name) {
                Some(false) => Err(SnowflakeError::invalid_identifier(column.at, column)),
                _ => Ok(()),
            };
        } else if scope.relations.iter().any(|relation| relation.name.is_none() && relation.columns.is_none())
        {
            return Ok(());
        }
        at = scope.parent;
    }
    // An expression of WITH under that name.
    if qualifier.is_empty() && scope.cte(name).is_some_and(Option::is_none) {
        return Ok(());
    }
    Err(SnowflakeError::invalid_identifier(column.at, column))
}

/// A column of USING must stand on both sides of the join.
pub(super) fn shared(column: &ColumnRef, relations: &[Relation]) -> Result<(), SnowflakeError> {
    let Some(name) = column.column() else { return Ok(()) };
    let holders: Option<Vec<bool>> = relations.iter().map(|relation| relation.has(name)).collect();
    match holders {
        Some(holders) if holders.iter().filter(|has| **has).count() < 2 => {
            Err(SnowflakeError::invalid_identifier(column.at, column))
        }
        _ => Ok(()),
    }
}

/// The type of a column that was found.
pub(super) fn type_of(column: &ColumnRef, scope: &Scope<'_>) -> Option<DataType> {
    let (name, qualifier) = column.parts.split_last()?;
    let of = |relation: &&Relation| qualifier.is_empty() || relation.is_named(qualifier);
    let mut found = scope.relations.iter().filter(of).filter_map(|relation| {
        relation.columns.as_ref()?.iter().find(|output| output.name.as_ref() == Some(name))
    });
    found.next()?.data_type.clone()
}
