//! ALTER TABLE in all its flavours, and what views share with it.

use super::{
    super::{
        columns, expr,
        options::{self, Options},
        reader::{Read, Reader},
        types,
    },
    other,
};
use crate::{
    model::{
        command::{Action, ColumnChange, Link, Rule, Unlink},
        kind::ObjectKind,
        refusal::{SnowflakeError, UNKNOWN_CODE},
    },
    sql::lex::TokenKind,
};

pub(super) fn table(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Vec<Action>> {
    let mut found = if r.take_phrase("RENAME COLUMN") {
        let from = expr::column(r)?;
        r.expect("TO")?;
        vec![Action::RenameColumn { from, to: r.ident()? }]
    } else if r.take_phrase("RENAME CONSTRAINT") {
        let from = r.ident()?;
        r.expect("TO")?;
        vec![Action::RenameConstraint { from, to: r.ident()? }]
    } else if r.is_phrase("CLUSTER BY") {
        vec![Action::ClusterBy(options::cluster_by(r)?)]
    } else if r.is("ADD") {
        add(r, kind)?
    } else if r.is("DROP") {
        drop(r, kind)?
    } else if r.is_any(&["ALTER", "MODIFY"]) {
        r.step();
        if r.is_phrase("DATA METRIC FUNCTION") {
            r.skip_rest()?;
            vec![Action::Other(Vec::new())]
        } else if r.take("CONSTRAINT") {
            vec![constraint_properties(r)?]
        } else if r.is_phrase("PRIMARY KEY") || r.is("UNIQUE") || r.is_phrase("FOREIGN KEY") {
            r.skip_rest()?;
            vec![Action::Other(Vec::new())]
        } else {
            column_changes(r)?
        }
    } else if r.is("SET") && r.is_at(1, "MASKING") {
        r.skip_rest()?;
        vec![Action::Other(Vec::new())]
    } else if r.is_any(&["SET", "UNSET"]) {
        vec![other(r, kind)?]
    } else if kind == ObjectKind::Table
        && !r.is_any(&["RECLUSTER", "SUSPEND", "RESUME", "REFRESH", "EVOLVE", "ABORT"])
    {
        return Err(r.unexpected());
    } else {
        vec![other(r, kind)?]
    };
    // A second ADD or DROP of a policy may follow a comma.
    while r.take_op(",") {
        found.append(&mut add_or_drop_policy(r)?);
    }
    r.finish()?;
    Ok(found)
}

/// The name of a constraint and what shall be so of it; VALIDATE is refused here, whatever is documented.
fn constraint_properties(r: &mut Reader<'_>) -> Read<Action> {
    let name = r.ident()?;
    if r.done() {
        return Err(r.unexpected());
    }
    while !r.done() {
        if !r.take_phrase("NOT ENFORCED") && !r.take_any(&["ENFORCED", "RELY", "NORELY", "ENABLE", "DISABLE"])
        {
            return Err(r.unexpected());
        }
    }
    Ok(Action::AlterConstraint(name))
}

fn is_policy(r: &Reader<'_>, ahead: usize) -> bool {
    (r.is_at(ahead, "ROW") && r.is_at(ahead + 1, "ACCESS"))
        || r.is_at(ahead + 1, "POLICY")
        || r.is_at(ahead + 2, "POLICY")
        || (r.is_at(ahead, "ALL") && r.is_at(ahead + 1, "ROW"))
        || (r.is_at(ahead, "DATA") && r.is_at(ahead + 1, "METRIC"))
        || (r.is_at(ahead, "SEARCH") && r.is_at(ahead + 1, "OPTIMIZATION"))
}

/// ADD and DROP of policies, data metric functions and search optimization.
pub(super) fn add_or_drop_policy(r: &mut Reader<'_>) -> Read<Vec<Action>> {
    let adds = r.is("ADD");
    if !r.take_any(&["ADD", "DROP"]) {
        return Err(r.unexpected());
    }
    if r.take_phrase("SEARCH OPTIMIZATION") {
        return search_optimization(r);
    }
    if !adds && r.is_phrase("ALL ROW ACCESS POLICIES") {
        r.take_phrase("ALL ROW ACCESS POLICIES");
        return Ok(vec![Action::Unlink(Unlink { kind: ObjectKind::RowAccessPolicy, name: None })]);
    }
    if r.is_phrase("DATA METRIC FUNCTION") {
        r.skip_rest()?;
        return Ok(vec![Action::Other(Vec::new())]);
    }
    let mut options = Options::default();
    if adds && options.policy(r)? || !adds && !r.is("ALL") && !r.is("DATA") && options.policy(r)? {
        let mut found = vec![Action::Columns(options.policy_columns, options.uses)];
        found.extend(options.links.into_iter().map(|link| {
            let Link { kind, ref name, .. } = link;
            if adds { Action::Link(link) } else { Action::Unlink(Unlink { kind, name: Some(name.clone()) }) }
        }));
        return Ok(found);
    }
    while !r.done() && !r.is_op(",") {
        r.skip()?;
    }
    Ok(vec![Action::Other(options.uses)])
}

/// `ON EQUALITY(c, ...), SUBSTRING(*)`.
fn search_optimization(r: &mut Reader<'_>) -> Read<Vec<Action>> {
    let mut found = Vec::new();
    if r.take("ON") {
        loop {
            r.any_ident()?;
            if r.is_op_at(1, "*") {
                r.skip()?;
            } else if r.is_op("(") {
                let inside = r.list(|r| {
                    if r.is("ANALYZER") {
                        r.step();
                        r.step();
                        r.step();
                        return Ok(crate::model::command::Expr::default());
                    }
                    expr::expr(r)
                })?;
                found.extend(columns::columns_of(&inside));
            }
            if !r.take_op(",") && !r.is("ON") {
                break;
            }
            r.take("ON");
        }
    }
    Ok(vec![Action::Columns(found, Vec::new())])
}

fn add(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Vec<Action>> {
    if is_policy(r, 1) && !r.is_at(1, "COLUMN") {
        return add_or_drop_policy(r);
    }
    r.step();
    if columns::at_constraint(r) && !r.is("COLUMN") {
        let start = r.mark();
        let constraint = columns::constraint(r, &[])?;
        let checks = matches!(constraint.rule, Rule::Check(_));
        if checks && !r.between(start, r.mark()).to_ascii_uppercase().contains("NOVALIDATE") {
            let message = "ALTER TABLE ADD CHECK is not supported with ENABLE VALIDATE (you may specify ENABLE \
                           NOVALIDATE instead).";
            return Err(SnowflakeError::bare(UNKNOWN_CODE, "0A000", message));
        }
        return Ok(vec![Action::AddConstraint(constraint)]);
    }
    if kind != ObjectKind::Table && r.is_any(&["PARTITION", "FILES"]) {
        r.skip_rest()?;
        return Ok(vec![Action::Other(Vec::new())]);
    }
    let mut all = Vec::new();
    let parens = r.take_op("(");
    loop {
        r.take("COLUMN");
        let if_not_exists = r.take_phrase("IF NOT EXISTS");
        all.push((if_not_exists, columns::column(r)?));
        if !r.take_op(",") {
            break;
        }
        r.take("ADD");
    }
    if parens {
        r.expect_op(")")?;
    }
    if let Some((_, column)) = all.iter().find(|(_, column)| column.data_type.is_none() && !column.computed) {
        return Err(SnowflakeError::unsupported_type(&column.name.to_string()));
    }
    Ok(vec![Action::AddColumns { columns: all }])
}

fn drop(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Vec<Action>> {
    if is_policy(r, 1) && !r.is_at(1, "COLUMN") {
        return add_or_drop_policy(r);
    }
    r.step();
    if r.take_phrase("CLUSTERING KEY") {
        return Ok(vec![Action::DropClusteringKey]);
    }
    if r.take_phrase("PRIMARY KEY") {
        if r.is_op("(") {
            r.skip()?;
        }
        r.take_any(&["CASCADE", "RESTRICT"]);
        return Ok(vec![Action::DropPrimaryKey]);
    }
    if r.take("CONSTRAINT") {
        let name = r.ident()?;
        r.take_any(&["CASCADE", "RESTRICT"]);
        return Ok(vec![Action::DropConstraint(name)]);
    }
    if r.is("UNIQUE")
        || r.is("INDEX")
        || r.is_phrase("FOREIGN KEY")
        || kind != ObjectKind::Table && r.is("PARTITION")
    {
        r.skip_rest()?;
        return Ok(vec![Action::Other(Vec::new())]);
    }
    let mut if_exists = false;
    r.take("COLUMN");
    if_exists |= r.take_phrase("IF EXISTS");
    let parens = r.take_op("(");
    let columns = r.commas(|r| {
        r.take("COLUMN");
        if_exists |= r.take_phrase("IF EXISTS");
        expr::column(r)
    })?;
    if parens {
        r.expect_op(")")?;
    }
    r.take_any(&["CASCADE", "RESTRICT"]);
    Ok(vec![Action::DropColumns { if_exists, columns }])
}

pub(super) fn column_changes(r: &mut Reader<'_>) -> Read<Vec<Action>> {
    let parens = r.take_op("(");
    let mut all = Vec::new();
    loop {
        r.take_any(&["ALTER", "MODIFY"]);
        r.take("COLUMN");
        r.take_phrase("IF EXISTS");
        let column = expr::column(r)?;
        let change = column_change(r)?;
        all.push(Action::AlterColumn { column, change });
        if !r.take_op(",") {
            break;
        }
    }
    if parens {
        r.expect_op(")")?;
    }
    r.finish()?;
    Ok(all)
}

fn column_change(r: &mut Reader<'_>) -> Read<ColumnChange> {
    let sets = r.is("SET");
    if r.take("DROP") {
        return if r.take_phrase("NOT NULL") {
            Ok(ColumnChange::NotNull(false))
        } else if r.take("DEFAULT") {
            Ok(ColumnChange::DropDefault)
        } else {
            Err(r.unexpected())
        };
    }
    if r.take("UNSET") {
        if r.take("COMMENT") {
            return Ok(ColumnChange::Comment(None));
        }
        if r.take("TAG") {
            let tag = |r: &mut Reader<'_>| {
                let name = Some(r.name(ObjectKind::Tag)?);
                Ok(Unlink { kind: ObjectKind::Tag, name })
            };
            let mut found = vec![tag(r)?];
            while r.is_op(",") && !r.is_at(1, "COLUMN") && !r.is_at(2, "SET") && !r.is_at(2, "UNSET") {
                r.step();
                found.push(tag(r)?);
            }
            return Ok(ColumnChange::Unlinks(found));
        }
        let kinds = [ObjectKind::MaskingPolicy, ObjectKind::ProjectionPolicy];
        let kind = kinds.into_iter().find(|kind| r.is_phrase(kind.words()));
        while !r.done() && !r.is_op(",") && !r.is_op(")") {
            r.skip()?;
        }
        let found = kind.map(|kind| ColumnChange::Unlinks(vec![Unlink { kind, name: None }]));
        return Ok(found.unwrap_or(ColumnChange::Other));
    }
    r.take("SET");
    if r.take_phrase("DATA TYPE") || r.take("TYPE") {
        return changed_type(r);
    }
    if r.take_phrase("NOT NULL") {
        return Ok(ColumnChange::NotNull(true));
    }
    if r.take("DEFAULT") {
        let start = r.mark();
        expr::expr(r)?;
        return Ok(ColumnChange::Default(r.between(start, r.mark()).to_owned()));
    }
    if r.take("COMMENT") {
        r.take_op("=");
        return Ok(ColumnChange::Comment(Some(options::comment_text(r)?)));
    }
    if r.take("TAG") {
        let mut links = vec![options::tag(r)?];
        while r.is_op(",") && (r.is_op_at(2, "=") || r.is_op_at(2, ".")) {
            r.step();
            links.push(options::tag(r)?);
        }
        return Ok(ColumnChange::Links(links));
    }
    let mut options = Options::default();
    if options.policy(r)? {
        return Ok(ColumnChange::Links(options.links));
    }
    // `MODIFY c VARCHAR(10)`.
    if !sets && r.kind() == Some(TokenKind::Word) {
        return changed_type(r);
    }
    Err(r.unexpected())
}

fn changed_type(r: &mut Reader<'_>) -> Read<ColumnChange> {
    let data_type = types::data_type(r)?;
    if r.take("COLLATE") {
        r.expect_string()?;
    }
    r.take_phrase("NOT NULL");
    Ok(ColumnChange::Type(data_type))
}
