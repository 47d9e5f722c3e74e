//! What the driver writes into the ledger.

use std::collections::BTreeSet;

use super::{Driver, ROWS_PER_INSERT, statements};
use crate::{
    event::Fact,
    execute::{
        emit::millis,
        report::ScriptResult,
        run::{Event, Part, Place, RunOutcomeKey, has_history},
    },
    ledger::{NewHistoryRow, NewJournalRow},
    model::{
        history::{RowType, abbreviate_description, abbreviate_script},
        journal::JournalBody,
        name::MigrationKind,
        plan::Step,
    },
    plan,
};

impl Driver<'_, '_, '_> {
    pub(super) async fn open(&mut self) -> Event {
        let mut insert = vec![(None, None, JournalBody::Run(self.it.run.clone()))];
        let mut seen = BTreeSet::new();
        for step in self.it.plan.steps.iter().chain(&self.it.plan.on_error) {
            if !seen.insert(step.prepared.migration.script.as_str()) {
                continue;
            }
            // What a resume knows must stand in the journal all at once: from its `script` row on, older runs no
            // longer speak about the script.
            let rows = self.opening_rows(step);
            if insert.len() + rows.len() > ROWS_PER_INSERT {
                let full = std::mem::take(&mut insert);
                let written = self.write(full).await;
                if written != Event::Confirmed {
                    return written;
                }
            }
            insert.extend(rows);
        }
        self.write(insert).await
    }

    fn opening_rows(&self, step: &Step) -> Vec<NewJournalRow> {
        let script = &step.prepared.migration.script;
        let settled = self.it.settled.iter().filter(|s| s.script == *script);
        let mut rows: Vec<NewJournalRow> =
            settled.map(|s| (Some(script.clone()), Some(s.ordinal), s.body())).collect();
        let body = JournalBody::Script(plan::script_body(&step.prepared));
        rows.push((Some(script.clone()), None, body));
        if let Some(resume) = &step.resume {
            let body = JournalBody::Step { done: resume.done.clone(), next: step.from };
            rows.push((Some(script.clone()), None, body));
        }
        rows
    }

    pub(super) async fn step(&mut self, place: Place, next: usize) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        let script = step.prepared.migration.script.clone();
        let body = JournalBody::Step { done: std::mem::take(&mut self.done), next };
        self.write(vec![(Some(script), Some(next), body)]).await
    }

    pub(super) async fn record(&mut self, place: Place) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        let migration = &step.prepared.migration;
        let execution_ms = millis(self.emitter.elapsed().saturating_sub(self.began));
        let recorded = if has_history(migration.kind) {
            self.record_history(step, execution_ms, true).await
        } else {
            let rendered_sha = step.prepared.rendered().map_or(migration.source_sha, |r| r.sha);
            let execution_ms = i64::try_from(execution_ms).unwrap_or(i64::MAX);
            let body = JournalBody::Done { rendered_sha, execution_ms, query_id: self.last_query.clone() };
            self.write(vec![(Some(migration.script.clone()), None, body)]).await
        };
        if recorded != Event::Confirmed {
            return recorded;
        }
        self.stopped_at = None;
        self.done.clear();
        let of = statements(step).len();
        self.emitter.emit(Fact::MigrationFinished {
            script: migration.script.clone(),
            of,
            elapsed_ms: execution_ms,
        });
        self.report.applied.push(ScriptResult {
            script: migration.script.clone(),
            kind: migration.kind,
            version: migration.version.as_ref().map(ToString::to_string),
            description: migration.description.clone(),
            action: step.action,
            statements: of,
            execution_ms,
            query_id: self.last_query.clone(),
        });
        Event::Confirmed
    }

    pub(super) async fn record_history(&mut self, step: &Step, execution_ms: u64, success: bool) -> Event {
        let row = history_row(step, &self.it.installed_by, execution_ms, success);
        let written = match step.resume.as_ref().and_then(|r| r.rank) {
            Some(rank) => self.it.keeper.update_history(rank, success, row.checksum, row.execution_ms).await,
            None => self.it.keeper.insert_history(&row).await.map(|_| ()),
        };
        self.ledger(written)
    }

    pub(super) async fn record_failure(&mut self, place: Place, ordinal: usize) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        let script = step.prepared.migration.script.clone();
        let of = statements(step).len();
        let elapsed_ms = millis(self.emitter.elapsed().saturating_sub(self.began));
        let error = self.last_error.take();
        self.emitter.emit(Fact::MigrationFailed { script: script.clone(), ordinal, of, elapsed_ms });
        let body = JournalBody::Failed {
            ordinal,
            code: error.as_ref().and_then(|e| e.code.clone()),
            sqlstate: error.as_ref().and_then(|e| e.sqlstate.clone()),
            query_id: error.as_ref().and_then(|e| e.query_id.clone()),
            message: error.map(|e| crate::diagnostic::defuse(&e.message)).unwrap_or_default(),
        };
        let mut rows = Vec::new();
        if !self.done.is_empty() {
            let done = std::mem::take(&mut self.done);
            rows.push((Some(script.clone()), Some(ordinal), JournalBody::Step { done, next: ordinal }));
        }
        rows.push((Some(script), Some(ordinal), body));
        let written = self.write(rows).await;
        if written == Event::Confirmed && place.part == Part::Steps {
            // A transaction of the failed script must not reach into the error callbacks.
            return match self.fresh_for_callbacks().await {
                Some(event) => event,
                None => Event::Confirmed,
            };
        }
        written
    }

    pub(super) async fn record_failed_history(&mut self, place: Place) -> Event {
        let Some(step) = self.step_at(place) else { return Event::Refused };
        if step.resume.as_ref().is_some_and(|r| r.rank.is_some()) {
            return Event::Confirmed;
        }
        let execution_ms = millis(self.emitter.elapsed().saturating_sub(self.began));
        self.record_history(step, execution_ms, false).await
    }

    pub(super) async fn end(&mut self, outcome: RunOutcomeKey) -> Event {
        let last = std::mem::take(&mut self.done);
        let script = self.stopped_at.as_ref().map(|(script, _)| script.clone());
        let written = self.it.keeper.end(script, outcome.outcome(), last).await;
        self.ledger(written)
    }
}

fn history_row(step: &Step, installed_by: &str, execution_ms: u64, success: bool) -> NewHistoryRow {
    let migration = &step.prepared.migration;
    let checksum = match migration.kind {
        MigrationKind::Repeatable => step.prepared.rendered().map_or(migration.crc, |r| r.crc),
        _ => migration.crc,
    };
    NewHistoryRow {
        version: migration.version.as_ref().map(ToString::to_string),
        description: abbreviate_description(&migration.description),
        kind: RowType::Sql,
        script: abbreviate_script(&migration.script),
        checksum: Some(i64::from(checksum)),
        installed_by: installed_by.to_owned(),
        execution_ms: i64::try_from(execution_ms).unwrap_or(i64::MAX),
        success,
    }
}
