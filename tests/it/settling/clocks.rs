//! A provider whose clock is off: what it says was said no later than we heard it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Desk, is_too_early};
use crate::harness::{Signed, body};

/// As a clock of the vendor's that is so far ahead says.
fn ahead(minutes: i64) -> Option<Timestamp> {
    Some(Timestamp::now() + SignedDuration::from_mins(minutes))
}

#[tokio::test]
async fn a_clock_that_is_ahead_shortens_no_settling_time() {
    for provider in ["clerk", "stack"] {
        let desk = Desk::delivered(provider, &json!({})).await;
        desk.vendor.desk().date = ahead(5);

        let answer = desk.sync().await;
        let report =
            desk.mirror.reconcile_allowing(&desk.vendor.client(), 1).await.expect("a repair");

        assert!(is_too_early(&answer), "{provider}: {answer:?}");
        assert_eq!(report.counts.gone, 0, "{provider}");
        assert!(desk.alive().await, "{provider}");
    }
}

#[tokio::test]
async fn a_clock_that_is_ahead_deletes_no_user_in_the_future() {
    let desk = Desk::delivered("clerk", &json!({})).await;
    desk.mirror.settle().await;
    desk.vendor.desk().date = ahead(5);

    let answer = desk.sync().await;

    let deleted_at: Timestamp =
        answer.body["deleted_at"].as_str().expect("it is deleted").parse().expect("a time");
    assert!(deleted_at <= Timestamp::now(), "{answer:?}");
}

#[tokio::test]
async fn a_clock_that_is_ahead_lifts_no_tombstone_of_just_now() {
    let desk = Desk::delivered("clerk", &json!({})).await;
    let deleted = body("clerk", "user.deleted", "user_1", &json!({})).to_string();
    assert_eq!(desk.service.post(&Signed::new("clerk", deleted)).await.outcome(), "applied");
    desk.vendor.enrol(["user_1"]);
    desk.vendor.desk().date = ahead(5);

    let answer = desk.sync().await;
    let report = desk.mirror.reconcile_allowing(&desk.vendor.client(), 1).await.expect("a repair");

    assert!(is_too_early(&answer), "{answer:?}");
    assert_eq!(report.counts.restored, 0);
    assert!(!desk.alive().await);
}
