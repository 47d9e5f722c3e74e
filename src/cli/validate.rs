//! `snowops validate`

use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run, block_on},
};
use crate::{
    engine::{
        survey,
        survey::{PlanOptions, Purpose, refuse},
    },
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Pending migrations are errors too
    #[arg(long)]
    pending: bool,
    /// Versions below the highest applied one are no error
    #[arg(long)]
    out_of_order: bool,
}

pub(super) fn run(run: &Run, args: &ValidateArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "validate";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let environment = Some(workspace.environment.name.as_str());
    let options = PlanOptions {
        purpose: if args.pending { Purpose::ValidatePending } else { Purpose::Validate },
        out_of_order: args.out_of_order,
        ..PlanOptions::default()
    };
    let survey = match block_on(survey(&workspace, &options))? {
        Ok(survey) => survey,
        Err(stop) => return run.stopped(COMMAND, environment, &warnings, &stop),
    };
    let findings: Vec<_> = warnings.iter().chain(&survey.plan.findings).cloned().collect();
    let stop = refuse(&survey.plan);
    run.answer(Answer {
        command: COMMAND,
        environment,
        findings: &findings,
        stop: stop.as_ref(),
        body: Body::Validate(&survey),
        exit: None,
    })
}
