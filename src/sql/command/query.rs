//! Queries.

use super::{
    expr::{self, expr, exprs},
    from::{self, alias, from, item_of},
    operand::{starts_query, sub_query},
    reader::{Read, Reader},
};
use crate::{
    model::{
        command::{Body, ColumnRef, Cte, Expr, Item, Query, Select, Source},
        kind::ObjectKind,
    },
    sql::lex::TokenKind,
};

/// A query: WITH, SELECT and set operators, VALUES, or one in parentheses.
pub(super) fn query(r: &mut Reader<'_>) -> Read<Query> {
    r.nested(read)
}

fn read(r: &mut Reader<'_>) -> Read<Query> {
    let mut recursive = false;
    let mut ctes = Vec::new();
    if r.take("WITH") {
        recursive = r.take("RECURSIVE");
        ctes = r.commas(cte)?;
    }
    let mut sides = vec![side(r)?];
    let mut order = Vec::new();
    let mut by_name = false;
    while r.is_any(&["UNION", "INTERSECT", "EXCEPT", "MINUS"]) {
        r.step();
        r.take_any(&["ALL", "DISTINCT"]);
        by_name |= r.take_phrase("BY NAME");
        sides.push(side(r)?);
    }
    tail(r, &mut order)?;
    if let [only] = sides.as_mut_slice()
        && (ctes.is_empty() || only.ctes.is_empty())
    {
        only.order.append(&mut order);
        let ctes = if ctes.is_empty() { std::mem::take(&mut only.ctes) } else { ctes };
        let Some(only) = sides.pop() else { return Err(r.unexpected()) };
        return Ok(Query { ctes, recursive, ..only });
    }
    let body = if by_name { Body::ByName(sides) } else { Body::Set(sides) };
    Ok(Query { ctes, recursive, body, order })
}

/// ORDER BY, LIMIT and what else ends a query.
fn tail(r: &mut Reader<'_>, order: &mut Vec<Expr>) -> Read<()> {
    loop {
        if r.take_phrase("ORDER BY") {
            order.extend(expr::order(r)?);
        } else if r.is("LIMIT") || r.is("OFFSET") {
            r.step();
            order.push(expr(r)?);
            r.take_any(&["ROW", "ROWS"]);
        } else if r.take("FETCH") {
            r.take_any(&["FIRST", "NEXT"]);
            expr(r)?;
            r.take_any(&["ROW", "ROWS"]);
            r.take("ONLY");
        } else if r.take_phrase("FOR UPDATE") {
            r.take("NOWAIT");
            if r.take("WAIT") {
                r.step();
            }
        } else {
            return Ok(());
        }
    }
}

fn cte(r: &mut Reader<'_>) -> Read<Cte> {
    let name = r.ident()?;
    let columns = if r.is_op("(") { r.list(Reader::ident)? } else { Vec::new() };
    r.expect("AS")?;
    if r.is("PROCEDURE") || r.is("FUNCTION") {
        // `WITH p AS PROCEDURE (...) ... AS '<body>' CALL p()`: the body is not looked into.
        while !r.done() && !r.is("CALL") {
            r.skip()?;
        }
        return Ok(Cte { name, columns, query: None });
    }
    if r.is_op("(")
        && !starts_query(r, 1)
        && !r.is_at(1, "VALUES")
        && !from::is_statement(r, 1)
        && !r.is_at(1, "TABLE")
    {
        // An expression under a name, which is not documented: read by itself it names columns that are not known.
        r.skip()?;
        return Ok(Cte { name, columns, query: Some(plain(Body::Unknown)) });
    }
    Ok(Cte { name, columns, query: Some(sub_query(r)?) })
}

pub(super) fn plain(body: Body) -> Query {
    Query { ctes: Vec::new(), recursive: false, body, order: Vec::new() }
}

fn side(r: &mut Reader<'_>) -> Read<Query> {
    if r.is_op("(") {
        return sub_query(r);
    }
    if r.take("SELECT") {
        return Ok(plain(Body::Select(Box::new(select(r)?))));
    }
    if r.is("VALUES") {
        return Ok(plain(Body::Values(values(r)?)));
    }
    if r.is_any(&["SHOW", "DESCRIBE", "DESC", "CALL", "LIST", "LS"]) {
        while !r.done() && !r.is_op(")") && !r.is_op("->>") {
            r.skip()?;
        }
        return Ok(plain(Body::Unknown));
    }
    if r.is("TABLE") && r.is_op_at(1, "(") {
        r.step();
        r.skip()?;
        return Ok(plain(Body::Unknown));
    }
    if r.take("TABLE") {
        // `TABLE t` is short for `SELECT * FROM t`.
        let name = r.name(ObjectKind::Table)?;
        let star = Item::Star { of: None, exclude: Vec::new(), rename: Vec::new(), filtered: false };
        let select =
            Select { items: vec![star], from: vec![item_of(Source::Relation(name))], ..Select::default() };
        return Ok(plain(Body::Select(Box::new(select))));
    }
    Err(r.unexpected())
}

/// `VALUES (..), (..)`.
pub(super) fn values(r: &mut Reader<'_>) -> Read<Vec<Vec<Expr>>> {
    r.expect("VALUES")?;
    r.commas(|r| r.list(expr))
}

fn select(r: &mut Reader<'_>) -> Read<Select> {
    r.take_any(&["DISTINCT", "ALL"]);
    if r.take("TOP") {
        r.step();
    }
    let mut found = Select { items: select_items(r)?, ..Select::default() };
    if r.take("INTO") {
        // Only inside a block; the names are variables.
        r.commas(|r| {
            r.take_op(":");
            r.any_ident()
        })?;
    }
    if r.take("FROM") {
        found.from = from(r)?;
    }
    loop {
        if r.take("WHERE") || r.take("HAVING") || r.take("QUALIFY") {
            found.conditions.push(expr(r)?);
        } else if r.take_phrase("GROUP BY") {
            group_by(r, &mut found.conditions)?;
        } else if r.take_phrase("START WITH") || r.take_phrase("CONNECT BY") {
            r.take("NOCYCLE");
            found.conditions.extend(exprs(r)?);
        } else if r.is("WINDOW") && r.is_at(2, "AS") {
            r.step();
            r.commas(|r| {
                r.ident()?;
                r.expect("AS")?;
                r.skip()
            })?;
        } else {
            return Ok(found);
        }
    }
}

fn group_by(r: &mut Reader<'_>, conditions: &mut Vec<Expr>) -> Read<()> {
    if r.take("ALL") {
        return Ok(());
    }
    loop {
        let sets = (r.is("CUBE") || r.is("ROLLUP")) && r.is_op_at(1, "(");
        if r.take_phrase("GROUPING SETS") || sets && r.take_any(&["CUBE", "ROLLUP"]) {
            conditions.extend(r.list(expr)?);
        } else {
            conditions.push(expr(r)?);
        }
        if !r.take_op(",") {
            return Ok(());
        }
    }
}

fn select_items(r: &mut Reader<'_>) -> Read<Vec<Item>> {
    let mut items = vec![item(r)?];
    while r.take_op(",") {
        // A comma before FROM is allowed.
        if r.is("FROM") {
            break;
        }
        items.push(item(r)?);
    }
    Ok(items)
}

fn item(r: &mut Reader<'_>) -> Read<Item> {
    if r.is_op("*") && !r.is_op("**") {
        r.step();
        return star(r, None);
    }
    let mark = r.mark();
    if r.at_ident() && r.is_op_at(1, ".") {
        let at = r.place();
        let mut parts = vec![r.ident()?];
        while r.is_op(".") && matches!(r.kind_at(1), Some(TokenKind::Word | TokenKind::QuotedName)) {
            r.step();
            parts.push(r.any_ident()?);
        }
        if r.is_op(".") && r.is_op_at(1, "*") {
            r.step();
            r.step();
            return star(r, Some(ColumnRef { parts, at }));
        }
        r.back(mark);
    }
    let expr = expr(r)?;
    let alias = alias(r, true)?;
    Ok(Item::Expr { expr, alias })
}

fn star(r: &mut Reader<'_>, of: Option<ColumnRef>) -> Read<Item> {
    let (mut exclude, mut rename, mut filtered) = (Vec::new(), Vec::new(), false);
    loop {
        if r.take("ILIKE") {
            r.expect_string()?;
            filtered = true;
        } else if r.take("EXCLUDE") {
            let names = |r: &mut Reader<'_>| {
                let mut parts = r.parts()?;
                parts.pop().ok_or_else(|| r.unexpected())
            };
            exclude = if r.is_op("(") { r.list(names)? } else { vec![names(r)?] };
        } else if r.take("RENAME") {
            let one = |r: &mut Reader<'_>| {
                let from = r.ident()?;
                r.expect("AS")?;
                Ok((from, r.ident()?))
            };
            rename = if r.is_op("(") { r.list(one)? } else { vec![one(r)?] };
        } else if r.is("REPLACE") && r.is_op_at(1, "(") {
            // The columns stay, their values change.
            r.step();
            r.list(|r| {
                expr(r)?;
                r.expect("AS")?;
                r.ident()
            })?;
        } else {
            return Ok(Item::Star { of, exclude, rename, filtered });
        }
    }
}
