//! The one write path: deliveries come in through `accept`, answers of the providers' APIs through `Readings`.

pub mod adopt;
pub mod backfill;
pub mod batch;
mod commits;
mod ending;
pub mod guard;
mod lanes;
pub mod lease;
pub mod naming;
mod prune;
pub mod pull;
pub mod purge;
mod queue;
mod readings;
pub mod reconcile;
pub mod refetch;
mod rehearsal;
mod report;
pub mod remap;
pub mod replay;
mod tables;
pub mod users;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use crate::db::{journal, marks};
use crate::metrics::Metrics;
use crate::model::{Key, Outcome};
use crate::traces;
use crate::webhook::{Decoded, Delivery};
use lanes::Lanes;
use naming::Names;
use queue::{Job, Queue};
use writer::Writer;

pub use ending::Skipped;
pub use prune::{look_at_quarantine, prune};
pub use readings::Readings;
pub use tables::{Options, Tables};
pub use users::Users;

/// The limits of the queue and of its writers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The number of writers, each with its own connection.
    pub writers: usize,
    /// The greatest number of waiting deliveries.
    pub queue: usize,
    /// The greatest total size of their bodies, in bytes.
    pub queue_bytes: usize,
    /// The time limit of one commit: less than half of `patience`, so that a batch can be tried again on a fresh
    /// connection.
    pub commit: Duration,
    /// The time limit for another transaction's lock; after it the batch is split to find the delivery that waits.
    pub lock: Duration,
    /// How long a delivery waits for its commit before its sender gets a 503.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            writers: 2,
            queue: 4096,
            queue_bytes: 64 << 20,
            commit: Duration::from_secs(5),
            lock: Duration::from_millis(200),
            patience: Duration::from_secs(12),
        }
    }
}

/// Why a delivery has no outcome. The service cannot say that anything was written, so the sender must retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("the database is unavailable")]
    Database,
    #[error("too many deliveries are waiting")]
    QueueFull,
    #[error("the commit takes too long")]
    TooSlow,
}

impl Unavailable {
    /// A code for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::QueueFull => "queue_full",
            Self::TooSlow => "too_slow",
        }
    }
}

/// The entry to the queue. When it is dropped, the writers end as soon as the queue is empty.
pub struct Sync {
    queue: Arc<Queue>,
    lanes: Arc<Lanes>,
    bytes: Arc<Semaphore>,
    tables: Tables,
    patience: Duration,
}

impl Drop for Sync {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// How full the queue is.
pub struct QueueStatus {
    pub waiting: usize,
    pub capacity: usize,
    /// Deliveries that wait for a row which another transaction holds.
    pub held: usize,
}

impl Sync {
    pub fn queue(&self) -> QueueStatus {
        QueueStatus { held: self.lanes.waiting(), ..self.queue.status() }
    }

    /// Whether the last batch could not be written, for a reason that no delivery caused.
    pub fn is_failing(&self) -> bool {
        self.tables.commits.are_failing()
    }

    pub fn metrics(&self) -> &Metrics {
        &self.tables.options.metrics
    }
}

/// The writers' tasks.
pub struct Writers {
    of_queue: JoinSet<()>,
    of_lanes: JoinSet<()>,
    lanes: Arc<Lanes>,
}

impl Writers {
    /// Waits until everything accepted is written.
    pub async fn finish(self) {
        self.of_queue.join_all().await;
        self.lanes.close();
        self.of_lanes.join_all().await;
    }

    /// Waits for the first writer that ends; during operation no writer ends.
    pub async fn ended(&mut self) {
        tokio::select! {
            _ = self.of_queue.join_next() => {}
            _ = self.of_lanes.join_next() => {}
        }
    }
}

/// Starts the writers.
pub fn start(tables: Tables, limits: Limits) -> (Sync, Writers) {
    let queue = Arc::new(Queue::new(limits.queue));
    let lanes = Arc::new(Lanes::default());
    let (mut of_queue, mut of_lanes) = (JoinSet::new(), JoinSet::new());
    // Some connections stay free for the requests that read.
    let spare = tables.pool().status().max_size.saturating_sub(2).max(1);
    for _ in 0..limits.writers.min(spare) {
        let (queue, writer) = (queue.clone(), Writer::new(&tables, lanes.clone(), &limits));
        of_queue.spawn(async move { writer.run(&queue).await });
    }
    of_lanes.spawn(Writer::new(&tables, lanes.clone(), &limits).run_lanes());
    let bytes = Arc::new(Semaphore::new(limits.queue_bytes));
    let writers = Writers { of_queue, of_lanes, lanes: lanes.clone() };
    (Sync { queue, lanes, bytes, tables, patience: limits.patience }, writers)
}

/// Decodes a delivery and returns its outcome after the commit that holds it.
pub async fn accept(sync: &Sync, delivery: Delivery) -> Result<Outcome, Unavailable> {
    let made_at = match delivery.made_at() {
        Some(at) => at,
        None => first_received(sync, &delivery).await?,
    };
    let decoded = traces::decoding().in_scope(|| delivery.decode(made_at));
    let (source, waiting) = (decoded.source.clone(), traces::waiting());
    mark(sync, &decoded).await?;
    let written = write_named(sync, decoded).instrument(waiting.clone()).await;
    written.inspect_err(|unavailable| {
        traces::failed(&waiting);
        sync.metrics().unavailable(&source, unavailable.code());
    })
}

/// Marks what must be read from the provider's API after an event, if it can be asked: entities that the event only names, or
/// all of a kind. The mark precedes the journal entry so that it is not lost.
async fn mark(sync: &Sync, decoded: &Decoded) -> Result<(), Unavailable> {
    let all = decoded.rereads.map(|kind| Key::new(kind, ""));
    let keys: Vec<_> = all.into_iter().chain(decoded.named.iter().cloned()).collect();
    if keys.is_empty() || !sync.tables.options.asked.contains(&decoded.source) {
        return Ok(());
    }
    let marked = async {
        let client = sync.tables.pool().get().await.map_err(|error| crate::error_chain(&error))?;
        let marked = marks::add(&client, &decoded.source, &keys).await;
        marked.map_err(|error| crate::error_chain(&error))
    };
    match tokio::time::timeout(sync.patience, marked).await {
        Ok(Ok(())) => {
            sync.tables.commits.announce_marks();
            Ok(())
        }
        Ok(Err(error)) => {
            tracing::error!(error, "a mark could not be made; the sender will retry");
            Err(Unavailable::Database)
        }
        Err(_) => Err(Unavailable::TooSlow),
    }
}

/// A retry must not count as newer than the first attempt, so the journal is asked for the first receipt.
async fn first_received(sync: &Sync, delivery: &Delivery) -> Result<jiff::Timestamp, Unavailable> {
    let found = async {
        let client = sync.tables.pool().get().await.map_err(|error| crate::error_chain(&error))?;
        journal::first_received(&client, delivery.source(), delivery.id())
            .await
            .map_err(|error| crate::error_chain(&error))
    };
    match tokio::time::timeout(sync.patience, found).await {
        Ok(Ok(first)) => Ok(first.unwrap_or(delivery.received_at())),
        Ok(Err(error)) => {
            tracing::error!(error, "the journal could not be read; the sender will retry");
            Err(Unavailable::Database)
        }
        Err(_) => Err(Unavailable::TooSlow),
    }
}

/// Writes a delivery under the ids of the tables.
async fn write_named(sync: &Sync, decoded: Decoded) -> Result<Outcome, Unavailable> {
    let (naming, pool) = (&sync.tables.options.naming, sync.tables.pool());
    let Some(mut names) = Names::of(naming, &decoded.source, decoded.verdict.changes()) else {
        return write(sync, decoded).await;
    };
    in_time(sync, names.bind(pool)).await?;
    let outcome = write(sync, names.renamed_in(&decoded)).await?;
    // Each round follows its own write: another id may have been bound since the last one.
    while in_time(sync, names.are_outdated(pool)).await? {
        write(sync, names.renamed_in(&decoded)).await?;
    }
    Ok(outcome)
}

async fn in_time<T>(
    sync: &Sync,
    work: impl Future<Output = Result<T, readings::Error>>,
) -> Result<T, Unavailable> {
    let done = tokio::time::timeout(sync.patience, work).await;
    done.map_err(|_| Unavailable::TooSlow)?.map_err(|error| {
        let error = crate::error_chain(&error);
        tracing::error!(error, "the ids of a delivery cannot be read; the sender will retry");
        Unavailable::Database
    })
}

async fn write(sync: &Sync, decoded: Decoded) -> Result<Outcome, Unavailable> {
    let size = u32::try_from(decoded.body.len()).map_err(|_| Unavailable::QueueFull)?;
    let bytes =
        sync.bytes.clone().try_acquire_many_owned(size).map_err(|_| Unavailable::QueueFull)?;
    let (answer, outcome) = oneshot::channel();
    let job = Job { decoded, answer, span: Span::current(), _bytes: bytes };
    if !sync.queue.push(job) {
        return Err(Unavailable::QueueFull);
    }
    match tokio::time::timeout(sync.patience, outcome).await {
        Ok(answered) => answered.unwrap_or(Err(Unavailable::Database)),
        Err(_) => Err(Unavailable::TooSlow),
    }
}
