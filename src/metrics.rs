//! What the service counts and measures, for Prometheus. Every label has few values, whatever a sender sends.

mod findings;
mod labels;
pub mod names;
mod reconciles;
mod rejections;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::model::{Change, Outcome};
use crate::provider::Provider;
use crate::signature::Rejection;
use findings::Findings;
use labels::{
    ChangeLabels, DeliveryLabels, ReasonLabels, RejectionLabels, RequestLabels, SecretLabels,
    SourceLabels, StateLabels,
};
use reconciles::Reconciles;
use rejections::Rejections;

pub use reconciles::Reconciled;
pub use rejections::Rejected;

/// Histograms that share their buckets.
#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// From one commit of a fast disk to the time-out of a sender.
const COMMIT: Buckets = Buckets(&[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0,
]);
/// From a healthy hook to the last retry of a sender, more than a day later.
const LAG: Buckets = Buckets(&[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 36000.0, 108_000.0,
]);
const SIZE: Buckets = Buckets(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);

type Lags = Family<SourceLabels, Histogram, Buckets>;

/// One registry and what is in it.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    deliveries: Family<DeliveryLabels, Counter>,
    changes: Family<ChangeLabels, Counter>,
    rejections: Rejections,
    secret_matches: Family<SecretLabels, Counter>,
    unavailable: Family<RejectionLabels, Counter>,
    unrouted: Family<ReasonLabels, Counter>,
    event_lag: Lags,
    receipt_lag: Lags,
    batch_size: Histogram,
    batch_commit: Histogram,
    queue: Gauge,
    queue_capacity: Gauge,
    pool: Family<StateLabels, Gauge>,
    pool_waiting: Gauge,
    database_up: Gauge,
    quarantined: Gauge,
    foreign: Family<SourceLabels, Counter>,
    held: Gauge,
    findings: Findings,
    reconciles: Reconciles,
}

impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buckets({})", self.0.len())
    }
}

/// What became of one delivery, and when.
pub struct Delivered<'a> {
    pub source: &'a Arc<str>,
    pub provider: &'static Provider,
    pub event_type: Option<&'a str>,
    pub outcome: Outcome,
    /// What it says of entities.
    pub changes: &'a [Change],
    pub received_at: Timestamp,
}

/// What is looked at when somebody asks.
pub struct Observed {
    pub queue: usize,
    /// Deliveries whose row another transaction holds.
    pub held: usize,
    pub queue_capacity: usize,
    pub pool_idle: usize,
    pub pool_busy: usize,
    pub pool_waiting: usize,
    /// `None` where the database did not answer.
    pub stored: Option<Arc<Stored>>,
}

/// What only the database knows.
pub struct Stored {
    pub quarantined: i64,
    /// How many there are of each subject.
    pub findings: Vec<(String, i64)>,
    /// One for each source.
    pub reconciled: Vec<Reconciled>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            deliveries: Family::default(),
            changes: Family::default(),
            rejections: Rejections::default(),
            secret_matches: Family::default(),
            unavailable: Family::default(),
            unrouted: Family::default(),
            event_lag: Family::new_with_constructor(LAG),
            receipt_lag: Family::new_with_constructor(COMMIT),
            batch_size: SIZE.new_metric(),
            batch_commit: COMMIT.new_metric(),
            queue: Gauge::default(),
            queue_capacity: Gauge::default(),
            pool: Family::default(),
            pool_waiting: Gauge::default(),
            database_up: Gauge::default(),
            quarantined: Gauge::default(),
            foreign: Family::default(),
            held: Gauge::default(),
            findings: Findings::default(),
            reconciles: Reconciles::default(),
        };
        metrics.register_service();
        metrics.register_deliveries();
        metrics.register_resources();
        metrics
    }
}

impl Metrics {
    fn register_service(&mut self) {
        let Self { registry, requests, .. } = self;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register(names::BUILD, "What runs", build);
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(Timestamp::now().as_duration().as_secs_f64());
        registry.register(names::STARTED, "When it started, in seconds since 1970", started);
        registry.register(names::REQUESTS, "Requests by route and status", requests.clone());
    }

    fn register_deliveries(&mut self) {
        let Self { registry, deliveries, rejections, secret_matches, unavailable, .. } = self;
        let help = "Changes that applied deliveries said, by source and the kind of the entity";
        registry.register(names::CHANGES, help, self.changes.clone());
        rejections.register(registry);
        let help = "Deliveries by source, event type and outcome, after their commit";
        registry.register(names::DELIVERIES, help, deliveries.clone());
        let help = "Verified requests by the place of the secret that matched, from 1";
        registry.register(names::SECRET_MATCHES, help, secret_matches.clone());
        let help = "Verified requests that were answered 503, by reason";
        registry.register(names::UNAVAILABLE, help, unavailable.clone());
        let help = "Deliveries about an entity that belongs to another source, by the source that sent them";
        registry.register(names::FOREIGN, help, self.foreign.clone());
        let help = "Requests that look signed and reach no endpoint, by what is missing";
        registry.register(names::UNROUTED, help, self.unrouted.clone());
        let help = "From the provider's change to our commit; of applied deliveries";
        registry.register(names::EVENT_LAG, help, self.event_lag.clone());
        let help = "From the arrival of the body to our commit";
        registry.register(names::RECEIPT_LAG, help, self.receipt_lag.clone());
    }

    fn register_resources(&mut self) {
        let Self { registry, batch_size, batch_commit, queue, queue_capacity, pool, .. } = self;
        registry.register(names::BATCH_SIZE, "Deliveries in one commit", batch_size.clone());
        registry.register(names::BATCH_COMMIT, "How long a commit took", batch_commit.clone());
        registry.register(names::QUEUE, "Deliveries that wait for a writer", queue.clone());
        let help = "Deliveries that wait for a row which another transaction holds";
        registry.register(names::HELD, help, self.held.clone());
        let help = "Deliveries that may wait";
        registry.register(names::QUEUE_CAPACITY, help, queue_capacity.clone());
        registry.register(names::POOL, "Connections to the database, by state", pool.clone());
        let help = "Tasks that wait for a connection";
        registry.register(names::POOL_WAITING, help, self.pool_waiting.clone());
        let help = "Whether the database answered this scrape";
        registry.register(names::DATABASE_UP, help, self.database_up.clone());
        let help = "Deliveries in quarantine";
        registry.register(names::QUARANTINED, help, self.quarantined.clone());
        self.findings.register(registry);
        self.reconciles.register(registry);
    }

    /// `route` is a pattern of the router, never a path.
    pub fn answered(&self, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }

    pub fn rejected(&self, source: &Arc<str>, rejection: &Rejection) {
        self.rejections.count(source, rejection.reason());
    }

    /// What was refused of a source, by reason.
    pub fn rejections(&self, source: &Arc<str>) -> Vec<Rejected> {
        self.rejections.of(source)
    }

    /// `place` counts from 0.
    pub fn secret_matched(&self, source: &Arc<str>, place: usize) {
        let labels = SecretLabels { source: source.clone(), place: place as u64 + 1 };
        self.secret_matches.get_or_create(&labels).inc();
    }

    pub fn unavailable(&self, source: &Arc<str>, reason: &'static str) {
        let labels = RejectionLabels { source: source.clone(), reason };
        self.unavailable.get_or_create(&labels).inc();
    }

    /// A delivery of `source` about an entity of another one.
    pub fn foreign(&self, source: &Arc<str>) {
        self.foreign.get_or_create(&SourceLabels { source: source.clone() }).inc();
    }

    pub fn unrouted(&self, reason: &'static str) {
        self.unrouted.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Called after the commit.
    pub fn delivered(&self, delivered: &Delivered<'_>) {
        let Delivered { source, provider, event_type, outcome, changes, received_at } = delivered;
        let source = Arc::clone(source);
        let event = provider.known_event(*event_type);
        let labels = DeliveryLabels { source: source.clone(), event, outcome: outcome.as_str() };
        self.deliveries.get_or_create(&labels).inc();

        if *outcome == Outcome::Applied {
            for kind in changes.iter().map(|change| change.key().kind.as_str()) {
                self.changes.get_or_create(&ChangeLabels { source: source.clone(), kind }).inc();
            }
        }
        let event_at = changes.first().map(Change::at);
        let labels = SourceLabels { source };
        self.receipt_lag.get_or_create(&labels).observe(since(*received_at));
        if let (Outcome::Applied, Some(event_at)) = (outcome, event_at) {
            self.event_lag.get_or_create(&labels).observe(since(event_at));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    pub fn committed(&self, deliveries: usize, took: Duration) {
        self.batch_size.observe(deliveries as f64);
        self.batch_commit.observe(took.as_secs_f64());
    }

    /// The text of everything, with what was observed for it.
    pub fn encode(&self, observed: &Observed) -> String {
        let &Observed { queue, held, queue_capacity, pool_idle, pool_busy, .. } = observed;
        let &Observed { pool_waiting, ref stored, .. } = observed;
        self.queue.set(gauge(queue));
        self.held.set(gauge(held));
        self.queue_capacity.set(gauge(queue_capacity));
        self.pool.get_or_create(&StateLabels { state: "idle" }).set(gauge(pool_idle));
        self.pool.get_or_create(&StateLabels { state: "busy" }).set(gauge(pool_busy));
        self.pool_waiting.set(gauge(pool_waiting));
        self.database_up.set(stored.is_some().into());
        if let Some(Stored { quarantined, findings, reconciled }) = stored.as_deref() {
            self.quarantined.set(*quarantined);
            self.findings.observe(findings);
            reconciled.iter().for_each(|reconciled| self.reconciles.observe(reconciled));
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("a string takes all that is written");
        out
    }
}

fn gauge(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Never below zero: clocks of two machines differ.
fn since(at: Timestamp) -> f64 {
    Timestamp::now().duration_since(at).as_secs_f64().max(0.0)
}
