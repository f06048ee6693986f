//! Why a row stays, or a whole round fails.

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{Client, Error};

use crate::db::rights;
use crate::model::DeletePolicy;

#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    #[error(
        "our role lacks {0}: the owner of the tables has to run what `users-sync migrate --print-grants` prints with this DELETE_POLICY"
    )]
    Rights(String),
    #[error("the database refused to purge")]
    Database(#[from] Error),
}

/// Why Postgres will not let a row go, in words without values; an error where it is no row's fault.
pub(super) async fn refused(
    client: &Client,
    error: Error,
    policy: DeletePolicy,
) -> Result<String, PurgeError> {
    match (refusal(&error), explained(client, error, policy).await) {
        (Some(reason), PurgeError::Database(_)) => Ok(reason),
        (_, error) => Err(error),
    }
}

/// A trigger may say the same as a server that refuses our role, so the role's rights are looked at.
pub(super) async fn explained(client: &Client, error: Error, policy: DeletePolicy) -> PurgeError {
    if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
        && let Ok(missing) = rights::missing(client, policy).await
        && !missing.is_empty()
    {
        return PurgeError::Rights(missing.join(", "));
    }
    error.into()
}

fn refusal(error: &Error) -> Option<String> {
    let error = error.as_db_error()?;
    let table =
        error.schema().zip(error.table()).map(|(schema, table)| format!(" on {schema}.{table}"));
    let table = table.unwrap_or_default();
    let what = error.constraint().map_or_else(
        || format!("SQLSTATE {}{table}", error.code().code()),
        |constraint| format!("constraint {constraint}{table}"),
    );
    Some(format!("{what} {}", remedy(error)?))
}

/// The server's own troubles: a connection, its resources, a login, a database, a shutdown, a disk, a defect, or a server
/// that only reads. Whatever else it says, a trigger or a constraint of the application may have said.
const OF_THE_SERVER: [&str; 8] = ["08", "53", "28", "3D", "57P", "58", "XX", "25"];

fn remedy(error: &DbError) -> Option<&'static str> {
    let code = error.code();
    if OF_THE_SERVER.iter().any(|class| code.code().starts_with(class)) {
        return None;
    }
    Some(match *code {
        SqlState::FOREIGN_KEY_VIOLATION | SqlState::RESTRICT_VIOLATION => {
            "refers to the user and has no ON DELETE action: give it CASCADE or SET NULL, or remove the rows that refer to it"
        }
        SqlState::NOT_NULL_VIOLATION => {
            "would become null by ON DELETE SET NULL, but is not null: allow null, or use CASCADE"
        }
        SqlState::QUERY_CANCELED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE => {
            "held the row up for too long: a lock, or a foreign key without an index on its columns"
        }
        _ => "does not let the row go: a constraint or a trigger of the application",
    })
}
