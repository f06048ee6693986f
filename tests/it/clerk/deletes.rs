//! Deletions: one-way, and silent about the profile.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::update;
use crate::harness::{Front, Signed};

/// A deletion of `user_1` whose envelope says `timestamp` in this way.
fn deletion(timestamp: &str) -> Signed {
    let data = r#"{"object":"user","id":"user_1","deleted":true,"external_id":"7"}"#;
    let timestamp = format!(r#""timestamp":{timestamp}"#);
    Signed::new("clerk", format!(r#"{{"type":"user.deleted","data":{data},{timestamp}}}"#))
}

#[tokio::test]
async fn a_deletion_leaves_the_profile_as_it_was() {
    let front = Front::new().await;
    front.receive(&update(&json!({ "updated_at": 1_747_000_000_000_i64 }))).await;
    let (mut expected, raw) = (front.user("user_1").await, front.raw_json("user_1").await);

    let outcome = front.receive(&deletion("1747408052123")).await;

    assert_eq!(outcome, "applied");
    expected["deleted_at"] = json!("2025-05-16T15:07:32.123+00:00");
    assert_eq!(front.user("user_1").await, expected);
    assert_eq!(expected["name"], "Ada Lovelace");
    assert_eq!(front.raw_json("user_1").await, raw);
    assert!(!front.is_active("user_1").await);
}

#[tokio::test]
async fn a_deletion_of_an_unknown_user_leaves_a_tombstone() {
    let front = Front::new().await;

    let outcome = front.receive(&deletion("1747408052123")).await;

    assert_eq!(outcome, "applied");
    let tombstone = json!({
        "id": "user_1", "name": null, "email": null, "created_at": null, "updated_at": null,
        "deleted_at": "2025-05-16T15:07:32.123+00:00",
    });
    assert_eq!(front.user("user_1").await, tombstone);
    assert_eq!(front.raw_json("user_1").await, r#"{"id": "user_1"}"#);
}

#[tokio::test]
async fn a_snapshot_after_the_deletion_fills_the_profile_and_stays_deleted() {
    let front = Front::new().await;
    front.receive(&deletion("1747408052123")).await;
    let before_and_after = [1_747_000_000_000_i64, 1_747_999_999_999];
    for updated_at in before_and_after {
        let outcome = front.receive(&update(&json!({ "updated_at": updated_at }))).await;

        assert_eq!(outcome, "applied", "{updated_at}");
        let row = front.user("user_1").await;
        assert_eq!(row["name"], "Ada Lovelace", "{updated_at}");
        assert_eq!(row["deleted_at"], "2025-05-16T15:07:32.123+00:00", "{updated_at}");
        assert!(!front.is_active("user_1").await, "{updated_at}");
    }
}

#[tokio::test]
async fn the_time_of_a_deletion_is_read_in_seconds_and_in_milliseconds() {
    let front = Front::new().await;
    for (written, instant) in [
        ("1747408052", "2025-05-16T15:07:32+00:00"),
        ("1747408052123", "2025-05-16T15:07:32.123+00:00"),
        (r#""1747408052""#, "2025-05-16T15:07:32+00:00"),
    ] {
        front.forget().await;

        front.receive(&deletion(written)).await;

        assert_eq!(front.user("user_1").await["deleted_at"], instant, "{written}");
    }
}

#[tokio::test]
async fn a_deletion_without_a_time_happened_when_its_delivery_was_made() {
    let front = Front::new().await;
    let made_long_ago = deletion("null").with_id("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W");

    let outcome = front.receive(&made_long_ago).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.user("user_1").await["deleted_at"], "2023-01-19T00:13:51.4+00:00");
}

#[tokio::test]
async fn of_two_deletions_the_earlier_time_stands_in_either_order() {
    let (earlier, later) = (deletion("1747408052"), deletion("1747408053"));
    let front = Front::new().await;
    for (first, second, outcome) in [(&earlier, &later, "stale"), (&later, &earlier, "applied")] {
        front.forget().await;
        front.receive(first).await;

        let second = front.receive(second).await;

        assert_eq!(second, outcome);
        assert_eq!(front.user("user_1").await["deleted_at"], "2025-05-16T15:07:32+00:00");
    }
}

#[tokio::test]
async fn a_deletion_in_the_far_future_is_quarantined_and_deletes_no_user() {
    let front = Front::new().await;
    front.receive(&update(&json!({}))).await;
    let in_two_days = Timestamp::now().as_second() + 172_800;

    let signed = deletion(&in_two_days.to_string());
    front.quarantines(&signed, "the change is dated more than a day in the future").await;

    assert_eq!(front.user("user_1").await["deleted_at"], Value::Null);
    assert!(front.is_active("user_1").await);
}
