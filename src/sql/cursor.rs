//! Walking over the tokens of one statement: enough to read the head of any statement without a tree.

use super::lex::{self, Token, TokenKind};
use crate::model::{
    facts::ByteRange,
    ident::{Ident, QualifiedName},
    kind::{KindMatch, KindScope, ObjectKind},
};

/// The tokens of one statement that mean something: no comments, no white space.
#[derive(Clone, Debug)]
pub struct Tokens<'t> {
    text: &'t str,
    all: Vec<Token>,
    end: usize,
}

impl<'t> Tokens<'t> {
    /// Reads the tokens of `text`.
    pub fn of(text: &'t str) -> Self {
        Self::new(text, lex::tokens(text))
    }

    /// Reads the tokens that begin in the first `most` bytes of `text`.
    pub fn of_head(text: &'t str, most: usize) -> Self {
        Self::new(text, lex::tokens(text).take_while(|token| token.start < most))
    }

    fn new(text: &'t str, tokens: impl Iterator<Item = Token>) -> Self {
        let all: Vec<Token> = tokens.filter(|token| !token.kind.is_trivia()).collect();
        let end = all.iter().rposition(|token| token.kind != TokenKind::Semicolon).map_or(0, |at| at + 1);
        Self { text, all, end }
    }

    /// A cursor before the first token.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { text: self.text, tokens: &self.all, at: 0, end: self.end }
    }
}

/// A place between two tokens of a statement. Copying it is how to look ahead.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    /// The first of the `;` that end the statement.
    end: usize,
}

/// A name as it stands in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its parts, outermost first; an empty part stands for the schema in `db..name`.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub at: ByteRange,
}

/// One part of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As stored. Empty for the part left out of `db..name`.
    pub ident: Ident,
    /// Where it stands.
    pub at: ByteRange,
}

impl Named {
    /// The name read as that of an object of a kind with this scope: the last part names the object, the ones
    /// before it its containers. `None` when there are more parts than containers, or the last one is left out (`a..`).
    pub fn qualified(&self, scope: KindScope) -> Option<QualifiedName> {
        let (last, containers) =
            self.parts.split_last().filter(|(last, _)| !last.ident.as_str().is_empty())?;
        let name = last.ident.clone();
        let part = |part: &Part| part.ident.clone();
        match (scope, containers) {
            (_, []) => Some(QualifiedName::bare(name)),
            (KindScope::Database | KindScope::Application, [database]) => {
                Some(QualifiedName { database: Some(part(database)), schema: None, name })
            }
            (KindScope::Schema | KindScope::Relation | KindScope::Run, [schema]) => {
                Some(QualifiedName { database: None, schema: Some(part(schema)), name })
            }
            (KindScope::Schema | KindScope::Relation, [database, schema]) => {
                let schema =
                    if schema.ident.as_str().is_empty() { Ident::stored("PUBLIC") } else { part(schema) };
                Some(QualifiedName::full(part(database), schema, name))
            }
            _ => None,
        }
    }

    /// Splits the last part off: the relation and the column of `t.c`. Of `a..b` nothing is left that names anything.
    pub fn split_last(&self) -> Option<(Self, Part)> {
        let (last, parts) = self.parts.split_last()?;
        let end = parts.last().filter(|part| !part.ident.as_str().is_empty())?.at.end;
        let at = ByteRange { start: self.at.start, end };
        Some((Self { parts: parts.to_vec(), at }, last.clone()))
    }
}

impl<'t> Cursor<'t> {
    /// This place, with the tokens from `end` on cut off.
    #[must_use]
    pub fn up_to(&self, end: &Self) -> Self {
        Self { tokens: &self.tokens[..end.at.min(self.tokens.len())], ..*self }
    }

    /// The statement's text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The next token.
    pub fn token(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    /// The kind of the next token.
    pub fn kind(&self) -> Option<TokenKind> {
        self.token().map(|token| token.kind)
    }

    /// The text of the next token; empty at the end.
    pub fn token_text(&self) -> &'t str {
        self.token().map_or("", |token| &self.text[token.start..token.end])
    }

    /// Whether no token is left. A final `;` counts as the end.
    pub fn at_end(&self) -> bool {
        self.at >= self.end
    }

    /// Byte offset of the next token; the end of the last one at the end.
    pub fn offset(&self) -> usize {
        self.token().map_or_else(|| self.tokens.last().map_or(0, |token| token.end), |token| token.start)
    }

    /// Byte offset after the token before this place.
    pub fn end_before(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.end)
    }

    /// Steps over one token.
    pub fn advance(&mut self) {
        self.at += 1;
    }

    /// The next word, if a word is next.
    pub fn word(&self) -> Option<&'t str> {
        (self.kind() == Some(TokenKind::Word)).then(|| self.token_text())
    }

    /// Whether `word` is next, in any case.
    pub fn at_word(&self, word: &str) -> bool {
        self.word().is_some_and(|next| next.eq_ignore_ascii_case(word))
    }

    /// Whether one of `words` is next.
    pub fn at_any(&self, words: &[&str]) -> bool {
        self.word().is_some_and(|next| words.iter().any(|word| next.eq_ignore_ascii_case(word)))
    }

    /// Steps over `word`, if it is next.
    pub fn eat(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.at += usize::from(found);
        found
    }

    /// Steps over one of `words`, if it is next.
    pub fn eat_any(&mut self, words: &[&str]) -> bool {
        let found = self.at_any(words);
        self.at += usize::from(found);
        found
    }

    /// Whether all the words of `phrase`, parted by blanks, are next.
    pub fn at_phrase(&self, phrase: &str) -> bool {
        let mut ahead = *self;
        ahead.eat_phrase(phrase)
    }

    /// Steps over all the words of `phrase`, or over none.
    pub fn eat_phrase(&mut self, phrase: &str) -> bool {
        let mut ahead = *self;
        let found = phrase.split(' ').all(|word| ahead.eat(word));
        if found {
            *self = ahead;
        }
        found
    }

    /// Whether the operator or punctuation `op` is next.
    pub fn at_op(&self, op: &str) -> bool {
        self.kind() == Some(TokenKind::Punct) && self.token_text() == op
    }

    /// Steps over the operator `op`, if it is next.
    pub fn eat_op(&mut self, op: &str) -> bool {
        let found = self.at_op(op);
        self.at += usize::from(found);
        found
    }

    /// Whether `(` is next.
    pub fn at_paren(&self) -> bool {
        self.kind() == Some(TokenKind::LeftParen)
    }

    /// Steps over a parenthesis and all in it. `false`, and nothing is eaten, when none is next or it never closes.
    pub fn eat_parens(&mut self) -> bool {
        if !self.at_paren() {
            return false;
        }
        let mut depth = 0usize;
        for (ahead, token) in self.tokens[self.at..].iter().enumerate() {
            match token.kind {
                TokenKind::LeftParen => depth += 1,
                TokenKind::RightParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += ahead + 1;
                return true;
            }
        }
        false
    }

    /// Steps over one token, or over a parenthesis and all in it.
    pub fn skip(&mut self) {
        if !self.eat_parens() {
            self.advance();
        }
    }

    /// The value of the string literal that is next, if one is, escapes resolved.
    pub fn string(&self) -> Option<String> {
        let text = self.token_text();
        match self.kind()? {
            TokenKind::String => text.strip_prefix('\'')?.strip_suffix('\'').map(unescape),
            TokenKind::DollarString => text.strip_prefix("$$")?.strip_suffix("$$").map(str::to_owned),
            _ => None,
        }
    }

    /// Where each byte of the value of the string literal that is next stands in the statement's text, and the end.
    pub fn string_places(&self) -> Vec<usize> {
        let Some(token) = self.token() else { return Vec::new() };
        if token.kind == TokenKind::DollarString {
            return (token.start + "$$".len()..=token.end).collect();
        }
        let inner = self.token_text().strip_prefix('\'').unwrap_or_default();
        let (mut places, mut raw) = (Vec::with_capacity(inner.len()), 0);
        while raw < inner.len() {
            let unit = &inner[raw..raw + escape_length(&inner[raw..])];
            let bytes = unescape(unit).len();
            places.extend(std::iter::repeat_n(token.start + 1 + raw, bytes));
            raw += unit.len();
        }
        places
    }

    /// Up to [`ObjectKind::MOST_WORDS`] words from here.
    fn words_ahead(&self) -> Vec<&'t str> {
        let mut ahead = *self;
        let mut words = Vec::new();
        while let Some(word) = ahead.word().filter(|_| words.len() < ObjectKind::MOST_WORDS) {
            words.push(word);
            ahead.advance();
        }
        words
    }

    /// Steps over the words of a kind of object, with its modifiers.
    pub fn eat_kind(&mut self) -> Option<KindMatch> {
        let found = ObjectKind::parse(&self.words_ahead())?;
        self.at += found.words;
        Some(found)
    }

    /// Steps over the plural of a kind.
    pub fn eat_plural(&mut self) -> Option<ObjectKind> {
        let (kind, words) = ObjectKind::parse_plural(&self.words_ahead())?;
        self.at += words;
        Some(kind)
    }

    /// Whether a name stands here that is known at run time only: `IDENTIFIER($x)`, `$x`.
    pub fn at_run_time_name(&self) -> bool {
        let mut ahead = *self;
        match self.kind() {
            Some(TokenKind::Variable) => true,
            Some(TokenKind::Word) => {
                ahead.eat("IDENTIFIER") && ahead.at_paren() && { *self }.read_identifier().is_none()
            }
            _ => false,
        }
    }

    /// Steps over a name of any number of parts, or `IDENTIFIER('...')` with a literal. `None`, and nothing is
    /// eaten, when no name is next or the name is known at run time only.
    pub fn eat_name(&mut self) -> Option<Named> {
        let mut ahead = *self;
        let is_call = ahead.eat("IDENTIFIER") && ahead.at_paren();
        ahead = *self;
        let found = if is_call { ahead.read_identifier()? } else { ahead.read_parts()? };
        *self = ahead;
        Some(found)
    }

    /// Steps over what [`Cursor::at_run_time_name`] found.
    pub fn skip_run_time_name(&mut self) {
        self.advance();
        self.eat_parens();
    }

    /// `IDENTIFIER( 'text' )`: the text is read as a name.
    fn read_identifier(&mut self) -> Option<Named> {
        if !self.eat("IDENTIFIER") || !self.at_paren() {
            return None;
        }
        self.advance();
        let token = self.token()?;
        let text = self.string()?;
        self.advance();
        if self.kind() != Some(TokenKind::RightParen) {
            return None;
        }
        self.advance();
        let inner = Tokens::of(&text);
        let mut cursor = inner.cursor();
        let mut named = cursor.read_parts().filter(|_| cursor.at_end())?;
        let at = ByteRange { start: token.start, end: token.end };
        named.at = at;
        named.parts.iter_mut().for_each(|part| part.at = at);
        Some(named)
    }

    fn read_parts(&mut self) -> Option<Named> {
        let mut parts = vec![self.read_part()?];
        while self.at_op(".") {
            let dot = self.offset();
            let mut ahead = *self;
            ahead.eat_op(".");
            if ahead.at_op(".") && parts.len() == 1 {
                let at = ByteRange { start: dot + 1, end: dot + 1 };
                parts.push(Part { ident: Ident::stored(""), at });
                *self = ahead;
                continue;
            }
            let Some(part) = ahead.read_part() else { break };
            parts.push(part);
            *self = ahead;
        }
        let at = ByteRange { start: parts.first()?.at.start, end: parts.last()?.at.end };
        Some(Named { parts, at })
    }

    /// One part of a name.
    fn read_part(&mut self) -> Option<Part> {
        let token = self.token()?;
        if !matches!(token.kind, TokenKind::Word | TokenKind::QuotedName) {
            return None;
        }
        self.advance();
        let at = ByteRange { start: token.start, end: token.end };
        Some(Part { ident: Ident::written(&self.text[token.start..token.end]), at })
    }

    /// Steps over a name of one part.
    pub fn eat_ident(&mut self) -> Option<Part> {
        let mut ahead = *self;
        let part = ahead.read_part()?;
        *self = ahead;
        Some(part)
    }
}

/// Resolves `''` and backslash escapes of a string literal's inside (Snowflake documentation, string constants).
fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                chars.next_if_eq(&'\'');
                out.push('\'');
            }
            '\\' => match chars.next() {
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('x') => out.extend(code(&mut chars, 2, 16)),
                Some('u') => out.extend(code(&mut chars, 4, 16)),
                Some(digit @ '0'..='7') => {
                    let mut value = digit as u32 - u32::from(b'0');
                    for _ in 0..2 {
                        let Some(next) = chars.next_if(|c| c.is_digit(8)) else { break };
                        value = value * 8 + (next as u32 - u32::from(b'0'));
                    }
                    out.extend(char::from_u32(value));
                }
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// How many bytes of a string literal's inside make its next character.
fn escape_length(inner: &str) -> usize {
    let mut chars = inner.chars();
    let first = chars.next();
    let second = chars.next();
    let octal = inner.bytes().skip(1).take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let length = match (first, second) {
        (Some('\''), Some('\'')) => 2,
        (Some('\\'), Some('x')) => 4,
        (Some('\\'), Some('u')) => 6,
        (Some('\\'), Some('0'..='7')) => 1 + octal,
        (Some('\\'), Some(other)) => 1 + other.len_utf8(),
        (Some(other), _) => other.len_utf8(),
        (None, _) => 0,
    };
    (length.min(inner.len())..=inner.len()).find(|at| inner.is_char_boundary(*at)).unwrap_or(inner.len())
}

fn code(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, digits: usize, radix: u32) -> Option<char> {
    let mut value = 0;
    for _ in 0..digits {
        value = value * radix + chars.next_if(|c| c.is_digit(radix))?.to_digit(radix)?;
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        let tokens = Tokens::of(text);
        let named = tokens.cursor().eat_name()?;
        named.qualified(KindScope::Schema).map(|name| name.to_string())
    }

    #[test]
    fn reads_names_as_snowflake_folds_them() {
        for (text, expected) in [
            ("t", Some("T")),
            ("s.t (a int)", Some("S.T")),
            ("d . s /* x */ . t", Some("D.S.T")),
            ("d..t", Some("D.PUBLIC.T")),
            ("\"a b\".\"T\"", Some("\"a b\".T")),
            ("IDENTIFIER('s.\"t\"')", Some("S.\"t\"")),
            ("IDENTIFIER($x)", None),
            ("identifier", Some("IDENTIFIER")),
            ("a.b.c.d", None),
            ("'t'", None),
            ("(x)", None),
            ("", None),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_knows_where_it_stands_and_which_container_it_names() {
        let text = "DROP SCHEMA shop . core CASCADE";
        let tokens = Tokens::of(text);
        let mut cursor = tokens.cursor();
        assert!(cursor.eat_phrase("drop schema"));
        let named = cursor.eat_name().unwrap();
        assert_eq!(&text[named.at.start..named.at.end], "shop . core");
        let name = named.qualified(KindScope::Database).unwrap();
        assert_eq!(
            (name.database.unwrap().as_str(), name.schema, name.name.as_str()),
            ("SHOP", None, "CORE")
        );
        assert!(cursor.eat("CASCADE") && cursor.at_end());
        assert_eq!(named.qualified(KindScope::Account), None);
    }

    #[test]
    fn finds_operators_of_several_characters() {
        let tokens = Tokens::of("a ->> b := c => d");
        let mut cursor = tokens.cursor();
        for op in ["->>", ":=", "=>"] {
            cursor.advance();
            assert!(cursor.at_op(op) && cursor.eat_op(op), "{op}");
        }
        assert!(cursor.eat("D") && cursor.at_end());
    }

    #[test]
    fn skips_a_parenthesis_as_a_whole_and_nothing_when_it_never_closes() {
        let tokens = Tokens::of("(a, (b), ')') x (c");
        let mut cursor = tokens.cursor();
        assert!(cursor.eat_parens());
        assert!(cursor.eat("x"));
        assert!(!cursor.eat_parens());
        assert_eq!(cursor.token_text(), "(");
    }

    #[test]
    fn resolves_the_escapes_of_strings() {
        for (text, expected) in [
            (r"'it''s'", "it's"),
            (r"'a\'b\\'", r"a'b\"),
            (r"'\n\t\x41\u00e9\101'", "\n\tA\u{e9}A"),
            ("$$a'b$$", "a'b"),
        ] {
            assert_eq!(Tokens::of(text).cursor().string().as_deref(), Some(expected), "{text}");
        }
    }
}
