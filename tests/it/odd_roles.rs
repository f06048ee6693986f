//! Roles with unusual defaults: the service keeps the same promises.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::{Service, Signed, TestDatabase, as_role, body, run};

/// A role of one test with these defaults, which owns nothing and may do everything.
struct Role {
    name: String,
    client: Client,
}

impl Role {
    async fn new(database: &TestDatabase, defaults: &[&str]) -> Self {
        let role = Self {
            name: format!("odd_{}", Uuid::new_v4().simple()),
            client: database.client().await,
        };
        role.execute(&format!("create role {} login superuser", role.name)).await;
        for default in defaults {
            role.execute(&format!("alter role {} set {default}", role.name)).await;
        }
        role
    }

    async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.expect(sql);
    }

    /// A deferred trigger sees the same setting as the commit.
    async fn watch_commits(&self, event: &str) {
        self.execute(&format!(
            "create table public.seen (setting text);
            create function see() returns trigger language plpgsql as $$
                begin insert into public.seen select current_setting('synchronous_commit'); return null; end $$;
            create constraint trigger at_commit after {event} on neon_auth.users_sync
                deferrable initially deferred for each row execute function see()"
        ))
        .await;
    }

    async fn seen(&self) -> String {
        let sql = "select setting from public.seen";
        self.client.query_one(sql, &[]).await.expect("one row").get(0)
    }

    async fn remove(self) {
        self.execute(&format!("drop owned by {0}; drop role {0}", self.name)).await;
    }
}

fn update(id: &str, n: i64) -> Signed {
    let data = json!({ "first_name": format!("{n}"), "last_name": null, "updated_at": n });
    Signed::new("clerk", body("clerk", "user.updated", id, &data).to_string())
}

const ODD: [&str; 6] = [
    "default_transaction_isolation = 'serializable'",
    "synchronous_commit = off",
    "search_path = ''",
    "lock_timeout = '1ms'",
    "timezone = 'Pacific/Chatham'",
    "datestyle = 'SQL, DMY'",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_services_of_an_odd_role_answer_every_delivery_and_the_newest_stays() {
    let database = TestDatabase::new().await;
    let role = Role::new(&database, &ODD).await;
    let url = as_role(database.url(), &role.name);
    let services = [Service::start(&url).await, Service::start(&url).await].map(Arc::new);

    let mut posts = JoinSet::new();
    for n in 1..=200_i64 {
        let service = services[usize::from(n % 2 == 0)].clone();
        let update = update(&format!("user_{}", n % 7), n);
        posts.spawn(async move { service.post(&update).await });
    }
    let answers = posts.join_all().await;

    let sql = "select right(id, 1)::bigint, name::bigint from neon_auth.users_sync";
    let rows = role.client.query(sql, &[]).await.expect("it answers");
    for service in services {
        let service = Arc::into_inner(service).expect("the posting tasks have ended");
        service.drain().await.expect("it ends without a panic");
    }
    role.remove().await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(rows.len(), 7);
    for row in rows {
        let (user, name): (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(name, (194..=200).find(|n| n % 7 == user).expect("one of seven"));
    }
}

#[tokio::test]
async fn a_commit_is_durable_under_any_default_of_the_role() {
    for (default, expected) in
        [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply"), ("on", "on")]
    {
        let database = TestDatabase::new().await;
        let role = Role::new(&database, &[&format!("synchronous_commit = {default}")]).await;
        role.watch_commits("insert").await;
        let service = Service::start(&as_role(database.url(), &role.name)).await;

        let answer = service.post(&update("user_1", 1)).await;

        let seen = role.seen().await;
        service.drain().await.expect("it ends without a panic");
        role.remove().await;
        assert_eq!((answer.outcome(), &*seen), ("applied", expected), "{default}");
    }
}

#[tokio::test]
async fn an_erasure_and_a_remap_are_durable_under_any_default_of_the_role() {
    for command in [["users", "erase", "user_1"].as_slice(), &["remap"]] {
        let database = TestDatabase::new().await;
        let role = Role::new(&database, &["synchronous_commit = off"]).await;
        let service = Service::start(database.url()).await;
        service.post(&update("user_1", 1)).await;
        role.execute("update neon_auth.users_sync set name = 'by hand'").await;
        role.watch_commits("update").await;

        let url = as_role(database.url(), &role.name);
        let said = run(command, &[("DATABASE_URL", &url)]).await;

        let seen = role.seen().await;
        role.remove().await;
        assert_eq!((said.code, &*seen), (0, "on"), "{said:?}");
    }
}
