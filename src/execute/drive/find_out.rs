//! A statement whose answer was lost on the way: the query history may still tell what became of it, and then the run
//! goes on as if the answer had come. What it does not tell stays unknown, and the run ends.

use std::time::Duration;

use super::{Driver, send::Sent};
use crate::{
    event::Fact,
    execute::emit::millis,
    ledger::{EntryStatus, HistoryEntry, lease::SendKind},
    model::target::Context4,
    session::{Answer, DbError, Effect, ErrorClass, Request},
};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Time between two events that say that this takes its time.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Driver<'_, '_, '_> {
    /// Looks for the statement in the query history until that tells its end, or has had its time without listing it.
    pub(super) async fn find_out(&mut self, request: &Request, lost: DbError) -> Sent {
        if !self.it.connector.capabilities().query_history {
            return Sent::Error(lost);
        }
        let start = self.it.context.clock.now();
        let user = self.it.work.info().user.clone();
        let mut told: Option<Duration> = None;
        loop {
            if self.it.interrupt.is_requested() || !self.it.keeper.may_send(SendKind::UserStatement) {
                return Sent::Error(lost);
            }
            let elapsed = self.it.context.clock.now().since(start);
            if told.is_none_or(|told| elapsed >= told + TELL_EVERY) {
                told = Some(elapsed);
                let what = format!("the query history to tell more: {}", lost.message);
                self.emitter.emit(Fact::Waiting { what, elapsed_ms: millis(elapsed) });
            }
            // A history that does not answer now may answer at the next look.
            let entries = self.it.keeper.find_by_tag(&request.tag.0, &user).await.unwrap_or_default();
            match entries.into_iter().next_back() {
                Some(entry) if entry.status == EntryStatus::Success => return Sent::Answer(done(entry)),
                Some(entry) if entry.status == EntryStatus::Failed => {
                    return Sent::Error(failed(entry, lost));
                }
                None if elapsed >= self.it.keeper.listed_after() => return Sent::Error(lost),
                Some(_) | None => {}
            }
            if let Err(error) = self.it.keeper.rest(PAUSE).await {
                self.report.ledger.get_or_insert(error);
                return Sent::Error(lost);
            }
        }
    }
}

/// Where its session stands was in the answer that is lost: nowhere that is known, so that all of it is put back after
/// the script.
fn done(entry: HistoryEntry) -> Answer {
    Answer { query_id: Some(entry.query_id), context: Context4::default(), ..Answer::default() }
}

fn failed(entry: HistoryEntry, lost: DbError) -> DbError {
    DbError {
        class: ErrorClass::Statement,
        code: entry.error_code,
        message: entry.error_message.unwrap_or_else(|| "the query history says that it failed".to_owned()),
        query_id: Some(entry.query_id),
        outcome: Effect::Failed,
        ..lost
    }
}
