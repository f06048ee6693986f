//! What has no address at the provider, and is gone all the same.

use serde_json::json;
use users_sync::model::Kind;

use crate::harness::{Mirror, Vendor};

/// A vendor with so many members of one organization, and two of another.
async fn in_sync(provider: &'static str, members: usize) -> (Vendor, Mirror) {
    let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
    for organization in ["org_1", "org_2", "org_3"] {
        vendor.found(organization, &json!({}));
    }
    for number in 0..members {
        let user = format!("user_{number}");
        vendor.put(&user, &json!({}));
        vendor.join("org_1", &user, &json!({}));
    }
    vendor.join("org_2", "user_0", &json!({}));
    vendor.join("org_2", "user_1", &json!({}));
    for role in ["viewer", "editor", "owner"] {
        vendor.define(role, &["read"], &json!({}));
    }
    let client = vendor.client();
    for kind in client.kinds() {
        mirror.backfill_of(&client, kind).await.expect("a backfill");
    }
    mirror.settle().await;
    (vendor, mirror)
}

#[tokio::test]
async fn members_of_a_dissolved_organization_go_with_it_however_many_they_are() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = in_sync(provider, 150).await;
        vendor.dissolve("org_1");
        let client = vendor.client();

        mirror.reconcile_of(&client, Kind::Organization).await.expect("a repair");
        let report = mirror.reconcile_of(&client, Kind::Membership).await.expect("a repair");

        assert_eq!((report.counts.gone, report.counts.seen), (150, 2), "{provider}");
        assert_eq!(mirror.alive_of(Kind::Membership).await.len(), 2);
        // The tombstone of the organization says enough: no member is asked for.
        assert!(vendor.asked("GET", "/team-member-profiles") <= 2);
        let of_users = vendor.asked("GET", "/users/user_2/organization_memberships");
        assert_eq!(of_users, 0);
    }
}

#[tokio::test]
async fn so_many_members_of_a_live_organization_are_not_believed_to_be_gone() {
    let (vendor, mirror) = in_sync("stack", 150).await;
    for number in 0..150 {
        vendor.leave("org_1", &format!("user_{number}"));
    }

    let refused = mirror.reconcile_of(&vendor.client(), Kind::Membership).await;

    let reported = users_sync::error_chain(&refused.expect_err("it is refused"));
    assert!(reported.contains("150 of the 152 memberships in the table are not in"), "{reported}");
    assert!(
        reported.ends_with("--source stack --kind membership --allow-deletes 150`"),
        "{reported}"
    );
    assert_eq!(mirror.alive_of(Kind::Membership).await.len(), 152);
}

#[tokio::test]
async fn a_role_is_gone_if_every_list_of_roles_lacks_it() {
    // Stack's second list does not exist here: it may hold the role.
    for (provider, left) in [("clerk", 2), ("stack", 3)] {
        let (vendor, mirror) = in_sync(provider, 2).await;
        vendor.desk().others.roles.retain(|role| role["id"] != "owner");

        mirror.reconcile_of(&vendor.client(), Kind::Role).await.expect("a repair");

        assert_eq!(mirror.alive_of(Kind::Role).await.len(), left, "{provider}");
    }
}

#[tokio::test]
async fn pages_of_any_size_show_every_membership() {
    for cap in [1, 2, 7, 500] {
        let (vendor, mirror) = in_sync("clerk", 9).await;
        vendor.desk().page_cap = cap;

        let report = mirror.reconcile_of(&vendor.client(), Kind::Membership).await;

        let counts = report.expect("a repair").counts;
        assert_eq!((counts.seen, counts.drift()), (11, 0), "{cap}");
    }
}
