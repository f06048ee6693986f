//! Requests through a public URL, with a proxy in between that does what proxies do.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::routing::any;
use serde_json::Value;
use tokio::net::TcpListener;

use super::{assert_reported, doctor};
use crate::harness::{SECRET, Service, TestDatabase, run};

/// A stranger on a port of its own.
async fn stranger(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Passes a request on after changing it, and its answer back.
async fn proxy(to: String, change: fn(&mut HeaderMap, Bytes) -> Bytes) -> String {
    let pass = move |uri: Uri, mut headers: HeaderMap, body: Bytes| {
        let to = to.clone();
        async move {
            headers.remove("host");
            headers.remove("content-length");
            let body = change(&mut headers, body);
            let request =
                reqwest::Client::new().post(format!("{to}{uri}")).headers(headers).body(body);
            let answer = request.send().await.expect("the service answers");
            let status = answer.status();
            let mut response = Response::new(Body::from(answer.bytes().await.expect("a body")));
            *response.status_mut() = status;
            response
        }
    };
    stranger(Router::new().fallback(any(pass))).await
}

async fn through(url: &str, secret: &str) -> Vec<Value> {
    let database = TestDatabase::new().await;
    let environment = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", secret)];
    doctor(&environment, &["--public-url", url]).await.0
}

#[tokio::test]
async fn a_proxy_that_passes_requests_through_is_fine_and_nothing_is_written() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let url = proxy(service.url(""), |_, body| body).await;

    let checks = through(&url, SECRET).await;

    assert_reported(&checks, "ok", "proxy for clerk", &["untouched"]);
    let journal = database.client().await.query("select from users_sync.journal", &[]).await;
    assert_eq!(journal.expect("it answers").len(), 0);
}

#[tokio::test]
async fn a_proxy_that_prints_bodies_again_is_recognised() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let url = proxy(service.url(""), |_, body| {
        let value: Value = serde_json::from_slice(&body).expect("JSON");
        value.to_string().into()
    })
    .await;

    let checks = through(&url, SECRET).await;

    assert_reported(&checks, "fail", "proxy for clerk", &["no secret matches", "changes the body"]);
}

#[tokio::test]
async fn a_proxy_that_drops_headers_is_recognised() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let url = proxy(service.url(""), |headers, body| {
        headers.remove("svix-signature");
        body
    })
    .await;

    let checks = through(&url, SECRET).await;

    assert_reported(
        &checks,
        "fail",
        "proxy for clerk",
        &["svix-signature is missing", "drops headers"],
    );
}

#[tokio::test]
async fn answers_of_others_are_recognised() {
    let redirects = || async { (StatusCode::MOVED_PERMANENTLY, [("location", "/elsewhere")]) };
    for (router, words) in [
        (Router::new().fallback(redirects), ["301", "no redirect"]),
        (Router::new(), ["404", "rewriting"]),
        (Router::new().fallback(|| async { StatusCode::FORBIDDEN }), ["403", "login"]),
        (Router::new().fallback(|| async { StatusCode::BAD_GATEWAY }), ["502", "does not answer"]),
        (Router::new().fallback(|| async { "Welcome!" }), ["200", "no answer of users-sync"]),
    ] {
        let checks = through(&stranger(router).await, SECRET).await;
        assert_reported(&checks, "fail", "proxy for clerk", &words);
    }
    let checks = through("http://127.0.0.1:9", SECRET).await;
    assert_reported(&checks, "fail", "proxy for clerk", &["refused", "firewall"]);
}

#[tokio::test]
async fn the_address_of_an_endpoint_is_taken_for_that_of_the_service() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for path in ["/webhooks/clerk", "/webhooks/clerk/", "/webhooks/"] {
        let checks = through(&service.url(path), SECRET).await;
        assert_reported(&checks, "ok", "proxy for clerk", &["untouched"]);
    }
    let environment = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];
    for url in ["users-sync.example.com", "localhost:8080", "ftp://example.com"] {
        let said = run(&["doctor", "--public-url", url], &environment).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("https://users-sync.example.com"), "{said:?}");
    }
}
