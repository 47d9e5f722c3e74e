//! What a script asks for itself: `-- snowops:` header comments and the `.sql.conf` file beside it.

use std::time::Duration;

use super::ident::Ident;

/// Settings of one script; the `.conf` file wins where both speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptSettings {
    /// Role for this script.
    pub role: Option<Ident>,
    /// Warehouse for this script.
    pub warehouse: Option<Ident>,
    /// Longest run of each of its statements.
    pub timeout: Option<Duration>,
    /// Environments that it is for; empty: all.
    pub environments: Vec<String>,
    /// `resume=never`: a failed run of it is never continued by itself.
    pub never_resume: bool,
    /// Flyway's `shouldExecute`, already decided for this environment.
    pub should_execute: Option<bool>,
    /// Flyway's `placeholderReplacement`.
    pub placeholders: Option<bool>,
    /// Flyway's `encoding`.
    pub encoding: Option<String>,
}
