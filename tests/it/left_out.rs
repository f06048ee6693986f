//! Users that a run cannot repair: all others are repaired, and the run is not done.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use users_sync::model::{Change, Key, Reading};

use crate::harness::{API_KEY, Fault, Mirror, Said, Vendor, run};

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user_{number:05}")).collect()
}

struct Desk {
    mirror: Mirror,
    vendor: Vendor,
}

impl Desk {
    /// A vendor with so many users, and a table that has them for a while.
    async fn in_sync(users: usize) -> Self {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        vendor.enrol(ids(users).iter().map(String::as_str));
        mirror.backfill(&vendor.client()).await.expect("a backfill");
        mirror.settle().await;
        Self { mirror, vendor }
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        let url = self.vendor.url();
        let database = ("DATABASE_URL", self.mirror.database.url());
        run(arguments, &[database, ("CLERK_SECRET_KEY", API_KEY), ("CLERK_API_URL", &url)]).await
    }

    /// How the newest run ended, how many it left out, and how many findings there are.
    async fn last(&self) -> (String, i64, i64) {
        let sql = "select outcome, unreadable, (select count(*) from users_sync.findings)
            from users_sync.runs order by id desc limit 1";
        let row = self.mirror.database.client().await.query_one(sql, &[]).await.expect("a run");
        (row.get(0), row.get(1), row.get(2))
    }

    async fn assert_partial(&self, said: &Said, why: &str) {
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
        let (outcome, left_out, findings) = self.last().await;
        assert_eq!((outcome.as_str(), left_out), ("partial", 1));
        assert!(findings > 0);
    }
}

#[tokio::test]
async fn an_unreadable_user_does_not_stop_the_others() {
    let desk = Desk::in_sync(3).await;
    desk.vendor.put("user_bad", &json!({ "updated_at": "yesterday" }));
    desk.vendor.put("user_new", &json!({}));
    desk.vendor.dismiss("user_00000");

    let reconciled = desk.run(&["reconcile"]).await;

    desk.assert_partial(&reconciled, "1 cannot be read").await;
    assert_eq!(desk.mirror.alive().await, ["user_00001", "user_00002", "user_new"]);
    let looked = desk.run(&["reconcile", "--dry-run"]).await;
    assert_eq!(looked.code, 2, "{looked:?}");
    desk.vendor.put("user_bad", &json!({}));
    assert_eq!(desk.run(&["reconcile"]).await.code, 0);
    assert_eq!(desk.last().await, ("done".into(), 0, 0));
}

#[tokio::test]
async fn a_user_who_became_unreadable_is_listed_and_not_gone() {
    let desk = Desk::in_sync(3).await;
    desk.vendor.put("user_00001", &json!({ "updated_at": "yesterday" }));

    let reconciled = desk.run(&["reconcile"]).await;

    desk.assert_partial(&reconciled, "1 cannot be read").await;
    assert_eq!(desk.mirror.alive().await, ids(3));
}

#[tokio::test]
async fn a_backfill_that_leaves_a_user_out_says_so() {
    let desk = Desk::in_sync(1).await;
    desk.mirror.execute("alter table neon_auth.users_sync add check (id <> 'user_00002')").await;
    desk.vendor.enrol(ids(4).iter().map(String::as_str));

    let filled = desk.run(&["backfill"]).await;
    let reconciled = desk.mirror.reconcile(&desk.vendor.client()).await.expect("a repair");
    let json = desk.run(&["backfill", "--json"]).await;

    desk.assert_partial(&filled, "1 could not be written").await;
    assert!(filled.out.contains("2 were missing"), "{filled:?}");
    // What is not repaired is no repair, however often it is tried.
    assert_eq!((reconciled.counts.drift(), reconciled.skipped.refused), (0, 1));
    assert_eq!(desk.mirror.alive().await, ["user_00000", "user_00001", "user_00003"]);
    let reported: Value = serde_json::from_str(&json.out).expect("it prints JSON");
    assert!(
        reported[0]["problem"]
            .as_str()
            .is_some_and(|reported| reported.contains("could not be written"))
    );
}

#[tokio::test]
async fn a_user_of_another_source_is_left_alone() {
    let desk = Desk::in_sync(3).await;
    desk.mirror
        .execute("update users_sync.ledger set source = 'other' where id = 'user_00001'")
        .await;
    for id in ids(3) {
        desk.vendor
            .put(&id, &json!({ "first_name": "Grace", "updated_at": 1_800_000_000_000_i64 }));
    }
    desk.vendor.desk().date = Timestamp::from_second(1_800_000_000).ok();

    for command in ["reconcile", "backfill"] {
        let said = desk.run(&[command]).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("1 belong to another source"), "{said:?}");
    }

    let rows = desk.mirror.rows().await;
    assert_eq!(rows["user_00000"].name.as_deref(), Some("Grace Lovelace"));
    assert_eq!(rows["user_00001"].name.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn an_answer_that_is_not_understood_holds_up_no_other_user() {
    let desk = Desk::in_sync(9).await;
    for id in &ids(9)[..4] {
        desk.vendor.dismiss(id);
    }
    let strange = Fault::Refused(404, "user_is_somewhere_else");
    desk.vendor.desk().about.insert("user_00001".into(), strange);

    let reconciled = desk.run(&["reconcile"]).await;

    desk.assert_partial(&reconciled, "1 could not be asked for").await;
    let mut left = ids(9).split_off(4);
    left.insert(0, "user_00001".into());
    assert_eq!(desk.mirror.alive().await, left);
}

#[tokio::test]
async fn a_tombstone_that_cannot_be_asked_about_holds_up_no_other() {
    let desk = Desk::in_sync(5).await;
    let at = Timestamp::now() - SignedDuration::from_hours(1);
    for id in ["user_00001", "user_00002"] {
        let change = Change::Deleted { key: Key::user(id), at };
        desk.mirror.accept(&[Reading { source: "clerk".into(), change }]).await;
    }
    desk.vendor.desk().about.insert("user_00001".into(), Fault::Refused(422, "not_this_one"));

    let reconciled = desk.run(&["reconcile"]).await;

    desk.assert_partial(&reconciled, "1 could not be asked for").await;
    let alive = ["user_00000", "user_00002", "user_00003", "user_00004"];
    assert_eq!(desk.mirror.alive().await, alive);
}

#[tokio::test]
async fn a_stub_that_the_provider_cannot_know_is_no_trouble() {
    let desk = Desk::in_sync(3).await;
    desk.mirror.execute("select users_sync.ensure_user('guest 1')").await;
    desk.vendor.desk().about.insert("guest 1".into(), Fault::Refused(400, "no_such_form"));

    let reconciled = desk.run(&["reconcile"]).await;

    assert_eq!(reconciled.code, 0, "{reconciled:?}");
    assert_eq!(desk.last().await, ("done".into(), 0, 0));
}

#[tokio::test]
async fn a_source_that_fails_does_not_stop_the_others() {
    let desk = Desk::in_sync(2).await;
    let stack = Vendor::new("stack").await;
    stack.enrol(["one", "two"]);
    desk.vendor.desk().stumbles = Some((1, Fault::Html(403)));
    let (clerk_url, stack_url) = (desk.vendor.url(), stack.url());
    let variables = [
        ("DATABASE_URL", desk.mirror.database.url()),
        ("CLERK_SECRET_KEY", API_KEY),
        ("CLERK_API_URL", &clerk_url),
        ("STACK_PROJECT_ID", API_KEY),
        ("STACK_SECRET_SERVER_KEY", API_KEY),
        ("STACK_API_URL", &stack_url),
    ];

    for command in ["backfill", "reconcile"] {
        let said = run(&[command], &variables).await;

        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("clerk: the API answered 403"), "{said:?}");
        assert!(said.out.contains("stack: 2 users"), "{said:?}");
    }
    assert_eq!(desk.mirror.alive().await.len(), 4);
}
