//! Connections that are slow, silent, idle, shared or too many.

use std::time::Duration;

use super::{created, limits};
use crate::harness::{Response, Service, ServiceSettings, TestDatabase, Wire, eventually};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n";

/// Waits for an event that must come soon, long before the default limits.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), what).await.expect("it happens in time")
}

/// Only heads have a short time limit.
fn quick_heads() -> ServiceSettings {
    limits(|it| it.head_timeout = Duration::from_millis(200))
}

#[tokio::test]
async fn a_slow_head_is_answered_408_and_closed() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), quick_heads()).await;
    let mut wire = Wire::open(service.address).await;

    let answer = soon(drip(&mut wire)).await;

    assert_eq!(answer.map(|answer| answer.status), Some(408));
    soon(wire.closed()).await;
}

#[tokio::test]
async fn a_slow_second_head_is_answered_408_and_closed() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), quick_heads()).await;
    let mut wire = Wire::open(service.address).await;
    wire.send(HEALTH).await;
    assert_eq!(wire.response().await.status, 200);

    let answer = soon(drip(&mut wire)).await;

    assert_eq!(answer.map(|answer| answer.status), Some(408));
    soon(wire.closed()).await;
}

/// Sends header lines, slowly and without end, until there is an answer or the connection ends.
async fn drip(wire: &mut Wire) -> Option<Response> {
    wire.send("GET /healthz HTTP/1.1\r\n").await;
    while wire.try_send("x: y\r\n").await.is_ok() {
        let step = Duration::from_millis(20);
        if let Ok(answer) = tokio::time::timeout(step, wire.try_response()).await {
            return answer;
        }
    }
    None
}

#[tokio::test]
async fn a_silent_connection_is_closed_in_time() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), quick_heads()).await;
    let mut wire = Wire::open(service.address).await;

    soon(wire.closed()).await;
}

#[tokio::test]
async fn the_time_limit_of_heads_does_not_apply_between_requests() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), quick_heads()).await;
    let (mut resting, mut silent) =
        (Wire::open(service.address).await, Wire::open(service.address).await);
    resting.send(HEALTH).await;
    assert_eq!(resting.response().await.status, 200);

    // Three connections, one after the other, live as long as a head may take.
    for _ in 0..3 {
        soon(silent.closed()).await;
        silent = Wire::open(service.address).await;
    }

    resting.send(HEALTH).await;
    assert_eq!(resting.response().await.status, 200);
}

#[tokio::test]
async fn a_connection_that_is_idle_too_long_is_closed() {
    let database = TestDatabase::new().await;
    let settings = limits(|it| it.idle_timeout = Duration::from_millis(200));
    let service = Service::start_with(database.url(), settings).await;
    let mut wire = Wire::open(service.address).await;
    wire.send(HEALTH).await;
    assert_eq!(wire.response().await.status, 200);

    soon(wire.closed()).await;
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;

    for n in 0..100 {
        wire.send(created(&format!("user_{n}")).request()).await;

        assert_eq!(wire.response().await.json()["outcome"], "applied");
    }
}

#[tokio::test]
async fn requests_sent_without_waiting_are_answered_in_their_order() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), quick_heads()).await;
    let mut wire = Wire::open(service.address).await;
    let post = created("user_1").request();
    let refused = "GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n".as_bytes();
    let half = post.len() / 2;

    wire.send([&post, HEALTH.as_bytes(), refused, &post, &post[..half]].concat()).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(wire.response().await.status);
    }
    wire.send(&post[half..]).await;

    assert_eq!(statuses, [200, 200, 404, 200]);
    assert_eq!(wire.response().await.json()["outcome"], "duplicate");
}

#[tokio::test]
async fn more_connections_than_the_limit_wait_until_one_is_free() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), limits(|it| it.connections = 2)).await;
    let mut taken = [Wire::open(service.address).await, Wire::open(service.address).await];
    for wire in &mut taken {
        wire.send(HEALTH).await;
        assert_eq!(wire.response().await.status, 200);
    }
    let mut waiting = Wire::open(service.address).await;
    waiting.send(HEALTH).await;

    let too_early = tokio::time::timeout(Duration::from_millis(100), waiting.response()).await;
    drop(taken);

    assert!(too_early.is_err(), "{too_early:?}");
    assert_eq!(soon(waiting.response()).await.status, 200);
}

#[tokio::test]
async fn a_drain_closes_idle_connections_at_once_and_answers_begun_requests() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let address = service.address;
    let request = created("user_1").request();
    let half = request.len() / 2;
    let [mut resting, mut begun, mut silent] =
        [Wire::open(address).await, Wire::open(address).await, Wire::open(address).await];
    begun.send(&request[..half]).await;
    resting.send(HEALTH).await;
    assert_eq!(resting.response().await.status, 200);

    let drained = service.drain();
    soon(async { tokio::join!(resting.closed(), silent.closed()) }).await;
    eventually("the port is closed", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    assert!(!drained.is_finished());
    begun.send(&request[half..]).await;

    let answer = begun.response().await;
    assert_eq!(answer.json()["outcome"], "applied");
    assert_eq!(answer.header("connection"), Some("close"));
    soon(drained).await.expect("it ends without a panic");
}

#[tokio::test]
async fn a_client_that_closed_its_writing_side_still_gets_its_answers() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    wire.send([created("user_1").request(), created("user_2").request()].concat()).await;

    wire.says_no_more().await;

    assert_eq!(soon(wire.response()).await.status, 200);
    assert_eq!(soon(wire.response()).await.status, 200);
    soon(wire.closed()).await;
}
