//! Users that may not sign in: in the table, and not in the view of the active ones.

use serde_json::{Value, json};

use super::update;
use crate::harness::Front;

#[tokio::test]
async fn a_banned_or_deprovisioned_user_has_a_row_and_is_not_active() {
    let front = Front::new().await;
    for reason in ["banned", "deprovisioned"] {
        front.forget().await;

        let outcome = front.receive(&update(&json!({ reason: true }))).await;

        assert_eq!(outcome, "applied");
        assert_eq!(front.user("user_1").await["deleted_at"], Value::Null, "{reason}");
        assert!(!front.is_active("user_1").await, "{reason}");
    }
}

#[tokio::test]
async fn a_user_whose_ban_is_lifted_is_active_again() {
    let front = Front::new().await;
    let banned = json!({ "banned": true, "updated_at": 1_747_000_000_001_i64 });
    let lifted = json!({ "banned": false, "updated_at": 1_747_000_000_002_i64 });

    front.receive(&update(&banned)).await;
    let while_banned = front.is_active("user_1").await;
    front.receive(&update(&lifted)).await;

    assert!(!while_banned);
    assert!(front.is_active("user_1").await);
}

#[tokio::test]
async fn a_ban_that_arrives_late_does_not_win() {
    let front = Front::new().await;
    let banned = json!({ "banned": true, "updated_at": 1_747_000_000_001_i64 });
    let lifted = json!({ "banned": false, "updated_at": 1_747_000_000_002_i64 });

    front.receive(&update(&lifted)).await;
    let outcome = front.receive(&update(&banned)).await;

    assert_eq!(outcome, "stale");
    assert!(front.is_active("user_1").await);
}

#[tokio::test]
async fn a_locked_user_and_one_whose_flags_are_null_are_active() {
    let front = Front::new().await;
    for data in [json!({ "locked": true }), json!({ "banned": null, "deprovisioned": null })] {
        front.forget().await;

        front.receive(&update(&data)).await;

        assert!(front.is_active("user_1").await, "{data}");
    }
}
