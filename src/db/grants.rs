//! The roles that may read the mirrors and the views over them and may call the functions of access, and no other object of ours.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, GenericClient};

use super::mirror;

/// The schemas, views and functions that an application may use besides the mirrors.
const SCHEMAS: [&str; 2] = ["neon_auth", "users_sync"];
const VIEWS: [&str; 3] =
    ["neon_auth.users_active", "neon_auth.organizations_active", "neon_auth.memberships_active"];
const FUNCTIONS: [&str; 3] =
    ["users_sync.is_active", "users_sync.has_role", "users_sync.has_permission"];

/// The rights of one role on the mirrors.
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
    let tables = mirror::ALL.iter().map(|mirror| mirror.table);
    let relations: Vec<_> = tables.chain(VIEWS).collect();
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&roles, Type::TEXT_ARRAY),
        (&&SCHEMAS[..], Type::TEXT_ARRAY),
        (&relations, Type::TEXT_ARRAY),
        (&&FUNCTIONS[..], Type::TEXT_ARRAY),
    ];
    let rows = client.query_typed(statement, &params).await?;
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
