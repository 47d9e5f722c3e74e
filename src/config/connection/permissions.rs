//! Who else may read or write a file that logs somebody in. Judged by the mode's bits, not by trying: root may do all.

use camino::Utf8Path;

use super::super::Inputs;
use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    files,
};

const WRITABLE_BY_OTHERS: u32 = 0o002;
const WRITABLE_BY_GROUP: u32 = 0o020;
const READABLE: u32 = 0o044;

/// A file, as far as its permissions matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarded {
    /// It holds a secret that is of use by itself.
    pub(super) secret: bool,
    /// It belongs to the project's repository: git gives such files to everybody to read.
    pub(super) checked_out: bool,
    /// The Snowflake drivers' variable that silences them.
    pub(super) skip: bool,
}

/// What is wrong with a mode, if something is. The rules are those of the Snowflake CLI, where a secret is readable,
/// and of the drivers elsewhere.
fn judge(mode: u32, file: Guarded) -> Option<(Severity, &'static str)> {
    let harmless = file.checked_out && !file.secret;
    let writable = if harmless { WRITABLE_BY_OTHERS } else { WRITABLE_BY_OTHERS | WRITABLE_BY_GROUP };
    if mode & writable != 0 {
        return Some((Severity::Error, "changed"));
    }
    if mode & READABLE == 0 || harmless {
        return None;
    }
    match (file.secret, file.skip) {
        (true, false) => Some((Severity::Error, "read")),
        (true, true) | (false, false) => Some((Severity::Warning, "read")),
        (false, true) => None,
    }
}

/// The finding about a file, if there is one. None where the system has no modes.
pub(super) fn finding(path: &Utf8Path, what: &str, file: Guarded) -> Option<Diagnostic> {
    let mode = files::mode(path)?;
    let (severity, verb) = judge(mode, file)?;
    let holds = if file.secret && verb == "read" { " and holds a secret" } else { "" };
    let message =
        format!("{what} may be {verb} by other users of this machine{holds} (mode {:04o})", mode & 0o7777);
    let mut finding =
        Diagnostic::error(Code::UnsafePermissions, message).hint(format!("run: chmod 600 \"{path}\""));
    finding.severity = severity;
    Some(finding)
}

/// Whether the user asked the Snowflake drivers not to mind (<https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect>).
pub(super) fn skip(inputs: &Inputs) -> bool {
    inputs.process.filled("SF_SKIP_WARNING_FOR_READ_PERMISSIONS_ON_CONFIG_FILE").is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value == "true" || value == "1"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_judged_by_what_the_file_holds_and_where_it_is() {
        use Severity::{Error, Warning};
        let at_home = Guarded { secret: false, checked_out: false, skip: false };
        let secret = Guarded { secret: true, ..at_home };
        let checked_out = Guarded { checked_out: true, ..at_home };
        let both = Guarded { secret: true, checked_out: true, skip: false };
        let skipped = |file: Guarded| Guarded { skip: true, ..file };
        for (mode, file, expected) in [
            (0o600, secret, None),
            (0o400, secret, None),
            (0o700, secret, None),
            (0o644, secret, Some((Error, "read"))),
            (0o640, secret, Some((Error, "read"))),
            (0o604, secret, Some((Error, "read"))),
            (0o644, skipped(secret), Some((Warning, "read"))),
            (0o644, at_home, Some((Warning, "read"))),
            (0o644, skipped(at_home), None),
            (0o620, at_home, Some((Error, "changed"))),
            (0o602, skipped(at_home), Some((Error, "changed"))),
            (0o644, checked_out, None),
            (0o664, checked_out, None),
            (0o666, checked_out, Some((Error, "changed"))),
            (0o644, both, Some((Error, "read"))),
            (0o664, both, Some((Error, "changed"))),
        ] {
            assert_eq!(judge(mode, file), expected, "{mode:o} {file:?}");
        }
    }
}
