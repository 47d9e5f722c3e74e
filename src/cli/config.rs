//! `snowops config show` and `snowops config schema`

use clap::Subcommand;

use super::{
    exit::Exit,
    run::{Answer, Run},
};
use crate::{config, report::Body};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print each effective value and where it came from; secrets are masked
    Show,
    /// Print the JSON Schema of snowops.yml
    Schema,
}

pub(super) fn run(run: &Run, command: &ConfigCommand) -> anyhow::Result<Exit> {
    match command {
        ConfigCommand::Show => show(run),
        ConfigCommand::Schema => run.answer(Answer {
            command: "config schema",
            environment: None,
            findings: &[],
            stop: None,
            body: Body::Schema(&config::json_schema()),
            exit: None,
        }),
    }
}

fn show(run: &Run) -> anyhow::Result<Exit> {
    const COMMAND: &str = "config show";
    match config::show(&run.inputs) {
        Ok(values) => {
            let environment = config::environment(&run.inputs);
            let loaded = environment.as_ref().ok();
            run.answer(Answer {
                command: COMMAND,
                environment: loaded.map(|l| l.value.name.as_str()),
                findings: loaded.map(|l| l.warnings.as_slice()).unwrap_or_default(),
                stop: None,
                body: Body::Config(&values),
                exit: None,
            })
        }
        Err(findings) => run.unusable(COMMAND, &findings),
    }
}
