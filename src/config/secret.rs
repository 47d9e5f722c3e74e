//! Values that must not be seen, and how they are told from others.

use super::process::{ProcessEnv, is_undefined_reference};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::secret::SecretText,
};

/// What `env_var()` finds under a listed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// A value that may be seen.
    Text(String),
    /// A value that may not.
    Secret(SecretText),
    /// The name is listed and the process has no such variable. An error only when a script uses it.
    Missing {
        /// Whether it would be a secret.
        secret: bool,
    },
}

/// Whether a variable's name says that its value is a secret.
pub(super) fn name_is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["PASS", "PWD", "SECRET", "TOKEN", "KEY"].iter().any(|word| upper.contains(word))
}

/// Keys that hold a credential at the Snowflake CLI and its drivers. None may stand in a committed file.
pub(super) const LITERAL_KEYS: [&str; 12] = [
    "password",
    "passcode",
    "passphrase",
    "private_key",
    "private_key_raw",
    "private_key_passphrase",
    "private_key_file_pwd",
    "token",
    "session_token",
    "master_token",
    "oauth_client_secret",
    "secret",
];

/// Shorter values would be found, and masked, in the middle of ordinary words.
pub(super) const SHORTEST: usize = 6;

/// The secret in a variable, or `None` where there is none. An unusable one is a finding without a place.
pub(super) fn read(process: &ProcessEnv, name: &str) -> Result<Option<SecretText>, Box<Diagnostic>> {
    let Some(value) = process.filled(name) else { return Ok(None) };
    let refused = |message: String, hint: &str| {
        Err(Box::new(Diagnostic::error(Code::InvalidSecret, message).hint(hint)))
    };
    if is_undefined_reference(value) {
        return refused(
            format!(
                "the secret `{name}` holds `{value}`, the text of a pipeline variable that is not defined"
            ),
            "define the variable in the pipeline, or correct its name in the step's `env:` map",
        );
    }
    if value.chars().count() < SHORTEST {
        return refused(
            format!("the secret `{name}` has fewer than {SHORTEST} characters"),
            "so short a value cannot be masked in output; use a longer one, or write `{name: .., secret: false}` \
             under `env` if it is no secret",
        );
    }
    Ok(Some(SecretText::new(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = SecretText::new("correct horse");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", EnvValue::Secret(secret.clone())),
            "*** *** Secret(***)"
        );
        assert_eq!(secret.expose(), "correct horse");
    }

    #[test]
    fn names_tell_secrets() {
        for name in ["DB_PASSWORD", "db_pwd", "ClientSecret", "SAS_TOKEN", "API_KEY", "PASSPHRASE"] {
            assert!(name_is_secret(name), "{name}");
        }
        for name in ["BUILD_BUILDID", "REGION", "USER"] {
            assert!(!name_is_secret(name), "{name}");
        }
    }

    #[test]
    fn short_and_undefined_secrets_are_refused_and_a_missing_one_is_not() {
        let process = ProcessEnv::of([("A", "12345"), ("B", "$(db.password)"), ("C", "123456"), ("D", "")]);
        assert_eq!(read(&process, "C"), Ok(Some(SecretText::new("123456"))));
        assert_eq!(read(&process, "D"), Ok(None));
        assert_eq!(read(&process, "E"), Ok(None));
        let message = |name| read(&process, name).unwrap_err().message;
        assert_eq!(message("A"), "the secret `A` has fewer than 6 characters");
        assert!(message("B").contains("not defined"), "{}", message("B"));
    }
}
