//! Tables that refuse every delivery although no right is missing: row security, and triggers on our own tables.

use tokio_postgres::Client;

use super::{created, impatient};
use crate::harness::{Role, SECRET, Service, TestDatabase, run};

/// A role with exactly the printed grants, and a service that runs as it.
async fn served(database: &TestDatabase) -> (Role, Service) {
    let role = Role::new(database, "closed").await;
    for grant in users_sync::db::rights::grants(&role.name, users_sync::model::DeletePolicy::Soft) {
        role.execute(&grant).await;
    }
    let service = Service::start_with(&role.url(database), impatient()).await;
    assert_eq!(service.post(&created("before")).await.outcome(), "applied");
    (role, service)
}

async fn secure(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect(sql);
}

#[tokio::test]
async fn row_security_of_any_table_is_named_and_quarantines_no_delivery() {
    for table in ["neon_auth.users_sync", "users_sync.ledger", "users_sync.journal"] {
        let database = TestDatabase::new().await;
        let client = database.client().await;
        let (role, service) = served(&database).await;
        secure(&client, &format!("alter table {table} enable row level security")).await;

        let refused = service.post(&created("after")).await;
        let ready = service.get("/readyz").await;
        let url = role.url(&database);
        let variables = [("DATABASE_URL", &*url), ("CLERK_WEBHOOK_SECRET", SECRET)];
        let doctor = run(&["doctor"], &variables).await;
        let (name, quoted) = (&role.name, role.quoted());
        let policy = format!("create policy ours on {table} to {quoted} using (true)");
        secure(&client, &policy).await;
        let applied = service.post(&created("after")).await;
        drop(service);
        role.execute(&format!("drop policy ours on {table}")).await;

        assert_eq!(refused.status, 503, "{table}: {refused:?}");
        let detail = ready.body["detail"].as_str().expect("a sentence");
        assert!(detail.contains(&format!("row security of {table}")), "{detail}");
        assert_eq!(doctor.code, 1, "{doctor:?}");
        assert!(doctor.out.contains(&format!("{name} cannot write deliveries")), "{doctor:?}");
        assert_eq!(applied.outcome(), "applied", "{table}");
        role.remove().await;
    }
}

#[tokio::test]
async fn row_security_with_a_policy_for_the_service_is_ready() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let (role, service) = served(&database).await;
    let quoted = role.quoted();
    let sql = format!(
        "alter table neon_auth.users_sync enable row level security;
        create policy ours on neon_auth.users_sync to {quoted} using (true)"
    );
    secure(&client, &sql).await;

    let applied = service.post(&created("after")).await;
    let ready = service.get("/readyz").await;
    drop(service);
    role.execute("drop policy ours on neon_auth.users_sync").await;
    role.remove().await;

    assert_eq!((applied.outcome(), ready.status), ("applied", 200), "{ready:?}");
}

#[tokio::test]
async fn a_service_is_not_ready_while_its_journal_refuses_rows() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start_with(database.url(), impatient()).await;
    let broken = "alter table users_sync.journal add constraint nothing check (false) not valid";
    secure(&client, broken).await;

    let refused = service.post(&created("user_1")).await;
    let ready = service.get("/readyz").await;
    secure(&client, "alter table users_sync.journal drop constraint nothing").await;
    let applied = service.post(&created("user_1")).await;
    let ready_then = service.get("/readyz").await;

    assert_eq!((refused.status, ready.status), (503, 503), "{refused:?} {ready:?}");
    assert_eq!((applied.outcome(), ready_then.status), ("applied", 200), "{ready_then:?}");
}

#[tokio::test]
async fn a_missing_right_to_use_a_schema_is_named() {
    let database = TestDatabase::new().await;
    let (role, service) = served(&database).await;
    role.execute(&format!("revoke usage on schema neon_auth from {}", role.quoted())).await;

    let refused = service.post(&created("after")).await;
    let ready = service.get("/readyz").await;
    drop(service);
    role.remove().await;

    assert_eq!((refused.status, ready.status), (503, 503), "{refused:?}");
    let detail = ready.body["detail"].as_str().expect("a sentence");
    assert!(detail.contains("usage on schema neon_auth"), "{detail}");
}

#[tokio::test]
async fn a_database_without_tables_lacks_no_right() {
    let database = TestDatabase::empty().await;

    let variables = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let doctor = run(&["doctor"], &variables).await;

    assert_eq!(doctor.code, 0, "{doctor:?}");
}
