//! Users that are created through us: at the provider, and in the table at once.

use serde_json::{Value, json};
use users_sync::sync;

use crate::harness::{Fault, Mirror, Vendor};

const KEY: (&str, &str) = ("idempotency-key", "k-1");
const LEFT_UNDONE: &str = "update users_sync.requests set begun_at = now() - interval '2 minutes'";
/// By the ledger and the mirror.
const DELETED_LONG_AGO: &str = "
    update users_sync.ledger set deleted_at = deleted_at - interval '2 minutes',
        first_deleted_at = first_deleted_at - interval '2 minutes',
        last_deleted_at = last_deleted_at - interval '2 minutes';
    update neon_auth.users_sync set deleted_at = deleted_at - interval '2 minutes'";

#[tokio::test]
async fn a_created_user_is_at_the_provider_and_in_the_table() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, sync::Options::default()).await;

        let wanted = json!({ "email": "grace@example.com", "name": "Grace Hopper" });
        let answer = service.api("POST", "/api/users", wanted).await;

        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.body["email"], "grace@example.com");
        assert_eq!(answer.body["name"], "Grace Hopper");
        assert_eq!(vendor.desk().users.len(), 1);
        assert_eq!(mirror.alive().await.len(), 1);
    }
}

#[tokio::test]
async fn the_same_key_creates_one_user() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let wanted = json!({ "email": "grace@example.com" });

    let first = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
    let again = service.api_with("POST", "/api/users", wanted, &[KEY]).await;
    let other = json!({ "email": "other@example.com" });
    let other = service.api_with("POST", "/api/users", other, &[KEY]).await;

    assert_eq!((first.status, again.status, other.status), (201, 200, 422));
    assert_eq!(first.body, again.body);
    assert_eq!(vendor.desk().users.len(), 1);
}

#[tokio::test]
async fn a_request_with_an_unknown_outcome_is_not_repeated_at_once() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    vendor.desk().faults.push_back(Fault::ServerError);
    let wanted = json!({ "email": "grace@example.com" });

    let failed = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
    let again = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;

    assert_eq!((failed.status, again.status), (502, 409));
    assert_eq!(vendor.asked("POST", "/users"), 1);
    mirror.execute(LEFT_UNDONE).await;
    let later = service.api_with("POST", "/api/users", wanted, &[KEY]).await;
    assert_eq!(later.status, 201);
    assert_eq!(vendor.desk().users.len(), 1);
}

#[tokio::test]
async fn a_user_whose_creation_was_answered_with_an_error_is_found_by_the_address() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, sync::Options::default()).await;
        vendor.put("other", &json!({ "display_name": "knows grace@example.com" }));
        vendor.desk().creates_with = Some(504);
        let wanted = json!({ "email": "Grace@example.com", "name": "Grace Hopper" });

        let answer = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
        let again = service.api_with("POST", "/api/users", wanted, &[KEY]).await;

        assert_eq!((answer.status, again.status), (201, 200), "{provider}: {}", answer.body);
        assert_eq!(answer.body["name"], "Grace Hopper");
        assert_eq!(answer.body, again.body);
        assert_eq!(vendor.asked("POST", "/users"), 1);
    }
}

#[tokio::test]
async fn a_request_that_is_taken_over_finds_whom_the_first_attempt_created() {
    for (provider, name) in
        [("clerk", json!("Grace Hopper")), ("stack", json!("Grace Hopper")), ("clerk", Value::Null)]
    {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, sync::Options::default()).await;
        // The list is a replica's, and does not have the new user yet.
        vendor.desk().unlisted = Box::new(|_| true);
        vendor.desk().creates_with = Some(504);
        let wanted = json!({ "email": "grace@example.com", "name": name });

        let first = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
        vendor.desk().unlisted = Box::new(|_| false);
        vendor.desk().creates_with = None;
        mirror.execute(LEFT_UNDONE).await;
        let second = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
        let third = service.api_with("POST", "/api/users", wanted, &[KEY]).await;

        assert_eq!((first.status, second.status, third.status), (502, 200, 200), "{provider}");
        assert_eq!(second.body, third.body);
        assert_eq!(vendor.desk().users.len(), 1, "{provider}");
        assert_eq!(vendor.asked("POST", "/users"), 1, "{provider}");
    }
}

#[tokio::test]
async fn an_older_user_with_the_same_address_is_not_handed_out_as_new() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let old = json!({ "primary_email": "grace@example.com", "signed_up_at_millis": 1_700_000_000_000_i64 });
    vendor.put("old", &old);
    vendor.desk().faults.push_back(Fault::ServerError);
    let wanted = json!({ "email": "grace@example.com" });

    let failed = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
    mirror.execute(LEFT_UNDONE).await;
    let created = service.api_with("POST", "/api/users", wanted, &[KEY]).await;

    assert_eq!((failed.status, created.status), (502, 201));
    assert_ne!(created.body["id"], "old");
}

#[tokio::test]
async fn a_request_is_not_repeated_while_the_address_cannot_be_looked_up() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let wanted = json!({ "email": "grace@example.com" });
    vendor.desk().stumbles = Some((1, Fault::ServerError));
    service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
    mirror.execute(LEFT_UNDONE).await;

    let again = service.api_with("POST", "/api/users", wanted, &[KEY]).await;

    assert_eq!(again.status, 502);
    assert_eq!(vendor.asked("POST", "/users"), 1);
}

#[tokio::test]
async fn a_request_that_was_certainly_not_done_may_be_made_again_at_once() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let wanted = json!({ "email": "grace@example.com" });
    vendor.desk().faults.push_back(Fault::Refused(501, "not_implemented"));
    vendor.desk().faults.push_back(Fault::TooManyRequests { retry_after: 60 });

    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
        statuses.push(answer.status);
    }

    assert_eq!(statuses, [502, 502, 201]);
}

#[tokio::test]
async fn a_body_that_is_no_user_is_refused_without_its_words() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    let answer = service.api("POST", "/api/users", json!({ "mail": "secret@example.com" })).await;

    assert_eq!(answer.status, 400);
    assert!(!answer.body.to_string().contains("secret@"));
    assert_eq!(vendor.asked("POST", "/users"), 0);
}

#[tokio::test]
async fn syncing_one_user_creates_deletes_and_restores_the_row() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let sync = async || service.api("POST", "/api/users/user_1/sync", Value::Null).await;

    assert_eq!(sync().await.status, 404);
    vendor.enrol(["user_1"]);
    assert_eq!(sync().await.body["deleted_at"], Value::Null);
    vendor.dismiss("user_1");
    mirror.settle().await;
    assert!(sync().await.body["deleted_at"].is_string());
    vendor.enrol(["user_1"]);
    mirror.execute(DELETED_LONG_AGO).await;
    assert_eq!(sync().await.body["deleted_at"], Value::Null);
}

#[tokio::test]
async fn deleting_a_user_deletes_it_at_the_provider_and_marks_the_row() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    mirror.backfill(&vendor.client()).await.expect("a backfill");
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    let row = service.users.delete(None, "u1").await.expect("it is deleted");

    assert!(row.expect("its row").deleted_at.is_some());
    assert!(vendor.desk().users.is_empty());
}

#[tokio::test]
async fn the_error_page_of_a_proxy_deletes_no_user() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    mirror.backfill(&vendor.client()).await.expect("a backfill");
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    vendor.desk().faults.push_back(Fault::Html(200));

    let refused = service.users.delete(None, "u1").await;

    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(vendor.desk().users.len(), 1);
    let row = service.users.delete(None, "u1").await.expect("it is deleted now");
    assert!(row.expect("its row").deleted_at.is_some());
}
