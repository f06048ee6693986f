//! Rows that cannot be read or changed stop no other.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{Service, Signed, TestDatabase, body, users_sync};

/// Users whose names are wrong in the table.
async fn with_wrong_names(ids: &[&str]) -> (TestDatabase, Client) {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    for id in ids {
        let user = body("clerk", "user.created", id, &json!({}));
        service.post(&Signed::new("clerk", user.to_string())).await;
    }
    client.batch_execute("update neon_auth.users_sync set name = 'Wrong'").await.expect("ours");
    (database, client)
}

async fn remap(database: &TestDatabase) -> Value {
    users_sync(database.url(), &["remap", "--json"]).await.json()
}

async fn names(client: &Client) -> Vec<String> {
    let statement = "select name from neon_auth.users_sync order by id";
    let rows = client.query(statement, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_row_that_a_trigger_holds_is_counted_and_the_others_change() {
    for code in ["PT403", "42501", "UE001", "23514"] {
        let (database, client) = with_wrong_names(&["a", "b", "c", "d", "e"]).await;
        let trigger = format!(
            "create function public.hold() returns trigger language plpgsql as
             $$ begin raise exception 'no' using errcode = '{code}'; end $$;
             create trigger hold before update on neon_auth.users_sync
             for each row when (old.id = 'c') execute function public.hold()"
        );
        client.batch_execute(&trigger).await.expect("the application has a trigger");

        let said = remap(&database).await;

        assert_eq!((&said["changed"], &said["refused"]), (&json!(4), &json!(1)), "{code}");
        let names = names(&client).await;
        assert_eq!(names.iter().filter(|name| *name == "Wrong").count(), 1, "{code}: {names:?}");
        assert_eq!(names[2], "Wrong");
    }
}

#[tokio::test]
async fn a_locked_row_is_counted_and_the_others_change() {
    let (database, client) = with_wrong_names(&["a", "b", "c"]).await;
    client
        .batch_execute("begin; select from neon_auth.users_sync where id = 'b' for update")
        .await
        .expect("the application holds a row");

    let said = remap(&database).await;

    client.batch_execute("rollback").await.expect("it lets go");
    assert_eq!((&said["changed"], &said["refused"]), (&json!(2), &json!(1)));
    assert_eq!(remap(&database).await["changed"], 1);
}

#[tokio::test]
async fn a_row_without_a_text_is_counted_and_the_others_change() {
    let (database, client) = with_wrong_names(&["a", "b", "c", "d"]).await;
    let endless = format!(
        "update neon_auth.users_sync set raw_json = raw_json || '{{\"unsafe_metadata\": [{}0]}}'
         where id = 'b'",
        "1e131000,".repeat(10_000)
    );
    client.batch_execute(&endless).await.expect("a document whose text has more than a gigabyte");
    let deep = format!(
        "update neon_auth.users_sync set raw_json = '{{\"id\": \"c\", \"a\": {}1{}}}' where id = 'c'",
        "[".repeat(11_000),
        "]".repeat(11_000)
    );
    client.batch_execute(&deep).await.expect("a document that is nested deeply");

    let said = remap(&database).await;

    assert_eq!((&said["changed"], &said["unreadable"]), (&json!(2), &json!(2)), "{said}");
}

#[tokio::test]
async fn raw_json_of_another_user_is_not_written() {
    let (database, client) = with_wrong_names(&["a", "b"]).await;
    let sql = "update neon_auth.users_sync set raw_json = raw_json || '{\"id\": \"b\", \"first_name\": \"Eve\"}'
        where id = 'a';
        update users_sync.ledger set version_at = 'epoch', version_delivery = 'adopted'";
    client.batch_execute(sql).await.expect("the rows are mixed up");

    let said = remap(&database).await;

    assert_eq!((&said["changed"], &said["unreadable"]), (&json!(1), &json!(1)));
    assert_eq!(names(&client).await, ["Wrong", "Ada Lovelace"]);
}
