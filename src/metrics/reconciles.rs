//! The repairs of all reconciles of every process, as the database holds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{RepairLabels, SourceLabels};
use super::names;

/// The repairs of one source, since the first run.
pub struct Reconciled {
    pub source: Arc<str>,
    pub missing: i64,
    pub stale: i64,
    pub restored: i64,
    pub gone: i64,
    /// The current silent changes: a gauge, because a later reconcile that finds none clears it.
    pub unannounced: i64,
    pub last_success: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct Reconciles {
    repairs: Family<RepairLabels, Counter>,
    unannounced: Family<SourceLabels, Gauge>,
    last_success: Family<SourceLabels, Gauge<f64, AtomicU64>>,
}

impl Reconciles {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "What all reconciles repaired, by kind; the same from every replica";
        registry.register(names::REPAIRS, help, self.repairs.clone());
        let help = "Changes that came by no webhook, while that finding stands";
        registry.register(names::UNANNOUNCED, help, self.unannounced.clone());
        let help = "When the last whole reconcile ended, in seconds since 1970";
        registry.register(names::LAST_RECONCILE, help, self.last_success.clone());
    }

    pub(super) fn observe(&self, reconciled: &Reconciled) {
        let Reconciled { source, missing, stale, restored, gone, unannounced, last_success } =
            reconciled;
        let kinds =
            [("missing", missing), ("stale", stale), ("restored", restored), ("gone", gone)];
        for (kind, total) in kinds {
            let labels = RepairLabels { source: source.clone(), kind };
            // Two concurrent scrapes may finish in the other order, but a counter must never fall.
            let total = u64::try_from(*total).unwrap_or_default();
            self.repairs.get_or_create(&labels).inner().fetch_max(total, Ordering::Relaxed);
        }
        let labels = SourceLabels { source: source.clone() };
        self.unannounced.get_or_create(&labels).set(*unannounced);
        if let Some(at) = last_success {
            self.last_success.get_or_create(&labels).set(at.as_duration().as_secs_f64());
        }
    }
}
