//! Reconciles on a schedule while the service runs, in one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Error, Settings, previous, reconcile};
use crate::api::Client;
use crate::sync::{Tables, lease};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub every: Duration,
}

/// Reconciles each source when its last run is old enough; never returns.
pub async fn keep(tables: Tables, clients: Vec<Arc<Client>>, schedule: Schedule) {
    let mut ticks = tokio::time::interval(schedule.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let sole = clients.len() == 1;
    loop {
        ticks.tick().await;
        for client in &clients {
            every_kind(&tables, client, sole, schedule).await;
        }
    }
}

/// Reconciles one kind after the other, until an error concerns all kinds.
async fn every_kind(tables: &Tables, client: &Client, sole: bool, schedule: Schedule) {
    for kind in client.kinds() {
        let settings = Settings { kind, sole, ..Settings::default() };
        let error = match turn(tables, client, settings, schedule).await {
            Ok(()) | Err(Error::Lease(lease::Error::Busy)) => continue,
            Err(error) => error,
        };
        let (source, cause) = (client.source(), crate::error_chain(&error));
        tracing::warn!(%source, %kind, error = cause, "not reconciled");
        if !error.is_of(kind) {
            return;
        }
    }
}

async fn turn(
    tables: &Tables,
    client: &Client,
    settings: Settings,
    Schedule { every }: Schedule,
) -> Result<(), Error> {
    // Another replica may have reconciled just now; its clock and pace differ slightly.
    let recently = SignedDuration::try_from(every.mul_f32(0.9)).unwrap_or(SignedDuration::MAX);
    let last = previous(tables, client, settings.kind).await?.of_this_kind;
    if last.is_some_and(|last| Timestamp::now().duration_since(last) < recently) {
        return Ok(());
    }
    reconcile(tables, client, settings).await.map(|_| ())
}
