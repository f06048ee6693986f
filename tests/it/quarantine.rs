//! A delivery stays in quarantine until an operator deals with it, and the service reports it.

use serde_json::json;
use tokio_postgres::Client;

use crate::harness::{Program, SECRET, Service, TestDatabase, eventually, run, users_sync};

/// The journal: so many deliveries in quarantine and so many others, this many days old.
async fn journal(client: &Client, quarantined: u32, others: u32, days: u32) {
    let sql = format!(
        "insert into users_sync.journal (source, delivery_id, received_at, outcome, reason, body)
         select 'clerk', 'bad_' || n, now() - interval '{days} days' + n * interval '1 ms',
             'quarantined', 'a mistake', 'body'
         from generate_series(1, {quarantined}) n;
         insert into users_sync.journal (source, delivery_id, received_at, outcome)
         select 'clerk', 'good_' || n, now() - interval '{days} days' + n * interval '1 ms', 'applied'
         from generate_series(1, {others}) n"
    );
    client.batch_execute(&sql).await.expect("there is a journal");
}

async fn count(client: &Client, outcome: &str) -> i64 {
    let statement = "select count(*) from users_sync.journal where outcome = $1";
    client.query_one(statement, &[&outcome]).await.expect("it answers").get(0)
}

async fn finding(client: &Client) -> Option<String> {
    let statement =
        "select id || ': ' || detail from users_sync.findings where subject = 'quarantine'";
    client.query_opt(statement, &[]).await.expect("it answers").map(|row| row.get(0))
}

async fn serve(database: &TestDatabase) -> (Program, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("JOURNAL_RETENTION", "30d"),
    ];
    (Program::serve(dir.path(), &variables).await, dir)
}

#[tokio::test]
async fn the_retention_of_the_journal_ends_no_quarantine_and_it_becomes_a_finding() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    journal(&client, 3, 20, 90).await;

    let (program, _dir) = serve(&database).await;
    eventually("the others are forgotten", async || count(&client, "applied").await == 0).await;
    eventually("it is a finding", async || finding(&client).await.is_some()).await;

    program.stop().await;
    assert_eq!(count(&client, "quarantined").await, 3);
    let found = finding(&client).await.expect("it stays");
    for words in ["clerk: 3 deliveries in quarantine since ", "replay --quarantined", "--discard"] {
        assert!(found.contains(words), "{found}");
    }
}

#[tokio::test]
async fn deliveries_in_quarantine_for_some_days_are_no_finding_yet() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    journal(&client, 1, 0, 6).await;
    journal(&client, 0, 1, 90).await;

    let (program, _dir) = serve(&database).await;
    eventually("a round is over", async || count(&client, "applied").await == 0).await;

    program.stop().await;
    assert_eq!(finding(&client).await, None);
}

#[tokio::test]
async fn pruning_removes_everything_past_any_number_of_deliveries_in_quarantine() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    // More than two steps of the removal, and what stays is older.
    journal(&client, 50_000, 12_000, 90).await;

    let (program, _dir) = serve(&database).await;
    eventually("a round is over", async || count(&client, "applied").await == 0).await;

    program.stop().await;
    assert_eq!(count(&client, "quarantined").await, 50_000);
}

#[tokio::test]
async fn discarded_deliveries_leave_the_quarantine_and_clear_the_finding() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, Service::start(database.url()).await);
    journal(&client, 1_200, 1, 8).await;
    users_sync(database.url(), &["replay", "--quarantined", "--reason", "another"]).await;
    assert!(finding(&client).await.is_some(), "a replay leaves the rest to the operator");

    let discard = ["replay", "--quarantined", "--discard", "--json"];
    let dry = users_sync(database.url(), &[&discard[..], &["--dry-run"]].concat()).await.json();
    let left = count(&client, "quarantined").await;
    let some = [&discard[..], &["--until", "9d"]].concat();
    let some = users_sync(database.url(), &some).await.json();
    let said = users_sync(database.url(), &discard).await.json();

    assert_eq!((&dry["outcomes"], left), (&json!({ "discarded": 1_200 }), 1_200));
    assert_eq!(some["outcomes"], json!({ "discarded": 0 }), "those are younger");
    assert_eq!(said["outcomes"], json!({ "discarded": 1_200 }));
    assert_eq!(count(&client, "quarantined").await, 0);
    assert_eq!(finding(&client).await, None);
    let kept =
        "select count(body) from users_sync.journal where reason = 'discarded by an operator'";
    assert_eq!(client.query_one(kept, &[]).await.expect("it answers").get::<_, i64>(0), 0);
    let metrics = crate::metrics::scrape(&service).await;
    assert_eq!(
        crate::metrics::value(&metrics, "users_sync_findings{subject=\"quarantine\"}"),
        Some(0.0)
    );
}

#[tokio::test]
async fn only_deliveries_in_quarantine_can_be_discarded() {
    let variables = [("DATABASE_URL", "postgres://nowhere.invalid/x")];

    let said = run(&["replay", "--discard", "--all"], &variables).await;

    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("--quarantined"), "{said:?}");
}
