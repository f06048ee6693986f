//! The schema: made once, by whoever comes first, and never at the cost of a table that is not ours.

mod dropped;
mod foreign;
mod owners;

use std::path::Path;

use serde_json::json;
use tokio_postgres::Client;
use users_sync::db::migrations::{self, ALL, Error, Upgrade, apply, pending};

use crate::harness::{Program, SECRET, Scratch, Service, Signed, TestDatabase, body};

async fn numbers(client: &Client) -> Vec<i32> {
    let sql = "select number from users_sync.migrations order by number";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

fn names(upgrades: &[Upgrade]) -> Vec<&'static str> {
    upgrades.iter().map(|upgrade| upgrade.name()).collect()
}

fn every_number() -> Vec<i32> {
    ALL.iter().map(|migration| migration.number).collect()
}

#[tokio::test]
async fn an_empty_database_gets_every_migration_once() {
    let database = TestDatabase::empty().await;
    let mut client = database.client().await;
    let upgrades = pending(&client).await.expect("it can be asked");

    let first = apply(&mut client).await.expect("it is empty");
    let second = apply(&mut client).await.expect("it is ours");

    assert_eq!(names(&first), names(&upgrades));
    assert!(second.is_empty());
    assert_eq!(numbers(&client).await, every_number());
    assert!(pending(&client).await.expect("it can be asked").is_empty());
}

#[tokio::test]
async fn of_six_migrators_at_once_one_migrates_and_all_succeed() {
    let database = TestDatabase::empty().await;
    let mut migrators = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut client = database.client().await;
        migrators.spawn(async move { apply(&mut client).await.expect("it is applied").len() });
    }

    let applied = migrators.join_all().await;

    assert_eq!(applied.iter().filter(|upgrades| **upgrades == 0).count(), 5, "{applied:?}");
    assert_eq!(numbers(&database.client().await).await, every_number());
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_was_applied_is_named() {
    let database = TestDatabase::new().await;
    let mut client = database.client().await;
    let change = "update users_sync.migrations set checksum = 'another' where number = 1";
    client.batch_execute(change).await.expect("it is ours");

    let refused = apply(&mut client).await.expect_err("it is refused");

    assert!(matches!(refused, Error::Changed { name: "0001_users" }), "{refused:?}");
    assert!(refused.to_string().contains("0001_users"), "{refused}");
    assert!(matches!(pending(&client).await, Err(Error::Changed { .. })));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let database = TestDatabase::new().await;
    let mut client = database.client().await;
    let newer = "insert into users_sync.migrations values (99, '0099_later', 'sum')";
    client.batch_execute(newer).await.expect("it is ours");

    let refused = apply(&mut client).await.expect_err("it is refused");

    assert!(matches!(refused, Error::Newer(99)), "{refused:?}");
    assert!(refused.to_string().contains("upgrade"), "{refused}");
}

#[tokio::test]
async fn a_replica_serves_on_after_a_newer_version_has_migrated() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let newer = "insert into users_sync.migrations values (99, '0099_later', 'sum');
        update users_sync.objects set checksum = 'another'";
    database.client().await.batch_execute(newer).await.expect("they are ours");

    let ready = service.get("/readyz").await;
    let delivery =
        Signed::new("clerk", body("clerk", "user.created", "user_1", &json!({})).to_string());

    assert_eq!(ready.status, 200, "{ready:?}");
    assert_eq!(service.post(&delivery).await.outcome(), "applied");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let database = TestDatabase::empty().await;
    let mut client = database.client().await;
    let in_the_way = "create schema neon_auth; create view neon_auth.users_active as select 1 as n";
    client.batch_execute(in_the_way).await.expect("it is empty");

    let refused = apply(&mut client).await.expect_err("it is refused");

    assert!(matches!(refused, Error::Database(_)), "{refused:?}");
    let sql =
        "select to_regnamespace('users_sync') is null, to_regclass('neon_auth.users_sync') is null";
    let row = client.query_one(sql, &[]).await.expect("it answers");
    assert!(row.get::<_, bool>(0) && row.get::<_, bool>(1));
}

#[test]
fn every_file_of_sql_migrations_is_applied_in_the_order_of_its_number() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/migrations");
    let files = std::fs::read_dir(dir).expect("it is there");
    let name = |file: std::fs::DirEntry| file.file_name().into_string().expect("it is text");
    let mut files: Vec<_> = files.map(|file| name(file.expect("it can be read"))).collect();
    files.sort();

    let listed: Vec<_> = ALL.iter().map(|it| format!("{}.sql", it.name)).collect();

    assert_eq!(files, listed);
    assert!(ALL.is_sorted_by(|one, next| one.number < next.number));
    for migration in &ALL {
        assert!(migration.name.starts_with(&format!("{:04}_", migration.number)));
    }
}

#[tokio::test]
async fn the_mirror_has_just_the_columns_that_it_promises() {
    let database = TestDatabase::new().await;
    let sql = "select column_name::text, data_type::text, is_nullable::text
        from information_schema.columns
        where table_schema = 'neon_auth' and table_name = 'users_sync' order by ordinal_position";

    let rows = database.client().await.query(sql, &[]).await.expect("it answers");

    let time = "timestamp with time zone";
    let promised = [
        ("id", "text", "NO"),
        ("name", "text", "YES"),
        ("email", "text", "YES"),
        ("created_at", time, "YES"),
        ("updated_at", time, "YES"),
        ("deleted_at", time, "YES"),
        ("raw_json", "jsonb", "NO"),
    ];
    let columns: Vec<(&str, &str, &str)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(columns, promised);
}

#[tokio::test]
async fn foreign_keys_on_the_mirror_do_what_they_say() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let script = "
        create table todos (owner text references neon_auth.users_sync on delete cascade);
        create table notes (owner text references neon_auth.users_sync on delete set null);
        insert into neon_auth.users_sync (id, raw_json) values ('user_1', '{}');
        insert into todos values ('user_1');
        insert into notes values ('user_1');
        delete from neon_auth.users_sync";

    client.batch_execute(script).await.expect("the keys hold");

    let sql =
        "select (select count(*) from todos), (select count(*) from notes where owner is null)";
    let row = client.query_one(sql, &[]).await.expect("it answers");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (0, 1));
    let stranger = client.batch_execute("insert into todos values ('nobody')").await;
    assert!(stranger.is_err(), "a stranger owns a todo");
}

#[tokio::test]
async fn serve_without_migrating_refuses_and_names_the_command() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::empty().await);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("LISTEN_ADDR", "127.0.0.1:0"),
    ];

    let refused = Program::run(scratch.path(), &["serve", "--no-migrate"], &variables).await;

    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("0001_users"), "{refused:?}");
    assert!(refused.stderr.contains("users-sync migrate"), "{refused:?}");
    let sql = "select to_regnamespace('users_sync') is null";
    assert!(
        database.client().await.query_one(sql, &[]).await.expect("it answers").get::<_, bool>(0)
    );
}

#[tokio::test]
async fn migrate_says_what_it_would_do_and_then_does_it() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::empty().await);
    let migrate = async |arguments: &[&str]| {
        let variables = [("DATABASE_URL", database.url())];
        let finished = Program::run(scratch.path(), arguments, &variables).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    };
    let upgrades = pending(&database.client().await).await.expect("it can be asked");
    let listed = |verb| {
        let line = |name: &str| format!("{verb} {name}\n");
        names(&upgrades).into_iter().map(line).collect::<String>()
    };

    assert_eq!(migrate(&["migrate", "--dry-run"]).await, listed("pending"));
    assert_eq!(migrate(&["migrate", "--dry-run"]).await, listed("pending"));
    assert_eq!(migrate(&["migrate"]).await, listed("applied"));
    assert_eq!(migrate(&["migrate"]).await, "the schema is up to date\n");
    assert_eq!(migrate(&["migrate", "--dry-run"]).await, "the schema is up to date\n");

    let client = database.client().await;
    assert!(migrations::pending(&client).await.expect("it can be asked").is_empty());
}

async fn storage(client: &Client) -> (Vec<String>, bool, bool) {
    let sql = "select coalesce(c.reloptions, '{}'),
            a.attcompression = 'l',
            exists (
                select from pg_settings
                where name = 'default_toast_compression' and 'lz4' = any (enumvals)
            )
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'raw_json'
        where c.oid = 'neon_auth.users_sync'::regclass";
    let row = client.query_one(sql, &[]).await.expect("it answers");
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn the_mirror_has_room_for_the_next_version_of_a_row_and_the_cheapest_compression_there_is() {
    let database = TestDatabase::new().await;

    let (options, is_lz4, has_lz4) = storage(&database.client().await).await;

    assert_eq!(options, ["fillfactor=80"]);
    assert_eq!(is_lz4, has_lz4);
}

#[tokio::test]
async fn a_table_that_was_there_keeps_the_room_that_its_owner_chose() {
    let database = TestDatabase::empty().await;
    let mut client = database.client().await;
    let theirs = "create schema neon_auth;
        create table neon_auth.users_sync (
            id text primary key, name text, email text, created_at timestamptz, updated_at timestamptz,
            deleted_at timestamptz, raw_json jsonb not null
        ) with (fillfactor = 70)";
    client.batch_execute(theirs).await.expect("it is empty");

    apply(&mut client).await.expect("it has our shape");

    assert_eq!(storage(&client).await.0, ["fillfactor=70"]);
}
