//! The server: what was executed, history and journal; and the ledger's rows as the project reads them.

use std::collections::BTreeMap;

use super::{Bug, Setup};
use crate::{
    ledger::EntryStatus,
    model::{
        checksum::Sha256,
        history::HistoryRow,
        journal::{Done, JournalBody, JournalRow, RunBody, RunOutcome, SettledBy, SettledOutcome},
        plan::Plan,
        statement::Class,
    },
    plan::{self, Given, script_body, testing},
};

/// A journal row: who wrote it, of which script. Runs are numbered from 1, scripts from 0, statements from 1.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) run: u8,
    pub(super) script: Option<usize>,
    pub(super) says: Says,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) enum Says {
    Run,
    Script,
    Step { done: Vec<usize>, next: usize },
    Failed(usize),
    Settled { of: u8, ordinal: usize, done: bool },
    End { outcome: RunOutcome, last: Vec<usize> },
}

/// A statement that goes on without its client.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) struct Orphan {
    pub(super) run: u8,
    pub(super) script: usize,
    pub(super) ordinal: usize,
    /// How many statements had ended when it was sent.
    after: usize,
}

/// A statement that ended, as the query history lists it.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) run: u8,
    pub(super) script: usize,
    pub(super) ordinal: usize,
    pub(super) done: bool,
}

/// What must never be.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Wrong {
    pub(super) order: bool,
    pub(super) ahead: bool,
    pub(super) lost_track: bool,
    pub(super) refused: bool,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) mix: usize,
    /// How often each statement was done; 2 stands for more.
    pub(super) executed: Vec<Vec<u8>>,
    pub(super) ended: Vec<Ended>,
    pub(super) orphan: Option<Orphan>,
    pub(super) rows: Vec<Row>,
    /// Script and success, by rank.
    pub(super) history: Vec<(usize, bool)>,
    pub(super) wrong: Wrong,
}

impl Server {
    pub(super) fn new(setup: &Setup, mix: usize) -> Self {
        let executed = setup.mixes[mix].classes.iter().map(|script| vec![0; script.len()]).collect();
        Self {
            mix,
            executed,
            ended: Vec::new(),
            orphan: None,
            rows: Vec::new(),
            history: Vec::new(),
            wrong: Wrong::default(),
        }
    }

    pub(super) fn class(&self, setup: &Setup, script: usize, ordinal: usize) -> Class {
        setup.mixes[self.mix].classes[script][ordinal - 1]
    }

    pub(super) fn is_done(&self, script: usize) -> bool {
        self.history.contains(&(script, true))
    }

    pub(super) fn is_executed(&self, script: usize, ordinal: usize) -> bool {
        self.executed[script][ordinal - 1] > 0
    }

    /// How the query history lists a statement of a run.
    pub(super) fn entry(&self, it: (u8, usize, usize)) -> Option<EntryStatus> {
        let running = self.orphan.filter(|orphan| (orphan.run, orphan.script, orphan.ordinal) == it);
        let same = |ended: &&Ended| (ended.run, ended.script, ended.ordinal) == it;
        let ended = self.ended.iter().rev().find(same);
        let ended = ended.map(|it| if it.done { EntryStatus::Success } else { EntryStatus::Failed });
        running.map(|_| EntryStatus::Running).or(ended)
    }

    pub(super) fn send(&mut self, run: u8, script: usize, ordinal: usize) {
        self.orphan = Some(Orphan { run, script, ordinal, after: self.ended.len() });
    }

    /// A statement is done.
    pub(super) fn apply(&mut self, run: u8, script: usize, ordinal: usize) {
        let earlier = self.executed[..script].iter().flatten().chain(&self.executed[script][..ordinal - 1]);
        self.wrong.order |= earlier.into_iter().any(|times| *times == 0);
        let times = &mut self.executed[script][ordinal - 1];
        *times = (*times + 1).min(2);
        self.ended.push(Ended { run, script, ordinal, done: true });
    }

    /// One that goes on without its client is done at last: nothing that follows it may have been.
    pub(super) fn land(&mut self) -> Option<()> {
        let Orphan { run, script, ordinal, after } = self.orphan.take()?;
        let later = |it: &Ended| it.done && (it.script, it.ordinal) > (script, ordinal);
        self.wrong.order |= self.is_done(script) || self.ended[after..].iter().any(later);
        self.apply(run, script, ordinal);
        Some(())
    }

    pub(super) fn write(&mut self, run: u8, script: Option<usize>, says: Says) {
        self.rows.push(Row { run, script, says });
    }

    /// The done mark: a row, or the success of the failed one.
    pub(super) fn record(&mut self, script: usize, rank: Option<i64>) {
        self.wrong.ahead |= self.executed[script].contains(&0);
        match rank.and_then(|rank| usize::try_from(rank - 1).ok()) {
            Some(at) => self.history[at].1 = true,
            None => self.history.push((script, true)),
        }
    }

    /// Forgets what no run looks at any more, so that worlds with the same future are one.
    pub(super) fn forget(&mut self) {
        let done: Vec<bool> = (0..self.executed.len()).map(|script| self.is_done(script)).collect();
        if self.orphan.is_none() {
            self.ended.retain(|it| !done[it.script]);
        }
    }

    /// The journal as the project reads it.
    pub(super) fn journal(&self, setup: &Setup, more: &[Row]) -> Vec<JournalRow> {
        let mut numbers: BTreeMap<u8, i64> = BTreeMap::new();
        let ended = |run| {
            let end = |row: &&Row| row.run == run && matches!(row.says, Says::End { .. });
            self.rows.iter().any(|row| end(&row))
        };
        let read = |row: &&Row| !(setup.has(Bug::OpenRunsOnly) && ended(row.run));
        let rows = self.rows.iter().filter(read).chain(more);
        rows.map(|row| {
            let seq = numbers.entry(row.run).or_default();
            *seq += 1;
            self.journal_row(setup, row, *seq)
        })
        .collect()
    }

    fn journal_row(&self, setup: &Setup, row: &Row, seq: i64) -> JournalRow {
        let confirmed = |ordinals: &[usize]| {
            ordinals.iter().map(|ordinal| Done { ordinal: *ordinal, query_id: None }).collect()
        };
        let body = match &row.says {
            Says::Run => JournalBody::Run(run_body(row.run)),
            Says::Script => {
                let script = row.script.expect("it names its script");
                JournalBody::Script(script_body(&setup.mixes[self.mix].scripts[script]))
            }
            Says::Step { done, next } => JournalBody::Step { done: confirmed(done), next: *next },
            Says::Failed(ordinal) => JournalBody::Failed {
                ordinal: *ordinal,
                code: None,
                sqlstate: None,
                query_id: None,
                message: String::new(),
            },
            Says::Settled { of, ordinal, done } => JournalBody::Settled {
                run: name(if setup.has(Bug::SettledWithoutRun) { self.newest(row.script) } else { *of }),
                ordinal: *ordinal,
                by: SettledBy::History,
                outcome: if *done { SettledOutcome::Done } else { SettledOutcome::NotDone },
            },
            Says::End { outcome, last } => JournalBody::End { outcome: *outcome, last: confirmed(last) },
        };
        let script = row.script.map(|script| setup.mixes[self.mix].scripts[script].migration.script.clone());
        JournalRow { run: name(row.run), seq, script, ordinal: None, body, at: String::new() }
    }

    fn newest(&self, script: Option<usize>) -> u8 {
        let planned = self.rows.iter().filter(|row| row.script == script && row.says == Says::Script);
        planned.map(|row| row.run).max().unwrap_or(0)
    }

    /// The project's plan for what the ledger holds, `more` of it not written yet.
    pub(super) fn plan(&self, setup: &Setup, journal: &[JournalRow]) -> Plan {
        let scripts = &setup.mixes[self.mix].scripts;
        let history: Vec<HistoryRow> = (1..)
            .zip(&self.history)
            .map(|(rank, (script, success))| HistoryRow {
                success: *success,
                ..testing::row(&scripts[*script], rank)
            })
            .collect();
        plan::plan(&Given {
            migrations: scripts,
            history: &history,
            journal,
            templates: &BTreeMap::new(),
            policy: &setup.policy,
        })
    }
}

/// Ids of runs sort as their numbers.
fn name(run: u8) -> String {
    format!("run-{run:02}")
}

pub(super) fn number(run: &str) -> u8 {
    run.trim_start_matches("run-").parse().expect("a run of this model")
}

fn run_body(run: u8) -> RunBody {
    RunBody {
        token: i64::from(run),
        version: String::new(),
        user: String::new(),
        host: String::new(),
        commit: None,
        pipeline_url: None,
        sessions: Vec::new(),
        plan_digest: Sha256::of(b""),
        environment: String::new(),
        ttl_ms: None,
    }
}
