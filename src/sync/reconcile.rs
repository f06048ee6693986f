//! The provider's list against the table: what is missing, stale, gone, or deleted here and alive there.
//!
//! A list may be incomplete, so absence proves nothing: only the API's answer about one id deletes or restores a row.

mod gone;
mod pass;
mod schedule;

use std::fmt;

use jiff::Timestamp;

use super::ending::Ending;
use super::guard::Refusal;
use super::lease;
use super::readings;
use super::{Skipped, Tables};
use crate::api::{self, Client, Incomplete};
use crate::db::runs::{self, Counts, Run, RunKind, Scope, Silence};
use crate::model::Kind;
use pass::Pass;

pub use schedule::{Schedule, keep};

/// The limits of a reconcile.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The kind of the entities that it looks at.
    pub kind: Kind,
    /// Compares only.
    pub dry_run: bool,
    /// The number of deletions to allow beyond the guard's limit.
    pub allow_deletes: u64,
    /// Whether rows without a source belong to this source.
    pub sole: bool,
}

impl Default for Settings {
    /// Users, cautiously.
    fn default() -> Self {
        Self { kind: Kind::User, dry_run: false, allow_deletes: 0, sole: false }
    }
}

/// How an entity differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    Missing,
    Stale,
    /// Deleted here, alive there.
    Alive,
    /// Here, but not there.
    Gone,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Alive => "alive",
            Self::Gone => "gone",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub id: String,
    pub drift: Drift,
    /// When the provider made the change, if it says so.
    pub changed_at: Option<Timestamp>,
}

/// The differences, which are repaired unless this is a dry run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub counts: Counts,
    /// The first thousand.
    pub findings: Vec<Finding>,
    /// If there are any, the run is not whole.
    pub skipped: Skipped,
    /// Whether the provider has no such list, because a feature is switched off: nothing was done.
    pub is_off: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    #[error(transparent)]
    Lease(#[from] lease::Error),
    /// The reconcile deletes no entity.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// The reconcile writes nothing, or deletes no entity.
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

/// Looks at every entity of a source and a kind, once.
pub async fn reconcile(
    tables: &Tables,
    client: &Client,
    settings: Settings,
) -> Result<Report, Error> {
    if client.is_off(settings.kind).await {
        return Ok(Report { is_off: true, ..Report::default() });
    }
    let since = previous(tables, client, settings.kind).await?.of_any_kind;
    if settings.dry_run {
        return Pass::new(tables, client, settings, since).run(&mut |_| {}).await;
    }
    let work = Box::pin(leased(tables, client, settings, since));
    lease::holding(tables.pool(), &lease::of_runs(client.source()), work).await
}

async fn previous(tables: &Tables, client: &Client, entity: Kind) -> Result<runs::Previous, Error> {
    let database = tables.pool().get().await?;
    let scope = Scope { source: client.source(), entity };
    Ok(runs::previous(&database, RunKind::Reconcile, scope).await?)
}

async fn leased(
    tables: &Tables,
    client: &Client,
    settings: Settings,
    since: Option<Timestamp>,
) -> Result<Report, Error> {
    let entity = settings.kind;
    let database = tables.pool().get().await?;
    let mut run =
        runs::begin(&database, RunKind::Reconcile, Scope { source: client.source(), entity })
            .await?;
    drop(database);
    let pass = Pass::new(tables, client, settings, since).recorded(run.id);
    let result = pass.run(&mut |counts| run.counts = counts).await;

    let database = tables.pool().get().await?;
    runs::progress(&database, &run).await?;
    let ending = match &result {
        Ok(report) => Ending::whole(&report.skipped),
        Err(error @ Error::Refused(_)) => Ending::refused(error),
        Err(error @ (Error::Api(_) | Error::Incomplete(_))) => Ending::failed(error),
        Err(error @ (Error::Readings(_) | Error::Lease(_))) => Ending::interrupted(error),
    };
    ending.record(&database, RunKind::Reconcile, (client, entity), &run).await?;
    log(client, entity, &run);
    if let Ok(Report { skipped, .. }) = &result {
        skipped.log(client, entity);
    }
    result
}

/// Logs the result, and warns of repairs that no delivery had announced.
fn log(client: &Client, kind: Kind, Run { counts, .. }: &Run) {
    let source = client.source();
    if let Some(Silence { changes, since }) = counts.silence() {
        tracing::warn!(
            %source,
            changes,
            %since,
            "changes arrived by no webhook: is the endpoint enabled and subscribed to all user events?"
        );
    }
    let Counts { seen, missing, stale, restored, gone, .. } = counts;
    if counts.drift() > 0 {
        tracing::info!(%source, %kind, seen, missing, stale, restored, gone, "reconciled");
    } else {
        tracing::debug!(%source, %kind, seen, "reconciled: nothing to repair");
    }
}
