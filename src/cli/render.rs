//! `snowops render`

use std::{io, path::PathBuf};

use camino::Utf8PathBuf;
use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run},
};
use crate::{
    config,
    diagnostic::{Code, Diagnostic},
    engine::{
        Stop, StopKind, Workspace,
        render::{Listener, Raw, StatementLine, project, project_statements},
    },
    report::Body,
};

const COMMAND: &str = "render";

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// Files or folders, `-` for standard input; without any: all scripts of the project
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a statement, with place, hash and what it does
    #[arg(long)]
    statements: bool,
    /// Take the files as they are, without templates; the default outside a project and with `-`
    #[arg(long)]
    raw: bool,
}

/// What is rendered.
enum Scripts {
    Raw(Raw),
    Project(Box<Workspace>, Vec<Utf8PathBuf>),
}

pub(super) fn run(run: &Run, args: &RenderArgs) -> anyhow::Result<Exit> {
    let files = &args.files;
    let piped = files.iter().any(|file| file.as_os_str() == "-");
    let named = run.inputs.config.is_some() || config::has_project(&run.inputs);
    let raw = args.raw || piped || (!files.is_empty() && !named);
    let (scripts, environment, warnings) = if raw {
        if files.is_empty() {
            let finding = Diagnostic::error(Code::InvalidUsage, "`--raw` needs files or folders to read")
                .hint("for example `snowops render --raw --statements migrations`");
            return run.stopped(COMMAND, None, &[], &Stop::new(StopKind::Usage, finding));
        }
        (Scripts::Raw(Raw::new(&run.inputs.directory, files)), None, Vec::new())
    } else {
        let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
            Ok(opened) => opened,
            Err(exit) => return Ok(exit),
        };
        // A path that is no UTF-8 names no script.
        let paths = files.iter().map(|file| run.inputs.directory.join(&*file.to_string_lossy())).collect();
        let environment = workspace.environment.name.clone();
        (Scripts::Project(Box::new(workspace), paths), Some(environment), warnings)
    };
    if args.statements {
        show_statements(run, environment.as_deref(), warnings, scripts)
    } else {
        show(run, environment.as_deref(), warnings, scripts)
    }
}

fn show(
    run: &Run,
    environment: Option<&str>,
    mut findings: Vec<Diagnostic>,
    scripts: Scripts,
) -> anyhow::Result<Exit> {
    let files = match scripts {
        Scripts::Raw(raw) => raw.files(),
        Scripts::Project(workspace, paths) => match project(&workspace, &paths) {
            Ok(files) => files,
            Err(stop) => return run.stopped(COMMAND, environment, &findings, &stop),
        },
    };
    findings.extend(files.iter().filter_map(|f| f.text.as_ref().err()).flatten().cloned());
    answer(run, environment, &findings, Body::Rendered(&files))
}

fn show_statements(
    run: &Run,
    environment: Option<&str>,
    mut findings: Vec<Diagnostic>,
    scripts: Scripts,
) -> anyhow::Result<Exit> {
    let mut out = None;
    let start = || run.ui.statements(COMMAND, environment);
    let mut listener = |line: StatementLine<'_>| -> io::Result<()> {
        if let StatementLine::Failed { error, .. } = line {
            findings.push(error.clone());
        }
        match &mut out {
            Some(out) => out,
            out => out.insert(start()?),
        }
        .line(&line)
    };
    let listener: &mut Listener<'_> = &mut listener;
    let written = match scripts {
        Scripts::Raw(raw) => raw.statements(listener),
        Scripts::Project(workspace, paths) => match project_statements(&workspace, &paths, listener) {
            Ok(written) => written,
            Err(stop) => return run.stopped(COMMAND, environment, &findings, &stop),
        },
    };
    let written = written.and_then(|()| out.map_or_else(start, Ok)?.close());
    match written {
        Ok(()) => answer(run, environment, &findings, Body::Statements),
        // A reader that has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(stop(&findings).as_ref().map_or(Exit::DONE, Exit::of))
        }
        Err(error) => Err(error.into()),
    }
}

fn answer(
    run: &Run,
    environment: Option<&str>,
    findings: &[Diagnostic],
    body: Body<'_>,
) -> anyhow::Result<Exit> {
    let stop = stop(findings);
    run.answer(Answer { command: COMMAND, environment, findings, stop: stop.as_ref(), body, exit: None })
}

fn stop(findings: &[Diagnostic]) -> Option<Stop> {
    let first = findings.iter().find(|f| f.is_error())?;
    Some(Stop::findings(StopKind::Validation, first.code, findings))
}
