//! The lock row: who holds the lease.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{How, LedgerError, ask, cell, history, millis, sql_for};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::target::{LedgerName, TargetIdentity},
    session::{Bind, Session, context::Context},
};

/// Who holds a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// User of the session.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process.
    pub pid: u32,
    /// Version of snowops.
    pub version: String,
    /// Link to the pipeline run.
    #[serde(default)]
    pub pipeline_url: Option<String>,
    /// Commit of the project.
    #[serde(default)]
    pub commit: Option<String>,
    /// Ids of its sessions.
    #[serde(default)]
    pub sessions: Vec<String>,
    /// How long a beat of it keeps the lease, in milliseconds; none: of a snowops that did not say.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {} (process {}, snowops {})", self.user, self.host, self.pid, self.version)?;
        if let Some(url) = &self.pipeline_url {
            write!(f, ", {url}")?;
        }
        if let Some(commit) = &self.commit {
            write!(f, ", commit {commit}")?;
        }
        Ok(())
    }
}

/// The lock row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRow {
    /// Who has the lease; none: free.
    pub nonce: Option<String>,
    /// Counts the leases.
    pub token: i64,
    /// Counts the claims.
    pub touch: i64,
    /// End of the lease, server time.
    pub expires: String,
    /// The run that took it last.
    pub run: Option<String>,
    /// Who took it last.
    pub holder: Option<Holder>,
    /// The target that the ledger was made for; none before the first lease.
    pub identity: Option<TargetIdentity>,
    /// Free JSON.
    pub note: Option<String>,
    /// Server time of reading.
    pub now: String,
    /// Whether its end is longer ago than the grace that was asked for.
    pub expired: bool,
}

impl LockRow {
    /// The holder in words.
    pub fn holder_words(&self) -> String {
        match (&self.holder, &self.run) {
            (Some(holder), _) => holder.to_string(),
            (None, Some(run)) => format!("run {run}"),
            (None, None) => "an unknown run".to_owned(),
        }
    }
}

/// Reads the lock row. `grace` is how long after its end a lease is still respected.
pub async fn lock_row(
    session: &mut dyn Session,
    name: &LedgerName,
    grace: Duration,
    context: &Context,
) -> Result<LockRow, LedgerError> {
    let sql = sql_for(session, name);
    let binds = vec![Bind::Integer(-millis(grace))];
    let answer = ask(session, context, sql.select_lock(), binds, How::READ).await?;
    let get = |at: usize| cell(&answer, at).map(str::to_owned);
    let number = |at: usize| cell(&answer, at).and_then(history::whole);
    if answer.rows.len() != 1 {
        return Err(LedgerError::Corrupt(lock_rows(name, answer.rows.len())));
    }
    Ok(LockRow {
        nonce: get(0),
        token: number(1).unwrap_or(0),
        touch: number(2).unwrap_or(0),
        expires: get(3).unwrap_or_default(),
        run: get(4),
        holder: get(5).and_then(|text| serde_json::from_str(&text).ok()),
        identity: get(6).and_then(|text| serde_json::from_str(&text).ok()),
        note: get(7),
        now: get(8).unwrap_or_default(),
        expired: number(9) == Some(1),
    })
}

/// Frees the lease of the run that the row was seen to name, whatever it does. Answers whether the row still named it.
pub async fn free(
    session: &mut dyn Session,
    name: &LedgerName,
    row: &LockRow,
    context: &Context,
) -> Result<bool, LedgerError> {
    let nonce = row.nonce.clone().map_or(Bind::Null, Bind::Text);
    let binds = vec![nonce, Bind::Integer(row.token)];
    let text = sql_for(session, name).release();
    let answer = ask(session, context, text, binds, How { timeout: None, repeatable: true }).await?;
    Ok(answer.changed == 1)
}

/// The lock table has no row, or more than one: nobody can hold the lease.
fn lock_rows(name: &LedgerName, rows: usize) -> Diagnostic {
    let table = format!("{}.{}.\"{}_lock\"", name.database, name.schema, name.table);
    let way_out = if rows == 0 {
        "bring its row back, on Snowflake with Time Travel: INSERT INTO .. SELECT * FROM .. AT (OFFSET => -600)"
    } else {
        "keep the row with the highest \"token\" and delete the others"
    };
    Diagnostic::error(
        Code::CorruptHistory,
        format!("the lock table {table} holds {rows} rows instead of one"),
    )
    .note("nothing was written; see that no run is at work before you mend it")
    .hint(way_out)
}
