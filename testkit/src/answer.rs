//! Answers in the shape of Snowflake's session protocol.
//!
//! The envelope and the fields of an error are what the official connectors read (`network.py`, `cursor.py`, `auth/_auth.py`
//! of the Python connector).

use serde_json::{Value, json};

/// An answer, before faults.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// A success.
    pub(crate) fn good(data: Value) -> Self {
        let mut body = json!({ "data": null, "code": null, "message": null, "success": true });
        body["data"] = data;
        Self { status: 200, body }
    }

    /// A refusal of the session layer, which has no statement.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let body =
            json!({ "data": null, "code": code, "message": message, "success": false, "headers": null });
        Self { status: 200, body }
    }

    /// Not a part of the protocol.
    pub(crate) fn not_found() -> Self {
        Self { status: 404, body: Value::Null }
    }

    /// As it is sent: a part of a result is a text already.
    pub(crate) fn text(&self) -> Vec<u8> {
        match &self.body {
            Value::String(part) => part.clone().into_bytes(),
            body => body.to_string().into_bytes(),
        }
    }

    /// Snowflake's code, if it has one.
    pub(crate) fn code(&self) -> Option<&str> {
        self.body.get("code")?.as_str()
    }
}

/// Why a statement failed, as the server says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) sqlstate: String,
    pub(crate) message: String,
    pub(crate) line: Option<usize>,
    pub(crate) position: Option<usize>,
}

impl Failure {
    pub(crate) fn new(code: &str, sqlstate: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: message.into(),
            line: None,
            position: None,
        }
    }

    /// Something that this server cannot do. No code of Snowflake, so that no client takes it for one.
    pub(crate) fn unable(what: impl std::fmt::Display) -> Self {
        Self::new("000002", "0A000", format!("Unsupported feature 'testkit: {what}'."))
    }

    /// 000604: aborted.
    pub(crate) fn cancelled() -> Self {
        Self::new("000604", "57014", "SQL execution canceled")
    }

    /// 000630: ran or queued too long.
    pub(crate) fn timeout(seconds: u64) -> Self {
        let message = format!(
            "Statement reached its statement or warehouse timeout of {seconds} second(s) and was canceled."
        );
        Self::new("000630", "57014", message)
    }

    pub(crate) fn answer(&self, query_id: &str) -> Answer {
        let mut data = json!({
            "internalError": false,
            "unredactedFromSecureObject": false,
            "errorCode": self.code,
            "age": 0,
            "sqlState": self.sqlstate,
            "queryId": query_id,
        });
        if let (Some(line), Some(position)) = (self.line, self.position) {
            data["line"] = json!(line);
            data["pos"] = json!(position);
        }
        data["type"] = json!(if self.message.starts_with("SQL compilation error") {
            "COMPILATION"
        } else {
            "EXECUTION"
        });
        let body = json!({ "data": data, "code": self.code, "message": self.message, "success": false, "headers": null });
        Answer { status: 200, body }
    }
}

impl From<snowops::model::refusal::SnowflakeError> for Failure {
    fn from(error: snowops::model::refusal::SnowflakeError) -> Self {
        Self {
            line: error.line,
            position: error.position,
            ..Self::new(error.code, error.sqlstate, error.message)
        }
    }
}
