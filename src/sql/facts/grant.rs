//! GRANT and REVOKE.

use super::reader::{Reader, scope};
use crate::{
    model::{
        facts::{Scope, Verb},
        kind::{Ability, ObjectKind},
    },
    sql::cursor::Cursor,
};

/// `GRANT what ON object TO grantee`, `GRANT role TO grantee`, and the same with REVOKE and FROM. The object is
/// what is granted on, or the role that is granted; the grantee is needed.
pub(super) fn grant(reader: &mut Reader<'_>) {
    let revoke = reader.cursor.at_word("REVOKE");
    reader.cursor.advance();
    reader.cursor.eat_phrase("GRANT OPTION FOR");
    let towards = if revoke { "FROM" } else { "TO" };
    let ownership = reader.cursor.at_word("OWNERSHIP");
    reader.facts.verb = match (ownership, revoke) {
        (true, _) => Verb::GrantOwnership,
        (_, true) => Verb::Revoke,
        _ => Verb::Grant,
    };
    reader.facts.scope = Scope::Account;
    if let Some(role) = granted_role(reader.cursor) {
        reader.cursor.eat_kind();
        reader.object(role);
    } else if !privileges(reader) || !target(reader) {
        return;
    }
    if ownership && revoke && !reader.facts.details.bulk {
        let at = reader.cursor.offset();
        reader.doubt(at, "ownership of an object is not revoked but granted to another role");
    }
    if !reader.expect(towards) {
        return;
    }
    grantee(reader);
    loop {
        if reader.cursor.eat_phrase("COPY CURRENT GRANTS") {
            reader.facts.details.keeps_grants = true;
        } else if !reader.cursor.eat_phrase("WITH GRANT OPTION")
            && !reader.cursor.eat_phrase("REVOKE CURRENT GRANTS")
            && !reader.cursor.eat_any(&["CASCADE", "RESTRICT"])
        {
            break;
        }
    }
    reader.expect_end();
}

/// `ROLE r TO`, `DATABASE ROLE d.r TO`, ...: a role is granted, not a privilege.
fn granted_role(cursor: Cursor<'_>) -> Option<ObjectKind> {
    let mut ahead = cursor;
    let kind = ahead.eat_kind()?.kind;
    (kind.is_role() && !ahead.at_word("ON")).then_some(kind)
}

/// The privileges, up to ON. Their names grow with Snowflake, so any words are taken.
fn privileges(reader: &mut Reader<'_>) -> bool {
    while !reader.cursor.at_end() {
        if reader.cursor.eat("ON") {
            return true;
        }
        // CREATE SNOWFLAKE.ML.FORECAST is a privilege too.
        if reader.cursor.eat_name().is_some() || reader.cursor.eat_op(",") || reader.cursor.eat_parens() {
            continue;
        }
        break;
    }
    reader.unexpected();
    false
}

/// What is granted on: the account, one object, or all or future objects of a container.
fn target(reader: &mut Reader<'_>) -> bool {
    if reader.cursor.eat("ACCOUNT") {
        return true;
    }
    if reader.cursor.eat_any(&["ALL", "FUTURE"]) {
        reader.facts.details.bulk = true;
        let at = reader.cursor.offset();
        let plural = reader.cursor.eat_plural();
        if plural.is_none() {
            reader.doubt(at, "no kind of object has this name in the plural");
            return false;
        }
        if !reader.expect("IN") {
            return false;
        }
        if reader.cursor.eat("ACCOUNT") {
            return true;
        }
    }
    let at = reader.cursor.offset();
    if is_bare_relation(reader.cursor) {
        reader.object(ObjectKind::Table);
        return true;
    }
    let Some(found) = reader.kind() else {
        reader.doubt(at, "no kind of object has this name");
        return false;
    };
    if !found.kind.can(Ability::Grant) {
        reader.doubt(at, format!("a {} is not known as what one grants on", found.kind));
    }
    reader.object(found.kind);
    if found.kind.is_routine() {
        reader.cursor.eat_parens();
    }
    if let Some(object) = &reader.facts.object {
        reader.facts.scope = scope(object);
    }
    true
}

/// `ON t TO`: without a kind the name is that of a table or view. Scripts in use have it; Snowflake's reference
/// does not.
fn is_bare_relation(mut cursor: Cursor<'_>) -> bool {
    cursor.eat_name().is_some() && cursor.at_any(&["TO", "FROM"])
}

/// `[ROLE] r`, `DATABASE ROLE d.r`, `USER u`, `SHARE s`, `APPLICATION a`,
/// `SHARE IN APPLICATION PACKAGE p`, ...
fn grantee(reader: &mut Reader<'_>) {
    if reader.cursor.eat_phrase("SHARE IN APPLICATION PACKAGE") {
        return reader.needed(ObjectKind::ApplicationPackage);
    }
    let mut ahead = reader.cursor;
    let kind = match ahead.eat_kind() {
        // A role may be called like a kind: `TO share`.
        Some(found) if !ahead.at_end() => {
            reader.cursor = ahead;
            found.kind
        }
        _ => ObjectKind::Role,
    };
    reader.needed(kind);
}
