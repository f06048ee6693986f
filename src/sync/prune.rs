//! Removes journal rows past their retention and the keys of old requests, and reports what must not be removed.

use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{Client, Error};

use crate::db::journal::{Lingering, Pruned};
use crate::db::mirror::lost;
use crate::db::{findings, journal, requests};
use crate::model::Subject;

/// Rows in one transaction, so that no lock is held for long.
const STEP: u16 = 5_000;
/// How long the key of a request that created a user is kept.
const REQUESTS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// After this long, the operator probably does not know about a quarantined delivery.
const LINGERS: SignedDuration = SignedDuration::from_hours(7 * 24);
const EVERY: Duration = Duration::from_secs(600);

/// Removes journal rows that are older than `retention` and not in quarantine, now and every ten minutes; never
/// returns.
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

async fn prune_once(pool: &Pool, retention: SignedDuration) -> Result<i64, String> {
    let client = pool.get().await.map_err(|error| crate::error_chain(&error))?;
    requests::prune(&client, Timestamp::now() - REQUESTS)
        .await
        .map_err(|error| crate::error_chain(&error))?;
    look_at_quarantine(&client).await.map_err(|error| crate::error_chain(&error))?;
    look_at_lost_rows(&client).await.map_err(|error| crate::error_chain(&error))?;
    let before = Timestamp::now() - retention;
    let (mut removed, mut after) = (0, None);
    loop {
        // Each step begins where the last one ended, so that it passes each quarantined row only once.
        let pruned = journal::prune(&client, before, STEP.into(), after).await;
        let Pruned { rows, last } = pruned.map_err(|error| crate::error_chain(&error))?;
        removed += rows;
        if rows < i64::from(STEP) {
            return Ok(removed);
        }
        after = last;
    }
}

/// Counts the users without a row again, only while there is a finding about them: the count walks over the tables.
async fn look_at_lost_rows(client: &Client) -> Result<(), Error> {
    let found = findings::counts(client).await?;
    if found.iter().any(|(subject, _)| subject == Subject::Mirror.as_str()) {
        lost::report(client).await?;
    }
    Ok(())
}

/// Sets a finding about each source with deliveries that have long been in quarantine, and clears the others.
pub async fn look_at_quarantine(client: &Client) -> Result<(), Error> {
    let lingering = journal::lingering(client, Timestamp::now() - LINGERS).await?;
    for found in &lingering {
        findings::set(client, Subject::Quarantine, &found.source, &detail(found)).await?;
    }
    let still: Vec<_> = lingering.iter().map(|found| found.source.as_str()).collect();
    findings::settle(client, Subject::Quarantine, &still).await
}

fn detail(Lingering { deliveries, oldest, .. }: &Lingering) -> String {
    let noun = if *deliveries == 1 { "delivery" } else { "deliveries" };
    let oldest = oldest.strftime("%Y-%m-%d");
    format!(
        "{deliveries} {noun} in quarantine since {oldest}, perhaps the only copy of a change that was acknowledged: see /admin or `GET /api/deliveries?outcome=quarantined`, then `users-sync replay --quarantined`; --discard removes them"
    )
}
