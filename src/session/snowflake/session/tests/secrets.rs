//! Secrets stay inside.

use super::*;

/// What a connection holds, each secret a canary.
fn with_secrets(port: u16) -> Client {
    use crate::model::{connection::Login, secret::SecretText};
    let mut client = Client::new(port);
    client.settings.secrets = [("LOADER", "loader-'canary'"), ("SHORT", "ab")]
        .map(|(name, value)| (name.to_owned(), SecretText::new(value)))
        .into();
    client.settings.connection.login = Login::Password {
        password: SecretText::new("password-canary"),
        passcode: Some(SecretText::new("passcode-canary")),
        passcode_in_password: false,
        cache_second_factor: true,
    };
    client
}

#[tokio::test]
async fn f29_f30_a_server_that_echoes_all_it_heard_gives_no_secret_away() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/session/v1/login-request" => {
            let Reply::Json(mut answer) = welcome() else { return Reply::Close };
            answer["data"]["token"] = json!("session-canary");
            answer["data"]["masterToken"] = json!("master-canary");
            answer["data"]["mfaToken"] = json!("factor-canary");
            Reply::Json(answer)
        }
        "/session/heartbeat" => Reply::Json(refusal("000001", &format!("{:?}", seen.headers))),
        _ if seen.sql().starts_with("SELECT") => {
            let mut answer = rows(&json!([[format!("{} {:?} master-canary", seen.sql(), seen.headers)]]));
            answer["data"]["rowtype"][0]["name"] = json!(seen.sql());
            Reply::Json(answer)
        }
        _ => {
            let all = format!(
                "{} {} {:?} password-canary passcode-canary factor-canary",
                seen.sql(),
                seen.body,
                seen.headers
            );
            Reply::Json(refusal("001003", &all))
        }
    });
    let client = with_secrets(server.port);
    let mut session = client.session().await;
    let slot = slots::slot("LOADER");
    for text in ["CREATE USER x PASSWORD = '{}'", "SELECT '{}'", "SELECT $${}$$"] {
        let request = statement(1, &text.replace("{}", &slot));
        let seen = match session.execute(&request).await {
            Ok(answer) => format!("{answer:?}"),
            Err(error) => format!("{error:?} {error}"),
        };
        assert!(!seen.contains("canary"), "{seen}");
        assert!(seen.contains(&slot), "{seen}");
    }
    let beat = session.control().keep_alive().await.unwrap_err();
    assert!(!format!("{beat:?}").contains("canary"), "{beat:?}");
    let bodies: Vec<_> = server.seen_at(QUERY).iter().map(|seen| seen.sql().to_owned()).collect();
    assert_eq!(bodies[0], "CREATE USER x PASSWORD = 'loader-''canary'''", "the server does get it");
    assert!(!format!("{:?} {:?}", session.info(), client.settings.connection).contains("canary"));
}

#[tokio::test]
async fn f30_a_refused_login_that_echoes_the_credential_is_masked() {
    let server = Server::start(|seen| Reply::Json(refusal("390100", &format!("bad: {}", seen.body))));
    let client = with_secrets(server.port);
    let error = client
        .connector()
        .open(crate::session::snowflake::testing::spec(Purpose::Keeper))
        .await
        .err()
        .unwrap();
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_slot_without_a_value_is_an_error_before_anything_is_sent() {
    let server = in_turn(vec![]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let text = format!("SELECT '{}'", slots::slot("NOBODY"));
    let error = session.execute(&statement(1, &text)).await.unwrap_err();
    assert_eq!((error.outcome, error.message.contains("secret NOBODY")), (Effect::NotSent, true), "{error}");
    assert!(server.seen_at(QUERY).is_empty());
}

#[tokio::test]
async fn places_are_counted_in_the_text_that_has_slots() {
    let slot = slots::slot("LOADER");
    let text = format!("SELECT 1,\n'{slot}', nope");
    let filled = "SELECT 1,\n'loader-''canary''', ";
    let at = filled.lines().last().unwrap().len();
    let server = in_turn(vec![Reply::Json(json!({
        "success": false, "code": "000904", "message": "invalid identifier 'NOPE'",
        "data": { "errorCode": "000904", "sqlState": "42000", "queryId": "q-1", "line": 2, "pos": at },
    }))]);
    let client = with_secrets(server.port);
    let error = client.session().await.execute(&statement(1, &text)).await.unwrap_err();
    let wanted = format!("'{slot}', ").chars().count();
    assert_eq!((error.line, error.position), (Some(2), Some(wanted)));
    assert_eq!((error.sqlstate.as_deref(), error.query_id.as_deref()), (Some("42000"), Some("q-1")));
}
