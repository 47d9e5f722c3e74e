//! `snowops doctor`

use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run, block_on},
};
use crate::{
    config::Engine,
    diagnostic::{Code, Diagnostic},
    engine::{
        Stop, StopKind,
        doctor::{Check, doctor},
    },
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The role only plans: do not ask for what a migrate needs beyond that
    #[arg(long)]
    plan_only: bool,
}

pub(super) fn run(run: &Run, args: &DoctorArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "doctor";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let checks = block_on(doctor(&workspace, &warnings, args.plan_only))?;
    let wrong = checks.iter().filter(|c| !c.ok);
    let unusable = matches!(&workspace.environment.engine, Engine::Snowflake { connection } if connection.outcome.is_err());
    let connection = wrong.clone().any(|c| c.name == "connection" || c.name == "login");
    let stop = (wrong.count() > 0).then(|| {
        let (kind, code) = if unusable {
            (StopKind::Config, Code::NotReady)
        } else if connection {
            (StopKind::Connection, Code::ConnectionFailed)
        } else {
            (StopKind::Validation, Code::NotReady)
        };
        let gravest = |c: &&Check| !c.ok && (!unusable || c.name == "connection");
        let first = checks.iter().find(gravest).map_or("", |c| c.detail.as_str());
        Stop::new(kind, Diagnostic::error(code, format!("this environment is not ready: {first}")))
    });
    run.answer(Answer {
        command: COMMAND,
        environment: Some(&workspace.environment.name),
        findings: &[],
        stop: stop.as_ref(),
        body: Body::Doctor(&checks),
        exit: None,
    })
}
