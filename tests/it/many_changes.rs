//! One delivery that says something of many entities: all of them in one commit, each by the law.

mod effects;
mod held;
mod large;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Client;
use users_sync::ksuid;

use crate::harness::{Service, Signed, TestDatabase, body};

/// Stack's deletion of a user, who was in these teams.
fn user_deleted(user: &str, teams: &[&str]) -> Signed {
    let teams: Vec<_> = teams.iter().map(|team| json!({ "id": team })).collect();
    let fields = json!({ "teams": teams });
    Signed::new("stack", body("stack", "user.deleted", user, &fields).to_string())
}

/// An event of Stack's about a membership.
fn membership(event_type: &str, team: &str, user: &str) -> Signed {
    let fields = json!({ "team_id": team, "user_id": user });
    Signed::new("stack", body("stack", event_type, "", &fields).to_string())
}

/// The delivery as if it had been made in this second.
fn made(second: i64, signed: Signed) -> Signed {
    let at = Timestamp::from_second(1_750_000_000 + second).expect("a time");
    signed.with_id(&format!("msg_{}", ksuid::new(at)))
}

/// The memberships, each with its owner and whether it is deleted.
async fn memberships(client: &Client) -> Vec<(String, String, bool)> {
    let sql = "select id, source, m.deleted_at is not null
        from neon_auth.memberships_sync m join users_sync.ledger l using (id)
        where kind = 'membership' order by id collate \"C\"";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

fn some(id: &str, owner: &str, is_deleted: bool) -> (String, String, bool) {
    (id.to_owned(), owner.to_owned(), is_deleted)
}

/// What the journal says of a delivery, with the further entities that it names.
async fn journaled(client: &Client, delivery: &Signed) -> Value {
    let sql = "select jsonb_build_object('outcome', outcome, 'attempts', attempts,
            'first', kind || ' ' || entity_id,
            'further', coalesce((
                select jsonb_agg(m.kind || ' ' || m.entity_id order by m.entity_id)
                from users_sync.mentions m
                where m.source = j.source and m.delivery_id = j.delivery_id
                  and m.received_at = j.received_at and m.version_at = j.version_at
            ), '[]'))
        from users_sync.journal j where delivery_id = $1";
    client.query_one(sql, &[&delivery.id]).await.expect("it is journaled").get(0)
}

async fn reason(client: &Client, delivery: &Signed) -> String {
    let sql = "select reason from users_sync.journal where delivery_id = $1";
    client.query_one(sql, &[&delivery.id]).await.expect("it is journaled").get(0)
}

#[tokio::test]
async fn the_journal_names_every_entity_of_a_delivery_once() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    let deleted = user_deleted("u1", &["t2", "t1", "t2"]);

    let outcomes = [service.post(&deleted).await, service.post(&deleted).await];

    assert_eq!(outcomes.each_ref().map(|answer| answer.outcome()), ["applied", "duplicate"]);
    let names = json!({
        "outcome": "applied", "attempts": 2,
        "first": "user u1", "further": ["membership t1/u1", "membership t2/u1"],
    });
    assert_eq!(journaled(&client, &deleted).await, names);
    let buried = [some("t1/u1", "stack", true), some("t2/u1", "stack", true)];
    assert_eq!(memberships(&client).await, buried);
}

#[tokio::test]
async fn a_delivery_that_changes_only_a_further_entity_is_applied() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    let deliveries = [&["t1"][..], &["t1", "t2"], &["t1"]];

    let mut outcomes = Vec::new();
    for (teams, second) in deliveries.into_iter().zip(0..) {
        let signed = made(second, user_deleted("u1", teams));
        outcomes.push(service.post(&signed).await.outcome().to_owned());
    }

    assert_eq!(outcomes, ["applied", "applied", "stale"]);
    let buried = [some("t1/u1", "stack", true), some("t2/u1", "stack", true)];
    assert_eq!(memberships(&client).await, buried);
}

#[tokio::test]
async fn a_foreign_entity_quarantines_the_delivery_and_its_other_changes_are_kept() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    let foreign = body("clerk", "organizationMembership.created", "t1/u1", &json!({}));
    service.post(&Signed::new("clerk", foreign.to_string())).await;
    service.post(&membership("team_membership.created", "t2", "u1")).await;
    let deleted = user_deleted("u1", &["t1", "t2"]);

    let outcomes = [service.post(&deleted).await, service.post(&deleted).await];

    assert_eq!(outcomes.each_ref().map(|answer| answer.outcome()), ["quarantined"; 2]);
    let reason = reason(&client, &deleted).await;
    assert_eq!(reason, "an entity of it belongs to the source clerk, and stack may not change it");
    let names = json!({ "outcome": "quarantined", "attempts": 2, "first": null, "further": [] });
    assert_eq!(journaled(&client, &deleted).await, names);
    let rows = [some("t1/u1", "clerk", false), some("t2/u1", "stack", true)];
    assert_eq!(memberships(&client).await, rows);
    let sql = "select deleted_at is not null from neon_auth.users_sync where id = 'u1'";
    assert!(client.query_one(sql, &[]).await.expect("one row").get::<_, bool>(0));
}

#[tokio::test]
async fn a_foreign_user_keeps_its_row_while_its_memberships_are_the_senders() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    let created = body("clerk", "user.created", "u1", &json!({}));
    service.post(&Signed::new("clerk", created.to_string())).await;
    service.post(&membership("team_membership.created", "t1", "u1")).await;
    let deleted = user_deleted("u1", &["t1"]);

    let outcome = service.post(&deleted).await.outcome().to_owned();

    assert_eq!(outcome, "quarantined");
    assert!(reason(&client, &deleted).await.contains("the source clerk, and stack may not"));
    assert_eq!(memberships(&client).await, [some("t1/u1", "stack", true)]);
    let sql = "select deleted_at is null from neon_auth.users_sync where id = 'u1'";
    assert!(client.query_one(sql, &[]).await.expect("one row").get::<_, bool>(0));
}

#[tokio::test]
async fn a_replay_brings_back_every_row_that_was_lost() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::keeping_bodies(database.url()).await;
    let deleted = user_deleted("u1", &["t1", "t2"]);
    service.post(&deleted).await;
    let before = journaled(&client, &deleted).await;
    let lose = "delete from neon_auth.memberships_sync where id = 't2/u1';
        delete from neon_auth.users_sync";
    client.batch_execute(lose).await.expect("they are gone");

    let path = format!("/api/deliveries/stack/{}/replay", deleted.id);
    let replayed = service.api("POST", &path, json!({})).await;

    assert_eq!(replayed.body["outcome"], "duplicate", "{replayed:?}");
    let buried = [some("t1/u1", "stack", true), some("t2/u1", "stack", true)];
    assert_eq!(memberships(&client).await, buried);
    let users = client.query("select from neon_auth.users_sync", &[]).await.expect("it answers");
    assert_eq!(users.len(), 1);
    assert_eq!(journaled(&client, &deleted).await["further"], before["further"]);
}
