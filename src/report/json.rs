//! Results and events for machines: the shapes of `docs/reference/json.md`, frozen by snapshot tests.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Body, Report};
use crate::{
    config::Shown,
    diagnostic::{Diagnostic, defuse_json},
    engine::{
        Stop, Survey,
        doctor::Check,
        migrate::Migrated,
        render::{RenderedFile, StatementView},
        repair::Repaired,
        unlock::{Held, Unlocked},
    },
    event::{Event, EventSink, SCHEMA_VERSION},
    execute::{Failure, FailureKind, ScriptResult},
    ledger::Presence,
    model::{
        facts::{Certainty, Verb},
        kind::ObjectKind,
        migration::Prepared,
        plan::{Action, MigrationStatus, Plan, Step},
        state::MigrationState,
        statement::{Class, StatementHash},
    },
    plan,
    sql::facts,
};

/// Writes events, one object a line.
pub(super) struct Events {
    out: Box<dyn Write + Send>,
}

impl Events {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out }
    }
}

impl EventSink for Events {
    fn emit(&mut self, event: &Event) {
        let Ok(line) = serde_json::to_string(event) else { return };
        // An event that nobody can read any more does not stop a migration.
        let _ = writeln!(self.out, "{}", defuse_json(&line)).and_then(|()| self.out.flush());
    }
}

pub(super) fn show(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    match &report.body {
        Body::Statements => {
            // The rest of the object that `begin_statements` began.
            let rest = serde_json::to_string_pretty(&outcome(report))?;
            writeln!(out, "{}", defuse_json(rest.trim_start_matches("{\n")))?;
            out.flush()
        }
        Body::Schema(schema) => print(schema, out),
        Body::Text(text) => out.write_all(text.as_bytes()),
        _ => print(&result(report), out),
    }
}

fn print(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", defuse_json(&serde_json::to_string_pretty(value)?))?;
    out.flush()
}

/// Opens the object of `render --statements`, and its list of statements.
pub(super) fn begin_statements(
    command: &str,
    environment: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = serde_json::to_string_pretty(&head(command, environment))?;
    write!(out, "{},\n  \"statements\": [", head.trim_end_matches("\n}"))
}

fn envelope(report: &Report<'_>) -> Map<String, Value> {
    let mut object = head(report.command, report.environment.as_deref());
    object.extend(outcome(report));
    object
}

/// What is known of a result before there is one.
fn head(command: &str, environment: Option<&str>) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("schema_version", json!(SCHEMA_VERSION));
    put("command", json!(command));
    put("snowops_version", json!(env!("CARGO_PKG_VERSION")));
    put("environment", json!(environment));
    object
}

fn outcome(report: &Report<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("ok", json!(matches!(report.exit_code, 0 | 8 | 10)));
    put("exit_code", json!(report.exit_code));
    put("duration_ms", json!(crate::execute::emit::millis(report.duration)));
    put("findings", report.findings.iter().map(finding).collect());
    if let Some(stop) = report.stop {
        put("error", error(stop, report.exit_code));
    }
    object
}

fn result(report: &Report<'_>) -> Value {
    let mut object = envelope(report);
    let body = match &report.body {
        Body::Nothing | Body::Statements | Body::Schema(_) | Body::Text(_) => json!({}),
        Body::Snapshot(taken) => super::drift::snapshot_json(taken),
        Body::Drift(drifted) => super::drift::drift_json(drifted),
        Body::Info(survey) | Body::Validate(survey) => json!({
            "migrations": migrations(&survey.plan),
            "counts": counts(&survey.plan),
            "history": presence(&survey.presence),
        }),
        Body::Plan(survey) => plan_body(survey),
        Body::Migrate(migrated) => migrate_body(migrated),
        Body::Rendered(files) => json!({ "files": files.iter().map(rendered).collect::<Vec<_>>() }),
        Body::Repair(repaired) => repair_body(repaired),
        Body::Unlock(unlocked) => unlock_body(unlocked),
        Body::Doctor(checks) => json!({ "checks": checks.iter().map(check).collect::<Vec<_>>() }),
        Body::Config(values) => json!({ "values": values.iter().map(shown).collect::<Vec<_>>() }),
        Body::Init(init) => json!({ "files": init.files }),
        Body::New(file) => json!({ "file": file }),
    };
    if let Value::Object(fields) = body {
        object.extend(fields);
    }
    Value::Object(object)
}

fn finding(finding: &Diagnostic) -> Value {
    let place = finding.place.as_ref();
    let position = place.and_then(|p| p.position);
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "file": place.map(|p| &p.file),
        "line": position.map(|p| p.0),
        "column": position.map(|p| p.1),
        "hint": hint(finding),
    })
}

/// The hint with the notes in front: the frozen shape has one field for both.
fn hint(finding: &Diagnostic) -> Option<String> {
    let lines: Vec<&str> = finding.notes.iter().chain(&finding.hint).map(String::as_str).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn error(stop: &Stop, exit_code: u8) -> Value {
    let place = stop.finding.place.as_ref();
    let position = place.and_then(|p| p.position);
    json!({
        "code": stop.finding.code,
        "message": stop.finding.message,
        "file": place.map(|p| &p.file),
        "line": position.map(|p| p.0),
        "column": position.map(|p| p.1),
        "snowflake_code": stop.snowflake_code,
        "sqlstate": stop.sqlstate,
        "query_id": stop.query_id,
        "hint": hint(&stop.finding),
        "exit_code": exit_code,
    })
}

fn presence(presence: &Presence) -> &'static str {
    match presence {
        Presence::Present | Presence::HistoryOnly => "present",
        Presence::Absent | Presence::Unfinished | Presence::SchemaMissing | Presence::SchemaEmpty => "absent",
        Presence::NotVisible { .. } => "not_visible",
    }
}

fn migrations(plan: &Plan) -> Vec<Value> {
    plan.migrations.iter().map(migration).collect()
}

fn migration(status: &MigrationStatus) -> Value {
    let MigrationStatus { migration, prepared, applied, journal, state } = status;
    let rendered = prepared.as_ref().and_then(|p| p.rendered());
    let kind = plan::kind_of(status);
    let (at, of) = match state {
        MigrationState::Failed { at, of, .. } => (*at, *of),
        MigrationState::Unknown { at, of } => (Some(*at), Some(*of)),
        _ => (None, None),
    };
    let journal = journal.as_ref();
    let found = migration.as_ref();
    json!({
        "script": found.map(|m| m.script.clone()).or_else(|| applied.as_ref().map(|a| a.script.clone())),
        "kind": kind,
        "version": found.and_then(|m| m.version.as_ref().map(ToString::to_string))
            .or_else(|| applied.as_ref().and_then(|a| a.version.clone())),
        "description": found.map(|m| m.description.clone())
            .or_else(|| applied.as_ref().map(|a| a.description.clone())),
        "state": state.as_str(),
        "checksum": applied.as_ref().and_then(|a| a.checksum).or_else(|| found.map(|m| i64::from(m.crc))),
        "source_sha": found.map(|m| m.source_sha.to_string())
            .or_else(|| journal.and_then(|j| j.source_sha.map(|s| s.to_string()))),
        "rendered_sha": rendered.map(|r| r.sha.to_string())
            .or_else(|| journal.and_then(|j| j.rendered_sha.map(|s| s.to_string()))),
        "installed_rank": applied.as_ref().map(|a| a.rank),
        "installed_on": applied.as_ref().map(|a| a.installed_on.clone())
            .or_else(|| journal.and_then(|j| j.at.clone())),
        "installed_by": applied.as_ref().map(|a| a.installed_by.clone())
            .or_else(|| journal.and_then(|j| j.user.clone())),
        "execution_ms": applied.as_ref().map(|a| a.execution_ms)
            .or_else(|| journal.and_then(|j| j.execution_ms)),
        "at": at,
        "of": of,
        "query_id": journal.and_then(|j| j.query_id.clone()),
    })
}

fn counts(plan: &Plan) -> Value {
    let mut counts = Map::new();
    for status in &plan.migrations {
        let entry = counts.entry(status.state.as_str()).or_insert(json!(0));
        *entry = json!(entry.as_u64().unwrap_or(0) + 1);
    }
    Value::Object(counts)
}

fn plan_body(survey: &Survey) -> Value {
    json!({
        "steps": survey.plan.steps.iter().map(step).collect::<Vec<_>>(),
        "migrations": migrations(&survey.plan),
        "pending": survey.pending(),
        "always": survey.always(),
        "digest": survey.digest.to_string(),
        "history": presence(&survey.presence),
    })
}

fn step(step: &Step) -> Value {
    let migration = &step.prepared.migration;
    json!({
        "script": migration.script,
        "kind": migration.kind,
        "version": migration.version.as_ref().map(ToString::to_string),
        "action": step.action,
        "reason": step.reason,
        "from": step.from,
        "statements": statements(&step.prepared),
    })
}

fn statements(prepared: &Prepared) -> Vec<Value> {
    let Some(rendered) = prepared.rendered() else { return Vec::new() };
    let all: Vec<_> = rendered.statements.iter().map(|s| s.facts.clone()).collect();
    let classes = facts::classes(&all);
    let views = rendered.statements.iter().zip(classes).map(|(s, class)| StatementView::of(s, class));
    views.map(|view| json!(Statement::of(&view))).collect()
}

/// A statement's frozen shape.
#[derive(Serialize)]
pub(super) struct Statement<'a> {
    ordinal: usize,
    hash: StatementHash,
    start: usize,
    end: usize,
    file: &'a str,
    line: usize,
    column: usize,
    verb: Verb,
    object: Option<Object>,
    class: Class,
    hazard: Value,
    certainty: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Object {
    kind: ObjectKind,
    name: String,
}

impl<'a> Statement<'a> {
    pub(super) fn of(view: &StatementView<'a>) -> Self {
        let StatementView { ordinal, text, at, hash, facts, class } = *view;
        let object = facts.object.as_ref().map(|o| Object { kind: o.kind, name: o.name.to_string() });
        Self {
            ordinal,
            hash,
            start: at.start,
            end: at.end,
            file: &at.file,
            line: at.line,
            column: at.column,
            verb: facts.verb,
            object,
            class,
            hazard: json!(facts::hazard(facts)),
            certainty: certainty(&facts.certainty),
            text,
        }
    }
}

/// The word of JSON for a value that has one; empty for none.
pub(super) fn word(value: &impl Serialize) -> String {
    json!(value).as_str().map(str::to_owned).unwrap_or_default()
}

/// A file without statements, for what is wrong with it.
pub(super) fn failed_file(file: &str, error: &Diagnostic) -> Value {
    json!({ "file": file, "error": finding(error) })
}

pub(super) const fn certainty(certainty: &Certainty) -> &'static str {
    match certainty {
        Certainty::Parsed => "parsed",
        Certainty::Partial(_) => "partial",
        Certainty::Unparsed => "unparsed",
    }
}

fn rendered(file: &RenderedFile) -> Value {
    match &file.text {
        Ok(text) => json!({ "file": file.file, "text": text }),
        Err(findings) => {
            json!({ "file": file.file, "errors": findings.iter().map(finding).collect::<Vec<_>>() })
        }
    }
}

fn migrate_body(migrated: &Migrated) -> Value {
    let report = &migrated.report;
    let mut body = json!({
        "run": migrated.run,
        "applied": report.applied.iter().filter(|s| s.action != Action::Callback).map(applied).collect::<Vec<_>>(),
        "not_run": report.not_run,
        "statements": report.statements,
    });
    if let (Some(failure), Value::Object(fields)) = (&report.failed, &mut body) {
        fields.insert("failed".into(), failed(failure));
    }
    body
}

fn applied(script: &ScriptResult) -> Value {
    json!({
        "script": script.script,
        "kind": script.kind,
        "version": script.version,
        "description": script.description,
        "action": script.action,
        "statements": script.statements,
        "execution_ms": script.execution_ms,
        "query_id": script.query_id,
    })
}

fn failed(failure: &Failure) -> Value {
    let state = match failure.reason {
        FailureKind::Unknown | FailureKind::Check => "unknown",
        FailureKind::Refused | FailureKind::OpenTransaction | FailureKind::Session => "failed",
    };
    json!({
        "script": failure.script,
        "kind": failure.kind,
        "state": state,
        "at": failure.ordinal,
        "of": failure.of,
        "message": failure.error.message,
        "snowflake_code": failure.error.code,
        "sqlstate": failure.error.sqlstate,
        "query_id": failure.error.query_id,
    })
}

fn repair_body(repaired: &Repaired) -> Value {
    json!({
        "removed": repaired.removed,
        "aligned": repaired.aligned,
        "deleted": repaired.deleted,
        "forgotten": repaired.forgotten,
        "restored": repaired.restored,
        "accepted": repaired.accepted,
        "adopted": repaired.adopted,
        "settled": repaired.settled,
    })
}

fn unlock_body(unlocked: &Unlocked) -> Value {
    let lease = |held: &Held| {
        let Held { run, holder, expires, now, free_in } = held;
        let free_in_ms = free_in.and_then(|time| u64::try_from(time.as_millis()).ok());
        json!({ "run": run, "holder": holder, "expires": expires, "now": now, "free_in_ms": free_in_ms })
    };
    json!({ "lease": unlocked.lease.as_ref().map(lease), "freed": unlocked.freed })
}

fn check(check: &Check) -> Value {
    json!({ "name": check.name, "ok": check.ok, "detail": check.detail, "hint": check.hint })
}

fn shown(shown: &Shown) -> Value {
    json!({
        "key": shown.key,
        "value": shown.value,
        "layer": shown.layer,
        "file": shown.file,
        "line": shown.line,
    })
}
