//! Users whose raw_json has no text: a number of eight bytes may have 131,001 digits, and any end user may write some.

use serde_json::json;

use super::{command, deleted_user, row};
use crate::harness::{Service, Signed, TestDatabase, body};

/// A delivery whose text in Postgres would have more than a gigabyte.
fn endless(id: &str) -> Signed {
    let body = body("clerk", "user.created", id, &json!({ "unsafe_metadata": "HERE" })).to_string();
    let numbers = format!("[{}0]", "1e131000,".repeat(10_000));
    Signed::new("clerk", body.replace("\"HERE\"", &numbers))
}

#[tokio::test]
async fn a_user_with_endless_numbers_can_be_shown_and_erased() {
    for mode in ["--hard", "--json"] {
        let database = TestDatabase::new().await;
        let (client, service) = (database.client().await, Service::start(database.url()).await);
        assert_eq!(service.post(&endless("ada")).await.outcome(), "applied");

        let shown = service.api("GET", "/api/users/ada", json!(null)).await;
        let page = command(&database, "soft", &["users", "get", "ada"]).await;
        let said = command(&database, "soft", &["users", "erase", "ada", mode]).await;

        assert_eq!((shown.status, &shown.body["name"]), (200, &json!("Ada Lovelace")));
        assert_eq!(page.code, 0, "{page:?}");
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(row(&client, "ada").await["name"], json!(null));
    }
}

#[tokio::test]
async fn a_deleted_user_with_endless_numbers_is_purged() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, Service::start(database.url()).await);
    deleted_user(&service, "ada", 31).await;
    let numbers = format!("[{}0]", "1e131000,".repeat(10_000));
    let sql = format!("update neon_auth.users_sync set raw_json = '{numbers}'");
    client.batch_execute(&sql).await.expect("it is ours");

    let said = command(&database, "scrub:30d", &["purge", "--json"]).await;

    assert_eq!(said.json()["emptied"], 1);
    assert_eq!(row(&client, "ada").await["raw_json"], json!({ "id": "ada" }));
}
