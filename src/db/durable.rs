//! Commits that survive a crash of the server.

use tokio_postgres::{Error, Transaction};

/// Makes this transaction's commit durable under any default of the role or the database.
pub async fn durable(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.query_typed(include_str!("../../sql/sync/durable.sql"), &[]).await?;
    Ok(())
}
