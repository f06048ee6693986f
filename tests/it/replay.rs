//! Deliveries put through once more: from the journal, and from captured requests.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{Scratch, Service, Signed, TestDatabase, body, users_sync};

fn user(event: &str, id: &str, at: i64) -> Signed {
    let data = json!({ "updated_at": at, "first_name": format!("at {at}") });
    Signed::new("clerk", body("clerk", event, id, &data).to_string())
}

/// A delivery that an older version could not read, and this one can.
async fn quarantine(client: &Client, signed: &Signed) {
    client
        .execute(
            "insert into users_sync.journal
                 (source, delivery_id, received_at, attempts, outcome, reason, body)
             values ($1, $2, now() - interval '1 hour', 1, 'quarantined', 'an old mistake', $3)",
            &[&signed.source, &signed.id, &signed.body],
        )
        .await
        .expect("it is quarantined");
}

async fn outcome(client: &Client, signed: &Signed) -> String {
    let statement = "select outcome from users_sync.journal where delivery_id = $1";
    client.query_one(statement, &[&signed.id]).await.expect("it is journaled").get(0)
}

async fn name(client: &Client, id: &str) -> Option<String> {
    let statement = "select name from neon_auth.users_sync where id = $1";
    client.query_opt(statement, &[&id]).await.expect("it answers").map(|row| row.get(0))
}

fn outcomes(outcomes: &Value) -> Value {
    outcomes["outcomes"].clone()
}

#[tokio::test]
async fn a_quarantined_delivery_applies_after_a_fix() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let mended = user("user.created", "user_1", 1_700_000_000_000);
    let hopeless = Signed::new("clerk", "not JSON");
    quarantine(&client, &mended).await;
    quarantine(&client, &hopeless).await;

    let dry = users_sync(database.url(), &["replay", "--quarantined", "--dry-run", "--json"]).await;
    assert_eq!(outcomes(&dry.json()), json!({ "applied": 1, "quarantined": 1 }));
    assert_eq!(name(&client, "user_1").await, None, "a dry run writes nothing");

    let said = users_sync(database.url(), &["replay", "--quarantined", "--json"]).await;

    assert_eq!(outcomes(&said.json()), json!({ "applied": 1, "quarantined": 1 }));
    assert_eq!(name(&client, "user_1").await.as_deref(), Some("at 1700000000000 Lovelace"));
    assert_eq!(outcome(&client, &mended).await, "applied");
    assert_eq!(outcome(&client, &hopeless).await, "quarantined");
}

#[tokio::test]
async fn a_replay_of_everything_repairs_lost_rows_and_changes_no_other() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::keeping_bodies(database.url()).await;
    for number in 0..150 {
        let id = format!("user_{}", number % 50);
        service.post(&user("user.updated", &id, 1_700_000_000_000 + number)).await;
    }
    service.post(&user("user.deleted", "user_7", 0)).await;
    let table = "select json_agg(u order by id)::text from neon_auth.users_sync u";
    let before: String = client.query_one(table, &[]).await.expect("it answers").get(0);
    client
        .batch_execute("delete from neon_auth.users_sync where id in ('user_3', 'user_7')")
        .await
        .expect("they are lost");

    let said = users_sync(database.url(), &["replay", "--all", "--json"]).await;

    assert_eq!(outcomes(&said.json()), json!({ "duplicate": 151 }));
    let after: String = client.query_one(table, &[]).await.expect("it answers").get(0);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_dry_run_predicts_the_replay_and_changes_nothing() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::keeping_bodies(database.url()).await;
    service.post(&user("user.updated", "known", 1_700_000_000_500)).await;
    service.post(&Signed::new("clerk", "hopeless")).await;
    quarantine(&client, &user("user.updated", "known", 1_700_000_000_000)).await;
    quarantine(&client, &user("user.created", "new", 1_700_000_000_000)).await;
    quarantine(&client, &user("user.created", "refused", 1_700_000_000_000)).await;
    let trigger = "create function refuse() returns trigger language plpgsql as
            $$ begin raise exception 'not this one'; end $$;
        create constraint trigger refuse after insert on neon_auth.users_sync
            deferrable initially deferred
            for each row when (new.id = 'refused') execute function refuse()";
    client.batch_execute(trigger).await.expect("the application has a trigger");
    let everything = "select jsonb_build_array(
        (select jsonb_agg(u order by id) from neon_auth.users_sync u),
        (select jsonb_agg(l order by id) from users_sync.ledger l),
        (select jsonb_agg(to_jsonb(j) - 'body' order by delivery_id) from users_sync.journal j))::text";
    let everything =
        async || client.query_one(everything, &[]).await.expect("it answers").get::<_, String>(0);
    let before = everything().await;

    let dry = users_sync(database.url(), &["replay", "--all", "--dry-run", "--json"]).await;
    let after = everything().await;
    let said = users_sync(database.url(), &["replay", "--all", "--json"]).await;

    let expected = json!({ "applied": 1, "stale": 1, "duplicate": 1, "quarantined": 2 });
    assert_eq!(outcomes(&dry.json()), expected);
    assert_eq!(after, before);
    assert_eq!(outcomes(&said.json()), expected);
}

#[tokio::test]
async fn filters_choose_the_replayed_deliveries() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let one = user("user.created", "user_1", 1_700_000_000_000);
    let mut other =
        Signed::new("stack", body("stack", "user.created", "other", &json!({})).to_string());
    other.source = "stack";
    quarantine(&client, &one).await;
    quarantine(&client, &other).await;

    for (arguments, expected) in [
        (vec!["--source", "stack"], json!({ "applied": 1 })),
        (vec!["--source", "nobody"], json!({})),
        (vec!["--since", "2h"], json!({ "applied": 2 })),
        (vec!["--since", "5m"], json!({})),
        (vec!["--until", "2h"], json!({})),
        (vec!["--type", "user.created"], json!({})),
        (vec!["--user", "user_1"], json!({})),
        (vec!["--reason", "an old mistake"], json!({ "applied": 2 })),
        (vec!["--reason", "another"], json!({})),
        (vec!["--quarantined", "--source", "clerk"], json!({ "applied": 1 })),
    ] {
        let arguments = [&["replay", "--dry-run", "--json"], &arguments[..]].concat();
        let said = users_sync(database.url(), &arguments).await;
        assert_eq!(outcomes(&said.json()), expected, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_delivery_whose_bytes_were_not_kept_is_counted_and_left_alone() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    service.post(&user("user.created", "user_1", 1_700_000_000_000)).await;

    let said = users_sync(database.url(), &["replay", "--user", "user_1", "--json"]).await;

    let said = said.json();
    assert_eq!((&said["outcomes"], &said["without_body"]), (&json!({}), &json!(1)));
}

#[tokio::test]
async fn a_replay_without_a_filter_is_a_misuse() {
    let database = TestDatabase::new().await;

    let said = users_sync(database.url(), &["replay"]).await;

    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("--quarantined"), "{}", said.err);
}

/// As a proxy's log or an editor holds it.
fn http_file(signed: &Signed) -> String {
    let headers: String =
        signed.headers().iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let body = String::from_utf8_lossy(&signed.body);
    format!("POST /webhooks/{} HTTP/1.1\nhost: example.com\n{headers}\n{body}\n", signed.source)
}

#[tokio::test]
async fn captured_requests_are_replayed_however_old_they_are() {
    let database = TestDatabase::new().await;
    let scratch = Scratch::new().await;
    let long_ago = Timestamp::now().as_second() - 40 * 86_400;
    let one = user("user.created", "user_1", 1_700_000_000_000).sent_at(long_ago);
    let other = Signed::new("stack", body("stack", "user.created", "two", &json!({})).to_string());
    let file = scratch.path().join("captured.http");
    std::fs::write(&file, format!("{}###\n{}", http_file(&one), http_file(&other)))
        .expect("a file");
    let file = file.to_str().expect("UTF-8");

    let first = users_sync(database.url(), &["replay", "--file", file, "--json"]).await;
    let again = users_sync(database.url(), &["replay", "--file", file, "--json"]).await;

    assert_eq!(outcomes(&first.json()), json!({ "applied": 2 }));
    assert_eq!(outcomes(&again.json()), json!({ "duplicate": 2 }));
    let client = database.client().await;
    assert_eq!(name(&client, "user_1").await.as_deref(), Some("at 1700000000000 Lovelace"));
    assert_eq!(name(&client, "two").await.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn an_unsigned_captured_request_is_refused_and_nothing_is_written() {
    let database = TestDatabase::new().await;
    let scratch = Scratch::new().await;
    let forged = user("user.created", "user_1", 1_700_000_000_000).signed_with(b"a stranger's key");
    let file = scratch.path().join("forged.http");
    let honest = user("user.created", "user_2", 1_700_000_000_000);
    std::fs::write(&file, format!("{}###\n{}", http_file(&honest), http_file(&forged)))
        .expect("a file");

    let file = file.to_str().expect("UTF-8");
    let said = users_sync(database.url(), &["replay", "--file", file]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("request 2: no secret matches"), "{}", said.err);
    assert_eq!(name(&database.client().await, "user_2").await, None);
}
