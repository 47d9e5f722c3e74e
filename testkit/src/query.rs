//! Statements over HTTP: submit, poll, abort, look up.

use std::{sync::Arc, time::Duration};

use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Failure},
    evaluate::Binds,
    log::Entry,
    settings::SameRequest,
    statement::{self, Statement, Status},
    time,
    world::{Shared, World},
};

/// `POST /queries/v1/query-request`.
pub(crate) async fn submit(shared: &Arc<Shared>, session: u64, entry: &Entry) -> Answer {
    let Some(text) = entry.text().filter(|text| !text.trim().is_empty()) else {
        return Failure::new("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
            .answer(&Statement::new_query_id());
    };
    let number = {
        let mut world = shared.world();
        let before = entry.query("requestId").and_then(|id| world.requests.get(id)).copied();
        let replayed = shared.settings.modes.same_request_id == SameRequest::Replayed;
        before.filter(|_| replayed).unwrap_or_else(|| {
            let number = accept(&mut world, session, text, entry, shared.clock.now());
            tokio::spawn(statement::run(Arc::clone(shared), number));
            number
        })
    };
    let asynchronous = entry.body.get("asyncExec").and_then(Value::as_bool).unwrap_or_default();
    let hold = if asynchronous { Duration::ZERO } else { shared.settings.hold };
    attend(shared, number, hold, if asynchronous { "333334" } else { "333333" }).await
}

fn accept(world: &mut World, session: u64, text: &str, entry: &Entry, now: Duration) -> usize {
    let parameter = |name: &str| entry.body.get("parameters").and_then(|all| all.get(name));
    let number = |name: &str| {
        let value = parameter(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let open = world.sessions.get(&session);
    let session_tag = open.and_then(|session| session.parameter("QUERY_TAG")).unwrap_or_default();
    let expected = open.and_then(|session| session.seconds("MULTI_STATEMENT_COUNT")).unwrap_or(1);
    let expected = number("MULTI_STATEMENT_COUNT").unwrap_or(expected);
    let request_id = entry.query("requestId").unwrap_or_default().to_owned();
    let statement = Statement {
        query_id: Statement::new_query_id(),
        request_id: request_id.clone(),
        session,
        user: open.map(|session| session.user.clone()).unwrap_or_default(),
        context: open.map(|session| session.state.context.clone()).unwrap_or_default(),
        text: text.to_owned(),
        hash: Statement::hash_of(text),
        tag: entry.tag().unwrap_or(session_tag).to_owned(),
        binds: binds(&entry.body),
        expected: usize::try_from(expected).unwrap_or(1),
        started: now,
        ended: None,
        status: Status::Running,
        failure: None,
        done: None,
        answer: None,
        cancelled: false,
        attended: 0,
        alone_since: now,
        timeout: number("STATEMENT_TIMEOUT_IN_SECONDS").filter(|seconds| *seconds > 0),
    };
    world.statements.push(statement);
    let number = world.statements.len() - 1;
    world.requests.insert(request_id, number);
    number
}

/// Values for placeholders, with their names. Types and forms are those of the official connector's `converter.py`.
fn binds(body: &Value) -> Binds {
    let Some(binds) = body.get("bindings").and_then(Value::as_object) else { return Binds::new() };
    binds
        .iter()
        .map(|(name, bind)| {
            let text = bind.get("value").and_then(Value::as_str);
            let kind = bind.get("type").and_then(Value::as_str).unwrap_or("TEXT");
            let value = text.map_or(Cell::Null, |text| cell(kind, text));
            (name.clone(), value)
        })
        .collect()
}

fn cell(kind: &str, text: &str) -> Cell {
    let typed = match kind {
        "FIXED" => text.parse().ok().map(Cell::Integer),
        "REAL" => text.parse().ok().map(Cell::Real),
        "BOOLEAN" => Some(Cell::Integer(text.eq_ignore_ascii_case("true").into())),
        // Nanoseconds since 1970.
        kind if kind.starts_with("TIMESTAMP") => text
            .split(' ')
            .next()
            .and_then(|nanos| nanos.parse::<i64>().ok())
            .map(|nanos| time::value(nanos / 1000)),
        _ => None,
    };
    typed.unwrap_or_else(|| Cell::Text(text.to_owned()))
}

/// Somebody waits for the statement.
struct Attending<'a> {
    shared: &'a Shared,
    number: usize,
}

impl<'a> Attending<'a> {
    fn new(shared: &'a Shared, number: usize) -> Self {
        shared.world().statements[number].attended += 1;
        Self { shared, number }
    }
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        {
            let mut world = self.shared.world();
            let statement = &mut world.statements[self.number];
            statement.attended -= 1;
            statement.alone_since = now;
        }
        // The statement reckons anew when it will be given up.
        self.shared.changed.notify_waiters();
    }
}

/// Waits for a statement's answer, at most so long; then tells where to ask again.
async fn attend(shared: &Shared, number: usize, hold: Duration, in_progress: &str) -> Answer {
    let _attending = Attending::new(shared, number);
    let until = shared.clock.now() + hold;
    let answer = shared.wait_for(Some(until), true, |world| world.statements[number].answer.clone()).await;
    answer.unwrap_or_else(|| {
        let query_id = &shared.world().statements[number].query_id;
        let message = if in_progress == "333333" {
            "Query execution in progress..."
        } else {
            "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
        };
        let body = json!({
            "data": {
                "queryId": query_id,
                "getResultUrl": format!("/queries/{query_id}/result"),
                "queryAbortsAfterSecs": 300,
                "progressDesc": null,
            },
            "code": in_progress,
            "message": message,
            "success": true,
        });
        Answer { status: 200, body }
    })
}

fn by_id(world: &World, query_id: &str) -> Option<usize> {
    world.statements.iter().position(|statement| statement.query_id == query_id)
}

/// `GET /queries/<id>/result`.
pub(crate) async fn result(shared: &Shared, query_id: &str) -> Answer {
    let number = by_id(&shared.world(), query_id);
    match number {
        Some(number) => attend(shared, number, shared.settings.hold, "333333").await,
        None => Failure::new("000707", "02000", format!("Statement {query_id} not found")).answer(query_id),
    }
}

/// `POST /queries/v1/abort-request`, with the request id in the body, or `POST /queries/<id>/abort-request`. A
/// statement that is over is no error (code 000605 in `cancel` of the official connectors' tests).
pub(crate) async fn abort(shared: &Shared, session: u64, entry: &Entry, query_id: Option<&str>) -> Answer {
    let number = {
        let world = shared.world();
        let by_request = || world.requests.get(entry.body.get("requestId")?.as_str()?).copied();
        query_id.map_or_else(by_request, |query_id| by_id(&world, query_id))
    };
    let running = |world: &World| {
        number.filter(|number| {
            let statement = &world.statements[*number];
            statement.answer.is_none() && statement.session == session
        })
    };
    let found = {
        let mut world = shared.world();
        let found = running(&world);
        if let Some(number) = found {
            world.statements[number].cancelled = true;
        }
        found
    };
    let Some(number) = found else {
        let message = "Identified SQL statement is not currently executing.";
        return Failure::new("000605", "57014", message).answer(query_id.unwrap_or_default());
    };
    shared.changed.notify_waiters();
    shared.wait_for(None, true, |world| world.statements[number].answer.is_some().then_some(())).await;
    Answer::good(Value::Null)
}

/// `GET /monitoring/queries/<id>`.
pub(crate) fn monitoring(shared: &Shared, query_id: &str) -> Answer {
    let world = shared.world();
    let queries: Vec<Value> = by_id(&world, query_id)
        .map(|number| {
            let statement = &world.statements[number];
            let millis = |time: Duration| time::micros(time) / 1000;
            let mut query = json!({
                "id": statement.query_id,
                "status": statement.status.as_str(),
                "state": statement.status.as_str(),
                "sqlText": statement.text,
                "sessionId": statement.session,
                "startTime": millis(statement.started),
                "endTime": statement.ended.map_or(0, millis),
            });
            if let Some(failure) = &statement.failure {
                query["errorCode"] = json!(failure.code);
                query["errorMessage"] = json!(failure.message);
            }
            query
        })
        .into_iter()
        .collect();
    Answer::good(json!({ "queries": queries }))
}
