//! The words that decide where a statement ends.

/// A word that the splitter knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Action,
    Alert,
    Alter,
    As,
    Begin,
    Case,
    Commit,
    Create,
    Declare,
    Do,
    Else,
    ElseIf,
    End,
    Exception,
    Execute,
    Explain,
    For,
    Function,
    Grant,
    If,
    Let,
    Loop,
    Modify,
    Name,
    Not,
    Or,
    Procedure,
    Repeat,
    Replace,
    Revoke,
    Rollback,
    Scoped,
    Task,
    Temporary,
    Then,
    Transaction,
    Until,
    When,
    While,
    Work,
    /// Stands between CREATE and a kind whose body may be a block.
    Modifier,
    /// Goes on with a query or an expression: stands neither first nor last in an operand.
    WantsOperand,
}

/// The keyword that `word` is, in any case.
pub(super) fn keyword(word: &[u8]) -> Option<Keyword> {
    // Few words of a script have this length and first letter at once.
    let table: &[(&[u8], Keyword)] = match (word.len(), word.first()? | 0x20) {
        (2, b'a') => &[(b"AS", Keyword::As)],
        (2, b'b') => &[(b"BY", Keyword::WantsOperand)],
        (2, b'd') => &[(b"DO", Keyword::Do)],
        (2, b'i') => &[(b"IF", Keyword::If), (b"IN", Keyword::WantsOperand)],
        (2, b'o') => &[(b"OR", Keyword::Or), (b"ON", Keyword::WantsOperand)],
        (3, b'a') => &[(b"AND", Keyword::WantsOperand)],
        (3, b'e') => &[(b"END", Keyword::End)],
        (3, b'f') => &[(b"FOR", Keyword::For)],
        (3, b'l') => &[(b"LET", Keyword::Let)],
        (3, b'n') => &[(b"NOT", Keyword::Not)],
        (3, b's') => &[(b"SET", Keyword::WantsOperand)],
        (4, b'c') => &[(b"CASE", Keyword::Case)],
        (4, b'd') => &[(b"DATA", Keyword::Modifier)],
        (4, b'e') => &[(b"ELSE", Keyword::Else)],
        (4, b'f') => &[(b"FROM", Keyword::WantsOperand)],
        (4, b'j') => &[(b"JOIN", Keyword::WantsOperand)],
        (4, b'l') => &[(b"LOOP", Keyword::Loop), (b"LIKE", Keyword::WantsOperand)],
        (4, b'n') => &[(b"NAME", Keyword::Name)],
        (4, b't') => &[(b"THEN", Keyword::Then), (b"TASK", Keyword::Task), (b"TEMP", Keyword::Temporary)],
        (4, b'w') => &[(b"WHEN", Keyword::When), (b"WORK", Keyword::Work)],
        (5, b'a') => &[(b"ALTER", Keyword::Alter), (b"ALERT", Keyword::Alert)],
        (5, b'b') => &[(b"BEGIN", Keyword::Begin)],
        (5, b'g') => &[(b"GRANT", Keyword::Grant)],
        (5, b'u') => &[(b"UNTIL", Keyword::Until)],
        (5, b'w') => &[(b"WHILE", Keyword::While), (b"WHERE", Keyword::WantsOperand)],
        (6, b'a') => &[(b"ACTION", Keyword::Action)],
        (6, b'c') => &[(b"CREATE", Keyword::Create), (b"COMMIT", Keyword::Commit)],
        (6, b'e') => &[(b"ELSEIF", Keyword::ElseIf)],
        (6, b'h') => &[(b"HAVING", Keyword::WantsOperand)],
        (6, b'm') => &[(b"MODIFY", Keyword::Modify), (b"METRIC", Keyword::Modifier)],
        (6, b'r') => &[(b"REPEAT", Keyword::Repeat), (b"REVOKE", Keyword::Revoke)],
        (6, b's') => &[
            (b"SELECT", Keyword::WantsOperand),
            (b"SECURE", Keyword::Modifier),
            (b"SCOPED", Keyword::Scoped),
        ],
        (7, b'b') => &[(b"BETWEEN", Keyword::WantsOperand)],
        (7, b'd') => &[(b"DECLARE", Keyword::Declare)],
        (7, b'e') => &[(b"EXECUTE", Keyword::Execute), (b"EXPLAIN", Keyword::Explain)],
        (7, b'r') => &[(b"REPLACE", Keyword::Replace)],
        (8, b'e') => &[(b"EXTERNAL", Keyword::Modifier)],
        (8, b'f') => &[(b"FUNCTION", Keyword::Function)],
        (8, b'r') => &[(b"ROLLBACK", Keyword::Rollback)],
        (9, b'a') => &[(b"AGGREGATE", Keyword::Modifier)],
        (9, b'e') => &[(b"EXCEPTION", Keyword::Exception)],
        (9, b'p') => &[(b"PROCEDURE", Keyword::Procedure)],
        (9, b't') => &[(b"TEMPORARY", Keyword::Temporary)],
        (11, b't') => &[(b"TRANSACTION", Keyword::Transaction)],
        _ => return None,
    };
    table.iter().find(|(text, _)| word.eq_ignore_ascii_case(text)).map(|&(_, keyword)| keyword)
}

impl Keyword {
    /// Whether an operand must follow, so that a word after it is a name.
    pub(super) const fn wants_operand(self) -> bool {
        matches!(
            self,
            Self::WantsOperand | Self::Not | Self::Or | Self::Case | Self::When | Self::Then | Self::Else
        )
    }

    /// Whether it cannot begin an operand, so that CASE before it is a name.
    pub(super) const fn begins_no_operand(self) -> bool {
        matches!(self, Self::WantsOperand | Self::Or | Self::As | Self::Then | Self::Else | Self::End)
    }

    /// Whether it may stand after END.
    pub(super) const fn is_closer(self) -> bool {
        matches!(self, Self::If | Self::For | Self::While | Self::Loop | Self::Repeat | Self::Case)
    }
}

/// Whether an object of this kind can follow CREATE: tells a CREATE statement from a privilege or a name.
pub(super) fn follows_create(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "OR",
        "ALERT",
        "API",
        "APPLICATION",
        "DATABASE",
        "DYNAMIC",
        "EXTERNAL",
        "EVENT",
        "FILE",
        "FUNCTION",
        "HYBRID",
        "ICEBERG",
        "MASKING",
        "MATERIALIZED",
        "NETWORK",
        "NOTIFICATION",
        "PIPE",
        "PROCEDURE",
        "RESOURCE",
        "ROLE",
        "ROW",
        "SCHEMA",
        "SECRET",
        "SECURE",
        "SECURITY",
        "SEQUENCE",
        "SHARE",
        "STAGE",
        "STORAGE",
        "STREAM",
        "STREAMLIT",
        "TABLE",
        "TAG",
        "TASK",
        "TEMP",
        "TEMPORARY",
        "TRANSIENT",
        "USER",
        "VIEW",
        "WAREHOUSE",
    ];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}
