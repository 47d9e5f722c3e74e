//! Keeps what a statement wrote as a secret out of snapshots, and out of what is compared with them.

use std::borrow::Cow;

use crate::{
    render::slots,
    sql::lex::{Token, TokenKind, tokens},
};

/// Stands for a value that is set and is nobody's to read. No script can hold it: it looks like a broken slot.
pub(super) const HIDDEN: &str = "'\u{27E6}hidden\u{27E7}'";

/// A clause whose name holds one of these has a secret value.
const PARTS: &[&str] = &["PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIALS"];

/// These hold one of [`PARTS`] and name something else: the secrets that a routine may read.
const NEUTRAL: &[&str] = &["SECRETS"];

/// Names that mean a secret in any statement, so also in queries and bodies, where `KEY = 'x'` compares a column.
const ANYWHERE: &[&str] = &[
    "CREDENTIALS",
    "MASTER_KEY",
    "AWS_KEY_ID",
    "AWS_SECRET_KEY",
    "AWS_TOKEN",
    "AZURE_SAS_TOKEN",
    "SECRET_STRING",
    "PASSWORD",
    "OAUTH_REFRESH_TOKEN",
    "OAUTH_CLIENT_SECRET",
];

/// Whether the value of a clause or property is a secret.
fn is_secret(name: &str) -> bool {
    !NEUTRAL.contains(&name) && PARTS.iter().any(|part| name.contains(part))
}

/// The value of a clause or property, as far as it may be read. A clause without a value stays so.
pub(super) fn value(name: &str, value: &str) -> String {
    if is_secret(name) && !value.is_empty() {
        return HIDDEN.to_owned();
    }
    without(value, is_secret).into_owned()
}

/// A query, a body or another text of statements, as far as it may be read.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    without(text, |name| ANYWHERE.contains(&name))
}

/// Whether a text holds something that is not known here: a secret that was taken out, one that still stands in it, or a
/// slot for one. It can neither be compared nor be run.
pub fn holds_secret(written: &str) -> bool {
    written.contains(HIDDEN)
        || slots::names(written).next().is_some()
        || matches!(text(written), Cow::Owned(_))
}

/// A text with `NAME = value` as `NAME = ` [`HIDDEN`] where the name is a secret's. Values are literals and groups.
fn without(text: &str, secret: impl Fn(&str) -> bool) -> Cow<'_, str> {
    let solid: Vec<Token> = tokens(text).filter(|token| !token.kind.is_trivia()).collect();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let [name, sign, value, ..] = &solid[at..] {
        let named = matches!(name.kind, TokenKind::Word)
            && sign.of(text) == "="
            && secret(&name.of(text).to_ascii_uppercase());
        let group = || {
            let mut depth = 0_usize;
            let end = solid[at + 2..].iter().position(|token| {
                match token.kind {
                    TokenKind::LeftParen => depth += 1,
                    TokenKind::RightParen => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            });
            end.map_or(solid.len(), |end| at + 3 + end)
        };
        let end = match value.kind {
            _ if !named => None,
            TokenKind::String | TokenKind::DollarString | TokenKind::QuotedName | TokenKind::Unterminated => {
                Some(at + 3)
            }
            // `PASSWORD = (SELECT ..)` compares; credentials are assignments.
            TokenKind::LeftParen if solid.get(at + 4).is_some_and(|token| token.of(text) == "=") => {
                Some(group())
            }
            _ => None,
        };
        let Some(end) = end else {
            at += 1;
            continue;
        };
        if value.of(text) != HIDDEN {
            out += &text[copied..value.start];
            out += HIDDEN;
            copied = solid[end - 1].end;
        }
        at = end;
        if at >= solid.len() {
            break;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out += &text[copied..];
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_nothing_else() {
        for (written, clause, anywhere) in [
            ("(AWS_KEY_ID='a' AWS_SECRET_KEY = 'b')", "(AWS_KEY_ID='***' AWS_SECRET_KEY = '***')", true),
            ("(TYPE='AWS_CSE', MASTER_KEY=$$k$$)", "(TYPE='AWS_CSE', MASTER_KEY='***')", true),
            ("x credentials = (aws_key_id='(' b='c') y", "x credentials = '***' y", true),
            ("password = 'it''s' z", "password = '***' z", true),
            ("(TYPE='AWS_SSE_KMS' KMS_KEY_ID='k')", "(TYPE='AWS_SSE_KMS' KMS_KEY_ID='***')", false),
            ("where product_key = 'a' or token = b", "where product_key = '***' or token = b", false),
            ("secrets = ('c' = s)", "secrets = ('c' = s)", false),
            ("password = (select 1)", "password = (select 1)", false),
            ("password = '***'", "password = '***'", false),
            ("password =", "password =", false),
            ("PRIMARY KEY (a)", "PRIMARY KEY (a)", false),
            ("a = 'secret'", "a = 'secret'", false),
        ] {
            let (written, clause) = (&written.replace("'***'", HIDDEN), &clause.replace("'***'", HIDDEN));
            assert_eq!(without(written, is_secret), *clause, "{written}");
            assert_eq!(without(clause, is_secret), *clause, "again: {written}");
            assert_eq!(text(written), *if anywhere { clause } else { written }, "{written}");
        }
        assert_eq!(value("SECRET_STRING", "'x'"), HIDDEN);
        assert_eq!(value("SECRETS", "('c'=S)"), "('c'=S)");
        for (written, held) in [
            ("'\u{27E6}secret:PW\u{27E7}'", true),
            ("URL = 's3://b/'", false),
            ("'\u{27E6}1\u{27E7}'", false),
            (&format!("x = {HIDDEN}"), true),
        ] {
            assert_eq!(holds_secret(written), held, "{written}");
        }
    }
}
