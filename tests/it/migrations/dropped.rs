//! A dropped object is detected, named, and created again if that is possible.

use serde_json::json;
use tokio_postgres::Client;
use users_sync::db::migrations;

use crate::harness::{
    Program, SECRET, Scratch, Service, Signed, TestDatabase, body, eventually, run,
};

fn signed(event_type: &str, id: &str) -> Signed {
    Signed::new("clerk", body("clerk", event_type, id, &json!({})).to_string())
}

async fn migrate(database: &TestDatabase) -> crate::harness::Said {
    run(&["migrate"], &[("DATABASE_URL", database.url())]).await
}

async fn execute(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect(sql);
}

/// The catalog's description of our tables, views, functions and indexes.
async fn catalog(client: &Client) -> Vec<String> {
    let sql = "
        select format('%s.%s.%s %s %s', table_schema, table_name, column_name, data_type, is_nullable)
        from information_schema.columns where table_schema in ('neon_auth', 'users_sync')
        union all select indexdef from pg_indexes where schemaname in ('neon_auth', 'users_sync')
        union all select pg_get_functiondef(p.oid) from pg_proc p where pronamespace::regnamespace::text = 'users_sync'
        union all select viewname || definition from pg_views where schemaname in ('neon_auth', 'users_sync')
        union all select format('%s %s', relname, reloptions) from pg_class where relnamespace::regnamespace::text in ('neon_auth', 'users_sync')
        union all select format('%s %s', attrelid::regclass, attcompression) from pg_attribute where attname = 'raw_json'
        union all select format('%s %s', objoid::regclass, description) from pg_description where objoid = 'neon_auth.users_sync'::regclass
        order by 1";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn every_dropped_object_is_created_again_as_it_was() {
    for (dropped, name) in [
        ("schema neon_auth cascade", "users_sync"),
        ("table neon_auth.users_sync cascade", "users_sync"),
        ("view neon_auth.users_active cascade", "users_active"),
        ("view neon_auth.memberships_active", "memberships_active"),
        ("view users_sync.known_roles cascade", "membership_rights"),
        ("view users_sync.disabled_users cascade", "disabled_users"),
        ("function users_sync.ensure_user", "ensure_user"),
        ("function users_sync.ensure_organization", "ensure_organization"),
        ("function users_sync.has_permission", "has_permission"),
        ("function users_sync.converge", "converge"),
        ("type users_sync.claim cascade", "types"),
        ("table neon_auth.memberships_sync cascade", "memberships_sync"),
        ("index neon_auth.grants_sync_user_id_idx", "grants_sync"),
        ("function users_sync.tombstone cascade", "tombstone"),
        ("index neon_auth.users_sync_deleted_at_idx", "users_sync"),
        ("index users_sync.journal_entity_idx", "indexes"),
        ("index users_sync.ledger_disabled_idx", "indexes"),
    ] {
        let database = TestDatabase::new().await;
        let client = database.client().await;
        let service = Service::start(database.url()).await;
        let before = catalog(&client).await;
        execute(&client, &format!("drop {dropped}")).await;

        let unready = service.get("/readyz").await;
        let said = migrate(&database).await;

        assert_eq!(unready.status, 503, "{dropped}");
        assert_eq!(said.code, 0, "{dropped}: {said:?}");
        assert!(said.out.contains(&format!("applied {name}\n")), "{dropped}: {said:?}");
        assert_eq!(catalog(&client).await, before, "{dropped}");
        assert_eq!(service.get("/readyz").await.status, 200, "{dropped}");
        assert_eq!(service.post(&signed("user.created", "user_1")).await.outcome(), "applied");
    }
}

#[tokio::test]
async fn a_starting_service_recreates_the_mirror_and_reports_missing_users() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let client = database.client().await;
    let service = Service::keeping_bodies(database.url()).await;
    service.post(&signed("user.created", "alive")).await;
    service.post(&signed("user.created", "dead")).await;
    service.post(&signed("user.deleted", "dead")).await;
    execute(&client, "drop schema neon_auth cascade").await;
    assert_eq!(service.post(&signed("user.created", "user_1")).await.status, 503);
    let variables = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];

    let program = Program::serve(scratch.path(), &variables).await;

    let sql = "select id, deleted_at is not null from neon_auth.users_sync";
    let rows = client.query(sql, &[]).await.expect("it is there again");
    let rows: Vec<(String, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows, [("dead".to_owned(), true)]);
    let sql = "select detail from users_sync.findings where subject = 'mirror'";
    let detail: String = client.query_one(sql, &[]).await.expect("a finding").get(0);
    assert!(detail.starts_with("1 users") && detail.contains("backfill"), "{detail}");
    let sql = "select from users_sync.marks where source = 'clerk' and id = 'alive'";
    assert_eq!(client.query(sql, &[]).await.expect("it answers").len(), 1, "it is to be fetched");
    let doctor = run(&["doctor"], &variables).await;
    assert!(doctor.out.contains("rows: 1 users that users-sync knows have none"), "{doctor:?}");
    let replayed = run(&["replay", "--all"], &variables).await;
    assert_eq!(replayed.code, 0, "{replayed:?}");
    let sql = "select email from neon_auth.users_sync where id = 'alive'";
    let email: Option<String> = client.query_one(sql, &[]).await.expect("it is back").get(0);
    assert_eq!(email.as_deref(), Some("ada@example.com"));
    program.stop().await;
    let again = Program::serve(scratch.path(), &variables).await;
    eventually("the finding is dealt with", async || {
        let sql = "select from users_sync.findings where subject = 'mirror'";
        client.query(sql, &[]).await.expect("it answers").is_empty()
    })
    .await;
    again.stop().await;
}

#[tokio::test]
async fn the_error_for_an_irreplaceable_table_names_it_and_the_remedy() {
    for table in ["ledger", "journal", "marks", "leases", "runs", "repairs", "requests", "findings"]
    {
        let database = TestDatabase::new().await;
        execute(&database.client().await, &format!("drop table users_sync.{table} cascade")).await;

        let said = migrate(&database).await;

        assert_eq!(said.code, 1, "{table}: {said:?}");
        assert!(said.err.contains(&format!("users_sync.{table}")), "{table}: {said:?}");
        assert!(said.err.contains("drop schema users_sync cascade"), "{table}: {said:?}");
    }
}

#[tokio::test]
async fn a_dropped_column_or_key_of_ours_is_named() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let parts = "
        select 'drop column ' || a.attname, c.oid::regclass || '.' || a.attname
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'users_sync'::regnamespace and c.relkind = 'r'
          and c.relname not in ('migrations', 'objects')
        union all
        select 'drop constraint ' || k.conname, 'the primary key of ' || k.conrelid::regclass
        from pg_constraint k
        where k.connamespace = 'users_sync'::regnamespace and k.contype = 'p'
          and k.conrelid::regclass::text not in ('users_sync.migrations', 'users_sync.objects')
        order by 2";
    for row in client.query(parts, &[]).await.expect("they are listed") {
        let (drop, part): (&str, &str) = (row.get(0), row.get(1));
        let table = part.split(' ').next_back().and_then(|name| name.split('.').nth(1));
        let table = table.expect("a table");
        execute(&client, "begin").await;
        execute(&client, &format!("alter table users_sync.{table} {drop} cascade")).await;

        let error = migrations::pending(&client).await.expect_err(drop);

        assert!(error.to_string().contains(part), "{drop}: {error}");
        execute(&client, "rollback").await;
    }
}

#[tokio::test]
async fn a_service_without_a_column_of_ours_is_not_ready() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;

    execute(&client, "alter table users_sync.journal drop column processed_in").await;

    assert_eq!(service.get("/readyz").await.status, 503);
    let said = migrate(&database).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("users_sync.journal.processed_in"), "{said:?}");
}

#[tokio::test]
async fn a_new_ledger_knows_the_tombstones_of_an_older_mirror() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    service.post(&signed("user.created", "dead")).await;
    let late = signed("user.updated", "dead");
    service.post(&signed("user.deleted", "dead")).await;
    execute(&client, "drop schema users_sync cascade").await;

    let said = migrate(&database).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(service.post(&late).await.outcome(), "applied");
    let sql = "select deleted_at is not null from neon_auth.users_sync where id = 'dead'";
    assert!(client.query_one(sql, &[]).await.expect("one row").get::<_, bool>(0));
}
