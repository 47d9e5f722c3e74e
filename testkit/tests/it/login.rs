//! Who may log in.

use std::time::Duration;

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::{Credential, Server, Settings, Time, User};

use super::client::Client;

fn server(users: Vec<User>) -> Server {
    Server::start(Settings { users, time: Time::Standing, ..Settings::default() }).unwrap()
}

async fn code(server: &Server, data: Value) -> Option<String> {
    Client::try_login(server, "", data).await["code"].as_str().map(str::to_owned)
}

/// A token as a client makes it: `issued` and `life` in seconds from the server's now.
fn token(key: &RsaKeyPair, fingerprint: &str, now: i64, issued: i64, life: i64) -> String {
    let claims = json!({
        "iss": format!("TESTKIT.ANN.SHA256:{fingerprint}"),
        "sub": "TESTKIT.ANN",
        "iat": now + issued,
        "exp": now + issued + life,
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_key_pair_proves_its_user_for_an_hour() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let fingerprint = STANDARD.encode(Sha256::digest(public.as_ref()));
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(public.as_ref())
    );
    let server = server(vec![User::new("Ann", vec![Credential::PublicKey(pem)])]);
    let now = i64::try_from(server.clock().now().as_secs()).unwrap();
    let good = token(&key, &fingerprint, now, 0, 600);
    let cut = &good[..good.len() - 4];
    for (token, expected) in [
        (good.as_str(), None),
        (&token(&key, &fingerprint, now, -59, 60), None),
        (&token(&key, &fingerprint, now, 30, 600), None),
        (&token(&key, &fingerprint, now, 300, 600), Some("390144")),
        (&token(&key, &fingerprint, now, -601, 600), Some("390144")),
        (&token(&key, &fingerprint, now, -3601, 9000), Some("390144")),
        (&token(&key, "other", now, 0, 600), Some("390144")),
        (cut, Some("390144")),
        ("no token", Some("390144")),
    ] {
        let data = json!({ "LOGIN_NAME": "ANN", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": token });
        assert_eq!(code(&server, data).await.as_deref(), expected, "{token}");
    }
    server.clock().advance(Duration::from_mins(11));
    let data = json!({ "LOGIN_NAME": "ANN", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": good });
    assert_eq!(code(&server, data).await.as_deref(), Some("390144"));
}

#[tokio::test]
async fn a_passcode_counts_once_and_its_token_after_it() {
    let password = Credential::Password {
        password: "secret".to_owned(),
        passcode: Some("123456".to_owned()),
        cached_token: true,
    };
    let server = server(vec![User::new("ANN", vec![password])]);
    let login = |more: Value| {
        let mut data = json!({ "LOGIN_NAME": "ANN", "PASSWORD": "secret" });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    assert_eq!(code(&server, login(json!({}))).await.as_deref(), Some("394508"));
    let wrong = json!({ "EXT_AUTHN_DUO_METHOD": "passcode", "PASSCODE": "000000" });
    assert_eq!(code(&server, login(wrong)).await.as_deref(), Some("394507"));
    let appended = json!({
        "PASSWORD": "secret123456",
        "EXT_AUTHN_DUO_METHOD": "passcode",
        "SESSION_PARAMETERS": { "CLIENT_REQUEST_MFA_TOKEN": true },
    });
    let first = Client::try_login(&server, "", login(appended)).await;
    let token = first["data"]["mfaToken"].as_str().unwrap();
    let spent = json!({ "EXT_AUTHN_DUO_METHOD": "passcode", "PASSCODE": "123456" });
    assert_eq!(code(&server, login(spent)).await.as_deref(), Some("394507"));
    let cached = json!({ "AUTHENTICATOR": "USERNAME_PASSWORD_MFA", "TOKEN": token });
    assert_eq!(code(&server, login(cached)).await, None);
}

#[tokio::test]
async fn tokens_of_others_end_and_policies_keep_out() {
    let server = Server::start(Settings { time: Time::Standing, ..Settings::default() }).unwrap();
    let soon = Some(server.clock().now() + Duration::from_mins(1));
    let token = |text: &str| text.to_owned();
    let mut ann = User::new(
        "ANN",
        vec![
            Credential::OAuth { token: token("oauth"), expires: soon },
            Credential::AccessToken { token: token("pat"), expires: soon },
        ],
    );
    ann.roles = Some(vec!["PUBLIC".to_owned()]);
    let mut bob = User::new("BOB", vec![Credential::AccessToken { token: token("pat"), expires: None }]);
    bob.kept_out = true;
    let mut eve = User::new("EVE", vec![Credential::AccessToken { token: token("pat"), expires: None }]);
    eve.locked = true;
    let server = self::server(vec![ann, bob, eve]);
    let data = |user: &str, kind: &str, token: &str| json!({ "LOGIN_NAME": user, "AUTHENTICATOR": kind, "TOKEN": token });
    let (pat, oauth) = ("PROGRAMMATIC_ACCESS_TOKEN", "OAUTH");
    assert_eq!(code(&server, data("ANN", oauth, "oauth")).await, None);
    assert_eq!(code(&server, data("ANN", pat, "pat")).await, None);
    assert_eq!(code(&server, json!({ "LOGIN_NAME": "ANN", "PASSWORD": "pat" })).await, None);
    for (user, kind, token, expected) in [
        ("ANN", oauth, "other", "390303"),
        ("ANN", pat, "other", "394400"),
        ("BOB", pat, "pat", "390422"),
        ("EVE", pat, "pat", "390102"),
    ] {
        assert_eq!(code(&server, data(user, kind, token)).await.as_deref(), Some(expected), "{user} {kind}");
    }
    let role = Client::try_login(&server, "&roleName=SYSADMIN", data("ANN", pat, "pat")).await;
    assert_eq!(role["code"], "390186");
    server.clock().advance(Duration::from_mins(2));
    assert_eq!(code(&server, data("ANN", oauth, "oauth")).await.as_deref(), Some("390318"));
    assert_eq!(code(&server, data("ANN", pat, "pat")).await.as_deref(), Some("394400"));
}

#[tokio::test]
async fn the_start_of_a_session_is_what_the_login_asks_for() {
    let server = Server::start(Settings::default()).unwrap();
    let data = || json!({ "LOGIN_NAME": "SNOWOPS", "PASSWORD": "correct horse" });
    let query = "&databaseName=retail&schemaName=%22PUBLIC%22&warehouse=&roleName=deployer";
    let found = Client::try_login(&server, query, data()).await["data"]["sessionInfo"].clone();
    assert_eq!(
        found,
        json!({ "databaseName": "RETAIL", "schemaName": "PUBLIC", "warehouseName": "DEPLOY_XS", "roleName": "DEPLOYER" })
    );
    // What is not there is no error.
    let missing = Client::try_login(&server, "&databaseName=NO_SUCH&schemaName=PUBLIC", data()).await;
    assert_eq!(missing["data"]["sessionInfo"]["databaseName"], Value::Null);
    assert_eq!(missing["data"]["sessionInfo"]["schemaName"], Value::Null);
}
