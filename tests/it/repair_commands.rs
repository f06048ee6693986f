//! The commands that ask the providers, as programs.

mod kinds;

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::harness::{
    API_KEY, Fault, Mirror, Program, SECRET, Scratch, Vendor, eventually, run, signal_to,
};

/// What a command is started with: a database, and a vendor to ask.
struct Desk {
    dir: Scratch,
    mirror: Mirror,
    vendor: Vendor,
}

impl Desk {
    async fn new(users: usize) -> Self {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        for number in 0..users {
            vendor.put(&format!("user_{number:05}"), &json!({}));
        }
        Self { dir: Scratch::new().await, mirror, vendor }
    }

    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let url = self.vendor.url();
        let ended = Program::run(self.dir.path(), arguments, &self.variables(&url)).await;
        (ended.code, format!("{}{}", ended.stdout, ended.stderr))
    }

    fn variables<'a>(&'a self, url: &'a str) -> [(&'static str, &'a str); 3] {
        let database = self.mirror.database.url();
        [("DATABASE_URL", database), ("CLERK_SECRET_KEY", API_KEY), ("CLERK_API_URL", url)]
    }
}

#[tokio::test]
async fn a_killed_backfill_continues_at_its_last_page() {
    let desk = Desk::new(2100).await;
    let (url, asked) = (desk.vendor.url(), || desk.vendor.asked("GET", "/users"));
    desk.vendor.desk().silent_after = Some(3);
    let variables = desk.variables(&url);
    let mut command = Program::command(desk.dir.path(), &["backfill"], &variables);
    let mut child = command.stderr(Stdio::null()).spawn().expect("the program starts");
    let written = "select coalesce(max(seen), 0)::bigint from users_sync.runs";
    eventually("two pages are written", async || desk.mirror.count(written).await >= 1000).await;

    signal_to(&child, Signal::KILL);
    child.wait().await.expect("it is our child");
    desk.vendor.desk().silent_after = None;
    desk.mirror.execute("update users_sync.leases set until = now()").await;
    let before = asked();
    let (code, reported) = desk.run(&["backfill"]).await;

    assert_eq!(code, Some(0), "{reported}");
    assert!(reported.starts_with("clerk: 2100 users at Clerk; "), "{reported}");
    assert_eq!(desk.mirror.alive().await.len(), 2100);
    // A user, the three pages that were left, and the count before and after them.
    assert!(asked() - before <= 6, "it started over");
}

#[tokio::test]
async fn the_json_says_what_differed_and_what_was_written() {
    let desk = Desk::new(2).await;
    let url = desk.vendor.url();
    let variables = desk.variables(&url);
    let reported = async |arguments: &[&str]| {
        let said = run(arguments, &variables).await;
        serde_json::from_str::<Value>(&said.out).unwrap_or_else(|err| panic!("{err}: {said:?}"))
    };

    let differs = reported(&["reconcile", "--dry-run", "--json"]).await;
    let filled = reported(&["backfill", "--json"]).await;
    let same = reported(&["reconcile", "--json"]).await;

    assert_eq!(differs["dry_run"], true);
    assert_eq!(differs["sources"][0]["counts"]["missing"], 2, "{differs}");
    let finding = &differs["sources"][0]["findings"][0];
    assert_eq!((&finding["user"], &finding["is"]), (&json!("user_00000"), &json!("missing")));
    let reported = json!({
        "source": "clerk", "seen": 2, "missing": 2, "stale": 0, "unreadable": 0, "problem": null,
    });
    assert_eq!(filled, json!([reported]));
    assert_eq!(same["sources"][0]["findings"], json!([]), "{same}");
}

#[tokio::test]
async fn a_dry_run_exits_as_diff_does_and_shows_the_differences() {
    let desk = Desk::new(2).await;

    let (differs, reported) = desk.run(&["reconcile", "--dry-run"]).await;
    let (repaired, _) = desk.run(&["reconcile"]).await;
    let (same, _) = desk.run(&["reconcile", "--dry-run"]).await;
    let (unknown, _) = desk.run(&["reconcile", "--dry-run", "--source", "nobody"]).await;
    desk.vendor.desk().stumbles = Some((1, Fault::Html(403)));
    let (refused, why) = desk.run(&["reconcile", "--dry-run"]).await;

    assert_eq!(
        (differs, repaired, same, unknown, refused),
        (Some(1), Some(0), Some(0), Some(2), Some(2))
    );
    assert!(reported.contains("user_00001") && reported.contains("missing"), "{reported}");
    assert!(why.contains("the key has no permission for users; look at CLERK_SECRET_KEY"), "{why}");
}

#[tokio::test]
async fn a_command_without_an_api_key_says_what_to_set() {
    let desk = Desk::new(0).await;
    let variables = [("DATABASE_URL", desk.mirror.database.url())];

    let ended = Program::run(desk.dir.path(), &["backfill"], &variables).await;

    assert_eq!(ended.code, Some(2));
    let expected = "users-sync: no provider can be asked: set CLERK_SECRET_KEY, or STACK_PROJECT_ID and STACK_SECRET_SERVER_KEY\n";
    assert_eq!(ended.stderr, expected);
}

#[tokio::test]
async fn one_user_is_created_shown_and_deleted_from_a_terminal() {
    let desk = Desk::new(0).await;

    let (created, reported) = desk.run(&["users", "create", "--email", "grace@example.com"]).await;
    let (shown, row) = desk.run(&["users", "get", "user_made_1"]).await;
    let (deleted, gone) = desk.run(&["users", "delete", "user_made_1"]).await;
    let (unknown, _) = desk.run(&["users", "get", "user_unknown"]).await;

    assert_eq!(
        (created, shown, deleted, unknown),
        (Some(0), Some(0), Some(0), Some(1)),
        "{reported}"
    );
    assert!(row.contains("grace@example.com"), "{row}");
    assert!(gone.contains("\"deleted_at\": \"2"), "{gone}");
    assert!(desk.vendor.desk().users.is_empty());
}

#[tokio::test]
async fn a_command_that_waits_for_a_provider_says_so() {
    let desk = Desk::new(1).await;
    let url = desk.vendor.url();
    let variables = desk.variables(&url);
    let fault = Fault::OutOfOrder { retry_after: "3".into(), date: None };
    desk.vendor.desk().faults.push_back(fault);

    let said = run(&["users", "sync", "user_00000"], &variables).await;

    assert_eq!((said.code, said.err.lines().count()), (0, 1), "{said:?}");
    for word in ["waiting for the provider's API", "clerk", "503: it is out of order"] {
        assert!(said.err.contains(word), "{}", said.err);
    }
    assert!(said.out.contains("\"id\": \"user_00000\""), "{}", said.out);
}

#[tokio::test]
async fn a_command_whose_question_is_not_answered_says_so() {
    let desk = Desk::new(1).await;
    let (url, arguments) = (desk.vendor.url(), ["backfill"]);
    desk.vendor.desk().silent_after = Some(0);
    let mut command = Program::command(desk.dir.path(), &arguments, &desk.variables(&url));
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));

    let mut line = String::new();
    stderr.read_line(&mut line).await.expect("it is text");

    assert!(line.contains("waiting for an answer of the provider's API source=clerk"), "{line}");
    child.kill().await.expect("it is our child");
}

#[tokio::test]
async fn a_deletion_that_the_provider_does_not_do_fails_at_once() {
    let desk = Desk::new(1).await;
    desk.mirror.backfill(&desk.vendor.client()).await.expect("a backfill");
    desk.vendor.desk().stumbles = Some((1, Fault::Refused(501, "not_implemented")));

    let (code, reported) = desk.run(&["users", "delete", "user_00000"]).await;

    let expected =
        "users-sync: the API answered 501 (not_implemented): it does not take the request\n";
    assert_eq!((code, reported.as_str()), (Some(1), expected));
    assert_eq!(desk.vendor.asked("DELETE", ""), 1);
    assert_eq!(desk.mirror.alive().await, ["user_00000"]);
}

#[tokio::test]
async fn the_service_keeps_the_table_true_without_a_webhook() {
    let desk = Desk::new(3).await;
    let url = desk.vendor.url();
    let [database, key, api] = desk.variables(&url);
    let interval = ("RECONCILE_INTERVAL", "1s");
    let service = Program::serve(desk.dir.path(), &[database, key, api, interval]).await;

    eventually("they are in the table", async || desk.mirror.alive().await.len() == 3).await;
    desk.vendor.dismiss("user_00001");
    desk.mirror.settle().await;
    eventually("one is gone", async || desk.mirror.alive().await.len() == 2).await;

    service.stop().await;
}

#[tokio::test]
async fn polling_brings_changes_without_any_webhook() {
    let desk = Desk::new(3).await;
    let url = desk.vendor.url();
    let (poll, variables) = (["--poll", "1s"], desk.variables(&url));
    let service = Program::serve_with(desk.dir.path(), &poll, &variables).await;
    eventually("they are in the table", async || desk.mirror.alive().await.len() == 3).await;

    desk.mirror.settle().await;
    desk.vendor.put("user_00001", &json!({ "first_name": "Grace" }));
    desk.vendor.dismiss("user_00002");
    desk.vendor.put("user_new", &json!({}));

    let polled = async || {
        let rows = desk.mirror.rows().await;
        let name = rows["user_00001"].name.as_deref();
        name == Some("Grace Lovelace")
            && rows["user_00002"].deleted_at.is_some()
            && rows.contains_key("user_new")
    };
    eventually("the table is as the provider's list", polled).await;
    assert_eq!(desk.mirror.count("select count(*) from users_sync.journal").await, 0);
    service.stop().await;
}

#[tokio::test]
async fn a_second_replica_leaves_the_work_to_the_one_that_has_the_lease() {
    let desk = Desk::new(3).await;
    let url = desk.vendor.url();
    let [database, key, api] = desk.variables(&url);
    let variables =
        [database, key, api, ("RECONCILE_INTERVAL", "1h"), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let first = Program::serve(desk.dir.path(), &variables).await;
    let done = "select count(*) from users_sync.runs where outcome = 'done'";
    eventually("it was reconciled", async || desk.mirror.count(done).await == 1).await;

    let second = Program::serve(desk.dir.path(), &variables).await;
    second.stop().await;
    first.stop().await;

    assert_eq!(desk.mirror.count("select count(*) from users_sync.runs").await, 1);
}

#[tokio::test]
async fn the_key_is_in_no_log_however_much_is_logged() {
    let desk = Desk::new(3).await;
    let url = desk.vendor.url();
    let [database, key, api] = desk.variables(&url);
    desk.vendor.desk().faults.push_back(Fault::ServerError);

    let variables = [database, key, api, ("RUST_LOG", "trace")];
    let ended = Program::run(desk.dir.path(), &["backfill"], &variables).await;

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("TRACE"), "it logs nothing");
    assert!(!ended.stderr.contains(API_KEY) && !ended.stdout.contains(API_KEY));
}

#[tokio::test]
async fn polling_needs_a_provider_that_can_be_asked() {
    let desk = Desk::new(0).await;
    let secret = ("CLERK_WEBHOOK_SECRET", SECRET);
    let variables =
        [("DATABASE_URL", desk.mirror.database.url()), ("LISTEN_ADDR", "127.0.0.1:0"), secret];

    let ended = Program::run(desk.dir.path(), &["serve", "--poll", "5s"], &variables).await;

    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--poll: no provider can be asked: set CLERK_SECRET_KEY"));
}
