//! What cannot be understood is kept as it came, and its reason quotes no value.

use serde_json::{Value, json};

use super::update;
use crate::harness::{Front, Signed};

#[tokio::test]
async fn a_user_without_a_usable_id_is_quarantined() {
    let front = Front::new().await;
    let ids = [
        (Value::Null, "`id` is missing or empty"),
        (json!(""), "`id` is missing or empty"),
        (json!("  "), "`id` is missing or empty"),
        (json!(7), "`id` is not a string"),
        (json!(true), "`id` is not a string"),
        (json!(["user_1"]), "`id` is not a string"),
        (json!("x".repeat(10_000)), "`id` is longer than 255 bytes"),
        (json!("x".repeat(256)), "`id` is longer than 255 bytes"),
    ];
    for (id, reason) in ids {
        front.quarantines(&update(&json!({ "id": id })), reason).await;
    }
}

#[tokio::test]
async fn a_user_with_no_id_at_all_is_quarantined() {
    let front = Front::new().await;
    for event in ["user.created", "user.updated", "user.deleted"] {
        let body = json!({ "type": event, "data": { "object": "user", "deleted": true } });
        let signed = Signed::new("clerk", body.to_string());

        front.quarantines(&signed, "`id` is missing or empty").await;
    }
}

#[tokio::test]
async fn an_id_of_255_bytes_is_a_row() {
    let front = Front::new().await;
    let id = "x".repeat(255);

    let outcome = front.receive(&update(&json!({ "id": id }))).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.user(&id).await["name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_field_of_another_type_is_quarantined_by_its_name() {
    let front = Front::new().await;
    let (text, array, flag) = ("a string", "an array", "true or false");
    let object = "a JSON object";
    let fields = [
        ("first_name", json!(5), text),
        ("last_name", json!({ "secret": "Lovelace" }), text),
        ("primary_email_address_id", json!(["idn_1"]), text),
        ("email_addresses", json!({ "id": "idn_1" }), array),
        ("email_addresses", json!("ada@example.com"), array),
        ("email_addresses", json!([null]), object),
        ("email_addresses", json!(["ada@example.com"]), object),
        ("banned", json!("true"), flag),
        ("banned", json!(1), flag),
        ("deprovisioned", json!({}), flag),
    ];
    for (field, value, expected) in fields {
        let signed = update(&json!({ field: value }));

        front.quarantines(&signed, &format!("`{field}` is not {expected}")).await;
    }
}

#[tokio::test]
async fn a_field_of_another_type_inside_is_quarantined_by_its_name() {
    let front = Front::new().await;
    let nameless = json!({ "first_name": null, "last_name": null, "username": 7 });
    let odd_id = json!({ "email_addresses": [{ "id": 7 }] });
    let odd_email = json!({
        "primary_email_address_id": "idn_1", "email_addresses": [{ "id": "idn_1", "email_address": 7 }],
    });

    front.quarantines(&update(&nameless), "`username` is not a string").await;
    front.quarantines(&update(&odd_id), "`id` is not a string").await;
    front.quarantines(&update(&odd_email), "`email_address` is not a string").await;
}

#[tokio::test]
async fn data_that_is_no_object_is_quarantined() {
    let front = Front::new().await;
    for (data, reason) in [
        (Value::Null, "`data` is missing or empty"),
        (json!([]), "`data` is not a JSON object"),
        (json!("user_1"), "`data` is not a JSON object"),
        (json!(7), "`data` is not a JSON object"),
    ] {
        let signed =
            Signed::new("clerk", json!({ "type": "user.updated", "data": data }).to_string());

        front.quarantines(&signed, reason).await;
    }
}

#[tokio::test]
async fn a_strange_type_is_quarantined_and_an_unknown_one_ignored() {
    let front = Front::new().await;
    for (event, reason) in [
        (Value::Null, "`type` is missing or empty"),
        (json!(""), "`type` is missing or empty"),
        (json!(7), "`type` is not a string"),
        (json!("x".repeat(256)), "`type` is longer than 255 bytes"),
    ] {
        let signed = Signed::new("clerk", json!({ "type": event, "data": {} }).to_string());

        front.quarantines(&signed, reason).await;
    }
    let unknown = Signed::new("clerk", r#"{"type":"user.transmogrified","data":7}"#);
    assert_eq!(front.receive(&unknown).await, "ignored");
}

#[tokio::test]
async fn a_strange_time_of_a_deletion_is_quarantined() {
    let front = Front::new().await;
    for time in [json!("soon"), json!(i64::MAX), json!(i64::MIN), json!([]), json!(false)] {
        let body = json!({ "type": "user.deleted", "timestamp": time, "data": { "id": "user_1" } });
        let signed = Signed::new("clerk", body.to_string());

        front.quarantines(&signed, "`timestamp` is not a time in seconds or milliseconds").await;
    }
}

#[tokio::test]
async fn a_needed_field_with_endless_nesting_is_quarantined_by_its_name() {
    let front = Front::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (field, expected) in [
        ("id", "a string"),
        ("first_name", "a string"),
        ("email_addresses", "a JSON object"),
        ("updated_at", "a time in seconds or milliseconds"),
        ("banned", "true or false"),
    ] {
        let others = r#""id":"user_1","primary_email_address_id":"idn_1","updated_at":1747408052"#;
        let data = format!(r#"{{{others},"{field}":{deep}}}"#);
        let signed = Signed::new("clerk", format!(r#"{{"type":"user.updated","data":{data}}}"#));

        front.quarantines(&signed, &format!("`{field}` is not {expected}")).await;
    }
}
