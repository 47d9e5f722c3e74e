//! `snowops init`

use camino::Utf8PathBuf;
use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Run},
};
use crate::{engine::init::init, report::Body};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Folder of the new project
    #[arg(default_value = ".")]
    folder: Utf8PathBuf,
}

pub(super) fn run(run: &Run, args: &InitArgs) -> anyhow::Result<Exit> {
    let folder = if args.folder == "." {
        run.inputs.directory.clone()
    } else {
        run.inputs.directory.join(&args.folder)
    };
    match init(&folder) {
        Ok(initialized) => run.answer(Answer {
            command: "init",
            environment: None,
            findings: &[],
            stop: None,
            body: Body::Init(&initialized),
            exit: None,
        }),
        Err(stop) => run.stopped("init", None, &[], &stop),
    }
}
