//! Forgetting: journal rows past their retention, and the keys of old requests.

use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};

use crate::db::{journal, requests};

/// Rows in one transaction, so that no lock is held for long.
const STEP: u16 = 5_000;
/// How long the key of a request that created a user is remembered.
const REQUESTS: SignedDuration = SignedDuration::from_hours(7 * 24);
const EVERY: Duration = Duration::from_secs(600);

/// Removes what is older than `retention`, now and every ten minutes; never returns.
pub async fn prune(pool: Pool, retention: SignedDuration) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        match prune_once(&pool, retention).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old rows of the journal were removed"),
            Err(error) => tracing::warn!(error, "old rows of the journal could not be removed"),
        }
    }
}

async fn prune_once(pool: &Pool, retention: SignedDuration) -> Result<u64, String> {
    let client = pool.get().await.map_err(|error| crate::error_chain(&error))?;
    requests::prune(&client, Timestamp::now() - REQUESTS)
        .await
        .map_err(|error| crate::error_chain(&error))?;
    let before = Timestamp::now() - retention;
    let mut removed = 0;
    loop {
        let rows = journal::prune(&client, before, STEP.into())
            .await
            .map_err(|error| crate::error_chain(&error))?;
        removed += rows;
        if rows < u64::from(STEP) {
            return Ok(removed);
        }
    }
}
