//! A server of Snowflake's session protocol for tests: HTTP over the same catalogue, with faults.
//!
//! [`Server::start`] listens on this machine and speaks the protocol of Snowflake's own drivers well enough that the
//! official Python connector works with it. Statements go to the catalogue of snowops, which refuses in Snowflake's words
//! what Snowflake would refuse. The rows of a few tables, those of the ledger and of Flyway's history, are kept, with a
//! snapshot for each statement, transactions and locks; all other tables are empty.
//!
//! Where it stands in for what only an account can prove, the comment at the place says so, and where the answer may
//! differ there is a switch in [`Modes`].

mod answer;
mod background;
mod clock;
mod credentials;
mod ddl;
mod details;
mod evaluate;
mod execute;
mod fault;
mod http;
mod information;
mod jwt;
mod line;
mod log;
mod login;
mod names;
pub mod parity;
mod privileges;
mod proxy;
#[expect(clippy::disallowed_methods, reason = "it asks for `CI` and makes a folder under `target/`")]
mod python;
mod query;
mod result;
mod server;
mod session;
mod settings;
mod statement;
mod table;
mod time;
mod tls;
mod view;
mod wire;
mod world;

pub use clock::{Clock, Time};
pub use fault::{Cut, Fault, What, When};
pub use line::{Client, Point};
pub use log::{Counts, Endpoint, Entry};
pub use proxy::{Passed, Proxy};
pub use python::{Fakesnow, Python};
pub use server::{Server, Snapshot};
pub use settings::{AccountNames, Credential, Lives, Modes, SameRequest, Settings, Takes, User, Warehouse};
pub use table::TableName;
pub use view::{Open, Ran, Row, View};
