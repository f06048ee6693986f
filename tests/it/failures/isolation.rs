//! Whatever SQLSTATE a trigger raises for one delivery, the others of its batch commit.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_postgres::Client;
use users_sync::sync;

use super::{created, impatient, shown};
use crate::harness::{Answer, Service, ServiceSettings, TestDatabase, eventually};

/// A trigger of the application that raises `state` for users whose id begins with `bad`.
async fn raise(client: &Client, state: &str) {
    let sql = format!(
        "create function refuse() returns trigger language plpgsql as $$
            begin
                if starts_with(new.id, 'bad') then raise 'no' using errcode = '{state}'; end if;
                return new;
            end $$;
        create trigger refuse before insert or update on neon_auth.users_sync
            for each row execute function refuse()"
    );
    client.batch_execute(&sql).await.expect("the trigger is made");
}

fn one_writer() -> ServiceSettings {
    let impatient = impatient();
    let sync = sync::Limits {
        writers: 1,
        lock: std::time::Duration::from_secs(2),
        patience: std::time::Duration::from_secs(4),
        ..impatient.sync
    };
    ServiceSettings { sync, ..impatient }
}

/// Posts users at once while the ledger is locked, so that they share a batch.
async fn in_one_batch(database: &TestDatabase, ids: &[String]) -> Vec<(String, Answer)> {
    in_one_batch_of(database, one_writer(), ids).await
}

async fn in_one_batch_of(
    database: &TestDatabase,
    settings: ServiceSettings,
    ids: &[String],
) -> Vec<(String, Answer)> {
    let (mut application, watch) = (database.client().await, database.client().await);
    let service = Arc::new(Service::start_with(database.url(), settings).await);
    let lock = application.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("it is free");
    let mut posts = JoinSet::new();
    for id in ids {
        let (service, id) = (service.clone(), id.clone());
        posts.spawn(async move { (id.clone(), service.post(&created(&id)).await) });
    }
    eventually("a batch waits for the lock", async || {
        let sql = "select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        !watch.query(sql, &[]).await.expect("it answers").is_empty()
    })
    .await;
    lock.rollback().await.expect("it is given back");
    posts.join_all().await
}

fn one_bad_of_nine() -> Vec<String> {
    (0..9).map(|n| if n == 4 { "bad".into() } else { format!("good_{n}") }).collect()
}

#[tokio::test]
async fn a_trigger_of_any_sqlstate_quarantines_its_delivery_and_costs_no_other() {
    for state in ["PT403", "42501", "UE001", "P0001", "23514", "42703", "0A000", "22000", "44000"] {
        let database = TestDatabase::new().await;
        let client = database.client().await;
        raise(&client, state).await;

        for (id, answer) in in_one_batch(&database, &one_bad_of_nine()).await {
            let expected = if id == "bad" { "quarantined" } else { "applied" };
            assert_eq!(answer.outcome(), expected, "{id} with {state}");
        }

        let sql = "select reason from users_sync.journal where outcome = 'quarantined'";
        let reason: String = client.query_one(sql, &[]).await.expect("one row").get(0);
        assert!(reason.contains(state), "{reason}");
    }
}

#[tokio::test]
async fn a_trigger_that_blames_the_server_costs_no_other_delivery() {
    for state in ["53100", "57P01", "25006", "08006", "XX000", "40001", "55P03", "57014"] {
        let database = TestDatabase::new().await;
        let client = database.client().await;
        raise(&client, state).await;

        for (id, answer) in in_one_batch(&database, &one_bad_of_nine()).await {
            let expected = if id == "bad" { 503 } else { 200 };
            assert_eq!(answer.status, expected, "{id} with {state}: {answer:?}");
        }

        assert!(!shown(&client, "bad").await, "{state}");
    }
}

#[tokio::test]
async fn a_trigger_that_sleeps_for_one_user_makes_no_other_sender_go() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let sql = "create function sleep() returns trigger language plpgsql as $$
            begin perform pg_sleep(30); return new; end $$;
        create trigger sleep before insert on neon_auth.users_sync
            for each row when (new.id = 'bad') execute function sleep()";
    client.batch_execute(sql).await.expect("the trigger is made");
    let limits = one_writer().sync;
    let settings = ServiceSettings {
        sync: sync::Limits { commit: std::time::Duration::from_millis(1500), ..limits },
        ..one_writer()
    };

    let ids = one_bad_of_nine();
    for (id, answer) in in_one_batch_of(&database, settings, &ids).await {
        assert_eq!(answer.status, if id == "bad" { 503 } else { 200 }, "{id}: {answer:?}");
    }
}

#[tokio::test]
async fn a_missing_right_quarantines_nothing() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let role = format!("writer_{}", uuid::Uuid::new_v4().simple());
    let grants = format!(
        "create role {role} login;
        grant usage on schema neon_auth, users_sync to {role};
        grant select, insert, update, delete on all tables in schema users_sync to {role};
        grant execute on all functions in schema users_sync to {role};
        grant select, insert, update on all tables in schema neon_auth to {role};
        revoke insert, update on neon_auth.users_sync from {role}"
    );
    client.batch_execute(&grants).await.expect("they are given");
    let url = crate::harness::as_role(database.url(), &role);
    let service = Service::start(&url).await;

    let refused = service.post(&created("user_1")).await;
    let ready = service.get("/readyz").await;
    let all = format!("grant insert, update on neon_auth.users_sync to {role}");
    client.batch_execute(&all).await.expect("it is given");
    let applied = service.post(&created("user_1")).await;
    let ready_then = service.get("/readyz").await;
    let drop = format!("drop owned by {role}; drop role {role}");
    client.batch_execute(&drop).await.expect("it is ours");

    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(ready.status, 503);
    let detail = ready.body["detail"].as_str().expect("a sentence");
    assert!(detail.contains("insert on neon_auth.users_sync"), "{detail}");
    assert_eq!((applied.outcome(), ready_then.status), ("applied", 200));
}
