//! What deliveries about organizations leave unsaid, and the API is asked for.

use std::collections::HashSet;

use serde_json::{Value, json};
use users_sync::model::{Key, Kind, Reading};
use users_sync::sync::{self, refetch};

use super::{DUE, MARKS, NOT_YET_DUE, made_ago, refetching};
use crate::harness::{Mirror, Service, Signed, Vendor};

struct Desk {
    vendor: Vendor,
    mirror: Mirror,
    service: Service,
}

impl Desk {
    /// A team of Stack's with two members.
    async fn new() -> Self {
        let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
        let service = mirror.serve(&vendor, refetching()).await;
        vendor.enrol(["u1", "u2"]);
        vendor.found("t1", &json!({}));
        for user in ["u1", "u2"] {
            vendor.join("t1", user, &json!({}));
            vendor.permit(Some("t1"), user, "team_member");
        }
        Self { vendor, mirror, service }
    }

    async fn filled() -> Self {
        let desk = Self::new().await;
        let client = desk.vendor.client();
        for kind in client.kinds() {
            desk.mirror.backfill_of(&client, kind).await.expect("a backfill");
        }
        desk
    }

    async fn hears(&self, event: &str, data: Value) {
        let body = json!({ "type": event, "data": data }).to_string();
        let answer = self.service.post(&made_ago(5000, Signed::new("stack", body))).await;
        assert_eq!(answer.status, 200);
    }

    async fn fetch(&self) {
        refetch::fetch_due(&self.service.users).await.expect("a fetch");
    }

    async fn marks(&self) -> i64 {
        self.mirror.count(MARKS).await
    }
}

const MEMBERS: [&str; 2] = ["t1/u1", "t1/u2"];
const GRANTS: [&str; 2] = ["t1/u1/team_member", "t1/u2/team_member"];

#[tokio::test]
async fn a_team_that_is_created_brings_its_members_and_their_permissions() {
    let desk = Desk::new().await;

    desk.hears("team.created", json!({ "id": "t1", "display_name": "Engines" })).await;
    desk.fetch().await;

    assert_eq!(desk.mirror.alive_of(Kind::Membership).await, MEMBERS);
    assert_eq!(desk.mirror.alive_of(Kind::Grant).await, GRANTS);
    assert_eq!(desk.marks().await, 0);
}

#[tokio::test]
async fn a_member_who_leaves_loses_the_permissions() {
    let desk = Desk::filled().await;
    desk.mirror.settle().await;
    desk.vendor.leave("t1", "u2");

    desk.hears("team_membership.deleted", json!({ "team_id": "t1", "user_id": "u2" })).await;
    desk.fetch().await;

    assert_eq!(desk.mirror.alive_of(Kind::Membership).await, MEMBERS[..1]);
    assert_eq!(desk.mirror.alive_of(Kind::Grant).await, GRANTS[..1]);
    assert_eq!(desk.marks().await, 0);
}

#[tokio::test]
async fn a_permission_that_was_heard_of_just_now_is_not_deleted_yet() {
    let desk = Desk::filled().await;
    desk.vendor.leave("t1", "u2");

    desk.hears(
        "team_permission.created",
        json!({ "team_id": "t1", "user_id": "u2", "id": "team_member" }),
    )
    .await;
    desk.mirror.accept(&[left_long_ago()]).await;
    desk.fetch().await;

    assert_eq!(desk.mirror.alive_of(Kind::Grant).await, GRANTS);
    assert_eq!(desk.mirror.count(NOT_YET_DUE).await, 1);
}

fn left_long_ago() -> Reading {
    let at = jiff::Timestamp::now();
    let change =
        users_sync::model::Change::Deleted { key: Key::new(Kind::Membership, "t1/u2"), at };
    Reading { source: "stack".into(), change }
}

#[tokio::test]
async fn the_permissions_of_a_member_who_is_still_listed_stay() {
    let desk = Desk::filled().await;
    desk.mirror.settle().await;

    desk.hears("team_membership.deleted", json!({ "team_id": "t1", "user_id": "u2" })).await;
    desk.fetch().await;

    assert_eq!(desk.mirror.alive_of(Kind::Grant).await, GRANTS);
}

#[tokio::test]
async fn a_burst_about_one_team_causes_one_fetch() {
    let desk = Desk::new().await;

    desk.hears("team.created", json!({ "id": "t1", "display_name": "Engines" })).await;
    for user in ["u1", "u2"] {
        desk.hears("team_membership.created", json!({ "team_id": "t1", "user_id": user })).await;
        desk.hears(
            "team_permission.created",
            json!({ "team_id": "t1", "user_id": user, "id": "team_member" }),
        )
        .await;
    }
    desk.fetch().await;

    assert_eq!(desk.vendor.asked("GET", "/teams/t1"), 1);
    assert_eq!(desk.vendor.asked("GET", "/team-permissions"), 1);
    assert_eq!(desk.marks().await, 0);
}

#[tokio::test]
async fn a_member_who_came_back_unannounced_lives_again_with_the_next_delivery() {
    let desk = Desk::filled().await;
    desk.mirror.settle().await;
    let gone = "update users_sync.ledger set first_deleted_at = now() - interval '10 min',
            last_deleted_at = now() - interval '10 min', deleted_at = now() - interval '10 min',
            fence = null where id = 't1/u2';
        update neon_auth.memberships_sync set deleted_at = now() - interval '10 min' where id = 't1/u2'";
    desk.mirror.execute(gone).await;

    desk.hears("team.updated", json!({ "id": "t1", "display_name": "Engines" })).await;
    desk.fetch().await;

    assert_eq!(desk.mirror.alive_of(Kind::Membership).await, MEMBERS);
}

#[tokio::test]
async fn an_event_about_a_permission_of_clerk_reads_the_roles_twice() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let asked = HashSet::from(["clerk".into()]);
    let options = sync::Options { asked, ..sync::Options::default() };
    let service = mirror.serve(&vendor, options).await;
    vendor.define("editor", &["org:write"], &json!({}));
    let body = json!({
        "type": "permission.updated", "object": "event", "timestamp": 1_700_000_000_000_i64,
        "instance_id": "ins_of_a_test", "data": { "object": "permission", "id": "perm_1" },
    });

    let answer = service.post(&Signed::new("clerk", body.to_string())).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");

    assert_eq!(answer.outcome(), "ignored");
    assert_eq!(mirror.alive_of(Kind::Role).await, ["editor"]);
    // No version says whether the answer has seen the change.
    assert_eq!(mirror.count(NOT_YET_DUE).await, 1);
    mirror.execute(DUE).await;
    refetch::fetch_due(&service.users).await.expect("a fetch");
    assert_eq!(vendor.asked("GET", "/organization_roles"), 2);
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn without_a_key_an_event_about_a_permission_marks_nothing() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;
    let body = json!({ "type": "permission.updated", "data": { "id": "perm_1" } }).to_string();

    let answer = service.post(&Signed::new("clerk", body)).await;

    assert_eq!(answer.outcome(), "ignored");
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn an_awaited_organization_is_fetched_from_the_provider_that_has_it() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, sync::Options::default()).await;
        vendor.found("org_1", &json!({}));
        mirror
            .execute("insert into users_sync.marks (source, kind, id) values ('', 'organization', 'org_1')")
            .await;

        refetch::fetch_due(&service.users).await.expect("a fetch");

        assert_eq!(mirror.alive_of(Kind::Organization).await, ["org_1"], "{provider}");
        assert_eq!(mirror.count(MARKS).await, 0);
    }
}
