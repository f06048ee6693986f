//! Heads that are too long, too slow or invalid, and clients that do not read.

use std::time::Duration;

use super::{HEALTH, answer, created, limits, soon};
use crate::harness::{Service, TestDatabase, Wire};

#[tokio::test]
async fn a_head_that_is_too_long_is_answered_431() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let begins = "GET /healthz HTTP/1.1\r\nhost: test\r\n";
    let long = format!("{begins}x-long: {}", "x".repeat(40_000));
    // It arrives in one piece, so hyper's own limit does not apply.
    let whole = format!("{long}\r\n\r\n");
    let many = format!("{begins}{}\r\n", "x-many: x\r\n".repeat(101));

    for head in [long, whole, many] {
        let answer = answer(&service, head).await;

        assert_eq!(answer.status, 431, "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"));
        answer.problem();
    }
}

#[tokio::test]
async fn a_head_of_less_than_32_kib_is_accepted() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let head = HEALTH.replace("host", &format!("x-long: {}\r\nhost", "x".repeat(32_000)));

    assert_eq!(answer(&service, head).await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_not_http_get_400_even_after_a_valid_request() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    for before in ["", HEALTH] {
        let mut wire = Wire::open(service.address).await;
        wire.send(format!("{before}\u{1}\u{2} what is this\r\n\r\n")).await;
        if !before.is_empty() {
            assert_eq!(soon(wire.response()).await.status, 200);
        }

        let answer = soon(wire.response()).await;

        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"));
        answer.problem();
        soon(wire.closed()).await;
    }
}

#[tokio::test]
async fn an_incomplete_head_after_a_request_has_the_usual_time_limit() {
    let database = TestDatabase::new().await;
    let quick = limits(|it| it.head_timeout = Duration::from_millis(200));
    let service = Service::start_with(database.url(), quick).await;
    let whole = String::from_utf8(created("user_1").request()).expect("it is text");

    for before in [HEALTH, &whole] {
        let mut wire = Wire::open(service.address).await;
        wire.send(format!("{before}GET /healthz HTTP/1.1\r\nx")).await;
        assert_eq!(soon(wire.response()).await.status, 200);

        let answer = soon(wire.response()).await;

        assert_eq!(answer.status, 408, "{answer:?}");
        answer.problem();
        soon(wire.closed()).await;
    }
}

#[tokio::test]
async fn a_head_completed_in_time_after_a_request_is_answered() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    let (first, second) = HEALTH.split_at(20);
    wire.send(format!("{HEALTH}{first}")).await;
    assert_eq!(soon(wire.response()).await.status, 200);

    wire.send(second).await;

    assert_eq!(soon(wire.response()).await.status, 200);
}

#[tokio::test]
async fn many_requests_sent_at_once_are_all_answered() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;
    let last = HEALTH.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");

    // More than one read of the server takes.
    wire.send(HEALTH.repeat(1_499) + &last).await;
    let said = soon(wire.rest()).await;

    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 1_500);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_in_time() {
    let database = TestDatabase::new().await;
    let quick = limits(|it| it.write_timeout = Duration::from_millis(200));
    let service = Service::start_with(database.url(), quick).await;
    let mut wire = Wire::open(service.address).await;
    let page = "GET /admin/style.css HTTP/1.1\r\nhost: test\r\n\r\n";

    let until_closed = async { while wire.try_send(page.repeat(100)).await.is_ok() {} };

    soon(until_closed).await;
}

#[tokio::test]
async fn an_http_1_0_connection_can_carry_several_requests() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let mut wire = Wire::open(service.address).await;

    for version in ["HTTP/1.0", "HTTP/1.0", "HTTP/1.1", "HTTP/1.1"] {
        let head = HEALTH.replace("HTTP/1.1", version);
        wire.send(head.replace("\r\n\r\n", "\r\nConnection: Keep-Alive\r\n\r\n")).await;

        assert_eq!(soon(wire.response()).await.status, 200, "{version}");
    }
}

#[tokio::test]
async fn deliveries_that_arrive_in_odd_pieces_are_all_accepted() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    for piece in [7_001, 40_000, usize::MAX] {
        let mut wire = Wire::open(service.address).await;
        let ids = 0..60;
        let deliveries = ids.map(|n| created(&format!("user_{piece}_{n}")).request());
        let bytes = deliveries.collect::<Vec<_>>().concat();

        for piece in bytes.chunks(piece) {
            wire.send(piece).await;
        }

        for _ in 0..60 {
            assert_eq!(soon(wire.response()).await.json()["outcome"], "applied");
        }
    }
}
