use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use camino::Utf8PathBuf;

use super::*;

fn target() -> LoginTarget {
    let wall = Duration::from_secs(1_700_000_000);
    LoginTarget {
        account: "org-acc".into(),
        user: Some("deploy".into()),
        now: Instants { mono: Duration::ZERO, wall },
    }
}

fn secret(text: &str) -> SecretText {
    SecretText::new(text)
}

fn token(kind: TokenKind, token: Material) -> Login {
    Login::Token { kind, token }
}

fn key(key: Material) -> Login {
    Login::KeyPair { key, passphrase: None }
}

fn password(text: &str) -> Login {
    Login::Password {
        password: secret(text),
        passcode: None,
        passcode_in_password: false,
        cache_second_factor: true,
    }
}

fn fails(login: Login) -> String {
    Configured::new(login).make(&target()).unwrap_err()
}

/// A file with these permissions. The umask does not matter, and it holds for root too: the bits are looked at.
fn file(folder: &tempfile::TempDir, text: &[u8], mode: u32) -> Utf8PathBuf {
    let path = Utf8PathBuf::from_path_buf(folder.path().join(format!("secret{mode:o}"))).unwrap();
    crate::files::create_new(&path, text).unwrap();
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&path, permissions).unwrap();
    path
}

#[test]
fn texts_and_files_are_read_at_each_login() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, b" tok-1 \n", 0o600);
    let source = Configured::new(token(TokenKind::OAuth, Material::File(path.clone())));
    assert_eq!(source.make(&target()), Ok(Credential::Token(TokenKind::OAuth, secret("tok-1"))));
    crate::files::write_atomic(&path, b"tok-2").unwrap();
    assert_eq!(source.make(&target()), Ok(Credential::Token(TokenKind::OAuth, secret("tok-2"))));
    let pat = token(TokenKind::ProgrammaticAccess, Material::Text(secret("tok-3")));
    assert_eq!(
        Configured::new(pat).make(&target()),
        Ok(Credential::Token(TokenKind::ProgrammaticAccess, secret("tok-3")))
    );
}

#[test]
fn a_key_file_gives_a_token_and_its_fingerprint_can_be_told() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/session/keys/aes256.p8");
    let pem = crate::files::read_text(Utf8Path::new(golden)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, pem.as_bytes(), 0o640);
    for key in [Material::File(path), Material::Text(secret(&pem))] {
        let source = Configured::new(Login::KeyPair { key, passphrase: Some(secret("tuna-salad")) });
        assert_eq!(source.describe(), "a key pair");
        let Ok(Credential::KeyPair(jwt)) = source.make(&target()) else { panic!("no token") };
        assert_eq!(jwt.expose().split('.').count(), 3);
        assert!(source.describe().contains("public key SHA256:"), "{}", source.describe());
        let nobody = LoginTarget { user: None, ..target() };
        assert_eq!(source.make(&nobody).unwrap_err(), "a key pair login needs a user");
    }
}

#[test]
fn a_missing_empty_or_changeable_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Utf8PathBuf::from("/no/such/key.p8");
    let error = fails(key(Material::File(missing)));
    assert!(error.contains("'/no/such/key.p8'") && error.contains("no such file"), "{error}");
    for mode in [0o620, 0o602, 0o666] {
        let error = fails(token(TokenKind::OAuth, Material::File(file(&folder, b"tok-canary", mode))));
        assert!(error.contains("other users") && error.contains("chmod 600"), "{mode:o}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
    for (text, mode, why) in [(&b" \n"[..], 0o400, "is empty"), (b"a\nb", 0o440, "several lines")] {
        let error = fails(token(TokenKind::OAuth, Material::File(file(&folder, text, mode))));
        assert!(error.contains(why), "{error}");
    }
    let error = fails(token(TokenKind::OAuth, Material::File(file(&folder, b"\xFF\xFE", 0o600))));
    assert!(error.contains("is no text"), "{error}");
}

#[test]
fn a_pipeline_variable_without_a_value_is_refused() {
    for login in [
        password("$(SNOWFLAKE_PASSWORD)"),
        token(TokenKind::OAuth, Material::Text(secret(" $(TOKEN) "))),
        token(TokenKind::OAuth, Material::File("$(token.secureFilePath)".into())),
        key(Material::Text(secret("$(KEY)"))),
        Login::KeyPair { key: Material::Text(secret("x")), passphrase: Some(secret("$(PHRASE)")) },
    ] {
        let error = fails(login);
        assert!(error.contains("no variable of that name"), "{error}");
    }
    // Any other password is nobody's business.
    for fine in ["$()", "$(a", "a$(b)", "$(a)b"] {
        assert!(Configured::new(password(fine)).make(&target()).is_ok(), "{fine}");
    }
}

#[test]
fn the_second_factors_token_is_kept_for_the_next_login() {
    let source = Configured::new(password("pw"));
    let factor = || match source.make(&target()) {
        Ok(Credential::Password { second_factor, .. }) => second_factor,
        other => panic!("{other:?}"),
    };
    assert_eq!(factor(), SecondFactor::Wanted);
    source.second_factor(Some(secret("mfa")));
    assert_eq!(factor(), SecondFactor::Cached(secret("mfa")));
    source.second_factor(None);
    assert_eq!(factor(), SecondFactor::Wanted);
}

#[test]
fn nothing_secret_prints() {
    let login = password("canary-1");
    let credential = Configured::new(login.clone()).make(&target()).unwrap();
    assert!(!format!("{login:?} {credential:?}").contains("canary"));
}
