//! The delete policy and erasure: what goes, what stays, and that nobody comes back.

mod findings;
mod hanging;
mod unprintable;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{SECRET, Said, Service, Signed, TestDatabase, body, run};

/// A user that existed for a while and was deleted so many days ago.
async fn deleted_user(service: &Service, id: &str, days_ago: i64) {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days_ago);
    let created = json!({ "updated_at": at.as_millisecond() - 1000 });
    service
        .post(&Signed::new("clerk", body("clerk", "user.created", id, &created).to_string()))
        .await;
    let mut deleted = body("clerk", "user.deleted", id, &json!({}));
    deleted["timestamp"] = json!(at.as_millisecond());
    assert_eq!(service.post(&Signed::new("clerk", deleted.to_string())).await.outcome(), "applied");
}

async fn keeping_bodies(database: &TestDatabase) -> Service {
    Service::keeping_bodies(database.url()).await
}

/// An application's table, whose foreign key has no action.
async fn notes_of_users(client: &Client) {
    let table = "create table public.notes (owner text constraint notes_owner references neon_auth.users_sync (id))";
    client.batch_execute(table).await.expect("the application has a table");
}

async fn command(database: &TestDatabase, policy: &str, arguments: &[&str]) -> Said {
    let environment = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("DELETE_POLICY", policy),
    ];
    run(arguments, &environment).await
}

/// The row, as JSON; null where there is none.
async fn row(client: &Client, id: &str) -> Value {
    let statement = "select to_jsonb(u) from neon_auth.users_sync u where id = $1";
    let row = client.query_opt(statement, &[&id]).await.expect("it answers");
    row.map_or(Value::Null, |row| row.get(0))
}

async fn count(client: &Client, statement: &str) -> i64 {
    client.query_one(statement, &[]).await.expect("it answers").get(0)
}

const BODIES: &str = "select count(*) from users_sync.journal where body is not null";
const PURGED: &str = "select count(*) from users_sync.ledger where purged_at is not null";

#[tokio::test]
async fn scrub_empties_the_rows_of_users_deleted_long_ago_and_no_others() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    deleted_user(&service, "old", 31).await;
    deleted_user(&service, "young", 29).await;
    let before = row(&client, "old").await;

    let said = command(&database, "scrub:30d", &["purge", "--json"]).await.json();

    assert_eq!(
        (&said["users"], &said["emptied"], &said["journal_bodies"]),
        (&json!(1), &json!(1), &json!(2))
    );
    let after = row(&client, "old").await;
    assert_eq!(
        (&after["name"], &after["email"], &after["raw_json"]),
        (&Value::Null, &Value::Null, &json!({ "id": "old" }))
    );
    assert_eq!(after["deleted_at"], before["deleted_at"]);
    assert_eq!(row(&client, "young").await["name"], "Ada Lovelace");
    assert_eq!(count(&client, BODIES).await, 2, "those of the young one");
}

#[tokio::test]
async fn hard_removes_the_row_so_that_the_applications_on_delete_fires() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    client
        .batch_execute(
            "create table posts (author text references neon_auth.users_sync (id) on delete cascade);
             create table orders (buyer text references neon_auth.users_sync (id) on delete set null)",
        )
        .await
        .expect("the application has tables");
    deleted_user(&service, "old", 31).await;
    client
        .batch_execute("insert into posts values ('old'); insert into orders values ('old')")
        .await
        .expect("rows");

    let dry = command(&database, "hard:30d", &["purge", "--dry-run", "--json"]).await.json();
    assert_eq!((&dry["removed"], count(&client, PURGED).await), (&json!(1), 0));

    let said = command(&database, "hard:30d", &["purge", "--json"]).await.json();

    assert_eq!(said["removed"], 1);
    assert_eq!(row(&client, "old").await, Value::Null);
    assert_eq!(count(&client, "select count(*) from posts").await, 0);
    assert_eq!(count(&client, "select count(*) from orders where buyer is null").await, 1);
    assert_eq!(count(&client, BODIES).await, 0);
}

/// As the metrics tell them.
async fn findings(service: &Service) -> Option<f64> {
    let text = crate::metrics::scrape(service).await;
    crate::metrics::value(&text, "users_sync_findings{subject=\"purge\"}")
}

#[tokio::test]
async fn a_foreign_key_without_an_action_stops_that_row_alone_and_is_named() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    notes_of_users(&client).await;
    for id in ["one", "two", "three"] {
        deleted_user(&service, id, 40).await;
    }
    client.batch_execute("insert into public.notes values ('two')").await.expect("a row");

    let dry = command(&database, "hard:30d", &["purge", "--dry-run", "--json"]).await;
    let said = command(&database, "hard:30d", &["purge", "--json"]).await;

    for said in [&dry, &said] {
        assert_eq!(said.code, 1, "{said:?}");
        let told: Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!((&told["removed"], &told["blocked"][0]["id"]), (&json!(2), &json!("two")));
        let reason = told["blocked"][0]["reason"].as_str().expect("a reason");
        assert!(
            reason.starts_with("constraint notes_owner on public.notes refers to the user"),
            "{reason}"
        );
    }
    assert_eq!(row(&client, "two").await["name"], "Ada Lovelace");
    let status = service.api("GET", "/api/status", Value::Null).await.body;
    assert_eq!(status["findings"][0]["id"], "two");
    assert_eq!(findings(&service).await, Some(1.0));

    client.batch_execute("delete from public.notes").await.expect("the application lets go");
    let again = command(&database, "hard:30d", &["purge", "--json"]).await.json();

    assert_eq!(again["removed"], 1);
    assert_eq!(count(&client, "select count(*) from users_sync.findings").await, 0);
    assert_eq!(findings(&service).await, Some(0.0), "what is dealt with is no finding any more");
}

#[tokio::test]
async fn a_purged_user_never_comes_back_by_a_webhook_and_leaves_no_body() {
    for policy in ["scrub:30d", "hard:30d"] {
        let database = TestDatabase::new().await;
        let (client, service) = (database.client().await, keeping_bodies(&database).await);
        deleted_user(&service, "old", 31).await;
        command(&database, policy, &["purge"]).await;
        let left = row(&client, "old").await;

        let data = json!({ "updated_at": Timestamp::now().as_millisecond() });
        let late = Signed::new("clerk", body("clerk", "user.updated", "old", &data).to_string());
        assert_eq!(service.post(&late).await.outcome(), "stale");
        let late =
            Signed::new("clerk", body("clerk", "user.deleted", "old", &json!({})).to_string());
        assert_eq!(service.post(&late).await.outcome(), "stale");

        assert_eq!(row(&client, "old").await, left, "{policy}");
        command(&database, policy, &["purge"]).await;
        assert_eq!(
            count(&client, BODIES).await,
            0,
            "what came late is forgotten by the next round"
        );
    }
}

#[tokio::test]
async fn soft_leaves_all_as_it_is() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    deleted_user(&service, "old", 400).await;

    let said = command(&database, "soft", &["purge", "--json"]).await.json();

    assert_eq!(said["users"], 0);
    assert_eq!(row(&client, "old").await["name"], "Ada Lovelace");
}

#[tokio::test]
async fn an_erased_user_is_gone_at_once_from_mirror_and_journal_and_quarantine() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    for id in ["ada", "grace"] {
        let user = body("clerk", "user.created", id, &json!({}));
        service.post(&Signed::new("clerk", user.to_string())).await;
        let unreadable = body("clerk", "user.updated", id, &json!({ "updated_at": "soon" }));
        let quarantined = service.post(&Signed::new("clerk", unreadable.to_string())).await;
        assert_eq!(quarantined.outcome(), "quarantined");
    }

    let said = command(&database, "soft", &["users", "erase", "ada", "--json"]).await.json();

    assert_eq!(said["row"], "emptied");
    assert_eq!(said["erased"], json!(["name", "email", "raw_json"]));
    assert_eq!((&said["journal_bodies"], &said["quarantined"]), (&json!(1), &json!(1)));
    let left = row(&client, "ada").await;
    assert!(left["deleted_at"].is_string(), "{left}");
    assert_eq!((&left["name"], &left["raw_json"]), (&Value::Null, &json!({ "id": "ada" })));
    let bodies =
        "select count(*) from users_sync.journal where position('\"ada\"'::bytea in body) > 0";
    assert_eq!(count(&client, bodies).await, 0);
    assert_eq!(row(&client, "grace").await["name"], "Ada Lovelace");
    assert_eq!(count(&client, BODIES).await, 2, "those of the other user");
    let late = Signed::new("clerk", body("clerk", "user.updated", "ada", &json!({})).to_string());
    assert_eq!(service.post(&late).await.outcome(), "stale");
    assert_eq!(row(&client, "ada").await, left);
}

#[tokio::test]
async fn an_erasure_removes_the_row_where_it_may_and_empties_it_where_it_must() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    notes_of_users(&client).await;
    for id in ["free", "held"] {
        let user = body("clerk", "user.created", id, &json!({}));
        service.post(&Signed::new("clerk", user.to_string())).await;
    }
    client.batch_execute("insert into public.notes values ('held')").await.expect("a row");

    let free =
        command(&database, "soft", &["users", "erase", "free", "--hard", "--json"]).await.json();
    let held = command(&database, "hard:30d", &["users", "erase", "held", "--json"]).await.json();

    assert_eq!((&free["row"], row(&client, "free").await), (&json!("removed"), Value::Null));
    assert_eq!(
        (&held["row"], &row(&client, "held").await["email"]),
        (&json!("emptied"), &Value::Null)
    );
    assert!(
        held["not_removed_because"].as_str().is_some_and(|why| why.contains("notes_owner")),
        "{held}"
    );
}

#[tokio::test]
async fn a_user_that_is_not_known_yet_can_be_erased_and_never_comes() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);

    let said = command(&database, "soft", &["users", "erase", "nobody", "--json"]).await.json();

    assert_eq!(said["row"], "none");
    let user = body("clerk", "user.created", "nobody", &json!({}));
    let late = service.post(&Signed::new("clerk", user.to_string())).await;
    assert_eq!((late.outcome(), row(&client, "nobody").await), ("stale", Value::Null));
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_told_with_its_remedy() {
    let database = TestDatabase::new().await;

    for policy in ["hard", "scrub:soon", "shred:1d", "hard:-3d"] {
        let said = command(&database, policy, &["purge"]).await;
        assert_eq!(said.code, 2, "{policy}");
        assert!(
            said.err.contains("DELETE_POLICY") && said.err.contains("scrub:30d"),
            "{}",
            said.err
        );
    }
}
