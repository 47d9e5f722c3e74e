//! The minijinja environment: what templates can see, where their includes come from, and one render.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minijinja::{
    AutoEscape, Environment, Error, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Kwargs, Serde, ValueKind},
};

use super::{
    Builtins, EnvValue, RenderSettings, Script, TemplateFile, TemplateLoader, filters, guard, jinja,
    map::{Captured, SourceMap},
    marks::{Places, What, mark_all},
    problem::{Problem, Sources, nearest, template_file},
    python, slots,
};
use crate::{
    diagnostic::{Code, Diagnostic, Place},
    model::checksum::Sha256,
};

/// minijinja's name of the script. No include can ask for it: names with control characters are refused.
const SCRIPT: &str = "\0script";

/// Folder and name that a template was asked for, and what was found.
type Cache = Mutex<HashMap<(String, String), Option<TemplateFile>>>;

/// Templates loaded by one render, by the name that they were asked for.
type Loaded = Mutex<BTreeMap<String, TemplateFile>>;

/// Renders the templates of one environment.
pub(super) struct Templates {
    base: Environment<'static>,
    builtins: Builtins,
    loader: Arc<dyn TemplateLoader>,
    cache: Arc<Cache>,
}

/// A script with its templates resolved.
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) map: SourceMap,
    pub(super) templates: Vec<(String, Sha256)>,
}

impl Templates {
    pub(super) fn new(settings: &RenderSettings, loader: Arc<dyn TemplateLoader>) -> Self {
        Self { base: base(settings), builtins: settings.builtins.clone(), loader, cache: Arc::default() }
    }

    /// Renders one script, on a thread of its own.
    pub(super) fn render(&self, script: &Script<'_>) -> Result<Rendered, Box<Diagnostic>> {
        guard::on_deep_stack(|| self.render_here(script)).unwrap_or_else(|| {
            let message = "the template engine stopped without an answer";
            Err(Box::new(Diagnostic::error(Code::Internal, message).in_file(script.file)))
        })
    }

    fn render_here(&self, script: &Script<'_>) -> Result<Rendered, Box<Diagnostic>> {
        check_nesting(&template_file(script.file, script.text)).map_err(|problem| problem.0)?;
        let loaded: Arc<Loaded> = Arc::default();
        let mut env = self.environment(script.name, script.text.len());
        self.load_from_files(&mut env, script.folder, &loaded);
        let result = env
            .template_from_named_str(SCRIPT, script.text)
            .and_then(|template| template.render_with_spans(()));
        let sources = Sources {
            script_name: SCRIPT,
            script: template_file(script.file, script.text),
            loaded: lock(&loaded).clone(),
            known: if result.is_err() { self.known() } else { vec![] },
        };
        let (text, spans) = result.map_err(|error| Box::new(sources.diagnose(&error)))?;
        let mut map = SourceMap::empty(script.file, sources.script.text.clone());
        map.push_spans(&spans, text.len(), |map, name| {
            sources.file(name).map_or(0, |file| map.add_file(&file.file, &file.text))
        });
        let templates: BTreeMap<String, Sha256> =
            sources.loaded.values().map(|f| (f.file.clone(), Sha256::of_text(&f.text))).collect();
        let again = self.environment(script.name, script.text.len());
        let length = text.len();
        let map = map.with_captured(Captured::new(move || captured(&again, &sources, length)));
        Ok(Rendered { text, map, templates: templates.into_iter().collect() })
    }

    /// What a script of this name and size can use, without a loader.
    fn environment(&self, name: &str, size: usize) -> Environment<'static> {
        let mut env = self.base.clone();
        env.set_fuel(Some(guard::fuel(size)));
        env.add_global("snowops", self.builtins.with_script(name));
        env
    }

    /// Gives `env` the templates that the scripts in `folder` see; what it loads is kept in `loaded`.
    fn load_from_files(&self, env: &mut Environment<'_>, folder: &str, loaded: &Arc<Loaded>) {
        let (source, cache, loaded) = (self.loader.clone(), self.cache.clone(), loaded.clone());
        let folder = folder.to_owned();
        env.set_loader(move |name| {
            let found = find(&*source, &cache, &folder, name)?;
            Ok(found.map(|file| {
                let text = file.text.to_string();
                lock(&loaded).insert(name.to_owned(), file);
                text
            }))
        });
    }

    /// All names that a template can use, for the sake of the nearest one.
    fn known(&self) -> Vec<String> {
        let globals = self.base.globals().map(|(name, _)| name.to_owned());
        globals.chain(self.builtins.names().map(|name| format!("snowops.{name}"))).collect()
    }
}

/// Renders the same templates as before with marks in them. `length` is what they gave then.
fn captured(env: &Environment<'static>, sources: &Sources, length: usize) -> Option<Places> {
    let render = |text: &str, texts: BTreeMap<String, String>| {
        let mut env: Environment<'_> = env.clone();
        env.set_loader(move |name| Ok(texts.get(name).cloned()));
        let template = env.template_from_named_str(SCRIPT, text).ok()?;
        template.render(()).ok()
    };
    let texts = sources.loaded.iter().map(|(name, file)| (name.clone(), file.text.to_string())).collect();
    guard::on_deep_stack(|| {
        let texts: &BTreeMap<String, String> = &texts;
        let plain = render(&sources.script.text, texts.clone()).filter(|plain| plain.len() == length)?;
        [What::All, What::Raw].into_iter().find_map(|what| {
            let (marked, text, texts) = mark_all(what, syntax(), &sources.script, &sources.loaded);
            marked.read(&render(&text, texts)?, &plain)
        })
    })?
}

impl Builtins {
    fn pairs(&self) -> [(&'static str, Option<&String>); 5] {
        [
            ("environment", self.environment.as_ref()),
            ("database", self.database.as_ref()),
            ("schema", self.schema.as_ref()),
            ("role", self.role.as_ref()),
            ("warehouse", self.warehouse.as_ref()),
        ]
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let given = self.pairs().into_iter().filter(|(_, value)| value.is_some());
        given.map(|(name, _)| name).chain(["script"])
    }

    /// The `snowops` object. What the environment does not say is left out, so that using it is an error and never
    /// the text "None" in a statement.
    fn with_script(&self, script: &str) -> Value {
        let given = self.pairs().into_iter().filter_map(|(name, value)| Some((name, value?.clone())));
        Value::from(given.chain([("script", script.to_owned())]).collect::<BTreeMap<_, _>>())
    }
}

/// The syntax of templates: minijinja's own, but a last line end stays, as a rendered text must not lose one.
fn syntax() -> SyntaxConfig {
    let built = SyntaxConfig::builder().keep_trailing_newline(true).build();
    built.unwrap_or_default()
}

fn base(settings: &RenderSettings) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_syntax(syntax());
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_formatter(|out, state, value| {
        // Functions, macros and modules print as names of the program's insides.
        if value.kind() == ValueKind::Plain {
            let finding =
                Diagnostic::error(Code::TemplateError, "a function or macro is printed instead of called")
                    .hint("put parentheses with its arguments behind the name");
            return Err(Problem::from(finding).into());
        }
        if value.is_undefined() {
            return minijinja::escape_formatter(out, state, value);
        }
        match value.as_str() {
            Some(_) => minijinja::escape_formatter(out, state, value),
            None => Ok(out.write_str(&python::text(state, value)?)?),
        }
    });
    env.set_unknown_method_callback(python::method);
    // Only so do errors say which name was undefined; their excerpts are our own.
    env.set_debug(true);
    // It would print every variable into a script.
    env.remove_global("debug");
    jinja::add(&mut env);
    filters::add(&mut env);
    for (name, value) in &settings.vars {
        env.add_global(name.clone(), Value::from(Serde(value)));
    }
    for name in &settings.secrets {
        env.add_global(name.clone(), slots::slot(name));
    }
    env.add_global("snowops", ());
    let mut values = settings.env.clone();
    values.extend(settings.secrets.iter().map(|name| (name.clone(), EnvValue::Secret)));
    let values = Arc::new(values);
    let listed = values.clone();
    env.add_function("env_var", move |name: &str, default: Option<Value>, more: Kwargs| {
        let default = default.or(more.get("default")?);
        more.assert_all_used()?;
        // As in schemachange, `none` is no default.
        env_var(&values, name, default.filter(|value| !value.is_none()))
    });
    env.add_function("secret", move |name: &str| secret(&listed, name));
    env
}

fn env_var(values: &BTreeMap<String, EnvValue>, name: &str, default: Option<Value>) -> Result<Value, Error> {
    let finding = match (values.get(name), default) {
        (Some(EnvValue::Text(text)), _) => return Ok(Value::from(text)),
        (Some(EnvValue::Secret), _) => return Ok(Value::from(slots::slot(name))),
        (Some(EnvValue::Missing), Some(default)) => return Ok(default),
        (Some(EnvValue::Missing), None) => {
            let message = format!("the environment variable {name} is not set");
            Diagnostic::error(Code::UndefinedVariable, message)
                .hint(format!("set {name}, or write env_var('{name}', 'default')"))
        }
        (None, _) => {
            let message = format!("the environment variable {name} is not listed for templates");
            let finding = Diagnostic::error(Code::UndefinedVariable, message);
            match nearest(name, values.keys().map(String::as_str)) {
                Some(near) => {
                    finding.hint(format!("did you mean {near}? Else list {name} under 'env:' in snowops.yml"))
                }
                None => finding.hint(format!("list {name} under 'env:' in snowops.yml")),
            }
        }
    };
    Err(Problem::from(finding).into())
}

fn secret(values: &BTreeMap<String, EnvValue>, name: &str) -> Result<String, Error> {
    if matches!(values.get(name), Some(EnvValue::Secret)) {
        return Ok(slots::slot(name));
    }
    let finding = Diagnostic::error(Code::UndefinedVariable, format!("there is no secret {name}"));
    let secrets = values.iter().filter(|(_, value)| matches!(value, EnvValue::Secret));
    let finding = match nearest(name, secrets.map(|(name, _)| name.as_str())) {
        Some(near) => {
            finding.hint(format!("did you mean {near}? Else list {name} under 'secrets:' in snowops.yml"))
        }
        None => finding.hint(format!("list {name} under 'secrets:' in snowops.yml")),
    };
    Err(Problem::from(finding).into())
}

/// A template through the loader, or as it was found before; checked before anything parses it.
fn find(
    loader: &dyn TemplateLoader,
    cache: &Cache,
    folder: &str,
    name: &str,
) -> Result<Option<TemplateFile>, Error> {
    if name.is_empty() || name.contains(char::is_control) {
        return Ok(None);
    }
    let key = (folder.to_owned(), name.to_owned());
    if let Some(known) = lock(cache).get(&key) {
        return Ok(known.clone());
    }
    let found = loader.load(folder, name).map_err(Problem::from)?;
    if let Some(file) = &found {
        check_nesting(file)?;
    }
    lock(cache).insert(key, found.clone());
    Ok(found)
}

fn check_nesting(file: &TemplateFile) -> Result<(), Problem> {
    guard::check_nesting(&file.text, syntax()).map_err(|deep| {
        let place = Place::of(&*file.file, &file.text, deep.range);
        let finding = Diagnostic::error(Code::TemplateLimit, deep.message).at(place);
        Problem::from(
            finding.hint("split it into several tags, or put the values into a list and loop over it"),
        )
    })
}

/// A poisoned lock only means that a render panicked; the maps inside are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
