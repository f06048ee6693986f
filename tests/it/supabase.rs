//! Supabase: retries under new ids, and its API.

use serde_json::{Value, json};
use users_sync::api::{Found, Walk};
use users_sync::model::Kind;

use crate::harness::{Fake, Front, Signed, reply};

fn user(id: &str) -> Value {
    json!({
        "id": id,
        "email": format!("{id}@example.com"),
        "user_metadata": { "name": "Noor Haddad" },
        "created_at": "2026-02-03T10:15:30Z",
        "updated_at": "2026-02-03T10:15:30Z",
    })
}

#[tokio::test]
async fn a_retry_under_another_id_is_a_duplicate() {
    let front = Front::new().await;
    let metadata = json!({ "uuid": "5a0f3a38-7c1b-4c34-9f0d-1", "name": "after-user-created" });
    let body = json!({ "metadata": metadata, "user": user("u1") }).to_string();
    let (first, second) = (Signed::new("supabase", body.clone()), Signed::new("supabase", body));

    assert_ne!(first.id, second.id);
    assert_eq!(front.receive(&first).await, "applied");
    assert_eq!(front.receive(&second).await, "duplicate");
}

#[tokio::test]
async fn a_walk_follows_the_links_between_pages_in_the_order_of_creation() {
    let fake = Fake::new(|got, _| {
        if got.uri.contains("page=2&") {
            let body = json!({ "aud": "authenticated", "users": [user("u2")] }).to_string();
            return (200, vec![("x-total-count", "2".to_owned())], body);
        }
        let link = "</admin/users?page=2&per_page=500>; rel=\"next\", </admin/users?page=2&per_page=500>; rel=\"last\"";
        let body = json!({ "aud": "authenticated", "users": [user("u1")] }).to_string();
        (200, vec![("link", link.to_owned()), ("x-total-count", "2".to_owned())], body)
    })
    .await;
    let client = fake.client_for("supabase");
    let (mut walk, mut met) = (Walk::new(Kind::User), 0);

    while let Some(page) = walk.next(&client).await.expect("a page") {
        met += page.readings.len();
    }

    assert_eq!(met, 2);
    let first = &fake.got("/api/admin/users")[0];
    assert!(first.uri.contains("sort=created_at+asc"), "{}", first.uri);
    assert_eq!(first.header("apikey"), "SUPABASE_SERVICE_ROLE_KEY");
    assert_eq!(first.header("authorization"), "Bearer SUPABASE_SERVICE_ROLE_KEY");
}

#[tokio::test]
async fn a_user_is_gone_only_in_the_words_of_the_api() {
    let fake = Fake::new(|got, _| match got.uri.as_str() {
        "/api/admin/users/u1" => reply(200, &user("u1")),
        "/api/admin/users/u2" => reply(404, &json!({ "code": "user_not_found", "message": "x" })),
        _ => reply(404, &json!({ "message": "no Route matched with those values" })),
    })
    .await;
    let client = fake.client_for("supabase");

    assert!(matches!(client.user("u1").await, Ok(Found::Shown { .. })));
    assert!(matches!(client.user("u2").await, Ok(Found::Missing(_))));
    assert!(client.user("u3").await.is_err());
}
