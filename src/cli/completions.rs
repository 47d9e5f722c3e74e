//! `snowops completions`

use clap::Args;
use clap_complete::Shell;

use super::{
    exit::Exit,
    run::{Answer, Run},
};
use crate::report::Body;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(run: &Run, args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "snowops", &mut script);
    let text = String::from_utf8_lossy(&script);
    run.answer(Answer {
        command: "completions",
        environment: None,
        findings: &[],
        stop: None,
        body: Body::Text(&text),
        exit: None,
    })
}
