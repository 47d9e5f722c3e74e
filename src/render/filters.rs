//! Filters that know SQL: values become names and literals that cannot break out of their place.

use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value, value::ValueKind};

use super::{problem::Problem, slots};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::ident::Ident,
};

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
        return Err(refused("an empty text is no name"));
    }
    Ok(name.quoted())
}

/// A SQL literal: text in single quotes with quotes doubled and backslashes doubled (Snowflake reads both in `'...'`),
/// numbers as they are, TRUE, FALSE, NULL, and a list in parentheses, ready for IN.
fn literal(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => Ok(format!("'{}'", slots::escape_quoted(value.as_str().unwrap_or_default()))),
        ValueKind::Number => {
            let text = value.to_string();
            let finite = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
            if finite { Ok(text) } else { Err(refused("only finite numbers can be written in SQL")) }
        }
        ValueKind::Bool => Ok(if value.is_true() { "TRUE" } else { "FALSE" }.to_owned()),
        ValueKind::None => Ok("NULL".to_owned()),
        ValueKind::Seq => {
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

    use super::*;

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
            ("{{ 7|literal }} {{ -1.5|literal }}", "7 -1.5"),
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
}
