//! The roles that may read the mirror and no other table of ours.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient};

/// The rights of one role on the mirror.
pub struct Reader {
    pub role: String,
    /// Whether the role exists.
    pub known: bool,
    /// Statements that would let it read.
    pub lacking: Vec<String>,
    /// Privileges that let it write.
    pub writes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no role {role}: create it (`create role {quoted}`), or correct its name", quoted = quoted(role))]
    NoSuchRole { role: String },
    #[error("the owner of neon_auth.users_sync must run: {0}")]
    NotOurs(String),
    #[error("the database did not grant the right to read")]
    Database(#[from] tokio_postgres::Error),
}

/// The rights of each of these roles, in this order.
pub async fn readers(
    client: &impl GenericClient,
    roles: &[String],
) -> Result<Vec<Reader>, tokio_postgres::Error> {
    let statement = include_str!("../../sql/grants/readers.sql");
    let rows = client.query_typed(statement, &[(&roles, Type::TEXT_ARRAY)]).await?;
    let reader = |row: &tokio_postgres::Row| Reader {
        role: row.get("name"),
        known: row.get("known"),
        lacking: row.get("lacking"),
        writes: row.get("writes"),
    };
    Ok(rows.iter().map(reader).collect())
}

/// The statements that these roles lack; an error if a role does not exist.
pub async fn lacking(client: &impl GenericClient, roles: &[String]) -> Result<Vec<String>, Error> {
    let mut lacking = Vec::new();
    for reader in readers(client, roles).await? {
        if !reader.known {
            return Err(Error::NoSuchRole { role: reader.role });
        }
        lacking.extend(reader.lacking);
    }
    Ok(lacking)
}

/// Lets these roles read, and returns what it granted: all of it or nothing. Revokes no right.
pub async fn grant(client: &mut Client, roles: &[String]) -> Result<Vec<String>, Error> {
    let transaction = client.transaction().await?;
    // Two replicas that grant at the same time would block each other.
    transaction.query_typed(include_str!("../../sql/schema/lock.sql"), &[]).await?;
    let granted = lacking(&transaction, roles).await?;
    for statement in &granted {
        let refused = |error: tokio_postgres::Error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Error::NotOurs(granted.join("; ")),
            _ => error.into(),
        };
        transaction.batch_execute(statement).await.map_err(refused)?;
    }
    // If a role may not grant, Postgres sometimes only warns, so check the result.
    let left = lacking(&transaction, roles).await?;
    if !left.is_empty() {
        return Err(Error::NotOurs(left.join("; ")));
    }
    transaction.commit().await?;
    Ok(granted)
}

/// A role's name quoted for SQL.
pub(super) fn quoted(role: &str) -> String {
    format!("\"{}\"", role.replace('"', "\"\""))
}
