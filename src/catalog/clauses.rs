//! What follows the name of an object in its CREATE, as clauses that compare: in one order, with one spelling.
//!
//! The catalogue keeps that text as it was written; a server lists its parts. Both become the same clauses here.

use std::collections::BTreeMap;

use super::store::Object;
use crate::{
    model::kind::ObjectKind,
    sql::{
        command::{data_type, text_of},
        lex::{self, Token, TokenKind, tokens},
    },
};

/// The clauses of an object's definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clauses {
    /// Arguments of a routine, with their parentheses.
    pub arguments: Option<String>,
    /// Clauses and options by upper-case name: `SCHEDULE`, `AFTER`, `LANGUAGE`; a word alone has an empty value.
    pub named: BTreeMap<String, String>,
    /// What follows AS, without the quotes of a literal.
    pub body: Option<String>,
}

/// Clauses that are written without `=`, in the order in which a CREATE takes them.
const FIRST: &[&str] = &["RETURNS", "LANGUAGE", "EXECUTE AS", "START", "INCREMENT", "ON", "OPTIONS"];
const LAST: &[&str] = &["AFTER", "WHEN"];

/// Words that end a clause of several words.
const STARTS: &[&str] = &[
    "AS",
    "LANGUAGE",
    "EXECUTE",
    "COMMENT",
    "STRICT",
    "IMMUTABLE",
    "VOLATILE",
    "MEMOIZABLE",
    "RUNTIME_VERSION",
    "PACKAGES",
    "HANDLER",
    "IMPORTS",
    "CALLED",
    "WHEN",
    "AFTER",
];

/// Whether the definition of a kind is kept as clauses. A view's is its query; those of other kinds stay as written.
pub(super) fn is_clauses(kind: ObjectKind) -> bool {
    kind.is_routine()
        || matches!(
            kind,
            ObjectKind::Task
                | ObjectKind::Pipe
                | ObjectKind::Stream
                | ObjectKind::Sequence
                | ObjectKind::Stage
                | ObjectKind::FileFormat
        )
}

impl Clauses {
    /// Reads a definition.
    pub fn read(kind: ObjectKind, text: &str) -> Self {
        let trivia = |token: &Token| token.kind.is_trivia();
        Reader { kind, text, tokens: tokens(text).filter(|token| !trivia(token)).collect(), at: 0 }.read()
    }

    /// The clauses of an object of a kind that has them.
    pub fn of(object: &Object) -> Option<Self> {
        if !is_clauses(object.kind) {
            return None;
        }
        let mut found = Self::read(object.kind, object.definition.as_deref()?);
        // ALTER .. SET leaves the text as it was created.
        let set = object.properties.iter().map(|(name, value)| (name.clone(), plain(value)));
        found.named.extend(set);
        Some(found)
    }

    /// The definition in one spelling, as a CREATE takes it.
    pub fn text(&self, kind: ObjectKind) -> String {
        let mut parts: Vec<String> = self.arguments.iter().cloned().collect();
        let written = |name: &&str| {
            let value = self.named.get(*name)?;
            Some(format!("{name} {value}"))
        };
        parts.extend(FIRST.iter().filter_map(written));
        let apart = |name: &str| FIRST.contains(&name) || LAST.contains(&name);
        parts.extend(
            self.named.iter().filter(|(name, _)| !apart(name)).map(|(name, value)| {
                if value.is_empty() { name.clone() } else { format!("{name} = {value}") }
            }),
        );
        parts.extend(LAST.iter().filter_map(written));
        if let Some(body) = &self.body {
            let quoted = if !kind.is_routine() {
                body.clone()
            } else if body.contains("$$") {
                lex::literal(body)
            } else {
                format!("$${body}$$")
            };
            parts.push(format!("AS {quoted}"));
        }
        parts.join(" ")
    }
}

/// SQL in one spelling: words outside of quotes in upper case, no comment, no blank but between words.
pub fn plain(text: &str) -> String {
    let solid = |token: &Token| !token.kind.is_trivia();
    let mut out = String::new();
    let mut word_before = false;
    for token in tokens(text).filter(solid) {
        let word = matches!(
            token.kind,
            TokenKind::Word
                | TokenKind::QuotedName
                | TokenKind::Number
                | TokenKind::String
                | TokenKind::DollarString
        );
        if word && word_before {
            out.push(' ');
        }
        match token.kind {
            TokenKind::Word => out += &token.of(text).to_ascii_uppercase(),
            _ => out += token.of(text),
        }
        word_before = word || token.kind == TokenKind::RightParen;
    }
    out
}

/// A default in one spelling: the server casts what it keeps to the column's type, and puts parentheses around it.
pub(super) fn default(text: &str) -> String {
    let text = plain(text);
    if let Some(inner) = text.strip_prefix("CAST(").and_then(|inner| inner.strip_suffix(')'))
        && let Some((value, cast)) = inner.rsplit_once(" AS ")
        && data_type(cast).is_some()
        && balanced(value)
    {
        return default(value);
    }
    if let Some((value, cast)) = text.rsplit_once("::")
        && data_type(cast).is_some()
        && is_operand(value)
    {
        return default(value);
    }
    if let Some(inner) = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'))
        && !inner.is_empty()
        && !inner.starts_with("SELECT ")
        && balanced(inner)
    {
        return default(inner);
    }
    // Functions of the session stand without parentheses too.
    let bare =
        ["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_USER", "LOCALTIMESTAMP", "LOCALTIME"];
    if bare.contains(&text.as_str()) { format!("{text}()") } else { text }
}

/// Whether parentheses and quotes of a text are closed.
fn balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    for token in tokens(text) {
        match token.kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth -= 1,
            TokenKind::Unterminated => return false,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Whether a cast behind a text is a cast of all of it: a literal, a name, a call, a group, with their own casts.
fn is_operand(text: &str) -> bool {
    if !balanced(text) {
        return false;
    }
    let mut depth = 0_i32;
    let mut before = None;
    for (at, token) in tokens(text).filter(|token| !token.kind.is_trivia()).enumerate() {
        let joins = matches!(token.of(text), "." | "::") || (at == 0 && token.of(text) == "-");
        if depth == 0 && token.kind == TokenKind::Punct && !joins {
            return false;
        }
        let begins = !matches!(token.kind, TokenKind::Punct | TokenKind::LeftParen | TokenKind::RightParen);
        let after = !matches!(before, None | Some(TokenKind::Punct));
        if depth == 0 && begins && after {
            return false;
        }
        depth +=
            i32::from(token.kind == TokenKind::LeftParen) - i32::from(token.kind == TokenKind::RightParen);
        before = Some(token.kind);
    }
    before.is_some()
}

struct Reader<'t> {
    kind: ObjectKind,
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn read(mut self) -> Clauses {
        let mut found = Clauses::default();
        if self.kind.is_routine() && self.kind_at(0) == Some(TokenKind::LeftParen) {
            let end = self.group();
            found.arguments = Some(plain(self.between(0, end)));
            self.at = end;
        }
        while self.at < self.tokens.len() {
            self.clause(&mut found);
        }
        found
    }

    fn clause(&mut self, found: &mut Clauses) {
        if self.kind_at(0) != Some(TokenKind::Word) {
            self.at += 1;
            return;
        }
        let word = self.word(0);
        if self.of(1) == "=" {
            let start = self.at + 2;
            self.at = start;
            let end = self.value();
            if word != "COMMENT" {
                found.named.insert(word, plain(self.between(start, end)));
            }
            self.at = end;
            return;
        }
        match word.as_str() {
            "AS" => {
                found.body = Some(self.body());
                self.at = self.tokens.len();
            }
            "EXECUTE" if self.word(1) == "AS" => {
                let start = self.at + 2;
                self.at = start;
                let end = self.until();
                found.named.insert("EXECUTE AS".to_owned(), plain(self.between(start, end)));
                self.at = end;
            }
            "COMMENT" => self.at += 2,
            "COPY" if self.word(1) == "GRANTS" => self.at += 2,
            "WITH" => self.at += 1,
            "START" | "INCREMENT" => {
                self.at += 1;
                while matches!(self.word(0).as_str(), "WITH" | "BY") || self.of(0) == "=" {
                    self.at += 1;
                }
                let start = self.at;
                self.at += if self.of(0) == "-" { 2 } else { 1 };
                found.named.insert(word, plain(self.between(start, self.at)));
            }
            "RETURNS" | "LANGUAGE" | "ON" | "AFTER" | "WHEN" => {
                let start = self.at + 1;
                self.at = start;
                let end = self.until();
                let value = self.between(start, end).trim();
                // A condition is code: it stays as written.
                let value = if word == "WHEN" { value.to_owned() } else { plain(value) };
                found.named.insert(word, value);
                self.at = end;
            }
            _ => {
                found.named.insert(word, String::new());
                self.at += 1;
            }
        }
    }

    fn kind_at(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    fn of(&self, ahead: usize) -> &'t str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.of(self.text))
    }

    fn word(&self, ahead: usize) -> String {
        self.of(ahead).to_ascii_uppercase()
    }

    fn between(&self, start: usize, end: usize) -> &'t str {
        let from = self.tokens.get(start).map_or(self.text.len(), |token| token.start);
        let to = end.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(from, |token| token.end);
        self.text.get(from..to).unwrap_or_default()
    }

    /// The end of the group that begins here, or of the one token.
    fn group(&self) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.kind {
                TokenKind::LeftParen => depth += 1,
                TokenKind::RightParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// The end of a value: a group, a name with its parts, a number with its sign, a literal.
    fn value(&self) -> usize {
        let mut end = if self.of(0) == "-" { self.at + 2 } else { self.group() };
        while self.tokens.get(end).is_some_and(|token| token.of(self.text) == ".") {
            end += 2;
        }
        end.min(self.tokens.len())
    }

    /// The end of a clause of several words.
    fn until(&self) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            let next = self.tokens.get(at + 1).map_or("", |token| token.of(self.text));
            let word = token.of(self.text).to_ascii_uppercase();
            match token.kind {
                TokenKind::LeftParen => depth += 1,
                TokenKind::RightParen => depth = depth.saturating_sub(1),
                TokenKind::Word
                    if depth == 0
                        && at > self.at
                        && (STARTS.contains(&word.as_str()) || (next == "=" && !self.is_when())) =>
                {
                    return at;
                }
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// Whether the clause is a condition, in which `=` compares.
    fn is_when(&self) -> bool {
        self.at
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at))
            .is_some_and(|token| token.of(self.text).eq_ignore_ascii_case("WHEN"))
    }

    /// What stands behind AS: the inside of a literal that stands alone, else all.
    fn body(&self) -> String {
        let rest = self.between(self.at + 1, self.tokens.len());
        let alone = self.at + 2 == self.tokens.len();
        let inner = match self.kind_at(1) {
            Some(TokenKind::DollarString) if alone => {
                rest.trim_start_matches("$$").trim_end_matches("$$").to_owned()
            }
            Some(TokenKind::String) if alone => text_of(rest).unwrap_or_default(),
            _ => rest.to_owned(),
        };
        inner.trim().trim_end_matches(';').trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_have_one_spelling() {
        for (kind, written, expected) in [
            (
                ObjectKind::Task,
                "schedule = '60 MINUTE' warehouse=load_xs comment = 'x' when system$stream_has_data('S') = true\nas\nselect 1;",
                "SCHEDULE = '60 MINUTE' WAREHOUSE = LOAD_XS WHEN system$stream_has_data('S') = true AS select 1",
            ),
            (ObjectKind::Task, "after a.b, c as call p()", "AFTER A.B,C AS call p()"),
            (
                ObjectKind::Procedure,
                "(first date, n number default 1)\nreturns number not null language sql execute as caller as 'return ''x'';'",
                "(FIRST DATE,N NUMBER DEFAULT 1) RETURNS NUMBER NOT NULL LANGUAGE SQL EXECUTE AS CALLER AS $$return 'x'$$",
            ),
            (
                ObjectKind::Procedure,
                "() returns varchar language sql as begin let x := 1; return x; end;",
                "() RETURNS VARCHAR LANGUAGE SQL AS $$begin let x := 1; return x; end$$",
            ),
            (
                ObjectKind::Function,
                "(a int) returns table (x int, y varchar) language python runtime_version = '3.11' handler='f' as $$ x $$",
                "(A INT) RETURNS TABLE(X INT,Y VARCHAR) LANGUAGE PYTHON HANDLER = 'f' RUNTIME_VERSION = '3.11' AS $$x$$",
            ),
            (
                ObjectKind::Stream,
                "on table staged.lines append_only = true",
                "ON TABLE STAGED.LINES APPEND_ONLY = TRUE",
            ),
            (ObjectKind::Sequence, "start with 5 increment by = -2 order", "START 5 INCREMENT -2 ORDER"),
            (ObjectKind::FileFormat, "type = json\n compression = auto", "COMPRESSION = AUTO TYPE = JSON"),
            (
                ObjectKind::Stage,
                "url='s3://b/' file_format=(type=csv)",
                "FILE_FORMAT = (TYPE=CSV) URL = 's3://b/'",
            ),
            (
                ObjectKind::Pipe,
                "auto_ingest = true as copy into t from @s",
                "AUTO_INGEST = TRUE AS copy into t from @s",
            ),
        ] {
            let text = Clauses::read(kind, written).text(kind);
            assert_eq!(text, expected, "{written}");
            assert_eq!(Clauses::read(kind, &text).text(kind), text, "again: {written}");
        }
    }

    #[test]
    fn defaults_have_one_spelling() {
        for (written, expected) in [
            ("current_timestamp()", "CURRENT_TIMESTAMP()"),
            ("CAST(CURRENT_TIMESTAMP() AS TIMESTAMP_NTZ(9))", "CURRENT_TIMESTAMP()"),
            ("'new'::varchar(10)", "'new'"),
            ("'a::b'", "'a::b'"),
            ("cast('x AS y' as varchar)", "'x AS y'"),
            ("a.\"b\".nextval", "A.\"b\".NEXTVAL"),
            ("- 1", "-1"),
            ("'a'::int + 1", "'a'::INT+1"),
            ("1 + '2'::int", "1+'2'::INT"),
            ("a::int || b::varchar", "A::INT||B::VARCHAR"),
            ("not a::boolean", "NOT A::BOOLEAN"),
            ("-1::number(10, 2)::float", "-1"),
            ("f('a', 1 + 2)::timestamp_ntz(9)", "F('a',1+2)"),
            ("cast('a' as int) + cast('b' as int)", "CAST('a' AS INT)+CAST('b' AS INT)"),
            ("((0))", "0"),
            ("(0)::number(38, 0)", "0"),
            ("(1) + (2)", "(1)+(2)"),
            ("f() || g()", "F()||G()"),
            ("()", "()"),
        ] {
            assert_eq!(default(written), expected, "{written}");
        }
    }
}
