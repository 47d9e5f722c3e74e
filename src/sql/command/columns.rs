//! Columns and constraints of tables.

use super::{
    expr,
    options::{Options, comment_text},
    reader::{Read, Reader},
    types,
};
use crate::{
    model::{
        command::{ColumnDef, ColumnRef, Constraint, Expr, Rule},
        ident::Ident,
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::lex::TokenKind,
};

/// An element of the list of CREATE TABLE.
pub(super) enum Element {
    Column(ColumnDef),
    Constraint(Constraint),
}

pub(super) fn element(r: &mut Reader<'_>) -> Read<Element> {
    if at_constraint(r) {
        return constraint(r, &[]).map(Element::Constraint);
    }
    column(r).map(Element::Column)
}

/// Whether a constraint stands here, and not a column of that name.
pub(super) fn at_constraint(r: &Reader<'_>) -> bool {
    r.is("CONSTRAINT")
        || r.is_phrase("PRIMARY KEY")
        || r.is_phrase("FOREIGN KEY")
        || r.is("UNIQUE")
        || r.is("CHECK")
}

/// A constraint; `own` are the columns of one that stands with its column.
pub(super) fn constraint(r: &mut Reader<'_>, own: &[ColumnRef]) -> Read<Constraint> {
    let name = if r.take("CONSTRAINT") { Some(r.ident()?) } else { None };
    let columns = |r: &mut Reader<'_>| if own.is_empty() { r.list(expr::column) } else { Ok(own.to_vec()) };
    let rule = if r.take_phrase("PRIMARY KEY") {
        Rule::Primary(columns(r)?)
    } else if r.take("UNIQUE") {
        r.take("KEY");
        Rule::Unique(columns(r)?)
    } else if r.is("CHECK") {
        r.step();
        r.expect_op("(")?;
        let condition = expr::expr(r)?;
        r.expect_op(")")?;
        Rule::Check(condition)
    } else if r.is_phrase("FOREIGN KEY") || r.is("REFERENCES") {
        let columns = if r.take_phrase("FOREIGN KEY") {
            if r.is_op("(") { r.list(expr::column)? } else { own.to_vec() }
        } else {
            own.to_vec()
        };
        r.expect("REFERENCES")?;
        let table = r.name(ObjectKind::Table)?;
        let referenced = if r.is_op("(") { r.list(expr::column)? } else { Vec::new() };
        Rule::Foreign { columns, table, referenced }
    } else {
        return Err(r.unexpected());
    };
    constraint_words(r, !own.is_empty())?;
    Ok(Constraint { name, rule })
}

/// What may follow any constraint. A COMMENT behind one that stands with its column is the column's.
fn constraint_words(r: &mut Reader<'_>, with_column: bool) -> Read<()> {
    loop {
        if r.is("NOT") && (r.is_at(1, "ENFORCED") || r.is_at(1, "DEFERRABLE")) {
            r.step();
            r.step();
        } else if r.take_any(&[
            "ENFORCED",
            "DEFERRABLE",
            "ENABLE",
            "DISABLE",
            "VALIDATE",
            "NOVALIDATE",
            "RELY",
            "NORELY",
        ]) {
        } else if r.take("INITIALLY") {
            if !r.take_any(&["DEFERRED", "IMMEDIATE"]) {
                return Err(r.unexpected());
            }
        } else if r.is("MATCH") {
            r.step();
            r.step();
        } else if r.is_phrase("ON UPDATE") || r.is_phrase("ON DELETE") {
            r.step();
            r.step();
            let _ = r.take_phrase("SET NULL")
                || r.take_phrase("SET DEFAULT")
                || r.take_phrase("NO ACTION")
                || r.take_any(&["CASCADE", "RESTRICT"]);
        } else if !with_column && r.is("COMMENT") && r.kind_at(1) == Some(TokenKind::String) {
            r.step();
            r.step();
        } else {
            return Ok(());
        }
    }
}

/// A column with its type and what belongs to it.
pub(super) fn column(r: &mut Reader<'_>) -> Read<ColumnDef> {
    let at = r.place();
    let name = r.ident()?;
    let mut found = ColumnDef {
        name,
        data_type: None,
        not_null: false,
        default: None,
        reads: Vec::new(),
        autoincrement: false,
        computed: false,
        comment: None,
        constraints: Vec::new(),
        uses: Vec::new(),
        links: Vec::new(),
    };
    let own = [ColumnRef { parts: vec![found.name.clone()], at }];
    let typed = matches!(r.kind(), Some(TokenKind::Word | TokenKind::QuotedName)) && !at_column_word(r);
    if typed {
        found.data_type = Some(types::data_type(r)?);
    }
    while !r.is_op(",") && !r.is_op(")") && !r.done() {
        column_word(r, &mut found, &own)?;
    }
    Ok(found)
}

/// Whether a word that cannot be a type stands here: the type was left out.
fn at_column_word(r: &Reader<'_>) -> bool {
    r.is_any(&[
        "NOT",
        "NULL",
        "COMMENT",
        "MASKING",
        "WITH",
        "TAG",
        "DEFAULT",
        "PROJECTION",
        "AS",
        "UNIQUE",
        "CONSTRAINT",
    ]) || r.is_phrase("PRIMARY KEY")
}

fn column_word(r: &mut Reader<'_>, found: &mut ColumnDef, own: &[ColumnRef]) -> Read<()> {
    if r.take_phrase("NOT NULL") {
        found.not_null = true;
        // NOT NULL may have the words of a constraint.
        return constraint_words(r, true);
    }
    if r.take("NULL") {
        return Ok(());
    }
    if r.is("DEFAULT") {
        r.step();
        let start = r.mark();
        let value = expr::expr(r)?;
        only_default(found)?;
        found.default = Some(r.between(start, r.mark()).to_owned());
        found.reads.push(value);
        return Ok(());
    }
    if r.is("AUTOINCREMENT") || r.is("IDENTITY") {
        r.step();
        only_default(found)?;
        found.autoincrement = true;
        found.default = Some(autoincrement(r)?);
        return Ok(());
    }
    if r.take("COLLATE") {
        return r.expect_string().map(|_| ());
    }
    if r.is("COMMENT") {
        r.step();
        r.take_op("=");
        found.comment = Some(comment_text(r)?);
        return Ok(());
    }
    if r.is("CONSTRAINT") || at_constraint(r) || r.is("REFERENCES") {
        let one = constraint(r, own)?;
        found.constraints.push(one);
        return Ok(());
    }
    if r.take_phrase("GENERATED ALWAYS") || r.take_phrase("GENERATED BY DEFAULT") {
        return Ok(());
    }
    if r.is("AS") && r.is_at(1, "IDENTITY") {
        r.step();
        return Ok(());
    }
    if r.take("AS") {
        found.computed = true;
        let value = expr::expr(r)?;
        found.reads.push(value);
        r.take_any(&["VIRTUAL", "STORED"]);
        return Ok(());
    }
    let mut options = Options::default();
    r.take("WITH");
    if r.is("TAG") && r.is_op_at(1, "(") {
        r.step();
        options.tags(r)?;
    } else if !options.policy(r)? {
        return Err(r.unexpected());
    }
    found.uses.append(&mut options.uses);
    found.links.append(&mut options.links);
    Ok(())
}

fn only_default(found: &ColumnDef) -> Read<()> {
    if found.default.is_none() && !found.autoincrement {
        return Ok(());
    }
    let message =
        format!("\nMultiple DEFAULT or AUTOINCREMENT expressions declared for column {}.", found.name);
    Err(SnowflakeError::compilation_line(crate::model::refusal::UNKNOWN_CODE, "42601", message))
}

/// Start and step, as DESCRIBE prints them.
fn autoincrement(r: &mut Reader<'_>) -> Read<String> {
    let (mut start, mut step) = ("1".to_owned(), "1".to_owned());
    if r.take_op("(") {
        start = number(r)?;
        r.expect_op(",")?;
        step = number(r)?;
        r.expect_op(")")?;
    } else {
        while r.is_any(&["START", "INCREMENT"]) {
            let into = if r.take("START") { &mut start } else { &mut step };
            r.take("INCREMENT");
            let _ = r.take_any(&["WITH", "BY"]) || r.take_op("=");
            *into = number(r)?;
        }
    }
    let order = if r.take("ORDER") { " ORDER" } else { "" };
    r.take("NOORDER");
    Ok(format!("IDENTITY START {start} INCREMENT {step}{order}"))
}

/// A whole number with a sign.
pub(super) fn number(r: &mut Reader<'_>) -> Read<String> {
    let sign = if r.take_op("-") { "-" } else { "" };
    r.take_op("+");
    if r.kind() != Some(TokenKind::Number) {
        return Err(r.unexpected());
    }
    let text = format!("{sign}{}", r.here());
    r.step();
    Ok(text)
}

/// The names in a list, with what may stand beside them in the column list of a view or CTAS.
pub(super) fn view_column(r: &mut Reader<'_>) -> Read<(Ident, Option<String>, Options)> {
    let name = r.ident()?;
    let mut comment = None;
    let mut options = Options::default();
    while !r.is_op(",") && !r.is_op(")") {
        if r.take("COMMENT") {
            r.take_op("=");
            comment = Some(comment_text(r)?);
        } else if r.take("WITH") {
        } else if r.is("TAG") {
            r.step();
            options.tags(r)?;
        } else if !options.policy(r)? {
            return Err(r.unexpected());
        }
    }
    Ok((name, comment, options))
}

/// The columns that a list of expressions names.
pub(super) fn columns_of(exprs: &[Expr]) -> Vec<ColumnRef> {
    exprs.iter().flat_map(|expr| expr.columns.iter().cloned()).collect()
}
