//! Tests of the server over HTTP: one binary, so that they link once.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it must be")]

mod client;
mod ledger;
mod line;
mod login;
mod modes;
mod network;
mod oracle;
mod protocol;
