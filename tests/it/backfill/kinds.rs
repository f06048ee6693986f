//! Every kind of a provider, in the tables.

use serde_json::{Value, json};
use users_sync::model::Kind;
use users_sync::sync::backfill::{self, backfill};

use crate::harness::{Fault, Mirror, Vendor};

#[tokio::test]
async fn an_interrupted_backfill_of_memberships_continues_at_its_last_page() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.found("org_1", &json!({}));
    for number in 0..10 {
        vendor.join("org_1", &format!("user_{number}"), &json!({}));
    }
    vendor.desk().page_cap = 2;
    let (client, path) = (vendor.client(), "/organization_memberships");
    let interrupted = backfill(&mirror.tables, &client, Kind::Membership, false, |progress| {
        if progress.counts.seen == 4 {
            vendor.desk().others.faults = vec![(path, Fault::ServerError)];
        }
    })
    .await;
    assert!(matches!(interrupted, Err(backfill::Error::Api(_))), "{interrupted:?}");
    vendor.desk().others.faults.clear();
    let before = vendor.asked("GET", path);

    let progress = mirror.backfill_of(&client, Kind::Membership).await.expect("a backfill");

    assert!(progress.resumed >= 4, "{progress:?}");
    assert_eq!(progress.counts.seen, 10);
    assert_eq!(mirror.alive_of(Kind::Membership).await.len(), 10);
    // Whether there is such a list, and the pages that were left.
    assert!(vendor.asked("GET", path) - before <= 4, "it started over");
    let runs = "select count(*) from users_sync.runs where entity = 'membership'";
    assert_eq!(mirror.count(runs).await, 1);
}

#[tokio::test]
async fn a_role_of_stack_holds_all_that_its_permission_contains() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.define("admin", &["editor", "$delete_team"], &json!({}));
    vendor.define("editor", &["viewer", "admin"], &json!({}));
    vendor.define("viewer", &[], &json!({}));

    mirror.backfill_of(&vendor.client(), Kind::Role).await.expect("a backfill");

    let client = mirror.database.client().await;
    let sql = "select json_object_agg(key, permissions)::text from neon_auth.roles_sync";
    let found: String = client.query_one(sql, &[]).await.expect("the roles").get(0);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    let expected = json!({
        "admin": ["$delete_team", "editor", "viewer"],
        "editor": ["$delete_team", "admin", "viewer"],
        "viewer": [],
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_profile_that_the_list_adds_to_a_membership_is_no_drift() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = crate::harness::Service::start(mirror.database.url()).await;
    vendor.found("t1", &json!({}));
    vendor.join("t1", "u1", &json!({}));
    let delivered = json!({
        "type": "team_membership.created", "data": { "team_id": "t1", "user_id": "u1" },
    });
    service.post(&crate::harness::Signed::new("stack", delivered.to_string())).await;
    mirror.settle().await;

    let progress = mirror.backfill_of(&vendor.client(), Kind::Membership).await;

    let counts = progress.expect("a backfill").counts;
    assert_eq!((counts.seen, counts.missing, counts.stale), (1, 0, 0));
}
