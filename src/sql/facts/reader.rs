//! What the readers of all statements share: the cursor, the facts so far, and the first doubt.

use std::collections::HashSet;

use crate::{
    model::{
        facts::{ByteRange, Certainty, Facts, ObjectRef, Scope, Verb, Why},
        ident::QualifiedName,
        kind::{KindMatch, KindScope, ObjectKind},
    },
    sql::{
        cursor::{Cursor, Named, Tokens},
        lex::TokenKind,
    },
};

/// A statement being read.
pub(super) struct Reader<'t> {
    /// Where reading stands.
    pub(super) cursor: Cursor<'t>,
    /// What is known so far.
    pub(super) facts: Facts,
    /// How many bodies inside bodies are still looked into.
    pub(super) bodies: usize,
    doubt: Option<Why>,
    /// What [`Facts::reads`] holds: a statement may name as many tables as there is room for.
    needed: HashSet<(ObjectKind, QualifiedName)>,
}

/// What stands where a name should.
pub(super) enum Name {
    /// An object's name.
    Known(ObjectRef),
    /// A name that only the server will know.
    RunTime,
    /// None; the doubt is noted.
    Missing,
}

impl<'t> Reader<'t> {
    pub(super) fn new(tokens: &'t Tokens<'_>, bodies: usize) -> Self {
        let mut reader = Self {
            cursor: tokens.cursor(),
            facts: Facts::new(Verb::Other, Certainty::Parsed),
            bodies,
            doubt: None,
            needed: HashSet::new(),
        };
        reader.check_tokens();
        reader
    }

    /// Notes that something was not understood. The first doubt is kept.
    pub(super) fn doubt(&mut self, at: usize, reason: impl Into<String>) {
        if self.doubt.is_none() {
            self.doubt = Some(Why { reason: reason.into(), at });
        }
    }

    /// Notes what makes every other doubt void.
    pub(super) fn replace_doubt(&mut self, at: usize, reason: String) {
        self.doubt = Some(Why { reason, at });
    }

    /// Notes that what is next was not expected.
    pub(super) fn unexpected(&mut self) {
        let at = self.cursor.offset();
        let reason = if self.cursor.at_end() {
            "the statement ends too early".to_owned()
        } else {
            format!("'{}' was not expected here", shortened(self.cursor.token_text()))
        };
        self.doubt(at, reason);
    }

    /// Steps over `word`, or notes that it is missing.
    pub(super) fn expect(&mut self, word: &str) -> bool {
        let found = self.cursor.eat(word);
        if !found {
            self.unexpected();
        }
        found
    }

    /// Notes whatever stands behind what should be the end.
    pub(super) fn expect_end(&mut self) {
        if !self.cursor.at_end() {
            self.unexpected();
        }
    }

    /// The kind that is next; classes of Snowflake's own (`SNOWFLAKE.ML.FORECAST`) are written as names.
    pub(super) fn kind(&mut self) -> Option<KindMatch> {
        if let Some(found) = self.cursor.eat_kind() {
            return Some(found);
        }
        let mut ahead = self.cursor;
        if !ahead.at_word("SNOWFLAKE") {
            return None;
        }
        let class = ahead.eat_name()?;
        let parts: Vec<&str> = class.parts.iter().map(|part| part.ident.as_str()).collect();
        let kind = match parts.as_slice() {
            ["SNOWFLAKE", "CORE", "BUDGET"] => ObjectKind::Budget,
            ["SNOWFLAKE", "ML", _] => ObjectKind::MlClassInstance,
            _ => return None,
        };
        self.cursor = ahead;
        Some(KindMatch { kind, words: parts.len(), temporary: false, transient: false, secure: false })
    }

    /// The name of an object of `kind`; of a routine without its arguments.
    pub(super) fn name(&mut self, kind: ObjectKind) -> Name {
        if self.cursor.at_run_time_name() {
            self.cursor.skip_run_time_name();
            return Name::RunTime;
        }
        let at = self.cursor.offset();
        let Some(named) = self.cursor.eat_name() else {
            self.unexpected();
            return Name::Missing;
        };
        if let Some(object) = reference(kind, &named) {
            return Name::Known(object);
        }
        self.doubt(at, format!("the name of a {kind} does not have {} parts", named.parts.len()));
        Name::Missing
    }

    /// Reads the name of the object that the statement is about, and sets object and scope.
    pub(super) fn object(&mut self, kind: ObjectKind) {
        match self.name(kind) {
            Name::Known(object) => {
                self.facts.scope = scope(&object);
                self.facts.object = Some(object);
            }
            Name::RunTime | Name::Missing => self.facts.scope = Scope::Unknown,
        }
    }

    /// Reads the name of an object that the statement needs.
    pub(super) fn needed(&mut self, kind: ObjectKind) {
        if let Name::Known(object) = self.name(kind) {
            self.need(object);
        }
    }

    /// Notes an object that the statement needs, once.
    pub(super) fn need(&mut self, object: ObjectRef) {
        if self.needed.insert((object.kind, object.name.clone())) {
            self.facts.reads.push(object);
        }
    }

    /// Literals and parentheses must be closed, and a `;` may stand only at the end, but for blocks.
    fn check_tokens(&mut self) {
        let mut cursor = self.cursor;
        let mut open: Vec<usize> = Vec::new();
        let block = body_may_hold_semicolons(cursor);
        while let Some(token) = cursor.token() {
            match token.kind {
                TokenKind::Unterminated => {
                    self.doubt(token.start, "a literal, name or comment is never closed");
                }
                TokenKind::LeftParen => open.push(token.start),
                TokenKind::RightParen if open.pop().is_none() => {
                    self.doubt(token.start, "nothing was opened that this parenthesis closes");
                }
                TokenKind::Semicolon if !block && !cursor.at_end() => {
                    self.doubt(token.start, "a second statement begins after this semicolon");
                }
                _ => {}
            }
            cursor.advance();
        }
        if let Some(at) = open.first() {
            self.doubt(*at, "this parenthesis is never closed");
        }
    }

    /// The facts, with the first doubt as their certainty.
    pub(super) fn finish(self) -> Facts {
        let mut facts = self.facts;
        if let (Some(why), Certainty::Parsed) = (self.doubt, &facts.certainty) {
            facts.certainty = Certainty::Partial(why);
        }
        facts
    }
}

/// Whether semicolons inside belong to the statement.
fn body_may_hold_semicolons(cursor: Cursor<'_>) -> bool {
    cursor.at_any(&["BEGIN", "DECLARE", "CREATE", "ALTER"])
}

/// An object of `kind` by its name, if the name has no more parts than such a name can have.
pub(super) fn reference(kind: ObjectKind, named: &Named) -> Option<ObjectRef> {
    let name = named.qualified(kind.scope())?;
    Some(ObjectRef { kind, name, at: named.at })
}

/// How far a statement about this object reaches.
pub(super) fn scope(object: &ObjectRef) -> Scope {
    match object.kind.scope() {
        KindScope::Organization | KindScope::Account => Scope::Account,
        KindScope::Database
        | KindScope::Schema
        | KindScope::Application
        | KindScope::Relation
        | KindScope::Run => object.name.database.clone().map_or(Scope::Current, Scope::Database),
    }
}

/// The object that a `@stage/path` token names; `None` for user and table stages and quoted paths.
pub(super) fn stage(text: &str, start: usize) -> Option<ObjectRef> {
    let path = text.strip_prefix('@')?;
    let end = path.find('/').unwrap_or(path.len());
    let name = &path[..end];
    let tokens = Tokens::of(name);
    let mut cursor = tokens.cursor();
    let named = cursor.eat_name().filter(|_| cursor.at_end())?;
    let name: QualifiedName = named.qualified(KindScope::Schema)?;
    let at = ByteRange { start: start + 1, end: start + 1 + end };
    Some(ObjectRef { kind: ObjectKind::Stage, name, at })
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 24;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['\u{2026}']).collect()
}
