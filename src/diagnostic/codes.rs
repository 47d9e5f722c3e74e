//! The closed list of codes. Each has an entry in `docs/reference/error-codes.md`, held by a test.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Stable name of a kind of finding or error. Scripts may rely on its text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The text that scripts see.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What the code means, one sentence.
            pub fn meaning(self) -> String {
                match self { $(Self::$name => [$($doc),+].concat().trim().to_owned(),)+ }
            }
        }
    };
}

codes! {
    // Files and names.
    /// A file in a migrations folder has a configured suffix but no name that snowops understands.
    MisnamedFile = "misnamed_file",
    /// A configured migrations folder does not exist.
    MissingFolder = "missing_folder",
    /// Two migrations claim one version, one description, or one name.
    DuplicateMigration = "duplicate_migration",
    /// A file cannot be decoded with the configured encoding, or holds a NUL character.
    UndecodableText = "undecodable_text",
    /// A path is no ordinary file or folder inside the project: a loop, a link outwards, a FIFO, a device.
    RefusedPath = "refused_path",
    /// A migrations folder lies in another one, or is named twice.
    OverlappingFolders = "overlapping_folders",
    /// A `.conf` file stands beside no script of its name.
    OrphanConf = "orphan_conf",
    /// A file could not be read or written.
    UnreadableFile = "unreadable_file",
    /// A file of a kind that snowops does not run has the name of a migration.
    UnsupportedFile = "unsupported_file",
    /// A migration, callback or environment of a kind that this version of snowops does not run yet.
    UnsupportedKind = "unsupported_kind",
    // Configuration.
    /// The configuration file is missing, unreadable or no YAML.
    InvalidConfig = "invalid_config",
    /// A key that the configuration does not know.
    UnknownKey = "unknown_key",
    /// A value of the wrong type or outside its range.
    InvalidValue = "invalid_value",
    /// A `SNOWOPS_*` variable that snowops does not know.
    UnknownVariable = "unknown_variable",
    /// A literal secret where only a reference may stand, or a secret that cannot be used.
    InvalidSecret = "invalid_secret",
    /// No environment was chosen, or one that does not exist.
    UnknownEnvironment = "unknown_environment",
    /// A connection that is not configured.
    UnknownConnection = "unknown_connection",
    /// A connection lacks what a login needs, asks for what snowops does not do, or its file is unreadable or no TOML.
    InvalidConnection = "invalid_connection",
    /// A file that logs somebody in may be read or changed by others.
    UnsafePermissions = "unsafe_permissions",
    /// A pipeline logs in with a password alone.
    PasswordInPipeline = "password_in_pipeline",
    /// A script's header comment or `.conf` file has an unknown key or a bad value.
    InvalidDirective = "invalid_directive",
    // Rendering.
    /// A template cannot be read or rendered.
    TemplateError = "template_error",
    /// A template uses a name that is not defined.
    UndefinedVariable = "undefined_variable",
    /// A template went over a limit of time, size or nesting.
    TemplateLimit = "template_limit",
    /// A secret stands where its value could leak or break the SQL.
    MisplacedSecret = "misplaced_secret",
    // SQL.
    /// A quote, comment, parenthesis or block is opened and never closed.
    UnbalancedSql = "unbalanced_sql",
    /// A script cannot be split into statements for another reason.
    UnsplittableSql = "unsplittable_sql",
    /// A statement that was not read in full; it is treated as opaque.
    PartialStatement = "partial_statement",
    /// A client command (PUT, GET, `!command`) that the server does not know.
    ClientCommand = "client_command",
    /// A statement is larger than Snowflake recommends; the server keeps only a part of its text.
    LargeStatement = "large_statement",
    // Validation and planning.
    /// An applied versioned migration differs from its file.
    ChecksumMismatch = "checksum_mismatch",
    /// An applied migration has another description than its file.
    DescriptionMismatch = "description_mismatch",
    /// An applied migration has another type than its file.
    TypeMismatch = "type_mismatch",
    /// An applied migration has no file.
    MissingMigration = "missing_migration",
    /// A migration lies below the highest applied version and was not applied.
    IgnoredMigration = "ignored_migration",
    /// A migration waits to be applied.
    PendingMigration = "pending_migration",
    /// A repeatable migration changed since it was applied.
    OutdatedMigration = "outdated_migration",
    /// A migration failed and was not repaired or resumed.
    FailedMigration = "failed_migration",
    /// A statement's outcome is not known.
    UnknownOutcome = "unknown_outcome",
    /// A statement that was already done changed, so the script cannot go on.
    ChangedAfterFailure = "changed_after_failure",
    /// A row of the history was changed or removed by hand.
    HistoryChanged = "history_changed",
    /// The history table contradicts itself.
    CorruptHistory = "corrupt_history",
    /// The history table is absent or not visible.
    HistoryNotVisible = "history_not_visible",
    /// The target is another place than the history was written for.
    ForeignTarget = "foreign_target",
    /// A template that an applied versioned migration used has changed.
    ChangedTemplate = "changed_template",
    /// A statement would drop, replace, rename or swap a container of the ledger.
    ProtectedObject = "protected_object",
    /// The version given as target does not exist.
    UnknownTarget = "unknown_target",
    /// The plan changed between reading it and holding the lease.
    PlanChanged = "plan_changed",
    // Running.
    /// A statement of a migration failed.
    StatementFailed = "statement_failed",
    /// `--fail-on` names what came of a statement.
    NotCarriedOut = "not_carried_out",
    /// A script left a transaction open.
    OpenTransaction = "open_transaction",
    /// The lease was lost in the middle of the run (exit 5), or before anything was written (exit 7).
    LeaseLost = "lease_lost",
    /// Another run holds the lease.
    Locked = "locked",
    /// The database could not be reached, or refused the login.
    ConnectionFailed = "connection_failed",
    /// The server refused a statement of snowops' own on the schema history, for a reason that a person can put right.
    LedgerRefused = "ledger_refused",
    /// The database does not exist or is not visible.
    MissingDatabase = "missing_database",
    /// A protected environment needs a confirmation.
    ConfirmationNeeded = "confirmation_needed",
    /// The person or the system interrupted the run.
    Interrupted = "interrupted",
    /// `doctor` found something that keeps an environment from being migrated.
    NotReady = "not_ready",
    /// A script holds no statement.
    EmptyScript = "empty_script",
    /// The command line asks for something that cannot be.
    InvalidUsage = "invalid_usage",
    /// A fault in snowops itself.
    Internal = "internal",
    /// An object that the project uses and does not create is not listed under `externals`.
    UnlistedExternal = "unlisted_external",
    /// An object was made anew, and what was tied to the one before is lost: grants, policies, tags.
    LostWithObject = "lost_with_object",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
