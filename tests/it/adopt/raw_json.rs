//! What the raw_json of adopted rows shows: disabled users, and values that the columns lack.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::prepared;
use crate::harness::{TestDatabase, users_sync};

/// A plain table, as an ORM makes it.
const PLAIN: &str = "create schema neon_auth;
    create table neon_auth.users_sync (
        id text primary key, name text, email text, created_at timestamptz, updated_at timestamptz,
        deleted_at timestamptz, raw_json jsonb not null
    );";

/// Numbers whose text has more than a gigabyte.
fn enormous() -> String {
    format!("[{}0]", "1e131000,".repeat(10_000))
}

async fn with_rows(rows: &[(&str, Value)]) -> (TestDatabase, Client) {
    let (database, client) = prepared(PLAIN).await;
    for (id, raw_json) in rows {
        let insert = "insert into neon_auth.users_sync (id, raw_json) values ($1, $2)";
        client.execute(insert, &[id, raw_json]).await.expect("a row");
    }
    (database, client)
}

fn clerk(id: &str, fields: &Value) -> Value {
    let mut user = crate::harness::body("clerk", "user.created", id, fields)["data"].take();
    user["created_at"] = json!(1_700_000_000_000_i64);
    user["updated_at"] = json!(1_700_000_100_000_i64);
    user
}

async fn active(client: &Client) -> Vec<String> {
    let statement = "select id from neon_auth.users_active order by id";
    let rows = client.query(statement, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn row(client: &Client, id: &str) -> Value {
    let statement = "select to_jsonb(u) - 'raw_json' from neon_auth.users_sync u where id = $1";
    client.query_one(statement, &[&id]).await.expect("it exists").get(0)
}

#[tokio::test]
async fn a_user_banned_or_restricted_in_raw_json_is_never_active() {
    let (database, client) = with_rows(&[
        ("a", clerk("a", &json!({}))),
        ("b", clerk("b", &json!({ "banned": true }))),
        ("c", clerk("c", &json!({ "deprovisioned": true }))),
        ("d", json!({ "id": "d", "banned": true })),
    ])
    .await;
    let said = users_sync(database.url(), &["adopt", "--yes", "--source", "clerk"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("3 of their users are disabled"), "{said:?}");
    assert_eq!(active(&client).await, ["a"]);

    let stack = |id: &str, restricted: bool| json!({ "id": id, "restricted_by_admin": restricted });
    let (database, client) = with_rows(&[("a", stack("a", false)), ("b", stack("b", true))]).await;
    users_sync(database.url(), &["adopt", "--yes", "--source", "stack"]).await;

    assert_eq!(active(&client).await, ["a"]);
}

#[tokio::test]
async fn empty_columns_are_filled_from_raw_json_and_others_stay() {
    let (database, client) =
        with_rows(&[("a", clerk("a", &json!({}))), ("b", clerk("b", &json!({})))]).await;
    let known =
        "update neon_auth.users_sync set name = 'Kept', created_at = '2020-01-01Z' where id = 'b'";
    client.batch_execute(known).await.expect("the application knew better");

    let said = users_sync(database.url(), &["adopt", "--yes", "--source", "clerk"]).await;

    assert!(said.out.contains("In 2 rows empty columns were filled"), "{said:?}");
    let (a, b) = (row(&client, "a").await, row(&client, "b").await);
    assert_eq!((&a["name"], &a["email"]), (&json!("Ada Lovelace"), &json!("ada@example.com")));
    assert_eq!(a["created_at"], "2023-11-14T22:13:20+00:00");
    assert_eq!(a["updated_at"], "2023-11-14T22:15:00+00:00");
    assert_eq!((&b["name"], &b["email"]), (&json!("Kept"), &json!("ada@example.com")));
    assert_eq!(b["created_at"], "2020-01-01T00:00:00+00:00");
}

#[tokio::test]
async fn unreadable_rows_are_adopted_with_the_others() {
    let (database, client) = with_rows(&[
        ("a", clerk("a", &json!({ "banned": true }))),
        ("b", json!([])),
        ("c", clerk("another", &json!({ "banned": true }))),
        ("e", clerk("e", &json!({ "banned": true }))),
    ])
    .await;
    let insert = format!(
        "insert into neon_auth.users_sync (id, raw_json)
         values ('d', jsonb_build_object('id', 'd', 'numbers', '{}'::jsonb))",
        enormous()
    );
    client.batch_execute(&insert).await.expect("a row without a text");

    let said = users_sync(database.url(), &["adopt", "--yes", "--source", "clerk"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("5 rows entered the ledger"), "{said:?}");
    assert!(said.out.contains("3 rows do not hold what the provider sends"), "{said:?}");
    assert_eq!(active(&client).await, ["b", "c", "d"]);
}

#[tokio::test]
async fn a_trigger_of_the_application_does_not_stop_an_adoption() {
    let (database, client) = with_rows(&[("a", clerk("a", &json!({ "banned": true })))]).await;
    let trigger = "create function public.no() returns trigger language plpgsql as
        $$ begin raise exception 'no' using errcode = 'PT403'; end $$;
        create trigger no before update on neon_auth.users_sync
        for each row execute function public.no()";
    client.batch_execute(trigger).await.expect("a trigger");

    let said = users_sync(database.url(), &["adopt", "--yes", "--source", "clerk"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(active(&client).await, Vec::<String>::new());
    assert_eq!(row(&client, "a").await["name"], Value::Null);
}

#[tokio::test]
async fn remap_keeps_values_of_an_adopted_row_that_its_raw_json_lacks() {
    let (database, client) = with_rows(&[("a", json!({ "id": "a", "display_name": null }))]).await;
    let known = "update neon_auth.users_sync set name = 'Kept', email = 'kept@example.com',
        created_at = '2020-01-01Z', updated_at = '2021-01-01Z'";
    client.batch_execute(known).await.expect("the application knew it");
    users_sync(database.url(), &["adopt", "--yes", "--source", "stack"]).await;
    let before = row(&client, "a").await;

    let said = users_sync(database.url(), &["remap", "--json"]).await.json();

    assert_eq!((&said["looked_at"], &said["changed"]), (&json!(1), &json!(0)));
    assert_eq!(row(&client, "a").await, before);
    assert_eq!(before["updated_at"], "2021-01-01T00:00:00+00:00");
}
