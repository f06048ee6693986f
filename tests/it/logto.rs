//! Logto: its API, which wants a token of its own, and which alone shows the permissions of a role.

use std::sync::Arc;

use serde_json::{Value, json};
use users_sync::api::{Found, Walk};
use users_sync::model::Kind;
use users_sync::sync::{self, refetch};

use crate::harness::{Fake, Front, Got, Reply, ServiceSettings, Signed, reply};

fn user(number: usize) -> Value {
    json!({ "id": format!("u{number}"), "name": "Ilse Brandt", "createdAt": 1, "updatedAt": 2 })
}

/// Gives a token, and the answer to a request that has it.
async fn fake(answer: impl Fn(&Got) -> Reply + Send + Sync + 'static) -> Fake {
    Fake::new(move |got, _| match got.uri.as_str() {
        "/oidc/token" => reply(200, &json!({ "access_token": "t", "expires_in": 3600 })),
        _ if got.header("authorization") != "Bearer t" => reply(401, &json!({})),
        _ => answer(got),
    })
    .await
}

#[tokio::test]
async fn a_walk_counts_pages_and_ends_with_a_short_one() {
    let fake = fake(|got| {
        let users: Vec<_> = match got.uri.contains("page=2&") {
            true => vec![user(100)],
            false => (0..100).map(user).collect(),
        };
        (200, vec![("total-number", "101".to_owned())], json!(users).to_string())
    })
    .await;
    let client = fake.client_for("logto");
    let (mut walk, mut met) = (Walk::new(Kind::User), 0);

    while let Some(page) = walk.next(&client).await.expect("a page") {
        met += page.readings.len();
    }

    assert_eq!((met, fake.got("/api/users").len()), (101, 2));
    let token = fake.got("/oidc/token");
    assert_eq!(token.len(), 1);
    assert!(token[0].header("authorization").starts_with("Basic "));
    assert!(token[0].text().contains("resource=https%3A%2F%2Fdefault.logto.app%2Fapi"));
    assert!(token[0].text().contains("scope=all"));
}

#[tokio::test]
async fn a_user_is_gone_only_in_the_words_of_the_api() {
    let fake = fake(|got| match got.uri.as_str() {
        "/api/users/u1" => reply(200, &user(1)),
        "/api/users/u2" => reply(404, &json!({ "code": "entity.not_found", "message": "x" })),
        _ => reply(404, &json!({ "message": "x" })),
    })
    .await;
    let client = fake.client_for("logto");

    assert!(matches!(client.user("u1").await, Ok(Found::Shown { .. })));
    assert!(matches!(client.user("u2").await, Ok(Found::Missing(_))));
    assert!(client.user("u3").await.is_err());
}

#[tokio::test]
async fn the_permissions_of_a_role_come_from_the_api() {
    let fake = fake(|_| {
        let scopes = json!([{ "id": "s1", "name": "write" }, { "id": "s2", "name": "read" }]);
        reply(200, &json!([{ "id": "r1", "name": "editor", "scopes": scopes }]))
    })
    .await;
    let options =
        sync::Options { asked: ["logto".into()].into_iter().collect(), ..Default::default() };
    let clients = vec![Arc::new(fake.client_for("logto"))];
    let front = Front::with(ServiceSettings { options, clients, ..Default::default() }).await;
    let body = json!({
        "event": "OrganizationRole.Created",
        "createdAt": "2026-02-01T13:00:00.500Z",
        "data": { "id": "r1", "name": "editor" },
    });

    front.receive(&Signed::new("logto", body.to_string())).await;
    refetch::fetch_due(&front.service.users).await.expect("the marks are fetched");

    let sql = "select key || ' ' || permissions::text from neon_auth.roles_sync where id = 'r1'";
    let role: String = front.one(sql, &[]).await.get(0);
    assert_eq!(role, "editor {write,read}");
}
