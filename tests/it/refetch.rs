//! Deliveries that say who changed, while the API says how; and the change feed.

mod kinds;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use users_sync::ksuid;
use users_sync::sync::{self, Users, refetch};

use crate::harness::{Fault, Mirror, Service, Signed, Vendor, body, eventually, listen};

fn refetching() -> sync::Options {
    let refetch = HashSet::from(["clerk".into(), "stack".into()]);
    sync::Options { refetch, ..sync::Options::default() }
}

/// The service, which fetches what is marked as long as the test runs.
async fn fetching(mirror: &Mirror, vendor: &Vendor) -> (Service, tokio::task::JoinSet<()>) {
    let service = mirror.serve(vendor, refetching()).await;
    let mut keeping = tokio::task::JoinSet::new();
    keeping.spawn(refetch::keep(service.users.clone()));
    (service, keeping)
}

/// The delivery as if it had been made so many milliseconds ago.
fn made_ago(milliseconds: i64, signed: Signed) -> Signed {
    let at = Timestamp::now() - SignedDuration::from_millis(milliseconds);
    signed.with_id(&format!("msg_{}", ksuid::new(at)))
}

/// What is marked is due now.
const DUE: &str = "update users_sync.marks set due_at = now()";
const NOT_YET_DUE: &str = "select count(*) from users_sync.marks where due_at > clock_timestamp()";

fn updated(id: &str, name: &str) -> Signed {
    let fields = json!({ "display_name": name });
    Signed::new("stack", body("stack", "user.updated", id, &fields).to_string())
}

const MARKS: &str = "select count(*) from users_sync.marks";

#[tokio::test]
async fn the_payload_shows_at_once_and_the_truth_soon_after() {
    for age in [0, 300, 700, 1000, 1500, 3000, 60_000] {
        let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
        let (service, _keeping) = fetching(&mirror, &vendor).await;
        // The e-mail changed after the delivery was made, and Stack says nothing of it.
        vendor.put("u1", &json!({ "display_name": "Ada", "primary_email": "new@example.com" }));

        service.post(&made_ago(age, updated("u1", "Ada"))).await;

        assert_eq!(mirror.rows().await["u1"].raw["display_name"], "Ada", "{age}");
        eventually("the truth is there", async || {
            mirror.rows().await["u1"].email.as_deref() == Some("new@example.com")
        })
        .await;
        eventually("the mark is gone", async || mirror.count(MARKS).await == 0).await;
        assert_eq!(vendor.asked("GET", "/users/u1"), 1, "{age}");
    }
}

#[tokio::test]
async fn an_answer_that_is_older_than_the_delivery_keeps_the_mark() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, refetching()).await;
    vendor.put("u1", &json!({ "display_name": "Older" }));
    vendor.desk().date = Some(Timestamp::now() - SignedDuration::from_secs(20));

    service.post(&made_ago(10_000, updated("u1", "Ada"))).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");

    assert_eq!(mirror.rows().await["u1"].name.as_deref(), Some("Ada"));
    assert_eq!(mirror.count(NOT_YET_DUE).await, 1);
    vendor.desk().date = None;
    vendor.put("u1", &json!({ "display_name": "Newer" }));
    mirror.execute(DUE).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");
    assert_eq!(mirror.rows().await["u1"].name.as_deref(), Some("Newer"));
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn a_replica_that_lags_is_asked_again_until_it_has_caught_up() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, refetching()).await;
    let (now, before) = (Timestamp::now(), Timestamp::now() - SignedDuration::from_hours(1));
    let version = |at: Timestamp, name: &str| json!({ "updated_at": at.as_millisecond(), "first_name": name });
    vendor.put("user_1", &version(before, "Ada"));

    let delivered = body("clerk", "user.updated", "user_1", &version(now, "Grace"));
    service.post(&Signed::new("clerk", delivered.to_string())).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");

    assert_eq!(mirror.count(NOT_YET_DUE).await, 1);
    vendor.put("user_1", &json!({ "updated_at": now.as_millisecond(), "first_name": "API" }));
    mirror.execute(DUE).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");
    assert_eq!(mirror.rows().await["user_1"].name.as_deref(), Some("API Lovelace"));
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn an_older_answer_after_the_settling_time_is_the_last_word() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, refetching()).await;
    let ago = |minutes| (Timestamp::now() - SignedDuration::from_mins(minutes)).as_millisecond();
    vendor.put("user_1", &json!({ "updated_at": ago(60) }));

    let delivered = body("clerk", "user.updated", "user_1", &json!({ "updated_at": ago(2) }));
    service.post(&Signed::new("clerk", delivered.to_string())).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");

    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn a_user_whom_the_api_lacks_keeps_the_mark_for_a_while() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, refetching()).await;

    service.post(&made_ago(10_000, updated("u1", "Ada"))).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");
    assert_eq!(mirror.count(NOT_YET_DUE).await, 1);
    for _ in 0..6 {
        mirror.execute(DUE).await;
        refetch::fetch_due(&service.users).await.expect("a fetch");
    }

    assert_eq!(mirror.count(MARKS).await, 0);
    assert_eq!(vendor.asked("GET", "/users/u1"), 7);
    assert_eq!(mirror.alive().await, ["u1"]);
}

#[tokio::test]
async fn a_user_who_is_deleted_meanwhile_is_not_fetched_again() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, refetching()).await;

    service.post(&made_ago(10_000, updated("u1", "Ada"))).await;
    let deleted = body("stack", "user.deleted", "u1", &json!({})).to_string();
    service.post(&Signed::new("stack", deleted)).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");

    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn a_burst_about_one_user_causes_one_fetch() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    let (service, _keeping) = fetching(&mirror, &vendor).await;

    for number in 0..5 {
        service.post(&made_ago(5000, updated("u1", &format!("Ada {number}")))).await;
    }
    eventually("the marks are gone", async || mirror.count(MARKS).await == 0).await;

    assert_eq!(vendor.asked("GET", "/users/u1"), 1);
}

#[tokio::test]
async fn a_delivery_wakes_the_fetch() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    let (service, _keeping) = fetching(&mirror, &vendor).await;

    service.post(&updated("u1", "Ada")).await;

    eventually("it was fetched", async || vendor.asked("GET", "/users/u1") == 1).await;
    eventually("the mark is gone", async || mirror.count(MARKS).await == 0).await;
}

#[tokio::test]
async fn a_mark_outlives_a_provider_that_is_out_of_order_and_a_crash() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    let service = mirror.serve(&vendor, refetching()).await;
    service.post(&made_ago(5000, updated("u1", "Ada"))).await;
    vendor.desk().faults.extend(vec![Fault::ServerError; 4]);

    refetch::fetch_due(&service.users).await.expect("a failure is no failure of all");
    drop(service);

    assert_eq!(mirror.count(MARKS).await, 1);
    mirror.execute(DUE).await;
    let users = Users::new(mirror.tables.clone(), vec![vendor.client().into()]);
    refetch::fetch_due(&users).await.expect("a fetch");
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn a_mark_that_is_made_during_a_fetch_is_not_lost_with_it() {
    let mirror = Mirror::new().await;
    let vendor = Vendor::new("stack").await;
    let service = mirror.serve(&vendor, refetching()).await;
    service.post(&updated("u1", "Ada")).await;
    let database = mirror.database.client().await;
    let taken = users_sync::db::marks::take(&database, 10, 60.0, &["stack"]).await;
    let taken = taken.expect("the mark").remove(0);

    service.post(&updated("u1", "Grace")).await;
    users_sync::db::marks::done(&database, &taken).await.expect("it is done");

    let due = "select count(*) from users_sync.marks where due_at <= clock_timestamp()";
    assert_eq!(mirror.count(due).await, 1);
}

#[tokio::test]
async fn a_source_that_is_believed_is_not_fetched() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    service.post(&updated("u1", "Ada")).await;

    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn the_channel_announces_every_change_and_nothing_else() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let options = sync::Options { channel: Some("users_sync".into()), ..sync::Options::default() };
    let service = mirror.serve(&vendor, options).await;
    let mut reported = listen(mirror.database.url()).await;

    let first = updated("u1", "Ada");
    service.post(&first).await;
    service.post(&first).await;
    service.post(&updated("u1", "Grace")).await;
    let deleted = body("stack", "user.deleted", "u1", &json!({})).to_string();
    service.post(&Signed::new("stack", deleted)).await;

    for effect in ["created", "updated", "deleted"] {
        let text = reported.recv().await.expect("a notification");
        let reported: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(reported, json!({ "kind": "user", "id": "u1", "effect": effect }));
    }
}
