//! What a refused login means, and what to do about it.
//!
//! Codes: `network.py` and `auth/_auth.py` of Snowflake's Python connector, and `EXT_AUTHN_*` of Snowflake's other drivers; 394507
//! and 394508 from reports of their users.

use std::time::Duration;

use crate::{
    model::{
        connection::{Login, TokenKind},
        time::Instants,
    },
    session::{
        DbError,
        snowflake::{SnowflakeSettings, credential::CredentialSource},
    },
};

/// Clocks that differ by more than this spoil a key pair login (Snowflake allows about a minute).
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// A refused login, with all that is known here.
pub(super) struct Advice<'a> {
    pub(super) settings: &'a SnowflakeSettings,
    pub(super) source: &'a dyn CredentialSource,
    pub(super) now: Instants,
    /// The server's header `Date`.
    pub(super) date: Option<&'a str>,
}

impl Advice<'_> {
    /// The server's words, who logged in how, and what to do.
    pub(super) fn explain(&self, refused: &DbError) -> String {
        let connection = &self.settings.connection;
        let user = connection.user.as_deref().unwrap_or("the token's user");
        let how = self.source.describe();
        let said = format!("{} (login of {user} with {how})", refused.message);
        match self.advice(refused.code.as_deref().unwrap_or_default(), user, &how) {
            Some(advice) => format!("{said}: {advice}"),
            None => said,
        }
    }

    fn advice(&self, code: &str, user: &str, how: &str) -> Option<String> {
        let login = &self.settings.connection.login;
        let advice = match (code, login) {
            ("390100", Login::Password { .. }) => {
                format!("check user {user} and the password; service users have none")
            }
            ("390102", _) => "wait, or let an administrator unlock the user".to_owned(),
            ("390186" | "390189", _) => {
                format!("grant the role to {user}, or correct `role` of this environment")
            }
            ("390422", _) => "let this address into the network policy of the account or the user".to_owned(),
            ("390318" | "390110" | "390195", _) => {
                "get a new token; a token of a pipeline lives for minutes, so get it in the same step"
                    .to_owned()
            }
            ("390303", _) => {
                "get a new token, and see that the account has a security integration for whoever issues it"
                    .to_owned()
            }
            (
                "394507" | "394508" | "390120" | "390122" | "390123" | "390126" | "390127" | "390129"
                | "390132",
                _,
            ) => second_factor(code, login),
            (
                "390100" | "390144" | "394300" | "394301" | "394302" | "394303" | "394304" | "394305"
                | "394306",
                Login::KeyPair { .. },
            ) => self.key_pair(user, how),
            (_, Login::Token { kind: TokenKind::ProgrammaticAccess, .. }) => format!(
                "see with SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER {user} whether it has expired or was disabled, and \
                 make a new one; a service user needs a network policy to use one"
            ),
            _ => return None,
        };
        Some(advice)
    }

    fn key_pair(&self, user: &str, how: &str) -> String {
        if let Some((apart, side)) = self.skew() {
            return format!(
                "this machine's clock is {} {side} the server's, and a signed token is only good at its time: set the \
                 clock",
                words(apart)
            );
        }
        let fingerprint = how.rsplit(' ').next().unwrap_or_default();
        format!("compare RSA_PUBLIC_KEY_FP in DESC USER {user} with {fingerprint}, and the account's name")
    }

    /// How far the clocks are apart, if it matters.
    fn skew(&self) -> Option<(Duration, &'static str)> {
        let server = jiff::fmt::rfc2822::parse(self.date?).ok()?;
        let server: Duration = server.timestamp().as_duration().try_into().ok()?;
        let here = self.now.wall;
        let side = if here > server { "ahead of" } else { "behind" };
        let apart = here.abs_diff(server);
        (apart > CLOCK_TOLERANCE).then_some((apart, side))
    }
}

/// A second factor that is missing, was wrong, or was denied.
fn second_factor(code: &str, login: &Login) -> String {
    let caches = matches!(login, Login::Password { cache_second_factor: true, .. });
    let given = matches!(
        login,
        Login::Password { passcode: Some(_), .. } | Login::Password { passcode_in_password: true, .. }
    );
    // One command opens several sessions, each with a login.
    let keep = if caches {
        "for the second session of a command the account must allow it: ALTER ACCOUNT SET ALLOW_CLIENT_MFA_CACHING = TRUE"
    } else {
        "for the second session of a command set authenticator = \"USERNAME_PASSWORD_MFA\", which the account must allow: \
         ALTER ACCOUNT SET ALLOW_CLIENT_MFA_CACHING = TRUE"
    };
    match code {
        "394508" if !given => {
            "give a current code of the authenticator app as `passcode`; in a pipeline use a key pair or a token".to_owned()
        }
        "394507" | "394508" => format!("a passcode is good once, for half a minute: give the next one; {keep}"),
        "390120" => format!("somebody or something denied it: approve the login, or give a `passcode`; {keep}"),
        "390126" => "nobody approved it in time: approve the login, or give a `passcode`".to_owned(),
        "390122" => "enrol a second factor in Snowsight first; in a pipeline use a key pair or a token".to_owned(),
        "390123" => "the second factor is locked: let an administrator unlock it".to_owned(),
        _ => "the second factor did not work: give a `passcode`; in a pipeline use a key pair or a token".to_owned(),
    }
}

/// A span of time in the unit that fits.
fn words(time: Duration) -> String {
    // A header's time has whole seconds: what is 59 minutes and 59 seconds here is an hour.
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1800) / 3600),
    }
}
