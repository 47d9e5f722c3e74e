//! Snowflake's SQL: the only module that looks into statements.

pub mod lex;
pub mod cursor;
pub mod split;
pub mod syntax;
pub mod facts;
pub mod command;
