//! The connection of a Snowflake environment: which one is meant, its layers, and what they amount to.
//!
//! Strongest first: keys of the environment, `SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>`, the connection itself (in a file of
//! the Snowflake CLI, or inline), `SNOWFLAKE_<KEY>`. That is the order which Snowflake documents for its CLI
//! (<https://docs.snowflake.com/en/developer-guide/snowflake-cli/connecting/configure-connections>).
//!
//! Only an environment on Snowflake comes here: for others neither files nor variables are looked at.

mod endpoint;
mod files;
mod keys;
mod login;
mod network;
mod permissions;
mod settings;

use camino::{Utf8Path, Utf8PathBuf};
pub(super) use endpoint::is_loopback;
pub(super) use keys::{inline as inline_keys, is_secret};
pub(super) use network::rows as network_rows;
pub(super) use settings::Settings;

use super::{
    Inputs,
    check::Check,
    node::{Node, Origin, Sources},
    process::{commit_and_pipeline, is_undefined_reference},
    show::Shown,
    words::nearest,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::connection::Connection,
};

/// A connection with all its layers applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedConnection {
    /// How to reach the account and log in, or all that is in the way. Commands that need no server go on without.
    pub outcome: Result<Connection, Vec<Diagnostic>>,
    /// Its keys in effect with the places that they come from; secrets are masked.
    pub keys: Vec<Shown>,
}

/// Keys that an environment may give itself; where it does, the connection's do not count.
const SHARED_KEYS: [&str; 6] = ["account", "user", "role", "warehouse", "database", "schema"];

/// The part of them that is the context of scripts.
pub(super) const CONTEXT_KEYS: [&str; 4] = ["database", "schema", "role", "warehouse"];

/// The connection that an environment asks for, before it is made out of its settings.
pub(super) struct Found {
    /// What messages call it, behind the word connection.
    label: String,
    /// Its name, where it has one, and what chose it.
    pub(super) name: Option<Node>,
    /// Where the environment asks for it.
    at: Origin,
    /// Keys in effect.
    pub(super) settings: Settings,
    /// What was found on the way to the settings.
    findings: Vec<Diagnostic>,
}

impl Found {
    /// Keys in effect, without those of the scripts' context: these are the environment's, wherever they come from.
    pub(super) fn own_settings(&self) -> impl Iterator<Item = (&'static str, &Node)> {
        self.settings.in_order().filter(|(key, _)| !CONTEXT_KEYS.contains(key))
    }

    /// Whether something is in the way already.
    pub(super) fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.findings.iter().filter(|finding| finding.is_error())
    }
}

/// Which connection is meant.
enum Asked<'a> {
    Named(&'a Node),
    Inline(Option<&'a Node>),
    Ambient,
}

/// Finds the connection that an environment asks for. `sources` gets the files that it is read from.
pub(super) fn find(
    inputs: &Inputs,
    root: &Utf8Path,
    said: &Node,
    section: &Origin,
    sources: &mut Sources,
) -> Found {
    let asked = match said.get("connection") {
        Some(node) if node.as_str().is_some() => Asked::Named(node),
        Some(node) => Asked::Inline(Some(node)),
        // The account of a connection that nobody named would be overruled: its credentials are meant for another.
        None if said.get("account").is_some() => Asked::Inline(None),
        None => Asked::Ambient,
    };
    let files = match asked {
        Asked::Inline(_) => files::Files::default(),
        Asked::Named(_) | Asked::Ambient => files::read(inputs, root, sources),
    };
    let mut check = Check { sources, findings: Vec::new() };
    check.findings.extend(files.findings.iter().cloned());
    let name = match asked {
        Asked::Named(node) => Some(node.clone()),
        Asked::Inline(_) => None,
        Asked::Ambient => ambient(inputs, &files),
    };
    let label = match (&name, &asked) {
        (Some(node), _) => format!("`{}`", node.as_str().unwrap_or_default()),
        (None, Asked::Inline(_)) => "in snowops.yml".to_owned(),
        (None, _) => "in SNOWFLAKE_* variables".to_owned(),
    };
    let at = match &asked {
        Asked::Named(node) | Asked::Inline(Some(node)) => node.origin.clone(),
        Asked::Inline(None) | Asked::Ambient => section.clone(),
    };
    let mut settings = Settings::default();
    settings.below(&SHARED_KEYS.iter().filter_map(|key| Some((*key, said.get(key)?.clone()))).collect());
    if let Some(node) = &name {
        let text = node.as_str().unwrap_or_default();
        let variables = settings::named_variables(inputs, text, &mut check);
        let table = files.connection(text);
        if table.is_none() && variables.is_empty() && !files.broken {
            unknown(&files, node, &mut check);
        }
        settings.below(&variables);
        settings.below(&table.map(|table| settings::table(table, text, &mut check)).unwrap_or_default());
    }
    if let Asked::Inline(Some(node)) = asked {
        settings.below(&settings::scalars(node));
    }
    settings.below(&settings::generic_variables(inputs));
    let findings = check.findings;
    Found { label, name, at, settings, findings }
}

/// The connection that the Snowflake CLI and the drivers use when none is named.
fn ambient(inputs: &Inputs, files: &files::Files) -> Option<Node> {
    const VARIABLE: &str = "SNOWFLAKE_DEFAULT_CONNECTION_NAME";
    if let Some(name) = inputs.process.filled(VARIABLE) {
        return Some(Node::text(name, Origin::Variable(VARIABLE.to_owned())));
    }
    if let Some(node) = &files.default_name {
        return Some(node.clone());
    }
    let there = files.connection("default").is_some() || settings::has_named_variables(inputs, "default");
    there.then(|| Node::text("default", Origin::Default))
}

fn unknown(files: &files::Files, asked: &Node, check: &mut Check<'_>) {
    let name = asked.as_str().unwrap_or_default();
    if is_undefined_reference(name) {
        let message =
            format!("the connection is `{name}`, the text of a pipeline variable that is not defined");
        let finding = Diagnostic::error(Code::UnknownConnection, message);
        check.report(&asked.origin, finding.hint("define the variable in the pipeline, or correct its name"));
        return;
    }
    let names: Vec<&str> = files.names().collect();
    let place = files
        .folder
        .as_ref()
        .map_or_else(|| "connections.toml".to_owned(), |folder| folder.join("connections.toml").to_string());
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "add [{name}] to {place}, or set variables such as {}ACCOUNT",
            settings::named_prefix(name)
        ),
    };
    let mut finding =
        Diagnostic::error(Code::UnknownConnection, format!("there is no connection `{name}`")).hint(hint);
    if !names.is_empty() {
        finding = finding.note(format!("connections there: {}", names.join(", ")));
    }
    check.report(&asked.origin, finding);
}

/// What is needed to make a connection out of its settings.
struct Making<'a> {
    inputs: &'a Inputs,
    root: &'a Utf8Path,
    found: &'a Found,
    check: Check<'a>,
}

impl Making<'_> {
    /// The text of a key, a number or truth value as text.
    fn text(&self, key: &str) -> Option<String> {
        self.found.settings.get(key).and_then(Node::scalar)
    }

    /// Reports at the place of a key.
    fn at(&mut self, key: &str, finding: Diagnostic) {
        match self.found.settings.get(key) {
            Some(node) => self.check.report(&node.origin, finding),
            None => self.missing(finding),
        }
    }

    /// Reports what no key is to blame for.
    fn missing(&mut self, finding: Diagnostic) {
        self.check.report(&self.found.at, finding);
    }

    /// A truth value; the Snowflake CLI reads 1 and 0 too.
    fn flag(&mut self, key: &str) -> bool {
        match self.text(key).map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                let message = format!("`{key}` needs true or false");
                self.at(key, Diagnostic::error(Code::InvalidValue, message).hint("write true or false"));
                false
            }
        }
    }

    /// A path as the drivers read it: `~` is the home folder, and what is relative starts in the current folder; in
    /// `snowops.yml` it starts beside that file.
    fn path(&self, key: &str) -> Option<Utf8PathBuf> {
        let node = self.found.settings.get(key)?;
        let path = files::with_home(self.inputs, node.as_str()?);
        let start =
            if self.check.sources.is_project_file(&node.origin) { self.root } else { &self.inputs.directory };
        Some(start.join(path))
    }
}

/// Makes the connection out of its settings. All findings come back, those of the search too; with an error among
/// them there is no connection.
pub(super) fn make(
    inputs: &Inputs,
    root: &Utf8Path,
    found: &Found,
    sources: &Sources,
) -> (Option<Connection>, Vec<Diagnostic>) {
    let check = Check { sources, findings: found.findings.clone() };
    let mut making = Making { inputs, root, found, check };
    if found.errors().next().is_some() {
        return (None, making.check.findings);
    }
    undefined(&mut making);
    let account = making.text("account");
    if account.is_none() {
        let message = format!("connection {} has no `account`", found.label);
        let finding = Diagnostic::error(Code::InvalidConnection, message)
            .hint("give it where the connection is, or set SNOWFLAKE_ACCOUNT: the organization's and the account's name, `myorg-myaccount`");
        making.missing(finding);
    }
    let endpoint = endpoint::endpoint(&mut making);
    let network = network::network(&mut making, endpoint.as_ref().map(|endpoint| endpoint.protocol));
    let login = login::login(&mut making);
    let user = making.text("user");
    let findings = making.check.findings;
    let connection = match (account, endpoint, login) {
        (Some(account), Some(endpoint), Some(login)) if !crate::diagnostic::any_error(&findings) => {
            Some(Connection { label: found.label.clone(), account, user, endpoint, network, login })
        }
        _ => None,
    };
    (connection, findings)
}

/// Refuses values that are the text of an undefined pipeline variable. In `snowops.yml` its own check does.
fn undefined(making: &mut Making<'_>) {
    for (key, node) in making.found.settings.in_order() {
        let text = node.as_str().filter(|text| is_undefined_reference(text.trim()));
        let Some(text) = text.filter(|_| !making.check.sources.is_project_file(&node.origin)) else {
            continue;
        };
        let code = if is_secret(key) { Code::InvalidSecret } else { Code::InvalidValue };
        let message = format!("`{key}` holds `{text}`, the text of a pipeline variable that is not defined");
        let finding = Diagnostic::error(code, message)
            .hint("define the variable in the pipeline, or correct its name in the step's `env:` map");
        making.check.report(&node.origin, finding);
    }
}

/// Whether snowops runs in a pipeline, where nobody sits beside it.
fn in_pipeline(inputs: &Inputs) -> bool {
    commit_and_pipeline(&inputs.process).ci
}

#[cfg(test)]
mod tests;
