//! Filters that know SQL: values become names and literals that cannot break out of their place.

use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value, value::ValueKind};

use super::{problem::Problem, python, slots};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::ident::Ident,
};

/// Characters of an identifier at most
/// (<https://docs.snowflake.com/en/sql-reference/identifiers-syntax>).
const LONGEST_NAME: usize = 255;

/// Adds `ident` and `literal`.
pub(super) fn add(env: &mut Environment<'_>) {
    env.add_filter("ident", ident);
    env.add_filter("literal", literal);
}

/// A name in double quotes, read as SQL reads it: folded to upper case unless it is written `"x"`. The items of a
/// list are joined with dots: `[database, schema, 'orders']|ident`.
fn ident(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => one_ident(value.as_str().unwrap_or_default()),
        ValueKind::Seq => {
            let parts: Vec<String> = value.try_iter()?.map(|part| ident(&part)).collect::<Result<_, _>>()?;
            if parts.is_empty() {
                return Err(refused("an empty list is no name"));
            }
            Ok(parts.join("."))
        }
        kind => Err(unfit(kind, "a name is a text or a list of texts")),
    }
}

fn one_ident(text: &str) -> Result<String, Error> {
    if text.contains([slots::OPEN, slots::CLOSE]) {
        let finding = Diagnostic::error(Code::MisplacedSecret, "a secret cannot be a name");
        return Err(Problem::from(finding).into());
    }
    let name = Ident::written(text);
    if name.as_str().is_empty() || name.as_str().contains('\0') {
        return Err(refused("an empty text, or one with a NUL character, is no name"));
    }
    if name.as_str().chars().count() > LONGEST_NAME {
        return Err(refused("a name has 255 characters at most"));
    }
    Ok(name.quoted())
}

/// A SQL literal: text in single quotes with quotes doubled and backslashes doubled (Snowflake reads both in `'...'`),
/// numbers as they are, TRUE, FALSE, NULL, and a list in parentheses, ready for IN. A minus has a blank before it, or
/// `1-{{ x|literal }}` would begin a comment.
fn literal(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => Ok(format!("'{}'", slots::escape_quoted(value.as_str().unwrap_or_default()))),
        ValueKind::Number => {
            let text = python::number(value);
            let finite = text.chars().all(|c| c.is_ascii_digit() || "+-.e".contains(c));
            if finite {
                Ok(if text.starts_with('-') { format!(" {text}") } else { text })
            } else {
                Err(refused("only finite numbers can be written in SQL"))
            }
        }
        ValueKind::Bool => Ok(if value.is_true() { "TRUE" } else { "FALSE" }.to_owned()),
        ValueKind::None => Ok("NULL".to_owned()),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut text = String::new();
            for item in value.try_iter()? {
                if item.kind() == ValueKind::Seq {
                    return Err(refused("a list inside a list is no literal"));
                }
                let separator = if text.is_empty() { "(" } else { ", " };
                let _ = write!(text, "{separator}{}", literal(&item)?);
            }
            if text.is_empty() {
                return Err(refused("an empty list is no literal"));
            }
            text.push(')');
            Ok(text)
        }
        kind => Err(unfit(kind, "a literal is a text, a number, true, false, none or a list of these")),
    }
}

fn unfit(kind: ValueKind, wanted: &'static str) -> Error {
    match kind {
        ValueKind::Undefined => Error::from(ErrorKind::UndefinedError),
        _ => refused(wanted),
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

#[cfg(test)]
mod tests {
    use minijinja::{UndefinedBehavior, context};
    use proptest::prelude::*;

    use super::*;
    use crate::sql::lex::{TokenKind, tokens};

    fn render(template: &str) -> Result<String, String> {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        add(&mut env);
        env.render_str(template, context!(pw => slots::slot("PW")))
            .map_err(|e| e.detail().map_or_else(|| e.kind().to_string(), str::to_owned))
    }

    #[test]
    fn names() {
        for (template, expected) in [
            ("{{ 'orders'|ident }}", "\"ORDERS\""),
            ("{{ '\"Orders\"'|ident }}", "\"Orders\""),
            ("{{ 'x; drop table y'|ident }}", "\"X; DROP TABLE Y\""),
            ("{{ 'a\"b'|ident }}", "\"A\"\"B\""),
            ("{{ ['db', 's', '\"t\"']|ident }}", "\"DB\".\"S\".\"t\""),
            ("{{ '\"a\" ; drop table t; --\"'|ident }}", "\"a\"\" ; drop table t; --\""),
            ("{{ '\"'|ident }} {{ 'a.b'|ident }}", "\"\"\"\" \"A.B\""),
        ] {
            assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
        }
        for template in
            ["{{ ''|ident }}", "{{ []|ident }}", "{{ 7|ident }}", "{{ pw|ident }}", "{{ no|ident }}"]
        {
            assert!(render(template).is_err(), "{template}");
        }
    }

    #[test]
    fn literals() {
        for (template, expected) in [
            ("{{ \"it's\"|literal }}", "'it''s'"),
            ("{{ 'a\\\\b'|literal }}", "'a\\\\b'"),
            ("{{ 7|literal }} {{ -1.5|literal }}", "7  -1.5"),
            ("{{ 1e300|literal }} {{ 2 ** 70 }} {{ 0.1|literal }}", "1e+300 1180591620717411303424 0.1"),
            ("1-{{ -1|literal }}", "1- -1"),
            ("{{ '2026-11-24'|literal }} {{ '24:00'|literal }}", "'2026-11-24' '24:00'"),
            ("{{ (1, 'a')|literal }} {{ range(2)|literal }}", "(1, 'a') (0, 1)"),
            ("{{ \"'; drop table t; --\"|literal }}", "'''; drop table t; --'"),
            ("{{ \"\\\\'; drop table t; --\"|literal }}", "'\\\\''; drop table t; --'"),
            ("{{ true|literal }} {{ false|literal }} {{ none|literal }}", "TRUE FALSE NULL"),
            ("{{ ['a', 1, none]|literal }}", "('a', 1, NULL)"),
            ("{{ pw|literal }}", "'\u{27E6}secret:PW\u{27E7}'"),
        ] {
            assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
        }
        for template in ["{{ []|literal }}", "{{ {}|literal }}", "{{ [[1]]|literal }}", "{{ no|literal }}"] {
            assert!(render(template).is_err(), "{template}");
        }
    }

    fn filtered(filter: &str, value: impl serde::Serialize) -> Result<String, Error> {
        let mut env = Environment::new();
        add(&mut env);
        env.render_str(
            &format!("{{{{ x|{filter} }}}}"),
            context!(x => Value::from(minijinja::value::Serde(value))),
        )
    }

    fn tokens_of(text: &str) -> Vec<(TokenKind, &str)> {
        tokens(text).map(|token| (token.kind, token.of(text))).collect()
    }

    proptest! {
        /// Whatever a value holds, it is one string, and the server reads it back as it was.
        #[test]
        fn any_text_is_one_literal(text in r#"(?s).{0,30}|['"\\$;/*\-\n a]{0,20}"#) {
            let sql = filtered("literal", &text).unwrap();
            let found = tokens_of(&sql);
            prop_assert_eq!(found.len(), 1, "{}", sql);
            prop_assert_eq!(found[0].0, TokenKind::String);
            let mut read = String::new();
            let mut inside = sql[1..sql.len() - 1].chars();
            while let Some(c) = inside.next() {
                // A doubled quote and a doubled backslash stand for one.
                read.push(if matches!(c, '\'' | '\\') { inside.next().unwrap() } else { c });
            }
            prop_assert_eq!(read, text);
        }

        /// A name is one name, or an error.
        #[test]
        fn any_text_is_one_name_or_none(text in r#"(?s).{0,30}|['"\\$;/*\-\n a.]{0,20}|.{250,260}"#) {
            if let Ok(sql) = filtered("ident", &text) {
                let found = tokens_of(&sql);
                prop_assert_eq!(found.len(), 1, "{}", sql);
                prop_assert_eq!(found[0].0, TokenKind::QuotedName);
                prop_assert_eq!(Ident::written(&sql), Ident::written(&text));
            } else {
                let name = Ident::written(&text);
                let name = name.as_str();
                let refused = name.contains(['\0', slots::OPEN, slots::CLOSE]);
                prop_assert!(refused || name.is_empty() || name.chars().count() > 255, "{}", text);
            }
        }

        #[test]
        fn any_number_is_one_number(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let sql = filtered("literal", number).unwrap();
            let digits = sql.trim_start_matches([' ', '-']);
            prop_assert_eq!(tokens_of(digits).len(), 1, "{}", sql);
            prop_assert_eq!(sql.trim().parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
