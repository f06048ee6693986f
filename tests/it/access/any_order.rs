//! Whatever order a history arrives in, the views and the functions answer the same.

use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    Stage, clerk, clerk_admin, clerk_membership, clerk_role, clerk_user, stack, stack_grant,
    stack_member, stack_membership, stack_project_grant,
};
use crate::harness::Signed;

/// Lives of a member at each provider, with ends and new beginnings.
fn deliveries() -> Vec<Signed> {
    let mut all = clerk_admin().to_vec();
    all.extend(stack_member());
    all.extend([
        clerk_user(4, "u1", true),
        clerk_user(6, "u1", false),
        clerk_role(2, "r1", "org:admin", &["org:posts:read"]),
        clerk("role.deleted", 7, json!({ "id": "r1" })),
        clerk_role(8, "r2", "org:admin", &["org:posts:write"]),
        clerk_membership("updated", 3, ["u1", "o1"], "org:member"),
        clerk_membership("updated", 5, ["u1", "o1"], "org:admin"),
        clerk("organizationMembership.deleted", 9, json!({ "id": "orgmem_u1_o1" })),
        clerk("organization.deleted", 9, json!({ "id": "o1" })),
        stack_grant("created", 2, "write"),
        stack_membership("deleted", 3),
        stack_membership("created", 4),
        stack_grant("created", 5, "read"),
        stack_grant("deleted", 6, "read"),
        stack_project_grant("created", 2, "support"),
        stack("user.updated", 7, &json!({ "id": "s1", "restricted_by_admin": true })),
        stack("user.deleted", 8, &json!({ "id": "s1", "teams": [{ "id": "t1" }] })),
    ]);
    all
}

/// Some of them, in two orders.
fn arrivals() -> impl Strategy<Value = [Vec<usize>; 2]> {
    let number = deliveries().len();
    let all: Vec<_> = (0..number).collect();
    subsequence(all, 1..=number)
        .prop_flat_map(|some| [Just(some.clone()).prop_shuffle(), Just(some).prop_shuffle()])
}

/// All that can be read and asked.
async fn answers(stage: &Stage) -> Value {
    let sql = "
        select jsonb_build_object(
            'users', (select jsonb_agg(id order by id) from neon_auth.users_active),
            'organizations', (select jsonb_agg(id order by id) from neon_auth.organizations_active),
            'memberships', (select jsonb_agg(to_jsonb(m) order by user_id) from neon_auth.memberships_active m),
            'asked', (
                select jsonb_agg(jsonb_build_array(
                    u, o, p, users_sync.is_active(u), users_sync.has_role(u, o, p), users_sync.has_permission(u, o, p)
                ) order by u, o, p)
                from unnest(array['u1', 's1']) u, unnest(array['o1', 't1', null]) o,
                    unnest(array['admin', 'posts:read', 'posts:write', 'read', 'write', 'support']) p
            )
        )";
    stage.client.query_one(sql, &[]).await.expect("it answers").get(0)
}

async fn forget(stage: &Stage) {
    for table in [
        "users_sync.ledger",
        "users_sync.journal",
        "users_sync.mentions",
        "neon_auth.users_sync",
        "neon_auth.organizations_sync",
        "neon_auth.memberships_sync",
        "neon_auth.roles_sync",
        "neon_auth.grants_sync",
    ] {
        stage.execute(&format!("delete from {table}")).await;
    }
}

#[test]
fn any_order_of_a_history_ends_in_the_same_answers() {
    let runtime = Runtime::new().expect("a runtime");
    let stage = runtime.block_on(Stage::new());
    let deliveries = deliveries();
    let config = Config { cases: 30, failure_persistence: None, ..Config::default() };

    let result = TestRunner::new(config).run(&arrivals(), |orders| {
        let mut found = Vec::new();
        for order in orders {
            let arriving: Vec<_> = order.iter().map(|place| deliveries[*place].clone()).collect();
            found.push(runtime.block_on(async {
                forget(&stage).await;
                stage.receive(&arriving).await;
                answers(&stage).await
            }));
        }

        prop_assert_eq!(&found[0], &found[1]);
        Ok(())
    });

    result.unwrap_or_else(|failure| panic!("{failure}"));
}
