//! Integration tests: one binary, so that they link once.

#![expect(clippy::disallowed_methods, reason = "tests build projects, read files and watch the clock")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it must be")]

mod architecture;
mod cli;
mod crash;
mod docs;
mod drift;
mod doctor;
mod fault_list;
mod faults;
mod harness;
mod hostile;
#[cfg(unix)]
mod logins;
#[cfg(unix)]
mod interrupts;
mod mutants;
mod network;
mod pipeline;
mod promises;
mod races;
mod requests;
mod servers;
mod settling;
#[cfg(unix)]
mod takeover;
#[cfg(unix)]
mod unlock;
