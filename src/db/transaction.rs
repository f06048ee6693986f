//! Settings of one transaction.

use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};

/// How long a transaction waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a lock of another session.
    pub lock: Duration,
    /// For one statement; `None` keeps the session's limit.
    pub statement: Option<Duration>,
}

/// Limits the waits of this transaction.
pub async fn limit(transaction: &Transaction<'_>, limits: Limits) -> Result<(), Error> {
    let Limits { lock, statement } = limits;
    let milliseconds = |limit: Duration| format!("{}ms", limit.as_millis());
    let (lock, statement) = (milliseconds(lock), statement.map(milliseconds));
    let sql = include_str!("../../sql/sync/limits.sql");
    transaction.query_typed(sql, &[(&lock, Type::TEXT), (&statement, Type::TEXT)]).await?;
    Ok(())
}

/// Fails if a deferred constraint would refuse the commit.
pub async fn check_deferred(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.batch_execute(include_str!("../../sql/sync/check_deferred.sql")).await
}
