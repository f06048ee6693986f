//! GRANT_SELECT_TO: which roles may read the mirror, and the errors if they cannot be granted that.

use serde_json::json;

use crate::harness::{Program, Role, Said, TestDatabase, as_role, run};

/// Whether a role may read the tables for applications.
async fn reads(role: &Role) -> bool {
    let sql = "
        select from neon_auth.users_sync, neon_auth.organizations_sync, neon_auth.memberships_sync,
            neon_auth.roles_sync, neon_auth.grants_sync;
        select * from neon_auth.users_active, neon_auth.organizations_active, neon_auth.memberships_active;
        select users_sync.is_active('u'), users_sync.has_role('u', 'o', 'r'),
            users_sync.has_permission('u', 'o', 'p')";
    role.may(sql).await
}

async fn migrate(url: &str, roles: &str, arguments: &[&str]) -> Said {
    let variables = [("DATABASE_URL", url), ("GRANT_SELECT_TO", roles)];
    run(&[&["migrate"], arguments].concat(), &variables).await
}

#[tokio::test]
async fn the_named_roles_may_read_the_mirror_and_no_other_table() {
    let database = TestDatabase::empty().await;
    let (web, odd) =
        (Role::new(&database, "web").await, Role::new(&database, r#"Odd"; drop é-'%I"#).await);
    let roles = format!("{}, {},{}", web.name, odd.name, web.name);

    let said = migrate(database.url(), &roles, &[]).await;

    assert_eq!(said.code, 0, "{said:?}");
    let again = migrate(database.url(), &roles, &[]).await;
    let mut can = Vec::new();
    for role in [&web, &odd] {
        can.push(reads(role).await);
        for sql in [
            "delete from neon_auth.users_sync",
            "update neon_auth.users_sync set name = ''",
            "insert into neon_auth.grants_sync (id, raw_json) values ('1', '{}')",
            "select from users_sync.ledger",
            "select from users_sync.journal",
            "select from users_sync.marks",
            "select from users_sync.known_roles",
            "select from users_sync.live_grants",
            "select users_sync.ensure_user('user_1')",
            "select users_sync.ensure_organization('org_1')",
        ] {
            assert!(!role.may(sql).await, "{sql}");
        }
    }
    web.remove().await;
    odd.remove().await;
    assert_eq!(can, [true, true]);
    assert_eq!(again.out, "the schema is up to date\n", "a second run grants nothing");
}

#[tokio::test]
async fn a_dry_run_lists_the_grants_as_text_and_json() {
    let database = TestDatabase::new().await;
    let web = Role::new(&database, "web").await;

    let dry = migrate(database.url(), &web.name, &["--dry-run", "--json"]).await.json();
    let read = reads(&web).await;
    let done = migrate(database.url(), &web.name, &["--json"]).await.json();

    let role = web.quoted();
    web.remove().await;
    let grants = json!([
        format!("grant usage on schema neon_auth, users_sync to {role}"),
        format!(
            "grant select on neon_auth.users_sync, neon_auth.organizations_sync, \
             neon_auth.memberships_sync, neon_auth.roles_sync, neon_auth.grants_sync, \
             neon_auth.users_active, neon_auth.organizations_active, neon_auth.memberships_active \
             to {role}"
        ),
        format!(
            "grant execute on function users_sync.is_active, users_sync.has_role, \
             users_sync.has_permission to {role}"
        ),
    ]);
    assert_eq!(dry, json!({ "dry_run": true, "migrations": [], "grants": grants }));
    assert_eq!(done, json!({ "dry_run": false, "migrations": [], "grants": grants }));
    assert!(!read, "a dry run grants nothing");
}

#[tokio::test]
async fn migrate_lists_the_applied_migrations_as_json() {
    let database = TestDatabase::empty().await;
    let variables = [("DATABASE_URL", database.url())];

    let pending = run(&["migrate", "--dry-run", "--json"], &variables).await.json();
    let applied = run(&["migrate", "--json"], &variables).await.json();

    assert_eq!(pending["migrations"][0], "0001_users");
    assert_eq!(applied["migrations"], pending["migrations"]);
}

#[tokio::test]
async fn the_service_grants_the_rights_when_it_starts() {
    let database = TestDatabase::empty().await;
    let web = Role::new(&database, "web").await;
    let dir = tempfile::tempdir().expect("a directory");
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", crate::harness::SECRET),
        ("GRANT_SELECT_TO", &web.name),
    ];

    let program = Program::serve(dir.path(), &variables).await;

    let read = reads(&web).await;
    program.stop().await;
    web.remove().await;
    assert!(read);
}

#[tokio::test]
async fn a_missing_role_is_named_with_the_remedy() {
    let database = TestDatabase::new().await;

    let said = migrate(database.url(), "no\"role", &[]).await;

    assert_eq!(said.code, 1, "{said:?}");
    let expected =
        "GRANT_SELECT_TO: there is no role no\"role: create it (`create role \"no\"\"role\"`)";
    assert!(said.err.contains(expected), "{said:?}");
}

#[tokio::test]
async fn a_role_that_may_not_grant_learns_what_the_owner_must_run() {
    let database = TestDatabase::new().await;
    let (serving_role, web) =
        (Role::new(&database, "serving").await, Role::new(&database, "web").await);
    let serving = serving_role.quoted();
    let sql = format!(
        "grant usage on schema neon_auth, users_sync to {serving};
         grant create on schema users_sync to {serving};
         alter table users_sync.migrations owner to {serving};
         grant select on all tables in schema neon_auth, users_sync to {serving};
         grant create on database {} to {serving}",
        database.name(),
    );
    serving_role.execute(&sql).await;

    let url = as_role(database.url(), &serving_role.name.replace(' ', "%20"));
    let said = migrate(&url, &web.name, &[]).await;

    let expected =
        format!("must run: grant usage on schema neon_auth, users_sync to {}", web.quoted());
    let read = reads(&web).await;
    web.remove().await;
    serving_role.execute("alter table users_sync.migrations owner to current_user").await;
    serving_role.remove().await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains(&expected), "{said:?}");
    assert!(!read);
}

#[tokio::test]
async fn the_role_public_is_refused() {
    let said = migrate("postgres://localhost", "web,public", &[]).await;

    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("GRANT_SELECT_TO: is public"), "{said:?}");
}

#[tokio::test]
async fn the_doctor_checks_each_reader() {
    let database = TestDatabase::new().await;
    let (web, poor) = (Role::new(&database, "web").await, Role::new(&database, "poor").await);
    let writer = Role::new(&database, "writer").await;
    migrate(database.url(), &format!("{},{}", web.name, writer.name), &[]).await;
    let sql = format!("grant update (name) on neon_auth.users_sync to {}", writer.quoted());
    writer.execute(&sql).await;

    let roles = format!("{},{},{},absent", web.name, poor.name, writer.name);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", crate::harness::SECRET),
        ("GRANT_SELECT_TO", &roles),
    ];
    let said = run(&["doctor"], &variables).await;

    let expected = [
        format!("ok    reader {}: ", web.name),
        format!("FAIL  reader {}: it may not read", poor.name),
        format!("warn  reader {}: it may also update", writer.name),
        "FAIL  reader absent: there is no such role".to_owned(),
    ];
    for role in [web, poor, writer] {
        role.remove().await;
    }
    for line in expected {
        assert!(said.out.contains(&line), "{line}: {}", said.out);
    }
}
