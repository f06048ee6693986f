//! The main job: a signed webhook becomes a row.

use serde_json::{Value, json};

use crate::harness::{Service, Signed, TestDatabase, body};

#[tokio::test]
async fn a_signed_delivery_is_a_row_by_the_time_of_its_answer() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let user = json!({ "first_name": "Grace", "last_name": "Hopper" });

    let answer = service
        .post(&Signed::new("clerk", body("clerk", "user.created", "user_1", &user).to_string()))
        .await;

    assert_eq!(answer.outcome(), "applied");
    let row = database
        .client()
        .await
        .query_one(
            "select name, email, raw_json from neon_auth.users_sync where id = 'user_1'",
            &[],
        )
        .await
        .expect("the row is there");
    assert_eq!(row.get::<_, &str>("name"), "Grace Hopper");
    assert_eq!(row.get::<_, &str>("email"), "ada@example.com");
    assert_eq!(row.get::<_, Value>("raw_json")["first_name"], "Grace");
}
