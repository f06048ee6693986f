//! The table of answers: what a sender learns, and what it never learns.

mod bodies;
mod connections;
mod health;
mod paths;

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::json;
use users_sync::provider::{self, Provider};
use users_sync::{http, sync};

use crate::harness::{
    PrivateServer, Response, Service, ServiceSettings, Signed, TestDatabase, Wire, body, eventually,
};

/// A delivery that creates a user.
fn created(id: &str) -> Signed {
    Signed::new("clerk", body("clerk", "user.created", id, &json!({})).to_string())
}

async fn answer(service: &Service, request: impl AsRef<[u8]>) -> Response {
    let mut wire = Wire::open(service.address).await;
    wire.send(request).await;
    wire.response().await
}

fn limits(change: impl FnOnce(&mut http::Limits)) -> ServiceSettings {
    let mut settings = ServiceSettings::default();
    change(&mut settings.limits);
    settings
}

#[tokio::test]
async fn every_outcome_is_answered_with_200_and_its_name() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let older = json!({ "updated_at": 1 });
    let first = created("user_1");
    let deliveries = [
        (first.clone(), "applied"),
        (first, "duplicate"),
        (
            Signed::new("clerk", body("clerk", "user.updated", "user_1", &older).to_string()),
            "stale",
        ),
        (Signed::new("clerk", r#"{"type":"session.created","data":{}}"#), "ignored"),
        (Signed::new("clerk", "not JSON"), "quarantined"),
    ];

    for (delivery, outcome) in deliveries {
        let answer = answer(&service, delivery.request()).await;

        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json(), json!({ "outcome": outcome }));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn an_unknown_source_is_answered_404_before_its_body_is_read() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for source in ["unknown", "Clerk", "%ff", "cl%00erk"] {
        let head =
            format!("POST /webhooks/{source} HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\n");
        let answer = answer(&service, head).await;

        assert_eq!(answer.status, 404, "{source}: {answer:?}");
        answer.problem();
    }
}

#[tokio::test]
async fn an_unknown_route_is_answered_404_in_problem_json() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for path in
        ["/", "/webhooks", "/webhooks/", "//healthz", "/admin/", "/webhooks/clerk/x", "/%ff"]
    {
        let answer = answer(&service, format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;

        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        answer.problem();
    }
}

#[tokio::test]
async fn a_wrong_method_is_answered_405_with_the_right_one() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let wrong = [
        ("GET", "/webhooks/clerk", "POST"),
        ("PUT", "/webhooks/clerk", "POST"),
        ("OPTIONS", "/webhooks/unknown", "POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("DELETE", "/readyz", "GET,HEAD"),
    ];

    for (method, path, allowed) in wrong {
        let answer = answer(&service, format!("{method} {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;

        assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("allow"), Some(allowed));
        answer.problem();
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_checked_gets_400_and_the_headers_name() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let head = created("user_1").head("content-length: 0");
    let refused = [
        (head.replace("svix-id", "x-id"), "svix-id"),
        (head.replace("svix-timestamp", "x-timestamp"), "svix-timestamp"),
        (head.replace("svix-signature", "x-signature"), "svix-signature"),
        (head.replace("svix-timestamp: 1", "svix-timestamp: soon1"), "svix-timestamp"),
        (head.replace("v1,", "v9,"), "svix-signature"),
    ];

    for (head, header) in refused {
        let answer = answer(&service, head).await;

        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.problem()["header"], header);
    }
}

#[tokio::test]
async fn a_request_with_another_key_or_time_gets_401_and_the_reason() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let now = jiff::Timestamp::now().as_second();
    let refused = [
        (created("user_1").signed_with(b"the key of another sender, 32 b!"), "no secret matches"),
        (created("user_1").sent_at(now - 3_600), "too old by 3300 s"),
        (created("user_1").sent_at(now + 3_600), "too new by "),
    ];

    for (delivery, reason) in refused {
        let answer = answer(&service, delivery.request()).await;

        assert_eq!(answer.status, 401, "{answer:?}");
        let actual = answer.problem()["reason"].as_str().expect("a reason").to_owned();
        let a_second_later = actual.replace("3301", "3300");
        assert!(a_second_later.starts_with(reason), "{actual}");
    }
}

/// A provider whose decoder panics.
static DEFECTIVE: LazyLock<Provider> = LazyLock::new(|| {
    let clerk = provider::find("clerk").expect("there is Clerk");
    let decode = |_: &provider::Envelope<'_>| panic!("the words of a panic");
    Provider { name: "defective", decode, ..*clerk }
});

#[tokio::test]
async fn a_panic_is_answered_500_and_the_service_goes_on() {
    let database = TestDatabase::new().await;
    let providers = vec![&*DEFECTIVE, provider::find("clerk").expect("there is Clerk")];
    let settings = ServiceSettings { providers, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    let mut wire = Wire::open(service.address).await;

    wire.send(Signed::new("defective", r#"{"type":"user.created"}"#).request()).await;
    let answer = wire.response().await;

    assert_eq!(answer.status, 500, "{answer:?}");
    answer.problem();
    assert!(!answer.text().contains("the words of a panic"), "{answer:?}");
    wire.send(created("user_1").request()).await;
    assert_eq!(wire.response().await.json()["outcome"], "applied");
}

#[tokio::test]
async fn a_full_queue_is_answered_503_with_the_time_to_retry() {
    let database = TestDatabase::new().await;
    let sync = sync::Limits { writers: 1, queue: 1, ..sync::Limits::default() };
    let settings = ServiceSettings { sync, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    // Within a transaction, the server's view of its activity does not change, so a second client watches.
    let (mut holder, watch) = (database.client().await, database.client().await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("the table is free");
    let (mut written, mut waiting) =
        (Wire::open(service.address).await, Wire::open(service.address).await);
    written.send(created("user_1").request()).await;
    eventually("the writer is busy", async || waits_for_a_lock(&watch).await).await;
    waiting.send(created("user_2").request()).await;

    let mut refused = None;
    eventually("the queue is full", async || {
        refused = Some(answer(&service, created("user_3").request()).await);
        refused.as_ref().is_some_and(|refused| refused.status == 503)
    })
    .await;

    let refused = refused.expect("there was an answer");
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert_eq!(refused.problem()["detail"], "too many deliveries are waiting");
    lock.rollback().await.expect("the transaction ends");
    for wire in [&mut written, &mut waiting] {
        assert_eq!(wire.response().await.json()["outcome"], "applied");
    }
}

async fn waits_for_a_lock(client: &tokio_postgres::Client) -> bool {
    let sql = "select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    !client.query(sql, &[]).await.expect("it answers").is_empty()
}

#[tokio::test]
async fn the_queue_also_limits_the_waiting_bytes() {
    let database = TestDatabase::new().await;
    let sync = sync::Limits { queue_bytes: 100, ..sync::Limits::default() };
    let settings = ServiceSettings { sync, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;

    let too_long = answer(&service, Signed::new("clerk", vec![b' '; 101]).request()).await;
    let short = answer(&service, Signed::new("clerk", vec![b' '; 100]).request()).await;

    assert_eq!(too_long.status, 503, "{too_long:?}");
    assert_eq!(short.json()["outcome"], "quarantined");
}

#[tokio::test]
async fn an_unreachable_database_is_answered_503_with_the_time_to_retry() {
    let mut server = PrivateServer::start().await;
    let service = Service::start(server.url()).await;
    server.stop().await;

    let clerk = answer(&service, created("user_1").request()).await;
    let id_without_a_time = Signed::new("stack", "{}").with_id("anything");
    let stack = answer(&service, id_without_a_time.request()).await;

    for refused in [clerk, stack] {
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert_eq!(refused.problem()["detail"], "the database is unavailable");
    }
}

#[tokio::test]
async fn no_answer_reveals_the_database_a_body_or_a_header() {
    let database = TestDatabase::new().await;
    let mut settings = limits(|limits| limits.body = 1_000);
    settings.limits.body_timeout = Duration::from_millis(50);
    let service = Service::start_with(database.url(), settings).await;
    let marked = Signed::new("clerk", "MARK");
    let spoilt = marked.head("x-extra: MARK\r\ncontent-length: 4").replace("v1,", "v1,MARK");
    let requests = [
        format!("{spoilt}MARK"),
        spoilt.replace("svix-id: msg_", "svix-id: MARK\u{e4}") + "MARK",
        spoilt.replace("svix-timestamp: ", "svix-timestamp: MARK") + "MARK",
        marked.head("x-extra: MARK\r\ncontent-length: 4") + "MARK",
        marked.head("x-extra: MARK\r\ncontent-length: 9") + "MARK",
        marked.head("x-extra: MARK\r\ncontent-length: 9999") + "MARK",
        "GET /healthz HTTP/1.1\r\nhost: t\r\nx-extra: MARK\r\n\r\n".into(),
    ];

    for (request, status) in requests.iter().zip([401, 400, 400, 200, 408, 413, 200]) {
        let answer = answer(&service, request).await;

        assert_eq!(answer.status, status, "{answer:?}");
        assert!(!answer.text().contains("MARK"), "{answer:?}");
        assert_eq!(answer.header("server"), None);
    }
    let break_it = "drop table users_sync.journal";
    database.client().await.batch_execute(break_it).await.expect("it exists");
    let refused = answer(&service, created("user_1").request()).await.text();
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(!refused.contains("journal") && !refused.contains("users_sync"), "{refused}");
}
