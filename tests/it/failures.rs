//! What the database may do to a delivery: an acknowledged delivery is never lost, and no failure needs a restart.

mod closed;
mod cut;
mod isolation;
mod locks;
mod outages;

use std::time::Duration;

use serde_json::json;
use tokio_postgres::Client;
use users_sync::sync;

use crate::harness::{
    Answer, PrivateServer, Service, ServiceSettings, Signed, TestDatabase, body, conninfo,
    eventually,
};

fn created(id: &str) -> Signed {
    Signed::new("clerk", body("clerk", "user.created", id, &json!({})).to_string())
}

/// Whether the mirror shows the user.
async fn shown(client: &Client, id: &str) -> bool {
    let sql = "select from neon_auth.users_sync where id = $1";
    client.query_opt(sql, &[&id]).await.expect("it answers").is_some()
}

/// A trigger on the mirror that raises `error` for the user `bad` at the commit.
async fn raise_at_commit(client: &Client, error: &str) {
    let sql = format!(
        "create function raise_it() returns trigger language plpgsql as $$
            begin {error}; return null; end $$;
        create constraint trigger at_commit after insert or update on neon_auth.users_sync
            deferrable initially deferred for each row when (new.id = 'bad')
            execute function raise_it()"
    );
    client.batch_execute(&sql).await.expect("the trigger is created");
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.body["detail"], "the database is unavailable");
}

/// Settings with which senders wait for a held row no longer than a second.
fn impatient() -> ServiceSettings {
    let sync = sync::Limits { patience: Duration::from_secs(1), ..sync::Limits::default() };
    ServiceSettings { sync, ..ServiceSettings::default() }
}

#[tokio::test]
async fn a_value_that_makes_the_commit_fail_quarantines_its_delivery() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    raise_at_commit(&client, "raise 'not this one' using errcode = 'check_violation'").await;
    let service = Service::start(database.url()).await;
    let bad = created("bad");

    let answer = service.post(&bad).await;

    assert_eq!(answer.outcome(), "quarantined");
    assert!(!shown(&client, "bad").await);
    let sql = "select outcome, reason, body, (select count(*) from users_sync.ledger)
        from users_sync.journal where delivery_id = $1";
    let row = client.query_one(sql, &[&bad.id]).await.expect("it is journaled");
    assert_eq!(row.get::<_, &str>("outcome"), "quarantined");
    assert!(row.get::<_, &str>("reason").contains("23514"), "{row:?}");
    assert_eq!(row.get::<_, &[u8]>("body"), bad.body);
    assert_eq!(row.get::<_, i64>(3), 0, "the ledger believes what the mirror does not show");
}

#[tokio::test]
async fn a_quarantined_delivery_sent_again_after_a_fix_is_applied() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    raise_at_commit(&client, "raise 'not this one'").await;
    let service = Service::start(database.url()).await;
    let bad = created("bad");
    assert_eq!(service.post(&bad).await.outcome(), "quarantined");
    assert_eq!(service.post(&bad).await.outcome(), "quarantined");

    let fix = "drop trigger at_commit on neon_auth.users_sync";
    client.batch_execute(fix).await.expect("it exists");

    assert_eq!(service.post(&bad).await.outcome(), "applied");
    assert_eq!(service.post(&bad).await.outcome(), "duplicate");
    let sql = "select outcome, reason, attempts from users_sync.journal";
    let row = client.query_one(sql, &[]).await.expect("one row");
    assert_eq!(row.get::<_, &str>("outcome"), "applied");
    assert_eq!(row.get::<_, Option<&str>>("reason"), None);
    assert_eq!(row.get::<_, i32>("attempts"), 4);
}

#[tokio::test]
async fn a_commit_that_fails_in_the_server_is_never_answered_200() {
    for state in ["serialization_failure", "admin_shutdown", "disk_full", "too_many_connections"] {
        let database = TestDatabase::new().await;
        let client = database.client().await;
        raise_at_commit(&client, &format!("raise 'not now' using errcode = '{state}'")).await;
        let service = Service::start_with(database.url(), impatient()).await;
        let bad = created("bad");

        assert_eq!(service.post(&bad).await.status, 503, "{state}");

        let journal = "select from users_sync.journal";
        assert!(client.query(journal, &[]).await.expect("it answers").is_empty(), "{state}");
        assert_eq!(service.post(&created("good")).await.outcome(), "applied");
        let fix = "drop trigger at_commit on neon_auth.users_sync";
        client.batch_execute(fix).await.expect("it exists");
        assert_eq!(service.post(&bad).await.outcome(), "applied", "{state}");
    }
}

#[tokio::test]
async fn a_temporary_conflict_is_retried_and_the_sender_gets_200() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    client.batch_execute("create sequence tries").await.expect("the test owns it");
    let once = "if nextval('tries') = 1 then
        raise 'once' using errcode = 'deadlock_detected'; end if";
    raise_at_commit(&client, once).await;
    let service = Service::start(database.url()).await;

    assert_eq!(service.post(&created("bad")).await.outcome(), "applied");

    let tries = client.query_one("select last_value from tries", &[]).await.expect("it answers");
    assert_eq!(tries.get::<_, i64>(0), 2);
}

#[tokio::test]
async fn a_row_that_postgres_refuses_affects_no_other_of_its_batch() {
    let database = TestDatabase::new().await;
    let (mut holder, watch) = (database.client().await, database.client().await);
    let refuse =
        "alter table neon_auth.users_sync add constraint no_bad check (id not like 'bad%')";
    holder.batch_execute(refuse).await.expect("it is empty");
    let sync = sync::Limits { writers: 1, ..sync::Limits::default() };
    let settings = ServiceSettings { sync, ..ServiceSettings::default() };
    let service = std::sync::Arc::new(Service::start_with(database.url(), settings).await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("the table is free");

    let mut posts = tokio::task::JoinSet::new();
    for n in 0..60 {
        let id = if n % 20 == 10 { format!("bad_{n}") } else { format!("good_{n}") };
        let service = service.clone();
        posts.spawn(async move { (id.clone(), service.post(&created(&id)).await) });
    }
    eventually("all are in one or two batches", async || {
        let sql = "select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        !watch.query(sql, &[]).await.expect("it answers").is_empty()
    })
    .await;
    lock.rollback().await.expect("the transaction ends");

    for (id, answer) in posts.join_all().await {
        let expected = if id.starts_with("bad") { "quarantined" } else { "applied" };
        assert_eq!(answer.outcome(), expected, "{id}");
        assert_eq!(shown(&holder, &id).await, expected == "applied", "{id}");
    }
}

#[tokio::test]
async fn a_read_only_database_is_answered_503_until_it_accepts_writes() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let name: String =
        client.query_one("select current_database()", &[]).await.expect("it answers").get(0);
    let set = async |what: &str| {
        let sql = format!("alter database {name} {what}");
        client.batch_execute(&sql).await.expect("the test owns it");
    };
    set("set default_transaction_read_only = on").await;
    let sync = sync::Limits { writers: 1, ..sync::Limits::default() };
    let settings = ServiceSettings { sync, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    let user = created("user_1");

    assert_unavailable(&service.post(&user).await);
    set("reset default_transaction_read_only").await;

    // As after a failover: a connection that can only read must be replaced.
    eventually("it is written", async || service.post(&user).await.status == 200).await;
    assert!(shown(&client, "user_1").await);
}

#[tokio::test]
async fn a_held_row_is_answered_503_and_its_wait_ends() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), impatient()).await;
    let first = service.post(&created("user_1")).await;
    assert_eq!(first.outcome(), "applied");
    // Within a transaction, the server's view of its activity does not change, so a second client watches.
    let (mut holder, watch) = (database.client().await, database.client().await);
    let held = holder.transaction().await.expect("a transaction");
    let hold = "select from neon_auth.users_sync where id = 'user_1' for update";
    held.query(hold, &[]).await.expect("the row is there");
    let update = body("clerk", "user.updated", "user_1", &json!({ "first_name": "Later" }));
    let update = Signed::new("clerk", update.to_string());

    assert_eq!(service.post(&update).await.status, 503);

    eventually("no backend waits or holds the ledger", async || {
        let sql = "select from pg_locks l join pg_stat_activity a using (pid)
            where a.datname = current_database() and a.application_name = 'users-sync'";
        watch.query(sql, &[]).await.expect("it answers").is_empty()
    })
    .await;
    assert_eq!(service.post(&created("user_2")).await.outcome(), "applied");
    held.rollback().await.expect("the transaction ends");
    assert_eq!(service.post(&update).await.outcome(), "applied");
    let sql = "select name from neon_auth.users_sync where id = 'user_1'";
    let name: String = holder.query_one(sql, &[]).await.expect("one row").get(0);
    assert_eq!(name, "Later Lovelace");
}

/// A queue of notifications that fills up; only PostgreSQL 17 and newer allow such a small queue.
#[tokio::test]
async fn listeners_that_do_not_read_affect_no_delivery() {
    let database = TestDatabase::empty().await;
    let sql = "select current_setting('server_version_num')::integer";
    let version: i32 =
        database.client().await.query_one(sql, &[]).await.expect("it answers").get(0);
    let small: &[_] = if version >= 170_000 { &[("max_notify_queue_pages", "64")] } else { &[] };
    let server = PrivateServer::start_with(small).await;
    let mut migrator = conninfo(server.url()).connect().await.expect("it answers");
    users_sync::db::migrations::apply(&mut migrator).await.expect("the migrations apply");
    let listener = server.client().await;
    // A session in a transaction does not read its notifications.
    listener.batch_execute("listen users").await.expect("it listens");
    listener.batch_execute("begin; select 1").await.expect("it begins");
    let fill = "do $$ begin for n in 1..600 loop
        perform pg_notify('users', n || repeat('x', 1000)); commit; end loop; end $$";
    let full = server.client().await.batch_execute(fill).await;
    let options = sync::Options { channel: Some("users".into()), ..sync::Options::default() };
    let service =
        Service::start_with(server.url(), ServiceSettings { options, ..Default::default() }).await;

    let answer = service.post(&created("user_1")).await;

    assert_eq!(full.is_err(), version >= 170_000, "the queue is full where it is small");
    assert_eq!(answer.outcome(), "applied");
}
