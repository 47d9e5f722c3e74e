//! Why a step is in the plan, in one plain sentence.

use super::{evaluate::Evaluation, journal::Attempt};
use crate::model::{
    name::MigrationKind,
    plan::{Resume, Target},
    state::MigrationState,
    version::Version,
};

/// `1 statement`, `2 statements`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Why a versioned migration runs.
pub(super) fn versioned(version: Option<&Version>, evaluation: &Evaluation<'_>) -> String {
    let last = evaluation.history.last_applied.as_ref();
    match (version, last) {
        (Some(version), Some(last)) if version < last => {
            format!("version {version} is below {last}, was never applied, and out of order is allowed")
        }
        (Some(version), Some(last)) => match evaluation.given.policy.target {
            Target::Next => format!("version {version} is the next one above {last}"),
            _ => format!("version {version} is above {last}, the highest applied"),
        },
        _ => "no version is applied yet".to_owned(),
    }
}

/// Why a repeatable migration runs.
pub(super) fn repeatable(applied_before: bool) -> &'static str {
    if applied_before { "its rendered text changed since its last run" } else { "it was never applied" }
}

/// Why an `A__` script runs.
pub(super) fn always(state: &MigrationState, ran_before: bool) -> String {
    match state {
        MigrationState::Failed { at: Some(at), .. } => {
            format!("it runs in every migrate, and failed at statement {at} in its last run")
        }
        MigrationState::Always { changed: true } if ran_before => {
            "it runs in every migrate, and changed since its last run".to_owned()
        }
        MigrationState::Always { changed: true } => "it runs in every migrate, and never ran".to_owned(),
        _ => "it runs in every migrate".to_owned(),
    }
}

/// Why a callback runs.
pub(super) fn callback(event: &str, script: Option<&str>) -> String {
    match script {
        Some(script) => format!("{event} of {script}"),
        None => format!("{event} of this migrate"),
    }
}

/// How a half applied script goes on.
pub(super) fn resume(from: usize, resume: &Resume) -> String {
    let of = resume.planned.statements.len();
    let done = resume.done.len();
    let so_far = match done {
        0 => "an earlier run stopped in it before a statement was known to be done".to_owned(),
        done => format!("an earlier run stopped in it after statement {done} of {of}"),
    };
    if let Some(unknown) = resume.unknown {
        return format!("{so_far}; whether statement {unknown} was done is found out first");
    }
    if done > 0 && from == 1 {
        return format!(
            "{so_far}; it starts anew, because its session is gone and all of that may be repeated"
        );
    }
    if from > of && done >= of {
        return format!("{so_far}; only its row in the history is missing");
    }
    format!("{so_far}; it goes on at statement {from}")
}

/// What is known of an attempt.
pub(super) fn attempt(attempt: &Attempt) -> String {
    let of = attempt.planned.statements.len();
    let done = attempt.done.len();
    match (&attempt.failed, attempt.unknown) {
        (Some(failed), _) => {
            let code = failed.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
            format!("statement {} of {of} failed: {code}{}", failed.ordinal, failed.message)
        }
        (None, Some(unknown)) => {
            format!("{done} of {of} done; whether statement {unknown} was done is not known")
        }
        (None, None) => format!("{done} of {of} statements are done"),
    }
}

/// The word for a script's kind at the start of a message.
pub(super) const fn noun(kind: MigrationKind) -> &'static str {
    match kind {
        MigrationKind::Versioned => "versioned migration",
        MigrationKind::Baseline => "baseline migration",
        MigrationKind::Undo => "undo migration",
        MigrationKind::Repeatable => "repeatable migration",
        MigrationKind::Always => "always-run migration",
        MigrationKind::Callback => "callback",
    }
}
