//! A service over its own database, and what the tables hold after it has answered.

use serde_json::Value;
use tokio_postgres::{Client, Row, types::ToSql};
use users_sync::db::mirror;

use super::{Service, ServiceSettings, Signed, TestDatabase};

pub(crate) struct Front {
    pub(crate) service: Service,
    client: Client,
    _database: TestDatabase,
}

impl Front {
    pub(crate) async fn new() -> Self {
        Self::with(ServiceSettings::default()).await
    }

    pub(crate) async fn with(settings: ServiceSettings) -> Self {
        let database = TestDatabase::new().await;
        let service = Service::start_with(database.url(), settings).await;
        let client = database.client().await;
        client.batch_execute("set timezone = 'UTC'").await.expect("a setting");
        Self { service, client, _database: database }
    }

    /// Posts a delivery, and returns its outcome.
    pub(crate) async fn receive(&self, signed: &Signed) -> String {
        self.service.post(signed).await.outcome().to_owned()
    }

    /// The row of a user without its raw_json; null if there is none.
    pub(crate) async fn user(&self, id: &str) -> Value {
        let sql =
            "select (select to_jsonb(u) - 'raw_json' from neon_auth.users_sync u where id = $1)";
        self.one(sql, &[&id]).await.get::<_, Option<Value>>(0).unwrap_or_default()
    }

    /// As text: a number may be greater than a `Value` can hold.
    pub(crate) async fn raw_json(&self, id: &str) -> String {
        self.one("select raw_json::text from neon_auth.users_sync where id = $1", &[&id])
            .await
            .get(0)
    }

    pub(crate) async fn users(&self) -> i64 {
        self.one("select count(*) from neon_auth.users_sync", &[]).await.get(0)
    }

    pub(crate) async fn is_active(&self, id: &str) -> bool {
        let sql = "select exists (select from neon_auth.users_active where id = $1)";
        self.one(sql, &[&id]).await.get(0)
    }

    /// The journal's row of a delivery, without its body.
    pub(crate) async fn journal(&self, delivery: &str) -> Value {
        let sql = "select to_jsonb(j) - 'body' from users_sync.journal j where delivery_id = $1";
        self.one(sql, &[&delivery]).await.get(0)
    }

    pub(crate) async fn kept_body(&self, delivery: &str) -> Option<Vec<u8>> {
        self.one("select body from users_sync.journal where delivery_id = $1", &[&delivery])
            .await
            .get(0)
    }

    /// Posts a delivery that cannot be understood, and checks that the journal keeps it with this reason and no row
    /// comes of it.
    pub(crate) async fn quarantines(&self, signed: &Signed, reason: &str) {
        let users = self.users().await;

        let outcome = self.receive(signed).await;

        assert_eq!(outcome, "quarantined", "expected: {reason}");
        assert_eq!(self.journal(&signed.id).await["reason"], reason);
        assert_eq!(self.kept_body(&signed.id).await.as_deref(), Some(&signed.body[..]), "{reason}");
        assert_eq!(self.users().await, users, "{reason}");
    }

    /// Empties the tables for the next round of a loop: this is cheaper than another database.
    pub(crate) async fn forget(&self) {
        let mirrors = mirror::ALL.iter().map(|mirror| mirror.table).collect::<Vec<_>>().join(", ");
        self.execute(&format!(
            "truncate {mirrors}, users_sync.ledger, users_sync.journal, users_sync.mentions, users_sync.aliases"
        ))
        .await;
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.expect("the statement runs");
    }

    pub(crate) async fn one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Row {
        self.client.query_one(sql, params).await.expect("one row")
    }
}
