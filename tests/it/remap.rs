//! Columns derived again from what the provider sent.

mod kinds;
mod stubborn;

use serde_json::json;

use crate::harness::{Service, Signed, TestDatabase, body, users_sync};

#[tokio::test]
async fn columns_that_an_old_mapping_got_wrong_are_mended_and_no_version_changes() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    for source in ["clerk", "stack"] {
        let user = body(source, "user.created", &format!("user_of_{source}"), &json!({}));
        service.post(&Signed::new(source, user.to_string())).await;
    }
    let tables = "select
        (select json_agg(u order by id)::text from neon_auth.users_sync u),
        (select json_agg(l order by id)::text from users_sync.ledger l)";
    let before = client.query_one(tables, &[]).await.expect("it answers");
    client
        .batch_execute(
            "update neon_auth.users_sync set name = 'Wrong', email = null, created_at = now();
             update users_sync.ledger set disabled = true",
        )
        .await
        .expect("they are ours");

    let dry = users_sync(database.url(), &["remap", "--dry-run", "--json"]).await.json();
    let said = users_sync(database.url(), &["remap", "--json"]).await.json();
    let again = users_sync(database.url(), &["remap", "--json"]).await.json();

    assert_eq!((&dry["looked_at"], &dry["changed"]), (&json!(2), &json!(2)));
    assert_eq!((&said["changed"], &said["unreadable"]), (&json!(2), &json!(0)));
    assert_eq!(again["changed"], 0);
    let after = client.query_one(tables, &[]).await.expect("it answers");
    for column in [0, 1] {
        assert_eq!(after.get::<_, String>(column), before.get::<_, String>(column));
    }
}

#[tokio::test]
async fn stubs_and_strange_rows_are_left_alone() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    let deleted = body("clerk", "user.deleted", "only_deleted", &json!({}));
    service.post(&Signed::new("clerk", deleted.to_string())).await;
    let user = body("clerk", "user.created", "strange", &json!({}));
    service.post(&Signed::new("clerk", user.to_string())).await;
    client
        .batch_execute(
            "update neon_auth.users_sync set name = 'Kept', raw_json = '[]' where id = 'strange'",
        )
        .await
        .expect("it is ours");

    let said = users_sync(database.url(), &["remap", "--json"]).await.json();

    assert_eq!((&said["looked_at"], &said["unreadable"]), (&json!(1), &json!(1)));
    let kept = client.query_one("select name from neon_auth.users_sync where id = 'strange'", &[]);
    assert_eq!(kept.await.expect("it is there").get::<_, &str>(0), "Kept");
}
