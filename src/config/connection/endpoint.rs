//! Where the server of an account is.

use std::net::{IpAddr, Ipv6Addr};

use super::Making;
use crate::{
    diagnostic::{Code, Diagnostic},
    model::connection::{Endpoint, Protocol},
};

/// The server of the connection: `host` where it is given, else the host of its account.
pub(super) fn endpoint(making: &mut Making<'_>) -> Option<Endpoint> {
    let protocol = protocol(making);
    let host = host(making);
    let port = port(making, protocol);
    let endpoint = Endpoint { protocol: protocol?, host: host?, port: port? };
    if endpoint.protocol == Protocol::Http && !is_loopback(&endpoint.host) {
        let message = format!("`protocol` is http, and {} is another machine", endpoint.host);
        let finding = Diagnostic::error(Code::InvalidConnection, message).hint(
            "write https, or remove the key: credentials are sent, and plain http is for servers on this machine only",
        );
        making.at("protocol", finding);
        return None;
    }
    Some(endpoint)
}

fn protocol(making: &mut Making<'_>) -> Option<Protocol> {
    match making.text("protocol").map(|text| text.to_ascii_lowercase()).as_deref() {
        None | Some("https") => Some(Protocol::Https),
        Some("http") => Some(Protocol::Http),
        Some(other) => {
            let message = format!("`protocol` is http or https, not `{other}`");
            making.at(
                "protocol",
                Diagnostic::error(Code::InvalidValue, message).hint("remove the key for https"),
            );
            None
        }
    }
}

fn port(making: &mut Making<'_>, protocol: Option<Protocol>) -> Option<u16> {
    let Some(text) = making.text("port") else {
        return Some(if protocol == Some(Protocol::Http) { 80 } else { 443 });
    };
    let port = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    if port.is_none() {
        let finding = Diagnostic::error(Code::InvalidValue, format!("`port` is `{text}`, and no port"));
        making.at("port", finding.hint("give a number from 1 to 65535, or remove the key"));
    }
    port
}

fn host(making: &mut Making<'_>) -> Option<String> {
    if let Some(text) = making.text("host") {
        let host = host_name(&text);
        if host.is_none() {
            let message = format!("`host` is `{text}`, and no name of a host");
            let finding = Diagnostic::error(Code::InvalidValue, message)
                .hint("give the name alone, myorg-myaccount.privatelink.snowflakecomputing.com; `protocol` and `port` are keys of their own");
            making.at("host", finding);
        }
        return host;
    }
    let account = making.text("account")?;
    let host = host_of(&account, making.text("region").as_deref());
    if host.is_none() {
        let message = format!("`account` is `{account}`, and no account identifier");
        let hint = if account.contains("snowflakecomputing.") {
            "give the part before .snowflakecomputing.com, without https://"
        } else {
            "give the organization's and the account's name, `myorg-myaccount`, or a locator with its region, `xy12345.west-europe.azure`"
        };
        making.at("account", Diagnostic::error(Code::InvalidValue, message).hint(hint));
    }
    host
}

/// A host as a URL takes it: an IPv6 address in brackets.
fn host_name(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("[{bare}]"));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_ascii_lowercase())
}

/// The host of an account, as the Python connector's `construct_hostname` builds it, with the underscores of an account
/// name as hyphens: a certificate's wildcard and some resolvers want it so
/// (<https://docs.snowflake.com/en/user-guide/admin-account-identifier>).
fn host_of(account: &str, region: Option<&str>) -> Option<String> {
    let fits = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let account = account.trim().to_ascii_lowercase();
    if account.contains("snowflakecomputing") || !account.split('.').all(fits) {
        return None;
    }
    // The connector's own exception: the oldest region has no part in names.
    let region = region.map(str::trim).filter(|region| !region.is_empty() && *region != "us-west-2");
    let mut labels: Vec<&str> = account.split('.').collect();
    if let Some(region) = region {
        labels.truncate(1);
        if !region.split('.').all(fits) {
            return None;
        }
        labels.extend(region.split('.'));
    }
    let china = labels.iter().skip(1).any(|label| label.to_ascii_lowercase().starts_with("cn-"));
    let name = labels.join(".").to_ascii_lowercase().replace('_', "-");
    Some(format!("{name}.snowflakecomputing.{}", if china { "cn" } else { "com" }))
}

/// Whether a host is this machine.
pub(in crate::config) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_hosts() {
        for (account, region, host) in [
            ("myorg-myaccount", None, Some("myorg-myaccount.snowflakecomputing.com")),
            ("MYORG-My_Account", None, Some("myorg-my-account.snowflakecomputing.com")),
            ("xy12345", None, Some("xy12345.snowflakecomputing.com")),
            ("xy12345.west-europe.azure", None, Some("xy12345.west-europe.azure.snowflakecomputing.com")),
            ("xy12345", Some("west-europe.azure"), Some("xy12345.west-europe.azure.snowflakecomputing.com")),
            ("xy12345.eu-west-1", Some("us-west-2"), Some("xy12345.eu-west-1.snowflakecomputing.com")),
            ("xy12345.old", Some("eu-west-1"), Some("xy12345.eu-west-1.snowflakecomputing.com")),
            ("myorg-acct.privatelink", None, Some("myorg-acct.privatelink.snowflakecomputing.com")),
            (
                "xy12345.west-europe.privatelink",
                None,
                Some("xy12345.west-europe.privatelink.snowflakecomputing.com"),
            ),
            ("xy12345.cn-northwest-1.aws", None, Some("xy12345.cn-northwest-1.aws.snowflakecomputing.cn")),
            ("xy12345", Some("cn-northwest-1"), Some("xy12345.cn-northwest-1.snowflakecomputing.cn")),
            ("https://myorg-a.snowflakecomputing.com", None, None),
            ("myorg-a.snowflakecomputing.com", None, None),
            ("my org", None, None),
            ("a..b", None, None),
            ("a/b", None, None),
            ("", None, None),
            ("a", Some("x y"), None),
        ] {
            assert_eq!(host_of(account, region).as_deref(), host, "{account} {region:?}");
        }
    }

    #[test]
    fn hosts_are_names_and_addresses_alone() {
        for (text, host) in [
            ("Localhost", Some("localhost")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("::1", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("acct.privatelink.snowflakecomputing.com", Some("acct.privatelink.snowflakecomputing.com")),
            ("https://acct.snowflakecomputing.com", None),
            ("localhost:8080", None),
            ("host/path", None),
            ("user@host", None),
            ("", None),
        ] {
            assert_eq!(host_name(text).as_deref(), host, "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.com", "10.0.0.1", "0.0.0.0", "acct.snowflakecomputing.com", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
