//! Addresses of endpoints as people paste them, and addresses without an endpoint.

use super::{answer, created};
use crate::harness::{Service, TestDatabase};
use crate::metrics::{scrape, value};

/// A signed request to another path than its own.
fn posted_to(path: &str, id: &str) -> Vec<u8> {
    let request = String::from_utf8(created(id).request()).expect("it is text");
    request.replacen("/webhooks/clerk", path, 1).into_bytes()
}

#[tokio::test]
async fn a_path_with_extra_slashes_reaches_its_source() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let paths = [
        "/webhooks/clerk/",
        "//webhooks/clerk",
        "/webhooks//clerk",
        "///webhooks///clerk///",
        "/webhooks/clerk/?from=dashboard",
        "http://test//webhooks/clerk/",
    ];

    for (n, path) in paths.into_iter().enumerate() {
        let answer = answer(&service, posted_to(path, &format!("user_{n}"))).await;

        assert_eq!(answer.json()["outcome"], "applied", "{path}");
    }
}

#[tokio::test]
async fn no_other_path_is_corrected() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let paths = [
        "/webhooks%2Fclerk",
        "/webhooks/clerk%2F",
        "/webhooks/./clerk",
        "/webhooks/clerk/x",
        "/x/webhooks/clerk",
        "/Webhooks/clerk",
    ];
    for path in paths {
        assert_eq!(answer(&service, posted_to(path, "user_1")).await.status, 404, "{path}");
    }
    for path in ["//metrics", "/metrics/", "//admin", "/admin/", "/api//status", "//healthz"] {
        let answer = answer(&service, format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;

        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_signed_request_without_an_endpoint_is_counted() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let requests = [
        ("/webhooks/unknown", "POST", "no_source"),
        ("/webhooks/%ff", "POST", "no_source"),
        ("/hooks/clerk", "POST", "no_route"),
        ("/", "POST", "no_route"),
        ("/webhooks/clerk", "GET", "wrong_method"),
    ];
    for (path, method, _) in requests {
        let request = String::from_utf8(posted_to(path, "user_1")).expect("it is text");
        let unsigned = request.replace("svix-signature", "x-signature");
        for request in [request, unsigned] {
            answer(&service, request.replacen("POST", method, 1)).await;
        }
    }

    let text = scrape(&service).await;

    for reason in ["no_source", "no_route", "wrong_method"] {
        let expected = requests.iter().filter(|(_, _, found)| *found == reason).count();
        let series = format!("users_sync_unrouted_requests_total{{reason=\"{reason}\"}}");
        assert_eq!(value(&text, &series), Some(expected as f64), "{reason}: {text}");
    }
}

#[tokio::test]
async fn an_unreadable_path_or_query_is_answered_in_problem_json() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let token = crate::harness::ADMIN_TOKEN;

    for path in ["/api/users/%ff", "/api/users/user_1?wait=1s&wait=2s"] {
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {token}\r\n\r\n");
        let answer = super::answer(&service, head).await;
        assert_eq!(
            (answer.status, answer.problem()["status"].as_u64()),
            (400, Some(400)),
            "{path}"
        );
    }
}
