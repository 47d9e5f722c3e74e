//! Where the literals of a rendered text are.

use std::ops::Range;

use crate::sql::lex::{TokenKind, tokens};

/// A closed literal with its delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `'...'`.
    Quoted,
    /// `$$...$$`.
    Dollar,
}

/// All literals, in order. One that is not closed is none.
pub(super) fn literals(text: &str) -> Vec<Literal> {
    tokens(text)
        .filter_map(|token| {
            let kind = match token.kind {
                TokenKind::String => Kind::Quoted,
                TokenKind::DollarString => Kind::Dollar,
                _ => return None,
            };
            Some(Literal { range: token.start..token.end, kind })
        })
        .collect()
}

/// Whether `range` stands in no string, quoted name or comment of `body`, which may be of another language: with
/// JavaScript's backquotes in it nothing counts as bare.
pub(super) fn is_bare(body: &str, range: &Range<usize>) -> bool {
    let encloses = |kind: TokenKind| match kind {
        TokenKind::Word
        | TokenKind::Number
        | TokenKind::Variable
        | TokenKind::Whitespace
        | TokenKind::Punct
        | TokenKind::Semicolon
        | TokenKind::LeftParen
        | TokenKind::RightParen
        | TokenKind::TemplateValue
        | TokenKind::TemplateTag => false,
        TokenKind::String
        | TokenKind::DollarString
        | TokenKind::QuotedName
        | TokenKind::StagePath
        | TokenKind::ClientCommand
        | TokenKind::LineComment
        | TokenKind::BlockComment
        | TokenKind::Unterminated => true,
    };
    !body.contains('`')
        && tokens(body)
            .filter(|token| token.start < range.end && range.start < token.end)
            .all(|token| !encloses(token.kind))
}
