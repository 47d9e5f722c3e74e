//! What Jinja2 has from Python and minijinja has not, so that schemachange's scripts render as they did: how values
//! are printed, and methods of texts and lists.

use std::fmt::Write as _;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Tuple, ValueKind, from_args},
};

use super::problem::Problem;
use crate::diagnostic::{Code, Diagnostic};

/// Levels of lists and maps in a value that is printed; each costs stack.
const DEEPEST: usize = 100;

/// What an item that is printed costs, in bytes: it may come through a chain of lists that were added up.
pub(super) const ITEM: usize = 256;

/// The text of a value as Jinja2 prints it: Python's `str`.
pub(super) fn text(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    match value.kind() {
        ValueKind::String => out.push_str(value.as_str().unwrap_or_default()),
        _ => write(&mut out, state, value, 0)?,
    }
    Ok(out)
}

/// Python's `repr` of a value.
pub(super) fn repr(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write(&mut out, state, value, 0)?;
    Ok(out)
}

/// An error below the levels that a value which is printed may have.
pub(super) fn check_depth(depth: usize) -> Result<(), Error> {
    if depth <= DEEPEST {
        return Ok(());
    }
    let message = format!("a value with more than {DEEPEST} levels of lists is printed");
    Err(Problem::from(Diagnostic::error(Code::TemplateLimit, message)).into())
}

/// Python's `repr`, with fuel for what it puts out.
fn write(out: &mut String, state: &State<'_, '_>, value: &Value, depth: usize) -> Result<(), Error> {
    check_depth(depth)?;
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            charge(state, text.len())?;
            quoted(out, text);
        }
        ValueKind::Number => out.push_str(&number(value)),
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::Seq | ValueKind::Iterable => {
            let (open, close) = if value.is_tuple() { ('(', ")") } else { ('[', "]") };
            out.push(open);
            let mut count = 0;
            for item in value.try_iter()?.checked() {
                charge(state, ITEM)?;
                if count > 0 {
                    out.push_str(", ");
                }
                write(out, state, &item?, depth + 1)?;
                count += 1;
            }
            out.push_str(if value.is_tuple() && count == 1 { ",)" } else { close });
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter()?.checked().enumerate() {
                charge(state, ITEM)?;
                if index > 0 {
                    out.push_str(", ");
                }
                let key = key?;
                write(out, state, &key, depth + 1)?;
                out.push_str(": ");
                write(out, state, &value.get_item(&key)?, depth + 1)?;
            }
            out.push('}');
        }
        _ => out.push_str(&value.to_string()),
    }
    Ok(())
}

/// The digits of a number.
pub(super) fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(number) if !value.is_integer() => float(number),
        _ => value.to_string(),
    }
}

/// Pays for `bytes` before they are made.
pub(super) fn charge(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / 64) as u64)
}

fn quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// A float with Python's digits: an exponent below 1e-4 and from 1e16 on.
fn float(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string().to_lowercase();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent @ (-4..16)) if number != 0.0 || exponent == 0 => format!("{number:?}"),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        Err(_) => number.to_string(),
    }
}

/// Methods of Python that neither minijinja nor its `pycompat` knows.
pub(super) fn method(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if let Some(text) = value.as_str().filter(|_| name == "format") {
        charge_format(state, text, args)?;
    }
    let known = match (value.kind(), value.as_str()) {
        (_, Some(text)) => of_text(state, text, name, args)?,
        (ValueKind::Seq, _) => of_list(value, name, args)?,
        (ValueKind::Map, _) if name == "copy" => Some(value.clone()),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(known);
    }
    let changes: &[&str] = match value.kind() {
        ValueKind::Seq => &["append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear"],
        ValueKind::Map => &["update", "pop", "popitem", "setdefault", "clear"],
        _ => &[],
    };
    if changes.contains(&name) {
        let (what, way) = if value.kind() == ValueKind::Seq {
            (
                "list",
                "{% set ns = namespace(items=[]) %} and {% set ns.items = ns.items + [x] %} build one up, x|sort and x|reverse give a sorted or turned copy, x[-1] and x[:-1] the last item and the others",
            )
        } else {
            (
                "map",
                "dict(d, name=value) gives a copy with one more key, d.get('name', value) a value or a default",
            )
        };
        let message = format!("'{name}' would change a {what} in place, and values do not change here");
        return Err(Problem::from(Diagnostic::error(Code::TemplateError, message).hint(way)).into());
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

/// Pays for the widths and precisions that a format asks for: `pycompat` fills before it counts. A width that is
/// itself a field may be any of the arguments.
fn charge_format(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<(), Error> {
    let mut digits = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    digits.try_for_each(|run| charge(state, run.parse().unwrap_or(usize::MAX)))?;
    if text.contains(":{") || text.contains(".{") {
        for arg in args {
            let named = arg.is_kwargs().then(|| arg.try_iter()).transpose()?;
            let named = named.into_iter().flatten().filter_map(|key| arg.get_item(&key).ok());
            for width in named.chain([arg.clone()]).filter_map(|value| value.as_usize()) {
                charge(state, width)?;
            }
        }
    }
    Ok(())
}

fn of_text(state: &State<'_, '_>, text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let fill = |args: &[Value]| -> Result<(usize, String), Error> {
        let (width, fill): (usize, Option<&str>) = from_args(args)?;
        let missing = width.saturating_sub(text.chars().count());
        charge(state, missing.saturating_mul(4))?;
        Ok((missing, fill.unwrap_or(" ").chars().take(1).collect()))
    };
    Ok(Some(match name {
        "rsplit" => {
            let (separator, most): (Option<&str>, Option<usize>) = from_args(args)?;
            let mut parts: Vec<&str> = match (separator, most) {
                (Some(separator), Some(most)) => text.rsplitn(most.saturating_add(1), separator).collect(),
                (Some(separator), None) => text.rsplit(separator).collect(),
                (None, None) => text.split_whitespace().rev().collect(),
                (None, Some(_)) => return Err(missing("rsplit without a separator takes no limit")),
            };
            parts.reverse();
            Value::from_iter(parts)
        }
        "index" | "rindex" => {
            let (wanted,): (&str,) = from_args(args)?;
            let at = if name == "index" { text.find(wanted) } else { text.rfind(wanted) };
            let at = at.ok_or_else(|| missing("the text that 'index' looks for is not there"))?;
            Value::from(text[..at].chars().count())
        }
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let missing = width.saturating_sub(text.chars().count());
            charge(state, missing)?;
            let sign = text.len() - text.strip_prefix(['+', '-']).unwrap_or(text).len();
            Value::from(format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..]))
        }
        "ljust" => {
            let (missing, fill) = fill(args)?;
            Value::from(format!("{text}{}", fill.repeat(missing)))
        }
        "rjust" => {
            let (missing, fill) = fill(args)?;
            Value::from(format!("{}{text}", fill.repeat(missing)))
        }
        "center" => {
            let (missing, fill) = fill(args)?;
            let width = missing + text.chars().count();
            // Python gives the odd one to the left where the width is odd.
            let left = missing / 2 + (missing & width & 1);
            Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left)))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let found =
                if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match (found, name) {
                (Some((before, after)), _) => [before, separator, after],
                (None, "partition") => [text, "", ""],
                (None, _) => ["", "", text],
            };
            Value::from_object(Tuple::from(parts.map(Value::from)))
        }
        "swapcase" => Value::from(
            text.chars()
                .flat_map(|c| -> Vec<char> {
                    if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
                })
                .collect::<String>(),
        ),
        "casefold" => Value::from(text.to_lowercase()),
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "isdecimal" => Value::from(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())),
        _ => return Ok(None),
    }))
}

fn of_list(value: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match name {
        "index" => {
            let (wanted,): (&Value,) = from_args(args)?;
            let at = value.try_iter()?.position(|item| item == *wanted);
            Value::from(at.ok_or_else(|| missing("the item that 'index' looks for is not there"))?)
        }
        "copy" => value.clone(),
        _ => return Ok(None),
    }))
}

fn missing(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}
