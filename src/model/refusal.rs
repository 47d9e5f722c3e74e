//! What Snowflake says when it refuses a statement: codes, SQL states and exact wording.
//!
//! Codes and sentences are those recorded from Snowflake or found in its documentation; where the code of a
//! sentence is not known, [`UNKNOWN_CODE`] stands for it.

use std::fmt;

use super::{ident::Ident, kind::ObjectKind};

/// Stands where Snowflake's code of a sentence is not known.
pub const UNKNOWN_CODE: &str = "000000";

/// A refusal in Snowflake's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SnowflakeError {
    /// Snowflake's code, six digits.
    pub code: &'static str,
    /// SQL state.
    pub sqlstate: &'static str,
    /// What Snowflake says.
    pub message: String,
    /// Line in the statement, from 1.
    pub line: Option<usize>,
    /// Column in that line, from **0**, as Snowflake counts.
    pub position: Option<usize>,
}

/// A place in a statement's text, as Snowflake counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// From 1.
    pub line: usize,
    /// In characters, from 0.
    pub position: usize,
}

const COMPILATION: &str = "SQL compilation error:";

impl SnowflakeError {
    fn new(code: &'static str, sqlstate: &'static str, message: String) -> Self {
        Self { code, sqlstate, message, line: None, position: None }
    }

    /// A sentence after `SQL compilation error:` and a line end.
    pub fn compilation(code: &'static str, sqlstate: &'static str, detail: impl fmt::Display) -> Self {
        Self::new(code, sqlstate, format!("{COMPILATION}\n{detail}"))
    }

    /// A sentence that Snowflake writes on one line with the prefix.
    pub fn compilation_line(code: &'static str, sqlstate: &'static str, detail: impl fmt::Display) -> Self {
        Self::new(code, sqlstate, format!("{COMPILATION} {detail}"))
    }

    /// A semantic error with a place, which stands on the first line.
    pub fn at(code: &'static str, sqlstate: &'static str, at: At, detail: impl fmt::Display) -> Self {
        let At { line, position } = at;
        Self {
            line: Some(line),
            position: Some(position),
            ..Self::new(
                code,
                sqlstate,
                format!("{COMPILATION} error line {line} at position {position}\n{detail}"),
            )
        }
    }

    /// A sentence without the prefix.
    pub fn bare(code: &'static str, sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, sqlstate, message.into())
    }

    /// 001003: the parser met `token`.
    pub fn syntax(at: At, token: &str) -> Self {
        let At { line, position } = at;
        Self {
            line: Some(line),
            position: Some(position),
            ..Self::compilation(
                "001003",
                "42000",
                format_args!("syntax error line {line} at position {position} unexpected '{token}'."),
            )
        }
    }

    /// 000900: nothing but comments.
    pub fn empty() -> Self {
        Self::compilation("000900", "42601", "Empty SQL statement.")
    }

    /// Our own limit, far beyond what people write.
    pub fn too_deep(at: At) -> Self {
        Self::at(UNKNOWN_CODE, "54001", at, "the statement is nested too deeply to be read locally")
    }

    /// 000002, which has no prefix.
    pub fn unsupported(feature: &str) -> Self {
        Self::bare("000002", "0A000", format!("Unsupported feature '{feature}'."))
    }

    /// 002040.
    pub fn unsupported_type(name: &str) -> Self {
        Self::compilation("002040", "42601", format_args!("Unsupported data type '{name}'."))
    }

    /// 000906.
    pub fn too_many_qualifiers(kind: &str, name: &str) -> Self {
        Self::compilation("000906", "42601", format_args!("{kind} name '{name}' has too many qualifiers"))
    }

    /// 0A000: OR REPLACE together with IF NOT EXISTS.
    pub fn replace_and_if_not_exists() -> Self {
        Self::compilation(UNKNOWN_CODE, "0A000", "options IF NOT EXISTS and OR REPLACE are incompatible.")
    }

    /// 001420: a property that the kind does not have, named as written; the words of a kind have underscores here,
    /// and every routine is a function.
    pub fn invalid_property(property: &str, kind: ObjectKind) -> Self {
        let kind = if kind.is_routine() { ObjectKind::Function } else { kind };
        let kind = kind.words().replace(' ', "_");
        Self::compilation("001420", "22023", format_args!("invalid property '{property}' for '{kind}'"))
    }

    /// 001422: a value that a property does not take, without its quotes.
    pub fn invalid_value(property: &str, value: &str) -> Self {
        Self::compilation(
            "001422",
            "22023",
            format_args!("invalid value '{value}' for property '{property}'"),
        )
    }

    /// 001008: a value that a parameter does not take, as written.
    pub fn invalid_parameter(parameter: &str, value: &str) -> Self {
        Self::compilation(
            "001008",
            "22023",
            format_args!("invalid value [{value}] for parameter '{parameter}'"),
        )
    }

    /// 002003 of a relation in FROM, named as written.
    pub fn missing_object(name: impl fmt::Display) -> Self {
        Self::compilation(
            "002003",
            "42S02",
            format_args!("Object '{name}' does not exist or not authorized."),
        )
    }

    /// 002003 of a table that is the target of a statement.
    pub fn missing_table(name: impl fmt::Display) -> Self {
        Self::compilation("002003", "42S02", format_args!("Table '{name}' does not exist or not authorized."))
    }

    /// 002003 of any other kind.
    pub fn missing(kind: ObjectKind, name: impl fmt::Display) -> Self {
        if kind.is_relation() && kind.words().ends_with("TABLE") {
            return Self::missing_table(name);
        }
        let sqlstate = "02000";
        let kind = sentence_case(kind.words());
        Self::compilation(
            "002003",
            sqlstate,
            format_args!("{kind} '{name}' does not exist or not authorized."),
        )
    }

    /// 002141: no function or procedure of that name.
    pub fn unknown_function(name: impl fmt::Display) -> Self {
        Self::compilation("002141", "42601", format_args!("Unknown user-defined function {name}."))
    }

    /// 002043, which names nothing.
    pub fn missing_scope() -> Self {
        Self::compilation("002043", "02000", "Object does not exist, or operation cannot be performed.")
    }

    /// 002002.
    pub fn exists(name: impl fmt::Display) -> Self {
        Self::compilation("002002", "42710", format_args!("Object '{name}' already exists."))
    }

    /// 001998: another kind of relation has the name.
    pub fn exists_as(name: impl fmt::Display, kind: ObjectKind) -> Self {
        let kind = kind.words().replace(' ', "_");
        Self::compilation("001998", "42710", format_args!("Object '{name}' already exists as {kind}"))
    }

    /// The wrong kind word in DROP, ALTER or COMMENT.
    pub fn other_kind(found: ObjectKind, asked: ObjectKind) -> Self {
        let (found, asked) = (found.words().replace(' ', "_"), asked.words().replace(' ', "_"));
        Self::compilation_line(
            UNKNOWN_CODE,
            "42601",
            format_args!("Object found is of type '{found}', not specified type '{asked}'."),
        )
    }

    /// 090105.
    pub fn no_database(statement: &str) -> Self {
        Self::bare(
            "090105",
            "22000",
            format!(
                "Cannot perform {statement}. This session does not have a current database. Call 'USE DATABASE', or \
                 use a qualified name."
            ),
        )
    }

    /// 090106.
    pub fn no_schema(statement: &str) -> Self {
        Self::bare(
            "090106",
            "22000",
            format!(
                "Cannot perform {statement}. This session does not have a current schema. Call 'USE SCHEMA', or use \
                 a qualified name."
            ),
        )
    }

    /// 000904.
    pub fn invalid_identifier(at: At, name: impl fmt::Display) -> Self {
        Self::at("000904", "42000", at, format_args!("invalid identifier '{name}'"))
    }

    /// 002028.
    pub fn ambiguous(name: &Ident) -> Self {
        Self::compilation("002028", "42601", format_args!("ambiguous column name '{name}'"))
    }

    /// 002025.
    pub fn duplicate_column(name: &Ident) -> Self {
        Self::compilation("002025", "42S21", format_args!("duplicate column name '{name}'"))
    }

    /// 002020.
    pub fn width(expected: usize, got: usize) -> Self {
        Self::compilation(
            "002020",
            "21S01",
            format_args!("Insert value list does not match column list expecting {expected} but got {got}"),
        )
    }

    /// The sides of a set operator differ in their number of columns; `branch` counts from 1.
    pub fn set_width(expected: usize, got: usize, branch: usize) -> Self {
        let detail = format_args!(
            "invalid number of result columns for set operator input branches, expected {expected}, got {got} in \
             branch {branch}"
        );
        Self::compilation(UNKNOWN_CODE, "42601", detail)
    }

    /// 002023.
    pub fn type_mismatch(expected: impl fmt::Display, got: impl fmt::Display, column: &Ident) -> Self {
        let detail = format_args!(
            "Expression type does not match column data type, expecting {expected} but got {got} for column {column}"
        );
        Self::compilation("002023", "22000", detail)
    }

    /// 090025.
    pub fn purged(kind: ObjectKind, name: impl fmt::Display) -> Self {
        let kind = sentence_case(kind.words());
        Self::bare("090025", "22000", format!("{kind} {name} did not exist or was purged."))
    }
}

/// `FILE FORMAT` as sentences have it: `File format`.
pub fn sentence_case(words: &str) -> String {
    let mut text = words.to_ascii_lowercase();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

impl fmt::Display for SnowflakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.sqlstate, self.message)
    }
}

impl std::error::Error for SnowflakeError {}
