//! The next file of a project: its version, its name, what stands in it.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        name::{MigrationKind, Naming, Parsed},
        version::Version,
    },
};

/// A file to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name, without folders.
    pub name: String,
    /// What stands in it.
    pub content: String,
}

/// Longest file name of the usual file systems, in bytes.
const LONGEST_NAME: usize = 255;

/// The version for a new file: the highest one with its last part plus one, in the same width; where the highest is
/// a time of 14 digits, the time `now` in UTC; where there is none, 1. Always above the highest.
pub fn next_version(existing: &[Version], now: Timestamp) -> Version {
    let Some(highest) = existing.iter().max() else { return Version::first() };
    let time = now.strftime("%Y%m%d%H%M%S").to_string();
    match Version::parse(&time) {
        Some(time) if is_time(highest) && time > *highest => time,
        _ => highest.next(),
    }
}

fn is_time(version: &Version) -> bool {
    let text = version.as_str();
    text.len() == 14
        && text.bytes().all(|b| b.is_ascii_digit())
        && jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).is_ok()
}

/// Name and content of a new script.
///
/// Runs of white space in `description` become `_`. Refused are an empty description, and one that holds a path
/// separator, a control character, or a character that Windows has in no file name; and a version where the kind
/// has none, or none where it needs one.
pub fn new_file(
    naming: &Naming,
    kind: MigrationKind,
    version: Option<&Version>,
    description: &str,
) -> Result<NewFile, Diagnostic> {
    let description = safe(description)?;
    let Some(prefix) = naming.prefix(kind) else {
        return Err(Diagnostic::error(Code::InvalidUsage, "callbacks are named after their event")
            .hint("create a file named after the event, for example beforeMigrate.sql"));
    };
    let needs_version =
        matches!(kind, MigrationKind::Versioned | MigrationKind::Baseline | MigrationKind::Undo);
    let version = match version {
        Some(version) if needs_version => version.as_str(),
        None if !needs_version => "",
        Some(_) => {
            return Err(Diagnostic::error(Code::InvalidUsage, format!("{kind} migrations have no version")));
        }
        None => {
            return Err(Diagnostic::error(Code::InvalidUsage, format!("{kind} migrations need a version")));
        }
    };
    let suffix = naming.suffixes.first().map_or("", String::as_str);
    let name = format!("{prefix}{version}{}{description}{suffix}", naming.separator);
    if name.len() > LONGEST_NAME {
        return Err(Diagnostic::error(
            Code::InvalidUsage,
            format!("the file name would have {} bytes; file systems allow {LONGEST_NAME}", name.len()),
        )
        .hint("shorten the description"));
    }
    match naming.parse(&name) {
        Parsed::Script { kind: read, .. } if read == kind => {
            Ok(NewFile { name, content: content(kind).to_owned() })
        }
        _ => Err(Diagnostic::error(
            Code::InvalidValue,
            format!("with the configured 'naming', '{name}' would not be read as a {kind} migration"),
        )
        .hint("correct 'naming' in snowops.yml: each kind needs its own prefix")),
    }
}

fn safe(description: &str) -> Result<String, Diagnostic> {
    let refused = |what: String| {
        Diagnostic::error(Code::InvalidUsage, format!("the description {what}"))
            .hint("describe the change in a few words, for example 'add orders'")
    };
    let bad = |c: char| c.is_control() || matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*');
    if let Some(c) = description.trim().chars().find(|c| bad(*c)) {
        return Err(refused(format!("holds {c:?}, which cannot stand in a file name")));
    }
    let words: Vec<&str> = description.split_whitespace().collect();
    if words.is_empty() {
        return Err(refused("is empty".into()));
    }
    Ok(words.join("_").nfc().collect())
}

fn content(kind: MigrationKind) -> &'static str {
    match kind {
        MigrationKind::Versioned => "-- Runs once. To change what it did, add a new migration.\n\n",
        MigrationKind::Repeatable => {
            "-- Runs again whenever its text changes: CREATE OR REPLACE, CREATE OR ALTER, GRANT.\n\n"
        }
        MigrationKind::Always => "-- Runs in every migrate, last.\n\n",
        MigrationKind::Baseline => {
            "-- Takes the place of all versioned migrations up to its version, on an empty target.\n\n"
        }
        MigrationKind::Undo => "-- Takes back the versioned migration of the same version.\n\n",
        MigrationKind::Callback => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn the_next_version_follows_the_highest() {
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let cases: &[(&[&str], &str)] = &[
            (&[], "1"),
            (&["1", "10", "9"], "11"),
            (&["1.2.0", "1.1.9"], "1.2.1"),
            (&["007", "003"], "008"),
            (&["2026.03"], "2026.04"),
            (&["3", "20240131120000"], "20260304050607"),
            // A clock behind, and two files within a second.
            (&["20990131120000"], "20990131120001"),
            (&["20260304050607"], "20260304050608"),
            // Fourteen digits that are no time.
            (&["20241331120000"], "20241331120001"),
            (&["00000000000009"], "00000000000010"),
            (&["20240131120000.1"], "20240131120000.2"),
        ];
        for (existing, next) in cases {
            let existing: Vec<_> = existing.iter().map(|text| version(text)).collect();
            let found = next_version(&existing, now);
            assert_eq!(found.as_str(), *next, "{existing:?}");
            assert!(existing.iter().all(|other| found > *other), "{existing:?}");
        }
    }

    #[test]
    fn new_files_are_named_by_their_kind() {
        let one = version("1.2");
        let cases = [
            (MigrationKind::Versioned, Some(&one), "add orders", "V1.2__add_orders.sql"),
            (MigrationKind::Baseline, Some(&one), "base", "B1.2__base.sql"),
            (MigrationKind::Undo, Some(&one), "add orders", "U1.2__add_orders.sql"),
            (MigrationKind::Repeatable, None, "  orders   view ", "R__orders_view.sql"),
            (MigrationKind::Always, None, "cafe\u{301}", "A__caf\u{E9}.sql"),
        ];
        let naming = Naming::default();
        for (kind, version, description, name) in cases {
            let file = new_file(&naming, kind, version, description).unwrap();
            assert_eq!(file.name, name);
            assert!(file.content.starts_with("-- ") && file.content.ends_with('\n'), "{name}");
            assert!(matches!(naming.parse(&file.name), Parsed::Script { kind: read, .. } if read == kind));
        }
    }

    #[test]
    fn what_gives_no_good_name_is_refused() {
        let naming = Naming::default();
        let one = version("1");
        for description in
            ["", "  ", "a/b", "../x", "a\\b", "a\0", "a\u{1b}[1m", "a\nb", "what?", "a:b", &"x".repeat(300)]
        {
            let error = new_file(&naming, MigrationKind::Versioned, Some(&one), description).unwrap_err();
            assert_eq!(error.code, Code::InvalidUsage, "{description:?}");
            assert!(!error.message.contains(char::is_control), "{description:?}");
        }
        assert!(new_file(&naming, MigrationKind::Versioned, None, "x").is_err());
        assert!(new_file(&naming, MigrationKind::Repeatable, Some(&one), "x").is_err());
        assert!(new_file(&naming, MigrationKind::Callback, None, "x").is_err());
        let twins = Naming { always: "R".into(), ..Naming::default() };
        let error = new_file(&twins, MigrationKind::Always, None, "x").unwrap_err();
        assert_eq!(error.code, Code::InvalidValue);
    }
}
