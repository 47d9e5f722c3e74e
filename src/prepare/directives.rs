//! `-- snowops: key=value` comments in front of a script or of one statement, and the `.conf` file beside a script.
//!
//! Comments are read from the **source** text, before rendering: what a script asks for must not depend on the
//! values of an environment.

mod conf;
mod expression;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use crate::{
    config::{self, DURATION_HINT, either, nearest},
    diagnostic::{Code, Diagnostic, Place},
    model::{
        facts::Hazard, ident::Ident, migration::ConfFile, settings::ScriptSettings,
        statement::StatementSettings,
    },
};

const SCRIPT_KEYS: [&str; 5] = ["warehouse", "role", "timeout", "environments", "resume"];
const STATEMENT_KEYS: [&str; 3] = ["local", "allow", "reason"];

/// Snowflake stops a statement after 7 days at most (parameter `STATEMENT_TIMEOUT_IN_SECONDS`).
const LONGEST_STATEMENT: Duration = Duration::from_hours(168);

/// What a script asks for: its header comments, and its `.conf` file, which wins where both speak.
///
/// `environments` are the names that the project knows; empty where it has none, and then any name passes.
/// `placeholders` are the values of `${name}` in the `.conf` file, by name without regard to case.
pub fn script_settings(
    file: &str,
    source: &str,
    conf: Option<&ConfFile>,
    environments: &BTreeSet<String>,
    placeholders: &BTreeMap<String, String>,
) -> (ScriptSettings, Vec<Diagnostic>) {
    let mut reader = Reader { file, text: source, environments, findings: Vec::new() };
    let mut settings = ScriptSettings::default();
    let mut seen = BTreeSet::new();
    for comment in &comments(source, 0..header_end(source)) {
        // Faults of form are told here, not with the first statement: a script may have no statement.
        for pair in reader.pairs(comment) {
            if !SCRIPT_KEYS.contains(&pair.key.as_str()) {
                if !STATEMENT_KEYS.contains(&pair.key.as_str()) {
                    reader.unknown(&pair, SCRIPT_KEYS.iter().chain(&STATEMENT_KEYS).copied());
                }
                continue;
            }
            if !seen.insert(pair.key.clone()) {
                reader.twice(&pair);
            }
            reader.script_key(&pair, &mut settings);
        }
    }
    let mut findings = reader.findings;
    if let Some(conf) = conf {
        findings.extend(conf::read(conf, environments, placeholders, &mut settings));
    }
    (settings, findings)
}

/// What the comments in front of one statement ask for. `comments` are the bytes of `source` between the statement
/// before (or the start) and this one; what stands behind the last statement can be read the same way, for its
/// findings. Script keys are taken for what they are in front of the first statement,
/// and are an error in front of any other.
pub fn statement_settings(
    file: &str,
    source: &str,
    comments: Range<usize>,
) -> (StatementSettings, Vec<Diagnostic>) {
    let none = BTreeSet::new();
    let mut reader = Reader { file, text: source, environments: &none, findings: Vec::new() };
    let mut settings = StatementSettings::default();
    let header = header_end(source);
    let mut seen = BTreeSet::new();
    for comment in &self::comments(source, comments) {
        let in_header = comment.mark < header;
        if !in_header && !comment.first_on_line {
            reader.report(
                comment.mark..comment.body.end,
                "a `snowops:` comment stands behind a statement, on the same line".to_owned(),
                "put it on a line of its own before the statement that it speaks of",
            );
            continue;
        }
        let found = reader.findings.len();
        let pairs = reader.pairs(comment);
        if in_header {
            // Told by `script_settings`, which reads the same comments.
            reader.findings.truncate(found);
        }
        for pair in pairs {
            let key = pair.key.as_str();
            if STATEMENT_KEYS.contains(&key) {
                if !seen.insert(pair.key.clone()) {
                    reader.twice(&pair);
                }
                reader.statement_key(&pair, &mut settings);
            } else if in_header {
                // A script key, or one that `script_settings` refuses.
            } else if SCRIPT_KEYS.contains(&key) {
                reader.report(
                    pair.at.clone(),
                    format!("`{key}` speaks of the whole script and stands after its first statement"),
                    "move it into the comment lines before the first statement",
                );
            } else {
                reader.unknown(&pair, STATEMENT_KEYS.iter().chain(&SCRIPT_KEYS).copied());
            }
        }
    }
    (settings, reader.findings)
}

/// One `key=value` with the bytes where it stands.
#[derive(Clone, Debug)]
struct Pair {
    key: String,
    value: String,
    at: Range<usize>,
}

/// One `snowops:` comment.
#[derive(Clone, Debug)]
struct Comment {
    /// Where `--` stands.
    mark: usize,
    /// What stands behind `snowops:`, to the end of the line.
    body: Range<usize>,
    first_on_line: bool,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    environments: &'a BTreeSet<String>,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(&mut self, at: Range<usize>, message: String, hint: impl Into<String>) {
        let place = Place::of(self.file, self.text, at);
        self.findings.push(Diagnostic::error(Code::InvalidDirective, message).at(place).hint(hint));
    }

    fn unknown<'k>(&mut self, pair: &Pair, keys: impl Iterator<Item = &'k str> + Clone) {
        let hint = nearest(&pair.key, keys.clone()).map_or_else(
            || format!("keys: {}", keys.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.report(pair.at.clone(), format!("unknown key `{}`", pair.key), hint);
    }

    fn twice(&mut self, pair: &Pair) {
        self.report(pair.at.clone(), format!("`{}` is given twice", pair.key), "keep one of the two");
    }

    fn pairs(&mut self, comment: &Comment) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut at = comment.body.start;
        let end = comment.body.end;
        loop {
            let rest = self.text.get(at..end).unwrap_or_default();
            at += rest.len() - rest.trim_start().len();
            let rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            match pair(rest) {
                Ok((key, value, length)) => {
                    pairs.push(Pair { key, value, at: at..at + length });
                    at += length;
                }
                Err((message, length)) => {
                    self.report(at..at + length, message, "write key=value, or key=\"two words\"");
                    break;
                }
            }
        }
        if at == comment.body.start && pairs.is_empty() {
            self.report(
                comment.mark..end,
                "a `snowops:` comment says nothing".to_owned(),
                "write key=value behind it, or remove it",
            );
        }
        pairs
    }

    fn name(&mut self, pair: &Pair) -> Option<Ident> {
        let name = config::name(&pair.value);
        if name.is_none() {
            let hint = format!("if it is meant so, write {}='\"{}\"'", pair.key, pair.value.replace('"', ""));
            let message = format!(
                "`{}` is `{}`, which SQL does not take as a name without quotes",
                pair.key, pair.value
            );
            self.report(pair.at.clone(), message, hint);
        }
        name
    }

    fn script_key(&mut self, pair: &Pair, settings: &mut ScriptSettings) {
        match pair.key.as_str() {
            "warehouse" => settings.warehouse = self.name(pair),
            "role" => settings.role = self.name(pair),
            "timeout" => settings.timeout = self.timeout(pair),
            "environments" => settings.environments = self.environments(pair),
            "resume" => match pair.value.as_str() {
                "never" => settings.never_resume = true,
                "auto" => settings.never_resume = false,
                other => {
                    let message = format!("`resume` is never or auto, not `{other}`");
                    self.report(pair.at.clone(), message, "write resume=never");
                }
            },
            _ => {}
        }
    }

    fn timeout(&mut self, pair: &Pair) -> Option<Duration> {
        let time = config::duration(&pair.value);
        match time {
            None => self.report(
                pair.at.clone(),
                format!("`timeout`: `{}` is no duration", pair.value),
                DURATION_HINT,
            ),
            Some(time) if time < Duration::from_secs(1) || time > LONGEST_STATEMENT => {
                let message = format!("`timeout`: {} lies outside 1s to 7d", pair.value);
                self.report(pair.at.clone(), message, DURATION_HINT);
            }
            Some(_) => {}
        }
        time
    }

    fn environments(&mut self, pair: &Pair) -> Vec<String> {
        let names: Vec<String> = pair
            .value
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        if names.is_empty() {
            self.report(
                pair.at.clone(),
                "`environments` names none".to_owned(),
                "write environments=prod,qa, or remove the key",
            );
        }
        for name in &names {
            if !self.environments.is_empty() && !self.environments.contains(name) {
                let known: Vec<&str> = self.environments.iter().map(String::as_str).collect();
                let hint = nearest(name, known.iter().copied()).map_or_else(
                    || format!("environments: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.report(pair.at.clone(), format!("there is no environment `{name}`"), hint);
            }
        }
        names
    }

    fn statement_key(&mut self, pair: &Pair, settings: &mut StatementSettings) {
        match pair.key.as_str() {
            "local" if pair.value == "opaque" => settings.local_opaque = true,
            "local" => {
                let message = format!("`local` is opaque, not `{}`", pair.value);
                self.report(pair.at.clone(), message, "write local=opaque");
            }
            "allow" => self.allow(pair, settings),
            "reason" if pair.value.trim().is_empty() => {
                let message = "`reason` is empty".to_owned();
                self.report(pair.at.clone(), message, "write reason=\"why it is right\"");
            }
            "reason" => settings.reason = Some(pair.value.clone()),
            _ => {}
        }
    }

    fn allow(&mut self, pair: &Pair, settings: &mut StatementSettings) {
        let known = hazards();
        for word in pair.value.split(',').map(str::trim) {
            if known.iter().any(|hazard| hazard == word) {
                settings.allow.push(word.to_owned());
            } else {
                let hint = nearest(word, known.iter().map(String::as_str)).map_or_else(
                    || format!("write {}", either(&known)),
                    |near| format!("did you mean `{near}`?"),
                );
                self.report(pair.at.clone(), format!("`allow`: there is no hazard `{word}`"), hint);
            }
        }
    }
}

/// The words of all hazards, as `allow=` and JSON write them.
fn hazards() -> Vec<String> {
    [Hazard::LosesData, Hazard::LosesGrants, Hazard::LosesDefinition]
        .iter()
        .filter_map(|hazard| serde_json::to_value(hazard).ok()?.as_str().map(str::to_owned))
        .collect()
}

/// Reads one `key=value` at the start of a text that does not start with a blank; with its length, or what is
/// wrong and how long that is.
fn pair(text: &str) -> Result<(String, String, usize), (String, usize)> {
    let word = text.find(char::is_whitespace).unwrap_or(text.len());
    let key_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let key = text.get(..key_end).unwrap_or_default();
    let Some(value) = text.get(key_end..).and_then(|rest| rest.strip_prefix('=')).filter(|_| !key.is_empty())
    else {
        return Err((format!("`{}` is no key=value", text.get(..word).unwrap_or_default()), word));
    };
    let value_start = key_end + 1;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let length = value.find(char::is_whitespace).unwrap_or(value.len());
        if length == 0 {
            return Err((format!("`{key}` has no value"), value_start));
        }
        let value = value.get(..length).unwrap_or_default();
        return Ok((key.to_owned(), value.to_owned(), value_start + length));
    };
    let mut read = String::new();
    let mut chars = value.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            read.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            read.push(quote);
        } else {
            return Ok((key.to_owned(), read, value_start + at + 1));
        }
    }
    Err((format!("the value of `{key}` has no closing quote"), text.len()))
}

/// Where the header ends: the first byte that is neither blank, comment nor a template tag without output of its
/// own (`{# #}`, `{% import %}`, `{% from %}`, `{% set x = .. %}`).
fn header_end(source: &str) -> usize {
    let mut at = if source.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(length) = trivia(rest) else { break };
        at += length;
    }
    at
}

/// Length of the blank, comment or tag at the start of a text.
fn trivia(text: &str) -> Option<usize> {
    let blank = text.len() - text.trim_start().len();
    if blank > 0 {
        return Some(blank);
    }
    if text.starts_with("--") || text.starts_with("//") {
        return Some(line_length(text));
    }
    let until = |end: &str| text.find(end).map(|at| at + end.len());
    if text.starts_with("/*") {
        return text.get(2..).and_then(|rest| rest.find("*/")).map(|at| at + 4);
    }
    if text.starts_with("{#") {
        return until("#}");
    }
    let tag = text.strip_prefix("{%")?;
    let word = tag.trim_start_matches(['-', '+']).trim_start();
    let silent = ["import", "from", "set"]
        .iter()
        .any(|name| word.strip_prefix(name).is_some_and(|rest| rest.starts_with(char::is_whitespace)));
    if silent { until("%}") } else { None }
}

/// Up to the line's end, without it.
fn line_length(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

/// The `snowops:` comments in a part of a source that holds no statement.
fn comments(source: &str, range: Range<usize>) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let Some(rest) = source.get(at..range.end) else {
            // Not at a character: the range was given for another text.
            at += 1;
            continue;
        };
        if rest.starts_with("--") || rest.starts_with("//") {
            let length = line_length(rest);
            if let Some(body) = directive(rest.get(..length).unwrap_or_default()) {
                let line = source.get(..at).and_then(|before| before.rsplit(['\n', '\r']).next());
                found.push(Comment {
                    mark: at,
                    body: at + body..at + length,
                    first_on_line: line
                        .is_none_or(|line| line.trim_start_matches('\u{FEFF}').trim().is_empty()),
                });
            }
            at += length.max(1);
        } else {
            at += trivia(rest).unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
        }
    }
    found
}

/// Where the `snowops:` comments stand in a text between two statements.
pub(super) fn marks(text: &str) -> Vec<Range<usize>> {
    // Most texts are short and have none; looking for the colon costs less than reading comments.
    if !text.contains(':') {
        return Vec::new();
    }
    comments(text, 0..text.len()).into_iter().map(|comment| comment.mark..comment.body.end).collect()
}

/// Where the pairs of a comment line begin, if it is one of ours.
fn directive(comment: &str) -> Option<usize> {
    const WORD: &str = "snowops:";
    let body = comment.trim_start_matches(['-', '/']);
    let word = body.trim_start();
    let is_ours = word.get(..WORD.len()).is_some_and(|start| start.eq_ignore_ascii_case(WORD));
    is_ours.then(|| comment.len() - word.len() + WORD.len())
}

#[cfg(test)]
mod tests;
