//! The place that is migrated, and how a session with it starts.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::ident::Ident;

/// What a session starts with, and what each script starts from again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSpec {
    /// What the session is for; in logs and in the query tag.
    pub purpose: Purpose,
    /// Role, warehouse, database and schema.
    pub context: Context4,
    /// Secondary roles: `none`, `all` or `default`.
    pub secondary_roles: SecondaryRoles,
    /// Session parameters, by upper-case name.
    pub parameters: BTreeMap<String, String>,
    /// Longest run of a statement, if limited.
    pub statement_timeout: Option<Duration>,
}

/// What a session is for: *keeper* does the bookkeeping, *work* runs user SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Reads, the lease, heartbeats, all bookkeeping.
    Keeper,
    /// User SQL only.
    Work,
}

/// Where a session stands. A server reports it with each answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Context4 {
    /// The current role.
    pub role: Option<Ident>,
    /// The current warehouse.
    pub warehouse: Option<Ident>,
    /// The current database.
    pub database: Option<Ident>,
    /// The current schema.
    pub schema: Option<Ident>,
}

/// Which secondary roles a session activates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondaryRoles {
    /// None: what runs needs the primary role alone.
    #[default]
    None,
    /// All roles of the user.
    All,
    /// What the user's settings say.
    Default,
}

/// Where the ledger's three tables are, names in full. Only `table` is taken as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LedgerName {
    /// Database of the tables.
    pub database: Ident,
    /// Schema of the tables.
    pub schema: Ident,
    /// Name of the history table; the others add `_journal` and `_lock`.
    pub table: String,
}

/// What makes a target the same one again: account, database, when that was created, and the history table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TargetIdentity {
    /// The account as the server names it: locator and region, which no rename changes; or the embedded engine's.
    pub account: String,
    /// Database.
    pub database: String,
    /// Creation time of the database, as the server prints it.
    pub created_on: String,
    /// Full name of the history table.
    pub history: String,
    /// Other names of the account, which ledgers may hold that were taken when only the connection's spelling was known.
    /// Never written.
    #[serde(skip)]
    pub other_accounts: Vec<String>,
}

impl TargetIdentity {
    /// Whether a ledger that was made for `made_for` is this target's.
    pub fn is(&self, made_for: &Self) -> bool {
        self.is_at(made_for) && self.created_on == made_for.created_on
    }

    /// The same, but for the time at which the database was created.
    pub fn is_at(&self, made_for: &Self) -> bool {
        let named = |name: &String| *name == made_for.account;
        (named(&self.account) || self.other_accounts.iter().any(named))
            && (&self.database, &self.history) == (&made_for.database, &made_for.history)
    }
}
