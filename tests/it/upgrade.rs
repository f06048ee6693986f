//! An upgrade to a version that keeps more: what the older one ignored, and what it writes while both run.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{Service, Signed, TestDatabase, body, users_sync};
use crate::organizations::organization;

/// As an older version journaled it, with JOURNAL_BODIES=all.
async fn ignored(client: &Client, signed: &Signed) {
    client
        .execute(
            "insert into users_sync.journal (source, delivery_id, received_at, outcome, reason, body)
             values ($1, $2, now() - interval '1 hour', 'ignored', 'unsupported event type', $3)",
            &[&signed.source, &signed.id, &signed.body],
        )
        .await
        .expect("there is a journal");
}

async fn journal(client: &Client, signed: &Signed) -> Value {
    let sql =
        "select jsonb_build_array(outcome, reason, kind, entity_id, body is not null, attempts)
        from users_sync.journal where delivery_id = $1";
    client.query_one(sql, &[&signed.id]).await.expect("it is journaled").get(0)
}

async fn replay(database: &TestDatabase, more: &[&str]) -> Value {
    let arguments = [&["replay", "--all", "--json"], more].concat();
    let said = users_sync(database.url(), &arguments).await;
    assert_eq!(said.code, 0, "{said:?}");
    said.json()["outcomes"].clone()
}

#[tokio::test]
async fn what_an_older_version_ignored_and_this_one_keeps_applies_when_it_is_replayed() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let signed = organization("organization.created", "org_1");
    ignored(&client, &signed).await;

    let dry = replay(&database, &["--dry-run"]).await;
    let first = replay(&database, &[]).await;
    let second = replay(&database, &[]).await;

    assert_eq!((dry, first), (json!({ "applied": 1 }), json!({ "applied": 1 })));
    // This version keeps no body of what it applies.
    assert_eq!(second, json!({}));
    let expected = json!(["applied", null, "organization", "org_1", false, 2]);
    assert_eq!(journal(&client, &signed).await, expected);
    let sql = "select name from neon_auth.organizations_active where id = 'org_1'";
    let name: String = client.query_one(sql, &[]).await.expect("it has a row").get(0);
    assert_eq!(name, "Acme");
}

#[tokio::test]
async fn a_retry_of_what_an_older_version_ignored_is_applied() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::keeping_bodies(database.url()).await;
    let signed = organization("organization.created", "org_1");
    ignored(&client, &signed).await;

    let first = service.post(&signed).await;
    let second = service.post(&signed).await;

    assert_eq!((first.outcome(), second.outcome()), ("applied", "duplicate"));
    let expected = json!(["applied", null, "organization", "org_1", true, 3]);
    assert_eq!(journal(&client, &signed).await, expected);
}

#[tokio::test]
async fn what_is_still_ignored_stays_as_it_is_with_its_body() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let signed = Signed::new("clerk", r#"{"type":"session.created","data":{}}"#);
    ignored(&client, &signed).await;

    let replayed = replay(&database, &[]).await;

    assert_eq!(replayed, json!({ "duplicate": 1 }));
    let expected = json!(["ignored", "unsupported event type", null, null, true, 2]);
    assert_eq!(journal(&client, &signed).await, expected);
}

#[tokio::test]
async fn what_was_ignored_and_cannot_be_read_now_is_quarantined_with_its_bytes() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let signed = Signed::new("clerk", r#"{"type":"organization.created","data":{"id":7}}"#);
    ignored(&client, &signed).await;

    let replayed = replay(&database, &[]).await;

    assert_eq!(replayed, json!({ "quarantined": 1 }));
    let row = journal(&client, &signed).await;
    assert_eq!((&row[0], &row[4]), (&json!("quarantined"), &json!(true)), "{row}");
}

#[tokio::test]
async fn what_an_older_replica_writes_beside_this_version_obeys_the_law() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    // The columns that it knows.
    let older = "insert into users_sync.ledger (kind, id, source, version_at, version_delivery)
            values ('user', 'user_1', 'clerk', to_timestamp(1700000000), 'msg_old');
        insert into neon_auth.users_sync (id, name, updated_at, raw_json)
            values ('user_1', 'Old', to_timestamp(1700000000), '{}');
        insert into users_sync.runs (kind, source) values ('reconcile', 'clerk')";
    client.batch_execute(older).await.expect("an older version may write");
    let user = |name: &str, at: i64| {
        let data = json!({ "updated_at": at, "first_name": name, "last_name": null });
        Signed::new("clerk", body("clerk", "user.updated", "user_1", &data).to_string())
    };

    let late = service.post(&user("Late", 1_600_000_000_000)).await;
    let newer = service.post(&user("New", 1_700_000_000_001)).await;

    assert_eq!((late.outcome(), newer.outcome()), ("stale", "applied"));
    let sql = "select name, (select entity from users_sync.runs)
        from neon_auth.users_active where id = 'user_1'";
    let row = client.query_one(sql, &[]).await.expect("it has a row");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("New", "user"));
}
