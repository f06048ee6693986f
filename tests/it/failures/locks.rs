//! A row that an application holds delays only the deliveries about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::created;
use crate::harness::{Service, Signed, TestDatabase, body, eventually};
use crate::metrics::{scrape, value};

async fn waits_for_a_lock(client: &tokio_postgres::Client) -> bool {
    let sql = "select from pg_stat_activity where datname = current_database()
        and application_name = 'users-sync' and wait_event_type = 'Lock'";
    !client.query(sql, &[]).await.expect("it answers").is_empty()
}

#[tokio::test]
async fn deliveries_of_a_held_user_wait_and_all_others_commit() {
    let database = TestDatabase::new().await;
    let (mut application, watch) = (database.client().await, database.client().await);
    let services = [Service::start(database.url()).await, Service::start(database.url()).await];
    let services = services.map(Arc::new);
    let held = application.transaction().await.expect("a transaction");
    held.batch_execute("select users_sync.ensure_user('x')").await.expect("it was created");
    let mut waiting = JoinSet::new();
    for n in 0..6 {
        let service = services[n % 2].clone();
        waiting.spawn(async move { service.post(&created("x")).await });
    }
    eventually("they wait", async || waits_for_a_lock(&watch).await).await;

    let began = Instant::now();
    for n in 0..100 {
        let service = &services[n % 2];
        assert_eq!(service.post(&created(&format!("user_{n}"))).await.outcome(), "applied");
    }
    let took = began.elapsed();
    held.commit().await.expect("it is committed");

    for answer in waiting.join_all().await {
        assert!(["applied", "stale"].contains(&answer.outcome()), "{answer:?}");
    }
    // Hundreds of waits of 200 ms would take far longer.
    assert!(took < Duration::from_secs(6), "{took:?}");
    let sql = "select email from neon_auth.users_sync where id = 'x'";
    let email: Option<String> = watch.query_one(sql, &[]).await.expect("one row").get(0);
    assert_eq!(email.as_deref(), Some("ada@example.com"));
}

#[tokio::test]
async fn several_stubs_of_one_transaction_never_deadlock_with_a_batch() {
    let database = TestDatabase::new().await;
    let mut application = database.client().await;
    let service = Arc::new(Service::start(database.url()).await);

    for round in 0..8 {
        let ids: Vec<_> = (0..12).map(|n| format!("user_{round}_{n}")).collect();
        let mut posts = JoinSet::new();
        for id in ids.clone() {
            let service = service.clone();
            posts.spawn(async move { service.post(&created(&id)).await });
        }
        let stubs = application.transaction().await.expect("a transaction");
        // In the opposite order of the batch.
        for id in ids.iter().rev() {
            let made = stubs.query("select users_sync.ensure_user($1)", &[id]).await;
            made.expect("the application never loses to a batch");
        }
        stubs.commit().await.expect("it is committed");
        for answer in posts.join_all().await {
            assert_eq!(answer.outcome(), "applied");
        }
    }
}

#[tokio::test]
async fn the_lane_of_a_sender_that_gave_up_is_removed() {
    let database = TestDatabase::new().await;
    let (mut application, watch) = (database.client().await, database.client().await);
    let service = Service::start_with(database.url(), super::impatient()).await;
    assert_eq!(service.post(&created("x")).await.outcome(), "applied");
    let held = application.transaction().await.expect("a transaction");
    let lock = "select from neon_auth.users_sync where id = 'x' for update";
    held.query(lock, &[]).await.expect("it exists");
    let update = body("clerk", "user.updated", "x", &json!({ "first_name": "Later" }));
    let update = Signed::new("clerk", update.to_string());

    assert_eq!(service.post(&update).await.status, 503);

    eventually("the writer no longer waits", async || !waits_for_a_lock(&watch).await).await;
    assert!(
        service.get("/readyz").await.status == 200,
        "a held row does not make the service unready"
    );
    held.rollback().await.expect("the transaction ends");
    assert_eq!(service.post(&update).await.status, 200);
}

#[tokio::test]
async fn hundreds_of_held_users_delay_no_other_delivery() {
    let database = TestDatabase::new().await;
    let mut application = database.client().await;
    let service = Arc::new(Service::start(database.url()).await);
    let ids: Vec<_> = (0..300).map(|n| format!("held_{n}")).collect();
    let mut posts = JoinSet::new();
    for id in ids.clone() {
        let service = service.clone();
        posts.spawn(async move { service.post(&created(&id)).await.outcome().to_owned() });
    }
    assert!(posts.join_all().await.iter().all(|outcome| outcome == "applied"));
    let held = application.transaction().await.expect("a transaction");
    let lock = "select from neon_auth.users_sync for update";
    held.query(lock, &[]).await.expect("they exist");

    let (mut waiting, mut others) = (JoinSet::new(), JoinSet::new());
    for n in 0..300 {
        let its = service.clone();
        waiting.spawn(async move { its.post(&created(&format!("held_{n}"))).await.status });
        if n % 10 == 0 {
            let its = service.clone();
            let posted = async move { its.post(&created(&format!("free_{n}"))).await.status };
            others.spawn(tokio::time::timeout(Duration::from_secs(6), posted));
        }
    }
    let answers = others.join_all().await;
    held.rollback().await.expect("the transaction ends");

    assert!(answers.iter().all(|answer| *answer == Ok(200)), "{answers:?}");
    assert!(waiting.join_all().await.iter().all(|status| *status == 200));
}

#[tokio::test]
async fn deliveries_that_wait_for_a_table_commit_soon_after_its_lock_ends() {
    let database = TestDatabase::new().await;
    let mut application = database.client().await;
    let service = Arc::new(Service::start(database.url()).await);
    let lock = application.transaction().await.expect("a transaction");
    lock.batch_execute("lock table neon_auth.users_sync in share mode").await.expect("it is free");
    let mut posts = JoinSet::new();
    for n in 0..400 {
        let service = service.clone();
        posts.spawn(async move { service.post(&created(&format!("user_{n}"))).await.status });
    }
    eventually("all of them wait in lanes", async || {
        value(&scrape(&service).await, "users_sync_held_deliveries") == Some(400.0)
    })
    .await;

    lock.rollback().await.expect("the transaction ends");
    let answers = tokio::time::timeout(Duration::from_secs(4), posts.join_all()).await;

    let answers = answers.expect("one after the other takes longer");
    assert!(answers.iter().all(|status| *status == 200));
}
