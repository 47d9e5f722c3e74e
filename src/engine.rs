//! One file a use case: the only place that puts load, plan, lease and execute in order. Takes values, returns
//! values; knows no arguments and prints nothing.

#[cfg(test)]
mod account;
pub mod doctor;
mod drain;
pub mod drift;
pub mod init;
mod lease;
pub mod migrate;
pub mod new;
pub mod render;
pub mod repair;
pub mod snapshot;
pub mod stop;
pub mod survey;
mod takeover;
pub mod unlock;
pub mod workspace;

pub use stop::{Stop, StopKind};
pub use survey::{Survey, survey};
pub use workspace::Workspace;
