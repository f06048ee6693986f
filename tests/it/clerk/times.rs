//! Times: in seconds, in milliseconds, as they please, and absurd.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{row, update};
use crate::harness::{Front, Signed};

/// A `user.updated` whose times stand in the text as they are given here.
fn update_text(id: &str, created_at: &str, updated_at: &str) -> Signed {
    let id = json!(id);
    let data = format!(
        r#"{{"id":{id},"object":"user","created_at":{created_at},"updated_at":{updated_at}}}"#
    );
    Signed::new("clerk", format!(r#"{{"type":"user.updated","data":{data}}}"#))
}

#[tokio::test]
async fn a_time_is_read_in_every_way_that_it_is_written() {
    let front = Front::new().await;
    let times = [
        ("1747408052123", "2025-05-16T15:07:32.123+00:00"),
        ("1747408052", "2025-05-16T15:07:32+00:00"),
        ("1747408052123.0", "2025-05-16T15:07:32.123+00:00"),
        ("1.747408052123e12", "2025-05-16T15:07:32.123+00:00"),
        ("1.7e12", "2023-11-14T22:13:20+00:00"),
        ("1.7E9", "2023-11-14T22:13:20+00:00"),
        (r#""1747408052123""#, "2025-05-16T15:07:32.123+00:00"),
        (r#""1747408052""#, "2025-05-16T15:07:32+00:00"),
    ];
    for (written, instant) in times {
        let id = format!("user_{written}");

        let outcome = front.receive(&update_text(&id, written, written)).await;

        assert_eq!(outcome, "applied", "{written}");
        let row = front.user(&id).await;
        assert_eq!(row["updated_at"], instant, "{written}");
        assert_eq!(row["created_at"], instant, "{written}");
    }
}

#[tokio::test]
async fn a_snapshot_without_its_version_is_quarantined() {
    let front = Front::new().await;
    let unversioned = Signed::new("clerk", r#"{"type":"user.updated","data":{"id":"user_1"}}"#);

    front.quarantines(&unversioned, "`updated_at` is missing or empty").await;
    front
        .quarantines(
            &update_text("user_1", "1747408052", "null"),
            "`updated_at` is missing or empty",
        )
        .await;
}

const ABSURD: [&str; 16] = [
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999999999999999",
    "1e400",
    "-1e400",
    "-300000000000000",
    r#""""#,
    r#""yesterday""#,
    r#""NaN""#,
    r#""-inf""#,
    r#""2025-05-16T15:07:32Z""#,
    "true",
    "[]",
    "{}",
    "[1747408052123]",
];

#[tokio::test]
async fn an_absurd_version_is_quarantined() {
    let front = Front::new().await;
    for absurd in ABSURD {
        let signed = update_text("user_1", "1747408052123", absurd);

        front.quarantines(&signed, "`updated_at` is not a time in seconds or milliseconds").await;
    }
}

#[tokio::test]
async fn an_absurd_sign_up_time_costs_only_itself() {
    let front = Front::new().await;
    for absurd in ABSURD {
        let id = format!("user_{absurd}");

        let outcome = front.receive(&update_text(&id, absurd, "1747408052123")).await;

        assert_eq!(outcome, "applied", "{absurd}");
        let row = front.user(&id).await;
        assert_eq!(row["created_at"], Value::Null, "{absurd}");
        assert_eq!(row["updated_at"], "2025-05-16T15:07:32.123+00:00", "{absurd}");
    }
}

#[tokio::test]
async fn a_version_in_the_far_future_is_quarantined_and_freezes_nothing() {
    let front = Front::new().await;
    let now = Timestamp::now().as_millisecond();
    let in_25_hours = update(&json!({ "first_name": "Future", "updated_at": now + 90_000_000 }));
    let in_a_century = update(&json!({ "updated_at": 4_900_000_000_000_i64 }));
    let present = update(&json!({ "first_name": "Present", "updated_at": now }));

    front.quarantines(&in_25_hours, "the change is dated more than a day in the future").await;
    front.quarantines(&in_a_century, "the change is dated more than a day in the future").await;
    let outcome = front.receive(&present).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.user("user_1").await["name"], "Present Lovelace");
}

#[tokio::test]
async fn a_clock_that_runs_some_hours_ahead_is_believed() {
    let in_an_hour = Timestamp::now().as_millisecond() + 3_600_000;

    let row = row(&json!({ "updated_at": in_an_hour })).await;

    let shown: Timestamp = row["updated_at"].as_str().expect("a time").parse().expect("a time");
    assert_eq!(shown.as_millisecond(), in_an_hour);
}
