//! END: whether it is a keyword, and what it closes.

use std::mem;

use super::{
    findings,
    frame::{Frame, Head, Kind, Start},
    keyword::Keyword,
    machine::Machine,
};
use crate::sql::lex::{Token, TokenKind};

impl Machine<'_> {
    /// END in a construct. It closes a CASE expression wherever an operand may end, all else only at the start of a
    /// statement, since every statement before it has its `;`. Elsewhere it is a name.
    pub(super) fn end(&mut self, token: Token, at_start: bool) {
        let Some(&top) = self.stack.last() else { return };
        if matches!(self.previous_keyword(), Some(Keyword::As | Keyword::Let))
            || self.next_is(&[".", "(", ":="])
        {
            return;
        }
        if top.kind == Kind::CaseExpression {
            if !self.operand_wanted() {
                self.stack.pop();
                if self.parens.0 > 0 {
                    self.errors.push(findings::unclosed_paren_before_end(self.parens.1, token));
                }
                self.parens = top.parens;
            }
            return;
        }
        let until = top.kind == Kind::Repeat && top.tail && self.parens.0 == 0;
        if !at_start && !until {
            if self.parens.0 > 0 || top.kind == Kind::Declare || self.operand_wanted() || !self.looks_final()
            {
                return;
            }
            self.errors.push(findings::missing_before_end(token));
            self.tangled = true;
        }
        self.close(token);
    }

    /// Whether the last token cannot end an operand, so that a word after it must be one.
    fn operand_wanted(&self) -> bool {
        match self.previous.kind {
            TokenKind::Punct => !matches!(self.previous.of(self.text), "]" | "}" | "?" | "*"),
            TokenKind::LeftParen => true,
            _ => self.previous_keyword().is_some_and(Keyword::wants_operand),
        }
    }

    /// Whether END, just read, has nothing after it but its own words and `;`.
    fn looks_final(&self) -> bool {
        let mut ahead = self.ahead().peekable();
        ahead.next_if(|&token| self.keyword(token).is_some_and(Keyword::is_closer));
        ahead.next().is_none_or(|token| token.kind == TokenKind::Semicolon)
    }

    /// END closes the innermost construct; what it closes in truth decides about the errors.
    fn close(&mut self, token: Token) {
        let mut ahead = self.ahead().peekable();
        let closer = ahead.next_if(|&t| self.keyword(t).is_some_and(Keyword::is_closer));
        let label = ahead.next_if(|t| matches!(t.kind, TokenKind::Word | TokenKind::QuotedName));
        let label = label.filter(|_| ahead.next().is_none_or(|t| t.kind == TokenKind::Semicolon));
        let end = Token { end: closer.map_or(token.end, |closer| closer.end), ..token };
        let frame = self.unwind(end, closer.and_then(|closer| self.keyword(closer)));
        let takes_label = frame.is_none_or(|frame| frame.kind.takes_label());
        self.swallow = usize::from(closer.is_some()) + usize::from(label.is_some() && takes_label);
        self.closed = Some(end);
        self.head = Head::Plain;
        if let Some(frame) = frame {
            self.parens = frame.parens;
            if self.stack.is_empty() {
                self.last_block = Some((frame.at, end));
            }
        }
    }

    /// Takes off the stack what `end` closes. A mismatch has two readings: a construct inside was never closed, or
    /// the word after END is wrong. The first holds if something further out fits, unless the indentation says else.
    fn unwind(&mut self, end: Token, closer: Option<Keyword>) -> Option<Frame> {
        let top = *self.stack.last()?;
        if top.closes(closer) {
            return self.stack.pop();
        }
        self.tangled = true;
        let fitting = self.stack.iter().rposition(|frame| frame.closes(closer));
        let aligned = |frame: &Frame| findings::aligned(self.text, frame.at, end.start);
        match fitting {
            Some(depth) if !aligned(&top) || aligned(&self.stack[depth]) => {
                let target = self.stack[depth];
                let inner: Vec<Frame> = self.stack.drain(depth..).skip(1).collect();
                let errors =
                    inner.iter().map(|frame| findings::unclosed_inside(self.text, frame, &target, end));
                self.errors.extend(errors);
                Some(target)
            }
            _ => {
                self.errors.push(findings::wrong_end(self.text, &top, end));
                // `END IF` in a block without IF is one too many, not the end of the block.
                if top.kind == Kind::Block { None } else { self.stack.pop() }
            }
        }
    }

    /// `token` follows an END that has no `;`.
    pub(super) fn after_end(&mut self, token: Token, end: Token) {
        if self.stack.is_empty() && token.of(self.text) == "->>" {
            return;
        }
        if !self.tangled {
            self.errors.push(findings::missing_after_end(self.text, token, end));
        }
        self.start = Start::Statement;
        if self.stack.is_empty() {
            self.cut(self.previous.end);
        }
    }

    /// END at the start of a statement with nothing open.
    pub(super) fn stray_end(&mut self, token: Token) {
        if !mem::replace(&mut self.tangled, true) {
            let error = findings::stray_end(token, self.last_block);
            self.errors.push(error);
        }
    }
}
