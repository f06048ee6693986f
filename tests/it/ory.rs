//! Ory: its API, whose links are relative and whose errors have no names.

use serde_json::{Value, json};
use users_sync::api::{Found, Walk};
use users_sync::model::Kind;

use crate::harness::{Fake, Reply, reply};

fn identity(id: &str) -> Value {
    json!({
        "id": id,
        "state": "active",
        "traits": { "email": format!("{id}@example.com") },
        "created_at": "2026-04-05T06:07:08Z",
        "updated_at": "2026-04-05T06:07:08Z",
    })
}

fn not_found(message: &str) -> Reply {
    let error = json!({ "code": 404, "status": "Not Found", "message": message });
    reply(404, &json!({ "error": error }))
}

#[tokio::test]
async fn a_walk_follows_relative_links_to_the_next_page() {
    let fake = Fake::new(|got, _| {
        if got.uri.contains("page_token=t2") {
            return reply(200, &json!([identity("i2")]));
        }
        let link = "</admin/identities?page_size=250&page_token=t1>; rel=\"first\",</admin/identities?page_size=250&page_token=t2>; rel=\"next\"";
        (200, vec![("link", link.to_owned())], json!([identity("i1")]).to_string())
    })
    .await;
    let client = fake.client_for("ory");
    let (mut walk, mut met) = (Walk::new(Kind::User), 0);

    while let Some(page) = walk.next(&client).await.expect("a page") {
        met += page.readings.len();
    }

    assert_eq!(met, 2);
    assert_eq!(fake.got("/api/admin/identities")[0].header("authorization"), "Bearer ORY_API_KEY");
}

#[tokio::test]
async fn an_identity_is_gone_only_in_the_words_of_the_api() {
    let fake = Fake::new(|got, _| match got.uri.as_str() {
        "/api/admin/identities/i1" => reply(200, &identity("i1")),
        "/api/admin/identities/i2" => not_found("Unable to locate the resource"),
        _ => not_found("The requested resource could not be found"),
    })
    .await;
    let client = fake.client_for("ory");

    assert!(matches!(client.user("i1").await, Ok(Found::Shown { .. })));
    assert!(matches!(client.user("i2").await, Ok(Found::Missing(_))));
    assert!(client.user("i3").await.is_err());
}
