//! Stack Auth's permissions: single grants, with the holes between its events.

use serde_json::json;

use super::{
    Stage, clerk_role, stack, stack_grant, stack_member, stack_membership, stack_project_grant,
};

#[tokio::test]
async fn a_granted_permission_holds_until_it_is_revoked() {
    let stage = Stage::new().await;
    stage.receive(&stack_member()).await;

    stage.receive(&[stack_grant("created", 2, "write")]).await;
    let granted = stage.memberships().await;
    stage.receive(&[stack_grant("deleted", 3, "write")]).await;

    let member = json!({
        "user_id": "s1", "organization_id": "t1", "role": null, "permissions": ["write"],
    });
    assert_eq!(granted, json!([member]));
    assert!(!stage.may("s1", "t1", "write").await);
    stage.receive(&[stack_grant("created", 4, "write")]).await;
    assert!(stage.may("s1", "t1", "write").await, "a permission may be granted again");
}

#[tokio::test]
async fn a_member_who_comes_back_does_not_get_old_permissions_back() {
    let stage = Stage::new().await;
    stage.receive(&stack_member()).await;
    stage.receive(&[stack_grant("created", 2, "write")]).await;

    stage.receive(&[stack_membership("deleted", 3)]).await;
    let left = stage.may("s1", "t1", "write").await;
    stage.receive(&[stack_membership("created", 4), stack_grant("created", 4, "read")]).await;

    assert!(!left);
    assert!(!stage.may("s1", "t1", "write").await);
    assert!(stage.may("s1", "t1", "read").await);
}

#[tokio::test]
async fn the_end_of_a_team_or_user_ends_its_permissions() {
    for (event, data) in [
        ("team.deleted", json!({ "id": "t1" })),
        ("user.deleted", json!({ "id": "s1", "teams": [{ "id": "t1" }] })),
        ("user.deleted", json!({ "id": "s1", "teams": [] })),
        ("user.updated", json!({ "id": "s1", "restricted_by_admin": true })),
    ] {
        let stage = Stage::new().await;
        stage.receive(&stack_member()).await;
        stage.receive(&[stack_grant("created", 2, "write")]).await;
        assert!(stage.may("s1", "t1", "write").await);

        stage.receive(&[stack(event, 3, &data)]).await;

        assert!(!stage.may("s1", "t1", "write").await, "{data}");
    }
}

#[tokio::test]
async fn a_permission_of_the_project_holds_outside_of_organizations_only() {
    let stage = Stage::new().await;
    stage.receive(&stack_member()).await;
    stage.receive(&[stack_project_grant("created", 2, "support")]).await;

    assert!(stage.is("users_sync.has_permission('s1', null, 'support')").await);
    assert!(!stage.may("s1", "t1", "support").await);
    assert!(!stage.is("users_sync.has_permission('s1', null, 'other')").await);

    let restricted = json!({ "id": "s1", "restricted_by_admin": true });
    stage.receive(&[stack("user.updated", 3, &restricted)]).await;
    assert!(!stage.is("users_sync.has_permission('s1', null, 'support')").await);
}

#[tokio::test]
async fn a_permission_stands_for_all_that_its_definition_contains() {
    let stage = Stage::new().await;
    stage.receive(&stack_member()).await;
    let grants =
        [stack_grant("created", 2, "team_admin"), stack_project_grant("created", 2, "chief")];
    stage.receive(&grants).await;
    // Definitions come from the provider's API, and from no delivery.
    stage
        .execute(
            "insert into neon_auth.roles_sync (id, key, permissions, raw_json)
             values ('d1', 'team_admin', '{read,write}', '{}'), ('d2', 'chief', '{all}', '{}');
             insert into users_sync.ledger (kind, id, source, version_at, version_delivery)
             select 'role', id, 'stack', now(), '~' from neon_auth.roles_sync",
        )
        .await;

    let permissions = &stage.memberships().await[0]["permissions"];
    assert_eq!(*permissions, json!(["read", "team_admin", "write"]));
    assert!(stage.may("s1", "t1", "write").await);
    assert!(stage.is("users_sync.has_permission('s1', null, 'all')").await);

    stage.execute("update neon_auth.roles_sync set deleted_at = now()").await;
    assert_eq!(stage.memberships().await[0]["permissions"], json!(["team_admin"]));
    assert!(!stage.is("users_sync.has_permission('s1', null, 'all')").await);
}

#[tokio::test]
async fn a_role_of_another_source_says_nothing_about_a_grant() {
    let stage = Stage::new().await;
    stage.receive(&stack_member()).await;
    stage.receive(&[stack_grant("created", 2, "org:admin")]).await;

    stage.receive(&[clerk_role(3, "r1", "org:admin", &["org:posts:write"])]).await;

    assert!(stage.may("s1", "t1", "org:admin").await);
    assert!(!stage.may("s1", "t1", "org:posts:write").await);
}
