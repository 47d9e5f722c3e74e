//! A run as it happens, for people: a line a script, a bar on a terminal, on stderr.

use std::{io::Write as _, time::Duration};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr as _;

use super::table::{Cell, Column, table};
use crate::{
    diagnostic::{defuse, defuse_line},
    event::{Event, EventSink, Fact},
    model::plan::Action,
};

/// Shows events to a person.
pub(super) struct Progress {
    err: AutoStream<std::io::Stderr>,
    bar: ProgressBar,
    verbose: bool,
    /// Width of the longest script name seen, so that lines line up.
    width: usize,
    action: Option<Action>,
    /// The minute of the wait for the lease that was last told.
    waited: Option<u64>,
}

impl Progress {
    pub(super) fn new(err: AutoStream<std::io::Stderr>, verbose: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) =
            ProgressStyle::with_template("  [{bar:20.cyan}] {pos}/{len}  {elapsed}  {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { err, bar, verbose, width: 40, action: None, waited: None }
    }

    fn line(&mut self, text: &str) {
        let err = &mut self.err;
        // A log that nobody can read any more does not stop a migration.
        self.bar.suspend(|| {
            let _ = writeln!(err, "{text}");
        });
    }

    fn script(&mut self, word: &str, color: AnsiColor, script: &str, rest: &str) {
        let script = defuse_line(script);
        self.width = self.width.max(script.width().min(60));
        let pad = " ".repeat(self.width.saturating_sub(script.width()));
        let style = Style::new().fg_color(Some(color.into()));
        let dim = Style::new().dimmed();
        self.line(&format!("  {style}{word:<8}{style:#}  {script}{pad}  {dim}{rest}{dim:#}"));
    }

    fn rows(&mut self, columns: &[String], rows: &[Vec<Option<String>>]) {
        // A statement without a result of its own answers with a row that says that it was done.
        let only_status = columns.len() == 1 && columns[0].eq_ignore_ascii_case("status") && rows.len() == 1;
        if rows.is_empty() || (only_status && !self.verbose) {
            return;
        }
        let header: Vec<Column<'_>> = columns.iter().map(|name| Column::kept(name)).collect();
        let cells = |row: &Vec<Option<String>>| -> Vec<Cell> {
            row.iter().map(|value| Cell::from(value.as_deref().unwrap_or("NULL"))).collect()
        };
        let rows: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
        let text = table(&header, &rows, None);
        for line in text.lines() {
            self.line(&format!("          {line}"));
        }
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::RunStarted { environment, target } => {
                let bold = Style::new().bold();
                let (environment, target) = (defuse_line(environment), defuse_line(target));
                self.line(&format!("{bold}{environment}{bold:#}: {target}"));
            }
            Fact::Planned { steps, .. } => self.bar.set_length(as_u64(*steps)),
            Fact::LeaseWaiting { holder, elapsed_ms, free_in_ms } => {
                self.lease_waiting(holder, *elapsed_ms, *free_in_ms);
            }
            // Not before: until then a person may be asked something.
            Fact::LeaseAcquired { .. } => self.bar.set_draw_target(ProgressDrawTarget::stderr()),
            Fact::StatementFailed { .. } => {}
            Fact::Waiting { what, elapsed_ms } => {
                let since = if *elapsed_ms < 1_000 {
                    String::new()
                } else {
                    format!(" ({} so far)", time(*elapsed_ms))
                };
                self.line(&format!("  waiting: {}{since}", defuse_line(what)));
            }
            Fact::PlanShrunk { before, after } => {
                self.bar.set_length(as_u64(*after));
                self.line(&format!("  another run did {} of {before} steps meanwhile", before - after));
            }
            Fact::MigrationStarted { script, action, from, of } => {
                self.action = Some(*action);
                self.bar.set_message(defuse_line(script));
                let rest = match *from {
                    0 | 1 => return,
                    from if from > *of => "all its statements are done".to_owned(),
                    from => format!("at statement {from} of {of}"),
                };
                self.script("resuming", AnsiColor::Yellow, script, &rest);
            }
            Fact::StatementStarted { script, ordinal, of, what } => {
                self.bar.set_message(defuse_line(&format!("{script} {ordinal}/{of} {what}")));
            }
            Fact::StatementFinished { script, ordinal, of, elapsed_ms, columns, rows, outcome, .. } => {
                if self.verbose {
                    let outcome = outcome.as_deref().unwrap_or("done");
                    let rest = format!("{ordinal}/{of} {outcome} in {}", time(*elapsed_ms));
                    self.script("", AnsiColor::White, script, &rest);
                }
                self.rows(columns, rows);
            }
            Fact::MigrationFinished { script, of, elapsed_ms } => {
                self.bar.inc(1);
                let word = match self.action {
                    Some(Action::Callback) => "callback",
                    Some(Action::Resume) => "resumed",
                    Some(Action::Always) => "always",
                    _ => "applied",
                };
                self.script(
                    word,
                    AnsiColor::Green,
                    script,
                    &format!("{} in {}", count(*of), time(*elapsed_ms)),
                );
            }
            Fact::MigrationFailed { script, ordinal, of, elapsed_ms } => {
                let rest = format!("at statement {ordinal} of {of} after {}", time(*elapsed_ms));
                self.script("failed", AnsiColor::BrightRed, script, &rest);
            }
            Fact::ContextRestored { statements, .. } => {
                if self.verbose {
                    self.line(&format!("            put back: {}", defuse_line(&statements.join("; "))));
                }
            }
            Fact::Warning { message, .. } => {
                let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
                self.line(&format!("  {style}warning{style:#}   {}", defuse(message)));
            }
            Fact::RunFinished { .. } => self.bar.finish_and_clear(),
        }
    }

    /// A line at first and one a minute, so that a log shows that it still waits, and for whom.
    fn lease_waiting(&mut self, holder: &str, elapsed_ms: u64, free_in_ms: Option<u64>) {
        let text = format!("waiting for the lease, held by {}", defuse_line(holder));
        let minute = elapsed_ms / 60_000;
        if self.waited != Some(minute) {
            self.waited = Some(minute);
            let since = if minute == 0 { String::new() } else { format!(" ({} so far)", time(elapsed_ms)) };
            let lasts =
                free_in_ms.map(|left| format!("; it can be taken in {} unless it is renewed", time(left)));
            self.line(&format!("  {text}{since}{}", lasts.unwrap_or_default()));
        }
        self.bar.set_message(text);
    }
}

impl EventSink for Progress {
    fn emit(&mut self, event: &Event) {
        self.fact(&event.fact);
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// `1 statement`, `n statements`.
pub(super) fn count(statements: usize) -> String {
    match statements {
        1 => "1 statement".into(),
        n => format!("{n} statements"),
    }
}

/// Milliseconds as people say them.
pub(super) fn time(millis: u64) -> String {
    let time = Duration::from_millis(millis);
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
    }
}
