//! What the change feed says of each changed entity.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use users_sync::sync;

use super::{made, membership, user_deleted};
use crate::harness::{Service, ServiceSettings, TestDatabase, listen};

async fn announcing(database: &TestDatabase) -> Service {
    let options = sync::Options { channel: Some("users_sync".into()), ..sync::Options::default() };
    let settings = ServiceSettings { options, ..ServiceSettings::default() };
    Service::start_with(database.url(), settings).await
}

/// The next of what is announced: kind, id and effect.
async fn next(announced: &mut UnboundedReceiver<String>) -> String {
    let text = announced.recv().await.expect("a notification");
    let change: Value = serde_json::from_str(&text).expect("JSON");
    let part = |name: &str| change[name].as_str().expect("text").to_owned();
    format!("{} {} {}", part("kind"), part("id"), part("effect"))
}

#[tokio::test]
async fn every_changed_entity_of_a_delivery_is_announced() {
    let database = TestDatabase::new().await;
    let service = announcing(&database).await;
    service.post(&membership("team_membership.created", "t1", "u1")).await;
    service.post(&membership("team_membership.created", "t2", "u1")).await;
    service.post(&membership("team_membership.deleted", "t2", "u1")).await;
    let mut announced = listen(database.url()).await;

    service.post(&user_deleted("u1", &["t1", "t2", "t3"])).await;
    service.post(&membership("team_membership.created", "t9", "u9")).await;

    let mut changes = BTreeSet::new();
    loop {
        let change = next(&mut announced).await;
        if change == "membership t9/u9 created" {
            break;
        }
        changes.insert(change);
    }
    // The second membership was deleted before, and its deletion stands.
    let expected = ["membership t1/u1 deleted", "membership t3/u1 deleted", "user u1 deleted"];
    assert_eq!(changes.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_membership_is_restored_only_if_it_was_deleted() {
    let database = TestDatabase::new().await;
    let service = announcing(&database).await;
    let mut announced = listen(database.url()).await;
    let steps = [
        ("team_membership.created", "created"),
        ("team_membership.created", "updated"),
        ("team_membership.deleted", "deleted"),
        ("team_membership.created", "restored"),
        ("team_membership.created", "updated"),
        ("team_membership.deleted", "deleted"),
        ("team_membership.created", "restored"),
    ];

    for ((event_type, effect), second) in steps.into_iter().zip(0..) {
        service.post(&made(second, membership(event_type, "t1", "u1"))).await;

        assert_eq!(next(&mut announced).await, format!("membership t1/u1 {effect}"));
    }
}
