//! Whether a login proves who it is.
//!
//! Field names are those of the official connectors (`auth/*.py`); codes and messages of refusals come from public threads and
//! from Snowflake's documentation. Those of a missing or wrong passcode and of a wrong access token are general
//! knowledge, which only an account can prove.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    answer::Answer,
    jwt,
    session::new_token,
    settings::{Credential, Settings, User},
    world::{World, new_id},
};

/// Who logged in.
pub(crate) struct Proof<'s> {
    pub(crate) user: &'s str,
    pub(crate) roles: Option<&'s Vec<String>>,
    /// A token that spares the second factor next time.
    pub(crate) second_factor: Option<String>,
}

/// Checks a login's `data`.
pub(crate) fn check<'s>(
    settings: &'s Settings,
    world: &mut World,
    data: &Value,
    now: Duration,
) -> Result<Proof<'s>, Answer> {
    let field = |name: &str| data.get(name).and_then(Value::as_str);
    let kind = field("AUTHENTICATOR").unwrap_or("SNOWFLAKE").to_ascii_uppercase();
    let token = field("TOKEN").unwrap_or_default();
    let name = field("LOGIN_NAME").unwrap_or_default();
    let named = || settings.users.iter().find(|user| user.name.eq_ignore_ascii_case(name));
    let (user, second_factor) = match kind.as_str() {
        "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" => {
            let user = named().ok_or_else(wrong_password)?;
            (user, password(user, world, data, now)?)
        }
        "SNOWFLAKE_JWT" => (key_pair(settings, token, now)?, None),
        "PROGRAMMATIC_ACCESS_TOKEN" => {
            let user = named().filter(|user| has_access_token(user, token, now));
            (user.ok_or_else(|| Answer::refused("394400", "Programmatic access token is invalid."))?, None)
        }
        "OAUTH" => (oauth(settings, token, now)?, None),
        other => {
            let message = format!("Authenticator '{other}' is not supported.");
            return Err(Answer::refused("390140", message));
        }
    };
    if user.locked {
        return Err(Answer::refused(
            "390102",
            "Your user account has been temporarily locked due to too many failed attempts. Try again after 15 \
             minutes or contact your account administrator for assistance.",
        ));
    }
    if user.kept_out {
        return Err(Answer::refused(
            "390422",
            "Incoming request with IP/Token 127.0.0.1 is not allowed to access Snowflake. Contact your account \
             administrator.",
        ));
    }
    Ok(Proof { user: &user.name, roles: user.roles.as_ref(), second_factor })
}

fn wrong_password() -> Answer {
    Answer::refused("390100", "Incorrect username or password was specified.")
}

/// Password and second factor. A programmatic access token may stand for the password (documented).
fn password(user: &User, world: &mut World, data: &Value, now: Duration) -> Result<Option<String>, Answer> {
    let field = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let given = field("PASSWORD");
    if has_access_token(user, given, now) {
        return Ok(None);
    }
    let known = user.credentials.iter().find_map(|credential| match credential {
        Credential::Password { password, passcode, cached_token } => {
            Some((password, passcode, *cached_token))
        }
        _ => None,
    });
    let (password, passcode, cached_token) = known.ok_or_else(wrong_password)?;
    let Some(code) = passcode else {
        return if given == password { Ok(None) } else { Err(wrong_password()) };
    };
    // The passcode may stand at the end of the password.
    let (given, shown) = if field("EXT_AUTHN_DUO_METHOD") == "passcode" && field("PASSCODE").is_empty() {
        given.split_at_checked(given.len().saturating_sub(code.len())).unwrap_or((given, ""))
    } else {
        (given, field("PASSCODE"))
    };
    if given != password {
        return Err(wrong_password());
    }
    let token = field("TOKEN");
    if cached_token && world.second_factors.get(token).is_some_and(|owner| *owner == user.name) {
        return Ok(Some(token.to_owned()));
    }
    if shown.is_empty() {
        let message = "MFA with TOTP is required. To authenticate, provide both your password and a current TOTP passcode.";
        return Err(Answer::refused("394508", message));
    }
    let spent = (user.name.clone(), shown.to_owned());
    if shown != code || world.used_passcodes.contains(&spent) {
        return Err(Answer::refused("394507", "MFA authentication failed: TOTP Invalid"));
    }
    world.used_passcodes.push(spent);
    let wanted = data.get("SESSION_PARAMETERS").and_then(|all| all.get("CLIENT_REQUEST_MFA_TOKEN"));
    let wanted = wanted.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"));
    Ok((cached_token && wanted).then(|| {
        let token = new_token("mfa");
        world.second_factors.insert(token.clone(), user.name.clone());
        token
    }))
}

fn has_access_token(user: &User, given: &str, now: Duration) -> bool {
    user.credentials.iter().any(|credential| match credential {
        Credential::AccessToken { token, expires } => {
            token == given && expires.is_none_or(|expires| now < expires)
        }
        _ => false,
    })
}

fn oauth<'s>(settings: &'s Settings, given: &str, now: Duration) -> Result<&'s User, Answer> {
    for user in &settings.users {
        for credential in &user.credentials {
            if let Credential::OAuth { token, expires } = credential
                && token == given
            {
                if expires.is_some_and(|expires| now >= expires) {
                    return Err(Answer::refused(
                        "390318",
                        format!("OAuth access token expired. [{}]", new_id()),
                    ));
                }
                return Ok(user);
            }
        }
    }
    Err(Answer::refused("390303", format!("Invalid OAuth access token. [{}]", new_id())))
}

fn key_pair<'s>(settings: &'s Settings, token: &str, now: Duration) -> Result<&'s User, Answer> {
    let invalid = || Answer::refused("390144", format!("JWT token is invalid. [{}]", new_id()));
    let token = jwt::Token::read(token).ok_or_else(invalid)?;
    for user in &settings.users {
        for credential in &user.credentials {
            let Credential::PublicKey(key) = credential else { continue };
            if let Some(key) = der(key)
                && token.proves(&settings.account, &user.name, &key, now)
            {
                return Ok(user);
            }
        }
    }
    Err(invalid())
}

/// The key's bytes from PEM or from its base64 alone.
fn der(text: &str) -> Option<Vec<u8>> {
    let inner: String = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    STANDARD.decode(inner).ok()
}
