//! Every user of a provider into the table, page by page; an interrupted backfill goes on where it stood.

use super::ending::Ending;
use super::guard::{self, Refusal, Wanted};
use super::lease;
use super::readings::{self, Readings};
use super::{Skipped, Tables};
use crate::api::{self, Client, Incomplete, Page, Walk};
use crate::db::readings::Standing;
use crate::db::runs::{self, Counts, Kind, Run};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    #[error(transparent)]
    Lease(#[from] lease::Error),
    /// What the list had is written.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// Nothing is written.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        readings::Error::from(error).into()
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        readings::Error::from(error).into()
    }
}

/// Where a backfill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub counts: Counts,
    /// Users that an interrupted run had seen before this one went on.
    pub resumed: i64,
    /// Where there are any, the run is not whole.
    pub skipped: Skipped,
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
    let database = tables.pool().get().await?;
    let unfinished = runs::resumable(&database, Kind::Backfill, client.source()).await?;
    let mut run = match unfinished.filter(|_| !from_start) {
        Some(run) => run,
        None => runs::begin(&database, Kind::Backfill, client.source()).await?,
    };
    drop(database);
    let resumed = run.counts.seen;
    let report = |counts, skipped| report(Progress { counts, resumed, skipped });
    let result = Filling::new(tables, client, &mut run).pages(report).await;
    if matches!(result, Err(Error::Incomplete(_))) {
        // Where a list goes wrong, it is read from its start the next time.
        run.cursor = None;
    }
    close(tables, client, &run, &result).await?;
    result.map(|skipped| Progress { counts: run.counts, resumed, skipped })
}

/// A run at work.
struct Filling<'a> {
    tables: &'a Tables,
    client: &'a Client,
    run: &'a mut Run,
    writer: Readings,
    skipped: Skipped,
}

impl<'a> Filling<'a> {
    fn new(tables: &'a Tables, client: &'a Client, run: &'a mut Run) -> Self {
        // Why an interrupted run left users out is not known any more.
        let unreadable = u64::try_from(run.counts.unreadable).unwrap_or_default();
        let skipped = Skipped { unreadable, ..Skipped::default() };
        Self { tables, client, run, writer: Readings::new(tables), skipped }
    }

    /// The next page is on its way while one is written.
    async fn pages(mut self, mut report: impl FnMut(Counts, Skipped)) -> Result<Skipped, Error> {
        let (client, pool) = (self.client, self.tables.pool());
        // Rows of no source are nobody's here: nothing is deleted.
        let wanted = Wanted { sole: false, allow_deletes: 0 };
        guard::known::<Error>(pool, client, wanted).await?;
        let Counts { seen, unreadable, .. } = self.run.counts;
        let earlier = u64::try_from(seen + unreadable).unwrap_or_default();
        let mut walk = Walk::resume(self.run.cursor.clone());
        let mut next = walk.next(client).await?;
        report(self.run.counts, self.skipped);
        while let Some(page) = next.take() {
            let cursor = page.next.clone();
            let (following, written) = tokio::join!(walk.next(client), self.write(page));
            written?;
            // Only what is committed is left behind.
            self.run.cursor = cursor;
            let database = pool.get().await?;
            runs::progress(&database, self.run).await?;
            report(self.run.counts, self.skipped);
            next = following?;
        }
        walk.finish(client, earlier).await?;
        Ok(self.skipped)
    }

    async fn write(&mut self, page: Page) -> Result<(), readings::Error> {
        let standings = self.writer.compare(&page.users).await?;
        let seen = length(page.users.len());
        self.skipped.unreadable += page.unreadable as u64;
        let (mut news, mut stood) = (Vec::new(), Vec::new());
        for (reading, standing) in page.users.into_iter().zip(standings) {
            match standing {
                Standing::Missing | Standing::Stale(_) | Standing::Touched => {
                    news.push(reading);
                    stood.push(standing);
                }
                Standing::Foreign => self.skipped.foreign += 1,
                Standing::Same | Standing::Deleted(_) | Standing::Purged => {}
            }
        }
        self.writer.accept(&news).await?;
        self.skipped.refused = self.writer.refused();
        let counts = &mut self.run.counts;
        for (reading, standing) in news.iter().zip(stood) {
            let is_written = !self.writer.has_left_out(reading.change.key());
            counts.missing += i64::from(is_written && standing == Standing::Missing);
            counts.stale += i64::from(is_written && matches!(standing, Standing::Stale(_)));
        }
        counts.seen += seen;
        counts.unreadable = self.skipped.counted();
        Ok(())
    }
}

pub(super) fn length(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

async fn close(
    tables: &Tables,
    client: &Client,
    run: &Run,
    result: &Result<Skipped, Error>,
) -> Result<(), Error> {
    let ending = match result {
        Ok(skipped) => Ending::whole(skipped),
        Err(error @ Error::Refused(_)) => Ending::refused(error),
        Err(error @ (Error::Api(_) | Error::Incomplete(_))) => Ending::failed(error),
        Err(error @ (Error::Readings(_) | Error::Lease(_))) => Ending::interrupted(error),
    };
    if let Ok(skipped) = result {
        skipped.tell(client);
    }
    let database = tables.pool().get().await?;
    runs::progress(&database, run).await?;
    Ok(ending.record(&database, Kind::Backfill, client, run).await?)
}
