//! minijinja's errors as findings with a place in the file that they are about.

use std::{collections::BTreeMap, error::Error as StdError, fmt, ops::Range, sync::Arc};

use minijinja::{Error, ErrorKind};

use super::{TemplateFile, map::one_line, slots};
use crate::diagnostic::{Code, Diagnostic, Place};

/// Includes that are named on the way to an error; a template that includes itself has many.
const MOST_INCLUDES: usize = 6;

/// A finding on its way through minijinja: functions and the loader return it as an error's source.
#[derive(Debug)]
pub(super) struct Problem(pub(super) Box<Diagnostic>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Problem {}

impl From<Diagnostic> for Problem {
    fn from(finding: Diagnostic) -> Self {
        Self(Box::new(finding))
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::new(ErrorKind::InvalidOperation, problem.0.message.clone()).with_source(problem)
    }
}

/// What a finding needs to know about the render that it comes from.
pub(super) struct Sources {
    /// Name that minijinja knows the script by.
    pub(super) script_name: &'static str,
    /// The script itself.
    pub(super) script: TemplateFile,
    /// Every template that was loaded, by the name that it was asked for.
    pub(super) loaded: BTreeMap<String, TemplateFile>,
    /// Names that every template can use.
    pub(super) known: Vec<String>,
}

impl Sources {
    /// The file behind a name that minijinja gives.
    pub(super) fn file(&self, name: &str) -> Option<&TemplateFile> {
        if name == self.script_name { Some(&self.script) } else { self.loaded.get(name) }
    }

    /// The innermost error of the chain, at its place, with the includes that lead to it as notes.
    pub(super) fn diagnose(&self, error: &Error) -> Diagnostic {
        let mut chain = vec![error];
        let mut own = None;
        let mut next = error.source();
        while let Some(source) = next {
            if let Some(error) = source.downcast_ref::<Error>() {
                chain.push(error);
            } else if let Some(problem) = source.downcast_ref::<Problem>() {
                own = Some(&*problem.0);
            }
            next = source.source();
        }
        let mut places = chain.iter().rev().filter_map(|e| self.located(e).map(|at| (*e, at)));
        let innermost = chain.last().copied().unwrap_or(error);
        let (file, mut range) = match places.next() {
            Some((_, at)) => at,
            None => (&self.script, 0..0),
        };
        let mut finding = own.cloned().unwrap_or_else(|| self.describe(innermost, file, &mut range));
        let code_in_body = own.is_none()
            && matches!(finding.code, Code::TemplateError | Code::UndefinedVariable)
            && slots::body(&file.text, range.start).is_some();
        if code_in_body {
            finding = finding.note(
                "it stands in a $$ body: if '{{' and '{%' are code there and no template, put {% raw %} before \
                 the body and {% endraw %} behind it",
            );
        }
        let place = Place::of(&*file.file, &file.text, range);
        let mut last = place.to_string();
        match &finding.place {
            None => finding = finding.at(place),
            Some(_) => finding = finding.note(format!("loaded at {place}")),
        }
        let mut includes = vec![];
        for (_, (file, range)) in places {
            let place = Place::of(&*file.file, &file.text, range);
            if place.to_string() != last {
                last = place.to_string();
                includes.push(format!("included at {place}"));
            }
        }
        if includes.len() > MOST_INCLUDES {
            let left_out = includes.len() - MOST_INCLUDES;
            let at = MOST_INCLUDES - 1;
            includes.splice(at..at + left_out, [format!("({left_out} more on the way)")]);
        }
        finding.notes.extend(includes);
        if file.file != self.script.file && !last.starts_with(&format!("{}:", self.script.file)) {
            finding = finding.note(format!("while rendering {}", self.script.file));
        }
        finding
    }

    fn located(&self, error: &Error) -> Option<(&TemplateFile, Range<usize>)> {
        let file = self.file(error.name()?)?;
        let range = error.range().unwrap_or_else(|| line(&file.text, error.line().unwrap_or(1)));
        Some((file, range))
    }

    fn describe(&self, error: &Error, file: &TemplateFile, range: &mut Range<usize>) -> Diagnostic {
        let detail = error.detail().unwrap_or_default();
        let limit = |message: &str| Diagnostic::error(Code::TemplateLimit, message);
        match error.kind() {
            ErrorKind::UndefinedError => {
                let shown = file.text.get(range.clone()).unwrap_or_default();
                let name = undefined_name(detail).unwrap_or_else(|| one_line(shown));
                // A filter's error stands at the filter: the name comes before it in the same tag.
                let tag = file.text.get(..range.start).and_then(|t| t.rfind(['{', '\n'])).unwrap_or(0);
                let before = file.text.get(tag..range.start).and_then(|t| t.rfind(&name)).map(|at| tag + at);
                if let Some(at) = shown.find(&name).map(|at| range.start + at).or(before) {
                    *range = at..at + name.len();
                }
                self.undefined(&name)
            }
            ErrorKind::OutOfFuel => limit("the template does more work than a script of its size may cost")
                .hint("look for a loop that does not end, or for text that is multiplied, near this place"),
            ErrorKind::TemplateNotFound => {
                let shown = file.text.get(range.clone()).unwrap_or_default();
                let name = quoted(detail).or_else(|| literal(shown)).unwrap_or_else(|| one_line(shown));
                Diagnostic::error(Code::TemplateError, format!("the template '{name}' does not exist"))
                    .hint("templates are looked for in the templates folder and beside the script; names count from there")
            }
            _ if detail.contains("recursion limit") => limit("the template is nested too deep").hint(
                "look for a macro or an include that calls itself, or for expressions inside expressions",
            ),
            ErrorKind::SyntaxError => {
                if let Some(at) = unclosed(&file.text, detail) {
                    *range = at..at + 2;
                }
                let message = format!("template syntax: {}", tidy(detail, error.kind()));
                Diagnostic::error(Code::TemplateError, message)
                    .hint("text that only looks like a template can stand between {% raw %} and {% endraw %}")
            }
            ErrorKind::UnknownFunction | ErrorKind::UnknownFilter | ErrorKind::UnknownTest => {
                Diagnostic::error(Code::TemplateError, tidy(detail, error.kind()))
            }
            kind => {
                if let Some(name) = undefined_name(detail) {
                    return self.undefined(&name).note(tidy(detail, kind));
                }
                let finding = Diagnostic::error(Code::TemplateError, tidy(detail, kind));
                way_out(detail).into_iter().fold(finding, Diagnostic::hint)
            }
        }
    }

    /// `name` may be dotted; the nearest known name is offered, else the way to define it.
    fn undefined(&self, name: &str) -> Diagnostic {
        let finding = Diagnostic::error(Code::UndefinedVariable, format!("'{name}' is not defined"));
        if let Some(near) = nearest(name, self.known.iter().map(String::as_str)) {
            return finding.hint(format!("did you mean '{near}'?"));
        }
        match name.strip_prefix("snowops.") {
            Some(key @ ("environment" | "database" | "schema" | "role" | "warehouse")) => {
                finding.hint(format!("give the environment a '{key}', or test it with '{name} is defined'"))
            }
            Some(_) => finding.hint("snowops has: environment, database, schema, role, warehouse, script"),
            None if name.chars().all(|c| c.is_alphanumeric() || c == '_') => finding.hint(format!(
                "define it under 'vars:' in snowops.yml, or give '--var {name}=...' if it is declared there"
            )),
            None => finding,
        }
    }
}

/// The closest of `known` to `name`, if it is close enough to be a slip.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    known
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *candidate != name)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The expression that minijinja names at the end of a message: "`x.y` is undefined", or behind another message in
/// parentheses; with where it came from, if that is elsewhere. The error itself has no field for it.
fn undefined_name(detail: &str) -> Option<String> {
    let detail = detail.strip_suffix(')').unwrap_or(detail);
    let end = detail.rfind("` is undefined")?;
    let rest = detail[end..].strip_prefix("` is undefined")?;
    if !(rest.is_empty() || rest.starts_with(", from ") || rest.starts_with(" (from ")) {
        return None;
    }
    let start = match detail[..end].rfind("(`") {
        Some(at) => at + 2,
        None => detail.starts_with('`').then_some(1)?,
    };
    detail.get(start..end).map(str::to_owned)
}

/// Where a comment or a raw block opens that is never closed; minijinja points to the end of the file.
fn unclosed(text: &str, detail: &str) -> Option<usize> {
    match detail {
        "unexpected end of comment" => {
            let closed = text.rfind("#}").map_or(0, |at| at + 2);
            text[closed..].find("{#").map(|at| closed + at)
        }
        "unexpected end of raw block" => text.rfind("{% raw").or_else(|| text.rfind("{%- raw")),
        _ => None,
    }
}

/// The way to write with minijinja what only Python's operators can do.
fn way_out(detail: &str) -> Option<&'static str> {
    (detail.starts_with("tried to use % operator") && detail.contains("string"))
        .then_some("write 'text'|format(a, b): it takes the same codes, and works in Jinja2 too")
}

/// The first text in double quotes of a message.
fn quoted(detail: &str) -> Option<String> {
    let (_, rest) = detail.split_once('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// The first text in quotes of a tag.
fn literal(tag: &str) -> Option<String> {
    let start = tag.find(['\'', '"'])?;
    let (quote, rest) = tag[start..].split_at(1);
    Some(rest.split_once(quote)?.0.to_owned())
}

fn tidy(detail: &str, kind: ErrorKind) -> String {
    let text = if detail.is_empty() { kind.to_string() } else { detail.to_owned() };
    text.trim_end_matches('.').replace('`', "'")
}

/// The bytes of a line that counts from 1.
fn line(text: &str, number: usize) -> Range<usize> {
    let start = match number.checked_sub(2) {
        None => 0,
        Some(skip) => memchr::memchr_iter(b'\n', text.as_bytes()).nth(skip).map_or(text.len(), |at| at + 1),
    };
    start..text[start..].find('\n').map_or(text.len(), |at| start + at)
}

/// A template file from its parts.
pub(super) fn template_file(file: &str, text: &str) -> TemplateFile {
    TemplateFile { file: file.to_owned(), text: Arc::from(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_are_slips_only() {
        let known = ["retention_days", "region", "snowops.schema"];
        let near = |name| nearest(name, known.into_iter());
        assert_eq!(near("retention_day"), Some("retention_days"));
        assert_eq!(near("REGION"), Some("region"));
        assert_eq!(near("snowops.schmea"), Some("snowops.schema"));
        assert_eq!(near("warehouse"), None);
        assert_eq!(near("x"), None);
    }

    #[test]
    fn lines_are_found() {
        assert_eq!(line("ab\ncd\n", 1), 0..2);
        assert_eq!(line("ab\ncd\n", 2), 3..5);
        assert_eq!(line("ab\ncd\n", 9), 6..6);
    }

    /// minijinja says which name is undefined in its message alone: a version that words it otherwise fails here.
    #[test]
    fn the_undefined_name_is_read_from_real_messages() {
        let mut env = minijinja::Environment::new();
        env.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        env.set_debug(true);
        for (template, name) in [
            ("{{ nope }}", "nope"),
            ("{{ a.b }}", "a.b"),
            ("{{ a.b.c }}", "a.b"),
            ("{{ a['x`y'].z }}", "a['x`y']"),
            ("{% for x in nope %}{% endfor %}", "nope"),
            ("{% for x in a.y %}{% endfor %}", "a.y"),
            ("{% if nope %}{% endif %}", "nope"),
            ("{{ nope|upper }}", "nope"),
            ("{{ 'a' ~ nope }}", "nope"),
            ("{{ 1 + nope }}", "nope"),
            ("{% set y = nope %}\n\n{{ y }}", "nope"),
        ] {
            let error =
                env.render_str(template, minijinja::context!(a => minijinja::context!())).unwrap_err();
            let detail = error.detail().unwrap_or_default();
            assert_eq!(
                undefined_name(detail).as_deref(),
                Some(name),
                "{template}: {:?} {detail}",
                error.kind()
            );
        }
        for other in
            ["something else", "x ` is undefined", "`x` is undefined behaviour", "has no ` is undefined"]
        {
            assert_eq!(undefined_name(other), None, "{other}");
        }
    }
}
