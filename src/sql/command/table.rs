//! CREATE TABLE in all its flavours.

use super::{
    columns::{self, Element},
    create::{Head, clone},
    options::{self, Options},
    properties, query,
    reader::{Read, Reader},
};
use crate::{
    model::{
        command::{ColumnDef, Command, Constraint, Mode, TableDef, TableSource},
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::lex::TokenKind,
};

/// Whether a kind is read as a table.
pub(super) fn is_table(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Table
            | ObjectKind::ExternalTable
            | ObjectKind::DynamicTable
            | ObjectKind::HybridTable
            | ObjectKind::IcebergTable
            | ObjectKind::InteractiveTable
            | ObjectKind::EventTable
            | ObjectKind::OnlineFeatureTable
            | ObjectKind::ProcedureScopedTemporaryTable
    )
}

pub(super) fn table(r: &mut Reader<'_>, head: Head) -> Read<Command> {
    let known = properties::of(head.kind);
    let mut options = Options::default();
    let mut source = TableSource::Columns;
    let mut found_columns: Vec<ColumnDef> = Vec::new();
    let mut constraints: Vec<Constraint> = Vec::new();
    let mut written = false;
    while !r.done() {
        if r.is_op("(") && !written {
            written = true;
            column_list(r, head.kind, &mut found_columns, &mut constraints)?;
        } else if head.mode == Mode::Alter && cannot_be_altered_to(r, head.kind) {
            return Err(r.unexpected());
        } else if r.take("LIKE") {
            source = TableSource::Like(r.name(head.kind)?);
        } else if let Some(from) = clone(r, head.kind, head.mode)? {
            source = TableSource::Clone(from);
        } else if r.take("AS") {
            source = TableSource::Query(Box::new(query::query(r)?));
            r.finish()?;
        } else if r.take_phrase("USING TEMPLATE") {
            r.skip()?;
            source = TableSource::Unknown;
        } else if r.is("PARTITION") || r.is("LOCATION") || r.is("FROM") || r.is("INDEX") || r.is("UNIQUE") {
            table_words(r)?;
        } else if !options.take(r)? {
            match known {
                Some(known) if known.take_words(r)? => {}
                _ if r.is_phrase("EXECUTE AS") && head.kind != ObjectKind::Table => flavour_words(r)?,
                None if r.kind() == Some(TokenKind::Word) => flavour_words(r)?,
                _ => return Err(r.unexpected()),
            }
        }
    }
    if matches!(source, TableSource::Clone(_) | TableSource::Like(_)) {
        options.judge(head.kind, properties::Place::Create)?;
    } else {
        options.judge_create(head.kind)?;
    }
    finish(head, source, found_columns, constraints, written, options, r)
}

/// What CREATE OR ALTER does not take: where the columns come from other than the list, and grants.
fn cannot_be_altered_to(r: &Reader<'_>, kind: ObjectKind) -> bool {
    r.is("LIKE")
        || r.is_phrase("USING TEMPLATE")
        || r.is_phrase("COPY GRANTS")
        || r.is("AS") && kind == ObjectKind::Table
}

fn finish(
    head: Head,
    mut source: TableSource,
    columns: Vec<ColumnDef>,
    constraints: Vec<Constraint>,
    written: bool,
    options: Options,
    r: &Reader<'_>,
) -> Read<Command> {
    let query = matches!(source, TableSource::Query(_));
    if matches!(source, TableSource::Columns) && !written {
        if head.kind == ObjectKind::Table {
            return Err(r.unexpected());
        }
        // Other flavours have fixed columns or take them from a catalogue or from files.
        source = TableSource::Unknown;
    }
    let untyped = columns.iter().find(|column| column.data_type.is_none() && !column.computed);
    if let Some(column) = untyped
        && !query
        && head.kind == ObjectKind::Table
    {
        return Err(SnowflakeError::unsupported_type(&column.name.to_string()));
    }
    Ok(Command::CreateTable(TableDef {
        kind: head.kind,
        name: head.name,
        mode: head.mode,
        temporary: head.temporary,
        transient: head.transient,
        source,
        columns,
        constraints,
        cluster_by: options.cluster_by,
        policy_columns: options.policy_columns,
        copy_grants: options.copy_grants,
        copy_tags: options.copy_tags,
        comment: options.comment,
        properties: options.properties,
        uses: options.uses,
        links: options.links,
    }))
}

fn column_list(
    r: &mut Reader<'_>,
    kind: ObjectKind,
    found: &mut Vec<ColumnDef>,
    constraints: &mut Vec<Constraint>,
) -> Read<()> {
    r.expect_op("(")?;
    loop {
        if kind != ObjectKind::Table && r.is("INDEX") && r.is_op_at(2, "(") {
            r.step();
            r.step();
            r.skip()?;
            if r.take("INCLUDE") {
                r.skip()?;
            }
        } else {
            match columns::element(r)? {
                Element::Column(column) => found.push(column),
                Element::Constraint(constraint) => constraints.push(constraint),
            }
        }
        if !r.take_op(",") {
            return r.expect_op(")");
        }
    }
}

/// Clauses of flavours that are not looked into: `FROZEN WHERE (...)`, `EXECUTE AS USER u`.
fn flavour_words(r: &mut Reader<'_>) -> Read<()> {
    if r.take_phrase("EXECUTE AS") {
        while !r.done() && !r.is("AS") {
            r.skip()?;
        }
        return Ok(());
    }
    r.step();
    while r.is_op("(") {
        r.skip()?;
    }
    Ok(())
}

/// Clauses of external and other tables.
fn table_words(r: &mut Reader<'_>) -> Read<()> {
    if r.take_phrase("PARTITION BY") {
        return r.skip();
    }
    r.step();
    r.take_op("=");
    options::value(r)
}
