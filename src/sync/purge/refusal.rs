//! Why a row stays, or a whole round fails.

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{Client, Error};

use crate::db::{blame, mirror};
use crate::model::{DeletePolicy, Kind};

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
    kind: Kind,
) -> Result<String, PurgeError> {
    match (refusal(&error, kind), explained(client, error, policy).await) {
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

fn refusal(error: &Error, kind: Kind) -> Option<String> {
    let db = error.as_db_error().filter(|_| blame::is_on_the_row(error))?;
    let table = db.schema().zip(db.table()).map(|(schema, table)| format!(" on {schema}.{table}"));
    let table = table.unwrap_or_default();
    let what = db.constraint().map_or_else(
        || format!("SQLSTATE {}{table}", db.code().code()),
        |constraint| format!("constraint {constraint}{table}"),
    );
    if matches!(*db.code(), SqlState::FOREIGN_KEY_VIOLATION | SqlState::RESTRICT_VIOLATION) {
        return Some(format!(
            "{what} refers to the {kind}{} and has no ON DELETE action: give it CASCADE or SET NULL, or remove the rows that refer to it",
            or_what_hangs(kind)
        ));
    }
    Some(format!("{what} {}", remedy(db)))
}

/// Postgres does not say which of the tables of one purge a foreign key refers to.
fn or_what_hangs(kind: Kind) -> String {
    let hangs = |mirror: &&mirror::Mirror| mirror.references().any(|(_, to)| to == kind);
    let hanging = mirror::ALL.iter().filter(hangs).map(|mirror| mirror.kind.plural());
    hanging.map(|plural| format!(" or its {plural}")).collect()
}

fn remedy(error: &DbError) -> &'static str {
    match *error.code() {
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
