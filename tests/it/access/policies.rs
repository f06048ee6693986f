//! Policies of an application, read as its own role.

use tokio_postgres::Client;

use super::{Stage, clerk_admin, clerk_membership, clerk_organization, clerk_role, clerk_user};
use crate::harness::{Role, run};

/// The table and the policies of docs/access.md.
const APPLICATION: &str = "
    create table public.posts (organization_id text not null, title text not null);
    insert into public.posts values ('o1', 'one'), ('o2', 'two'), ('o3', 'three');
    alter table public.posts enable row level security;
    create policy read on public.posts for select using (
        organization_id = any (array(
            select m.organization_id
            from neon_auth.memberships_active m
            where m.user_id = current_setting('app.user_id', true) and 'org:posts:read' = any (m.permissions)
        ))
    );
    create policy write on public.posts for update using (
        users_sync.has_permission(current_setting('app.user_id', true), organization_id, 'org:posts:write')
    )";

/// A connection as a role that may only read, which the program has granted, and its application's table.
async fn application(stage: &Stage) -> (Client, Role) {
    stage.execute(APPLICATION).await;
    let role = Role::new(&stage.database, "web").await;
    let variables = [("DATABASE_URL", stage.database.url()), ("GRANT_SELECT_TO", &role.name)];
    let said = run(&["migrate"], &variables).await;
    assert_eq!(said.code, 0, "{said:?}");
    role.execute(&format!("grant select, update on public.posts to {}", role.quoted())).await;
    let client = stage.database.client().await;
    client.batch_execute(&format!("set role {}", role.quoted())).await.expect("the role");
    (client, role)
}

/// What a user sees, and what it changes.
async fn posts(client: &Client, user: &str) -> (Vec<String>, Vec<String>) {
    let titles = async |sql: &str| -> Vec<String> {
        let rows = client.query(sql, &[]).await.expect(sql);
        rows.iter().map(|row| row.get(0)).collect()
    };
    client.batch_execute(&format!("set app.user_id = '{user}'")).await.expect("a setting");
    let seen = titles("select title from public.posts order by title").await;
    let changed = titles("update public.posts set title = title returning title").await;
    (seen, changed)
}

/// Two users: an administrator of one organization, and a member of it and of another.
async fn two_users(stage: &Stage) {
    stage.receive(&clerk_admin()).await;
    let member = [
        clerk_user(0, "u2", false),
        clerk_organization(0, "o2"),
        clerk_role(0, "r2", "org:member", &["org:posts:read"]),
        clerk_membership("created", 0, ["u2", "o1"], "org:member"),
        clerk_membership("created", 0, ["u2", "o2"], "org:member"),
    ];
    stage.receive(&member).await;
}

#[tokio::test]
async fn the_documented_policies_show_each_user_what_its_roles_allow() {
    let stage = Stage::new().await;
    two_users(&stage).await;
    let (client, role) = application(&stage).await;

    let admin = posts(&client, "u1").await;
    let member = posts(&client, "u2").await;
    let stranger = posts(&client, "").await;

    role.remove().await;
    assert_eq!(admin, (vec!["one".into()], vec!["one".into()]));
    assert_eq!(member, (vec!["one".into(), "two".into()], vec![]));
    assert_eq!(stranger, (vec![], vec![]));
}

#[tokio::test]
async fn a_banned_user_loses_access_with_the_commit_of_the_webhook() {
    let stage = Stage::new().await;
    two_users(&stage).await;
    let (client, role) = application(&stage).await;
    let before = posts(&client, "u1").await;

    stage.receive(&[clerk_user(5, "u1", true)]).await;
    let banned = posts(&client, "u1").await;
    let other = posts(&client, "u2").await;
    stage.receive(&[clerk_user(6, "u1", false)]).await;
    let after = posts(&client, "u1").await;

    role.remove().await;
    assert_eq!(banned, (vec![], vec![]));
    assert_eq!(other.0, ["one", "two"]);
    assert_eq!(after, before);
    assert_eq!(after.0, ["one"]);
}

#[tokio::test]
async fn a_role_with_new_permissions_changes_what_all_its_members_may() {
    let stage = Stage::new().await;
    two_users(&stage).await;
    let (client, role) = application(&stage).await;

    stage.receive(&[clerk_role(5, "r2", "org:member", &["org:posts:write"])]).await;
    let member = posts(&client, "u2").await;

    role.remove().await;
    // A row that a user may not see is not updated either.
    assert_eq!(member, (vec![], vec![]));
    assert!(stage.may("u2", "o2", "org:posts:write").await);
    assert!(!stage.may("u2", "o2", "org:posts:read").await);
}

#[tokio::test]
async fn a_role_without_grants_cannot_ask_about_users() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;
    let role = Role::new(&stage.database, "stranger").await;
    role.execute(&format!("grant usage on schema users_sync to {}", role.quoted())).await;

    let mut may = Vec::new();
    for call in [
        "is_active('u1')",
        "has_role('u1', 'o1', 'org:admin')",
        "has_permission('u1', 'o1', 'org:posts:read')",
    ] {
        may.push(role.may(&format!("select users_sync.{call}")).await);
    }

    role.remove().await;
    assert_eq!(may, [false; 3]);
}

#[tokio::test]
async fn a_policy_works_for_a_role_that_may_only_execute() {
    let stage = Stage::new().await;
    two_users(&stage).await;
    stage.execute(APPLICATION).await;
    let role = Role::new(&stage.database, "narrow").await;
    let narrow = format!(
        "drop policy read on public.posts;
         create policy read on public.posts for select using (
             users_sync.has_permission(current_setting('app.user_id'), organization_id, 'posts:read')
         );
         grant select, update on public.posts to {0};
         grant execute on function users_sync.has_permission to {0}",
        role.quoted()
    );
    role.execute(&narrow).await;
    let client = stage.database.client().await;
    client.batch_execute(&format!("set role {}", role.quoted())).await.expect("the role");

    let member = posts(&client, "u2").await;
    let named = client.query("select users_sync.is_active('u1')", &[]).await;

    role.remove().await;
    assert_eq!(member.0, ["one", "two"]);
    assert!(named.is_err());
}

#[tokio::test]
async fn row_security_on_a_mirror_holds_for_the_memberships_too() {
    let stage = Stage::new().await;
    two_users(&stage).await;
    let (client, role) = application(&stage).await;
    stage
        .execute(
            "alter table neon_auth.memberships_sync enable row level security;
             create policy own on neon_auth.memberships_sync using (user_id = 'u1')",
        )
        .await;

    let sql = "select count(*), current_setting('server_version_num')::integer
        from neon_auth.memberships_active";
    let row = client.query_one(sql, &[]).await.expect("the view");

    role.remove().await;
    // PostgreSQL 14 has no views that read with the rights of their reader.
    let expected = if row.get::<_, i32>(1) >= 150_000 { 1 } else { 3 };
    assert_eq!(row.get::<_, i64>(0), expected);
}
