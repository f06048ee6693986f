//! Stack Auth: what its users become.

mod order;

use serde_json::{Value, json};

use crate::harness::{Front, Signed, body};

/// A signed event of the user `u1`, with these fields laid over it.
fn event(event_type: &str, data: &Value) -> Signed {
    Signed::new("stack", body("stack", event_type, "u1", data).to_string())
}

#[tokio::test]
async fn a_blank_name_or_email_is_none() {
    let front = Front::new().await;
    for blank in [Value::Null, json!(""), json!(" \t ")] {
        front.forget().await;
        let data = json!({ "display_name": blank, "primary_email": blank });

        let outcome = front.receive(&event("user.created", &data)).await;

        assert_eq!(outcome, "applied");
        let row = front.user("u1").await;
        assert_eq!((&row["name"], &row["email"]), (&Value::Null, &Value::Null), "{blank}");
    }
}

#[tokio::test]
async fn a_user_with_only_an_id_makes_a_row() {
    let front = Front::new().await;

    let signed = Signed::new("stack", r#"{"type":"user.created","data":{"id":"u1"}}"#)
        .with_id("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W");
    let outcome = front.receive(&signed).await;

    assert_eq!(outcome, "applied");
    let row = json!({
        "id": "u1", "name": null, "email": null, "created_at": null, "deleted_at": null,
        "updated_at": "2023-01-19T00:13:51.4+00:00",
    });
    assert_eq!(front.user("u1").await, row);
}

#[tokio::test]
async fn an_anonymous_user_is_a_row_and_its_upgrade_moves_created_at_forward() {
    let front = Front::new().await;
    let anonymous = json!({
        "is_anonymous": true, "is_restricted": true, "restricted_reason": { "type": "anonymous" },
        "display_name": null, "primary_email": null, "signed_up_at_millis": 1_747_000_000_000_i64,
    });
    let upgraded = json!({
        "is_anonymous": false, "primary_email": "ada@example.com",
        "signed_up_at_millis": 1_747_408_052_123_i64,
    });

    front.receive(&event("user.created", &anonymous).with_id(&made(1))).await;
    let before = (front.user("u1").await, front.is_active("u1").await);
    front.receive(&event("user.updated", &upgraded).with_id(&made(2))).await;

    assert_eq!((&before.0["email"], before.1), (&Value::Null, true));
    assert_eq!(before.0["created_at"], "2025-05-11T21:46:40+00:00");
    let row = front.user("u1").await;
    assert_eq!(row["email"], "ada@example.com");
    assert_eq!(row["created_at"], "2025-05-16T15:07:32.123+00:00");
}

#[tokio::test]
async fn an_upgrade_of_a_user_never_seen_is_a_row() {
    let front = Front::new().await;

    let outcome = front.receive(&event("user.updated", &json!({}))).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.user("u1").await["email"], "ada@example.com");
}

#[tokio::test]
async fn only_a_restriction_by_an_administrator_disables() {
    let restrictions = [
        (json!({ "restricted_by_admin": true }), false),
        (json!({ "restricted_reason": { "type": "restricted_by_administrator" } }), false),
        (json!({ "restricted_reason": { "type": "anonymous" } }), true),
        (json!({ "restricted_reason": { "type": "email_not_verified" } }), true),
        (json!({ "restricted_by_admin": null, "restricted_reason": null }), true),
        (json!({ "is_restricted": true }), true),
    ];
    let front = Front::new().await;
    for (data, active) in restrictions {
        front.forget().await;

        front.receive(&event("user.updated", &data)).await;

        assert_eq!(front.is_active("u1").await, active, "{data}");
        assert_eq!(front.users().await, 1);
    }
}

#[tokio::test]
async fn an_absurd_sign_up_time_costs_only_itself() {
    let front = Front::new().await;
    for absurd in [json!(i64::MAX), json!(i64::MIN), json!(-1e15), json!("soon"), json!([])] {
        let data = json!({ "id": absurd.to_string(), "signed_up_at_millis": absurd });

        let outcome = front.receive(&event("user.created", &data)).await;

        assert_eq!(outcome, "applied", "{absurd}");
        let row = front.user(&absurd.to_string()).await;
        assert_eq!((&row["name"], &row["created_at"]), (&json!("Ada Lovelace"), &Value::Null));
    }
}

#[tokio::test]
async fn a_field_of_another_type_is_quarantined_by_its_name() {
    let front = Front::new().await;
    let fields = [
        ("id", Value::Null, "is missing or empty"),
        ("id", json!(""), "is missing or empty"),
        ("id", json!(7), "is not a string"),
        ("id", json!("x".repeat(10_000)), "is longer than 255 bytes"),
        ("display_name", json!(7), "is not a string"),
        ("primary_email", json!(["ada@example.com"]), "is not a string"),
        ("restricted_by_admin", json!("yes"), "is not true or false"),
        ("restricted_reason", json!("anonymous"), "is not a JSON object"),
    ];
    for (field, value, problem) in fields {
        let signed = event("user.updated", &json!({ field: value }));

        front.quarantines(&signed, &format!("`{field}` {problem}")).await;
    }
    let odd_reason = event("user.updated", &json!({ "restricted_reason": { "type": 7 } }));
    front.quarantines(&odd_reason, "`type` is not a string").await;
}

#[tokio::test]
async fn events_about_other_kinds_are_ignored_and_make_no_row() {
    let front = Front::new().await;
    let events = [
        ("stack.test", "test delivery"),
        ("team_invitation.created", "unsupported event type"),
        ("user.created.v2", "unsupported event type"),
    ];
    for (event_type, reason) in events {
        let signed = event(event_type, &json!({ "user_id": "u1", "message": "hello" }));

        let outcome = front.receive(&signed).await;

        assert_eq!(outcome, "ignored", "{event_type}");
        assert_eq!(front.journal(&signed.id).await["reason"], reason);
        assert_eq!(front.kept_body(&signed.id).await, None);
    }
    assert_eq!(front.users().await, 0);
}

#[tokio::test]
async fn an_event_of_the_references_user_is_a_test_and_makes_no_row() {
    let front = Front::new().await;
    for event_type in ["user.created", "user.updated", "user.deleted"] {
        let example = json!({ "id": "3241a285-8329-4d69-8f3d-316e08cf140c" });
        let signed = event(event_type, &example);

        assert_eq!(front.receive(&signed).await, "ignored", "{event_type}");
        assert_eq!(front.journal(&signed.id).await["reason"], "test delivery");
    }
    assert_eq!(front.users().await, 0);
}

/// A delivery id that was made in the given second of 2025-05-16, 15:07.
fn made(second: u8) -> String {
    let at = format!("2025-05-16T15:07:{second:02}Z").parse().expect("a time");
    format!("msg_{}", users_sync::ksuid::new(at))
}
