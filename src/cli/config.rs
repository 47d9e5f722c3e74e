//! `snowops config show` and `snowops config schema`

use clap::Subcommand;

use super::{
    exit::Exit,
    run::{Answer, Run},
};
use crate::{
    config::{self, Engine, Environment, Loaded},
    diagnostic::{Diagnostic, Severity},
    report::Body,
};

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

/// Values are shown also where there is no connection; what is in its way stops only who needs it.
fn findings(loaded: &Loaded<Environment>) -> Vec<Diagnostic> {
    let mut all = loaded.warnings.clone();
    if let Engine::Snowflake { connection } = &loaded.value.engine
        && let Err(errors) = &connection.outcome
    {
        all.extend(errors.iter().cloned().map(|error| Diagnostic { severity: Severity::Warning, ..error }));
    }
    all
}

fn show(run: &Run) -> anyhow::Result<Exit> {
    const COMMAND: &str = "config show";
    match config::show(&run.inputs) {
        Ok(values) => {
            let environment = config::environment(&run.inputs);
            let loaded = environment.as_ref().ok();
            let findings = loaded.map(findings).unwrap_or_default();
            run.answer(Answer {
                command: COMMAND,
                environment: loaded.map(|l| l.value.name.as_str()),
                findings: &findings,
                stop: None,
                body: Body::Config(&values),
                exit: None,
            })
        }
        Err(findings) => run.unusable(COMMAND, &findings),
    }
}
