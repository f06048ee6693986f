//! Two sources: the secret of one gives no user rights in what belongs to the other.

use serde_json::json;

use super::{
    Stage, clerk_admin, clerk_user, stack, stack_grant, stack_member, stack_membership,
    stack_project_grant,
};
use crate::harness::Signed;

/// Stack's word about a user in a team, of any source.
fn member(team: &str, user: &str) -> Signed {
    stack("team_membership.created", 9, &json!({ "team_id": team, "user_id": user }))
}

fn grant(team: &str, user: &str, permission: &str) -> Signed {
    let data = json!({ "id": permission, "team_id": team, "user_id": user });
    stack("team_permission.created", 9, &data)
}

#[tokio::test]
async fn no_other_source_makes_a_member_of_an_organization() {
    for comes_last in [true, false] {
        let stage = Stage::new().await;
        stage.receive(&stack_member()).await;
        let forged = [
            member("o1", "s1"),
            grant("o1", "s1", "all"),
            member("o1", "u2"),
            grant("o1", "u2", "all"),
        ];
        let own = [clerk_admin().to_vec(), vec![clerk_user(0, "u2", false)]].concat();
        let (first, second) =
            if comes_last { (&own[..], &forged[..]) } else { (&forged[..], &own[..]) };

        stage.receive(first).await;
        stage.receive(second).await;

        let members = "(select array_agg(user_id) = '{u1}' from neon_auth.memberships_active
            where organization_id = 'o1')";
        assert!(stage.is(members).await);
        for user in ["s1", "u2"] {
            assert!(!stage.may(user, "o1", "all").await, "{user}");
        }
        let listed = stage.service.api("GET", "/api/organizations/o1/members", json!(null)).await;
        let is_active = |one: &serde_json::Value| one["active"] == true;
        let active =
            listed.body["members"].as_array().expect("members").iter().filter(|one| is_active(one));
        assert_eq!(active.count(), 1, "{listed:?}");
    }
}

#[tokio::test]
async fn no_other_source_grants_a_member_a_permission() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;

    stage.receive(&[grant("o1", "u1", "org:all")]).await;

    assert!(!stage.may("u1", "o1", "org:all").await);
    assert!(stage.may("u1", "o1", "org:posts:read").await);
}

#[tokio::test]
async fn no_other_source_grants_a_permission_of_the_project() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;
    stage.receive(&stack_member()).await;
    let forged = stack("project_permission.created", 2, &json!({ "id": "all", "user_id": "u1" }));

    stage.receive(&[forged, stack_project_grant("created", 2, "all")]).await;

    assert!(!stage.is("users_sync.has_permission('u1', null, 'all')").await);
    assert!(stage.is("users_sync.has_permission('s1', null, 'all')").await);
}

#[tokio::test]
async fn a_permission_that_begins_with_the_prefix_is_not_the_one_without() {
    let stage = Stage::new().await;
    stage.receive(&stack_member()).await;
    let granted = [
        stack_grant("created", 2, "read"),
        stack_grant("created", 2, "org:write"),
        stack_project_grant("created", 2, "org:support"),
        stack_project_grant("created", 2, "chief"),
    ];
    stage.receive(&granted).await;
    stage.receive(&[stack_membership("created", 1)]).await;

    for (expected, asked) in [
        (true, "'t1', 'read'"),
        (false, "'t1', 'org:read'"),
        (true, "'t1', 'org:write'"),
        (false, "'t1', 'write'"),
        (true, "null, 'org:support'"),
        (false, "null, 'support'"),
        (false, "null, 'org:chief'"),
    ] {
        let asked = format!("users_sync.has_permission('s1', {asked})");
        assert_eq!(stage.is(&asked).await, expected, "{asked}");
    }
}
