//! Tokens of Snowflake's SQL, without loss: put together they are the text, for any text.
//!
//! Rules from Snowflake's documentation unless a comment says that it is our choice. The lexer knows no keyword and
//! keeps no state but its place, so a copy of it is a cheap look ahead.

mod template;
/// A text as a literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests;

use memchr::{memchr, memchr2};
use template::Templates;

/// What a token is. As wide as a place in the text: copying the padding that a narrow kind would leave in [`Token`]
/// costs a third of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum TokenKind {
    /// A name or keyword without quotes. Characters outside ASCII count as letters, so that no text is cut in them.
    Word,
    /// `"name"`; `""` inside is a quote.
    QuotedName,
    /// `'text'`; `''` and `\'` inside are quotes.
    String,
    /// `$$text$$`, verbatim to the next `$$`.
    DollarString,
    /// `12`, `1.5`, `.5`, `5.`, `1e-10`; a sign is an operator.
    Number,
    /// `$name` or `$1`.
    Variable,
    /// `@stage/path` or `file://path` without quotes: `//`, `--` and `/*` inside belong to the path.
    StagePath,
    /// `!command ...` of a client, alone on its line, without the blanks and `;` that end it.
    ClientCommand,
    /// `-- text` or `// text`, without the line end.
    LineComment,
    /// `/* text */`; the first `*/` ends it.
    BlockComment,
    /// Blanks, line ends, byte-order marks; Unicode blanks too, which the server refuses later.
    Whitespace,
    /// An operator of one to three characters, or a character without a meaning.
    Punct,
    /// `;`.
    Semicolon,
    /// `(`.
    LeftParen,
    /// `)`.
    RightParen,
    /// `{{ value }}` or `<% value %>`: a template's, not rendered. Stands for anything.
    TemplateValue,
    /// `{% tag %}` or `{# comment #}`: a template's, not rendered. Stands for nothing.
    TemplateTag,
    /// Something opened and never closed: the rest of the text.
    Unterminated,
}

/// What an unfinished token began as; [`Token::opened`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opened {
    /// `'`.
    String,
    /// `$$`.
    DollarString,
    /// `"`.
    QuotedName,
    /// `/*`.
    BlockComment,
}

impl TokenKind {
    /// Whether it is a comment, white space, or a template's tag.
    pub const fn is_trivia(self) -> bool {
        matches!(self, Self::LineComment | Self::BlockComment | Self::Whitespace | Self::TemplateTag)
    }
}

/// One token: a range of bytes, never empty, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Token {
    /// Its text; `text` is what the tokens were made from.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    /// What an unfinished token began as. It is not part of the kind: a kind of one byte makes reading faster by half.
    pub fn opened(self, text: &str) -> Opened {
        match text.as_bytes()[self.start] {
            b'\'' => Opened::String,
            b'$' => Opened::DollarString,
            b'"' => Opened::QuotedName,
            _ => Opened::BlockComment,
        }
    }
}

/// The tokens of `text`, in order and without a gap.
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0, fresh: true, templates: Templates::default() }
}

/// The iterator that [`tokens`] gives.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Whether a statement may begin here: client commands stand nowhere else.
    fresh: bool,
    templates: Templates,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Letter,
    Wide,
    Digit,
    /// A character that is a token by itself, whatever follows.
    Single,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let b = byte as u8;
        classes[byte] = match b {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Class::Blank,
            b'_' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b';' | b'(' | b')' | b',' | b'[' | b']' | b'}' | b'+' => Class::Single,
            0x80.. => Class::Wide,
            _ if b.is_ascii_alphabetic() => Class::Letter,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// What goes on with a word: letters, digits, `_`, `$`. Bytes outside ASCII are looked at one by one.
const IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = matches!(CLASSES[byte], Class::Letter | Class::Digit) || byte == b'$' as usize;
        byte += 1;
    }
    table
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = *self.text.as_bytes().get(start)?;
        let (kind, end) = self.token(first, start);
        self.at = end;
        #[cfg(test)]
        steps::add(end - start);
        if !kind.is_trivia() {
            self.fresh = matches!(kind, TokenKind::Semicolon | TokenKind::ClientCommand);
        }
        Some(Token { kind, start, end })
    }
}

impl Tokens<'_> {
    #[inline]
    fn token(&mut self, first: u8, start: usize) -> (TokenKind, usize) {
        match class(first) {
            Class::Blank => (TokenKind::Whitespace, self.blanks(start)),
            Class::Wide if self.wide_blank(start) > 0 => (TokenKind::Whitespace, self.blanks(start)),
            Class::Letter | Class::Wide => self.word(start),
            Class::Digit => (TokenKind::Number, self.number(start)),
            Class::Single => {
                let kind = match first {
                    b';' => TokenKind::Semicolon,
                    b'(' => TokenKind::LeftParen,
                    b')' => TokenKind::RightParen,
                    _ => TokenKind::Punct,
                };
                (kind, start + 1)
            }
            Class::Other => self.mark(first, start),
        }
    }

    /// The byte at `at`, or 0 after the end: no rule looks for NUL.
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// Out of line: inlined, its searches would slow down each word and blank.
    #[inline(never)]
    fn mark(&mut self, first: u8, start: usize) -> (TokenKind, usize) {
        let second = self.byte(start + 1);
        if matches!((first, second), (b'{', b'{' | b'%' | b'#') | (b'<', b'%'))
            && let Some(template) = self.templates.token(self.text.as_bytes(), start)
        {
            return template;
        }
        match first {
            b'\'' => self.string(start),
            b'"' => {
                self.quoted(start).map_or_else(|| self.unterminated(), |end| (TokenKind::QuotedName, end))
            }
            b'-' | b'/' if second == first => self.line_comment(start),
            b'/' if second == b'*' => self.block_comment(start),
            b'$' if second == b'$' => self.dollar_string(start),
            b'$' if IN_WORD[usize::from(second)] => (TokenKind::Variable, self.in_word(start + 1)),
            b'@' => match self.path(start + 1) {
                end if end > start + 1 => (TokenKind::StagePath, end),
                end => (TokenKind::Punct, end),
            },
            b'.' if second.is_ascii_digit() && !self.after_operand(start) => {
                (TokenKind::Number, self.number(start))
            }
            b'!' if second.is_ascii_alphabetic() && self.fresh && self.begins_line(start) => {
                (TokenKind::ClientCommand, self.client_command(start))
            }
            _ => (TokenKind::Punct, start + operator(first, second, self.byte(start + 2))),
        }
    }

    fn unterminated(&self) -> (TokenKind, usize) {
        (TokenKind::Unterminated, self.text.len())
    }

    /// Length of the Unicode blank at `at`, or 0. Byte-order marks and zero-width blanks count: glued to a keyword
    /// they would hide it.
    #[cold]
    fn wide_blank(&self, at: usize) -> usize {
        // Only these bytes begin a blank; the others begin letters, or go on with them.
        if !matches!(self.byte(at), 0xc2 | 0xe1 | 0xe2 | 0xe3 | 0xef) {
            return 0;
        }
        match self.text[at..].chars().next() {
            Some(c) if c.is_whitespace() => c.len_utf8(),
            // No width: they stand between words in texts copied from pages and chats.
            Some(c @ ('\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')) => c.len_utf8(),
            _ => 0,
        }
    }

    fn blanks(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            match class(byte) {
                Class::Blank => at += 1,
                Class::Wide => match self.wide_blank(at) {
                    0 => break,
                    length => at += length,
                },
                _ => break,
            }
        }
        at
    }

    /// The end of the word that `at` lies in.
    #[inline]
    fn in_word(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            if IN_WORD[usize::from(byte)] || (byte >= 0x80 && self.wide_blank(at) == 0) {
                at += 1;
            } else {
                break;
            }
        }
        at
    }

    #[inline]
    fn word(&self, start: usize) -> (TokenKind, usize) {
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while let Some(&byte) = bytes.get(end) {
            match IN_WORD[usize::from(byte)] {
                true if byte != b'$' => end += 1,
                true if self.dollars_follow(start, end) => break,
                true => end += 1,
                false if byte >= 0x80 && self.wide_blank(end) == 0 => end += 1,
                false if byte == b':' && bytes[end..].starts_with(b"://") => {
                    return (TokenKind::StagePath, self.path(end + 3));
                }
                false => break,
            }
        }
        (TokenKind::Word, end)
    }

    /// Whether a string `$$..$$` begins right after the word `start..end`. `AS$$` would be one name. Nobody means
    /// that, and reading it so would cut the body: our choice.
    #[cold]
    fn dollars_follow(&self, start: usize, end: usize) -> bool {
        let word = &self.text.as_bytes()[start..end];
        self.byte(end + 1) == b'$'
            && [&b"AS"[..], b"IS", b"RETURN", b"IMMEDIATE"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known))
    }

    /// The end of a path: to a blank, `,`, `;` or a parenthesis. Quoted parts may hold all of these. A `(` ends it,
    /// since `FROM @stage(PATTERN => '..')` needs no blank; how far a path goes is our choice otherwise.
    fn path(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b',' | b';' | b'(' | b')' => break,
                b'"' => match self.quoted(at) {
                    Some(end) => at = end,
                    None => break,
                },
                _ if class(byte) == Class::Blank => break,
                _ if byte >= 0x80 && self.wide_blank(at) > 0 => break,
                _ => at += 1,
            }
        }
        at
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    fn number(&self, start: usize) -> usize {
        let mut end = self.digits(start);
        if self.byte(end) == b'.' {
            end = self.digits(end + 1);
        }
        if matches!(self.byte(end), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            if self.byte(end + 1 + sign).is_ascii_digit() {
                end = self.digits(end + 1 + sign);
            }
        }
        end
    }

    /// Whether a dot at `at` follows a name: then what comes next is no fraction.
    fn after_operand(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map_or(0, |at| self.byte(at));
        IN_WORD[usize::from(before)] || matches!(before, b'"' | b')' | b']') || before >= 0x80
    }

    fn string(&self, start: usize) -> (TokenKind, usize) {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'\'', b'\\', rest)) {
            let found = at + found;
            match (bytes[found], self.byte(found + 1)) {
                (b'\\', _) | (b'\'', b'\'') => at = found + 2,
                _ => return (TokenKind::String, found + 1),
            }
        }
        self.unterminated()
    }

    /// The end of the quoted name at `start`; `None` when it has none.
    fn quoted(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            at += memchr(b'"', bytes.get(at..)?)? + 1;
            if self.byte(at) != b'"' {
                return Some(at);
            }
            at += 1;
        }
    }

    fn dollar_string(&self, start: usize) -> (TokenKind, usize) {
        let bytes = self.text.as_bytes();
        let mut at = start + 2;
        while let Some(found) = memchr(b'$', &bytes[at..]) {
            at += found + 1;
            if self.byte(at) == b'$' {
                return (TokenKind::DollarString, at + 1);
            }
        }
        self.unterminated()
    }

    /// A carriage return alone ends a comment too, as the checksums read it: our choice. A file with such line ends
    /// would otherwise vanish in its first comment.
    fn line_comment(&self, start: usize) -> (TokenKind, usize) {
        let rest = &self.text.as_bytes()[start..];
        (TokenKind::LineComment, start + memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()))
    }

    fn block_comment(&self, start: usize) -> (TokenKind, usize) {
        let bytes = self.text.as_bytes();
        let mut at = start + 2;
        while let Some(found) = memchr(b'/', &bytes[at..]) {
            at += found + 1;
            if found > 0 && bytes[at - 2] == b'*' {
                return (TokenKind::BlockComment, at);
            }
        }
        self.unterminated()
    }

    /// Whether only blanks stand before `at` on its line.
    fn begins_line(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end_matches([' ', '\t', '\u{feff}']);
        before.is_empty() || before.ends_with(['\n', '\r'])
    }

    fn client_command(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        let line = memchr2(b'\n', b'\r', rest.as_bytes()).map_or(rest, |end| &rest[..end]);
        start + line.trim_end_matches(|c: char| c == ';' || c.is_whitespace()).len()
    }
}

/// Length of the operator that begins with these bytes.
fn operator(first: u8, second: u8, third: u8) -> usize {
    match (first, second, third) {
        (b'-', b'>', b'>') => 3,
        (b':', b':' | b'=', _)
        | (b'-' | b'=' | b'<', b'>', _)
        | (b'!' | b'<' | b'>', b'=', _)
        | (b'|', b'|', _)
        | (b'*', b'*', _) => 2,
        _ => 1,
    }
}

/// Counts the bytes that are read, by look-aheads and in vain too, so that a test can hold their number down.
#[cfg(test)]
pub(super) mod steps {
    use std::cell::Cell;

    thread_local!(static STEPS: Cell<usize> = const { Cell::new(0) });

    pub(in crate::sql) fn add(bytes: usize) {
        STEPS.set(STEPS.get() + bytes);
    }

    /// How many bytes `work` reads.
    pub(in crate::sql) fn of(work: impl FnOnce()) -> usize {
        STEPS.set(0);
        work();
        STEPS.get()
    }
}
