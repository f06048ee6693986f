//! All that the program does, as a role with exactly the rights that are printed.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::granted;
use crate::harness::{
    API_KEY, Program, Role, SECRET, Scratch, Signed, TestDatabase, Vendor, body, eventually,
};

const TOKEN: &str = "the token of the tests";

/// A service that runs as a role, the vendor that it asks, and its owner's eyes.
struct Stage {
    dir: Scratch,
    database: TestDatabase,
    role: Role,
    vendor: Vendor,
    owner: Client,
    policy: &'static str,
}

impl Stage {
    async fn new(policy: &'static str) -> Self {
        let (database, role) = granted(policy).await;
        let owner = database.client().await;
        let (dir, vendor) = (Scratch::new().await, Vendor::new("clerk").await);
        Self { dir, database, role, vendor, owner, policy }
    }

    /// What the upkeep of a service has to remove.
    async fn leave_old_things(&self) {
        let sql = "
            insert into users_sync.journal (source, delivery_id, received_at, outcome, reason)
            values ('clerk', 'old', now() - interval '60 days', 'ignored', 'unsupported event type');
            insert into users_sync.requests (key, fingerprint, begun_at)
            values ('old', '', now() - interval '30 days');
            insert into neon_auth.users_sync (id, name, deleted_at, raw_json)
            values ('gone', 'Ada', now() - interval '60 days', '{}');
            insert into users_sync.ledger (kind, id, source, deleted_at)
            values ('user', 'gone', 'clerk', now() - interval '60 days')";
        self.owner.batch_execute(sql).await.expect("there are old things");
    }

    async fn count(&self, from: &str) -> i64 {
        let sql = format!("select count(*) from {from}");
        self.owner.query_one(&sql, &[]).await.expect("it answers").get(0)
    }

    async fn serve(&self) -> Program {
        let (url, api) = (self.role.url(&self.database), self.vendor.url());
        Program::serve_with(self.dir.path(), &["--no-migrate"], &self.variables(&url, &api)).await
    }

    /// Runs a command as the role, and asserts that it succeeds.
    async fn run(&self, arguments: &[&str]) {
        let (url, api) = (self.role.url(&self.database), self.vendor.url());
        let ended = Program::run(self.dir.path(), arguments, &self.variables(&url, &api)).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("42501"), "{arguments:?}: {ended:?}");
    }

    fn variables<'a>(&self, url: &'a str, api: &'a str) -> [(&'static str, &'a str); 8] {
        [
            ("DATABASE_URL", url),
            ("CLERK_WEBHOOK_SECRET", SECRET),
            ("CLERK_SECRET_KEY", API_KEY),
            ("CLERK_API_URL", api),
            ("CLERK_TRUST", "refetch"),
            ("JOURNAL_BODIES", "all"),
            ("ADMIN_TOKEN", TOKEN),
            ("DELETE_POLICY", self.policy),
        ]
    }
}

async fn post(program: &Program, signed: &Signed) -> Value {
    let url = format!("http://{}/webhooks/{}", program.address, signed.source);
    let mut request = reqwest::Client::new().post(url).body(signed.body.clone());
    for (name, value) in signed.headers() {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("the service answers");
    answer.json::<Value>().await.expect("JSON")["outcome"].clone()
}

async fn api(program: &Program, method: &str, path: &str, body: &Value) -> u16 {
    let url = format!("http://{}{path}", program.address);
    let method = method.parse().expect("a method");
    let request = reqwest::Client::new().request(method, url).bearer_auth(TOKEN);
    let request = request.header("idempotency-key", "k-1").json(body);
    request.send().await.expect("the service answers").status().as_u16()
}

/// Deliveries, requests and upkeep, until nothing is left to do.
async fn served(stage: &Stage) {
    stage.leave_old_things().await;
    stage.vendor.enrol(["user_1", "user_2"]);
    let program = stage.serve().await;

    let created = body("clerk", "user.created", "user_1", &json!({})).to_string();
    let created = Signed::new("clerk", created);
    assert_eq!(post(&program, &created).await, "applied");
    assert_eq!(post(&program, &created).await, "duplicate");
    // The API has the last word once its answer is newer.
    stage.vendor.put("user_1", &json!({}));
    assert_eq!(post(&program, &Signed::new("clerk", "no JSON")).await, "quarantined");
    for (method, path, status) in [
        ("POST", "/api/users/user_2/sync", 200),
        ("GET", "/api/users/user_2", 200),
        ("GET", "/api/users/user_2/memberships", 200),
        ("GET", "/api/organizations/none/members", 404),
        ("GET", "/api/status", 200),
        ("GET", "/api/deliveries", 200),
        ("GET", "/metrics", 200),
        ("GET", "/readyz", 200),
    ] {
        assert_eq!(api(&program, method, path, &Value::Null).await, status, "{path}");
    }
    let replay = format!("/api/deliveries/clerk/{}/replay", created.id);
    assert_eq!(api(&program, "POST", &replay, &Value::Null).await, 200);
    let wanted = json!({ "email": "grace@example.com" });
    assert_eq!(api(&program, "POST", "/api/users", &wanted).await, 201);

    for (what, from) in [
        ("who was marked is fetched", "users_sync.marks"),
        ("old deliveries are removed", "users_sync.journal where delivery_id = 'old'"),
        ("old requests are removed", "users_sync.requests where key = 'old'"),
        (
            "the deleted user is purged",
            "neon_auth.users_sync where id = 'gone' and name is not null",
        ),
    ] {
        eventually(what, async || stage.count(from).await == 0).await;
    }
    eventually("a reconcile ended well", async || {
        stage.count("users_sync.runs where outcome = 'done'").await > 0
    })
    .await;
    assert_eq!(stage.count("users_sync.findings").await, 0);
    program.stop().await;
}

#[tokio::test]
async fn with_the_printed_grants_a_role_does_everything_that_scrub_needs() {
    let stage = Stage::new("scrub:30d").await;

    served(&stage).await;

    assert_eq!(stage.count("neon_auth.users_sync where id = 'gone'").await, 1, "it is emptied");
    for arguments in [
        &["backfill"][..],
        &["reconcile"],
        &["replay", "--all"],
        &["replay", "--quarantined", "--dry-run"],
        &["remap"],
        &["users", "get", "user_1"],
        &["users", "sync", "user_1"],
        &["users", "create", "--email", "ada@example.com"],
        &["users", "delete", "user_2"],
        &["users", "erase", "user_1"],
        &["purge"],
        &["doctor"],
    ] {
        stage.run(arguments).await;
    }
    assert_eq!(stage.count("neon_auth.users_sync where id = 'user_1' and name is null").await, 1);
    stage.role.remove().await;
}

#[tokio::test]
async fn with_the_printed_grants_a_role_removes_rows_too() {
    let stage = Stage::new("hard:30d").await;

    served(&stage).await;

    assert_eq!(stage.count("neon_auth.users_sync where id = 'gone'").await, 0, "it is removed");
    for arguments in [&["users", "erase", "user_1", "--hard"][..], &["purge"], &["doctor"]] {
        stage.run(arguments).await;
    }
    assert_eq!(stage.count("neon_auth.users_sync where id = 'user_1'").await, 0);
    stage.role.remove().await;
}
