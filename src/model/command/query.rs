//! Queries and expressions, as far as names and shapes go.

use std::fmt;

use super::{DataType, Name};
use crate::model::{ident::Ident, refusal::At};

/// A column as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ColumnRef {
    /// Up to four parts, the column last.
    pub parts: Vec<Ident>,
    /// Where it stands.
    pub at: At,
}

impl ColumnRef {
    /// The column's own name.
    pub fn column(&self) -> Option<&Ident> {
        self.parts.last()
    }
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, part) in self.parts.iter().enumerate() {
            if n > 0 {
                f.write_str(".")?;
            }
            part.fmt(f)?;
        }
        Ok(())
    }
}

/// An expression, as far as names and shapes go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expr {
    /// Columns that it names.
    pub columns: Vec<ColumnRef>,
    /// Queries in it.
    pub queries: Vec<Query>,
    /// Session variables that it reads.
    pub variables: Vec<(Ident, At)>,
    /// Functions whose names have a database or schema, and how they stand in the text.
    pub functions: Vec<Name>,
    /// What it is as a whole.
    pub shape: Shape,
}

/// What an expression is as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shape {
    /// One column and nothing else.
    Column,
    /// A cast of anything to this type.
    Cast(DataType),
    /// The literal NULL.
    Null,
    /// DEFAULT, in a VALUES list.
    Default,
    /// A literal text or number.
    Literal(String),
    /// One query in parentheses.
    Query,
    /// One call of a function.
    Call,
    /// Anything else.
    #[default]
    Other,
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// WITH.
    pub ctes: Vec<Cte>,
    /// WITH RECURSIVE (Snowflake does not ask for the word).
    pub recursive: bool,
    /// The rest.
    pub body: Body,
    /// ORDER BY and LIMIT, whose names may also be those of the output.
    pub order: Vec<Expr>,
}

/// One query of WITH.
#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    /// Name.
    pub name: Ident,
    /// Names of its columns, if given.
    pub columns: Vec<Ident>,
    /// The query; `None` for a procedure or function of WITH.
    pub query: Option<Query>,
}

/// The body of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// SELECT.
    Select(Box<Select>),
    /// UNION, INTERSECT, EXCEPT, MINUS: the first side gives the names.
    Set(Vec<Query>),
    /// The same BY NAME: columns are matched by their names, and there may be more than the first side gives.
    ByName(Vec<Query>),
    /// VALUES.
    Values(Vec<Vec<Expr>>),
    /// A query whose columns are not known here: SHOW, CALL and the like.
    Unknown,
}

/// SELECT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    /// What is selected.
    pub items: Vec<Item>,
    /// FROM.
    pub from: Vec<FromItem>,
    /// WHERE, GROUP BY, HAVING, QUALIFY, CONNECT BY.
    pub conditions: Vec<Expr>,
}

/// One select item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `*` or `t.*`.
    Star {
        /// The relation.
        of: Option<ColumnRef>,
        /// EXCLUDE.
        exclude: Vec<Ident>,
        /// RENAME.
        rename: Vec<(Ident, Ident)>,
        /// ILIKE: which columns is not known here.
        filtered: bool,
    },
    /// An expression.
    Expr {
        /// The expression.
        expr: Expr,
        /// Its name, if given.
        alias: Option<Ident>,
    },
}

/// One relation of FROM.
#[derive(Clone, Debug, PartialEq)]
pub struct FromItem {
    /// What it is.
    pub source: Source,
    /// Its alias.
    pub alias: Option<Ident>,
    /// Aliases of its columns.
    pub columns: Vec<Ident>,
    /// Join conditions, arguments of table functions.
    pub on: Vec<Expr>,
    /// USING columns.
    pub using: Vec<ColumnRef>,
    /// NATURAL.
    pub natural: bool,
}

/// What a relation of FROM is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A table, view, CTE.
    Relation(Name),
    /// A query in parentheses.
    Query(Box<Query>),
    /// FLATTEN, which has known columns.
    Flatten,
    /// A stage.
    Stage(Name),
    /// A table function, PIVOT, `MATCH_RECOGNIZE`, `RESULT_SCAN`: columns not known here.
    Unknown,
}
