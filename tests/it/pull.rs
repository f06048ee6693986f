//! The event log of a provider, read by the real program: no delivery reaches it, and no secret is configured.

use serde_json::{Value, json};

use crate::harness::{Fake, Program, Reply, Scratch, TestDatabase, eventually, reply};

const KEY: &str = "sk_of_the_tests_0123456789";

/// A user who is known by this many events.
fn user(id: &str, email: &str, version: u32) -> Value {
    let at = format!("2026-10-0{version}T08:00:00.000Z");
    json!({
        "object": "user", "id": id, "email": email, "first_name": "Ada", "last_name": null,
        "email_verified": true, "created_at": "2026-10-01T08:00:00.000Z", "updated_at": at,
    })
}

fn event(id: &str, name: &str, data: &Value) -> Value {
    let at = "2026-10-05T08:00:00.000Z";
    json!({ "object": "event", "id": id, "event": name, "data": data, "created_at": at })
}

fn list(data: &[Value], after: Option<&str>) -> Reply {
    reply(200, &json!({ "object": "list", "data": data, "list_metadata": { "after": after } }))
}

/// The log in three pages: two new users, an update, a deletion; then nothing more.
fn log(cursor: Option<&str>) -> Reply {
    let (ada, bob) = (user("user_1", "ada@example.com", 1), user("user_2", "bob@example.com", 1));
    let newer = user("user_1", "lovelace@example.com", 2);
    match cursor {
        None => list(
            &[event("event_1", "user.created", &ada), event("event_2", "user.created", &bob)],
            Some("event_2"),
        ),
        Some("event_2") => list(&[event("event_3", "user.updated", &newer)], Some("event_3")),
        Some("event_3") => list(&[event("event_4", "user.deleted", &bob)], None),
        Some(_) => list(&[], None),
    }
}

fn cursor_in(uri: &str) -> Option<&str> {
    let (_, after) = uri.split_once("after=")?;
    Some(after.split('&').next().unwrap_or(after))
}

struct Desk {
    database: TestDatabase,
    fake: Fake,
    dir: Scratch,
}

impl Desk {
    /// A program that reads the log of a fake.
    async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (Self, Program) {
        let fake = Fake::new(move |got, _| answer(&got.uri)).await;
        let desk = Self { database: TestDatabase::new().await, fake, dir: Scratch::new().await };
        let program = desk.serve().await;
        (desk, program)
    }

    async fn serve(&self) -> Program {
        let url = self.fake.url("/api");
        let variables = [
            ("DATABASE_URL", self.database.url()),
            ("WORKOS_API_KEY", KEY),
            ("WORKOS_API_URL", &url),
            ("WORKOS_PULL", "100ms"),
            ("RECONCILE_INTERVAL", "off"),
        ];
        Program::serve(self.dir.path(), &variables).await
    }

    async fn one(&self, sql: &str) -> String {
        let row = self.database.client().await.query_opt(sql, &[]).await.expect("a row or none");
        row.and_then(|row| row.get(0)).unwrap_or_default()
    }

    async fn cursor(&self) -> String {
        self.one("select cursor from users_sync.logs where source = 'workos'").await
    }

    async fn users(&self) -> String {
        let sql = "select string_agg(id || ' ' || email || case when deleted_at is null then '' else ' -' end, ', ' order by id)
            from neon_auth.users_sync";
        self.one(sql).await
    }
}

#[tokio::test]
async fn the_events_of_a_log_become_rows_without_a_webhook() {
    let (desk, program) = Desk::start(|uri| log(cursor_in(uri))).await;

    eventually("the log is read", async || desk.cursor().await == "event_4").await;

    assert_eq!(desk.users().await, "user_1 lovelace@example.com, user_2 bob@example.com -");
    let outcomes = "select string_agg(delivery_id || ' ' || outcome, ', ' order by delivery_id)
        from users_sync.journal where source = 'workos'";
    assert_eq!(
        desk.one(outcomes).await,
        "event_1 applied, event_2 applied, event_3 applied, event_4 applied"
    );
    program.stop().await;
}

#[tokio::test]
async fn a_second_start_goes_on_after_the_last_event() {
    let (desk, program) = Desk::start(|uri| log(cursor_in(uri))).await;
    eventually("the log is read", async || desk.cursor().await == "event_4").await;
    program.stop().await;
    let before = desk.fake.got("/api/events").len();

    let program = desk.serve().await;
    eventually("it asks again", async || desk.fake.got("/api/events").len() > before).await;

    let asked = desk.fake.got("/api/events").split_off(before);
    assert!(asked.iter().all(|got| cursor_in(&got.uri) == Some("event_4")), "{asked:?}");
    program.stop().await;
}

#[tokio::test]
async fn a_log_that_has_lost_the_place_starts_a_reconcile() {
    let found = std::sync::atomic::AtomicBool::new(false);
    let (desk, program) = Desk::start(move |uri| match cursor_in(uri) {
        // The log forgets event_4 once.
        Some("event_4") if !found.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            reply(410, &json!({ "message": "gone" }))
        }
        _ if uri.contains("/events") => log(cursor_in(uri)),
        _ if uri.ends_with("/users/user_1") => {
            reply(200, &user("user_1", "lovelace@example.com", 2))
        }
        _ if uri.contains("/users/") => {
            reply(404, &json!({ "message": "User not found", "code": "entity_not_found" }))
        }
        _ if uri.contains("/user_management/users") => {
            let ada = user("user_1", "lovelace@example.com", 2);
            list(&[ada, user("user_3", "eve@example.com", 3)], None)
        }
        _ => list(&[], None),
    })
    .await;

    let read = "select id from neon_auth.users_sync where id = 'user_3'";
    eventually("the list is read", async || desk.one(read).await == "user_3").await;

    eventually("the log is read again", async || desk.cursor().await == "event_4").await;
    let finding = "select subject from users_sync.findings where subject = 'log'";
    eventually("the finding is settled", async || desk.one(finding).await.is_empty()).await;
    program.stop().await;
}

#[tokio::test]
async fn a_log_needs_a_key_to_the_api() {
    let dir = Scratch::new().await;
    let database = TestDatabase::new().await;
    let variables = [("DATABASE_URL", database.url()), ("WORKOS_PULL", "10s")];

    let ended = Program::run(dir.path(), &["serve"], &variables).await;

    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("WORKOS_PULL: is set, so WORKOS_API_KEY is needed"), "{ended:?}");
}
