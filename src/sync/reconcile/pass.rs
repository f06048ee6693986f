//! One pass over a provider's entities of one kind.

use jiff::{SignedDuration, Timestamp};

use super::{Drift, Error, Finding, Report, Settings};
use crate::api::{Client, Found, Page, Walk};
use crate::db::readings::{self, Standing};
use crate::db::runs::{self, Counts, Run};
use crate::law::too_early;
use crate::model::{Change, Key, Kind, Reading};
use crate::provider::api::Sought;
use crate::sync::backfill::length;
use crate::sync::guard::{self, Wanted};
use crate::sync::naming::asked;
use crate::sync::readings::Readings;
use crate::sync::{Skipped, Tables};

/// Most findings that a report names.
const NAMED: usize = 1000;
/// Rows that applications wait for, visited before all others.
const STUBS: i64 = 1000;
/// The limit of failed requests for single entities: if more fail, the API is at fault.
const MOST_UNANSWERED: u64 = 100;
/// A delivery that takes longer is no longer expected.
const ANNOUNCED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// The API's reading of one entity, how the row differs, and the row's version.
type News = (Reading, Option<(Drift, Option<Timestamp>)>);

pub(super) struct Pass<'a> {
    pub(super) client: &'a Client,
    pub(super) settings: Settings,
    pub(super) pool: &'a deadpool_postgres::Pool,
    pub(super) writer: Readings,
    pub(super) report: Report,
    /// The moment up to which every change is already repaired.
    since: Option<Timestamp>,
    /// The run that records the progress of the pass.
    run: Option<i64>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        tables: &'a Tables,
        client: &'a Client,
        settings: Settings,
        since: Option<Timestamp>,
    ) -> Self {
        let (writer, report) = (Readings::new(tables), Report::default());
        Self { client, settings, pool: tables.pool(), writer, report, since, run: None }
    }

    pub(super) fn recorded(self, run: i64) -> Self {
        Self { run: Some(run), ..self }
    }

    /// Visits stubs, the list, and the entities that the list lacks; `report` receives the counts even if the pass fails.
    pub(super) async fn run(mut self, report: &mut impl FnMut(Counts)) -> Result<Report, Error> {
        let result = self.visit().await;
        report(self.report.counts);
        result.map(|()| self.report)
    }

    async fn visit(&mut self) -> Result<(), Error> {
        let Settings { kind, sole, allow_deletes, dry_run } = self.settings;
        let wanted = Wanted { kind, sole, allow_deletes };
        let known = guard::known::<Error>(self.pool, self.client, wanted).await?;
        if !dry_run {
            self.stubs().await?;
        }
        let (client, mut walk) = (self.client, Walk::new(kind));
        let mut next = walk.next(client).await?;
        while let Some(page) = next.take() {
            let (following, repaired) = tokio::join!(walk.next(client), self.page(page));
            repaired?;
            next = following?;
        }
        // Single requests make sense only after a whole list.
        walk.finish(client, 0).await?;
        self.gone(&walk, known).await
    }

    async fn stubs(&mut self) -> Result<(), Error> {
        let stubs = {
            let database = self.pool.get().await?;
            readings::stubs(&database, self.settings.kind, STUBS).await?
        };
        let mut shown = Vec::new();
        for id in stubs {
            let sought = Sought::only(Key::new(self.settings.kind, &id));
            let own = self.asked(&sought).await?.unwrap_or(sought);
            match self.client.one(&own).await {
                Ok(Found::Shown { reading, .. }) => {
                    shown.push((reading, Some((Drift::Missing, None))));
                }
                Ok(Found::Missing(_)) => {}
                // The application chose the stub's id, which may be any text.
                Err(error) if error.is_about_one() => {
                    let error = crate::error_chain(&error);
                    let kind = self.settings.kind;
                    tracing::debug!(%kind, id, error, "a stub could not be asked for");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.write(shown).await
    }

    async fn page(&mut self, page: Page) -> Result<(), Error> {
        let standings = self.writer.compare(&page.readings).await?;
        self.report.counts.seen += length(page.readings.len());
        self.skip(|skipped| skipped.unreadable += page.unreadable as u64);
        let mut news = Vec::new();
        for (reading, standing) in page.readings.into_iter().zip(standings) {
            let (reading, difference) = match standing {
                Standing::Same | Standing::Purged => continue,
                Standing::Foreign => {
                    self.skip(|skipped| skipped.foreign += 1);
                    continue;
                }
                // A sign-in is not a change that a delivery announces.
                Standing::Touched => (reading, None),
                Standing::Missing => (reading, Some((Drift::Missing, None))),
                Standing::Stale(known) => (reading, Some((Drift::Stale, known))),
                Standing::Deleted(at)
                    if too_early(Some(at), page.fence, Timestamp::now()).is_some() =>
                {
                    continue;
                }
                Standing::Deleted(_) => match self.confirmed(reading).await? {
                    Some(reading) => (reading, Some((Drift::Alive, None))),
                    None => continue,
                },
            };
            news.push((reading, difference));
        }
        self.write(news).await?;
        self.record().await
    }

    /// Writes the readings, and counts the differences that are repaired now, or would be without the dry run.
    pub(super) async fn write(&mut self, news: Vec<News>) -> Result<(), Error> {
        let (readings, differences): (Vec<_>, Vec<_>) = news.into_iter().unzip();
        if !self.settings.dry_run {
            self.writer.accept(&readings).await?;
        }
        for (Reading { change, .. }, difference) in readings.iter().zip(differences) {
            if let Some((drift, known)) = difference
                && !self.writer.has_left_out(change.key())
            {
                self.note(change, drift, known);
            }
        }
        self.skip(|_| {});
        Ok(())
    }

    /// The next pass does not find a repaired entity, so the counts must survive if this pass is killed.
    async fn record(&self) -> Result<(), Error> {
        let Some(id) = self.run else { return Ok(()) };
        let database = self.pool.get().await?;
        runs::progress(&database, &Run { id, cursor: None, counts: self.report.counts }).await?;
        Ok(())
    }

    /// A list may be old; only an answer about this one entity lifts a tombstone.
    async fn confirmed(&mut self, listed: Reading) -> Result<Option<Reading>, Error> {
        let Some(record) = listed.change.record() else { return Ok(None) };
        match self.ask(&Sought::of(record)).await? {
            Some(Found::Shown { reading: Reading { source, change }, fence }) => {
                Ok(Some(Reading { source, change: change.fenced(Some(fence)) }))
            }
            Some(Found::Missing(_)) | None => Ok(None),
        }
    }

    /// The API's answer about one entity; `None` if the request failed, which must not hold up the others.
    pub(super) async fn ask(&mut self, sought: &Sought) -> Result<Option<Found>, Error> {
        let Some(own) = self.asked(sought).await? else {
            // The answer about another id would prove nothing.
            self.skip(|skipped| skipped.unanswered += 1);
            return Ok(None);
        };
        match self.client.one(&own).await {
            Ok(found) => Ok(Some(found)),
            Err(error)
                if error.is_about_one() && self.report.skipped.unanswered < MOST_UNANSWERED =>
            {
                let error = crate::error_chain(&error);
                let Key { kind, id } = &sought.key;
                tracing::warn!(%kind, id, error, "an entity could not be asked for");
                self.skip(|skipped| skipped.unanswered += 1);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn asked(&self, sought: &Sought) -> Result<Option<Sought>, Error> {
        let database = self.pool.get().await?;
        Ok(asked(&database, self.client, sought).await?)
    }

    /// Counts entities that are left as they are.
    pub(super) fn skip(&mut self, count: impl FnOnce(&mut Skipped)) {
        let Report { skipped, counts, .. } = &mut self.report;
        count(skipped);
        skipped.refused = self.writer.refused();
        counts.unreadable = skipped.counted();
    }

    /// Counts and names a difference; `known` is the version that a delivery had brought.
    fn note(&mut self, change: &Change, drift: Drift, known: Option<Timestamp>) {
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
            let Key { kind, id } = change.key().clone();
            self.report.findings.push(Finding { kind, id, drift, changed_at });
        }
    }

    /// When the provider made the change, if that is known.
    fn changed_at(&self, change: &Change, drift: Drift) -> Option<Timestamp> {
        let Change::Snapshot { version, record, .. } = change else { return None };
        match drift {
            Drift::Missing if !self.client.versioned() => record.created_at,
            _ if self.client.versioned() => Some(version.at),
            _ => None,
        }
    }

    /// Made after the last pass had repaired everything, and long enough ago for a delivery to have come.
    fn is_unannounced(&self, at: Timestamp) -> bool {
        // An endpoint may be subscribed to the events of users alone.
        self.settings.kind == Kind::User
            && self.since.is_some_and(|since| at > since)
            && at < Timestamp::now() - ANNOUNCED_WITHIN
    }
}
