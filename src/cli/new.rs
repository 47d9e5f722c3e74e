//! `snowops new`

use clap::{Args, ValueEnum};

use super::{
    exit::Exit,
    run::{Answer, Run},
};
use crate::{engine::new::new, model::name::MigrationKind, report::Body};

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// What the migration does, in a few words
    description: String,
    /// Kind of script
    #[arg(long, value_enum, ignore_case = true, default_value_t = KindArg::V)]
    kind: KindArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "verbatim")]
enum KindArg {
    /// Versioned: runs once
    V,
    /// Repeatable: runs again when it changes
    R,
    /// Always: runs in every migrate
    A,
    /// Undo of the highest version
    U,
    /// Baseline at the highest version
    B,
}

impl KindArg {
    const fn kind(self) -> MigrationKind {
        match self {
            Self::V => MigrationKind::Versioned,
            Self::R => MigrationKind::Repeatable,
            Self::A => MigrationKind::Always,
            Self::U => MigrationKind::Undo,
            Self::B => MigrationKind::Baseline,
        }
    }
}

pub(super) fn run(run: &Run, args: &NewArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "new";
    let project = match run.project(COMMAND)? {
        Ok(project) => project,
        Err(exit) => return Ok(exit),
    };
    match new(&project, &run.context, &args.description, args.kind.kind()) {
        Ok(path) => {
            let path = path.as_str();
            run.answer(Answer {
                command: COMMAND,
                environment: None,
                findings: &[],
                stop: None,
                body: Body::New(path),
                exit: None,
            })
        }
        Err(stop) => run.stopped(COMMAND, None, &[], &stop),
    }
}
