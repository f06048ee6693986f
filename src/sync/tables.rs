//! The tables, for every task that writes to them: where they are, how they are written, and which tasks wait for a
//! commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use users_sync_conninfo::Conninfo;

use super::commits::Commits;
use super::naming::Naming;
use crate::db::session::Session;
use crate::metrics::Metrics;

/// Every clone refers to the same tables.
#[derive(Clone)]
pub struct Tables {
    conninfo: Conninfo,
    pool: Pool,
    pub(super) options: Arc<Options>,
    pub(super) commits: Commits,
}

/// How changes are written.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether every body is journaled, not only the quarantined ones.
    pub keep_bodies: bool,
    /// The channel that announces every change (`LISTEN`).
    pub channel: Option<Arc<str>>,
    /// Sources whose deliveries only say which user changed; their API gives the content.
    pub refetch: HashSet<Arc<str>>,
    /// Sources whose API can be asked.
    pub asked: HashSet<Arc<str>>,
    /// Sources that name their entities by external ids.
    pub naming: Naming,
    /// The metrics that record each commit.
    pub metrics: Arc<Metrics>,
}

impl Tables {
    pub fn new(conninfo: Conninfo, pool: Pool, options: Options) -> Self {
        Self { conninfo, pool, options: Arc::new(options), commits: Commits::default() }
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A writer's own connection; a batch that takes longer than `time_out` is abandoned.
    pub(super) fn session(&self, time_out: Duration) -> Session {
        let session = Session::new(self.conninfo.clone(), self.pool.clone(), time_out);
        session.announcing(self.options.channel.clone())
    }
}
