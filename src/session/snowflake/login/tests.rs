use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{
    model::{
        connection::{Login, Material},
        ident::Ident,
    },
    session::{
        Connector as _,
        snowflake::testing::{Client, Reply, Seen, Server, refusal, server, spec, welcome},
    },
};

fn secret(text: &str) -> SecretText {
    SecretText::new(text)
}

fn pem() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/session/keys/plain.p8");
    crate::files::read_text(camino::Utf8Path::new(path)).unwrap()
}

fn key_pair() -> Login {
    Login::KeyPair { key: Material::Text(secret(&pem())), passphrase: None }
}

fn token(kind: TokenKind) -> Login {
    Login::Token { kind, token: Material::Text(secret("token-canary")) }
}

fn password(passcode: Option<&str>, appended: bool, cache: bool) -> Login {
    Login::Password {
        password: secret("password-canary"),
        passcode: passcode.map(secret),
        passcode_in_password: appended,
        cache_second_factor: cache,
    }
}

/// What is sent for a login, of the parts that differ by its kind.
async fn sent(login: Login) -> (serde_json::Map<String, Value>, Seen) {
    let server = server(|_| Reply::Close);
    let mut client = Client::new(server.port);
    client.settings.connection.login = login;
    client.session().await;
    let seen = server.seen_at("/session/v1/login-request").remove(0);
    let mut data = seen.body["data"].as_object().unwrap().clone();
    for common in ["ACCOUNT_NAME", "LOGIN_NAME", "CLIENT_ENVIRONMENT", "SECONDARY_ROLES"] {
        data.remove(common).unwrap();
    }
    (data, seen)
}

#[tokio::test]
async fn each_kind_of_login_sends_its_own_fields() {
    for (login, fields) in [
        (password(None, false, false), json!({ "PASSWORD": "password-canary" })),
        (
            password(Some("123456"), false, false),
            json!({ "PASSWORD": "password-canary", "EXT_AUTHN_DUO_METHOD": "passcode", "PASSCODE": "123456" }),
        ),
        (
            password(Some("123456"), true, false),
            json!({ "PASSWORD": "password-canary", "EXT_AUTHN_DUO_METHOD": "passcode" }),
        ),
        (
            password(Some("123456"), false, true),
            json!({
                "PASSWORD": "password-canary", "AUTHENTICATOR": "USERNAME_PASSWORD_MFA",
                "EXT_AUTHN_DUO_METHOD": "passcode", "PASSCODE": "123456",
            }),
        ),
        (
            token(TokenKind::ProgrammaticAccess),
            json!({ "AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": "token-canary" }),
        ),
        (token(TokenKind::OAuth), json!({ "AUTHENTICATOR": "OAUTH", "TOKEN": "token-canary" })),
    ] {
        let (mut data, _) = sent(login.clone()).await;
        let parameters = data.remove("SESSION_PARAMETERS").unwrap();
        let wanted = matches!(login, Login::Password { cache_second_factor: true, .. });
        assert_eq!(parameters.get("CLIENT_REQUEST_MFA_TOKEN").is_some(), wanted);
        assert_eq!(Value::Object(data), fields);
    }
    let (data, _) = sent(key_pair()).await;
    assert_eq!(data["AUTHENTICATOR"], "SNOWFLAKE_JWT");
    assert_eq!(data["TOKEN"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn a_login_says_who_asks_and_where_the_session_starts() {
    let (_, seen) = sent(password(None, false, false)).await;
    let data = &seen.body["data"];
    assert_eq!((&data["ACCOUNT_NAME"], &data["LOGIN_NAME"]), (&json!("ORG-ACC"), &json!("deploy")));
    assert_eq!(data["CLIENT_ENVIRONMENT"]["APPLICATION"], "snowops");
    assert_eq!(data["SECONDARY_ROLES"], "NONE");
    let query: Vec<_> =
        ["databaseName", "schemaName", "warehouse", "roleName"].map(|key| seen.query[key].as_str()).into();
    assert_eq!(query, ["RETAIL", "PUBLIC", "WH", "DEPLOYER"]);
    assert!(!seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn names_are_quoted_where_sql_would_need_it() {
    let server = server(|_| Reply::Close);
    let client = Client::new(server.port);
    let mut spec = spec(Purpose::Work);
    spec.context.role = Some(Ident::stored("deploy \"x\""));
    spec.context.warehouse = None;
    client.connector().open(spec).await.unwrap();
    let query = &server.seen()[0].query;
    assert_eq!(query["roleName"], "\"deploy \"\"x\"\"\"");
    assert!(!query.contains_key("warehouse"));
}

fn parameters_of(purpose: Purpose, given: &[(&str, &str)]) -> Value {
    let mut spec = spec(purpose);
    spec.statement_timeout = Some(Duration::from_hours(2));
    let given = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    spec.parameters = given.collect::<BTreeMap<_, _>>();
    Value::Object(parameters(&spec, Duration::from_mins(2)))
}

#[test]
fn parameters_differ_by_purpose() {
    let given = [("TIMEZONE", "Europe/Berlin"), ("WEEK_START", "1")];
    assert_eq!(
        parameters_of(Purpose::Keeper, &given),
        json!({
            "TIMEZONE": "UTC", "STATEMENT_TIMEOUT_IN_SECONDS": 24, "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": 24,
            "LOCK_TIMEOUT": 24, "ABORT_DETACHED_QUERY": true, "AUTOCOMMIT": true,
            "QUOTED_IDENTIFIERS_IGNORE_CASE": false,
        })
    );
    assert_eq!(
        parameters_of(Purpose::Work, &given),
        json!({
            "TIMEZONE": "Europe/Berlin", "WEEK_START": "1", "STATEMENT_TIMEOUT_IN_SECONDS": 7200,
            "ABORT_DETACHED_QUERY": false, "AUTOCOMMIT": true, "QUOTED_IDENTIFIERS_IGNORE_CASE": false,
        })
    );
    assert_eq!(seconds(Duration::from_millis(3)), 1, "zero would be no limit");
}

#[tokio::test]
async fn a_project_cannot_set_what_the_ledger_stands_on() {
    let client = Client::new(1);
    for name in
        ["AUTOCOMMIT", "autocommit", "QUERY_TAG", "ABORT_DETACHED_QUERY", "QUOTED_IDENTIFIERS_IGNORE_CASE"]
    {
        let mut spec = spec(Purpose::Work);
        spec.parameters = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        let error = client.connector().open(spec).await.err().unwrap();
        assert_eq!((error.class, error.outcome), (ErrorClass::Login, Effect::NotSent));
        assert!(error.message.contains(&name.to_uppercase()), "{error}");
    }
}

/// Logs in at a server that refuses, 2026-01-01 by this side's clock.
async fn refused(login: Login, code: &str, message: &str, date: &str) -> DbError {
    let (body, date) = (refusal(code, message).to_string(), date.to_owned());
    let server = Server::start(move |_| Reply::Status(200, vec![("Date", date.clone())], body.clone()));
    let mut client = Client::new(server.port);
    client.settings.connection.login = login;
    client.connector().open(spec(Purpose::Keeper)).await.err().unwrap()
}

const NOW: &str = "Thu, 01 Jan 2026 00:00:10 GMT";

#[tokio::test]
async fn a_refused_login_says_what_to_check() {
    let fingerprint = "SHA256:atl6z1qjo90ZP+jvMSugCGcMbnta7d3tTnkaLQRH0hM=";
    for (login, code, advice) in [
        (password(None, false, false), "390100", "check user deploy and the password"),
        (password(None, false, false), "390102", "let an administrator unlock the user"),
        (password(None, false, false), "390186", "grant the role to deploy"),
        (password(None, false, false), "390422", "network policy"),
        (token(TokenKind::OAuth), "390318", "get a new token"),
        (token(TokenKind::OAuth), "390303", "security integration"),
        (
            token(TokenKind::ProgrammaticAccess),
            "394400",
            "SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER deploy",
        ),
        (password(None, false, false), "394508", "give a current code"),
        (password(Some("1"), false, false), "394507", "set authenticator = \"USERNAME_PASSWORD_MFA\""),
        (password(None, true, true), "394507", "the account must allow it"),
        (password(None, false, false), "390120", "somebody or something denied it"),
        (password(None, false, false), "390126", "nobody approved it in time"),
        (password(None, false, false), "390122", "enrol a second factor"),
        (password(None, false, false), "390123", "is locked"),
        (password(None, false, false), "390129", "the second factor did not work"),
        (key_pair(), "390100", fingerprint),
        (key_pair(), "390144", fingerprint),
        (key_pair(), "394304", "RSA_PUBLIC_KEY_FP in DESC USER deploy"),
    ] {
        let error = refused(login, code, "No. [5b1c]", NOW).await;
        assert_eq!(
            (error.class, error.phase, error.outcome),
            (ErrorClass::Login, Phase::Connect, Effect::Failed)
        );
        assert_eq!(error.code.as_deref(), Some(code));
        assert!(error.message.starts_with("No. [5b1c]") && error.message.contains(advice), "{error}");
    }
}

#[tokio::test]
async fn f12_a_wrong_clock_is_told_from_a_wrong_key() {
    for (date, words) in [
        ("Wed, 31 Dec 2025 23:00:00 GMT", Some("is 60 min ahead of the server's")),
        ("Fri, 02 Jan 2026 00:00:00 GMT", Some("is 24 h behind the server's")),
        ("Thu, 01 Jan 2026 00:01:00 GMT", Some("is 60 s behind the server's")),
        ("Thu, 01 Jan 2026 00:59:58 GMT", Some("is 60 min behind the server's")),
        (NOW, None),
    ] {
        let error = refused(key_pair(), "390144", "JWT token is invalid.", date).await;
        assert_eq!(error.message.contains("clock"), words.is_some(), "{error}");
        assert!(words.is_none_or(|words| error.message.contains(words)), "{error}");
    }
    // A password does not care.
    let error = refused(password(None, false, false), "390100", "No.", "Fri, 02 Jan 2026 00:00:00 GMT").await;
    assert!(!error.message.contains("clock"), "{error}");
}

#[tokio::test]
async fn a_passcode_at_the_end_of_the_password_is_always_said_to_be_there() {
    let server = Server::start(|_| {
        let Reply::Json(mut answer) = welcome() else { return Reply::Close };
        answer["data"]["mfaToken"] = json!("mfa-canary");
        Reply::Json(answer)
    });
    let mut client = Client::new(server.port);
    client.settings.connection.login = password(None, true, true);
    let connector = client.connector();
    for _ in 0..2 {
        connector.open(spec(Purpose::Keeper)).await.unwrap();
    }
    for (seen, token) in server.seen().iter().zip([Value::Null, json!("mfa-canary")]) {
        let data = &seen.body["data"];
        assert_eq!((&data["EXT_AUTHN_DUO_METHOD"], &data["TOKEN"]), (&json!("passcode"), &token));
    }
}

#[tokio::test]
async fn one_logins_second_factor_serves_the_other_sessions() {
    let server = Server::start(|_| {
        let Reply::Json(mut answer) = welcome() else { return Reply::Close };
        answer["data"]["mfaToken"] = json!("mfa-canary");
        Reply::Json(answer)
    });
    let mut client = Client::new(server.port);
    client.settings.connection.login = password(Some("123456"), false, true);
    let connector = client.connector();
    for _ in 0..2 {
        connector.open(spec(Purpose::Keeper)).await.unwrap();
    }
    let logins = server.seen();
    assert_eq!(logins[0].body["data"]["PASSCODE"], "123456");
    assert_eq!(logins[1].body["data"]["PASSCODE"], Value::Null, "a passcode is good for one login");
    assert_eq!(logins[1].body["data"]["TOKEN"], "mfa-canary");
}

#[tokio::test]
async fn a_second_factor_that_is_no_longer_good_is_asked_for_again() {
    let mut count = 0;
    let server = Server::start(move |seen| {
        count += 1;
        if seen.body["data"]["TOKEN"] == "mfa-canary" {
            return Reply::Json(refusal("390120", "MFA token is invalid."));
        }
        let Reply::Json(mut answer) = welcome() else { return Reply::Close };
        if count == 1 {
            answer["data"]["mfaToken"] = json!("mfa-canary");
        }
        Reply::Json(answer)
    });
    let mut client = Client::new(server.port);
    client.settings.connection.login = password(Some("123456"), false, true);
    let connector = client.connector();
    connector.open(spec(Purpose::Keeper)).await.unwrap();
    connector.open(spec(Purpose::Work)).await.unwrap();
    let passcodes: Vec<_> =
        server.seen().iter().map(|seen| seen.body["data"].get("PASSCODE").is_some()).collect();
    assert_eq!(passcodes, [true, false, true]);
}

#[tokio::test]
async fn a_server_that_leaves_names_out_is_believed_to_be_where_it_was_asked() {
    let answer = json!({ "success": true, "data": { "token": "t-oken-1", "sessionInfo": { "databaseName": "RETAIL" } } });
    let server = Server::start(move |_| Reply::Json(answer.clone()));
    let client = Client::new(server.port);
    let session = client.session().await;
    assert_eq!(session.info().context, spec(Purpose::Work).context);
    assert!(session.info().id.starts_with("login-"), "{}", session.info().id);
    assert_eq!(session.info().user, "deploy");
}
