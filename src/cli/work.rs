//! What commands that change the tables stand on: a current schema, a pool, writers of their own.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use super::open::Open;
use crate::config::{Bodies, Config};
use crate::db::migrations;
use crate::provider;
use crate::sync::{self, Sync, Writers};
use crate::webhook::Source;

pub(super) struct Work {
    pub(super) pool: Pool,
    pub(super) sync: Sync,
    writers: Writers,
}

impl Work {
    pub(super) async fn begin(config: &Config, open: &Open) -> Result<Self, Failure> {
        current_schema(open).await?;
        let pool = open.conninfo.pool(config.pool_size).map_err(Failure::of)?;
        let keep_bodies = config.journal_bodies == Bodies::All;
        let limits = sync::Limits::default();
        let (sync, writers) =
            sync::start(&open.conninfo, &pool, limits, keep_bodies, &Arc::default());
        Ok(Self { pool, sync, writers })
    }

    pub(super) async fn finish(self) {
        drop(self.sync);
        self.writers.finish().await;
    }
}

pub(super) async fn current_schema(open: &Open) -> Result<(), Failure> {
    let client = open.connect().await?;
    let pending = migrations::pending(&client).await.map_err(Failure::of)?;
    if pending.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = pending.iter().map(|migration| migration.name).collect();
    let names = names.join(", ");
    Err(Failure::Failed(format!(
        "migrations are pending ({names}): run `users-sync migrate` first"
    )))
}

/// The configured source of this name; else, without secrets, the provider of this name.
pub(super) fn source_named(sources: &[Source], name: &str) -> Option<Source> {
    let configured = sources.iter().find(|source| &*source.name == name).cloned();
    configured.or_else(|| {
        let provider = provider::find(name)?;
        Some(Source { name: Arc::from(name), provider, secrets: Vec::new() })
    })
}

/// On stderr, and only on a terminal.
pub(super) fn progress(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos} {msg} ({per_sec}, {elapsed})");
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
