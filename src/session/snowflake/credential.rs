//! What a login proves itself with: made anew for every login, never kept as a text.

use std::sync::{Arc, Mutex};

use camino::Utf8Path;

use super::key::PrivateKey;
use crate::{
    files,
    model::{
        connection::{Login, Material, TokenKind},
        secret::SecretText,
        time::Instants,
    },
    session::Fut,
};

/// For whom a credential is made.
#[derive(Clone, Debug)]
pub struct LoginTarget {
    /// The account as given.
    pub account: String,
    /// The login name, where one was given.
    pub user: Option<String>,
    /// Now, by this machine's clock.
    pub now: Instants,
}

/// What a login sends. Its secrets do not print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A password, with or without a second factor.
    Password {
        /// The password.
        password: SecretText,
        /// The passcode of an authenticator app.
        passcode: Option<SecretText>,
        /// Whether the passcode stands at the end of the password.
        passcode_in_password: bool,
        /// Whether the login asks for a token that spares the second factor, and the one that an earlier login got.
        second_factor: SecondFactor,
    },
    /// A token signed with a private key.
    KeyPair(SecretText),
    /// A token that somebody else issued.
    Token(TokenKind, SecretText),
}

/// Whether and how a login may be spared its second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// Nothing is asked for.
    Plain,
    /// A token is asked for.
    Wanted,
    /// The token of an earlier login.
    Cached(SecretText),
}

/// Why there is no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoCredential {
    /// What is wrong and what to do.
    pub message: String,
}

/// Gives credentials. It is asked at every login, since tokens live for minutes and files are rotated.
pub trait CredentialSource: Send + Sync {
    /// A credential for one login.
    fn credential(&self, target: LoginTarget) -> Fut<'_, Result<Credential, NoCredential>>;
    /// Takes the token that spares the next login its second factor; `None` when one was refused.
    fn second_factor(&self, token: Option<SecretText>);
    /// What to show a person beside a refusal: never a secret.
    fn describe(&self) -> String;
}

/// The credentials of a connection's own settings.
pub(super) struct Configured {
    login: Login,
    /// The token of the first login, for the connector's other sessions.
    second_factor: Mutex<Option<SecretText>>,
    /// What was said of the key last.
    fingerprint: Mutex<Option<String>>,
}

impl Configured {
    /// A source; reads nothing yet.
    pub(super) fn new(login: Login) -> Arc<Self> {
        Arc::new(Self { login, second_factor: Mutex::new(None), fingerprint: Mutex::new(None) })
    }

    fn make(&self, target: &LoginTarget) -> Result<Credential, String> {
        match &self.login {
            Login::Password { password, passcode, passcode_in_password, cache_second_factor } => {
                refuse_undefined("password", password.expose())?;
                if let Some(passcode) = passcode {
                    refuse_undefined("passcode", passcode.expose())?;
                }
                let cached = self.second_factor.lock().ok().and_then(|token| token.clone());
                let second_factor = match cached {
                    _ if !cache_second_factor => SecondFactor::Plain,
                    Some(token) => SecondFactor::Cached(token),
                    None => SecondFactor::Wanted,
                };
                Ok(Credential::Password {
                    password: password.clone(),
                    passcode: passcode.clone(),
                    passcode_in_password: *passcode_in_password,
                    second_factor,
                })
            }
            Login::KeyPair { key, passphrase } => {
                if let Some(passphrase) = passphrase {
                    refuse_undefined("private_key_passphrase", passphrase.expose())?;
                }
                let (bytes, place) = material(key, "private key")?;
                let key = PrivateKey::read(&bytes, passphrase.as_ref(), &place)?;
                if let Ok(mut fingerprint) = self.fingerprint.lock() {
                    *fingerprint = Some(key.fingerprint().to_owned());
                }
                let user = target.user.as_deref().ok_or("a key pair login needs a user")?;
                Ok(Credential::KeyPair(key.token(&target.account, user, target.now.wall.as_secs())?))
            }
            Login::Token { kind, token } => {
                let (bytes, place) = material(token, "token")?;
                let text = String::from_utf8(bytes).map_err(|_| format!("the token {place} is no text"))?;
                let text = text.trim();
                if text.is_empty() {
                    return Err(format!("the token {place} is empty: get one, and put it there"));
                }
                if text.contains(char::is_control) {
                    return Err(format!("the token {place} has several lines, and a token has one"));
                }
                Ok(Credential::Token(*kind, SecretText::new(text)))
            }
        }
    }
}

impl CredentialSource for Configured {
    fn credential(&self, target: LoginTarget) -> Fut<'_, Result<Credential, NoCredential>> {
        Box::pin(async move { self.make(&target).map_err(|message| NoCredential { message }) })
    }

    fn second_factor(&self, token: Option<SecretText>) {
        if let Ok(mut known) = self.second_factor.lock() {
            *known = token;
        }
    }

    fn describe(&self) -> String {
        match &self.login {
            Login::Password { .. } => "a password".to_owned(),
            Login::KeyPair { .. } => match self.fingerprint.lock().ok().and_then(|known| known.clone()) {
                Some(fingerprint) => format!("a key pair, public key {fingerprint}"),
                None => "a key pair".to_owned(),
            },
            Login::Token { kind: TokenKind::ProgrammaticAccess, .. } => {
                "a programmatic access token".to_owned()
            }
            Login::Token { kind: TokenKind::OAuth, .. } => "an OAuth access token".to_owned(),
        }
    }
}

/// A secret's bytes, and where they are in words.
fn material(material: &Material, what: &str) -> Result<(Vec<u8>, String), String> {
    match material {
        Material::File(path) => {
            refuse_undefined(&format!("the path of the {what}"), path.as_str())?;
            let place = format!("in '{path}'");
            let bytes = files::read_bytes(path)
                .map_err(|error| format!("the {what} {place} cannot be read: {}", error.reason))?;
            refuse_changeable(path, what)?;
            Ok((bytes, place))
        }
        Material::Text(text) => {
            refuse_undefined(&format!("the {what}"), text.expose())?;
            Ok((text.expose().as_bytes().to_vec(), "of the connection's settings".to_owned()))
        }
    }
}

/// A credential that others may write is theirs. Whether they may read it is judged by the configuration, which knows
/// the machine: who runs a pipeline does not choose the modes of its files.
fn refuse_changeable(path: &Utf8Path, what: &str) -> Result<(), String> {
    const WRITABLE: u32 = 0o022;
    if files::mode(path).is_some_and(|mode| mode & WRITABLE != 0) {
        return Err(format!(
            "the {what} in '{path}' may be changed by other users of this machine: chmod 600 '{path}'"
        ));
    }
    Ok(())
}

/// A pipeline puts `$(NAME)` where a variable has no value (Azure Pipelines, "Define variables").
fn refuse_undefined(what: &str, value: &str) -> Result<(), String> {
    match value.trim().strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) {
        Some(name) if !name.is_empty() => Err(format!(
            "{what} is the text $({name}): the pipeline has no variable of that name here. Secret variables must be \
             mapped by `env:` of the step"
        )),
        _ => Ok(()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
