//! `POST /session/v1/login-request`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use snowops::{
    catalog::{Effect, SessionState, Stamp, apply},
    model::{ident::Ident, target::Context4},
    sql::command::command,
};

use crate::{
    answer::Answer,
    credentials::{self, Proof},
    execute::ask,
    log::Entry,
    session::{Session, new_token},
    time,
    world::{Shared, World},
};

/// The version that the server says it is.
pub(crate) const SERVER_VERSION: &str = "9.40.0";

/// Opens a session.
pub(crate) fn login(shared: &Shared, entry: &Entry) -> Answer {
    let now = shared.clock.now();
    let data = &entry.body["data"];
    let mut world = shared.world();
    let proof = match credentials::check(&shared.settings, &mut world, data, now) {
        Ok(proof) => proof,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = wrong_role(&mut world, &proof, named(entry, "roleName")) {
        return refusal;
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parameters: BTreeMap<String, String> = data
        .get("SESSION_PARAMETERS")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_ascii_uppercase(), text(value)))
        .collect();
    let modes = &shared.settings.modes;
    let id = world.new_session_id();
    let state = start(shared, &mut world, entry, &parameters, &proof);
    let session = Session {
        id,
        user: proof.user.to_ascii_uppercase(),
        token: new_token("session"),
        master: new_token("master"),
        token_until: now + shared.settings.tokens.session,
        master_until: now + shared.settings.tokens.master,
        opened_at_commit: world.last_commit(),
        own_commit: 0,
        state,
        transaction: None,
        parameters,
        environment: data.get("CLIENT_ENVIRONMENT").cloned().unwrap_or_default(),
        lost: false,
        ahead: if id.is_multiple_of(2) { modes.clock_skew } else { std::time::Duration::ZERO },
    };
    let answer = welcome(shared, &session, &proof);
    world.sessions.insert(id, session);
    answer
}

/// A name in the login's query; connectors of version 5 send what they have not got as an empty text.
fn named(entry: &Entry, part: &str) -> Option<Ident> {
    entry.query(part).filter(|name| !name.is_empty()).map(Ident::written)
}

/// A role that the user may not take (390186) or that is not there (390189).
fn wrong_role(world: &mut World, proof: &Proof<'_>, role: Option<Ident>) -> Option<Answer> {
    let role = role?;
    let known = ask(&mut world.catalog, "SHOW ROLES")
        .is_some_and(|reply| reply.rows.iter().any(|row| row[1].as_deref() == Some(role.as_str())));
    if !known {
        let message =
            format!("Role '{role}' specified in the connect string does not exist or not authorized.");
        return Some(Answer::refused("390189", message));
    }
    let granted = proof.roles.is_none_or(|roles| roles.iter().any(|granted| Ident::written(granted) == role));
    (!granted).then(|| {
        Answer::refused(
            "390186",
            format!(
                "Role '{role}' specified in the connect string is not granted to this user. Contact your local \
                 system administrator, or attempt to login with another role, e.g. PUBLIC."
            ),
        )
    })
}

/// Where a session starts. A database, schema or warehouse that is not there is no error: the session has none.
fn start(
    shared: &Shared,
    world: &mut World,
    entry: &Entry,
    parameters: &BTreeMap<String, String>,
    proof: &Proof<'_>,
) -> SessionState {
    let seed = &shared.settings.seed.context;
    // The user's default role: the server's, where the user has it.
    let own = proof.roles.and_then(|roles| {
        let roles: Vec<Ident> = roles.iter().map(|role| Ident::written(role)).collect();
        let has = seed.role.as_ref().is_some_and(|role| roles.contains(role));
        roles.into_iter().next().filter(|_| !has)
    });
    let mut state = SessionState::new(Context4 {
        role: own.or_else(|| seed.role.clone()),
        warehouse: seed.warehouse.clone(),
        ..Context4::default()
    });
    let stamp = Stamp { now: time::rfc3339(shared.clock.now()), query_id: String::new() };
    let mut run = |text: String, if_refused: fn(&mut Context4)| {
        let Ok(command) = command(&text) else { return };
        if matches!(apply(&mut world.catalog, &mut state, &command, &stamp), Effect::Refused(_)) {
            if_refused(&mut state.context);
        }
    };
    if let Some(role) = named(entry, "roleName") {
        run(format!("USE ROLE {}", role.quoted()), |_| {});
    }
    if let Some(warehouse) = named(entry, "warehouse") {
        run(format!("USE WAREHOUSE {}", warehouse.quoted()), |context| context.warehouse = None);
    }
    if let Some(database) = named(entry, "databaseName") {
        run(format!("USE DATABASE {}", database.quoted()), |_| {});
    }
    if let Some(schema) = named(entry, "schemaName") {
        run(format!("USE SCHEMA {}", schema.quoted()), |context| context.schema = None);
    }
    if parameters.get("AUTOCOMMIT").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        run("ALTER SESSION SET AUTOCOMMIT = FALSE".to_owned(), |_| {});
    }
    if let Some(privileges) = &world.privileges {
        privileges.limit(&mut state.context);
    }
    state
}

/// The session's parameters that clients read, as a list.
pub(crate) fn parameters(session: &Session) -> Vec<Value> {
    let heartbeat = "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY";
    let number = |name: &str, default: u64| json!(session.seconds(name).unwrap_or(default));
    let switch =
        |name: &str, default: bool| json!(session.parameter(name).map_or(default, |_| session.is_on(name)));
    let text = |name: &str, default: &str| json!(session.parameter(name).unwrap_or(default));
    [
        ("AUTOCOMMIT", switch("AUTOCOMMIT", true)),
        ("CLIENT_SESSION_KEEP_ALIVE", switch("CLIENT_SESSION_KEEP_ALIVE", false)),
        (heartbeat, number(heartbeat, 3600)),
        ("CLIENT_TELEMETRY_ENABLED", json!(false)),
        ("CLIENT_PREFETCH_THREADS", json!(4)),
        ("CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", json!(0)),
        ("TIMEZONE", text("TIMEZONE", "America/Los_Angeles")),
        ("DATE_OUTPUT_FORMAT", json!("YYYY-MM-DD")),
        ("TIMESTAMP_OUTPUT_FORMAT", json!("YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM")),
        ("BINARY_OUTPUT_FORMAT", json!("HEX")),
    ]
    .into_iter()
    .map(|(name, value)| json!({ "name": name, "value": value }))
    .collect()
}

/// The answer to a login: the fields that the official connector reads (`auth/_auth.py`), and those that Snowflake's own
/// drivers are known to expect beside them.
fn welcome(shared: &Shared, session: &Session, proof: &Proof<'_>) -> Answer {
    let context = &session.state.context;
    let name = |name: &Option<Ident>| name.as_ref().map(|name| name.as_str().to_owned());
    let lives = shared.settings.tokens;
    Answer::good(json!({
        "masterToken": session.master,
        "token": session.token,
        "validityInSeconds": lives.session.as_secs(),
        "masterValidityInSeconds": lives.master.as_secs(),
        "displayUserName": session.user,
        "serverVersion": SERVER_VERSION,
        "firstLogin": false,
        "remMeToken": null,
        "remMeValidityInSeconds": 0,
        "healthCheckInterval": 45,
        "newClientForUpgrade": null,
        "sessionId": session.id,
        "parameters": parameters(session),
        "sessionInfo": {
            "databaseName": name(&context.database),
            "schemaName": name(&context.schema),
            "warehouseName": name(&context.warehouse),
            "roleName": name(&context.role),
        },
        "idToken": null,
        "idTokenValidityInSeconds": 0,
        "responseData": null,
        "mfaToken": proof.second_factor,
        "mfaTokenValidityInSeconds": 0,
    }))
}
