//! The only printer: shows events, findings and results to people and to machines. Decides nothing.

mod drift;
mod excerpt;
mod human;
mod json;
mod progress;
mod statements;
mod table;

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use serde_json::Value;
pub use statements::Statements;

use crate::{
    config::Shown,
    diagnostic::{Diagnostic, defuse, defuse_line},
    engine::{
        Stop, Survey, doctor::Check, drift::Drifted, init::Initialized, migrate::Migrated,
        render::RenderedFile, repair::Repaired, snapshot::Snapshot, unlock::Unlocked,
    },
    event::{Event, EventSink},
};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human {
        /// Whether it was asked for; `render --statements` is lines of JSON unless it was.
        chosen: bool,
    },
    /// One result object on stdout, events a line each on stderr.
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// No more than results and what is wrong.
    Quiet,
    /// The usual.
    Normal,
    /// Each statement, the SQL of a plan.
    Verbose,
}

impl Loudness {
    /// What the two flags say together.
    pub const fn of(quiet: bool, verbose: bool) -> Self {
        match (quiet, verbose) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Verbose,
            (false, false) => Self::Normal,
        }
    }
}

/// How a command speaks.
#[derive(Debug)]
pub struct Ui {
    format: Format,
    color: ColorChoice,
    loudness: Loudness,
    /// Whether a pipeline's agent reads along and looks for commands.
    pipeline: bool,
    events: Option<File>,
}

/// A command's whole answer.
#[derive(Debug)]
pub struct Report<'a> {
    /// The command.
    pub command: &'static str,
    /// The environment, if one was chosen.
    pub environment: Option<String>,
    /// The exit code.
    pub exit_code: u8,
    /// How long it took.
    pub duration: Duration,
    /// All findings.
    pub findings: &'a [Diagnostic],
    /// Why it did not do what was asked.
    pub stop: Option<&'a Stop>,
    /// The result itself.
    pub body: Body<'a>,
}

/// The result of a command.
#[derive(Debug)]
pub enum Body<'a> {
    /// Nothing but findings.
    Nothing,
    /// `info`.
    Info(&'a Survey),
    /// `validate`.
    Validate(&'a Survey),
    /// `plan` and `migrate --dry-run`.
    Plan(&'a Survey),
    /// `migrate`.
    Migrate(&'a Migrated),
    /// `render`.
    Rendered(&'a [RenderedFile]),
    /// `render --statements`: the statements were written before, by [`Statements`].
    Statements,
    /// `snapshot`.
    Snapshot(&'a Snapshot),
    /// `drift`.
    Drift(&'a Drifted),
    /// `repair`.
    Repair(&'a Repaired),
    /// `unlock`.
    Unlock(&'a Unlocked),
    /// `doctor`.
    Doctor(&'a [Check]),
    /// `config show`.
    Config(&'a [Shown]),
    /// `config schema`.
    Schema(&'a Value),
    /// `init`.
    Init(&'a Initialized),
    /// `new`: the path of the new file.
    New(&'a str),
    /// Text for stdout as it is: `completions`.
    Text(&'a str),
}

impl Ui {
    /// A way to speak. `events` gets every event, a line each.
    pub fn new(
        format: Format,
        color: ColorChoice,
        loudness: Loudness,
        pipeline: bool,
        events: Option<File>,
    ) -> Self {
        Self { format, color, loudness, pipeline, events }
    }

    /// Whether a person sits at the other end and can answer.
    pub fn can_ask(&self) -> bool {
        self.format != Format::Json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a person to type `expected`; anything else is a no.
    pub fn ask(&self, question: &str, expected: &str) -> bool {
        let mut stderr = self.stderr();
        let asked = write!(stderr, "{question} ").and_then(|()| stderr.flush());
        let mut line = String::new();
        asked.is_ok() && io::stdin().read_line(&mut line).is_ok() && line.trim() == expected
    }

    /// Where events go.
    pub fn sink(&self) -> Box<dyn EventSink> {
        let live: Option<Box<dyn EventSink>> = match self.format {
            Format::Json => Some(Box::new(json::Events::new(Box::new(io::stderr())))),
            Format::Human { .. } if self.loudness == Loudness::Quiet => None,
            Format::Human { .. } => {
                Some(Box::new(progress::Progress::new(self.stderr(), self.loudness == Loudness::Verbose)))
            }
        };
        let file = self.events.as_ref().and_then(|file| file.try_clone().ok());
        let file = file.map(|file| Box::new(json::Events::new(Box::new(file))) as Box<dyn EventSink>);
        Box::new(Fan(live.into_iter().chain(file).collect()))
    }

    /// Shows a command's answer.
    ///
    /// # Errors
    /// When stdout or stderr cannot be written; a closed pipe among them.
    pub fn show(&self, report: &Report<'_>) -> io::Result<()> {
        match self.format {
            Format::Human { .. } => {
                let how = human::How { loudness: self.loudness, width: width() };
                human::show(report, &how, &mut self.stdout(), &mut self.stderr())?;
                self.raw(&report.body)
            }
            Format::Json => json::show(report, &mut io::stdout()),
        }
    }

    /// Rendered SQL and completion scripts leave byte for byte, but never for a terminal or an agent.
    fn raw(&self, body: &Body<'_>) -> io::Result<()> {
        let mut out = io::stdout();
        let harmless = out.is_terminal() || self.pipeline;
        let show = |text: &str| if harmless { defuse(text) } else { text.to_owned() };
        match body {
            Body::Rendered(files) => {
                for file in *files {
                    let Ok(text) = &file.text else { continue };
                    if files.len() > 1 {
                        writeln!(out, "-- {}", defuse_line(&file.file))?;
                    }
                    out.write_all(show(text).as_bytes())?;
                }
            }
            Body::Text(text) => out.write_all(text.as_bytes())?,
            Body::Snapshot(taken) if taken.file.is_none() => out.write_all(show(&taken.text).as_bytes())?,
            _ => {}
        }
        out.flush()
    }

    fn stdout(&self) -> AutoStream<io::Stdout> {
        AutoStream::new(io::stdout(), self.choice(io::stdout().is_terminal()))
    }

    fn stderr(&self) -> AutoStream<io::Stderr> {
        AutoStream::new(io::stderr(), self.choice(io::stderr().is_terminal()))
    }

    fn choice(&self, terminal: bool) -> ColorChoice {
        match self.color {
            ColorChoice::Auto if !terminal => ColorChoice::Never,
            choice => choice,
        }
    }
}

/// Columns of the terminal that results are shown on; `None` where they go elsewhere.
fn width() -> Option<usize> {
    io::stdout()
        .is_terminal()
        .then(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .flatten()
}

/// Hands each event to several consumers.
struct Fan(Vec<Box<dyn EventSink>>);

impl EventSink for Fan {
    fn emit(&mut self, event: &Event) {
        for sink in &mut self.0 {
            sink.emit(event);
        }
    }
}

/// Says on stderr that snowops itself has a fault.
pub fn fault(message: &str) {
    let text = format!("error[internal]: {}", crate::diagnostic::defuse(message));
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
}
