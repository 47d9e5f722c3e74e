//! What the server's errors mean: class, effect, and the place in the statement.

use serde::Deserialize;

use super::super::{DbError, Effect, ErrorClass, Phase};

/// The answer to the codes in here ends the session: its temporary objects, variables and open transaction are gone
/// (`gosnowflake`, `restful.go`; `snowflake-connector-python`, `network.py`). 390104 is fakesnow's.
const SESSION_LOST: [&str; 5] = ["390104", "390111", "390113", "390114", "390115"];

/// The session token has expired: the master token gives a new one, and the session goes on.
pub(super) const TOKEN_EXPIRED: &str = "390112";

/// The statement is still running: ask again where the answer says.
pub(super) const IN_PROGRESS: [&str; 2] = ["333333", "333334"];

/// What the server says of a request, around its `data`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Refusal {
    error_code: Option<Code>,
    sql_state: Option<String>,
    query_id: Option<String>,
    line: Option<i64>,
    pos: Option<i64>,
}

/// A code, which servers print with or without its leading zeros, as text or as a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Code {
    Text(String),
    Number(i64),
}

impl Code {
    /// Six digits.
    pub(super) fn six(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:0>6}"),
            Self::Number(number) => format!("{number:06}"),
        }
    }
}

/// A refusal of a statement, as a value for callers.
pub(super) fn refused(code: Option<String>, message: Option<String>, data: Refusal) -> DbError {
    let code = code.or_else(|| data.error_code.as_ref().map(Code::six));
    let message =
        message.filter(|text| !text.is_empty()).unwrap_or_else(|| "the server gave no reason".to_owned());
    let class = class(code.as_deref(), &message);
    let outcome = match code.as_deref() {
        // A fault of the server may come after the work was done.
        Some("000603") => Effect::Unknown,
        _ => Effect::Failed,
    };
    DbError {
        class,
        query_id: data.query_id(),
        sqlstate: data.sql_state.filter(|state| !state.is_empty()),
        // Minus one stands for "no place".
        line: data.line.and_then(|line| usize::try_from(line).ok()).filter(|line| *line > 0),
        position: data.pos.and_then(|pos| usize::try_from(pos).ok()),
        ..fault(class, Phase::Answer, outcome, code, message)
    }
    .with_whole_place()
}

impl Refusal {
    /// The server's id of the statement.
    pub(super) fn query_id(&self) -> Option<String> {
        self.query_id.clone().filter(|id| !id.is_empty())
    }
}

impl DbError {
    /// A line without a column, or the other way round, is no place.
    fn with_whole_place(mut self) -> Self {
        if self.line.is_none() || self.position.is_none() {
            (self.line, self.position) = (None, None);
        }
        self
    }
}

/// An error without a place.
pub(super) fn fault(
    class: ErrorClass,
    phase: Phase,
    outcome: Effect,
    code: Option<String>,
    message: impl Into<String>,
) -> DbError {
    DbError {
        class,
        code,
        sqlstate: None,
        message: message.into(),
        line: None,
        position: None,
        query_id: None,
        phase,
        outcome,
    }
}

/// Whether a code says that the session is gone.
pub(super) fn session_lost(code: Option<&str>) -> bool {
    code.is_some_and(|code| SESSION_LOST.contains(&code))
}

/// The class of a code. fakesnow calls "already exists" 002003, which on Snowflake says the opposite, so there the
/// words decide.
pub(super) fn class(code: Option<&str>, message: &str) -> ErrorClass {
    match code.unwrap_or_default() {
        "002003" if message.contains("already exists") => ErrorClass::AlreadyExists,
        "002003" | "002043" | "002140" | "002141" | "090025" => ErrorClass::NotFound,
        "002002" | "001998" | "003041" => ErrorClass::AlreadyExists,
        "003001" | "003008" | "003011" | "003013" | "003028" => ErrorClass::Privilege,
        "000604" | "000630" => ErrorClass::Cancelled,
        "000625" => ErrorClass::Busy,
        "000603" => ErrorClass::Internal,
        code if session_lost(Some(code)) => ErrorClass::Connection,
        code if code.starts_with("390") || code.starts_with("3943") => ErrorClass::Login,
        _ => ErrorClass::Statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: Option<&str>, message: &str, data: &str) -> DbError {
        let code = code.map(|code| Code::Text(code.to_owned()).six());
        refused(code, Some(message.to_owned()), serde_json::from_str(data).unwrap())
    }

    #[test]
    fn codes_have_six_digits_and_a_class() {
        for (code, message, class) in [
            ("2003", "Object 'X' does not exist or not authorized.", ErrorClass::NotFound),
            ("002003", "Table with name X already exists!", ErrorClass::AlreadyExists),
            ("002043", "Object does not exist, or operation cannot be performed.", ErrorClass::NotFound),
            ("002002", "Object 'X' already exists.", ErrorClass::AlreadyExists),
            ("001998", "Object 'X' already exists as VIEW", ErrorClass::AlreadyExists),
            (
                "003041",
                "Table 'X' already exists, but current role has no privileges",
                ErrorClass::AlreadyExists,
            ),
            // A missing column is no missing table: the ledger would take it for an absent history.
            ("000904", "invalid identifier 'X'", ErrorClass::Statement),
            ("090105", "This session does not have a current database.", ErrorClass::Statement),
            ("003001", "Insufficient privileges to operate on schema 'X'", ErrorClass::Privilege),
            ("604", "SQL execution canceled", ErrorClass::Cancelled),
            ("000630", "Statement reached its timeout", ErrorClass::Cancelled),
            ("000625", "has locked table", ErrorClass::Busy),
            ("000603", "SQL execution internal error", ErrorClass::Internal),
            ("390111", "Session no longer exists.", ErrorClass::Connection),
            ("390114", "Authentication token has expired.", ErrorClass::Connection),
            ("390100", "Incorrect username or password was specified.", ErrorClass::Login),
            ("394304", "JWT token fingerprint mismatch", ErrorClass::Login),
            ("001003", "syntax error line 1 at position 7 unexpected 'X'.", ErrorClass::Statement),
            ("000606", "No active warehouse selected", ErrorClass::Statement),
        ] {
            let error = read(Some(code), message, "{}");
            assert_eq!((error.class, error.code.unwrap().len()), (class, 6), "{code}");
            let unknown = matches!(code, "000603");
            assert_eq!(error.outcome == Effect::Unknown, unknown, "{code}");
        }
    }

    #[test]
    fn a_place_is_whole_or_none() {
        let whole = r#"{"errorCode": 1003, "sqlState": "42000", "queryId": "q", "line": 2, "pos": 0}"#;
        let error = read(None, "syntax error", whole);
        assert_eq!(error.code.as_deref(), Some("001003"));
        assert_eq!((error.line, error.position), (Some(2), Some(0)));
        assert_eq!((error.sqlstate.as_deref(), error.query_id.as_deref()), (Some("42000"), Some("q")));
        for partly in [r#"{"line": -1, "pos": -1}"#, r#"{"line": 3}"#, r#"{"line": 0, "pos": 4}"#, "{}"] {
            let error = read(Some("2003"), "", partly);
            assert_eq!((error.line, error.position), (None, None), "{partly}");
            assert_eq!(error.message, "the server gave no reason");
        }
    }
}
