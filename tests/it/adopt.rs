//! Tables that another program made become ours, in place.

mod raw_json;

use std::time::Instant;

use serde_json::json;
use tokio_postgres::Client;

use crate::harness::{Service, Signed, TestDatabase, body, run_with, users_sync};

/// The table as Neon Auth makes it.
const NEON: &str = "
    create schema neon_auth;
    create table neon_auth.users_sync (
        raw_json jsonb not null,
        id text generated always as (raw_json ->> 'id') stored not null,
        name text generated always as (raw_json ->> 'display_name') stored,
        email text generated always as (raw_json ->> 'primary_email') stored,
        created_at timestamptz generated always as (
            to_timestamp(trunc((raw_json ->> 'signed_up_at_millis')::bigint::double precision) / 1000)
        ) stored,
        updated_at timestamptz,
        deleted_at timestamptz
    );
    alter table only neon_auth.users_sync add constraint users_sync_pkey primary key (id);
    create index users_sync_deleted_at_idx on neon_auth.users_sync using btree (deleted_at);";

fn fill(users: u32) -> String {
    format!(
        "insert into neon_auth.users_sync (raw_json, updated_at, deleted_at)
         select jsonb_build_object('id', 'u' || n, 'display_name', 'User ' || n,
                 'primary_email', n || '@example.com', 'signed_up_at_millis', 1700000000123 + n),
             timestamptz '2025-01-01' + n * interval '1 s',
             case when n % 10 = 0 then timestamptz '2025-06-01' end
         from generate_series(1, {users}) n"
    )
}

/// Every row as text, with the columns in our order.
async fn rows(client: &Client) -> String {
    let statement = "select md5(string_agg(row(id, name, email, created_at, updated_at, deleted_at, raw_json)::text, '' order by id))
        from neon_auth.users_sync";
    client.query_one(statement, &[]).await.expect("it answers").get(0)
}

async fn prepared(sql: &str) -> (TestDatabase, Client) {
    let database = TestDatabase::empty().await;
    let client = database.client().await;
    client.batch_execute(sql).await.expect("it is prepared");
    (database, client)
}

#[tokio::test]
async fn neons_table_is_adopted_with_its_rows_grants_and_foreign_keys() {
    let (database, client) = prepared(&format!("{NEON}{}", fill(100_000))).await;
    let applications = "
        create table public.posts as select id as author from neon_auth.users_sync;
        alter table public.posts add constraint posts_author foreign key (author) references neon_auth.users_sync (id) on delete cascade;
        create table public.orders as select id as buyer from neon_auth.users_sync where deleted_at is null;
        alter table public.orders add constraint orders_buyer foreign key (buyer) references neon_auth.users_sync (id);
        create table public.notes (owner text constraint notes_owner references neon_auth.users_sync (id) on delete set null);
        grant select on neon_auth.users_sync to public";
    client.batch_execute(applications).await.expect("applications have tables");
    let before = rows(&client).await;

    let began = Instant::now();
    let said = users_sync(database.url(), &["adopt", "--yes", "--json"]).await.json();
    let took = began.elapsed();

    assert!(took.as_secs() < 30, "{took:?}");
    println!("adopted 100,000 rows in {took:?}");
    assert_eq!(
        (&said["rows"], &said["foreign_keys"], &said["source"]),
        (&json!(100_000), &json!(3), &json!("stack"))
    );
    assert_eq!(rows(&client).await, before, "no row changed");
    let kept = "select count(*) from pg_constraint where contype = 'f' and convalidated
        and confrelid = 'neon_auth.users_sync'::regclass";
    assert_eq!(client.query_one(kept, &[]).await.expect("it answers").get::<_, i64>(0), 3);
    let grant = "select has_table_privilege('public', 'neon_auth.users_sync', 'select')";
    assert!(client.query_one(grant, &[]).await.expect("it answers").get::<_, bool>(0));
    let ledger = "select count(*), count(deleted_at) from users_sync.ledger";
    let ledger = client.query_one(ledger, &[]).await.expect("it answers");
    assert_eq!((ledger.get::<_, i64>(0), ledger.get::<_, i64>(1)), (100_000, 10_000));
}

#[tokio::test]
async fn any_delivery_is_newer_than_an_adopted_row_but_deletions_stay() {
    let (database, client) = prepared(&format!("{NEON}{}", fill(20))).await;
    users_sync(database.url(), &["adopt", "--yes"]).await;
    let service = Service::start(database.url()).await;

    for id in ["u1", "u10"] {
        let user = body("stack", "user.updated", id, &json!({ "display_name": "New" }));
        assert_eq!(
            service.post(&Signed::new("stack", user.to_string())).await.outcome(),
            "applied"
        );
    }

    let shown = "select name, deleted_at is null from neon_auth.users_sync where id = $1";
    for (id, lives) in [("u1", true), ("u10", false)] {
        let row = client.query_one(shown, &[&id]).await.expect("it exists");
        assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("New", lives), "{id}");
    }
}

#[tokio::test]
async fn neons_first_table_without_updated_at_is_adopted_too() {
    let first = NEON.replace("        updated_at timestamptz,\n", "");
    let (database, client) = prepared(&first).await;
    let insert = "insert into neon_auth.users_sync (raw_json) values ('{\"id\": \"u1\", \"display_name\": \"Ada\"}')";
    client.batch_execute(insert).await.expect("it is filled");

    let said = users_sync(database.url(), &["adopt", "--yes"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    let row = client.query_one("select name, updated_at is null from neon_auth.users_sync", &[]);
    let row = row.await.expect("it exists");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("Ada", true));
}

#[tokio::test]
async fn a_table_that_an_orm_made_is_adopted() {
    let orm = "create schema neon_auth;
        create table neon_auth.users_sync (
            id varchar(64) primary key,
            name varchar(255) not null default '',
            email varchar(255),
            created_at timestamp(3) not null default current_timestamp,
            updated_at timestamp(3),
            raw_json json,
            tenant integer not null
        );
        create table public.posts (author varchar(64) references neon_auth.users_sync (id));
        insert into neon_auth.users_sync values ('u1', 'Ada', null, '2025-01-02 03:04:05.678', null, null, 7);
        insert into public.posts values ('u1')";
    let (database, client) = prepared(orm).await;

    let said = users_sync(database.url(), &["adopt", "--yes", "--source", "clerk"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    let row = client
        .query_one(
            "select name, created_at = timestamptz '2025-01-02 03:04:05.678Z', raw_json, tenant from neon_auth.users_sync",
            &[],
        )
        .await
        .expect("it exists");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("Ada", true));
    assert_eq!(
        (row.get::<_, serde_json::Value>(2), row.get::<_, i32>(3)),
        (json!({ "id": "u1" }), 7)
    );
    let service = Service::start(database.url()).await;
    let user = body("clerk", "user.created", "u2", &json!({}));
    assert_eq!(service.post(&Signed::new("clerk", user.to_string())).await.outcome(), "applied");
}

#[tokio::test]
async fn the_plan_is_printed_and_executed_only_after_a_yes() {
    let (database, client) = prepared(&format!("{NEON}{}", fill(3))).await;
    let variables = [("DATABASE_URL", database.url())];
    let generated = "select count(*) from pg_attribute
        where attrelid = 'neon_auth.users_sync'::regclass and attgenerated <> ''";
    let count =
        async || client.query_one(generated, &[]).await.expect("it answers").get::<_, i64>(0);

    for answer in ["", "n\n", "maybe\n"] {
        let said = run_with(&["adopt"], &variables, answer).await;
        assert!(
            said.out.contains("name is generated") && said.out.contains("Nothing was changed"),
            "{said:?}"
        );
        assert_eq!((said.code, count().await), (0, 4), "{answer:?}");
    }
    let said = run_with(&["adopt", "--dry-run"], &variables, "y\n").await;
    assert_eq!((said.code, count().await), (0, 4));

    let said = run_with(&["adopt"], &variables, "y\n").await;

    assert!(said.out.contains("3 rows entered the ledger"), "{said:?}");
    assert_eq!(count().await, 0);
    let again = users_sync(database.url(), &["adopt", "--yes"]).await;
    assert!(
        again.out.contains("the table is as it should be") && again.out.contains("0 rows"),
        "{again:?}"
    );
}

#[tokio::test]
async fn an_unadoptable_table_is_refused_and_left_unchanged() {
    for (columns, words) in [
        ("id uuid primary key, raw_json jsonb", "foreign keys refer to it"),
        (
            "id text, tenant text, raw_json jsonb, primary key (id, tenant), unique (id)",
            "primary key is (id, tenant)",
        ),
        ("id text primary key, created_at bigint, raw_json jsonb", "created_at is of type bigint"),
        ("id text primary key deferrable, uid text unique, raw_json jsonb", "deferrable"),
    ] {
        let reference = if words.contains("foreign") {
            "create table public.posts (author uuid references neon_auth.users_sync (id));"
        } else {
            ""
        };
        let sql = format!(
            "create schema neon_auth; create table neon_auth.users_sync ({columns}); {reference}"
        );
        let (database, client) = prepared(&sql).await;

        let said = users_sync(database.url(), &["adopt", "--yes", "--source", "clerk"]).await;

        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(words), "{words}: {}", said.err);
        let ours = client.query_one("select to_regnamespace('users_sync') is null", &[]).await;
        assert!(ours.expect("it answers").get::<_, bool>(0), "nothing of ours was made");
    }
}

#[tokio::test]
async fn without_a_table_the_error_names_migrate() {
    let database = TestDatabase::empty().await;

    let said = users_sync(database.url(), &["adopt", "--yes"]).await;

    assert_eq!(said.code, 1);
    assert!(said.err.contains("users-sync migrate"), "{}", said.err);
}
