//! Writes every entity of a provider into the tables, kind by kind and page by page; an interrupted backfill continues.

use super::ending::Ending;
use super::guard::{self, Refusal, Wanted};
use super::lease;
use super::readings::{self, Readings};
use super::{Skipped, Tables};
use crate::api::{self, Client, Incomplete, Page, Walk};
use crate::db::readings::Standing;
use crate::db::runs::{self, Counts, Run, RunKind, Scope};
use crate::model::Kind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    #[error(transparent)]
    Lease(#[from] lease::Error),
    /// The entities of the list are written.
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

impl Error {
    /// Whether the error concerns only this kind, so that the source's next kinds can be tried.
    pub fn is_of(&self, kind: Kind) -> bool {
        match self {
            Self::Api(error) => kind != Kind::User && !error.is_out_of_reach(),
            Self::Refused(refusal) => refusal.is_about_the_list(),
            Self::Incomplete(_) => true,
            Self::Readings(_) | Self::Lease(_) => false,
        }
    }
}

/// The progress of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub counts: Counts,
    /// The number of entities that the interrupted run had seen before.
    pub resumed: i64,
    /// If there are any, the run is not whole.
    pub skipped: Skipped,
    /// Whether the provider has no such list, because a feature is switched off: nothing was done.
    pub is_off: bool,
}

/// Writes every entity of a kind that the provider has; `from_start` ignores an interrupted run.
pub async fn backfill(
    tables: &Tables,
    client: &Client,
    kind: Kind,
    from_start: bool,
    mut report: impl FnMut(Progress),
) -> Result<Progress, Error> {
    if client.is_off(kind).await {
        let (counts, skipped) = (Counts::default(), Skipped::default());
        return Ok(Progress { counts, resumed: 0, skipped, is_off: true });
    }
    let work = Box::pin(whole(tables, client, kind, from_start, &mut report));
    lease::holding(tables.pool(), &lease::of_runs(client.source()), work).await
}

async fn whole(
    tables: &Tables,
    client: &Client,
    kind: Kind,
    from_start: bool,
    report: &mut impl FnMut(Progress),
) -> Result<Progress, Error> {
    let database = tables.pool().get().await?;
    let scope = Scope { source: client.source(), entity: kind };
    let unfinished = runs::resumable(&database, RunKind::Backfill, scope).await?;
    let mut run = match unfinished.filter(|_| !from_start) {
        Some(run) => run,
        None => runs::begin(&database, RunKind::Backfill, scope).await?,
    };
    drop(database);
    let resumed = run.counts.seen;
    let report = |counts, skipped| report(Progress { counts, resumed, skipped, is_off: false });
    let result = Filling::new(tables, client, kind, &mut run).pages(report).await;
    if matches!(result, Err(Error::Incomplete(_))) {
        // After an incomplete list, the next run starts from the beginning.
        run.cursor = None;
    }
    close(tables, client, kind, &run, &result).await?;
    result.map(|skipped| Progress { counts: run.counts, resumed, skipped, is_off: false })
}

/// A run in progress.
struct Filling<'a> {
    tables: &'a Tables,
    client: &'a Client,
    kind: Kind,
    run: &'a mut Run,
    writer: Readings,
    skipped: Skipped,
}

impl<'a> Filling<'a> {
    fn new(tables: &'a Tables, client: &'a Client, kind: Kind, run: &'a mut Run) -> Self {
        // The reasons of an interrupted run are lost, so its skipped entities count as unreadable.
        let unreadable = u64::try_from(run.counts.unreadable).unwrap_or_default();
        let skipped = Skipped { unreadable, ..Skipped::default() };
        Self { tables, client, kind, run, writer: Readings::new(tables), skipped }
    }

    /// Fetches the next page while one is written.
    async fn pages(mut self, mut report: impl FnMut(Counts, Skipped)) -> Result<Skipped, Error> {
        let (client, pool) = (self.client, self.tables.pool());
        // Rows without a source do not matter here, because a backfill deletes nothing.
        let wanted = Wanted { kind: self.kind, sole: false, allow_deletes: 0 };
        guard::known::<Error>(pool, client, wanted).await?;
        let Counts { seen, unreadable, .. } = self.run.counts;
        let earlier = u64::try_from(seen + unreadable).unwrap_or_default();
        let mut walk = Walk::resume(self.kind, self.run.cursor.clone());
        let mut next = walk.next(client).await?;
        report(self.run.counts, self.skipped);
        while let Some(page) = next.take() {
            let cursor = page.next.clone();
            let (following, written) = tokio::join!(walk.next(client), self.write(page));
            written?;
            // The cursor moves only past committed pages.
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
        let standings = self.writer.compare(&page.readings).await?;
        let seen = length(page.readings.len());
        self.skipped.unreadable += page.unreadable as u64;
        let (mut news, mut stood) = (Vec::new(), Vec::new());
        for (reading, standing) in page.readings.into_iter().zip(standings) {
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
    kind: Kind,
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
        skipped.log(client, kind);
    }
    let database = tables.pool().get().await?;
    runs::progress(&database, run).await?;
    Ok(ending.record(&database, RunKind::Backfill, (client, kind), run).await?)
}
