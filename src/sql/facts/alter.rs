//! ALTER.

use std::collections::HashSet;

use super::{
    clauses,
    reader::{Name, Reader},
    statements,
};
use crate::{
    model::{
        facts::{Scope, Verb},
        ident::Ident,
        kind::{Ability, ObjectKind},
    },
    sql::lex::TokenKind,
};

/// `ALTER SESSION ...` or `ALTER kind [IF EXISTS] name action`.
pub(super) fn alter(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    if reader.cursor.at_word("SESSION") && !reader.cursor.at_phrase("SESSION POLICY") {
        reader.facts.verb = Verb::AlterSession;
        reader.facts.scope = Scope::Session;
        reader.cursor.advance();
        if !reader.cursor.at_any(&["SET", "UNSET"]) {
            reader.unexpected();
        }
        return;
    }
    reader.facts.verb = Verb::Alter;
    let at = reader.cursor.offset();
    let Some(found) = reader.kind() else {
        return reader.doubt(at, "no kind of object has this name");
    };
    let kind = found.kind;
    reader.cursor.eat_phrase("IF EXISTS");
    // Without a name it is the current one; SET is no name.
    let current = matches!(kind, ObjectKind::Account | ObjectKind::Warehouse | ObjectKind::User);
    if current && reader.cursor.at_any(&["SET", "UNSET"]) {
        reader.facts.scope = Scope::Account;
    } else {
        reader.object(kind);
    }
    if kind.is_routine() {
        reader.cursor.eat_parens();
    }
    let start = reader.cursor;
    action(reader, kind);
    reader.cursor = start;
    needs(reader, kind);
}

/// What the action names: policies, tags, referenced tables, properties' objects, a task's predecessors and body.
fn needs(reader: &mut Reader<'_>, kind: ObjectKind) {
    while !reader.cursor.at_end() {
        if kind == ObjectKind::Task && reader.cursor.eat_any(&["ADD", "REMOVE"]) {
            if reader.cursor.eat("AFTER") {
                super::create::predecessors(reader);
            }
        } else if kind == ObjectKind::Task && reader.cursor.eat_phrase("MODIFY AS") {
            return statements::kept(reader, kind, &HashSet::new());
        } else if kind == ObjectKind::Alert
            && (reader.cursor.eat_phrase("MODIFY ACTION")
                || reader.cursor.eat_phrase("MODIFY CONDITION EXISTS"))
        {
            let later = reader.cursor;
            return statements::note(reader, later);
        } else if !clauses::clause(reader) {
            reader.cursor.advance();
        }
    }
}

fn action(reader: &mut Reader<'_>, kind: ObjectKind) {
    let at = reader.cursor.offset();
    if reader.cursor.eat("RENAME") {
        rename(reader, kind);
    } else if reader.cursor.eat_phrase("SWAP WITH") {
        reader.facts.verb = Verb::Swap;
        if !kind.can(Ability::Swap) {
            reader.doubt(at, format!("a {kind} is not known to take that"));
        }
        if let Name::Known(other) = reader.name(kind) {
            reader.facts.defines.extend(reader.facts.object.clone());
            reader.facts.defines.push(other.clone());
            reader.need(other);
        }
        reader.expect_end();
    } else if reader.cursor.eat_any(&["SET", "UNSET"]) {
        reader.facts.verb = Verb::AlterSet;
        if reader.cursor.at_end() {
            reader.unexpected();
        }
    } else if reader.cursor.eat_any(&["SUSPEND", "RESUME"]) {
        reader.cursor.eat_phrase("IF SUSPENDED");
        if reader.cursor.at_end() {
            reader.facts.verb = Verb::SuspendResume;
        }
    } else if kind.is_relation() && columns_are_next(reader, "ADD") {
        columns(reader, Verb::AddColumn);
    } else if kind.is_relation() && columns_are_next(reader, "DROP") {
        columns(reader, Verb::DropColumn);
    } else if kind.is_relation() && reader.cursor.at_any(&["ALTER", "MODIFY"]) {
        reader.cursor.advance();
        if only_sets_columns(reader) {
            reader.facts.verb = Verb::AlterSet;
        }
    } else if !ACTIONS.iter().any(|action| reader.cursor.at_phrase(action)) {
        reader.unexpected();
    }
}

/// `RENAME TO name`, `RENAME COLUMN a TO b`.
fn rename(reader: &mut Reader<'_>, kind: ObjectKind) {
    if reader.cursor.eat("TO") {
        reader.facts.verb = Verb::Rename;
        if !kind.can(Ability::Rename) {
            let at = reader.cursor.offset();
            reader.doubt(at, format!("a {kind} is not known to take RENAME"));
        }
        if let Name::Known(new) = reader.name(kind) {
            reader.facts.defines.push(new);
        }
        return reader.expect_end();
    }
    if reader.cursor.eat("COLUMN") {
        reader.facts.verb = Verb::RenameColumn;
        let old = reader.cursor.eat_ident();
        let to = reader.expect("TO");
        let new = reader.cursor.eat_ident();
        match (old, new) {
            (Some(old), Some(new)) if to => reader.facts.details.columns = vec![old.ident, new.ident],
            _ => reader.unexpected(),
        }
        reader.expect_end();
    }
}

/// How the other actions begin, of all kinds of object; what else they name is found by their clauses.
const ACTIONS: &[&str] = &[
    "ABORT ALL QUERIES",
    "ACCEPT",
    "ADD",
    "ALLOW CONNECTIONS",
    "ALTER",
    "CANCEL",
    "CLUSTER BY",
    "COMMIT",
    "COMPLETE",
    "COMPOSE",
    "DEREGISTER",
    "DISABLE",
    "DROP",
    "ENABLE",
    "ENROLL MFA",
    "EXECUTE",
    "FETCH",
    "FINISH",
    "FROM SPECIFICATION",
    "MODIFY",
    "MOVE TO",
    "OPEN",
    "PRIMARY",
    "PUBLISH",
    "PUSH",
    "RECLUSTER",
    "REFRESH",
    "REGISTER",
    "REMOVE",
    "RESET PASSWORD",
    "RESTORE",
    "RETRY LAST",
    "REVIEW",
    "ROTATE",
    "RUN",
    "STOP ALL",
    "SUSPEND RECLUSTER",
    "RESUME RECLUSTER",
    "UNPUBLISH",
    "UNREGISTER",
    "UPGRADE",
    "WITHDRAW",
    "DELEGATE",
    "REMOVE DELEGATED",
    "CONVERT TO",
    "RESYNC",
];

/// What ADD and DROP take besides columns.
const NO_COLUMNS: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "FOREIGN",
    "CHECK",
    "ROW",
    "SEARCH",
    "CLUSTERING",
    "AGGREGATION",
    "JOIN",
    "PRIVACY",
    "PROJECTION",
    "STORAGE",
    "DATA",
    "PARTITION",
    "FILES",
    "VERSION",
    "LIVE",
    "FACTS",
    "TABLES",
    "FEATURE",
    "INDEX",
    "DIMENSIONS",
    "METRICS",
    "RELATIONSHIPS",
];

fn columns_are_next(reader: &Reader<'_>, word: &str) -> bool {
    let mut ahead = reader.cursor;
    if !ahead.eat(word) {
        return false;
    }
    if ahead.at_word("COLUMN") {
        return true;
    }
    // A column may bear one of these names; then its type, or nothing, follows. Only the sure form is read.
    let listed = ahead.at_any(NO_COLUMNS);
    let mut behind = ahead;
    behind.eat_phrase("IF EXISTS");
    behind.advance();
    let ends = behind.at_end() || behind.at_op(",") || behind.at_any(&["CASCADE", "RESTRICT"]);
    !listed
        && (word == "ADD" || ends)
        && (ahead.word().is_some() || ahead.kind() == Some(TokenKind::QuotedName))
}

/// `ADD [COLUMN] [IF NOT EXISTS] c type ... [, ...]` and `DROP [COLUMN] [IF EXISTS] c [, ...]`. With a guard on
/// every column the statement is idempotent; otherwise the columns without one tell whether it was done.
fn columns(reader: &mut Reader<'_>, verb: Verb) {
    let guard = if verb == Verb::AddColumn { "IF NOT EXISTS" } else { "IF EXISTS" };
    reader.facts.details.drops = verb == Verb::DropColumn;
    reader.cursor.advance();
    let (mut bare, mut guarded): (Vec<Ident>, Vec<Ident>) = (Vec::new(), Vec::new());
    loop {
        reader.cursor.eat("COLUMN");
        let has_guard = reader.cursor.eat_phrase(guard);
        let Some(column) = reader.cursor.eat_ident() else { break reader.unexpected() };
        if has_guard {
            guarded.push(column.ident);
        } else {
            bare.push(column.ident);
        }
        while !reader.cursor.at_end() && !reader.cursor.at_op(",") {
            reader.cursor.skip();
        }
        if !reader.cursor.eat_op(",") {
            break;
        }
        if verb == Verb::AddColumn && reader.cursor.at_any(NO_COLUMNS) {
            break;
        }
    }
    if bare.is_empty() {
        reader.facts.verb = Verb::AlterIfExists;
        reader.facts.details.columns = guarded;
    } else {
        reader.facts.verb = verb;
        reader.facts.details.columns = bare;
    }
}

/// Whether `ALTER [COLUMN] ...` does nothing but SET, UNSET, give a type or a comment, for every column it names.
fn only_sets_columns(reader: &Reader<'_>) -> bool {
    let mut cursor = reader.cursor;
    let mut end = None;
    if cursor.at_paren() {
        let mut after = cursor;
        if !after.eat_parens() {
            return false;
        }
        cursor.advance();
        end = Some(after.offset());
    }
    loop {
        cursor.eat("COLUMN");
        if cursor.eat_ident().is_none() || !cursor.at_any(&["SET", "UNSET", "TYPE", "COMMENT"]) {
            return false;
        }
        while !cursor.at_end() && !cursor.at_op(",") {
            if end.is_some() && cursor.kind() == Some(TokenKind::RightParen) {
                return true;
            }
            // `SET MASKING POLICY p USING (a, b)`, `NUMBER(38, 0)`: commas inside belong to them.
            cursor.skip();
        }
        if !cursor.eat_op(",") {
            return true;
        }
    }
}
