//! CREATE TABLE.

use super::{
    create::{Copies, Taken, created, duplicate, family, kept, named_columns, place_of, store, taken},
    links,
    lookup::{Found, Place},
    or_alter,
    scope::{Relation, Scope},
    select::Reading,
    store::{Column, Key, KeyRule, Object, by_name},
    tasks,
    work::{Done, Stop, Work},
};
use crate::model::{
    command::{ColumnDef, ColumnRef, Constraint, DataType, Expr, Name, Rule, TableDef, TableSource},
    ident::{Ident, QualifiedName},
    kind::ObjectKind,
    refusal::SnowflakeError,
};

pub(super) fn create(work: &mut Work<'_>, def: &TableDef) -> Done {
    if def.kind == ObjectKind::ProcedureScopedTemporaryTable {
        return Err(Stop::Unknowable);
    }
    let place = place_of(work, def.kind, &def.name)?;
    let taken = taken(work, def.kind, &place, place.name.as_str(), def.mode, def.temporary)?;
    // The definition is ignored when the object is there.
    if let Taken::Kept = taken {
        return Ok(kept(&place.name));
    }
    work.check_uses(&def.uses)?;
    let (columns, copied) = columns(work, def)?;
    let copied = copied.unwrap_or_else(|| Object::new(def.kind, place.name.clone(), &work.stamp.now));
    let mut properties = copied.properties.clone();
    properties.extend(by_name(&def.properties));
    let mut object = Object {
        transient: def.transient,
        comment: def.comment.clone().or_else(|| copied.comment.clone()),
        columns,
        properties,
        state: tasks::first_state(copied.kind),
        ..copied
    };
    object.name.clone_from(&place.name);
    object.created_on.clone_from(&work.stamp.now);
    constraints(work, def, &mut object)?;
    if let Taken::Altered = taken {
        or_alter::table(work, &place, object, def)?;
    } else {
        let keep = Copies { grants: def.copy_grants, tags: def.copy_tags };
        store(work, &place, object, def.temporary, keep)?;
    }
    Ok(created(def.kind, &place.name))
}

/// The columns, and for LIKE and CLONE the object that they are copied from.
fn columns(work: &mut Work<'_>, def: &TableDef) -> Result<(Option<Vec<Column>>, Option<Object>), Stop> {
    duplicate(def.columns.iter().map(|column| &column.name))?;
    match &def.source {
        TableSource::Columns => {
            let mut columns: Vec<Column> = def.columns.iter().map(column).collect();
            if def.kind == ObjectKind::ExternalTable {
                // Each file's row stands in a column of its own.
                columns.insert(0, Column::new(Ident::stored("VALUE"), Some(DataType("VARIANT".to_owned()))));
            }
            Ok((Some(columns), None))
        }
        TableSource::Unknown => Ok((None, None)),
        TableSource::Like(source) | TableSource::Clone(source) => {
            let like = matches!(def.source, TableSource::Like(_));
            match source_table(work, source)? {
                Some(object) if !like && matches!(object.kind, ObjectKind::View | ObjectKind::Stream) => {
                    Err(SnowflakeError::other_kind(object.kind, ObjectKind::Table).into())
                }
                Some(object) => {
                    let mut object = object;
                    // Without an object to replace, COPY GRANTS takes those of the source.
                    if !def.copy_grants {
                        object.grants.clear();
                    }
                    if like {
                        object.kind = def.kind;
                        object.comment = None;
                        object.properties.clear();
                        object.definition = None;
                        object.links.clear();
                        object.columns.iter_mut().flatten().for_each(|column| column.links.clear());
                    }
                    Ok((object.columns.clone(), Some(object)))
                }
                None => Ok((None, None)),
            }
        }
        TableSource::Query(query) => {
            let found = Reading::of(work).top(query)?;
            let names: Vec<Ident> = def.columns.iter().map(|column| column.name.clone()).collect();
            let mut columns = named_columns(found, &names)?;
            for (stored, written) in columns.iter_mut().flatten().zip(&def.columns) {
                let typed = stored.data_type.take();
                *stored = column(written);
                stored.data_type = stored.data_type.take().or(typed);
            }
            Ok((columns, None))
        }
    }
}

fn source_table(work: &mut Work<'_>, name: &Name) -> Result<Option<Object>, Stop> {
    let name = work.known(name)?;
    let place = work.place(&name, "CREATE TABLE")?;
    match work.find(ObjectKind::Table, &place)? {
        Found::Here(object) => Ok(Some(object.clone())),
        Found::Unseen => Ok(None),
        Found::Missing => Err(SnowflakeError::missing_object(&name).into()),
    }
}

/// A column as it is stored.
pub(super) fn column(def: &ColumnDef) -> Column {
    let primary = def.constraints.iter().any(|constraint| matches!(constraint.rule, Rule::Primary(_)));
    Column {
        not_null: def.not_null || primary,
        default: def.default.clone(),
        autoincrement: def.autoincrement,
        computed: def.computed,
        comment: def.comment.clone(),
        reads: if def.computed {
            def.reads
                .iter()
                .flat_map(|one| &one.columns)
                .filter_map(|column| column.column().cloned())
                .collect()
        } else {
            Vec::new()
        },
        ..Column::new(def.name.clone(), def.data_type.clone())
    }
}

/// Keys, checks, defaults, clustering and policies: every column that they name must be there.
fn constraints(work: &mut Work<'_>, def: &TableDef, object: &mut Object) -> Result<(), Stop> {
    for column in &def.columns {
        work.check_uses(&column.uses)?;
        column_reads(work, column, object)?;
        super::defaults::first(def.kind, column)?;
    }
    let inline = def.columns.iter().flat_map(|column| &column.constraints);
    for constraint in inline.chain(&def.constraints) {
        add_key(work, object, constraint, true)?;
    }
    if !def.cluster_by.is_empty() {
        cluster_by(work, object, &def.cluster_by)?;
    }
    if def.kind == ObjectKind::Table {
        row_access_columns(def, object)?;
        require(object, &def.policy_columns)?;
    }
    for written in def.columns.iter().filter(|column| !column.links.is_empty()) {
        let column = object.columns.iter_mut().flatten().find(|column| column.name == written.name);
        if let Some(column) = column {
            links::column(work, column, &written.links)?;
        }
    }
    links::relation(work, object, &def.links)
}

/// CREATE has words of its own for a column that a row access policy names and that is not there.
fn row_access_columns(def: &TableDef, object: &Object) -> Result<(), Stop> {
    let policies = def.links.iter().filter(|link| link.kind == ObjectKind::RowAccessPolicy);
    let mut named = policies.flat_map(|link| &link.columns).filter_map(ColumnRef::column);
    match named.find(|name| object.known_columns().is_some() && object.column(name).is_none()) {
        Some(name) => {
            let detail = format!("column '{name}' does not exist");
            Err(SnowflakeError::compilation(crate::model::refusal::UNKNOWN_CODE, "42601", detail).into())
        }
        None => Ok(()),
    }
}

/// Defaults see no column, computed columns and checks see those of the table.
pub(super) fn column_reads(work: &mut Work<'_>, column: &ColumnDef, object: &Object) -> Result<(), Stop> {
    if object.kind != ObjectKind::Table {
        return Ok(());
    }
    // A default may read the columns before it.
    see_own(work, object, &column.reads)
}

/// Checks expressions that see only the table's own columns.
fn see_own(work: &mut Work<'_>, object: &Object, exprs: &[Expr]) -> Result<(), Stop> {
    let name = QualifiedName::bare(object.name.clone());
    let scope = Scope::with(vec![Relation::table(&name, None, object.columns.as_ref())]);
    let mut reading = Reading::of(work);
    exprs.iter().try_for_each(|one| reading.expr(one, &scope))
}

/// Sets the clustering key.
pub(super) fn cluster_by(work: &mut Work<'_>, object: &mut Object, exprs: &[Expr]) -> Result<(), Stop> {
    see_own(work, object, exprs)?;
    let columns = exprs.iter().flat_map(|one| &one.columns);
    object.cluster_by = columns.filter_map(|column| column.column().cloned()).collect();
    Ok(())
}

/// Refuses columns that the table does not have.
pub(super) fn require(object: &Object, columns: &[ColumnRef]) -> Result<(), Stop> {
    if object.known_columns().is_none() {
        return Ok(());
    }
    for column in columns {
        if column.column().is_some_and(|name| object.column(name).is_none()) {
            return Err(SnowflakeError::invalid_identifier(column.at, column).into());
        }
    }
    Ok(())
}

/// Adds a key. In CREATE TABLE a primary key makes its columns NOT NULL, ADD PRIMARY KEY does not.
pub(super) fn add_key(
    work: &mut Work<'_>,
    object: &mut Object,
    constraint: &Constraint,
    create: bool,
) -> Result<(), Stop> {
    let names =
        |columns: &[ColumnRef]| columns.iter().filter_map(|column| column.column().cloned()).collect();
    let name = constraint.name.clone();
    let key = match &constraint.rule {
        Rule::Primary(columns) => {
            require(object, columns)?;
            if object.keys.iter().any(|key| key.rule == KeyRule::Primary) {
                let detail = format!("primary key already exists for table '{}'", object.name);
                let code = crate::model::refusal::UNKNOWN_CODE;
                return Err(SnowflakeError::compilation(code, "42601", detail).into());
            }
            let columns: Vec<Ident> = names(columns);
            if create {
                let inside =
                    object.columns.iter_mut().flatten().filter(|column| columns.contains(&column.name));
                inside.for_each(|column| column.not_null = true);
            }
            Key { rule: KeyRule::Primary, name, columns, references: None, referenced: Vec::new() }
        }
        Rule::Unique(columns) => {
            require(object, columns)?;
            Key {
                rule: KeyRule::Unique,
                name,
                columns: names(columns),
                references: None,
                referenced: Vec::new(),
            }
        }
        Rule::Foreign { columns, table, referenced } => {
            require(object, columns)?;
            let references = referenced_table(work, object, table, columns, referenced)?;
            let columns = names(columns);
            Key { rule: KeyRule::Foreign, name, columns, references, referenced: names(referenced) }
        }
        Rule::Check(condition) => {
            see_own(work, object, std::slice::from_ref(condition))?;
            Key {
                rule: KeyRule::Check,
                name,
                columns: names(&condition.columns),
                references: None,
                referenced: Vec::new(),
            }
        }
    };
    let same = |other: &Key| {
        other.rule == key.rule && other.columns == key.columns && other.references == key.references
    };
    if key.rule != KeyRule::Check && object.keys.iter().any(same) {
        let detail = format!("constraint with the same signature already exists on table '{}'", object.name);
        let code = crate::model::refusal::UNKNOWN_CODE;
        return Err(SnowflakeError::compilation(code, "42601", detail).into());
    }
    object.keys.push(key);
    Ok(())
}

/// The table of a foreign key, as it prints; a table may reference itself.
fn referenced_table(
    work: &mut Work<'_>,
    own: &Object,
    name: &Name,
    from: &[ColumnRef],
    columns: &[ColumnRef],
) -> Result<Option<String>, Stop> {
    let Some(written) = work.written(name)? else { return Ok(None) };
    if written.schema.is_none() && written.name == own.name {
        require(own, columns)?;
        return Ok(Some(written.to_string()));
    }
    let place: Place = work.place(&written, "CREATE TABLE")?;
    match work.find(ObjectKind::Table, &place)? {
        Found::Here(object) => {
            require(object, columns)?;
            references_a_key(object, from, columns)?;
        }
        Found::Unseen => {}
        Found::Missing => return Err(SnowflakeError::missing_table(&written).into()),
    }
    Ok(Some(place.to_string()))
}

/// A foreign key references a primary or unique key; without a list of columns, the primary key.
fn references_a_key(table: &Object, from: &[ColumnRef], columns: &[ColumnRef]) -> Result<(), Stop> {
    if family(table.kind) != ObjectKind::Table || table.columns.is_none() {
        return Ok(());
    }
    let named: std::collections::BTreeSet<&Ident> = columns.iter().filter_map(ColumnRef::column).collect();
    let fits = |key: &&Key| match key.rule {
        KeyRule::Primary if columns.is_empty() => key.columns.len() == from.len(),
        KeyRule::Primary | KeyRule::Unique => {
            key.columns.iter().collect::<std::collections::BTreeSet<_>>() == named
        }
        KeyRule::Foreign | KeyRule::Check => false,
    };
    if table.keys.iter().any(|key| fits(&key)) {
        return Ok(());
    }
    let detail =
        format!("a foreign key must reference a primary key or a unique key of table '{}'", table.name);
    Err(SnowflakeError::compilation(crate::model::refusal::UNKNOWN_CODE, "42601", detail).into())
}
