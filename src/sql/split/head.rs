//! The head of a statement: whether a body that may be a block follows, and a CREATE that begins too early.

use super::{
    findings,
    frame::{Head, Start},
    keyword::{Keyword, follows_create, keyword},
    machine::Machine,
};
use crate::sql::lex::{Token, TokenKind, tokens};

impl Machine<'_> {
    /// A word of the head, outside parentheses.
    pub(super) fn advance_head(&mut self, keyword: Option<Keyword>) {
        let previous = self.previous_keyword();
        let body = match (self.head, keyword) {
            (
                Head::Create,
                Some(
                    Keyword::Modifier | Keyword::Or | Keyword::Replace | Keyword::Alter | Keyword::Temporary,
                ),
            ) => {
                return;
            }
            (Head::Create, _) => {
                self.head = match keyword {
                    // CREATE PROCEDURE SCOPED TEMP TABLE makes a table.
                    Some(Keyword::Procedure) if !self.scoped_table_follows() => Head::Body,
                    Some(Keyword::Function | Keyword::Task) => Head::Body,
                    Some(Keyword::Alert) => Head::Alert,
                    _ => Head::Plain,
                };
                return;
            }
            (Head::Alter, _) => {
                self.head = match keyword {
                    Some(Keyword::Task) => Head::AlterTask,
                    Some(Keyword::Alert) => Head::AlterAlert,
                    _ => Head::Plain,
                };
                return;
            }
            (Head::Declaration, _) => {
                self.head = if keyword == Some(Keyword::Procedure) { Head::Body } else { Head::Plain };
                return;
            }
            // EXECUTE AS CALLER, OWNER, RESTRICTED CALLER, USER.
            (Head::Body, Some(Keyword::As)) => previous != Some(Keyword::Execute),
            (Head::AlterTask, Some(Keyword::As)) | (Head::AlterAlert, Some(Keyword::Action)) => {
                previous == Some(Keyword::Modify)
            }
            _ => false,
        };
        if body {
            self.head = Head::Plain;
            self.start = Start::Body;
        }
    }

    fn scoped_table_follows(&self) -> bool {
        let mut ahead = self.ahead().map(|token| self.keyword(token));
        ahead.next() == Some(Some(Keyword::Scoped)) && ahead.next() == Some(Some(Keyword::Temporary))
    }

    /// CREATE in the middle of a statement at depth 0. At the start of a line and before an object's kind it can
    /// only be a statement of its own, unless it is a privilege or what EXPLAIN or AS speaks of.
    pub(super) fn create_inside(&mut self, token: Token) {
        let previous = self.previous;
        let continues = match previous.kind {
            TokenKind::Punct => !matches!(previous.of(self.text), "]" | "}" | "*"),
            _ => matches!(self.previous_keyword(), Some(Keyword::As | Keyword::Then | Keyword::Action)),
        };
        let new_line = self.text[previous.end..token.start].contains(['\n', '\r']);
        let kind = self.ahead().next().filter(|next| next.kind == TokenKind::Word);
        if self.parens.0 > 0
            || continues
            || !new_line
            || !kind.is_some_and(|k| follows_create(k.of(self.text)))
        {
            return;
        }
        let Some(first) = self.first else { return };
        let verb = tokens(&self.text[first..])
            .next()
            .and_then(|verb| keyword(verb.of(&self.text[first..]).as_bytes()));
        if matches!(verb, Some(Keyword::Grant | Keyword::Revoke | Keyword::Explain)) {
            return;
        }
        // What a template puts in its own place may hold the `;`.
        if !self.after_template(token) {
            self.errors.push(findings::missing_before_create(self.text, first, previous, token));
        }
        self.cut(previous.end);
        self.first = Some(token.start);
        self.start = Start::No;
        self.head = Head::Create;
    }
}
