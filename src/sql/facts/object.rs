//! DROP, UNDROP, TRUNCATE, COMMENT, DESCRIBE and SHOW.

use super::reader::{Reader, reference, scope};
use crate::{
    model::{
        facts::{ObjectRef, Scope, Verb},
        ident::QualifiedName,
        kind::{Ability, ObjectKind},
    },
    sql::cursor::Named,
};

/// `DROP kind [IF EXISTS] name [(types)] [CASCADE | RESTRICT]`.
pub(super) fn drop(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Drop;
    let Some(kind) = kind(reader, Ability::Drop) else { return };
    if reader.cursor.eat_phrase("IF EXISTS") {
        reader.facts.verb = Verb::DropIfExists;
    }
    if kind == ObjectKind::Index {
        index(reader);
    } else {
        reader.object(kind);
    }
    if kind.is_routine() {
        reader.cursor.eat_parens();
    }
    reader.cursor.eat_any(&["CASCADE", "RESTRICT"]);
    if reader.cursor.eat("GRACE_PERIOD_IN_DAYS") {
        reader.cursor.eat_op("=");
        reader.cursor.advance();
    }
    reader.expect_end();
    reader.facts.destroys.extend(reader.facts.object.clone());
}

/// `table.index`, the name that DROP has for an index.
fn index(reader: &mut Reader<'_>) {
    let named = reader.cursor.eat_name();
    let split = named.as_ref().and_then(Named::split_last);
    let found = split.and_then(|(table, index)| Some((reference(ObjectKind::Table, &table)?, index)));
    let Some((table, index)) = found else { return reader.unexpected() };
    reader.facts.scope = scope(&table);
    let name = QualifiedName::bare(index.ident);
    reader.facts.object = Some(ObjectRef { kind: ObjectKind::Index, name, at: index.at });
    reader.need(table);
}

/// `UNDROP kind name`.
pub(super) fn undrop(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Undrop;
    let Some(kind) = kind(reader, Ability::Undrop) else { return };
    reader.object(kind);
    reader.expect_end();
    reader.facts.defines.extend(reader.facts.object.clone());
}

/// `TRUNCATE [TABLE] [IF EXISTS] name`.
pub(super) fn truncate(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Truncate;
    let kind = match reader.cursor.eat_kind() {
        Some(found) if found.kind.is_relation() => found.kind,
        Some(_) => return reader.unexpected(),
        None => ObjectKind::Table,
    };
    reader.cursor.eat_phrase("IF EXISTS");
    reader.object(kind);
    reader.expect_end();
    reader.facts.destroys.extend(reader.facts.object.clone());
}

/// `COMMENT [IF EXISTS] ON kind name [(types)] IS 'text'`. The object of a comment on a column is its relation.
pub(super) fn comment(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Comment;
    reader.cursor.eat_phrase("IF EXISTS");
    reader.expect("ON");
    let Some(kind) = reader.kind().map(|found| found.kind) else { return reader.unexpected() };
    if kind == ObjectKind::Column {
        column(reader);
    } else {
        reader.object(kind);
    }
    if kind.is_routine() {
        reader.cursor.eat_parens();
    }
    reader.expect("IS");
    if reader.cursor.at_end() {
        reader.unexpected();
    }
    reader.cursor.advance();
    reader.expect_end();
}

fn column(reader: &mut Reader<'_>) {
    if reader.cursor.at_run_time_name() {
        reader.cursor.skip_run_time_name();
        return;
    }
    let named = reader.cursor.eat_name();
    let split = named.as_ref().and_then(Named::split_last);
    let found = split.and_then(|(relation, column)| Some((reference(ObjectKind::Table, &relation)?, column)));
    let Some((relation, column)) = found else { return reader.unexpected() };
    reader.facts.scope = scope(&relation);
    reader.facts.object = Some(relation);
    reader.facts.details.columns.push(column.ident);
}

/// `DESCRIBE kind name ...`.
pub(super) fn describe(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Describe;
    reader.facts.scope = Scope::Current;
    if reader.cursor.at_word("RESULT") {
        return;
    }
    if reader.cursor.eat_phrase("SEARCH OPTIMIZATION ON") {
        return reader.object(ObjectKind::Table);
    }
    match reader.kind() {
        Some(found) => reader.object(found.kind),
        None => reader.object(ObjectKind::Table),
    }
}

/// `SHOW [TERSE] kinds ... [IN container]`. Every SHOW only reads, so a kind that is not known is no doubt.
pub(super) fn show(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Show;
    reader.facts.scope = Scope::Current;
    while !reader.cursor.at_end() {
        if !reader.cursor.eat("IN") {
            reader.cursor.skip();
            continue;
        }
        if reader.cursor.at_word("ACCOUNT") {
            continue;
        }
        let Some(found) = reader.cursor.eat_kind() else { continue };
        if let Some(named) = reader.cursor.eat_name()
            && let Some(object) = reference(found.kind, &named)
        {
            reader.need(object);
        }
    }
}

/// The kind that is next, which must be able to do that; else a doubt.
pub(super) fn kind(reader: &mut Reader<'_>, ability: Ability) -> Option<ObjectKind> {
    let at = reader.cursor.offset();
    let Some(found) = reader.kind() else {
        reader.doubt(at, "no kind of object has this name");
        return None;
    };
    if !found.kind.can(ability) || found.kind.is_table_part() {
        reader.doubt(at, format!("a {} is not known to take that", found.kind));
    }
    Some(found.kind)
}
