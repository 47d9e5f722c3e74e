//! From a script's source to the text that the server gets: minijinja first, then Flyway's `${name}` placeholders,
//! with slots in place of secrets and a map back to the source.
//!
//! Pure but for the stack: templates run on a thread of their own, as their depth must not meet the caller's stack.

mod filters;
mod guard;
mod jinja;
mod map;
mod marks;
mod placeholders;
mod problem;
mod python;
pub mod slots;
mod templates;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    sync::Arc,
};

pub use map::SourceMap;
use placeholders::Placeholders;
use slots::Fault;
use templates::{Rendered, Templates};

use crate::{
    diagnostic::{Code, Diagnostic},
    model::checksum::Sha256,
};

/// What the scripts of one environment can see.
#[derive(Clone, Debug, Default)]
pub struct RenderSettings {
    /// `vars:`, layers merged: global names in templates, and placeholders.
    pub vars: BTreeMap<String, serde_json::Value>,
    /// The keys of the `snowops` object.
    pub builtins: Builtins,
    /// The names that `env_var()` may read.
    pub env: BTreeMap<String, EnvValue>,
    /// Names of secrets: the variable, `env_var()` and `secret()` of that name give its slot.
    pub secrets: BTreeSet<String>,
    /// Whether `${name}` is replaced; a script can say otherwise.
    pub placeholders: bool,
    /// Values of `${flyway:...}` and `${snowops:...}`.
    pub flyway: FlywayDefaults,
}

/// What templates see as `snowops.environment` and so on. A key without a value is undefined.
#[derive(Clone, Debug, Default)]
pub struct Builtins {
    /// Name of the environment.
    pub environment: Option<String>,
    /// Its database.
    pub database: Option<String>,
    /// Its schema.
    pub schema: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// Its warehouse.
    pub warehouse: Option<String>,
}

/// An environment variable that templates may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// Its value, which is no secret.
    Text(String),
    /// A secret: templates get its slot.
    Secret,
    /// It is not set.
    Missing,
}

/// Flyway's default placeholders (`flyway:defaultSchema` and so on; `flyway:filename` comes with the script). One
/// without a value is an error where it is used.
#[derive(Clone, Debug, Default)]
pub struct FlywayDefaults {
    /// `flyway:defaultSchema`.
    pub default_schema: Option<String>,
    /// `flyway:user`.
    pub user: Option<String>,
    /// `flyway:database`.
    pub database: Option<String>,
    /// `flyway:timestamp`: `yyyy-MM-dd HH:mm:ss`, one for the whole command.
    pub timestamp: Option<String>,
    /// `flyway:table`: the history table.
    pub table: Option<String>,
    /// `flyway:environment`.
    pub environment: Option<String>,
    /// `flyway:workingDirectory`.
    pub working_directory: Option<String>,
}

/// A template as the loader found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// Path as the user would type it, from the project's root.
    pub file: String,
    /// Its decoded text.
    pub text: Arc<str>,
}

/// Where includes and imports come from. Names are asked for once a folder and then remembered.
pub trait TemplateLoader: Send + Sync {
    /// The template `name` for a script in `folder` (from the project's root); `None` when there is none. An error
    /// stops the render: a name that leads out of the allowed folders, a file that cannot be read.
    fn load(&self, folder: &str, name: &str) -> Result<Option<TemplateFile>, Diagnostic>;
}

/// A script to render.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// Path for messages and source spans.
    pub file: &'a str,
    /// Its folder, from the project's root.
    pub folder: &'a str,
    /// `snowops.script` and `flyway:filename`.
    pub name: &'a str,
    /// Its decoded text.
    pub text: &'a str,
    /// Whether its placeholders are replaced, where that differs from the environment.
    pub placeholders: Option<bool>,
}

/// A rendered script.
#[derive(Clone, Debug)]
pub struct Output {
    /// The text, secrets as slots.
    pub text: String,
    /// From the text back to the source.
    pub map: SourceMap,
    /// Every template that was loaded, by file, with [`Sha256::of_text`]; sorted.
    pub templates: Vec<(String, Sha256)>,
    /// What a person should look at.
    pub warnings: Vec<Diagnostic>,
}

/// Renders the scripts of one environment.
pub struct Renderer {
    settings: RenderSettings,
    templates: Templates,
    placeholders: Placeholders,
    secrets: BTreeSet<String>,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Renderer {
    /// A renderer with these values and this source of templates.
    pub fn new(settings: RenderSettings, loader: Arc<dyn TemplateLoader>) -> Self {
        let from_env = settings.env.iter().filter(|(_, value)| **value == EnvValue::Secret);
        let secrets = from_env.map(|(name, _)| name).chain(&settings.secrets).cloned().collect();
        Self {
            templates: Templates::new(&settings, loader),
            placeholders: Placeholders::new(&settings),
            settings,
            secrets,
        }
    }

    /// Renders one script. A text without template syntax and placeholders comes out byte for byte.
    pub fn render(&self, script: &Script<'_>) -> Result<Output, Vec<Diagnostic>> {
        let rendered = if has_templates(script.text) {
            self.templates.render(script).map_err(|finding| vec![*finding])?
        } else {
            let map = SourceMap::identity(script.file, script.text);
            Rendered { text: script.text.to_owned(), map, templates: vec![] }
        };
        let most = guard::most_output(script.text.len());
        let Rendered { mut text, mut map, templates } = rendered;
        let mut warnings = vec![];
        if script.placeholders.unwrap_or(self.settings.placeholders) {
            let (name, defaults) = (script.name, &self.settings.flyway);
            if let Some(new) = self.placeholders.replace(&text, &map, name, defaults, most)? {
                (text, map) = new;
            }
        } else {
            warnings = placeholders::left_over(&text, &map);
        }
        if text.len() > most {
            let message = format!("the script renders to more than {most} bytes");
            return Err(vec![Diagnostic::error(Code::TemplateLimit, message).in_file(script.file)]);
        }
        let findings = self.check_slots(&text, &map);
        if findings.is_empty() { Ok(Output { text, map, templates, warnings }) } else { Err(findings) }
    }

    /// Renders many scripts, with one thread for all of their templates: what [`Self::render`] gives for each.
    pub fn render_all(&self, scripts: &[Script<'_>]) -> Vec<Result<Output, Vec<Diagnostic>>> {
        let each = || scripts.iter().map(|script| self.render(script)).collect();
        if scripts.iter().filter(|script| has_templates(script.text)).count() < 2 {
            return each();
        }
        guard::on_deep_stack(each).unwrap_or_else(each)
    }

    /// Secrets that would leak or break the SQL: outside a literal, no longer whole, or not declared.
    fn check_slots(&self, text: &str, map: &SourceMap) -> Vec<Diagnostic> {
        let mut findings: Vec<(Range<usize>, String)> = vec![];
        for error in slots::check(text) {
            // The brackets are ordinary characters where a person typed them.
            let typed = error.fault == Fault::Broken
                && map.is_copied(error.range.clone())
                && !slots::near_prefix(text, &error.range);
            if !typed {
                findings.push((error.range, error.fault.message().to_owned()));
            }
        }
        let whole: Vec<(Range<usize>, &str)> = slots::places(text).collect();
        for (range, name) in &whole {
            if !self.secrets.contains(*name) {
                findings.push((range.clone(), format!("there is no secret {name}")));
            }
        }
        if !self.secrets.is_empty() {
            for part in map.written() {
                for remnant in slots::remnants(&text[part.clone()]) {
                    let range = part.start + remnant.start..part.start + remnant.end;
                    let inside = |(whole, _): &(Range<usize>, &str)| {
                        whole.start <= range.start && range.end <= whole.end
                    };
                    if !whole.iter().any(inside) && !findings.iter().any(|(r, _)| r.contains(&range.start)) {
                        findings.push((range, Fault::Broken.message().to_owned()));
                    }
                }
            }
        }
        findings.sort_by_key(|(range, _)| range.start);
        findings.into_iter().map(|(range, message)| misplaced(range, message, map)).collect()
    }
}

fn misplaced(range: Range<usize>, message: String, map: &SourceMap) -> Diagnostic {
    let (place, notes) = map.place(range);
    let mut finding = Diagnostic::error(Code::MisplacedSecret, message)
        .at(place)
        .hint("print a secret alone and unchanged inside '...' or $$...$$, such as '{{ NAME }}'");
    finding.notes.extend(notes);
    finding
}

/// Whether minijinja would read the text as more than plain text.
fn has_templates(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'{', bytes).any(|at| matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')))
}
