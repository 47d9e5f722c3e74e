//! FROM.

use super::{
    call::call_arguments,
    expr::{self, expr},
    operand::{starts_query, sub_query},
    query::{plain, values},
    reader::{Read, Reader, written_name},
};
use crate::{
    model::{
        command::{Body, Expr, FromItem, Item, Name, Query, Select, Shape, Source},
        ident::Ident,
        kind::ObjectKind,
    },
    sql::lex::TokenKind,
};

/// `[AS] name`; without AS, words that begin the next clause are no aliases.
pub(super) fn alias(r: &mut Reader<'_>, item: bool) -> Read<Option<Ident>> {
    if r.take("AS") {
        // In FROM, a string is no alias; a select item's alias may be any word but the reserved.
        return r.ident().map(Some);
    }
    if r.kind() == Some(TokenKind::QuotedName) {
        return r.any_ident().map(Some);
    }
    if r.kind() != Some(TokenKind::Word) || is_reserved_alias(r, item) {
        return Ok(None);
    }
    r.ident().map(Some)
}

fn is_reserved_alias(r: &Reader<'_>, item: bool) -> bool {
    const ENDS: &[&str] = &[
        "EXCEPT",
        "INTERSECT",
        "LIMIT",
        "OFFSET",
        "FETCH",
        "WHEN",
        "END",
        "USING",
        "ORDER",
        "UNION",
        "MINUS",
        "QUALIFY",
    ];
    const FROM_ENDS: &[&str] = &[
        "JOIN",
        "INNER",
        "LEFT",
        "RIGHT",
        "FULL",
        "CROSS",
        "NATURAL",
        "LATERAL",
        "ASOF",
        "MATCH_CONDITION",
        "PIVOT",
        "UNPIVOT",
        "MATCH_RECOGNIZE",
        "CHANGES",
        "AT",
        "BEFORE",
        "CONNECT",
        "WINDOW",
        "START",
        "DIRECTED",
        "SEED",
        "OUTER",
        "RESAMPLE",
    ];
    if !r.at_ident() || r.is_any(ENDS) {
        return true;
    }
    if item {
        return false;
    }
    // AT and BEFORE are names unless a parenthesis follows.
    if r.is_any(&["AT", "BEFORE", "CHANGES", "SEED", "PIVOT", "UNPIVOT", "MATCH_RECOGNIZE", "RESAMPLE"]) {
        return r.is_op_at(1, "(");
    }
    if r.is("WINDOW") {
        return r.is_at(2, "AS");
    }
    if r.is("ASOF") {
        return r.is_at(1, "JOIN");
    }
    if r.is("DIRECTED") || r.is("OUTER") {
        return r.is_at(1, "JOIN");
    }
    r.is_any(FROM_ENDS)
}

/// The relations after FROM, joins included.
pub(super) fn from(r: &mut Reader<'_>) -> Read<Vec<FromItem>> {
    let mut items = Vec::new();
    joined(r, &mut items)?;
    while r.take_op(",") {
        joined(r, &mut items)?;
    }
    Ok(items)
}

fn joined(r: &mut Reader<'_>, items: &mut Vec<FromItem>) -> Read<()> {
    relation(r, items)?;
    loop {
        let natural = r.take("NATURAL");
        let joins = r.take_any(&["INNER", "CROSS", "ASOF"]) || {
            let side = r.take_any(&["LEFT", "RIGHT", "FULL"]);
            side && {
                r.take("OUTER");
                true
            }
        };
        r.take("DIRECTED");
        if !r.take("JOIN") {
            if natural || joins {
                return Err(r.unexpected());
            }
            return Ok(());
        }
        let before = items.len();
        relation(r, items)?;
        let Some(item) = items.get_mut(before) else { return Ok(()) };
        item.natural = natural;
        if r.take("MATCH_CONDITION") {
            let condition = r.list(expr)?;
            if let Some(item) = items.last_mut() {
                item.on.extend(condition);
            }
        }
        if r.take("ON") {
            let condition = expr(r)?;
            if let Some(item) = items.last_mut() {
                item.on.push(condition);
            }
        } else if r.is("USING") && r.is_op_at(1, "(") {
            r.step();
            let using = r.list(expr::column)?;
            if let Some(item) = items.last_mut() {
                item.using.extend(using);
            }
        } else if r.is("USING") && r.kind_at(1) == Some(TokenKind::Word) {
            // Without parentheses, as old scripts have it.
            r.step();
            let using = expr::column(r)?;
            if let Some(item) = items.last_mut() {
                item.using.push(using);
            }
        }
        if r.is_any(&["PIVOT", "UNPIVOT", "MATCH_RECOGNIZE"]) && r.is_op_at(1, "(") {
            // Over all that was joined: which columns are left is not followed.
            let mut whole = item_of(Source::Unknown);
            suffixes(r, &mut whole)?;
            whole.alias = alias(r, false)?;
            if whole.alias.is_some() && r.is_op("(") {
                whole.columns = r.list(Reader::ident)?;
            }
            items.push(whole);
        }
    }
}

pub(super) fn item_of(source: Source) -> FromItem {
    FromItem { source, alias: None, columns: Vec::new(), on: Vec::new(), using: Vec::new(), natural: false }
}

/// Words that a bare relation after FROM cannot have for its name.
const JOIN_WORDS: &[&str] =
    &["ASOF", "CROSS", "FULL", "INNER", "JOIN", "LEFT", "MATCH_CONDITION", "NATURAL", "RIGHT", "USING"];

fn relation(r: &mut Reader<'_>, items: &mut Vec<FromItem>) -> Read<()> {
    r.nested(|r| {
        if r.is("LATERAL") && !r.is_op_at(1, ".") {
            r.step();
        }
        // The words of joins name a relation only with its schema or in quotes.
        if r.is_any(JOIN_WORDS) && !r.is_op_at(1, ".") {
            return Err(r.unexpected());
        }
        // A join in parentheses.
        if r.is_op("(") && !starts_query(r, 0) && !r.is_at(1, "VALUES") && !is_statement(r, 1) {
            r.step();
            joined(r, items)?;
            while r.take_op(",") {
                joined(r, items)?;
            }
            r.expect_op(")")?;
            if r.is_op(".") || r.at_ident() && !is_reserved_alias(r, false) || r.is("AS") {
                let alias = alias(r, false)?;
                if alias.is_some() {
                    // The columns of a join under one alias: not followed.
                    items.push(FromItem { alias, ..item_of(Source::Unknown) });
                }
            }
            return Ok(());
        }
        let (source, on) = source(r)?;
        let mut item = FromItem { on, ..item_of(source) };
        suffixes(r, &mut item)?;
        item.alias = alias(r, false)?;
        if item.alias.is_some() && r.is_op("(") && !r.is_op_at(1, "+") {
            item.columns = r.list(Reader::ident)?;
        }
        suffixes(r, &mut item)?;
        if item.alias.is_none() {
            item.alias = alias(r, false)?;
            if item.alias.is_some() && r.is_op("(") {
                item.columns = r.list(Reader::ident)?;
            }
            suffixes(r, &mut item)?;
        }
        items.push(item);
        Ok(())
    })
}

pub(super) fn is_statement(r: &Reader<'_>, ahead: usize) -> bool {
    ["SHOW", "CALL", "DESCRIBE", "DESC"]
        .iter()
        .any(|word| r.is_at(ahead, word) && !r.is_op_at(ahead + 1, "."))
        && matches!(r.kind_at(ahead + 1), Some(TokenKind::Word | TokenKind::QuotedName))
        && !r.is_op_at(ahead + 1, ")")
}

/// Time travel, samples, pivots: what stands between a relation and its alias, or after it.
fn suffixes(r: &mut Reader<'_>, item: &mut FromItem) -> Read<()> {
    loop {
        if (r.is("AT") || r.is("BEFORE") || r.is("CHANGES")) && r.is_op_at(1, "(") {
            r.step();
            r.skip()?;
            if r.take("END") {
                r.skip()?;
            }
        } else if r.is("SAMPLE") || r.is("TABLESAMPLE") {
            r.step();
            r.take_any(&["BERNOULLI", "ROW", "SYSTEM", "BLOCK"]);
            r.skip()?;
            if r.take("SEED") || r.take("REPEATABLE") {
                r.skip()?;
            }
        } else if (r.is("PIVOT") || r.is("UNPIVOT") || r.is("MATCH_RECOGNIZE") || r.is("RESAMPLE"))
            && (r.is_op_at(1, "(") || r.is_at(2, "NULLS"))
        {
            let mut inner = item_of(std::mem::replace(&mut item.source, Source::Unknown));
            inner.alias.clone_from(&item.alias);
            if let Source::Relation(_) | Source::Query(_) = inner.source {
                // The relation inside must exist all the same: kept as a query without columns.
                item.on.push(Expr { queries: vec![existence(inner)], ..Expr::default() });
            }
            item.alias = None;
            r.step();
            if r.take_any(&["INCLUDE", "EXCLUDE"]) {
                r.take("NULLS");
            }
            r.skip()?;
        } else if r.take("WITH") {
            // WITH OFFSET and the like of table functions.
            r.step();
        } else {
            return Ok(());
        }
    }
}

/// `SELECT 1 FROM item`: asks only whether it exists.
fn existence(item: FromItem) -> Query {
    let one = Expr { shape: Shape::Literal("1".to_owned()), ..Expr::default() };
    let select = Select {
        items: vec![Item::Expr { expr: one, alias: None }],
        from: vec![item],
        conditions: Vec::new(),
    };
    plain(Body::Select(Box::new(select)))
}

fn source(r: &mut Reader<'_>) -> Read<(Source, Vec<Expr>)> {
    if r.is_op("(") {
        if r.is_at(1, "VALUES") || starts_query(r, 0) {
            return Ok((Source::Query(Box::new(sub_query(r)?)), Vec::new()));
        }
        r.skip()?;
        return Ok((Source::Unknown, Vec::new()));
    }
    if r.is("VALUES") {
        let rows = values(r)?;
        return Ok((Source::Query(Box::new(plain(Body::Values(rows)))), Vec::new()));
    }
    if r.kind() == Some(TokenKind::StagePath) {
        let name = stage_name(r.here());
        r.step();
        return Ok((Source::Stage(name), stage_options(r)?));
    }
    if r.kind() == Some(TokenKind::String) {
        let name = r.string().unwrap_or_default();
        let source = if name.starts_with('@') { Source::Stage(stage_name(&name)) } else { Source::Unknown };
        return Ok((source, stage_options(r)?));
    }
    if r.is("TABLE") && r.is_op_at(1, "(") {
        return table_function(r);
    }
    if r.kind() == Some(TokenKind::Variable) {
        let name = r.name(ObjectKind::Table)?;
        let positional =
            matches!(&name, Name::Variable(name, _) if name.as_str().bytes().all(|b| b.is_ascii_digit()));
        return Ok((if positional { Source::Unknown } else { Source::Relation(name) }, Vec::new()));
    }
    if r.is_op("?") || r.is_op(":") {
        let mut ignored = Expr::default();
        r.step();
        if r.kind() == Some(TokenKind::Word) {
            r.step();
        }
        ignored.shape = Shape::Other;
        return Ok((Source::Unknown, Vec::new()));
    }
    let name = r.name(ObjectKind::Table)?;
    // A table function without TABLE(), as FLATTEN and UDTFs stand after LATERAL.
    if is_semantic_view(r, &name) {
        r.skip()?;
        return Ok((Source::Unknown, Vec::new()));
    }
    if r.is_op("(") {
        let mut found = Expr::default();
        call_arguments(r, &mut found)?;
        if r.take("OVER") {
            r.skip()?;
        }
        return Ok((function_source(&name), vec![found]));
    }
    Ok((Source::Relation(name), Vec::new()))
}

fn function_source(name: &Name) -> Source {
    match name {
        Name::Written(name) if name.schema.is_none() && name.name.as_str() == "FLATTEN" => Source::Flatten,
        _ => Source::Unknown,
    }
}

/// `(view DIMENSIONS ... METRICS ... WHERE ...)`, whose words are those of no function.
fn is_semantic_view(r: &Reader<'_>, name: &Name) -> bool {
    matches!(name, Name::Written(name) if name.schema.is_none() && name.name.as_str() == "SEMANTIC_VIEW")
        && r.is_op("(")
}

fn table_function(r: &mut Reader<'_>) -> Read<(Source, Vec<Expr>)> {
    r.step();
    let start = r.mark();
    r.step();
    // TABLE('name'), TABLE($name), TABLE(:name) are names.
    if r.kind() == Some(TokenKind::String) && r.is_op_at(1, ")") {
        let text = r.string().unwrap_or_default();
        r.step();
        let name = written_name(&text, ObjectKind::Table).unwrap_or(Name::Unknown);
        return Ok((Source::Relation(name), Vec::new()));
    }
    if r.kind() == Some(TokenKind::Variable) && r.is_op_at(1, ")") {
        let name = r.name(ObjectKind::Table)?;
        r.step();
        return Ok((Source::Relation(name), Vec::new()));
    }
    if r.at_ident() {
        let name = r.name(ObjectKind::Function)?;
        if r.is_op("(") {
            let mut found = Expr::default();
            call_arguments(r, &mut found)?;
            if r.take("OVER") {
                r.skip()?;
            }
            if r.take_op(")") {
                return Ok((function_source(&name), vec![found]));
            }
        }
    }
    // Anything else in TABLE(...) stays unread: `obj!METHOD()`, binds, generators with words.
    r.back(start);
    r.skip()?;
    Ok((Source::Unknown, Vec::new()))
}

/// `(FILE_FORMAT => 'x', PATTERN => 'y')` after a stage.
fn stage_options(r: &mut Reader<'_>) -> Read<Vec<Expr>> {
    if r.is_op("(") && r.is_op_at(2, "=>") {
        r.skip()?;
    }
    Ok(Vec::new())
}

/// The stage of `@db.schema.stage/path`; user and table stages have no name of their own.
pub(super) fn stage_name(text: &str) -> Name {
    let text = text.trim_start_matches('@');
    if text.starts_with('~') || text.contains('%') || text.contains("://") {
        return Name::Unknown;
    }
    let mut in_quotes = false;
    let end = text.find(|c: char| {
        in_quotes ^= c == '"';
        c == '/' && !in_quotes
    });
    written_name(&text[..end.unwrap_or(text.len())], ObjectKind::Stage).unwrap_or(Name::Unknown)
}
