//! Exit codes. The only place with the numbers; `docs/reference/exit-codes.md` explains each.

use crate::{
    diagnostic::{Code, Diagnostic},
    engine::{Stop, StopKind},
};

/// A process exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exit(pub u8);

impl Exit {
    /// Done.
    pub const DONE: Self = Self(0);
    /// A fault of snowops.
    pub const INTERNAL: Self = Self(1);
    /// The command line asks for what cannot be; a protected environment without a confirmation too.
    pub const USAGE: Self = Self(2);
    /// The configuration is wrong.
    pub const CONFIG: Self = Self(3);
    /// Validation failed, or a plan no longer holds.
    pub const VALIDATION: Self = Self(4);
    /// A migration failed, stopped as unknown, or the lease was lost midway.
    pub const MIGRATION: Self = Self(5);
    /// No connection, or no login.
    pub const CONNECTION: Self = Self(6);
    /// Another run holds the lease; nothing was written.
    pub const LOCKED: Self = Self(7);
    /// `drift`: the target differs from what should be there.
    pub const DRIFT: Self = Self(8);
    /// `plan --exit-code`: something is pending.
    pub const PENDING: Self = Self(10);
    /// Interrupted.
    pub const INTERRUPTED: Self = Self(130);

    /// All codes with their meaning, for the documentation's test.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::DONE, "done"),
        (Self::INTERNAL, "internal error"),
        (Self::USAGE, "usage"),
        (Self::CONFIG, "configuration"),
        (Self::VALIDATION, "validation"),
        (Self::MIGRATION, "migration failed"),
        (Self::CONNECTION, "connection or authentication"),
        (Self::LOCKED, "locked"),
        (Self::DRIFT, "drift found"),
        (Self::PENDING, "pending"),
        (Self::INTERRUPTED, "interrupted"),
    ];

    /// The code for a stop.
    pub const fn of(stop: &Stop) -> Self {
        match stop.kind {
            StopKind::Internal => Self::INTERNAL,
            StopKind::Usage => Self::USAGE,
            StopKind::Config => Self::CONFIG,
            StopKind::Validation => Self::VALIDATION,
            StopKind::Migration => Self::MIGRATION,
            StopKind::Connection => Self::CONNECTION,
            StopKind::Locked => Self::LOCKED,
            StopKind::Interrupted => Self::INTERRUPTED,
        }
    }
}

/// The stop for configuration that cannot be used: a choice on the command line is usage, everything else
/// configuration.
pub(super) fn unusable(findings: &[Diagnostic]) -> Stop {
    let usage = |f: &Diagnostic| matches!(f.code, Code::UnknownEnvironment | Code::InvalidUsage);
    let errors = || findings.iter().filter(|f| f.is_error());
    let kind = if errors().all(usage) { StopKind::Usage } else { StopKind::Config };
    let code = errors().next().map_or(Code::InvalidConfig, |f| f.code);
    Stop::findings(kind, code, findings)
}
