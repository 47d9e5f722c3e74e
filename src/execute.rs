//! Walks a plan under the lease: record, run, record, emit. Chooses nothing: the order is [`run::Run`]'s, the steps
//! are the plan's.

mod context;
pub mod drain;
mod drive;
pub mod emit;
pub mod interrupt;
mod report;
pub mod run;
pub mod settle;

pub use drive::{Execution, execute};
pub use report::{Below, Failure, FailureKind, Interruption, RunReport, ScriptResult, Tally};
