//! Roles without some rights of a migration.

use crate::harness::{Role, SECRET, Said, TestDatabase, run};

async fn command(url: &str, command: &str) -> Said {
    let variables =
        [("DATABASE_URL", url), ("CLERK_WEBHOOK_SECRET", SECRET), ("LISTEN_ADDR", "127.0.0.1:0")];
    run(&[command], &variables).await
}

#[tokio::test]
async fn a_role_that_may_not_create_gets_a_plain_error() {
    let database = TestDatabase::empty().await;
    let role = Role::new(&database, "reading").await;

    for name in ["migrate", "serve"] {
        let said = command(&role.url(&database), name).await;

        assert_eq!(said.code, 1, "{name}: {said:?}");
        assert!(said.err.contains("may not create or change the schemas"), "{name}: {said:?}");
        assert!(!said.err.contains("SQLSTATE"), "{name}: {said:?}");
    }
    role.remove().await;
}

#[tokio::test]
async fn an_owner_of_the_schemas_upgrades_without_the_right_to_create_schemas() {
    let database = TestDatabase::new().await;
    let role = Role::new(&database, "owning").await;
    let quoted = role.quoted();
    let to_it = format!(
        "do $$
        declare what text;
        begin
            for what in
                select format('schema %I', nspname) from pg_namespace where nspname in ('neon_auth', 'users_sync')
                union all
                select format('%s %s', case relkind when 'v' then 'view' else 'table' end, oid::regclass)
                from pg_class
                where relnamespace::regnamespace::text in ('neon_auth', 'users_sync') and relkind in ('r', 'v')
                union all
                select format('function %s', oid::regprocedure) from pg_proc
                where pronamespace::regnamespace::text = 'users_sync'
            loop
                execute format('alter %s owner to {quoted}', what);
            end loop;
        end
        $$"
    );
    role.execute(&to_it).await;
    role.execute(
        "drop view neon_auth.users_active cascade; drop function users_sync.tombstone cascade",
    )
    .await;

    let said = command(&role.url(&database), "migrate").await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(role.may("select from neon_auth.users_active").await);
    role.execute(&format!("reassign owned by {quoted} to current_user")).await;
    role.remove().await;
}
