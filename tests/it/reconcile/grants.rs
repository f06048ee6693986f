//! Stack's grants after a member left and came back, of which some deliveries never came.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use users_sync::model::{Change, Key, Kind, Reading};

use crate::harness::{Mirror, Vendor};

/// A member with a permission, known for an hour, who then left; so many seconds ago.
async fn left(seconds_ago: i64) -> (Vendor, Mirror) {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.put("user_a", &json!({}));
    vendor.found("org_1", &json!({}));
    vendor.join("org_1", "user_a", &json!({}));
    vendor.permit(Some("org_1"), "user_a", "team_member");
    let client = vendor.client();
    for kind in client.kinds() {
        mirror.backfill_of(&client, kind).await.expect("a backfill");
    }
    let age = "update users_sync.ledger set version_at = version_at - interval '1 hour', fence = fence - interval '1 hour'";
    mirror.execute(age).await;
    let at = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    let key = Key::new(Kind::Membership, "org_1/user_a");
    mirror.accept(&[Reading { source: "stack".into(), change: Change::Deleted { key, at } }]).await;
    (vendor, mirror)
}

async fn is_permitted(mirror: &Mirror) -> bool {
    let asked =
        "select users_sync.has_permission('user_a', 'org_1', 'team_member')::integer::bigint";
    mirror.count(asked).await == 1
}

#[tokio::test]
async fn a_permission_that_is_granted_again_in_silence_counts_after_a_reconcile() {
    let (vendor, mirror) = left(600).await;
    let client = vendor.client();
    assert!(!is_permitted(&mirror).await);

    for kind in [Kind::Membership, Kind::Grant] {
        let report = mirror.reconcile_of(&client, kind).await.expect("a repair");
        assert_eq!(report.findings.len(), 1, "{kind}");
    }

    assert!(is_permitted(&mirror).await);
    let again = mirror.reconcile_of(&client, Kind::Grant).await.expect("a repair");
    assert_eq!(again.findings, []);
}

#[tokio::test]
async fn a_list_that_may_be_older_than_the_leaving_brings_no_permission_back() {
    let (vendor, mirror) = left(5).await;

    mirror.reconcile_of(&vendor.client(), Kind::Grant).await.expect("a repair");

    let lift = "update neon_auth.memberships_sync set deleted_at = null";
    mirror.execute(lift).await;
    assert!(!is_permitted(&mirror).await);
}
