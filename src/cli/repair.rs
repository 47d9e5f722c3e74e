//! `snowops repair`

use std::time::Duration;

use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run},
    signals, time,
};
use crate::{
    engine::repair::{Mark, RepairOptions, repair},
    execute::interrupt::Interrupt,
    model::journal::SettledOutcome,
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// Script that stopped at a statement whose outcome is not known
    #[arg(long, requires = "statement")]
    script: Option<String>,
    /// That statement, from 1
    #[arg(long, requires = "script", requires = "mark")]
    statement: Option<usize>,
    /// The statement was done
    #[arg(long, group = "mark", requires = "statement")]
    mark_done: bool,
    /// The statement was not done
    #[arg(long, group = "mark", requires = "statement")]
    mark_not_done: bool,
    /// Take over a ledger that was made for another target: after a clone, a restore or a rename of the database
    #[arg(long)]
    adopt: bool,
    /// How long to wait for another run, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = time)]
    lock_timeout: Option<Duration>,
}

pub(super) fn run(run: &Run, args: &RepairArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "repair";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let outcome = if args.mark_done { SettledOutcome::Done } else { SettledOutcome::NotDone };
    let mark = args.script.clone().zip(args.statement).map(|(script, statement)| Mark {
        script,
        statement,
        outcome,
    });
    let lock_timeout = args.lock_timeout.unwrap_or(workspace.environment.lock.timeout);
    let interrupt = Interrupt::default();
    let options = RepairOptions { lock_timeout, mark, adopt: args.adopt, interrupt: interrupt.clone() };
    let repaired = signals::interruptible(&interrupt, repair(&workspace, &options, &run.events))?;
    let environment = Some(workspace.environment.name.as_str());
    match repaired {
        Ok(repaired) => run.answer(Answer {
            command: COMMAND,
            environment,
            findings: &warnings,
            stop: None,
            body: Body::Repair(&repaired),
            exit: None,
        }),
        Err(stop) => run.stopped(COMMAND, environment, &warnings, &stop),
    }
}
