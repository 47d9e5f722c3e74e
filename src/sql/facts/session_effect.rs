//! What a statement changes in its session.

use super::{body, reader::Reader};
use crate::{
    model::{
        facts::{Facts, Scope, SessionEffect, Verb},
        kind::ObjectKind,
    },
    sql::{
        cursor::{Cursor, Tokens},
        lex::TokenKind,
    },
};

/// `USE [ROLE | WAREHOUSE | DATABASE | SCHEMA] name`, `USE SECONDARY ROLES ...`.
pub(super) fn use_context(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    reader.facts.verb = Verb::Use;
    if reader.cursor.eat_phrase("SECONDARY ROLES") {
        reader.facts.session.parameters = true;
        reader.facts.scope = Scope::Session;
        while reader.cursor.eat_ident().is_some() {
            reader.cursor.eat_op(",");
        }
        return reader.expect_end();
    }
    reader.facts.session.context = true;
    let mut ahead = reader.cursor;
    let kind = match ahead.eat_kind() {
        Some(found) if (is_context(found.kind) || is_like_database(found.kind)) && !ahead.at_end() => {
            reader.cursor = ahead;
            found.kind
        }
        _ => bare(reader.cursor),
    };
    reader.object(kind);
    reader.expect_end();
    reader.facts.scope = Scope::Session;
}

/// `USE a` means a database, `USE a.b` a schema.
fn bare(mut cursor: Cursor<'_>) -> ObjectKind {
    match cursor.eat_name() {
        Some(named) if named.parts.len() == 2 => ObjectKind::Schema,
        _ => ObjectKind::Database,
    }
}

/// An application and its package are databases to USE.
fn is_like_database(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Application | ObjectKind::ApplicationPackage)
}

/// What a session stands in: role, warehouse, database, schema.
pub(super) fn is_context(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Role | ObjectKind::Warehouse | ObjectKind::Database | ObjectKind::Schema)
}

/// `SET v = value`, `SET (a, b) = (...)`, `UNSET v`, `UNSET (a, b)`.
pub(super) fn set(reader: &mut Reader<'_>) {
    let unset = reader.cursor.at_word("UNSET");
    reader.cursor.advance();
    reader.facts.verb = if unset { Verb::Unset } else { Verb::Set };
    reader.facts.scope = Scope::Session;
    if !reader.cursor.eat_parens() && reader.cursor.eat_ident().is_none() {
        return reader.unexpected();
    }
    reader.facts.session.variable = true;
    if unset {
        return reader.expect_end();
    }
    if !reader.cursor.eat_op("=") || reader.cursor.at_end() {
        return reader.unexpected();
    }
    reader.facts.session.lasting = !is_literal(reader.cursor);
    if reader.facts.session.lasting {
        let cursor = reader.cursor;
        super::query::needs(reader, cursor);
    }
}

/// Whether an expression is made of literals, variables and operators alone, so that it means the same tomorrow.
fn is_literal(mut cursor: Cursor<'_>) -> bool {
    while !cursor.at_end() {
        let constant = match cursor.kind() {
            Some(TokenKind::Word) => cursor.at_any(&["TRUE", "FALSE", "NULL", "AND", "OR", "NOT"]),
            Some(TokenKind::QuotedName | TokenKind::StagePath | TokenKind::Unterminated) | None => false,
            Some(_) => true,
        };
        if !constant {
            return false;
        }
        cursor.advance();
    }
    true
}

/// Whether ALTER SESSION switches AUTOCOMMIT, and whether off: then each DML opens a transaction by itself.
fn autocommit(mut cursor: Cursor<'_>) -> Option<bool> {
    let unset = cursor.at_phrase("ALTER SESSION UNSET");
    while !cursor.at_end() {
        if cursor.eat("AUTOCOMMIT") {
            cursor.eat_op("=");
            return Some(!unset && !cursor.at_word("TRUE"));
        }
        cursor.advance();
    }
    None
}

/// Adds what follows from the verb and the object. `whole`: whether `tokens` are all of the statement.
pub(super) fn finish(facts: &mut Facts, tokens: &Tokens<'_>, whole: bool) {
    let kind = facts.object.as_ref().map(|object| object.kind);
    let effect = &mut facts.session;
    match facts.verb {
        // A new database, schema or warehouse becomes the current one; IF NOT EXISTS over an existing one may.
        Verb::Create | Verb::CreateOrReplace | Verb::CreateIfNotExists | Verb::CreateOrAlter => {
            effect.context = kind.is_some_and(|kind| is_context(kind) && kind != ObjectKind::Role);
            effect.lasting = facts.details.temporary;
        }
        // The current one may be the one that goes.
        Verb::Drop | Verb::DropIfExists => effect.context = kind.is_some_and(is_context),
        Verb::AlterSession => {
            effect.parameters = true;
            if let Some(off) = autocommit(tokens.cursor()) {
                effect.transaction = true;
                effect.lasting = off;
            }
        }
        Verb::Begin | Verb::Commit | Verb::Rollback => effect.transaction = true,
        // Not seen, or not understood, so anything may be.
        Verb::Call | Verb::Other => *effect = hidden(),
        Verb::Block | Verb::Chain | Verb::ExecuteImmediate if !whole => *effect = hidden(),
        Verb::Block | Verb::Chain | Verb::ExecuteImmediate => {
            let inside = body::inside(tokens);
            effect.context = inside.context;
            effect.parameters = inside.parameters;
            effect.lasting = inside.lasting;
            effect.transaction = true;
        }
        Verb::Alter
        | Verb::AlterSet
        | Verb::SuspendResume
        | Verb::AlterIfExists
        | Verb::AddColumn
        | Verb::DropColumn
        | Verb::RenameColumn
        | Verb::Rename
        | Verb::Swap
        | Verb::Undrop
        | Verb::Truncate
        | Verb::Comment
        | Verb::Grant
        | Verb::Revoke
        | Verb::GrantOwnership
        | Verb::Use
        | Verb::Set
        | Verb::Unset
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::CopyInto
        | Verb::Select
        | Verb::Show
        | Verb::Describe
        | Verb::List
        | Verb::Explain
        | Verb::Execute
        | Verb::Transfer
        | Verb::Remove
        | Verb::ClientCommand => {}
    }
}

/// The effect of what cannot be looked into.
fn hidden() -> SessionEffect {
    SessionEffect { context: true, parameters: true, variable: false, lasting: true, transaction: true }
}
