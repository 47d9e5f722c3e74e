//! Flyway's `${name}` placeholders, replaced in the text that the templates gave.
//!
//! As in Flyway (`PlaceholderReplacingReader.java`) the raw characters are read: comments, strings and `$$` bodies
//! too; names do not depend on case; what is put in is not read again. Flyway has no escape; here `$${` gives `${`.
//!
//! Dollars directly before a brace count in pairs from the left, so that placeholders work at the start of a `$$`
//! body: in `$$${x}$$` the first two stay and `${x}` is replaced (as Flyway does), in `$$$${x}$$` the first two stay
//! and the rest gives `${x}`. A pair before a brace that no name follows (`$${"a": 1}$$`) opens a literal and stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use serde_json::Value;

use super::{FlywayDefaults, RenderSettings, map::SourceMap, problem::nearest, slots};
use crate::diagnostic::{Code, Diagnostic};

/// Values of placeholders by their names in lower case.
pub(super) struct Placeholders {
    values: BTreeMap<String, Entry>,
}

struct Entry {
    name: String,
    value: Result<String, &'static str>,
}

impl FlywayDefaults {
    fn pairs<'a>(&'a self, filename: &'a str) -> [(&'static str, Option<&'a str>); 8] {
        [
            ("database", self.database.as_deref()),
            ("defaultSchema", self.default_schema.as_deref()),
            ("environment", self.environment.as_deref()),
            ("filename", Some(filename)),
            ("table", self.table.as_deref()),
            ("timestamp", self.timestamp.as_deref()),
            ("user", self.user.as_deref()),
            ("workingDirectory", self.working_directory.as_deref()),
        ]
    }
}

impl Placeholders {
    /// Variables and secrets; the defaults of Flyway come with each script.
    pub(super) fn new(settings: &RenderSettings) -> Self {
        let mut values: BTreeMap<String, Entry> = BTreeMap::new();
        for (name, value) in &settings.vars {
            if settings.secrets.contains(name) {
                continue;
            }
            let entry = Entry { name: name.clone(), value: text_of(value) };
            if let Some(twin) = values.insert(name.to_lowercase(), entry) {
                let twins = Err("is the name of several variables that differ in case only");
                values.insert(name.to_lowercase(), Entry { name: twin.name, value: twins });
            }
        }
        for name in &settings.secrets {
            let entry = Entry { name: name.clone(), value: Ok(slots::slot(name)) };
            values.insert(name.to_lowercase(), entry);
        }
        Self { values }
    }

    /// The text with its placeholders replaced, and the map that goes with it; all findings at once.
    pub(super) fn replace(
        &self,
        text: &str,
        map: &SourceMap,
        filename: &str,
        defaults: &FlywayDefaults,
        most: usize,
    ) -> Result<Option<(String, SourceMap)>, Vec<Diagnostic>> {
        let marks: Vec<Mark<'_>> = marks(text).collect();
        if marks.is_empty() {
            return Ok(None);
        }
        let defaults = defaults.pairs(filename);
        let mut findings = vec![];
        let (mut out, mut out_map, mut done) = (String::with_capacity(text.len()), map.same_files(), 0);
        for Mark { range, what } in marks {
            out.push_str(&text[done..range.start]);
            out_map.push_from(map, done..range.start);
            done = range.end;
            match what {
                What::Escape => {
                    out.push_str("${");
                    out_map.push_from(map, range.start + 1..range.end);
                }
                What::Name(name) => match self.value(name, &defaults) {
                    Ok(value) => {
                        if out.len() + value.len() > most {
                            findings.push(too_long(map, range, most));
                            return Err(findings);
                        }
                        out.push_str(value);
                        out_map.push_placeholder(map, range, value.len());
                    }
                    Err(finding) => {
                        let finding = in_template_literal(*finding, text, &range, Some(name), filename);
                        findings.push(placed(finding, map, range));
                    }
                },
                What::Open => {
                    let message = "'${' opens a placeholder that is not closed on its line";
                    let finding = in_template_literal(escape_hint(message), text, &range, None, filename);
                    findings.push(placed(finding, map, range));
                }
            }
        }
        out.push_str(&text[done..]);
        out_map.push_from(map, done..text.len());
        if findings.is_empty() { Ok(Some((out, out_map))) } else { Err(findings) }
    }

    fn value<'a>(
        &'a self,
        name: &str,
        defaults: &[(&'static str, Option<&'a str>)],
    ) -> Result<&'a str, Box<Diagnostic>> {
        let lower = name.to_lowercase();
        let undefined = |message| Box::new(Diagnostic::error(Code::UndefinedVariable, message));
        if let Some(key) = lower.strip_prefix("flyway:").or_else(|| lower.strip_prefix("snowops:"))
            && let Some((_, value)) = defaults.iter().find(|(known, _)| known.to_lowercase() == key)
        {
            return value.ok_or_else(|| undefined(format!("the placeholder '{name}' has no value here")));
        }
        if let Some(entry) = self.values.get(&lower) {
            let value = entry.value.as_deref();
            return value.map_err(|why| undefined(format!("the placeholder '{name}' {why}")));
        }
        if !name.chars().all(is_name_char) {
            return Err(Box::new(escape_hint(&format!("'{}' is no name of a placeholder", cut(name)))));
        }
        let known: BTreeSet<String> = self
            .values
            .values()
            .map(|entry| entry.name.clone())
            .chain(defaults.iter().flat_map(|(key, _)| [format!("flyway:{key}"), format!("snowops:{key}")]))
            .collect();
        let finding = *undefined(format!("the placeholder '{name}' is not defined"));
        let finding = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => finding.hint(format!("did you mean '${{{near}}}'?")),
            None => finding.hint(format!(
                "define '{name}' under 'vars:' in snowops.yml, or write '$${{' for the characters '${{'"
            )),
        };
        let shown = known.iter().filter(|name| !name.starts_with("snowops:"));
        let names: Vec<&str> = shown.map(String::as_str).collect();
        Err(Box::new(finding.note(format!("known placeholders: {}", names.join(", ")))))
    }
}

/// A warning for each of Flyway's own placeholders that stays because placeholders are off: no server knows them.
pub(super) fn left_over(text: &str, map: &SourceMap) -> Vec<Diagnostic> {
    let is_default = |name: &str| {
        let name = name.to_lowercase();
        name.starts_with("flyway:") || name.starts_with("snowops:")
    };
    marks(text)
        .filter_map(|mark| match mark.what {
            What::Name(name) if is_default(name) => Some((mark.range, name)),
            _ => None,
        })
        .map(|(range, name)| {
            let message = format!("'${{{name}}}' stays as it is, as placeholders are off");
            let finding = Diagnostic::warning(Code::UndefinedVariable, message)
                .hint("set 'placeholders: true' in snowops.yml");
            placed(finding, map, range)
        })
        .collect()
}

struct Mark<'t> {
    range: Range<usize>,
    what: What<'t>,
}

enum What<'t> {
    /// `${name}`.
    Name(&'t str),
    /// `$${`.
    Escape,
    /// `${` without a `}` on its line.
    Open,
}

/// All places where the text changes, in order.
fn marks(text: &str) -> impl Iterator<Item = Mark<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + memchr::memchr(b'$', &bytes[at..])?;
            let dollars = bytes[start..].iter().take_while(|byte| **byte == b'$').count();
            let brace = start + dollars;
            at = brace;
            if bytes.get(brace) != Some(&b'{') {
                continue;
            }
            at = brace + 1;
            let rest = &text[at..];
            if dollars % 2 == 0 {
                if rest.trim_start().starts_with(is_name_char) {
                    return Some(Mark { range: brace - 2..at, what: What::Escape });
                }
                continue;
            }
            let Some(length) = rest.find(['}', '\n']).filter(|end| rest[*end..].starts_with('}')) else {
                return Some(Mark { range: brace - 1..at, what: What::Open });
            };
            let name = &rest[..length];
            at += length + 1;
            return Some(Mark { range: brace - 1..at, what: What::Name(name) });
        }
    })
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

fn text_of(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null => Err("has no value"),
        Value::Array(_) | Value::Object(_) => Err("is a list or a map, which only templates can print"),
    }
}

fn escape_hint(message: &str) -> Diagnostic {
    Diagnostic::error(Code::UndefinedVariable, message).hint(
        "write '$${' for the characters '${', or turn placeholders off for this script with \
         'placeholderReplacement=false' in its .conf file",
    )
}

/// Says of a placeholder inside a JavaScript template literal what it is there, and the ways out.
fn in_template_literal(
    mut finding: Diagnostic,
    text: &str,
    range: &Range<usize>,
    name: Option<&str>,
    filename: &str,
) -> Diagnostic {
    let quotes = |body: Range<usize>| {
        let before = text.get(body.start..range.start).unwrap_or_default();
        memchr::memchr_iter(b'`', before.as_bytes()).count()
    };
    if slots::body(text, range.start).map_or(0, quotes).is_multiple_of(2) {
        return finding;
    }
    let define = match name.filter(|name| name.chars().all(is_name_char)) {
        Some(name) => format!("; or, if it is a placeholder, define '{name}' under 'vars:' in snowops.yml"),
        None => String::new(),
    };
    finding.notes.clear();
    finding
        .note("it stands in a JavaScript template literal: placeholders are replaced in $$ bodies too")
        .hint(format!(
            "write '$${{' for JavaScript's '${{'; or turn placeholders off for this script with \
             'placeholderReplacement=false' in {filename}.conf{define}"
        ))
}

fn too_long(map: &SourceMap, range: Range<usize>, most: usize) -> Diagnostic {
    let message = format!("the script renders to more than {most} bytes");
    placed(Diagnostic::error(Code::TemplateLimit, message), map, range)
}

fn placed(mut finding: Diagnostic, map: &SourceMap, range: Range<usize>) -> Diagnostic {
    let (place, notes) = map.place(range);
    finding.notes.extend(notes);
    finding.at(place)
}

fn cut(name: &str) -> String {
    super::map::one_line(name)
}
