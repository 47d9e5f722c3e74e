//! What another session does while the lease lives on.

use std::future::Future;

use super::Keeper;
use crate::{
    ledger::LedgerError,
    model::target::SessionSpec,
    session::{Connector, DbError, Fut, Session},
};

impl Keeper {
    /// Does work of another session, beating meanwhile: it may wait for a warehouse or a login for longer than the lease
    /// lasts. With the lease lost, what was begun is still waited for, so that nothing of it is left behind.
    ///
    /// # Errors
    /// The lease was lost meanwhile: what the work answered says nothing any more.
    pub fn beside<'a, T: Send + 'a>(
        &'a mut self,
        work: impl Future<Output = T> + Send + 'a,
    ) -> Fut<'a, Result<T, LedgerError>> {
        let work = self.while_beating(work);
        Box::pin(async move {
            let (done, lost) = work.await;
            lost.map_or(Ok(done), Err)
        })
    }

    /// Opens a session [beside](Self::beside) the lease. With the lease lost it is closed again.
    pub async fn open_beside(
        &mut self,
        connector: &dyn Connector,
        spec: SessionSpec,
    ) -> Result<Result<Box<dyn Session>, DbError>, LedgerError> {
        match self.while_beating(connector.open(spec)).await {
            (opened, None) => Ok(opened),
            (opened, Some(lost)) => {
                if let Ok(session) = opened {
                    // It ends by itself at the server if it cannot be closed.
                    drop(session.close().await);
                }
                Err(lost)
            }
        }
    }

    fn while_beating<'a, T: Send + 'a>(
        &'a mut self,
        work: impl Future<Output = T> + Send + 'a,
    ) -> Fut<'a, (T, Option<LedgerError>)> {
        // Boxed, so that who waits does not grow by it.
        let mut work: Fut<'a, T> = Box::pin(work);
        Box::pin(async move {
            let mut lost = None;
            loop {
                let beat = self.context.clock.sleep(self.until_beat());
                tokio::select! {
                    biased;
                    done = &mut work => return (done, lost),
                    () = beat, if lost.is_none() => lost = self.beat().await.err(),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{
            lease::SendKind,
            testing::{Place, TTL},
        },
        model::target::Purpose,
    };

    #[tokio::test]
    async fn what_takes_longer_than_a_lease_does_not_cost_it() {
        let place = Place::made().await;
        let mut keeper = place.acquire("run").await.unwrap();
        let clock = &place.context.clock;
        let login = async {
            for _ in 0..20 {
                clock.sleep(TTL / 8).await;
            }
        };
        keeper.beside(login).await.unwrap();
        let mut work = place.open(Purpose::Work).await;
        keeper.read_back(work.as_mut()).await.unwrap();
        assert!(keeper.may_send(SendKind::UserStatement));
        assert_eq!(place.lock().await.nonce.as_deref(), Some(keeper.nonce()));
    }

    #[tokio::test]
    async fn what_was_begun_is_waited_for_when_the_lease_is_lost() {
        let place = Place::made().await;
        let (mut keeper, _) = place.held("run").await;
        place.raw("UPDATE \"LOCAL.SNOWOPS.history_lock\" SET \"nonce\" = 'another'").await;
        let mut ended = false;
        let work = async {
            for _ in 0..4 {
                place.context.clock.sleep(TTL / 4).await;
            }
            ended = true;
        };
        let lost = keeper.beside(work).await.unwrap_err();
        assert!(matches!(lost, LedgerError::LeaseLost(_)), "{lost:?}");
        assert!(ended && !keeper.may_send(SendKind::UserStatement));
    }
}
