//! A project's work tree.

mod templates;

use camino::{Utf8Path, Utf8PathBuf};
pub use templates::Templates;

use super::{
    Resolved, SourceSettings,
    classify::{Location, shown},
    resolve::resolve as resolve_locations,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    files::{self, FileError, Reason},
};

/// Resolves the scripts in the migrations folders of a work tree: all findings at once, and never a hang.
pub fn resolve(settings: &SourceSettings) -> Resolved {
    let mut findings = Vec::new();
    let mut locations = Vec::new();
    for folder in distinct_folders(settings, &mut findings) {
        match files::walk(&settings.root.join(&folder), &settings.root) {
            Ok(entries) => locations.push(Location { folder: shown(&folder), entries }),
            Err(error) => findings.push(unusable(&folder, &error)),
        }
    }
    let read = |file: &str| files::read_bytes(&settings.root.join(file));
    resolve_locations(settings, &locations, &read, findings)
}

/// The folders that exist, without those that lie in another one: their scripts would be found twice.
fn distinct_folders(settings: &SourceSettings, findings: &mut Vec<Diagnostic>) -> Vec<Utf8PathBuf> {
    let mut found: Vec<(&Utf8PathBuf, Utf8PathBuf)> = Vec::new();
    for folder in &settings.migrations {
        match files::canonical(&settings.root.join(folder)) {
            Ok(real) => found.push((folder, real)),
            Err(error) => findings.push(unusable(folder, &error)),
        }
    }
    let holder = |at: usize| {
        found.iter().enumerate().find(|(other, (_, real))| {
            let inside = found[at].1.starts_with(real);
            inside && (*real != found[at].1 || *other < at)
        })
    };
    let mut kept = Vec::new();
    for (at, (folder, _)) in found.iter().enumerate() {
        match holder(at) {
            None => kept.push((*folder).clone()),
            Some((_, (outer, _))) => findings.push(
                Diagnostic::warning(
                    Code::OverlappingFolders,
                    format!("the migrations folder '{folder}' is part of '{outer}' and is not read again"),
                )
                .hint("list each folder once; what is below a listed folder is read with it"),
            ),
        }
    }
    kept
}

fn unusable(folder: &Utf8Path, error: &FileError) -> Diagnostic {
    let shown = shown(folder);
    match &error.reason {
        Reason::Missing => {
            Diagnostic::error(Code::MissingFolder, format!("the migrations folder '{shown}' does not exist"))
                .hint("create it, or correct 'migrations' in snowops.yml")
        }
        Reason::Permission => Diagnostic::error(
            Code::UnreadableFile,
            format!("the migrations folder '{shown}' cannot be read: {}", error.reason),
        )
        .hint("give the user that runs snowops the right to read it"),
        reason => Diagnostic::error(
            Code::RefusedPath,
            format!("the migrations folder '{shown}' cannot be used: {reason}"),
        )
        .hint("correct 'migrations' in snowops.yml"),
    }
    .in_file(shown)
}

#[cfg(test)]
mod tests;
