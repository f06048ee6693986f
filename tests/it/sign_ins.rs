//! Fields that move whenever a user signs in: the table has them, and no alarm is raised.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Mirror, Vendor};

/// A user in a table that was reconciled an hour ago.
struct Desk {
    mirror: Mirror,
    vendor: Vendor,
    user: Value,
}

fn ago(minutes: i64) -> i64 {
    (Timestamp::now() - SignedDuration::from_mins(minutes)).as_millisecond()
}

impl Desk {
    async fn new(provider: &'static str) -> Self {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let user = vendor.put(
            "user_1",
            &json!({
                "updated_at": ago(300),
                "last_sign_in_at": ago(300),
                "last_active_at": ago(300),
                "last_active_at_millis": ago(300),
                "passkeys": [{ "id": "pk_1", "name": "phone", "last_used_at": ago(300) }],
                "unsafe_metadata": { "updated_at": 1 },
                "client_metadata": { "last_active_at_millis": 1 },
            }),
        );
        mirror.backfill(&vendor.client()).await.expect("a backfill");
        let earlier = "update users_sync.runs set started_at = now() - interval '1 hour'";
        mirror.execute(earlier).await;
        Self { mirror, vendor, user }
    }

    /// Changes the user at the vendor; answers what a look counts, and how many changes were not announced.
    async fn after(&mut self, change: impl FnOnce(&mut Value)) -> (i64, i64) {
        change(&mut self.user);
        self.vendor.put("user_1", &self.user);
        let client = self.vendor.client();
        let looked = self.mirror.dry_run(&client).await.expect("a look");
        let repaired = self.mirror.reconcile(&client).await.expect("a repair");
        assert_eq!(looked.counts.drift(), repaired.counts.drift());
        (repaired.counts.drift(), repaired.counts.unannounced)
    }

    async fn raw(&self) -> Value {
        self.mirror.rows().await.remove("user_1").expect("a row").raw
    }
}

fn sign_in(user: &mut Value) {
    for field in ["last_sign_in_at", "last_active_at", "updated_at"] {
        user[field] = json!(ago(20));
    }
}

#[tokio::test]
async fn a_sign_in_is_written_and_is_no_drift() {
    let mut desk = Desk::new("clerk").await;

    let counts = desk.after(sign_in).await;

    assert_eq!(counts, (0, 0));
    assert_eq!(desk.raw().await, desk.user);
    let updated_at =
        "select (extract(epoch from updated_at) * 1000)::bigint from neon_auth.users_sync";
    assert_eq!(json!(desk.mirror.count(updated_at).await), desk.user["updated_at"]);
    let stale = "select sum(stale + unannounced)::bigint from users_sync.runs";
    assert_eq!(desk.mirror.count(stale).await, 0);
}

#[tokio::test]
async fn a_backfill_writes_a_sign_in_and_does_not_count_it() {
    let desk = Desk::new("clerk").await;
    let mut user = desk.user.clone();
    sign_in(&mut user);
    desk.vendor.put("user_1", &user);

    let progress = desk.mirror.backfill(&desk.vendor.client()).await.expect("a backfill");

    assert_eq!(progress.counts.stale, 0);
    assert_eq!(desk.raw().await, user);
}

#[tokio::test]
async fn nested_fields_that_a_sign_in_changes_are_no_drift() {
    let mut desk = Desk::new("clerk").await;

    let counts = desk
        .after(|user| {
            sign_in(user);
            user["passkeys"][0]["last_used_at"] = json!(ago(20));
            user["email_addresses"][0]["updated_at"] = json!(ago(20));
        })
        .await;

    assert_eq!(counts, (0, 0));
    assert_eq!(desk.raw().await, desk.user);
}

#[tokio::test]
async fn a_sign_in_together_with_a_change_is_drift() {
    let changes: [fn(&mut Value); 4] = [
        |user| user["first_name"] = json!("Grace"),
        |user| user["banned"] = json!(true),
        |user| user["passkeys"][0]["name"] = json!("laptop"),
        // What an application calls its own fields says nothing.
        |user| user["unsafe_metadata"]["updated_at"] = json!(2),
    ];
    for change in changes {
        let mut desk = Desk::new("clerk").await;

        let counts = desk
            .after(|user| {
                sign_in(user);
                change(user);
            })
            .await;

        assert_eq!(counts, (1, 1));
        assert_eq!(desk.raw().await, desk.user);
    }
}

#[tokio::test]
async fn a_user_of_stack_who_was_only_active_is_not_written() {
    let mut desk = Desk::new("stack").await;
    let before = desk.raw().await;

    let counts = desk.after(|user| user["last_active_at_millis"] = json!(ago(20))).await;

    assert_eq!(counts, (0, 0));
    assert_eq!(desk.raw().await, before);
}

#[tokio::test]
async fn metadata_of_stack_is_compared_under_any_field_name() {
    let mut desk = Desk::new("stack").await;
    desk.vendor.desk().date = Some(Timestamp::now() + SignedDuration::from_secs(5));

    let counts =
        desk.after(|user| user["client_metadata"]["last_active_at_millis"] = json!(2)).await;

    assert_eq!(counts.0, 1);
    assert_eq!(desk.raw().await, desk.user);
}

#[tokio::test]
async fn a_row_whose_raw_json_is_no_object_is_repaired() {
    let mut desk = Desk::new("clerk").await;
    desk.mirror.execute("update neon_auth.users_sync set raw_json = '1'").await;

    let counts = desk.after(sign_in).await;

    assert_eq!(counts.0, 1);
    assert_eq!(desk.raw().await, desk.user);
}
