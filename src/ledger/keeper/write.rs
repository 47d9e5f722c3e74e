//! What the keeper writes, each under the fence of the lock row.

use std::time::Duration;

use super::Keeper;
use crate::{
    ledger::{
        How, LedgerError, LedgerState, NewHistoryRow, NewJournalRow, ask, cell,
        history::{self, Head},
        journal, layout, lock_row, read, sql,
    },
    model::{
        history::{HistoryRow, RowType, abbreviate_description},
        journal::{Done, JournalBody, KnownRun, RunOutcome},
    },
    session::Bind,
};

/// Numbers of `end` rows that a later lease writes for a run; a run itself never counts so far.
const CLOSING_SEQ: i64 = 1_000_000_000;

impl Keeper {
    /// Appends journal rows in as few inserts as hold them, and numbers them. A lost answer may mean that they
    /// stand in the table: the same rows may be sent again, readers ignore the repetition.
    pub async fn journal(&mut self, rows: Vec<NewJournalRow>) -> Result<(), LedgerError> {
        for chunk in rows.chunks(sql::JOURNAL_ROWS) {
            self.insert_journal(chunk, false).await?;
        }
        Ok(())
    }

    async fn insert_journal(&mut self, rows: &[NewJournalRow], at_head: bool) -> Result<(), LedgerError> {
        let mut binds = Vec::with_capacity(rows.len() * sql::JOURNAL_BINDS + 2);
        for (row, seq) in rows.iter().zip(self.seq..) {
            binds.extend(journal::binds(&self.settings.run, seq, row));
        }
        binds.push(Bind::Text(self.nonce.clone()));
        if at_head {
            binds.push(Bind::Text(self.head.text()));
        }
        let text = self.sql.insert_journal(rows.len(), at_head);
        let changed = self.write(text, binds, true).await?;
        if changed == 0 {
            return Err(self.explain().await);
        }
        self.seq += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Inserts a history row behind the head that this run knows, and answers its rank. It is never repeated: with
    /// the first insert still queued, both would see the same head. After a lost answer the run must stop; the next
    /// one sees whether the row is there.
    pub async fn insert_history(&mut self, row: &NewHistoryRow) -> Result<i64, LedgerError> {
        let rank = self.head.next();
        let mut binds = history::binds(row, rank);
        binds.extend([Bind::Text(self.nonce.clone()), Bind::Text(self.head.text())]);
        if self.write(self.sql.insert_history(), binds, false).await? == 0 {
            return Err(self.explain().await);
        }
        self.head = Head { rank, rows: self.head.rows + 1 };
        Ok(rank)
    }

    /// Writes the outcome of a resumed script into its row.
    pub async fn update_history(
        &mut self,
        rank: i64,
        success: bool,
        checksum: Option<i64>,
        execution_ms: i64,
    ) -> Result<(), LedgerError> {
        let binds = vec![
            Bind::Boolean(success),
            checksum.map_or(Bind::Null, Bind::Integer),
            Bind::Integer(execution_ms),
            Bind::Integer(rank),
            Bind::Text(self.nonce.clone()),
        ];
        self.change_one(self.sql.finish_history(), binds).await
    }

    /// Flyway's repair of a row: makes it say what the file says.
    pub async fn align_history(
        &mut self,
        rank: i64,
        description: &str,
        kind: &RowType,
        checksum: Option<i64>,
    ) -> Result<(), LedgerError> {
        let binds = vec![
            Bind::Text(abbreviate_description(description)),
            Bind::Text(kind.as_str().to_owned()),
            checksum.map_or(Bind::Null, Bind::Integer),
            Bind::Integer(rank),
            Bind::Text(self.nonce.clone()),
        ];
        self.change_one(self.sql.align_history(), binds).await
    }

    async fn change_one(&mut self, text: String, binds: Vec<Bind>) -> Result<(), LedgerError> {
        match self.write(text, binds, true).await? {
            0 => Err(self.explain().await),
            _ => Ok(()),
        }
    }

    /// Flyway's repair of failures: removes all rows with `success = false` in one statement and answers how many.
    pub async fn remove_failed(&mut self) -> Result<u64, LedgerError> {
        let removed =
            self.write(self.sql.delete_failed(), vec![Bind::Text(self.nonce.clone())], true).await?;
        if removed == 0 {
            self.still_mine().await?;
            return Ok(0);
        }
        let answer =
            ask(self.session.as_mut(), &self.context, self.sql.select_head(), Vec::new(), How::READ).await?;
        let number = |at: usize| cell(&answer, at).and_then(history::whole).unwrap_or(0);
        self.head = Head { rank: number(0).max(0), rows: number(1) };
        Ok(removed)
    }

    /// Ends the run in the journal: only if the history still is as this run knows it. `script` is the one that it
    /// stopped in, `last` what it confirmed there since its last row.
    pub async fn end(
        &mut self,
        script: Option<String>,
        outcome: RunOutcome,
        last: Vec<Done>,
    ) -> Result<(), LedgerError> {
        self.insert_journal(&[(script, None, JournalBody::End { outcome, last })], true).await
    }

    /// Closes open runs of others, after their statements were drained and each of their scripts was settled: an
    /// `end` row each, outcome abandoned.
    pub async fn close_open_runs(&mut self, runs: &[KnownRun]) -> Result<(), LedgerError> {
        for run in runs {
            let row = (None, None, JournalBody::End { outcome: RunOutcome::Abandoned, last: Vec::new() });
            // The number stands apart from those that the run itself gave its rows.
            let mut binds = journal::binds(&run.id, CLOSING_SEQ + self.token, &row).to_vec();
            binds.push(Bind::Text(self.nonce.clone()));
            if self.write(self.sql.insert_journal(1, false), binds, true).await? == 0 {
                return Err(self.explain().await);
            }
        }
        Ok(())
    }

    /// Brings the tables to the newest layout. Nothing is sent where they have it.
    pub async fn upgrade(&mut self, state: &LedgerState) -> Result<(), LedgerError> {
        layout::upgrade(self, state.layout, layout::STEPS).await
    }

    /// Runs one statement of a layout step. It must be harmless when repeated: it cannot stand under the fence.
    pub(in crate::ledger) async fn run_layout_step(&mut self, text: &str) -> Result<(), LedgerError> {
        self.write(self.sql.layout_step(text), Vec::new(), true).await.map(drop)
    }

    /// Why a fenced write changed no row.
    async fn explain(&mut self) -> LedgerError {
        if let Err(error) = self.still_mine().await {
            return error;
        }
        match read(self.session.as_mut(), &self.settings.name, &self.context).await {
            Ok(state) => LedgerError::Stranger { row: self.stranger(state.history) },
            Err(error) => error,
        }
    }

    async fn still_mine(&mut self) -> Result<(), LedgerError> {
        let row = lock_row(self.session.as_mut(), &self.settings.name, Duration::ZERO, &self.context).await?;
        if row.nonce.as_deref() != Some(self.nonce.as_str()) {
            let holder = row.nonce.as_ref().map_or_else(|| "nobody".to_owned(), |_| row.holder_words());
            return Err(self.loss(&format!("the row is held by {holder}")));
        }
        if row.expired {
            return Err(self.loss("it has expired at the server"));
        }
        Ok(())
    }

    /// The row that this run does not know: above its head, or a second one of a rank.
    fn stranger(&self, rows: Vec<HistoryRow>) -> Option<HistoryRow> {
        let mut ranks = std::collections::BTreeSet::new();
        let mut found = None;
        for row in rows {
            if row.rank > self.head.rank || !ranks.insert(row.rank) {
                found = Some(row);
            }
        }
        found
    }
}
