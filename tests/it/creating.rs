//! Users that are created through us: at the provider, and in the table at once.

use serde_json::{Value, json};
use users_sync::sync;

use crate::harness::{Fault, Mirror, Vendor};

const KEY: (&str, &str) = ("idempotency-key", "k-1");

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
async fn a_request_whose_outcome_nobody_knows_is_not_repeated_at_once() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    vendor.desk().faults.push_back(Fault::ServerError);
    let wanted = json!({ "email": "grace@example.com" });

    let failed = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;
    let again = service.api_with("POST", "/api/users", wanted.clone(), &[KEY]).await;

    assert_eq!((failed.status, again.status), (502, 409));
    assert_eq!(vendor.asked("POST", "/users"), 1);
    mirror.execute("update users_sync.requests set begun_at = now() - interval '2 minutes'").await;
    let later = service.api_with("POST", "/api/users", wanted, &[KEY]).await;
    assert_eq!(later.status, 201);
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
async fn syncing_one_user_brings_it_takes_it_and_brings_it_back() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let sync = async || service.api("POST", "/api/users/user_1/sync", Value::Null).await;

    assert_eq!(sync().await.status, 404);
    vendor.enrol(["user_1"]);
    assert_eq!(sync().await.body["deleted_at"], Value::Null);
    vendor.dismiss("user_1");
    vendor.desk().date = Some("2026-01-01T00:00:00Z".parse().expect("a time"));
    assert_ne!(sync().await.body["deleted_at"], Value::Null);
    vendor.enrol(["user_1"]);
    vendor.desk().date = Some("2026-01-01T00:01:00Z".parse().expect("a time"));
    assert_eq!(sync().await.body["deleted_at"], Value::Null);
}

#[tokio::test]
async fn a_user_who_is_deleted_through_us_is_gone_at_the_provider_and_marked_here() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    mirror.backfill(&vendor.client()).await.expect("a backfill");
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    let row = service.users.delete(None, "u1").await.expect("it is deleted");

    assert!(row.expect("its row").deleted_at.is_some());
    assert!(vendor.desk().users.is_empty());
}
