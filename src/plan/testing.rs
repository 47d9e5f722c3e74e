//! A small world of files, history and journal that reads as sentences.

use std::{collections::BTreeMap, sync::Arc};

use super::{Given, Policy, ResumePolicy, boundaries::history_crc, script_body};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        checksum::{Sha256, flyway_crc},
        facts::Facts,
        history::{HistoryRow, RowType, abbreviate_description},
        ident::Ident,
        journal::{Done, JournalBody, JournalRow, RunBody, RunOutcome, SettledBy, SettledOutcome},
        migration::{Body, Migration, Prepared, Rendered},
        name::MigrationKind,
        plan::{MigrationStatus, Plan, Target},
        settings::ScriptSettings,
        statement::{SourceSpan, Statement, StatementHash, StatementSettings},
        target::{Context4, LedgerName},
        version::Version,
    },
};

pub(super) struct World {
    pub(super) migrations: Vec<Arc<Prepared>>,
    pub(super) history: Vec<HistoryRow>,
    pub(super) journal: Vec<JournalRow>,
    pub(super) policy: Policy,
    pub(super) templates: BTreeMap<String, Sha256>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            migrations: Vec::new(),
            history: Vec::new(),
            journal: Vec::new(),
            policy: policy(),
            templates: BTreeMap::new(),
        }
    }

    /// A second world like `other`.
    pub(super) fn new_from(other: &Self) -> Self {
        Self {
            migrations: other.migrations.clone(),
            history: other.history.clone(),
            journal: other.journal.clone(),
            templates: other.templates.clone(),
            policy: other.policy.clone(),
        }
    }

    pub(super) fn given(&self) -> Given<'_> {
        Given {
            migrations: &self.migrations,
            history: &self.history,
            journal: &self.journal,
            templates: &self.templates,
            policy: &self.policy,
        }
    }

    pub(super) fn plan(&self) -> Plan {
        super::plan(&self.given())
    }

    pub(super) fn states(&self) -> Vec<MigrationStatus> {
        super::states(&self.given())
    }

    pub(super) fn validate(&self) -> Vec<Diagnostic> {
        super::validate(&self.given())
    }

    /// `script state`, a line each, in display order.
    pub(super) fn shown(&self) -> Vec<String> {
        self.states().iter().map(|status| format!("{} {}", name(status), status.state.as_str())).collect()
    }

    /// Codes of the errors that `validate` finds.
    pub(super) fn errors(&self) -> Vec<Code> {
        self.validate().iter().filter(|finding| finding.is_error()).map(|finding| finding.code).collect()
    }

    /// `action script from`, a line each.
    pub(super) fn steps(&self) -> Vec<String> {
        steps(&self.plan())
    }

    /// A file with its statements, parted by `;`.
    pub(super) fn file(self, name: &str, text: &str) -> Self {
        self.file_with(name, text, |_| {})
    }

    pub(super) fn file_with(mut self, name: &str, text: &str, change: impl FnOnce(&mut Prepared)) -> Self {
        let mut prepared = prepared(name, text);
        change(&mut prepared);
        self.migrations.retain(|other| other.migration.script != name);
        self.migrations.push(Arc::new(prepared));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.migrations.retain(|other| other.migration.script != name);
        self
    }

    pub(super) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(super) fn find(&self, name: &str) -> &Arc<Prepared> {
        self.migrations.iter().find(|prepared| prepared.migration.script == name).expect("a file")
    }

    fn next_rank(&self) -> i64 {
        self.history.iter().map(|row| row.rank).max().unwrap_or(0) + 1
    }

    /// A history row for the file as it is now, as Flyway writes it: without a journal.
    pub(super) fn applied(self, name: &str) -> Self {
        self.row_of(name, |_| {})
    }

    pub(super) fn row_of(mut self, name: &str, change: impl FnOnce(&mut HistoryRow)) -> Self {
        let mut row = row(self.find(name), self.next_rank());
        change(&mut row);
        self.history.push(row);
        self
    }

    /// A history row of a type of its own.
    pub(super) fn row(mut self, kind: RowType, version: Option<&str>, description: &str) -> Self {
        self.history.push(HistoryRow {
            rank: self.next_rank(),
            version: version.map(str::to_owned),
            description: description.to_owned(),
            kind,
            script: description.to_owned(),
            checksum: None,
            installed_by: "ME".into(),
            installed_on: "2026-01-01 00:00:00".into(),
            execution_ms: 1,
            success: true,
        });
        self
    }

    /// A run plans these files as they are now.
    pub(super) fn run(mut self, run: &str, files: &[&str]) -> Self {
        self.write_run(run);
        for file in files {
            let body = script_body(self.find(file));
            self.write(run, Some(file), JournalBody::Script(body));
        }
        self
    }

    pub(super) fn write_run(&mut self, run: &str) {
        let runs = self.journal.iter().filter(|row| matches!(row.body, JournalBody::Run(_))).count();
        let body = RunBody {
            token: i64::try_from(runs).unwrap() + 1,
            version: "0.1.0".into(),
            user: "ME".into(),
            host: "here".into(),
            commit: None,
            pipeline_url: None,
            sessions: Vec::new(),
            plan_digest: Sha256::of(b""),
            environment: "dev".into(),
            ttl_ms: None,
        };
        self.write(run, None, JournalBody::Run(body));
    }

    pub(super) fn write(&mut self, run: &str, script: Option<&str>, body: JournalBody) {
        let seq = self.journal.iter().filter(|row| row.run == run).map(|row| row.seq).max().unwrap_or(0) + 1;
        let at = format!("2026-01-01 00:00:{:04}", self.journal.len());
        self.journal.push(JournalRow {
            run: run.into(),
            seq,
            script: script.map(str::to_owned),
            ordinal: None,
            body,
            at,
        });
    }

    pub(super) fn wrote(mut self, run: &str, script: &str, body: JournalBody) -> Self {
        self.write(run, Some(script), body);
        self
    }

    /// All before `next` is done.
    pub(super) fn step(self, run: &str, script: &str, next: usize) -> Self {
        self.wrote(run, script, step(next))
    }

    pub(super) fn fails(self, run: &str, script: &str, ordinal: usize) -> Self {
        self.wrote(run, script, failed(ordinal))
    }

    pub(super) fn settled(
        self,
        by: &str,
        of: &str,
        script: &str,
        ordinal: usize,
        outcome: SettledOutcome,
    ) -> Self {
        let body = JournalBody::Settled { run: of.into(), ordinal, by: SettledBy::Person, outcome };
        self.wrote(by, script, body)
    }

    pub(super) fn ends(mut self, run: &str, outcome: RunOutcome) -> Self {
        self.write(run, None, JournalBody::End { outcome, last: Vec::new() });
        self
    }

    /// Carries a plan out, without a fault.
    pub(super) fn migrate(mut self, run: &str) -> Self {
        let plan = self.plan();
        assert!(!plan.is_refused(), "{:#?}", plan.findings);
        self.write_run(run);
        for step in &plan.steps {
            let script = step.prepared.migration.script.clone();
            self.write(run, Some(&script), JournalBody::Script(script_body(&step.prepared)));
        }
        for step in &plan.steps {
            let migration = &step.prepared.migration;
            let rank = step.resume.as_ref().and_then(|resume| resume.rank);
            match migration.kind {
                MigrationKind::Always | MigrationKind::Callback => {
                    let rendered_sha = step.prepared.rendered().unwrap().sha;
                    let body =
                        JournalBody::Done { rendered_sha, execution_ms: 3, query_id: Some("q".into()) };
                    self.write(run, Some(&migration.script), body);
                }
                _ => self.record(&step.prepared, rank, true),
            }
        }
        self.ends(run, RunOutcome::Success)
    }

    /// Writes the history row of a script, or the same row again.
    pub(super) fn record(&mut self, prepared: &Prepared, rank: Option<i64>, success: bool) {
        let mut row = row(prepared, rank.unwrap_or_else(|| self.next_rank()));
        row.success = success;
        self.history.retain(|other| other.rank != row.rank);
        self.history.push(row);
    }
}

pub(super) fn name(status: &MigrationStatus) -> String {
    let file = status.migration.as_ref().map(|migration| migration.script.clone());
    file.or_else(|| status.applied.as_ref().map(|row| row.script.clone())).unwrap()
}

pub(super) fn steps(plan: &Plan) -> Vec<String> {
    let line = |step: &crate::model::plan::Step| {
        let from = if step.from == 1 { String::new() } else { format!(" from {}", step.from) };
        format!("{} {}{from}", step.action.as_str(), step.prepared.migration.script)
    };
    plan.steps.iter().map(line).collect()
}

pub(super) fn step(next: usize) -> JournalBody {
    let done = (1..next).map(|ordinal| Done { ordinal, query_id: Some(format!("q{ordinal}")) }).collect();
    JournalBody::Step { done, next }
}

pub(super) fn failed(ordinal: usize) -> JournalBody {
    JournalBody::Failed {
        ordinal,
        code: Some("002003".into()),
        sqlstate: Some("02000".into()),
        query_id: Some("q".into()),
        message: "Object 'X' does not exist".into(),
    }
}

pub(super) fn repaired() -> JournalBody {
    JournalBody::Repaired(crate::model::journal::ChangeBody {
        what: "failed row removed".into(),
        reason: "a person".into(),
        row_digest: None,
        source_sha: None,
    })
}

/// What is asked for where a test says nothing else.
pub(crate) fn policy() -> Policy {
    let ident = Ident::stored;
    Policy {
        target: Target::Latest,
        out_of_order: false,
        resume: ResumePolicy::Auto,
        environment: "dev".into(),
        ledger: LedgerName { database: ident("DB"), schema: ident("SNOWOPS"), table: "history".into() },
        context: Context4 {
            database: Some(ident("DB")),
            schema: Some(ident("PUBLIC")),
            ..Context4::default()
        },
        strict_pending: false,
    }
}

pub(crate) fn row(prepared: &Prepared, rank: i64) -> HistoryRow {
    let migration = &prepared.migration;
    HistoryRow {
        rank,
        version: migration.version.as_ref().map(|version| version.as_str().to_owned()),
        description: abbreviate_description(&migration.description),
        kind: match migration.kind {
            MigrationKind::Baseline => RowType::SqlBaseline,
            MigrationKind::Undo => RowType::UndoSql,
            _ => RowType::Sql,
        },
        script: migration.script.clone(),
        checksum: Some(i64::from(history_crc(prepared))),
        installed_by: "ME".into(),
        installed_on: "2026-01-01 00:00:00".into(),
        execution_ms: 1,
        success: true,
    }
}

pub(crate) fn prepared(script: &str, text: &str) -> Prepared {
    let (head, description) =
        script.trim_end_matches(".sql").split_once("__").unwrap_or((script.trim_end_matches(".sql"), ""));
    let (kind, version, event) = match head.split_at(1) {
        ("V", version) => (MigrationKind::Versioned, Some(version), None),
        ("B", version) => (MigrationKind::Baseline, Some(version), None),
        ("U", version) => (MigrationKind::Undo, Some(version), None),
        ("R", "") => (MigrationKind::Repeatable, None, None),
        ("A", "") => (MigrationKind::Always, None, None),
        _ => (MigrationKind::Callback, None, Some(head.to_owned())),
    };
    let migration = Migration {
        kind,
        version: version.map(|version| Version::parse(version).expect("a version")),
        description: description.replace('_', " "),
        event,
        script: script.to_owned(),
        file: format!("migrations/{script}"),
        text: text.into(),
        crc: flyway_crc(text),
        source_sha: Sha256::of_text(text),
        conf: None,
    };
    Prepared {
        body: Body::Ready(rendered(&migration.file, text)),
        migration: Arc::new(migration),
        settings: ScriptSettings::default(),
    }
}

pub(super) fn rendered(file: &str, text: &str) -> Rendered {
    let mut at = 0;
    let mut statements = Vec::new();
    for piece in text.split(';') {
        let trimmed = piece.trim();
        if !trimmed.is_empty() {
            let start = at + piece.find(trimmed).unwrap();
            statements.push(Statement {
                ordinal: statements.len() + 1,
                text: trimmed.to_owned(),
                at: SourceSpan {
                    file: file.into(),
                    start,
                    end: start + trimmed.len(),
                    line: 1,
                    column: start + 1,
                },
                hash: StatementHash::of(trimmed),
                facts: facts(trimmed),
                settings: StatementSettings::default(),
            });
        }
        at += piece.len() + 1;
    }
    Rendered {
        sha: Sha256::of_text(text),
        crc: flyway_crc(text),
        templates: Vec::new(),
        statements,
        warnings: Vec::new(),
    }
}

/// Facts of a statement in the short form of these tests. The words `temporary` and `lasting` mark what its session
/// cannot get back.
fn facts(text: &str) -> Facts {
    let words: Vec<&str> = text.split_whitespace().collect();
    let sql = match words[..] {
        ["insert", ..] => "insert into t values (1)".to_owned(),
        ["grant", ..] => "grant select on table t to role r".to_owned(),
        ["create", "table", name] => format!("create table {name} (id int)"),
        ["create", "view", name] => format!("create or replace view {name} as select 1 as id"),
        ["put", ..] => "put file:///tmp/x @stage".to_owned(),
        _ => text.to_owned(),
    };
    let mut facts = crate::sql::facts::facts(&sql);
    facts.session.lasting |= words.contains(&"lasting");
    facts
}
