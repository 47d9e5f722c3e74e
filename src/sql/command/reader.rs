//! Reading the tokens of one statement, with refusals that point at the token.

use std::{cell::Cell, collections::BTreeSet};

use crate::{
    model::{
        command::{Name, ObjectUse},
        ident::{Ident, QualifiedName},
        kind::ObjectKind,
        refusal::{At, SnowflakeError},
    },
    sql::lex::{self, Token, TokenKind},
};

/// Result of reading a part of a statement.
pub(super) type Read<T> = Result<T, SnowflakeError>;

/// How deep parentheses, functions and queries may stand in each other.
const MOST_NESTING: usize = 96;

/// The longest identifier.
const LONGEST_IDENT: usize = 255;

/// A place in the tokens of one statement.
pub(super) struct Reader<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// The last place that was asked for: its offset and what it came to.
    last_place: Cell<(usize, At)>,
}

/// Where a text begins.
const START: At = At { line: 1, position: 0 };

impl<'t> Reader<'t> {
    /// Reads all tokens; refuses a literal, name or comment without an end.
    pub(super) fn of(text: &'t str) -> Read<Self> {
        let mut tokens = Vec::with_capacity(text.len() / 5 + 4);
        for token in lex::tokens(text) {
            match token.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => {}
                TokenKind::Unterminated => {
                    let reader = Self::over(text, vec![token]);
                    return Err(reader.unexpected());
                }
                _ => tokens.push(token),
            }
        }
        // The server takes semicolons after a statement.
        while tokens.last().is_some_and(|token| token.kind == TokenKind::Semicolon) {
            tokens.pop();
        }
        if tokens.is_empty() {
            return Err(SnowflakeError::empty());
        }
        Ok(Self::over(text, tokens))
    }

    fn over(text: &'t str, tokens: Vec<Token>) -> Self {
        Self { text, tokens, at: 0, depth: 0, last_place: Cell::new((0, START)) }
    }

    pub(super) fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The place, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    pub(super) fn back(&mut self, mark: usize) {
        self.at = mark;
    }

    pub(super) fn kind_at(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    pub(super) fn kind(&self) -> Option<TokenKind> {
        self.kind_at(0)
    }

    /// The text of a token ahead; empty at the end.
    pub(super) fn text_at(&self, ahead: usize) -> &'t str {
        self.tokens.get(self.at + ahead).map_or("", |token| &self.text[token.start..token.end])
    }

    /// The text of this token; empty at the end.
    pub(super) fn here(&self) -> &'t str {
        self.text_at(0)
    }

    /// Text between two marks, as written.
    pub(super) fn between(&self, from: usize, to: usize) -> &'t str {
        if from >= to {
            return "";
        }
        match (self.tokens.get(from), self.tokens.get(to - 1)) {
            (Some(first), Some(last)) => &self.text[first.start..last.end],
            _ => "",
        }
    }

    /// Text from `from` to the end of the statement, as written.
    pub(super) fn rest_from(&self, from: usize) -> &'t str {
        self.between(from, self.tokens.len())
    }

    pub(super) fn step(&mut self) {
        if !self.done() {
            self.at += 1;
        }
    }

    pub(super) fn skip_all(&mut self) {
        self.at = self.tokens.len();
    }

    /// Where this token stands.
    pub(super) fn place(&self) -> At {
        let offset = match self.tokens.get(self.at) {
            Some(token) => token.start,
            None => self.tokens.last().map_or(0, |token| token.end),
        };
        // Places are asked for mostly in the order of the text: go on from the last one.
        let last = self.last_place.get();
        let (from, mut at) = if last.0 <= offset { last } else { (0, START) };
        for c in self.text[from..offset].chars() {
            if c == '\n' {
                at = At { line: at.line + 1, position: 0 };
            } else {
                at.position += 1;
            }
        }
        self.last_place.set((offset, at));
        at
    }

    /// A syntax error at this token.
    pub(super) fn unexpected(&self) -> SnowflakeError {
        let token = if self.done() { "<EOF>" } else { self.here() };
        let token: String = token.chars().take(80).collect();
        SnowflakeError::syntax(self.place(), &token)
    }

    /// A syntax error at a token ahead.
    pub(super) fn unexpected_at(&self, ahead: usize) -> SnowflakeError {
        let reader = Self { at: self.at + ahead, ..Self::over(self.text, self.tokens.clone()) };
        reader.unexpected()
    }

    /// Runs `read` one level deeper.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= MOST_NESTING {
            return Err(SnowflakeError::too_deep(self.place()));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(super) fn is_at(&self, ahead: usize, word: &str) -> bool {
        self.kind_at(ahead) == Some(TokenKind::Word) && self.text_at(ahead).eq_ignore_ascii_case(word)
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.is_at(0, word)
    }

    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether one of the words of `list`, which are separated by blanks, stands here.
    pub(super) fn is_one_of(&self, list: &str) -> bool {
        list.split(' ').any(|word| self.is(word))
    }

    /// Whether the words of `phrase` stand here.
    pub(super) fn is_phrase(&self, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(n, word)| self.is_at(n, word))
    }

    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.step();
        }
        found
    }

    pub(super) fn take_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.take(word))
    }

    pub(super) fn take_phrase(&mut self, phrase: &str) -> bool {
        let found = self.is_phrase(phrase);
        if found {
            self.at += phrase.split(' ').count();
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Read<()> {
        if self.take(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether the characters of `op` stand here without blanks between them.
    pub(super) fn is_op(&self, op: &str) -> bool {
        self.is_op_at(0, op)
    }

    pub(super) fn is_op_at(&self, ahead: usize, op: &str) -> bool {
        let Some(first) = self.tokens.get(self.at + ahead) else { return false };
        let special = matches!(first.kind, TokenKind::Punct | TokenKind::LeftParen | TokenKind::RightParen);
        special && self.text[first.start..].starts_with(op)
    }

    pub(super) fn take_op(&mut self, op: &str) -> bool {
        if !self.is_op(op) {
            return false;
        }
        let end = self.tokens[self.at].start + op.len();
        while self.tokens.get(self.at).is_some_and(|token| token.start < end) {
            self.at += 1;
        }
        true
    }

    pub(super) fn expect_op(&mut self, op: &str) -> Read<()> {
        if self.take_op(op) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Refuses anything that is left.
    pub(super) fn finish(&self) -> Read<()> {
        if self.done() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Skips one token, or a whole pair of parentheses with what is in it.
    pub(super) fn skip(&mut self) -> Read<()> {
        let mut open = 0_usize;
        loop {
            match self.kind() {
                None => return Err(self.unexpected()),
                Some(TokenKind::LeftParen) => open += 1,
                Some(TokenKind::RightParen) if open == 0 => return Err(self.unexpected()),
                Some(TokenKind::RightParen) => open -= 1,
                Some(_) => {}
            }
            self.step();
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Skips to the end; parentheses must balance.
    pub(super) fn skip_rest(&mut self) -> Read<()> {
        while !self.done() {
            self.skip()?;
        }
        Ok(())
    }

    /// The words from here on, for names of kinds.
    pub(super) fn words(&self) -> Vec<&'t str> {
        let most = ObjectKind::MOST_WORDS;
        (0..most).take_while(|n| self.kind_at(*n) == Some(TokenKind::Word)).map(|n| self.text_at(n)).collect()
    }

    /// A list in parentheses, at least one element.
    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.expect_op("(")?;
        let mut all = vec![read(self)?];
        while self.take_op(",") {
            all.push(read(self)?);
        }
        self.expect_op(")")?;
        Ok(all)
    }

    /// Elements with commas between them, at least one.
    pub(super) fn commas<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut all = vec![read(self)?];
        while self.take_op(",") {
            all.push(read(self)?);
        }
        Ok(all)
    }

    /// Whether a name may start here.
    pub(super) fn at_ident(&self) -> bool {
        match self.kind() {
            Some(TokenKind::QuotedName) => true,
            Some(TokenKind::Word) => !is_reserved(self.here()),
            _ => false,
        }
    }

    /// One identifier.
    pub(super) fn ident(&mut self) -> Read<Ident> {
        if !self.at_ident() {
            return Err(self.unexpected());
        }
        self.any_ident()
    }

    /// One identifier where reserved words are free: after a dot.
    pub(super) fn any_ident(&mut self) -> Read<Ident> {
        match self.kind() {
            Some(TokenKind::Word | TokenKind::QuotedName) => {}
            _ => return Err(self.unexpected()),
        }
        let ident = Ident::written(self.here());
        let length = ident.as_str().chars().count();
        if length == 0 || length > LONGEST_IDENT {
            return Err(self.unexpected());
        }
        self.step();
        Ok(ident)
    }

    /// The parts of a dotted name; an empty schema of `db..x` is `PUBLIC`.
    pub(super) fn parts(&mut self) -> Read<Vec<Ident>> {
        let mut parts = vec![self.ident()?];
        while self.is_op(".") {
            self.step();
            if parts.len() == 1 && self.is_op(".") {
                self.step();
                parts.push(Ident::stored("PUBLIC"));
            }
            parts.push(self.any_ident()?);
        }
        Ok(parts)
    }

    /// The name of an object of `kind`: as written, or from a variable.
    pub(super) fn name(&mut self, kind: ObjectKind) -> Read<Name> {
        if self.kind() == Some(TokenKind::Variable) {
            let name = Name::Variable(Ident::written(&self.here()[1..]), self.place());
            self.step();
            return Ok(if self.is_op(".") { self.rest_of_unknown_name()? } else { name });
        }
        if self.is("IDENTIFIER") && self.is_op_at(1, "(") {
            let name = self.identifier_call(kind)?;
            return Ok(if self.is_op(".") { self.rest_of_unknown_name()? } else { name });
        }
        let start = self.mark();
        let parts = self.parts()?;
        let text = self.between(start, self.mark());
        let name = qualified(parts).ok_or_else(|| SnowflakeError::too_many_qualifiers(kind.words(), text))?;
        Ok(Name::Written(name))
    }

    fn rest_of_unknown_name(&mut self) -> Read<Name> {
        while self.take_op(".") {
            if self.is("IDENTIFIER") && self.is_op_at(1, "(") {
                self.step();
            }
            self.skip()?;
        }
        Ok(Name::Unknown)
    }

    fn identifier_call(&mut self, kind: ObjectKind) -> Read<Name> {
        self.step();
        self.expect_op("(")?;
        let literal = self.string();
        let at = self.place();
        let variable = (self.kind() == Some(TokenKind::Variable)).then(|| Ident::written(&self.here()[1..]));
        if variable.is_some() {
            self.step();
        }
        if self.take_op(")") {
            return match (literal, variable) {
                (Some(text), _) => written_name(&text, kind),
                (None, Some(name)) => Ok(Name::Variable(name, at)),
                (None, None) => Err(self.unexpected()),
            };
        }
        while !self.is_op(")") {
            self.skip()?;
        }
        self.step();
        Ok(Name::Unknown)
    }

    /// Every word of the statement, also inside its literals, once each.
    pub(super) fn mentioned(&self) -> Vec<Ident> {
        let text = |token: &Token| &self.text[token.start..token.end];
        let spoken = self.tokens.iter().filter(|token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::String | TokenKind::DollarString
            )
        });
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let words = spoken.flat_map(|token| text(token).split(move |c| !is_word(c)));
        let found: BTreeSet<Ident> =
            words.filter(|word| !word.is_empty()).map(|word| Ident::stored(word.to_uppercase())).collect();
        found.into_iter().collect()
    }

    /// The value of a string literal here.
    pub(super) fn string(&mut self) -> Option<String> {
        let value = match self.kind()? {
            TokenKind::String => unescape(self.here()),
            TokenKind::DollarString => self.here().get(2..self.here().len() - 2)?.to_owned(),
            _ => return None,
        };
        self.step();
        Some(value)
    }

    /// A string literal, or a refusal.
    pub(super) fn expect_string(&mut self) -> Read<String> {
        match self.string() {
            Some(text) => Ok(text),
            None => Err(self.unexpected()),
        }
    }

    /// A use of an object by name.
    pub(super) fn use_of(&mut self, kind: ObjectKind) -> Read<ObjectUse> {
        Ok(ObjectUse { kind, name: self.name(kind)? })
    }
}

/// A name from its parts: at most three.
pub(super) fn qualified(mut parts: Vec<Ident>) -> Option<QualifiedName> {
    if parts.len() > 3 {
        return None;
    }
    let name = parts.pop()?;
    let schema = parts.pop();
    let database = parts.pop();
    Some(QualifiedName { database, schema, name })
}

/// A name that stands in a text, as IDENTIFIER and some properties have it.
pub(super) fn written_name(text: &str, kind: ObjectKind) -> Read<Name> {
    let mut reader = Reader::of(text)?;
    if reader.kind() == Some(TokenKind::Number) {
        return Ok(Name::Unknown);
    }
    let name = reader.name(kind)?;
    // A signature may follow the name of a routine.
    Ok(if reader.done() { name } else { Name::Unknown })
}

/// The value of `'...'`, escapes resolved.
pub(super) fn unescape(literal: &str) -> String {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains(['\'', '\\']) {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                out.push('\'');
            }
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some('0') => out.push('\0'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

/// Words that are no names anywhere (the classes "ANSI" and "Snowflake" of the documented list).
pub(super) fn is_reserved(word: &str) -> bool {
    const RESERVED: &[&str] = &[
        "ALL",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "BETWEEN",
        "BY",
        "CHECK",
        "COLUMN",
        "CONNECT",
        "CREATE",
        "CURRENT",
        "DELETE",
        "DISTINCT",
        "DROP",
        "ELSE",
        "EXISTS",
        "FOLLOWING",
        "FOR",
        "FROM",
        "GRANT",
        "GROUP",
        "HAVING",
        "ILIKE",
        "IN",
        "INCREMENT",
        "INSERT",
        "INTERSECT",
        "INTO",
        "IS",
        "LIKE",
        "MINUS",
        "NOT",
        "NULL",
        "OF",
        "ON",
        "OR",
        "ORDER",
        "QUALIFY",
        "REGEXP",
        "REVOKE",
        "RLIKE",
        "ROW",
        "ROWS",
        "SAMPLE",
        "SELECT",
        "SET",
        "SOME",
        "START",
        "TABLE",
        "TABLESAMPLE",
        "THEN",
        "TO",
        "TRIGGER",
        "UNION",
        "UNIQUE",
        "UPDATE",
        "VALUES",
        "WHENEVER",
        "WHERE",
        "WITH",
    ];
    // Most words of a statement are longer or shorter names; the length check keeps this cheap.
    (2..=11).contains(&word.len()) && RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}
