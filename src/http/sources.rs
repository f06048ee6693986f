//! The known sources: those that send deliveries, and those with only an API.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::{Client, Error};

use super::App;
use crate::db::runs::{self, Recorded, RunKind, Silence};
use crate::db::status;
use crate::model::Kind;
use crate::provider::{self, Provider};
use crate::webhook::Source;

pub(super) struct Known {
    pub(super) name: Arc<str>,
    pub(super) provider: &'static Provider,
    /// `None` if no deliveries are received.
    pub(super) secrets: usize,
}

/// In the order of their providers, then of their names.
pub(super) fn known(app: &App) -> Vec<Known> {
    let sends = app.sources.values().map(|source| Known {
        name: source.name.clone(),
        provider: source.provider,
        secrets: source.secrets.len(),
    });
    let clients = app.users.clients().iter();
    let is_only_asked = clients.filter(|client| !app.sources.contains_key(&**client.source()));
    let is_only_asked = is_only_asked.map(|client| Known {
        name: client.source().clone(),
        provider: client.provider(),
        secrets: 0,
    });
    let mut known: Vec<_> = sends.chain(is_only_asked).collect();
    let place = |provider: &Provider| {
        provider::ALL.into_iter().position(|known| known.name == provider.name)
    };
    known.sort_by_key(|source| (place(source.provider), source.name.clone()));
    known
}

/// The status of a source.
pub(super) struct Standing {
    pub(super) known: Known,
    pub(super) last_delivery_at: Option<Timestamp>,
    pub(super) last_backfill: Option<Recorded>,
    pub(super) last_reconcile: Option<Recorded>,
    /// Until a reconcile finds no changes that came by no webhook.
    pub(super) silence: Option<Silence>,
}

/// In the same order.
pub(super) async fn standings(app: &App, client: &Client) -> Result<Vec<Standing>, Error> {
    let known = known(app);
    let names = names(&known);
    let (last, runs, silences) = tokio::try_join!(
        status::last_deliveries(client, &names),
        runs::last(client, &names, Kind::User),
        runs::silences(client, &names, Kind::User),
    )?;
    let standing = |(known, last_delivery_at): (Known, _)| {
        let last = |kind: RunKind| {
            let is_it = |run: &&Recorded| *run.source == *known.name && run.kind == kind.as_str();
            runs.iter().find(is_it).cloned()
        };
        let silence = silences.iter().find(|run| *run.source == *known.name);
        Standing {
            last_delivery_at,
            last_backfill: last(RunKind::Backfill),
            last_reconcile: last(RunKind::Reconcile),
            silence: silence.and_then(|run| run.counts.silence()),
            known,
        }
    };
    Ok(known.into_iter().zip(last).map(standing).collect())
}

/// The source that decodes deliveries of this name.
pub(super) fn named(app: &App, name: &str) -> Option<Source> {
    app.sources.get(name).cloned().or_else(|| Source::unconfigured(name))
}

pub(super) fn names(known: &[Known]) -> Vec<&str> {
    known.iter().map(|source| &*source.name).collect()
}
