//! From a file name to what it says.

use super::{MigrationKind, Naming};
use crate::model::version::Version;

/// The events of callbacks, Flyway's list (`Event.java` and its page on callback events). Names are case-sensitive.
pub const CALLBACK_EVENTS: &[&str] = &[
    "beforeConnect",
    "afterConnect",
    "createSchema",
    "beforeCreateSchema",
    "beforeMigrate",
    "beforeEachMigrate",
    "beforeEachMigrateStatement",
    "afterEachMigrateStatement",
    "afterEachMigrateStatementError",
    "afterEachMigrate",
    "afterEachMigrateError",
    "afterVersioned",
    "beforeRepeatables",
    "afterMigrateApplied",
    "afterMigrate",
    "afterMigrateError",
    "afterMigrateOperationFinish",
    "beforeValidate",
    "afterValidate",
    "afterValidateError",
    "beforeBaseline",
    "afterBaseline",
    "afterBaselineError",
    "beforeRepair",
    "afterRepair",
    "afterRepairError",
    "beforeInfo",
    "afterInfo",
    "afterInfoError",
    "afterInfoOperationFinish",
    "beforeClean",
    "afterClean",
    "afterCleanError",
    "beforeUndo",
    "beforeEachUndo",
    "beforeEachUndoStatement",
    "afterEachUndoStatement",
    "afterEachUndoStatementError",
    "afterEachUndo",
    "afterEachUndoError",
    "afterUndo",
    "afterUndoError",
    "beforeDeploy",
    "afterDeploy",
    "afterDeployError",
];

/// Endings of scripts that Flyway or schemachange run and snowops does not; longer ones first.
const FOREIGN_ENDINGS: &[&str] = &[
    ".cli.yml.jinja",
    ".cli.yaml.jinja",
    ".cli.yml",
    ".cli.yaml",
    ".sql.jinja",
    ".sql.j2",
    ".java",
    ".bash",
    ".cmd",
    ".bat",
    ".ps1",
    ".py",
    ".sh",
];

/// Words that Flyway reads as versions, even in file names (`MigrationVersion.java`).
const RESERVED: &[&str] = &["current", "next", "latest"];

/// What a file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A migration or a callback.
    Script {
        /// Its kind.
        kind: MigrationKind,
        /// Version of versioned, baseline and undo migrations.
        version: Option<Version>,
        /// Description with `_` as blank, not trimmed; may be empty.
        description: String,
        /// Event of a callback.
        event: Option<String>,
    },
    /// Neither a configured suffix nor the name of a migration: none of our business.
    NotAScript,
    /// A configured suffix and a name that says nothing.
    Misnamed {
        /// What is wrong, as the rest of a sentence that begins with the file's name.
        reason: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// The name of a migration with an ending that Flyway or schemachange run and snowops does not.
    Unsupported {
        /// The ending, with its point; empty for a file without one, which Flyway runs as a program.
        extension: String,
    },
}

impl Naming {
    /// Reads a file name (no folders).
    ///
    /// As Flyway: the prefix is compared with case and the suffix without, the first suffix and the longest prefix
    /// win, the name is cut at the first separator. Unlike Flyway, signs and the words `current`, `next` and
    /// `latest` are no versions, and nor are control characters part of a name.
    pub fn parse(&self, file_name: &str) -> Parsed {
        if let Some((stem, suffix)) = self.split_suffix(file_name) {
            if file_name.contains(char::is_control) {
                return Parsed::Misnamed {
                    reason: "holds a control character in its name".into(),
                    suggestion: self.cleaned(file_name),
                };
            }
            return self.stem(stem).unwrap_or_else(|reason| Parsed::Misnamed {
                reason,
                suggestion: self.suggest(stem).map(|stem| format!("{stem}{suffix}")),
            });
        }
        match self.foreign_ending(file_name) {
            Some(extension) => Parsed::Unsupported { extension },
            None => Parsed::NotAScript,
        }
    }

    /// The file name without the first configured suffix that it ends with, and that suffix as written.
    pub fn split_suffix<'a>(&self, file_name: &'a str) -> Option<(&'a str, &'a str)> {
        self.suffixes.iter().find_map(|suffix| split_ending(file_name, suffix))
    }

    /// The prefix of a kind; `None` for callbacks, whose event stands in its place.
    pub fn prefix(&self, kind: MigrationKind) -> Option<&str> {
        match kind {
            MigrationKind::Versioned => Some(&self.versioned),
            MigrationKind::Baseline => Some(&self.baseline),
            MigrationKind::Undo => Some(&self.undo),
            MigrationKind::Repeatable => Some(&self.repeatable),
            MigrationKind::Always => Some(&self.always),
            MigrationKind::Callback => None,
        }
    }

    fn prefixes(&self) -> impl Iterator<Item = (&str, MigrationKind)> {
        let kinds = [
            MigrationKind::Versioned,
            MigrationKind::Repeatable,
            MigrationKind::Baseline,
            MigrationKind::Undo,
            MigrationKind::Always,
        ];
        let prefixes = kinds.into_iter().filter_map(|kind| Some((self.prefix(kind)?, kind)));
        prefixes.chain(CALLBACK_EVENTS.iter().map(|event| (*event, MigrationKind::Callback)))
    }

    /// The longest prefix or event for which `fits`; of two equal ones the one that Flyway has too.
    fn longest(&self, fits: impl Fn(&str) -> bool) -> Option<(&str, MigrationKind)> {
        self.prefixes()
            .filter(|(prefix, _)| fits(prefix))
            .reduce(|best, next| if next.0.len() > best.0.len() { next } else { best })
    }

    /// Reads a name without its suffix; else what is wrong with it.
    fn stem(&self, stem: &str) -> Result<Parsed, String> {
        let Some((prefix, kind)) = self.longest(|prefix| stem.starts_with(prefix)) else {
            return Err(format!(
                "begins neither with a prefix ({}, {}, {}, {}, {}) nor with the name of a callback event",
                self.versioned, self.repeatable, self.always, self.baseline, self.undo
            ));
        };
        let rest = &stem[prefix.len()..];
        let separator = &self.separator;
        let (left, right) = rest.split_once(separator.as_str()).unwrap_or((rest, ""));
        let description = right.replace('_', " ");
        match kind {
            MigrationKind::Versioned | MigrationKind::Baseline | MigrationKind::Undo => {
                let version = Version::parse(left).ok_or_else(|| self.bad_version(kind, prefix, left))?;
                Ok(Parsed::Script { kind, version: Some(version), description, event: None })
            }
            MigrationKind::Repeatable | MigrationKind::Always | MigrationKind::Callback => {
                let event = (kind == MigrationKind::Callback).then(|| prefix.to_owned());
                if !left.is_empty() {
                    return Err(if event.is_some() {
                        format!(
                            "begins with the event '{prefix}', but '{left}' stands before any '{separator}'"
                        )
                    } else if Version::parse(left).is_some() {
                        format!("has the version '{left}', which {kind} migrations do not have")
                    } else {
                        format!(
                            "begins with '{prefix}', but not with '{prefix}{separator}' as {kind} migrations do"
                        )
                    });
                }
                if rest.is_empty() && event.is_none() {
                    return Err(format!("has no '{separator}' and no description"));
                }
                Ok(Parsed::Script { kind, version: None, description, event })
            }
        }
    }

    fn bad_version(&self, kind: MigrationKind, prefix: &str, left: &str) -> String {
        let separator = &self.separator;
        if left.is_empty() {
            format!("has no version between '{prefix}' and '{separator}'")
        } else if RESERVED.iter().any(|word| left.eq_ignore_ascii_case(word)) {
            format!("has the reserved word '{left}' in place of a version")
        } else {
            format!(
                "begins with '{prefix}' as {kind} migrations do, but '{left}' is no version \
                 (numbers with single '.' or '_' between them, then '{separator}')"
            )
        }
    }

    /// The name that was probably meant by `stem`. It always reads as a script.
    fn suggest(&self, stem: &str) -> Option<String> {
        let valid = |name: &String| name != stem && self.stem(name).is_ok();
        self.another_case(stem)
            .filter(valid)
            .or_else(|| self.repaired(stem).filter(valid))
            .or_else(|| self.nearest_event(stem).filter(valid))
    }

    /// The prefix in its right case: `v2__x`, `BeforeMigrate`.
    fn another_case(&self, stem: &str) -> Option<String> {
        let renamed = |prefix: &str| {
            let (head, rest) = stem.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then(|| format!("{prefix}{rest}"))
        };
        let fits = |prefix: &str| renamed(prefix).is_some_and(|name| self.stem(&name).is_ok());
        self.longest(fits).and_then(|(prefix, _)| renamed(prefix))
    }

    /// Version and description put together anew: `V1_add`, `V-1__x`, `R1__x`, `V2024-01-31__x`, `1__x`.
    fn repaired(&self, stem: &str) -> Option<String> {
        let after = |prefix: &str| {
            let (head, rest) = stem.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then_some(rest)
        };
        let separator = &self.separator;
        let between = |c: char| matches!(c, '_' | '-' | '.' | ' ' | '+');
        let words = |text: &str| text.trim_matches(between).replace(' ', "_");
        for prefix in [&self.repeatable, &self.always] {
            let Some(rest) = after(prefix) else { continue };
            let behind = match rest.split_once(separator.as_str()) {
                Some((left, right)) if Version::parse(left.trim_matches(between)).is_some() => words(right),
                _ if rest.starts_with(between) => words(rest),
                _ => continue,
            };
            return (!behind.is_empty()).then(|| format!("{prefix}{separator}{behind}"));
        }
        let versioned = [&self.versioned, &self.baseline, &self.undo];
        let (prefix, rest) = versioned
            .into_iter()
            .find_map(|prefix| after(prefix).map(|rest| (prefix, rest)))
            .unwrap_or((&self.versioned, stem));
        let rest = rest.trim_start_matches(between);
        let (left, right) = match rest.split_once(separator.as_str()) {
            Some((left, right)) if left.chars().all(|c| c.is_ascii_digit() || between(c)) => (left, right),
            _ => rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len())),
        };
        let version = left.split(between).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        let description = words(right);
        if description.is_empty() {
            return Some(format!("{prefix}{version}"));
        }
        Some(format!("{prefix}{version}{separator}{description}"))
    }

    /// A callback event with a typing error.
    fn nearest_event(&self, stem: &str) -> Option<String> {
        let (word, rest) = match stem.find(self.separator.as_str()) {
            Some(at) => stem.split_at(at),
            None => (stem, ""),
        };
        let (distance, event) = CALLBACK_EVENTS
            .iter()
            .map(|event| (strsim::damerau_levenshtein(&word.to_lowercase(), &event.to_lowercase()), event))
            .min_by_key(|(distance, _)| *distance)?;
        (distance <= 2).then(|| format!("{event}{rest}"))
    }

    fn cleaned(&self, file_name: &str) -> Option<String> {
        let name: String = file_name.chars().filter(|c| !c.is_control()).collect();
        matches!(self.parse(&name), Parsed::Script { .. }).then_some(name)
    }

    /// The foreign ending of a name that would be a migration's or a callback's with one of ours.
    fn foreign_ending(&self, file_name: &str) -> Option<String> {
        let (stem, ending) = FOREIGN_ENDINGS
            .iter()
            .find_map(|ending| split_ending(file_name, ending))
            .or_else(|| self.without_ending(file_name).then_some((file_name, "")))?;
        // schemachange, whose endings these are too, reads prefixes without case.
        let read = self.stem(stem).is_ok() || self.another_case(stem).is_some();
        read.then(|| ending.to_owned())
    }

    /// Whether a name without a suffix has no ending at all, as programs on Unix.
    fn without_ending(&self, file_name: &str) -> bool {
        match file_name.split_once(self.separator.as_str()) {
            Some((_, description)) => !description.contains('.'),
            None => CALLBACK_EVENTS.contains(&file_name),
        }
    }
}

fn split_ending<'a>(file_name: &'a str, ending: &str) -> Option<(&'a str, &'a str)> {
    let (stem, found) = file_name.split_at_checked(file_name.len().checked_sub(ending.len())?)?;
    found.eq_ignore_ascii_case(ending).then_some((stem, found))
}

#[cfg(test)]
mod tests;
