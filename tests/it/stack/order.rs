//! The order of changes: the time inside the delivery's id, or the first receipt where it has none.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{event, made};
use crate::harness::{Front, Signed};

/// A `user.updated` that calls the user so, under this delivery id.
fn named(name: &str, delivery: &str) -> Signed {
    event("user.updated", &json!({ "display_name": name })).with_id(delivery)
}

#[tokio::test]
async fn an_update_made_earlier_does_not_win_though_its_attempt_is_later() {
    let front = Front::new().await;
    let now = Timestamp::now().as_second();
    let older = named("Older", &made(1)).sent_at(now + 200);
    let newer = named("Newer", &made(2)).sent_at(now - 200);

    let outcomes = [front.receive(&newer).await, front.receive(&older).await];

    assert_eq!(outcomes, ["applied", "stale"]);
    assert_eq!(front.user("u1").await["name"], "Newer");
    assert_eq!(front.user("u1").await["updated_at"], "2025-05-16T15:07:02+00:00");
}

#[tokio::test]
async fn even_a_late_retry_changes_nothing() {
    let front = Front::new().await;
    let first = named("First", &made(1));
    front.receive(&first).await;
    front.receive(&named("Second", &made(2))).await;

    let retry = first.sent_at(Timestamp::now().as_second() + 250);
    let outcome = front.receive(&retry).await;

    assert_eq!(outcome, "duplicate");
    assert_eq!(front.user("u1").await["name"], "Second");
    assert_eq!(front.journal(&retry.id).await["attempts"], 2);
}

#[tokio::test]
async fn steps_of_four_milliseconds_are_distinguished() {
    let front = Front::new().await;
    let at = |ms: i64| Timestamp::from_millisecond(1_747_408_052_000 + ms).expect("a time");
    let id = |ms| format!("msg_{}", users_sync::ksuid::new(at(ms)));
    let (older, newer) = (named("Older", &id(992)), named("Newer", &id(996)));

    let outcomes = [front.receive(&newer).await, front.receive(&older).await];

    assert_eq!(outcomes, ["applied", "stale"]);
    assert_eq!(front.user("u1").await["updated_at"], "2025-05-16T15:07:32.996+00:00");
}

#[tokio::test]
async fn an_id_without_a_time_counts_from_its_first_receipt() {
    let ids = [
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "zc4a1de0-0000-4000-8000-000000000001",
        "2KWPBgLlAfxdpx2AI54pPJ85f4W",
        "msg_zzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "msg_aWgEPTl1tmebfsQzFP4bxwgy80V",
    ];
    let front = Front::new().await;
    for id in ids {
        front.forget().await;
        // A lesser id, so that only the time of receipt can make it the newer one.
        let (first, second) = (named("First", id), named("Second", "0"));
        let before = Timestamp::now();
        front.receive(&first).await;
        front.receive(&second).await;

        let retried = front.receive(&first).await;

        assert_eq!(retried, "duplicate", "{id}");
        assert_eq!(front.user("u1").await["name"], "Second", "{id}");
        let row = front.user("u1").await;
        let shown: Timestamp = row["updated_at"].as_str().expect("a time").parse().expect("a time");
        assert!(shown.as_millisecond() >= before.as_millisecond(), "{id}");
    }
}

#[tokio::test]
async fn a_deletion_happened_when_its_delivery_was_made_and_leaves_the_profile() {
    let front = Front::new().await;
    front.receive(&named("Ada", &made(1))).await;
    let (mut expected, raw) = (front.user("u1").await, front.raw_json("u1").await);

    let deleted = event("user.deleted", &json!({ "teams": [{ "id": "t1" }] })).with_id(&made(2));
    let outcome = front.receive(&deleted).await;

    assert_eq!(outcome, "applied");
    expected["deleted_at"] = json!("2025-05-16T15:07:02+00:00");
    assert_eq!(front.user("u1").await, expected);
    assert_eq!(front.raw_json("u1").await, raw);
}

#[tokio::test]
async fn a_deletion_of_an_unknown_user_outlasts_every_snapshot() {
    let front = Front::new().await;
    for (made_at, which) in [(1, "older"), (3, "newer")] {
        front.forget().await;
        let deleted = event("user.deleted", &json!({})).with_id(&made(2));
        front.receive(&deleted).await;
        let tombstone = (front.user("u1").await["name"].clone(), front.raw_json("u1").await);

        let outcome = front.receive(&named("Ada", &made(made_at))).await;

        assert_eq!(tombstone, (Value::Null, r#"{"id": "u1"}"#.to_owned()));
        assert_eq!(outcome, "applied", "{which}");
        let row = front.user("u1").await;
        assert_eq!(row["name"], "Ada", "{which}");
        assert_eq!(row["deleted_at"], "2025-05-16T15:07:02+00:00", "{which}");
    }
}
