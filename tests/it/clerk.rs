//! Clerk: what its users become.

mod deletes;
mod disabled;
mod quarantined;
mod times;

use serde_json::{Value, json};

use crate::harness::{Front, Signed, body};

/// A signed `user.updated` of the user `user_1`, with these fields laid over it.
fn update(data: &Value) -> Signed {
    Signed::new("clerk", body("clerk", "user.updated", "user_1", data).to_string())
}

fn address(id: &str, email: &str) -> Value {
    json!({ "id": id, "object": "email_address", "email_address": email, "verification": null })
}

/// The row that comes of a user with these fields.
async fn row(data: &Value) -> Value {
    row_of(&Front::new().await, data).await
}

/// The same, where there may be another row of that user: it is forgotten.
async fn row_of(front: &Front, data: &Value) -> Value {
    front.forget().await;

    let outcome = front.receive(&update(data)).await;

    assert_eq!(outcome, "applied", "{data}");
    front.user("user_1").await
}

#[tokio::test]
async fn the_primary_address_is_found_by_its_id_and_not_by_its_place() {
    let addresses =
        json!([address("idn_a", "old@example.com"), address("idn_b", "new@example.com")]);

    let row =
        row(&json!({ "primary_email_address_id": "idn_b", "email_addresses": addresses })).await;

    assert_eq!(row["email"], "new@example.com");
}

#[tokio::test]
async fn without_a_primary_address_no_other_is_taken() {
    let addresses = json!([address("idn_a", "unverified@example.com")]);

    let row = row(&json!({ "primary_email_address_id": null, "email_addresses": addresses })).await;

    assert_eq!(row["email"], Value::Null);
    assert_eq!(row["id"], "user_1");
}

#[tokio::test]
async fn a_primary_id_that_no_address_has_gives_no_email() {
    let addresses = json!([
        { "object": "email_address", "email_address": "without-an-id@example.com" },
        address("idn_b", "other@example.com"),
    ]);

    let row =
        row(&json!({ "primary_email_address_id": "idn_a", "email_addresses": addresses })).await;

    assert_eq!(row["email"], Value::Null);
}

#[tokio::test]
async fn a_primary_id_with_an_empty_list_gives_no_email() {
    let row = row(&json!({ "primary_email_address_id": "idn_a", "email_addresses": [] })).await;

    assert_eq!(row["email"], Value::Null);
}

#[tokio::test]
async fn an_email_that_is_taken_away_goes_from_the_row_too() {
    let front = Front::new().await;
    front.receive(&update(&json!({ "updated_at": 1_747_000_000_001_i64 }))).await;

    let phone_only = json!({
        "primary_email_address_id": null, "email_addresses": [], "updated_at": 1_747_000_000_002_i64,
    });
    let outcome = front.receive(&update(&phone_only)).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.user("user_1").await["email"], Value::Null);
}

#[tokio::test]
async fn a_name_is_first_and_last_name_or_the_only_one() {
    let front = Front::new().await;
    let names = [
        (json!("Ada"), json!("Lovelace"), "Ada Lovelace"),
        (json!("Ada"), Value::Null, "Ada"),
        (json!(""), json!("Lovelace"), "Lovelace"),
        (json!(" Ada "), json!("  "), "Ada"),
        (json!("\u{a0}\t"), json!("Lovelace"), "Lovelace"),
    ];
    for (first, last, name) in names {
        let data = json!({ "first_name": first, "last_name": last, "username": "ada" });
        let row = row_of(&front, &data).await;

        assert_eq!(row["name"], name, "{first} {last}");
    }
}

#[tokio::test]
async fn a_user_without_names_is_called_by_its_username() {
    let front = Front::new().await;
    for nothing in [Value::Null, json!(""), json!("   ")] {
        let with_username = |username: &Value| json!({ "first_name": nothing, "last_name": nothing, "username": username });

        let named = row_of(&front, &with_username(&json!(" ada "))).await;
        let nameless = row_of(&front, &with_username(&nothing)).await;

        assert_eq!(named["name"], "ada", "{nothing}");
        assert_eq!(nameless["name"], Value::Null, "{nothing}");
    }
}

#[tokio::test]
async fn of_two_simultaneous_changes_the_greater_delivery_id_wins_in_either_order() {
    let moment = 1_747_000_000_000_i64;
    let lesser = update(&json!({ "first_name": "Lesser", "updated_at": moment })).with_id("msg_a");
    let greater =
        update(&json!({ "first_name": "Greater", "updated_at": moment })).with_id("msg_b");
    let front = Front::new().await;
    for order in [[&lesser, &greater], [&greater, &lesser]] {
        front.forget().await;

        for signed in order {
            front.receive(signed).await;
        }

        assert_eq!(front.user("user_1").await["name"], "Greater Lovelace");
    }
}

#[tokio::test]
async fn an_event_of_an_example_of_clerks_is_a_test_and_makes_no_row() {
    let front = Front::new().await;
    let users = [
        "user_29w83sxmDNGwOuEthce5gg56FcC",
        "user_29wBMCtzATuFJut8jO2VNTVekS4",
        "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
    ];
    for event in ["user.created", "user.updated", "user.deleted"] {
        for user in users {
            let body = body("clerk", event, user, &json!({}));
            ignores(&front, &body).await;
        }
        for instance in ["ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "ins_123"] {
            let mut body = body("clerk", event, "user_2xJ4u0gQh3mYt8kWvR5bNcZ1aLp", &json!({}));
            body["instance_id"] = json!(instance);
            ignores(&front, &body).await;
        }
    }
    assert_eq!(front.users().await, 0);
}

#[tokio::test]
async fn an_example_that_cannot_be_read_is_a_test_too() {
    let front = Front::new().await;
    let user = "user_29wBMCtzATuFJut8jO2VNTVekS4";

    ignores(&front, &body("clerk", "user.updated", user, &json!({ "updated_at": "soon" }))).await;
    let mut nameless = body("clerk", "user.deleted", user, &json!({ "id": null }));
    nameless["instance_id"] = json!("ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S");
    ignores(&front, &nameless).await;
}

async fn ignores(front: &Front, body: &Value) {
    let signed = Signed::new("clerk", body.to_string());

    let outcome = front.receive(&signed).await;

    assert_eq!(outcome, "ignored", "{body}");
    assert_eq!(front.journal(&signed.id).await["reason"], "test delivery");
}

#[tokio::test]
async fn events_about_other_kinds_are_ignored_and_make_no_row() {
    let front = Front::new().await;
    let events = "organizationDomain.updated organizationInvitation.accepted session.created session.ended email.created sms.created \
        waitlistEntry.created paymentAttempt.updated subscription.active subscriptionItem.upcoming \
        user.transmogrified USER.CREATED user";
    for event in events.split_whitespace() {
        let signed = Signed::new("clerk", body("clerk", event, "user_1", &json!({})).to_string());

        let outcome = front.receive(&signed).await;

        assert_eq!(outcome, "ignored", "{event}");
        let journal = front.journal(&signed.id).await;
        assert_eq!((&journal["event_type"], &journal["entity_id"]), (&json!(event), &Value::Null));
        assert_eq!(journal["reason"], "unsupported event type");
    }
    assert_eq!(front.users().await, 0);
}

#[tokio::test]
async fn raw_json_is_the_users_object_without_the_envelope() {
    let front = Front::new().await;
    let signed = update(&json!({ "private_metadata": { "b": [1, 2.50], "a": null } }));

    front.receive(&signed).await;

    let body = String::from_utf8(signed.body).expect("UTF-8");
    let sql = "select raw_json = $1::text::jsonb->'data', raw_json ? 'type' or raw_json ? 'data'
        from neon_auth.users_sync";
    let row = front.one(sql, &[&body]).await;
    assert_eq!((row.get(0), row.get(1)), (true, false));
}
