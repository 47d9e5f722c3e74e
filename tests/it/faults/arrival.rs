//! Ways not to arrive: each has its own words, and nothing is written before.

use testkit::Proxy;

use super::*;

/// No request of the run reached the server, so nothing can be locked or half done.
#[track_caller]
fn untouched(stand: &Stand) {
    assert_eq!(stand.server.counts().total, 0);
}

#[test]
fn f5_a_host_without_an_address_is_named() {
    let stand = Stand::new(Settings::default());
    let config = stand.project.read("snowops.yml");
    let wrong = config
        .replace("host: 127.0.0.1", "host: no-such-host.invalid")
        .replace("protocol: http", "protocol: https");
    stand.project.write("snowops.yml", &wrong);
    stand.migrates(
        6,
        &[
            "error[connection_failed]: connecting to RETAIL on Snowflake failed: the login: the host name \
             'no-such-host.invalid' has no address",
            "check the network, the proxy, and the account's host",
        ],
    );
    untouched(&stand);
    // A name may be unknown for a moment; each wait is told.
    let waits = stand.waits();
    assert!(waits.len() == 3 && waits.iter().all(|wait| wait.contains("has no address")), "{waits:?}");
    stand.project.write("snowops.yml", &config);
    stand.finishes();
}

#[test]
fn f5_a_port_where_nobody_listens_is_refused() {
    let stand = Stand::new(Settings::default());
    let config = stand.project.read("snowops.yml");
    let port = stand.server.port();
    stand.project.write("snowops.yml", &config.replace(&format!("port: {port}"), "port: 1"));
    stand.migrates(6, &["the connection to 127.0.0.1 was refused", "check the network"]);
    untouched(&stand);
    stand.project.write("snowops.yml", &config);
    stand.finishes();
}

#[test]
fn f5_a_certificate_of_an_unknown_authority_is_not_trusted_and_not_tried_again() {
    let stand = Stand::new(Settings { tls: true, ..Settings::default() });
    let file = stand.project.path("ca.pem");
    // Another one of the same name.
    let other = Server::start(Settings { tls: true, ..Settings::default() }).unwrap();
    fs::write(&file, other.authority().unwrap()).unwrap();
    let arguments = ["migrate", "--create-history", "--events", "events.jsonl"];
    let trusting: &[_] = &[("SSL_CERT_FILE", "ca.pem")];
    for variables in [&[], trusting] {
        says(
            &stand.run_with(&arguments, variables),
            6,
            &[
                "error[connection_failed]",
                "TLS with 127.0.0.1 failed: the certificate's authority is not trusted here",
                "with its certificate in REQUESTS_CA_BUNDLE or SSL_CERT_FILE",
            ],
        );
        untouched(&stand);
        assert_eq!(stand.waits(), [""; 0]);
    }
    fs::write(&file, stand.server.authority().unwrap()).unwrap();
    let run = stand.run_with(&arguments, trusting);
    says(&run, 0, &["applied V1__abc.sql"]);
    assert_eq!([stand.ran(A), stand.ran(B), stand.ran(C)], [1, 1, 1]);
}

#[test]
fn f5_tls_with_a_server_that_speaks_none_names_protocol_and_port() {
    let stand = Stand::new(Settings::default());
    let config = stand.project.read("snowops.yml");
    stand.project.write("snowops.yml", &config.replace("protocol: http ", "protocol: https "));
    stand.migrates(
        6,
        &["TLS with 127.0.0.1 failed: what answered does not speak TLS; check protocol and port"],
    );
    untouched(&stand);
    stand.project.write("snowops.yml", &config);
    stand.finishes();
}

#[test]
fn f5_a_proxy_that_asks_for_a_login_says_where_to_put_it() {
    for tls in [false, true] {
        let stand = Stand::new(Settings { tls, ..Settings::default() });
        let proxy = Proxy::start(Some("me:pass word")).unwrap();
        let name = if tls { "HTTPS_PROXY" } else { "HTTP_PROXY" };
        let host = proxy.url().replace("http://", "");
        fs::write(stand.project.path("ca.pem"), stand.server.authority().unwrap_or_default()).unwrap();
        let migrate = |address: &str| {
            let mut variables = vec![(name, address)];
            variables.extend(tls.then_some(("SSL_CERT_FILE", "ca.pem")));
            stand.run_with(&["migrate", "--create-history", "--events", "events.jsonl"], &variables)
        };
        let run = migrate(&format!("http://me:wrong-word@{host}"));
        says(
            &run,
            6,
            &[
                "error[connection_failed]",
                "the proxy asks for a login (HTTP 407): put user and password into the proxy's address",
            ],
        );
        assert!(!run.all().contains("wrong-word"), "{}", run.all());
        untouched(&stand);
        assert_eq!(
            (stand.waits().len(), proxy.log().len()),
            (0, 1),
            "a wrong login does not pass by waiting"
        );
        let run = migrate(&format!("http://me:pass%20word@{host}"));
        says(&run, 0, &["applied V1__abc.sql"]);
        assert!(proxy.log().iter().skip(1).all(|passed| passed.status == 200 && passed.tunnel == tls));
        assert_eq!([stand.ran(A), stand.ran(B), stand.ran(C)], [1, 1, 1]);
    }
}
