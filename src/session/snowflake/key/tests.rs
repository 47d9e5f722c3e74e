use std::process::{Command, Stdio};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use camino::Utf8PathBuf;
use proptest::prelude::*;

use super::*;

/// Keys that `openssl` 3.0 made, all of one RSA pair of 2048 bits but `short` and `ec`; passphrase `tuna-salad`.
fn folder() -> Utf8PathBuf {
    Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/session/keys"))
}

fn bytes(name: &str) -> Vec<u8> {
    crate::files::read_bytes(&folder().join(name)).unwrap()
}

fn phrase(text: &str) -> SecretText {
    SecretText::new(text)
}

fn read(name: &str, passphrase: Option<&str>) -> Result<PrivateKey, String> {
    PrivateKey::read(&bytes(name), passphrase.map(phrase).as_ref(), &format!("in '{name}'"))
}

/// `openssl pkey -in plain.p8 -pubout -outform DER | openssl dgst -sha256 -binary | base64`
const FINGERPRINT: &str = "SHA256:atl6z1qjo90ZP+jvMSugCGcMbnta7d3tTnkaLQRH0hM=";

#[test]
fn every_form_that_snowflakes_page_names_is_read() {
    for (name, passphrase) in [
        ("plain.p8", None),
        ("plain.der", None),
        ("plain.p8", Some("not needed")),
        ("aes256.p8", Some("tuna-salad")),
        ("aes256.der", Some("tuna-salad")),
        ("des3.p8", Some("tuna-salad")),
        ("sha1prf.p8", Some("tuna-salad")),
        ("scrypt.p8", Some("tuna-salad")),
    ] {
        let key = read(name, passphrase).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(key.fingerprint(), FINGERPRINT, "{name}");
    }
}

#[test]
fn a_key_that_lost_its_line_ends_is_read() {
    let text = String::from_utf8(bytes("plain.p8")).unwrap();
    let body: Vec<&str> = text.lines().filter(|line| !line.contains("KEY")).collect();
    for mangled in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\\n"),
        text.replace('\n', " "),
        format!("  {text}\n\n"),
        format!("Bag Attributes\n    friendlyName: x\n{text}"),
        body.join("\n"),
        body.concat(),
    ] {
        let key = PrivateKey::read(mangled.as_bytes(), None, "here").unwrap();
        assert_eq!(key.fingerprint(), FINGERPRINT);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_the_line_that_mends_it() {
    let topk8 = "openssl pkcs8 -topk8";
    for (name, passphrase, why) in [
        ("traditional.pem", None, "'RSA PRIVATE KEY'"),
        ("traditional_encrypted.pem", Some("tuna-salad"), "'RSA PRIVATE KEY'"),
        ("pbes1.p8", Some("tuna-salad"), "older than PBES2"),
        ("ec.p8", None, "no RSA key"),
        ("short.p8", None, "less than 2048 bits"),
    ] {
        let error = read(name, passphrase).map(drop).unwrap_err();
        assert!(error.contains(why) && error.contains(topk8) && error.contains(name), "{name}: {error}");
    }
    let error = read("public.pem", None).map(drop).unwrap_err();
    assert!(error.contains("public part; give the other file"), "{error}");
    let error = read("aes256.p8", None).map(drop).unwrap_err();
    assert!(error.contains("is encrypted") && error.contains("private_key_passphrase"), "{error}");
    for name in ["aes256.p8", "des3.p8", "sha1prf.p8", "scrypt.p8"] {
        let error = read(name, Some("tuna-canary")).map(drop).unwrap_err();
        assert!(error.contains("passphrase is wrong") && !error.contains("canary"), "{name}: {error}");
    }
    for rubbish in
        [&b"hello"[..], b"", b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN PRIVATE KEY-----\n!!\n-----END "]
    {
        assert!(PrivateKey::read(rubbish, None, "here").is_err());
    }
}

#[test]
fn the_token_names_account_user_and_key_and_is_signed() {
    let key = read("plain.p8", None).unwrap();
    let token = key.token("acme-prod.eu-central-1", "deploy", 1_700_000_000).unwrap();
    let parts: Vec<&str> = token.expose().split('.').collect();
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let object = |part| serde_json::from_slice::<serde_json::Value>(&decode(part)).unwrap();
    assert_eq!(object(parts[0]), serde_json::json!({ "alg": "RS256", "typ": "JWT" }));
    assert_eq!(
        object(parts[1]),
        serde_json::json!({
            "iss": format!("ACME-PROD.DEPLOY.{FINGERPRINT}"),
            "sub": "ACME-PROD.DEPLOY",
            "iat": 1_700_000_000,
            "exp": 1_700_000_600,
        })
    );
    let message = format!("{}.{}", parts[0], parts[1]);
    let public = pem_body(&String::from_utf8(bytes("public.pem")).unwrap());
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
    public.verify(message.as_bytes(), &decode(parts[2])).unwrap();
    assert!(public.verify(b"another", &decode(parts[2])).is_err());
}

fn pem_body(text: &str) -> Vec<u8> {
    let body: String = text.lines().filter(|line| !line.contains("-----")).collect();
    BASE64_STANDARD.decode(body).unwrap()
}

/// `printf 'a.b' | openssl dgst -sha256 -sign plain.p8 | base64`: RS256 has one right answer.
#[test]
fn signatures_are_those_of_openssl() {
    const KNOWN: &str = "MoFDumYqN7bibtnDWbfgcjl/etI3e+puARB90BW73xPy9ZrBkfFf0ftYXomGZD+o+hCr161Xf9gYG1+b6jMziiPB/fn6dwFm/VuE84B7LoeqF7cWxcxV+xjOsH22UU+KAF7NChfRqi6rLVgmsNC2D78k1VUi/fN/9nuaQ53uR4zoYx8wsj1rJcE1VHDsEL7TF6vKHuuh64IH6LnSO1gLgdn50bp7yoJs5fvmeLEY8VwM8e2Sxb/9v9g7maTnjrtfVH57VvF6mLzNBFxZe5yw/6e7QYEvyw2VIsd6JVrSDDwHMN/pkgnLZ4YivOJXE2yf3iJdl16qznHR08adzw6olg==";
    let key = read("plain.p8", None).unwrap();
    let mut signature = vec![0; key.pair.public_modulus_len()];
    key.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"a.b", &mut signature).unwrap();
    assert_eq!(BASE64_STANDARD.encode(signature), KNOWN);
}

/// Where `openssl` is there, keys that it makes now are read too, with the fingerprint that it tells.
#[test]
fn keys_that_openssl_makes_now_are_read() {
    let plain = folder().join("plain.p8");
    let run = |arguments: &[&str]| {
        Command::new("openssl")
            .args(arguments)
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|o| o.status.success())
    };
    for cipher in ["aes-128-cbc", "aes-256-cbc", "des3"] {
        for prf in ["hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA512"] {
            let made = run(&[
                "pkcs8",
                "-topk8",
                "-in",
                plain.as_str(),
                "-v2",
                cipher,
                "-v2prf",
                prf,
                "-passout",
                "pass:x",
            ]);
            let Some(made) = made else { return };
            let key = PrivateKey::read(&made.stdout, Some(&phrase("x")), "here").unwrap();
            assert_eq!(key.fingerprint(), FINGERPRINT, "{cipher} {prf}");
        }
    }
}

#[test]
fn account_labels() {
    for (account, label) in [
        ("org-acc", "ORG-ACC"),
        ("ab12345", "AB12345"),
        ("ab12345.eu-central-1", "AB12345"),
        ("ab12345.west-europe.azure", "AB12345"),
        ("org-acc.privatelink", "ORG-ACC"),
        ("org-my_acc", "ORG-MY_ACC"),
        ("acme-ab12345.global", "ACME"),
    ] {
        assert_eq!(account_label(account), label, "{account}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = PrivateKey::read(&bytes, Some(&phrase("x")), "here");
    }
}
