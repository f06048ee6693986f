//! Hostile connections of each kind: they must not keep signed deliveries out.

mod bodies;
mod heads;
mod hostile;
mod leaving;
mod logs;
mod program;
mod tokens;

use std::time::Duration;

use serde_json::json;
use users_sync::http;

use crate::harness::{
    Response, Service, ServiceSettings, Signed, TestDatabase, Wire, body, eventually,
};
use hostile::{Crowd, Kind};

fn created(id: &str) -> Signed {
    Signed::new("clerk", body("clerk", "user.created", id, &json!({})).to_string())
}

fn limits(change: impl FnOnce(&mut http::Limits)) -> ServiceSettings {
    let mut settings = ServiceSettings::default();
    change(&mut settings.limits);
    settings
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n";

/// Waits for an event that must come long before the default limits.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), what).await.expect("it happens in time")
}

async fn answer(service: &Service, request: impl AsRef<[u8]>) -> Response {
    let mut wire = Wire::open(service.address).await;
    wire.send(request).await;
    soon(wire.response()).await
}

async fn ask(wire: &mut Wire) {
    wire.send(HEALTH).await;
    assert_eq!(soon(wire.response()).await.status, 200);
}

#[tokio::test]
async fn a_crowd_of_any_kind_keeps_no_delivery_out() {
    let database = TestDatabase::new().await;
    for kind in Kind::ALL {
        let few = limits(|it| {
            it.connections = 20;
            it.patience = Duration::from_millis(50);
        });
        let service = Service::start_with(database.url(), few).await;
        let crowd = Crowd::gather(service.address, kind, 40).await;

        for n in 0..5 {
            let answer = answer(&service, created(&format!("{kind:?}_{n}")).request()).await;

            assert_eq!(answer.json()["outcome"], "applied", "{kind:?}");
        }
        drop(crowd);
    }
}

#[tokio::test]
async fn the_oldest_waiting_connection_is_closed_for_a_new_one() {
    let database = TestDatabase::new().await;
    let few = limits(|it| {
        it.connections = 2;
        it.patience = Duration::from_millis(1);
    });
    let service = Service::start_with(database.url(), few).await;
    let [mut older, mut newer] =
        [Wire::open(service.address).await, Wire::open(service.address).await];
    ask(&mut newer).await;
    // A request does not make its connection count as newer.
    ask(&mut older).await;

    assert_eq!(answer(&service, HEALTH).await.status, 200);

    soon(older.closed()).await;
    ask(&mut newer).await;
}

#[tokio::test]
async fn an_unsigned_connection_is_closed_before_a_signed_one() {
    let database = TestDatabase::new().await;
    let few = limits(|it| {
        it.connections = 2;
        it.patience = Duration::from_millis(1);
    });
    let service = Service::start_with(database.url(), few).await;
    let [mut signs, mut asks] =
        [Wire::open(service.address).await, Wire::open(service.address).await];
    ask(&mut asks).await;
    signs.send(created("user_1").request()).await;
    assert_eq!(soon(signs.response()).await.status, 200);
    ask(&mut asks).await;

    assert_eq!(answer(&service, HEALTH).await.status, 200);

    soon(asks.closed()).await;
    signs.send(created("user_2").request()).await;
    assert_eq!(soon(signs.response()).await.status, 200);
}

#[tokio::test]
async fn a_connection_with_a_running_request_is_never_closed_for_another() {
    let database = TestDatabase::new().await;
    let few = limits(|it| {
        it.connections = 2;
        it.patience = Duration::from_millis(1);
    });
    let service = Service::start_with(database.url(), few).await;
    let (mut holder, watch) = (database.client().await, database.client().await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("the table is free");
    let mut waiting = Wire::open(service.address).await;
    waiting.send(created("user_1").request()).await;
    let sql = "select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let waits = async || !watch.query(sql, &[]).await.expect("it answers").is_empty();
    eventually("the writer waits", waits).await;

    for _ in 0..5 {
        assert_eq!(answer(&service, HEALTH).await.status, 200);
    }
    lock.rollback().await.expect("the transaction ends");

    assert_eq!(soon(waiting.response()).await.json()["outcome"], "applied");
}

#[tokio::test]
async fn a_crowd_of_scrapers_uses_one_database_connection() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let (mut holder, watch) = (database.client().await, database.client().await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.journal").await.expect("the table is free");
    let scrape = || answer(&service, "GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n");
    let scrapes = futures_util::future::join_all((0..20).map(|_| scrape()));

    let sql = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let mut most = 0;
    let watching = async {
        loop {
            let row = watch.query_one(sql, &[]).await.expect("it answers");
            most = most.max(row.get::<_, i64>(0));
        }
    };
    let answers = tokio::select! {
        answers = scrapes => answers,
        () = watching => Vec::new(),
    };

    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(most, 1);
}
