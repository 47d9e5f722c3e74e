//! The parser behind one function: one statement in, a tree of it out.
//!
//! Only for what needs a tree (the inside of queries). The head of a statement is read with [`super::cursor`],
//! which is faster and knows Snowflake's grammar exactly. The parser's own node types stay in this file; its list
//! of node and token kinds is the one thing that is passed on, as [`Kind`].

pub use sql_dialect_fmt_parser::SyntaxKind as Kind;
use sql_dialect_fmt_parser::SyntaxNode;

use super::lex::{self, TokenKind};
use crate::model::facts::{ByteRange, Why};

/// Deepest nesting that is handed to the parser, which is recursive and would overflow the stack on hostile text.
pub const DEEPEST: usize = 500;

/// A node of the tree of one statement. Ranges are bytes of the statement's text.
#[derive(Clone, Debug)]
pub struct Node(SyntaxNode);

/// A node, or a token between nodes.
#[derive(Clone, Debug)]
pub enum Element {
    /// An inner node.
    Node(Node),
    /// A token: its kind and where it stands.
    Token(Kind, ByteRange),
}

impl Node {
    /// What it is.
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// Where it stands, without the white space and comments at its ends.
    pub fn range(&self) -> ByteRange {
        let mut tokens = self.tokens();
        let Some((_, first)) = tokens.next() else {
            let start = usize::from(self.0.text_range().start());
            return ByteRange { start, end: start };
        };
        let end = tokens.last().map_or(first.end, |(_, last)| last.end);
        ByteRange { start: first.start, end }
    }

    /// The nodes directly below.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<> {
        self.0.children().map(Self)
    }

    /// The first node of a kind directly below.
    pub fn child(&self, kind: Kind) -> Option<Self> {
        self.children().find(|child| child.kind() == kind)
    }

    /// Nodes and tokens directly below, without white space and comments.
    pub fn elements(&self) -> impl Iterator<Item = Element> + use<> {
        self.0.children_with_tokens().filter_map(|element| {
            if let Some(node) = element.as_node() {
                return Some(Element::Node(Self(node.clone())));
            }
            let token = element.as_token()?;
            let range = token.text_range();
            let range = ByteRange { start: range.start().into(), end: range.end().into() };
            (!token.kind().is_trivia()).then_some(Element::Token(token.kind(), range))
        })
    }

    /// All nodes below and this one, in the order of the text.
    pub fn descendants(&self) -> impl Iterator<Item = Self> + use<> {
        self.0.descendants().map(Self)
    }

    /// All tokens below, without white space and comments.
    pub fn tokens(&self) -> impl Iterator<Item = (Kind, ByteRange)> + use<> {
        self.0.descendants_with_tokens().filter_map(|element| {
            let token = element.into_token()?;
            let range = token.text_range();
            let range = ByteRange { start: range.start().into(), end: range.end().into() };
            (!token.kind().is_trivia()).then_some((token.kind(), range))
        })
    }
}

/// The tree of one statement. Its root is the statement's own node.
///
/// `Err` says why there is none: the text nests too deep, the parser did not understand it, or it holds more or
/// fewer than one statement. A statement is never split again because of that.
pub fn parse(text: &str) -> Result<Node, Why> {
    guard(text)?;
    let parsed = sql_dialect_fmt_parser::parse(text);
    if let Some(error) = parsed.errors().first() {
        return Err(Why { reason: error.message.clone(), at: error.offset });
    }
    let mut statements = parsed.syntax().children();
    let Some(statement) = statements.next() else {
        return Err(Why { reason: "there is no statement".to_owned(), at: 0 });
    };
    match statements.next() {
        Some(second) => {
            let at = Node(second).range().start;
            Err(Why { reason: "a second statement begins here".to_owned(), at })
        }
        None => Ok(Node(statement)),
    }
}

/// Refuses text that nests deeper than [`DEEPEST`], counted without recursion.
///
/// Counted are open parentheses, brackets and braces, words that open something which `END` closes, unbroken runs
/// of what stands before an expression, and the few words after which the parser would begin a new level though a
/// well-formed text has a parenthesis there. All of them were found by feeding the parser one phrase thousands of
/// times.
pub fn guard(text: &str) -> Result<(), Why> {
    let mut nesting = Nesting::default();
    for token in lex::tokens(text) {
        if token.kind.is_trivia() {
            continue;
        }
        nesting.step(token.kind, &text[token.start..token.end]);
        if nesting.depth() > DEEPEST {
            let reason = format!("it nests deeper than {DEEPEST} levels");
            return Err(Why { reason, at: token.start });
        }
    }
    Ok(())
}

/// What is open at a place of the text.
#[derive(Default)]
struct Nesting {
    brackets: usize,
    words: usize,
    /// Signs and the like since the last operand.
    prefixes: usize,
    /// Words that a parenthesis should have followed. Never closed.
    stray: usize,
    last: Last,
}

/// The token before, as far as it decides what the next one opens.
#[derive(Default, PartialEq)]
enum Last {
    #[default]
    Other,
    End,
    As,
    If,
    Repeat,
    /// `OVER` and `ANY`.
    WantsParenthesis,
}

impl Nesting {
    fn depth(&self) -> usize {
        self.brackets + self.words + self.prefixes + self.stray
    }

    fn step(&mut self, kind: TokenKind, text: &str) {
        let is = |word: &str| kind == TokenKind::Word && text.eq_ignore_ascii_case(word);
        let paren = kind == TokenKind::LeftParen;
        let last = std::mem::take(&mut self.last);
        match last {
            Last::If if paren => self.words += 1,
            Last::Repeat if !paren => self.words += 1,
            Last::WantsParenthesis if !paren => self.stray += 1,
            Last::As if is("WITH") => self.stray += 1,
            _ => {}
        }
        match kind {
            TokenKind::LeftParen => self.brackets += 1,
            TokenKind::RightParen => self.brackets = self.brackets.saturating_sub(1),
            TokenKind::Punct => match text.as_bytes().first() {
                Some(b'[' | b'{') => self.brackets += 1,
                Some(b']' | b'}') => self.brackets = self.brackets.saturating_sub(1),
                Some(b'-' | b'+' | b'~' | b'!') => self.prefixes += 1,
                _ => {}
            },
            TokenKind::Word if is("NOT") || is("PRIOR") => self.prefixes += 1,
            _ => self.prefixes = 0,
        }
        if is("END") {
            self.words = self.words.saturating_sub(1);
            self.last = Last::End;
        } else if last == Last::End {
            // The word of END IF, END LOOP and their like.
        } else if ["CASE", "BEGIN", "DO", "LOOP"].iter().any(|opener| is(opener)) {
            self.words += 1;
        } else if is("IF") {
            self.last = Last::If;
        } else if is("REPEAT") {
            self.last = Last::Repeat;
        } else if is("AS") {
            self.last = Last::As;
        } else if is("OVER") || is("ANY") {
            self.last = Last::WantsParenthesis;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_tree_of_one_statement_without_loss() {
        let text = "SELECT a, b -- why\nFROM s.t JOIN u ON t.id = u.id";
        let root = parse(text).unwrap();
        assert_eq!((root.range().start, root.range().end), (0, text.len()));
        let spelled: Vec<&str> = root.tokens().map(|(_, at)| &text[at.start..at.end]).collect();
        assert_eq!(spelled.join(" "), "SELECT a , b FROM s . t JOIN u ON t . id = u . id");
        let tables = root.descendants().filter(|node| node.kind() == Kind::TABLE_REF).count();
        assert_eq!(tables, 2, "{:?}", root.0);
    }

    #[test]
    fn says_why_there_is_no_tree() {
        for (text, reason, at) in [
            ("SELECT 1 CREATE TABLE t (a INT)", "a second statement begins here", 9),
            ("  ", "there is no statement", 0),
        ] {
            let why = parse(text).unwrap_err();
            assert_eq!((why.reason.as_str(), why.at), (reason, at), "{text}");
        }
    }

    #[test]
    fn refuses_what_nests_too_deep_and_counts_no_brackets_in_literals() {
        let hostile = [
            "(",
            "[",
            "CASE ",
            "NOT ",
            "- ",
            "BEGIN ",
            "BEGIN IF (x) THEN ",
            "BEGIN FOR x IN y DO ",
            "LOOP ",
            "WHILE (x) DO ",
            "REPEAT ",
            "WITH a AS ",
            "f(x) OVER ",
            "a ILIKE ANY ",
        ];
        for hostile in hostile {
            let text = format!("SELECT {}", hostile.repeat(10_000));
            assert!(parse(&text).unwrap_err().reason.contains("nests deeper"), "{hostile}");
        }
        let literal = format!("SELECT '{}'", "(".repeat(100_000));
        assert!(parse(&literal).is_ok());
        let wide = format!(
            "SELECT {}1",
            "CASE WHEN a THEN NOT b END, (1), ROW_NUMBER() OVER (ORDER BY a), ".repeat(1_000)
        );
        assert_eq!(parse(&wide).map(|_| ()), Ok(()));
    }
}
