//! Finding and reading the files, choosing the environment, and laying the layers over one another.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Number, Value};

use super::{
    Inputs,
    check::Check,
    connection::{CONTEXT_KEYS, Settings},
    keys::{KEYS, Level},
    node::{Entry, Kind, Node, Origin, Source, Sources},
    process::{KEY_VARIABLES, OTHER_VARIABLES, VAR_PREFIX, is_undefined_reference},
    words::nearest,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    files,
};

/// Name of the configuration file.
pub const FILE_NAME: &str = "snowops.yml";
/// Name of the file beside it that is not committed.
pub const LOCAL_FILE_NAME: &str = "snowops.local.yml";

/// The files of a project, read and checked.
pub(super) struct Opened {
    pub(super) sources: Sources,
    /// Folder of the configuration file.
    pub(super) root: Utf8PathBuf,
    pub(super) file: Utf8PathBuf,
    /// `snowops.local.yml` laid over `snowops.yml`.
    pub(super) tree: Node,
    pub(super) findings: Vec<Diagnostic>,
}

/// Reads the files and checks them; `Err` where there is no tree to go on with.
pub(super) fn open(inputs: &Inputs) -> Result<Opened, Vec<Diagnostic>> {
    let file = locate(inputs).map_err(|finding| vec![*finding])?;
    let root = match file.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent.to_owned(),
        _ => Utf8PathBuf::from("."),
    };
    let mut sources = Sources::default();
    let shown = shown_path(inputs, &file);
    sources.0.push(read(&file, shown, FILE_NAME).map_err(|finding| vec![*finding])?);
    let local = root.join(LOCAL_FILE_NAME);
    if files::exists(&local) {
        let shown = shown_path(inputs, &local);
        sources.0.push(read(&local, shown, LOCAL_FILE_NAME).map_err(|finding| vec![*finding])?);
    }
    from_sources(sources, root, file)
}

/// Checks files that were read.
pub(super) fn from_sources(
    sources: Sources,
    root: Utf8PathBuf,
    file: Utf8PathBuf,
) -> Result<Opened, Vec<Diagnostic>> {
    // A byte-order mark would count as a column.
    let mut sources = sources;
    for source in &mut sources.0 {
        if let Some(rest) = source.text.strip_prefix('\u{FEFF}') {
            source.text = rest.to_owned();
        }
    }
    let mut check = Check { sources: &sources, findings: Vec::new() };
    let mut trees = Vec::new();
    let mut broken = false;
    for index in 0..sources.0.len() {
        match sources.parse(index) {
            Ok(tree) => {
                check.file(&tree);
                trees.push(tree);
            }
            Err(finding) => {
                broken = true;
                check.findings.push(*finding);
            }
        }
    }
    if broken {
        return Err(check.findings);
    }
    let mut trees = trees.into_iter();
    let mut tree = trees.next().unwrap_or_else(|| Node::map(Vec::new(), Origin::Default));
    for over in trees {
        keep_protection(&mut check, &tree, &over);
        tree = tree.merged(over);
    }
    check_default(&mut check, &tree);
    let findings = check.findings;
    Ok(Opened { sources, root, file, tree, findings })
}

/// A file that nobody reviews must not take away what keeps an environment safe.
fn keep_protection(check: &mut Check<'_>, base: &Node, over: &Node) {
    let Some(environments) = over.get("environments") else { return };
    for entry in environments.entries() {
        let was = base
            .get("environments")
            .and_then(|environments| environments.get(&entry.key))
            .is_some_and(|environment| environment.get("protected").is_some_and(Node::is_true));
        if let Some(protected) = entry.value.get("protected").filter(|p| was && !p.is_true()) {
            let message = format!("`environments.{}.protected` cannot be taken back here", entry.key);
            let finding = Diagnostic::error(Code::InvalidValue, message)
                .hint(format!("change it in {FILE_NAME}, where others see it"));
            check.report(&protected.origin, finding);
        }
    }
}

fn check_default(check: &mut Check<'_>, tree: &Node) {
    let Some(node) = tree.get("default_environment") else { return };
    let Some(name) = node.as_str() else { return };
    let names = environment_names(tree);
    if !names.contains(&name) {
        let finding = Diagnostic::error(
            Code::UnknownEnvironment,
            format!("`default_environment` is `{name}`, and there is no such environment"),
        );
        check.report(&node.origin, finding.hint(suggestion(name, &names)));
    } else if is_protected(tree, name) {
        let finding = Diagnostic::error(
            Code::InvalidValue,
            format!("`default_environment` is `{name}`, which is protected"),
        )
        .hint("a protected environment is never chosen by default: name another one");
        check.report(&node.origin, finding);
    }
}

fn locate(inputs: &Inputs) -> Result<Utf8PathBuf, Box<Diagnostic>> {
    let missing = |message: String| {
        let finding = Diagnostic::error(Code::InvalidConfig, message);
        Box::new(finding.hint(
            "`snowops init` makes a new project; an existing one is found from any folder inside it, or named \
             with -c FILE",
        ))
    };
    let given =
        inputs.config.clone().or_else(|| inputs.process.filled("SNOWOPS_CONFIG").map(Utf8PathBuf::from));
    if let Some(given) = given {
        let path = inputs.directory.join(&given);
        return if files::exists(&path) {
            Ok(path)
        } else {
            Err(missing(format!("there is no configuration file {given}")))
        };
    }
    inputs
        .directory
        .ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| files::exists(path))
        .ok_or_else(|| missing(format!("there is no {FILE_NAME} here or in a folder above")))
}

/// The path as a person in the current folder would type it.
pub(super) fn shown_path(inputs: &Inputs, file: &Utf8Path) -> String {
    let path = file.strip_prefix(&inputs.directory).unwrap_or(file);
    path.as_str().replace('\\', "/")
}

fn read(path: &Utf8Path, shown: String, layer: &'static str) -> Result<Source, Box<Diagnostic>> {
    match files::read_text(path) {
        Ok(text) => Ok(Source { file: shown, text, layer }),
        Err(error) => {
            let message = format!("the configuration cannot be read: {error}");
            Err(Box::new(Diagnostic::error(Code::InvalidConfig, message).in_file(shown)))
        }
    }
}

/// Names of the environments, in the order of the file.
pub(super) fn environment_names(tree: &Node) -> Vec<&str> {
    let environments = tree.get("environments").map(Node::entries).unwrap_or_default();
    environments.iter().map(|entry| entry.key.as_str()).collect()
}

pub(super) fn is_protected(tree: &Node, name: &str) -> bool {
    tree.get("environments")
        .and_then(|environments| environments.get(name))
        .and_then(|environment| environment.get("protected"))
        .is_some_and(Node::is_true)
}

fn suggestion(name: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return format!("name one under `environments` in {FILE_NAME}");
    }
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? environments: {}", names.join(", ")),
        None => format!("environments: {}", names.join(", ")),
    }
}

/// The environment of a command: `--env`, else `SNOWOPS_ENV`, else `default_environment`, else the only one. A
/// protected one is never chosen by default.
pub(super) fn choose(inputs: &Inputs, tree: &Node) -> Result<(String, Origin), Box<Diagnostic>> {
    let none = |message: String, hint: String| {
        Err(Box::new(Diagnostic::error(Code::UnknownEnvironment, message).hint(hint)))
    };
    let names = environment_names(tree);
    let given = match (&inputs.environment, inputs.process.filled("SNOWOPS_ENV")) {
        (Some(name), _) => Some((name.as_str(), Origin::Flag("--env"))),
        (None, Some(name)) => Some((name, Origin::Variable("SNOWOPS_ENV".to_owned()))),
        (None, None) => None,
    };
    if let Some((name, origin)) = given {
        if names.contains(&name) {
            return Ok((name.to_owned(), origin));
        }
        let by = if matches!(origin, Origin::Flag(_)) { "--env" } else { "SNOWOPS_ENV" };
        return none(format!("there is no environment `{name}` ({by})"), suggestion(name, &names));
    }
    let default = tree.get("default_environment");
    if let Some((name, origin)) = default.and_then(|node| Some((node.as_str()?, &node.origin))) {
        // An unknown or protected default is a finding of the file's check already.
        if names.contains(&name) && !is_protected(tree, name) {
            return Ok((name.to_owned(), origin.clone()));
        }
    }
    match names.as_slice() {
        [] => none(
            "the configuration has no environment".to_owned(),
            "add one: environments: { local: { engine: embedded } }".to_owned(),
        ),
        [only] if !is_protected(tree, only) => Ok(((*only).to_owned(), Origin::Default)),
        [only] => none(
            format!("the only environment, `{only}`, is protected and never chosen by default"),
            format!("name it: --env {only}"),
        ),
        several => none(
            "no environment was chosen".to_owned(),
            format!("choose one with --env or SNOWOPS_ENV: {}", several.join(", ")),
        ),
    }
}

/// What the files and the process say for one environment, without defaults: the environment over the top level,
/// variables over both, options over all. Keys without a value are gone.
pub(super) fn effective(inputs: &Inputs, opened: &Opened, name: &str, check: &mut Check<'_>) -> Node {
    let mut result = Node::map(Vec::new(), Origin::Default);
    let section = opened.tree.get("environments").and_then(|environments| environments.get(name));
    for key in KEYS {
        let top = opened.tree.get(key.name).filter(|_| key.level != Level::Environment);
        let own = section.and_then(|section| section.get(key.name)).filter(|_| key.level != Level::Top);
        let value = match (top.cloned(), own.cloned()) {
            (Some(top), Some(own)) => top.merged(own),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => continue,
        };
        if key.name != "environments" {
            result.set(key.name, value);
        }
    }
    for (variable, key) in KEY_VARIABLES {
        if let Some(text) = inputs.process.filled(variable) {
            let node = Node::text(text, Origin::Variable(variable.to_owned()));
            key_variable(check, &node, key);
            result.set(key, node);
        }
    }
    give_vars(inputs, opened, &mut result, check);
    result.without_nulls()
}

fn key_variable(check: &mut Check<'_>, node: &Node, key: &str) {
    if node.as_str().is_some_and(is_undefined_reference) {
        let text = node.as_str().unwrap_or_default();
        let message = format!("`{text}` is the text of a pipeline variable that is not defined");
        let finding = Diagnostic::error(Code::InvalidValue, message)
            .hint("define the variable in the pipeline, or correct its name");
        check.report(&node.origin, finding);
    } else if key != "connection" {
        check.name(node, key);
    }
}

/// Gives `vars` the values of `SNOWOPS_VAR_*` and `--var`, and warns of variables that nothing reads.
fn give_vars(inputs: &Inputs, opened: &Opened, tree: &mut Node, check: &mut Check<'_>) {
    let mut vars = tree.get("vars").cloned().unwrap_or_else(|| Node::map(Vec::new(), Origin::Default));
    let declared: Vec<String> = vars.entries().iter().map(|entry| entry.key.clone()).collect();
    for (at, entry) in vars.entries().iter().enumerate() {
        if let Some(twin) = declared.iter().take(at).find(|name| name.eq_ignore_ascii_case(&entry.key))
            && *twin != entry.key
        {
            let message = format!("`vars.{}` and `vars.{twin}` differ in case only", entry.key);
            let finding = Diagnostic::error(Code::InvalidValue, message)
                .hint("variables of the process and `${}` placeholders do not see case: rename one");
            check.report(&entry.origin, finding);
        }
    }
    for (variable, text) in inputs.process.snowops() {
        let Some(name) = variable.strip_prefix(VAR_PREFIX) else {
            warn_unknown(check, variable);
            continue;
        };
        match declared.iter().find(|declared| declared.eq_ignore_ascii_case(name)) {
            Some(declared) => {
                give(check, &mut vars, declared, text, &Origin::Variable(variable.to_owned()));
            }
            None if declared_elsewhere(&opened.tree, name) => {}
            None => {
                let hint = nearest(name, declared.iter().map(String::as_str)).map_or_else(
                    || "declare it under `vars`, or take the variable away".to_owned(),
                    |near| format!("did you mean {VAR_PREFIX}{}?", near.to_uppercase()),
                );
                let message =
                    format!("{variable} is set, and no variable of that name is declared under `vars`");
                check.findings.push(Diagnostic::warning(Code::UnknownVariable, message).hint(hint));
            }
        }
    }
    for (name, text) in &inputs.vars {
        if declared.contains(name) {
            give(check, &mut vars, name, text, &Origin::Flag("--var"));
        } else {
            let hint = nearest(name, declared.iter().map(String::as_str)).map_or_else(
                || format!("declare it under `vars` in {FILE_NAME} first"),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("--var {name}: no variable `{name}` is declared under `vars`");
            check.findings.push(Diagnostic::error(Code::InvalidUsage, message).hint(hint));
        }
    }
    if !vars.entries().is_empty() {
        tree.set("vars", vars);
    }
}

fn warn_unknown(check: &mut Check<'_>, variable: &str) {
    let known = KEY_VARIABLES.iter().map(|(name, _)| *name).chain(OTHER_VARIABLES);
    if known.clone().any(|name| name == variable) {
        return;
    }
    let hint = nearest(variable, known).map_or_else(
        || "variables that snowops reads are listed in docs/reference/config.md".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    let message = format!("{variable} is set, and snowops reads no such variable");
    check.findings.push(Diagnostic::warning(Code::UnknownVariable, message).hint(hint));
}

/// Whether another environment declares the name: one pipeline may set variables for several.
fn declared_elsewhere(tree: &Node, name: &str) -> bool {
    let environments = tree.get("environments").map(Node::entries).unwrap_or_default();
    environments.iter().any(|environment| {
        let vars = environment.value.get("vars").map(Node::entries).unwrap_or_default();
        vars.iter().any(|entry| entry.key.eq_ignore_ascii_case(name))
    })
}

fn give(check: &mut Check<'_>, vars: &mut Node, name: &str, text: &str, origin: &Origin) {
    let Some(declared) = vars.get(name) else { return };
    if is_undefined_reference(text) {
        let message =
            format!("`vars.{name}` gets `{text}`, the text of a pipeline variable that is not defined");
        let finding = Diagnostic::error(Code::InvalidValue, message)
            .hint("define the variable in the pipeline, or correct its name");
        check.report(origin, finding);
        return;
    }
    if let Some(value) = typed(text, declared) {
        vars.set(name, Node::from_json(value, origin));
        return;
    }
    let message = format!("`vars.{name}` is {}, and the given value is not", declared.kind_word());
    let hint = match declared.kind {
        Kind::Bool(_) => "give true or false",
        Kind::Number(_) => {
            "give a number without superfluous digits; one of more than 15 must be declared as a text"
        }
        _ => "give it as JSON",
    };
    check.report(origin, Diagnostic::error(Code::InvalidValue, message).hint(hint));
}

/// Reads a text as the type of the declared value. Azure Pipelines writes truth values as `True` and `False`.
fn typed(text: &str, declared: &Node) -> Option<Value> {
    match &declared.kind {
        Kind::Null | Kind::Text(_) => Some(Value::String(text.to_owned())),
        Kind::Bool(_) if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Kind::Bool(_) if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        Kind::Bool(_) => None,
        // One that would come out otherwise than it was given is none.
        Kind::Number(_) => number(text).filter(|n| n.to_string() == text.trim()).map(Value::Number),
        Kind::List(_) => serde_json::from_str(text).ok().filter(Value::is_array),
        Kind::Map(_) => serde_json::from_str(text).ok().filter(Value::is_object),
    }
}

fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    let whole =
        text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from));
    whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}

/// What holds where nothing is said. Keys that depend on others (`path`, `history.database`) too, and those that a
/// connection brings along; without one the engine is the embedded one.
pub(super) fn defaults(
    opened: &Opened,
    environment: &str,
    said: &Node,
    connection: Option<&Settings>,
) -> Node {
    let embedded = connection.is_none();
    let mut json = serde_json::json!({
        "project": project_name(&opened.root),
        "engine": if embedded { "embedded" } else { "snowflake" },
        "secondary_roles": "none",
        "protected": false,
        "migrations": ["migrations"],
        "templates": "templates",
        "encoding": "utf-8",
        "placeholders": false,
        "naming": {
            "prefixes": { "versioned": "V", "repeatable": "R", "always": "A", "baseline": "B", "undo": "U" },
            "separator": "__",
            "suffixes": [".sql"],
        },
        "ignore": [],
        "history": { "schema": "SNOWOPS", "table": "snowops_schema_history" },
        "lock": { "ttl": "120s" },
    });
    let mut database = said.get("database").and_then(Node::as_str).map(str::to_owned);
    if embedded {
        json["path"] = format!(".snowops/{environment}.db").into();
        json["database"] = "LOCAL".into();
        json["schema"] = "PUBLIC".into();
        database = database.or_else(|| Some("LOCAL".to_owned()));
    }
    let given = |key| connection.and_then(|settings| settings.get(key));
    database = database.or_else(|| given("database").and_then(Node::as_str).map(str::to_owned));
    if let Some(database) = database {
        json["history"]["database"] = database.into();
    }
    let mut tree = Node::from_json(json, &Origin::Default);
    for key in CONTEXT_KEYS {
        if let Some(node) = given(key) {
            tree.set(key, node.clone());
        }
    }
    tree
}

/// The name of a project that gives none: its folder's.
pub(super) fn project_name(root: &Utf8Path) -> String {
    root.file_name().unwrap_or("project").to_owned()
}

/// Where a section of an environment starts.
pub(super) fn section_origin(tree: &Node, name: &str) -> Origin {
    let environments: &[Entry] = tree.get("environments").map(Node::entries).unwrap_or_default();
    environments.iter().find(|entry| entry.key == name).map_or(Origin::Default, |entry| entry.origin.clone())
}
