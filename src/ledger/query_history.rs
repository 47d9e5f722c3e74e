//! The server's query history, and statements that are ended by their ids.

use super::{How, LedgerError, ask, sql::Sql, sql_for};
use crate::{
    model::target::LedgerName,
    session::{Answer, Bind, Session, context::Context},
};

/// A statement that the server's query history lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its tag in full.
    pub tag: String,
    /// The server's id of it.
    pub query_id: String,
    /// How it stands.
    pub status: EntryStatus,
    /// When it started, server time.
    pub started: String,
    /// Snowflake's code of its failure.
    pub error_code: Option<String>,
    /// What the server said of its failure.
    pub error_message: Option<String>,
}

/// How a listed statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryStatus {
    /// It ended and was done.
    Success,
    /// It ended and was not done.
    Failed,
    /// It has not ended: queued, blocked, running.
    Running,
}

impl HistoryEntry {
    /// Whether it has not ended.
    pub fn running(&self) -> bool {
        self.status == EntryStatus::Running
    }
}

/// Statements of `user` whose query tag ends with `tag`, oldest first: in front stands the environment's own tag, which
/// may have changed since. Asked only where the server has a query history.
/// On Snowflake an absence means something only some time after the statement's last possible start, and only own
/// statements are listed for certain.
pub async fn find_by_tag(
    session: &mut dyn Session,
    name: &LedgerName,
    tag: &str,
    user: &str,
    context: &Context,
) -> Result<Vec<HistoryEntry>, LedgerError> {
    let text = sql_for(session, name).select_by_tag(is_own(session, user));
    let answer = ask(session, context, text, vec![Bind::Text(tag.to_owned())], How::READ).await?;
    Ok(entries(&answer))
}

/// Statements of a session, oldest first. What holds for [`find_by_tag`] holds here.
pub async fn find_by_session(
    session: &mut dyn Session,
    name: &LedgerName,
    user: &str,
    id: &str,
    context: &Context,
) -> Result<Vec<HistoryEntry>, LedgerError> {
    let text = sql_for(session, name).select_by_session(is_own(session, user));
    let answer = ask(session, context, text, vec![Bind::Text(id.to_owned())], How::READ).await?;
    Ok(entries(&answer))
}

/// Whether the query history lists all statements of `user` in this session, if it lists any: one's own are listed by
/// user, others' as far as the role may see the warehouse that they ran in.
pub fn lists_all(session: &dyn Session, user: &str) -> bool {
    is_own(session, user)
}

/// Asks the server to end a statement. Whether it did is told by the query history.
pub async fn cancel_query(session: &mut dyn Session, id: &str, context: &Context) -> Result<(), LedgerError> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain {
        ask(session, context, Sql::cancel_query(id), Vec::new(), How::READ).await?;
    }
    Ok(())
}

/// Asks the server to end a session and what runs in it.
pub async fn abort_session(
    session: &mut dyn Session,
    id: &str,
    context: &Context,
) -> Result<(), LedgerError> {
    if let Ok(id) = id.parse() {
        ask(session, context, Sql::abort_session(id), Vec::new(), How::READ).await?;
    }
    Ok(())
}

fn is_own(session: &dyn Session, user: &str) -> bool {
    session.info().user.eq_ignore_ascii_case(user)
}

fn entries(answer: &Answer) -> Vec<HistoryEntry> {
    let entry = |row: &Vec<Option<String>>| {
        let get = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let status = get(2);
        HistoryEntry {
            tag: get(0),
            query_id: get(1),
            status: match status.as_str() {
                "SUCCESS" => EntryStatus::Success,
                text if text.starts_with("FAIL") => EntryStatus::Failed,
                _ => EntryStatus::Running,
            },
            started: get(3),
            error_code: row.get(4).cloned().flatten(),
            error_message: row.get(5).cloned().flatten(),
        }
    };
    answer.rows.iter().map(entry).collect()
}
