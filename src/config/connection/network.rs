//! The way to the server: proxies and authorities, from the variables that other tools read too.

use super::{
    super::{
        node::Origin,
        process::{ProcessEnv, is_undefined_reference},
    },
    Making,
    files::with_home,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    files,
    model::{
        connection::{Network, Protocol},
        secret::SecretText,
    },
};

/// Variables that name a proxy. Lower case first, as curl and Python's requests have it.
const HTTPS_PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// The same for plain HTTP.
const HTTP_PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
/// Variables that list hosts to be reached without a proxy.
const NO_PROXIES: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// Variables that name a file of authorities, in the order of Snowflake's Python connector.
const AUTHORITIES: [&str; 2] = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];

/// All of them, for the test of the reference.
#[cfg(test)]
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    HTTPS_PROXIES.into_iter().chain(HTTP_PROXIES).chain(NO_PROXIES).chain(AUTHORITIES)
}

fn proxies(protocol: Option<Protocol>) -> &'static [&'static str] {
    if protocol == Some(Protocol::Http) { &HTTP_PROXIES } else { &HTTPS_PROXIES }
}

/// The way to an endpoint.
pub(super) fn network(making: &mut Making<'_>, protocol: Option<Protocol>) -> Network {
    let process = &making.inputs.process;
    let proxy = process.first(proxies(protocol)).map(|(name, text)| (name, text.to_owned()));
    let no_proxy = process.first(&NO_PROXIES).map(|(_, text)| text.to_owned());
    let authorities = process.first(&AUTHORITIES).map(|(name, text)| (name, text.to_owned()));
    let mut network = Network { no_proxy, ..Network::default() };
    if let Some((name, text)) = proxy {
        match proxy_address(&text) {
            Ok(address) => network.proxy = Some(SecretText::new(address)),
            Err(why) => {
                let finding = Diagnostic::error(Code::InvalidConnection, format!("{name} {why}"));
                making.check.findings.push(
                    finding.hint("write http://proxy.example.com:8080, with user:password@ before the name if it wants them"),
                );
            }
        }
    }
    if let Some((name, text)) = authorities {
        let path = making.inputs.directory.join(with_home(making.inputs, &text));
        if files::exists(&path) && !files::is_folder(&path) {
            network.extra_authorities = Some(path);
        } else {
            let message = format!("{name} names {path}, and there is no such file");
            let finding = Diagnostic::error(Code::InvalidConnection, message)
                .hint("name a PEM file with the certificates of your authorities, or take the variable away");
            making.check.findings.push(finding);
        }
    }
    network
}

/// What is in effect, and the variable that said so. User and password of a proxy are left out.
pub(in crate::config) fn rows(
    process: &ProcessEnv,
    network: &Network,
    protocol: Protocol,
) -> Vec<(&'static str, String, Origin)> {
    let proxy = network.proxy.as_ref().map(|proxy| {
        let text = proxy.expose();
        match (text.split_once("://"), text.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
            _ => text.to_owned(),
        }
    });
    let rows = [
        ("proxy", proxy, process.first(proxies(Some(protocol)))),
        ("no_proxy", network.no_proxy.clone(), process.first(&NO_PROXIES)),
        (
            "authorities",
            network.extra_authorities.as_ref().map(ToString::to_string),
            process.first(&AUTHORITIES),
        ),
    ];
    rows.into_iter()
        .filter_map(|(key, value, variable)| Some((key, value?, Origin::Variable(variable?.0.to_owned()))))
        .collect()
}

/// The address of a proxy with its scheme. What is wrong never says the text, which may hold a password.
fn proxy_address(text: &str) -> Result<String, String> {
    if is_undefined_reference(text) {
        return Err(format!("holds `{text}`, the text of a pipeline variable that is not defined"));
    }
    match text.split_once("://") {
        None => Ok(format!("http://{text}")),
        Some(("http" | "https", rest)) if !rest.is_empty() => Ok(text.to_owned()),
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Err(format!("names a proxy of the kind {scheme}, and snowops knows http and https"))
        }
        Some(_) => Err("names no proxy".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_http_ones() {
        for (text, expected) in [
            ("http://proxy:8080", Ok("http://proxy:8080")),
            ("https://u:p@proxy:8080", Ok("https://u:p@proxy:8080")),
            ("proxy:8080", Ok("http://proxy:8080")),
            (
                "socks5://proxy:1080",
                Err("names a proxy of the kind socks5, and snowops knows http and https"),
            ),
            ("http://", Err("names a proxy of the kind http, and snowops knows http and https")),
            ("u:secret@x://y", Err("names no proxy")),
            ("$(proxy)", Err("holds `$(proxy)`, the text of a pipeline variable that is not defined")),
        ] {
            assert_eq!(proxy_address(text).as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
