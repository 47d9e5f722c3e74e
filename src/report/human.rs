//! Results for people: what matters first, everything lined up, and after an error what to do.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{
    Body, Report, excerpt, json,
    progress::{count, time},
    table::{Cell, table},
};
use crate::{
    diagnostic::{Diagnostic, Severity, defuse, defuse_line},
    engine::{
        Survey, doctor::Check, init::Initialized, migrate::Migrated, render::RenderedFile, repair::Repaired,
    },
    execute::{Tally, emit::millis},
    ledger::Presence,
    model::{
        plan::{Action, MigrationStatus, Step},
        state::MigrationState,
    },
    plan,
};

/// Shows a report: the result on `out`, everything else on `err`.
pub(super) fn show(
    report: &Report<'_>,
    quiet: bool,
    verbose: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    for finding in report.findings {
        if !quiet || finding.severity == Severity::Error {
            writeln!(err, "{}", excerpt::finding(finding))?;
        }
    }
    body(report, quiet, verbose, out)?;
    out.flush()?;
    if let Some(stop) = report.stop {
        // The findings say it already.
        let counted = report.findings.iter().any(Diagnostic::is_error) && stop.finding.place.is_none();
        if !counted {
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
    }
    err.flush()
}

fn body(report: &Report<'_>, quiet: bool, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    match &report.body {
        Body::Info(survey) => info(survey, out),
        Body::Validate(survey) if report.stop.is_none() && !quiet => validate(survey, out),
        Body::Plan(survey) if report.stop.is_none() => plan(survey, verbose, out),
        Body::Migrate(migrated) if !quiet || migrated.stop.is_some() => {
            migrate(migrated, millis(report.duration), out)
        }
        Body::Rendered(files) => rendered(files, out),
        Body::Statements(lines) => json::lines(lines, out),
        Body::Repair(repaired) => repair(repaired, out),
        Body::Doctor(checks) => doctor(checks, out),
        Body::Config(values) => {
            let rows: Vec<Vec<Cell>> = values
                .iter()
                .map(|v| {
                    let place = match (&v.file, v.line) {
                        (Some(file), Some(line)) => format!("{file}:{line}"),
                        (Some(file), None) => file.clone(),
                        _ => String::new(),
                    };
                    vec![v.key.as_str().into(), value(&v.value).into(), v.layer.as_str().into(), place.into()]
                })
                .collect();
            out.write_all(table(&["Key", "Value", "Layer", "Place"], &rows).as_bytes())
        }
        Body::Schema(schema) => {
            serde_json::to_writer_pretty(&mut *out, schema)?;
            writeln!(out)
        }
        Body::Init(init) => initialized(init, out),
        Body::New(file) => writeln!(out, "{}", defuse_line(file)),
        Body::Text(text) => out.write_all(text.as_bytes()),
        Body::Nothing | Body::Validate(_) | Body::Plan(_) | Body::Migrate(_) => Ok(()),
    }
}

fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn color(color: AnsiColor) -> Style {
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
        | MigrationState::Changed { .. } => color(AnsiColor::Red),
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

fn info(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<Cell>> = survey.plan.migrations.iter().map(info_row).collect();
    if rows.is_empty() {
        writeln!(out, "No migrations and no history. `snowops new DESCRIPTION` writes the first one.")?;
    } else {
        let header = ["Kind", "Version", "Description", "State", "Installed on", "By", "Script"];
        out.write_all(table(&header, &rows).as_bytes())?;
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
    let (all, pending) = (survey.plan.migrations.len(), survey.pending());
    writeln!(out, "{ok}Valid.{ok:#} {all} migrations checked, {pending} pending.")
}

fn plan(survey: &Survey, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    if survey.plan.steps.is_empty() {
        return writeln!(out, "Nothing to do: {} is up to date.", defuse_line(&survey.environment));
    }
    let rows: Vec<Vec<Cell>> = survey.plan.steps.iter().enumerate().map(plan_row).collect();
    out.write_all(table(&["", "Action", "Script", "Statements", "Why"], &rows).as_bytes())?;
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
        0 | 1 => count(statements),
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
        let bad = color(AnsiColor::Red);
        format!("{bad}Stopped.{bad:#}")
    } else {
        let good = color(AnsiColor::Green);
        format!("{good}Done.{good:#}")
    };
    let mut parts = Vec::new();
    if applied > 0 {
        parts.push(format!("{applied} applied"));
    }
    if always > 0 {
        parts.push(format!("{always} always"));
    }
    if !report.not_run.is_empty() {
        parts.push(format!("{} not run", report.not_run.len()));
    }
    if parts.is_empty() {
        parts.push("nothing to do".into());
    }
    let versions = report.applied.iter().filter_map(|script| script.version.as_deref());
    let current = plan::version_after(&migrated.survey.plan, versions);
    let version = current.map(|v| format!(", now at version {v}")).unwrap_or_default();
    writeln!(out, "{word} {}{version} in {}.", parts.join(", "), time(elapsed_ms))?;
    embedded(&report.statements, migrated.survey.embedded, out)
}

/// The embedded engine is blind to data, and says so on every run.
fn embedded(tally: &Tally, embedded: bool, out: &mut dyn Write) -> io::Result<()> {
    if !embedded || *tally == Tally::default() {
        return Ok(());
    }
    let Tally { applied, checked, recorded, opaque } = tally;
    writeln!(
        out,
        "Statements: {applied} applied, {checked} checked, {recorded} recorded, {opaque} opaque. \
         No data was executed; this is not proof that Snowflake accepts it."
    )
}

fn rendered(files: &[RenderedFile], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        if files.len() > 1 {
            writeln!(out, "-- {}", defuse_line(&file.file))?;
        }
        if let Ok(text) = &file.text {
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

fn repair(repaired: &Repaired, out: &mut dyn Write) -> io::Result<()> {
    let Repaired { removed, aligned, settled } = repaired;
    if removed.is_empty() && aligned.is_empty() && settled.is_none() {
        return writeln!(out, "Nothing to repair.");
    }
    for script in removed {
        writeln!(out, "  removed the failed row of {}", defuse_line(script))?;
    }
    for script in aligned {
        writeln!(out, "  took the file's checksum and description for {}", defuse_line(script))?;
    }
    if let Some(text) = settled {
        writeln!(out, "  {}", defuse_line(text))?;
    }
    Ok(())
}

fn doctor(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    for check in checks {
        let (word, style) =
            if check.ok { ("ok", color(AnsiColor::Green)) } else { ("wrong", color(AnsiColor::Red)) };
        writeln!(out, "  {style}{word:<6}{style:#} {:<14} {}", check.name, defuse(&check.detail))?;
        if let Some(hint) = &check.hint {
            writeln!(out, "         {:<14} hint: {}", "", defuse(hint))?;
        }
    }
    Ok(())
}

fn initialized(init: &Initialized, out: &mut dyn Write) -> io::Result<()> {
    for file in &init.files {
        writeln!(out, "  wrote {}", defuse_line(file))?;
    }
    writeln!(out, "\nNext: snowops migrate --env local")
}
