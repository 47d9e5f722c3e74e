//! Results for people: what matters first, everything lined up, and after an error what to do.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use super::{
    Body, Loudness, Report, drift, excerpt,
    progress::time,
    table::{Cell, Column, table},
};
use crate::{
    config::Shown,
    diagnostic::{Diagnostic, Severity, defuse, defuse_line},
    engine::{
        Stop, Survey, doctor::Check, init::Initialized, migrate::Migrated, repair::Repaired, unlock::Unlocked,
    },
    execute::{Tally, emit::millis},
    ledger::Presence,
    model::{
        plan::{Action, MigrationStatus, Step},
        state::MigrationState,
    },
    plan,
};

/// How a person wants it.
pub(super) struct How {
    pub(super) loudness: Loudness,
    /// Columns of the terminal.
    pub(super) width: Option<usize>,
}

/// Shows a report: the result on `out`, everything else on `err`.
pub(super) fn show(
    report: &Report<'_>,
    how: &How,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    for finding in report.findings {
        if how.loudness != Loudness::Quiet || finding.severity == Severity::Error {
            writeln!(err, "{}", excerpt::finding(finding))?;
        }
    }
    err.flush()?;
    body(report, how, out)?;
    out.flush()?;
    if let Some(stop) = report.stop {
        show_stop(stop, report.findings, err)?;
    }
    err.flush()
}

fn show_stop(stop: &Stop, findings: &[Diagnostic], err: &mut dyn Write) -> io::Result<()> {
    // What was said among the findings, or only counts them, is not said again.
    let said = findings.contains(&stop.finding)
        || (stop.finding.place.is_none() && findings.iter().any(Diagnostic::is_error));
    if !said {
        writeln!(err, "{}", excerpt::finding(&stop.finding))?;
    }
    let facts = [
        ("snowflake code", &stop.snowflake_code),
        ("sql state", &stop.sqlstate),
        ("query id", &stop.query_id),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            writeln!(err, "  {name}: {}", defuse_line(value))?;
        }
    }
    Ok(())
}

fn body(report: &Report<'_>, how: &How, out: &mut dyn Write) -> io::Result<()> {
    let quiet = how.loudness == Loudness::Quiet;
    match &report.body {
        Body::Info(survey) => info(survey, how, out),
        Body::Validate(survey) if report.stop.is_none() && !quiet => validate(survey, out),
        Body::Plan(survey) if report.stop.is_none() => plan(survey, how, out),
        Body::Migrate(migrated) if !quiet || migrated.stop.is_some() => {
            migrate(migrated, millis(report.duration), out)
        }
        Body::Snapshot(taken) if !quiet => drift::snapshot(taken, out),
        Body::Drift(drifted) => drift::drift(drifted, quiet, out),
        Body::Repair(repaired) => repair(repaired, out),
        Body::Unlock(unlocked) => unlock(unlocked, out),
        Body::Doctor(checks) => doctor(checks, out),
        Body::Config(values) => config(values, how, out),
        Body::Schema(schema) => {
            serde_json::to_writer_pretty(&mut *out, schema)?;
            writeln!(out)
        }
        Body::Init(init) => initialized(init, out),
        Body::New(file) => writeln!(out, "{}", defuse_line(file)),
        Body::Nothing
        | Body::Validate(_)
        | Body::Plan(_)
        | Body::Migrate(_)
        | Body::Rendered(_)
        | Body::Snapshot(_)
        | Body::Statements
        | Body::Text(_) => Ok(()),
    }
}

fn config(values: &[Shown], how: &How, out: &mut dyn Write) -> io::Result<()> {
    let row = |v: &Shown| -> Vec<Cell> {
        let place = match (&v.file, v.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.clone(),
            _ => String::new(),
        };
        vec![v.key.as_str().into(), value(&v.value).into(), v.layer.as_str().into(), place.into()]
    };
    let rows: Vec<Vec<Cell>> = values.iter().map(row).collect();
    let header =
        [Column::kept("Key"), Column::kept("Value"), Column::kept("Layer"), Column::spare("Place", 1)];
    out.write_all(table(&header, &rows, how.width).as_bytes())
}

fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(color.into()))
}

fn state_style(state: &MigrationState) -> Style {
    match state {
        MigrationState::Pending
        | MigrationState::Outdated
        | MigrationState::AboveTarget
        | MigrationState::Available
        | MigrationState::Always { changed: true } => color(AnsiColor::Cyan),
        MigrationState::Success
        | MigrationState::Baseline
        | MigrationState::OutOfOrder
        | MigrationState::Always { changed: false } => color(AnsiColor::Green),
        MigrationState::MissingSuccess
        | MigrationState::MissingFailed
        | MigrationState::Failed { .. }
        | MigrationState::Unknown { .. }
        | MigrationState::FutureFailed
        | MigrationState::Changed { .. } => color(AnsiColor::BrightRed),
        MigrationState::Ignored { .. } | MigrationState::FutureSuccess => color(AnsiColor::Yellow),
        MigrationState::BelowBaseline
        | MigrationState::BaselineIgnored
        | MigrationState::Undone
        | MigrationState::Superseded
        | MigrationState::Deleted => Style::new().dimmed(),
    }
}

fn state_text(state: &MigrationState) -> String {
    match state {
        MigrationState::Failed { at: Some(at), of: Some(of), .. } => format!("Failed at {at} of {of}"),
        MigrationState::Unknown { at, of } => format!("Unknown at {at} of {of}"),
        MigrationState::Always { changed: true } => "Always (changed)".into(),
        other => other.display().into(),
    }
}

fn info(survey: &Survey, how: &How, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<Cell>> = survey.plan.migrations.iter().map(info_row).collect();
    if rows.is_empty() {
        writeln!(out, "No migrations and no history. `snowops new DESCRIPTION` writes the first one.")?;
    } else {
        let header = [
            Column::kept("Kind"),
            Column::kept("Version"),
            Column::spare("Description", 1),
            Column::kept("State"),
            Column::spare("Installed on", 2),
            Column::spare("By", 3),
            Column::kept("Script"),
        ];
        out.write_all(table(&header, &rows, how.width).as_bytes())?;
    }
    let current = plan::current_version(&survey.plan);
    writeln!(
        out,
        "\nVersion: {}   History: {}   Pending: {}",
        current.as_deref().unwrap_or("none"),
        presence(&survey.presence),
        survey.pending()
    )
}

fn presence(presence: &Presence) -> String {
    match presence {
        Presence::Present => "present".into(),
        Presence::HistoryOnly => "present, written by another tool".into(),
        Presence::Unfinished => "begun and not finished (migrate finishes it)".into(),
        Presence::Absent | Presence::SchemaMissing | Presence::SchemaEmpty => {
            "absent (migrate creates it)".into()
        }
        Presence::NotVisible { role, name } => {
            format!("not visible: {name} is absent, or role {role} may not see it")
        }
    }
}

fn info_row(status: &MigrationStatus) -> Vec<Cell> {
    let MigrationStatus { migration, applied, journal, state, .. } = status;
    let kind = plan::kind_of(status).as_str();
    let version = migration
        .as_ref()
        .and_then(|m| m.version.as_ref().map(ToString::to_string))
        .or_else(|| applied.as_ref().and_then(|a| a.version.clone()))
        .unwrap_or_default();
    let description = migration
        .as_ref()
        .map(|m| m.description.clone())
        .or_else(|| applied.as_ref().map(|a| a.description.clone()))
        .unwrap_or_default();
    let on = applied
        .as_ref()
        .map(|a| a.installed_on.clone())
        .or_else(|| journal.as_ref().and_then(|j| j.at.clone()))
        .unwrap_or_default();
    let by = applied
        .as_ref()
        .map(|a| a.installed_by.clone())
        .or_else(|| journal.as_ref().and_then(|j| j.user.clone()))
        .unwrap_or_default();
    let script = migration
        .as_ref()
        .map(|m| m.script.clone())
        .or_else(|| applied.as_ref().map(|a| a.script.clone()))
        .unwrap_or_default();
    vec![
        kind.into(),
        version.into(),
        description.into(),
        Cell::styled(state_text(state), state_style(state)),
        on.chars().take(19).collect::<String>().replace('T', " ").into(),
        by.into(),
        Cell::styled(script, Style::new().dimmed()),
    ]
}

fn validate(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let ok = color(AnsiColor::Green);
    let mut scripts: Vec<&str> =
        survey.plan.migrations.iter().filter_map(|m| Some(m.migration.as_ref()?.script.as_str())).collect();
    scripts.sort_unstable();
    scripts.dedup();
    let noun = if scripts.len() == 1 { "migration" } else { "migrations" };
    writeln!(out, "{ok}Valid.{ok:#} {} {noun} checked, {} pending.", scripts.len(), survey.pending())
}

fn plan(survey: &Survey, how: &How, out: &mut dyn Write) -> io::Result<()> {
    let verbose = how.loudness == Loudness::Verbose;
    if survey.plan.steps.is_empty() {
        let above = survey.plan.migrations.iter().any(|m| m.state == MigrationState::AboveTarget);
        let what = if above { "is where the target says" } else { "is up to date" };
        return writeln!(out, "Nothing to do: {} {what}.", defuse_line(&survey.environment));
    }
    let rows: Vec<Vec<Cell>> = survey.plan.steps.iter().enumerate().map(plan_row).collect();
    let header = [
        Column::kept(""),
        Column::kept("Action"),
        Column::kept("Script"),
        Column::kept("Statements"),
        Column::spare("Why", 1),
    ];
    out.write_all(table(&header, &rows, how.width).as_bytes())?;
    if verbose {
        for step in &survey.plan.steps {
            sql(step, out)?;
        }
    }
    writeln!(
        out,
        "\n{} pending, {} always. Nothing was changed.{}",
        survey.pending(),
        survey.always(),
        if verbose { "" } else { " `-v` shows the SQL." }
    )
}

fn plan_row((index, step): (usize, &Step)) -> Vec<Cell> {
    let statements = step.prepared.rendered().map_or(0, |r| r.statements.len());
    let statements = match step.from {
        0 | 1 => statements.to_string(),
        from if from > statements => "none left".to_owned(),
        from => format!("{from} to {statements}"),
    };
    vec![
        (index + 1).to_string().into(),
        Cell::styled(action(step.action), color(AnsiColor::Cyan)),
        step.prepared.migration.script.as_str().into(),
        statements.into(),
        Cell::styled(step.reason.as_str(), Style::new().dimmed()),
    ]
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::Apply => "apply",
        Action::Reapply => "reapply",
        Action::Resume => "resume",
        Action::Always => "always",
        Action::Baseline => "baseline",
        Action::Undo => "undo",
        Action::Callback => "callback",
    }
}

fn sql(step: &Step, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    writeln!(out, "\n{bold}-- {}{bold:#}", defuse_line(&step.prepared.migration.script))?;
    let statements = step.prepared.rendered().map_or(&[][..], |r| r.statements.as_slice());
    for statement in statements.iter().skip(step.from.saturating_sub(1)) {
        writeln!(out, "{};", defuse(&statement.text))?;
    }
    Ok(())
}

fn migrate(migrated: &Migrated, elapsed_ms: u64, out: &mut dyn Write) -> io::Result<()> {
    let report = &migrated.report;
    let scripts = |always: bool| {
        let of = |s: &&crate::execute::ScriptResult| {
            s.action != Action::Callback && (s.action == Action::Always) == always
        };
        report.applied.iter().filter(of).count()
    };
    let (applied, always) = (scripts(false), scripts(true));
    if migrated.stop.is_some() && migrated.run.is_none() {
        return Ok(());
    }
    let word = if migrated.stop.is_some() {
        let bad = color(AnsiColor::BrightRed);
        format!("{bad}Stopped:{bad:#}")
    } else {
        let good = color(AnsiColor::Green);
        format!("{good}Done:{good:#}")
    };
    let mut parts = Vec::new();
    if applied > 0 {
        parts.push(format!("{applied} applied"));
    }
    if always > 0 {
        parts.push(format!("{always} always"));
    }
    if report.failed.is_some() {
        parts.push("1 failed".to_owned());
    }
    if !report.not_run.is_empty() {
        parts.push(format!("{} not run", report.not_run.len()));
    }
    if parts.is_empty() {
        parts.push("nothing to do".into());
    }
    let versions = report.applied.iter().filter_map(|script| script.version.as_deref());
    let current = plan::version_after(&migrated.survey.plan, versions);
    let version = current.map(|v| format!(", version {v}")).unwrap_or_default();
    writeln!(out, "{word} {}{version}, in {}.", parts.join(", "), time(elapsed_ms))?;
    embedded(&report.statements, migrated.survey.embedded, out)
}

/// ` (24 GRANT TABLE, 1 ALTER TASK)`, or nothing.
fn named(kinds: &BTreeMap<String, usize>) -> String {
    let named: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

/// The embedded engine is blind to data, and says so on every run.
fn embedded(tally: &Tally, embedded: bool, out: &mut dyn Write) -> io::Result<()> {
    if !embedded || *tally == Tally::default() {
        return Ok(());
    }
    let Tally { applied, checked, recorded, opaque, recorded_kinds, opaque_kinds, .. } = tally;
    let (recorded_kinds, opaque_kinds) = (named(recorded_kinds), named(opaque_kinds));
    writeln!(
        out,
        "Statements: {applied} applied, {checked} checked, {recorded} recorded{recorded_kinds}, {opaque} opaque{opaque_kinds}. \
         No data was executed; this is not proof that Snowflake accepts it."
    )
}

fn repair(repaired: &Repaired, out: &mut dyn Write) -> io::Result<()> {
    let Repaired { removed, aligned, deleted, forgotten, restored, accepted, adopted, settled } = repaired;
    if *repaired == Repaired::default() {
        return writeln!(out, "Nothing to repair.");
    }
    for script in removed {
        writeln!(out, "  removed the failed attempt at {}", defuse_line(script))?;
    }
    for script in aligned {
        writeln!(out, "  took the file's checksum and description for {}", defuse_line(script))?;
    }
    for script in deleted {
        writeln!(out, "  marked {} as deleted: its file is gone", defuse_line(script))?;
    }
    for script in forgotten {
        writeln!(
            out,
            "  forgot that {} was applied: its row is gone, and it is pending again",
            defuse_line(script)
        )?;
    }
    for script in restored {
        writeln!(
            out,
            "  set the row of {} back to success: the journal says that it was applied",
            defuse_line(script)
        )?;
    }
    for script in accepted {
        writeln!(out, "  took the row of {} as it stands: it counts as applied", defuse_line(script))?;
    }
    if let Some(text) = adopted {
        writeln!(out, "  took over the ledger of {}", defuse_line(text))?;
    }
    if let Some(text) = settled {
        writeln!(out, "  {}", defuse_line(text))?;
    }
    Ok(())
}

fn unlock(unlocked: &Unlocked, out: &mut dyn Write) -> io::Result<()> {
    let Some(held) = &unlocked.lease else { return writeln!(out, "The lease is free.") };
    let holder = defuse_line(&held.holder);
    if unlocked.freed {
        return writeln!(out, "Freed the lease of {holder}, run {}.", defuse_line(&held.run));
    }
    writeln!(out, "The lease is held by {holder}.")?;
    writeln!(out, "  run  {}", defuse_line(&held.run))?;
    writeln!(
        out,
        "  ends {} unless it is renewed; the server's clock says {}",
        defuse_line(&held.expires),
        defuse_line(&held.now)
    )?;
    if let Some(left) = held.free_in {
        let left = time(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        writeln!(out, "  can be taken in {left} at the earliest; a run that lives renews it")?;
    }
    writeln!(out, "To free it once it is over: snowops unlock --lease {}", defuse_line(&held.run))
}

fn doctor(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    for check in checks {
        let (word, style) =
            if check.ok { ("ok", color(AnsiColor::Green)) } else { ("wrong", color(AnsiColor::BrightRed)) };
        writeln!(out, "  {style}{word:<6}{style:#} {:<14} {}", check.name, below(&check.detail))?;
        if let Some(hint) = &check.hint {
            writeln!(out, "         {:<14} hint: {}", "", below(hint))?;
        }
    }
    Ok(())
}

/// A text of several lines, each below the first: statements stay whole, for copying.
fn below(text: &str) -> String {
    defuse(text).replace('\n', &format!("\n{:24}", ""))
}

fn initialized(init: &Initialized, out: &mut dyn Write) -> io::Result<()> {
    for file in &init.files {
        writeln!(out, "  wrote {}", defuse_line(file))?;
    }
    writeln!(out, "\nNext: snowops migrate --env local")
}
