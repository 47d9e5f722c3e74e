//! `snowops migrate`

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{
    exit::Exit,
    run::{Answer, Opened, Run},
    signals, time,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    engine::{
        Stop, StopKind, Survey, Workspace,
        migrate::{MigrateOptions, migrate, needs_confirmation},
        survey::PlanOptions,
    },
    execute::{
        drain::DrainMode,
        interrupt::{Cancel, Interrupt},
    },
    model::{plan::Target, version::Version},
    plan::ResumePolicy,
    report::Body,
    session::Outcome,
};

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    pub(super) plan: PlanningArgs,
    /// Show what would be done; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Create the schema history although it could be there and hidden
    #[arg(long)]
    create_history: bool,
    /// How long to wait for another run, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = time)]
    lock_timeout: Option<Duration>,
    /// What is done about statements that a run left running which was cut off
    #[arg(long, value_enum, default_value_t = DrainArg::Wait)]
    drain: DrainArg,
    /// What Ctrl-C does to the running statement
    #[arg(long, value_enum, default_value_t = CancelArg::Wait)]
    cancel: CancelArg,
    /// On the embedded engine: fail, once all is done, if a statement was only recorded or opaque
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OUTCOMES")]
    fail_on: Vec<FailOnArg>,
    /// Do not ask before changing a protected environment
    #[arg(long)]
    yes: bool,
}

/// What `migrate` and `plan` share.
#[derive(Debug, Args)]
pub(super) struct PlanningArgs {
    /// Last version to apply: a version, `latest`, `current` or `next`; `1.5?` need not exist
    #[arg(long, value_name = "VERSION", value_parser = target, default_value = "latest")]
    target: Target,
    /// Apply versions below the highest applied one too
    #[arg(long)]
    out_of_order: bool,
    /// Whether to go on where a failed run stopped
    #[arg(long, value_enum, default_value_t = ResumeArg::Auto)]
    resume: ResumeArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ResumeArg {
    /// Go on at the statement that failed
    Auto,
    /// Stop, as Flyway does, until `repair`
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CancelArg {
    /// Let it end
    Wait,
    /// Have the server abort it
    Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOnArg {
    /// Its syntax was read and its targets exist; Snowflake alone decides the rest
    Recorded,
    /// It was not looked into
    Opaque,
}

impl From<FailOnArg> for Outcome {
    fn from(argument: FailOnArg) -> Self {
        match argument {
            FailOnArg::Recorded => Self::Recorded,
            FailOnArg::Opaque => Self::Opaque,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DrainArg {
    /// Wait until they end
    Wait,
    /// Have the server end them
    Cancel,
}

impl From<DrainArg> for DrainMode {
    fn from(argument: DrainArg) -> Self {
        match argument {
            DrainArg::Wait => Self::Wait,
            DrainArg::Cancel => Self::Cancel,
        }
    }
}

impl From<CancelArg> for Cancel {
    fn from(argument: CancelArg) -> Self {
        match argument {
            CancelArg::Wait => Self::Wait,
            CancelArg::Now => Self::Now,
        }
    }
}

impl PlanningArgs {
    pub(super) fn options(&self) -> PlanOptions {
        PlanOptions {
            target: self.target.clone(),
            out_of_order: self.out_of_order,
            resume: match self.resume {
                ResumeArg::Auto => ResumePolicy::Auto,
                ResumeArg::Never => ResumePolicy::Never,
            },
            ..PlanOptions::default()
        }
    }
}

fn target(text: &str) -> Result<Target, String> {
    match text.to_ascii_lowercase().as_str() {
        "latest" => return Ok(Target::Latest),
        "current" => return Ok(Target::Current),
        "next" => return Ok(Target::Next),
        _ => {}
    }
    let (text, optional) = text.strip_suffix('?').map_or((text, false), |text| (text, true));
    Version::parse(text)
        .map(|version| Target::Version { version, optional })
        .ok_or_else(|| "expected a version such as 1.5, or latest, current or next".into())
}

pub(super) fn run(run: &Run, args: &MigrateArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "migrate";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let interrupt = Interrupt::new(args.cancel.into());
    let options = MigrateOptions {
        plan: args.plan.options(),
        dry_run: args.dry_run,
        create_history: args.create_history,
        lock_timeout: args.lock_timeout.unwrap_or(workspace.environment.lock.timeout),
        drain: args.drain.into(),
        interrupt: interrupt.clone(),
        fail_on: args.fail_on.iter().copied().map(Outcome::from).collect(),
    };
    let mut confirm = |survey: &Survey| confirm(run, &workspace, args.yes, survey);
    let work = migrate(&workspace, &options, &run.events, &mut confirm);
    let migrated = signals::interruptible(&interrupt, work)?;
    let environment = Some(workspace.environment.name.as_str());
    let migrated = match migrated {
        Ok(migrated) => migrated,
        Err(stop) => return run.stopped(COMMAND, environment, &warnings, &stop),
    };
    let findings: Vec<_> = warnings.iter().chain(&migrated.survey.plan.findings).cloned().collect();
    let body = if args.dry_run { Body::Plan(&migrated.survey) } else { Body::Migrate(&migrated) };
    run.answer(Answer {
        command: COMMAND,
        environment,
        findings: &findings,
        stop: migrated.stop.as_ref(),
        body,
        exit: None,
    })
}

/// A protected environment is changed only after somebody typed its name, or said `--yes`.
fn confirm(run: &Run, workspace: &Workspace, yes: bool, survey: &Survey) -> Result<(), Stop> {
    let name = &workspace.environment.name;
    if !workspace.environment.protected || yes || !needs_confirmation(&survey.plan) {
        return Ok(());
    }
    let stop = |message: String, hint: &str| {
        Err(Stop::new(StopKind::Usage, Diagnostic::error(Code::ConfirmationNeeded, message).hint(hint)))
    };
    if !run.ui.can_ask() {
        return stop(
            format!("environment '{name}' is protected, and nobody can be asked here"),
            "look at `snowops plan` first, then add `--yes`",
        );
    }
    let steps = survey.pending();
    let question =
        format!("{steps} migrations wait for protected environment '{name}'. Type its name to apply them:");
    if run.ui.ask(&question, name) {
        return Ok(());
    }
    stop(
        format!("environment '{name}' was not confirmed; nothing was changed"),
        "run again and type its name",
    )
}
