//! Whether the service lives, and whether it should get traffic.

use serde_json::json;

use super::answer;
use crate::harness::{PrivateServer, Service, TestDatabase, Wire, eventually};

const READY: &str = "GET /readyz HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test]
async fn a_process_without_a_database_lives_and_is_not_ready() {
    let mut server = PrivateServer::start().await;
    let service = Service::start(server.url()).await;
    server.stop().await;

    assert_eq!(service.get("/healthz").await.body, json!({ "status": "ok" }));

    let ready = answer(&service, READY).await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.header("retry-after"), Some("5"));
    assert_eq!(ready.problem()["detail"], "not ready: database unreachable");
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;

    // An answer to HEAD announces a body that it does not have.
    wire.send("HEAD /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    let said = wire.rest().await;

    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    assert!(said.ends_with("\r\n\r\n"), "{said}");
}

#[tokio::test]
async fn a_current_database_is_ready() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    let ready = answer(&service, READY).await;

    assert_eq!((ready.status, ready.json()), (200, json!({ "status": "ready" })));
}

#[tokio::test]
async fn a_database_without_our_tables_is_not_ready() {
    let database = TestDatabase::empty().await;
    let service = Service::start(database.url()).await;

    let ready = answer(&service, READY).await;

    assert_eq!(ready.status, 503);
    assert_eq!(ready.problem()["detail"], "not ready: migrations pending");
}

#[tokio::test]
async fn a_mirror_of_another_shape_is_not_ready() {
    let database = TestDatabase::new().await;
    let alter = "alter table neon_auth.users_sync drop column email cascade";
    database.client().await.batch_execute(alter).await.expect("it exists");
    let service = Service::start(database.url()).await;

    let ready = answer(&service, READY).await;

    assert_eq!(ready.status, 503);
    assert_eq!(ready.problem()["detail"], "not ready: schema not as expected");
}

#[tokio::test]
async fn a_draining_service_is_not_ready() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let address = service.address;
    let mut probe = Wire::open(address).await;
    probe.send(&READY[..10]).await;
    // The probe's connection was accepted before this one.
    assert_eq!(service.get("/healthz").await.status, 200);

    let drained = service.drain();
    eventually("the port is closed", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    probe.send(&READY[10..]).await;

    let ready = probe.response().await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.problem()["detail"], "not ready: draining");
    drained.await.expect("it ends without a panic");
}

#[tokio::test]
async fn a_crowd_of_probes_costs_few_database_queries() {
    let database = TestDatabase::new().await;
    let service = std::sync::Arc::new(Service::start(database.url()).await);
    let mut probes = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let service = service.clone();
        probes.spawn(async move { service.get("/readyz").await.status });
    }

    let answers = probes.join_all().await;
    let delivered = service.post(&super::created("user_1")).await;

    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(delivered.outcome(), "applied");
}
