//! `users-sync send`, which sends as a provider does.

use std::collections::BTreeSet;
use std::fs;

use tokio::process::Command;
use users_sync::db::mirror;
use users_sync::model::Kind;
use users_sync::provider;

use crate::harness::{Finished, Program, SECRET, Scratch, TestDatabase};

const SECRETS: [(&str, &str); 2] =
    [("CLERK_WEBHOOK_SECRET", SECRET), ("STACK_WEBHOOK_SECRET", SECRET)];

/// A service, and a sender with the same environment.
struct Sender {
    program: Program,
    database: TestDatabase,
    scratch: Scratch,
}

impl Sender {
    async fn new() -> Self {
        let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
        let variables = [&[("DATABASE_URL", database.url())], &SECRETS[..]].concat();
        let program = Program::serve(scratch.path(), &variables).await;
        Self { program, database, scratch }
    }

    async fn send(&self, arguments: &[&str]) -> Finished {
        let address = self.program.address.to_string();
        // A proxy must not be used for a request to this machine.
        let more = [("LISTEN_ADDR", address.as_str()), ("http_proxy", "http://127.0.0.1:1")];
        let arguments = [&["send"], arguments].concat();
        Program::run(self.scratch.path(), &arguments, &[&SECRETS[..], &more].concat()).await
    }

    async fn users(&self) -> Vec<(String, Option<String>)> {
        let sql = "select id, email from neon_auth.users_sync order by id";
        let rows = self.database.client().await.query(sql, &[]).await.expect("it answers");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

fn some(id: &str, email: &str) -> (String, Option<String>) {
    (id.to_owned(), Some(email.to_owned()))
}

#[tokio::test]
async fn a_delivery_of_each_provider_becomes_a_row() {
    let sender = Sender::new().await;

    for provider in ["clerk", "stack"] {
        let email = format!("{provider}@example.com");
        let arguments = ["--provider", provider, "--id", provider, "--email", &email];
        let sent = sender.send(&arguments).await;

        assert_eq!((sent.code, sent.stdout.as_str()), (Some(0), "{\"outcome\":\"applied\"}\n"));
    }

    let expected = [some("clerk", "clerk@example.com"), some("stack", "stack@example.com")];
    assert_eq!(sender.users().await, expected);
}

/// How many rows each mirror has, and how many memberships join a user and an organization.
async fn tables(sender: &Sender) -> (Vec<(Kind, i64)>, i64) {
    let client = sender.database.client().await;
    let mut counts = Vec::new();
    for mirror in &mirror::ALL {
        let sql = format!("select count(*) from {} where deleted_at is null", mirror.table);
        let count = client.query_one(&sql, &[]).await.expect("it answers").get(0);
        counts.push((mirror.kind, count));
    }
    let sql = "select count(*) from neon_auth.memberships_sync m
        join neon_auth.users_sync u on u.id = m.user_id
        join neon_auth.organizations_sync o on o.id = m.organization_id";
    (counts, client.query_one(sql, &[]).await.expect("it answers").get(0))
}

#[tokio::test]
async fn the_events_of_every_kind_fill_tables_that_join() {
    // Other providers' events may only name what changed.
    for provider in provider::EXAMPLES {
        let sender = Sender::new().await;
        let sent = async |event: &str, more: &[&str]| {
            let arguments = [&["--provider", provider.name, "--event", event], more].concat();
            let sent = sender.send(&arguments).await;
            assert_eq!(sent.stdout, "{\"outcome\":\"applied\"}\n", "{event}: {sent:?}");
        };
        let of_their_own = |kind| match kind {
            Kind::User => ["--id", "user_1"].as_slice(),
            Kind::Organization => &["--id", "org_1"],
            Kind::Role => &["--id", "role_1"],
            Kind::Membership | Kind::Grant => &[],
        };
        let events = || provider.events.iter().filter(|(event, _)| event.ends_with(".created"));
        let kinds: BTreeSet<_> = provider.events.iter().map(|(_, kind)| *kind).collect();

        for (event, kind) in events() {
            sent(event, of_their_own(*kind)).await;
        }

        let (counts, joined) = tables(&sender).await;
        for (kind, count) in counts {
            let events = i64::try_from(events().filter(|(_, of)| *of == kind).count());
            assert_eq!(Ok(count), events, "{} {kind}", provider.name);
            assert_eq!(count > 0, kinds.contains(&kind), "{} {kind}", provider.name);
        }
        assert_eq!(joined, 1, "{}: the membership is that of the user", provider.name);
    }
}

#[tokio::test]
async fn many_deliveries_are_many_users_and_a_repeated_delivery_is_a_duplicate() {
    let sender = Sender::new().await;

    let many = sender.send(&["--count", "5"]).await;
    let again = ["--id", "user_1", "--delivery-id", "msg_again"];
    let (first, second) = (sender.send(&again).await, sender.send(&again).await);

    assert_eq!(many.code, Some(0), "{many:?}");
    assert_eq!(many.stdout, "{\"outcome\":\"applied\"}\n".repeat(5));
    assert_eq!(sender.users().await.len(), 6);
    assert!(first.stdout.contains("applied"), "{first:?}");
    assert!(second.stdout.contains("duplicate"), "{second:?}");
}

#[tokio::test]
async fn the_text_of_a_file_is_sent_unchanged() {
    let sender = Sender::new().await;
    let body = "{\"type\": \"user.deleted\",  \"data\":{\"id\":\"user_1\"}}\n";
    fs::write(sender.scratch.path().join("body.json"), body).expect("it can be written");

    let sent = sender.send(&["--provider", "stack", "--file", "body.json"]).await;
    let missing = sender.send(&["--file", "no-such-file"]).await;

    assert_eq!((sent.code, sent.stdout.as_str()), (Some(0), "{\"outcome\":\"applied\"}\n"));
    assert_eq!(sender.users().await, [("user_1".to_owned(), None)]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("no-such-file"), "{missing:?}");
}

#[tokio::test]
async fn a_shell_can_run_the_printed_curl_command() {
    let sender = Sender::new().await;
    let email = "o'brien+$(id)`id`\"\\@example.com";

    let printed = sender.send(&["--curl", "--id", "it's me", "--email", email]).await;

    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(sender.users().await, []);
    let run = Command::new("sh").arg("-c").arg(&printed.stdout).output().await;
    let run = Finished::of(run.expect("there is a shell"));
    assert_eq!(run.stdout, "{\"outcome\":\"applied\"}", "{run:?}");
    assert_eq!(sender.users().await, [some("it's me", email)]);
}

#[tokio::test]
async fn a_service_on_another_port_is_found_by_its_data_directory() {
    let scratch = Scratch::new().await;
    let data_dir = scratch.path().join("it's data");
    let data_dir = data_dir.to_str().expect("it is text");
    let program = Program::serve_with(scratch.path(), &["--data-dir", data_dir], &[]).await;
    let run = async |arguments: &[&str]| {
        let finished = Program::run(scratch.path(), arguments, &[]).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    };

    let sent = run(&["send", "--data-dir", data_dir]).await;
    let curl = run(&["send", "--data-dir", data_dir, "--curl"]).await;
    run(&["healthcheck", "--data-dir", data_dir]).await;
    let address = program.address.to_string();
    let said = program.stop().await;
    let command = said.lines().find_map(|line| line.strip_prefix("  users-sync "));
    let command = command.expect("it says what to try").to_owned();

    assert_eq!(sent, "{\"outcome\":\"applied\"}\n");
    assert!(curl.contains(&address), "{curl}");
    let quoted = data_dir.replace('\'', r"'\''");
    assert_eq!(command, format!("send --provider clerk --data-dir '{quoted}'"));
    assert!(said.contains(&format!("  cargo run -q -- {command} ")), "{said}");
}

#[tokio::test]
async fn the_error_for_an_unreachable_service_says_how_to_name_it() {
    let scratch = Scratch::new().await;
    let variables = [SECRETS[0], ("LISTEN_ADDR", "127.0.0.1:1")];

    let failed = Program::run(scratch.path(), &["send"], &variables).await;

    assert_eq!(failed.code, Some(1), "{failed:?}");
    let expected =
        "nothing listens at http://127.0.0.1:1/webhooks/clerk: start `users-sync`, or name";
    assert!(failed.stderr.contains(expected), "{failed:?}");
    assert!(failed.stderr.contains("--url"), "{failed:?}");
}

#[tokio::test]
async fn an_invalid_request_is_misuse_and_a_refused_one_is_a_failure() {
    let sender = Sender::new().await;

    let unknown = sender.send(&["--provider", "unknown"]).await;
    let foreign = sender.send(&["--event", "team.created"]).await;
    let nothing_of_ours = sender.send(&["--event", "session.created"]).await;
    let nowhere = format!("http://{}/webhooks/unknown", sender.program.address);
    let refused = ["send", "--url", &nowhere, "--count", "2"];
    let refused = Program::run(sender.scratch.path(), &refused, &SECRETS).await;

    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("known providers: clerk, stack"), "{unknown:?}");
    assert_eq!(foreign.code, Some(2), "{foreign:?}");
    assert!(foreign.stderr.contains("user.created"), "{foreign:?}");
    assert!(foreign.stderr.contains("organizationMembership.updated"), "{foreign:?}");
    assert_eq!(nothing_of_ours.code, Some(2), "{nothing_of_ours:?}");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("2 of 2 were not accepted"), "{refused:?}");
}

#[tokio::test]
async fn an_address_without_a_path_means_the_service() {
    let sender = Sender::new().await;
    let url = format!("http://{}", sender.program.address);

    for url in [url.clone(), format!("{url}/"), format!("{url}/webhooks/clerk")] {
        let arguments = ["send", "--id", "user_1", "--url", &url];
        let sent = Program::run(sender.scratch.path(), &arguments, &SECRETS).await;

        assert_eq!(sent.code, Some(0), "{url}: {sent:?}");
    }
    assert_eq!(sender.users().await.len(), 1);
}
