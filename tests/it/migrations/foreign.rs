//! A `neon_auth.users_sync` that exists already: kept if it is equal to ours, else refused and left unchanged.

use tokio_postgres::Client;
use users_sync::db::migrations::{Error, apply};

use crate::harness::TestDatabase;

/// A table equal to ours, with one text replaced.
fn table_with(this: &str, instead: &str) -> String {
    let table = "create table neon_auth.users_sync (id text primary key, name text, email text,
        created_at timestamptz, updated_at timestamptz, deleted_at timestamptz, raw_json jsonb not null)";
    assert!(table.contains(this), "{this}");
    table.replacen(this, instead, 1)
}

/// Every relation and column, whichever owner it has.
async fn everything(client: &Client) -> Vec<String> {
    let sql = "select concat_ws(' ', c.oid::regclass, c.relkind, a.attname,
            format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace::regnamespace::text in ('neon_auth', 'users_sync')
        order by c.oid, a.attnum";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_different_table_is_refused_with_the_difference_and_not_altered() {
    let neon = table_with(
        "id text primary key, name text",
        "id text generated always as (raw_json ->> 'id') stored primary key, name text",
    );
    let view = "create view neon_auth.users_sync as select 'a' as id";
    let differing = [
        (neon, "column id is generated, as Neon Auth makes it"),
        (
            table_with("name text", "name text generated always as (raw_json ->> 'n') stored"),
            "column name is generated",
        ),
        (
            table_with("id text primary key", "id bigint generated always as identity primary key"),
            "column id is generated",
        ),
        (table_with("id text", "id uuid"), "column id is of type uuid, not text"),
        (
            table_with("created_at timestamptz", "created_at timestamp"),
            "column created_at is of type timestamp without time zone",
        ),
        (
            table_with("email text", "email varchar(99)"),
            "column email is of type character varying(99), not text",
        ),
        (
            table_with("raw_json jsonb", "raw_json json"),
            "column raw_json is of type json, not jsonb",
        ),
        (table_with("email text,", ""), "column email is missing"),
        (
            table_with("email text", "email text not null"),
            "column email is not null, but it must allow null",
        ),
        (
            table_with("deleted_at timestamptz", "deleted_at timestamptz not null default now()"),
            "column deleted_at is not null",
        ),
        (table_with(" primary key", ""), "id is not its primary key"),
        (table_with(" primary key", " unique"), "id is not its primary key"),
        (
            table_with("id text primary key", "id text, primary key (id, raw_json)"),
            "id is not its primary key",
        ),
        (
            table_with("id text primary key", "id text, tenant text default '' primary key"),
            "id is not its primary key",
        ),
        (table_with(" primary key", " primary key deferrable"), "its primary key is deferrable"),
        (table_with("name text", "name text, tenant text not null"), "column tenant is required"),
        (view.to_owned(), "it is not a table"),
        (view.replace("view", "materialized view"), "it is not a table"),
    ];
    let database = TestDatabase::empty().await;
    let mut client = database.client().await;
    for (table, difference) in differing {
        let made =
            format!("drop schema if exists neon_auth cascade; create schema neon_auth; {table}");
        client.batch_execute(&made).await.unwrap_or_else(|err| panic!("{table}: {err:?}"));
        let before = everything(&client).await;

        let Err(refused @ Error::Mirror(_)) = apply(&mut client).await else { panic!("{table}") };

        assert!(refused.to_string().contains(difference), "{table}: {refused}");
        assert!(refused.to_string().contains("Nothing was changed"), "{refused}");
        assert_eq!(everything(&client).await, before);
    }
}

#[tokio::test]
async fn an_equal_table_made_by_hand_keeps_its_rows_keys_and_extra_columns() {
    let more = "id text primary key, team text default 'none', seen timestamptz, number bigserial,
        loud text generated always as (upper(id)) stored";
    let database = TestDatabase::empty().await;
    let mut client = database.client().await;
    let made = format!(
        "create schema neon_auth; {};
        insert into neon_auth.users_sync (id, raw_json) values ('user_1', '{{}}');
        create table todos (owner text references neon_auth.users_sync);
        insert into todos values ('user_1')",
        table_with("id text primary key", more)
    );
    client.batch_execute(&made).await.expect("it is empty");

    apply(&mut client).await.expect("it is accepted");

    let service = crate::harness::Service::start(database.url()).await;
    for id in ["user_1", "user_2"] {
        let user = crate::harness::body("clerk", "user.updated", id, &serde_json::json!({}));
        let answer = service.post(&crate::harness::Signed::new("clerk", user.to_string())).await;
        assert_eq!(answer.outcome(), "applied");
    }
    let sql = "select u.name, u.team, u.loud, t.owner from neon_auth.users_sync u
        left join todos t on t.owner = u.id order by u.id";
    let rows = client.query(sql, &[]).await.expect("it answers");
    let texts = |row: &tokio_postgres::Row| [0, 1, 2, 3].map(|it| row.get::<_, Option<String>>(it));
    assert_eq!(
        texts(&rows[0]),
        ["Ada Lovelace", "none", "USER_1", "user_1"].map(|it| Some(it.to_owned()))
    );
    assert_eq!(texts(&rows[1])[3], None);
    let number = client.query_one("select count(*) from neon_auth.users_active", &[]).await;
    assert_eq!(number.expect("it answers").get::<_, i64>(0), 2);
}
