//! The catalogue as text: JSON with its keys in order and one fact a line, so that two texts compare line by line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Catalog;

/// The layout of the text; a newer one is refused.
const VERSION: u32 = 1;

/// What fits into one line, its indentation not counted.
const WIDTH: usize = 110;

#[derive(Serialize)]
struct Out<'c> {
    snowops_catalog: u32,
    #[serde(flatten)]
    catalog: &'c Catalog,
}

#[derive(Deserialize)]
struct Head {
    snowops_catalog: Option<u32>,
}

pub(super) fn write(catalog: &Catalog) -> String {
    let out = Out { snowops_catalog: VERSION, catalog };
    // Maps with text keys and plain values always serialise.
    let value = serde_json::to_value(&out).unwrap_or_default();
    let mut text = String::new();
    lines(&value, 0, &mut text);
    text.push('\n');
    text
}

pub(super) fn read(text: &str) -> Result<Catalog, String> {
    let fault = |error: serde_json::Error| format!("the catalogue's text cannot be read: {error}");
    let head: Head = serde_json::from_str(text).map_err(fault)?;
    let Some(layout) = head.snowops_catalog else {
        return Err("it is no catalogue of snowops: there is no \"snowops_catalog\"".to_owned());
    };
    if layout != VERSION {
        return Err(format!("the catalogue's text has layout {layout}, this program reads {VERSION}"));
    }
    serde_json::from_str(text).map_err(fault)
}

/// Writes a value that begins where the text ends.
fn lines(value: &Value, depth: usize, out: &mut String) {
    // The outermost map stays open, or a small catalogue would change its looks when it grows.
    if depth > 0 && is_short(value) {
        let short = one_line(value);
        if short.chars().count() <= WIDTH {
            *out += &short;
            return;
        }
    }
    let inner = format!("\n{}", "  ".repeat(depth + 1));
    let end = format!("\n{}", "  ".repeat(depth));
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                *out += &inner;
                lines(item, depth + 1, out);
            }
            *out += &end;
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (at, (key, item)) in fields.iter().enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                *out += &inner;
                out.extend([&one_line(&Value::String(key.clone())), ": "]);
                lines(item, depth + 1, out);
            }
            *out += &end;
            out.push('}');
        }
        plain => *out += &one_line(plain),
    }
}

/// Whether a value may stand in one line: it holds plain values and lists of names, and nothing that reads as a sentence
/// of its own: grants and the lines of a text stand one a line.
fn is_short(value: &Value) -> bool {
    let plain = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
    let names = |items: &[Value]| {
        items.iter().all(|item| plain(item) && !item.as_str().is_some_and(|text| text.contains(' ')))
    };
    match value {
        Value::Array(items) => names(items),
        Value::Object(fields) => fields.values().all(|value| match value {
            Value::Array(items) => names(items),
            value => plain(value),
        }),
        _ => true,
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                format!("{}: {}", one_line(&Value::String(key.clone())), one_line(value))
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("{{{}}}", fields.join(", "))
        }
        // Plain values print as JSON.
        plain => plain.to_string(),
    }
}

/// Texts of several lines as lists of their lines.
pub(super) mod lines_of {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Lines(Vec<String>),
    }

    #[expect(clippy::ref_option, reason = "serde gives a reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match text.as_deref() {
            Some(text) if text.contains('\n') => serializer.collect_seq(text.split('\n')),
            text => text.serialize(serializer),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(Option::<Written>::deserialize(deserializer)?.map(|written| match written {
            Written::Text(text) => text,
            Written::Lines(lines) => lines.join("\n"),
        }))
    }
}
