//! A statement as it is sent.

use serde_json::{Map, Value, json};

use super::{login::seconds, query_context::QueryContext};
use crate::{
    model::time::Instants,
    session::{Bind, Request},
};

/// The body of a statement.
pub(super) fn body(
    request: &Request,
    text: &str,
    sequence: u64,
    now: Instants,
    carried: &QueryContext,
) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| {
        body.insert(key.to_owned(), value);
    };
    put("sqlText", json!(text));
    put("asyncExec", json!(false));
    put("sequenceId", json!(sequence));
    put("querySubmissionTime", json!(u64::try_from(now.wall.as_millis()).unwrap_or(u64::MAX)));
    put("isInternal", json!(false));
    let mut parameters = Map::new();
    if !request.tag.0.is_empty() {
        parameters.insert("QUERY_TAG".to_owned(), json!(request.tag.0));
    }
    if let Some(timeout) = request.timeout {
        parameters.insert("STATEMENT_TIMEOUT_IN_SECONDS".to_owned(), json!(seconds(timeout)));
    }
    if !parameters.is_empty() {
        put("parameters", Value::Object(parameters));
    }
    if !request.binds.is_empty() {
        let binds =
            request.binds.iter().zip(1..).map(|(bind, at): (_, usize)| (at.to_string(), wire_form(bind)));
        put("bindings", Value::Object(binds.collect()));
    }
    put("queryContextDTO", carried.wire_form());
    Value::Object(body)
}

/// A bind: all values are texts, named by the type of Snowflake's drivers.
fn wire_form(bind: &Bind) -> Value {
    let (kind, value) = match bind {
        Bind::Null => ("ANY", Value::Null),
        Bind::Text(text) => ("TEXT", json!(text)),
        Bind::Integer(number) => ("FIXED", json!(number.to_string())),
        Bind::Boolean(truth) => ("BOOLEAN", json!(truth.to_string())),
    };
    json!({ "type": kind, "value": value })
}
