//! A statement under another database or schema.

use std::collections::BTreeMap;

use super::reader::stage;
use crate::{
    model::{
        facts::{ByteRange, Facts, ObjectRef},
        ident::Ident,
        kind::{KindScope, ObjectKind},
    },
    sql::{
        cursor::{Named, Tokens},
        lex::{self, Token, TokenKind},
    },
};

/// What is called otherwise at another target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// A database.
    Database {
        /// Its name in the statement.
        from: Ident,
        /// Its name there.
        to: Ident,
    },
    /// A schema, of whatever database.
    Schema {
        /// Its name in the statement.
        from: Ident,
        /// Its name there.
        to: Ident,
    },
}

/// A statement's text for another target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retargeted {
    /// The new text; but for the names it is the old one.
    pub text: String,
    /// Places of the **old** text where the name stands but may mean something else, or stands in a literal or body
    /// that is not looked into. They are left as they were; a person must say what they are.
    pub unsure: Vec<ByteRange>,
}

/// Replaces a database's or schema's name wherever it qualifies or names an object. Names without it stay, since
/// the session gives it to them; quoted names stay quoted, and `IDENTIFIER('...')` is read.
///
/// Replaced are the places that `facts` knows, repetitions of the same names, the names of stages, and every name
/// of three parts and more that begins with the database: one of fewer parts may begin with an alias.
///
/// For a rehearsal on a clone: the same statements against a database of another name, without printing SQL anew.
pub fn retarget(text: &str, facts: &Facts, change: &Renamed) -> Retargeted {
    let mut edits = Edits { text, change, places: BTreeMap::new() };
    let mut known: Vec<Vec<Ident>> = Vec::new();
    let objects = facts.object.iter().chain(&facts.defines).chain(&facts.reads).chain(&facts.destroys);
    let literals: Vec<Token> = lex::tokens(text)
        .filter(|token| matches!(token.kind, TokenKind::String | TokenKind::DollarString))
        .collect();
    for object in objects.chain(&facts.details.targets) {
        // A text that is run, or a body, is not changed but said to hold the name.
        let inside = |token: &Token| token.start < object.at.start && object.at.end < token.end;
        if !literals.iter().any(inside) {
            edits.object(object, &mut known);
        }
    }
    let unsure = edits.rest(&known);
    Retargeted { text: edits.apply(), unsure }
}

struct Edits<'t> {
    text: &'t str,
    change: &'t Renamed,
    /// Start to end and new text.
    places: BTreeMap<usize, (usize, String)>,
}

impl Edits<'_> {
    fn names(&self) -> (&Ident, &Ident) {
        match self.change {
            Renamed::Database { from, to } | Renamed::Schema { from, to } => (from, to),
        }
    }

    /// The part of an object's name that names its database or schema.
    fn part(&self, kind: ObjectKind, parts: usize) -> Option<usize> {
        let container = match kind.scope() {
            KindScope::Schema | KindScope::Relation => parts.checked_sub(2),
            _ => None,
        };
        match self.change {
            Renamed::Schema { .. } if kind == ObjectKind::Schema => parts.checked_sub(1),
            Renamed::Schema { .. } => container,
            Renamed::Database { .. } if kind.name_space() == ObjectKind::Database.name_space() => {
                parts.checked_sub(1)
            }
            Renamed::Database { .. } => match kind.scope() {
                KindScope::Database | KindScope::Application => parts.checked_sub(2),
                _ => container.and_then(|schema| schema.checked_sub(1)),
            },
        }
    }

    /// One object at its place. Names with containers are noted, to know them again.
    fn object(&mut self, object: &ObjectRef, known: &mut Vec<Vec<Ident>>) {
        let Some(slice) = self.text.get(object.at.start..object.at.end) else { return };
        let tokens = Tokens::of(slice);
        if let Some(inner) = tokens.cursor().string() {
            return self.literal(object.kind, object.at, slice, &inner);
        }
        let Some(named) = tokens.cursor().eat_name() else { return };
        if named.parts.len() > 1 {
            known.push(named.parts.iter().map(|part| part.ident.clone()).collect());
        }
        if let Some(at) = self.part(object.kind, named.parts.len()) {
            self.replace(&named, at, object.at.start);
        }
    }

    /// Replaces one part of a name that was read at `offset`, if it is the one to replace.
    fn replace(&mut self, named: &Named, part: usize, offset: usize) {
        let Some(part) = named.parts.get(part) else { return };
        let (start, end) = (offset + part.at.start, offset + part.at.end);
        if let Some(new) = self.renamed(&part.ident, &self.text[start..end]) {
            self.places.insert(start, (end, new));
        }
    }

    /// The new name, quoted as the old one was. `db..t` leaves the schema PUBLIC out.
    fn renamed(&self, ident: &Ident, written: &str) -> Option<String> {
        let (from, to) = self.names();
        let left_out = ident.as_str().is_empty() && from.as_str() == "PUBLIC";
        if ident != from && !left_out {
            return None;
        }
        Some(if written.starts_with('"') { to.quoted() } else { to.to_string() })
    }

    /// A name in the literal of `IDENTIFIER('...')`.
    fn literal(&mut self, kind: ObjectKind, at: ByteRange, slice: &str, inner: &str) {
        let tokens = Tokens::of(inner);
        let Some(named) = tokens.cursor().eat_name() else { return };
        let Some(part) = self.part(kind, named.parts.len()).and_then(|part| named.parts.get(part)) else {
            return;
        };
        let Some(new) = self.renamed(&part.ident, &inner[part.at.start..part.at.end]) else { return };
        let name = format!("{}{new}{}", &inner[..part.at.start], &inner[part.at.end..]);
        let literal = if slice.starts_with('$') { format!("$${name}$$") } else { lex::literal(&name) };
        self.places.insert(at.start, (at.end, literal));
    }

    /// All other places where the name stands: those that are sure are replaced, the others answered.
    fn rest(&mut self, known: &[Vec<Ident>]) -> Vec<ByteRange> {
        let tokens = Tokens::of(self.text);
        let mut cursor = tokens.cursor();
        let mut unsure = Vec::new();
        while let Some(token) = cursor.token() {
            let at = ByteRange { start: token.start, end: token.end };
            let text = cursor.token_text();
            match token.kind {
                TokenKind::StagePath => {
                    if let Some(object) = stage(text, token.start) {
                        self.object(&object, &mut Vec::new());
                    }
                }
                TokenKind::String | TokenKind::DollarString
                    if !self.places.contains_key(&token.start)
                        && holds_word(text, self.names().0.as_str()) =>
                {
                    unsure.push(at);
                }
                TokenKind::Word | TokenKind::QuotedName if !cursor.at_word("IDENTIFIER") => {
                    if let Some(named) = cursor.eat_name() {
                        unsure.extend(self.dotted(&named, known));
                        continue;
                    }
                }
                _ => {}
            }
            cursor.advance();
        }
        unsure
    }

    /// A name of several parts anywhere in the text; answers the place of a part that may be meant.
    fn dotted(&mut self, named: &Named, known: &[Vec<Ident>]) -> Option<ByteRange> {
        let idents: Vec<&Ident> = named.parts.iter().map(|part| &part.ident).collect();
        let like = known
            .iter()
            .filter(|name| idents.len() >= name.len() && idents.iter().zip(*name).all(|(a, b)| *a == b));
        // The longest name that it repeats is the one meant: `d.s.t`, and not `d.s` of a schema.
        let sure = match (like.map(Vec::len).max(), self.change) {
            (Some(length), _) => self.part(ObjectKind::Table, length),
            (None, Renamed::Database { .. }) if idents.len() >= 3 => Some(0),
            (None, _) => None,
        };
        if let Some(part) = sure {
            self.replace(named, part, 0);
        }
        let qualifiers = &named.parts[..named.parts.len() - 1];
        let (from, _) = self.names();
        let missed = |at: ByteRange| !self.places.contains_key(&at.start);
        qualifiers.iter().find(|part| part.ident == *from && missed(part.at)).map(|part| part.at)
    }

    fn apply(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut from = 0;
        for (start, (end, new)) in &self.places {
            text.push_str(&self.text[from..*start]);
            text.push_str(new);
            from = *end;
        }
        text.push_str(&self.text[from..]);
        text
    }
}

/// Whether `text` holds `word` in any case with no letter, digit or `_` beside it.
fn holds_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_ascii_uppercase(), word.to_ascii_uppercase());
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(&word).any(|(at, _)| {
        !inner(text[..at].chars().next_back()) && !inner(text[at + word.len()..].chars().next())
    })
}
