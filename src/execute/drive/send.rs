//! Sends on the work session: asks the lease first, beats meanwhile, and heeds the request to stop.

use std::time::Duration;

use super::{Driver, Execution};
use crate::{
    diagnostic::Code,
    event::Fact,
    execute::interrupt::{Cancel, InFlight},
    ledger::{LedgerError, lease::SendKind},
    session::{
        Answer, Control, DbError, Effect, ErrorClass, Fut, Phase, QueryTag, Request, RequestId, RowUse,
        context::Context,
    },
};

/// Time between two requests to abort a statement of which the server does not know yet.
const ABORT_AGAIN: Duration = Duration::from_secs(1);

/// What became of a request.
pub(super) enum Sent {
    Answer(Answer),
    Error(DbError),
    /// The lease does not allow it; nothing was sent.
    NotAllowed,
}

impl From<Result<Answer, DbError>> for Sent {
    fn from(result: Result<Answer, DbError>) -> Self {
        match result {
            Ok(answer) => Self::Answer(answer),
            Err(error) => Self::Error(error),
        }
    }
}

impl Driver<'_, '_, '_> {
    /// A statement of ours on the work session: puts context right, or asks about it.
    pub(super) fn own_request(&self, text: &str) -> Request {
        let own = self.it.query_tag.as_deref().map(|tag| format!("{tag} ")).unwrap_or_default();
        Request {
            id: self.it.context.ids.request(),
            text: text.to_owned(),
            binds: Vec::new(),
            tag: QueryTag(format!("{own}snowops:{}:context", self.it.id)),
            timeout: None,
            repeatable: true,
            ledger: false,
            local_opaque: false,
            rows: RowUse::Read,
        }
    }

    pub(super) async fn context_statement(&mut self, text: &str) -> Result<(), DbError> {
        let request = self.own_request(text);
        match self.send(&request).await {
            Sent::Answer(answer) => {
                self.here = answer.context;
                self.warn(answer.warnings);
                Ok(())
            }
            Sent::Error(error) => Err(error),
            Sent::NotAllowed => Err(not_allowed()),
        }
    }

    /// Sends what ends soon: it is never aborted.
    pub(super) async fn send(&mut self, request: &Request) -> Sent {
        self.carry(request, None).await
    }

    /// Sends a statement of a script. Says in the second place whether the server was asked to abort it.
    pub(super) async fn send_statement(
        &mut self,
        request: &Request,
        script: &str,
        ordinal: usize,
    ) -> (Sent, bool) {
        let statement = InFlight {
            script: script.to_owned(),
            ordinal,
            tag: request.tag.clone(),
            request: request.id,
            control: self.it.work.control(),
        };
        self.it.interrupt.begin(statement.clone());
        let sent = self.carry(request, Some(&statement)).await;
        let sent = match sent {
            Sent::Error(lost) if lost.outcome == Effect::Unknown && self.report.ledger.is_none() => {
                self.find_out(request, lost).await
            }
            sent => sent,
        };
        self.it.interrupt.end();
        let aborted = self.it.interrupt.is_requested() && self.it.interrupt.cancel() == Cancel::Now;
        (sent, aborted)
    }

    /// Sends, beating meanwhile. A lease that is lost on the way lets the statement end, and then nothing more is
    /// sent.
    async fn carry(&mut self, request: &Request, statement: Option<&InFlight>) -> Sent {
        let Execution { keeper, work, context, interrupt, .. } = &mut self.it;
        if keeper.until_beat().is_zero()
            && let Err(error) = keeper.beat().await
        {
            self.report.ledger.get_or_insert(error);
            return Sent::NotAllowed;
        }
        if !keeper.may_send(SendKind::UserStatement) {
            self.report
                .ledger
                .get_or_insert(LedgerError::LeaseLost("no heartbeat was confirmed in time".into()));
            return Sent::NotAllowed;
        }
        let mut answer = work.execute(request);
        let mut told = false;
        let mut lost = false;
        let mut abort: Option<Fut<'_, DbError>> = None;
        loop {
            let beat = context.clock.sleep(keeper.until_beat());
            tokio::select! {
                biased;
                result = &mut answer => return result.into(),
                error = ended(&mut abort) => {
                    abort = None;
                    self.emitter.emit(warning(format!(
                        "the server could not be asked to abort the statement, its end is waited for: {}",
                        error.message
                    )));
                }
                () = interrupt.requested(), if !told => {
                    told = true;
                    if let Some(statement) = statement {
                        self.emitter.emit(warning(stopping(statement, interrupt.cancel())));
                        if interrupt.cancel() == Cancel::Now {
                            abort = Some(Box::pin(abort_until_known(&*statement.control, request.id, context)));
                        }
                    }
                }
                () = beat, if !lost => {
                    if let Err(error) = keeper.beat().await {
                        self.report.ledger.get_or_insert(error);
                        lost = true;
                    }
                }
            }
        }
    }
}

/// Asks until the server has heard of the statement; the answer to the statement itself then tells what became of it.
/// Ends only when it cannot be asked.
async fn abort_until_known(control: &dyn Control, id: RequestId, context: &Context) -> DbError {
    loop {
        match control.cancel(id).await {
            Ok(true) => return std::future::pending().await,
            Ok(false) => context.clock.sleep(ABORT_AGAIN).await,
            Err(error) => return error,
        }
    }
}

/// The end of work that may not have been begun.
async fn ended<T>(work: &mut Option<Fut<'_, T>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

fn stopping(statement: &InFlight, cancel: Cancel) -> String {
    let InFlight { script, ordinal, .. } = statement;
    let what = match cancel {
        Cancel::Wait => "runs on to its end",
        Cancel::Now => "is being aborted",
    };
    format!("asked to stop: statement {ordinal} of {script} {what}; asking again leaves at once")
}

fn warning(message: String) -> Fact {
    Fact::Warning { code: Code::Interrupted.as_str().to_owned(), message }
}

fn not_allowed() -> DbError {
    DbError {
        class: ErrorClass::Internal,
        code: None,
        sqlstate: None,
        message: "the lease does not allow another statement".into(),
        line: None,
        position: None,
        query_id: None,
        phase: Phase::Send,
        outcome: Effect::NotSent,
    }
}
