//! `snowops drift`

use camino::Utf8PathBuf;
use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run, block_on},
};
use crate::{
    engine::drift::{Against, drift},
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    /// Compare with a snapshot instead of with what the applied migrations make
    #[arg(long, value_name = "FILE")]
    against: Option<Utf8PathBuf>,
}

pub(super) fn run(run: &Run, args: &DriftArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "drift";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let environment = Some(workspace.environment.name.as_str());
    let file = args.against.as_ref().map(|file| run.inputs.directory.join(file));
    match block_on(drift(&workspace, file.as_deref()))? {
        Ok(mut drifted) => {
            if let Some(file) = &args.against {
                // As it was typed.
                drifted.against = Against::File(file.clone());
            }
            run.answer(Answer {
                command: COMMAND,
                environment,
                findings: &warnings,
                stop: None,
                exit: (!drifted.differences.is_empty()).then_some(Exit::DRIFT),
                body: Body::Drift(&drifted),
            })
        }
        Err(stop) => run.stopped(COMMAND, environment, &warnings, &stop),
    }
}
