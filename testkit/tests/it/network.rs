//! TLS and proxies.

use testkit::{Proxy, Server, Settings};

#[tokio::test]
async fn tls_by_an_authority_that_must_be_trusted() {
    let server = Server::start(Settings { tls: true, ..Settings::default() }).unwrap();
    let url = format!("{}/session/heartbeat", server.url());
    let nobody = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    assert!(nobody.post(&url).send().await.is_err());
    let authority = reqwest::Certificate::from_pem(server.authority().unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    let answer = client.post(&url).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("390103"), "{answer}");
    assert_eq!(server.counts().total, 1);
}

#[tokio::test]
async fn a_proxy_lets_through_who_says_its_password() {
    for tls in [false, true] {
        let server = Server::start(Settings { tls, ..Settings::default() }).unwrap();
        let proxy = Proxy::start(Some("me:secret")).unwrap();
        let client = |credentials: &str| {
            let through = proxy.url().replace("http://", &format!("http://{credentials}"));
            let authority =
                server.authority().map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
            let builder = reqwest::Client::builder().tls_certs_only(authority);
            builder.proxy(reqwest::Proxy::all(through).unwrap()).build().unwrap()
        };
        let url = format!("{}/session/heartbeat", server.url());
        let refused = client("").post(&url).send().await;
        assert!(refused.is_err() || refused.unwrap().status() == 407);
        let answer = client("me:secret@").post(&url).send().await.unwrap().text().await.unwrap();
        assert!(answer.contains("390103"), "{answer}");
        let seen: Vec<_> = proxy.log().iter().map(|passed| (passed.tunnel, passed.status)).collect();
        assert_eq!(seen, [(tls, 407), (tls, 200)]);
        assert_eq!(proxy.log()[1].target, format!("{}:{}", server.host(), server.port()));
    }
}
