//! One pass over a provider's users.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use jiff::{SignedDuration, Timestamp};

use super::{Drift, Error, Finding, Report, Settings};
use crate::api::{Client, Found, Page, Walk};
use crate::db::readings::{self, Standing};
use crate::db::runs::{self, Counts, Run};
use crate::model::{Change, Reading};
use crate::sync::Tables;
use crate::sync::backfill::length;
use crate::sync::readings::Readings;
use crate::sync::settling::too_early;

/// Most findings that a report names.
const NAMED: usize = 1000;
/// Rows that applications wait for, visited before all others.
const STUBS: i64 = 1000;
/// A delivery that takes longer is no longer expected.
const ANNOUNCED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

pub(super) struct Pass<'a> {
    pub(super) client: &'a Client,
    pub(super) settings: Settings,
    pub(super) pool: &'a deadpool_postgres::Pool,
    pub(super) writer: Readings,
    pub(super) report: Report,
    pub(super) listed: Listed,
    /// Until when everything is known to have been repaired.
    since: Option<Timestamp>,
    /// Where it is told how far the pass came.
    run: Option<i64>,
}

/// Ids that the list had, as hashes: a few bytes for each user. Two that meet hide a user that is gone, until the next pass
/// hashes otherwise.
#[derive(Default)]
pub(super) struct Listed {
    hashes: HashSet<u64>,
    state: RandomState,
}

impl Listed {
    fn add(&mut self, id: &str) {
        self.hashes.insert(self.state.hash_one(id));
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.hashes.contains(&self.state.hash_one(id))
    }
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        tables: &'a Tables,
        client: &'a Client,
        settings: Settings,
        since: Option<Timestamp>,
    ) -> Self {
        let (writer, report, listed) =
            (Readings::new(tables), Report::default(), Listed::default());
        Self { client, settings, pool: tables.pool(), writer, report, listed, since, run: None }
    }

    pub(super) fn recorded(self, run: i64) -> Self {
        Self { run: Some(run), ..self }
    }

    /// Stubs, then the list, then what the list does not have; `told` learns the counts, whatever becomes of the pass.
    pub(super) async fn run(mut self, told: &mut impl FnMut(Counts)) -> Result<Report, Error> {
        let result = self.visit().await;
        told(self.report.counts);
        result.map(|()| self.report)
    }

    async fn visit(&mut self) -> Result<(), Error> {
        if !self.settings.dry_run {
            self.stubs().await?;
        }
        let (client, mut walk) = (self.client, Walk::default());
        let mut next = walk.next(client).await?;
        while let Some(page) = next.take() {
            let (following, repaired) = tokio::join!(walk.next(client), self.page(page));
            repaired?;
            next = following?;
        }
        self.gone().await
    }

    async fn stubs(&mut self) -> Result<(), Error> {
        let stubs = {
            let database = self.pool.get().await?;
            readings::stubs(&database, STUBS).await?
        };
        let mut shown = Vec::new();
        for id in stubs {
            if let Found::Shown { reading, .. } = self.client.user(&id).await? {
                self.note(&reading.change, Drift::Missing, None);
                shown.push(reading);
            }
        }
        self.writer.accept(&shown).await?;
        Ok(())
    }

    async fn page(&mut self, page: Page) -> Result<(), Error> {
        let standings = self.writer.compare(&page.users).await?;
        self.report.counts.seen += length(page.users.len());
        self.report.counts.unreadable += length(page.unreadable);
        let mut news = Vec::new();
        for (reading, standing) in page.users.into_iter().zip(standings) {
            self.listed.add(reading.change.entity_id());
            let reading = match standing {
                Standing::Same | Standing::Purged => continue,
                Standing::Missing => self.noted(reading, Drift::Missing, None),
                Standing::Stale(known) => self.noted(reading, Drift::Stale, known),
                Standing::Deleted(at) if too_early(Some(at), page.fence).is_some() => continue,
                Standing::Deleted(_) => match self.confirmed(reading).await? {
                    Some(reading) => self.noted(reading, Drift::Alive, None),
                    None => continue,
                },
            };
            news.push(reading);
        }
        if !self.settings.dry_run {
            self.writer.accept(&news).await?;
        }
        self.record().await
    }

    /// What was repaired is not found again, so a pass that is killed must have told it.
    async fn record(&self) -> Result<(), Error> {
        let Some(id) = self.run else { return Ok(()) };
        let database = self.pool.get().await?;
        runs::progress(&database, &Run { id, cursor: None, counts: self.report.counts }).await?;
        Ok(())
    }

    /// A list may be old; what lifts a tombstone is the answer to the question for this one user.
    async fn confirmed(&self, listed: Reading) -> Result<Option<Reading>, Error> {
        match self.client.user(listed.change.entity_id()).await? {
            Found::Missing(_) => Ok(None),
            Found::Shown { reading, fence } => Ok(Some(Reading { fence: Some(fence), ..reading })),
        }
    }

    fn noted(&mut self, reading: Reading, drift: Drift, known: Option<Timestamp>) -> Reading {
        self.note(&reading.change, drift, known);
        reading
    }

    /// Counts and names what differs; `known` is the version that a delivery had brought.
    pub(super) fn note(&mut self, change: &Change, drift: Drift, known: Option<Timestamp>) {
        let changed_at = self.changed_at(change, drift);
        let counts = &mut self.report.counts;
        *match drift {
            Drift::Missing => &mut counts.missing,
            Drift::Stale => &mut counts.stale,
            Drift::Alive => &mut counts.restored,
            Drift::Gone => &mut counts.gone,
        } += 1;
        // Of the same version only the provider's words differ: the change itself was announced.
        let news = changed_at.filter(|at| known.is_none_or(|known| known < *at));
        if let Some(at) = news.filter(|at| self.is_unannounced(*at)) {
            let counts = &mut self.report.counts;
            counts.unannounced += 1;
            counts.unannounced_since =
                Some(counts.unannounced_since.map_or(at, |since| since.min(at)));
        }
        if self.report.findings.len() < NAMED {
            let id = change.entity_id().to_owned();
            self.report.findings.push(Finding { id, drift, changed_at });
        }
    }

    /// When the provider made the change, where it can be known.
    fn changed_at(&self, change: &Change, drift: Drift) -> Option<Timestamp> {
        let Change::Snapshot { version, user } = change else { return None };
        match drift {
            Drift::Missing if !self.client.versioned() => user.created_at,
            _ if self.client.versioned() => Some(version.at),
            _ => None,
        }
    }

    /// Made after the last pass had repaired everything, and long enough ago for a delivery to have come.
    fn is_unannounced(&self, at: Timestamp) -> bool {
        self.since.is_some_and(|since| at > since) && at < Timestamp::now() - ANNOUNCED_WITHIN
    }
}
