//! Deliveries and answers of an API that meet: which of the two saw more.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use users_sync::ksuid;
use users_sync::model::Kind;
use users_sync::sync;

use crate::harness::{Mirror, Service, Signed, Vendor, body};

/// When the page of the test is answered.
fn date() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a time")
}

/// A delivery about `u1` that Stack made so many milliseconds after the page.
fn made(milliseconds: i64, name: &str) -> Signed {
    let at = date() + SignedDuration::from_millis(milliseconds);
    let body = body("stack", "user.updated", "u1", &json!({ "display_name": name }));
    Signed::new("stack", body.to_string()).with_id(&format!("msg_{}", ksuid::new(at)))
}

struct Meeting {
    mirror: Mirror,
    service: Service,
    vendor: Vendor,
}

impl Meeting {
    /// The list has `u1` with the name Listed.
    async fn new() -> Self {
        let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
        vendor.put("u1", &json!({ "display_name": "Listed" }));
        vendor.desk().date = Some(date());
        let service = mirror.serve(&vendor, sync::Options::default()).await;
        Self { mirror, service, vendor }
    }

    async fn backfill(&self) {
        self.mirror.backfill(&self.vendor.client()).await.expect("a backfill");
    }

    async fn name(&self) -> String {
        self.mirror.rows().await.remove("u1").and_then(|row| row.name).expect("a name")
    }
}

#[tokio::test]
async fn a_change_after_the_question_wins_in_either_order() {
    let (one, other) = tokio::join!(Meeting::new(), Meeting::new());

    one.backfill().await;
    one.service.post(&made(0, "Changed")).await;
    other.service.post(&made(0, "Changed")).await;
    other.backfill().await;

    assert_eq!((one.name().await, other.name().await), ("Changed".into(), "Changed".into()));
}

#[tokio::test]
async fn a_change_from_before_the_question_is_in_the_answer_and_does_not_win() {
    let (one, other) = tokio::join!(Meeting::new(), Meeting::new());

    one.backfill().await;
    one.service.post(&made(-2000, "Changed")).await;
    other.service.post(&made(-2000, "Changed")).await;
    other.backfill().await;

    assert_eq!((one.name().await, other.name().await), ("Listed".into(), "Listed".into()));
}

#[tokio::test]
async fn a_later_answer_wins_over_an_earlier_one_that_is_written_last() {
    let meeting = Meeting::new().await;
    let client = meeting.vendor.client();
    let earlier = client.page(Kind::User, None, None).await.expect("a page");
    meeting.vendor.put("u1", &json!({ "display_name": "Later" }));
    meeting.vendor.desk().date = Some(date() + SignedDuration::from_secs(1));
    let later = client.page(Kind::User, None, None).await.expect("a page");

    meeting.mirror.accept(&later.readings).await;
    meeting.mirror.accept(&earlier.readings).await;

    assert_eq!(meeting.name().await, "Later");
}
