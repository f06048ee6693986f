//! The rules of a source hold for its deliveries and for the answers of its API alike.

use serde_json::{Value, json};
use users_sync::api::Client;
use users_sync::model::Kind;
use users_sync::provider;
use users_sync::rules::Rules;

use crate::harness::{Front, Mirror, ServiceSettings, Signed, Vendor, body, impatient};

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn prefixed(prefix: &str) -> Rules {
    Rules { prefix: prefix.into(), ..Rules::default() }
}

async fn front(rules: Vec<(&'static str, &'static str, Rules)>) -> Front {
    Front::with(ServiceSettings { rules, ..ServiceSettings::default() }).await
}

/// A delivery to a source of this name.
fn to(source: &'static str, provider: &'static str, event_type: &str, data: &Value) -> Signed {
    let id = data["id"].as_str().unwrap_or("user_1").to_owned();
    let signed = Signed::new(provider, body(provider, event_type, &id, data).to_string());
    Signed { source, ..signed }
}

fn client(vendor: &Vendor, rules: Rules) -> Client {
    let settings = users_sync::api::Settings { rules: rules.into(), ..vendor.settings() };
    Client::new(&settings, impatient()).expect("a client")
}

#[tokio::test]
async fn a_prefix_keeps_the_users_of_two_instances_apart() {
    let rules = vec![("eu", "clerk", prefixed("eu_")), ("us", "clerk", prefixed("us_"))];
    let front = front(rules).await;

    for source in ["eu", "us"] {
        let created = to(source, "clerk", "user.created", &json!({ "id": "user_1" }));
        assert_eq!(front.receive(&created).await, "applied");
    }
    let deleted = to("us", "clerk", "user.deleted", &json!({ "id": "user_1" }));
    assert_eq!(front.receive(&deleted).await, "applied");

    assert_eq!(front.user("eu_user_1").await["deleted_at"], Value::Null);
    assert_ne!(front.user("us_user_1").await["deleted_at"], Value::Null);
    assert_eq!(front.users().await, 2);
    assert!(front.raw_json("eu_user_1").await.contains("\"user_1\""));
}

#[tokio::test]
async fn ids_in_memberships_and_grants_get_the_prefix_too() {
    let front = front(vec![("stack", "stack", prefixed("s_"))]).await;

    let data = json!({ "team_id": "t/1", "user_id": "u1" });
    front.receive(&to("stack", "stack", "team_membership.created", &data)).await;
    let data = json!({ "team_id": "t/1", "user_id": "u1", "id": "read" });
    front.receive(&to("stack", "stack", "team_permission.created", &data)).await;
    let data = json!({ "user_id": "u1", "id": "read" });
    front.receive(&to("stack", "stack", "project_permission.created", &data)).await;

    let sql = "select string_agg(concat_ws(' ', id, user_id, organization_id), ', ' order by id)
        from (select id, user_id, organization_id from neon_auth.memberships_sync
              union all select id, user_id, organization_id from neon_auth.grants_sync) m";
    let rows: String = front.one(sql, &[]).await.get(0);
    assert_eq!(rows, "s_t%2F1/s_u1 s_u1 s_t/1, s_t%2F1/s_u1/read s_u1 s_t/1, s_u1/read s_u1");
}

#[tokio::test]
async fn the_api_is_asked_without_the_prefix() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.enrol(["user_1", "user_2"]);
    let client = client(&vendor, prefixed("eu_"));

    mirror.backfill(&client).await.expect("a backfill");
    mirror.settle().await;
    vendor.desk().users.retain(|user| user["id"] != "user_2");
    let report = mirror.reconcile(&client).await.expect("a reconcile");

    assert_eq!(mirror.alive().await, ["eu_user_1"]);
    assert_eq!(report.counts.gone, 1);
    assert!(vendor.asked("GET", "/users/user_2") > 0);
}

#[tokio::test]
async fn ignored_event_types_change_nothing() {
    let ignore = list(&["organization.*", "user.updated"]);
    let front = front(vec![("clerk", "clerk", Rules { ignore, ..Rules::default() })]).await;

    for (event_type, outcome) in [
        ("user.created", "applied"),
        ("user.updated", "ignored"),
        ("organization.created", "ignored"),
        ("organizationMembership.created", "applied"),
    ] {
        let signed = to("clerk", "clerk", event_type, &json!({}));
        assert_eq!(front.receive(&signed).await, outcome, "{event_type}");
        if outcome == "ignored" {
            let reason = &front.journal(&signed.id).await["reason"];
            assert_eq!(reason, "the `ignore` of its source names this event type");
        }
    }
}

#[tokio::test]
async fn anonymous_users_are_kept_as_soon_as_they_have_signed_up() {
    let rules = Rules { ignore: list(&["anonymous"]), ..Rules::default() };
    let front = front(vec![("stack", "stack", rules)]).await;

    let anonymous = json!({ "id": "user_1", "is_anonymous": true });
    let outcome = front.receive(&to("stack", "stack", "user.created", &anonymous)).await;
    assert_eq!((outcome.as_str(), front.users().await), ("ignored", 0));
    let known = json!({ "id": "user_1", "is_anonymous": false });
    let outcome = front.receive(&to("stack", "stack", "user.updated", &known)).await;

    assert_eq!((outcome.as_str(), front.users().await), ("applied", 1));
}

#[tokio::test]
async fn a_list_with_anonymous_users_is_whole_and_deletes_no_user() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["user_1", "user_2"]);
    for number in 0..20 {
        vendor.put(&format!("anonymous_{number}"), &json!({ "is_anonymous": true }));
    }
    let client = client(&vendor, Rules { ignore: list(&["anonymous"]), ..Rules::default() });

    let progress = mirror.backfill(&client).await.expect("a backfill");
    mirror.settle().await;
    let report = mirror.reconcile(&client).await.expect("a reconcile");

    assert_eq!((progress.counts.missing, report.counts.gone), (2, 0));
    assert_eq!(mirror.alive().await, ["user_1", "user_2"]);
}

#[tokio::test]
async fn deliveries_of_another_instance_are_quarantined() {
    let rules = Rules { instance: Some("ins_ours".into()), ..Rules::default() };
    let front = front(vec![("clerk", "clerk", rules)]).await;
    let from = |instance: &str| {
        let mut body = body("clerk", "user.created", "user_1", &json!({}));
        body["instance_id"] = json!(instance);
        Signed::new("clerk", body.to_string())
    };

    let reason =
        "the delivery comes from another instance than the one in the `instance` of its source";
    front.quarantines(&from("ins_other"), reason).await;
    assert_eq!(front.receive(&from("ins_ours")).await, "applied");
}

#[tokio::test]
async fn raw_json_stores_what_keep_and_drop_leave() {
    let data = json!({
        "id": "user_1", "external_id": null, "private_metadata": { "a": 1 },
        "public_metadata": { "plan": "pro", "notes": [[{ "secret": 1, "open": 2 }]] },
    });
    let number = "12345678901234567890.123456789012345678901";
    for (keep, drop, expected) in [
        (
            list(&[]),
            list(&["private_metadata", "public_metadata.notes.secret"]),
            vec![
                ("private_metadata", false),
                ("\"secret\"", false),
                ("\"open\"", true),
                (number, true),
            ],
        ),
        (
            list(&["big", "public_metadata.plan"]),
            list(&[]),
            vec![
                (number, true),
                ("\"plan\"", true),
                ("\"notes\"", false),
                ("email_addresses", false),
                ("\"id\"", true),
            ],
        ),
        (
            list(&["big", "public_metadata"]),
            list(&["public_metadata.notes"]),
            vec![("\"plan\"", true), ("\"notes\"", false), ("private_metadata", false)],
        ),
    ] {
        let rules = Rules { keep, drop, ..Rules::default() };
        let front = front(vec![("clerk", "clerk", rules.clone())]).await;
        let text = body("clerk", "user.created", "user_1", &data).to_string();
        let text = text.replacen(
            "\"private_metadata\"",
            &format!("\"big\":{number},\"private_metadata\""),
            1,
        );

        assert_eq!(front.receive(&Signed::new("clerk", text)).await, "applied");

        let stored = front.raw_json("user_1").await;
        for (part, is_there) in expected {
            assert_eq!(stored.contains(part), is_there, "{part} with {rules:?}: {stored}");
        }
        assert_eq!(front.user("user_1").await["email"], "ada@example.com");
    }
}

#[tokio::test]
async fn dropped_fields_are_no_drift() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.put("user_1", &json!({ "private_metadata": { "a": 1 }, "phone_numbers": [] }));
    let rules = Rules { drop: list(&["private_metadata", "email_addresses"]), ..Rules::default() };
    let client = client(&vendor, rules);

    mirror.backfill(&client).await.expect("a backfill");
    mirror.settle().await;
    let report = mirror.reconcile(&client).await.expect("a reconcile");

    assert_eq!(report.counts.drift(), 0);
}

#[tokio::test]
async fn an_id_that_is_too_long_with_its_prefix_is_quarantined() {
    let front = front(vec![("clerk", "clerk", prefixed("prefix_"))]).await;
    let data = json!({ "id": "u".repeat(250) });

    let signed = to("clerk", "clerk", "user.created", &data);

    front.quarantines(&signed, "`the id with its prefix` is longer than 255 bytes").await;
}

#[test]
fn an_id_of_the_tables_leads_back_to_the_id_of_the_provider() {
    let rules = prefixed("eu_");
    for (kind, own, ours) in [
        (Kind::User, "a/b", "eu_a/b"),
        (Kind::Organization, "t", "eu_t"),
        (Kind::Membership, "t/u", "eu_t/eu_u"),
        (Kind::Membership, "orgmem_1", "eu_orgmem_1"),
        (Kind::Grant, "t/u/p", "eu_t/eu_u/p"),
        (Kind::Grant, "u/p", "eu_u/p"),
        (Kind::Role, "r", "eu_r"),
    ] {
        assert_eq!(rules.id(kind, own).as_deref(), Ok(ours));
        assert_eq!(rules.own_id(kind, ours).as_deref(), Some(own));
        assert_eq!(rules.own_id(kind, own), None, "{own} has no prefix");
    }
}

#[test]
fn rules_that_a_provider_cannot_follow_are_mistakes() {
    let [clerk, stack] =
        ["clerk", "stack"].map(|name| provider::find(name).expect("a known provider"));
    let ignore = |words: &[&str]| Rules { ignore: list(words), ..Rules::default() };
    let instance = Rules { instance: Some("1".into()), ..Rules::default() };
    let drop = |words: &[&str]| Rules { drop: list(words), ..Rules::default() };
    for (rules, provider, key) in [
        (Rules::default(), clerk, None),
        (prefixed("eu_"), clerk, None),
        (prefixed("e/u"), clerk, Some("id_prefix")),
        (prefixed(&"e".repeat(65)), clerk, Some("id_prefix")),
        (ignore(&["anonymous", "session.*"]), stack, None),
        (ignore(&["anonymous"]), clerk, Some("ignore")),
        (ignore(&["user.created", "*"]), clerk, Some("ignore")),
        (ignore(&["se*sion"]), clerk, Some("ignore")),
        (instance.clone(), clerk, None),
        (instance, stack, Some("instance")),
        (drop(&["email_addresses.verification"]), clerk, None),
        (drop(&["a..b"]), clerk, Some("drop")),
    ] {
        let mistakes = rules.mistakes(provider);
        assert_eq!(mistakes.first().map(|mistake| mistake.key), key, "{rules:?}: {mistakes:?}");
    }
}
