//! How to reach a Snowflake account and log in: plain values, made by the configuration and used by sessions.
//!
//! Names of keys and their meaning are those of the Snowflake CLI's `connections.toml`.

use camino::Utf8PathBuf;

use super::secret::SecretText;

/// One account, one user, one way to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// What messages call it behind the word "connection": its name in quotes, or where its settings come from.
    pub label: String,
    /// The account as given: `org-account`, or a locator with its region.
    pub account: String,
    /// Login name. Tokens of some kinds tell it by themselves.
    pub user: Option<String>,
    /// Where the server is.
    pub endpoint: Endpoint,
    /// The way there.
    pub network: Network,
    /// How to log in.
    pub login: Login,
}

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Plain HTTP is for servers on this machine.
    pub protocol: Protocol,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl Protocol {
    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The way to the server. Values that the process environment gives, since only the configuration reads that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Proxy for this endpoint, with user and password if it wants them.
    pub proxy: Option<SecretText>,
    /// Hosts that are reached without the proxy, as in `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// A file with certificates of authorities to trust besides the system's.
    pub extra_authorities: Option<Utf8PathBuf>,
}

/// How to log in. A credential is made of it anew for every login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Password, with a second factor if the account wants one.
    Password {
        /// The password.
        password: SecretText,
        /// The passcode of an authenticator app.
        passcode: Option<SecretText>,
        /// Whether the passcode stands at the end of the password.
        passcode_in_password: bool,
        /// Whether to ask for a token that spares the second factor at the next login (`USERNAME_PASSWORD_MFA`).
        cache_second_factor: bool,
    },
    /// Key pair.
    KeyPair {
        /// The private key, PKCS#8 as PEM or DER, plain or encrypted.
        key: Material,
        /// The key's passphrase.
        passphrase: Option<SecretText>,
    },
    /// A token that somebody else issued.
    Token {
        /// What it is.
        kind: TokenKind,
        /// Where it is.
        token: Material,
    },
}

/// Kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `PROGRAMMATIC_ACCESS_TOKEN`.
    ProgrammaticAccess,
    /// `OAUTH`.
    OAuth,
}

/// A secret in a file, which is read at each login, or as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// Path of the file.
    File(Utf8PathBuf),
    /// The text.
    Text(SecretText),
}
