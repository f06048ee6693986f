//! How far the event logs of the providers have been read.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// `None` if the log of this source has not been read.
pub async fn cursor(client: &Client, source: &str) -> Result<Option<String>, Error> {
    let statement = include_str!("../../sql/logs/cursor.sql");
    let row = client.query_typed_opt(statement, &[(&source, Type::TEXT)]).await?;
    row.map(|row| row.try_get("cursor")).transpose()
}

/// Records the place after events that are committed.
pub async fn move_to(client: &Client, source: &str, cursor: &str) -> Result<(), Error> {
    let statement = include_str!("../../sql/logs/move.sql");
    client.execute_typed(statement, &[(&source, Type::TEXT), (&cursor, Type::TEXT)]).await?;
    Ok(())
}

/// The next reading begins at the start of the log.
pub async fn forget(client: &Client, source: &str) -> Result<(), Error> {
    let statement = include_str!("../../sql/logs/forget.sql");
    client.execute_typed(statement, &[(&source, Type::TEXT)]).await?;
    Ok(())
}
