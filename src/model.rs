//! The nouns of snowops: values without IO, shared by every module.

pub mod checksum;
pub mod command;
pub mod connection;
pub mod facts;
pub mod history;
pub mod ident;
pub mod journal;
pub mod kind;
pub mod migration;
pub mod name;
pub mod plan;
pub mod refusal;
pub mod secret;
pub mod settings;
pub mod state;
pub mod statement;
pub mod target;
pub mod time;
pub mod version;
