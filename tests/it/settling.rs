//! What a provider's API does not have, or has in an older state: believed only against what is not news.

mod clocks;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use users_sync::ksuid;
use users_sync::sync::Options;

use crate::harness::{
    API_KEY, Answer, Fault, Mirror, Service, ServiceSettings, Signed, Vendor, body, run,
};

const TOO_EARLY: &str = "too early to decide: ";

struct Desk {
    vendor: Vendor,
    mirror: Mirror,
    service: Service,
}

impl Desk {
    async fn new(provider: &'static str) -> Self {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, Options::default()).await;
        Self { vendor, mirror, service }
    }

    /// A user whom a delivery created; the vendor has no users.
    async fn delivered(provider: &'static str, fields: &Value) -> Self {
        let desk = Self::new(provider).await;
        let created = body(provider, "user.created", "user_1", fields).to_string();
        assert_eq!(desk.service.post(&Signed::new(provider, created)).await.outcome(), "applied");
        desk
    }

    async fn sync(&self) -> Answer {
        self.service.api("POST", "/api/users/user_1/sync", Value::Null).await
    }

    /// `users-sync users` with these arguments.
    async fn command(&self, arguments: &[&str]) -> (i32, String) {
        let (database, url) = (self.mirror.database.url(), self.vendor.url());
        let variables =
            [("DATABASE_URL", database), ("CLERK_SECRET_KEY", API_KEY), ("CLERK_API_URL", &url)];
        let said = run(&[&["users"], arguments].concat(), &variables).await;
        (said.code, said.err)
    }

    async fn alive(&self) -> bool {
        self.mirror.alive().await == ["user_1"]
    }
}

fn is_too_early(answer: &Answer) -> bool {
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    answer.status == 409 && detail.starts_with(TOO_EARLY)
}

#[tokio::test]
async fn a_user_who_came_just_now_is_not_deleted_by_a_404() {
    for provider in ["clerk", "stack"] {
        let desk = Desk::delivered(provider, &json!({})).await;

        let answer = desk.sync().await;
        let report =
            desk.mirror.reconcile_allowing(&desk.vendor.client(), 1).await.expect("a repair");

        assert!(is_too_early(&answer), "{answer:?}");
        assert_eq!(report.counts.gone, 0);
        assert!(desk.alive().await, "{provider}");
        desk.mirror.settle().await;
        assert_ne!(desk.sync().await.body["deleted_at"], Value::Null, "{provider}");
    }
}

#[tokio::test]
async fn a_404_counts_when_the_user_was_not_heard_of_for_a_minute() {
    for (seconds, is_deleted) in [(50, false), (70, true)] {
        let synced = Desk::delivered("clerk", &json!({})).await;
        let reconciled = Desk::delivered("stack", &json!({})).await;
        synced.mirror.age(seconds).await;
        reconciled.mirror.age(seconds).await;

        let answer = synced.sync().await;
        let client = reconciled.vendor.client();
        let report = reconciled.mirror.reconcile_allowing(&client, 1).await;

        assert_eq!(is_too_early(&answer), !is_deleted, "{answer:?}");
        assert_eq!(report.expect("a repair").counts.gone, i64::from(is_deleted));
        assert_eq!((synced.alive().await, reconciled.alive().await), (!is_deleted, !is_deleted));
    }
}

#[tokio::test]
async fn a_reconcile_deletes_users_missing_for_longer_than_the_settling_time() {
    for provider in ["clerk", "stack"] {
        let desk = Desk::delivered(provider, &json!({})).await;
        desk.mirror.settle().await;

        let report =
            desk.mirror.reconcile_allowing(&desk.vendor.client(), 1).await.expect("a repair");

        assert_eq!(report.counts.gone, 1, "{provider}");
        assert!(!desk.alive().await, "{provider}");
    }
}

#[tokio::test]
async fn an_old_version_that_came_just_now_survives_a_404() {
    let old = (Timestamp::now() - SignedDuration::from_hours(5)).as_millisecond();
    let desk = Desk::delivered("clerk", &json!({ "created_at": old, "updated_at": old })).await;

    let answer = desk.sync().await;
    desk.mirror.reconcile_allowing(&desk.vendor.client(), 1).await.expect("a repair");

    assert!(is_too_early(&answer), "{answer:?}");
    assert!(desk.alive().await);
}

#[tokio::test]
async fn a_new_version_that_came_long_ago_survives_a_404() {
    let desk = Desk::delivered("stack", &json!({})).await;
    let journal = "update users_sync.journal set received_at = now() - interval '1 hour',
        processed_at = now() - interval '1 hour'";
    desk.mirror.execute(journal).await;

    assert!(is_too_early(&desk.sync().await));
    assert!(desk.alive().await);
}

#[tokio::test]
async fn a_row_that_came_by_no_delivery_is_as_old_as_its_version() {
    for (age, is_deleted) in [(0, false), (2, true)] {
        let desk = Desk::new("clerk").await;
        let updated_at = Timestamp::now() - SignedDuration::from_mins(age);
        desk.vendor.put("user_1", &json!({ "updated_at": updated_at.as_millisecond() }));
        desk.sync().await;
        desk.vendor.dismiss("user_1");

        let answer = desk.sync().await;

        assert_eq!(is_too_early(&answer), !is_deleted, "{answer:?}");
        assert_eq!(desk.alive().await, !is_deleted);
    }
}

#[tokio::test]
async fn a_command_says_that_it_is_too_early() {
    let desk = Desk::delivered("clerk", &json!({})).await;

    let (synced, said) = desk.command(&["sync", "user_1"]).await;
    let (deleted, why) = desk.command(&["delete", "user_1"]).await;

    assert_eq!((synced, deleted), (1, 1));
    for text in [said, why] {
        assert!(text.starts_with(&format!("users-sync: {TOO_EARLY}")), "{text}");
        assert!(text.trim_end().ends_with(" s"), "{text}");
    }
    assert!(desk.alive().await);
    desk.mirror.settle().await;
    assert_eq!(desk.command(&["delete", "user_1"]).await.0, 0);
    assert!(!desk.alive().await);
}

#[tokio::test]
async fn a_deletion_of_just_now_is_not_lifted_by_a_replica_that_lags() {
    let desk = Desk::delivered("stack", &json!({})).await;
    let deleted = body("stack", "user.deleted", "user_1", &json!({})).to_string();
    let ago = Timestamp::now() - SignedDuration::from_secs(10);
    let deleted = Signed::new("stack", deleted).with_id(&format!("msg_{}", ksuid::new(ago)));
    desk.service.post(&deleted).await;
    desk.vendor.enrol(["user_1"]);

    let answer = desk.sync().await;

    assert!(is_too_early(&answer), "{answer:?}");
    assert!(!desk.alive().await);
}

#[tokio::test]
async fn a_deleted_user_whom_the_provider_does_not_have_is_answered() {
    let desk = Desk::delivered("clerk", &json!({})).await;
    let deleted = body("clerk", "user.deleted", "user_1", &json!({})).to_string();
    desk.service.post(&Signed::new("clerk", deleted)).await;

    let answer = desk.sync().await;

    assert_eq!((answer.status, answer.body["deleted_at"].is_string()), (200, true));
}

#[tokio::test]
async fn an_answer_that_cannot_be_newer_yet_is_asked_for_once_more() {
    let desk = Desk::delivered("stack", &json!({ "display_name": "Delivered" })).await;
    desk.vendor.put("user_1", &json!({ "display_name": "Changed since" }));

    let answer = desk.sync().await;

    assert_eq!((answer.status, &answer.body["name"]), (200, &json!("Changed since")));
    assert_eq!(desk.vendor.asked("GET", "/users/user_1"), 2);
}

#[tokio::test]
async fn an_answer_that_stays_older_is_reported_as_older() {
    for (provider, field) in [("clerk", "first_name"), ("stack", "display_name")] {
        let desk = Desk::delivered(provider, &json!({ field: "Delivered" })).await;
        let before = Timestamp::now() - SignedDuration::from_hours(1);
        let older = json!({ field: "Older", "updated_at": before.as_millisecond() });
        desk.vendor.put("user_1", &older);
        desk.vendor.desk().date = Some(Timestamp::now() - SignedDuration::from_secs(30));

        let answer = desk.sync().await;

        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert_eq!(answer.status, 409, "{answer:?}");
        assert!(detail.starts_with("the provider's answer is older than the row"), "{detail}");
        let name = desk.mirror.rows().await["user_1"].name.clone();
        assert!(name.is_some_and(|name| name.starts_with("Delivered")), "{provider}");
    }
}

#[tokio::test]
async fn an_answer_that_equals_the_row_is_enough() {
    let desk = Desk::delivered("stack", &json!({})).await;
    let row = desk.mirror.rows().await["user_1"].raw.clone();
    desk.vendor.put("user_1", &row);

    let answer = desk.sync().await;

    assert_eq!((answer.status, desk.vendor.asked("GET", "/users/user_1")), (200, 1));
}

#[tokio::test]
async fn a_row_of_another_source_is_neither_confirmed_nor_deleted() {
    let desk = Desk::delivered("stack", &json!({})).await;
    desk.mirror.settle().await;
    let other = Vendor::new("clerk").await;
    other.enrol(["user_1"]);
    let service = desk.mirror.serve(&other, Options::default()).await;

    let answer = service.api("POST", "/api/users/user_1/sync", Value::Null).await;
    let deleted = service.users.delete(None, "user_1").await;

    let detail = "this user belongs to source stack, whose provider is not the one to ask: its row is left as it is";
    assert_eq!((answer.status, &answer.body["detail"]), (409, &json!(detail)));
    assert_eq!(deleted.expect_err("it is not theirs").to_string(), detail);
    assert!(desk.alive().await);
    assert_eq!(other.desk().users.len(), 1);
}

#[tokio::test]
async fn a_deletion_of_no_source_is_lifted_by_any_provider_that_shows_the_user() {
    let desk = Desk::new("clerk").await;
    desk.vendor.enrol(["user_1"]);
    let remembered = "
        insert into neon_auth.users_sync (id, deleted_at, raw_json) values ('user_1', '2026-01-01', '{\"a\": 1}');
        insert into users_sync.ledger (kind, id, source, deleted_at, first_deleted_at, last_deleted_at)
        values ('user', 'user_1', '', '2026-01-01', '2026-01-01', '2026-01-01')";
    desk.mirror.execute(remembered).await;

    let answer = desk.sync().await;

    assert_eq!((answer.status, &answer.body["deleted_at"]), (200, &Value::Null), "{answer:?}");
    assert_eq!(answer.body["source"], "clerk");
}

#[tokio::test]
async fn a_row_of_no_source_is_not_deleted_by_a_404() {
    let desk = Desk::new("clerk").await;
    let foreign = "insert into neon_auth.users_sync (id, raw_json) values ('user_1', '{\"a\": 1}')";
    desk.mirror.execute(foreign).await;

    let answer = desk.sync().await;

    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(desk.alive().await);
}

#[tokio::test]
async fn a_user_is_found_although_another_provider_cannot_have_such_an_id() {
    let desk = Desk::new("stack").await;
    let refusing = Vendor::new("clerk").await;
    refusing.desk().stumbles = Some((1, Fault::Refused(400, "form_param_format_invalid")));
    let clients = vec![refusing.client().into(), desk.vendor.client().into()];
    let settings = ServiceSettings { clients, ..ServiceSettings::default() };
    let service = Service::start_with(desk.mirror.database.url(), settings).await;
    desk.vendor.enrol(["user_1"]);

    let answer = service.api("POST", "/api/users/user_1/sync", Value::Null).await;

    assert_eq!((answer.status, &answer.body["id"]), (200, &json!("user_1")));
}
