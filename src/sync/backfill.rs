//! Every user of a provider into the table, page by page; an interrupted backfill goes on where it stood.

use crate::api::{self, Client, Page, Walk};
use crate::db::readings::Standing;
use crate::db::runs::{self, Counts, Kind, Outcome, Run};
use crate::model::Reading;

use super::Tables;
use super::lease;
use super::readings::{self, Readings};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    #[error(transparent)]
    Lease(#[from] lease::Error),
}

/// Where a backfill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub counts: Counts,
    /// Users that an interrupted run had seen before this one went on.
    pub resumed: i64,
}

/// Writes every user that the provider has; `from_start` forgets an interrupted run.
pub async fn backfill(
    tables: &Tables,
    client: &Client,
    from_start: bool,
    mut report: impl FnMut(Progress),
) -> Result<Progress, Error> {
    let work = Box::pin(whole(tables, client, from_start, &mut report));
    lease::holding(tables.pool(), client.source(), work).await
}

async fn whole(
    tables: &Tables,
    client: &Client,
    from_start: bool,
    report: &mut impl FnMut(Progress),
) -> Result<Progress, Error> {
    let database = tables.pool().get().await.map_err(readings::Error::from)?;
    let unfinished = runs::resumable(&database, Kind::Backfill, client.source())
        .await
        .map_err(readings::Error::from)?
        .filter(|_| !from_start);
    let mut run = match unfinished {
        Some(run) => run,
        None => runs::begin(&database, Kind::Backfill, client.source())
            .await
            .map_err(readings::Error::from)?,
    };
    drop(database);
    let resumed = run.counts.seen;
    let result =
        pages(tables, client, &mut run, |counts| report(Progress { counts, resumed })).await;
    close(tables, &run, result.as_ref().err()).await?;
    result.map(|()| Progress { counts: run.counts, resumed })
}

/// The next page is on its way while one is written.
async fn pages(
    tables: &Tables,
    client: &Client,
    run: &mut Run,
    mut report: impl FnMut(Counts),
) -> Result<(), Error> {
    let mut walk = Walk::resume(run.cursor.clone());
    let mut writer = Readings::new(tables);
    let mut next = walk.next(client).await?;
    report(run.counts);
    while let Some(page) = next.take() {
        let cursor = page.next.clone();
        let (following, written) =
            tokio::join!(walk.next(client), write(&mut writer, page, &mut run.counts));
        written?;
        // Only what is committed is left behind.
        run.cursor = cursor;
        let database = tables.pool().get().await.map_err(readings::Error::from)?;
        runs::progress(&database, run).await.map_err(readings::Error::from)?;
        report(run.counts);
        next = following?;
    }
    Ok(())
}

async fn write(
    writer: &mut Readings,
    page: Page,
    counts: &mut Counts,
) -> Result<(), readings::Error> {
    let standings = writer.compare(&page.users).await?;
    let (mut news, mut missing, mut stale): (Vec<Reading>, i64, i64) = (Vec::new(), 0, 0);
    counts.seen += length(page.users.len());
    counts.unreadable += length(page.unreadable);
    for (reading, standing) in page.users.into_iter().zip(standings) {
        match standing {
            Standing::Missing => missing += 1,
            Standing::Stale(_) => stale += 1,
            Standing::Same | Standing::Deleted(_) | Standing::Purged => continue,
        }
        news.push(reading);
    }
    writer.accept(&news).await?;
    counts.missing += missing;
    counts.stale += stale;
    Ok(())
}

pub(super) fn length(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

async fn close(tables: &Tables, run: &Run, error: Option<&Error>) -> Result<(), Error> {
    let database = tables.pool().get().await.map_err(readings::Error::from)?;
    let reason = error.map(|error| crate::error_chain(error));
    let outcome = if error.is_some() { Outcome::Failed } else { Outcome::Done };
    let closed = runs::finish(&database, run, outcome, reason.as_deref()).await;
    Ok(closed.map_err(readings::Error::from)?)
}
