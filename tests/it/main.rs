//! Integration tests: one binary, so that they link once.

mod architecture;
mod cli;
mod docs;
mod harness;
mod pipeline;
mod races;
