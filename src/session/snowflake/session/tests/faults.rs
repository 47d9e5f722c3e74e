//! Faults on the way: each named by its number in the project's list of faults.

use super::*;

#[tokio::test]
async fn f3_a_statement_whose_answer_is_lost_is_not_sent_again() {
    let server = in_turn(vec![Reply::Close]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let error = session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap_err();
    assert_eq!(
        (error.class, error.phase, error.outcome),
        (ErrorClass::Connection, Phase::Answer, Effect::Unknown)
    );
    assert!(error.message.contains("whether it was done is not known"), "{error}");
    assert_eq!(server.seen_at(QUERY).len(), 1);
    // The session can still be told to roll back.
    session.execute(&statement(2, "ROLLBACK")).await.unwrap();
}

#[tokio::test]
async fn f3_what_may_be_done_twice_is_sent_again_under_its_id() {
    let server =
        in_turn(vec![Reply::Close, Reply::Status(502, vec![], String::new()), Reply::Cut(b"{\"da".to_vec())]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    session.execute(&repeatable(1, "SELECT 1")).await.unwrap();
    let seen = server.seen_at(QUERY);
    assert_eq!(seen.len(), 4);
    let each = |key: &str| seen.iter().map(|seen| seen.query.get(key).cloned()).collect::<Vec<_>>();
    assert!(each("requestId").iter().all(|id| *id == each("requestId")[0]));
    let mut guids = each("request_guid");
    guids.sort();
    guids.dedup();
    assert_eq!(guids.len(), 4);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(each("retryCount"), [None, text("1"), text("2"), text("3")]);
    assert_eq!(each("retryReason"), [None, text("0"), text("502"), text("0")]);
    assert_eq!(each("clientStartTime")[1], each("clientStartTime")[3]);
    assert_eq!(client.told().len(), 3, "each wait is told: {:?}", client.told());
}

#[tokio::test]
async fn f4_an_answer_cut_behind_its_id_is_fetched_by_it() {
    let whole = rows(&json!([["kept"]]));
    let cut = whole.to_string().split_once("\"queryResultFormat\"").unwrap().0.as_bytes().to_vec();
    let server = server(move |seen| match seen.path.as_str() {
        QUERY => Reply::Cut(cut.clone()),
        "/queries/01b2-0001/result" => Reply::Json(whole.clone()),
        _ => Reply::Close,
    });
    let client = Client::new(server.port);
    let answer = client.session().await.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap();
    assert_eq!(answer.rows[0][0].as_deref(), Some("kept"));
    assert_eq!(server.seen_at(QUERY).len(), 1, "never sent again");
}

/// An answer whose rows are in chunks on the server itself.
fn in_chunks(port: &std::sync::OnceLock<u16>) -> Value {
    let chunk = |n: u8| {
        let url = format!("http://127.0.0.1:{}/chunk/{n}?sig=chunk-canary", port.get().unwrap());
        json!({ "url": url, "rowCount": 2, "uncompressedSize": 1, "compressedSize": 1 })
    };
    let mut answer = rows(&json!([["r0"]]));
    answer["data"]["total"] = json!(5);
    answer["data"]["chunks"] = json!([chunk(1), chunk(2)]);
    answer["data"]["qrmk"] = json!("chunk-key");
    answer
}

#[tokio::test]
async fn f4_a_chunk_that_is_cut_is_fetched_again() {
    use std::io::Write as _;
    let port: Arc<std::sync::OnceLock<u16>> = Arc::default();
    let (own, mut cuts) = (Arc::clone(&port), 2);
    let server = server(move |seen| match seen.path.as_str() {
        QUERY => Reply::Json(in_chunks(&own)),
        "/chunk/1" => {
            // As a store gives it: gzip that no header announces.
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(br#"["r1"],["r2"]"#).unwrap();
            Reply::Bytes(gzip.finish().unwrap())
        }
        _ if cuts == 2 => {
            cuts = 1;
            Reply::Cut(br#"["r3"],"#.to_vec())
        }
        _ if cuts == 1 => {
            cuts = 0;
            Reply::Bytes(br#"["r3"]"#.to_vec())
        }
        _ => Reply::Bytes(br#"["r3"],["r4"]"#.to_vec()),
    });
    port.set(server.port).unwrap();
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let answer = session.execute(&repeatable(1, "SELECT x FROM t")).await.unwrap();
    let cells: Vec<_> = answer.rows.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(cells, ["r0", "r1", "r2", "r3", "r4"]);
    assert_eq!(server.seen_at(QUERY).len(), 1, "never sent again");
    assert_eq!(server.seen_at("/chunk/2").len(), 3);
    let headers = &server.seen_at("/chunk/1")[0].headers;
    assert_eq!(headers["x-amz-server-side-encryption-customer-key"], "chunk-key");
    assert!(!headers.contains_key("authorization"), "tokens stay with the server");
    assert!(!format!("{:?}", client.told()).contains("canary"));
    // What a script selects is shown, not used: its chunks stay where they are.
    let answer = session.execute(&statement(2, "SELECT x FROM t")).await.unwrap();
    assert_eq!((answer.rows.len(), server.seen_at("/chunk/1").len()), (1, 1));
}

#[tokio::test]
async fn f4_chunks_whose_addresses_are_too_old_are_asked_for_anew() {
    let port: Arc<std::sync::OnceLock<u16>> = Arc::default();
    let (own, mut old) = (Arc::clone(&port), true);
    let server = server(move |seen| match seen.path.as_str() {
        QUERY => Reply::Json(in_chunks(&own)),
        "/queries/01b2-0001/result" => {
            old = false;
            Reply::Json(in_chunks(&own))
        }
        "/chunk/2" if old => Reply::Status(403, vec![], "expired".into()),
        _ => Reply::Bytes(br#"["x"],["y"]"#.to_vec()),
    });
    port.set(server.port).unwrap();
    let client = Client::new(server.port);
    let answer = client.session().await.execute(&repeatable(1, "SELECT x FROM t")).await.unwrap();
    assert_eq!(answer.rows.len(), 5);
    assert_eq!((server.seen_at(QUERY).len(), server.seen_at("/chunk/1").len()), (1, 1));
}

#[tokio::test]
async fn a_statement_that_is_done_stays_done_when_its_rows_are_lost() {
    let server = server(|seen| match seen.path.as_str() {
        QUERY => {
            let mut answer = rows(&json!([]));
            answer["data"]["total"] = json!(3);
            Reply::Json(answer)
        }
        _ => Reply::Status(404, vec![], String::new()),
    });
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let answer = session.execute(&statement(1, "CALL p()")).await.unwrap();
    assert_eq!(answer.query_id.as_deref(), Some("01b2-0001"));
    assert!(answer.warnings[0].contains("rows cannot be read"), "{:?}", answer.warnings);
    let error = session.execute(&repeatable(2, "SELECT x FROM t")).await.unwrap_err();
    assert_eq!(error.outcome, Effect::Unknown);
}

async fn cannot_open(settings: impl FnOnce(&mut SnowflakeSettings)) -> (DbError, Client) {
    let mut client = Client::new(1);
    settings(&mut client.settings);
    let error = client.connector().open(crate::session::snowflake::testing::spec(Purpose::Keeper)).await;
    let error = error.err().unwrap();
    assert_eq!((error.class, error.phase), (ErrorClass::Connection, Phase::Connect), "{error}");
    (error, client)
}

#[tokio::test]
async fn f5_each_way_not_to_arrive_has_its_own_words() {
    use crate::model::{connection::Protocol, secret::SecretText};
    let (error, client) = cannot_open(|s| s.connection.endpoint.host = "no-such-host.invalid".into()).await;
    assert!(error.message.contains("has no address") && error.outcome == Effect::NotSent, "{error}");
    assert_eq!(client.told().len(), 3, "it could pass, for a moment");
    let (error, _) = cannot_open(|_| {}).await;
    assert!(error.message.contains("was refused") && error.message.contains("connection test"), "{error}");
    // A server that does not speak TLS, and one whose authority nobody knows.
    let plain = server(|_| Reply::Close);
    let (error, client) = cannot_open(|s| {
        s.connection.endpoint.port = plain.port;
        s.connection.endpoint.protocol = Protocol::Https;
    })
    .await;
    assert!(error.message.contains("TLS with 127.0.0.1 failed: what answered does not speak TLS"), "{error}");
    assert_eq!(client.told(), [""; 0], "a refused handshake does not pass");
    // A proxy that wants a login: asked to connect, and asked to forward.
    for protocol in [Protocol::Https, Protocol::Http] {
        let proxy = Server::start(|_| Reply::Status(407, vec![], String::new()));
        let (error, client) = cannot_open(|s| {
            s.connection.endpoint.host = "account.example".into();
            s.connection.endpoint.protocol = protocol;
            let address = format!("http://me:proxy-canary@127.0.0.1:{}", proxy.port);
            s.connection.network.proxy = Some(SecretText::new(address));
        })
        .await;
        assert!(
            error.message.contains("HTTP 407") && error.outcome == Effect::NotSent,
            "{protocol:?}: {error}"
        );
        assert!(!error.message.contains("canary") && client.told().is_empty(), "{error}");
        assert_eq!(proxy.seen().len(), 1);
        assert!(proxy.seen()[0].headers["proxy-authorization"].starts_with("Basic "));
    }
    let (error, _) = cannot_open(|s| s.connection.network.proxy = Some(SecretText::new("http://["))).await;
    assert!(error.message.contains("the proxy's address cannot be read"), "{error}");
    let (error, _) =
        cannot_open(|s| s.connection.network.extra_authorities = Some("/no/such.pem".into())).await;
    assert!(error.message.contains("/no/such.pem"), "{error}");
}

#[tokio::test]
async fn hosts_named_by_no_proxy_are_reached_directly() {
    let server = in_turn(vec![]);
    let mut client = Client::new(server.port);
    let network = &mut client.settings.connection.network;
    network.proxy = Some(crate::model::secret::SecretText::new("http://127.0.0.1:1"));
    network.no_proxy = Some("localhost, 127.0.0.0/8".into());
    client.session().await;
    assert_eq!(server.seen().len(), 1);
}

/// A server to which the token of the login has expired.
fn expiring() -> Server {
    let mut renewed = 1;
    server(move |seen| match seen.path.as_str() {
        "/session/token-request" => {
            renewed += 1;
            let data = json!({ "sessionToken": format!("session-token-{renewed}"), "masterToken": "master-token-2" });
            Reply::Json(json!({ "success": true, "data": data }))
        }
        _ if seen.headers["authorization"].contains("session-token-1") => {
            Reply::Json(refusal("390112", "Your session has expired. Please login again."))
        }
        _ => done(),
    })
}

#[tokio::test]
async fn f6_an_expired_token_is_renewed_and_the_statement_sent_once_more() {
    let server = expiring();
    let client = Client::new(server.port);
    let mut session = client.session().await;
    session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap();
    let seen = server.seen_at(QUERY);
    assert_eq!(ids(&server)[0], ids(&server)[1]);
    let tokens: Vec<_> = seen.iter().map(|seen| seen.headers["authorization"].clone()).collect();
    assert_eq!(tokens, ["Snowflake Token=\"session-token-1\"", "Snowflake Token=\"session-token-2\""]);
    let renewals = server.seen_at("/session/token-request");
    assert_eq!(renewals.len(), 1);
    assert_eq!(renewals[0].headers["authorization"], "Snowflake Token=\"master-token-1\"");
    assert_eq!(renewals[0].body, json!({ "oldSessionToken": "session-token-1", "requestType": "RENEW" }));
}

#[tokio::test]
async fn f6_two_that_find_the_token_expired_renew_it_once() {
    let server = expiring();
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let control = session.control();
    let request = statement(1, "SELECT 1");
    let (answer, beat) = tokio::join!(session.execute(&request), control.keep_alive());
    answer.unwrap();
    beat.unwrap();
    assert_eq!(server.seen_at("/session/token-request").len(), 1);
}

#[tokio::test]
async fn f6_a_token_that_cannot_be_renewed_stops_with_the_way_on() {
    let expired = || Reply::Json(refusal("390112", "Your session has expired."));
    for (reply, renewal, code) in [
        (expired as fn() -> Reply, "390114", Some("390114")),
        (expired, "390113", Some("390113")),
        (|| Reply::Json(refusal("390111", "Session no longer exists.")), "", Some("390111")),
        (|| Reply::Json(refusal("390114", "Authentication token has expired.")), "", Some("390114")),
    ] {
        let server = server(move |seen| match seen.path.as_str() {
            "/session/token-request" => Reply::Json(refusal(renewal, "Master token says no.")),
            _ => reply(),
        });
        let client = Client::new(server.port);
        let mut session = client.session().await;
        let error = session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap_err();
        assert_eq!(
            (error.class, error.outcome, error.code.as_deref()),
            (ErrorClass::Connection, Effect::Failed, code)
        );
        assert!(error.message.contains("run the command again, it goes on from there"), "{error}");
        assert_eq!(server.seen_at(QUERY).len(), 1);
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn f7_too_many_requests_wait_as_asked_and_keep_the_id() {
    let busy = || Reply::Status(429, vec![("Retry-After", "7".into())], String::new());
    let server = in_turn(vec![busy(), busy()]);
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let before = client.settings.context.clock.now();
    session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap();
    let waited = client.settings.context.clock.now().since(before);
    assert!(waited >= Duration::from_secs(14), "{waited:?}");
    let ids = ids(&server);
    assert!(ids.len() == 3 && ids[0] == ids[2]);
    assert_eq!(client.told().len(), 2);
    assert!(
        client.told()[0].contains("HTTP 429") && client.told()[0].contains("7.0 s"),
        "{:?}",
        client.told()
    );
}

#[tokio::test]
async fn f7_a_statement_is_not_sent_later_than_its_lease_allows() {
    let server = in_turn(
        (0..99).map(|_| Reply::Status(429, vec![("Retry-After", "10".into())], String::new())).collect(),
    );
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let before = client.settings.context.clock.now();
    let error = session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap_err();
    assert_eq!((error.class, error.outcome), (ErrorClass::Busy, Effect::Failed));
    assert!(
        error.message.contains("asks to wait 10 s") && error.message.contains("nothing was done"),
        "{error}"
    );
    // A fifth of the lease of two minutes; the tenth that is left to the protocol is for connecting.
    let waited = client.settings.context.clock.now().since(before);
    assert!(waited <= Duration::from_secs(24), "{waited:?}");
    assert_eq!(server.seen_at(QUERY).len(), 3);
}

/// A clock whose machine is put to sleep whenever somebody waits.
struct Dozing(Arc<dyn crate::session::context::Clock>);

impl crate::session::context::Clock for Dozing {
    fn now(&self) -> Instants {
        self.0.now()
    }

    fn sleep(&self, time: Duration) -> Fut<'static, ()> {
        self.0.sleep(time + Duration::from_hours(1))
    }
}

#[tokio::test]
async fn f12_a_machine_that_slept_through_its_lease_sends_nothing_on_waking() {
    let server = in_turn(vec![Reply::Status(429, vec![], String::new())]);
    let mut client = Client::new(server.port);
    let clock = Arc::clone(&client.settings.context.clock);
    client.settings.context.clock = Arc::new(Dozing(clock));
    let mut session = client.session().await;
    let error = session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap_err();
    assert_eq!((error.class, error.outcome), (ErrorClass::Busy, Effect::Failed));
    assert_eq!(server.seen_at(QUERY).len(), 1);
}

#[tokio::test]
async fn f8_a_5xx_may_come_after_the_work_and_is_a_lost_answer() {
    for status in [408, 409, 499, 500, 502, 503, 504] {
        let server = in_turn(vec![Reply::Status(status, vec![], "<html>busy</html>".into())]);
        let client = Client::new(server.port);
        let mut session = client.session().await;
        let error = session.execute(&statement(1, "INSERT INTO t SELECT 1")).await.unwrap_err();
        assert_eq!((error.class, error.outcome), (ErrorClass::Connection, Effect::Unknown), "{status}");
        assert!(error.message.contains(&format!("HTTP {status}")), "{error}");
        assert_eq!(server.seen_at(QUERY).len(), 1);
    }
}

#[tokio::test]
async fn f8_a_login_is_tried_again_and_is_given_up_in_time() {
    let mut left = 2;
    let server = Server::start(move |_| {
        if left == 0 {
            return welcome();
        }
        left -= 1;
        Reply::Status(503, vec![], String::new())
    });
    Client::new(server.port).session().await;
    assert_eq!(server.seen().len(), 3);
    let down = Server::start(|_| Reply::Status(503, vec![], String::new()));
    let client = Client::new(down.port);
    let before = client.settings.context.clock.now();
    let error = client
        .connector()
        .open(crate::session::snowflake::testing::spec(Purpose::Keeper))
        .await
        .err()
        .unwrap();
    assert_eq!((error.phase, error.class), (Phase::Connect, ErrorClass::Connection));
    assert!(error.message.starts_with("the login: the server answered HTTP 503"), "{error}");
    assert!(client.settings.context.clock.now().since(before) <= Duration::from_mins(2));
}

#[tokio::test]
async fn f9_a_long_statement_is_polled_with_word_of_it() {
    let mut polls = 0;
    let server = server(move |seen| {
        polls += usize::from(seen.path != QUERY);
        match polls {
            20 => Reply::Status(503, vec![], String::new()),
            21 => Reply::Close,
            0..400 => Reply::Json(running()),
            _ => done(),
        }
    });
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let answer = session.execute(&statement(1, "CREATE TABLE t AS SELECT 1")).await.unwrap();
    assert_eq!(answer.query_id.as_deref(), Some("01b2-0001"));
    assert_eq!(server.seen_at(QUERY).len(), 1);
    assert_eq!(server.seen_at("/queries/01b2-0001/result").len(), 400);
    let told = client.told();
    assert!(
        told.iter().filter(|what| what.contains("is running (query id 01b2-0001)")).count() > 2,
        "{told:?}"
    );
}

#[tokio::test]
async fn f9_a_statement_past_its_time_is_aborted_and_its_answer_awaited() {
    let mut aborted = false;
    let server = server(move |seen| match seen.path.as_str() {
        "/queries/v1/abort-request" => {
            aborted = true;
            Reply::Json(json!({ "success": true, "data": null }))
        }
        _ if aborted => Reply::Json(refusal("000604", "SQL execution canceled")),
        _ => Reply::Json(running()),
    });
    let client = Client::new(server.port);
    let mut session = client.session().await;
    let request = Request { timeout: Some(Duration::from_mins(2)), ..statement(1, "CALL slow()") };
    let error = session.execute(&request).await.unwrap_err();
    assert_eq!((error.class, error.outcome), (ErrorClass::Cancelled, Effect::Failed));
    let aborts = server.seen_at("/queries/v1/abort-request");
    assert_eq!(aborts.len(), 1);
    assert_eq!(aborts[0].body["requestId"], ids(&server)[0].as_str());
}

#[tokio::test]
async fn a_statement_whose_polls_stay_away_is_unknown_with_its_id() {
    let server = server(|seen| match seen.path.as_str() {
        QUERY => Reply::Json(running()),
        _ => Reply::Status(503, vec![], String::new()),
    });
    let client = Client::new(server.port);
    let error = client.session().await.execute(&statement(1, "CALL slow()")).await.unwrap_err();
    assert_eq!((error.outcome, error.query_id.as_deref()), (Effect::Unknown, Some("01b2-0001")));
    let server = self::server(|seen| match seen.path.as_str() {
        QUERY => Reply::Json(running()),
        _ => Reply::Json(refusal("390111", "Session no longer exists.")),
    });
    let client = Client::new(server.port);
    let error = client.session().await.execute(&statement(1, "CALL slow()")).await.unwrap_err();
    assert_eq!((error.outcome, error.query_id.as_deref()), (Effect::Unknown, Some("01b2-0001")));
}

#[tokio::test]
async fn tokens_do_not_go_to_another_host() {
    let other = Server::start(|_| done());
    let address = format!("http://127.0.0.1:{}/queries/x/result", other.port);
    let mut answer = running();
    answer["data"]["getResultUrl"] = json!(address);
    let server = in_turn(vec![Reply::Json(answer)]);
    let client = Client::new(server.port);
    let error = client.session().await.execute(&statement(1, "CALL slow()")).await.unwrap_err();
    assert_eq!(error.outcome, Effect::Unknown);
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_session_that_cannot_be_ended_is_no_failure() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/session" => Reply::Status(503, vec![], String::new()),
        _ => welcome(),
    });
    let client = Client::new(server.port);
    client.session().await.close().await.unwrap();
    let last = client.told().pop().unwrap();
    assert!(last.contains("the session was not ended"), "{last}");
}
