//! `<script>.sql.conf`: a Java properties file with Flyway's keys, and ours behind `snowops.`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Pair, Reader, SCRIPT_KEYS, STATEMENT_KEYS, expression};
use crate::{
    diagnostic::Diagnostic,
    model::{migration::ConfFile, settings::ScriptSettings},
};

/// Flyway's keys of a script's side file (`SqlScriptMetadata.java`).
const FLYWAY_KEYS: [&str; 4] =
    ["executeInTransaction", "encoding", "placeholderReplacement", "shouldExecute"];

/// Lays the settings of a `.conf` file over `settings`.
pub(super) fn read(
    conf: &ConfFile,
    environments: &BTreeSet<String>,
    placeholders: &BTreeMap<String, String>,
    settings: &mut ScriptSettings,
) -> Vec<Diagnostic> {
    let mut reader = Reader { file: &conf.file, text: &conf.text, environments, findings: Vec::new() };
    let mut seen = BTreeSet::new();
    for property in properties(&conf.text) {
        let pair = Pair { key: property.key, value: property.value, at: property.at };
        if !seen.insert(pair.key.clone()) {
            reader.twice(&pair);
        }
        one(&mut reader, pair, placeholders, settings);
    }
    reader.findings
}

fn one(
    reader: &mut Reader<'_>,
    mut pair: Pair,
    placeholders: &BTreeMap<String, String>,
    settings: &mut ScriptSettings,
) {
    if pair.key == "shouldExecute" {
        match expression::evaluate(&pair.value, placeholders) {
            Ok(value) => settings.should_execute = Some(value),
            Err(reason) => reader.report(
                pair.at,
                format!("`shouldExecute` cannot be decided: {reason}"),
                "write true, false, or a comparison such as ${flyway:environment} == prod, joined by && || ! ( )",
            ),
        }
        return;
    }
    match expression::replace(&pair.value, placeholders) {
        Ok(value) => pair.value = value,
        Err(reason) => {
            reader.report(pair.at, format!("`{}`: {reason}", pair.key), "declare it under `vars`");
            return;
        }
    }
    match pair.key.as_str() {
        // Snowflake commits DDL by itself, so the key decides nothing here; it is read to be compatible.
        "executeInTransaction" => {
            boolean(reader, &pair);
        }
        "placeholderReplacement" => settings.placeholders = boolean(reader, &pair).or(settings.placeholders),
        "encoding" if encoding_rs::Encoding::for_label(pair.value.as_bytes()).is_some() => {
            settings.encoding = Some(pair.value);
        }
        "encoding" => {
            let message = format!("`encoding`: `{}` is no encoding that snowops knows", pair.value);
            reader.report(pair.at, message, "common ones: utf-8, utf-16le, windows-1252, iso-8859-15");
        }
        key => match key.strip_prefix("snowops.") {
            Some(own) if SCRIPT_KEYS.contains(&own) => {
                let own = Pair { key: own.to_owned(), ..pair };
                reader.script_key(&own, settings);
            }
            Some(own) if STATEMENT_KEYS.contains(&own) => reader.report(
                pair.at,
                format!("`{own}` speaks of one statement, not of a script"),
                format!("write -- snowops: {own}=.. in a comment line before that statement"),
            ),
            _ => {
                let own: Vec<String> = SCRIPT_KEYS.iter().map(|key| format!("snowops.{key}")).collect();
                let keys: Vec<&str> = FLYWAY_KEYS.into_iter().chain(own.iter().map(String::as_str)).collect();
                reader.unknown(&pair, keys.into_iter());
            }
        },
    }
}

fn boolean(reader: &mut Reader<'_>, pair: &Pair) -> Option<bool> {
    let value = pair.value.parse::<bool>().ok().or_else(|| pair.value.to_ascii_lowercase().parse().ok());
    if value.is_none() {
        let message = format!("`{}` is true or false, not `{}`", pair.key, pair.value);
        reader.report(pair.at.clone(), message, "write true or false");
    }
    value
}

/// One property: its key and value with escapes read, and the bytes where it stands.
struct Property {
    key: String,
    value: String,
    at: Range<usize>,
}

/// Reads the format of `java.util.Properties.load`: comments with `#` or `!`, `=`, `:` or a blank between key and
/// value, lines continued by an odd number of `\` at their end, escapes.
fn properties(text: &str) -> Vec<Property> {
    let mut found = Vec::new();
    let mut at = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let start = at + rest.len() - rest.trim_start().len();
        let line = text.get(start..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        if line.starts_with(['#', '!']) {
            at = start + line.find(['\n', '\r']).unwrap_or(line.len());
            continue;
        }
        let (logical, length) = logical_line(line);
        let (key, value) = split(&logical);
        let shown = line.get(..length).unwrap_or_default().trim_end().len();
        found.push(Property { key: plain(&key), value: plain(&value), at: start..start + shown });
        at = start + length;
    }
    found
}

/// The line at the start of a text with its continuation lines, still escaped; and its length in the text.
fn logical_line(text: &str) -> (String, usize) {
    let mut line = String::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let part = rest.get(..length).unwrap_or_default();
        at += length;
        let slashes = part.len() - part.trim_end_matches('\\').len();
        if slashes % 2 == 0 || at >= text.len() {
            line.push_str(part);
            return (line, at);
        }
        line.push_str(part.get(..part.len() - 1).unwrap_or_default());
        let after = text.get(at..).unwrap_or_default();
        let after = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        at = text.len() - after.trim_start_matches([' ', '\t', '\u{c}']).len();
    }
}

fn split(line: &str) -> (String, String) {
    let mut escaped = false;
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}');
    let end = line.find(|c: char| {
        let found = !escaped && (matches!(c, '=' | ':') || is_blank(c));
        escaped = !escaped && c == '\\';
        found
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key.to_owned(), rest.trim_start_matches(is_blank).trim_end().to_owned())
}

fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => result.push('\t'),
            Some('n') => result.push('\n'),
            Some('r') => result.push('\r'),
            Some('f') => result.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.clone().take(4).collect();
                match u32::from_str_radix(&digits, 16)
                    .ok()
                    .and_then(char::from_u32)
                    .filter(|_| digits.len() == 4)
                {
                    Some(read) => {
                        result.push(read);
                        chars = chars.as_str().get(4..).unwrap_or_default().chars();
                    }
                    None => result.push('u'),
                }
            }
            Some(other) => result.push(other),
            None => {}
        }
    }
    result
}
