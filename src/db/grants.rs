//! The roles that may read the mirrors and the views over them, and ask who may do what; and nothing else of ours.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, GenericClient};

use super::mirror;

/// What an application may use besides the mirrors.
const SCHEMAS: [&str; 2] = ["neon_auth", "users_sync"];
const VIEWS: [&str; 3] =
    ["neon_auth.users_active", "neon_auth.organizations_active", "neon_auth.memberships_active"];
const FUNCTIONS: [&str; 3] =
    ["users_sync.is_active", "users_sync.has_role", "users_sync.has_permission"];

/// How a role stands to the mirrors.
pub struct Reader {
    pub role: String,
    /// Whether there is such a role.
    pub known: bool,
    /// Statements that would let it read.
    pub lacking: Vec<String>,
    /// Privileges by which it could write.
    pub writes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no role {role}: create it (`create role {quoted}`), or correct its name", quoted = quoted(role))]
    NoSuchRole { role: String },
    #[error("the owner of neon_auth.users_sync has to say: {0}")]
    NotOurs(String),
    #[error("the database let nobody read")]
    Database(#[from] tokio_postgres::Error),
}

/// How each of these roles stands, in this order.
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

/// The statements that these roles lack; an error where a role is missing.
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

/// Lets these roles read, and answers what it had to grant: all of it or nothing. Takes no right away.
pub async fn grant(client: &mut Client, roles: &[String]) -> Result<Vec<String>, Error> {
    let transaction = client.transaction().await?;
    // Two replicas that grant at a time would disturb each other.
    transaction.query_typed(include_str!("../../sql/schema/lock.sql"), &[]).await?;
    let granted = lacking(&transaction, roles).await?;
    for statement in &granted {
        let refused = |error: tokio_postgres::Error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Error::NotOurs(granted.join("; ")),
            _ => error.into(),
        };
        transaction.batch_execute(statement).await.map_err(refused)?;
    }
    // Who may not grant is sometimes only warned.
    let left = lacking(&transaction, roles).await?;
    if !left.is_empty() {
        return Err(Error::NotOurs(left.join("; ")));
    }
    transaction.commit().await?;
    Ok(granted)
}

/// A role's name as SQL takes it.
pub(super) fn quoted(role: &str) -> String {
    format!("\"{}\"", role.replace('"', "\"\""))
}
