//! The shutdown of the service, whatever connections do.

use std::time::Duration;

use super::hostile::{Crowd, Kind};
use super::{HEALTH, created, limits, soon};
use crate::harness::{Service, TestDatabase, Wire, eventually};

#[tokio::test]
async fn a_drain_ends_under_a_crowd_of_any_kind() {
    let database = TestDatabase::new().await;
    for kind in Kind::ALL {
        let hasty = limits(|it| {
            it.farewell = Duration::from_millis(50);
            it.hurry = Duration::from_millis(100);
        });
        let service = Service::start_with(database.url(), hasty).await;
        let _crowd = Crowd::gather(service.address, kind, 20).await;

        soon(service.drain()).await.expect("it ends without a panic");
    }
}

#[tokio::test]
async fn a_drain_ends_in_time_although_an_answer_never_comes() {
    let database = TestDatabase::new().await;
    let hasty = limits(|it| it.drain = Duration::from_millis(300));
    let service = Service::start_with(database.url(), hasty).await;
    let (mut holder, watch) = (database.client().await, database.client().await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("the table is free");
    let mut waiting = Wire::open(service.address).await;
    waiting.send(created("user_1").request()).await;
    let sql = "select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let waits = async || !watch.query(sql, &[]).await.expect("it answers").is_empty();
    eventually("the writer waits", waits).await;

    let drained = service.drain();

    assert!(soon(waiting.try_response()).await.is_none(), "it was answered without a commit");
    lock.rollback().await.expect("the transaction ends");
    soon(drained).await.expect("it ends without a panic");
}

#[tokio::test]
async fn waiting_connections_are_answered_before_the_service_ends() {
    let database = TestDatabase::new().await;
    let full = limits(|it| {
        it.connections = 1;
        it.patience = Duration::from_secs(60);
    });
    let service = Service::start_with(database.url(), full).await;
    let mut taken = Wire::open(service.address).await;
    taken.send(HEALTH).await;
    assert_eq!(soon(taken.response()).await.status, 200);
    let mut waiting = Vec::new();
    for n in 0..20 {
        let mut wire = Wire::open(service.address).await;
        wire.send(created(&format!("user_{n}")).request()).await;
        waiting.push(wire);
    }

    let drained = service.drain();

    for mut wire in waiting {
        let answer = soon(wire.response()).await;
        assert_eq!(answer.json()["outcome"], "applied");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    soon(drained).await.expect("it ends without a panic");
}

#[tokio::test]
async fn an_idle_connection_may_send_one_last_request_during_the_drain() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    wire.send(HEALTH).await;
    assert_eq!(soon(wire.response()).await.status, 200);

    let drained = service.drain();
    wire.send("GET /readyz HTTP/1.1\r\nhost: test\r\n\r\n").await;

    let answer = soon(wire.response()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("connection"), Some("close"));
    soon(wire.closed()).await;
    soon(drained).await.expect("it ends without a panic");
}
