//! The keys of a connection at the Snowflake CLI and its Python connector, and what snowops does with each.

/// What snowops does with a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It counts.
    Read,
    /// It counts, and nobody may see it.
    ReadSecret,
    /// It has no meaning here, or none yet: accepted in silence, since the file is shared with other tools.
    Ignored,
    /// The same, and nobody may see it.
    IgnoredSecret,
    /// A setting that other tools obey and whose absence would be noticed: proxies, which snowops takes from variables.
    Elsewhere,
}

use Use::{Elsewhere, Ignored, IgnoredSecret, Read, ReadSecret};

/// All of them: keys of the Snowflake CLI's `SNOWFLAKE_*` variables and options, and the connector's arguments, which
/// may stand in its files (<https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api>).
/// Where two keys mean one thing, the one that wins stands first.
const KNOWN: &[(&str, Use)] = &[
    ("account", Read),
    ("region", Read),
    ("user", Read),
    ("host", Read),
    ("port", Read),
    ("protocol", Read),
    ("authenticator", Read),
    ("private_key_file", Read),
    ("private_key_path", Read),
    ("private_key_raw", ReadSecret),
    ("private_key_passphrase", ReadSecret),
    ("private_key_file_pwd", ReadSecret),
    ("token_file_path", Read),
    ("token", ReadSecret),
    ("password", ReadSecret),
    ("passcode", ReadSecret),
    ("passcode_in_password", Read),
    ("client_request_mfa_token", Read),
    ("role", Read),
    ("warehouse", Read),
    ("database", Read),
    ("schema", Read),
    ("proxy_host", Elsewhere),
    ("proxy_port", Elsewhere),
    ("proxy_user", Elsewhere),
    ("proxy_password", IgnoredSecret),
    ("no_proxy", Elsewhere),
    ("private_key", IgnoredSecret),
    ("session_token", IgnoredSecret),
    ("master_token", IgnoredSecret),
    ("id_token", IgnoredSecret),
    ("mfa_token", IgnoredSecret),
    ("oauth_client_secret", IgnoredSecret),
    ("oauth_client_id", Ignored),
    ("oauth_authorization_url", Ignored),
    ("oauth_token_request_url", Ignored),
    ("oauth_redirect_uri", Ignored),
    ("oauth_socket_uri", Ignored),
    ("oauth_scope", Ignored),
    ("oauth_disable_pkce", Ignored),
    ("oauth_enable_pkce", Ignored),
    ("oauth_enable_refresh_tokens", Ignored),
    ("oauth_enable_single_use_refresh_tokens", Ignored),
    ("oauth_security_features", Ignored),
    ("workload_identity_provider", Ignored),
    ("workload_identity_entra_resource", Ignored),
    ("workload_identity_impersonation_path", Ignored),
    ("workload_identity_host", Ignored),
    ("application", Ignored),
    ("arrow_number_to_decimal", Ignored),
    ("autocommit", Ignored),
    ("client_prefetch_threads", Ignored),
    ("client_session_keep_alive", Ignored),
    ("client_session_keep_alive_heartbeat_frequency", Ignored),
    ("client_store_temporary_credential", Ignored),
    ("consent_cache_id_token", Ignored),
    ("converter_class", Ignored),
    ("disable_console_login", Ignored),
    ("disable_ocsp_checks", Ignored),
    ("enable_connection_diag", Ignored),
    ("connection_diag_log_path", Ignored),
    ("connection_diag_allowlist_path", Ignored),
    ("external_browser_timeout", Ignored),
    ("insecure_mode", Ignored),
    ("is_pyformat", Ignored),
    ("login_timeout", Ignored),
    ("network_timeout", Ignored),
    ("socket_timeout", Ignored),
    ("numpy", Ignored),
    ("ocsp_fail_open", Ignored),
    ("ocsp_response_cache_filename", Ignored),
    ("ocsp_root_certs_dict_lock_timeout", Ignored),
    ("paramstyle", Ignored),
    ("query_tag", Ignored),
    ("reauthenticate", Ignored),
    ("secondary_roles", Ignored),
    ("server_session_keep_alive", Ignored),
    ("session_parameters", Ignored),
    ("support_negative_year", Ignored),
    ("timezone", Ignored),
    ("validate_default_parameters", Ignored),
];

fn use_of(key: &str) -> Option<Use> {
    KNOWN.iter().find(|(name, _)| *name == key).map(|(_, used)| *used)
}

/// Keys that count, and of those that mean one thing the winning one first.
pub(super) fn read() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(|(_, used)| matches!(used, Read | ReadSecret)).map(|(name, _)| *name)
}

/// All keys, for suggestions.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// Keys that may stand in `snowops.yml`: those that hold no secret and are not for variables.
pub(in crate::config) fn inline() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(|(_, used)| matches!(used, Read | Ignored)).map(|(name, _)| *name)
}

/// Whether a key holds a secret.
pub(in crate::config) fn is_secret(key: &str) -> bool {
    matches!(use_of(key), Some(ReadSecret | IgnoredSecret))
}

/// Whether a key is known at all.
pub(super) fn is_known(key: &str) -> bool {
    use_of(key).is_some()
}

/// Whether a key says what snowops takes from variables alone.
pub(super) fn is_elsewhere(key: &str) -> bool {
    use_of(key) == Some(Elsewhere)
}

/// The name under which a key counts (the CLI's alias, and the connector's word for the CLI's key).
pub(super) fn canonical(key: &'static str) -> &'static str {
    match key {
        "private_key_path" => "private_key_file",
        "private_key_file_pwd" => "private_key_passphrase",
        other => other,
    }
}

/// Keys of one slot stand for one another: a stronger layer's key file takes the place of a weaker layer's key text.
pub(super) fn slot(key: &'static str) -> &'static str {
    match canonical(key) {
        "private_key_raw" => "private_key_file",
        "token" => "token_file_path",
        other => other,
    }
}
