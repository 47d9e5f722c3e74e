//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE and COPY INTO.

use super::{
    expr::{self, expr},
    from, operand,
    options::Options,
    query,
    reader::{Read, Reader},
    target,
};
use crate::{
    model::{
        command::{
            ColumnRef, Command, Copy, Expr, Insert, InsertSource, MergeClause, Name, ObjectUse, TableRef,
        },
        kind::ObjectKind,
    },
    sql::lex::TokenKind,
};

pub(super) fn dml(r: &mut Reader<'_>) -> Read<Command> {
    if r.take("INSERT") {
        return insert(r);
    }
    if r.take("UPDATE") {
        return update(r);
    }
    if r.take("DELETE") {
        r.expect("FROM")?;
        let table = table_ref(r, &["USING", "WHERE"])?;
        let using = if r.take("USING") { from::from(r)? } else { Vec::new() };
        let filter = where_(r)?;
        return Ok(Command::Delete { table, using, filter });
    }
    if r.take("MERGE") {
        return merge(r);
    }
    if r.take("TRUNCATE") {
        let kind = if r.take_phrase("MATERIALIZED VIEW") {
            ObjectKind::MaterializedView
        } else {
            r.take("TABLE");
            ObjectKind::Table
        };
        let if_exists = r.take_phrase("IF EXISTS");
        let name = r.name(kind)?;
        r.finish()?;
        let mut found = target(kind, name);
        found.if_exists = if_exists;
        return Ok(Command::Truncate(found));
    }
    r.expect("COPY")?;
    copy(r)
}

fn table_ref(r: &mut Reader<'_>, stops: &[&str]) -> Read<TableRef> {
    let name = r.name(ObjectKind::Table)?;
    let mut alias = None;
    if r.take("AS") || !r.is_any(stops) && r.at_ident() {
        alias = Some(r.ident()?);
    }
    Ok(TableRef { name, alias })
}

fn where_(r: &mut Reader<'_>) -> Read<Vec<Expr>> {
    let filter = if r.take("WHERE") { vec![expr(r)?] } else { Vec::new() };
    r.finish()?;
    Ok(filter)
}

fn columns(r: &mut Reader<'_>) -> Read<Vec<ColumnRef>> {
    // `(SELECT ...)` is a query, not a list.
    if r.is_op("(") && !operand::starts_query(r, 0) { r.list(expr::column) } else { Ok(Vec::new()) }
}

fn insert(r: &mut Reader<'_>) -> Read<Command> {
    r.take("OVERWRITE");
    if r.is("ALL") || r.is("FIRST") {
        r.step();
        return insert_many(r);
    }
    r.expect("INTO")?;
    r.take("TABLE");
    let table = r.name(ObjectKind::Table)?;
    let columns = columns(r)?;
    let source = if r.is("VALUES") {
        InsertSource::Values(query::values(r)?)
    } else {
        InsertSource::Query(query::query(r)?)
    };
    r.finish()?;
    Ok(Command::Insert(Insert { table, columns, source }))
}

fn insert_many(r: &mut Reader<'_>) -> Read<Command> {
    let mut into = Vec::new();
    loop {
        if r.take("WHEN") {
            // The condition speaks of the source, which comes last.
            while !r.is("THEN") {
                r.skip()?;
            }
            r.step();
        } else if r.take("ELSE") {
        } else if r.take("INTO") {
            let table = r.name(ObjectKind::Table)?;
            let columns = columns(r)?;
            let source = if r.is("VALUES") {
                r.step();
                InsertSource::Values(vec![r.list(expr)?])
            } else {
                InsertSource::Shared
            };
            into.push(Insert { table, columns, source });
        } else {
            break;
        }
    }
    let query = query::query(r)?;
    r.finish()?;
    Ok(Command::InsertMany { into, query })
}

fn assignments(r: &mut Reader<'_>) -> Read<Vec<(ColumnRef, Expr)>> {
    r.commas(|r| {
        let column = expr::column(r)?;
        r.expect_op("=")?;
        Ok((column, expr(r)?))
    })
}

fn update(r: &mut Reader<'_>) -> Read<Command> {
    let table = table_ref(r, &["SET"])?;
    r.expect("SET")?;
    let set = assignments(r)?;
    let from = if r.take("FROM") { from::from(r)? } else { Vec::new() };
    let filter = where_(r)?;
    Ok(Command::Update { table, from, set, filter })
}

fn merge(r: &mut Reader<'_>) -> Read<Command> {
    r.expect("INTO")?;
    let table = table_ref(r, &["USING"])?;
    r.expect("USING")?;
    let mut sources = from::from(r)?;
    if sources.is_empty() {
        return Err(r.unexpected());
    }
    let source = sources.remove(0);
    let mut on = Vec::new();
    r.expect("ON")?;
    on.push(expr(r)?);
    let mut clauses = Vec::new();
    while r.take("WHEN") {
        r.take("NOT");
        r.expect("MATCHED")?;
        if r.take("BY") && !r.take_any(&["SOURCE", "TARGET"]) {
            return Err(r.unexpected());
        }
        if r.take("AND") {
            on.push(expr(r)?);
        }
        r.expect("THEN")?;
        clauses.push(merge_clause(r)?);
    }
    if clauses.is_empty() {
        return Err(r.unexpected());
    }
    r.finish()?;
    Ok(Command::Merge { table, source, on, clauses })
}

fn merge_clause(r: &mut Reader<'_>) -> Read<MergeClause> {
    if r.take("DELETE") {
        return Ok(MergeClause::Delete);
    }
    if r.take("UPDATE") {
        if r.take_phrase("ALL BY NAME") {
            return Ok(MergeClause::ByName);
        }
        r.expect("SET")?;
        return assignments(r).map(MergeClause::Update);
    }
    r.expect("INSERT")?;
    if r.take_phrase("ALL BY NAME") {
        return Ok(MergeClause::ByName);
    }
    let columns = columns(r)?;
    r.expect("VALUES")?;
    Ok(MergeClause::Insert(columns, r.list(expr)?))
}

fn copy(r: &mut Reader<'_>) -> Read<Command> {
    if r.is("FILES") {
        r.skip_rest()?;
        return Ok(Command::Copy(Copy { into: None, from: None, query: None, uses: Vec::new() }));
    }
    r.expect("INTO")?;
    let mut found = Copy { into: None, from: None, query: None, uses: Vec::new() };
    if !location(r, &mut found)? {
        let table = r.name(ObjectKind::Table)?;
        found.into = Some((table, columns(r)?));
    }
    if r.take("FROM") {
        if operand::starts_query(r, 0) {
            found.query = Some(operand::sub_query(r)?);
        } else if r.is_op("(") {
            r.skip()?;
        } else if !location(r, &mut found)? {
            found.from = Some(r.name(ObjectKind::Table)?);
        }
    } else if found.into.is_none() {
        return Err(r.unexpected());
    }
    let mut options = Options::default();
    while !r.done() {
        if r.take_phrase("PARTITION BY") {
            expr(r)?;
        } else if r.take_op(",") || !r.is_op_at(1, "=") && r.take("HEADER") {
        } else if !options.take(r)? {
            if r.kind() != Some(TokenKind::Word) {
                return Err(r.unexpected());
            }
            r.step();
            if r.done() {
                break;
            }
            super::options::value(r)?;
        }
    }
    options.judge_copy(found.into.is_some() && found.query.is_some())?;
    found.uses.extend(options.uses);
    Ok(Command::Copy(found))
}

/// A stage or a URL here.
fn location(r: &mut Reader<'_>, found: &mut Copy) -> Read<bool> {
    let text = match r.kind() {
        Some(TokenKind::StagePath) => {
            let text = r.here().to_owned();
            r.step();
            text
        }
        Some(TokenKind::String) => r.expect_string()?,
        _ => return Ok(false),
    };
    if text.starts_with('@') {
        match from::stage_name(&text) {
            Name::Unknown => {}
            name => found.uses.push(ObjectUse { kind: ObjectKind::Stage, name }),
        }
    }
    Ok(true)
}
