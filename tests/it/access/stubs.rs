//! A row for an organization before the provider's delivery comes.

use serde_json::json;

use super::{Stage, clerk, clerk_admin, clerk_organization};

#[tokio::test]
async fn an_organization_can_be_referred_to_before_it_comes() {
    let stage = Stage::new().await;
    stage
        .execute(
            "create table public.projects
                 (organization_id text references neon_auth.organizations_sync (id));
             select users_sync.ensure_organization('o1'), users_sync.ensure_organization('o1');
             insert into public.projects values ('o1')",
        )
        .await;

    let mark = "(select count(*) = 1 from users_sync.marks
        where source = '' and kind = 'organization' and id = 'o1')";
    assert!(stage.is(mark).await);
    stage.receive(&[clerk_organization(1, "o1")]).await;
    assert!(stage.is("(select name = 'o1' from neon_auth.organizations_active)").await);
}

#[tokio::test]
async fn an_organization_that_was_purged_gets_no_row() {
    let stage = Stage::new().await;
    stage.receive(&clerk_admin()).await;
    stage.receive(&[clerk("organization.deleted", 5, json!({ "id": "o1" }))]).await;
    stage
        .execute(
            "update users_sync.ledger set purged_at = now() where kind = 'organization';
             delete from neon_auth.organizations_sync",
        )
        .await;

    let refused = stage.client.batch_execute("select users_sync.ensure_organization('o1')").await;

    let error = refused.expect_err("it stays away");
    let words = error.as_db_error().map(|error| error.message().to_owned());
    assert_eq!(words.as_deref(), Some("the organization was deleted and purged"));
}

#[tokio::test]
async fn an_id_that_no_row_can_have_is_refused() {
    let stage = Stage::new().await;

    for id in ["null", "''", "' '", "repeat('x', 256)"] {
        let sql = format!("select users_sync.ensure_organization({id})");
        assert!(stage.client.batch_execute(&sql).await.is_err(), "{id}");
    }
}
