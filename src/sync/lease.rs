//! One process at a time among all replicas: its holder renews the lease in the database regularly.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::readings;
use crate::db::leases;

/// A holder that does not renew for this long counts as dead.
const TERM: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("another backfill or reconcile of this source is running")]
    Busy,
    #[error("the lease was lost: another one may have taken over")]
    Lost,
}

/// The lease of the backfills and reconciles of a source.
pub(super) fn of_runs(source: &str) -> String {
    format!("sync {source}")
}

/// Works while no other process holds this lease; if it is lost, the work is dropped.
pub(super) async fn holding<T, E: From<Error> + From<readings::Error>>(
    pool: &Pool,
    name: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let lease = Lease::take(pool, name).await?.ok_or(Error::Busy)?;
    let result = tokio::select! {
        result = work => result,
        () = lease.lost.cancelled() => Err(Error::Lost.into()),
    };
    lease.release().await;
    result
}

/// A lease that is ours until it is released or lost.
struct Lease {
    name: String,
    holder: Uuid,
    pool: Pool,
    lost: CancellationToken,
    renewal: AbortHandle,
}

impl Lease {
    /// `None` if another process has it.
    async fn take(pool: &Pool, name: &str) -> Result<Option<Self>, readings::Error> {
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

    /// Releases the lease at once for the next process. If this fails, the lease ends with its term.
    async fn release(self) {
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
            // The lease is ours until its term ends.
            Ok(None) | Err(_) if last.elapsed() < TERM / 2 => {}
            Ok(None) | Err(_) => break,
        }
    }
    tracing::warn!(lease = name, "the lease was lost");
    lost.cancel();
}
