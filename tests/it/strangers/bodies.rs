//! Unsigned bodies, and bodies that never end.

use std::path::Path;
use std::time::Duration;

use super::{HEALTH, answer, created, limits, soon};
use crate::harness::{ADMIN_TOKEN, Response, Service, Signed, TestDatabase, Wire};

const SIGN_IN: &str = "POST /admin/sign-in HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-www-form-urlencoded\r\n";

/// The answer to a head whose body never comes.
async fn refused(service: &Service, head: &str) -> Response {
    let answer = answer(service, head).await;
    assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    answer.problem();
    answer
}

#[tokio::test]
async fn an_impossible_delivery_is_refused_before_its_body_arrives() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let signed = created("user_1");
    let head = |signed: &Signed| signed.head("content-length: 1000");
    let heads = [
        (head(&signed).replace("svix-signature", "x-signature"), 400),
        (head(&signed).replace("v1,", "v9,"), 400),
        (head(&signed).replace("/webhooks/clerk", "/webhooks/unknown"), 404),
        (head(&signed).replace("POST", "PUT"), 405),
        (signed.head("content-length: 1048577"), 413),
    ];

    for (head, status) in heads {
        assert_eq!(refused(&service, &head).await.status, status, "{head}");
    }
}

#[tokio::test]
async fn a_request_without_the_token_is_refused_before_its_body_arrives() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for token in ["", "authorization: Bearer wrong\r\n"] {
        let head =
            format!("POST /api/users HTTP/1.1\r\nhost: t\r\n{token}content-length: 9\r\n\r\n");
        assert_eq!(refused(&service, &head).await.status, 401);
    }
}

#[tokio::test]
async fn a_form_is_refused_before_its_body_if_no_token_is_configured() {
    let database = TestDatabase::new().await;
    let mut settings = limits(|_| ());
    settings.admin_token = None;
    let service = Service::start_with(database.url(), settings).await;

    let answer = refused(&service, &format!("{SIGN_IN}content-length: 9\r\n\r\n")).await;

    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn every_body_has_a_time_limit() {
    let database = TestDatabase::new().await;
    let quick = limits(|it| it.body_timeout = Duration::from_millis(100));
    let service = Service::start_with(database.url(), quick).await;
    let token = format!("authorization: Bearer {ADMIN_TOKEN}");
    let heads = [
        format!("{SIGN_IN}content-length: 9\r\n\r\n"),
        format!("POST /api/users HTTP/1.1\r\nhost: t\r\n{token}\r\ncontent-length: 9\r\n\r\n"),
        created("user_1").head("content-length: 9"),
        created("user_1").head("transfer-encoding: chunked"),
    ];

    for head in heads {
        assert_eq!(refused(&service, &head).await.status, 408, "{head}");
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_is_refused_before_it_arrives() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    let answer = refused(&service, &format!("{SIGN_IN}content-length: 20000\r\n\r\n")).await;

    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn an_invalid_form_is_answered_in_problem_json() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let other = SIGN_IN.replace("application/x-www-form-urlencoded", "text/plain");

    for head in [SIGN_IN, &other] {
        let answer = answer(&service, format!("{head}content-length: 3\r\n\r\na=b")).await;

        assert_eq!(answer.status, 422, "{answer:?}");
        answer.problem();
    }
}

#[tokio::test]
async fn a_long_body_without_a_permit_gets_503_and_a_short_one_needs_none() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), limits(|it| it.bodies = 150_000)).await;
    let long = Signed::new("clerk", vec![b' '; 90_000]);
    let mut holds = Wire::open(service.address).await;
    let request = long.request();
    holds.send(&request[..request.len() - 1]).await;

    let mut second = None;
    crate::harness::eventually("all permits are taken", async || {
        second = Some(answer(&service, long.request()).await);
        second.as_ref().is_some_and(|second| second.status == 503)
    })
    .await;

    let second = second.expect("an answer");
    assert_eq!(second.header("retry-after"), Some("5"));
    assert_eq!(second.header("connection"), Some("close"));
    second.problem();
    let short = answer(&service, created("user_1").request()).await;
    assert_eq!(short.json()["outcome"], "applied");
    // A returned permit can be used again.
    holds.send(&request[request.len() - 1..]).await;
    assert_eq!(soon(holds.response()).await.status, 200);
    assert_eq!(answer(&service, long.request()).await.status, 200);
}

/// A body that is read elsewhere would have no size limit, no time limit and no permit.
#[test]
fn bodies_are_read_in_one_place() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it exists") {
            let path = entry.expect("it exists").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("http/body.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("it is text");
            for reader in ["http_body_util", "axum::Form", "{Form,", "): Json<"] {
                assert!(!text.contains(reader), "{}: {reader}", path.display());
            }
            read += 1;
        }
    }
    assert!(read > 10, "{read}");
}

#[tokio::test]
async fn a_connection_stays_open_after_a_body_was_read() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    let refused = created("user_1").signed_with(b"the key of another sender, 32 b!");

    wire.send(refused.request()).await;
    assert_eq!(soon(wire.response()).await.status, 401);
    wire.send(HEALTH).await;

    assert_eq!(soon(wire.response()).await.status, 200);
}
