//! One bad delivery among good ones, one that is sent again, and one that has become readable.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use users_sync::sync;

use crate::harness::{Front, Signed, TestDatabase, body, conninfo};

fn user(id: &str, first_name: &str) -> Signed {
    let data = json!({ "first_name": first_name });
    Signed::new("clerk", body("clerk", "user.created", id, &data).to_string())
}

fn poison() -> Signed {
    let text = body("clerk", "user.created", "bad", &json!({ "unknown": "here" })).to_string();
    Signed::new("clerk", text.replace(r#""here""#, "1e200000"))
}

/// Bypasses the router, so that all hundred and one wait before the only writer looks: they are one batch.
#[tokio::test]
async fn only_the_bad_delivery_of_a_batch_is_quarantined() {
    let database = TestDatabase::new().await;
    let conninfo = conninfo(database.url());
    let pool = conninfo.pool(1).expect("a pool");
    let limits = sync::Limits { writers: 1, ..sync::Limits::default() };
    let tables = sync::Tables::new(conninfo, pool, sync::Options::default());
    let (way_in, _writers) = sync::start(tables, limits);
    let way_in = Arc::new(way_in);
    let mut signed: Vec<_> = (0..100).map(|n| user(&format!("user_{n}"), "Ada")).collect();
    signed.insert(37, poison());

    let mut tasks = JoinSet::new();
    for delivery in signed.iter().map(Signed::verified) {
        let way_in = way_in.clone();
        tasks.spawn(async move { sync::accept(&way_in, delivery).await.map(|o| o.as_str()) });
    }
    let outcomes = tasks.join_all().await;

    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok("applied")).count(), 100);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok("quarantined")).count(), 1);
    let sql = "select count(*), count(*) filter (where name = 'Ada Lovelace'),
        count(*) filter (where id = 'bad'),
        (select count(distinct processed_at) from users_sync.journal) from neon_auth.users_sync";
    let row = database.client().await.query_one(sql, &[]).await.expect("one row");
    assert_eq!((row.get(0), row.get(1), row.get(2)), (100_i64, 100_i64, 0_i64));
    // With halving there are few commits; without one batch there would be as many as deliveries.
    assert!(row.get::<_, i64>(3) <= 8, "{} commits", row.get::<_, i64>(3));
}

#[tokio::test]
async fn a_bad_delivery_does_not_delay_later_requests() {
    let front = Front::new().await;
    front.quarantines(&poison(), "Postgres refuses a value of it (SQLSTATE 22003)").await;

    let outcome = front.receive(&user("user_1", "Ada")).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.users().await, 1);
}

#[tokio::test]
async fn a_quarantined_delivery_that_is_sent_again_is_judged_again_and_counted() {
    let front = Front::new().await;
    let signed = Signed::new("clerk", "not JSON");
    front.receive(&signed).await;

    let outcome = front.receive(&signed).await;

    assert_eq!(outcome, "quarantined");
    assert_eq!(front.journal(&signed.id).await["attempts"], 2);
    assert_eq!(front.kept_body(&signed.id).await.as_deref(), Some(&b"not JSON"[..]));
}

#[tokio::test]
async fn a_quarantined_delivery_that_has_become_readable_is_applied() {
    let front = Front::new().await;
    let signed = user("user_1", "Unknown");
    let table = "alter table neon_auth.users_sync";
    let check = "add constraint no_bad_name check (name not like 'Unknown%')";
    front.execute(&format!("{table} {check}")).await;
    let reason = "Postgres refuses a value of it (SQLSTATE 23514, constraint no_bad_name)";
    front.quarantines(&signed, reason).await;
    front.execute(&format!("{table} drop constraint no_bad_name")).await;

    let outcome = front.receive(&signed).await;

    assert_eq!(outcome, "applied");
    assert_eq!(front.user("user_1").await["name"], "Unknown Lovelace");
    let journal = front.journal(&signed.id).await;
    assert_eq!(journal["outcome"], "applied");
    assert_eq!((&journal["reason"], &journal["attempts"]), (&json!(null), &json!(2)));
    assert_eq!(front.kept_body(&signed.id).await, None);
}
