//! How the connection logs in.

use super::{
    super::words::{either, nearest},
    Making, in_pipeline,
    permissions::{self, Guarded},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    files,
    model::{
        connection::{Login, Material, TokenKind},
        secret::SecretText,
    },
};

/// Values of `authenticator` that snowops takes, as the Snowflake CLI writes them.
const SUPPORTED: [&str; 5] =
    ["snowflake", "snowflake_jwt", "oauth", "programmatic_access_token", "username_password_mfa"];

/// Values that Snowflake has and this version of snowops does not take.
const OTHERS: [&str; 5] = [
    "externalbrowser",
    "oauth_authorization_code",
    "oauth_client_credentials",
    "workload_identity",
    "pat_with_external_session",
];

/// The way to log in; none after an error that was reported.
pub(super) fn login(making: &mut Making<'_>) -> Option<Login> {
    let authenticator = making.text("authenticator").map(|text| text.trim().to_ascii_lowercase());
    match authenticator.as_deref() {
        None if making.text("private_key_file").or_else(|| making.text("private_key_raw")).is_some() => {
            without_authenticator(making)
        }
        None | Some("snowflake") => password(making, false),
        Some("username_password_mfa") => password(making, true),
        Some("snowflake_jwt") => key_pair(making),
        Some("oauth") => token(making, TokenKind::OAuth),
        Some("programmatic_access_token") => token(making, TokenKind::ProgrammaticAccess),
        Some(other) => unsupported(making, other),
    }
}

/// The Snowflake CLI refuses a key without `authenticator` (`_load_private_key` in its `snow_connector.py`), and so does
/// snowops: a key of a generic variable would else silently take a password's place.
fn without_authenticator(making: &mut Making<'_>) -> Option<Login> {
    let key = if making.text("private_key_file").is_some() { "private_key_file" } else { "private_key_raw" };
    let message = format!("`{key}` is given, and `authenticator` is not");
    let finding = Diagnostic::error(Code::InvalidConnection, message).hint(
        "set authenticator = \"SNOWFLAKE_JWT\" (or SNOWFLAKE_AUTHENTICATOR): the Snowflake CLI wants it too",
    );
    making.at(key, finding);
    None
}

fn unsupported(making: &mut Making<'_>, other: &str) -> Option<Login> {
    let known = OTHERS.contains(&other) || other.starts_with("https://");
    let supported = format!("supported: {}", either(&SUPPORTED));
    let (message, hint) = if known {
        (format!("`authenticator` is {other}, which this version of snowops cannot do"), supported)
    } else {
        let near = nearest(other, SUPPORTED.iter().chain(&OTHERS).copied());
        let hint = near.map_or_else(|| supported.clone(), |near| format!("did you mean {near}? {supported}"));
        (format!("`authenticator` is `{other}`, which snowops does not know"), hint)
    };
    making.at("authenticator", Diagnostic::error(Code::InvalidConnection, message).hint(hint));
    None
}

/// Reports a key that a way to log in needs.
fn needs(making: &mut Making<'_>, key: &str, way: &str, hint: &str) {
    let message = format!("connection {} has no `{key}`, which {way} needs", making.found.label);
    making.missing(Diagnostic::error(Code::InvalidConnection, message).hint(hint));
}

fn user(making: &mut Making<'_>, way: &str) -> bool {
    let given = making.text("user").is_some();
    if !given {
        needs(making, "user", way, "give it where the connection is, or set SNOWFLAKE_USER");
    }
    given
}

fn password(making: &mut Making<'_>, second_factor: bool) -> Option<Login> {
    let secret = |text: String| SecretText::new(text);
    let user = user(making, "a login with a password");
    let password = making.text("password").map(secret);
    let passcode = making.text("passcode").map(secret);
    let passcode_in_password = making.flag("passcode_in_password");
    let cache_second_factor = making.flag("client_request_mfa_token") || second_factor;
    if password.is_none() {
        let hint = if making.text("token").or_else(|| making.text("token_file_path")).is_some() {
            "a token is given: say what it is with authenticator = \"OAUTH\" or \"PROGRAMMATIC_ACCESS_TOKEN\""
        } else {
            "in a pipeline use a key pair: authenticator = \"SNOWFLAKE_JWT\" and `private_key_file`; at a laptop set \
             SNOWFLAKE_PASSWORD, and `passcode` if the account wants one"
        };
        needs(making, "password", "a login with a password", hint);
    } else if passcode.is_none() && !passcode_in_password && in_pipeline(making.inputs) {
        bare_password(making);
    }
    user.then_some(())?;
    Some(Login::Password { password: password?, passcode, passcode_in_password, cache_second_factor })
}

/// Snowflake ends logins by password alone: people need a second factor, service users may have no password
/// (<https://docs.snowflake.com/en/user-guide/security-mfa-rollout>).
fn bare_password(making: &mut Making<'_>) {
    let finding = Diagnostic::warning(
        Code::PasswordInPipeline,
        "a pipeline logs in with a password alone, which Snowflake accepts no longer: enforcement was completed in \
         October 2026",
    )
    .hint(
        "use a key pair: a user of TYPE = SERVICE, authenticator = \"SNOWFLAKE_JWT\" and `private_key_file`; if the \
         password is a programmatic access token, give it as `token` with authenticator = \"PROGRAMMATIC_ACCESS_TOKEN\"",
    );
    making.at("password", finding);
}

fn key_pair(making: &mut Making<'_>) -> Option<Login> {
    let user = user(making, "a login with a key pair");
    let passphrase = making.text("private_key_passphrase").map(SecretText::new);
    let key = match (making.path("private_key_file"), making.text("private_key_raw")) {
        (Some(_), _) => file(making, "private_key_file", true).map(Material::File),
        (None, Some(text)) => Some(Material::Text(SecretText::new(text))),
        (None, None) => {
            needs(
                making,
                "private_key_file",
                "a login with a key pair",
                "give the file with the private key, or its text as SNOWFLAKE_PRIVATE_KEY_RAW",
            );
            None
        }
    };
    user.then_some(())?;
    Some(Login::KeyPair { key: key?, passphrase })
}

fn token(making: &mut Making<'_>, kind: TokenKind) -> Option<Login> {
    let token = match (making.path("token_file_path"), making.text("token")) {
        (Some(_), _) => file(making, "token_file_path", false).map(Material::File),
        (None, Some(text)) => Some(Material::Text(SecretText::new(text))),
        (None, None) => {
            let hint = "give `token_file_path`, or set SNOWFLAKE_TOKEN";
            needs(making, "token", "a login with a token", hint);
            None
        }
    };
    Some(Login::Token { kind, token: token? })
}

/// A file with a credential, if it is there and nobody else can change it, or read what is of use without more.
fn file(making: &mut Making<'_>, key: &str, strict: bool) -> Option<camino::Utf8PathBuf> {
    let path = making.path(key)?;
    if making.text(key).is_some_and(|text| super::is_undefined_reference(text.trim())) {
        // Reported already.
        return None;
    }
    if !files::exists(&path) || files::is_folder(&path) {
        let message = format!("`{key}` names {path}, and there is no such file");
        let finding = Diagnostic::error(Code::InvalidConnection, message)
            .hint("correct the path; in an Azure pipeline it is $(name.secureFilePath) of the task DownloadSecureFile");
        making.at(key, finding);
        return None;
    }
    let encrypted = files::begins_with(&path, b"-----BEGIN ENCRYPTED PRIVATE KEY-----");
    // Nobody chooses the mode that an agent gives to a secure file, or a container to a mounted token.
    let lenient = !strict || in_pipeline(making.inputs);
    let guarded = Guarded {
        secret: !encrypted,
        checked_out: false,
        skip: encrypted || lenient || permissions::skip(making.inputs),
    };
    if let Some(finding) = permissions::finding(&path, &format!("the file of `{key}`"), guarded) {
        making.at(key, finding);
    }
    Some(path)
}
