//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY and SELECT: names, columns and widths.

use super::{
    literal,
    lookup::{Found, Place},
    scope::{Columns, Relation, Scope},
    select::Reading,
    store::Column,
    work::{Done, Grade, Stop, Work, done},
};
use crate::model::{
    command::{
        ColumnRef, Copy, Expr, FromItem, Insert, InsertSource, MergeClause, Name, Query, Shape, TableRef,
        Target,
    },
    ident::{Ident, QualifiedName},
    kind::{KindScope, ObjectKind},
    refusal::SnowflakeError,
};

/// A table that is written to: its columns, where they are known.
struct Written {
    name: QualifiedName,
    place: Place,
    columns: Option<Vec<Column>>,
}

fn target(work: &Work<'_>, name: &Name, statement: &str) -> Result<Written, Stop> {
    let name = work.known(name)?;
    let place = work.place(&name, statement)?;
    match work.find(ObjectKind::Table, &place)? {
        Found::Here(object) => {
            let columns = object.known_columns().cloned();
            Ok(Written { name, place, columns })
        }
        Found::Unseen => Ok(Written { name, place, columns: None }),
        // INSERT and MERGE say what they want, UPDATE and DELETE do not.
        Found::Missing if matches!(statement, "UPDATE" | "DELETE") => {
            Err(SnowflakeError::missing_object(&name).into())
        }
        Found::Missing => Err(SnowflakeError::missing_table(&name).into()),
    }
}

impl Written {
    fn relation(&self, alias: Option<&Ident>) -> Relation {
        Relation::table(&self.name, alias, self.columns.as_ref())
    }

    /// Columns that are named must be there.
    fn require(&self, columns: &[ColumnRef]) -> Result<(), Stop> {
        let Some(known) = &self.columns else { return Ok(()) };
        for column in columns {
            let name = column.column();
            if !known.iter().any(|stored| Some(&stored.name) == name) {
                return Err(SnowflakeError::invalid_identifier(column.at, column).into());
            }
        }
        Ok(())
    }

    /// How many values a row must have; `None` where that is not known.
    fn width(&self, columns: &[ColumnRef]) -> Option<usize> {
        if columns.is_empty() {
            return Some(self.columns.as_ref()?.iter().filter(|column| !column.computed).count());
        }
        Some(columns.len())
    }

    /// The columns that a row gives values to, in its order.
    fn targets<'a>(&'a self, columns: &'a [ColumnRef]) -> Vec<Option<&'a Column>> {
        let Some(known) = &self.columns else { return Vec::new() };
        if columns.is_empty() {
            return known.iter().filter(|column| !column.computed).map(Some).collect();
        }
        columns.iter().map(|named| known.iter().find(|column| Some(&column.name) == named.column())).collect()
    }

    /// Literals that their columns can never take.
    fn check_literals(&self, columns: &[ColumnRef], row: &[Expr], runs: bool) -> Result<(), Stop> {
        for (column, value) in self.targets(columns).into_iter().zip(row) {
            if let Some(column) = column {
                literal::fits(&self.place, column, value, runs)?;
            }
        }
        Ok(())
    }

    /// NULL, or nothing, for a column that must have a value.
    fn check_nulls(&self, columns: &[ColumnRef], row: &[Expr]) -> Result<(), Stop> {
        let Some(known) = &self.columns else { return Ok(()) };
        let named: Vec<&Ident> = if columns.is_empty() {
            known.iter().filter(|column| !column.computed).map(|column| &column.name).collect()
        } else {
            columns.iter().filter_map(ColumnRef::column).collect()
        };
        for column in
            known.iter().filter(|column| column.not_null && !column.autoincrement && !column.computed)
        {
            let at = named.iter().position(|name| **name == column.name);
            let null = match at {
                Some(at) => row.get(at).is_some_and(|value| {
                    value.shape == Shape::Null || value.shape == Shape::Default && column.default.is_none()
                }),
                None => column.default.is_none(),
            };
            if null {
                let message = format!(
                    "DML operation to table {} failed on column {} with error: NULL result in a non-nullable column",
                    self.name, column.name
                );
                return Err(SnowflakeError::bare("100072", "22000", message).into());
            }
        }
        Ok(())
    }
}

pub(super) fn insert(work: &mut Work<'_>, insert: &Insert) -> Done {
    one_insert(work, insert, None)?;
    work.touched_data();
    Ok((Grade::Checked, done()))
}

fn one_insert(work: &mut Work<'_>, insert: &Insert, shared: Option<&Columns>) -> Result<(), Stop> {
    let table = target(work, &insert.table, "INSERT")?;
    table.require(&insert.columns)?;
    let names = insert.columns.iter().filter_map(ColumnRef::column);
    super::create::duplicate(names)?;
    let expected = table.width(&insert.columns);
    let fits = |got: usize| match expected {
        Some(expected) if expected != got => Err(Stop::from(SnowflakeError::width(expected, got))),
        _ => Ok(()),
    };
    match &insert.source {
        InsertSource::Values(rows) => {
            for row in rows {
                fits(row.len())?;
                table.check_nulls(&insert.columns, row)?;
                table.check_literals(&insert.columns, row, true)?;
                if shared.is_none() {
                    Reading::of(work).exprs(row)?;
                }
            }
        }
        InsertSource::Query(query) => {
            if let Some(found) = Reading::of(work).top(query)? {
                fits(found.len())?;
            }
        }
        InsertSource::Shared => {
            if let Some(Some(found)) = shared {
                fits(found.len())?;
            }
        }
    }
    Ok(())
}

pub(super) fn insert_many(work: &mut Work<'_>, into: &[Insert], query: &Query) -> Done {
    let found = Reading::of(work).top(query)?;
    for one in into {
        one_insert(work, one, Some(&found))?;
    }
    work.touched_data();
    Ok((Grade::Checked, done()))
}

pub(super) fn update(
    work: &mut Work<'_>,
    table: &TableRef,
    from: &[FromItem],
    set: &[(ColumnRef, Expr)],
    filter: &[Expr],
) -> Done {
    let written = target(work, &table.name, "UPDATE")?;
    let mut scope = Scope::with(vec![written.relation(table.alias.as_ref())]);
    let mut reading = Reading::of(work);
    reading.from(from, &mut scope)?;
    for (column, value) in set {
        written.require(std::slice::from_ref(column))?;
        if value.shape != Shape::Default {
            reading.expr(value, &scope)?;
        }
        written.check_literals(std::slice::from_ref(column), std::slice::from_ref(value), false)?;
    }
    for one in filter {
        reading.expr(one, &scope)?;
    }
    work.touched_data();
    Ok((Grade::Checked, done()))
}

pub(super) fn delete(work: &mut Work<'_>, table: &TableRef, using: &[FromItem], filter: &[Expr]) -> Done {
    let written = target(work, &table.name, "DELETE")?;
    let mut scope = Scope::with(vec![written.relation(table.alias.as_ref())]);
    let mut reading = Reading::of(work);
    reading.from(using, &mut scope)?;
    for one in filter {
        reading.expr(one, &scope)?;
    }
    work.touched_data();
    Ok((Grade::Checked, done()))
}

pub(super) fn merge(
    work: &mut Work<'_>,
    table: &TableRef,
    source: &FromItem,
    on: &[Expr],
    clauses: &[MergeClause],
) -> Done {
    let written = target(work, &table.name, "MERGE")?;
    let mut scope = Scope::with(vec![written.relation(table.alias.as_ref())]);
    let mut reading = Reading::of(work);
    reading.from(std::slice::from_ref(source), &mut scope)?;
    for one in on {
        reading.expr(one, &scope)?;
    }
    for clause in clauses {
        match clause {
            MergeClause::Update(set) => {
                for (column, value) in set {
                    written.require(std::slice::from_ref(column))?;
                    reading.expr(value, &scope)?;
                }
            }
            MergeClause::Insert(columns, values) => {
                written.require(columns)?;
                if let Some(expected) = written.width(columns)
                    && expected != values.len()
                {
                    return Err(SnowflakeError::width(expected, values.len()).into());
                }
                written.check_literals(columns, values, false)?;
                for value in values {
                    reading.expr(value, &scope)?;
                }
            }
            MergeClause::Delete | MergeClause::ByName => {}
        }
    }
    work.touched_data();
    Ok((Grade::Checked, done()))
}

pub(super) fn truncate(work: &mut Work<'_>, target: &Target) -> Done {
    let name = work.known(&target.name)?;
    let place = work.place(&name, "TRUNCATE TABLE")?;
    let missing = match work.find(target.kind, &place) {
        Err(Stop::Refused(_)) if target.if_exists => true,
        found => matches!(found?, Found::Missing),
    };
    if missing && !target.if_exists {
        return Err(SnowflakeError::missing_table(&place).into());
    }
    work.touched_data();
    Ok((Grade::Checked, done()))
}

pub(super) fn copy(work: &mut Work<'_>, copy: &Copy) -> Done {
    if let Some((table, columns)) = &copy.into {
        target(work, table, "COPY")?.require(columns)?;
    }
    if let Some(table) = &copy.from {
        let name = work.known(table)?;
        let place = work.place(&name, "COPY")?;
        if matches!(work.find(ObjectKind::Table, &place)?, Found::Missing) {
            return Err(SnowflakeError::missing_object(&name).into());
        }
    }
    if let Some(query) = &copy.query {
        Reading::of(work).top(query)?;
    }
    // A stage or format in a schema whose content is not known is no more than an unknown table.
    let before = work.recorded;
    let (inside, outside): (Vec<_>, Vec<_>) =
        copy.uses.iter().cloned().partition(|one| one.kind.scope() == KindScope::Schema);
    work.check_uses(&inside)?;
    work.recorded = before;
    work.check_uses(&outside)?;
    work.touched_data();
    Ok((Grade::Checked, done()))
}

pub(super) fn query(work: &mut Work<'_>, query: &Query) -> Done {
    let columns = Reading::of(work).top(query)?;
    let mut reply = done();
    // No rows are invented; the names of the columns are known.
    reply.rows.clear();
    reply.columns = columns
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(n, output)| {
            output.name.map_or_else(|| format!("COLUMN{}", n + 1), |name| name.as_str().to_owned())
        })
        .collect();
    Ok((Grade::Checked, reply))
}
