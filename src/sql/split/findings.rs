//! What is said when a script cannot be cut. Only here is the text looked at backwards, so errors are limited.

use std::ops::Range;

use super::{
    SplitError,
    frame::{Frame, Kind},
    machine::Machine,
};
use crate::{
    diagnostic::Code,
    sql::lex::{Opened, Token, TokenKind, tokens},
};

/// After so many errors the rest of the script is not read: finding words for each costs a look at the text around
/// it, and nobody reads more.
pub(super) const MOST_ERRORS: usize = 100;

fn error(code: Code, at: Range<usize>, message: impl Into<String>) -> SplitError {
    SplitError { code, message: message.into(), at, related: None, hint: None }
}

fn unbalanced(at: Range<usize>, message: impl Into<String>) -> SplitError {
    error(Code::UnbalancedSql, at, message)
}

fn unsplittable(at: Range<usize>, message: impl Into<String>) -> SplitError {
    error(Code::UnsplittableSql, at, message)
}

impl SplitError {
    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn related(mut self, at: Range<usize>, what: impl Into<String>) -> Self {
        self.related = Some((at, what.into()));
        self
    }
}

fn range(token: Token) -> Range<usize> {
    token.start..token.end
}

impl Frame {
    fn range(&self) -> Range<usize> {
        self.at..self.at + self.kind.word().len()
    }
}

/// `END  /* x */ if` as `END IF`.
fn words(text: &str, end: Token) -> String {
    let words = tokens(&text[range(end)]).filter(|token| token.kind == TokenKind::Word);
    let words: Vec<String> = words.map(|word| word.of(&text[range(end)]).to_ascii_uppercase()).collect();
    words.join(" ")
}

/// The blanks before `at`, if nothing else stands before it on its line.
fn indentation(text: &str, at: usize) -> Option<&str> {
    let line = text[..at].rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let before = text[line..at].trim_start_matches('\u{feff}');
    before.chars().all(|c| matches!(c, ' ' | '\t')).then_some(before)
}

/// Whether both places are the first on their lines, equally far in.
pub(super) fn aligned(text: &str, a: usize, b: usize) -> bool {
    indentation(text, a).is_some_and(|indent| indentation(text, b) == Some(indent))
}

/// Whether only blanks stand before `at` on its line.
pub(super) fn is_first_on_line(text: &str, at: usize) -> bool {
    indentation(text, at).is_some()
}

/// Whether `at` is the first character of its line.
pub(super) fn begins_line(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_none_or(|c| matches!(c, '\n' | '\r' | '\u{feff}'))
}

pub(super) fn stray_paren(token: Token) -> SplitError {
    unbalanced(range(token), "`)` closes nothing").hint("remove it, or add the `(` that it belongs to")
}

pub(super) fn semicolon_in_parens(open: usize, semicolon: Token) -> SplitError {
    unbalanced(open..open + 1, "`(` is not closed before the `;`")
        .related(range(semicolon), "the statement ends here")
        .hint("close the parenthesis, or remove the `;`")
}

pub(super) fn unclosed_paren(open: usize) -> SplitError {
    unbalanced(open..open + 1, "`(` is never closed").hint("close the parenthesis with `)`")
}

pub(super) fn unclosed_paren_before_end(open: usize, end: Token) -> SplitError {
    unbalanced(open..open + 1, "`(` is not closed before the END of its CASE")
        .related(range(end), "the CASE ends here")
        .hint("close the parenthesis with `)`")
}

pub(super) fn unclosed_case(text: &str, frame: &Frame, token: Token) -> SplitError {
    unbalanced(frame.range(), format!("`CASE` has no `END` before the `{}`", token.of(text)))
        .related(range(token), "the expression ends here")
        .hint("end it with `END`; a name `case` is written `\"CASE\"`")
}

pub(super) fn head_without_body(frame: &Frame, semicolon: Token) -> SplitError {
    let (opener, missing) = match frame.kind {
        Kind::For | Kind::While => (frame.kind.word(), "`DO`"),
        Kind::Block => ("EXCEPTION", "`WHEN ... THEN`"),
        _ => (frame.kind.word(), "`THEN`"),
    };
    let message = format!("`{opener}` has no {missing} before the `;`");
    let at = if frame.kind == Kind::Block { range(semicolon) } else { frame.range() };
    unbalanced(at, message)
        .related(range(semicolon), "the statement ends here")
        .hint(format!("write {missing}"))
}

pub(super) fn outside_block(kind: Kind, token: Token) -> SplitError {
    let word = kind.word();
    unsplittable(range(token), format!("`{word}` stands outside a block, where Snowflake does not take it"))
        .hint(
            "put it between `BEGIN` and `END;`; a `;` right after `BEGIN` begins a transaction, not a block",
        )
}

pub(super) fn stray_end(token: Token, last: Option<(usize, Token)>) -> SplitError {
    let error = unbalanced(range(token), "`END` closes nothing");
    match last {
        Some((_, end)) => error
            .related(range(end), "the block before it is closed here already")
            .hint("remove this `END`, or an earlier one"),
        None => error.hint(
            "remove it; to open a block, write `BEGIN` without a `;` (a transaction ends with `COMMIT;`)",
        ),
    }
}

pub(super) fn missing_before_end(end: Token) -> SplitError {
    unsplittable(range(end), "`;` is missing before `END`")
        .hint("end the statement before it with `;`; a name `end` is written `AS end` or `\"END\"`")
}

pub(super) fn missing_after_end(text: &str, next: Token, end: Token) -> SplitError {
    let end_words = words(text, end);
    unsplittable(range(next), format!("`;` is missing after `{end_words}`"))
        .related(range(end), format!("`{end_words}` stands here"))
        .hint(format!("write `{end_words};`"))
}

pub(super) fn missing_before_create(text: &str, first: usize, previous: Token, create: Token) -> SplitError {
    let start = tokens(&text[first..]).next().map_or(first..first, |t| first..first + t.end);
    let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..previous.end]).count();
    unsplittable(range(create), "`;` is missing before `CREATE`")
        .related(start, "the statement that begins here has no end")
        .hint(format!("end the statement before it with `;` (line {line})"))
}

pub(super) fn unclosed_inside(text: &str, frame: &Frame, target: &Frame, end: Token) -> SplitError {
    let end_words = words(text, end);
    let closer = frame.closer();
    let outer = target.kind.word();
    unbalanced(frame.range(), format!("`{}` is not closed: `{closer}` is missing", frame.kind.word()))
        .related(range(end), format!("`{end_words}` closes the `{outer}` around it"))
        .hint(format!("write `{closer};` before the `{end_words}`"))
}

pub(super) fn wrong_end(text: &str, frame: &Frame, end: Token) -> SplitError {
    let (end_words, closer, opener) = (words(text, end), frame.closer(), frame.kind.word());
    unbalanced(range(end), format!("`{end_words}` does not close `{opener}`"))
        .related(frame.range(), format!("the innermost open construct is this `{opener}`"))
        .hint(format!("write `{closer};` if it is to be closed here, else remove the `{end_words}`"))
}

/// A block or the like that the text never closes.
pub(super) fn unfinished(machine: &Machine<'_>, outer: &Frame) -> SplitError {
    let closer = outer.closer();
    if let Some(begin) = machine.begin_inside.filter(|_| outer.kind == Kind::Declare) {
        return unsplittable(range(begin), "`;` is missing before `BEGIN`")
            .related(outer.range(), "the declarations begin here")
            .hint("end the last declaration with `;`");
    }
    if outer.kind == Kind::Declare {
        return unbalanced(outer.range(), "`DECLARE` has no `BEGIN`")
            .hint("follow the declarations with `BEGIN ... END;`");
    }
    let mut error =
        unbalanced(outer.range(), format!("`{}` is never closed: `{closer}` is missing", outer.kind.word()));
    let innermost = machine.stack.last().filter(|inner| inner.at != outer.at);
    if let Some(create) = machine.swallowed {
        error = error
            .related(range(create), "the block goes on here; was this meant to be a statement of its own?");
    } else if let Some(inner) = innermost {
        error = error
            .related(inner.range(), format!("this `{}` inside it is not closed either", inner.kind.word()));
    }
    let anonymous = machine.first == Some(outer.at);
    error.hint(match (outer.kind, anonymous, machine.commits) {
        (Kind::Block, true, true) => {
            "did you mean `BEGIN;`? Without the `;` it opens a block, not a transaction; a block ends with `END;`"
                .to_owned()
        }
        (Kind::Block, true, false) => {
            "end the block with `END;`; to begin a transaction, write `BEGIN;`".to_owned()
        }
        _ => format!("write `{closer};` where it ends"),
    })
}

/// A quote or comment without an end. When quotes are mixed up the one that is left over is often far from the one
/// that is missing; a string over several lines before it is the likely culprit.
pub(super) fn unterminated(text: &str, first: Option<usize>, token: Token) -> SplitError {
    let opened = token.opened(text);
    let (what, open, close) = match opened {
        Opened::String => ("the string", "'", "'"),
        Opened::DollarString => ("the text", "$$", "$$"),
        Opened::QuotedName => ("the quoted name", "\"", "\""),
        Opened::BlockComment => ("the comment", "/*", "*/"),
    };
    let at = token.start..token.start + open.len();
    let error = unbalanced(at, format!("{what} that opens here with `{open}` is never closed"));
    let from = first.unwrap_or(token.start);
    let suspect = tokens(&text[from..token.start])
        .find(|earlier| earlier.kind == TokenKind::String && earlier.of(&text[from..]).contains('\n'));
    let error = match suspect {
        Some(string) if opened == Opened::String => error.related(
            from + string.start..from + string.start + 1,
            "this string goes over several lines; is its closing quote the one that is missing?",
        ),
        _ => error,
    };
    match opened {
        Opened::BlockComment => error.hint(format!("close it with `{close}`; comments do not nest")),
        Opened::String => error.hint("close it with `'`; a quote inside a string is written `''` or `\\'`"),
        _ => error.hint(format!("close it with `{close}`")),
    }
}
