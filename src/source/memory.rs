//! Scripts that are no files: what tests and other parts hand over as text.

use std::collections::BTreeMap;

use super::{
    Resolved, SourceSettings,
    classify::{Location, join, shown},
    resolve::resolve as resolve_locations,
};
use crate::files::{Action, Entry, FileError, Found, Reason};

/// Resolves pairs of path and text by the rules of a work tree. Paths are from the project's root, with `/`; those
/// outside the migrations folders are left alone.
pub fn resolve<P: AsRef<str>, T: AsRef<[u8]>>(settings: &SourceSettings, files: &[(P, T)]) -> Resolved {
    let by_path: BTreeMap<&str, &[u8]> =
        files.iter().map(|(path, text)| (path.as_ref(), text.as_ref())).collect();
    let locations: Vec<_> = settings
        .migrations
        .iter()
        .map(|folder| {
            let folder = shown(folder);
            let start = join(&folder, "");
            let below = by_path.keys().filter_map(|path| path.strip_prefix(start.as_str()));
            let entries = below.map(|path| Entry { path: path.into(), found: Found::File }).collect();
            Location { folder, entries }
        })
        .collect();
    let read = |file: &str| match by_path.get(file) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(FileError { path: file.into(), action: Action::Read, reason: Reason::Missing }),
    };
    resolve_locations(settings, &locations, &read, Vec::new())
}
