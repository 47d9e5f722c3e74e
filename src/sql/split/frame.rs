//! What the state machine remembers: open constructs, and how far the head of a statement was read.

use super::keyword::Keyword;

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// DECLARE, before its BEGIN.
    Declare,
    Block,
    If,
    CaseStatement,
    CaseExpression,
    For,
    While,
    Loop,
    Repeat,
}

impl Kind {
    /// The word that opens it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Declare => "DECLARE",
            Self::Block => "BEGIN",
            Self::If => "IF",
            Self::CaseStatement | Self::CaseExpression => "CASE",
            Self::For => "FOR",
            Self::While => "WHILE",
            Self::Loop => "LOOP",
            Self::Repeat => "REPEAT",
        }
    }

    /// Whether a label may follow its END. IF and CASE take none.
    pub(super) const fn takes_label(self) -> bool {
        matches!(self, Self::Block | Self::For | Self::While | Self::Loop | Self::Repeat)
    }
}

/// One open construct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// First byte of the word that opened it; of BEGIN for a block with DECLARE.
    pub(super) at: usize,
    /// Whether THEN, DO or LOOP is still to come before statements follow.
    pub(super) head: bool,
    /// FOR and WHILE: whether LOOP stood in place of DO, so that END LOOP closes.
    pub(super) with_loop: bool,
    /// A block after EXCEPTION, REPEAT after UNTIL.
    pub(super) tail: bool,
    /// Parentheses open around it in its statement, and the place of the first.
    pub(super) parens: (u32, usize),
}

impl Frame {
    pub(super) fn closes(&self, closer: Option<Keyword>) -> bool {
        match self.kind {
            Kind::Block => closer.is_none(),
            Kind::CaseStatement => matches!(closer, None | Some(Keyword::Case)),
            Kind::If => closer == Some(Keyword::If),
            Kind::For | Kind::While if self.with_loop => closer == Some(Keyword::Loop),
            Kind::For => closer == Some(Keyword::For),
            Kind::While => closer == Some(Keyword::While),
            Kind::Loop => closer == Some(Keyword::Loop),
            Kind::Repeat => closer == Some(Keyword::Repeat),
            Kind::Declare | Kind::CaseExpression => false,
        }
    }

    /// The words that close it.
    pub(super) fn closer(&self) -> String {
        match self.kind {
            Kind::Block | Kind::Declare | Kind::CaseExpression => "END".to_owned(),
            Kind::For | Kind::While if self.with_loop => "END LOOP".to_owned(),
            kind => format!("END {}", kind.word()),
        }
    }
}

/// What the words read so far say about a body to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Plain,
    /// After CREATE: modifiers, then the kind.
    Create,
    /// After ALTER: the kind.
    Alter,
    /// After the name in DECLARE.
    Declaration,
    /// Procedure, function or task: AS leads to the body.
    Body,
    /// CREATE ALERT: THEN leads to the body. Its IF has no END IF.
    Alert,
    /// ALTER TASK: MODIFY AS does.
    AlterTask,
    /// ALTER ALERT: MODIFY ACTION does.
    AlterAlert,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// In the middle of a statement.
    No,
    /// A statement begins with the next token.
    Statement,
    /// The body of a CREATE begins with it: BEGIN is a block there, whatever follows. Read as a transaction, the
    /// statements of the body would run at once.
    Body,
}
