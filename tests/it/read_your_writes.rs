//! The first request comes before the row: waiting for it, and stubs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use users_sync::sync::{self, Users, refetch};

use crate::harness::{Mirror, Service, ServiceSettings, Signed, TestDatabase, Vendor, body};

fn created(id: &str) -> Signed {
    Signed::new("clerk", body("clerk", "user.created", id, &json!({})).to_string())
}

#[tokio::test]
async fn an_existing_user_is_returned_at_once() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    service.post(&created("user_1")).await;

    let answer = service.api("GET", "/api/users/user_1?wait=30s", Value::Null).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["email"], "ada@example.com");
    assert_eq!(answer.body["deleted_at"], Value::Null);
    assert_eq!(answer.body["raw_json"]["id"], "user_1");
}

#[tokio::test]
async fn a_waiter_is_woken_by_the_commit() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    let (answer, _) =
        tokio::join!(service.api("GET", "/api/users/user_1?wait=30s", Value::Null), async {
            crate::harness::eventually("the provider was asked", async || {
                vendor.asked("GET", "/users/user_1") == 1
            })
            .await;
            service.post(&created("user_1")).await
        },);

    assert_eq!((answer.status, &answer.body["id"]), (200, &json!("user_1")));
}

#[tokio::test]
async fn a_user_whom_only_the_provider_knows_is_fetched() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.enrol(["user_1"]);
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    let answer = service.api("GET", "/api/users/user_1?wait=30s", Value::Null).await;

    assert_eq!((answer.status, &answer.body["email"]), (200, &json!("ada@example.com")));
}

#[tokio::test]
async fn a_user_who_does_not_come_is_404_after_the_wait() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    let began = Instant::now();
    let answer = service.api("GET", "/api/users/user_1?wait=300ms", Value::Null).await;

    assert_eq!(answer.status, 404);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(service.api("GET", "/api/users/user_1", Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_row_that_another_replica_writes_is_seen() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let other = Service::start(mirror.database.url()).await;

    let (answer, _) =
        tokio::join!(service.api("GET", "/api/users/user_1?wait=30s", Value::Null), async {
            crate::harness::eventually("the provider was asked", async || {
                vendor.asked("GET", "/users/user_1") == 1
            })
            .await;
            other.post(&created("user_1")).await
        },);

    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_that_wait_for_one_user_cause_one_fetch() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let mut waiting = JoinSet::new();
    for _ in 0..1000 {
        let users = service.users.clone();
        waiting.spawn(async move { users.wait("user_1", Duration::from_secs(30)).await });
    }
    crate::harness::eventually("the provider was asked", async || {
        vendor.asked("GET", "/users/user_1") == 1
    })
    .await;

    service.post(&created("user_1")).await;
    let answers = waiting.join_all().await;

    for answer in answers {
        assert_eq!(answer.expect("a row is read").expect("the user came").id, "user_1");
    }
    assert_eq!(vendor.asked("GET", "/users/user_1"), 1);
}

#[tokio::test]
async fn the_api_is_closed_without_the_right_token() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let closed = ServiceSettings { admin_token: None, ..ServiceSettings::default() };
    let closed = Service::start_with(database.url(), closed).await;

    assert_eq!(service.get("/api/users/user_1").await.status, 401);
    assert_eq!(closed.api("GET", "/api/users/user_1", Value::Null).await.status, 404);
    let odd = service.api("GET", "/api/users/user_1?wait=soon", Value::Null).await;
    assert_eq!(odd.status, 400);
}

/// An application's role, which may call one function and read one table.
async fn application(mirror: &Mirror) -> (tokio_postgres::Client, String) {
    let role = format!("app_{}", uuid::Uuid::new_v4().simple());
    mirror
        .execute(&format!(
            "create role {role};
             grant usage on schema users_sync, neon_auth to {role};
             grant execute on function users_sync.ensure_user to {role};
             grant references, select on neon_auth.users_sync to {role};
             create table public.posts (author text not null references neon_auth.users_sync (id));
             grant all on public.posts to {role}"
        ))
        .await;
    let client = mirror.database.client().await;
    client.batch_execute(&format!("set role {role}")).await.expect("the role");
    (client, role)
}

#[tokio::test]
async fn a_stub_lets_an_application_refer_to_a_user_before_it_comes() {
    let mirror = Mirror::new().await;
    let service = Service::start(mirror.database.url()).await;
    let (application, role) = application(&mirror).await;

    application
        .batch_execute(
            "begin; select users_sync.ensure_user('user_1');
             insert into public.posts values ('user_1'); select users_sync.ensure_user('user_1'); commit",
        )
        .await
        .expect("the foreign key holds");

    assert_eq!(mirror.rows().await["user_1"].raw, json!({ "id": "user_1" }));
    let waiting = service.api("GET", "/api/users/user_1", Value::Null).await;
    assert_eq!(waiting.status, 404, "a stub is no user yet");
    service.post(&created("user_1")).await;
    assert_eq!(mirror.rows().await["user_1"].email.as_deref(), Some("ada@example.com"));
    assert!(application.batch_execute("delete from neon_auth.users_sync").await.is_err());
    mirror.execute(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test]
async fn a_deletion_makes_a_tombstone_of_a_stub() {
    let mirror = Mirror::new().await;
    let service = Service::start(mirror.database.url()).await;
    mirror.execute("select users_sync.ensure_user('user_1')").await;

    let deleted = body("clerk", "user.deleted", "user_1", &json!({})).to_string();
    service.post(&Signed::new("clerk", deleted)).await;

    assert!(mirror.rows().await["user_1"].deleted_at.is_some());
}

#[tokio::test]
async fn a_stub_is_fetched_soon_by_its_mark_and_by_reconcile_before_all_others() {
    for reconciled in [false, true] {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        vendor.enrol(["user_1", "user_2"]);
        mirror.execute("select users_sync.ensure_user('user_1')").await;
        let client = vendor.client();

        if reconciled {
            mirror.reconcile(&client).await.expect("a repair");
            assert_eq!(vendor.desk().asked[0].path, "/users/user_1");
        } else {
            let users = Users::new(mirror.tables.clone(), vec![client.into()]);
            refetch::fetch_due(&users).await.expect("a fetch");
            assert_eq!(mirror.count("select count(*) from users_sync.marks").await, 0);
        }

        assert_eq!(mirror.rows().await["user_1"].email.as_deref(), Some("ada@example.com"));
    }
}

#[tokio::test]
async fn a_stub_that_the_provider_does_not_have_yet_is_not_deleted() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    mirror.execute("select users_sync.ensure_user('user_1')").await;

    mirror.reconcile(&vendor.client()).await.expect("a repair");

    assert_eq!(mirror.alive().await, ["user_1"]);
}
