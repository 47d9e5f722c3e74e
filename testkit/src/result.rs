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
        "queryContext": { "entries": [] },
    })
}
