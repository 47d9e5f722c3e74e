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
pub fn split(text: &str) -> Result<Vec<Piece>, Vec<SplitError>> {
    let pieces = machine::Machine::new(text).run()?;
    match lost(text, &pieces) {
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
fn lost(text: &str, pieces: &[Piece]) -> Option<Range<usize>> {
    let mut from = 0;
    let last = Piece { start: text.len(), end: text.len() };
    for piece in pieces.iter().chain([&last]) {
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
