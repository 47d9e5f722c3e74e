//! What every command shares: how to speak, where configuration comes from, and the way from an answer to an exit
//! code.

use anyhow::Context as _;
use camino::Utf8PathBuf;

use super::{
    ColorArg, FormatArg, Global,
    exit::{Exit, unusable},
};
use crate::{
    config::{self, Inputs, Loaded, ProcessEnv, Project, Surroundings},
    diagnostic::Diagnostic,
    engine::{Stop, Workspace},
    files,
    model::time::Instants,
    report::{Body, Format, Report, Ui},
    session::context::Context,
};

/// One run of the program.
pub(super) struct Run {
    pub(super) ui: Ui,
    pub(super) inputs: Inputs,
    pub(super) context: Context,
    pub(super) surroundings: Surroundings,
    started: Instants,
}

impl Run {
    pub(super) fn new(global: Global) -> anyhow::Result<Self> {
        let process = ProcessEnv::capture();
        let directory = files::current_directory().context("the current folder cannot be read")?;
        let format = match global.format {
            Some(FormatArg::Json) => Format::Json,
            None if process.get("SNOWOPS_FORMAT") == Some("json") => Format::Json,
            Some(FormatArg::Human) | None => Format::Human,
        };
        let color = match global.color {
            ColorArg::Auto => anstream::ColorChoice::Auto,
            ColorArg::Always => anstream::ColorChoice::Always,
            ColorArg::Never => anstream::ColorChoice::Never,
        };
        let surroundings = config::commit_and_pipeline(&process);
        let color = if surroundings.no_color && matches!(global.color, ColorArg::Auto) {
            anstream::ColorChoice::Never
        } else {
            color
        };
        let events = global
            .events
            .map(|path| {
                files::create(&directory.join(&path)).with_context(|| format!("{path} cannot be written"))
            })
            .transpose()?;
        let inputs = Inputs {
            directory,
            config: global.config,
            environment: global.env,
            vars: global.var.iter().map(|text| split_var(text)).collect(),
            process,
            lock_timeout: None,
        };
        let ui = Ui::new(format, color, global.quiet, global.verbose, events);
        let context = Context::system();
        let started = context.clock.now();
        Ok(Self { ui, inputs, context, surroundings, started })
    }

    /// The chosen environment, ready to work on; or the exit code after saying why not.
    pub(super) fn workspace(&self, command: &'static str) -> anyhow::Result<Result<Opened, Exit>> {
        match config::environment(&self.inputs) {
            Ok(Loaded { value: environment, warnings }) => {
                let head = crate::source::git::head(&environment.root);
                let mut surroundings = self.surroundings.clone();
                surroundings.commit = surroundings.commit.or(head.map(|h| h.commit));
                let project = match self.project(command)? {
                    Ok(project) => project,
                    Err(exit) => return Ok(Err(exit)),
                };
                let workspace = Workspace {
                    environments: project.environments.into_iter().map(|(name, _)| name).collect(),
                    environment,
                    context: self.context.clone(),
                    surroundings,
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
        let Answer { command, environment, findings, stop, body, exit } = answer;
        let exit = exit.unwrap_or_else(|| stop.map_or(Exit::DONE, Exit::of));
        let environment = environment.map(str::to_owned);
        let duration = self.context.clock.now().since(self.started);
        let report = Report { command, environment, exit_code: exit.0, duration, findings, stop, body };
        self.ui.show(&report)?;
        Ok(exit)
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

/// Runs async work on a runtime of its own.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

fn split_var(text: &str) -> (String, String) {
    match text.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), value.to_owned()),
        // Without `=` it is no variable: the empty name is refused with the others.
        None => (String::new(), text.to_owned()),
    }
}

/// A path as the engine wants it: absolute.
pub(super) fn absolute(run: &Run, path: &Utf8PathBuf) -> Utf8PathBuf {
    run.inputs.directory.join(path)
}
