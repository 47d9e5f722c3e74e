//! Cuts a script into statements. This is the only authority on where a statement ends.
//!
//! The text is read once, token by token, with a stack for what is open; nothing recurses, nothing is copied. What
//! cannot be cut with certainty is an error with its place, never a guess. Where Snowflake's documentation leaves
//! the end of a statement open, a comment at that place says what is chosen.

mod end;
mod findings;
mod frame;
mod head;
mod keyword;
mod machine;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::{diagnostic::Code, sql::lex};

/// One statement: the bytes from its first to its last token that is neither comment nor white space, without the
/// `;`. A client command (`!set x=y`) is a piece too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Piece {
    /// Its text; `text` is what was split.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// Pieces in order, packed: two bytes for most, so that a script of millions of statements needs little more memory
/// than itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// For each piece the bytes since the last one and its length, seven bits a byte, the lowest first; the top bit
    /// says that more follow.
    packed: Vec<u8>,
    count: usize,
    end: usize,
    /// The first that begins before the end of the one before it: a fault of the splitter.
    disorder: Option<Range<usize>>,
}

impl Pieces {
    /// Adds one that begins at or behind the end of the last.
    fn push(&mut self, piece: Piece) {
        let Some((gap, length)) = piece.start.checked_sub(self.end).zip(piece.end.checked_sub(piece.start))
        else {
            self.disorder.get_or_insert(piece.start..piece.end.max(piece.start));
            return;
        };
        for mut number in [gap, length] {
            while number > 0x7f {
                self.packed.push(low_bits(number) | 0x80);
                number >>= 7;
            }
            self.packed.push(low_bits(number));
        }
        self.end = piece.end;
        self.count += 1;
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// In order.
    pub fn iter(&self) -> PieceIter<'_> {
        PieceIter { packed: self.packed.iter(), end: 0 }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits fit")]
const fn low_bits(number: usize) -> u8 {
    (number & 0x7f) as u8
}

impl<'a> IntoIterator for &'a Pieces {
    type Item = Piece;
    type IntoIter = PieceIter<'a>;

    fn into_iter(self) -> PieceIter<'a> {
        self.iter()
    }
}

/// The iterator of [`Pieces`].
#[derive(Clone, Debug)]
pub struct PieceIter<'a> {
    packed: std::slice::Iter<'a, u8>,
    end: usize,
}

impl PieceIter<'_> {
    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = *self.packed.next()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

impl Iterator for PieceIter<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let start = self.end + self.number()?;
        self.end = start + self.number()?;
        Some(Piece { start, end: self.end })
    }
}

/// Why a script cannot be cut. Ranges are bytes of the text that was split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitError {
    /// [`Code::UnbalancedSql`], [`Code::UnsplittableSql`], or [`Code::Internal`] for a fault of the splitter.
    pub code: Code,
    /// One sentence: what is wrong.
    pub message: String,
    /// Where: for what is never closed, the place where it opened.
    pub at: Range<usize>,
    /// A second place and what is there.
    pub related: Option<(Range<usize>, String)>,
    /// What to do.
    pub hint: Option<String>,
}

/// The statements of `text`, in order. Comments alone and empty statements are none.
///
/// Errors are all that can be told apart, in order, at most 100 of them; one cause gives one error. That
/// the pieces and what lies between them are the input is checked on every call.
pub fn split(text: &str) -> Result<Pieces, Vec<SplitError>> {
    let pieces = machine::Machine::new(text).run()?;
    match pieces.disorder.clone().or_else(|| lost(text, pieces.iter())) {
        None => Ok(pieces),
        Some(at) => Err(vec![SplitError {
            code: Code::Internal,
            message: "the splitter lost a part of the script; nothing was run".to_owned(),
            at,
            related: None,
            hint: Some("please report it with this script".to_owned()),
        }]),
    }
}

/// What lies outside `pieces` and is neither comment, white space nor `;`; or a piece that is out of order or empty.
fn lost(text: &str, pieces: impl Iterator<Item = Piece>) -> Option<Range<usize>> {
    let mut from = 0;
    let last = Piece { start: text.len(), end: text.len() };
    for piece in pieces.chain([last]) {
        let in_order = from <= piece.start && piece.start <= piece.end;
        let Some(gap) = text.get(from..piece.start).filter(|_| in_order) else {
            return Some(piece.start..piece.end.max(piece.start));
        };
        // Nearly all gaps are a `;` and a line end.
        let plain = |byte: u8| matches!(byte, b';' | b' ' | b'\n' | b'\r' | b'\t');
        from = piece.end;
        if gap.bytes().all(plain) {
            continue;
        }
        let strange = lex::tokens(gap).find(|t| !t.kind.is_trivia() && t.kind != lex::TokenKind::Semicolon);
        if let Some(token) = strange {
            let start = piece.start - gap.len();
            return Some(start + token.start..start + token.end);
        }
    }
    None
}
