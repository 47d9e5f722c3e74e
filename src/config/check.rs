//! The check of a whole file against the keys: all findings, each with its place.

use super::{
    connection,
    keys::{KEYS, Key, Level, Shape, key},
    node::{Kind, Node, Origin, Sources},
    process::is_undefined_reference,
    secret::LITERAL_KEYS,
    words::{self, DURATION_HINT, either, nearest},
};
use crate::diagnostic::{Code, Diagnostic};

/// Names that templates have from snowops itself.
const RESERVED: [&str; 3] = ["snowops", "env_var", "secret"];

/// What is wrong with the values of a configuration, with their places.
pub(super) struct Check<'a> {
    pub(super) sources: &'a Sources,
    pub(super) findings: Vec<Diagnostic>,
}

impl Check<'_> {
    /// Adds a finding at a value. A value from outside the files is named in the message.
    pub(super) fn report(&mut self, origin: &Origin, finding: Diagnostic) {
        let mut finding = finding;
        match (self.sources.place(origin), origin) {
            (Some(place), _) => finding = finding.at(place),
            (None, Origin::Variable(name)) => finding.message = format!("{name}: {}", finding.message),
            (None, Origin::Flag(name)) => finding.message = format!("{name}: {}", finding.message),
            (None, Origin::Default | Origin::File { .. }) => {}
        }
        self.findings.push(finding);
    }

    fn invalid(&mut self, origin: &Origin, message: String, hint: impl Into<String>) {
        self.report(origin, Diagnostic::error(Code::InvalidValue, message).hint(hint));
    }

    /// Checks a whole file.
    pub(super) fn file(&mut self, root: &Node) {
        if matches!(root.kind, Kind::Map(_) | Kind::Null) {
            self.level(root, Level::Top, "");
        } else {
            let message = format!("a configuration is a map of keys, and this is {}", root.kind_word());
            self.invalid(&root.origin, message, "start with `environments:` and an environment below it");
        }
    }

    fn level(&mut self, map: &Node, level: Level, path: &str) {
        self.map(map, KEYS, level, path);
    }

    fn map(&mut self, map: &Node, keys: &[Key], level: Level, path: &str) {
        self.duplicates(map, path);
        for entry in map.entries() {
            let full = dotted(path, &entry.key);
            match keys.iter().find(|key| key.name == entry.key && key.level.allows(level)) {
                Some(Key { shape: Shape::Later, .. }) => self.report(
                    &entry.origin,
                    Diagnostic::error(
                        Code::UnknownKey,
                        format!("`{full}` is not supported yet by this version of snowops"),
                    )
                    .hint("remove the key"),
                ),
                Some(key) => self.value(&entry.value, &entry.origin, key.shape, &full),
                None => self.unknown(&entry.key, &entry.origin, keys, level, path),
            }
        }
    }

    fn duplicates(&mut self, map: &Node, path: &str) {
        let entries = map.entries();
        for (at, entry) in entries.iter().enumerate() {
            if let Some(first) = entries.iter().take(at).find(|other| other.key == entry.key) {
                let mut finding = Diagnostic::error(
                    Code::InvalidConfig,
                    format!("`{}` is given twice", dotted(path, &entry.key)),
                )
                .hint("keep one of the two");
                if let Some(line) = self.sources.line(&first.origin) {
                    finding = finding.note(format!("first given in line {line}"));
                }
                self.report(&entry.origin, finding);
            }
        }
    }

    fn unknown(&mut self, name: &str, origin: &Origin, keys: &[Key], level: Level, path: &str) {
        let full = dotted(path, name);
        if LITERAL_KEYS.contains(&name.to_ascii_lowercase().as_str()) {
            self.literal(&full, origin);
            return;
        }
        let finding = Diagnostic::error(Code::UnknownKey, format!("unknown key `{full}`"));
        let valid: Vec<_> = keys
            .iter()
            .filter(|key| key.level.allows(level) && !matches!(key.shape, Shape::Later))
            .map(|key| key.name)
            .collect();
        let hint = if keys.iter().any(|key| key.name == name) {
            match level {
                Level::Environment => format!("`{name}` stands at the top level, not in an environment"),
                Level::Top | Level::Both => {
                    format!("`{name}` stands in an environment: environments.<name>.{name}")
                }
            }
        } else if let Some(near) = nearest(name, valid.iter().copied()) {
            format!("did you mean `{near}`?")
        } else {
            format!("keys here: {}", valid.join(", "))
        };
        self.report(origin, finding.hint(hint));
    }

    fn literal(&mut self, full: &str, origin: &Origin) {
        let finding = Diagnostic::error(
            Code::InvalidSecret,
            format!("`{full}` is a credential, and none may stand in a configuration file"),
        )
        .hint(
            "put it into a variable of the Snowflake CLI (SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY_FILE, \
             SNOWFLAKE_TOKEN, ..) or into a connection of its connections.toml; for scripts, list a variable's \
             name under `secrets`. If this one was committed, replace it",
        );
        self.report(origin, finding);
    }

    fn value(&mut self, node: &Node, key: &Origin, shape: Shape, path: &str) {
        if node.is_null() {
            return;
        }
        match shape {
            Shape::Text => {
                self.filled(node, path);
            }
            Shape::Name => self.name(node, path),
            Shape::Bool => self.boolean(node, path),
            Shape::Texts => self.texts(node, path),
            Shape::Word(words) => self.word(node, words, path),
            Shape::Duration(least, most) => self.duration(node, least, most, path),
            Shape::Encoding => self.encoding(node, path),
            Shape::Globs => self.globs(node, path),
            Shape::Group(keys) => {
                if self.is_map(node, path) {
                    self.map(node, keys, Level::Both, path);
                }
            }
            Shape::Vars => self.vars(node, path),
            Shape::EnvNames => self.env_names(node, path),
            Shape::SecretNames => self.secret_names(node, path),
            Shape::Parameters => self.parameters(node, path),
            Shape::Connection => self.connection(node, path),
            Shape::Environments => self.environments(node, path),
            Shape::Later => {}
        }
        self.undefined(node, key, path);
    }

    fn undefined(&mut self, node: &Node, key: &Origin, path: &str) {
        if let Some(text) = node.as_str().filter(|text| is_undefined_reference(text)) {
            let origin = if matches!(node.origin, Origin::Default) { key } else { &node.origin };
            let message =
                format!("`{path}` holds `{text}`, the text of a pipeline variable that is not defined");
            self.invalid(origin, message, "define the variable in the pipeline, or correct its name");
        }
    }

    fn filled<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        match node.as_str() {
            Some("") => {
                self.invalid(&node.origin, format!("`{path}` is empty"), "give a value or remove the key");
                None
            }
            Some(text) => Some(text),
            None => {
                let message = format!("`{path}` needs a text, and this is {}", node.kind_word());
                let hint = node.scalar().map_or_else(
                    || "give one value".to_owned(),
                    |text| format!("write it in quotes: \"{text}\""),
                );
                self.invalid(&node.origin, message, hint);
                None
            }
        }
    }

    pub(super) fn name(&mut self, node: &Node, path: &str) {
        let Some(text) = self.filled(node, path) else { return };
        if words::name(text).is_none() && !is_undefined_reference(text) {
            let message = format!("`{path}` is `{text}`, which SQL does not take as a name without quotes");
            let hint = format!("if it is meant so, write '\"{}\"'", text.replace('"', "\"\""));
            self.invalid(&node.origin, message, hint);
        }
    }

    fn boolean(&mut self, node: &Node, path: &str) {
        if !matches!(node.kind, Kind::Bool(_)) {
            let message = format!("`{path}` needs true or false, and this is {}", node.kind_word());
            self.invalid(&node.origin, message, "write true or false, without quotes");
        }
    }

    fn list<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Node] {
        if !matches!(node.kind, Kind::List(_)) {
            let message = format!("`{path}` needs a list, and this is {}", node.kind_word());
            let hint =
                node.scalar().map_or_else(|| "write [a, b]".to_owned(), |text| format!("write [{text}]"));
            self.invalid(&node.origin, message, hint);
        }
        node.items()
    }

    fn is_map(&mut self, node: &Node, path: &str) -> bool {
        let is_map = matches!(node.kind, Kind::Map(_));
        if !is_map {
            let message = format!("`{path}` needs keys below it, and this is {}", node.kind_word());
            self.invalid(&node.origin, message, "write { key: value }, or the keys on lines of their own");
        }
        is_map
    }

    fn texts(&mut self, node: &Node, path: &str) {
        for item in self.list(node, path) {
            self.filled(item, path);
        }
        if node.items().is_empty() && matches!(path, "migrations" | "naming.suffixes") {
            self.invalid(&node.origin, format!("`{path}` is an empty list"), "name at least one");
        }
    }

    fn word(&mut self, node: &Node, words: &[&str], path: &str) {
        let Some(text) = self.filled(node, path) else { return };
        if !words.contains(&text) {
            let hint = nearest(text, words.iter().copied())
                .map_or_else(|| format!("write {}", either(words)), |near| format!("did you mean `{near}`?"));
            self.invalid(&node.origin, format!("`{path}` is {}, not `{text}`", either(words)), hint);
        }
    }

    pub(super) fn duration(&mut self, node: &Node, least: u64, most: u64, path: &str) {
        let Some(text) = node.scalar() else {
            let message = format!("`{path}` needs a duration, and this is {}", node.kind_word());
            self.invalid(&node.origin, message, DURATION_HINT);
            return;
        };
        match words::duration(&text) {
            None => self.invalid(&node.origin, format!("`{path}`: `{text}` is no duration"), DURATION_HINT),
            Some(time) if time.as_secs() < least || time.as_secs() > most => {
                let message = format!("`{path}`: {text} lies outside {least}s to {most}s");
                self.invalid(&node.origin, message, DURATION_HINT);
            }
            Some(_) => {}
        }
    }

    fn encoding(&mut self, node: &Node, path: &str) {
        let Some(text) = self.filled(node, path) else { return };
        if encoding_rs::Encoding::for_label(text.as_bytes()).is_none() {
            let message = format!("`{path}`: `{text}` is no encoding that snowops knows");
            self.invalid(&node.origin, message, "common ones: utf-8, utf-16le, windows-1252, iso-8859-15");
        }
    }

    fn globs(&mut self, node: &Node, path: &str) {
        for item in self.list(node, path) {
            let Some(text) = self.filled(item, path) else { continue };
            if let Err(error) = globset::Glob::new(text) {
                let message = format!("`{path}`: `{text}` is no glob: {}", error.kind());
                self.invalid(&item.origin, message, "write `**/README.sql` or `scratch/*`");
            }
        }
    }

    fn vars(&mut self, node: &Node, path: &str) {
        if !self.is_map(node, path) {
            return;
        }
        self.duplicates(node, path);
        for entry in node.entries() {
            let full = dotted(path, &entry.key);
            if !is_variable_name(&entry.key) {
                let message = format!("`{full}` is no name that a template can use");
                self.invalid(&entry.origin, message, "use letters, digits and `_`, not a digit first");
            }
            if RESERVED.contains(&entry.key.as_str()) {
                let message = format!("`{full}` would hide a name of snowops' own");
                self.invalid(&entry.origin, message, "choose another name");
            }
            self.exact(&entry.value, &full);
            if entry.value.as_str().is_some_and(|value| !value.is_empty()) && looks_literal(&entry.key) {
                let finding = Diagnostic::warning(
                    Code::InvalidSecret,
                    format!("`{full}` looks like a secret, and `vars` are shown and committed"),
                )
                .hint(format!(
                    "list a variable's name under `secrets` instead: secrets: [{}]",
                    entry.key.to_uppercase()
                ));
                self.report(&entry.origin, finding);
            }
        }
    }

    /// A number that would come out otherwise than it was written, in SQL of all places.
    fn exact(&mut self, node: &Node, path: &str) {
        match &node.kind {
            Kind::Number(number) => {
                let shown = number.to_string();
                if let Some(written) = self.sources.written(&node.origin).filter(|text| *text != shown) {
                    let message = format!("`{path}` is written {written} and would become {shown}");
                    let hint = format!("put it in quotes, '{written}', so that it stays as it is");
                    self.invalid(&node.origin, message, &hint);
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.exact(item, path)),
            Kind::Map(entries) => {
                for entry in entries {
                    self.exact(&entry.value, &dotted(path, &entry.key));
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Text(_) => {}
        }
    }

    fn variable(&mut self, node: &Node, path: &str) {
        let Some(text) = self.filled(node, path) else { return };
        if !is_variable_name(text) {
            let message = format!("`{path}`: `{text}` is no name of a variable");
            self.invalid(&node.origin, message, "use letters, digits and `_`, not a digit first");
        }
    }

    fn env_names(&mut self, node: &Node, path: &str) {
        const TOLD: &[Key] =
            &[key("name", Level::Both, Shape::Text), key("secret", Level::Both, Shape::Bool)];
        for item in self.list(node, path) {
            if !matches!(item.kind, Kind::Map(_)) {
                self.variable(item, path);
                continue;
            }
            self.duplicates(item, path);
            for entry in item.entries() {
                let full = dotted(path, &entry.key);
                match entry.key.as_str() {
                    "name" => self.variable(&entry.value, &full),
                    "secret" => self.boolean(&entry.value, &full),
                    _ => self.unknown(&entry.key, &entry.origin, TOLD, Level::Both, path),
                }
            }
            if item.get("name").is_none() {
                let message = format!("an item of `{path}` has no `name`");
                self.invalid(&item.origin, message, "write {name: VARIABLE, secret: false}");
            }
        }
    }

    fn secret_names(&mut self, node: &Node, path: &str) {
        if matches!(node.kind, Kind::Map(_)) {
            let message = format!("`{path}` needs a list of variables' names, and this is a map");
            let finding = Diagnostic::error(Code::InvalidSecret, message).hint(
                "write the names only, [LOADER_PASSWORD]; the values come from the process environment",
            );
            self.report(&node.origin, finding);
            return;
        }
        for item in self.list(node, path) {
            self.variable(item, path);
        }
    }

    fn parameters(&mut self, node: &Node, path: &str) {
        if !self.is_map(node, path) {
            return;
        }
        self.duplicates(node, path);
        for entry in node.entries() {
            let full = dotted(path, &entry.key);
            if words::name(&entry.key).is_none() {
                let message = format!("`{full}` is no name of a session parameter");
                self.invalid(&entry.origin, message, "write names like TIMEZONE or LOCK_TIMEOUT");
            }
            let off = entry.value.scalar().is_some_and(|value| value.eq_ignore_ascii_case("false"));
            if off && entry.key.eq_ignore_ascii_case("AUTOCOMMIT") {
                // Without it a script's DML would end inside a transaction that nobody opened.
                let message = format!("`{full}` cannot be off: every script starts with it on");
                self.invalid(
                    &entry.origin,
                    message,
                    "open transactions in the script, with BEGIN and COMMIT",
                );
            }
            if entry.value.scalar().is_none() {
                let message = format!("`{full}` needs one value, and this is {}", entry.value.kind_word());
                self.invalid(&entry.value.origin, message, "give a text, a number, true or false");
            }
        }
    }

    fn connection(&mut self, node: &Node, path: &str) {
        if node.as_str().is_some() {
            self.filled(node, path);
            return;
        }
        if !self.is_map(node, path) {
            return;
        }
        self.duplicates(node, path);
        for entry in node.entries() {
            let full = dotted(path, &entry.key);
            if LITERAL_KEYS.contains(&entry.key.as_str()) || connection::is_secret(&entry.key) {
                self.literal(&full, &entry.origin);
            } else if !connection::inline_keys().any(|key| key == entry.key) {
                let hint = nearest(&entry.key, connection::inline_keys()).map_or_else(
                    || "docs/reference/connections.md lists the keys".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let finding = Diagnostic::error(Code::UnknownKey, format!("unknown key `{full}`"));
                self.report(&entry.origin, finding.hint(hint));
            } else if entry.value.scalar().is_none() && !entry.value.is_null() {
                let message = format!("`{full}` needs one value, and this is {}", entry.value.kind_word());
                self.invalid(&entry.value.origin, message, "give a text, a number, true or false");
            } else if matches!(entry.key.as_str(), "database" | "schema" | "role" | "warehouse") {
                self.name(&entry.value, &full);
            } else {
                self.undefined(&entry.value, &entry.origin, &full);
            }
        }
    }

    fn environments(&mut self, node: &Node, path: &str) {
        if !self.is_map(node, path) {
            return;
        }
        self.duplicates(node, path);
        for entry in node.entries() {
            let full = dotted(path, &entry.key);
            if !is_environment_name(&entry.key) {
                let message = format!("`{}` is no name of an environment", entry.key);
                self.invalid(&entry.origin, message, "use letters, digits, `_`, `-` and `.`, a letter first");
            }
            if !entry.value.is_null() && self.is_map(&entry.value, &full) {
                self.level(&entry.value, Level::Environment, &full);
            }
        }
    }
}

fn dotted(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn is_variable_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Environments name files (`.snowops/<name>.db`) and options, so their names are narrow.
fn is_environment_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// Whether a name under `vars` ends as names of secrets do. Endings only: `token_table` is none.
pub(super) fn looks_literal(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "pwd", "passphrase", "secret", "token", "private_key"]
        .iter()
        .any(|ending| name.ends_with(ending))
}
