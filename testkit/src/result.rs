//! The answer of a statement that succeeded.

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    execute::Done,
    statement::{Statement, Status},
    time,
    world::{Shared, World},
};

/// The answer, with the session's context as it is now. Results of a request with several statements become
/// statements of their own, which can be fetched by their ids.
pub(crate) fn answer(shared: &Shared, world: &mut World, number: usize, done: Done) -> Answer {
    let mut data = data(shared, world, number, &done);
    if done.rows.len() > shared.settings.inline_rows {
        cut_up(shared, world, &mut data, &done.rows);
    }
    // RESULT_SCAN gives it again.
    world.statements[number].done = Some(Done { children: Vec::new(), ..done.clone() });
    if !done.children.is_empty() {
        let types: Vec<String> = done.children.iter().map(|child| child.type_id.to_string()).collect();
        let mut ids = Vec::with_capacity(done.children.len());
        for child in done.children {
            let parent = &world.statements[number];
            let query_id = Statement::new_query_id();
            let statement = Statement {
                query_id: query_id.clone(),
                request_id: String::new(),
                status: Status::Success,
                ended: Some(shared.clock.now()),
                ..parent.clone()
            };
            world.statements.push(statement);
            let last = world.statements.len() - 1;
            let answer = answer(shared, world, last, child);
            world.statements[last].answer = Some(answer);
            ids.push(query_id);
        }
        data["resultIds"] = json!(ids.join(","));
        data["resultTypes"] = json!(types.join(","));
    }
    Answer::good(data)
}

/// A part of a result: rows with commas between them, without the brackets of an array (`result_batch.py` of the
/// official connector adds those).
pub(crate) fn chunk(shared: &Shared, path: &str) -> Answer {
    match shared.world().chunks.get(path) {
        Some(part) => Answer { status: 200, body: Value::String(part.clone()) },
        None => Answer { status: 403, body: Value::Null },
    }
}

/// Puts the rows behind the first ones where they can be fetched.
fn cut_up(shared: &Shared, world: &mut World, data: &mut Value, rows: &[Vec<Option<String>>]) {
    let inline = shared.settings.inline_rows.max(1);
    let parts = rows.chunks(inline).skip(1).map(|part| {
        let array = json!(part).to_string();
        let text = array.get(1..array.len() - 1).unwrap_or_default().to_owned();
        let path = format!("{}{}", crate::http::CHUNKS, crate::world::new_id());
        let entry = json!({
            "url": format!("{}{path}", shared.url),
            "rowCount": part.len(),
            "uncompressedSize": text.len(),
            "compressedSize": text.len(),
        });
        world.chunks.insert(path, text);
        entry
    });
    data["chunks"] = parts.collect();
    data["chunkHeaders"] = json!({});
    data["rowset"] = json!(rows.get(..inline));
    data["returned"] = json!(rows.len());
}

fn data(shared: &Shared, world: &World, number: usize, done: &Done) -> Value {
    let statement = &world.statements[number];
    let session = world.sessions.get(&statement.session);
    let context = session.map(|session| session.state.context.clone()).unwrap_or_default();
    let name =
        |name: &Option<snowops::model::ident::Ident>| name.as_ref().map(|name| name.as_str().to_owned());
    json!({
        "parameters": session.map(crate::login::parameters).unwrap_or_default(),
        "rowtype": done.columns.iter().map(crate::wire::WireColumn::json).collect::<Vec<_>>(),
        "rowset": done.rows,
        "total": done.rows.len(),
        "returned": done.rows.len(),
        "queryId": statement.query_id,
        "databaseProvider": null,
        "finalDatabaseName": name(&context.database),
        "finalSchemaName": name(&context.schema),
        "finalWarehouseName": name(&context.warehouse),
        "finalRoleName": name(&context.role),
        "numberOfBinds": statement.binds.len(),
        "arrayBindSupported": false,
        "statementTypeId": done.type_id,
        "version": 1,
        "sendResultTime": time::micros(shared.clock.now()) / 1000,
        "queryResultFormat": "json",
        // What is in a context is the server's own affair.
        "queryContext": { "entries": [
            { "id": 0, "timestamp": time::micros(statement.started), "priority": 0 },
            { "id": 7, "timestamp": time::micros(statement.started), "priority": 1, "context": "b3BhcXVl" },
        ]},
    })
}
