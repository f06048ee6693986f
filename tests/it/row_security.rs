//! Row security that an application puts on the mirror also applies to the view.

use serde_json::json;
use uuid::Uuid;

use crate::harness::{Service, Signed, TestDatabase, body};

fn created(id: &str, banned: bool) -> Signed {
    let data = json!({ "banned": banned });
    Signed::new("clerk", body("clerk", "user.created", id, &data).to_string())
}

#[tokio::test]
async fn users_active_hides_banned_users_and_rows_hidden_by_row_security() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    for (id, banned) in [("seen", false), ("hidden", false), ("banned", true)] {
        assert_eq!(service.post(&created(id, banned)).await.outcome(), "applied");
    }
    let role = format!("reader_{}", Uuid::new_v4().simple());
    let secure = format!(
        "create role {role};
        grant usage on schema neon_auth to {role};
        grant select on neon_auth.users_sync, neon_auth.users_active to {role};
        alter table neon_auth.users_sync enable row level security;
        create policy not_hidden on neon_auth.users_sync for select using (id <> 'hidden')"
    );
    client.batch_execute(&secure).await.expect("the test owns it");

    client.batch_execute(&format!("set role {role}")).await.expect("the role can be set");
    let sql = "select id from neon_auth.users_active order by id";
    let rows = client.query(sql, &[]).await.expect("it may be read");
    let ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let ledger = client.query("select from users_sync.disabled_users", &[]).await;
    client.batch_execute("reset role").await.expect("the role can be reset");
    let remove = format!("drop owned by {role}; drop role {role}");
    client.batch_execute(&remove).await.expect("the test owns it");

    let sql = "select current_setting('server_version_num')::integer";
    let version: i32 = client.query_one(sql, &[]).await.expect("it answers").get(0);
    // Before PostgreSQL 15 a view cannot read with the rights of its reader.
    let expected = if version >= 150_000 { vec!["seen"] } else { vec!["hidden", "seen"] };
    assert_eq!(ids, expected);
    assert!(ledger.is_err(), "a reader can list the disabled users");
    assert_eq!(service.post(&created("later", false)).await.outcome(), "applied");
}
