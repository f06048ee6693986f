//! Writes the readings of the providers' APIs according to the law.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::commits::Commits;
use super::naming::Names;
use super::{Options, Tables};
use crate::db::apply::Changed;
use crate::db::fault::Fault;
use crate::db::readings::{self, Shown, Standing};
use crate::db::session::{ApplyError, Session};
use crate::law;
use crate::model::{Change, Key, Kind, Reading};

/// The limit of readings in one statement, so that webhooks do not wait longer.
const BATCH: usize = 256;

/// The time-out of one commit.
const COMMIT: Duration = Duration::from_secs(30);
/// The time-out for a lock of another transaction, because webhooks wait for the rows of the batch meanwhile.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// A writer of readings, with its own connection besides those of the webhooks.
pub struct Readings {
    session: Session,
    commits: Commits,
    pool: deadpool_postgres::Pool,
    options: Arc<Options>,
    /// The number of readings that Postgres refused so far, and the entities of the last refusal.
    refused: u64,
    left_out: HashSet<Key>,
}

/// Why readings were not written. Earlier commits stay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no connection to the database")]
    Connect(#[from] deadpool_postgres::PoolError),
    #[error("the tables cannot be read")]
    Read(#[from] tokio_postgres::Error),
    #[error("the rows were not written")]
    Write(#[from] ApplyError),
}

impl Readings {
    pub fn new(tables: &Tables) -> Self {
        Self {
            session: tables.session(COMMIT),
            commits: tables.commits.clone(),
            pool: tables.pool().clone(),
            options: tables.options.clone(),
            refused: 0,
            left_out: HashSet::new(),
        }
    }

    /// The standing of each snapshot; a deletion counts as [`Standing::Same`].
    pub async fn compare(&self, readings: &[Reading]) -> Result<Vec<Standing>, Error> {
        if let Some(mut names) = self.names(readings) {
            names.read(&*self.pool.get().await?).await?;
            return self.compare_named(&renamed(&names, readings)).await;
        }
        self.compare_named(readings).await
    }

    async fn compare_named(&self, readings: &[Reading]) -> Result<Vec<Standing>, Error> {
        let mut standings = vec![Standing::Same; readings.len()];
        for kind in Kind::ALL {
            self.compare_all(kind, readings, &mut standings).await?;
        }
        Ok(standings)
    }

    async fn compare_all(
        &self,
        kind: Kind,
        readings: &[Reading],
        standings: &mut [Standing],
    ) -> Result<(), Error> {
        let snapshots = readings.iter().enumerate().filter_map(|(place, reading)| {
            let Change::Snapshot { version, record, .. } = &reading.change else { return None };
            let shown = Shown { source: &reading.source, version, record };
            (record.kind() == kind).then_some((place, shown))
        });
        let (places, shown): (Vec<_>, Vec<_>) = snapshots.unzip();
        if shown.is_empty() {
            return Ok(());
        }
        let client = self.pool.get().await?;
        let found = readings::compare(&client, kind, &shown).await?;
        for (place, standing) in places.into_iter().zip(found) {
            standings[place] = standing;
        }
        Ok(())
    }

    /// The number of readings that Postgres refused so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Whether the last call left this entity out.
    pub fn has_left_out(&self, key: &Key) -> bool {
        self.left_out.contains(key)
    }

    /// The names in the snapshots of one source, if it names its entities by external ids. A deletion names its entity as
    /// the tables do.
    fn names(&self, readings: &[Reading]) -> Option<Names> {
        let snapshots = readings.iter().filter(|reading| !reading.change.is_deletion());
        let source = &readings.first()?.source;
        Names::of(&self.options.naming, source, snapshots.map(|reading| &reading.change))
    }

    /// Writes readings of one source, and returns what changed. One that Postgres refuses is left out, and logged.
    pub async fn accept(&mut self, readings: &[Reading]) -> Result<Vec<Changed>, Error> {
        let Some(mut names) = self.names(readings) else {
            return self.accept_named(readings).await;
        };
        names.bind(&self.pool).await?;
        let mut changed = self.accept_named(&renamed(&names, readings)).await?;
        while names.are_outdated(&self.pool).await? {
            changed.extend(self.accept_named(&renamed(&names, readings)).await?);
        }
        Ok(changed)
    }

    async fn accept_named(&mut self, readings: &[Reading]) -> Result<Vec<Changed>, Error> {
        let mut parts: Vec<_> = readings.chunks(BATCH).rev().collect();
        let mut changed = Vec::new();
        self.left_out.clear();
        while let Some(part) = parts.pop() {
            let said = part.iter().map(|Reading { source, change }| (&**source, change));
            let claims = law::fold(said);
            match self.session.apply(&claims, &[], LOCK_WAIT).await {
                Ok(applied) => {
                    self.commits.announce(&claims);
                    changed.extend(applied.changed);
                }
                Err(ApplyError::Refused(refusal))
                    if matches!(refusal.fault, Fault::Server | Fault::Slow) =>
                {
                    return Err(ApplyError::Refused(refusal).into());
                }
                Err(ApplyError::Refused(_)) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(error @ ApplyError::Refused(_)) => {
                    let (key, error) = (part[0].change.key(), crate::error_chain(&error));
                    let Key { kind, id } = key;
                    tracing::warn!(%kind, id, error, "an entity in a list is left out");
                    self.refused += 1;
                    self.left_out.insert(key.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(changed)
    }

    /// Like [`Self::accept`], but skips readings that the tables already hold.
    pub async fn accept_news(&mut self, readings: Vec<Reading>) -> Result<Vec<Changed>, Error> {
        let standings = self.compare(&readings).await?;
        let news: Vec<_> = readings
            .into_iter()
            .zip(standings)
            .filter(|(reading, standing)| {
                let differs =
                    matches!(standing, Standing::Missing | Standing::Stale(_) | Standing::Touched);
                differs
                    || match (&reading.change, standing) {
                        (Change::Deleted { .. }, _) => true,
                        // The law decides whether the answer lifts the tombstone.
                        (Change::Snapshot { fence, .. }, Standing::Deleted(_)) => fence.is_some(),
                        (Change::Snapshot { .. }, _) => false,
                    }
            })
            .map(|(reading, _)| reading)
            .collect();
        self.accept(&news).await
    }
}

fn renamed(names: &Names, readings: &[Reading]) -> Vec<Reading> {
    let renamed = |Reading { source, change }: &Reading| {
        let change = match change {
            Change::Snapshot { .. } => names.renamed(change.clone()),
            Change::Deleted { .. } => change.clone(),
        };
        Reading { source: source.clone(), change }
    };
    readings.iter().map(renamed).collect()
}
