//! One at a time, among all replicas: a lease that is held by telling the database so again and again.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::db::leases;

/// After this long a holder that says nothing is taken for dead.
const TERM: Duration = Duration::from_secs(30);

/// Ours until it is released, or lost.
pub struct Lease {
    name: String,
    holder: Uuid,
    pool: Pool,
    lost: CancellationToken,
    renewal: AbortHandle,
}

impl Lease {
    /// `None` where somebody else has it.
    pub async fn take(pool: &Pool, name: &str) -> Result<Option<Self>, super::readings::Error> {
        let holder = Uuid::new_v4();
        let client = pool.get().await?;
        if !leases::take(&client, name, holder, TERM.as_secs_f64()).await? {
            return Ok(None);
        }
        let lost = CancellationToken::new();
        let renewal = renew(pool.clone(), name.to_owned(), holder, lost.clone());
        let renewal = tokio::spawn(renewal).abort_handle();
        Ok(Some(Self { name: name.to_owned(), holder, pool: pool.clone(), lost, renewal }))
    }

    /// Ends when the lease could not be held.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Lets the next one have it at once. Where this fails the term ends it.
    pub async fn release(self) {
        self.renewal.abort();
        if let Ok(client) = self.pool.get().await {
            let _ = leases::release(&client, &self.name, self.holder).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

async fn renew(pool: Pool, name: String, holder: Uuid, lost: CancellationToken) {
    let mut last = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(TERM / 4).await;
        let renewal = async {
            let client = pool.get().await.ok()?;
            leases::take(&client, &name, holder, TERM.as_secs_f64()).await.ok()
        };
        match tokio::time::timeout(TERM / 4, renewal).await {
            Ok(Some(true)) => last = tokio::time::Instant::now(),
            Ok(Some(false)) => break,
            // It is ours as long as the term runs.
            Ok(None) | Err(_) if last.elapsed() < TERM / 2 => {}
            Ok(None) | Err(_) => break,
        }
    }
    tracing::warn!(lease = name, "the lease was lost");
    lost.cancel();
}
