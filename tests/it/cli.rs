//! The commands as a user runs them: the real binary in a temporary project.

mod adopt;
mod connections;
mod failure;
mod help;
mod journey;
pub(crate) mod output;
mod refusals;
mod render;
mod snapshots;
mod templates;
