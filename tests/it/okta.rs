//! Okta: the question whether the endpoint is ours, batches, and the API that shows what events only name.

use std::sync::Arc;

use serde_json::{Value, json};
use users_sync::api::{Error, Found, Walk};
use users_sync::model::{Key, Kind};
use users_sync::provider::api::Sought;
use users_sync::sync::{self, refetch};

use crate::harness::{Fake, Front, Reply, ServiceSettings, Signed, reply};

const CHALLENGE: &str = "X-Okta-Verification-Challenge";

async fn get(front: &Front, source: &str, challenge: Option<&str>) -> (u16, Value) {
    let mut request = reqwest::Client::new().get(front.service.url(&format!("/webhooks/{source}")));
    if let Some(challenge) = challenge {
        request = request.header(CHALLENGE, challenge);
    }
    let response = request.send().await.expect("the service answers");
    let status = response.status().as_u16();
    (status, response.json().await.expect("an answer in JSON"))
}

#[tokio::test]
async fn the_challenge_of_a_new_hook_is_answered() {
    let front = Front::new().await;

    let (status, body) = get(&front, "okta", Some("q_7-nvl.Z\"x")).await;

    assert_eq!((status, body), (200, json!({ "verification": "q_7-nvl.Z\"x" })));
}

#[tokio::test]
async fn only_a_challenge_to_its_own_source_is_answered() {
    let front = Front::new().await;

    for (source, challenge) in [("okta", None), ("clerk", Some("q_7")), ("nothing", Some("q_7"))] {
        let (status, body) = get(&front, source, challenge).await;

        assert_eq!((status, body.get("verification")), (405, None), "{source}");
    }
}

#[tokio::test]
async fn a_delivery_without_the_secret_is_refused() {
    let front = Front::new().await;
    let signed = Signed::new("okta", delivery(&[]).to_string());

    let another = ("authorization".to_owned(), "another secret".to_owned());
    let without = front.service.post_with(&signed, &[]).await;
    let with_another = front.service.post_with(&signed, &[another]).await;

    assert_eq!([without.status, with_another.status], [400, 401]);
}

fn delivery(events: &[(&str, &str)]) -> Value {
    let event = |(event_type, id): &(&str, &str)| {
        json!({
            "eventType": event_type,
            "published": "2026-03-26T21:05:32.159Z",
            "outcome": { "result": "SUCCESS" },
            "target": [{ "id": id, "type": "User" }],
        })
    };
    let events: Vec<_> = events.iter().map(event).collect();
    json!({ "eventType": "com.okta.event_hook", "eventId": "e1", "data": { "events": events } })
}

fn user(id: &str, status: &str) -> Value {
    json!({
        "id": id,
        "status": status,
        "created": "2026-03-01T08:00:00.000Z",
        "lastUpdated": "2026-03-26T21:05:32.000Z",
        "profile": {
            "login": "inga@example.com",
            "email": format!("{id}@example.com"),
            "firstName": "Inga",
            "lastName": "Bauer",
        },
    })
}

fn gone() -> Reply {
    reply(404, &json!({ "errorCode": "E0000007", "errorSummary": "Not found", "errorCauses": [] }))
}

#[tokio::test]
async fn users_that_a_batch_names_are_fetched_and_the_deleted_one_is_not() {
    let fake = Fake::new(|got, _| match got.uri.as_str() {
        "/api/users/00u1" => reply(200, &user("00u1", "ACTIVE")),
        "/api/users/00u2" => reply(200, &user("00u2", "SUSPENDED")),
        _ => gone(),
    })
    .await;
    let options =
        sync::Options { asked: ["okta".into()].into_iter().collect(), ..sync::Options::default() };
    let clients = vec![Arc::new(fake.client_for("okta"))];
    let front = Front::with(ServiceSettings { options, clients, ..Default::default() }).await;
    let events = [
        ("user.lifecycle.create", "00u1"),
        ("user.lifecycle.suspend", "00u2"),
        ("user.account.update_profile", "00u3"),
        ("user.lifecycle.delete.initiated", "00u3"),
    ];

    front.receive(&Signed::new("okta", delivery(&events).to_string())).await;
    refetch::fetch_due(&front.service.users).await.expect("the marks are fetched");

    assert_eq!(front.user("00u1").await["email"], "00u1@example.com");
    assert_eq!(front.user("00u2").await["name"], "Inga Bauer");
    let active = [front.is_active("00u1").await, front.is_active("00u2").await];
    assert_eq!(active, [true, false]);
    assert_eq!(front.user("00u3").await["deleted_at"], "2026-03-26T21:05:32.159+00:00");
    assert_eq!(fake.got("/api/users/00u3").len(), 0);
}

#[tokio::test]
async fn a_walk_follows_links_and_includes_deactivated_users() {
    let fake = Fake::new(|got, _| {
        if got.uri.contains("after=00u1") {
            return reply(200, &json!([user("00u2", "DEPROVISIONED")]));
        }
        let (status, _, body) = reply(200, &json!([user("00u1", "ACTIVE")]));
        let link = |rel: &str, query: &str| {
            ("link", format!("<https://acme.okta.com/api/v1/users?{query}>; rel=\"{rel}\""))
        };
        (status, vec![link("self", "limit=200"), link("next", "after=00u1&limit=200")], body)
    })
    .await;
    let client = fake.client_for("okta");
    let (mut walk, mut met) = (Walk::new(Kind::User), Vec::new());

    while let Some(page) = walk.next(&client).await.expect("a page") {
        let key = |reading: &users_sync::model::Reading| reading.change.key().id.clone();
        met.extend(page.readings.iter().map(key));
    }

    assert_eq!(met, ["00u1", "00u2"]);
    let first = &fake.got("/api/users")[0];
    assert_eq!(first.header("authorization"), "SSWS OKTA_API_TOKEN");
    assert!(first.uri.contains("filter=lastUpdated+gt+%221970-01-01"), "{}", first.uri);
}

#[tokio::test]
async fn a_group_is_gone_only_in_the_words_of_the_api() {
    let fake = Fake::new(|got, _| match got.uri.as_str() {
        "/api/groups/00g1" => gone(),
        _ => reply(404, &json!({ "error": "no route" })),
    })
    .await;
    let client = fake.client_for("okta");
    let group = |id| Sought::only(Key::new(Kind::Organization, id));

    let (gone, lost) = (client.one(&group("00g1")).await, client.one(&group("00g2")).await);

    assert!(matches!(gone, Ok(Found::Missing(_))), "{gone:?}");
    assert!(matches!(lost, Err(Error::Status { status: 404, .. })), "{lost:?}");
}
