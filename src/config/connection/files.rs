//! The Snowflake CLI's files: where they are, what they hold, who may see them.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Number;
use toml::de::{DeTable, DeValue};

use super::{
    super::{
        Inputs, load,
        node::{Entry, Kind, Node, Origin, Source, Sources},
    },
    keys,
    permissions::{self, Guarded},
};
use crate::{
    diagnostic::{Code, Diagnostic, Place},
    files,
};

const CONNECTIONS: &str = "connections.toml";
const CONFIG: &str = "config.toml";

/// What the files say.
#[derive(Default)]
pub(super) struct Files {
    /// The folder where they are looked for; none without a home folder.
    pub(super) folder: Option<Utf8PathBuf>,
    connections: Vec<Entry>,
    /// `default_connection_name` of `config.toml`.
    pub(super) default_name: Option<Node>,
    pub(super) findings: Vec<Diagnostic>,
    /// A file could not be read in full, so that a missing connection says nothing.
    pub(super) broken: bool,
}

impl Files {
    pub(super) fn connection(&self, name: &str) -> Option<&Node> {
        self.connections.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.connections.iter().map(|entry| entry.key.as_str())
    }
}

/// Reads the files. `connections.toml`, where it exists, takes the place of all connections in `config.toml`.
pub(super) fn read(inputs: &Inputs, root: &Utf8Path, sources: &mut Sources) -> Files {
    let mut found = Files::default();
    let Some(folder) = folder(inputs, &mut found.findings) else { return found };
    let config = one(inputs, root, &folder.join(CONFIG), CONFIG, sources, &mut found);
    let connections = one(inputs, root, &folder.join(CONNECTIONS), CONNECTIONS, sources, &mut found);
    let tables = |node: &Node| -> Vec<Entry> {
        node.entries().iter().filter(|entry| matches!(entry.value.kind, Kind::Map(_))).cloned().collect()
    };
    found.default_name = config
        .as_ref()
        .and_then(|config| config.get("default_connection_name"))
        .filter(|node| node.as_str().is_some_and(|name| !name.is_empty()))
        .cloned();
    found.connections = match (&connections, &config) {
        (Some(connections), _) => tables(connections),
        (None, Some(config)) => config.get("connections").map(tables).unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    found.folder = Some(folder);
    found
}

/// `SNOWFLAKE_HOME` if that folder is there, `~/.snowflake` if it is, else the system's folder for configurations: as
/// the Python connector's `sf_dirs` and its library `platformdirs` choose.
fn folder(inputs: &Inputs, findings: &mut Vec<Diagnostic>) -> Option<Utf8PathBuf> {
    let process = &inputs.process;
    if let Some(text) = process.filled("SNOWFLAKE_HOME") {
        let given = inputs.directory.join(with_home(inputs, text));
        if files::exists(&given) {
            return Some(given);
        }
        let message = format!("SNOWFLAKE_HOME is set, and there is no folder {given}");
        let finding = Diagnostic::warning(Code::InvalidConnection, message);
        findings.push(finding.hint("correct it; like other Snowflake tools, snowops looks elsewhere then"));
    } else if let Some(usual) =
        home(inputs).map(|home| home.join(".snowflake")).filter(|path| files::exists(path))
    {
        return Some(usual);
    }
    let of_variable = |name: &str| process.filled(name).map(Utf8PathBuf::from);
    let of_home = |below: &str| home(inputs).map(|home| home.join(below));
    let configurations = if cfg!(windows) {
        of_variable("LOCALAPPDATA").or_else(|| of_home("AppData/Local"))
    } else if cfg!(target_os = "macos") {
        of_home("Library/Application Support")
    } else {
        of_variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| of_home(".config"))
    };
    Some(configurations?.join("snowflake"))
}

fn home(inputs: &Inputs) -> Option<Utf8PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    inputs.process.filled(name).map(|home| inputs.directory.join(home))
}

/// A path with its `~`, alone or before a slash, replaced.
pub(super) fn with_home(inputs: &Inputs, path: &str) -> Utf8PathBuf {
    let below = match path.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix(['/', '\\']),
        None => None,
    };
    match (below, home(inputs)) {
        (Some(below), Some(home)) => home.join(below),
        _ => path.into(),
    }
}

fn one(
    inputs: &Inputs,
    root: &Utf8Path,
    path: &Utf8Path,
    layer: &'static str,
    sources: &mut Sources,
    found: &mut Files,
) -> Option<Node> {
    if !files::exists(path) {
        return None;
    }
    let shown = load::shown_path(inputs, path);
    let text = match files::read_text(path) {
        Ok(text) => text,
        Err(error) => {
            found.broken = true;
            let finding = Diagnostic::error(Code::InvalidConnection, error.to_string());
            found
                .findings
                .push(finding.in_file(shown).hint("mend or remove it: connections are read from it"));
            return None;
        }
    };
    // A byte-order mark would count as a column.
    let text = text.strip_prefix('\u{FEFF}').map_or_else(|| text.clone(), str::to_owned);
    let file = sources.0.len();
    let (node, faults) = parse(&text, file);
    found.broken |= !faults.is_empty();
    for (message, at) in faults {
        // Text of this file may be a secret: the place says enough.
        let place = Place { excerpt: None, ..Place::of(shown.clone(), &text, at) };
        let finding =
            Diagnostic::error(Code::InvalidConnection, format!("this is not valid TOML: {message}"));
        found
            .findings
            .push(finding.at(place).hint("write one key = \"value\" a line, below [the connection's name]"));
    }
    let guarded = Guarded {
        secret: holds_secret(&node),
        checked_out: checked_out(root, path),
        skip: permissions::skip(inputs),
    };
    found.findings.extend(permissions::finding(path, "the file", guarded).map(|f| f.in_file(shown.clone())));
    sources.0.push(Source { file: shown, text, layer });
    Some(node)
}

fn holds_secret(node: &Node) -> bool {
    node.entries().iter().any(|entry| {
        let secret = keys::is_secret(&entry.key) && entry.value.as_str().is_some_and(|text| !text.is_empty());
        secret || holds_secret(&entry.value)
    })
}

/// Whether a file belongs to the repository of the project, or without one to the project's folder.
fn checked_out(root: &Utf8Path, path: &Utf8Path) -> bool {
    let top = root.ancestors().find(|folder| files::exists(&folder.join(".git"))).unwrap_or(root);
    match (files::canonical(top), files::canonical(path)) {
        (Ok(top), Ok(path)) => path.starts_with(top),
        _ => false,
    }
}

/// A TOML text as a tree, and its faults with their places.
fn parse(text: &str, file: usize) -> (Node, Vec<(String, std::ops::Range<usize>)>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let faults = errors.iter().map(|error| {
        let message = error.message().lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
        (message, error.span().unwrap_or(0..0))
    });
    let mut faults: Vec<(String, std::ops::Range<usize>)> = faults.collect();
    faults.sort_by_key(|(_, at)| at.start);
    let at = table.span();
    (map(table.into_inner(), Origin::File { file, at }, file), faults)
}

/// In the order of the text, which the parser does not keep.
fn map(table: DeTable<'_>, origin: Origin, file: usize) -> Node {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entries = entries.into_iter().map(|(key, value)| {
        let origin = Origin::File { file, at: key.span() };
        let at = Origin::File { file, at: value.span() };
        Entry { key: key.into_inner().into_owned(), origin, value: node(value.into_inner(), at, file) }
    });
    Node::map(entries.collect(), origin)
}

fn node(value: DeValue<'_>, origin: Origin, file: usize) -> Node {
    let kind = match value {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) => Kind::Number(value.into()),
            Err(_) => Kind::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>().ok().and_then(Number::from_f64) {
            Some(value) => Kind::Number(value),
            None => Kind::Text(number.as_str().to_owned()),
        },
        DeValue::Boolean(value) => Kind::Bool(value),
        DeValue::Datetime(value) => Kind::Text(value.to_string()),
        DeValue::Array(items) => Kind::List(
            items
                .into_iter()
                .map(|item| {
                    let at = Origin::File { file, at: item.span() };
                    node(item.into_inner(), at, file)
                })
                .collect(),
        ),
        DeValue::Table(table) => return map(table, origin, file),
    };
    Node::new(kind, origin)
}
