//! From a statement in Snowflake's dialect to one that SQLite reads: names of tables whose rows are known become
//! one quoted name, and what differs in spelling is written SQLite's way. The lexer is snowops' own.

use snowops::{
    model::{ident::Ident, target::Context4},
    sql::lex::{Token, TokenKind, tokens},
};

use crate::table::TableName;

/// A relation whose rows are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A table whose rows are kept.
    Kept(TableName),
    /// A view of `INFORMATION_SCHEMA`, upper case.
    View { database: String, view: String },
    /// A table function of `INFORMATION_SCHEMA` that lists statements, upper case.
    History { database: String, function: String },
}

impl Source {
    /// Its one name in SQLite.
    pub(crate) fn flat(&self) -> String {
        match self {
            Self::Kept(name) => name.flat(),
            Self::View { database, view: name } | Self::History { database, function: name } => {
                format!("{database}.INFORMATION_SCHEMA.{name}")
            }
        }
    }
}

/// A statement for SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) text: String,
    /// The relations that it names, in order of appearance.
    pub(crate) sources: Vec<Source>,
    /// Where the query of a CREATE .. AS begins in `text`.
    pub(crate) query_at: Option<usize>,
}

struct Rewriter<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    context: &'a Context4,
    kept: &'a dyn Fn(&TableName) -> bool,
    out: Rewritten,
}

/// Rewrites a statement. `kept` tells which tables have rows.
pub(crate) fn rewrite(text: &str, context: &Context4, kept: &dyn Fn(&TableName) -> bool) -> Rewritten {
    let out = Rewritten { text: String::with_capacity(text.len()), sources: Vec::new(), query_at: None };
    // Comments may hold what SQLite takes for something else: `//`.
    let tokens = tokens(text)
        .filter(|token| !matches!(token.kind, TokenKind::LineComment | TokenKind::BlockComment))
        .collect();
    let mut rewriter = Rewriter { text, tokens, context, kept, out };
    let mut at = 0;
    while at < rewriter.tokens.len() {
        at = rewriter.step(at);
    }
    rewriter.out
}

impl Rewriter<'_> {
    fn of(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.of(self.text))
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.of(at).eq_ignore_ascii_case(word)
    }

    fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName))
    }

    /// The next token that is no blank.
    fn solid(&self, mut at: usize) -> usize {
        while self.tokens.get(at).is_some_and(|token| token.kind.is_trivia()) {
            at += 1;
        }
        at
    }

    /// Writes what stands at `at` and answers where to go on.
    fn step(&mut self, at: usize) -> usize {
        if self.is(at, "TABLE")
            && let Some(end) = self.table_function(at)
        {
            return end;
        }
        if self.is_name(at) {
            return self.chain(at);
        }
        match self.tokens[at].kind {
            TokenKind::DollarString => {
                let inner = self.of(at).trim_start_matches("$$").trim_end_matches("$$").replace('\'', "''");
                self.out.text.extend(["'", &inner, "'"]);
            }
            TokenKind::Whitespace => self.out.text.push(' '),
            TokenKind::String => self.out.text += &literal(self.of(at)),
            _ => {
                let text = self.of(at).to_owned();
                self.out.text += &text;
            }
        }
        at + 1
    }

    /// The parts of the name that begins at `at`, and the token after it.
    fn parts(&self, at: usize) -> (Vec<Ident>, usize) {
        let mut parts = vec![Ident::written(self.of(at))];
        let mut end = at + 1;
        while self.of(end) == "." && self.is_name(end + 1) {
            parts.push(Ident::written(self.of(end + 1)));
            end += 2;
        }
        (parts, end)
    }

    fn chain(&mut self, at: usize) -> usize {
        let (parts, end) = self.parts(at);
        let call = self.of(self.solid(end)) == "(";
        if let Some(source) = self.source(&parts) {
            self.out.text += &Ident::stored(source.flat()).quoted();
            if !self.out.sources.contains(&source) {
                self.out.sources.push(source);
            }
        } else if call && parts.len() == 1 && parts[0].as_str().starts_with("CURRENT_") {
            // Some are keywords to SQLite unless quoted.
            self.out.text.extend(["\"", &parts[0].as_str().to_ascii_lowercase(), "\""]);
        } else {
            if self.is(at, "AS")
                && matches!(self.of(self.solid(end)).to_ascii_uppercase().as_str(), "SELECT" | "WITH")
            {
                self.out.query_at.get_or_insert(self.out.text.len() + "AS ".len());
            }
            let written: String = (at..end).map(|at| self.of(at)).collect();
            self.out.text += &written;
        }
        end
    }

    fn source(&self, parts: &[Ident]) -> Option<Source> {
        let current = |name: &Option<Ident>| name.as_ref().map(|name| name.as_str().to_owned());
        let (database, schema, name) = match parts {
            [name] => (current(&self.context.database)?, current(&self.context.schema)?, name),
            [schema, name] => (current(&self.context.database)?, schema.as_str().to_owned(), name),
            [database, schema, name] => (database.as_str().to_owned(), schema.as_str().to_owned(), name),
            _ => return None,
        };
        if schema == "INFORMATION_SCHEMA" {
            return Some(Source::View { database, view: name.as_str().to_owned() });
        }
        let full = TableName { database, schema, table: name.as_str().to_owned() };
        (self.kept)(&full).then_some(Source::Kept(full))
    }

    /// `TABLE(INFORMATION_SCHEMA.F(..))`: answers where it ends.
    fn table_function(&mut self, at: usize) -> Option<usize> {
        let open = self.solid(at + 1);
        let name = self.solid(open + 1);
        if self.of(open) != "(" || !self.is_name(name) {
            return None;
        }
        let (parts, end) = self.parts(name);
        let Some(Source::View { database, view: function }) = self.source(&parts) else { return None };
        let mut depth = 0_usize;
        let mut at = self.solid(end);
        loop {
            match self.of(at) {
                "(" => depth += 1,
                ")" => depth = depth.checked_sub(1)?,
                "" => return None,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
        let close = self.solid(at);
        if self.of(close) != ")" {
            return None;
        }
        let source = Source::History { database, function };
        self.out.text += &Ident::stored(source.flat()).quoted();
        if !self.out.sources.contains(&source) {
            self.out.sources.push(source);
        }
        Some(close + 1)
    }
}

/// A string of Snowflake, where a backslash takes the meaning of the next character away, as SQLite writes it.
fn literal(written: &str) -> String {
    let inner = &written[1..written.len().saturating_sub(1).max(1)];
    let mut out = String::from("'");
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some('\'') => out.push_str("''"),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Context4 {
        let name = |name| Some(Ident::stored(name));
        Context4 { role: None, warehouse: None, database: name("D"), schema: name("S") }
    }

    #[test]
    fn names_of_kept_tables_become_one_name() {
        let kept = |name: &TableName| ["D.S.t", "D.S.T", "D.S2.T"].contains(&name.flat().as_str());
        for (text, wanted) in [
            ("SELECT j.\"a\" FROM \"D\".\"S\".\"t\" j", "SELECT j.\"a\" FROM \"D.S.t\" j"),
            ("select * from t -- t", "select * from \"D.S.T\" "),
            ("select * from s2.t", "select * from \"D.S2.T\""),
            ("select x.t from other x", "select x.t from other x"),
            ("SELECT $$it's t$$, 't \\' \\\\'", "SELECT 'it''s t', 't '' \\'"),
            ("select current_timestamp(), sysdate()", "select \"current_timestamp\"(), sysdate()"),
            (
                "SELECT 1 FROM TABLE(\"X\".INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10)) WHERE 1",
                "SELECT 1 FROM \"X.INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER\" WHERE 1",
            ),
            ("select 1 from information_schema.tables", "select 1 from \"D.INFORMATION_SCHEMA.TABLES\""),
        ] {
            assert_eq!(rewrite(text, &here(), &kept).text, wanted);
        }
        let create = rewrite("CREATE TABLE t AS SELECT 1 AS a", &here(), &kept);
        assert_eq!(&create.text[create.query_at.unwrap()..], "SELECT 1 AS a");
    }
}
