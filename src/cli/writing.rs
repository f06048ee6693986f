//! The basis of commands that replay deliveries: a current schema, and their own writers.

use deadpool_postgres::Pool;

use super::Failure;
use super::open::Open;
use super::work::{current_schema, tables};
use crate::config::Config;
use crate::sync::{self, Sync, Tables, Writers};
use crate::webhook::Source;

pub(super) struct Writing {
    pub(super) pool: Pool,
    pub(super) tables: Tables,
    pub(super) sync: Sync,
    writers: Writers,
}

impl Writing {
    pub(super) async fn begin(config: &Config, open: &Open) -> Result<Self, Failure> {
        current_schema(open).await?;
        let tables = tables(config, open)?;
        let pool = tables.pool().clone();
        let (sync, writers) = sync::start(tables.clone(), sync::Limits::default());
        Ok(Self { pool, tables, sync, writers })
    }

    pub(super) async fn finish(self) {
        drop(self.sync);
        self.writers.finish().await;
    }
}

/// The configured source of this name; else, without secrets, the provider of this name.
pub(super) fn source_named(sources: &[Source], name: &str) -> Option<Source> {
    let configured = sources.iter().find(|source| &*source.name == name).cloned();
    configured.or_else(|| Source::unconfigured(name))
}
