//! Where a migration stands: Flyway's states (`MigrationState.java`), each with its evidence.

use serde::Serialize;

use super::checksum::Sha256;

/// Where a migration stands. Computed in one place, `plan::states()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// Will be applied by the next migrate.
    Pending,
    /// Above `--target`.
    AboveTarget,
    /// Below the baseline.
    BelowBaseline,
    /// At the baseline.
    BaselineIgnored,
    /// A baseline.
    Baseline,
    /// Not applied, and the next migrate passes it by.
    Ignored {
        /// Why.
        why: IgnoredBecause,
    },
    /// Applied; the file is gone.
    MissingSuccess,
    /// Failed; the file is gone.
    MissingFailed,
    /// Applied.
    Success,
    /// Taken back.
    Undone,
    /// An undo migration whose version is applied.
    Available,
    /// Failed.
    Failed {
        /// The statement that failed, from 1, where the journal knows it.
        at: Option<usize>,
        /// Number of statements of the script, where the journal knows it.
        of: Option<usize>,
        /// Whether the next migrate can go on from there.
        resumable: bool,
    },
    /// Stopped at a statement whose outcome is not known.
    Unknown {
        /// The statement, from 1.
        at: usize,
        /// Number of statements of the script.
        of: usize,
    },
    /// Applied after a higher version.
    OutOfOrder,
    /// Applied by a newer set of files.
    FutureSuccess,
    /// Failed in a newer set of files.
    FutureFailed,
    /// A repeatable that changed since.
    Outdated,
    /// An older run of a repeatable.
    Superseded,
    /// Removed by `repair`.
    Deleted,
    /// A versioned migration whose file changed after it was applied.
    Changed {
        /// What was applied.
        applied: Mark,
        /// What the file has now.
        found: Mark,
    },
    /// An `A__` script: runs every time.
    Always {
        /// Whether its rendered text differs from its last run, or it never ran.
        changed: bool,
    },
}

/// Why a migration on disk is passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoredBecause {
    /// Its version is below the highest applied one. The only reason that is an error.
    BelowApplied,
    /// Its settings name other environments.
    Environment,
    /// Flyway's `shouldExecute` is false for this environment.
    ShouldExecute,
    /// A baseline migration where something is applied already, or a higher one takes its place.
    Baseline,
    /// An undo migration whose version is not applied.
    Undo,
}

/// A checksum as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Flyway's CRC-32.
    Crc(i64),
    /// SHA-256 of the source.
    Sha(Sha256),
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crc(crc) => write!(f, "crc32:{crc}"),
            Self::Sha(sha) => write!(f, "sha256:{}", sha.short()),
        }
    }
}

impl MigrationState {
    /// The word of JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::AboveTarget => "above_target",
            Self::BelowBaseline => "below_baseline",
            Self::BaselineIgnored => "baseline_ignored",
            Self::Baseline => "baseline",
            Self::Ignored { .. } => "ignored",
            Self::MissingSuccess => "missing_success",
            Self::MissingFailed => "missing_failed",
            Self::Success => "success",
            Self::Undone => "undone",
            Self::Available => "available",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
            Self::OutOfOrder => "out_of_order",
            Self::FutureSuccess => "future_success",
            Self::FutureFailed => "future_failed",
            Self::Outdated => "outdated",
            Self::Superseded => "superseded",
            Self::Deleted => "deleted",
            Self::Changed { .. } => "changed",
            Self::Always { .. } => "always",
        }
    }

    /// Flyway's word, for people.
    pub fn display(&self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::AboveTarget => "Above Target",
            Self::BelowBaseline => "Below Baseline",
            Self::BaselineIgnored => "Ignored (Baseline)",
            Self::Baseline => "Baseline",
            Self::Ignored { .. } => "Ignored",
            Self::MissingSuccess => "Missing",
            Self::MissingFailed => "Failed (Missing)",
            Self::Success => "Success",
            Self::Undone => "Undone",
            Self::Available => "Available",
            Self::Failed { .. } => "Failed",
            Self::Unknown { .. } => "Unknown",
            Self::OutOfOrder => "Out of Order",
            Self::FutureSuccess => "Future",
            Self::FutureFailed => "Failed (Future)",
            Self::Outdated => "Outdated",
            Self::Superseded => "Superseded",
            Self::Deleted => "Deleted",
            Self::Changed { .. } => "Changed",
            Self::Always { .. } => "Always",
        }
    }

    /// Whether its latest run failed, or stopped with an outcome that is not known.
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Unknown { .. } | Self::MissingFailed | Self::FutureFailed)
    }

    /// Whether it stands in the target now, with the text that was recorded.
    pub const fn is_in_place(&self) -> bool {
        matches!(
            self,
            Self::Success
                | Self::OutOfOrder
                | Self::Changed { .. }
                | Self::Baseline
                | Self::MissingSuccess
                | Self::FutureSuccess
        )
    }
}
