//! Bodies that are long, slow, announced or broken off.

use std::time::Duration;

use serde_json::json;

use super::{answer, created, limits};
use crate::harness::{Service, Signed, TestDatabase, Wire, body, eventually};

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_accepted() {
    let database = TestDatabase::new().await;
    let delivery = created("user_1");
    let length = delivery.body.len();
    let service = Service::start_with(database.url(), limits(|it| it.body = length)).await;

    assert_eq!(answer(&service, delivery.request()).await.json()["outcome"], "applied");
}

#[tokio::test]
async fn a_body_announced_as_too_long_gets_413_before_it_is_sent() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), limits(|it| it.body = 100)).await;
    let delivery = Signed::new("clerk", vec![b' '; 101]);

    let answer = answer(&service, delivery.head("content-length: 101")).await;

    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"));
    answer.problem();
}

#[tokio::test]
async fn a_body_that_grows_too_long_gets_413_while_it_is_sent() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), limits(|it| it.body = 100)).await;
    let mut wire = Wire::open(service.address).await;
    let delivery = Signed::new("clerk", vec![b' '; 200]);

    wire.send(delivery.head("transfer-encoding: chunked")).await;
    wire.send(format!("64\r\n{}\r\n", " ".repeat(100))).await;
    wire.send("1\r\n \r\n").await;

    let answer = wire.response().await;
    assert_eq!(answer.status, 413, "{answer:?}");
    answer.problem();
    wire.closed().await;
}

#[tokio::test]
async fn a_chunked_body_is_accepted_as_any_other() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    let delivery = created("user_1");

    wire.send(delivery.head("transfer-encoding: chunked")).await;
    for chunk in delivery.body.chunks(50) {
        wire.send(format!("{:x}\r\n", chunk.len())).await;
        wire.send([chunk, b"\r\n"].concat()).await;
    }
    wire.send("0\r\n\r\n").await;

    assert_eq!(wire.response().await.json()["outcome"], "applied");
}

#[tokio::test]
async fn a_sender_that_writes_its_whole_long_body_first_gets_the_refusal() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let long = Signed::new("clerk", vec![b' '; 3 << 20]);
    let unknown = created("user_1")
        .head("content-length: 3145728")
        .replace("/webhooks/clerk", "/webhooks/unknown");

    for (request, status) in
        [(long.request(), 413), ([unknown.as_bytes(), &long.body].concat(), 404)]
    {
        let mut wire = Wire::open(service.address).await;
        wire.send(request).await;

        assert_eq!(wire.response().await.status, status);
    }
}

#[tokio::test]
async fn a_slow_body_is_answered_408_in_time() {
    let database = TestDatabase::new().await;
    let quick = limits(|it| it.body_timeout = Duration::from_millis(100));
    let service = Service::start_with(database.url(), quick).await;
    let mut wire = Wire::open(service.address).await;
    wire.send(created("user_1").head("content-length: 10000")).await;

    let dripped = async {
        while wire.try_send(" ").await.is_ok() {
            tokio::task::yield_now().await;
            if let Ok(answer) =
                tokio::time::timeout(Duration::from_millis(10), wire.response()).await
            {
                return Some(answer);
            }
        }
        None
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), dripped).await.expect("in time");

    let answer = answer.expect("an answer before the end");
    assert_eq!(answer.status, 408, "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"));
    answer.problem();
}

#[tokio::test]
async fn a_client_that_expects_100_gets_100_continue() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    let delivery = created("user_1");
    let length = delivery.body.len();

    wire.send(delivery.head(&format!("expect: 100-continue\r\ncontent-length: {length}"))).await;
    let go_on = wire.response().await;
    wire.send(&delivery.body).await;

    assert_eq!(go_on.status, 100);
    assert_eq!(wire.response().await.json()["outcome"], "applied");
}

#[tokio::test]
async fn a_client_that_expects_100_for_a_too_long_body_is_refused_directly() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let head = created("user_1").head("expect: 100-continue\r\ncontent-length: 99999999");

    assert_eq!(answer(&service, head).await.status, 413);
}

#[tokio::test]
async fn a_client_that_disconnects_within_its_body_leaves_no_rows() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), limits(|it| it.connections = 1)).await;
    let delivery = created("user_1");
    let request = delivery.request();
    let mut gone = Wire::open(service.address).await;
    gone.send(&request[..request.len() - 1]).await;

    drop(gone);

    // The only place in the queue is free again.
    let other = answer(&service, created("user_2").request()).await;
    assert_eq!(other.json()["outcome"], "applied");
    let journal = "select from users_sync.journal";
    assert_eq!(database.client().await.query(journal, &[]).await.expect("it answers").len(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_its_answer_harms_no_other() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let hasty = json!({ "first_name": "Hasty" });
    for n in 0..20 {
        let user = body("clerk", "user.created", &format!("hasty_{n}"), &hasty);
        let mut wire = Wire::open(service.address).await;
        wire.send(Signed::new("clerk", user.to_string()).request()).await;
    }

    assert_eq!(answer(&service, created("user_1").request()).await.json()["outcome"], "applied");

    let client = database.client().await;
    eventually("each that was begun is whole or is not there", async || {
        let sql = "select (select count(*) from neon_auth.users_sync),
            (select count(*) from users_sync.ledger), (select count(*) from users_sync.journal)";
        let row = client.query_one(sql, &[]).await.expect("it answers");
        let [users, ledger, journal] = [0, 1, 2].map(|column| row.get::<_, i64>(column));
        users == ledger && ledger == journal && users >= 1
    })
    .await;
}
