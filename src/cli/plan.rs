//! `snowops plan`

use clap::Args;

use super::{
    exit::Exit,
    migrate::PlanningArgs,
    run::{Answer, Opened, Run, block_on},
};
use crate::{
    diagnostic::any_error,
    engine::{survey, survey::refuse},
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    plan: PlanningArgs,
    /// Answer exit code 10 when something is pending
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(run: &Run, args: &PlanArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "plan";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let environment = Some(workspace.environment.name.as_str());
    let survey = match block_on(survey(&workspace, &args.plan.options()))? {
        Ok(survey) => survey,
        Err(stop) => return run.stopped(COMMAND, environment, &warnings, &stop),
    };
    let findings: Vec<_> = warnings.iter().chain(&survey.plan.findings).cloned().collect();
    let stop = refuse(&survey.plan);
    let pending = args.exit_code && !any_error(&findings) && survey.pending() > 0;
    run.answer(Answer {
        command: COMMAND,
        environment,
        findings: &findings,
        stop: stop.as_ref(),
        body: Body::Plan(&survey),
        exit: pending.then_some(Exit::PENDING),
    })
}
