//! Clauses behind an object's name that name other objects, for CREATE, ALTER and COPY.

use super::{
    query,
    reader::{Name, Reader, reference, stage},
};
use crate::{
    model::{
        facts::{ByteRange, ObjectRef},
        kind::ObjectKind,
    },
    sql::{
        cursor::{Cursor, Named, Tokens},
        lex::TokenKind,
    },
};

/// Properties whose value names objects that must be there: `WAREHOUSE = w`, `'w'`, or a list of them.
///
/// `DEFAULT_ROLE`, `DEFAULT_WAREHOUSE` and the like of a user are not here: the server takes names that do not
/// exist. From Snowflake's SQL reference; which of them it checks at once is general knowledge.
const NAMING: &[(&str, ObjectKind)] = &[
    ("ALLOWED_AUTHENTICATION_SECRETS", ObjectKind::Secret),
    ("ALLOWED_DATABASES", ObjectKind::Database),
    ("ALLOWED_NETWORK_RULES", ObjectKind::NetworkRule),
    ("ALLOWED_NETWORK_RULE_LIST", ObjectKind::NetworkRule),
    ("ALLOWED_SHARES", ObjectKind::Share),
    ("API_INTEGRATION", ObjectKind::ApiIntegration),
    ("AUTHENTICATION_POLICY", ObjectKind::AuthenticationPolicy),
    ("BACKUP_POLICY", ObjectKind::BackupPolicy),
    ("BLOCKED_NETWORK_RULE_LIST", ObjectKind::NetworkRule),
    ("CATALOG", ObjectKind::CatalogIntegration),
    ("COMPUTE_POOL", ObjectKind::ComputePool),
    ("ERROR_INTEGRATION", ObjectKind::NotificationIntegration),
    ("EXTERNAL_ACCESS_INTEGRATIONS", ObjectKind::ExternalAccessIntegration),
    ("EXTERNAL_VOLUME", ObjectKind::ExternalVolume),
    ("FILE_FORMAT", ObjectKind::FileFormat),
    ("FINALIZE", ObjectKind::Task),
    ("FORMAT_NAME", ObjectKind::FileFormat),
    ("GIT_CREDENTIALS", ObjectKind::Secret),
    ("INTEGRATION", ObjectKind::NotificationIntegration),
    ("NETWORK_POLICY", ObjectKind::NetworkPolicy),
    ("NOTIFY_USERS", ObjectKind::User),
    ("QUERY_WAREHOUSE", ObjectKind::Warehouse),
    ("RESOURCE_MONITOR", ObjectKind::ResourceMonitor),
    ("SECRETS", ObjectKind::Secret),
    ("STORAGE_INTEGRATION", ObjectKind::StorageIntegration),
    ("SUCCESS_INTEGRATION", ObjectKind::NotificationIntegration),
    ("WAREHOUSE", ObjectKind::Warehouse),
];

/// Values of such properties that name nothing.
const NO_NAMES: &[&str] = &["ALL", "NONE", "NULL", "SNOWFLAKE", "TRUE", "FALSE"];

/// Words that stand right before a name that must be there.
const BEFORE_NAME: &[(&str, ObjectKind)] = &[
    ("REFERENCES", ObjectKind::Table),
    ("BACKFILL FROM", ObjectKind::Table),
    ("IN COMPUTE POOL", ObjectKind::ComputePool),
    ("FROM APPLICATION PACKAGE", ObjectKind::ApplicationPackage),
    ("ADD DATA METRIC FUNCTION", ObjectKind::DataMetricFunction),
    ("MODIFY DATA METRIC FUNCTION", ObjectKind::DataMetricFunction),
    ("DROP DATA METRIC FUNCTION", ObjectKind::DataMetricFunction),
];

/// Reads one clause that names objects, if one is next; answers whether it stepped on.
pub(super) fn clause(reader: &mut Reader<'_>) -> bool {
    let start = reader.cursor;
    let Some(token) = start.token() else { return false };
    match token.kind {
        TokenKind::StagePath => {
            if let Some(stage) = stage(start.token_text(), token.start) {
                reader.need(stage);
            }
            reader.cursor.advance();
            true
        }
        TokenKind::String => {
            staged_file(reader, start);
            reader.cursor.advance();
            true
        }
        TokenKind::Word => {
            property(reader)
                || before_name(reader)
                || policy(reader)
                || tags(reader)
                || default(reader)
                || tables(reader)
        }
        _ => false,
    }
}

/// Reads the properties of COPY INTO, which stand behind its FROM.
pub(super) fn properties(reader: &mut Reader<'_>, from: Cursor<'_>) {
    let mut cursor = from;
    while !cursor.at_end() {
        if let Some((kind, after)) = naming(cursor, &["="]) {
            names(reader, after, kind);
        } else if let Some(inside) = list_of_property(cursor) {
            properties(reader, inside);
        }
        cursor.skip();
    }
}

/// `FILE_FORMAT = (` ..., its inside.
fn list_of_property(mut cursor: Cursor<'_>) -> Option<Cursor<'_>> {
    if !cursor.eat("FILE_FORMAT") || !cursor.eat_op("=") || !cursor.at_paren() {
        return None;
    }
    let mut end = cursor;
    cursor.advance();
    end.eat_parens().then(|| cursor.up_to(&end))
}

/// `FILE_FORMAT => 'f'` and `LOCATION => '@s/path'`, arguments of Snowflake's table functions.
pub(super) fn argument(reader: &mut Reader<'_>, cursor: Cursor<'_>) -> bool {
    let mut location = cursor;
    if location.eat("LOCATION") && location.eat_op("=>") {
        staged_file(reader, location);
        return true;
    }
    if !cursor.at_word("FILE_FORMAT") {
        return false;
    }
    let found = naming(cursor, &["=>"]);
    if let Some((kind, after)) = found {
        names(reader, after, kind);
    }
    found.is_some()
}

/// A property of [`NAMING`] and the place behind its operator; not when a list of other properties follows it.
fn naming<'t>(cursor: Cursor<'t>, operators: &[&str]) -> Option<(ObjectKind, Cursor<'t>)> {
    let word = cursor.word()?;
    let (_, kind) = NAMING.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?;
    let mut after = cursor;
    after.advance();
    if !operators.iter().any(|operator| after.eat_op(operator)) {
        return None;
    }
    let lists_properties = *kind == ObjectKind::FileFormat && after.at_paren();
    (!lists_properties).then_some((*kind, after))
}

/// `NAME = value`, for any name at all. Values in parentheses are left to the walk, but for lists of names.
fn property(reader: &mut Reader<'_>) -> bool {
    if let Some((kind, after)) = naming(reader.cursor, &["="]) {
        reader.cursor = names(reader, after, kind);
        return true;
    }
    let mut after = reader.cursor;
    after.advance();
    if !after.eat_op("=") {
        return false;
    }
    reader.cursor = after;
    if reader.cursor.kind() == Some(TokenKind::String) {
        staged_file(reader, after);
        reader.cursor.advance();
    } else if reader.cursor.eat_op("-") || reader.cursor.kind() == Some(TokenKind::DollarString) {
        reader.cursor.advance();
    } else if reader.cursor.eat_name().is_some() {
        reader.cursor.eat_parens();
        // `OBJECT_TYPES = DATABASES, SHARES`
        let mut next = reader.cursor;
        while next.eat_op(",") && next.eat_name().is_some() && !next.at_op("=") {
            reader.cursor = next;
        }
    } else if !matches!(reader.cursor.kind(), Some(TokenKind::LeftParen | TokenKind::StagePath)) {
        reader.cursor.advance();
    }
    true
}

/// One name, several with commas, or a list in parentheses, `'key' = name` in it; answers the place behind them.
fn names<'t>(reader: &mut Reader<'_>, value: Cursor<'t>, kind: ObjectKind) -> Cursor<'t> {
    let mut cursor = value;
    if cursor.at_paren() {
        let mut end = cursor;
        if !end.eat_parens() {
            return end;
        }
        cursor.advance();
        let mut inside = cursor.up_to(&end);
        while inside.token().is_some() {
            let mut keyed = inside;
            keyed.advance();
            if keyed.eat_op("=") {
                inside = keyed;
            }
            if !one_name(reader, &mut inside, kind) {
                inside.advance();
            }
        }
        return end;
    }
    while one_name(reader, &mut cursor, kind) {
        let mut next = cursor;
        // A comma may as well stand before the next property.
        if !next.eat_op(",") || { next }.eat_name().is_none() || is_property(next) {
            break;
        }
        cursor = next;
    }
    if cursor.offset() == value.offset() {
        cursor.skip();
    }
    cursor
}

fn is_property(mut cursor: Cursor<'_>) -> bool {
    cursor.advance();
    cursor.at_op("=")
}

/// A name, bare or as a string.
fn one_name(reader: &mut Reader<'_>, cursor: &mut Cursor<'_>, kind: ObjectKind) -> bool {
    if cursor.at_run_time_name() {
        cursor.skip_run_time_name();
        return true;
    }
    if cursor.at_any(NO_NAMES) {
        cursor.advance();
        return true;
    }
    if let Some(named) = cursor.eat_name() {
        // `REFERENCE('name')` in an application: the consumer chooses the object.
        if !cursor.eat_parens()
            && let Some(object) = reference(kind, &named)
        {
            reader.need(object);
        }
        return true;
    }
    let Some(object) = named_by_string(*cursor, kind) else { return false };
    cursor.advance();
    if !NO_NAMES.contains(&object.name.name.as_str()) {
        reader.need(object);
    }
    true
}

/// A string whose text is a name.
pub(super) fn named_by_string(cursor: Cursor<'_>, kind: ObjectKind) -> Option<ObjectRef> {
    let text = cursor.string()?;
    let inner = Tokens::of(&text);
    let mut inside = inner.cursor();
    let named = inside.eat_name().filter(|_| inside.at_end())?;
    let token = cursor.token()?;
    let at = ByteRange { start: token.start, end: token.end };
    reference(kind, &Named { at, ..named })
}

/// A string that is a path on a stage.
pub(super) fn staged_file(reader: &mut Reader<'_>, cursor: Cursor<'_>) {
    let Some(token) = cursor.token() else { return };
    if let Some(path) = cursor.token_text().strip_prefix('\'').filter(|_| token.kind == TokenKind::String)
        && let Some(stage) = stage(path.trim_end_matches('\''), token.start + 1)
    {
        reader.need(stage);
    }
}

fn before_name(reader: &mut Reader<'_>) -> bool {
    for (words, kind) in BEFORE_NAME {
        if reader.cursor.eat_phrase(words) {
            reader.needed(*kind);
            return true;
        }
    }
    false
}

/// `MASKING POLICY p`, `ROW ACCESS POLICY p ON (...)`, and the other policies; after UNSET none is named.
fn policy(reader: &mut Reader<'_>) -> bool {
    let mut ahead = reader.cursor;
    let Some(found) = ahead.eat_kind().filter(|found| found.kind.name_space() == "policy") else {
        return false;
    };
    reader.cursor = ahead;
    let named = matches!(ahead.kind(), Some(TokenKind::Word | TokenKind::QuotedName));
    if named && !ahead.at_any(&["ON", "FORCE", "USING"]) && !ahead.at_op("=") {
        reader.needed(found.kind);
    }
    true
}

/// `TAG (t = 'x', ...)`, `TAG t = 'x', ...`, `UNSET TAG t, ...`.
fn tags(reader: &mut Reader<'_>) -> bool {
    if !reader.cursor.eat("TAG") {
        return false;
    }
    let mut cursor = reader.cursor;
    let in_parens = cursor.at_paren();
    if in_parens {
        cursor.advance();
    }
    loop {
        reader.cursor = cursor;
        let Name::Known(tag) = reader.name(ObjectKind::Tag) else { return true };
        reader.need(tag);
        cursor = reader.cursor;
        if cursor.eat_op("=") {
            cursor.advance();
        }
        if !cursor.eat_op(",") {
            break;
        }
    }
    if in_parens && cursor.kind() == Some(TokenKind::RightParen) {
        cursor.advance();
    }
    reader.cursor = cursor;
    true
}

/// `TABLES (t, ...)` of an interactive warehouse.
fn tables(reader: &mut Reader<'_>) -> bool {
    let mut ahead = reader.cursor;
    if !ahead.eat("TABLES") || !ahead.at_paren() {
        return false;
    }
    reader.cursor = names(reader, ahead, ObjectKind::Table);
    true
}

/// `DEFAULT expression` of a column: what it calls. A name that stands there by itself is a property's value.
fn default(reader: &mut Reader<'_>) -> bool {
    if !reader.cursor.eat("DEFAULT") {
        return false;
    }
    let start = reader.cursor;
    let mut end = start;
    while end.token().is_some() && !end.at_op(",") && end.kind() != Some(TokenKind::RightParen) {
        if end.offset() > start.offset()
            && end.at_any(&["COMMENT", "WITH", "NOT", "CONSTRAINT", "REFERENCES"])
        {
            break;
        }
        end.skip();
    }
    query::called(reader, start.up_to(&end));
    reader.cursor = end;
    true
}
