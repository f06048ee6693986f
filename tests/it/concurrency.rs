//! Many senders, two services, one database: the ledger's row lock decides between them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::harness::{Answer, Service, Signed, TestDatabase, body, eventually};

/// An update from Clerk, made at second `n`, that sets the user's first name to `n`.
fn update(id: &str, n: i64) -> Signed {
    let data = json!({ "first_name": format!("{n}"), "last_name": null, "updated_at": n });
    Signed::new("clerk", body("clerk", "user.updated", id, &data).to_string())
}

/// Posts all of them at the same time, alternating between the services.
async fn post_all(services: &[Arc<Service>], deliveries: Vec<Signed>) -> Vec<(Signed, Answer)> {
    let mut posts = JoinSet::new();
    for (n, delivery) in deliveries.into_iter().enumerate() {
        let service = services[n % services.len()].clone();
        posts.spawn(async move {
            let answer = service.post(&delivery).await;
            (delivery, answer)
        });
    }
    posts.join_all().await
}

async fn two_services(database: &TestDatabase) -> [Arc<Service>; 2] {
    [Service::start(database.url()).await, Service::start(database.url()).await].map(Arc::new)
}

async fn attempts(client: &Client) -> HashMap<String, i32> {
    let sql = "select delivery_id, attempts from users_sync.journal";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Stops the services first: a session publishes its count of deadlocks when it is idle or ends.
async fn assert_no_deadlock(client: &Client, services: [Arc<Service>; 2]) {
    for service in services {
        let service = Arc::into_inner(service).expect("the posting tasks have ended");
        service.drain().await.expect("it ends without a panic");
    }
    let sql = "select deadlocks, (select count(*) from pg_stat_activity a
            where a.datname = d.datname and a.application_name = 'users-sync')
        from pg_stat_database d where datname = current_database()";
    let mut deadlocks = 0;
    eventually("their sessions have ended", async || {
        let row = client.query_one(sql, &[]).await.expect("it answers");
        deadlocks = row.get::<_, i64>(0);
        row.get::<_, i64>(1) == 0
    })
    .await;
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_services_keep_the_newest_of_many_updates_of_each_user() {
    // An odd number, so that each user's updates alternate between the services.
    const USERS: i64 = 41;
    const UPDATES: i64 = 20;
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let services = two_services(&database).await;
    let mut deliveries: Vec<_> = (0..USERS * UPDATES)
        .map(|n| update(&format!("user_{}", n % USERS), 1 + n / USERS))
        .collect();
    // Each delivery is posted twice, the second time in reverse order.
    let again: Vec<_> = deliveries.iter().rev().cloned().collect();
    deliveries.extend(again);
    let posted = deliveries.len();

    let answers = post_all(&services, deliveries).await;

    for (delivery, answer) in &answers {
        assert_eq!(answer.status, 200, "{}: {answer:?}", delivery.id);
    }
    let sql = "select name, u.updated_at = to_timestamp($1) and l.version_at = u.updated_at
        from neon_auth.users_sync u join users_sync.ledger l using (id)";
    let rows = client.query(sql, &[&(UPDATES as f64)]).await.expect("it answers");
    assert_eq!(rows.len(), 41);
    for row in rows {
        assert_eq!(row.get::<_, &str>(0), UPDATES.to_string());
        assert!(row.get::<_, bool>(1), "{row:?}");
    }
    let attempts = attempts(&client).await;
    assert_eq!(attempts.len(), posted / 2);
    assert!(attempts.values().all(|attempts| *attempts == 2), "{attempts:?}");
    assert_no_deadlock(&client, services).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_deletions_and_updates_leave_the_newest_profile_deleted() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let services = two_services(&database).await;
    let mut deliveries = Vec::new();
    for n in 1..=15 {
        for user in ["user_1", "user_2", "user_3"] {
            deliveries.push(update(user, n));
            let mut deleted = body("clerk", "user.deleted", user, &json!({}));
            deleted["timestamp"] = json!(1_000 + n);
            deliveries.push(Signed::new("clerk", deleted.to_string()));
        }
    }

    let answers = post_all(&services, deliveries).await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
    // Clerk's time is in seconds here, and the smallest one counts.
    let sql = "select name, deleted_at = to_timestamp($1) from neon_auth.users_sync";
    let rows = client.query(sql, &[&1_001_f64]).await.expect("it answers");
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(row.get::<_, Option<&str>>(0), Some("15"));
        assert!(row.get::<_, bool>(1), "{row:?}");
    }
    assert_no_deadlock(&client, services).await;
}

#[tokio::test]
async fn a_user_deleted_before_its_first_update_is_a_row_without_profile() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let deleted = body("clerk", "user.deleted", "user_1", &json!({}));

    let answer = service.post(&Signed::new("clerk", deleted.to_string())).await;

    assert_eq!(answer.outcome(), "applied");
    let sql = "select deleted_at is not null, name is null, raw_json = '{\"id\": \"user_1\"}'
        from neon_auth.users_sync where id = 'user_1'";
    let row = database.client().await.query_one(sql, &[]).await.expect("one row");
    assert_eq!([0, 1, 2].map(|column| row.get::<_, bool>(column)), [true; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_delivery_posted_fifty_times_at_once_is_applied_once() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let services = two_services(&database).await;

    for round in 0..10 {
        let delivery = update(&format!("user_{round}"), 1);
        let answers = post_all(&services, vec![delivery.clone(); 50]).await;

        let of = |outcome| answers.iter().filter(|(_, it)| it.outcome() == outcome).count();
        assert_eq!((of("applied"), of("duplicate")), (1, 49));
        assert_eq!(attempts(&client).await[&delivery.id], 50);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_unreadable_delivery_posted_concurrently_is_one_row_that_counts_every_attempt() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let services = two_services(&database).await;
    let delivery = Signed::new("clerk", "not JSON");

    let answers = post_all(&services, vec![delivery.clone(); 50]).await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
    assert_eq!(attempts(&client).await, HashMap::from([(delivery.id, 50)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_of_the_same_users_do_not_deadlock() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    // Every row takes a moment, so that the batches overlap.
    let slow = "create function slow() returns trigger language plpgsql as $$
            begin perform pg_sleep(0.003); return new; end $$;
        create trigger slow before insert on users_sync.ledger
            for each row execute function slow()";
    client.batch_execute(slow).await.expect("the trigger is created");
    let services = two_services(&database).await;
    let deliveries = (0..4 * 41).map(|n| update(&format!("user_{}", n % 41), 1 + n)).collect();

    let answers = post_all(&services, deliveries).await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
    assert_no_deadlock(&client, services).await;
}
