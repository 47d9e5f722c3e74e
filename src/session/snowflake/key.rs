//! Private keys and the token that a key pair login sends.
//!
//! What Snowflake's page on key pairs tells users to make is read: PKCS#8, plain or encrypted (PBES2, 3DES included,
//! with SHA-1 or SHA-2 as its PRF), as PEM or DER. Anything else is refused with the line of `openssl` that mends it.

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use pkcs8::{EncryptedPrivateKeyInfoRef, pkcs5};

use crate::model::secret::SecretText;

/// How long the token is good for. It is used at once; the rest is for clocks that differ.
const LIFE: u64 = 10 * 60;

/// Snowflake asks for at least this many bits.
const LEAST_BITS: usize = 2048;

/// A key for RS256.
pub(super) struct PrivateKey {
    pair: KeyPair,
    fingerprint: String,
}

/// Why a key cannot be used. `place` is the file or whatever holds it.
fn mend(place: &str, why: &str) -> String {
    format!(
        "the private key {place} cannot be used: {why}; this makes a key that can: \
         openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.p8 -out NEW.p8"
    )
}

impl PrivateKey {
    /// Reads a key. `place` says in messages where it is.
    pub(super) fn read(bytes: &[u8], passphrase: Option<&SecretText>, place: &str) -> Result<Self, String> {
        let document = if bytes.windows(11).any(|window| window == b"-----BEGIN ") {
            pem(&String::from_utf8_lossy(bytes), place)?
        } else {
            bare(bytes, place)?
        };
        let encrypted = match document.label {
            Some(Label::Plain) => false,
            Some(Label::Encrypted) => true,
            None => EncryptedPrivateKeyInfoRef::try_from(document.der.as_slice()).is_ok(),
        };
        let pair = if encrypted {
            let der = decrypt(&document.der, passphrase, place)?;
            KeyPair::from_pkcs8(&der)
        } else {
            KeyPair::from_pkcs8(&document.der)
        };
        let pair = pair.map_err(|error| {
            // The library's names: `TooSmall`, `InvalidEncoding`, `WrongAlgorithm`, ...
            match error.to_string().as_str() {
                "TooSmall" => too_short(place),
                _ => mend(place, "it is no RSA key in PKCS#8"),
            }
        })?;
        if pair.public_modulus_len() * 8 < LEAST_BITS {
            return Err(too_short(place));
        }
        let public: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| mend(place, "its public key cannot be told"))?;
        let fingerprint = format!("SHA256:{}", BASE64_STANDARD.encode(digest(&SHA256, public.as_ref())));
        Ok(Self { pair, fingerprint })
    }

    /// As `DESC USER` shows it in `RSA_PUBLIC_KEY_FP`.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The token for a login, issued at `now`, in seconds since 1970.
    pub(super) fn token(&self, account: &str, user: &str, now: u64) -> Result<SecretText, String> {
        let subject = format!("{}.{}", account_label(account), user.to_uppercase());
        let claims = serde_json::json!({
            "iss": format!("{subject}.{}", self.fingerprint),
            "sub": subject,
            "iat": now,
            "exp": now + LIFE,
        });
        let header = BASE64_URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        let message = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| "the login token could not be signed".to_owned())?;
        Ok(SecretText::new(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }
}

/// The account as its tokens name it: without region and cloud, upper case. `.global` accounts lose what follows the
/// first hyphen (`snowflake-connector-python`, `auth/keypair.py`).
pub(super) fn account_label(account: &str) -> String {
    let end = if account.contains(".global") { '-' } else { '.' };
    account.split(end).next().unwrap_or(account).to_uppercase()
}

fn too_short(place: &str) -> String {
    format!(
        "the private key {place} has less than {LEAST_BITS} bits, which Snowflake refuses; make a new one: \
         openssl genrsa 4096 | openssl pkcs8 -topk8 -v2 aes-256-cbc -out NEW.p8"
    )
}

fn decrypt(der: &[u8], passphrase: Option<&SecretText>, place: &str) -> Result<Vec<u8>, String> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| mend(place, "its encryption is older than PBES2, or it is damaged"))?;
    let Some(passphrase) = passphrase else {
        return Err(format!(
            "the private key {place} is encrypted, and there is no passphrase: set private_key_passphrase of the \
             connection, or PRIVATE_KEY_PASSPHRASE in the environment"
        ));
    };
    if info.encryption_algorithm.pbes2().is_none() {
        return Err(mend(place, "its encryption is older than PBES2"));
    }
    match info.decrypt(passphrase.expose()) {
        Ok(document) => Ok(document.as_bytes().to_vec()),
        Err(pkcs8::Error::EncryptedPrivateKey(
            pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs5::Error::AlgorithmParametersInvalid { .. },
        )) => Err(mend(place, "it is encrypted in a way that is not known here")),
        Err(_) => Err(format!(
            "the private key {place} does not open: the passphrase is wrong; it comes from private_key_passphrase of the \
             connection, or from PRIVATE_KEY_PASSPHRASE in the environment"
        )),
    }
}

enum Label {
    Plain,
    Encrypted,
}

struct Document {
    /// What a PEM says that it is; DER says nothing.
    label: Option<Label>,
    der: Vec<u8>,
}

/// A key in PEM. Pipelines lose line ends of variables, or turn them into `\n`: both are read.
fn pem(text: &str, place: &str) -> Result<Document, String> {
    let damaged = || mend(place, "its PEM is damaged");
    let (_, after) = text.split_once("-----BEGIN ").ok_or_else(damaged)?;
    let (label, after) = after.split_once("-----").ok_or_else(damaged)?;
    let (body, _) = after.split_once("-----END ").ok_or_else(damaged)?;
    let label = match label {
        "PRIVATE KEY" => Label::Plain,
        "ENCRYPTED PRIVATE KEY" => Label::Encrypted,
        "RSA PRIVATE KEY" => {
            return Err(mend(place, "it is in the old form 'RSA PRIVATE KEY', not in PKCS#8"));
        }
        "PUBLIC KEY" | "CERTIFICATE" => {
            return Err(format!(
                "the private key {place} cannot be used: it is the public part; give the other file of the pair"
            ));
        }
        _ => return Err(mend(place, "it is no RSA key in PKCS#8")),
    };
    let body = body.replace("\\r", "").replace("\\n", "");
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = BASE64_STANDARD.decode(body).map_err(|_| damaged())?;
    Ok(Document { label: Some(label), der })
}

/// A key without PEM's frame: DER, or DER in base64.
fn bare(bytes: &[u8], place: &str) -> Result<Document, String> {
    /// `SEQUENCE`, which every key begins with.
    const SEQUENCE: u8 = 0x30;
    if bytes.first() == Some(&SEQUENCE) && std::str::from_utf8(bytes).is_err() {
        return Ok(Document { label: None, der: bytes.to_vec() });
    }
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match BASE64_STANDARD.decode(text) {
        Ok(der) if der.first() == Some(&SEQUENCE) => Ok(Document { label: None, der }),
        _ => Err(format!(
            "the private key {place} cannot be used: it is no key in PEM or DER; check the path, or what the variable holds"
        )),
    }
}

#[cfg(test)]
mod tests;
