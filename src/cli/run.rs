//! What every command shares: how to speak, where configuration comes from, and the way from an answer to an exit
//! code.

use std::{ffi::OsString, fs::File, io};

use anyhow::Context as _;
use camino::Utf8PathBuf;

use super::{
    ColorArg, FormatArg, Global,
    exit::{Exit, unusable},
};
use crate::{
    config::{self, Inputs, Loaded, ProcessEnv, Project, Surroundings},
    diagnostic::{Code, Diagnostic},
    engine::{Stop, StopKind, Workspace},
    execute::emit::Stream,
    files,
    model::time::Instants,
    report::{Body, Format, Loudness, Report, Ui},
    session::context::Context,
    source::git,
};

/// One run of the program.
pub(super) struct Run {
    pub(super) ui: Ui,
    pub(super) inputs: Inputs,
    pub(super) context: Context,
    pub(super) surroundings: Surroundings,
    /// What happens, as it happens.
    pub(super) events: Stream,
    started: Instants,
}

impl Run {
    /// The exit code instead, after saying why, when the options cannot be.
    pub(super) fn new(global: Global) -> anyhow::Result<Result<Self, Exit>> {
        let process = ProcessEnv::capture();
        let directory = files::current_directory().context("the current folder cannot be read")?;
        let surroundings = config::commit_and_pipeline(&process).with_machine();
        let format = match (global.format, surroundings.format.as_deref()) {
            (Some(FormatArg::Json), _) | (None, Some("json")) => Format::Json,
            (Some(FormatArg::Human), _) => Format::Human { chosen: true },
            (None, _) => Format::Human { chosen: false },
        };
        let color = match global.color {
            ColorArg::Auto if surroundings.no_color => anstream::ColorChoice::Never,
            ColorArg::Auto => anstream::ColorChoice::Auto,
            ColorArg::Always => anstream::ColorChoice::Always,
            ColorArg::Never => anstream::ColorChoice::Never,
        };
        let events = match global.events.map(|path| open_events(&directory.join(path))).transpose() {
            Ok(events) => (events, None),
            Err(finding) => (None, Some(*finding)),
        };
        let wrong = events.1.or_else(|| unknown_format(surroundings.format.as_deref()));
        let inputs = Inputs {
            directory,
            config: global.config,
            environment: global.env,
            vars: global.var,
            process,
            lock_timeout: None,
        };
        let pipeline = surroundings.azure;
        let ui = Ui::new(format, color, Loudness::of(global.quiet, global.verbose), pipeline, events.0);
        let context = Context::system();
        let started = context.clock.now();
        let events = Stream::new(context.clone(), ui.sink());
        let run = Self { ui, inputs, context, surroundings, events, started };
        match wrong {
            None => Ok(Ok(run)),
            Some(finding) => {
                let stop = Stop::new(StopKind::Usage, finding);
                Ok(Err(run.stopped("snowops", None, &[], &stop)?))
            }
        }
    }

    /// The chosen environment, ready to work on; or the exit code after saying why not.
    pub(super) fn workspace(&self, command: &'static str) -> anyhow::Result<Result<Opened, Exit>> {
        match config::environment(&self.inputs) {
            Ok(Loaded { value: environment, warnings }) => {
                let mut surroundings = self.surroundings.clone();
                surroundings.commit = surroundings.commit.or_else(|| git::commit(&environment.root));
                let project = match self.project(command)? {
                    Ok(project) => project,
                    Err(exit) => return Ok(Err(exit)),
                };
                let workspace = Workspace {
                    environments: project.environments.into_iter().map(|(name, _)| name).collect(),
                    environment,
                    context: self.context.clone(),
                    surroundings,
                    notices: self.events.notices(),
                };
                Ok(Ok(Opened { workspace, warnings }))
            }
            Err(findings) => Ok(Err(self.unusable(command, &findings)?)),
        }
    }

    /// The project without an environment.
    pub(super) fn project(&self, command: &'static str) -> anyhow::Result<Result<Project, Exit>> {
        match config::project(&self.inputs) {
            Ok(loaded) => Ok(Ok(loaded.value)),
            Err(findings) => Ok(Err(self.unusable(command, &findings)?)),
        }
    }

    pub(super) fn unusable(&self, command: &'static str, findings: &[Diagnostic]) -> anyhow::Result<Exit> {
        let stop = unusable(findings);
        self.answer(Answer {
            command,
            environment: None,
            findings,
            stop: Some(&stop),
            body: Body::Nothing,
            exit: None,
        })
    }

    /// Shows an answer and gives its exit code.
    pub(super) fn answer(&self, answer: Answer<'_>) -> anyhow::Result<Exit> {
        // Nothing moves on the screen any more.
        self.events.close();
        let Answer { command, environment, findings, stop, body, exit } = answer;
        let exit = exit.unwrap_or_else(|| stop.map_or(Exit::DONE, Exit::of));
        let environment = environment.map(str::to_owned);
        let duration = self.context.clock.now().since(self.started);
        let report = Report { command, environment, exit_code: exit.0, duration, findings, stop, body };
        match self.ui.show(&report) {
            // What was found out is not undone by a reader that went away.
            Err(error) if exit != Exit::DONE || error.kind() == io::ErrorKind::BrokenPipe => Ok(exit),
            shown => Ok(shown.map(|()| exit)?),
        }
    }

    /// Says why a command stopped before it had a result.
    pub(super) fn stopped(
        &self,
        command: &'static str,
        environment: Option<&str>,
        findings: &[Diagnostic],
        stop: &Stop,
    ) -> anyhow::Result<Exit> {
        self.answer(Answer {
            command,
            environment,
            findings,
            stop: Some(stop),
            body: Body::Nothing,
            exit: None,
        })
    }
}

/// An environment with what loading it had to say.
pub(super) struct Opened {
    pub(super) workspace: Workspace,
    pub(super) warnings: Vec<Diagnostic>,
}

/// A command's answer.
pub(super) struct Answer<'a> {
    pub(super) command: &'static str,
    pub(super) environment: Option<&'a str>,
    pub(super) findings: &'a [Diagnostic],
    pub(super) stop: Option<&'a Stop>,
    pub(super) body: Body<'a>,
    /// Instead of the stop's.
    pub(super) exit: Option<Exit>,
}

/// Runs async work on a runtime of its own. Its second thread hears signals while the first is inside a call that
/// does not wait, as the embedded engine's are.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let done = runtime.block_on(work);
    // What nobody waits for any more, such as the look-up of a name, does not keep the process.
    runtime.shutdown_background();
    Ok(done)
}

/// A file for events: a new one, or one that holds events. Anything else that stands there is somebody's work.
fn open_events(path: &Utf8PathBuf) -> Result<File, Box<Diagnostic>> {
    let usage = |message: String| Box::new(Diagnostic::error(Code::InvalidUsage, message));
    if files::exists(path) && !files::begins_with(path, b"{\"schema_version\"") {
        let message = format!("{path} holds something else than events, and is not overwritten");
        return Err(Box::new(usage(message).hint("give `--events` another file")));
    }
    files::create(path).map_err(|error| usage(format!("{path} cannot be written: {error}")))
}

fn unknown_format(format: Option<&str>) -> Option<Diagnostic> {
    let format = format.filter(|format| !matches!(*format, "human" | "json"))?;
    let message = format!("SNOWOPS_FORMAT is '{format}', which is no format");
    Some(Diagnostic::error(Code::InvalidUsage, message).hint("set it to human or json"))
}

/// Says what is wrong with a command line that cannot be read, as an object where JSON was asked for.
pub(super) fn unreadable(arguments: &[OsString], error: &clap::Error) -> Exit {
    let asked = |pair: &[OsString]| pair[0] == "--format" && pair[1] == "json";
    let json = arguments.windows(2).any(asked)
        || arguments.iter().any(|argument| argument == "--format=json")
        || ProcessEnv::capture().get("SNOWOPS_FORMAT") == Some("json");
    if !json {
        // A reader that went away does not make a wrong command line right.
        drop(error.print());
        return Exit::USAGE;
    }
    let text = error.render().to_string();
    let mut lines = text.lines();
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let hint: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    let finding = Diagnostic::error(Code::InvalidUsage, message).hint(hint.join("\n"));
    let stop = Stop::new(StopKind::Usage, finding);
    let ui = Ui::new(Format::Json, anstream::ColorChoice::Never, Loudness::Normal, false, None);
    let report = Report {
        command: "snowops",
        environment: None,
        exit_code: Exit::USAGE.0,
        duration: std::time::Duration::ZERO,
        findings: &[],
        stop: Some(&stop),
        body: Body::Nothing,
    };
    drop(ui.show(&report));
    Exit::USAGE
}
