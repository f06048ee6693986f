//! Requests whose signature was refused: how many, and when the last one came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::RejectionLabels;
use super::names;
use crate::signature::Reason;

/// The rejections of one source for one reason since the process started.
#[derive(Debug)]
pub struct Rejected {
    pub reason: Reason,
    pub requests: u64,
    pub last_at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Rejections {
    requests: Family<RejectionLabels, Counter>,
    last: Mutex<HashMap<RejectionLabels, Timestamp>>,
}

impl Rejections {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests whose signature was refused, by reason";
        registry.register(names::REJECTIONS, help, self.requests.clone());
    }

    pub(super) fn count(&self, source: &Arc<str>, reason: Reason) {
        let labels = RejectionLabels { source: source.clone(), reason: reason.code() };
        self.requests.get_or_create(&labels).inc();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(labels, Timestamp::now());
    }

    /// The rejections in the order of the reasons; reasons without a rejection are left out.
    pub(super) fn of(&self, source: &Arc<str>) -> Vec<Rejected> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let rejected = |reason: Reason| {
            let labels = RejectionLabels { source: source.clone(), reason: reason.code() };
            let last_at = *last.get(&labels)?;
            let requests = self.requests.get(&labels)?.get();
            Some(Rejected { reason, requests, last_at })
        };
        Reason::ALL.into_iter().filter_map(rejected).collect()
    }
}
