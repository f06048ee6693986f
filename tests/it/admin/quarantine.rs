//! What could not be read: found by its reason, and replayed, one, some or all.

use jiff::{SignedDuration, Timestamp};

use super::person::{Person, location, unescaped};
use super::{quarantine, service, user};
use crate::harness::{Service, ServiceSettings, Signed, TestDatabase};

#[tokio::test]
async fn a_quarantined_delivery_is_found_and_replayed_and_applies() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let signed = user("user_1", "Grace");
    quarantine(&database, &signed).await;
    let person = Person::signed_in(&service).await;

    assert!(person.page("/admin").await.contains("1 delivery is in quarantine"));
    assert!(person.page("/admin/quarantine").await.contains("mistake"));
    let path = format!("/admin/deliveries/clerk/{}", signed.id);
    assert!(person.page(&path).await.contains("Grace"), "the body is shown");
    let answer =
        person.post(&format!("{path}/replay"), &format!("csrf={}", person.csrf().await)).await;

    assert_eq!(location(&answer), format!("{path}?replayed=applied"));
    assert!(person.page(location(&answer)).await.contains("Replayed: applied."));
    assert!(person.page("/admin/users?id=user_1").await.contains("Grace Lovelace"));
}

#[tokio::test]
async fn all_of_a_sources_quarantine_is_replayed_at_once() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    for number in 0..3 {
        quarantine(&database, &user(&format!("user_{number}"), "Ada")).await;
    }
    quarantine(&database, &Signed::new("clerk", "not JSON")).await;
    let person = Person::signed_in(&service).await;

    let form = format!("csrf={}&source=clerk", person.csrf().await);
    let answer = person.post("/admin/quarantine/replay", &form).await;

    let page = person.page(location(&answer)).await;
    assert!(page.contains("Replayed: 3 applied, 1 quarantined."), "{page}");
}

/// Three deliveries of one reason and one of another, an hour apart, oldest first; with when they came.
async fn history(database: &TestDatabase) -> Vec<(Signed, Timestamp)> {
    let client = database.client().await;
    let mut history = Vec::new();
    for hours_ago in (1..=4).rev() {
        let signed = user(&format!("user_{hours_ago}"), "Ada");
        quarantine(database, &signed).await;
        let reason = if hours_ago == 1 { "another mistake" } else { "an <old> mistake" };
        let at = Timestamp::now() - SignedDuration::from_hours(hours_ago);
        let dated =
            "update users_sync.journal set reason = $2, received_at = $3 where delivery_id = $1";
        client.execute(dated, &[&signed.id, &reason, &at]).await.expect("it is dated");
        history.push((signed, at));
    }
    history
}

#[tokio::test]
async fn deliveries_of_one_reason_are_replayed_and_no_others() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    history(&database).await;
    let person = Person::signed_in(&service).await;

    let form = format!("csrf={}&source=clerk&reason=an+%3Cold%3E+mistake", person.csrf().await);
    let answer = person.post("/admin/quarantine/replay", &form).await;

    let page = person.page(location(&answer)).await;
    assert!(page.contains("Replayed: 3 applied."), "{page}");
    assert!(page.contains("another mistake") && !page.contains("&#60;old"), "{page}");
}

#[tokio::test]
async fn a_time_range_narrows_the_list_and_the_replay() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let history = history(&database).await;
    let person = Person::signed_in(&service).await;
    // The second and the third; one end with its zone, the other without.
    let (since, until) = (history[1].1.strftime("%Y-%m-%dT%H:%M:%S"), history[3].1);
    let times = format!("since={since}&until={until:.6}");

    let shown = person.page(&format!("/admin/quarantine?{times}")).await;
    let form = format!("csrf={}&{times}", person.csrf().await);
    let answer = person.post("/admin/quarantine/replay", &form).await;
    let left = person.page("/admin/quarantine").await;

    assert!(shown.contains("<td>2</td>") && !shown.contains("another mistake"), "{shown}");
    assert!(person.page(location(&answer)).await.contains("Replayed: 2 applied."));
    for (place, (signed, _)) in history.iter().enumerate() {
        assert_eq!(left.contains(&signed.id), place == 0 || place == 3, "{left}");
    }
}

#[tokio::test]
async fn an_invalid_time_is_reported_and_replays_nothing() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    history(&database).await;
    let person = Person::signed_in(&service).await;

    let shown = person.page("/admin/quarantine?since=yesterday").await;
    let form = format!("csrf={}&since=yesterday", person.csrf().await);
    let answer = person.post("/admin/quarantine/replay", &form).await;

    assert!(shown.contains("a time is written as 2026-01-31T12:00:00Z"), "{shown}");
    assert_eq!(answer.status(), 400);
    assert!(person.page("/admin").await.contains("4 deliveries are in quarantine"));
}

#[tokio::test]
async fn deliveries_of_a_source_that_was_removed_are_replayed_too() {
    let database = TestDatabase::new().await;
    let settings = ServiceSettings { providers: Vec::new(), ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    let signed = user("user_1", "Ada");
    quarantine(&database, &signed).await;
    let person = Person::signed_in(&service).await;

    let form = format!("csrf={}", person.csrf().await);
    let answer = person.post("/admin/quarantine/replay", &form).await;

    assert!(person.page(location(&answer)).await.contains("Replayed: 1 applied."));
}

#[tokio::test]
async fn a_reason_leads_to_its_deliveries() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let history = history(&database).await;
    let person = Person::signed_in(&service).await;

    let page = unescaped(&person.page("/admin/quarantine").await);
    let listed = person.follow(&page, "another mistake").await;

    assert!(listed.contains(&history[3].0.id) && !listed.contains(&history[0].0.id), "{listed}");
}
