//! The way to a server: private authorities and proxies, as a user names them in variables.

use std::fs;

use testkit::{Proxy, Server, Settings};

use crate::harness::{Project, Run};

/// A project on a server that speaks TLS by an authority of its own, whose certificate is in `ca.pem`.
fn project(server: &Server) -> Project {
    let project = Project::with(&[("V1__first.sql", "CREATE TABLE first (x NUMBER);\n")]);
    let (host, port) = (server.host(), server.port());
    project.write(
        "snowops.yml",
        &format!(
            "project: shop\nenvironments:\n  dev:\n    connection: {{ account: testkit, user: snowops, host: {host}, port: {port} }}\n    \
             database: RETAIL\n    schema: PUBLIC\n    role: DEPLOYER\n    warehouse: DEPLOY_XS\n"
        ),
    );
    fs::write(project.path("ca.pem"), server.authority().unwrap()).unwrap();
    project
}

fn doctor(project: &Project, variables: &[(&str, &str)]) -> Run {
    let mut command = project.command(&["doctor", "--env", "dev"]);
    command.env("SNOWFLAKE_PASSWORD", "correct horse").envs(variables.iter().copied());
    Run::of(&command.output().unwrap())
}

fn login(run: &Run) -> &str {
    let login = |line: &&str| line.starts_with("  ok     login") || line.starts_with("  wrong  login");
    run.out.lines().find(login).unwrap_or_else(|| panic!("{}", run.all()))
}

#[test]
fn a_private_authority_is_trusted_where_a_variable_names_it() {
    let server = Server::start(Settings { tls: true, ..Settings::default() }).unwrap();
    let project = project(&server);
    let stranger = doctor(&project, &[]);
    assert_eq!(stranger.code, 6, "{}", stranger.all());
    for part in ["certificate", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
        assert!(login(&stranger).contains(part), "{part}: {}", stranger.all());
    }
    for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let trusted = doctor(&project, &[(name, "ca.pem")]);
        assert!(login(&trusted).starts_with("  ok"), "{name}: {}", trusted.all());
        assert!(trusted.out.contains("ca.pem (variable"), "{}", trusted.all());
    }
}

#[test]
fn a_proxy_is_gone_through_with_its_password_and_around_where_no_proxy_says_so() {
    let server = Server::start(Settings { tls: true, ..Settings::default() }).unwrap();
    let project = project(&server);
    let proxy = Proxy::start(Some("me:canary-word")).unwrap();
    let with = proxy.url().replace("http://", "http://me:canary-word@");
    let trust = ("SSL_CERT_FILE", "ca.pem");

    let through = doctor(&project, &[trust, ("HTTPS_PROXY", &with)]);
    assert!(login(&through).starts_with("  ok"), "{}", through.all());
    assert!(
        !proxy.log().is_empty() && proxy.log().iter().all(|passed| passed.tunnel && passed.status == 200)
    );
    assert!(!through.all().contains("canary"), "{}", through.all());

    let before = proxy.log().len();
    let stranger = doctor(&project, &[trust, ("HTTPS_PROXY", &proxy.url())]);
    assert_eq!(stranger.code, 6, "{}", stranger.all());
    for part in ["HTTP 407", "user and password"] {
        assert!(login(&stranger).contains(part), "{part}: {}", stranger.all());
    }
    // It will not pass a second time either.
    assert_eq!(proxy.log()[before..].iter().map(|passed| passed.status).collect::<Vec<_>>(), [407]);

    let before = proxy.log().len();
    let around = doctor(&project, &[trust, ("HTTPS_PROXY", &proxy.url()), ("NO_PROXY", "127.0.0.1")]);
    assert!(login(&around).starts_with("  ok"), "{}", around.all());
    assert_eq!(proxy.log().len(), before);
}
