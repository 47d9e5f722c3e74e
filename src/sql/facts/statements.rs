//! Statements inside a body: a block, a chain, a text that is run, the body of a routine, task or alert.
//!
//! Two kinds of body differ. One that runs now (a block, a chain, EXECUTE IMMEDIATE of a literal) does now what its
//! statements do, so their objects are the statement's own. The body of a routine, task or alert runs later: its
//! objects are kept apart, since the server does not ask for them at CREATE. A SQL function whose body is an
//! expression or a query is compiled at CREATE, so what it names is needed at once.

use std::collections::HashSet;

use super::{body, facts_within, query, reader::Reader};
use crate::{
    model::{
        facts::{ByteRange, Certainty, ObjectRef, Verb, Why},
        ident::{Ident, QualifiedName},
        kind::ObjectKind,
    },
    sql::{
        cursor::{Cursor, Tokens},
        lex::TokenKind,
    },
};

/// What the statements of a body do together.
#[derive(Default)]
struct Found {
    defines: Vec<ObjectRef>,
    reads: Vec<ObjectRef>,
    destroys: Vec<ObjectRef>,
    doubt: Option<Why>,
    made: HashSet<Key>,
    needed: HashSet<Key>,
}

/// A block or a chain: it runs now.
pub(super) fn run(reader: &mut Reader<'_>, cursor: Cursor<'_>) {
    let mut found = Found::default();
    found.statements(cursor, reader.bodies, &|at| at);
    now(reader, found);
}

/// `EXECUTE IMMEDIATE 'text'`, whose text runs now. Text that is not a literal is seen by the server only.
pub(super) fn run_text(reader: &mut Reader<'_>) {
    let mut after = reader.cursor;
    after.advance();
    if after.at_end() || after.at_word("USING") {
        let mut found = Found::default();
        found.text(reader.cursor, reader.bodies);
        now(reader, found);
    }
}

/// The body of a routine or task, behind its AS.
pub(super) fn kept(reader: &mut Reader<'_>, kind: ObjectKind, arguments: &HashSet<Ident>) {
    let mut found = Found::default();
    let literal = reader.cursor.string();
    if kind.is_routine()
        && kind != ObjectKind::Procedure
        && !literal.as_deref().map_or_else(|| is_block(reader.cursor), is_block_text)
    {
        return expression(reader, literal.as_deref(), arguments);
    }
    if literal.is_some() {
        found.text(reader.cursor, reader.bodies);
    } else {
        found.statements(reader.cursor, reader.bodies, &|at| at);
    }
    later(reader, found, arguments);
}

/// A statement or condition that runs later.
pub(super) fn note(reader: &mut Reader<'_>, cursor: Cursor<'_>) {
    let mut found = Found::default();
    found.statements(cursor, reader.bodies, &|at| at);
    later(reader, found, &HashSet::new());
}

fn now(reader: &mut Reader<'_>, found: Found) {
    reader.facts.defines.extend(found.defines);
    reader.facts.destroys.extend(found.destroys);
    for object in found.reads {
        reader.need(object);
    }
    if let Some(Why { reason, at }) = found.doubt {
        reader.doubt(at, reason);
    }
}

fn later(reader: &mut Reader<'_>, found: Found, arguments: &HashSet<Ident>) {
    let Found { reads, destroys, made, mut needed, .. } = found;
    // An alert has two: its condition and its action.
    let known: HashSet<Key> = reader.facts.details.body.iter().map(key).collect();
    let gone = destroys.into_iter().filter(|object| {
        let key = key(object);
        !made.contains(&key) && needed.insert(key)
    });
    let all = reads.into_iter().chain(gone);
    let new = |object: &ObjectRef| !is_argument(object, arguments) && !known.contains(&key(object));
    reader.facts.details.body.extend(all.filter(new));
}

/// A SQL function's expression or query.
fn expression(reader: &mut Reader<'_>, literal: Option<&str>, arguments: &HashSet<Ident>) {
    let start = reader.cursor;
    let before = reader.facts.reads.len();
    match literal {
        None => query::needs(reader, start),
        Some(text) => {
            let tokens = Tokens::of(text);
            let places = start.string_places();
            let mut inner = Reader::new(&tokens, 0);
            query::needs(&mut inner, tokens.cursor());
            for object in inner.facts.reads {
                let at = within(&places, object.at);
                reader.need(ObjectRef { at, ..object });
            }
        }
    }
    let mut kept = reader.facts.reads.split_off(before);
    kept.retain(|object| !is_argument(object, arguments));
    reader.facts.reads.append(&mut kept);
}

fn is_argument(object: &ObjectRef, arguments: &HashSet<Ident>) -> bool {
    object.name.schema.is_none() && arguments.contains(&object.name.name)
}

fn is_block_text(text: &str) -> bool {
    is_block(Tokens::of(text).cursor())
}

fn is_block(cursor: Cursor<'_>) -> bool {
    cursor.at_any(&["BEGIN", "DECLARE"])
}

/// Where a place inside a literal stands in the text around it, by [`Cursor::string_places`].
fn within(places: &[usize], at: ByteRange) -> ByteRange {
    let place = |at: usize| places.get(at).or(places.last()).copied().unwrap_or_default();
    ByteRange { start: place(at.start), end: place(at.end) }
}

/// What two references to one object have in common: what reads a table may not know that it is a view.
type Key = (ObjectKind, QualifiedName);

fn key(object: &ObjectRef) -> Key {
    let kind = if object.kind.is_relation() { ObjectKind::Table } else { object.kind };
    (kind, object.name.clone())
}

/// Words that begin a statement which names objects, where a statement may begin.
const STATEMENTS: &[&str] = &[
    "ALTER", "CALL", "COMMENT", "COPY", "CREATE", "DELETE", "DESC", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN",
    "GRANT", "INSERT", "LIST", "LS", "MERGE", "REMOVE", "REVOKE", "RM", "SELECT", "SHOW", "TRUNCATE",
    "UNDROP", "UPDATE", "USE", "WITH",
];

/// The same inside a parenthesis: a subquery, a cursor's query, a statement that gives a result set.
const IN_PARENTHESES: &[&str] = &["CALL", "COPY", "DELETE", "INSERT", "MERGE", "SHOW", "UPDATE", "WITH"];

impl Found {
    /// The statements of a text that stands as a literal at `cursor`.
    fn text(&mut self, cursor: Cursor<'_>, bodies: usize) {
        let Some(text) = cursor.string() else { return };
        let tokens = Tokens::of(&text);
        let places = cursor.string_places();
        self.statements(tokens.cursor(), bodies, &|at| within(&places, at));
    }

    /// The statements from `cursor` on, each up to its `;`, `->>` or the parenthesis that closes around it.
    fn statements(&mut self, mut cursor: Cursor<'_>, bodies: usize, place: &dyn Fn(ByteRange) -> ByteRange) {
        let Some(bodies) = bodies.checked_sub(1) else { return };
        let mut starts = true;
        let mut in_parenthesis = false;
        while cursor.token().is_some() {
            let begins = starts && cursor.at_any(STATEMENTS)
                || in_parenthesis && cursor.at_any(IN_PARENTHESES)
                || cursor.at_word("SELECT");
            if !begins {
                starts = body::starts_statement(cursor);
                in_parenthesis = cursor.kind() == Some(TokenKind::LeftParen);
                cursor.advance();
                continue;
            }
            let start = cursor.offset();
            let mut last = cursor;
            while !is_over(last) {
                last.skip();
            }
            let text = &cursor.text()[start..last.end_before()];
            self.statement(text, start, bodies, place);
            cursor = last;
            starts = false;
            in_parenthesis = false;
        }
    }

    fn statement(&mut self, text: &str, start: usize, bodies: usize, place: &dyn Fn(ByteRange) -> ByteRange) {
        let facts = facts_within(text, bodies);
        let moved = |object: ObjectRef| {
            let at = place(ByteRange { start: object.at.start + start, end: object.at.end + start });
            ObjectRef { at, ..object }
        };
        if let Certainty::Partial(why) = facts.certainty {
            let at = place(ByteRange { start: why.at + start, end: why.at + start }).start;
            self.doubt.get_or_insert(Why { reason: why.reason, at });
        }
        let is_gone = matches!(facts.verb, Verb::Drop | Verb::DropIfExists);
        let needs = facts.object.filter(|object| {
            // `CALL SYSTEM$SEND_EMAIL(...)` needs no one's object.
            let is_systems = object.name.name.as_str().starts_with("SYSTEM$");
            !is_gone && !is_systems && !facts.defines.contains(object)
        });
        for object in needs.into_iter().chain(facts.reads).chain(facts.details.targets) {
            let key = key(&object);
            if !self.made.contains(&key) && self.needed.insert(key) {
                self.reads.push(moved(object));
            }
        }
        // What an earlier statement of the body made is no one else's loss.
        let gone = facts.destroys.into_iter().filter(|object| !self.made.contains(&key(object)));
        self.destroys.extend(gone.map(moved));
        self.made.extend(facts.defines.iter().map(key));
        self.defines.extend(facts.defines.into_iter().map(moved));
    }
}

fn is_over(cursor: Cursor<'_>) -> bool {
    matches!(cursor.kind(), None | Some(TokenKind::Semicolon | TokenKind::RightParen)) || cursor.at_op("->>")
}
