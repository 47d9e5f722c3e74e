//! The state machine that reads tokens and cuts pieces.
//!
//! Words are keywords only by their place: at the start of a statement, or where an open construct waits for them.
//! Outside a block only BEGIN, DECLARE and the bodies of procedures, functions, tasks and alerts open anything; a
//! CASE there needs no counting, since the next `;` ends the statement anyhow.

use std::mem;

use super::{
    Piece, Pieces, SplitError,
    findings::{self, MOST_ERRORS},
    frame::{Frame, Head, Kind, Start},
    keyword::{Keyword, keyword},
};
use crate::sql::lex::{Token, TokenKind, Tokens, tokens};

pub(super) struct Machine<'a> {
    pub(super) text: &'a str,
    tokens: Tokens<'a>,
    pieces: Pieces,
    pub(super) errors: Vec<SplitError>,
    pub(super) stack: Vec<Frame>,
    /// First byte of the statement at depth 0.
    pub(super) first: Option<usize>,
    /// The last token that is neither comment nor white space.
    pub(super) previous: Token,
    pub(super) start: Start,
    pub(super) head: Head,
    pub(super) parens: (u32, usize),
    /// Words after END that belong to it and are still to be read.
    pub(super) swallow: usize,
    /// The END that was just closed, as long as its `;` is to come.
    pub(super) closed: Option<Token>,
    /// Whether an error makes what follows in this statement, or what is left of it, doubtful.
    pub(super) tangled: bool,
    /// Whether a `)` too many was told for this statement.
    stray_told: bool,
    /// COMMIT or ROLLBACK directly in the outermost block.
    pub(super) commits: bool,
    /// A CREATE at the start of a line, directly in the outermost block.
    pub(super) swallowed: Option<Token>,
    /// A BEGIN that stands first on its line, but in the middle of a declaration.
    pub(super) begin_inside: Option<Token>,
    /// The last block that ended at depth 0: BEGIN and END.
    pub(super) last_block: Option<(usize, Token)>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            tokens: tokens(text),
            pieces: Pieces::default(),
            errors: Vec::new(),
            stack: Vec::new(),
            first: None,
            previous: Token { kind: TokenKind::Semicolon, start: 0, end: 0 },
            start: Start::Statement,
            head: Head::Plain,
            parens: (0, 0),
            swallow: 0,
            closed: None,
            tangled: false,
            stray_told: false,
            commits: false,
            swallowed: None,
            begin_inside: None,
            last_block: None,
        }
    }

    pub(super) fn run(mut self) -> Result<Pieces, Vec<SplitError>> {
        let mut finished = true;
        while let Some(token) = self.next() {
            match token.kind {
                kind if kind.is_trivia() => continue,
                TokenKind::Semicolon if self.first.is_none() && self.stack.is_empty() => {}
                TokenKind::Semicolon => self.semicolon(token),
                TokenKind::Unterminated => {
                    self.unterminated(token);
                    finished = false;
                }
                _ => self.token(token),
            }
            self.previous = token;
            if self.errors.len() >= MOST_ERRORS {
                finished = false;
                break;
            }
        }
        if finished {
            self.finish();
        }
        if self.errors.is_empty() {
            Ok(self.pieces)
        } else {
            self.errors.sort_by_key(|error| error.at.start);
            Err(self.errors)
        }
    }

    /// The next token that needs thought. Most of a script is the middle of statements outside blocks, where only a
    /// few kinds of token matter: the others are passed over in a loop of their own.
    #[inline]
    fn next(&mut self) -> Option<Token> {
        let quiet = self.start == Start::No
            && self.head == Head::Plain
            && self.stack.is_empty()
            && self.swallow == 0
            && self.closed.is_none();
        if !quiet {
            return self.tokens.next();
        }
        loop {
            let token = self.tokens.next()?;
            match token.kind {
                kind if kind.is_trivia() => continue,
                // It may be CREATE.
                TokenKind::Word if token.end - token.start == 6 => return Some(token),
                TokenKind::Word
                | TokenKind::QuotedName
                | TokenKind::String
                | TokenKind::DollarString
                | TokenKind::Number
                | TokenKind::Variable
                | TokenKind::StagePath
                | TokenKind::TemplateValue
                | TokenKind::ClientCommand => {}
                TokenKind::LeftParen if self.parens.0 > 0 => self.parens.0 += 1,
                TokenKind::RightParen if self.parens.0 > 1 => self.parens.0 -= 1,
                // It may be `->>`.
                TokenKind::Punct if token.end - token.start < 3 => {}
                _ => return Some(token),
            }
            self.previous = token;
        }
    }

    /// The tokens to come that are neither comment nor white space.
    pub(super) fn ahead(&self) -> impl Iterator<Item = Token> + use<'a> {
        self.tokens.clone().filter(|token| !token.kind.is_trivia())
    }

    pub(super) fn next_is(&self, operators: &[&str]) -> bool {
        self.ahead().next().is_some_and(|token| operators.contains(&token.of(self.text)))
    }

    pub(super) fn keyword(&self, token: Token) -> Option<Keyword> {
        match token.kind {
            TokenKind::Word => keyword(&self.text.as_bytes()[token.start..token.end]),
            _ => None,
        }
    }

    /// The keyword just read; none if it is a name by the `.` or `:` before it.
    pub(super) fn previous_keyword(&self) -> Option<Keyword> {
        let named = self.text[..self.previous.start].ends_with(['.', ':']);
        self.keyword(self.previous).filter(|_| !named)
    }

    fn top(&mut self) -> Option<&mut Frame> {
        self.stack.last_mut()
    }

    fn token(&mut self, token: Token) {
        if self.swallow > 0 {
            self.swallow -= 1;
            return;
        }
        if let Some(end) = self.closed.take() {
            self.after_end(token, end);
        }
        if self.first.is_none() {
            self.first = Some(token.start);
        }
        match token.kind {
            TokenKind::Word => self.word(token),
            TokenKind::LeftParen => {
                if self.parens.0 == 0 {
                    self.parens.1 = token.start;
                }
                self.parens.0 += 1;
                self.start = Start::No;
            }
            TokenKind::RightParen => self.right_paren(token),
            TokenKind::Punct => {
                // A chain runs as one block of the server's own: one statement, each link with a head of its own.
                let link = self.stack.is_empty() && self.parens.0 == 0 && token.of(self.text) == "->>";
                self.start = if link { Start::Statement } else { Start::No };
                if link {
                    self.head = Head::Plain;
                }
            }
            TokenKind::ClientCommand if self.stack.is_empty() && self.first == Some(token.start) => {
                self.cut(token.end);
            }
            TokenKind::QuotedName if self.start == Start::Statement => {
                self.start = Start::No;
                if self.stack.last().is_some_and(|frame| frame.kind == Kind::Declare) {
                    self.head = Head::Declaration;
                }
            }
            _ => self.start = Start::No,
        }
    }

    fn right_paren(&mut self, token: Token) {
        self.start = Start::No;
        if self.parens.0 == 0 && !self.stray_told {
            // A CASE without END inside parentheses; a `)` too many does not make it one.
            let mut cases = self.stack.iter().rev().take_while(|frame| frame.kind == Kind::CaseExpression);
            if cases.any(|frame| frame.parens.0 > 0) {
                self.unclosed_cases(token);
            }
        }
        if self.parens.0 > 0 {
            self.parens.0 -= 1;
        } else if !mem::replace(&mut self.stray_told, true) {
            self.errors.push(findings::stray_paren(token));
        }
    }

    /// Ends the statement at depth 0, whose last token ends at `end`.
    pub(super) fn cut(&mut self, end: usize) {
        if let Some(start) = self.first.take() {
            self.pieces.push(Piece { start, end });
        }
        self.start = Start::Statement;
        self.head = Head::Plain;
        self.commits = false;
        self.swallowed = None;
        self.begin_inside = None;
    }

    fn semicolon(&mut self, token: Token) {
        self.swallow = 0;
        self.closed = None;
        self.stray_told = false;
        if !self.stack.is_empty() {
            self.unclosed_cases(token);
        }
        if self.parens.0 > 0 {
            self.errors.push(findings::semicolon_in_parens(self.parens.1, token));
            self.parens.0 = 0;
        }
        if self.stack.is_empty() {
            self.cut(self.previous.end);
            return;
        }
        if let Some(frame) = self.stack.last_mut().filter(|frame| frame.head) {
            frame.head = false;
            if !self.tangled {
                let error = findings::head_without_body(frame, token);
                self.errors.push(error);
            }
        }
        self.start = Start::Statement;
        self.head = Head::Plain;
    }

    /// Takes CASE expressions off the stack that `token` (a `;` or `)`) shows to have no END.
    fn unclosed_cases(&mut self, token: Token) {
        let mut told = false;
        while let Some(frame) = self.stack.pop_if(|frame| frame.kind == Kind::CaseExpression) {
            if !mem::replace(&mut told, true) {
                self.errors.push(findings::unclosed_case(self.text, &frame, token));
            }
            self.parens = frame.parens;
            if token.kind == TokenKind::RightParen && self.parens.0 > 0 {
                return;
            }
        }
        if told {
            // An unclosed parenthesis around an unclosed CASE has the same cause.
            self.parens.0 = 0;
        }
    }

    fn word(&mut self, token: Token) {
        match mem::replace(&mut self.start, Start::No) {
            Start::No if self.stack.is_empty() && self.head == Head::Plain => {
                // All words of most scripts come by here.
                if token.end - token.start == 6 && self.keyword(token) == Some(Keyword::Create) {
                    self.create_inside(token);
                }
            }
            Start::No => {
                let keyword = self.keyword(token);
                if !self.named_by_previous(token) {
                    self.inside(token, keyword);
                }
            }
            start => self.statement(token, start),
        }
    }

    /// Whether `word` is a name: the end of `a.b`, a bind `:b`, a path `a:b`; not the value in `{'a': b}`.
    fn named_by_previous(&self, word: Token) -> bool {
        let previous = self.previous;
        previous.kind == TokenKind::Punct
            && match previous.of(self.text) {
                "." => true,
                ":" => previous.end == word.start && !self.text[..previous.start].ends_with('\''),
                _ => false,
            }
    }

    /// A word that is not the first of its statement.
    fn inside(&mut self, token: Token, keyword: Option<Keyword>) {
        let parens = self.parens.0;
        match (keyword, self.head) {
            (Some(Keyword::Case), _) if !self.stack.is_empty() && self.opens_case() => {
                self.push(Kind::CaseExpression, token, false);
            }
            (Some(Keyword::End), _) if !self.stack.is_empty() => self.end(token, false),
            (Some(Keyword::Then), Head::Alert) if parens == 0 => {
                self.head = Head::Plain;
                self.start = Start::Body;
            }
            (Some(Keyword::Then), _) if parens == 0 => {
                let waits = |kind| matches!(kind, Kind::If | Kind::CaseStatement | Kind::Block);
                self.leave_head(|frame| waits(frame.kind));
            }
            (Some(Keyword::Do), _) if parens == 0 => {
                self.leave_head(|frame| matches!(frame.kind, Kind::For | Kind::While));
            }
            (Some(Keyword::Loop), _) if parens == 0 => {
                self.leave_head(|frame| {
                    let waits = matches!(frame.kind, Kind::For | Kind::While);
                    frame.with_loop |= waits;
                    waits
                });
            }
            (Some(Keyword::Begin), Head::Plain) => {
                let declaring = self.stack.last().is_some_and(|frame| frame.kind == Kind::Declare);
                if declaring && parens == 0 && findings::is_first_on_line(self.text, token.start) {
                    self.begin_inside.get_or_insert(token);
                }
            }
            (_, Head::Plain) => {}
            _ if parens == 0 => self.advance_head(keyword),
            _ => {}
        }
    }

    /// Statements follow, if the innermost construct waits for this word.
    fn leave_head(&mut self, waits: impl FnOnce(&mut Frame) -> bool) {
        if let Some(frame) = self.top()
            && frame.head
            && waits(frame)
        {
            frame.head = false;
            self.start = Start::Statement;
        }
    }

    /// The first word of a statement.
    fn statement(&mut self, token: Token, start: Start) {
        let word = self.keyword(token);
        let top = self.stack.last().map(|frame| frame.kind);
        if start == Start::Statement && top == Some(Kind::Declare) {
            return self.declaration(token, word);
        }
        let Some(word) = word else { return };
        match word {
            Keyword::Create => {
                self.head = Head::Create;
                match self.stack.len() {
                    0 => self.tangled = false,
                    1 if self.swallowed.is_none() && findings::begins_line(self.text, token.start) => {
                        self.swallowed = Some(token);
                    }
                    _ => {}
                }
            }
            Keyword::Alter => self.head = Head::Alter,
            Keyword::Commit | Keyword::Rollback => self.commits |= self.stack.len() == 1,
            Keyword::WantsOperand
            | Keyword::Grant
            | Keyword::Revoke
            | Keyword::Explain
            | Keyword::Execute => {}
            // A variable may have any of the names below.
            _ if self.next_is(&[":=", ".", "="]) => {}
            Keyword::Begin if start == Start::Body || self.begins_block() => {
                self.push(Kind::Block, token, false);
                self.start = Start::Statement;
            }
            Keyword::Declare => {
                self.push(Kind::Declare, token, false);
                self.start = Start::Statement;
            }
            Keyword::If => self.opener(Kind::If, token, top),
            Keyword::Case => self.opener(Kind::CaseStatement, token, top),
            Keyword::For => self.opener(Kind::For, token, top),
            Keyword::While => self.opener(Kind::While, token, top),
            Keyword::Loop => self.opener(Kind::Loop, token, top),
            Keyword::Repeat => self.opener(Kind::Repeat, token, top),
            Keyword::End if start == Start::Statement => match top {
                Some(_) => self.end(token, true),
                None => self.stray_end(token),
            },
            Keyword::Else if matches!(top, Some(Kind::If | Kind::CaseStatement)) => {
                self.start = Start::Statement;
            }
            Keyword::ElseIf | Keyword::When | Keyword::Exception | Keyword::Until => self.section(word),
            _ => {}
        }
    }

    /// A word that leads to a further part of the innermost construct.
    fn section(&mut self, word: Keyword) {
        let Some(frame) = self.top() else { return };
        match (word, frame.kind) {
            (Keyword::ElseIf, Kind::If) | (Keyword::When, Kind::CaseStatement) => frame.head = true,
            (Keyword::When, Kind::Block) => frame.head = frame.tail,
            (Keyword::Exception, Kind::Block) => (frame.tail, frame.head) = (true, true),
            (Keyword::Until, Kind::Repeat) => frame.tail = true,
            _ => {}
        }
    }

    fn declaration(&mut self, token: Token, word: Option<Keyword>) {
        if word == Some(Keyword::Begin) && !self.next_is(&[":="]) {
            if let Some(frame) = self.top() {
                (frame.kind, frame.at) = (Kind::Block, token.start);
            }
            self.start = Start::Statement;
        } else {
            self.head = Head::Declaration;
        }
    }

    fn push(&mut self, kind: Kind, token: Token, head: bool) {
        let parens = mem::take(&mut self.parens);
        self.stack.push(Frame { kind, at: token.start, head, with_loop: false, tail: false, parens });
    }

    /// IF, CASE, FOR, WHILE, LOOP, REPEAT at the start of a statement. Outside a block the server refuses them at
    /// their first word; they are read as if they stood in one, so that the rest of the script makes sense.
    fn opener(&mut self, kind: Kind, token: Token, top: Option<Kind>) {
        if top.is_none() && kind == Kind::CaseStatement && self.after_template(token) {
            // A template's macro may hold an expression.
            return;
        }
        if top.is_none() && !mem::replace(&mut self.tangled, true) {
            self.errors.push(findings::outside_block(kind, token));
        }
        let head = !matches!(kind, Kind::Loop | Kind::Repeat);
        self.push(kind, token, head);
        self.start = if head { Start::No } else { Start::Statement };
    }

    /// Whether BEGIN, just read at the start of a statement, opens a block and not a transaction. `BEGIN NAME x;`
    /// could also be a block whose first statement is `NAME x`; no such statement exists, so it is a transaction.
    fn begins_block(&self) -> bool {
        let mut ahead = self.ahead();
        let ends = |token: Option<Token>| {
            token.is_none_or(|t| t.kind == TokenKind::Semicolon || t.of(self.text) == "->>")
        };
        let first = ahead.next();
        match first.and_then(|token| self.keyword(token)) {
            Some(Keyword::Work | Keyword::Transaction) => {
                ahead.next().is_some_and(|token| token.of(self.text) == ":=")
            }
            Some(Keyword::Name) => {
                let named = matches!(ahead.next(), Some(t) if matches!(t.kind, TokenKind::Word | TokenKind::QuotedName));
                !(named && ends(ahead.next()))
            }
            _ => !ends(first),
        }
    }

    /// Whether CASE, just read in a block, opens an expression and is no name.
    fn opens_case(&self) -> bool {
        self.previous_keyword() != Some(Keyword::As)
            && self.ahead().next().is_some_and(|next| match next.kind {
                TokenKind::Semicolon | TokenKind::RightParen => false,
                TokenKind::Punct => !matches!(next.of(self.text), "." | "," | "=" | ":=" | "::" | "=>"),
                _ => !self.keyword(next).is_some_and(Keyword::begins_no_operand),
            })
    }

    /// Whether a template that was not rendered stands before `token`: what it puts there is not known.
    pub(super) fn after_template(&self, token: Token) -> bool {
        self.previous.kind == TokenKind::TemplateValue
            || tokens(&self.text[self.previous.end..token.start]).any(|t| t.kind == TokenKind::TemplateTag)
    }

    fn unterminated(&mut self, token: Token) {
        let error = findings::unterminated(self.text, self.first, token);
        self.errors.push(error);
    }

    /// The text is over.
    fn finish(&mut self) {
        if self.parens.0 > 0 {
            self.errors.push(findings::unclosed_paren(self.parens.1));
        } else if let Some(outer) = self.stack.first()
            && !self.tangled
        {
            let error = findings::unfinished(self, outer);
            self.errors.push(error);
        }
        self.cut(self.previous.end);
    }
}
