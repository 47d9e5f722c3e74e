//! The command line: arguments, one engine call, one report. One file a command.

mod completions;
mod config;
mod doctor;
mod drift;
pub mod exit;
mod info;
mod init;
mod migrate;
mod new;
mod plan;
mod render;
mod repair;
mod run;
mod signals;
mod snapshot;
mod unlock;
mod validate;

use std::ffi::OsString;

use camino::Utf8PathBuf;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use exit::Exit;

/// Versioned migrations for Snowflake: planned, locked, recorded statement by statement, resumable.
#[derive(Debug, Parser)]
#[command(name = "snowops", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Environment of snowops.yml to work on
    #[arg(long, short = 'e', global = true, value_name = "NAME")]
    env: Option<String>,
    /// Configuration file, instead of the next snowops.yml in this folder or above
    #[arg(long, short = 'c', global = true, value_name = "FILE")]
    config: Option<Utf8PathBuf>,
    /// Set a declared variable; may be given several times
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = variable)]
    var: Vec<(String, String)>,
    /// How to write results
    #[arg(long, global = true, value_enum)]
    format: Option<FormatArg>,
    /// Write every event to a file, one JSON object a line
    #[arg(long, global = true, value_name = "FILE")]
    events: Option<Utf8PathBuf>,
    /// Say no more than results and what is wrong
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more: each statement, the SQL of a plan
    #[arg(long, short, global = true)]
    verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = ColorArg::Auto)]
    color: ColorArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    /// For people
    Human,
    /// One JSON object on stdout, events on stderr
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a new project that works at once on the embedded engine
    Init(init::InitArgs),
    /// Write the next migration file, with the right number
    New(new::NewArgs),
    /// Apply what is pending
    Migrate(migrate::MigrateArgs),
    /// Show what migrate would do; change nothing
    Plan(plan::PlanArgs),
    /// Show every migration and its state
    Info(info::InfoArgs),
    /// Check names, checksums, order and that every script renders and splits
    Validate(validate::ValidateArgs),
    /// Show scripts after rendering, or statement by statement
    Render(render::RenderArgs),
    /// Write the catalogue of the target as a file
    Snapshot(snapshot::SnapshotArgs),
    /// Find what changed in the target outside snowops, and what would mend it
    Drift(drift::DriftArgs),
    /// Remove failed rows from the history and take over changed files
    Repair(repair::RepairArgs),
    /// Show who holds the lease, or free it
    Unlock(unlock::UnlockArgs),
    /// Look for what is wrong with configuration, connection, history and lease
    Doctor(doctor::DoctorArgs),
    /// Show the effective configuration, or its schema
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Parses the arguments and runs the command.
///
/// # Errors
/// When the answer cannot be written, a closed pipe among others.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Exit> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return Ok(run::unreadable(&arguments, &error)),
        Err(help) => {
            // Help that nobody reads is no failure.
            drop(help.print());
            return Ok(Exit::DONE);
        }
    };
    let run = match run::Run::new(cli.global)? {
        Ok(run) => run,
        Err(exit) => return Ok(exit),
    };
    match cli.command {
        Command::Init(args) => init::run(&run, &args),
        Command::New(args) => new::run(&run, &args),
        Command::Migrate(args) => migrate::run(&run, &args),
        Command::Plan(args) => plan::run(&run, &args),
        Command::Info(args) => info::run(&run, &args),
        Command::Validate(args) => validate::run(&run, &args),
        Command::Render(args) => render::run(&run, &args),
        Command::Snapshot(args) => snapshot::run(&run, &args),
        Command::Drift(args) => drift::run(&run, &args),
        Command::Repair(args) => repair::run(&run, &args),
        Command::Unlock(args) => unlock::run(&run, &args),
        Command::Doctor(args) => doctor::run(&run, &args),
        Command::Config(command) => config::run(&run, &command),
        Command::Completions(args) => completions::run(&run, &args),
    }
}

/// Says that snowops itself has a fault.
pub fn fault(error: &anyhow::Error) {
    crate::report::fault(&format!("{error:#}"));
}

/// `NAME=VALUE`.
fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// A time such as `90s` or `10m`.
fn time(text: &str) -> Result<std::time::Duration, String> {
    crate::config::duration(text).ok_or_else(|| "expected a time such as 90s, 10m or 2h".into())
}

/// The whole command line as clap knows it, for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}
