//! Columns of every kind, derived again.

use serde_json::json;
use users_sync::model::Kind;

use crate::harness::{Mirror, Vendor, users_sync};

#[tokio::test]
async fn columns_of_every_kind_are_mended_but_those_that_only_a_list_can_fill() {
    let mirror = Mirror::new().await;
    for provider in ["clerk", "stack"] {
        let (vendor, id) = (Vendor::new(provider).await, |name: &str| format!("{provider}_{name}"));
        vendor.put(&id("user"), &json!({}));
        vendor.found(&id("org"), &json!({}));
        vendor.join(&id("org"), &id("user"), &json!({}));
        vendor.define(&id("editor"), &[&id("viewer")], &json!({}));
        vendor.define(&id("viewer"), &["read"], &json!({}));
        let client = vendor.client();
        for kind in client.kinds() {
            mirror.backfill_of(&client, kind).await.expect("a backfill");
        }
    }
    let shown = "select (
            (select json_agg(o order by id) from neon_auth.organizations_sync o)::text
            || (select json_agg(m order by id) from neon_auth.memberships_sync m)::text
            || (select json_agg(r order by id) from neon_auth.roles_sync r)::text
        )";
    let client = mirror.database.client().await;
    let before: String = client.query_one(shown, &[]).await.expect("the rows").get(0);
    mirror
        .execute(
            "update neon_auth.organizations_sync set name = 'Wrong';
             update neon_auth.memberships_sync set user_id = 'wrong', permissions = '{wrong}';
             update neon_auth.roles_sync set key = 'wrong', permissions = '{}' where id like 'clerk%'",
        )
        .await;

    let said = users_sync(mirror.database.url(), &["remap", "--json"]).await.json();

    // Two users, organizations and memberships, and the two roles of Clerk: those of Stack hold what only their list says.
    assert_eq!((&said["looked_at"], &said["changed"]), (&json!(8), &json!(6)), "{said}");
    let after: String = client.query_one(shown, &[]).await.expect("the rows").get(0);
    assert_eq!(after, before);
    assert_eq!(mirror.alive_of(Kind::Role).await.len(), 4);
}
