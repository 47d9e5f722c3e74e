//! GRANT and REVOKE.

use super::{
    named_target_of,
    reader::{Read, Reader},
    target,
};
use crate::{
    model::{
        command::{Command, Grant, GrantOn, Name, ObjectUse, Target},
        facts::Verb,
        ident::Ident,
        kind::ObjectKind,
    },
    sql::lex::TokenKind,
};

pub(super) fn grant(r: &mut Reader<'_>, revoke: bool) -> Read<Command> {
    let caller = ["CALLER", "ALL CALLER", "INHERITED CALLER", "ALL INHERITED CALLER"];
    // Roles of services and of instances of classes are none that the catalogue holds.
    let other_role = r.is_phrase("SERVICE ROLE") || r.is("SNOWFLAKE") && r.is_op_at(1, ".");
    if other_role || caller.iter().any(|words| r.is_phrase(words)) {
        r.skip_rest()?;
        return Ok(Command::Other {
            verb: if revoke { Verb::Revoke } else { Verb::Grant },
            uses: Vec::new(),
            ddl: true,
        });
    }
    if revoke {
        r.take_phrase("GRANT OPTION FOR");
    }
    if let Some(kind) = role_kind(r) {
        return roles(r, kind, revoke);
    }
    let privileges = privileges(r)?;
    let on = on(r)?;
    let (grantees, keep_current) = grantees(r, revoke)?;
    Ok(Command::Grant(Grant { revoke, privileges, on, grantees, keep_current }))
}

/// `ROLE r`, `DATABASE ROLE r`, `APPLICATION ROLE r` directly after GRANT.
fn role_kind(r: &Reader<'_>) -> Option<ObjectKind> {
    [ObjectKind::DatabaseRole, ObjectKind::ApplicationRole, ObjectKind::Role]
        .into_iter()
        .find(|kind| r.is_phrase(kind.words()))
}

fn roles(r: &mut Reader<'_>, kind: ObjectKind, revoke: bool) -> Read<Command> {
    r.take_phrase(kind.words());
    let named = r.commas(|r| r.use_of(kind))?;
    let (grantees, keep_current) = grantees(r, revoke)?;
    let on = GrantOn::Roles(named);
    Ok(Command::Grant(Grant { revoke, privileges: Vec::new(), on, grantees, keep_current }))
}

/// The first words of all privileges
/// (<https://docs.snowflake.com/en/user-guide/security-access-control-privileges>, as of 2026). Another word is no
/// privilege; what follows the first is not judged.
const FIRST_WORDS: &str = "ACCESS ADD ALL ALTER APPLY APPLYBUDGET ATTACH AUDIT BIND CALL CANCEL CONNECT CREATE DELETE DROP \
     ENABLE EVOLVE EXECUTE EXPLAIN FAILOVER FILE IMPORT IMPORTED INGEST INSERT MANAGE MODIFY MONITOR \
     OPERATE OVERRIDE OWNERSHIP PROCESS PUBLISH PURCHASE QUERY READ REBUILD REFERENCES REFERENCE_USAGE \
     REPLICATE RESOLVE SELECT SHARE TRUNCATE UPDATE USAGE USE USE_ANY_ROLE VERIFY VIEW WRITE";

/// Privileges up to ON, each with its words: `CREATE TABLE`, `SELECT`.
fn privileges(r: &mut Reader<'_>) -> Read<Vec<String>> {
    let mut all = Vec::new();
    let mut words: Vec<String> = Vec::new();
    loop {
        if r.is("ON") || r.is_op(",") {
            if words.is_empty() {
                return Err(r.unexpected());
            }
            all.push(words.join(" "));
            words.clear();
            if r.take("ON") {
                return Ok(all);
            }
            r.step();
        } else if r.kind() == Some(TokenKind::Word) && !r.is_any(&["TO", "FROM"]) {
            if words.is_empty() && !r.is_one_of(FIRST_WORDS) {
                return Err(r.unexpected());
            }
            words.push(r.here().to_ascii_uppercase());
            r.step();
            // Classes and columns in a privilege: `CREATE SNOWFLAKE.ML.FORECAST`, `SELECT (a, b)`.
            while r.is_op(".") {
                r.step();
                r.step();
            }
            if r.is_op("(") {
                r.skip()?;
            }
        } else {
            return Err(r.unexpected());
        }
    }
}

fn on(r: &mut Reader<'_>) -> Read<GrantOn> {
    if r.take("ACCOUNT") {
        return Ok(GrantOn::Account);
    }
    for (word, future) in [("FUTURE", true), ("ALL", false)] {
        if r.is(word) {
            r.step();
            let Some((kind, length)) = ObjectKind::parse_plural(&r.words()) else {
                return Err(r.unexpected());
            };
            for _ in 0..length {
                r.step();
            }
            r.expect("IN")?;
            let container = container(r)?;
            return Ok(if future { GrantOn::Future(kind, container) } else { GrantOn::All(kind, container) });
        }
    }
    let mark = r.mark();
    let Some(found) = ObjectKind::parse(&r.words()) else {
        // A class instance, or a relation without a kind word.
        if r.at_ident() && (r.is_at(1, "TO") || r.is_at(1, "FROM") || r.is_op_at(1, ".")) {
            let name = r.name(ObjectKind::Table)?;
            if r.at_ident() {
                r.name(ObjectKind::Table)?;
                return Ok(GrantOn::Other);
            }
            return Ok(GrantOn::Object(target(ObjectKind::Table, name)));
        }
        return Err(r.unexpected());
    };
    // A relation named like a kind: `GRANT SELECT ON task TO ROLE r`.
    if found.words == 1 && (r.is_at(1, "TO") || r.is_at(1, "FROM") || r.is_op_at(1, ".")) {
        r.back(mark);
        return Ok(GrantOn::Object(target(ObjectKind::Table, r.name(ObjectKind::Table)?)));
    }
    for _ in 0..found.words {
        r.step();
    }
    let target = named_target_of(r, found.kind)?;
    if r.is_op(",") {
        while r.take_op(",") {
            r.name(found.kind)?;
        }
        return Ok(GrantOn::Other);
    }
    Ok(GrantOn::Object(target))
}

fn container(r: &mut Reader<'_>) -> Read<Target> {
    let kind = if r.take("SCHEMA") {
        ObjectKind::Schema
    } else if r.take("DATABASE") {
        ObjectKind::Database
    } else if r.take_phrase("APPLICATION PACKAGE") || r.take("APPLICATION") {
        ObjectKind::Application
    } else {
        return Err(r.unexpected());
    };
    Ok(target(kind, r.name(kind)?))
}

/// The grantees, and what becomes of current grants.
fn grantees(r: &mut Reader<'_>, revoke: bool) -> Read<(Vec<ObjectUse>, Option<bool>)> {
    r.expect(if revoke { "FROM" } else { "TO" })?;
    let kinds = [
        ObjectKind::DatabaseRole,
        ObjectKind::ApplicationRole,
        ObjectKind::Application,
        ObjectKind::Role,
        ObjectKind::User,
        ObjectKind::Share,
    ];
    let named = kinds.into_iter().find(|kind| {
        let words = kind.words().split(' ').count();
        r.is_phrase(kind.words()) && r.kind_at(words).is_some() && !r.is_at(words, "WITH")
    });
    let kind = named.unwrap_or(ObjectKind::Role);
    if named.is_some() {
        r.take_phrase(kind.words());
    }
    let all = r.commas(|r| {
        if named.is_some() {
            r.take_phrase(kind.words());
        }
        // PUBLIC may stand for the role of that name.
        if r.take("PUBLIC") {
            let name = crate::model::ident::QualifiedName::bare(Ident::stored("PUBLIC"));
            return Ok(ObjectUse { kind: ObjectKind::Role, name: Name::Written(name) });
        }
        r.use_of(kind)
    })?;
    let mut current = None;
    while !r.done() {
        if r.is_phrase("COPY CURRENT GRANTS") || r.is_phrase("REVOKE CURRENT GRANTS") {
            current = Some(r.is("COPY"));
        }
        let known = r.take_phrase("WITH GRANT OPTION")
            || r.take_phrase("COPY CURRENT GRANTS")
            || r.take_phrase("REVOKE CURRENT GRANTS")
            || r.take_phrase("WITH COPY CURRENT GRANTS")
            || r.take_any(&["CASCADE", "RESTRICT", "COPY", "REVOKE", "CURRENT", "GRANTS", "WITH"]);
        if !known {
            return Err(r.unexpected());
        }
    }
    Ok((all, current))
}
