//! Filters, tests and functions of Jinja2 that minijinja has not, or has otherwise.

#![expect(clippy::needless_pass_by_value, reason = "keyword arguments come by value")]

use std::fmt::Write as _;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};
use minijinja_contrib::{filters, globals};

use super::python::{self, charge};

/// Adds what schemachange's scripts may use. What needs chance or the clock (`random`, `lipsum`) is left out, as
/// a render must be repeatable, and so is `xmlattr`.
pub(super) fn add(env: &mut Environment<'_>) {
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter("int", int);
    env.add_filter("float", float);
    env.add_filter("indent", indent);
    env.add_filter("center", |state: &mut State, value: Value, width: Option<usize>| {
        python::method(state, &value, "center", &[Value::from(width.unwrap_or(80))])
    });
    env.add_filter("wordcount", |text: &str| text.split_whitespace().count());
    env.add_filter("wordwrap", wordwrap);
    env.add_filter("truncate", truncate);
    env.add_filter("striptags", filters::striptags);
    env.add_filter("filesizeformat", filters::filesizeformat);
    env.add_filter("urlencode", urlencode);
    for name in ["e", "escape", "forceescape"] {
        env.add_filter(name, escape);
    }
    env.add_filter("pprint", |state: &State, value: &Value| python::repr(state, value));
    env.add_filter("tojson", tojson);
    env.add_filter("string", |state: &State, value: &Value| python::text(state, value));
    env.add_test("sequence", |value: &Value| matches!(value.kind(), ValueKind::Seq | ValueKind::String));
    env.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    env.add_function("joiner", |separator: Option<Value>| {
        globals::joiner(Some(separator.unwrap_or_else(|| Value::from(", "))))
    });
    env.add_function("cycler", |items: Rest<Value>| globals::cycler(items.0));
    let original = env.globals().find(|(name, _)| *name == "namespace").map(|(_, value)| value);
    if let Some(original) = original {
        env.add_function("namespace", move |state: &mut State, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            let (first, more): (Option<Value>, Kwargs) = from_args(&args)?;
            let mut pairs = vec![];
            if let Some(first) = first {
                for key in first.try_iter()? {
                    pairs.push((key.clone(), first.get_item(&key)?));
                }
            }
            for name in more.args() {
                pairs.push((Value::from(name), more.get::<Value>(name)?));
            }
            original.call(state, &[Value::from_pairs(pairs)])
        });
    }
}

fn default(value: &Value, other: Option<Value>, boolean: Option<bool>, more: Kwargs) -> Result<Value, Error> {
    let other = other.or(more.get("default_value")?).unwrap_or_else(|| Value::from(""));
    let boolean = boolean.or(more.get("boolean")?).unwrap_or_default();
    more.assert_all_used()?;
    Ok(if value.is_undefined() || boolean && !value.is_true() { other } else { value.clone() })
}

/// A whole number, or the default where a text holds none.
fn int(value: &Value, other: Option<Value>, base: Option<u32>, more: Kwargs) -> Result<Value, Error> {
    let other = other.or(more.get("default")?).unwrap_or_else(|| Value::from(0));
    let base = base.or(more.get("base")?).unwrap_or(10);
    more.assert_all_used()?;
    defined(value)?;
    if !(2..=36).contains(&base) {
        return Err(Error::new(ErrorKind::InvalidOperation, "the base of a number is 2 to 36"));
    }
    let Some(text) = value.as_str() else {
        return Ok(match value.kind() {
            ValueKind::Number if value.is_integer() => value.clone(),
            ValueKind::Number | ValueKind::Bool => whole(f64::try_from(value.clone())?).unwrap_or(other),
            _ => other,
        });
    };
    let text = text.trim().replace('_', "").to_lowercase();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let prefix = match base {
        16 => "0x",
        8 => "0o",
        2 => "0b",
        _ => "",
    };
    let digits = digits.strip_prefix(prefix).unwrap_or(digits);
    let number = i128::from_str_radix(digits, base).ok().map(|number| Value::from(sign * number));
    let number = number.or_else(|| text.parse().ok().filter(|_| base == 10).and_then(whole));
    Ok(number.unwrap_or(other))
}

/// The whole part of a number that has one.
fn whole(number: f64) -> Option<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "numbers that would be cut are no result")]
    (number.abs() < 1e38).then(|| Value::from(number.trunc() as i128))
}

fn float(value: &Value, other: Option<Value>, more: Kwargs) -> Result<Value, Error> {
    let other = other.or(more.get("default")?).unwrap_or_else(|| Value::from(0.0));
    more.assert_all_used()?;
    defined(value)?;
    let number = match value.as_str() {
        Some(text) => text.trim().replace('_', "").parse().ok(),
        None => f64::try_from(value.clone()).ok(),
    };
    Ok(number.map_or(other, Value::from))
}

fn defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(()) }
}

/// Blanks, or a text, in front of each line but the first and the empty ones.
fn indent(state: &State, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let args = args.into_values();
    let (text, width, first, blank, more): (&str, Option<Value>, Option<bool>, Option<bool>, Kwargs) =
        from_args(&args)?;
    let width = width.or(more.get("width")?).unwrap_or_else(|| Value::from(4));
    let first = first.or(more.get("first")?).unwrap_or_default();
    let blank = blank.or(more.get("blank")?).unwrap_or_default();
    more.assert_all_used()?;
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
    let size = width.as_str().map_or_else(|| width.as_usize().unwrap_or_default(), str::len);
    charge(state, size.saturating_mul(lines))?;
    let front = match width.as_str() {
        Some(front) => front.to_owned(),
        None => " ".repeat(usize::try_from(width.clone())?),
    };
    let mut out = String::with_capacity(text.len() + front.len() * lines);
    for (index, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let empty = line.is_empty() || line == "\r";
        if (index > 0 || first) && (!empty || blank) {
            out.push_str(&front);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// Lines of at most `width` characters, broken at blanks; a longer word is broken too.
fn wordwrap(state: &State, text: &str, width: Option<usize>, more: Kwargs) -> Result<String, Error> {
    let width = width.or(more.get("width")?).unwrap_or(79).max(1);
    let break_words = more.get::<Option<bool>>("break_long_words")?.unwrap_or(true);
    let separator: String = more.get::<Option<String>>("wrapstring")?.unwrap_or_else(|| "\n".to_owned());
    more.assert_all_used()?;
    let mut out = vec![];
    for line in text.lines() {
        let (mut shown, mut length) = (String::new(), 0);
        for word in line.split_whitespace() {
            let mut word: &str = word;
            loop {
                let size = word.chars().count();
                if length > 0 && length + 1 + size > width {
                    out.push(std::mem::take(&mut shown));
                    length = 0;
                }
                if size <= width || !break_words {
                    break;
                }
                let cut = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
                out.push(word[..cut].to_owned());
                word = &word[cut..];
            }
            if length > 0 {
                shown.push(' ');
                length += 1;
            }
            shown.push_str(word);
            length += word.chars().count();
        }
        out.push(shown);
    }
    charge(state, separator.len().saturating_mul(out.len()))?;
    Ok(out.join(&separator))
}

fn truncate(state: &mut State, value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let args = args.into_values();
    let (length, kill, end, leeway, more): (
        Option<usize>,
        Option<bool>,
        Option<Value>,
        Option<usize>,
        Kwargs,
    ) = from_args(&args)?;
    let mut named: Vec<(String, Value)> = vec![];
    for (name, given) in [
        ("length", length.map(Value::from)),
        ("killwords", kill.map(Value::from)),
        ("end", end),
        ("leeway", leeway.map(Value::from)),
    ] {
        if let Some(given) = given.or(more.get(name)?) {
            named.push((name.to_owned(), given));
        }
    }
    more.assert_all_used()?;
    filters::truncate(state, value, named.into_iter().collect())
}

fn urlencode(state: &State, value: &Value) -> Result<String, Error> {
    let text = python::text(state, value)?;
    charge(state, text.len().saturating_mul(3))?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Ok(out)
}

fn escape(state: &State, value: &Value) -> Result<Value, Error> {
    let text = python::text(state, value)?;
    charge(state, text.len())?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    Ok(if matches!(state.auto_escape(), AutoEscape::None) {
        Value::from(out)
    } else {
        Value::from_safe_string(out)
    })
}

/// JSON as Jinja2 writes it: keys in order, blanks behind `,` and `:`, and escapes for all but plain ASCII.
fn tojson(state: &State, value: &Value, indent: Option<usize>, more: Kwargs) -> Result<Value, Error> {
    let indent = indent.or(more.get("indent")?);
    more.assert_all_used()?;
    let mut out = String::new();
    json(&mut out, state, value, indent, 0)?;
    Ok(Value::from_safe_string(out))
}

fn json(
    out: &mut String,
    state: &State,
    value: &Value,
    indent: Option<usize>,
    depth: usize,
) -> Result<(), Error> {
    python::check_depth(depth)?;
    let unfit = |what| Err(Error::new(ErrorKind::BadSerialization, what));
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            charge(state, indent.saturating_mul(depth))?;
            out.push('\n');
            out.push_str(&" ".repeat(indent * depth));
        }
        Ok::<_, Error>(())
    };
    let comma = |out: &mut String| out.push_str(if indent.is_some() { "," } else { ", " });
    match value.kind() {
        ValueKind::Undefined => return defined(value),
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&python::number(value)),
        ValueKind::String => json_text(out, state, value.as_str().unwrap_or_default())?,
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            let mut any = false;
            for item in value.try_iter()?.checked() {
                charge(state, python::ITEM)?;
                if any {
                    comma(out);
                }
                any = true;
                line(out, depth + 1)?;
                json(out, state, &item?, indent, depth + 1)?;
            }
            if any {
                line(out, depth)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            let mut keys = vec![];
            for key in value.try_iter()?.checked() {
                charge(state, python::ITEM)?;
                let key = key?;
                keys.push((python::text(state, &key)?, key));
            }
            keys.sort_by(|(a, _), (b, _)| a.cmp(b));
            out.push('{');
            for (index, (name, key)) in keys.iter().enumerate() {
                if index > 0 {
                    comma(out);
                }
                line(out, depth + 1)?;
                json_text(out, state, name)?;
                out.push_str(": ");
                json(out, state, &value.get_item(key)?, indent, depth + 1)?;
            }
            if !keys.is_empty() {
                line(out, depth)?;
            }
            out.push('}');
        }
        _ => return unfit("only texts, numbers, lists and maps have a form in JSON"),
    }
    Ok(())
}

fn json_text(out: &mut String, state: &State, text: &str) -> Result<(), Error> {
    charge(state, text.len())?;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' if !"<>&'".contains(c) => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    Ok(())
}
