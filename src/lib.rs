//! snowops: versioned migrations for Snowflake.
//!
//! The library has no API promise; it exists so that the binary is thin and the tests can reach every part. A
//! module may import only from modules named before it here; `tests/it/architecture.rs` holds that.

pub mod diagnostic;
pub mod model;
pub mod files;
pub mod event;
pub mod sql;
pub mod render;
pub mod plan;
pub mod catalog;
pub mod config;
pub mod source;
pub mod session;
pub mod ledger;
pub mod prepare;
pub mod inspect;
pub mod drift;
pub mod execute;
pub mod engine;
pub mod report;
pub mod cli;
