//! The token of a key pair login: claims and signature, as Snowflake's page on key-pair authentication has them.

use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// How far the time of issue may be off.
const SKEW: Duration = Duration::from_mins(1);

/// Longest life that counts.
const LONGEST: Duration = Duration::from_hours(1);

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: f64,
    exp: f64,
}

/// A token that could be read.
pub(crate) struct Token {
    claims: Claims,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Token {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (signed, seal) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.alg != "RS256" {
            return None;
        }
        Some(Self {
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            signed: signed.as_bytes().to_vec(),
            signature: decode(seal)?,
        })
    }

    /// Whether it proves that its bearer is this user, whose registered key this is.
    pub(crate) fn proves(&self, account: &str, user: &str, key: &[u8], now: Duration) -> bool {
        let fingerprint = STANDARD.encode(Sha256::digest(key));
        let subject = format!("{}.{}", account.to_ascii_uppercase(), user.to_ascii_uppercase());
        let issuer = format!("{subject}.SHA256:{fingerprint}");
        let now = now.as_secs_f64();
        let (born, ends) = (self.claims.iat, self.claims.exp);
        self.claims.sub == subject
            && self.claims.iss == issuer
            && born <= now + SKEW.as_secs_f64()
            && now < ends.min(born + LONGEST.as_secs_f64())
            && UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(&self.signed, &self.signature)
                .is_ok()
    }
}
