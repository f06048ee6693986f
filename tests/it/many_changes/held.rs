//! A row that an application holds: a delivery of many entities waits as a whole, and later ones about any of them behind it.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use super::{made, membership, memberships, some, user_deleted};
use crate::harness::{Service, Signed, TestDatabase, body, eventually};
use crate::metrics::{scrape, value};

async fn waiting(service: &Service) -> Option<f64> {
    value(&scrape(service).await, "users_sync_held_deliveries")
}

/// Posts it in a task of its own, which answers the outcome.
fn post(posts: &mut JoinSet<(String, String)>, service: &Arc<Service>, what: &str, signed: Signed) {
    let (service, what) = (service.clone(), what.to_owned());
    posts.spawn(async move { (what, service.post(&signed).await.outcome().to_owned()) });
}

#[tokio::test]
async fn deliveries_about_any_entity_of_a_held_one_wait_behind_it() {
    let database = TestDatabase::new().await;
    let mut application = database.client().await;
    let service = Arc::new(Service::start(database.url()).await);
    for team in ["t1", "t2"] {
        service.post(&made(1, membership("team_membership.created", team, "u1"))).await;
    }
    let held = application.transaction().await.expect("a transaction");
    let lock = "select from neon_auth.memberships_sync where id = 't2/u1' for update";
    held.query_one(lock, &[]).await.expect("it is there");
    let mut posts = JoinSet::new();
    post(&mut posts, &service, "many", made(3, user_deleted("u1", &["t1", "t2"])));
    eventually("it waits", async || waiting(&service).await == Some(1.0)).await;

    let late = made(2, membership("team_membership.created", "t1", "u1"));
    post(&mut posts, &service, "of its first team", late);
    let user = body("stack", "user.updated", "u1", &json!({}));
    post(&mut posts, &service, "of its user", made(2, Signed::new("stack", user.to_string())));
    let free = service.post(&made(3, user_deleted("u2", &["t1", "t2"]))).await;
    eventually("all of them wait", async || waiting(&service).await == Some(3.0)).await;
    held.rollback().await.expect("it is given back");
    let mut outcomes = posts.join_all().await;
    outcomes.sort_unstable();

    assert_eq!(free.outcome(), "applied");
    let applied = |what: &str| (what.to_owned(), "applied".to_owned());
    assert_eq!(outcomes, ["many", "of its first team", "of its user"].map(applied));
    let client = database.client().await;
    let buried = ["t1/u1", "t1/u2", "t2/u1", "t2/u2"].map(|id| some(id, "stack", true));
    assert_eq!(memberships(&client).await, buried);
    eventually("no lane is left", async || waiting(&service).await == Some(0.0)).await;
}

#[tokio::test]
async fn a_further_entity_of_a_lane_can_be_held_again_after_its_end() {
    let database = TestDatabase::new().await;
    let mut application = database.client().await;
    let service = Arc::new(Service::start(database.url()).await);
    for team in ["t1", "t2"] {
        service.post(&made(1, membership("team_membership.created", team, "u1"))).await;
    }
    let deliveries = [
        user_deleted("u1", &["t1", "t2"]),
        membership("team_membership.created", "t2", "u1"),
        membership("team_membership.deleted", "t2", "u1"),
    ];

    let mut outcomes = Vec::new();
    for (signed, second) in deliveries.into_iter().zip(2..) {
        let held = application.transaction().await.expect("a transaction");
        let lock = "select from neon_auth.memberships_sync where id = 't2/u1' for update";
        held.query_one(lock, &[]).await.expect("it is there");
        let mut posts = JoinSet::new();
        post(&mut posts, &service, "", made(second, signed));
        eventually("it waits", async || waiting(&service).await == Some(1.0)).await;
        held.rollback().await.expect("it is given back");
        outcomes.extend(posts.join_all().await.into_iter().map(|(_, outcome)| outcome));
    }

    assert_eq!(outcomes, ["applied"; 3]);
}
