//! Each request of ours is the official connector's, field by field, or differs as listed. The connector's are in
//! `tests/data/parity.jsonl`; `tests/python/record_parity.py` records them on the same server.

mod differences;

use std::collections::{BTreeMap, BTreeSet};

use testkit::{
    Settings, Time,
    parity::{Plain, STEPS, plain},
};

use self::differences::{DIFFERENCES, Difference};
use super::*;
use crate::{
    model::{
        connection::{Login, Material, TokenKind},
        ident::Ident,
        secret::SecretText,
        target::SecondaryRoles,
    },
    session::{QueryTag, context::Clock, snowflake::testing::spec},
};

/// The server's clock, for a client that lives by it.
struct ServerClock(testkit::Clock);

impl Clock for ServerClock {
    fn now(&self) -> Instants {
        let wall = self.0.now();
        Instants { mono: wall, wall }
    }

    fn sleep(&self, time: Duration) -> Fut<'static, ()> {
        let clock = self.0.clone();
        Box::pin(async move { clock.wait_until(clock.now() + time).await })
    }
}

/// What snowops asks in a step.
async fn ours(step: &str) -> Vec<Plain> {
    let mut settings = Settings::for_parity(step).unwrap();
    // An abort comes while the server holds its answer back.
    settings.time = if step == "abort" { Time::Standing } else { Time::Jumping };
    let server = testkit::Server::start(settings).unwrap();
    let mut client = Client::new(server.port());
    client.settings.context.clock = Arc::new(ServerClock(server.clock().clone()));
    client.settings.connection.account = "testkit".to_owned();
    let (user, login) = login_of(step);
    client.settings.connection.user = Some(user.to_owned());
    client.settings.connection.login = login;
    let connector = client.connector();
    if step == "login_second_factor_kept" {
        connector.open(spec_of(step)).await.unwrap().close().await.unwrap();
    }
    let mut session = connector.open(spec_of(step)).await.unwrap();
    match step {
        "abort" => abort_one(&server, session.as_mut()).await,
        "heartbeat" => session.control().keep_alive().await.unwrap(),
        _ => {
            for request in requests_of(step) {
                session.execute(&request).await.unwrap();
            }
        }
    }
    session.close().await.unwrap();
    assert_eq!(server.faults(), [], "{step}: each fault of the step happened");
    plain(step, &server.log())
}

fn login_of(step: &str) -> (&'static str, Login) {
    let secret = |text: &str| SecretText::new(text);
    let password = |password, passcode: Option<&str>, passcode_in_password, cache_second_factor| {
        let (password, passcode) = (secret(password), passcode.map(secret));
        Login::Password { password, passcode, passcode_in_password, cache_second_factor }
    };
    let token = |kind, text| Login::Token { kind, token: Material::Text(secret(text)) };
    match step {
        "login_passcode" => ("HUMAN", password("correct horse", Some("123456"), false, false)),
        "login_passcode_in_password" => ("HUMAN", password("correct horse123456", None, true, false)),
        "login_second_factor_kept" => ("HUMAN", password("correct horse", Some("123456"), false, true)),
        "login_key_pair" => {
            let pem = include_str!("../../../../../tests/golden/session/keys/plain.p8");
            ("SNOWOPS", Login::KeyPair { key: Material::Text(secret(pem)), passphrase: None })
        }
        "login_access_token" => ("SNOWOPS", token(TokenKind::ProgrammaticAccess, "access-token")),
        "login_oauth" => ("SNOWOPS", token(TokenKind::OAuth, "oauth-token")),
        _ => ("SNOWOPS", password("correct horse", None, false, false)),
    }
}

fn spec_of(step: &str) -> SessionSpec {
    let name = |name| Some(Ident::stored(name));
    let place = Context4 {
        role: name("DEPLOYER"),
        warehouse: name("DEPLOY_XS"),
        database: name("RETAIL"),
        schema: name("PUBLIC"),
    };
    let (context, secondary_roles) = match step {
        "login_context" => (place, SecondaryRoles::None),
        "rows_in_parts" => (place, SecondaryRoles::Default),
        _ => (Context4::default(), SecondaryRoles::Default),
    };
    SessionSpec { context, secondary_roles, ..spec(Purpose::Work) }
}

/// The statements of a step.
fn requests_of(step: &str) -> Vec<Request> {
    // Ids that the simulated source of ids does not give.
    let id = |number: u128| number << 64;
    let plain = |number, text| Request { tag: QueryTag(String::new()), ..repeatable(id(number), text) };
    match step {
        "submit" => vec![Request {
            tag: QueryTag("parity".to_owned()),
            timeout: Some(Duration::from_mins(2)),
            ..plain(1, "SELECT 1")
        }],
        "binds" => vec![Request {
            binds: vec![Bind::Text("text".into()), Bind::Integer(-7), Bind::Boolean(true), Bind::Null],
            ..plain(1, "SELECT ?, ?, ?, ?")
        }],
        "rows_in_parts" => vec![
            plain(1, "CREATE TABLE parity (n INTEGER)"),
            plain(2, "INSERT INTO parity VALUES (1), (2), (3)"),
            plain(3, "SELECT n FROM parity ORDER BY n"),
        ],
        "poll" | "renewal_while_polling" => vec![plain(1, "SELECT 'slow'")],
        "unavailable" | "busy" | "renewal" => vec![plain(1, "SELECT 1")],
        _ => vec![],
    }
}

async fn abort_one(server: &testkit::Server, session: &mut dyn Session) {
    let control = session.control();
    let request = Request { tag: QueryTag(String::new()), ..statement(1, "SELECT 'endless'") };
    let stopping = async {
        while !server.log().iter().any(|entry| entry.text().is_some()) {
            tokio::task::yield_now().await;
        }
        control.cancel(request.id).await
    };
    let (result, stopped) = tokio::join!(session.execute(&request), stopping);
    assert!(stopped.unwrap());
    assert_eq!(result.unwrap_err().class, ErrorClass::Cancelled);
}

/// All values of a request, by where they stand.
fn fields(request: &Plain) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("method".to_owned(), request.method.clone()),
        ("path".to_owned(), request.path.clone()),
    ]);
    for (place, values) in [("query", &request.query), ("headers", &request.headers)] {
        all.extend(values.iter().map(|(name, value)| (format!("{place}.{name}"), value.to_string())));
    }
    add("body", &request.body, &mut all);
    all
}

fn add(place: &str, value: &Value, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                add(&format!("{place}.{name}"), value, all);
            }
        }
        value => {
            all.insert(place.to_owned(), value.to_string());
        }
    }
}

/// Where two requests differ: field, the connector's value, ours.
fn differing(theirs: &Plain, ours: &Plain) -> Vec<(String, String, String)> {
    let (theirs, ours) = (fields(theirs), fields(ours));
    let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
    let value =
        |of: &BTreeMap<String, String>, name: &str| of.get(name).map_or("", String::as_str).to_owned();
    let both = |name: &String| match (value(&theirs, name), value(&ours, name)) {
        // Which of several it is says nothing where the other has none.
        (theirs, ours) if theirs.is_empty() || ours.is_empty() => {
            (name.clone(), unnumbered(&theirs), unnumbered(&ours))
        }
        (theirs, ours) => (name.clone(), theirs, ours),
    };
    names.into_iter().map(both).filter(|(_, theirs, ours)| theirs != ours).collect()
}

/// A mark without its number.
fn unnumbered(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((mark, number)) if number.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{mark}{}", number.trim_start_matches(|digit: char| digit.is_ascii_digit()))
        }
        _ => text.to_owned(),
    }
}

#[tokio::test]
async fn our_requests_are_the_official_connectors_or_differ_as_listed() {
    let recorded = include_str!("../../../../../tests/data/parity.jsonl");
    let recorded: Vec<Plain> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut occurred, mut unlisted) = (BTreeSet::new(), Vec::new());
    for step in STEPS {
        let theirs: Vec<_> = recorded.iter().filter(|request| request.step == step).cloned().collect();
        let ours = ours(step).await;
        let paths = |of: &[Plain]| of.iter().map(|request| request.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&theirs), paths(&ours), "{step}: one request for each");
        for (theirs, ours) in theirs.iter().zip(&ours) {
            for (field, their, our) in differing(theirs, ours) {
                match listed(&theirs.path, &field, &their, &our) {
                    Some(fields) => _ = occurred.insert(fields),
                    None => unlisted.push(format!("{step} {}: {field}: {their} | {our}", theirs.path)),
                }
            }
        }
    }
    assert!(unlisted.is_empty(), "not listed, the connector's value and ours:\n{}", unlisted.join("\n"));
    for Difference { why, fields } in DIFFERENCES {
        let gone: Vec<_> = fields.iter().filter(|fields| !occurred.contains(*fields)).collect();
        assert!(gone.is_empty(), "listed with \"{why}\", and no difference any more: {gone:#?}");
    }
}

/// The line of the list for a difference.
fn listed(path: &str, field: &str, theirs: &str, ours: &str) -> Option<&'static [&'static str; 4]> {
    let fields = DIFFERENCES.iter().flat_map(|difference| difference.fields);
    fields.into_iter().find(|[at, rest @ ..]| (*at == "*" || *at == path) && *rest == [field, theirs, ours])
}
