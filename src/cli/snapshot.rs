//! `snowops snapshot`

use camino::Utf8PathBuf;
use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run, block_on},
};
use crate::{engine::snapshot::snapshot, model::ident::Ident, report::Body};

#[derive(Debug, Args)]
pub(super) struct SnapshotArgs {
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<Utf8PathBuf>,
    /// A database, instead of the environment's own; may be given several times
    #[arg(long, value_name = "NAME")]
    database: Vec<String>,
}

pub(super) fn run(run: &Run, args: &SnapshotArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "snapshot";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let environment = Some(workspace.environment.name.as_str());
    let databases: Vec<Ident> = args.database.iter().map(|name| Ident::written(name)).collect();
    let out = args.out.as_ref().map(|file| run.inputs.directory.join(file));
    match block_on(snapshot(&workspace, &databases, out.as_deref()))? {
        Ok(mut taken) => {
            // As it was typed.
            taken.file.clone_from(&args.out);
            run.answer(Answer {
                command: COMMAND,
                environment,
                findings: &warnings,
                stop: None,
                body: Body::Snapshot(&taken),
                exit: None,
            })
        }
        Err(stop) => run.stopped(COMMAND, environment, &warnings, &stop),
    }
}
