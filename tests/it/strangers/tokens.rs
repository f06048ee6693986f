//! Wrong tokens: answered at once, and after some of them with 429.

use std::time::{Duration, Instant};

use super::{answer, soon};
use crate::harness::{ADMIN_TOKEN, Response, Service, TestDatabase};

async fn ask(service: &Service, token: &str) -> Response {
    let head =
        format!("GET /api/status HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {token}\r\n\r\n");
    answer(service, head).await
}

async fn sign_in(service: &Service, token: &str) -> Response {
    let body = format!("token={}", token.replace(' ', "+"));
    let length = body.len();
    let form = "content-type: application/x-www-form-urlencoded";
    answer(
        service,
        format!("POST /admin/sign-in HTTP/1.1\r\nhost: t\r\n{form}\r\ncontent-length: {length}\r\n\r\n{body}"),
    )
    .await
}

/// Guesses until the answer is 429, which must come soon.
async fn guess(service: &Service, page: bool) -> Response {
    for n in 0..50 {
        let token = format!("guess {n}");
        let answer = if page { sign_in(service, &token).await } else { ask(service, &token).await };
        if answer.status != 401 {
            return answer;
        }
    }
    panic!("50 guesses got no 429");
}

#[tokio::test]
async fn after_some_wrong_tokens_others_get_429_and_the_right_one_works() {
    let database = TestDatabase::new().await;
    for page in [false, true] {
        let service = Service::start(database.url()).await;

        let refused = guess(&service, page).await;

        assert_eq!(refused.status, 429, "{refused:?}");
        let wait: u64 =
            refused.header("retry-after").expect("when").parse().expect("a number of seconds");
        assert!((1..=60).contains(&wait), "{wait}");
        refused.problem();
        assert_eq!(ask(&service, ADMIN_TOKEN).await.status, 200);
        assert_eq!(sign_in(&service, ADMIN_TOKEN).await.status, 303);
    }
}

#[tokio::test]
async fn a_wrong_token_is_answered_at_once_while_others_try_too() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let started = Instant::now();

    let guesses = (0..10).map(|_| sign_in(&service, "wrong"));
    let answers = soon(futures_util::future::join_all(guesses)).await;

    assert!(answers.iter().all(|answer| answer.status == 401), "{answers:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_request_without_a_token_is_not_counted_as_a_guess() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for _ in 0..50 {
        assert_eq!(service.get("/api/status").await.status, 401);
    }

    assert_eq!(ask(&service, "wrong").await.status, 401);
}
