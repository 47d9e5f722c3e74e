//! `snowops info`

use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run, block_on},
};
use crate::{
    diagnostic::Severity,
    engine::{survey, survey::PlanOptions},
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct InfoArgs {}

pub(super) fn run(run: &Run, _args: &InfoArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "info";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let environment = Some(workspace.environment.name.as_str());
    let survey = match block_on(survey(&workspace, &PlanOptions::default()))? {
        Ok(survey) => survey,
        Err(stop) => return run.stopped(COMMAND, environment, &warnings, &stop),
    };
    // `info` tells where things stand; what is wrong with them is `validate`'s to judge.
    let mut findings: Vec<_> = warnings.iter().chain(&survey.plan.findings).cloned().collect();
    for finding in findings.iter_mut().filter(|f| f.is_error()) {
        finding.severity = Severity::Warning;
    }
    run.answer(Answer {
        command: COMMAND,
        environment,
        findings: &findings,
        stop: None,
        body: Body::Info(&survey),
        exit: None,
    })
}
