//! The login: body and session parameters.

mod advice;

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use advice::Advice;

use super::{
    SnowflakeSettings,
    context::Names,
    credential::{Credential, CredentialSource, LoginTarget, SecondFactor},
    error::{self, Refusal, fault},
    exchange::{Again, Answered, Auth, Call, Wire},
    key::account_label,
};
use crate::{
    model::{
        connection::{Connection, TokenKind},
        secret::SecretText,
        target::{Purpose, SecondaryRoles, SessionSpec},
    },
    session::{DbError, Effect, Engine, ErrorClass, Phase, SessionInfo},
};

/// How long a login may be tried. Snowflake's drivers allow 120 s.
const BUDGET: Duration = Duration::from_mins(2);

/// Session parameters that snowops' own promises stand on: a project cannot set them.
const OWN: [(&str, &str); 4] = [
    (
        "ABORT_DETACHED_QUERY",
        "whether a statement ends with its client is part of what a resumed run relies on",
    ),
    ("AUTOCOMMIT", "what was applied must be committed when it is recorded"),
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", "the names of the schema history's columns are quoted and lower case"),
    (
        "QUERY_TAG",
        "statements of a cut-off run are found by their tags; write `query_tag` of the environment",
    ),
];

/// What a login answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Welcome {
    token: Option<String>,
    master_token: Option<String>,
    mfa_token: Option<String>,
    session_id: Option<Value>,
    display_user_name: Option<String>,
    server_version: Option<String>,
    session_info: Names,
    #[serde(flatten)]
    refusal: Refusal,
    next_action: Option<String>,
}

/// Logs in and answers who and where the session is.
pub(super) async fn login(
    wire: &Wire,
    settings: &SnowflakeSettings,
    source: &Arc<dyn CredentialSource>,
    spec: &SessionSpec,
) -> Result<SessionInfo, DbError> {
    refuse_own_parameters(spec)?;
    let mut credential = credential(wire, settings, source).await?;
    let id = wire.context.ids.next();
    loop {
        let used_cached =
            matches!(&credential, Credential::Password { second_factor: SecondFactor::Cached(_), .. });
        let answered = ask(wire, settings, &credential, spec, id).await?;
        let Answered { envelope, date } = answered;
        let code = envelope.code();
        let welcome = envelope.data.unwrap_or_default();
        if let (true, Some(token)) = (envelope.success, welcome.token) {
            if let Some(token) = welcome.mfa_token {
                wire.redactor.add("second factor token", &token);
                source.second_factor(Some(SecretText::new(token)));
            }
            wire.set_tokens(token, welcome.master_token);
            return Ok(SessionInfo {
                id: session_id(welcome.session_id.as_ref()).unwrap_or_else(|| format!("login-{id}")),
                account: account_label(&settings.connection.account),
                user: welcome
                    .display_user_name
                    .or_else(|| settings.connection.user.clone())
                    .unwrap_or_else(|| "unknown".to_owned()),
                context: welcome.session_info.over(&spec.context),
                server: welcome.server_version.unwrap_or_default(),
                engine: Engine::Snowflake,
            });
        }
        if used_cached {
            // It may have been revoked or be too old; the login itself is not refused yet.
            source.second_factor(None);
            credential = self::credential(wire, settings, source).await?;
            continue;
        }
        let words = match &welcome.next_action {
            Some(action) if envelope.message.as_deref().unwrap_or_default().is_empty() => {
                Some(format!("the server wants another step first: {action}"))
            }
            _ => envelope.message,
        };
        let refused = error::refused(code, words, welcome.refusal);
        let advice = Advice { settings, source: source.as_ref(), now: wire.now(), date: date.as_deref() };
        let message = wire.redactor.text(advice.explain(&refused));
        return Err(DbError { class: ErrorClass::Login, message, phase: Phase::Connect, ..refused });
    }
}

fn session_id(id: Option<&Value>) -> Option<String> {
    match id? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

async fn credential(
    wire: &Wire,
    settings: &SnowflakeSettings,
    source: &Arc<dyn CredentialSource>,
) -> Result<Credential, DbError> {
    let target = LoginTarget {
        account: settings.connection.account.clone(),
        user: settings.connection.user.clone(),
        now: wire.now(),
    };
    let credential = source.credential(target).await.map_err(|none| {
        let message = format!("login with connection {}: {}", settings.connection.label, none.message);
        fault(ErrorClass::Login, Phase::Connect, Effect::NotSent, None, message)
    })?;
    match &credential {
        Credential::Password { password, passcode, second_factor, .. } => {
            wire.redactor.add("login password", password.expose());
            if let Some(passcode) = passcode {
                wire.redactor.add("login passcode", passcode.expose());
            }
            if let SecondFactor::Cached(token) = second_factor {
                wire.redactor.add("second factor token", token.expose());
            }
        }
        Credential::KeyPair(token) | Credential::Token(_, token) => {
            wire.redactor.add("login token", token.expose());
        }
    }
    Ok(credential)
}

async fn ask(
    wire: &Wire,
    settings: &SnowflakeSettings,
    credential: &Credential,
    spec: &SessionSpec,
    id: uuid::Uuid,
) -> Result<Answered<Welcome>, DbError> {
    let mut query = vec![("request_id", id.to_string())];
    // Read as SQL reads names: quoted only where they must be.
    let context = &spec.context;
    let names = [
        ("databaseName", &context.database),
        ("schemaName", &context.schema),
        ("warehouse", &context.warehouse),
        ("roleName", &context.role),
    ];
    for (key, name) in names {
        query.extend(name.as_ref().map(|name| (key, name.to_string())));
    }
    let call = Call {
        what: "the login",
        method: Method::POST,
        path: "/session/v1/login-request",
        query,
        body: Some(body(settings, credential, spec).to_string()),
        auth: Auth::Nobody,
        again: Again::Always,
        budget: BUDGET,
        counted: false,
        stop: None,
    };
    let answered = wire.call(&call).await.map_err(|given_up| {
        let label = &settings.connection.label;
        DbError { message: format!("{} (connection {label})", given_up.error.message), ..given_up.error }
    })?;
    Ok(answered)
}

/// The body of a login.
fn body(settings: &SnowflakeSettings, credential: &Credential, spec: &SessionSpec) -> Value {
    let Connection { account, user, .. } = &settings.connection;
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| {
        data.insert(key.to_owned(), value);
    };
    put("ACCOUNT_NAME", json!(account_label(account)));
    if let Some(user) = user {
        put("LOGIN_NAME", json!(user));
    }
    let mut parameters = parameters(spec, settings.lease);
    match credential {
        Credential::Password { password, passcode, passcode_in_password, second_factor } => {
            put("PASSWORD", json!(password.expose()));
            match second_factor {
                SecondFactor::Plain => {}
                SecondFactor::Wanted => put("AUTHENTICATOR", json!("USERNAME_PASSWORD_MFA")),
                SecondFactor::Cached(token) => {
                    put("AUTHENTICATOR", json!("USERNAME_PASSWORD_MFA"));
                    put("TOKEN", json!(token.expose()));
                }
            }
            if *second_factor != SecondFactor::Plain {
                parameters.insert("CLIENT_REQUEST_MFA_TOKEN".to_owned(), json!(true));
            }
            let cached = matches!(second_factor, SecondFactor::Cached(_));
            if *passcode_in_password {
                // Without it the server would take the passcode for a part of the password.
                put("EXT_AUTHN_DUO_METHOD", json!("passcode"));
            } else if let Some(passcode) = passcode.as_ref().filter(|_| !cached) {
                // A passcode is good for one login.
                put("EXT_AUTHN_DUO_METHOD", json!("passcode"));
                put("PASSCODE", json!(passcode.expose()));
            }
        }
        Credential::KeyPair(token) => {
            put("AUTHENTICATOR", json!("SNOWFLAKE_JWT"));
            put("TOKEN", json!(token.expose()));
        }
        Credential::Token(kind, token) => {
            let authenticator = match kind {
                TokenKind::ProgrammaticAccess => "PROGRAMMATIC_ACCESS_TOKEN",
                TokenKind::OAuth => "OAUTH",
            };
            put("AUTHENTICATOR", json!(authenticator));
            put("TOKEN", json!(token.expose()));
        }
    }
    // No `CLIENT_APP_ID`: that names one of Snowflake's own drivers, and the server answers those by their habits.
    put(
        "CLIENT_ENVIRONMENT",
        json!({
            "APPLICATION": "snowops",
            "APPLICATION_VERSION": env!("CARGO_PKG_VERSION"),
            "OS": std::env::consts::OS,
            "ISA": std::env::consts::ARCH,
            // No list of revoked certificates is fetched; the system's verifier does what the system wants.
            "CERT_REVOCATION_CHECK_MODE": "DISABLED",
        }),
    );
    match spec.secondary_roles {
        SecondaryRoles::None => put("SECONDARY_ROLES", json!("NONE")),
        SecondaryRoles::All => put("SECONDARY_ROLES", json!("ALL")),
        SecondaryRoles::Default => {}
    }
    put("SESSION_PARAMETERS", Value::Object(parameters));
    json!({ "data": data })
}

/// The session parameters for a purpose.
///
/// A keeper's statement lives no longer than a fifth of the lease at the server, in its queue and behind locks
/// included; one whose client is gone ends. A user's statement runs to its end without its client, bounded by the
/// environment's timeout, so that a takeover can see what became of it.
fn parameters(spec: &SessionSpec, lease: Duration) -> Map<String, Value> {
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| {
        all.insert(key.to_owned(), value);
    };
    put("TIMEZONE", json!("UTC"));
    match spec.purpose {
        Purpose::Keeper => {
            let life = seconds(lease / 5);
            put("STATEMENT_TIMEOUT_IN_SECONDS", json!(life));
            put("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", json!(life));
            put("LOCK_TIMEOUT", json!(life));
        }
        Purpose::Work => {
            if let Some(timeout) = spec.statement_timeout {
                put("STATEMENT_TIMEOUT_IN_SECONDS", json!(seconds(timeout)));
            }
            for (key, value) in &spec.parameters {
                put(key, json!(value));
            }
        }
    }
    put("ABORT_DETACHED_QUERY", json!(spec.purpose == Purpose::Keeper));
    put("AUTOCOMMIT", json!(true));
    put("QUOTED_IDENTIFIERS_IGNORE_CASE", json!(false));
    all
}

/// Whole seconds, at least one: zero would mean "no limit".
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs().max(1)
}

fn refuse_own_parameters(spec: &SessionSpec) -> Result<(), DbError> {
    let asked =
        spec.parameters.keys().find_map(|key| OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)));
    asked.map_or(Ok(()), |(name, why)| {
        let message = format!("`parameters` cannot set {name}, which snowops sets itself: {why}");
        Err(fault(ErrorClass::Login, Phase::Connect, Effect::NotSent, None, message))
    })
}

#[cfg(test)]
mod tests;
