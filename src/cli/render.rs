//! `snowops render`

use camino::Utf8PathBuf;
use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run, absolute},
};
use crate::{
    config,
    diagnostic::{Code, Diagnostic},
    engine::{
        Stop, StopKind,
        render::{RenderedFile, Source, StatementLine, project, raw, statements},
    },
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// Files or folders; without any: all scripts of the project
    #[arg(value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// One JSON object a statement, with place, hash and what it does
    #[arg(long)]
    statements: bool,
    /// Take the files as they are, without templates; the default outside a project
    #[arg(long)]
    raw: bool,
}

pub(super) fn run(run: &Run, args: &RenderArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "render";
    let paths: Vec<_> = args.files.iter().map(|path| absolute(run, path)).collect();
    let raw_mode = args.raw || (!paths.is_empty() && !config::has_project(&run.inputs));
    let (rendered, environment, warnings) = if raw_mode {
        if paths.is_empty() {
            let finding = Diagnostic::error(Code::InvalidUsage, "`--raw` needs files or folders to read")
                .hint("for example `snowops render --raw --statements migrations`");
            return run.stopped(COMMAND, None, &[], &Stop::new(StopKind::Usage, finding));
        }
        (raw(&run.inputs.directory, &paths), None, Vec::new())
    } else {
        let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
            Ok(opened) => opened,
            Err(exit) => return Ok(exit),
        };
        (project(&workspace, &paths), Some(workspace.environment.name), warnings)
    };
    let environment = environment.as_deref();
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(stop) => return run.stopped(COMMAND, environment, &warnings, &stop),
    };
    if args.statements {
        show_statements(run, environment, warnings, &rendered)
    } else {
        show(run, environment, warnings, rendered)
    }
}

fn show(
    run: &Run,
    environment: Option<&str>,
    mut findings: Vec<Diagnostic>,
    rendered: Vec<(RenderedFile, Source)>,
) -> anyhow::Result<Exit> {
    let files: Vec<_> = rendered.into_iter().map(|(file, _)| file).collect();
    findings.extend(files.iter().filter_map(|f| f.text.as_ref().err()).flatten().cloned());
    let stop = stop(&findings);
    run.answer(Answer {
        command: "render",
        environment,
        findings: &findings,
        stop: stop.as_ref(),
        body: Body::Rendered(&files),
        exit: None,
    })
}

fn show_statements(
    run: &Run,
    environment: Option<&str>,
    mut findings: Vec<Diagnostic>,
    rendered: &[(RenderedFile, Source)],
) -> anyhow::Result<Exit> {
    let lines = statements(rendered);
    findings.extend(lines.iter().filter_map(|line| match line {
        StatementLine::Failed { error, .. } => Some((**error).clone()),
        StatementLine::Statement { .. } => None,
    }));
    let stop = stop(&findings);
    run.answer(Answer {
        command: "render",
        environment,
        findings: &findings,
        stop: stop.as_ref(),
        body: Body::Statements(&lines),
        exit: None,
    })
}

fn stop(findings: &[Diagnostic]) -> Option<Stop> {
    let first = findings.iter().find(|f| f.is_error())?;
    Some(Stop::findings(StopKind::Validation, first.code, findings))
}
