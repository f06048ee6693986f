//! A round that fails, and rows that stay, are findings until a round succeeds.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{command, count, deleted_user, findings, keeping_bodies, notes_of_users, row};
use crate::harness::{Program, Role, SECRET, Service, TestDatabase, eventually, run};

/// The findings of purging, each with its text.
async fn found(client: &Client) -> Vec<(String, String)> {
    let statement =
        "select id, detail from users_sync.findings where subject = 'purge' order by id";
    let rows = client.query(statement, &[]).await.expect("it answers");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn with_old_users(ids: &[&str]) -> (TestDatabase, Client, Service) {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    for id in ids {
        deleted_user(&service, id, 40).await;
    }
    (database, client, service)
}

#[tokio::test]
async fn a_missing_right_is_a_finding_until_a_round_succeeds() {
    let (database, client, service) = with_old_users(&["one", "two"]).await;
    let role = Role::new(&database, "serving").await;
    let printed = run(&["migrate", "--print-grants", "--to", &role.name], &[]).await;
    role.execute(&printed.out).await;
    let (url, dir) = (role.url(&database), tempfile::tempdir().expect("a directory"));
    let variables =
        [("DATABASE_URL", &*url), ("CLERK_WEBHOOK_SECRET", SECRET), ("DELETE_POLICY", "hard:30d")];

    let program = Program::serve_with(dir.path(), &["--no-migrate"], &variables).await;
    eventually("the round has failed", async || !found(&client).await.is_empty()).await;
    let (reported, metric) = (found(&client).await, findings(&service).await);
    let by_hand = run(&["purge"], &variables).await;
    role.execute(&format!("grant delete on neon_auth.users_sync to {}", role.quoted())).await;
    let granted = run(&["purge"], &variables).await;

    program.stop().await;
    role.remove().await;
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert_eq!(reported[0].0, "neon_auth.users_sync");
    for words in ["lacks delete on neon_auth.users_sync", "--print-grants"] {
        assert!(
            reported[0].1.contains(words) && by_hand.err.contains(words),
            "{reported:?} {by_hand:?}"
        );
    }
    assert_eq!(metric, Some(1.0));
    assert_eq!((by_hand.code, granted.code), (1, 0), "{granted:?}");
    assert_eq!(found(&client).await, []);
    assert_eq!(count(&client, "select count(*) from neon_auth.users_sync").await, 0);
}

#[tokio::test]
async fn an_erasure_without_the_right_to_delete_empties_the_row_and_says_so() {
    let (database, client, _service) = with_old_users(&["one"]).await;
    let role = Role::new(&database, "serving").await;
    let printed = run(&["migrate", "--print-grants", "--to", &role.name], &[]).await;
    role.execute(&printed.out).await;
    let variables = [("DATABASE_URL", &*role.url(&database)), ("CLERK_WEBHOOK_SECRET", SECRET)];

    let said = run(&["users", "erase", "one", "--hard", "--json"], &variables).await;
    let unknown = run(&["users", "erase", "nobody", "--hard"], &variables).await;

    role.remove().await;
    assert!(unknown.out.contains("there was no row"), "{unknown:?}");
    assert!(!unknown.out.contains("the row was emptied"), "{unknown:?}");
    let said = said.json();
    assert_eq!(said["row"], "emptied");
    let why = said["not_removed_because"].as_str().expect("a reason");
    assert!(why.contains("lacks delete on neon_auth.users_sync"), "{why}");
    assert_eq!(row(&client, "one").await["name"], Value::Null);
}

#[tokio::test]
async fn a_round_that_fails_as_a_whole_is_a_finding() {
    let (database, client, _service) = with_old_users(&["one"]).await;
    let broken = "alter table users_sync.ledger alter column deleted_at type text";
    client.batch_execute(broken).await.expect("an operator changed our table");

    let said = command(&database, "hard:30d", &["purge"]).await;

    assert_eq!(said.code, 1, "{said:?}");
    let reported = found(&client).await;
    assert!(
        reported[0].1.contains("42883") && reported[0].1.contains("see the log"),
        "{reported:?}"
    );
    let mend = "alter table users_sync.ledger alter column deleted_at type timestamptz using deleted_at::timestamptz";
    client.batch_execute(mend).await.expect("it is mended");
    assert_eq!(command(&database, "hard:30d", &["purge"]).await.code, 0);
    assert_eq!(found(&client).await, []);
}

#[tokio::test]
async fn a_trigger_with_a_code_of_its_own_stops_its_row_alone() {
    for code in ["PT403", "42501", "UE001", "23514", "P0001"] {
        let (database, client, _service) = with_old_users(&["one", "two", "three"]).await;
        let trigger = format!(
            "create function public.hold() returns trigger language plpgsql as
             $$ begin raise exception 'not {{ada@example.com}}' using errcode = '{code}'; end $$;
             create trigger hold before delete on neon_auth.users_sync
             for each row when (old.id = 'two') execute function public.hold()"
        );
        client.batch_execute(&trigger).await.expect("the application has a trigger");

        let said = command(&database, "hard:30d", &["purge", "--json"]).await;

        let reported: Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!((said.code, &reported["removed"]), (1, &json!(2)), "{code}: {said:?}");
        let reported = found(&client).await;
        assert_eq!(reported.len(), 1, "{code}: {reported:?}");
        assert_eq!(reported[0].0, "two");
        assert!(reported[0].1.contains(code) && !reported[0].1.contains("ada@"), "{reported:?}");
    }
}

#[tokio::test]
async fn a_row_that_the_policy_no_longer_wants_is_no_finding() {
    let (database, client, _service) = with_old_users(&["two"]).await;
    notes_of_users(&client).await;
    client.batch_execute("insert into public.notes values ('two')").await.expect("a row");
    command(&database, "hard:30d", &["purge"]).await;
    assert_eq!(found(&client).await.len(), 1);

    let said = command(&database, "soft", &["purge"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(found(&client).await, []);
}
