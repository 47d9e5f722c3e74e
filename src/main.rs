//! The `snowops` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    match snowops::cli::main(std::env::args_os()) {
        Ok(exit) => ExitCode::from(exit.0),
        Err(error) => {
            snowops::cli::fault(&error);
            ExitCode::FAILURE
        }
    }
}
