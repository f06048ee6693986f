//! A right ends with each entity that it depends on, in any order of arrival.

use serde_json::json;

use super::{
    Stage, clerk, clerk_admin, clerk_membership, clerk_organization, clerk_role, clerk_user,
};
use crate::harness::{Signed, run};

/// Posts all but the last delivery, asks, posts the last one, asks, and posts everything again.
async fn ends_with(event_type: &str, id: &str) {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;
    assert!(stage.may("u1", "o1", "org:posts:read").await, "{event_type}");

    stage.receive(&[clerk(event_type, 5, json!({ "id": id }))]).await;

    assert_eq!(stage.memberships().await, json!([]), "{event_type}");
    let late =
        [clerk_user(3, "u1", false), clerk_membership("updated", 4, ["u1", "o1"], "org:admin")];
    stage.receive(&late).await;
    assert_eq!(stage.memberships().await, json!([]), "{event_type}");
    for asked in ["has_permission('u1', 'o1', 'org:posts:read')", "has_role('u1', 'o1', 'admin')"] {
        assert!(!stage.is(&format!("users_sync.{asked}")).await, "{event_type}: {asked}");
    }
}

#[tokio::test]
async fn a_deleted_user_has_no_memberships() {
    ends_with("user.deleted", "u1").await;
}

#[tokio::test]
async fn a_deleted_organization_has_no_memberships() {
    ends_with("organization.deleted", "o1").await;
}

#[tokio::test]
async fn a_deleted_membership_is_none() {
    ends_with("organizationMembership.deleted", "orgmem_u1_o1").await;
}

#[tokio::test]
async fn a_member_is_none_before_user_and_organization_are_known() {
    let stage = Stage::new().await;
    let [user, organization, role, membership] = clerk_admin();
    for signed in [membership, role, organization] {
        stage.receive(&[signed]).await;
        assert_eq!(stage.memberships().await, json!([]));
    }

    stage.receive(&[user]).await;

    let permissions = ["org:posts:read", "org:posts:write"];
    let member = json!({
        "user_id": "u1", "organization_id": "o1", "role": "org:admin", "permissions": permissions,
    });
    assert_eq!(stage.memberships().await, json!([member]));
}

#[tokio::test]
async fn a_row_that_is_purged_ends_the_memberships() {
    for (table, id) in [("users_sync", "u1"), ("organizations_sync", "o1")] {
        let stage = Stage::new().await;
        stage.receive(&clerk_admin()).await;

        stage.execute(&format!("delete from neon_auth.{table} where id = '{id}'")).await;

        assert_eq!(stage.memberships().await, json!([]), "{table}");
        assert!(!stage.may("u1", "o1", "org:posts:read").await, "{table}");
    }
}

#[tokio::test]
async fn a_deleted_role_leaves_a_member_without_role_and_permissions() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;

    stage.receive(&[clerk("role.deleted", 5, json!({ "id": "r1" }))]).await;

    let member =
        json!({ "user_id": "u1", "organization_id": "o1", "role": null, "permissions": [] });
    assert_eq!(stage.memberships().await, json!([member]));
    assert!(!stage.is("users_sync.has_role('u1', 'o1', 'org:admin')").await);
    assert!(!stage.may("u1", "o1", "org:of_the_membership").await);
}

#[tokio::test]
async fn a_role_that_is_made_again_with_the_same_key_counts() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;
    stage.receive(&[clerk("role.deleted", 5, json!({ "id": "r1" }))]).await;

    stage.receive(&[clerk_role(6, "r2", "org:admin", &["org:posts:write"])]).await;

    assert!(stage.is("users_sync.has_role('u1', 'o1', 'org:admin')").await);
    assert!(stage.may("u1", "o1", "org:posts:write").await);
    assert!(!stage.may("u1", "o1", "org:posts:read").await);
}

#[tokio::test]
async fn without_a_known_role_the_permissions_of_the_membership_count() {
    let stage = Stage::new().await;
    let [user, organization, _, membership] = clerk_admin();
    stage.receive(&[user, organization, membership]).await;

    assert!(stage.is("users_sync.has_role('u1', 'o1', 'org:admin')").await);
    assert!(stage.may("u1", "o1", "org:of_the_membership").await);
}

#[tokio::test]
async fn a_key_without_its_prefix_asks_for_the_one_with_it() {
    let stage = Stage::new().await;
    let others: [Signed; 3] = [
        clerk_role(0, "r2", "plain", &["posts:list"]),
        clerk_membership("created", 0, ["u1", "o2"], "plain"),
        clerk_membership("created", 0, ["u1", "o3"], "org:org:admin"),
    ];
    stage.receive(&clerk_admin()).await;
    stage.receive(&others).await;
    stage.receive(&["o2", "o3"].map(|id| clerk_organization(0, id))).await;

    for (expected, asked) in [
        (true, "has_role('u1', 'o1', 'org:admin')"),
        (true, "has_role('u1', 'o1', 'admin')"),
        (false, "has_role('u1', 'o2', 'org:plain')"),
        (false, "has_role('u1', 'o1', 'org:org:admin')"),
        (false, "has_role('u1', 'o3', '')"),
        (false, "has_role('u1', 'o3', 'org:admin')"),
        (true, "has_role('u1', 'o3', 'org:org:admin')"),
        (true, "has_role('u1', 'o2', 'plain')"),
        (false, "has_role('u1', 'o1', 'dmin')"),
        (false, "has_role('u1', 'o1', '')"),
        (true, "has_permission('u1', 'o1', 'posts:write')"),
        (true, "has_permission('u1', 'o2', 'posts:list')"),
        (false, "has_permission('u1', 'o2', 'org:posts:list')"),
        (false, "has_permission('u1', 'o2', 'posts:write')"),
    ] {
        assert_eq!(stage.is(&format!("users_sync.{asked}")).await, expected, "{asked}");
    }
}

#[tokio::test]
async fn nulls_and_unknown_ids_are_answered_with_false() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;

    for asked in [
        "is_active(null)",
        "is_active('')",
        "is_active('u9')",
        "has_role(null, 'o1', 'org:admin')",
        "has_role('u1', null, 'org:admin')",
        "has_role('u1', 'o1', null)",
        "has_permission(null, 'o1', 'org:posts:read')",
        "has_permission('u1', null, 'org:posts:read')",
        "has_permission('u1', 'o1', null)",
        "has_permission(null, null, null)",
        "has_permission('u1', 'o9', 'org:posts:read')",
    ] {
        let is_false = format!("users_sync.{asked} is not distinct from false");
        assert!(stage.is(&is_false).await, "{asked}");
    }
    assert!(stage.is("users_sync.is_active('u1')").await);
}

#[tokio::test]
async fn a_deleted_role_stays_ended_after_the_delete_policy() {
    for policy in ["scrub:30d", "hard:30d"] {
        let stage = Stage::new().await;
        stage.receive(&clerk_admin()).await;
        // The beginning of these histories lies more than thirty days back.
        stage.receive(&[clerk("role.deleted", 5, json!({ "id": "r1" }))]).await;
        let variables = [("DATABASE_URL", stage.database.url()), ("DELETE_POLICY", policy)];

        let said = run(&["purge"], &variables).await;

        assert_eq!(said.code, 0, "{said:?}");
        assert!(!stage.is("users_sync.has_role('u1', 'o1', 'org:admin')").await, "{policy}");
        assert!(!stage.may("u1", "o1", "org:of_the_membership").await, "{policy}");
    }
}
