//! A client's own way to the server: where it stops, and what the server has done by then.

use testkit::{Point, Server, Settings, Time};

use super::client::Client;

#[tokio::test]
async fn a_client_stops_at_each_point_of_a_request_and_the_server_has_done_what_is_before_it() {
    for point in Point::ALL.into_iter().chain([Point::Running]) {
        let server = Server::here(Settings { time: Time::Together, ..Settings::default() }, None).unwrap();
        let line = server.client().unwrap();
        line.stop_at(1, point);
        let mut client = Client::login(&server).await.through(&line);
        assert!(!line.has_stopped());
        let (answered, next) = {
            let mut answered = false;
            let mut asks = Box::pin(async {
                client.run("CREATE TABLE t (a NUMBER)").await;
                answered = true;
                client.run("CREATE TABLE u (a NUMBER)").await
            });
            let next = tokio::select! {
                biased;
                () = line.stopped() => None,
                answer = &mut asks => Some(answer),
            };
            drop(asks);
            (answered, next)
        };
        assert_eq!((answered, next), (point == Point::Answered, None), "{point:?}");
        let made = |table: &str| server.world().statements.iter().any(|ran| ran.text.contains(table));
        // What is on its way arrives.
        tokio::task::yield_now().await;
        let effect = !matches!(point, Point::BeforeSend | Point::BeforeEffect);
        assert_eq!((made("TABLE t"), made("TABLE u")), (effect, false), "{point:?}");
        assert_eq!(line.calls(), if point == Point::Answered { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_client_that_may_go_on_gets_its_answer() {
    for point in Point::ALL {
        let server = Server::here(Settings { time: Time::Together, ..Settings::default() }, None).unwrap();
        let line = server.client().unwrap();
        line.stop_at(1, point);
        let mut client = Client::login(&server).await.through(&line);
        let asks = async {
            let first = client.run("CREATE TABLE t (a NUMBER)").await;
            (first, client.run("CREATE TABLE u (a NUMBER)").await)
        };
        let goes_on = async {
            line.stopped().await;
            line.go_on();
        };
        let ((first, second), ()) = tokio::join!(asks, goes_on);
        assert_eq!((&first["success"], &second["success"]), (&true.into(), &true.into()), "{point:?}");
    }
}

#[tokio::test]
async fn a_server_that_goes_on_from_a_snapshot_knows_all_that_was() {
    let server = Server::here(Settings { time: Time::Together, ..Settings::default() }, None).unwrap();
    let mut client = Client::login(&server).await;
    client.run("CREATE TABLE t (a NUMBER)").await;
    server.clock().advance(std::time::Duration::from_mins(7));
    let snapshot = server.snapshot();
    client.run("DROP TABLE t").await;
    let again =
        Server::here(Settings { time: Time::Together, ..Settings::default() }, Some(&snapshot)).unwrap();
    assert!(again.clock().now() >= server.clock().now());
    let last = |server: &Server| server.world().statements.last().unwrap().text.clone();
    assert_eq!(
        (last(&again).as_str(), last(&server).as_str()),
        ("CREATE TABLE t (a NUMBER)", "DROP TABLE t")
    );
    assert_eq!(again.world().sessions, server.world().sessions);
}
