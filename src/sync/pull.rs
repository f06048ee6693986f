//! Pulls the events of a provider's log, as if they were delivered: one replica at a time.
//!
//! The cursor moves after the commits of the events that it covers. After a crash between the two, the events come once more,
//! and the law makes them duplicates.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::reconcile::{self, reconcile};
use super::{Sync, Tables, Unavailable, accept, lease, readings};
use crate::api::{self, Client, Events, Logged};
use crate::db::{findings, logs};
use crate::model::Subject;
use crate::provider::log::Log;
use crate::webhook::Source;

/// One log to pull.
#[derive(Clone)]
pub struct Pull {
    pub client: Arc<Client>,
    /// The pause after the last event.
    pub every: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    #[error(transparent)]
    Lease(#[from] lease::Error),
    #[error("what the log has lost could not be read from the lists")]
    Reconcile(#[from] reconcile::Error),
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

/// Pulls the log again and again; never returns.
pub async fn keep(sync: Arc<Sync>, pull: Pull) {
    let source = pull.client.source().clone();
    loop {
        match turn(&sync, &pull.client).await {
            Ok(_) | Err(Error::Lease(lease::Error::Busy)) => {}
            Err(error) => {
                let error = crate::error_chain(&error);
                tracing::warn!(%source, error, "the event log could not be read; it is tried again");
            }
        }
        tokio::time::sleep(pull.every).await;
    }
}

/// Reads the log to its end, and returns how many events it had.
pub async fn turn(sync: &Sync, client: &Client) -> Result<usize, Error> {
    let Some(log) = client.log() else { return Ok(0) };
    let name = format!("log {}", client.source());
    let work = Box::pin(to_the_end(sync, client, log));
    lease::holding(sync.tables.pool(), &name, work).await
}

async fn to_the_end(sync: &Sync, client: &Client, log: &Log) -> Result<usize, Error> {
    let database = sync.tables.pool().get().await?;
    let mut cursor = logs::cursor(&database, client.source()).await?;
    drop(database);
    let mut count = 0;
    loop {
        let Logged { events, cursor: next } = match client.events(log, cursor.as_deref()).await? {
            Events::Logged(logged) => logged,
            Events::Lost => {
                start_again(&sync.tables, client).await?;
                cursor = None;
                continue;
            }
        };
        let Some(next) = next.filter(|next| cursor.as_ref() != Some(next)) else {
            return Ok(count);
        };
        count += events.len();
        deliver(sync, client, events).await?;
        let database = sync.tables.pool().get().await?;
        logs::move_to(&database, client.source(), &next).await?;
        cursor = Some(next);
    }
}

/// Writes the events together; returns after the commit of the last one.
async fn deliver(sync: &Sync, client: &Client, events: Vec<bytes::Bytes>) -> Result<(), Error> {
    let source = Source::new(client.source(), client.provider(), Vec::new());
    let source = Source { rules: client.shared_rules(), ..source };
    let now = Timestamp::now();
    let accepted = events.into_iter().map(|event| accept(sync, source.logged(event, now)));
    for outcome in join_all(accepted).await {
        outcome?;
    }
    Ok(())
}

/// Events are missed for ever, so the lists must say what changed meanwhile. The finding stays until they have.
async fn start_again(tables: &Tables, client: &Client) -> Result<(), Error> {
    let source = client.source();
    let database = tables.pool().get().await?;
    let detail = "The provider's event log no longer reaches back to where users-sync stopped reading. A reconcile repairs what was missed; deletions show only where the lists prove them.";
    findings::set(&**database, Subject::Log, source, detail).await?;
    tracing::warn!(%source, "the event log has lost its place: a reconcile repairs what was missed");
    drop(database);
    for kind in client.kinds() {
        let settings = reconcile::Settings { kind, ..reconcile::Settings::default() };
        reconcile(tables, client, settings).await?;
    }
    let database = tables.pool().get().await?;
    logs::forget(&database, source).await?;
    findings::clear(&**database, Subject::Log, source).await?;
    Ok(())
}
