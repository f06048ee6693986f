//! Replaying: deliveries of the journal, or of a file, go through `accept` again. By the law, a replay cannot make
//! the tables worse.

use std::collections::BTreeMap;

use deadpool_postgres::{Pool, PoolError};
use futures_util::future::join_all;
use tokio_postgres::Error as PgError;

use super::rehearsal::rehearse;
use super::{Sync, Tables, Unavailable, accept};
use crate::db::journal;
use crate::db::journal::search::{self, Filter, Recalled};
use crate::webhook::{Delivery, Source};

/// Deliveries in flight: enough for a batch, few enough for their bodies to fit in memory.
const AT_ONCE: i64 = 64;

/// The outcomes of a replay.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The journal did not keep their bytes.
    pub without_body: u64,
    /// Their source is neither configured nor a provider's name, so they cannot be read.
    pub without_source: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("no connection to the database")]
    Connect(#[from] PoolError),
    #[error("the database did not answer")]
    Database(#[from] PgError),
    #[error("a delivery was not written")]
    Unavailable(#[from] Unavailable),
}

/// What to do with a delivery.
#[derive(Clone, Copy)]
pub enum Doing<'a> {
    Write(&'a Sync),
    /// Only determine the outcome.
    Rehearse(&'a Tables),
}

/// Replays every delivery of the journal that matches the filter, oldest first; calls `progress` after each page.
pub async fn replay(
    pool: &Pool,
    doing: Doing<'_>,
    filter: &Filter,
    source: impl Fn(&str) -> Option<Source>,
    mut progress: impl FnMut(&Replayed),
) -> Result<Replayed, ReplayError> {
    let mut replayed = Replayed::default();
    let mut after = None;
    loop {
        // Releases the connection before the writers need it.
        let page = {
            let client = pool.get().await?;
            search::recall(&client, filter, after.as_ref(), AT_ONCE).await?
        };
        let mut deliveries = Vec::new();
        for recalled in page.found {
            match delivery(recalled, &source) {
                Ok(delivery) => deliveries.push(delivery),
                Err(NotReplayable::Body) => replayed.without_body += 1,
                Err(NotReplayable::Source) => replayed.without_source += 1,
            }
        }
        replayed.add(all(doing, deliveries).await?);
        progress(&replayed);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(replayed),
        }
    }
}

/// Deliveries that one statement discards.
const DISCARDED_AT_ONCE: i64 = 500;

/// Discards the quarantined deliveries that match the filter; counts them as `discarded`.
pub async fn discard(
    pool: &Pool,
    filter: &Filter,
    dry_run: bool,
    mut progress: impl FnMut(&Replayed),
) -> Result<Replayed, ReplayError> {
    let client = pool.get().await?;
    let mut discarded = Replayed::default();
    let mut after = None;
    loop {
        let page = search::page(&client, filter, after.as_ref(), DISCARDED_AT_ONCE).await?;
        let found: Vec<_> = page
            .found
            .iter()
            .map(|record| (record.source.as_str(), record.delivery_id.as_str()))
            .collect();
        let count =
            if dry_run { found.len() as u64 } else { journal::discard(&client, &found).await? };
        *discarded.outcomes.entry("discarded").or_default() += count;
        progress(&discarded);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(discarded),
        }
    }
}

/// Why a row of the journal cannot become a delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReplayable {
    /// The journal did not keep its body.
    Body,
    /// Its source is not configured.
    Source,
}

/// The delivery that a row of the journal records.
pub fn delivery(
    recalled: Recalled,
    source: &impl Fn(&str) -> Option<Source>,
) -> Result<Delivery, NotReplayable> {
    let Recalled { source: name, id, received_at, body } = recalled;
    let source = source(&name).ok_or(NotReplayable::Source)?;
    Ok(source.recall(id, received_at, body.ok_or(NotReplayable::Body)?))
}

/// All at once, so that they share commits.
pub async fn all(doing: Doing<'_>, deliveries: Vec<Delivery>) -> Result<Replayed, ReplayError> {
    let outcomes = match doing {
        Doing::Write(sync) => {
            let written = deliveries.into_iter().map(|delivery| accept(sync, delivery));
            join_all(written).await.into_iter().collect::<Result<Vec<_>, _>>()?
        }
        Doing::Rehearse(tables) => {
            let mut client = tables.pool().get().await?;
            rehearse(&mut client, &tables.options.naming, deliveries).await?
        }
    };
    let mut replayed = Replayed::default();
    for outcome in outcomes {
        *replayed.outcomes.entry(outcome.as_str()).or_default() += 1;
    }
    Ok(replayed)
}

impl Replayed {
    pub fn add(&mut self, other: Self) {
        let Self { outcomes, without_body, without_source } = other;
        for (word, count) in outcomes {
            *self.outcomes.entry(word).or_default() += count;
        }
        self.without_body += without_body;
        self.without_source += without_source;
    }

    pub fn total(&self) -> u64 {
        self.outcomes.values().sum::<u64>() + self.without_body + self.without_source
    }
}
