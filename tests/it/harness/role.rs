//! Roles of the server, and their rights.

use tokio_postgres::Client;

use super::{TestDatabase, as_role};

/// A role of one test, which the whole server shares.
pub(crate) struct Role {
    pub(crate) name: String,
    client: Client,
}

impl Role {
    pub(crate) async fn new(database: &TestDatabase, like: &str) -> Self {
        let name = format!("{like} {}", uuid::Uuid::new_v4().simple());
        let role = Self { name, client: database.client().await };
        role.execute(&format!("create role {} login", role.quoted())).await;
        role
    }

    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.name.replace('"', "\"\""))
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.expect(sql);
    }

    /// Whether the role may run this statement.
    pub(crate) async fn may(&self, sql: &str) -> bool {
        let sql = format!("begin; set local role {}; {sql}; rollback", self.quoted());
        let result = self.client.batch_execute(&sql).await;
        if result.is_err() {
            self.execute("rollback").await;
        }
        result.is_ok()
    }

    /// A database's URL under this role's name.
    pub(crate) fn url(&self, database: &TestDatabase) -> String {
        as_role(database.url(), &self.name.replace(' ', "%20"))
    }

    pub(crate) async fn remove(self) {
        let role = self.quoted();
        self.execute(&format!("drop owned by {role}; drop role {role}")).await;
    }
}
