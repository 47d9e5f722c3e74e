//! CREATE.

use std::{collections::HashSet, sync::LazyLock};

use super::{
    clauses, query,
    reader::{Name, Reader, reference},
    statements,
};
use crate::{
    model::{
        facts::Verb,
        ident::Ident,
        kind::{Ability, ObjectKind},
    },
    sql::{cursor::Cursor, lex::TokenKind},
};

/// `CREATE [OR REPLACE | OR ALTER] kind [IF NOT EXISTS] name ...`.
pub(super) fn create(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    let replace = reader.cursor.eat_phrase("OR REPLACE");
    let or_alter = !replace && reader.cursor.eat_phrase("OR ALTER");
    reader.facts.verb = match (replace, or_alter) {
        (true, _) => Verb::CreateOrReplace,
        (_, true) => Verb::CreateOrAlter,
        _ => Verb::Create,
    };
    let start = reader.cursor.offset();
    let Some(found) = reader.kind() else {
        return reader.doubt(start, "no kind of object has this name");
    };
    let at = reader.cursor.offset();
    if reader.cursor.eat_phrase("IF NOT EXISTS") {
        if reader.facts.verb == Verb::Create {
            reader.facts.verb = Verb::CreateIfNotExists;
        } else {
            reader.doubt(at, "IF NOT EXISTS does not go with OR REPLACE or OR ALTER");
        }
    }
    let ability = match reader.facts.verb {
        Verb::CreateOrReplace => Ability::OrReplace,
        Verb::CreateOrAlter => Ability::OrAlter,
        Verb::CreateIfNotExists => Ability::IfNotExists,
        _ => Ability::Create,
    };
    if !found.kind.can(ability) || found.kind.is_table_part() {
        reader.doubt(start, format!("a {} is not known to take that", found.kind));
    }
    reader.facts.details.temporary = found.temporary;
    reader.object(found.kind);
    let object = reader.facts.object.clone();
    reader.facts.defines.extend(object.clone());
    if replace {
        reader.facts.destroys.extend(object);
    }
    let arguments = if found.kind.is_routine() { arguments(reader) } else { HashSet::new() };
    rest(reader, found.kind, &arguments);
}

/// What stands behind the name: what it is made from and what it needs.
fn rest(reader: &mut Reader<'_>, kind: ObjectKind, arguments: &HashSet<Ident>) {
    let runs_statements = runs_statements(kind);
    let mut language_is_sql = true;
    let mut depth = 0usize;
    while !reader.cursor.at_end() {
        if depth > 0 {
            inside(reader, kind, &mut depth);
        } else if !runs_statements && starts_another(reader.cursor) {
            let at = reader.cursor.offset();
            return reader.doubt(at, "a second statement seems to begin here");
        } else if reader.cursor.eat_phrase("COPY GRANTS") {
            reader.facts.details.keeps_grants = true;
        } else if reader.cursor.eat_any(&["CLONE", "LIKE"]) {
            reader.needed(kind_of_source(kind));
        } else if reader.cursor.eat("RETURNS") {
            returned_type(reader);
        } else if reader.cursor.eat("LANGUAGE") {
            language_is_sql = reader.cursor.at_word("SQL");
            reader.cursor.advance();
        } else if reader.cursor.eat_phrase("EXECUTE AS") {
            executes_as(reader);
        } else if reader.cursor.eat_phrase("FROM SHARE") {
            // A share of another account.
            reader.cursor.eat_name();
        } else if reader.cursor.eat_phrase("USING TEMPLATE") {
            let query = reader.cursor;
            reader.cursor.eat_parens();
            query::needs(reader, query.up_to(&reader.cursor));
        } else if reader.cursor.eat_phrase("USING VERSION") {
            reader.cursor.eat_ident();
        } else if kind == ObjectKind::Pipe && reader.cursor.eat_phrase("AS COPY INTO") {
            reader.needed(ObjectKind::Table);
            let cursor = reader.cursor;
            query::needs(reader, cursor);
            return clauses::properties(reader, cursor);
        } else if reader.cursor.eat("AS") {
            if !runs_statements {
                let cursor = reader.cursor;
                query::needs(reader, cursor);
            } else if language_is_sql && kind != ObjectKind::ExternalFunction {
                statements::kept(reader, kind, arguments);
            }
            return;
        } else if kind == ObjectKind::Alert && reader.cursor.eat("THEN") {
            let statement = reader.cursor;
            return statements::note(reader, statement);
        } else if own_clause(reader, kind) || clauses::clause(reader) {
        } else if reader.cursor.kind() == Some(TokenKind::Word) && !is_known(reader.cursor) {
            return reader.unexpected();
        } else {
            inside(reader, kind, &mut depth);
        }
    }
}

/// One step inside parentheses, or over one: columns, lists of properties.
fn inside(reader: &mut Reader<'_>, kind: ObjectKind, depth: &mut usize) {
    // What a semantic view's relationships refer to are its own aliases.
    let own = kind == ObjectKind::SemanticView && reader.cursor.at_word("REFERENCES");
    if !own && clauses::clause(reader) {
        return;
    }
    match reader.cursor.kind() {
        Some(TokenKind::LeftParen) => *depth += 1,
        Some(TokenKind::RightParen) => *depth = depth.saturating_sub(1),
        _ => {}
    }
    reader.cursor.advance();
}

/// Clauses that mean something for one kind only.
fn own_clause(reader: &mut Reader<'_>, kind: ObjectKind) -> bool {
    match kind {
        ObjectKind::Stream if reader.cursor.eat("ON") => stream_source(reader),
        ObjectKind::Index if reader.cursor.eat("ON") => {
            reader.needed(ObjectKind::Table);
            reader.cursor.eat_parens();
        }
        ObjectKind::Task if reader.cursor.eat("AFTER") => predecessors(reader),
        ObjectKind::Task if reader.cursor.at_word("WHEN") => condition(reader),
        ObjectKind::Alert if reader.cursor.eat("IF") => {
            let start = reader.cursor;
            if !reader.cursor.eat_parens() {
                reader.unexpected();
            }
            let condition = start.up_to(&reader.cursor);
            statements::note(reader, condition);
        }
        ObjectKind::SemanticView if reader.cursor.at_word("TABLES") => logical_tables(reader),
        ObjectKind::Listing if reader.cursor.eat("SHARE") => reader.needed(ObjectKind::Share),
        ObjectKind::Listing if reader.cursor.eat_phrase("APPLICATION PACKAGE") => {
            reader.needed(ObjectKind::ApplicationPackage);
        }
        ObjectKind::CortexSearchService if reader.cursor.eat_any(&["ON", "ATTRIBUTES", "INDEXES"]) => {
            while reader.cursor.eat_ident().is_some() {
                reader.cursor.eat_parens();
                if !reader.cursor.eat_op(",") {
                    break;
                }
            }
        }
        _ => return false,
    }
    true
}

/// Whether this makes an object with a body, in which `->>` may stand.
pub(super) fn has_body(mut cursor: Cursor<'_>) -> bool {
    if !cursor.eat("CREATE") {
        return false;
    }
    cursor.eat_phrase("OR REPLACE");
    cursor.eat_phrase("OR ALTER");
    cursor.eat_kind().is_none_or(|found| runs_statements(found.kind))
}

fn runs_statements(kind: ObjectKind) -> bool {
    kind.is_routine() || matches!(kind, ObjectKind::Task | ObjectKind::Alert)
}

/// Words that may stand behind a new object's name by themselves, with no `=`: the words of all clauses of all kinds
/// of object in Snowflake's SQL reference. Any other word leaves a doubt.
const WORDS: &str = "\
ACCESS ACCOUNT ADD AGGREGATION AI_SQL_GENERATION AI_QUESTION_CATEGORIZATION ALL ALTER ALWAYS APPEND_ONLY APPLICATION AS AT ATTRIBUTES AUTO BACKUP BEFORE BY CALLED CALLER \
CHANGE CLUSTER COLUMN COMMENT COMPUTE CONTACT COPY CUSTOM DATA DATABASE DAY DAYS DIMENSIONS DO ENFORCED ENTITY ESTIMATE \
EVERY EXECUTE EXTENSION EXTERNAL FACTS FAILOVER FOR FORCE FREQUENCY FROM FUNCTION GRANTS GROUP IMMEDIATELY IMMUTABLE IMMUTABLE_WHEN IN \
INITIALLY INPUT JOIN KEY LAG LINEAR LISTING MANAGED MASKING MEMOIZABLE METRICS MONTH NAME NEVER NOORDER NOT NULL OF ON \
OR ORDER ORGANIZATION OVERWRITE OWNER PACKAGE PARTITION POLICY POLICIES POOL PRIMARY PRIVACY PRIVATE PROJECTION PUBLIC REFRESH RELATIONSHIPS \
REPLICA RESTRICTED RETURNS ROLE ROUTER ROW SCHEDULE SECURE SERVICE SHARE SNAPSHOT SPECIFICATION SPECIFICATION_TEMPLATE_FILE SQL START STATIC STORAGE STRICT SUSPEND \
SUSPENDED SUSPEND_IMMEDIATE TABLE TABLES TAG TAGS TAXES TEMPLATE TEXT TO TRIGGERS UNIQUE USER USING VECTOR VERSION VIEW VOLATILE WEEK WITH WITHOUT YEAR \
AI_VERIFIED_QUERIES ALLOWED_VALUES INCREMENT INDEXES INTEGRATIONS MONITORS PARAMETERS PATCH RESOURCE ROLES SYNONYMS USERS WAREHOUSES LIFECYCLE NOTIFY WHERE WEBHOOK PERCENT COPY_GRANTS";

static KNOWN_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| WORDS.split_ascii_whitespace().collect());

fn is_known(cursor: Cursor<'_>) -> bool {
    cursor.word().is_some_and(|word| KNOWN_WORDS.contains(word.to_ascii_uppercase().as_str()))
}

/// `RETURNS type [NOT NULL]`, `RETURNS TABLE (...)`, or `RETURNS NULL ON NULL INPUT`.
fn returned_type(reader: &mut Reader<'_>) {
    if reader.cursor.eat_phrase("NULL ON NULL INPUT") {
        return;
    }
    reader.cursor.eat_name();
    reader.cursor.eat("PRECISION");
    reader.cursor.eat_parens();
}

/// `EXECUTE AS OWNER`, `CALLER`, `RESTRICTED CALLER`, and of tasks `USER u`.
fn executes_as(reader: &mut Reader<'_>) {
    reader.cursor.eat("RESTRICTED");
    if reader.cursor.eat("USER") {
        reader.needed(ObjectKind::User);
    } else if !reader.cursor.eat_any(&["OWNER", "CALLER"]) {
        reader.unexpected();
    }
}

/// `WHEN condition` of a task, up to its AS: a stream it asks about is needed when the task runs.
fn condition(reader: &mut Reader<'_>) {
    let start = reader.cursor;
    while !reader.cursor.at_end() && !reader.cursor.at_word("AS") {
        reader.cursor.skip();
    }
    let mut inside = start.up_to(&reader.cursor);
    while inside.token().is_some() {
        if inside.eat("SYSTEM$STREAM_HAS_DATA") && inside.at_paren() {
            inside.advance();
            if let Some(stream) = clauses::named_by_string(inside, ObjectKind::Stream) {
                reader.facts.details.body.push(stream);
            }
        }
        inside.advance();
    }
}

/// `TABLES ([alias AS] name PRIMARY KEY (...) ..., ...)` of a semantic view. The aliases are its own.
fn logical_tables(reader: &mut Reader<'_>) {
    reader.cursor.advance();
    let start = reader.cursor;
    if !reader.cursor.eat_parens() {
        return reader.unexpected();
    }
    let end = reader.cursor;
    let mut inside = start.up_to(&end);
    inside.advance();
    let mut expects = true;
    while inside.token().is_some() {
        if expects && let Some(named) = inside.eat_name() {
            expects = false;
            let named = if inside.eat("AS") { inside.eat_name() } else { Some(named) };
            if let Some(table) = named.and_then(|named| reference(ObjectKind::Table, &named)) {
                reader.need(table);
            }
            continue;
        }
        expects = inside.at_op(",");
        inside.skip();
    }
}

/// The names of a routine's arguments, which its body may use like tables.
fn arguments(reader: &mut Reader<'_>) -> HashSet<Ident> {
    let start = reader.cursor;
    let mut names = HashSet::new();
    if reader.cursor.eat_parens() {
        let mut inside = start.up_to(&reader.cursor);
        let mut expects = true;
        inside.advance();
        while inside.token().is_some() {
            if expects && let Some(part) = inside.eat_ident() {
                names.insert(part.ident);
            }
            expects = inside.at_op(",");
            inside.skip();
        }
    }
    names
}

/// CLONE of a temporary or transient table takes any table.
fn kind_of_source(kind: ObjectKind) -> ObjectKind {
    match kind {
        ObjectKind::TemporaryTable | ObjectKind::TransientTable => ObjectKind::Table,
        kind => kind,
    }
}

/// A statement that lacks its semicolon: the next one's first words.
fn starts_another(cursor: Cursor<'_>) -> bool {
    let mut ahead = cursor;
    if ahead.eat("CREATE") {
        return ahead.at_phrase("OR REPLACE") || ahead.at_phrase("OR ALTER") || ahead.eat_kind().is_some();
    }
    cursor.at_word("SELECT") || cursor.at_phrase("INSERT INTO") || cursor.at_phrase("INSERT OVERWRITE")
}

/// `ON TABLE t`, `ON STAGE s`, ...
fn stream_source(reader: &mut Reader<'_>) {
    match reader.cursor.eat_kind() {
        Some(found) => reader.needed(found.kind),
        None => reader.unexpected(),
    }
}

/// `AFTER a [, b ...]`; older text has the names as strings.
pub(super) fn predecessors(reader: &mut Reader<'_>) {
    loop {
        if reader.cursor.kind() == Some(TokenKind::String) {
            reader.cursor.advance();
        } else if let Name::Known(task) = reader.name(ObjectKind::Task) {
            reader.need(task);
        }
        if !reader.cursor.eat_op(",") {
            return;
        }
    }
}
