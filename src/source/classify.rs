//! What the entries of a migrations folder are: scripts, their `.conf` files, neither, or a mistake.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use unicode_normalization::UnicodeNormalization as _;

use super::SourceSettings;
use crate::{
    diagnostic::{Code, Diagnostic},
    files::{Action, Entry, FileError, Found, Reason},
    model::{
        name::{MigrationKind, Naming, Parsed},
        version::Version,
    },
};

/// A migrations folder and what is in it.
#[derive(Debug)]
pub(super) struct Location {
    /// The folder as the user would type it, from the project's root; empty for the root itself.
    pub(super) folder: String,
    /// Its entries, sorted by path.
    pub(super) entries: Vec<Entry>,
}

/// A script by its name, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) kind: MigrationKind,
    pub(super) version: Option<Version>,
    pub(super) description: String,
    pub(super) event: Option<String>,
    /// Path from the migrations folder, in NFC.
    pub(super) script: String,
    /// Path from the project's root, as on disk.
    pub(super) file: String,
    /// Path of its `.conf` file from the project's root.
    pub(super) conf: Option<String>,
}

/// All entries of all locations, sorted out.
pub(super) fn classify(
    settings: &SourceSettings,
    locations: &[Location],
) -> (Vec<Candidate>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let ignore = Ignore::new(&settings.ignore, &mut findings);
    let mut candidates = Vec::new();
    for location in locations {
        let mut here = Folder {
            location,
            naming: &settings.naming,
            ignore: &ignore,
            candidates: Vec::new(),
            confs: BTreeMap::new(),
            files: BTreeSet::new(),
        };
        here.sort_out(&mut findings);
        candidates.append(&mut here.finish(&mut findings));
    }
    (candidates, findings)
}

/// Files that the project says are no migrations.
struct Ignore {
    /// Compared with the file's name.
    names: GlobSet,
    /// Compared with whole paths.
    paths: GlobSet,
}

impl Ignore {
    fn new(globs: &[String], findings: &mut Vec<Diagnostic>) -> Self {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for glob in globs {
            let below = glob.ends_with('/').then(|| format!("{glob}**"));
            let pattern = below.as_deref().unwrap_or(glob);
            let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
            match GlobBuilder::new(pattern).literal_separator(true).build() {
                Ok(built) if pattern.contains('/') => paths.add(built),
                Ok(built) => names.add(built),
                Err(error) => {
                    let message = format!("'{glob}' under 'ignore' is no glob: {}", error.kind());
                    findings.push(Diagnostic::error(Code::InvalidValue, message).hint(
                        "a glob has '*' for a part of a name, '**' for any folders, '?' for a character",
                    ));
                    continue;
                }
            };
        }
        let empty = |_| GlobSet::empty();
        Self { names: names.build().unwrap_or_else(empty), paths: paths.build().unwrap_or_else(empty) }
    }

    fn matches(&self, name: &str, script: &str, file: &str) -> bool {
        self.names.is_match(name) || self.paths.is_match(script) || self.paths.is_match(file)
    }
}

struct Folder<'a> {
    location: &'a Location,
    naming: &'a Naming,
    ignore: &'a Ignore,
    candidates: Vec<Candidate>,
    /// `.conf` files: path of the script that they are for -> path from the root.
    confs: BTreeMap<String, String>,
    /// Every file, ignored and misnamed ones too.
    files: BTreeSet<String>,
}

impl Folder<'_> {
    fn sort_out(&mut self, findings: &mut Vec<Diagnostic>) {
        for entry in &self.location.entries {
            let path = entry.path.as_str();
            let script: String = if path.is_ascii() { path.to_owned() } else { path.nfc().collect() };
            let file = join(&self.location.folder, path);
            let name = script.rsplit('/').next().unwrap_or(&script).to_owned();
            if entry.found == Found::File {
                self.files.insert(script.clone());
            }
            if self.ignore.matches(&name, &script, &file) {
                continue;
            }
            match &entry.found {
                Found::File => self.file(&name, script, file, findings),
                Found::Folder => {
                    if matches!(self.naming.parse(&name), Parsed::Script { .. }) {
                        findings.push(
                            Diagnostic::error(
                                Code::RefusedPath,
                                format!("'{file}' is a folder with the name of a script"),
                            )
                            .in_file(&file)
                            .hint("rename the folder, or put the script's file in its place"),
                        );
                    }
                }
                Found::Refused(error) => {
                    if self.matters(&name, error) {
                        findings.push(refusal(error, &file));
                    }
                }
            }
        }
    }

    fn file(&mut self, name: &str, script: String, file: String, findings: &mut Vec<Diagnostic>) {
        if let Some(of) = script.strip_suffix(".conf") {
            let script_name = name.strip_suffix(".conf").unwrap_or(name);
            if self.naming.split_suffix(script_name).is_some() {
                self.confs.insert(of.to_owned(), file);
                return;
            }
        }
        match self.naming.parse(name) {
            Parsed::Script { kind, version, description, event } => self.candidates.push(Candidate {
                kind,
                version,
                description,
                event,
                script,
                file,
                conf: None,
            }),
            Parsed::NotAScript => {}
            Parsed::Misnamed { reason, suggestion } => {
                findings.push(self.misnamed(name, &reason, suggestion.as_deref()).in_file(file));
            }
            Parsed::Unsupported { extension } => findings.push(unsupported(name, &extension).in_file(file)),
        }
    }

    fn misnamed(&self, name: &str, reason: &str, suggestion: Option<&str>) -> Diagnostic {
        let naming = self.naming;
        let (versioned, separator) = (&naming.versioned, &naming.separator);
        let suffix = naming.suffixes.first().map_or("", String::as_str);
        let hint = match suggestion {
            Some(better) => format!("did you mean '{better}'? If it is no migration, list it under 'ignore'"),
            None => format!(
                "name it '{versioned}<version>{separator}<description>{suffix}', \
                 '{}{separator}<description>{suffix}' or after a callback event, or list it under 'ignore'",
                naming.repeatable
            ),
        };
        Diagnostic::error(Code::MisnamedFile, format!("'{name}' {reason}")).hint(hint)
    }

    /// Whether something that cannot be read could hold a migration.
    fn matters(&self, name: &str, error: &FileError) -> bool {
        let unseen = matches!(
            error.reason,
            Reason::Loop | Reason::Outside(_) | Reason::Permission | Reason::Name | Reason::Other(_)
        );
        let script = name.strip_suffix(".conf").unwrap_or(name);
        unseen || error.action == Action::List || self.naming.parse(script) != Parsed::NotAScript
    }

    fn finish(mut self, findings: &mut Vec<Diagnostic>) -> Vec<Candidate> {
        for candidate in &mut self.candidates {
            candidate.conf = self.confs.remove(&candidate.script);
        }
        for (script, file) in self.confs {
            if !self.files.contains(&script) {
                let name = script.rsplit('/').next().unwrap_or(&script);
                let message = format!("there is no script '{name}' beside '{file}', so nothing reads it");
                findings.push(
                    Diagnostic::warning(Code::OrphanConf, message)
                        .in_file(&file)
                        .hint("name it '<script>.sql.conf' after a script in the same folder, or delete it"),
                );
            }
        }
        self.candidates
    }
}

fn unsupported(name: &str, extension: &str) -> Diagnostic {
    let what = match extension {
        "" => "it has no ending, so Flyway would run it as a program".to_owned(),
        other => format!("files ending in '{other}' are not run"),
    };
    let ending = extension.to_ascii_lowercase();
    let hint = if ending.starts_with(".sql.") {
        "let its name end before the template ending: templates are rendered in every script"
    } else {
        "write it as SQL, run it as a step of the pipeline, or list it under 'ignore'"
    };
    Diagnostic::error(Code::UnsupportedFile, format!("'{name}' has the name of a migration, but {what}"))
        .hint(hint)
}

/// The finding for something on disk that cannot be used.
pub(super) fn refusal(error: &FileError, file: &str) -> Diagnostic {
    let (code, hint) = match &error.reason {
        Reason::Name => (Code::MisnamedFile, "rename it: names of scripts are UTF-8"),
        Reason::Loop => (Code::RefusedPath, "remove the link"),
        Reason::Dangling(_) => (Code::RefusedPath, "remove the link, or mend where it leads"),
        Reason::Outside(_) => {
            (Code::RefusedPath, "copy it into the project: what is applied must be under version control")
        }
        Reason::NotAFile(_) | Reason::NotAFolder => (Code::RefusedPath, "put an ordinary file in its place"),
        Reason::Permission => (Code::UnreadableFile, "give the user that runs snowops the right to read it"),
        Reason::TooLarge { .. } => {
            (Code::UnreadableFile, "load data with COPY INTO from a stage, not from a script")
        }
        Reason::Missing | Reason::Exists | Reason::NotUtf8 { .. } | Reason::Other(_) => {
            (Code::UnreadableFile, "look at the file: another program may have changed it meanwhile")
        }
    };
    Diagnostic::error(code, format!("'{file}' cannot be read: {}", error.reason)).in_file(file).hint(hint)
}

/// A path from the project's root, with `/`.
pub(super) fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// A configured folder as a user would type it: no `./` in front, no `/` behind, `/` between.
pub(super) fn shown(folder: &Utf8Path) -> String {
    let text = if cfg!(windows) { folder.as_str().replace('\\', "/") } else { folder.as_str().to_owned() };
    let mut text = text.as_str();
    while let Some(rest) = text.strip_prefix("./") {
        text = rest.trim_start_matches('/');
    }
    match text.trim_end_matches('/') {
        "" if text.starts_with('/') => "/".into(),
        "." => String::new(),
        other => other.to_owned(),
    }
}
