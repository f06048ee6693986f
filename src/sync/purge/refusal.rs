//! Why a row stays, or a whole round fails.

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{Client, Error};

use crate::db::blame;
use crate::model::DeletePolicy;

#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    #[error(
        "our role lacks {0}: the owner of the tables has to grant it, as `users-sync migrate --print-grants` prints"
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

/// Names the rights that are missing, where that is why.
pub(super) async fn explained(client: &Client, error: Error, policy: DeletePolicy) -> PurgeError {
    match blame::missing_rights(client, &error, policy).await {
        Some(missing) => PurgeError::Rights(missing),
        None => error.into(),
    }
}

fn refusal(error: &Error) -> Option<String> {
    let db = error.as_db_error().filter(|_| blame::is_on_the_row(error))?;
    let table = db.schema().zip(db.table()).map(|(schema, table)| format!(" on {schema}.{table}"));
    let table = table.unwrap_or_default();
    let what = db.constraint().map_or_else(
        || format!("SQLSTATE {}{table}", db.code().code()),
        |constraint| format!("constraint {constraint}{table}"),
    );
    Some(format!("{what} {}", remedy(db)))
}

fn remedy(error: &DbError) -> &'static str {
    match *error.code() {
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
    }
}
