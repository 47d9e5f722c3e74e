//! `snowops unlock`

use std::time::Duration;

use clap::Args;

use super::{
    exit::Exit,
    run::{Answer, Opened, Run},
    signals, time,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    engine::{
        Stop, StopKind, Workspace,
        unlock::{Held, UnlockOptions, unlock},
    },
    execute::interrupt::Interrupt,
    report::Body,
};

#[derive(Debug, Args)]
pub(super) struct UnlockArgs {
    /// The lease to free, by the id of its run; without it the lease is only shown
    #[arg(long, value_name = "RUN")]
    lease: Option<String>,
    /// Free it at once, although its run may still be at work
    #[arg(long, requires = "lease")]
    force: bool,
    /// How long to wait until it is over, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = time)]
    lock_timeout: Option<Duration>,
    /// Do not ask before forcing a protected environment
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(run: &Run, args: &UnlockArgs) -> anyhow::Result<Exit> {
    const COMMAND: &str = "unlock";
    let Opened { workspace, warnings } = match run.workspace(COMMAND)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let interrupt = Interrupt::default();
    let options = UnlockOptions {
        lease: args.lease.clone(),
        force: args.force,
        lock_timeout: args.lock_timeout.unwrap_or(workspace.environment.lock.timeout),
        interrupt: interrupt.clone(),
    };
    let mut confirm = |held: &Held| confirm(run, &workspace, args.yes, held);
    let work = unlock(&workspace, &options, &run.events, &mut confirm);
    let unlocked = signals::interruptible(&interrupt, work)?;
    let environment = Some(workspace.environment.name.as_str());
    match unlocked {
        Ok(unlocked) => {
            let held = unlocked.lease.is_some() && !unlocked.freed;
            run.answer(Answer {
                command: COMMAND,
                environment,
                findings: &warnings,
                stop: None,
                body: Body::Unlock(&unlocked),
                exit: held.then_some(Exit::LOCKED),
            })
        }
        Err(stop) => run.stopped(COMMAND, environment, &warnings, &stop),
    }
}

/// A lease of a protected environment is taken by force only after somebody typed its name, or said `--yes`.
fn confirm(run: &Run, workspace: &Workspace, yes: bool, held: &Held) -> Result<(), Stop> {
    let name = &workspace.environment.name;
    if !workspace.environment.protected || yes {
        return Ok(());
    }
    let question = format!(
        "{} may still be at work on protected environment '{name}'. Type its name to take its lease:",
        held.holder
    );
    if run.ui.can_ask() && run.ui.ask(&question, name) {
        return Ok(());
    }
    let message = format!("environment '{name}' is protected: its lease was not taken by force");
    let finding = Diagnostic::error(Code::ConfirmationNeeded, message)
        .hint("make sure that the run which holds it is dead, then add `--yes`; or leave `--force` out, which waits until the lease is over");
    Err(Stop::new(StopKind::Usage, finding))
}
