//! The `snowops` command.

use std::{io, process::ExitCode};

fn main() -> ExitCode {
    match snowops::cli::main(std::env::args_os()) {
        Ok(exit) => ExitCode::from(exit.0),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            snowops::cli::fault(&error);
            ExitCode::FAILURE
        }
    }
}

/// `snowops info | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
